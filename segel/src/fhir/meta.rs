//! `$meta-add` and `$meta-delete` (FHIR R4 Resource operations): labels of what is kept already. Only `security` is kept.

use super::definition::Definition;
use super::failure::Failure;
use super::request::{Request, is_id};
use super::{accept, create, imaging, says, served};
use crate::http::{Problem, body};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use record::limits::COMMAND_BYTES_MAX;
use record::{Label, Version};
use seal::message::relate::LabelRequest;
use serde_json::{Value, json};

/// `POST /fhir/{type}/{id}/$meta-add`.
pub async fn add(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    change(request, headers, body, true).await
}

/// `POST /fhir/{type}/{id}/$meta-delete`.
pub async fn delete(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    change(request, headers, body, false).await
}

async fn change(request: Request, headers: HeaderMap, body: Body, adds: bool) -> Result<Response, Failure> {
    let is_imaging = request.names.resource_type.as_deref() == Some(imaging::TYPE);
    let definition = if is_imaging { None } else { Some(request.definition()?) };
    let id = request.names.id.clone().filter(|id| is_id(id)).ok_or_else(Problem::not_found)?;
    if !accept::is_json(&create::content_type(&headers)?) {
        return Err(Problem::unsupported("Parameters come as application/fhir+json.").into());
    }
    let held = body::hold(body, &headers, COMMAND_BYTES_MAX, &request.doors.held).await?;
    let labels = parameter(&held.bytes)?;
    let (add, remove) = if adds { (labels, Vec::new()) } else { (Vec::new(), labels) };
    let (version, labels) = match definition {
        Some(definition) => of_resource(&request, definition, &id, add, remove).await?,
        None => (None, imaging::change(&request, &id, &add, &remove).await?),
    };
    let security: Vec<Value> =
        labels.iter().map(|label| json!({"system": label.system(), "code": label.code()})).collect();
    let mut meta = version.map_or_else(|| json!({}), |version| json!({"versionId": version.to_string()}));
    if let (Some(meta), false) = (meta.as_object_mut(), security.is_empty()) {
        meta.insert("security".to_owned(), Value::Array(security));
    }
    let answer = json!({"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": meta}]});
    Ok(([served::content_type()], answer.to_string()).into_response())
}

/// Changes the labels of a kept resource; its version, and the labels that it then has.
async fn of_resource(
    request: &Request,
    definition: &Definition,
    id: &str,
    add: Vec<Label>,
    remove: Vec<Label>,
) -> Result<(Option<Version>, Vec<Label>), Failure> {
    let archive = &request.doors.archive;
    let asker = &request.caller.asker;
    let kept = archive.locate_resource(asker, definition.name, id, None).await?;
    // A label is the facility's that sent the record: another's would close it to the sender.
    if *kept.facility() != request.caller.who.facility {
        return Err(Problem::not_found().into());
    }
    let (patient, object) = (kept.patient(), kept.object());
    let asked = LabelRequest { asker: asker.clone(), patient, object, add, remove, like: None };
    let noted = archive.keys().label(asked).await.map_err(|failure| Failure::of_write(failure.into()))?;
    Ok((Some(kept.version()), noted.labels))
}

/// The labels of the parameter `meta`.
fn parameter(bytes: &[u8]) -> Result<Vec<Label>, Failure> {
    let document =
        wire::fhir::Document::parse(bytes).map_err(|error| Failure::bad_request("structure", error.to_string()))?;
    let parameters = document.value();
    let list = parameters.get("parameter").and_then(Value::as_array).into_iter().flatten();
    let mut metas = list.filter(|one| one.get("name").is_some_and(|name| name == "meta"));
    let meta = metas.next().and_then(|one| one.get("valueMeta"));
    let labels: Vec<_> = meta.map(says::of_meta).unwrap_or_default().iter().collect();
    if document.resource_type() != Some("Parameters") || labels.is_empty() {
        let detail = "Send Parameters with a parameter `meta` whose security names labels that are kept here.";
        return Err(Failure::bad_request("invalid", detail));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_in_one_parameter() {
        let meta = |code: &str| {
            let security = json!([{"system": record::label::ACT_CODE, "code": code}]);
            json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": security}}]})
        };
        assert_eq!(parameter(meta("PSY").to_string().as_bytes()).ok(), Some(vec![record::Label::Psychiatry]));
        for wrong in [meta(""), json!({"resourceType": "Meta"}), json!({"resourceType": "Parameters"})] {
            assert!(parameter(wrong.to_string().as_bytes()).is_err(), "{wrong}");
        }
    }
}
