//! Signing in: with a passkey or an outside provider, which the scripts of these pages do (`identity/`), with an access token or a
//! one-time link; signing out, choosing a language.

use super::Pages;
use super::failure::Failure;
use super::form;
use super::shown::{Frame, html};
use super::texts::Language;
use super::visitor::{Guest, LANGUAGE_COOKIE, SESSION_COOKIE, cookie, known};
use crate::http::Connection;
use crate::http::asker::Caller;
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use record::time;
use seal::message::Proof;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "signin.html")]
struct Page<'a> {
    frame: Frame<'a>,
    title: &'static str,
    step: Step,
    refused: &'static str,
    problem: Option<&'static str>,
    purposes: [&'static str; 8],
}

/// Which of the entrance's pages it is.
enum Step {
    SignIn,
    Enrol,
    /// Back from an outside provider.
    Returned,
}

/// What a session may be for (HL7 PurposeOfUse); the key service decides who may choose which.
const PURPOSES: [&str; 8] = ["TREAT", "ETREAT", "BTG", "HOPERAT", "PUBHLTH", "PATRQT", "HRESCH", "HSYSADMIN"];

fn show_step(language: Language, step: Step, here: &str, problem: Option<&str>) -> Response {
    let mut frame = Frame::guest(language);
    frame.here = form::encoded(here);
    let problem = problem.map(|key| frame.w.t(key));
    let (title, refused) = match step {
        Step::SignIn => ("signin-title", "passkey-refused"),
        Step::Enrol => ("enrol-title", "enrol-refused"),
        Step::Returned => ("signin-title", "provider-refused"),
    };
    html(&Page { frame, title, step, refused, problem, purposes: PURPOSES })
}

fn show(language: Language, problem: Option<&str>) -> Response {
    show_step(language, Step::SignIn, "/signin", problem)
}

/// `GET /signin`
pub async fn page(Guest(language): Guest, uri: Uri) -> Response {
    show_step(language, Step::SignIn, uri.path_and_query().map_or("/signin", |here| here.as_str()), None)
}

/// `GET /enrol`: a passkey by an invitation, whose code stands behind the `#` of a link, or is typed.
pub async fn enrol(Guest(language): Guest) -> Response {
    show_step(language, Step::Enrol, "/enrol", None)
}

/// `GET /auth/oidc/callback`: back from an outside provider. The page's script goes on with what stands in its address.
pub async fn returned(Guest(language): Guest) -> Response {
    show_step(language, Step::Returned, "/signin", None)
}

/// `POST /signin`: a token in a form's field. The key service decides whether it holds.
pub async fn token(
    State(pages): State<Pages>,
    Guest(language): Guest,
    connection: Option<Extension<Connection>>,
    body: Bytes,
) -> Result<Response, Failure> {
    let token = form::field(&body, "token").map(|token| token.trim().to_owned());
    let Some(token) = token.filter(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic())) else {
        return Ok((StatusCode::BAD_REQUEST, show(language, Some("signin-malformed"))).into_response());
    };
    begin(&pages, language, connection, token, "signin-refused").await
}

/// `GET /signin/{code}`: a link that works once.
pub async fn link(
    State(pages): State<Pages>,
    Guest(language): Guest,
    connection: Option<Extension<Connection>>,
    Path(code): Path<String>,
) -> Result<Response, Failure> {
    let Some(token) = pages.sessions.redeem(&code, time::now()) else {
        return Ok((StatusCode::UNAUTHORIZED, show(language, Some("signin-used"))).into_response());
    };
    begin(&pages, language, connection, token, "signin-refused").await
}

async fn begin(
    pages: &Pages,
    language: Language,
    connection: Option<Extension<Connection>>,
    token: String,
    refused: &str,
) -> Result<Response, Failure> {
    let who = match known(pages, Proof::Bearer(token.clone())).await {
        Ok(Caller { who, .. }) => who,
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
            return Ok((StatusCode::UNAUTHORIZED, show(language, Some(refused))).into_response());
        }
        Err(problem) => return Err(Failure::of(problem, language)),
    };
    let Some(id) = pages.sessions.open(token, who.expires, time::now()) else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, show(language, Some("failure-busy"))).into_response());
    };
    // Over plain text, which only loopback should see, `Secure` would make browsers drop the cookie.
    let secure = if connection.is_some_and(|Extension(c)| c.tls)
        || pages.doors.public_origin.as_deref().is_some_and(|o| o.starts_with("https:"))
    {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict{secure}");
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())]).into_response())
}

/// `POST /signout`
pub async fn out(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    if let Some(id) = cookie(&headers, SESSION_COOKIE) {
        pages.sessions.close(id);
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, gone), (header::LOCATION, "/signin".to_owned())]).into_response()
}

/// Where to come back to after choosing a language.
#[derive(Deserialize)]
pub struct Back {
    back: Option<String>,
}

/// `GET /language/{code}`
pub async fn language(Path(code): Path<String>, Query(Back { back }): Query<Back>) -> Response {
    let language = Language::of_code(&code).unwrap_or(Language::Indonesian);
    let cookie = format!("{LANGUAGE_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000", language.code());
    let back = back.filter(|path| is_local(path)).unwrap_or_else(|| "/".to_owned());
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, back)]).into_response()
}

/// A path of this server: `//host` and `/\host` would be another one to a browser.
fn is_local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_never_leads_to_another_host() {
        assert!(is_local("/") && is_local("/studies/1.2?x=%20y"));
        for wrong in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a b", "/a\r\nSet-Cookie: x=y"]
        {
            assert!(!is_local(wrong), "{wrong}");
        }
    }
}
