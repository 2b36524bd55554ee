//! Whose a resource is.

use super::definition::{self, Definition};
use super::failure::Failure;
use super::identity;
use super::request::{Request, is_id};
use archive::ingest::Subject;
use serde_json::Value;

/// What a resource is read together with: the other entries of its transaction.
pub trait Surroundings {
    /// The resource that this full URL stands for.
    fn resource(&self, full_url: &str) -> Option<&Value>;
    /// The documents that refer to this full URL.
    fn referring(&self, full_url: &str) -> Vec<&Value>;
}

/// A resource that comes alone.
pub struct Alone;

impl Surroundings for Alone {
    fn resource(&self, _: &str) -> Option<&Value> {
        None
    }
    fn referring(&self, _: &str) -> Vec<&Value> {
        Vec::new()
    }
}

/// The patient of a resource. One that names nobody cannot be kept: every object is sealed under its patient's key.
pub async fn of(
    request: &Request,
    definition: &Definition,
    resource: &Value,
    full_url: Option<&str>,
    around: &impl Surroundings,
) -> Result<Subject, Failure> {
    let place = match definition.subject {
        definition::Subject::Itself => return itself(request, resource),
        definition::Subject::Element => "subject",
        definition::Subject::Patient => "patient",
        definition::Subject::Security => "securityContext",
    };
    let path = format!("{}.{place}", definition.name);
    if let Some(reference) = resource.get(place) {
        return referred(request, resource, reference, &path, around).await;
    }
    if definition.subject == definition::Subject::Security {
        for document in full_url.map(|url| around.referring(url)).unwrap_or_default() {
            if let Some(reference) = document.get("subject") {
                return referred(request, document, reference, &path, around).await;
            }
        }
    }
    Err(nobody(&path))
}

fn nobody(path: &str) -> Failure {
    Failure::unprocessable("required", path, "The resource names no patient; nothing can be kept for nobody.")
}

fn itself(request: &Request, patient: &Value) -> Result<Subject, Failure> {
    let identifiers = identity::of_patient(patient, &request.caller.who.facility);
    if identifiers.is_empty() {
        let detail = "The patient has no identifier that could be found again.";
        return Err(Failure::unprocessable("required", "Patient.identifier", detail));
    }
    Ok(Subject::Identifiers(identifiers))
}

/// The patient of a Reference: contained, in the same transaction, kept already, or named by an identifier alone.
async fn referred(
    request: &Request,
    resource: &Value,
    reference: &Value,
    path: &str,
    around: &impl Surroundings,
) -> Result<Subject, Failure> {
    let Some(text) = reference.get("reference").and_then(Value::as_str) else {
        let identifier =
            reference.get("identifier").and_then(|i| identity::of_element(i, &request.caller.who.facility));
        return identifier.map(|identifier| Subject::Identifiers(vec![identifier])).ok_or_else(|| nobody(path));
    };
    if let Some(id) = text.strip_prefix('#') {
        let contained = resource.get("contained").and_then(Value::as_array).into_iter().flatten();
        let patient = contained.into_iter().find(|r| r.get("id").is_some_and(|i| i == id) && is_patient(r));
        return patient.map_or_else(|| Err(unknown(path)), |patient| itself(request, patient));
    }
    if let Some(entry) = around.resource(text) {
        return if is_patient(entry) { itself(request, entry) } else { Err(not_a_patient(path)) };
    }
    by_reference(request, text, path).await
}

/// The patient of `Patient/<id>`, or of the same with this server's base before it.
pub async fn by_reference(request: &Request, text: &str, path: &str) -> Result<Subject, Failure> {
    let relative = text.strip_prefix(&request.base).map_or(text, |rest| rest.trim_start_matches('/'));
    let (kind, id) = relative.split_once('/').ok_or_else(|| unknown(path))?;
    // A version in the reference changes nothing of whose it is.
    let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
    if kind != "Patient" {
        return Err(not_a_patient(path));
    }
    if !is_id(id) {
        return Err(unknown(path));
    }
    let located = request.doors.archive.locate_resource(&request.caller.asker, "Patient", id, None).await;
    match located {
        Ok(located) => Ok(Subject::Patient(located.patient())),
        Err(archive::Error::Refused(_)) => Err(unknown(path)),
        Err(error) => Err(error.into()),
    }
}

fn is_patient(resource: &Value) -> bool {
    resource.get("resourceType").is_some_and(|kind| kind == "Patient")
}

fn unknown(path: &str) -> Failure {
    Failure::unprocessable("not-found", path, "The reference leads to no patient that you may refer to.")
}

fn not_a_patient(path: &str) -> Failure {
    Failure::unprocessable("business-rule", path, "Only patients can be the subject of what is kept here.")
}
