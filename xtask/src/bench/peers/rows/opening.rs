//! What opening a study costs for being decided, counted and written down: the same request with a fresh opening, and again with
//! the opening at hand, when the key service is not asked for anything.
//!
//! The difference is more than metering costs: an archive that metered nothing would still have to have its keys unwrapped.

use crate::bench::load::http::{self, Request};
use crate::bench::load::instance::{self, Uids};
use crate::bench::peers::Run;
use crate::bench::peers::archives::Who;
use crate::bench::peers::report::{Figures, Line, Report, Target};
use anyhow::Result;

/// What an opening may add, in milliseconds.
const MORE_MS_MAX: f64 = 15.0;

/// One kind of study.
struct Kind {
    what: &'static str,
    slices: usize,
    /// Studies of a round: as many as a median needs.
    studies: usize,
}

/// The metadata of whole studies, as a viewer asks for them first.
pub fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let kinds = [
        Kind { what: "a radiograph", slices: 1, studies: run.amount(200) },
        Kind { what: "a CT study of 100 slices", slices: 100, studies: run.amount(10) },
    ];
    let rounds = usize::try_from(run.rounds)?;
    for kind in &kinds {
        let folder = run.folder.below(&format!("opening-{}", kind.slices))?;
        let mut archives = run.start(&folder, &[Who::Segel], 0)?;
        archives.fill(rounds * kind.studies * kind.slices, &|n| match kind.slices {
            1 => instance::secondary_capture(n, 400, 300),
            slices => instance::ct_slice(n / slices, n % slices + 1),
        })?;
        let (mut fresh, mut at_hand, mut more) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let studies = round * kind.studies..(round + 1) * kind.studies;
            let requests: Vec<Request> = studies.map(|n| metadata(n, kind.slices)).collect();
            let reader = archives.reader(Who::Segel)?;
            let [first, again] = [http::drive(reader, 1, &requests)?, http::drive(reader, 1, &requests)?];
            let (first, again) = (first.percentile_ms(50), again.percentile_ms(50));
            fresh.push(first);
            at_hand.push(again);
            more.push(first - again);
        }
        for (what, rounds, target) in [
            ("with a fresh opening", fresh, Target::None),
            ("with the opening at hand", at_hand, Target::None),
            ("what the opening adds", more, Target::Absolute(MORE_MS_MAX)),
        ] {
            let what = format!("metadata of {}, {what}", kind.what);
            let figures = vec![Figures { of: Who::Segel.name(), peer: false, rounds }];
            report.add(Line { what, unit: "ms, p50", digits: 2, figures, target });
        }
    }
    Ok(())
}

fn metadata(study: usize, slices: usize) -> Request {
    let path = format!("/studies/{}/metadata", Uids::of(study, 1).study);
    // Each instance has at least so much of it.
    Request { path, accept: "application/dicom+json", body: None, bytes_min: slices * 500 }
}
