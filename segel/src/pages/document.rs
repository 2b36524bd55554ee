//! Documents as files: Encapsulated PDF, and attachments of FHIR resources.

use super::Pages;
use super::failure::Failure;
use super::picture::{Names, open};
use super::records::is_id;
use super::visitor::Visitor;
use crate::dicomweb::rendered;
use crate::http::Problem;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What a browser may show of what a stranger sent. Anything else, HTML and SVG above all, is only saved.
const SHOWN: [&str; 4] = ["application/pdf", "image/jpeg", "image/png", "text/plain"];

/// `GET .../document`: the PDF of an Encapsulated PDF instance.
pub async fn encapsulated(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(names): Names,
) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    let opened = open(&pages, &visitor, &names).await.map_err(fail)?;
    rendered::document(opened).await.map_err(fail)
}

/// `GET /documents/{kind}/{id}`: the bytes of a `Binary`, or of the attachment inside a `DocumentReference`.
pub async fn resource(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    if !is_id(&id) || !matches!(kind.as_str(), "Binary" | "DocumentReference") {
        return Err(fail(Problem::not_found()));
    }
    let read = async {
        let opened = pages.doors.archive.read_resource(&visitor.asker, &kind, &id, None).await?;
        opened.read(0..opened.content_len().await?).await
    };
    let content = read.await.map_err(|error| fail(Problem::of_read(error)))?;
    let (media_type, bytes) = attachment(content);
    let shown =
        SHOWN.iter().find(|known| media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(known));
    Ok(match shown {
        Some(known) => ([(header::CONTENT_TYPE, *known)], bytes).into_response(),
        None => {
            let saved = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"document\""),
            ];
            (saved, bytes).into_response()
        }
    })
}

/// Media type and bytes of what a resource holds; what is no resource is a file as it came.
fn attachment(content: Vec<u8>) -> (String, Vec<u8>) {
    let Ok(resource) = serde_json::from_slice::<Value>(&content) else {
        let known: [(&[u8], &str); 3] =
            [(b"%PDF", "application/pdf"), (b"\xFF\xD8\xFF", "image/jpeg"), (b"\x89PNG", "image/png")];
        let media_type = known
            .iter()
            .find(|(magic, _)| content.starts_with(magic))
            .map_or("application/octet-stream", |(_, kind)| kind);
        return (media_type.to_owned(), content);
    };
    let held = resource.pointer("/content/0/attachment").unwrap_or(&resource);
    let text = |name: &str| held.get(name).and_then(Value::as_str).unwrap_or_default();
    // Line breaks inside base64 are allowed (FHIR R4 2.24.0.1).
    let data: String = text("data").split_ascii_whitespace().collect();
    (text("contentType").to_owned(), STANDARD.decode(data).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_of_resources_and_files() {
        let binary = br#"{"resourceType":"Binary","contentType":"image/jpeg","data":"AQID\nBA=="}"#.to_vec();
        assert_eq!(attachment(binary), ("image/jpeg".to_owned(), vec![1, 2, 3, 4]));
        let reference = br#"{"content":[{"attachment":{"contentType":"application/pdf","data":"JVBERg=="}}]}"#.to_vec();
        assert_eq!(attachment(reference), ("application/pdf".to_owned(), b"%PDF".to_vec()));
        assert_eq!(attachment(b"%PDF-1.4".to_vec()).0, "application/pdf");
        assert_eq!(attachment(b"<html>".to_vec()).0, "application/octet-stream");
    }
}
