//! Errors of the FHIR door as OperationOutcome.

use crate::http::Problem;
use crate::outcome::words;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The media type of every answer.
pub const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// An error with the place it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    problem: Problem,
    code: Option<&'static str>,
    expression: Option<String>,
    writing: bool,
}

impl Failure {
    /// 422: well-formed, and not something that can be kept. `expression` is the FHIRPath of the element.
    pub fn unprocessable(code: &'static str, expression: &str, detail: impl Into<String>) -> Self {
        Self {
            problem: Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            code: Some(code),
            expression: Some(expression.to_owned()),
            writing: true,
        }
    }

    /// 400 with an issue code.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self { problem: Problem::bad_request(detail), code: Some(code), expression: None, writing: false }
    }

    /// 404 for a type or interaction that is not there.
    pub fn unsupported(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { problem: Problem::new(status, detail), code: Some("not-supported"), expression: None, writing: false }
    }

    /// 412: somebody else's version came in between (FHIR R4 3.1.0.5).
    pub fn stale() -> Self {
        let detail = "Another version is kept meanwhile; read it, and send yours again.";
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, detail);
        Self { problem, code: Some("conflict"), expression: None, writing: true }
    }

    /// What the archive answered to a write.
    pub fn of_write(error: archive::Error) -> Self {
        Self { problem: Problem::of_write(error), code: None, expression: None, writing: true }
    }

    /// The same failure, at an entry of a bundle.
    pub fn at_entry(mut self, entry: usize) -> Self {
        let inner = self.expression.take().map(|expression| match expression.split_once('.') {
            Some((kind, element)) => format!(".resource.ofType({kind}).{element}"),
            None => format!(".resource.ofType({expression})"),
        });
        self.expression = Some(format!("Bundle.entry[{entry}]{}", inner.unwrap_or_default()));
        self
    }

    /// The issue code (FHIR IssueType).
    fn code(&self) -> &'static str {
        if let Some(code) = self.code {
            return code;
        }
        if let Some(outcome) = self.problem.outcome {
            return if self.writing { words(outcome).fhir_write } else { words(outcome).fhir_read };
        }
        match self.problem.status.as_u16() {
            401 => "login",
            404 => "not-found",
            406 | 415 => "not-supported",
            408 | 503 => "transient",
            413 => "too-costly",
            _ => "invalid",
        }
    }

    /// The resource.
    pub fn resource(&self) -> Value {
        let mut issue = json!({"severity": "error", "code": self.code(), "diagnostics": self.problem.detail});
        if let (Some(expression), Some(issue)) = (&self.expression, issue.as_object_mut()) {
            issue.insert("expression".to_owned(), json!([expression]));
        }
        json!({"resourceType": "OperationOutcome", "issue": [issue]})
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, code: None, expression: None, writing: false }
    }
}

impl From<archive::Error> for Failure {
    fn from(error: archive::Error) -> Self {
        Problem::of_read(error).into()
    }
}

impl From<wire::Error> for Failure {
    fn from(error: wire::Error) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = self.resource().to_string();
        let mut response = (self.problem.status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response();
        self.problem.decorate(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_an_operation_outcome_with_place_and_kind() {
        let failure = Failure::unprocessable("required", "Observation.status", "status is missing");
        let issue = failure.resource()["issue"][0].clone();
        assert_eq!(issue["code"], "required");
        assert_eq!(issue["expression"][0], "Observation.status");
        let entry = failure.at_entry(3).resource();
        assert_eq!(entry["issue"][0]["expression"][0], "Bundle.entry[3].resource.ofType(Observation).status");
        assert_eq!(Failure::from(Problem::not_found()).resource()["issue"][0]["code"], "not-found");
        assert_eq!(Failure::from(archive::Error::busy("x")).resource()["issue"][0]["code"], "transient");
        let refused = Failure::of_write(archive::Error::Refused("x".into()));
        assert_eq!(refused.resource()["issue"][0]["code"], "forbidden");
        assert_eq!(refused.into_response().status(), 403);
    }
}
