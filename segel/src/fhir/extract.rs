//! What a resource is found by and what lists show of it, read out by the table of definitions.

use super::date::Days;
use super::definition::{Definition, Kind, Rule};
use super::failure::Failure;
use record::Term;
use serde_json::{Map, Value, json};

/// Terms of one resource; more codes than any report has.
const TERMS_MAX: usize = 256;

/// Checks a resource against its definition.
pub fn check(definition: &Definition, resource: &Value) -> Result<(), Failure> {
    for rule in definition.rules {
        match rule {
            Rule::Required(element) => {
                let present = resource.get(element).is_some_and(|value| match value {
                    Value::Null => false,
                    Value::String(text) => !text.trim().is_empty(),
                    Value::Array(items) => !items.is_empty(),
                    Value::Object(members) => !members.is_empty(),
                    _ => true,
                });
                if !present {
                    let place = format!("{}.{element}", definition.name);
                    return Err(Failure::unprocessable("required", &place, format!("{place} is missing.")));
                }
            }
            Rule::Code(element, codes) => {
                let known = |value: &Value| value.as_str().is_some_and(|code| codes.contains(&code));
                if resource.get(element).is_some_and(|value| !known(value)) {
                    let place = format!("{}.{element}", definition.name);
                    let detail = format!("{place} is one of {}.", codes.join(", "));
                    return Err(Failure::unprocessable("code-invalid", &place, detail));
                }
            }
        }
    }
    Ok(())
}

/// What is read out of one resource.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// What it is found by.
    pub terms: Vec<Term>,
    /// The day it speaks of, `YYYYMMDD`, or nothing.
    pub date: String,
    /// What lists show of it, and what a search tests exactly: `search` has the values by parameter.
    pub summary: Value,
}

/// Reads a resource out.
pub fn extract(definition: &Definition, resource: &Value) -> Extract {
    let mut terms = Vec::new();
    let mut date = None;
    let mut search = Map::new();
    for parameter in definition.parameters {
        let values: Vec<Value> = match parameter.kind {
            Kind::Patient | Kind::PatientIdentifier => continue,
            Kind::Identifier => tokens(resource.get("identifier"), "value"),
            Kind::Party(element) => parties(resource.get(element)),
            Kind::Token(elements) => elements.iter().flat_map(|element| concepts(resource.get(element))).collect(),
            Kind::Date(elements) => {
                let days = elements.iter().find_map(|element| Days::of(resource.get(element)?));
                date = date
                    .or_else(|| days.as_ref().filter(|_| parameter.name != "birthdate").map(|days| days.first.clone()));
                days.iter().map(|days| json!([days.first, days.last])).collect()
            }
            Kind::Name => names(resource).into_iter().map(Value::from).collect(),
        };
        terms.extend(values.iter().flat_map(|value| terms_of(definition, parameter.kind, parameter.name, value)));
        if !values.is_empty() {
            search.insert(parameter.name.to_owned(), Value::Array(values));
        }
    }
    terms = archive::terms::once(terms);
    terms.truncate(TERMS_MAX);
    // A first day that is no day (an open period) says nothing.
    let date = date.filter(|date| !date.starts_with("0000")).unwrap_or_default();
    let mut summary = shown(definition, resource);
    summary.insert("search".to_owned(), Value::Object(search));
    Extract { terms, date, summary: Value::Object(summary) }
}

fn terms_of(definition: &Definition, kind: Kind, parameter: &str, value: &Value) -> Vec<Term> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match kind {
        // A patient's own identifiers become terms with the subject; any other identifier is a number of an order or report.
        Kind::Identifier if definition.name != "Patient" => vec![archive::terms::number(text("code"))],
        Kind::Party(_) => vec![archive::terms::number(text("code"))],
        // Status and gender have so few values that a term would only cost.
        Kind::Token(_) if !matches!(parameter, "status" | "gender") => {
            archive::terms::code(text("system"), text("code")).into()
        }
        Kind::Name => value.as_str().map(archive::terms::of_name).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Identifiers or codings as `{system, code}`.
fn tokens(list: Option<&Value>, code: &str) -> Vec<Value> {
    let items = match list {
        Some(Value::Array(items)) => items.as_slice(),
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    };
    let token = |item: &Value| {
        let code = item.get(code)?.as_str()?.trim();
        let system = item.get("system").and_then(Value::as_str).unwrap_or_default().trim();
        (!code.is_empty()).then(|| json!({"system": system, "code": code}))
    };
    items.iter().filter_map(token).collect()
}

/// The identifiers of a Reference or a list of them.
fn parties(value: Option<&Value>) -> Vec<Value> {
    let references = match value {
        Some(Value::Array(references)) => references.as_slice(),
        Some(reference) => std::slice::from_ref(reference),
        None => &[],
    };
    references.iter().flat_map(|reference| tokens(reference.get("identifier"), "value")).collect()
}

/// The codes of a code, a Coding, a CodeableConcept, or a list of them.
fn concepts(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::String(code)) => vec![json!({"system": "", "code": code})],
        Some(Value::Array(items)) => items.iter().flat_map(|item| concepts(Some(item))).collect(),
        Some(Value::Object(members)) => match members.get("coding") {
            Some(coding) => tokens(Some(coding), "code"),
            None => tokens(value, "code"),
        },
        _ => Vec::new(),
    }
}

/// A patient's names, each as one text.
pub fn names(patient: &Value) -> Vec<String> {
    let list = patient.get("name").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().map(name).filter(|name| !name.is_empty()).collect()
}

fn name(name: &Value) -> String {
    let text = |value: &Value| value.as_str().map(|text| text.trim().to_owned());
    if let Some(whole) = name.get("text").and_then(text).filter(|text| !text.is_empty()) {
        return whole;
    }
    let words = |part: &str| -> Vec<String> {
        name.get(part).and_then(Value::as_array).into_iter().flatten().filter_map(text).collect()
    };
    let family = name.get("family").and_then(text);
    [words("prefix"), words("given"), family.into_iter().collect(), words("suffix")].concat().join(" ")
}

/// The words of a concept: its text, or the first display, or the first code.
fn words(concept: Option<&Value>) -> Option<String> {
    let concept = concept?;
    let first = |name: &str| concept.get("coding")?.as_array()?.iter().find_map(|c| c.get(name)?.as_str());
    concept
        .get("text")
        .and_then(Value::as_str)
        .or_else(|| first("display"))
        .or_else(|| first("code"))
        .map(str::to_owned)
}

/// What a list shows of a resource: `title`, `value`, `status`, `date`, `contentType`, for a patient name, sex and birth date.
fn shown(definition: &Definition, resource: &Value) -> Map<String, Value> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut shown = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            shown.insert(key.to_owned(), Value::from(value));
        }
    };
    let attachments = || {
        let forms = resource.get("presentedForm").and_then(Value::as_array).into_iter().flatten();
        let contents = resource.get("content").and_then(Value::as_array).into_iter().flatten();
        forms.chain(contents.filter_map(|content| content.get("attachment")))
    };
    let attached = |name: &str| attachments().find_map(|attachment| attachment.get(name)?.as_str()).map(str::to_owned);
    put("resourceType", Some(definition.name.to_owned()));
    put("status", text("status"));
    if definition.name == "Patient" {
        put("name", names(resource).into_iter().next());
        put("gender", text("gender"));
        put("birthDate", text("birthDate"));
        // The parts of a name, which a modality's worklist writes apart.
        if let Some(human) = resource.pointer("/name/0") {
            shown.insert("human".to_owned(), human.clone());
        }
    } else {
        let title = words(resource.get("code")).or_else(|| words(resource.get("type"))).or_else(|| text("description"));
        put("title", title.or_else(|| attached("title")));
        put("value", value(resource).or_else(|| text("conclusion")));
        put("contentType", text("contentType").or_else(|| attached("contentType")));
        put("attachment", attached("url"));
        put("patient", resource.pointer("/subject/display").and_then(Value::as_str).map(str::to_owned));
        let when = ["effectiveDateTime", "date", "occurrenceDateTime", "issued", "authoredOn"];
        put("date", when.into_iter().find_map(text));
    }
    shown
}

/// An observation's value in words.
fn value(resource: &Value) -> Option<String> {
    if let Some(quantity) = resource.get("valueQuantity") {
        let unit = quantity.get("unit").or_else(|| quantity.get("code")).and_then(Value::as_str).unwrap_or_default();
        let comparator = quantity.get("comparator").and_then(Value::as_str).unwrap_or_default();
        return Some(format!("{comparator}{} {unit}", quantity.get("value")?).trim().to_owned());
    }
    words(resource.get("valueCodeableConcept"))
        .or_else(|| resource.get("valueString")?.as_str().map(str::to_owned))
        .or_else(|| Some(resource.get("valueBoolean")?.as_bool()?.to_string()))
        .or_else(|| Some(resource.get("valueInteger")?.as_i64()?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str) -> &'static Definition {
        Definition::of(name).unwrap()
    }

    fn covid() -> Value {
        json!({
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6", "display": "SARS-CoV-2 RNA"}]},
            "effectiveDateTime": "2021-07-04T10:00:00+07:00",
            "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "10828004"}], "text": "Positive"},
            "identifier": [{"system": "http://sys-ids.kemkes.go.id/observation/1", "value": "L-77"}],
        })
    }

    #[test]
    fn a_covid_result_is_found_by_code_date_and_number() {
        let extract = extract(definition("Observation"), &covid());
        for term in archive::terms::code("http://loinc.org", "94500-6") {
            assert!(extract.terms.contains(&term));
        }
        assert!(extract.terms.contains(&archive::terms::number("L-77")));
        assert_eq!(extract.date, "20210704");
        assert_eq!(extract.summary["title"], "SARS-CoV-2 RNA");
        assert_eq!(extract.summary["value"], "Positive");
        assert_eq!(extract.summary["search"]["date"], json!([["20210704", "20210704"]]));
        assert_eq!(extract.summary["search"]["status"][0]["code"], "final");
    }

    #[test]
    fn what_a_resource_must_have_is_checked() {
        let mut wrong = covid();
        assert!(check(definition("Observation"), &wrong).is_ok());
        wrong["status"] = json!("done");
        let failure = check(definition("Observation"), &wrong).unwrap_err();
        assert_eq!(failure.resource()["issue"][0]["code"], "code-invalid");
        for absent in [json!(null), json!({}), json!([]), json!("")] {
            let mut wrong = covid();
            wrong["code"] = absent;
            let failure = check(definition("Observation"), &wrong).unwrap_err();
            assert_eq!(failure.resource()["issue"][0]["expression"][0], "Observation.code");
        }
    }

    #[test]
    fn a_patient_is_found_by_name_and_never_dated_by_birth() {
        let patient = json!({
            "resourceType": "Patient",
            "name": [{"given": ["Siti"], "family": "Nurhaliza"}, {"text": "Bu Siti"}],
            "birthDate": "1990-10-05",
            "gender": "female",
        });
        let extract = extract(definition("Patient"), &patient);
        assert_eq!(names(&patient), ["Siti Nurhaliza", "Bu Siti"]);
        assert!(extract.terms.iter().any(|stored| archive::terms::name_word("Nurhaliza").asks_for(stored)));
        assert_eq!(extract.date, "");
        assert_eq!(extract.summary["search"]["birthdate"], json!([["19901005", "19901005"]]));
        assert_eq!(extract.summary["name"], "Siti Nurhaliza");
    }
}
