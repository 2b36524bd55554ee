//! The rows of the table, a file a group.

pub mod check;
pub mod memory;
pub mod opening;
pub mod retrieve;
pub mod search;
pub mod store;
pub mod study;
mod web;

use crate::bench::load::http::Request;
use crate::bench::load::instance::Uids;

fn instance_path(uids: &Uids) -> String {
    format!("/studies/{}/series/{}/instances/{}", uids.study, uids.series, uids.instance)
}

/// The metadata (PS3.18 10.4.1.1.2) of an instance, or of its series if `of` says so.
fn metadata_of(uids: &Uids, of: &str) -> Request {
    let base =
        if of == "series" { format!("/studies/{}/series/{}", uids.study, uids.series) } else { instance_path(uids) };
    let path = format!("{base}/metadata");
    Request { path, accept: "application/dicom+json", body: None, bytes_min: 500 }
}
