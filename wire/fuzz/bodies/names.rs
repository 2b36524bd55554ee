//! Short texts: UIDs, tags, keywords, media types, the head of a file.

use wire::dataset::{Tag, keyword_of, parse_tag, tag_key, tag_of, vr_of};
use wire::error::Error;
use wire::multipart::{MediaType, Writer};
use wire::part10::{Prefix, file_meta};
use wire::syntax::{EXPLICIT_BIG, Encoding, TransferSyntax};
use wire::uid::is_uid;

/// Text as a UID, a transfer syntax, a keyword, the key of an attribute and a message of an error.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if is_uid(&text) {
        assert!(!text.contains('/') && text.len() <= 64, "a UID that could be a path");
    }
    let syntax = TransferSyntax::of(&text);
    assert_eq!(syntax.is_standard(), TransferSyntax::standard().any(|known| known == syntax.uid()));
    assert!(!syntax.is_deflated() || syntax.is_standard(), "an unknown syntax is inflated");
    assert_eq!(syntax.encoding() == Encoding::ExplicitBig, syntax.uid() == EXPLICIT_BIG);
    // What nobody knows is taken as encapsulated.
    assert!(syntax.is_standard() || syntax.is_encapsulated() || syntax.uid().is_empty(), "an unknown native syntax");
    if let Some(tag) = parse_tag(&text) {
        assert_eq!(tag_key(tag), text.to_ascii_uppercase());
    }
    if let Some(tag) = tag_of(&text) {
        // Repeating groups have one keyword for many tags.
        assert_eq!(keyword_of(tag), Some(&*text));
    }
    if let Some(&[a, b, c, d]) = data.first_chunk::<4>() {
        let tag = Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        assert_eq!(parse_tag(&tag_key(tag)), Some(tag));
        let _ = (vr_of(tag), keyword_of(tag));
    }
    let (invalid, refused) = (Error::invalid(text.clone()), Error::refused(text.clone()));
    assert_ne!(invalid.outcome(), refused.outcome());
    assert_eq!(invalid.to_string(), refused.to_string());
}

/// A UID, a keyword, a key.
pub fn names_seeds() -> Vec<Vec<u8>> {
    [
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.4.50 ",
        "1.2.840.10008.1.2.4.205",
        "PatientName",
        "7FE00010",
        "1.2/../3",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A media type, and a multipart writer with its pieces: a boundary, a header's name and value, parted by NULs.
pub fn media(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut fields = text.split('\0');
    let mut field = || fields.next().unwrap_or_default();
    let (media, boundary, name, value) = (field(), field(), field(), field());
    if let Ok(read) = MediaType::parse(media) {
        for (name, value) in &read.parameters {
            assert_eq!(read.parameter(name), Some(value.as_str()));
        }
    }
    let Ok(mut writer) = Writer::new(boundary) else { return };
    let content_type = writer.content_type(value);
    assert!(!content_type.contains(['\r', '\n']), "a header that breaks out of its line");
    if let Ok(again) = MediaType::parse(&content_type) {
        assert_eq!(again.parameter("boundary"), Some(boundary));
    }
    if let Ok(head) = writer.begin(&[(name, value)]) {
        // A delimiter, one header, an empty line.
        assert_eq!(head.iter().filter(|byte| **byte == b'\n').count(), 3, "one header became several");
    }
    let _ = writer.close();
}

/// Media types as clients write them.
pub fn media_seeds() -> Vec<Vec<u8>> {
    vec![
        b"multipart/related; type=\"application/dicom+json\"; boundary=\"a b\"\0b1\0Content-Type\0application/dicom"
            .to_vec(),
        b"image/jpeg;transfer-syntax=1.2.840.10008.1.2.4.50;q=0.5\0b2\0X\0a\"b\\c".to_vec(),
    ]
}

/// The head of a file from any three texts is read back.
pub fn file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut fields = text.split('\0');
    let mut field = || fields.next().unwrap_or_default();
    let (class, instance, syntax, source) = (field(), field(), field(), fields.next());
    let head = file_meta(class, instance, syntax, source);
    let mut prefix = Prefix::new();
    match prefix.feed(&head) {
        Ok(Some(begun)) => assert!(begun.data_set.is_empty(), "own head and more"),
        Ok(None) => {
            let _ = prefix.finish();
        }
        Err(error) => {
            let plain = [class, instance, syntax].iter().all(|uid| is_uid(uid));
            let titled = source.is_none_or(|source| source.len() <= 16 && source.is_ascii());
            assert!(!(plain && titled), "own head is not taken: {error}");
        }
    }
}

/// One as it is usual.
pub fn file_seeds() -> Vec<Vec<u8>> {
    vec![
        b"1.2.840.10008.5.1.4.1.1.2\x001.2.3\x001.2.840.10008.1.2.1\0CT1".to_vec(),
        b"1.2\x001.2.4\x001.2.840.10008.1.2.1.99".to_vec(),
    ]
}
