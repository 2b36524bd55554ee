//! DICOMweb (PS3.18) at `/dicom-web`: store, search, retrieve, rendered.

pub mod accept;
pub mod attributes;
pub mod body;
pub mod bulk;
pub mod bulkdata;
pub mod failure;
pub mod frames;
pub mod metadata;
pub mod query;
pub mod rendered;
pub mod request;
pub mod retrieve;
pub mod search;
pub mod store;
pub mod thumbnail;

pub use failure::{DUPLICATE_WARNING, NEW_VERSION};

use crate::http::Doors;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

/// The routes of PS3.18 table 10.1-1 that are served.
pub fn router(doors: Doors) -> Router {
    const STUDY: &str = "/dicom-web/studies/{study}";
    const SERIES: &str = "/dicom-web/studies/{study}/series/{series}";
    const INSTANCE: &str = "/dicom-web/studies/{study}/series/{series}/instances/{instance}";
    let at = |base: &str, rest: &str| format!("{base}{rest}");
    Router::new()
        // 10.6 search, 10.5 store.
        .route("/dicom-web/studies", get(search::studies).post(store::store))
        .route("/dicom-web/series", get(search::series))
        .route("/dicom-web/instances", get(search::instances))
        .route(&at(STUDY, "/series"), get(search::series))
        .route(&at(STUDY, "/instances"), get(search::instances))
        .route(&at(SERIES, "/instances"), get(search::instances))
        // 10.4 retrieve.
        .route(STUDY, get(retrieve::retrieve).post(store::store))
        .route(SERIES, get(retrieve::retrieve))
        .route(INSTANCE, get(retrieve::retrieve))
        .route(&at(STUDY, "/metadata"), get(metadata::metadata))
        .route(&at(SERIES, "/metadata"), get(metadata::metadata))
        .route(&at(INSTANCE, "/metadata"), get(metadata::metadata))
        .route(&at(INSTANCE, "/frames/{frames}"), get(frames::frames))
        .route(&at(INSTANCE, "/bulkdata/{*path}"), get(bulkdata::bulkdata))
        .route(&at(INSTANCE, "/rendered"), get(rendered::rendered))
        .route(&at(INSTANCE, "/frames/{frames}/rendered"), get(rendered::rendered))
        .route(&at(STUDY, "/thumbnail"), get(thumbnail::thumbnail))
        .route(&at(SERIES, "/thumbnail"), get(thumbnail::thumbnail))
        .route(&at(INSTANCE, "/thumbnail"), get(thumbnail::thumbnail))
        .route(&at(INSTANCE, "/frames/{frames}/thumbnail"), get(thumbnail::thumbnail))
        // Bodies are read piece by piece against their own limits.
        .layer(DefaultBodyLimit::disable())
        .with_state(doors)
}
