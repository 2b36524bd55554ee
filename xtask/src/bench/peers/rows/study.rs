//! A whole CT study of 100 slices, which nobody has opened before: DICOMweb, C-GET and C-MOVE.

use super::web::{self, Told, Work};
use crate::bench::load::http::Request;
use crate::bench::load::instance::{self, COMPUTED_TOMOGRAPHY, EXPLICIT_LITTLE_ENDIAN, Uids};
use crate::bench::load::requestor::{Association, Door, STUDY_ROOT_GET, STUDY_ROOT_MOVE};
use crate::bench::peers::Run;
use crate::bench::peers::archives::Archives;
use crate::bench::peers::archives::Who;
use crate::bench::peers::report::{Figures, Line, Report, Target};
use crate::bench::peers::servers::DESTINATION;
use anyhow::{Result, ensure};
use std::time::Instant;

const SLICES: usize = 100;
const SLICE_BYTES: u64 = 512 * 1024;

/// By all three.
pub fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let rounds = usize::try_from(run.rounds)?;
    let folder = run.folder.below("study")?;
    let who = [Who::Segel, Who::Analysed, Who::Dcmqrscp];
    let mut archives = run.start(&folder, &who, 1)?;
    // A study for each way and round: the second opening of a study costs less than the first.
    archives.fill(rounds * 3 * SLICES, &|n| instance::ct_slice(n / SLICES, n % SLICES + 1))?;
    let request = |round: usize| Request {
        path: format!("/studies/{}", Uids::of(round, 1).study),
        accept: "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
        body: None,
        bytes_min: SLICES * 512 * 1024,
    };
    let work = Work {
        what: "whole study of 100 slices by DICOMweb".into(),
        connections: 1,
        requests: Box::new(move |round| vec![request(round)]),
        lines: vec![(Told::Median, Target::AtMost(1.0))],
    };
    web::measure(run, report, &archives, &[work])?;
    let get = |door: &Door, round: usize| get(door, &Uids::of(rounds + round, 1).study);
    by_dimse(run, report, &archives, "C-GET", &get)?;
    let moved = |door: &Door, round: usize| moved(run, door, &Uids::of(rounds * 2 + round, 1).study);
    by_dimse(run, report, &archives, "C-MOVE", &moved)
}

fn by_dimse(
    run: &Run,
    report: &mut Report,
    archives: &Archives,
    how: &str,
    one: &dyn Fn(&Door, usize) -> Result<f64>,
) -> Result<()> {
    let mut figures: Vec<Figures> = archives
        .who()
        .into_iter()
        .map(|who| Figures { of: who.name(), peer: who != Who::Segel, rounds: Vec::new() })
        .collect();
    let mut who: Vec<Option<Who>> = archives.who().into_iter().map(Some).collect();
    for round in 0..usize::try_from(run.rounds)? {
        for turn in 0..who.len() {
            let at = (turn + round) % who.len();
            let (Some(who), Some(figures)) = (who.get_mut(at), figures.get_mut(at)) else { continue };
            let Some(asked) = *who else { continue };
            match one(&archives.door(asked)?, round) {
                Ok(took) => figures.rounds.push(took),
                // What one archive cannot do says nothing of the others.
                Err(error) => {
                    report.note(format!("{how} from {}: {error:#}", asked.name()));
                    *who = None;
                }
            }
        }
    }
    let what = format!("whole study of 100 slices by {how}");
    report.add(Line { what, unit: "ms", digits: 1, figures, target: Target::AtMost(1.0) });
    Ok(())
}

/// From the request for an association to the end of its release.
fn get(door: &Door, study: &str) -> Result<f64> {
    let begun = Instant::now();
    let proposed = [(STUDY_ROOT_GET, EXPLICIT_LITTLE_ENDIAN), (COMPUTED_TOMOGRAPHY, EXPLICIT_LITTLE_ENDIAN)];
    let mut association = Association::open_to_receive(door, &proposed, &[COMPUTED_TOMOGRAPHY])?;
    let bytes = association.get_study(study)?;
    association.release()?;
    let took = begun.elapsed();
    ensure!(bytes >= SLICE_BYTES * u64::try_from(SLICES)?, "{} sent {bytes} bytes by C-GET", door.called);
    Ok(took.as_secs_f64() * 1e3)
}

fn moved(run: &Run, door: &Door, study: &str) -> Result<f64> {
    let before = run.destination.bytes();
    let begun = Instant::now();
    let mut association = Association::open(door, &[(STUDY_ROOT_MOVE, EXPLICIT_LITTLE_ENDIAN)])?;
    association.move_study(study, DESTINATION)?;
    association.release()?;
    let took = begun.elapsed();
    let bytes = run.destination.bytes() - before;
    ensure!(bytes >= SLICE_BYTES * u64::try_from(SLICES)?, "{} sent {bytes} bytes by C-MOVE", door.called);
    Ok(took.as_secs_f64() * 1e3)
}
