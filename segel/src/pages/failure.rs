//! Errors as pages, in words that say what to do.

use super::shown::Frame;
use super::texts::Language;
use crate::http::Problem;
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A page that could not be shown.
pub struct Failure {
    problem: Problem,
    language: Language,
    /// Where a visitor whom nobody knows is sent.
    entrance: Option<String>,
}

impl Failure {
    /// A problem, in a language.
    pub fn of(problem: Problem, language: Language) -> Self {
        Self { problem, language, entrance: Some("/signin".to_owned()) }
    }

    /// A problem that is said as it is, also to a visitor whom nobody knows.
    pub fn said(problem: Problem, language: Language) -> Self {
        Self { problem, language, entrance: None }
    }

    /// Nobody is signed in who wants to be here.
    pub fn sign_in(language: Language, here: &str) -> Self {
        let entrance = if here == "/" { String::new() } else { format!("?back={}", super::form::encoded(here)) };
        let problem = Problem::unauthorized("Sign in first.");
        Self { problem, language, entrance: Some(format!("/signin{entrance}")) }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page<'a> {
    frame: Frame<'a>,
    status: u16,
    title: &'a str,
    advice: &'a str,
    detail: &'a str,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(entrance) = self.entrance.filter(|_| self.problem.status == StatusCode::UNAUTHORIZED) {
            return (StatusCode::SEE_OTHER, [(header::LOCATION, entrance)]).into_response();
        }
        let words = self.language.words();
        let (title, advice) = match self.problem.status {
            StatusCode::UNAUTHORIZED => ("failure-unknown", "failure-unknown-advice"),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => ("failure-refused", "failure-refused-advice"),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => ("failure-busy", "failure-busy-advice"),
            status if status.is_server_error() => ("failure-damaged", "failure-damaged-advice"),
            _ => ("failure-invalid", "failure-invalid-advice"),
        };
        let status = self.problem.status.as_u16();
        let page = Page {
            frame: Frame::guest(self.language),
            status,
            title: words.t(title),
            advice: words.t(advice),
            detail: &self.problem.detail,
        };
        let mut response = (self.problem.status, super::shown::html(&page)).into_response();
        self.problem.decorate(&mut response);
        response
    }
}
