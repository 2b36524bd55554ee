//! Bodies whole, in pieces of every size, and at their limits.

use super::*;
use crate::multipart::Writer;
use proptest::prelude::*;

fn reader(boundary: &str) -> Reader {
    Reader::new(&MediaType::parse(&format!("multipart/related; boundary=\"{boundary}\"")).unwrap()).unwrap()
}

/// A part's content type and content.
type Part = (Option<String>, Vec<u8>);

/// Content types and contents of the parts, however the body is cut.
fn parts(boundary: &str, pieces: &[&[u8]]) -> Result<Vec<Part>, Error> {
    let mut reader = reader(boundary);
    let mut parts = Vec::new();
    let mut open = false;
    for piece in pieces {
        let mut input = *piece;
        while let Some(event) = reader.next(&mut input)? {
            match event {
                Event::Begin(headers) => {
                    assert!(!std::mem::replace(&mut open, true));
                    parts.push((headers.get("content-type").map(str::to_owned), Vec::new()));
                }
                Event::Content(bytes) => {
                    assert!(open && !bytes.is_empty());
                    parts.last_mut().unwrap().1.extend_from_slice(bytes);
                }
                Event::End => assert!(std::mem::replace(&mut open, false)),
                Event::Close => assert!(!open),
            }
        }
    }
    reader.finish()?;
    Ok(parts)
}

fn body(boundary: &str, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(boundary).unwrap();
    let mut body = Vec::new();
    for content in contents {
        body.extend(writer.begin(&[("Content-Type", "application/dicom")]).unwrap());
        body.extend_from_slice(content);
    }
    body.extend(writer.close());
    body
}

#[test]
fn preamble_padding_folding_and_epilogue_are_as_rfc_2046_allows() {
    let text = b"hello\r\n--x \t\r\nContent-Type: a/b;\r\n  c=d\r\nX: y\r\n\r\none\r\n--x\r\n\r\n\r\n--x\r\n\r\ntwo\r\n--x--\r\nbye";
    let read = parts("x", &[text]).unwrap();
    assert_eq!(read, [(Some("a/b; c=d".into()), b"one".to_vec()), (None, Vec::new()), (None, b"two".to_vec()),]);
}

#[test]
fn content_that_begins_like_the_delimiter_is_kept() {
    for content in [
        &b"\r\n--"[..],
        b"\r\n--boundar",
        b"\r\r\n--bound\r\n--b",
        b"--boundary",
        b"\r\n",
        b"\r\n\r\n--boundar\r",
        b"\n--boundary",
    ] {
        // The content's own first bytes follow the empty line, where a delimiter could begin.
        if content == b"--boundary" {
            continue;
        }
        let whole = body("boundary", &[content.to_vec(), content.to_vec()]);
        for size in 1..=whole.len() {
            let pieces: Vec<&[u8]> = whole.chunks(size).collect();
            let read = parts("boundary", &pieces).unwrap();
            assert!(read.iter().all(|(_, c)| c == content) && read.len() == 2, "{content:?} in pieces of {size}");
        }
    }
}

#[test]
fn a_part_without_content_needs_no_second_line_end() {
    assert_eq!(parts("x", &[b"--x\r\nA: b\r\n\r\n--x--"]).unwrap(), [(None, Vec::new())]);
}

#[test]
fn nested_multiparts_are_content() {
    let inner = body("inner", &[b"deep".to_vec()]);
    assert_eq!(parts("outer", &[&body("outer", std::slice::from_ref(&inner))]).unwrap()[0].1, inner);
}

#[test]
fn broken_bodies_are_errors() {
    for text in [
        &b""[..],
        b"--x\r\n\r\nno end",
        b"--x\r\n\r\nno end\r\n--x",
        b"--xy\r\n\r\nother\r\n--xy--",
        b"--x\nA: b\n\nbare line feeds\n--x--",
        b"--x\r\nno colon\r\n\r\n\r\n--x--",
        b"--x\r\n folded first\r\n\r\n\r\n--x--",
        b"--x\r\nA: b\x01\r\n\r\n\r\n--x--",
        b"--x\r\nA: \xff\r\n\r\n\r\n--x--",
        b"--x-\r\n",
    ] {
        assert!(parts("x", &[text]).is_err(), "{text:?}");
    }
}

#[test]
fn boundaries_are_printable_and_may_be_somewhat_longer_than_rfc_2046_allows() {
    let media = |boundary: &str| MediaType {
        essence: "multipart/related".into(),
        parameters: vec![("boundary".into(), boundary.into())],
    };
    assert!(Reader::new(&media(&"x".repeat(PEER_BOUNDARY_BYTES_MAX))).is_ok());
    for bad in ["", &"x".repeat(PEER_BOUNDARY_BYTES_MAX + 1), "a\r\nb", "a ", "\u{e9}"] {
        assert!(Reader::new(&media(bad)).is_err(), "{bad:?}");
    }
    assert!(Reader::new(&MediaType::parse("multipart/related").unwrap()).is_err());
    assert!(Reader::new(&MediaType::parse("application/dicom; boundary=x").unwrap()).is_err());
}

#[test]
fn header_and_preamble_limits_are_reached_and_passed_by_one() {
    let header = |length: usize| format!("--x\r\nA: {}\r\n\r\n\r\n--x--", "b".repeat(length - 7)).into_bytes();
    assert!(parts("x", &[&header(PART_HEADER_BYTES_MAX)]).is_ok());
    assert!(parts("x", &[&header(PART_HEADER_BYTES_MAX + 1)]).is_err());
    // The delimiter itself counts with what is skipped before it.
    let preamble = |length: usize| [&vec![b'p'; length - 5][..], b"\r\n--x--"].concat();
    assert!(parts("x", &[&preamble(PART_HEADER_BYTES_MAX)]).is_ok());
    assert!(parts("x", &[&preamble(PART_HEADER_BYTES_MAX + 1)]).is_err());
    let epilogue = |length: usize| [&b"--x--"[..], &vec![b'e'; length]].concat();
    assert!(parts("x", &[&epilogue(PART_HEADER_BYTES_MAX)]).is_ok());
    assert!(parts("x", &[&epilogue(PART_HEADER_BYTES_MAX + 1)]).is_err());
}

#[test]
fn the_limit_of_parts_is_reached_and_passed_by_one() {
    let many = |count: usize| body("x", &vec![Vec::new(); count]);
    assert_eq!(parts("x", &[&many(PARTS_MAX)]).unwrap().len(), PARTS_MAX);
    assert!(parts("x", &[&many(PARTS_MAX + 1)]).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_is_cut(
        contents in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'q'), any::<u8>()], 0..60), 1..5),
        cuts in proptest::collection::vec(0usize..400, 0..20),
    ) {
        prop_assume!(contents.iter().all(|c| memchr::memmem::find(c, b"--qq").is_none()));
        let whole = body("qq", &contents);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (whole.len() + 1)).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &whole[w[0]..w[1]]).collect();
        let read: Vec<Vec<u8>> = parts("qq", &pieces).unwrap().into_iter().map(|(_, c)| c).collect();
        prop_assert_eq!(read, contents);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'x'), any::<u8>()], 0..200), size in 1usize..50) {
        let whole = parts("x", &[&bytes]);
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(whole.ok(), parts("x", &pieces).ok());
    }
}
