//! Data sets that are made, turned into another encoding, or inflated.

use super::samples::{big_sample, sample, scan, undefined_sample};
use wire::dataset::{Draft, Edit, Inflater, Recoder, Tag, VR};
use wire::error::Error;
use wire::syntax::{EXPLICIT_BIG, EXPLICIT_LITTLE, Encoding, IMPLICIT_LITTLE, TransferSyntax};

const ENCODINGS: [(Encoding, &str); 3] = [
    (Encoding::ImplicitLittle, IMPLICIT_LITTLE),
    (Encoding::ExplicitLittle, EXPLICIT_LITTLE),
    (Encoding::ExplicitBig, EXPLICIT_BIG),
];

fn edits(choice: u8) -> Vec<(Tag, Edit)> {
    let all = [
        (Tag(0x0010, 0x0010), Edit::Put(VR::PN, b"A^B ".to_vec())),
        (Tag(0x0028, 0x0010), Edit::Put(VR::US, vec![1, 0])),
        (Tag(0x0009, 0x1001), Edit::Drop),
        (Tag(0xFFFF, 0xFFFF), Edit::Put(VR::UN, Vec::new())),
    ];
    all.into_iter().enumerate().filter(|(nth, _)| choice >> nth & 1 == 1).map(|(_, edit)| edit).collect()
}

fn recode(bytes: &[u8], from: Encoding, to: Encoding, choice: u8, size: usize) -> Result<Vec<u8>, Error> {
    let mut recoder = Recoder::new(from, to).editing(edits(choice));
    let mut out = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        recoder.feed(chunk, &mut out)?;
    }
    if choice & 0x10 != 0 {
        recoder.insert(Tag(0xFFFE, 0xDDDD), VR::OB, 0, &mut out)?;
    }
    recoder.finish(&mut out)?;
    Ok(out)
}

/// The first byte chooses the encodings, the second the edits; the rest is the data set.
pub fn recoder(data: &[u8]) {
    let Some((&[choice, edited], bytes)) = data.split_first_chunk::<2>() else { return };
    let (from, uid_from) = ENCODINGS[usize::from(choice % 3)];
    let (to, uid_to) = ENCODINGS[usize::from(choice / 3 % 3)];
    let whole = recode(bytes, from, to, edited, usize::MAX);
    assert_eq!(whole, recode(bytes, from, to, edited, 1), "chunks change what comes out");
    let Ok(whole) = whole else { return };
    // An item of eight bytes gets two delimiters of eight, a short header four bytes more; the edits are short.
    assert!(whole.len() <= bytes.len() * 4 + 64, "{} bytes became {}", bytes.len(), whole.len());
    let before = scan(&TransferSyntax::of(uid_from), bytes, &[4096], true);
    if edited == 0
        && from == to
        && from != Encoding::ImplicitLittle
        && before.is_ok_and(|set| set.warnings().is_empty())
    {
        let after = scan(&TransferSyntax::of(uid_to), &whole, &[4096], true);
        assert!(after.is_ok(), "a sound data set became none: {:?}", after.err());
    }
}

/// Every pair of encodings.
pub fn recoder_seeds() -> Vec<Vec<u8>> {
    let implicit = sample().encode(Encoding::ImplicitLittle).unwrap();
    let explicit = sample().encode(Encoding::ExplicitLittle).unwrap();
    let big = big_sample();
    let mut undefined = undefined_sample();
    // Without the encapsulated pixel data, which is not written anew.
    let pixels = undefined.windows(4).position(|tag| tag == b"\xE0\x7F\x10\x00").unwrap();
    undefined.truncate(pixels);
    let sets = [(0, &implicit), (1, &explicit), (2, &big), (1, &undefined)];
    let seed = |(from, set): (u8, &Vec<u8>), to: u8, edits: u8| [[from + 3 * to, edits].as_slice(), set].concat();
    sets.iter().flat_map(|set| (0..3).flat_map(move |to| [0, 0x1F].map(|edits| seed(*set, to, edits)))).collect()
}

/// DEFLATE in pieces gives what the whole gives, and no more than the ratio allows.
pub fn inflater(data: &[u8]) {
    let inflate = |size: usize| {
        let (mut inflater, mut out) = (Inflater::default(), Vec::new());
        let mut result = Ok(());
        for chunk in data.chunks(size) {
            result = result.and_then(|()| {
                inflater.feed(chunk, |piece| {
                    out.extend_from_slice(piece);
                    Ok(())
                })
            });
        }
        (result.and_then(|()| inflater.finish()).is_ok(), out)
    };
    let (whole_ended, whole) = inflate(data.len().max(1));
    let (pieces_ended, pieces) = inflate(3);
    assert_eq!(whole_ended, pieces_ended, "pieces change the verdict");
    assert!(!whole_ended || whole == pieces, "pieces change what comes out");
    // `limits::INFLATE_RATIO_GRACE_BYTES`, `limits::INFLATE_RATIO_MAX` and one step.
    assert!(whole.len() <= (1 << 20) + 32 * 1024 + data.len() * 200, "{} bytes became {}", data.len(), whole.len());
}

/// Stored, and with repetition.
pub fn inflater_seeds() -> Vec<Vec<u8>> {
    let explicit = sample().encode(Encoding::ExplicitLittle).unwrap();
    // A block of fixed codes: one literal, then copies of it.
    vec![super::dataset::stored_deflate(&explicit), b"\x4B\x4C\x1C\x05\xA3\x00\x00".to_vec()]
}

/// Bytes as instructions to build a data set: what can be encoded can be read.
pub fn builder(data: &[u8]) {
    let draft = built(&mut data.iter().copied(), 0);
    for (encoding, uid) in ENCODINGS {
        let Ok(bytes) = draft.encode(encoding) else { continue };
        let _ = scan(&TransferSyntax::of(uid), &bytes, &[64], true);
    }
}

fn built(bytes: &mut impl Iterator<Item = u8>, depth: usize) -> Draft {
    const VRS: [VR; 8] = [VR::PN, VR::LO, VR::DS, VR::UI, VR::OB, VR::UN, VR::UT, VR::SQ];
    let mut draft = Draft::new();
    while let Some(kind) = bytes.next() {
        let mut next = || bytes.next().unwrap_or(0);
        let tag = Tag(u16::from(next()), u16::from_le_bytes([next(), next()]));
        let vr = VRS[usize::from(kind >> 3) % VRS.len()];
        let length = usize::from(next());
        draft = match kind % 5 {
            0 => draft.text(tag, vr, String::from_utf8_lossy(&bytes.take(length).collect::<Vec<u8>>()).into_owned()),
            1 => draft.bytes(tag, vr, bytes.take(length).collect::<Vec<u8>>()),
            2 => draft.shorts(tag, &bytes.take(length).map(u16::from).collect::<Vec<u16>>()),
            3 if depth < 70 => {
                let item = built(bytes, depth + 1);
                draft.items(tag, vec![item, Draft::new()])
            }
            _ => return draft,
        };
    }
    draft
}

/// Text, numbers, nesting.
pub fn builder_seeds() -> Vec<Vec<u8>> {
    vec![
        b"\x00\x10\x10\x00\x05Budi^\x0a\x28\x00\x10\x00\x02\x01\x02".to_vec(),
        b"\x03\x40\x30\xA7\x00\x03\x40\x30\xA7\x00\x21\x09\x10\x00\x04abcd\x04".to_vec(),
    ]
}
