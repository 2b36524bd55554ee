//! A data set out of DICOM JSON and the values that it names.

use super::Bulk;
use crate::dicomweb::accept::{EXPLICIT_LITTLE, OCTETS};
use crate::dicomweb::bulk::PIXEL_DATA;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use record::limits::DATASET_DEPTH_MAX;
use serde_json::{Value, json};
use std::collections::HashMap;
use wire::Error;
use wire::dataset::Draft;
use wire::syntax::{Encoding, TransferSyntax};

/// A data set as it goes into the archive.
#[derive(Debug)]
pub struct Assembled {
    pub transfer_syntax_uid: String,
    pub bytes: Vec<u8>,
}

/// Puts the values into their places. Compressed frames come as parts of their media type, each with its transfer syntax; all
/// else is octets in little endian order.
pub fn data_set(mut metadata: Value, bulks: &HashMap<String, Vec<Bulk>>) -> Result<Assembled, Error> {
    let elements =
        metadata.as_object_mut().ok_or_else(|| Error::invalid("an instance in the metadata is no object"))?;
    // File meta information is made anew, and what a server has to offer is none of the instance's own.
    elements.retain(|tag, _| !tag.starts_with("0002") && tag != "00083002");
    let named = elements.get(PIXEL_DATA).is_some_and(|element| element.get("BulkDataURI").is_some());
    let pixels = if named { elements.remove(PIXEL_DATA) } else { None };
    // What stands behind pixels that are put in by hand is written by itself.
    let mut behind = serde_json::Map::new();
    if pixels.is_some() {
        let tags: Vec<String> = elements.keys().filter(|tag| tag.as_str() > PIXEL_DATA).cloned().collect();
        behind.extend(tags.into_iter().filter_map(|tag| elements.remove_entry(&tag)));
    }
    inline(&mut metadata, bulks, 0)?;
    let mut bytes = Draft::from_json(&metadata)?.encode(Encoding::ExplicitLittle)?;
    let Some(pixels) = pixels else {
        return Ok(Assembled { transfer_syntax_uid: EXPLICIT_LITTLE.to_owned(), bytes });
    };
    let frames = named_by(&pixels, bulks)?;
    let syntax = frames.iter().find_map(|frame| frame.transfer_syntax.as_deref()).unwrap_or(EXPLICIT_LITTLE);
    let is_encapsulated = TransferSyntax::of(syntax).is_encapsulated();
    if !is_encapsulated && (syntax != EXPLICIT_LITTLE || frames.iter().any(|frame| frame.media_type != OCTETS)) {
        return Err(Error::invalid("pixel data is octets in Explicit VR Little Endian, or names its transfer syntax"));
    }
    bytes.extend_from_slice(&[0xE0, 0x7F, 0x10, 0x00]);
    if is_encapsulated {
        encapsulate(frames, &mut bytes)?;
    } else {
        let vr = if pixels.get("vr").is_some_and(|vr| vr == "OB") { b"OB" } else { b"OW" };
        bytes.extend_from_slice(vr);
        bytes.extend_from_slice(&[0, 0]);
        let length: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
        bytes.extend_from_slice(&length_of(length + length % 2)?);
        frames.iter().for_each(|frame| bytes.extend_from_slice(&frame.bytes));
        bytes.resize(bytes.len() + length % 2, 0);
    }
    bytes.append(&mut tail(Value::Object(behind), bulks)?);
    Ok(Assembled { transfer_syntax_uid: syntax.to_owned(), bytes })
}

/// The elements behind the pixel data: signatures and padding.
fn tail(mut behind: Value, bulks: &HashMap<String, Vec<Bulk>>) -> Result<Vec<u8>, Error> {
    inline(&mut behind, bulks, 0)?;
    let bytes = Draft::from_json(&behind)?.encode(Encoding::ExplicitLittle)?;
    // Text beyond ASCII would bring a declaration of its character set with it, which has its place in front.
    if bytes.starts_with(&[0x08, 0x00]) {
        return Err(Error::invalid("text behind the pixel data is ASCII"));
    }
    Ok(bytes)
}

/// PS3.5 A.4: an empty table of offsets, a fragment for each frame, the delimiter.
fn encapsulate(frames: &[Bulk], bytes: &mut Vec<u8>) -> Result<(), Error> {
    bytes.extend_from_slice(b"OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0");
    for frame in frames {
        let length = frame.bytes.len();
        bytes.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
        bytes.extend_from_slice(&length_of(length + length % 2)?);
        bytes.extend_from_slice(&frame.bytes);
        bytes.resize(bytes.len() + length % 2, 0);
    }
    bytes.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    Ok(())
}

fn length_of(length: usize) -> Result<[u8; 4], Error> {
    let length = u32::try_from(length).ok().filter(|length| *length < u32::MAX);
    Ok(length.ok_or_else(|| Error::invalid("the pixel data is too long"))?.to_le_bytes())
}

fn named_by<'a>(element: &Value, bulks: &'a HashMap<String, Vec<Bulk>>) -> Result<&'a [Bulk], Error> {
    let uri = element.get("BulkDataURI").and_then(Value::as_str).unwrap_or_default();
    let found = bulks.get(uri).map(Vec::as_slice).filter(|parts| !parts.is_empty());
    found.ok_or_else(|| Error::invalid("a BulkDataURI names no part of the request"))
}

/// Puts values other than the image's pixels where their links stand.
fn inline(data_set: &mut Value, bulks: &HashMap<String, Vec<Bulk>>, depth: usize) -> Result<(), Error> {
    if depth > DATASET_DEPTH_MAX {
        return Err(Error::invalid(format!("sequences nested deeper than {DATASET_DEPTH_MAX}")));
    }
    let Some(elements) = data_set.as_object_mut() else { return Ok(()) };
    for element in elements.values_mut() {
        if element.get("BulkDataURI").is_some() {
            let [bulk] = named_by(element, bulks)? else {
                return Err(Error::invalid("a value has several parts"));
            };
            if bulk.media_type != OCTETS {
                return Err(Error::invalid("bulk data other than frames is application/octet-stream"));
            }
            let vr = element.get("vr").and_then(Value::as_str).unwrap_or("UN");
            *element = json!({"vr": vr, "InlineBinary": STANDARD.encode(&bulk.bytes)});
        } else if let Some(items) = element.get_mut("Value").and_then(Value::as_array_mut) {
            // Only sequences have items that are data sets; names and numbers have no links in them.
            items.iter_mut().try_for_each(|item| inline(item, bulks, depth + 1))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dataset::{Scanner, Tag};

    fn bulk(media_type: &str, syntax: Option<&str>, bytes: &[u8]) -> Bulk {
        let transfer_syntax = syntax.map(str::to_owned);
        Bulk { media_type: media_type.to_owned(), transfer_syntax, bytes: bytes.to_vec() }
    }

    fn metadata() -> Value {
        json!({
            "00020010": {"vr": "UI", "Value": ["1.2"]},
            "00080018": {"vr": "UI", "Value": ["1.2.3"]},
            "00083002": {"vr": "UI", "Value": ["1.2"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Née"}]},
            "54000100": {"vr": "SQ", "Value": [{"54001010": {"vr": "OW", "BulkDataURI": "w"}}]},
            "7FE00010": {"vr": "OW", "BulkDataURI": "p"},
            "FFFCFFFC": {"vr": "OB", "InlineBinary": "AAA="},
        })
    }

    fn scanned(assembled: &Assembled) -> Value {
        let mut scanner = Scanner::new(&TransferSyntax::of(&assembled.transfer_syntax_uid));
        scanner.feed(&assembled.bytes).unwrap();
        let outline = scanner.finish().unwrap();
        assert!(outline.element(Tag(0x0008, 0x3002)).is_none());
        outline.json()
    }

    #[test]
    fn native_pixels_and_deep_values_stand_where_their_links_stood() {
        let parts = [("w", bulk(OCTETS, None, &[1, 2])), ("p", bulk(OCTETS, None, &[5, 6, 7]))];
        let bulks = parts.into_iter().map(|(place, bulk)| (place.to_owned(), vec![bulk])).collect();
        let assembled = data_set(metadata(), &bulks).unwrap();
        assert!(assembled.bytes.ends_with(b"\x05\x06\x07\0\xFC\xFF\xFC\xFFOB\0\0\x02\0\0\0\0\0"));
        let read = scanned(&assembled);
        assert_eq!(read["54000100"]["Value"][0]["54001010"]["InlineBinary"], "AQI=");
        assert_eq!(read["00100010"]["Value"][0]["Alphabetic"], "Née");
        assert_eq!(read["7FE00010"]["Bulk"][1], 4);
    }

    #[test]
    fn compressed_frames_become_fragments_of_their_transfer_syntax() {
        let syntax = "1.2.840.10008.1.2.4.80";
        let frames = vec![bulk("image/jls", Some(syntax), &[1, 2, 3]), bulk("image/jls", Some(syntax), &[4, 5])];
        let bulks = HashMap::from([("w".to_owned(), vec![bulk(OCTETS, None, &[0, 0])]), ("p".to_owned(), frames)]);
        let assembled = data_set(metadata(), &bulks).unwrap();
        assert_eq!(assembled.transfer_syntax_uid, syntax);
        let lengths: Vec<_> =
            scanned(&assembled)["7FE00010"]["Fragments"].as_array().unwrap().iter().map(|f| f[1].clone()).collect();
        assert_eq!(lengths, [0, 4, 2]);
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_refused() {
        let only = |place: &str, bulk| HashMap::from([(place.to_owned(), vec![bulk])]);
        for bulks in [
            HashMap::new(),
            only("p", bulk(OCTETS, None, &[0])),
            only("w", bulk(OCTETS, None, &[0])),
            HashMap::from([
                ("w".to_owned(), vec![bulk("image/jpeg", None, &[0])]),
                ("p".to_owned(), vec![bulk(OCTETS, None, &[0])]),
            ]),
            HashMap::from([
                ("w".to_owned(), vec![bulk(OCTETS, None, &[0])]),
                ("p".to_owned(), vec![bulk("image/jpeg", None, &[0])]),
            ]),
        ] {
            assert!(data_set(metadata(), &bulks).is_err());
        }
        assert!(data_set(json!([]), &HashMap::new()).is_err());
        let nested = |depth: usize| {
            let mut item = json!({});
            for _ in 0..depth {
                item = json!({"00081140": {"vr": "SQ", "Value": [item]}});
            }
            data_set(item, &HashMap::new())
        };
        assert!(nested(DATASET_DEPTH_MAX).is_ok());
        assert!(nested(DATASET_DEPTH_MAX + 1).is_err());
    }
}
