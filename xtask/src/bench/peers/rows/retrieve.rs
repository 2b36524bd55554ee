//! Instances, metadata, frames and rendered images by DICOMweb (PS3.18 10.4).

use super::web::{self, Told, Work};
use super::{instance_path, metadata_of};
use crate::bench::load::http::Request;
use crate::bench::load::instance::{self, Uids};
use crate::bench::peers::Run;
use crate::bench::peers::archives::Who;
use crate::bench::peers::report::{Report, Target};
use anyhow::{Result, ensure};

/// Asks for something of an instance.
type Ask = fn(&Uids) -> Request;

/// Patients who are asked for again and again.
const AT_HAND: usize = 20;
const CAPTURE_BYTES: usize = 120_000;

/// Instance, metadata and frame of 120 KB instances at 4 connections.
pub fn instances(run: &Run, report: &mut Report) -> Result<()> {
    let count = run.amount(400);
    let kinds: [(&str, Ask); 3] =
        [("instance", instance_of), ("metadata", |uids| metadata_of(uids, "")), ("frame", frame_of)];
    let rounds = usize::try_from(run.rounds)?;
    let folder = run.folder.below("retrieve")?;
    let who = [Who::Segel, Who::Analysed];
    let mut archives = run.start(&folder, &who, 0)?;
    let patients = AT_HAND + kinds.len() * rounds * count;
    archives.fill(patients, &|n| instance::secondary_capture(n, 400, 300))?;
    let mut works = Vec::new();
    for (at, (what, request)) in kinds.into_iter().enumerate() {
        let work = |what: String, least, requests: Box<dyn Fn(usize) -> Vec<Request>>| Work {
            what,
            connections: 4,
            requests,
            lines: vec![(Told::Rate, Target::AtLeast(least)), (Told::Worst, Target::None)],
        };
        let again = move |_| (0..count).map(|n| request(&Uids::of(n % AT_HAND, 1))).collect();
        works.push(work(format!("{what}, 4 connections, opening at hand"), 1.5, Box::new(again)));
        // Each patient once in the whole run, so that every request is an opening of its own.
        let first = move |round: usize| AT_HAND + (round * 3 + at) * count;
        let fresh = move |round| (first(round)..first(round) + count).map(|n| request(&Uids::of(n, 1))).collect();
        works.push(work(format!("{what}, 4 connections, each a fresh opening"), 0.5, Box::new(fresh)));
    }
    web::measure(run, report, &archives, &works)
}

fn instance_of(uids: &Uids) -> Request {
    let accept = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
    Request { path: instance_path(uids), accept, body: None, bytes_min: CAPTURE_BYTES }
}

fn frame_of(uids: &Uids) -> Request {
    let accept = "multipart/related; type=\"application/octet-stream\"";
    Request { path: format!("{}/frames/1", instance_path(uids)), accept, body: None, bytes_min: CAPTURE_BYTES }
}

/// Rendered images of JPEGs of 1024 x 1024 pixels, each of another patient.
pub fn rendered(run: &Run, report: &mut Report) -> Result<()> {
    let count = run.amount(60);
    let folder = run.folder.below("rendered")?;
    let who = [Who::Segel, Who::Analysed];
    let mut archives = run.start(&folder, &who, 0)?;
    // An encoder that fails would fail on the first.
    instance::radiograph(0)?;
    archives.fill(count, &|n| instance::radiograph(n).unwrap_or_else(|_| instance::secondary_capture(n, 16, 16)))?;
    let request = |n: usize| {
        let path = format!("{}/rendered", instance_path(&Uids::of(n, 1)));
        Request { path, accept: "image/jpeg", body: None, bytes_min: 20_000 }
    };
    for (who, body) in web::bodies(&archives, &request(0))? {
        ensure!(body.starts_with(&[0xFF, 0xD8]), "{} rendered no JPEG", who.name());
    }
    let work = |connections| Work {
        what: format!("rendered from JPEG 1024 x 1024, {connections} at once"),
        connections,
        requests: Box::new(move |_| (0..count).map(request).collect()),
        lines: vec![(Told::Rate, Target::AtLeast(2.0))],
    };
    web::measure(run, report, &archives, &[work(1), work(4)])
}

/// Metadata of whole CT series.
pub fn series_metadata(run: &Run, report: &mut Report) -> Result<()> {
    let slices = [100, run.amount(500).max(100)];
    let rounds = usize::try_from(run.rounds)?;
    let folder = run.folder.below("metadata")?;
    let who = [Who::Segel, Who::Analysed];
    let mut archives = run.start(&folder, &who, 0)?;
    // The short series of all rounds, then one long series.
    let short = rounds * slices[0];
    archives.fill(short + slices[1], &|n| match n.checked_sub(short) {
        Some(slice) => instance::ct_slice(rounds, slice + 1),
        None => instance::ct_slice(n / slices[0], n % slices[0] + 1),
    })?;
    let work = |slices: usize, target, series: Box<dyn Fn(usize) -> usize>| Work {
        what: format!("metadata of a series of {slices} slices"),
        connections: 1,
        requests: Box::new(move |round| {
            let mut request = metadata_of(&Uids::of(series(round), 1), "series");
            // Each slice has some 3 KB of metadata; less is not all of them.
            request.bytes_min = slices * 1_000;
            vec![request; 5]
        }),
        lines: vec![(Told::Median, target)],
    };
    let works = [
        work(slices[0], Target::AtMost(0.2), Box::new(|round| round)),
        work(slices[1], Target::Absolute(50.0), Box::new(move |_| rounds)),
    ];
    web::measure(run, report, &archives, &works)
}
