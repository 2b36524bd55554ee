//! DICOMweb (PS3.18) at `/dicom-web`: store, search, retrieve, rendered.

pub mod accept;
pub mod answer;
pub mod attributes;
pub mod body;
pub mod bulk;
pub mod bulkdata;
pub mod capabilities;
pub mod commitment;
pub mod failure;
pub mod frames;
pub mod metadata;
pub mod pictures;
pub mod query;
pub mod rendered;
pub mod request;
pub mod retrieve;
pub mod search;
pub mod splice;
pub mod store;
pub mod wado;
pub mod worklist;

pub use failure::{DUPLICATE_WARNING, NEW_VERSION};

use crate::http::Doors;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, options};

/// The routes of PS3.18 table 10.1-1 that are served.
pub fn router(doors: Doors) -> Router {
    const STUDY: &str = "/dicom-web/studies/{study}";
    const SERIES: &str = "/dicom-web/studies/{study}/series/{series}";
    const INSTANCE: &str = "/dicom-web/studies/{study}/series/{series}/instances/{instance}";
    let at = |base: &str, rest: &str| format!("{base}{rest}");
    Router::new()
        // 8.9 capabilities.
        .route("/dicom-web", options(capabilities::capabilities))
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
        .route(&at(INSTANCE, "/bulkdata"), get(bulkdata::all_bulkdata))
        .route(&at(SERIES, "/bulkdata"), get(bulkdata::all_bulkdata))
        .route(&at(STUDY, "/bulkdata"), get(bulkdata::all_bulkdata))
        .route(&at(INSTANCE, "/pixeldata"), get(bulkdata::pixeldata))
        .route(&at(SERIES, "/pixeldata"), get(bulkdata::pixeldata))
        .route(&at(STUDY, "/pixeldata"), get(bulkdata::pixeldata))
        .route(&at(STUDY, "/rendered"), get(pictures::all))
        .route(&at(SERIES, "/rendered"), get(pictures::all))
        .route(&at(INSTANCE, "/rendered"), get(pictures::rendered))
        .route(&at(INSTANCE, "/frames/{frames}/rendered"), get(pictures::rendered))
        .route(&at(STUDY, "/thumbnail"), get(pictures::thumbnail))
        .route(&at(SERIES, "/thumbnail"), get(pictures::thumbnail))
        .route(&at(INSTANCE, "/thumbnail"), get(pictures::thumbnail))
        .route(&at(INSTANCE, "/frames/{frames}/thumbnail"), get(pictures::thumbnail))
        // 11.
        .merge(worklist::routes())
        // 13 storage commitment.
        .route("/dicom-web/commitment-requests/{transaction}", axum::routing::post(commitment::request))
        // 9 URI service.
        .route("/wado", get(wado::wado))
        // Bodies are read piece by piece against their own limits.
        .layer(DefaultBodyLimit::disable())
        .with_state(doors)
}
