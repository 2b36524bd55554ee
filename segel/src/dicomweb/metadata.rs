//! Metadata (PS3.18 10.4.1.1.2): what was kept at ingest, with a link for each bulk value.

use super::body::{self, Piece};
use super::request::{Request, instance_url};
use super::{accept, body::Piece::Metadata};
use crate::http::Problem;
use archive::retrieve::Opened;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// `GET .../metadata` of a study, a series or an instance.
pub async fn metadata(request: Request) -> Result<Response, Problem> {
    accept::json(&request.headers, request.parameter("accept"))?;
    let located = request.locate().await?;
    let opened = request.open(&located).await?;
    let mut pieces = Vec::with_capacity(opened.len() + 2);
    let mut before = "[";
    for opened in opened {
        pieces.push(Metadata { opened, base: request.base.clone(), before });
        before = ",\n";
    }
    pieces.push(Piece::Bytes(b"]".to_vec()));
    Ok(([(header::CONTENT_TYPE, "application/dicom+json")], body::of(pieces)).into_response())
}

/// An instance's metadata with links under `base`.
pub async fn of(opened: &Opened, base: &str) -> Result<Value, Problem> {
    let facts = opened.located().instance().ok_or_else(Problem::not_found)?.clone();
    let mut metadata = opened.metadata().await?;
    link(&mut metadata, &format!("{}/bulkdata", instance_url(base, &facts)));
    if let Some(data_set) = metadata.as_object_mut() {
        // PS3.18 F.2: DICOM JSON is UTF-8, whatever character set the data set is kept in.
        if let Some(charset) = data_set.get_mut("00080005") {
            *charset = json!({"vr": "CS", "Value": ["ISO_IR 192"]});
        }
        // PS3.18 10.4.1.1.2: AvailableTransferSyntaxUID tells a reader what it will get.
        data_set.insert("00083002".to_owned(), json!({"vr": "UI", "Value": [facts.transfer_syntax_uid]}));
    }
    Ok(metadata)
}

/// Replaces places by links; the depth of a kept data set is bounded at ingest.
fn link(data_set: &mut Value, path: &str) {
    let Some(elements) = data_set.as_object_mut() else { return };
    for (tag, element) in elements {
        let Some(element) = element.as_object_mut() else { continue };
        if element.remove("Bulk").is_some() || element.remove("Fragments").is_some() {
            element.insert("BulkDataURI".to_owned(), json!(format!("{path}/{tag}")));
        }
        let is_sequence = element.get("vr").is_some_and(|vr| vr == "SQ");
        if let Some(items) = element.get_mut("Value").and_then(Value::as_array_mut).filter(|_| is_sequence) {
            for (number, item) in items.iter_mut().enumerate() {
                link(item, &format!("{path}/{tag}/{number}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_becomes_a_link_that_leads_back_to_it() {
        let kept = json!({
            "7FE00010": {"vr": "OB", "Fragments": [[0, 4], [12, 100]]},
            "54000100": {"vr": "SQ", "Value": [{}, {"54001010": {"vr": "OW", "Bulk": [10, 20]}}]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}]},
        });
        let mut linked = kept.clone();
        link(&mut linked, "http://h/b");
        assert_eq!(linked["7FE00010"], json!({"vr": "OB", "BulkDataURI": "http://h/b/7FE00010"}));
        let nested = &linked["54000100"]["Value"][1]["54001010"];
        assert_eq!(nested["BulkDataURI"], "http://h/b/54000100/1/54001010");
        assert_eq!(linked["00100010"], kept["00100010"]);
        assert!(super::super::bulk::Bulk::at(&kept, "54000100/1/54001010").is_some());
    }
}
