//! Kept resources as they are given back.

use super::failure::{FHIR_JSON, Failure};
use super::request::Request;
use archive::retrieve::Opened;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use record::Micros;
use serde_json::Value;
use std::collections::BTreeMap;
use wire::fhir::{Identity, with_identity};

/// What the door kept beside a resource.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Full URLs of its transaction and what they became.
    pub references: BTreeMap<String, String>,
    /// The media type of a Binary that is kept as it is.
    pub raw: Option<String>,
}

impl Kept {
    /// Reads the sealed metadata.
    pub fn of(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let references = metadata.get("references").and_then(Value::as_object).into_iter().flatten();
        Self {
            references: references.filter_map(|(from, to)| Some((from.clone(), text(to)?))).collect(),
            raw: metadata.get("raw").and_then(text),
        }
    }
}

/// Type, id, version and time of a kept resource.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Resource type.
    pub resource_type: String,
    /// Logical id.
    pub id: String,
    /// `meta.versionId`.
    pub version: u32,
    /// When it arrived.
    pub arrived: Micros,
}

impl Stamp {
    /// Of an open resource.
    pub fn of(opened: &Opened) -> Option<Self> {
        let located = opened.located();
        let facts = located.resource()?;
        Some(Self {
            resource_type: facts.resource_type.clone(),
            id: facts.id.clone(),
            version: located.version(),
            arrived: located.arrived(),
        })
    }

    /// `meta.lastUpdated`: an instant in milliseconds.
    pub fn last_updated(&self) -> String {
        let time = jiff::Timestamp::from_microsecond(self.arrived).unwrap_or_default();
        format!("{time:.3}")
    }

    /// The resource's address below the base.
    pub fn path(&self) -> String {
        format!("{}/{}", self.resource_type, self.id)
    }

    /// ETag, Last-Modified and, if it was just created, Location (FHIR R4 3.1.0.1.2).
    pub fn headers(&self, created_under: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut put = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        put(header::ETAG, format!("W/\"{}\"", self.version));
        let time = jiff::Timestamp::from_microsecond(self.arrived).unwrap_or_default();
        put(header::LAST_MODIFIED, time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if let Some(base) = created_under {
            put(header::LOCATION, format!("{base}/{}/_history/{}", self.path(), self.version));
        }
        headers
    }
}

/// The JSON of a resource as it is served: the bytes that came, with id, version, time and references put in.
pub fn json(bytes: &[u8], stamp: &Stamp, references: &BTreeMap<String, String>) -> Result<Vec<u8>, Failure> {
    let last_updated = stamp.last_updated();
    let version = stamp.version.to_string();
    let identity = Identity { id: &stamp.id, version_id: &version, last_updated: &last_updated };
    // What is kept passed the same reader when it came; that it no longer does means that it was changed.
    with_identity(bytes, &identity, references)
        .map_err(|_| archive::Error::Damaged("a kept resource is not JSON".to_owned()).into())
}

/// All of an open resource's content.
pub async fn content(opened: &Opened) -> Result<Vec<u8>, Failure> {
    let length = opened.content_len().await?;
    Ok(opened.read(0..length).await?)
}

/// An open resource as JSON; a Binary that is kept as it is becomes one.
pub async fn resource(opened: &Opened) -> Result<Vec<u8>, Failure> {
    let stamp = Stamp::of(opened).ok_or_else(crate::http::Problem::not_found)?;
    let kept = Kept::of(&opened.metadata().await?);
    let bytes = content(opened).await?;
    match kept.raw {
        Some(media_type) => super::binary::resource(&bytes, &media_type, &stamp),
        None => json(&bytes, &stamp, &kept.references),
    }
}

/// The answer's own media type.
pub fn content_type() -> (HeaderName, &'static str) {
    (header::CONTENT_TYPE, FHIR_JSON)
}

/// Whether the client wants nothing back of what it sent (FHIR R4 3.1.0.6 `Prefer: return`).
pub fn minimal(request: &Request) -> bool {
    let preferences = request.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split([',', ';'])).any(|preference| preference.trim() == "return=minimal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_written_as_fhir_and_http_write_it() {
        let stamp =
            Stamp { resource_type: "Patient".into(), id: "a1".into(), version: 2, arrived: 1_700_000_000_123_456 };
        assert_eq!(stamp.last_updated(), "2023-11-14T22:13:20.123Z");
        let headers = stamp.headers(Some("http://h/fhir"));
        assert_eq!(headers[header::ETAG], "W/\"2\"");
        assert_eq!(headers[header::LAST_MODIFIED], "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(headers[header::LOCATION], "http://h/fhir/Patient/a1/_history/2");
    }
}
