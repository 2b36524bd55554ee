//! Binary: documents and photos as they are, or wrapped as a resource (FHIR R4 Binary).

use super::accept;
use super::definition::Definition;
use super::draft::Parsed;
use super::failure::Failure;
use super::request::Request;
use super::served::{self, Kept, Stamp};
use super::subject;
use crate::dicomweb::body::{self, Piece};
use crate::http::Problem;
use archive::ingest::Subject;
use archive::retrieve::Opened;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wire::fhir::Document;
use wire::multipart::MediaType;

/// A body that is the document itself.
pub fn raw(bytes: Vec<u8>, content_type: &str) -> Result<Parsed, Failure> {
    let definition = Definition::of("Binary").ok_or_else(Problem::not_found)?;
    let media_type =
        MediaType::parse(content_type).map_err(|_| Problem::unsupported("The content type cannot be read."))?;
    if bytes.is_empty() {
        return Err(Failure::bad_request("invalid", "The body is empty."));
    }
    Ok(Parsed { definition, value: json!({}), bytes, raw: Some(media_type.essence), refers: Vec::new() })
}

/// The patient of such a body: the header `X-Security-Context` (FHIR R4 Binary) holds a reference.
pub async fn subject(request: &Request) -> Result<Subject, Failure> {
    let path = "Binary.securityContext";
    let context = request.headers.get("x-security-context").and_then(|value| value.to_str().ok());
    let context = context.ok_or_else(|| {
        let detail = "A Binary needs the header X-Security-Context: Patient/<id>; nothing can be kept for nobody.";
        Failure::unprocessable("required", path, detail)
    })?;
    subject::by_reference(request, context.trim(), path).await
}

/// The resource of a document that is kept as it is.
pub fn resource(bytes: &[u8], media_type: &str, stamp: &Stamp) -> Result<Vec<u8>, Failure> {
    let resource = json!({"resourceType": "Binary", "contentType": media_type, "data": STANDARD.encode(bytes)});
    served::json(resource.to_string().as_bytes(), stamp, &std::collections::BTreeMap::new())
}

/// An open Binary, as the document or as the resource.
pub async fn answer(request: &Request, opened: Opened) -> Result<Response, Failure> {
    let stamp = Stamp::of(&opened).ok_or_else(Problem::not_found)?;
    let headers = stamp.headers(None);
    if accept::wants_resource(&request.headers, request.parameter("_format").is_some())? {
        return Ok((headers, [served::content_type()], served::resource(&opened).await?).into_response());
    }
    let kept = Kept::of(&opened.metadata().await?);
    let (media_type, body) = match kept.raw {
        Some(media_type) => {
            let length = opened.content_len().await?;
            (media_type, body::of([Piece::Content(opened, 0..length)]))
        }
        None => {
            let (media_type, bytes) = unwrap(&served::content(&opened).await?)?;
            (media_type, bytes.into())
        }
    };
    let mut response = (headers, body).into_response();
    let content_type =
        HeaderValue::from_str(&media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    // What a stranger uploaded must not run as a page of this origin.
    let sandbox = HeaderValue::from_static("sandbox; default-src 'none'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, sandbox);
    Ok(response)
}

/// What a Binary resource holds: its media type and its data.
pub fn unwrap(bytes: &[u8]) -> Result<(String, Vec<u8>), Failure> {
    let damaged = || Failure::from(archive::Error::Damaged("a kept Binary is not one".to_owned()));
    let value = Document::parse(bytes).map_err(|_| damaged())?.into_value();
    let media_type = value.get("contentType").and_then(Value::as_str).and_then(|text| MediaType::parse(text).ok());
    let data = value.get("data").and_then(Value::as_str).unwrap_or_default();
    let data: String = data.split_ascii_whitespace().collect();
    let data = STANDARD.decode(data).map_err(|_| damaged())?;
    Ok((media_type.map_or_else(|| "application/octet-stream".to_owned(), |m| m.essence), data))
}

/// Checks the data of a Binary resource, so that what is accepted can be given back.
pub fn check(parsed: &Parsed) -> Result<(), Failure> {
    let is_wrapped = parsed.definition.name == "Binary" && parsed.raw.is_none();
    let text = parsed.value.get("data").and_then(Value::as_str).unwrap_or_default();
    let data: String = text.split_ascii_whitespace().collect();
    if is_wrapped && STANDARD.decode(data).is_err() {
        return Err(Failure::unprocessable("value", "Binary.data", "Binary.data is not base64."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_survives_being_wrapped_and_unwrapped() {
        let stamp = Stamp { resource_type: "Binary".into(), id: "b".into(), version: 1, arrived: 0 };
        let wrapped = resource(b"%PDF-1.4\0\xFF", "application/pdf", &stamp).unwrap();
        assert_eq!(unwrap(&wrapped).unwrap(), ("application/pdf".to_owned(), b"%PDF-1.4\0\xFF".to_vec()));
        let value: Value = serde_json::from_slice(&wrapped).unwrap();
        assert_eq!((value["id"].as_str(), value["meta"]["versionId"].as_str()), (Some("b"), Some("1")));
    }

    #[test]
    fn data_that_is_no_base64_and_an_empty_body_are_refused() {
        assert!(raw(Vec::new(), "image/jpeg").is_err());
        assert!(raw(vec![1], "not a type").is_err());
        let wrong = br#"{"resourceType":"Binary","contentType":"image/jpeg","data":"!!"}"#;
        assert!(check(&super::super::draft::parse(wrong.to_vec(), None).unwrap()).is_err());
        let folded = b"{\"resourceType\":\"Binary\",\"contentType\":\"image/jpeg\",\"data\":\"AAAA\\r\\nAAAA\"}";
        assert!(check(&super::super::draft::parse(folded.to_vec(), None).unwrap()).is_ok());
    }
}
