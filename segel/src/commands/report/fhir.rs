//! A report as a Bundle of FHIR R4 AuditEvents, with the fields that IHE BALP (Basic Audit Log Patterns) asks of a patient's
//! privacy disclosures: type and subtype, action, outcome, who, where, for what, and the patient.

use super::words::time_utc;
use record::Purpose;
use seal::message::report::{AccessReport, ReportEntry};
use serde_json::{Value, json};

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const AUDIT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// The whole report.
pub fn bundle(report: &AccessReport) -> Value {
    let entries: Vec<Value> = report.entries.iter().map(|entry| json!({"resource": event(report, entry)})).collect();
    json!({
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": time_utc(report.made),
        "identifier": {"system": format!("urn:segel:{}", report.origin), "value": report.position.to_string()},
        "entry": entries,
    })
}

/// Action (C, R, U, D, E) and interaction of an entry's word.
fn interaction(action: &str) -> (&'static str, &'static str) {
    match action {
        "Admit" => ("C", "create"),
        "NewVersion" | "Label" | "Relate" => ("U", "update"),
        "Erase" => ("D", "delete"),
        _ => ("R", "read"),
    }
}

fn event(report: &AccessReport, entry: &ReportEntry) -> Value {
    let (action, interaction) = interaction(&entry.action);
    let subtype = if entry.action == "Export" {
        json!({"system": DCM, "code": "110106", "display": "Export"})
    } else {
        json!({"system": RESTFUL, "code": interaction})
    };
    let facility = entry.facility.as_ref().map(ToString::to_string).unwrap_or_else(|| "segel".into());
    let mut agent = json!({
        "type": {"coding": [{"system": PARTICIPATION, "code": "IRCP", "display": "information recipient"}]},
        "who": {"display": entry.name.clone().or_else(|| entry.facility_name.clone()).unwrap_or_else(|| facility.clone())},
        "requestor": true,
    });
    if let (Some(role), Some(agent)) = (entry.role, agent.as_object_mut()) {
        agent.insert("role".into(), json!([{"text": role.name()}]));
    }
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("segel-{}", entry.position),
        "type": {"system": AUDIT_TYPE, "code": "rest", "display": "RESTful Operation"},
        "subtype": [subtype],
        "action": action,
        "recorded": time_utc(entry.at),
        "outcome": if entry.permitted { "0" } else { "8" },
        "agent": [agent, {
            "type": {"coding": [{"system": DCM, "code": "110153", "display": "Source Role ID"}]},
            "who": {"display": report.origin},
            "requestor": false,
        }],
        "source": {"site": facility, "observer": {"display": report.origin}},
        "entity": [{
            "what": {"display": "the patient of this report"},
            "type": {"system": ENTITY_TYPE, "code": "1", "display": "Person"},
            "role": {"system": OBJECT_ROLE, "code": "1", "display": "Patient"},
        }, {
            "what": {"display": format!("{} objects: {}", entry.objects, entry.kinds.join(" "))},
            "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
            "role": {"system": OBJECT_ROLE, "code": "4", "display": "Domain Resource"},
        }],
    });
    if let (Some(purpose), Some(event)) = (entry.purpose, event.as_object_mut()) {
        let code = json!([{"coding": [{"system": ACT_REASON, "code": Purpose::code(purpose)}]}]);
        event.insert("purposeOfEvent".into(), code);
    }
    event
}
