//! capabilities (FHIR R4 3.1.0.10): what this door does, told from the table that it works by.

use super::definition::{DEFINITIONS, Definition, Kind};
use super::failure::Failure;
use super::{accept, served};
use crate::http::{Connection, Doors};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// `GET /fhir/metadata`. It says nothing of anybody, so nobody is asked who he is.
pub async fn metadata(
    State(doors): State<Doors>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    accept::json(&headers)?;
    let base = format!("{}/fhir", doors.origin(&headers, connection.as_ref().map(|Extension(c)| c)));
    Ok(([served::content_type()], statement(&base).to_string()).into_response())
}

fn statement(base: &str) -> Value {
    let resources: Vec<Value> = DEFINITIONS.iter().map(resource).chain([imaging()]).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-22",
        "kind": "instance",
        "software": {"name": "Segel", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Sealed medical archive", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [{
            "mode": "server",
            "security": {
                // SMART App Launch 2.2: where systems get their tokens stands in /fhir/.well-known/smart-configuration.
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }]}],
                "description": "Tokens signed by the archive's key service, bound to a key (DPoP) or bearer tokens. Every opening of a record is logged before it is answered.",
            },
            "resource": resources,
            "interaction": [{"code": "transaction"}],
        }],
    })
}

fn resource(definition: &Definition) -> Value {
    let kind = |kind: Kind| match kind {
        Kind::Identifier | Kind::PatientIdentifier | Kind::Party(_) | Kind::Token(_) => "token",
        Kind::Patient => "reference",
        Kind::Date(_) => "date",
        Kind::Name => "string",
    };
    let own = definition.parameters.iter().map(|p| json!({"name": p.name, "type": kind(p.kind)}));
    let parameters: Vec<Value> = std::iter::once(json!({"name": "_id", "type": "token"})).chain(own).collect();
    let update = super::update::is_updated(definition).then_some("update");
    let interactions = ["create", "read", "vread", "search-type"].into_iter().chain(update);
    let interactions: Vec<Value> = interactions.map(|code| json!({"code": code})).collect();
    json!({
        "type": definition.name,
        "interaction": interactions,
        "versioning": "versioned",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": false,
        "searchParam": parameters,
        "operation": [operation("meta-add"), operation("meta-delete")],
    })
}

/// Studies of images are found at the DICOMweb door; here they are labelled.
fn imaging() -> Value {
    json!({
        "type": super::imaging::TYPE,
        "documentation": "The logical id is the StudyInstanceUID.",
        "operation": [operation("meta-add"), operation("meta-delete")],
    })
}

fn operation(name: &str) -> Value {
    json!({"name": name, "definition": format!("http://hl7.org/fhir/OperationDefinition/Resource-{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_every_type_and_parameter_of_the_table() {
        let statement = statement("http://h/fhir");
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        assert_eq!(resources.len(), DEFINITIONS.len() + 1);
        for (resource, definition) in resources.iter().zip(DEFINITIONS) {
            assert_eq!(resource["type"], definition.name);
            assert_eq!(resource["searchParam"].as_array().unwrap().len(), definition.parameters.len() + 1);
        }
    }
}
