//! transaction (FHIR R4 3.1.0.11): all resources of a bundle are kept, in one durable write, or none.

use super::binary;
use super::create;
use super::definition::Definition;
use super::draft::{self, Parsed};
use super::failure::Failure;
use super::request::Request;
use super::subject::{self, Surroundings};
use super::{says, served};
use crate::http::{Problem, body};
use crate::worklist;
use archive::ingest::{ResourceDraft, StoredResource};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use record::limits::RESOURCE_BYTES_MAX;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use wire::fhir::Document;

/// `POST /fhir`.
pub async fn transaction(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    if !super::accept::is_json(&create::content_type(&headers)?) {
        return Err(Problem::unsupported("Bundles come as application/fhir+json.").into());
    }
    let held = body::hold(body, &headers, RESOURCE_BYTES_MAX, &request.doors.held).await?;
    let entries = entries(&held.bytes)?;
    let (drafts, items) = drafts(&request, entries).await?;
    let drafts = [drafts, items].concat();
    let stored =
        request.doors.archive.store_resources(&request.caller.asker, drafts).await.map_err(Failure::of_write)?;
    // What is kept beside an order is no answer to an entry.
    let stored = stored.iter().filter(|stored| stored.resource_type != worklist::ITEM);
    let entries: Vec<Value> = stored.map(|stored| response_entry(&request, stored)).collect();
    let mut bundle = json!({"resourceType": "Bundle", "type": "transaction-response"});
    if let (Some(bundle), false) = (bundle.as_object_mut(), entries.is_empty()) {
        bundle.insert("entry".to_owned(), Value::Array(entries));
    }
    Ok((StatusCode::OK, [served::content_type()], bundle.to_string()).into_response())
}

fn response_entry(request: &Request, stored: &StoredResource) -> Value {
    let stamp = create::stamp(stored);
    json!({
        "fullUrl": format!("{}/{}", request.base, stamp.path()),
        "response": {
            "status": "201 Created",
            "location": format!("{}/_history/{}", stamp.path(), stamp.version),
            "etag": format!("W/\"{}\"", stamp.version),
            "lastModified": stamp.last_updated(),
        },
    })
}

/// One entry of a bundle that has been read.
struct Entry {
    full_url: Option<String>,
    parsed: Parsed,
}

/// Reads the bundle and checks each of its entries.
fn entries(bytes: &[u8]) -> Result<Vec<Entry>, Failure> {
    let document = Document::parse(bytes).map_err(|error| Failure::bad_request("structure", error.to_string()))?;
    let bundle = document.value();
    if document.resource_type() != Some("Bundle") {
        return Err(Failure::bad_request("invalid", "Only a Bundle can be sent here."));
    }
    match bundle.get("type").and_then(Value::as_str) {
        Some("transaction") => {}
        Some("batch") => {
            let detail = "A batch is not supported: send a transaction, or the resources one by one.";
            return Err(Failure::unprocessable("not-supported", "Bundle.type", detail));
        }
        _ => return Err(Failure::unprocessable("value", "Bundle.type", "The bundle's type is transaction.")),
    }
    let list = bundle.get("entry").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let spans = document.entry_resources().iter().cloned().chain(std::iter::repeat(None));
    let read = |(number, (entry, span)): (usize, (&Value, Option<std::ops::Range<usize>>))| {
        let resource = span.and_then(|span| bytes.get(span)).map(<[u8]>::to_vec);
        one_entry(entry, resource).map_err(|failure| failure.at_entry(number))
    };
    list.iter().zip(spans).enumerate().map(read).collect()
}

fn one_entry(entry: &Value, resource: Option<Vec<u8>>) -> Result<Entry, Failure> {
    let text = |name: &str| entry.get("request").and_then(|r| r.get(name)).and_then(Value::as_str);
    if text("method") != Some("POST") {
        return Err(Failure::bad_request("not-supported", "Only entries of method POST are taken."));
    }
    if text("ifNoneExist").is_some() {
        return Err(Failure::bad_request("not-supported", "Conditional create is not supported."));
    }
    let definition = text("url").map(|url| url.trim_start_matches('/')).and_then(Definition::of);
    let definition = definition.ok_or_else(|| {
        Failure::bad_request("not-supported", "The entry's url names no resource type that is kept here.")
    })?;
    let resource = resource.ok_or_else(|| Failure::bad_request("required", "The entry has no resource."))?;
    let parsed = draft::parse(resource, Some(definition))?;
    binary::check(&parsed)?;
    Ok(Entry { full_url: entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned), parsed })
}

/// The entries of a bundle by their full URLs.
struct Bundle<'a> {
    entries: &'a [Entry],
    places: HashMap<&'a str, usize>,
    /// Entries that refer to a full URL of the bundle.
    referring: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Bundle<'a> {
    fn of(entries: &'a [Entry]) -> Result<Self, Failure> {
        let mut places = HashMap::new();
        for (number, entry) in entries.iter().enumerate() {
            let Some(url) = entry.full_url.as_deref() else { continue };
            if places.insert(url, number).is_some() {
                return Err(Failure::unprocessable(
                    "duplicate",
                    "Bundle.entry.fullUrl",
                    "Two entries have one fullUrl.",
                ));
            }
        }
        let mut referring: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, entry) in entries.iter().enumerate() {
            for text in entry.parsed.refers.iter().filter(|text| places.contains_key(text.as_str())) {
                referring.entry(text).or_default().push(number);
            }
        }
        Ok(Self { entries, places, referring })
    }

    fn value(&self, number: usize) -> Option<&Value> {
        self.entries.get(number).map(|entry| &entry.parsed.value)
    }
}

impl Surroundings for Bundle<'_> {
    fn resource(&self, full_url: &str) -> Option<&Value> {
        self.value(*self.places.get(full_url)?)
    }

    fn referring(&self, full_url: &str) -> Vec<&Value> {
        self.referring.get(full_url).into_iter().flatten().filter_map(|number| self.value(*number)).collect()
    }
}

/// Gives each entry its id and patient. The drafts of the entries, and of the worklist items beside them.
async fn drafts(request: &Request, entries: Vec<Entry>) -> Result<(Vec<ResourceDraft>, Vec<ResourceDraft>), Failure> {
    let mut subjects = Vec::with_capacity(entries.len());
    let mut ids = Vec::with_capacity(entries.len());
    let mut items = Vec::new();
    let mut references = BTreeMap::new();
    let bundle = Bundle::of(&entries)?;
    for (number, entry) in entries.iter().enumerate() {
        let Entry { full_url, parsed } = entry;
        let subject = subject::of(request, parsed.definition, &parsed.value, full_url.as_deref(), &bundle).await;
        let subject = subject.map_err(|failure| failure.at_entry(number))?;
        let says = says::of(
            parsed.definition,
            &parsed.value,
            full_url.as_deref(),
            &bundle,
            &request.caller.who.facility,
            record::time::now(),
        );
        let says = says.map_err(|failure| failure.at_entry(number))?;
        let id = draft::id()?;
        let item = worklist::item::beside(request, parsed.definition, &parsed.value, &id, &subject, &bundle).await;
        items.extend(item.map_err(|failure| failure.at_entry(number))?);
        subjects.push((subject, says));
        if let Some(full_url) = full_url {
            references.insert(full_url.clone(), format!("{}/{id}", parsed.definition.name));
        }
        ids.push(id);
    }
    let settled = entries.into_iter().zip(ids).zip(subjects);
    let make = |((entry, id), (subject, says)): ((Entry, String), _)| {
        draft::make(entry.parsed, id, subject, says, &references)
    };
    let drafts = settled.map(make).collect();
    Ok((drafts, items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::limits::BUNDLE_ENTRIES_MAX;

    fn code(bundle: &Value) -> Option<String> {
        let failure = entries(bundle.to_string().as_bytes()).err()?;
        Some(failure.resource()["issue"][0]["code"].as_str().unwrap().to_owned())
    }

    fn entry(resource: &Value) -> Value {
        json!({"fullUrl": "urn:uuid:1", "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}})
    }

    fn patient() -> Value {
        json!({"resourceType": "Patient", "identifier": [{"value": "1"}]})
    }

    #[test]
    fn only_transactions_of_creates_are_taken() {
        let bundle = |kind: &str, entry: Value| json!({"resourceType": "Bundle", "type": kind, "entry": [entry]});
        assert_eq!(code(&bundle("transaction", entry(&patient()))), None);
        assert_eq!(code(&bundle("batch", entry(&patient()))).as_deref(), Some("not-supported"));
        assert_eq!(code(&bundle("collection", entry(&patient()))).as_deref(), Some("value"));
        assert_eq!(code(&patient()).as_deref(), Some("invalid"));
        for (change, expected) in [
            (json!({"request": {"method": "PUT", "url": "Patient/1"}}), "not-supported"),
            (json!({"request": {"method": "POST", "url": "Observation"}}), "invalid"),
            (json!({"request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=1"}}), "not-supported"),
            (json!({"resource": null}), "required"),
        ] {
            let mut wrong = entry(&patient());
            for (name, value) in change.as_object().unwrap() {
                wrong[name] = value.clone();
            }
            if change.get("resource").is_some() {
                wrong.as_object_mut().unwrap().remove("resource");
            }
            assert_eq!(code(&bundle("transaction", wrong)).as_deref(), Some(expected), "{change}");
        }
    }

    #[test]
    fn a_bundle_may_reach_its_number_of_entries_and_not_pass_it() {
        let bundle = |count: usize| {
            let entries: Vec<Value> = (0..count).map(|_| entry(&patient())).collect();
            json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        };
        assert_eq!(code(&bundle(BUNDLE_ENTRIES_MAX)), None);
        assert_eq!(code(&bundle(BUNDLE_ENTRIES_MAX + 1)).as_deref(), Some("structure"));
    }

    #[test]
    fn documents_that_refer_to_a_binary_are_found() {
        let binary = json!({"resourceType": "Binary", "contentType": "image/jpeg", "data": "AAAA"});
        let mut document = entry(&json!({
            "resourceType": "DocumentReference", "status": "current", "subject": {"reference": "Patient/1"},
            "content": [{"attachment": {"url": "urn:uuid:1"}}],
        }));
        document["fullUrl"] = json!("urn:uuid:2");
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry(&binary), document]});
        let entries = entries(bundle.to_string().as_bytes()).ok().unwrap();
        let bundle = Bundle::of(&entries).ok().unwrap();
        assert_eq!(bundle.referring("urn:uuid:1").len(), 1);
        assert_eq!(bundle.referring("urn:uuid:1")[0]["resourceType"], "DocumentReference");
        assert_eq!(bundle.resource("urn:uuid:1").unwrap()["resourceType"], "Binary");
    }
}
