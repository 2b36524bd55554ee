//! Pages for people: sign in, find a study, look at it with the patient's results and documents beside it.
//!
//! Everything is rendered on the server; one small script draws pictures, and others sign in with a passkey and show with every
//! request who asks. Nothing is loaded from elsewhere, and nothing of a patient may stay in a browser's cache.

mod document;
mod electrocardiogram;
mod emergency;
mod failure;
pub mod form;
mod headers;
mod home;
mod picture;
mod records;
mod sessions;
mod shown;
mod signin;
mod studies;
mod study;
mod texts;
mod visitor;

pub use sessions::Sessions;

use crate::http::Doors;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware;
use axum::routing::{get, post};

/// What the pages share.
#[derive(Clone)]
pub struct Pages {
    doors: Doors,
    sessions: Sessions,
}

impl FromRef<Pages> for Doors {
    fn from_ref(pages: &Pages) -> Self {
        pages.doors.clone()
    }
}

/// A form holds a token at most.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// The pages' routes.
pub fn router(doors: Doors, sessions: Sessions) -> Router {
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    let at = |rest: &str| format!("{INSTANCE}/{rest}");
    Router::new()
        .route("/", get(studies::page))
        .route("/results", get(home::results))
        .route("/patients/{patient}", get(home::patient))
        .route("/studies/{study}", get(study::page))
        .route(&at("image"), get(picture::image))
        .route(&at("samples"), get(picture::samples))
        .route(&at("electrocardiogram"), get(electrocardiogram::page))
        .route(&at("document"), get(document::encapsulated))
        .route("/documents/{kind}/{id}", get(document::resource))
        .route("/emergency", get(emergency::page))
        .route("/signin", get(signin::page).post(signin::token))
        .route("/signin/{code}", get(signin::link))
        .route("/enrol", get(signin::enrol))
        .route("/auth/oidc/callback", get(signin::returned))
        .route("/signout", post(signin::out))
        .route("/language/{code}", get(signin::language))
        .route("/healthz", get(home::health))
        .route("/assets/{name}", get(headers::asset))
        .route("/worker.js", get(headers::worker))
        .route("/favicon.ico", get(headers::icon))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn(headers::own_forms))
        .layer(middleware::from_fn(headers::strict))
        .with_state(Pages { doors, sessions })
}
