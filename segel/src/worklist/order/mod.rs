//! One order as the data set of its worklist item; the table stands at [`crate::worklist`].

pub mod code;
mod contained;
pub mod person;

use super::element::Attributes;
use super::query::STEP;
use code::{Coding, codings, words};
use person::Person;
use record::FacilityCode;
use serde_json::Value;

/// An accession number, and the numbers of steps and procedures, are SH (PS3.5 Table 6.2-1).
const SH_CHARACTERS_MAX: usize = 16;
const IDENTIFIER_TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
/// Intents that ask for something to be done (FHIR R4 request-intent).
const ORDERS: [&str; 5] = ["order", "original-order", "reflex-order", "filler-order", "instance-order"];

/// An order, with what its item needs beside it.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The ServiceRequest.
    pub resource: &'a Value,
    /// Its logical id.
    pub id: &'a str,
    /// Whose number a number without issuer is.
    pub facility: &'a FacilityCode,
    /// The Patient, or the summary that is kept of one.
    pub person: Option<&'a Value>,
}

/// Why an order cannot become an item: the element, and a sentence.
pub type Unfit = (&'static str, &'static str);

/// Whether an order belongs on the list.
pub fn is_scheduled(order: &Value) -> bool {
    let text = |name: &str| order.get(name).and_then(Value::as_str).unwrap_or_default();
    let imaging = code::has(order.get("category"), "http://snomed.info/sct", "363679005")
        || code::has_code(order.get("category"), "RAD")
        || codings(order.get("orderDetail")).into_iter().any(|coding| coding.modality().is_some());
    text("status") == "active" && ORDERS.contains(&text("intent")) && imaging && start(order).is_some()
}

/// The data set of an order's item. Only of one that [`is_scheduled`].
pub fn item(order: Order<'_>) -> Result<Attributes, Unfit> {
    let resource = order.resource;
    let accession = accession_number(resource)?;
    let mut item = Attributes::default();
    item.text("00080050", "SH", &accession);
    let requester = pointer(resource, "/requester/display");
    item.name("00080090", &name(requester));
    item.name("00321032", &name(requester));
    if let Some(person) = order.person {
        Person(person).put(order.facility, &mut item);
    } else {
        subject(order, &mut item);
    }
    contained::put(resource, &mut item);
    item.text("0020000D", "UI", &study_instance_uid(resource, order.id));
    let named = words(resource.get("code"));
    item.text("00321060", "LO", &named);
    item.items("00321064", codings(resource.get("code")).into_iter().filter_map(Coding::item).take(1).collect());
    item.text("00380010", "LO", pointer(resource, "/encounter/identifier/value"));
    let requested = if accession.is_empty() { digits(order.id, SH_CHARACTERS_MAX) } else { accession.clone() };
    item.text("00401001", "SH", &requested);
    item.text("00401002", "LO", &words(resource.get("reasonCode")));
    item.items("0040100A", codings(resource.get("reasonCode")).into_iter().filter_map(Coding::item).collect());
    item.text("00401003", "SH", priority(resource));
    item.text("00401400", "LT", &comments(resource));
    item.text("00402016", "LO", &identifier_of_type(resource, "PLAC"));
    item.text("00402017", "LO", &identifier_of_type(resource, "FILL"));
    item.items(STEP, vec![step(order, &requested, &named)]);
    Ok(item)
}

/// The one step of an order.
fn step(order: Order<'_>, requested: &str, named: &str) -> Attributes {
    let resource = order.resource;
    let details = codings(resource.get("orderDetail"));
    let all = [codings(resource.get("category")), codings(resource.get("code"))].concat();
    let modality = details.iter().chain(&all).find_map(|coding| coding.modality()).unwrap_or("OT");
    let stations = stations(resource);
    let (date, time) = start(resource).unwrap_or_default();
    let mut step = Attributes::default();
    step.text("00080060", "CS", modality);
    let titles: Vec<String> = stations.iter().map(|(title, _)| title.clone()).collect();
    step.texts("00400001", "AE", &titles);
    step.text("00400002", "DA", &date);
    step.text("00400003", "TM", &time);
    let performers = resource.get("performer").and_then(Value::as_array).into_iter().flatten();
    let mut performers = performers.filter(|performer| !code::is_station(pointer(performer, "/identifier/system")));
    step.name("00400006", &name(performers.next().map_or("", |performer| pointer(performer, "/display"))));
    step.text("00400007", "LO", named);
    let protocols = |codings: Vec<Coding<'_>>| -> Vec<Attributes> {
        let other = |coding: &Coding<'_>| coding.modality().is_none() && coding.station().is_none();
        codings.into_iter().filter(other).filter_map(Coding::item).collect()
    };
    let detailed = protocols(details);
    step.items("00400008", if detailed.is_empty() { protocols(codings(resource.get("code"))) } else { detailed });
    let shorter = if requested.chars().count() > 14 { digits(order.id, 14) } else { requested.to_owned() };
    step.text("00400009", "SH", &format!("{shorter}-1"));
    step.text("00400010", "SH", stations.iter().map(|(_, name)| name.as_str()).find(|n| !n.is_empty()).unwrap_or(""));
    let place = words(resource.get("locationCode"));
    let referred = pointer(resource, "/locationReference/0/display");
    step.text("00400011", "SH", if place.is_empty() { referred } else { &place });
    step.text("00400020", "CS", "SCHEDULED");
    step
}

/// The stations that an order names: title and name.
pub fn stations(order: &Value) -> Vec<(String, String)> {
    let coded = ["orderDetail", "locationCode"].iter().flat_map(|name| codings(order.get(*name)));
    let coded = coded.filter_map(Coding::station).map(|(title, name)| (title.to_owned(), name.to_owned()));
    let performers = order.get("performer").and_then(Value::as_array).into_iter().flatten();
    let performing =
        performers.filter(|performer| code::is_station(pointer(performer, "/identifier/system"))).map(|performer| {
            (pointer(performer, "/identifier/value").to_owned(), pointer(performer, "/display").to_owned())
        });
    let mut stations: Vec<(String, String)> = Vec::new();
    for (title, name) in coded.chain(performing) {
        let title = title.trim().to_owned();
        if (1..=SH_CHARACTERS_MAX).contains(&title.chars().count()) && stations.iter().all(|(known, _)| *known != title)
        {
            stations.push((title, name));
        }
    }
    stations
}

/// Day and time at which the step begins, as they were written where it will be.
pub fn start(order: &Value) -> Option<(String, String)> {
    let text = order.get("occurrenceDateTime").or_else(|| order.pointer("/occurrencePeriod/start"))?.as_str()?;
    let (day, clock) = text.split_once('T').unwrap_or((text, ""));
    let day: String = day.split('-').collect();
    if day.len() != 8 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Seconds and their fraction end where the offset begins.
    let clock: String = clock.chars().take_while(|c| c.is_ascii_digit() || *c == ':').filter(|c| *c != ':').collect();
    Some((day, format!("{clock:0<6}").chars().take(6).collect()))
}

fn accession_number(order: &Value) -> Result<String, Unfit> {
    let by_system = || {
        let identifiers = order.get("identifier").and_then(Value::as_array).into_iter().flatten();
        let named = |identifier: &&Value| {
            let system = pointer(identifier, "/system").to_ascii_lowercase();
            system.contains("acsn") || system.contains("accession")
        };
        identifiers.into_iter().find(named).map(|identifier| pointer(identifier, "/value").trim().to_owned())
    };
    let typed = identifier_of_type(order, "ACSN");
    let number = if typed.is_empty() { by_system().unwrap_or_default() } else { typed };
    if number.chars().count() > SH_CHARACTERS_MAX || number.contains('\\') {
        return Err((
            "ServiceRequest.identifier",
            "An accession number has at most 16 characters and no backslash; a shorter one would name another order.",
        ));
    }
    Ok(number)
}

fn identifier_of_type(order: &Value, code: &str) -> String {
    let identifiers = order.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let typed = |identifier: &&Value| code::has(identifier.get("type"), IDENTIFIER_TYPES, code);
    identifiers.into_iter().find(typed).map_or_else(String::new, |i| pointer(i, "/value").trim().to_owned())
}

/// The UID that the department's systems already gave the study, or one of our own (PS3.5 B.2).
fn study_instance_uid(order: &Value, id: &str) -> String {
    let identifiers = order.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let given = identifiers.filter(|identifier| pointer(identifier, "/system") == "urn:dicom:uid");
    let given = given.map(|identifier| pointer(identifier, "/value").trim_start_matches("urn:oid:").trim());
    if let Some(uid) = given.into_iter().find(|uid| wire::uid::is_uid(uid)) {
        return uid.to_owned();
    }
    let uuid: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    format!("2.25.{}", u128::from_str_radix(&uuid, 16).unwrap_or_default())
}

/// A subject that is nothing but an identifier and a name.
fn subject(order: Order<'_>, item: &mut Attributes) {
    item.name("00100010", &name(pointer(order.resource, "/subject/display")));
    let identifier = order.resource.pointer("/subject/identifier");
    let identifier = identifier.and_then(|element| crate::fhir::identity::of_element(element, order.facility));
    person::put_identifiers(identifier.as_slice(), order.facility, item);
}

fn priority(order: &Value) -> &'static str {
    match order.get("priority").and_then(Value::as_str) {
        Some("stat") => "STAT",
        Some("asap" | "urgent") => "HIGH",
        _ => "ROUTINE",
    }
}

fn comments(order: &Value) -> String {
    let notes = order.get("note").and_then(Value::as_array).into_iter().flatten();
    let notes = notes.map(|note| pointer(note, "/text"));
    let all: Vec<&str> = std::iter::once(pointer(order, "/patientInstruction")).chain(notes).collect();
    all.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// A display as one component: what separates components has no meaning in it.
fn name(display: &str) -> String {
    display.replace(['^', '='], " ")
}

fn pointer<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn digits(id: &str, count: usize) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).take(count).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests;
