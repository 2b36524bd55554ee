//! JSON of FHIR and DICOM.

use super::Case;
use super::Expected::{Answered, Refused};
use super::web::{FHIR, get, http, with_length};

/// Everything whose hole lies in reading JSON.
pub(super) fn cases() -> Vec<Case> {
    let fhir = |what: &str, body: &str, expected| {
        http(what, with_length("POST /fhir/Patient", FHIR, body.as_bytes()), expected)
    };
    let work = |what: &str, body: &str, expected| {
        http(
            what,
            with_length("POST /dicom-web/workitems", "Content-Type: application/dicom+json\r\n", body.as_bytes()),
            expected,
        )
    };
    let deep =
        |depth: usize| format!("{{\"resourceType\":\"Patient\",\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let items =
        |depth: usize| format!("{}{}", "[{\"00400275\":{\"vr\":\"SQ\",\"Value\":".repeat(depth), "}}]".repeat(depth));
    let keys = (0..50_000).map(|n| format!("\"k{n}\":0,")).collect::<String>();
    let values = "1,".repeat(1_100_000);
    let entries = vec!["{}"; 1_500].join(",");
    vec![Case {
        numbers: "class",
        software: "JSON of FHIR and DICOM",
        published: "Nesting, numbers, repeated keys and references of JSON end a stack, take memory, or are read in two ways (CWE-674, CWE-776).",
        inputs: vec![
            fhir("arrays 65 deep", &deep(65), Refused),
            fhir("arrays 1,000,000 deep", &deep(1_000_000), Refused),
            fhir("objects without their ends", &"{\"a\":".repeat(100_000), Refused),
            fhir("1,100,000 values", &format!("{{\"resourceType\":\"Patient\",\"x\":[{values}1]}}"), Refused),
            fhir("50,000 keys", &format!("{{{keys}\"resourceType\":\"Patient\"}}"), Answered),
            fhir("a key twice", "{\"resourceType\":\"Patient\",\"resourceType\":\"Observation\"}", Refused),
            fhir("half a pair of surrogates", "{\"resourceType\":\"Patient\",\"x\":\"\\ud800\"}", Refused),
            fhir("a number of 1e999999999", "{\"resourceType\":\"Patient\",\"x\":1e999999999}", Refused),
            fhir("a number of a megabyte", &format!("{{\"resourceType\":\"Patient\",\"x\":{}}}", "9".repeat(1 << 20)), Refused),
            fhir("a reference that leads up", "{\"resourceType\":\"Patient\",\"link\":[{\"other\":{\"reference\":\"../../../../etc/passwd\"},\"type\":\"seealso\"}]}", Answered),
            http("a bundle of 1,500 entries", with_length("POST /fhir", FHIR, format!("{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{entries}]}}").as_bytes()), Refused),
            http("a bundle that asks for other hosts", with_length("POST /fhir", FHIR, b"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":\"http://127.0.0.1:1/\"}}]}"), Refused),
            get("a search of FHIR with 3,000 parameters", &format!("/fhir/Patient?{}", vec!["name=a"; 3_000].join("&")), Answered),
            get("a resource whose id leads up", "/fhir/Patient/..%2f..%2fetc%2fpasswd", Refused),
            work("items 1,000 deep", &items(1_000), Refused),
            work("items 100,000 deep", &items(100_000), Refused),
            work("no data set", "[]", Refused),
            work("a value of another type", "[{\"00741000\":{\"vr\":\"CS\",\"Value\":{\"a\":1}}}]", Refused),
            work("bulk data of the server's disk", "[{\"00404050\":{\"vr\":\"OB\",\"BulkDataURI\":\"file:///etc/passwd\"}}]", Refused),
            http("a workitem whose UID leads up", with_length("POST /dicom-web/workitems?workitem=../../etc", "Content-Type: application/dicom+json\r\n", b"[{}]"), Refused),
            http("a change of state of nothing", with_length("PUT /dicom-web/workitems/1.2.3/state", "Content-Type: application/dicom+json\r\n", b"[{}]"), Refused),
        ],
    }]
}
