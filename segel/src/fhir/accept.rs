//! Which form of a resource the client takes.

use crate::dicomweb::accept::{choose, ranges};
use crate::http::Problem;
use axum::http::HeaderMap;

const JSON: [&str; 4] = ["application/fhir+json", "application/json", "text/json", "application/json+fhir"];

/// Checks the parameter `_format`: only JSON is made.
pub fn format(format: Option<&str>) -> Result<(), Problem> {
    let media_type = |text: &str| text.split(';').next().unwrap_or_default().trim().replace(' ', "+");
    match format {
        Some(text) if text != "json" && !JSON.contains(&media_type(text).as_str()) => Err(only_json()),
        _ => Ok(()),
    }
}

/// Checks that JSON is acceptable.
pub fn json(headers: &HeaderMap) -> Result<(), Problem> {
    choose(&ranges(headers, None)?, &JSON).map(|_| ()).map_err(|_| only_json())
}

fn only_json() -> Problem {
    Problem::not_acceptable("Resources are given as application/fhir+json.")
}

/// Whether a Binary shall be given as a resource rather than as what it holds (FHIR R4 Binary, "Serving Binary Resources").
pub fn wants_resource(headers: &HeaderMap, format_given: bool) -> Result<bool, Problem> {
    let ranges = ranges(headers, None)?;
    let first = ranges.first();
    Ok(format_given || first.is_some_and(|range| JSON.contains(&range.media_type.as_str())))
}

/// Whether a content type is FHIR JSON.
pub fn is_json(content_type: &str) -> bool {
    JSON.contains(&content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_all_its_names_and_nothing_else() {
        for name in [
            "json",
            "application/json",
            "application/fhir+json",
            "application/fhir json",
            "application/fhir+json; fhirVersion=4.0",
        ] {
            assert_eq!(format(Some(name)), Ok(()), "{name}");
        }
        for name in ["xml", "application/fhir+xml", "text/html", ""] {
            assert_eq!(format(Some(name)).unwrap_err().status, 406, "{name}");
        }
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("accept", accept.parse().unwrap());
            wants_resource(&headers, false).unwrap()
        };
        assert!(wants("application/fhir+json"));
        assert!(!wants("*/*") && !wants("image/jpeg, application/fhir+json;q=0.5"));
    }
}
