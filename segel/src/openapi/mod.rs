//! The description of the doors for programs (OpenAPI 3.1) at `/openapi.json`, and of DICOMweb as its service root gives it
//! (PS3.18 8.9). It is made from one table, which a test holds against the routes that there are.

mod operations;

pub use operations::{OPERATIONS, Operation};

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The document's own route. It describes the program and nobody's data, so anybody may read it.
pub fn router() -> Router {
    Router::new().route("/openapi.json", get(document))
}

async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}", described()));
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

fn described() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path.replace("{*", "{")).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(operation.method.to_ascii_lowercase(), operation.described());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Segel",
            "summary": "A sealed archive of medical images, documents and results.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "security": [{"bearer": []}, {"dpop": []}],
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "dpop": {
                    "type": "http",
                    "scheme": "dpop",
                    "description": "RFC 9449: a token that is bound to a key, and in the header DPoP a proof of it for this one request.",
                },
            },
            "schemas": {"Denied": {
                "description": "RFC 6749 5.2",
                "type": "object",
                "required": ["error", "error_description"],
                "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
            }, "Problem": {
                "description": "RFC 9457",
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                },
            }},
            "parameters": {"purpose": {
                "name": "X-Purpose-Of-Use",
                "in": "header",
                "description": "PurposeOfUse code (HL7), such as TREAT or ETREAT; without it the one that the token names.",
                "schema": {"type": "string"},
            }},
        },
    })
}

impl Operation {
    fn described(&self) -> Value {
        let names = self.path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = names
            .map(|name| {
                let name = name.trim_start_matches('*');
                json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
            })
            .collect();
        parameters.extend(
            self.query
                .iter()
                .map(|name| json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}})),
        );
        parameters.push(json!({"$ref": "#/components/parameters/purpose"}));
        let failed = match self.path {
            path if path.starts_with("/fhir") => json!({"application/fhir+json": {}}),
            // PS3.18 10.5.3: none was stored, and each instance's reason.
            _ if self.is_store() => json!({
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
                "application/dicom+json": {},
            }),
            _ if self.fails_as_oauth() => {
                json!({"application/json": {"schema": {"$ref": "#/components/schemas/Denied"}}})
            }
            _ => json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}),
        };
        let described = json!({
            "summary": self.summary,
            "tags": [self.section],
            "parameters": if self.is_open { Vec::new() } else { parameters },
            "responses": {
                "2XX": {"description": "Done.", "content": content(self.gives)},
                "4XX": {"description": "Not done; the text says why.", "content": failed.clone()},
                "5XX": {"description": "Not done; the text says why.", "content": failed},
            },
        });
        let body = json!({"required": true, "content": content(self.takes)});
        let further = [("requestBody", body, !self.takes.is_empty()), ("security", json!([]), self.is_open)];
        let further = further.into_iter().filter(|(_, _, is_there)| *is_there);
        let mut described = described.as_object().cloned().unwrap_or_default();
        described.extend(further.map(|(name, value, _)| (name.to_owned(), value)));
        Value::Object(described)
    }
}

fn content(media_types: &[&str]) -> Value {
    media_types.iter().map(|media_type| ((*media_type).to_owned(), json!({}))).collect::<Map<_, _>>().into()
}

/// The methods of a path of the doors for programs, as `Allow` lists them (RFC 9110 10.2.1); `None` if there is no such path.
pub fn allowed(path: &str) -> Option<String> {
    let mut methods: Vec<&str> = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| fits(operation.path, path)) {
        methods.push(operation.method);
        methods.extend((operation.method == "GET").then_some("HEAD"));
    }
    // A word in the path of one route may be a name in that of another.
    methods.dedup();
    methods.retain(|method| *method != "OPTIONS");
    let known = OPERATIONS.iter().any(|operation| fits(operation.path, path));
    known.then(|| methods.into_iter().chain(["OPTIONS"]).collect::<Vec<_>>().join(","))
}

/// Whether a path is one of a route's.
fn fits(route: &str, path: &str) -> bool {
    let mut steps = path.split('/');
    for step in route.split('/') {
        if step.starts_with("{*") {
            return steps.next().is_some_and(|step| !step.is_empty());
        }
        match steps.next() {
            Some(found) if found == step || (step.starts_with('{') && !found.is_empty()) => {}
            _ => return false,
        }
    }
    steps.next().is_none()
}

/// DICOMweb's capabilities (PS3.18 8.9.3) as WADL: each resource with its methods and the media types that it gives.
pub fn wadl(base: &str) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n<resources \
         base=\"{}\">\n",
        escaped(base)
    );
    let mut paths: Vec<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
    paths.dedup();
    for path in paths {
        let Some(resource) = path.strip_prefix("/dicom-web/") else { continue };
        text.push_str(&format!("<resource path=\"{}\">\n", escaped(&resource.replace("{*", "{"))));
        for operation in OPERATIONS.iter().filter(|operation| operation.path == path) {
            let parameters: String = operation
                .query
                .iter()
                .map(|name| format!("<param name=\"{}\" style=\"query\"/>", escaped(name)))
                .collect();
            let gives: String = operation
                .gives
                .iter()
                .map(|media_type| format!("<representation mediaType=\"{}\"/>", escaped(media_type)))
                .collect();
            text.push_str(&format!(
                "<method name=\"{}\"><doc>{}</doc><request>{parameters}</request><response>{gives}</response></method>\n",
                operation.method,
                escaped(operation.summary)
            ));
        }
        text.push_str("</resource>\n");
    }
    text.push_str("</resources>\n</application>\n");
    text
}

#[cfg(test)]
mod tests;
