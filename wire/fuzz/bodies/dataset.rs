//! Data sets and files.

use super::samples::{big_sample, sample, scan, undefined_sample};
use wire::charset::{Charset, Resets, defined_terms};
use wire::dataset::{DataSet, Draft, Outline, Scanner, Tag, Value, read_json, write};
use wire::error::Error;
use wire::part10::{Prefix, file_meta};
use wire::syntax::{DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, Encoding, IMPLICIT_LITTLE, TransferSyntax};

const SYNTAXES: [&str; 5] = [IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED, "1.2.840.10008.1.2.4.50"];

fn check_spans(set: DataSet<'_>, length: u64, depth: usize) {
    // `limits::DATASET_DEPTH_MAX`
    assert!(depth <= 64, "an outline deeper than the limit");
    for element in set.elements() {
        let spans = match element.value() {
            Value::Inline(_) => continue,
            Value::Bulk(span) => vec![span],
            Value::Fragments(spans) => spans,
            Value::Items(items) => {
                items.iter().for_each(|item| check_spans(*item, length, depth + 1));
                continue;
            }
        };
        for span in spans {
            assert!(span.offset + u64::from(span.length) <= length, "a span outside the data set");
        }
    }
}

/// Every way to ask for an element gives the same.
fn check_elements(outline: &Outline) {
    let root = outline.root();
    assert!(outline.identified(), "a whole data set in which the patient is still to come");
    assert!(outline.warnings().len() <= 65, "warnings without an end");
    for element in root.elements() {
        let tag: Tag = element.tag();
        assert!(outline.element(tag).is_some() && root.element(tag).is_some(), "an element that is not found");
        assert_eq!((outline.text(tag), outline.sequence(tag).len()), (root.text(tag), root.sequence(tag).len()));
        if let Value::Inline(bytes) = element.value() {
            assert_eq!(element.inline().unwrap_or_default(), bytes);
        }
        let json = element.json();
        assert_eq!(json["vr"].as_str(), Some(element.vr().to_string()), "a value of another representation");
        assert!(element.text().is_none() || element.inline().is_some(), "text out of nothing");
        for item in root.sequence(tag) {
            assert!(item.json().is_object());
        }
    }
}

/// The first byte chooses the syntax and whether the size is known; the rest is the data set.
pub fn scanner(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let syntax = TransferSyntax::of(SYNTAXES[usize::from(*choice) % SYNTAXES.len()]);
    let hint = choice & 0x80 != 0;
    let whole = scan(&syntax, bytes, &[usize::MAX], hint);
    let pieces = scan(&syntax, bytes, &[1, 2, 3, 5, 8, 13, 4096], hint);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert!(whole == pieces, "chunks change the outline"),
        // Inflate finds its own errors a step earlier or later.
        (Err(whole), Err(pieces)) => assert!(syntax.is_deflated() || whole == pieces, "{whole} / {pieces}"),
        (whole, pieces) => panic!("chunks change the verdict: {whole:?} / {pieces:?}"),
    }
    let Ok(outline) = whole else { return };
    if !syntax.is_deflated() {
        check_spans(outline.root(), u64::try_from(bytes.len()).unwrap(), 0);
    }
    check_elements(&outline);
    let mut half = Scanner::new(&syntax);
    if half.feed(&bytes[..bytes.len() / 2]).is_ok() {
        assert!(half.outline().count() <= outline.count(), "the beginning has more than the whole");
        assert!(syntax.is_deflated() || half.position() <= u64::try_from(bytes.len()).unwrap(), "read ahead");
    }
    let text = read_json(&outline.json_text()).unwrap();
    assert_eq!(text, outline.json(), "text and tree differ");
}

/// A whole file.
pub fn part10(data: &[u8]) {
    let read = |size: usize| {
        let mut prefix = Prefix::new();
        let mut rest = data;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            if let Some(mut begun) = prefix.feed(chunk)? {
                begun.data_set.extend_from_slice(after);
                return Ok(begun);
            }
            rest = after;
        }
        prefix.finish()
    };
    match (read(usize::MAX), read(1)) {
        (Ok(whole), Ok(pieces)) => {
            assert!(whole.meta == pieces.meta && whole.data_set == pieces.data_set, "chunks change the file");
            let offset = usize::try_from(whole.meta.data_set_offset).unwrap();
            assert_eq!(data[offset..], whole.data_set, "the data set is not where it was said to be");
        }
        (Err::<_, Error>(whole), Err(pieces)) => assert_eq!(whole, pieces),
        (whole, pieces) => panic!("chunks change the verdict: {whole:?} / {pieces:?}"),
    }
}

/// Specific Character Set up to the first NUL, then text.
pub fn charset(data: &[u8]) {
    let cut = data.iter().position(|b| *b == 0).unwrap_or(0);
    let (declared, text) = data.split_at(cut);
    let (charset, known) = Charset::of(declared);
    if defined_terms().any(|(alone, _)| alone.is_some_and(|term| term.as_bytes() == declared)) {
        assert!(known, "a defined term is not known");
    }
    for resets in [Resets::AtLines, Resets::AtValues, Resets::AtNameParts] {
        let decoded = charset.decode(text, resets);
        assert!(decoded.len() <= text.len() * 6 + 6, "text grows without bound");
    }
}

/// DICOM JSON that can be written must be read back, and then stays the same.
pub fn draft(data: &[u8]) {
    let Ok(json) = read_json(data) else { return };
    for (encoding, uid) in [(Encoding::ImplicitLittle, IMPLICIT_LITTLE), (Encoding::ExplicitLittle, EXPLICIT_LITTLE)] {
        let Ok(bytes) = write(&json, encoding) else { continue };
        assert_eq!(Draft::from_json(&json).and_then(|draft| draft.encode(encoding)).as_ref(), Ok(&bytes));
        let Ok(outline) = scan(&TransferSyntax::of(uid), &bytes, &[4096], true) else { continue };
        let Ok(again) = write(&outline.json(), encoding) else { continue };
        let outline_again = scan(&TransferSyntax::of(uid), &again, &[4096], true).expect("own data sets are valid");
        // Implicit encoding forgets a VR that is not the dictionary's, and with it what the value meant.
        if encoding == Encoding::ExplicitLittle {
            assert_eq!(outline.json(), outline_again.json());
        }
    }
}

/// RFC 1951: stored blocks, so that no encoder is needed.
pub fn stored_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut blocks = bytes.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}

/// One seed for each syntax, with and without the size.
pub fn scanner_seeds() -> Vec<Vec<u8>> {
    let implicit = sample().encode(Encoding::ImplicitLittle).unwrap();
    let explicit = sample().encode(Encoding::ExplicitLittle).unwrap();
    let deflated = stored_deflate(&explicit);
    let sets = [implicit, explicit, big_sample(), deflated, undefined_sample()];
    let seed = |(choice, set): (u8, &Vec<u8>)| [[choice].as_slice(), set].concat();
    (0..).zip(&sets).map(seed).chain((0x82..).zip(&sets).map(seed)).collect()
}

/// Files with, without and with broken prefixes.
pub fn part10_seeds() -> Vec<Vec<u8>> {
    let set = sample().encode(Encoding::ExplicitLittle).unwrap();
    let file = [file_meta("1.2.840.10008.5.1.4.1.1.7", "2.25.1", EXPLICIT_LITTLE, Some("CT1")), set.clone()].concat();
    vec![file[132..].to_vec(), [&file[..132], &file[144..]].concat(), file, set]
}

/// Declarations of each kind with text of that kind.
pub fn charset_seeds() -> Vec<Vec<u8>> {
    vec![
        b"ISO_IR 100\0J\xE9r\xF4me".to_vec(),
        b"\\ISO 2022 IR 87\0Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B".to_vec(),
        b"\\ISO 2022 IR 149\\ISO 2022 IR 159\0\x1b$)C\xFB\xF3^\x1b$(D0!\x1b(B".to_vec(),
        b"GB18030\0Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB".to_vec(),
        b"ISO 2022 IR 13\\ISO 2022 IR 58\0\xD4\xCF\xC0\xDE\x1b$)A\xD5\xC5".to_vec(),
    ]
}

/// DICOM JSON of the sample.
pub fn draft_seeds() -> Vec<Vec<u8>> {
    let explicit = sample().encode(Encoding::ExplicitLittle).unwrap();
    let outline = scan(&TransferSyntax::of(EXPLICIT_LITTLE), &explicit, &[4096], true).unwrap();
    let mut json = outline.json();
    json.as_object_mut().unwrap().remove("7FE00010");
    vec![serde_json::to_vec(&json).unwrap()]
}
