//! Results, reports and documents as FHIR R4 transaction bundles, as a laboratory or hospital system sends them.

use super::letter;
use super::people::{Facility, Patient};
use super::random::Random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use serde_json::{Value, json};

/// National identifier systems, as the Ministry of Health's exchange names them.
const NIK_SYSTEM: &str = "https://fhir.kemkes.go.id/id/nik";
const JKN_SYSTEM: &str = "https://fhir.kemkes.go.id/id/jkn";

/// What every resource of one visit shares.
pub struct Visit<'a> {
    /// Whose.
    pub patient: &'a Patient,
    /// Where.
    pub facility: &'a Facility,
    /// The medical record number there.
    pub record_number: &'a str,
    /// When.
    pub date: Date,
    /// `HHMMSS`.
    pub time: String,
}

impl Visit<'_> {
    fn moment(&self) -> String {
        let part = |range: std::ops::Range<usize>| self.time.get(range).unwrap_or("00").to_owned();
        let offset = self.facility.offset.replace("00", ":00");
        format!("{}T{}:{}:{}{offset}", self.date, part(0..2), part(2..4), part(4..6))
    }

    fn patient_resource(&self) -> Value {
        let patient = self.patient;
        let name = json!({ "use": "official", "text": patient.spoken() });
        let name = if patient.family && !patient.second.is_empty() {
            with(with(name, "family", json!(patient.second)), "given", json!([patient.given]))
        } else {
            with(name, "given", json!([patient.spoken()]))
        };
        json!({
            "resourceType": "Patient",
            "identifier": [
                { "use": "official", "system": NIK_SYSTEM, "value": patient.nik },
                { "use": "secondary", "system": JKN_SYSTEM, "value": patient.jkn },
                { "use": "usual", "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] },
                  "system": format!("http://sys-ids.kemkes.go.id/mrn/{}", self.facility.code), "value": self.record_number,
                  "assigner": { "display": self.facility.name } },
            ],
            "active": true,
            "name": [name],
            "telecom": [{ "system": "phone", "value": patient.phone, "use": "mobile" }],
            "gender": if patient.female { "female" } else { "male" },
            "birthDate": patient.born.to_string(),
            "address": [{ "use": "home", "text": patient.address, "country": "ID" }],
        })
    }
}

fn urn(random: &mut Random) -> String {
    let (high, low) = (random.bits(), random.bits());
    let hex = format!("{high:016x}{low:016x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    // RFC 4122 version 4, variant 1.
    format!("urn:uuid:{}-{}-4{}-a{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}

fn bundle(entries: &[(&str, Value)]) -> Vec<u8> {
    let entry = |(url, resource): &(&str, Value)| {
        let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": kind } })
    };
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries.iter().map(entry).collect::<Vec<_>>() })
        .to_string()
        .into_bytes()
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

/// A resource or element with one more member.
fn with(mut value: Value, name: &str, member: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
    value
}

/// A concept with the words that people use for it.
fn worded(concept: Value, text: &str) -> Value {
    with(concept, "text", json!(text))
}

const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const REPORT_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

/// A SARS-CoV-2 test: PCR (LOINC 94500-6) or antigen (LOINC 94558-4), with order and report.
#[must_use]
pub fn covid(visit: &Visit<'_>, mut random: Random, positive: bool) -> Vec<u8> {
    let [patient, order, observation, report] = std::array::from_fn(|_| urn(&mut random));
    let pcr = random.chance(0.6);
    let (code, display, text) = if pcr {
        (
            "94500-6",
            "SARS-CoV-2 (COVID-19) RNA [Presence] in Respiratory system specimen by NAA with probe detection",
            "RT-PCR SARS-CoV-2",
        )
    } else {
        (
            "94558-4",
            "SARS-CoV-2 (COVID-19) Ag [Presence] in Respiratory system specimen by Rapid immunoassay",
            "Antigen SARS-CoV-2",
        )
    };
    let test = worded(coding(LOINC, code, display), text);
    let (concept, word) =
        if positive { (("10828004", "Positive"), "POSITIF") } else { (("260385009", "Negative"), "NEGATIF") };
    let answer = worded(coding(SNOMED, concept.0, concept.1), word);
    let moment = visit.moment();
    let mut result = json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")],
        "code": test,
        "subject": { "reference": patient, "display": visit.patient.spoken() },
        "basedOn": [{ "reference": order }],
        "effectiveDateTime": moment,
        "issued": moment,
        "performer": [{ "display": format!("Laboratorium {}", visit.facility.name) }],
        "valueCodeableConcept": answer,
    });
    if pcr && positive {
        let cycles =
            format!("Nilai CT gen ORF1ab {:.1}, gen N {:.1}", random.between(17.0, 34.0), random.between(17.0, 34.0));
        result = with(result, "note", json!([{ "text": cycles }]));
    }
    let conclusion = if positive {
        "SARS-CoV-2 terdeteksi. Isolasi mandiri dan pantau saturasi oksigen."
    } else {
        "SARS-CoV-2 tidak terdeteksi pada spesimen ini."
    };
    bundle(&[
        (&patient, visit.patient_resource()),
        (
            &order,
            json!({
                "resourceType": "ServiceRequest", "status": "completed", "intent": "order", "code": test,
                "identifier": [{ "system": format!("urn:segel:order:{}", visit.facility.code), "value": format!("LAB{}", random.digits(8)) }],
                "subject": { "reference": patient }, "authoredOn": moment,
                "requester": { "display": visit.facility.name },
            }),
        ),
        (&observation, result),
        (
            &report,
            json!({
                "resourceType": "DiagnosticReport", "status": "final",
                "category": [coding(REPORT_CATEGORY, "MB", "Microbiology")],
                "code": test, "subject": { "reference": patient }, "basedOn": [{ "reference": order }],
                "effectiveDateTime": moment, "issued": moment,
                "performer": [{ "display": format!("Laboratorium {}", visit.facility.name) }],
                "result": [{ "reference": observation }], "conclusion": conclusion,
            }),
        ),
    ])
}

/// A radiologist's report of a study: its text and its conclusion.
#[must_use]
pub fn report(visit: &Visit<'_>, mut random: Random, study: (&str, &str), text: &super::visit::ReportText) -> Vec<u8> {
    let [patient, report] = std::array::from_fn(|_| urn(&mut random));
    let (study_uid, accession) = study;
    let moment = visit.moment();
    let (code, display) = text.code;
    let coded = worded(coding(LOINC, code, display), text.title);
    bundle(&[
        (&patient, visit.patient_resource()),
        (
            &report,
            json!({
                "resourceType": "DiagnosticReport", "status": "final",
                "identifier": [{ "system": format!("urn:segel:accession:{}", visit.facility.code), "value": accession }],
                "category": [coding(REPORT_CATEGORY, "RAD", "Radiology")],
                "code": coded, "subject": { "reference": patient, "display": visit.patient.spoken() },
                "effectiveDateTime": moment, "issued": moment,
                "performer": [{ "display": visit.facility.name }],
                "imagingStudy": [{ "identifier": { "system": "urn:dicom:uid", "value": format!("urn:oid:{study_uid}") } }],
                "conclusion": text.conclusion,
                "presentedForm": [{ "contentType": "text/plain; charset=utf-8", "language": "id", "title": text.title,
                                    "data": STANDARD.encode(text.findings) }],
            }),
        ),
    ])
}

/// A file with its DocumentReference.
fn document(
    visit: &Visit<'_>,
    random: &mut Random,
    (kind, title): (Value, &str),
    (media_type, bytes): (&str, &[u8]),
) -> Vec<u8> {
    let [patient, binary, reference] = std::array::from_fn(|_| urn(random));
    let moment = visit.moment();
    bundle(&[
        (&patient, visit.patient_resource()),
        (
            &binary,
            json!({
                "resourceType": "Binary", "contentType": media_type, "securityContext": { "reference": patient },
                "data": STANDARD.encode(bytes),
            }),
        ),
        (
            &reference,
            json!({
                "resourceType": "DocumentReference", "status": "current", "type": kind,
                "subject": { "reference": patient, "display": visit.patient.spoken() },
                "date": moment, "description": title,
                "custodian": { "display": visit.facility.name },
                "content": [{ "attachment": { "contentType": media_type, "language": "id", "url": binary, "title": title,
                                              "size": bytes.len(), "creation": moment } }],
            }),
        ),
    ])
}

/// A letter as PDF.
#[must_use]
pub fn letter(visit: &Visit<'_>, mut random: Random, letter: &letter::Letter) -> Vec<u8> {
    let compressed = random.chance(0.5);
    let pdf = letter::write(letter, compressed);
    document(visit, &mut random, (coding(LOINC, "57133-1", "Referral note"), &letter.title), ("application/pdf", &pdf))
}

/// A photograph as JPEG.
#[must_use]
pub fn photograph(visit: &Visit<'_>, mut random: Random, jpeg: &[u8]) -> Vec<u8> {
    document(
        visit,
        &mut random,
        (coding(LOINC, "72170-4", "Photographic image"), "Foto klinis luka"),
        ("image/jpeg", jpeg),
    )
}
