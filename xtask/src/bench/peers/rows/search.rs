//! Study search by DICOMweb (PS3.18 10.6) in archives of many patients.

use super::web::{self, Told, Work};
use crate::bench::load::http::Request;
use crate::bench::load::instance;
use crate::bench::load::people::{self, Patient};
use crate::bench::load::random::Random;
use crate::bench::peers::Run;
use crate::bench::peers::archives::{Archives, Who};
use crate::bench::peers::report::{Report, Target};
use anyhow::{Result, ensure};
use serde_json::Value;

/// All archives are asked for so many studies at most.
const LIMIT: usize = 100;
/// Searches of each kind that are compared between the archives before the clock starts.
const COMPARED: usize = 5;

/// The kinds of searches, what a row of them must reach, and how many make a round.
struct Kind {
    what: &'static str,
    query: fn(&mut Random, usize) -> String,
    most: f64,
    searches: usize,
}

/// An archive of `patients`, Orthanc as shipped or analysed.
pub fn measure(run: &Run, report: &mut Report, patients: usize, peer: Who) -> Result<()> {
    let most = |shipped: f64, analysed: f64| if peer == Who::Shipped { shipped } else { analysed };
    let kinds = [
        Kind { what: "PatientID", query: by_number, most: most(0.1, 1.0), searches: 100 },
        Kind { what: "name prefix", query: by_name, most: most(0.1, 0.5), searches: 40 },
        Kind { what: "week and modality", query: by_week, most: most(0.1, 0.1), searches: 20 },
    ];
    let folder = run.kept(&format!("search-{patients}"))?;
    let mut archives = run.start(&folder, &[Who::Segel, peer], 0)?;
    archives.fill(patients, &|n| instance::secondary_capture(n, 16, 16))?;
    for kind in &kinds {
        compare(&archives, kind, patients)?;
    }
    let seeds = std::cell::Cell::new(0);
    let mut works = Vec::new();
    for kind in &kinds {
        let requests = |count: usize| {
            let seeds = &seeds;
            move |_| {
                seeds.set(seeds.get() + 1);
                let mut random = Random::new(seeds.get());
                (0..count).map(|_| request(&(kind.query)(&mut random, patients))).collect()
            }
        };
        let what = format!("search at {patients} by {}", kind.what);
        let count = run.amount(kind.searches);
        works.push(Work {
            what: what.clone(),
            connections: 1,
            requests: Box::new(requests(count)),
            lines: vec![(Told::Median, Target::AtMost(kind.most)), (Told::Worst, Target::None)],
        });
        let least = if kind.what == "PatientID" { Target::AtLeast(1.0 / kind.most) } else { Target::None };
        works.push(Work {
            what: format!("{what}, 4 connections"),
            connections: 4,
            requests: Box::new(requests(count * 2)),
            lines: vec![(Told::Rate, least)],
        });
    }
    web::measure(run, report, &archives, &works)
}

fn request(query: &str) -> Request {
    let path = format!("/studies?{query}&limit={LIMIT}");
    Request { path, accept: "application/dicom+json", body: None, bytes_min: 0 }
}

fn by_number(random: &mut Random, patients: usize) -> String {
    format!("PatientID={}", Patient::nth(random.below(patients)).number)
}

/// What a clerk types: the first letters of somebody's name, so that frequent names are asked for more often.
fn by_name(random: &mut Random, patients: usize) -> String {
    let name = Patient::nth(random.below(patients)).name;
    let typed: String = name.chars().take(5).filter(char::is_ascii_alphabetic).collect();
    format!("PatientName={typed}*")
}

fn by_week(random: &mut Random, patients: usize) -> String {
    let modality = Patient::nth(random.below(patients)).modality;
    let monday = random.below(5 * 52) * 7;
    format!("StudyDate={}-{}&ModalitiesInStudy={modality}", people::date(monday), people::date(monday + 6))
}

/// An archive that finds less, or answers an error, would look fast.
fn compare(archives: &Archives, kind: &Kind, patients: usize) -> Result<()> {
    let mut random = Random::new(4_711);
    for _ in 0..COMPARED {
        let request = request(&(kind.query)(&mut random, patients));
        let found: Vec<(&str, usize)> = web::bodies(archives, &request)?
            .into_iter()
            .map(|(who, body)| {
                let studies = serde_json::from_slice::<Vec<Value>>(&body).unwrap_or_default();
                (who.name(), studies.len())
            })
            .collect();
        let agree = found.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a == b));
        ensure!(agree, "{} was found differently: {found:?}", request.path);
    }
    Ok(())
}
