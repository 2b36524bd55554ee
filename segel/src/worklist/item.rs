//! Keeping an order's item beside the order.

use super::order::{self, Order};
use super::{ITEM, query};
use crate::fhir::definition::Definition;
use crate::fhir::request::Request;
use crate::fhir::subject::Surroundings;
use crate::fhir::{Failure, identity};
use archive::find::ResourceQuery;
use archive::ingest::{ResourceDraft, Subject};
use archive::terms;
use record::Term;
use seal::message::relate::Says;
use serde_json::{Value, json};

/// The draft of an order's item, to be kept in the same write as the order: scheduled as the order says, or off the list if an
/// item of an earlier version stands there. `None` if the resource is no order, or was and is on no list.
pub async fn beside(
    request: &Request,
    definition: &Definition,
    resource: &Value,
    id: &str,
    subject: &Subject,
    around: &impl Surroundings,
) -> Result<Option<ResourceDraft>, Failure> {
    if definition.name != "ServiceRequest" {
        return Ok(None);
    }
    let archive = &request.doors.archive;
    let kept = match archive.locate_resource(&request.caller.asker, ITEM, id, None).await {
        Ok(located) => Some(located.version()),
        Err(archive::Error::Refused(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let version = kept.map_or(1, |version| version.saturating_add(1));
    if !order::is_scheduled(resource) {
        return Ok(kept.map(|_| draft(id, version, subject.clone())));
    }
    let facility = &request.caller.who.facility;
    let person = person(request, resource, around).await?;
    let item = order::item(Order { resource, id, facility, person: person.as_ref() })
        .map_err(|(element, sentence)| Failure::unprocessable("value", element, sentence))?;
    let mut draft = draft(id, version, subject.clone());
    draft.terms = found_by(request, resource, &item.0);
    draft.date = order::start(resource).unwrap_or_default().0;
    draft.content = Value::Object(item.0.clone()).to_string().into_bytes();
    draft.summary = Value::Object(item.0);
    Ok(Some(draft))
}

/// An item that is on no list.
fn draft(id: &str, version: record::Version, subject: Subject) -> ResourceDraft {
    ResourceDraft {
        resource_type: ITEM.to_owned(),
        id: id.to_owned(),
        version,
        subject,
        terms: Vec::new(),
        date: String::new(),
        summary: json!({}),
        metadata: json!({}),
        content: b"{}".to_vec(),
        // A sensitive order's item stays on its own facility's list: the modality has to know whom it examines.
        says: Says::default(),
    }
}

/// The list, the stations, and the numbers that a query may name.
fn found_by(request: &Request, resource: &Value, item: &serde_json::Map<String, Value>) -> Vec<Term> {
    let facility = &request.caller.who.facility;
    let stations = order::stations(resource);
    let mut found_by = vec![query::everything(facility)];
    found_by.extend(stations.iter().map(|(title, _)| query::station(facility, title)));
    if stations.is_empty() {
        found_by.push(query::station(facility, ""));
    }
    found_by.extend(super::element::text(item, "00100020").map(terms::number));
    found_by.extend(super::element::text(item, "00080050").map(terms::accession_number));
    found_by
}

/// The Patient that an order speaks of: contained, in the same transaction, or the summary of one that is kept.
async fn person(request: &Request, order: &Value, around: &impl Surroundings) -> Result<Option<Value>, Failure> {
    let reference = order.pointer("/subject/reference").and_then(Value::as_str);
    if let Some(id) = reference.and_then(|text| text.strip_prefix('#')) {
        let contained = order.get("contained").and_then(Value::as_array).into_iter().flatten();
        return Ok(contained.into_iter().find(|resource| resource.get("id").is_some_and(|own| own == id)).cloned());
    }
    if let Some(entry) = reference.and_then(|text| around.resource(text)) {
        return Ok(Some(entry.clone()));
    }
    let mut query = ResourceQuery { resource_type: "Patient".to_owned(), ..ResourceQuery::default() };
    if let Some(text) = reference {
        let id = text.split("/_history/").next().unwrap_or(text).rsplit('/').next().unwrap_or(text);
        query.ids = vec![id.to_owned()];
    } else {
        let element = order.pointer("/subject/identifier");
        let identifier = element.and_then(|element| identity::of_element(element, &request.caller.who.facility));
        let Some(identifier) = identifier else { return Ok(None) };
        query.terms = vec![vec![terms::identifier(&identifier)]];
    }
    query.limit = Some(1);
    let rows = request.doors.archive.find_resources(&request.caller.asker, &query).await?;
    Ok(rows.into_iter().next().map(|row| row.summary))
}
