//! A patient's results, reports and documents, from the FHIR resources that are kept beside the images.

use super::Pages;
use super::shown;
use super::texts::Language;
use super::visitor::Visitor;
use crate::http::Problem;
use archive::find::ResourceQuery;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use record::Pseudonym;
use seal::message::Part;
use serde_json::{Map, Value};

/// Resources of one type that a page shows at most; the newest.
const RESOURCES_MAX: usize = 100;
/// A resource that is read for a page. Documents themselves are `Binary` and come on their own.
const RESOURCE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What is known of a patient beside images.
#[derive(Default)]
pub struct Records {
    /// Laboratory results.
    pub results: Vec<Outcome>,
    /// Radiologists' reports.
    pub reports: Vec<Report>,
    /// Letters and photographs.
    pub documents: Vec<Document>,
    /// The patient, if a Patient resource is kept.
    pub person: Option<Person>,
    /// Objects whose content was opened for this.
    pub opened: usize,
}

/// A patient as a hospital's registration wrote it.
pub struct Person {
    /// Name.
    pub name: String,
    /// Sex in words.
    pub sex: &'static str,
    /// Date of birth in words.
    pub born: String,
    /// Identifiers: scheme and number.
    pub numbers: Vec<(String, String)>,
}

/// A result.
pub struct Outcome {
    /// For sorting.
    pub moment: String,
    /// In words.
    pub date: String,
    /// The test.
    pub title: String,
    /// The LOINC code.
    pub code: String,
    /// The value.
    pub value: String,
    /// `positive`, `negative` or `plain`.
    pub tone: &'static str,
    /// Who performed it.
    pub performer: String,
    /// What the laboratory concluded, and its note.
    pub conclusion: String,
}

/// A report.
pub struct Report {
    /// For sorting.
    pub moment: String,
    /// In words.
    pub date: String,
    /// The examination.
    pub title: String,
    /// Lines of the findings.
    pub findings: Vec<String>,
    /// The conclusion.
    pub conclusion: String,
    /// Who signed.
    pub performer: String,
    /// StudyInstanceUID, if the report names one.
    pub study: Option<String>,
}

/// A document.
pub struct Document {
    /// For sorting.
    pub moment: String,
    /// In words.
    pub date: String,
    /// What it is.
    pub title: String,
    /// Whether it is a picture.
    pub picture: bool,
    /// Its address here.
    pub address: String,
    /// Its media type.
    pub media_type: String,
    /// Who keeps it.
    pub custodian: String,
}

/// The resources of one type of a patient, opened and parsed.
async fn read(pages: &Pages, visitor: &Visitor, query: ResourceQuery) -> Result<Vec<(String, Value)>, Problem> {
    let archive = &pages.doors.archive;
    let rows = archive.find_resources(&visitor.asker, &query).await?;
    let mut located = Vec::with_capacity(rows.len());
    for row in rows {
        // A row that is gone by now is left out.
        if let Ok(one) = archive.locate_resource(&visitor.asker, &row.facts.resource_type, &row.facts.id, None).await {
            located.push(one);
        }
    }
    if located.is_empty() {
        return Ok(Vec::new());
    }
    let mut resources = Vec::new();
    for opened in archive.open(&visitor.asker, Part::Content, &located).await? {
        let id = opened.located().resource().map(|facts| facts.id.clone()).unwrap_or_default();
        if opened.content_len().await? > RESOURCE_BYTES_MAX {
            continue;
        }
        let bytes = opened.read(0..RESOURCE_BYTES_MAX).await?;
        if let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) {
            let metadata = opened.metadata().await?;
            if let Some(references) = metadata.get("references").and_then(Value::as_object) {
                resolve(&mut value, references);
            }
            resources.push((id, value));
        }
    }
    Ok(resources)
}

/// Resources are kept as they came, with references to their neighbours in the bundle; what those became is kept beside.
fn resolve(value: &mut Value, references: &Map<String, Value>) {
    match value {
        Value::String(text) => {
            if let Some(Value::String(resolved)) = references.get(text.as_str()) {
                resolved.clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, references)),
        Value::Object(members) => members.values_mut().for_each(|member| resolve(member, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Everything of a patient.
pub async fn of_patient(pages: &Pages, visitor: &Visitor, patient: Pseudonym) -> Result<Records, Problem> {
    let of = |kind: &str| ResourceQuery {
        resource_type: kind.to_owned(),
        patient: Some(patient),
        limit: Some(RESOURCES_MAX),
        ..ResourceQuery::default()
    };
    let language = visitor.language;
    let mut records = Records::default();
    let observations = read(pages, visitor, of("Observation")).await?;
    let reports = read(pages, visitor, of("DiagnosticReport")).await?;
    let documents = read(pages, visitor, of("DocumentReference")).await?;
    let people = read(pages, visitor, ResourceQuery { limit: Some(1), ..of("Patient") }).await?;
    records.opened = observations.len() + reports.len() + documents.len() + people.len();
    records.person = people.first().map(|(_, value)| person(value, language));
    records.results = observations.iter().map(|(_, value)| outcome(value, language)).collect();
    for (_, report) in &reports {
        if is_imaging(report) {
            records.reports.push(read_report(report, language));
        } else {
            conclude(&mut records.results, report);
        }
    }
    records.documents = documents.iter().filter_map(|(id, value)| document(id, value, language)).collect();
    records.results.sort_by(|a, b| b.moment.cmp(&a.moment));
    records.reports.sort_by(|a, b| b.moment.cmp(&a.moment));
    records.documents.sort_by(|a, b| b.moment.cmp(&a.moment));
    Ok(records)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The first of these texts that is there.
fn first<'a>(value: &'a Value, pointers: &[&str]) -> &'a str {
    pointers.iter().map(|pointer| text(value, pointer)).find(|text| !text.is_empty()).unwrap_or_default()
}

fn person(value: &Value, language: Language) -> Person {
    let identifiers = value.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let number = |identifier: &Value| {
        // The last part of a system's address is what people call it.
        let system = text(identifier, "/system")
            .trim_end_matches('/')
            .rsplit(['/', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        (system, text(identifier, "/value").to_owned())
    };
    Person {
        name: first(value, &["/name/0/text", "/name/0/given/0", "/name/0/family"]).to_owned(),
        sex: shown::sex(language.words(), text(value, "/gender")),
        born: shown::date(language, text(value, "/birthDate")),
        numbers: identifiers.map(number).filter(|(_, number)| !number.is_empty()).collect(),
    }
}

fn is_imaging(report: &Value) -> bool {
    let categories = report.get("category").and_then(Value::as_array);
    categories
        .into_iter()
        .flatten()
        .any(|category| matches!(text(category, "/coding/0/code"), "RAD" | "IMG" | "NMR" | "CUS" | "CT" | "XRC"))
        || report.get("imagingStudy").is_some()
}

/// A result as a page shows it.
fn outcome(value: &Value, language: Language) -> Outcome {
    let answer =
        first(value, &["/valueCodeableConcept/text", "/valueCodeableConcept/coding/0/display", "/valueString"]);
    let quantity =
        value.pointer("/valueQuantity/value").map(|number| format!("{number} {}", text(value, "/valueQuantity/unit")));
    let code = text(value, "/valueCodeableConcept/coding/0/code");
    let moment = first(value, &["/effectiveDateTime", "/issued"]);
    Outcome {
        moment: moment.to_owned(),
        date: shown::date(language, moment),
        title: first(value, &["/code/text", "/code/coding/0/display"]).to_owned(),
        code: text(value, "/code/coding/0/code").to_owned(),
        value: quantity.unwrap_or_else(|| answer.to_owned()),
        tone: tone(code, answer),
        performer: text(value, "/performer/0/display").to_owned(),
        conclusion: text(value, "/note/0/text").to_owned(),
    }
}

/// How a result is coloured: by its SNOMED CT code (positive, detected; negative, not detected), else by its word.
pub fn tone(code: &str, answer: &str) -> &'static str {
    let folded = answer.to_lowercase();
    match code {
        "10828004" | "260373001" => "positive",
        "260385009" | "260415000" => "negative",
        _ if folded.starts_with("pos") || folded == "detected" => "positive",
        _ if folded.starts_with("neg") || folded == "not detected" => "negative",
        _ => "plain",
    }
}

/// A laboratory's conclusion belongs to the results of the same test and moment.
fn conclude(results: &mut [Outcome], report: &Value) {
    let (moment, code) = (first(report, &["/effectiveDateTime", "/issued"]), text(report, "/code/coding/0/code"));
    let conclusion = text(report, "/conclusion");
    for result in results.iter_mut().filter(|r| r.moment == moment && r.code == code && !conclusion.is_empty()) {
        let space = if result.conclusion.is_empty() { "" } else { ". " };
        result.conclusion = format!("{}{space}{conclusion}", result.conclusion);
    }
}

fn read_report(report: &Value, language: Language) -> Report {
    let moment = first(report, &["/effectiveDateTime", "/issued"]);
    let plain = text(report, "/presentedForm/0/contentType").starts_with("text/plain");
    let decoded = plain.then(|| STANDARD.decode(text(report, "/presentedForm/0/data")).ok()).flatten();
    let findings = decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let study = text(report, "/imagingStudy/0/identifier/value");
    Report {
        moment: moment.to_owned(),
        date: shown::date(language, moment),
        title: first(report, &["/code/text", "/code/coding/0/display"]).to_owned(),
        findings: findings.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
        conclusion: text(report, "/conclusion").to_owned(),
        performer: first(report, &["/resultsInterpreter/0/display", "/performer/0/display"]).to_owned(),
        study: study.strip_prefix("urn:oid:").map(str::to_owned),
    }
}

fn document(id: &str, value: &Value, language: Language) -> Option<Document> {
    let attachment = value.pointer("/content/0/attachment")?;
    let url = text(attachment, "/url");
    let binary = url.rsplit_once("Binary/").map(|(_, id)| id.split('/').next().unwrap_or_default());
    let address = match binary {
        Some(binary) if is_id(binary) => format!("/documents/Binary/{binary}"),
        _ if attachment.get("data").is_some() && is_id(id) => format!("/documents/DocumentReference/{id}"),
        _ => return None,
    };
    let media_type = text(attachment, "/contentType").to_owned();
    let moment = first(value, &["/date", "/content/0/attachment/creation"]);
    Some(Document {
        moment: moment.to_owned(),
        date: shown::date(language, moment),
        title: first(value, &["/content/0/attachment/title", "/description", "/type/text", "/type/coding/0/display"])
            .to_owned(),
        picture: matches!(media_type.as_str(), "image/jpeg" | "image/png"),
        address,
        media_type,
        custodian: first(value, &["/custodian/display", "/author/0/display"]).to_owned(),
    })
}

/// A logical id (FHIR R4 2.24.0.1) that is not a step of a path as well.
pub fn is_id(text: &str) -> bool {
    text.bytes().any(|b| b != b'.')
        && (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_result_takes_the_conclusion_of_its_own_report_only() {
        let result = |moment: &str| {
            json!({
                "effectiveDateTime": moment,
                "code": {"text": "RT-PCR", "coding": [{"code": "94500-6"}]},
                "valueCodeableConcept": {"text": "POSITIF", "coding": [{"code": "10828004"}]},
            })
        };
        let mut results =
            vec![outcome(&result("2026-01-02"), Language::English), outcome(&result("2026-01-09"), Language::English)];
        let report = json!({"effectiveDateTime": "2026-01-02", "code": {"coding": [{"code": "94500-6"}]}, "conclusion": "Detected."});
        assert!(!is_imaging(&report));
        conclude(&mut results, &report);
        assert_eq!((results[0].conclusion.as_str(), results[1].conclusion.as_str()), ("Detected.", ""));
        assert_eq!(
            (results[0].tone, results[0].value.as_str(), results[0].date.as_str()),
            ("positive", "POSITIF", "2 Jan 2026")
        );
    }

    #[test]
    fn references_into_the_bundle_become_what_was_kept() {
        let mut value = json!({"content": [{"attachment": {"url": "urn:uuid:1"}}], "status": "current"});
        resolve(&mut value, json!({"urn:uuid:1": "Binary/b"}).as_object().unwrap());
        assert_eq!(value["content"][0]["attachment"]["url"], "Binary/b");
        assert_eq!(value["status"], "current");
    }

    #[test]
    fn only_documents_that_are_kept_here_have_an_address() {
        let at = |attachment: Value| {
            document("abc", &json!({"content": [{"attachment": attachment}]}), Language::English).map(|d| d.address)
        };
        assert_eq!(at(json!({"url": "http://x/fhir/Binary/b-1"})).as_deref(), Some("/documents/Binary/b-1"));
        assert_eq!(at(json!({"data": "QQ=="})).as_deref(), Some("/documents/DocumentReference/abc"));
        assert_eq!(at(json!({"url": "https://elsewhere.example/file.pdf"})), None);
        assert_eq!(at(json!({"url": "Binary/../../x"})), None);
    }
}
