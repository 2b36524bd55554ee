//! FHIR R4 at `/fhir`: create, read, vread, update of orders and consents, labels, search-type and transaction of what results, documents and orders need.

pub mod accept;
pub mod binary;
pub mod bundle;
pub mod capability;
pub mod create;
pub mod date;
pub mod definition;
pub mod draft;
pub mod extract;
pub mod failure;
pub mod identity;
pub mod imaging;
pub mod meta;
pub mod read;
pub mod request;
pub mod says;
pub mod search_type;
pub mod served;
pub mod subject;
pub mod transaction;
pub mod update;

pub use failure::Failure;

use crate::http::Doors;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};

/// The routes of FHIR R4 3.1.0 that are served. Others of a known path answer 405.
pub fn router(doors: Doors) -> Router {
    Router::new()
        .route("/fhir", post(transaction::transaction).fallback(not_supported))
        .route("/fhir/", post(transaction::transaction).fallback(not_supported))
        .route("/fhir/metadata", get(capability::metadata).fallback(not_supported))
        .route("/fhir/{resource_type}", get(search_type::get).post(create::create).fallback(not_supported))
        .route("/fhir/{resource_type}/_search", post(search_type::post).fallback(not_supported))
        .route("/fhir/{resource_type}/{id}", get(read::read).put(update::update).fallback(not_supported))
        .route("/fhir/{resource_type}/{id}/_history/{version}", get(read::read).fallback(not_supported))
        .route("/fhir/{resource_type}/{id}/$meta-add", post(meta::add).fallback(not_supported))
        .route("/fhir/{resource_type}/{id}/$meta-delete", post(meta::delete).fallback(not_supported))
        // Bodies are held against their own limit and a budget.
        .layer(DefaultBodyLimit::disable())
        .with_state(doors)
}

async fn not_supported() -> Failure {
    Failure::unsupported(StatusCode::METHOD_NOT_ALLOWED, "This interaction is not supported; see metadata.")
}
