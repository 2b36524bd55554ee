use super::*;
use crate::dataset::{Outline, Scanner, Value};
use crate::syntax::{self, TransferSyntax};

const ALL: [&str; 3] = [syntax::IMPLICIT_LITTLE, syntax::EXPLICIT_LITTLE, syntax::EXPLICIT_BIG];

fn encoding(uid: &str) -> Encoding {
    TransferSyntax::of(uid).encoding()
}

fn recoded(bytes: &[u8], from: &str, to: &str, chunk: usize) -> Result<Vec<u8>, Error> {
    let mut recoder = Recoder::new(encoding(from), encoding(to));
    let mut out = Vec::new();
    for chunk in bytes.chunks(chunk) {
        recoder.feed(chunk, &mut out)?;
    }
    recoder.finish(&mut out)?;
    Ok(out)
}

fn scanned(bytes: &[u8], uid: &str) -> Outline {
    let mut scanner = Scanner::new(&TransferSyntax::of(uid));
    scanner.feed(bytes).unwrap();
    scanner.finish().unwrap()
}

/// The text of the metadata, with bulk values read out, so that their places do not count.
fn values(bytes: &[u8], uid: &str) -> String {
    let outline = scanned(bytes, uid);
    let mut text = String::new();
    let mut waiting = vec![outline.root()];
    while let Some(data_set) = waiting.pop() {
        for element in data_set.elements().filter(|element| element.tag().element() != 0) {
            match element.value() {
                Value::Bulk(span) => {
                    let from = usize::try_from(span.offset).unwrap();
                    let mut bulk = bytes[from..from + usize::try_from(span.length).unwrap()].to_vec();
                    if encoding(uid) == Encoding::ExplicitBig {
                        bulk.chunks_exact_mut(word_bytes(element.vr())).for_each(<[u8]>::reverse);
                    }
                    text += &format!("{} {:?}\n", element.tag(), bulk);
                }
                Value::Items(items) => {
                    text += &format!("{} {} items\n", element.tag(), items.len());
                    waiting.extend(items);
                }
                _ => text += &format!("{} {}\n", element.tag(), element.json()),
            }
        }
    }
    text
}

/// Explicit little endian, with defined and undefined lengths, words of every size, private and unknown elements.
fn sample() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |tag: Tag, vr: VR, value: &[u8]| {
        put_header(&mut bytes, Encoding::ExplicitLittle, tag, vr, u32::try_from(value.len()).unwrap()).unwrap();
        bytes.extend_from_slice(value);
    };
    put(Tag(0x0008, 0x0000), VR::UL, &[1, 2, 3, 4]);
    put(Tag(0x0008, 0x0005), VR::CS, b"ISO_IR 100");
    put(Tag(0x0008, 0x0060), VR::CS, b"CT");
    put(Tag(0x0009, 0x0010), VR::LO, b"VENDOR");
    put(Tag(0x0010, 0x0010), VR::PN, b"A^B\xE9 ");
    let mut item = Vec::new();
    put_header(&mut item, Encoding::ExplicitLittle, Tag(0x0008, 0x1150), VR::UI, 4).unwrap();
    item.extend_from_slice(b"1.2\0");
    let mut items = Vec::new();
    for _ in 0..2 {
        put_delimiter(&mut items, Encoding::ExplicitLittle, ITEM, u32::try_from(item.len()).unwrap());
        items.extend_from_slice(&item);
    }
    put(Tag(0x0008, 0x1140), VR::SQ, &items);
    put(Tag(0x0018, 0x9087), VR::FD, &1.5_f64.to_le_bytes());
    put(Tag(0x0020, 0x0013), VR::IS, b"7 ");
    put(Tag(0x0028, 0x0010), VR::US, &512_u16.to_le_bytes());
    put(Tag(0x0028, 0x0103), VR::US, &1_u16.to_le_bytes());
    put(Tag(0x0028, 0x0106), VR::SS, &(-5_i16).to_le_bytes());
    put(Tag(0x0028, 0x0009), VR::AT, &[0x18, 0, 0x63, 0x10]);
    put(Tag(0x5400, 0x0110), VR::OW, &[]);
    put(Tag(0x7FE0, 0x0010), VR::OW, &(0_u8..=255).collect::<Vec<_>>());
    // A sequence that ends by delimiters, in front of the rest: order is the reader's affair.
    let mut whole = Vec::new();
    put_header(&mut whole, Encoding::ExplicitLittle, Tag(0x0008, 0x1032), VR::SQ, UNDEFINED).unwrap();
    put_delimiter(&mut whole, Encoding::ExplicitLittle, ITEM, UNDEFINED);
    whole.extend_from_slice(&item);
    put_delimiter(&mut whole, Encoding::ExplicitLittle, ITEM_END, 0);
    put_delimiter(&mut whole, Encoding::ExplicitLittle, SEQUENCE_END, 0);
    whole.extend_from_slice(&bytes);
    whole
}

#[test]
fn every_value_stays_in_every_encoding_and_any_chunks() {
    let sample = sample();
    let expected = values(&sample, syntax::EXPLICIT_LITTLE);
    for first in ALL {
        let once = recoded(&sample, syntax::EXPLICIT_LITTLE, first, 1000).unwrap();
        for second in ALL {
            for chunk in [1, 3, 7, 64, 100_000] {
                let twice = recoded(&once, first, second, chunk).unwrap();
                assert_eq!(values(&twice, second), expected, "{first} {second} {chunk}");
            }
        }
    }
}

#[test]
fn what_is_written_twice_is_written_the_same() {
    let once = recoded(&sample(), syntax::EXPLICIT_LITTLE, syntax::EXPLICIT_LITTLE, 9).unwrap();
    assert_eq!(recoded(&once, syntax::EXPLICIT_LITTLE, syntax::EXPLICIT_LITTLE, 100).unwrap(), once);
}

#[test]
fn an_element_is_replaced_added_or_left_out() {
    let put = |text: &str| Edit::Put(VR::CS, text.as_bytes().to_vec());
    let edits = || {
        [
            (Tag(0x0008, 0x0060), put("MR")),
            (Tag(0x0008, 0x0064), put("WSD ")),
            (Tag(0x0009, 0x0010), Edit::Drop),
            (Tag(0x0028, 0x0006), Edit::Put(VR::US, vec![1, 0])),
            (Tag(0xFFFC, 0xFFFC), Edit::Put(VR::OB, vec![0, 0])),
        ]
    };
    for to in ALL {
        let mut recoder = Recoder::new(Encoding::ExplicitLittle, encoding(to)).editing(edits());
        let mut out = Vec::new();
        recoder.feed(&sample(), &mut out).unwrap();
        recoder.finish(&mut out).unwrap();
        let outline = scanned(&out, to);
        assert_eq!(outline.text(Tag(0x0008, 0x0060)).as_deref(), Some("MR"));
        assert_eq!(outline.text(Tag(0x0008, 0x0064)).as_deref(), Some("WSD"));
        assert!(outline.element(Tag(0x0009, 0x0010)).is_none());
        assert_eq!(outline.element(Tag(0x0028, 0x0006)).unwrap().json()["Value"][0], 1);
        assert!(outline.element(Tag(0xFFFC, 0xFFFC)).is_some());
    }
}

#[test]
fn a_value_can_be_put_in_between() {
    for to in ALL {
        let mut recoder = Recoder::new(Encoding::ExplicitLittle, encoding(to));
        let mut out = Vec::new();
        recoder.feed(b"\x08\x00\x60\x00CS\x02\x00CT", &mut out).unwrap();
        recoder.insert(Tag(0x7FE0, 0x0010), VR::OB, 4, &mut out).unwrap();
        out.extend_from_slice(&[1, 2, 3, 4]);
        recoder.feed(b"\xFC\xFF\xFC\xFFOB\0\0\x02\0\0\0\0\0", &mut out).unwrap();
        recoder.finish(&mut out).unwrap();
        let text = values(&out, to);
        assert!(text.contains("[1, 2, 3, 4]") && text.contains("(FFFC,FFFC)"), "{text}");
    }
}

#[test]
fn text_too_long_for_its_length_field_is_unknown_and_whole() {
    let mut implicit = Vec::new();
    let long = vec![b'x'; 70_000];
    put_header(&mut implicit, Encoding::ImplicitLittle, Tag(0x0010, 0x4000), VR::LT, 70_000).unwrap();
    implicit.extend_from_slice(&long);
    let explicit = recoded(&implicit, syntax::IMPLICIT_LITTLE, syntax::EXPLICIT_LITTLE, 999).unwrap();
    assert!(explicit.starts_with(b"\x10\0\0\x40UN\0\0"), "{:?}", &explicit[..16]);
    assert!(explicit.ends_with(&long) && explicit.len() == 70_012);
}

#[test]
fn what_is_no_data_set_or_holds_fragments_is_refused() {
    let fragments = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0";
    let table: [&[u8]; 4] = [
        fragments,
        b"\x08\0\x60\0CS\x04\0CT",
        b"\xFE\xFF\x0D\xE0\0\0\0\0",
        // An element that is longer than its item.
        b"\x08\0\x40\x11SQ\0\0\x12\0\0\0\xFE\xFF\0\xE0\x0A\0\0\0\x08\0\x60\0CS\x04\0CTCT",
    ];
    for bytes in table {
        assert!(recoded(bytes, syntax::EXPLICIT_LITTLE, syntax::EXPLICIT_BIG, 5).is_err(), "{bytes:02X?}");
    }
    let zeros = [b"\x08\0\x60\0CS\x02\0CT".as_slice(), &[0; 20]].concat();
    assert_eq!(recoded(&zeros, syntax::EXPLICIT_LITTLE, syntax::EXPLICIT_LITTLE, 3).unwrap().len(), 10);
}

#[test]
fn sequences_reach_their_depth_and_do_not_pass_it() {
    let nested = |depth: usize| {
        let mut bytes = Vec::new();
        for _ in 0..depth {
            put_header(&mut bytes, Encoding::ExplicitLittle, Tag(0x0008, 0x1140), VR::SQ, UNDEFINED).unwrap();
            put_delimiter(&mut bytes, Encoding::ExplicitLittle, ITEM, UNDEFINED);
        }
        for _ in 0..depth {
            put_delimiter(&mut bytes, Encoding::ExplicitLittle, ITEM_END, 0);
            put_delimiter(&mut bytes, Encoding::ExplicitLittle, SEQUENCE_END, 0);
        }
        recoded(&bytes, syntax::EXPLICIT_LITTLE, syntax::IMPLICIT_LITTLE, 100)
    };
    assert!(nested(DATASET_DEPTH_MAX).is_ok());
    assert!(nested(DATASET_DEPTH_MAX + 1).is_err());
}
