//! C-STORE and STOW: the same new instances to every archive, in turns first.

use crate::bench::load::http;
use crate::bench::load::instance::{self, Instance};
use crate::bench::load::requestor::Door;
use crate::bench::load::store;
use crate::bench::machine;
use crate::bench::peers::archives::{Archives, Who};
use crate::bench::peers::report::{Figures, Line, Report, Target};
use crate::bench::peers::{Run, process};
use crate::bench::spread::Spread;
use anyhow::{Context as _, Result, ensure};

/// Secondary captures of 400 x 300 pixels.
const CAPTURE_BYTES: usize = 120_000;
/// Instances that go before the clock starts: the first ones pay for what later ones find ready. Also what the index
/// of the analysed Orthanc holds when it is counted.
const WARM: usize = 64;
/// Where the numbers of the patients of CT series begin, so that no two rows share a patient.
const CT_FIRST: usize = 1_000_000;

/// What one archive did in one round.
#[derive(Clone, Copy)]
struct Took {
    rate: f64,
    server_ms: f64,
    client_ms: f64,
}

/// By which door.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Dimse,
    Web,
}

/// How much, and what it must reach.
struct Plan {
    what: &'static str,
    door: Path,
    /// Associations or connections.
    senders: usize,
    /// Instances of each.
    share: usize,
    least: f64,
    cpu_ms_most: Option<f64>,
    instance_bytes: usize,
}

/// 120 KB instances of distinct patients by C-STORE.
pub fn secondary_captures(run: &Run, report: &mut Report) -> Result<()> {
    let plan = |senders, full: usize, least| Plan {
        what: "C-STORE 120 KB",
        door: Path::Dimse,
        senders,
        share: run.amount(full),
        least,
        cpu_ms_most: Some(0.8),
        instance_bytes: CAPTURE_BYTES,
    };
    measure(run, report, &[plan(1, 240, 1.5), plan(4, 160, 5.0), plan(8, 120, 8.0)], captures)
}

/// The same by STOW, one instance a request.
pub fn stow(run: &Run, report: &mut Report) -> Result<()> {
    let plan = |senders, full: usize, least| Plan {
        what: "STOW 120 KB",
        door: Path::Web,
        senders,
        share: run.amount(full),
        least,
        cpu_ms_most: None,
        instance_bytes: CAPTURE_BYTES,
    };
    measure(run, report, &[plan(1, 240, 2.0), plan(4, 160, 5.0)], captures)
}

/// CT series of 100 slices, each association one.
pub fn ct_series(run: &Run, report: &mut Report) -> Result<()> {
    let plan = |senders| Plan {
        what: "C-STORE CT slices 512 KB",
        door: Path::Dimse,
        senders,
        share: run.amount(100),
        least: 3.0,
        cpu_ms_most: None,
        instance_bytes: 512 * 1024,
    };
    measure(run, report, &[plan(1), plan(4)], |first, plan| {
        let series = |at| (1..=plan.share).map(|slice| instance::ct_slice(CT_FIRST + first + at, slice)).collect();
        (0..plan.senders).map(series).collect()
    })
}

fn captures(first: usize, plan: &Plan) -> Vec<Vec<Instance>> {
    let one = |n| instance::secondary_capture(n, 400, 300);
    (0..plan.senders).map(|at| (first + at * plan.share..first + (at + 1) * plan.share).map(one).collect()).collect()
}

fn measure(
    run: &Run,
    report: &mut Report,
    plans: &[Plan],
    make: impl Fn(usize, &Plan) -> Vec<Vec<Instance>>,
) -> Result<()> {
    let what = plans.first().context("nothing to measure")?;
    let mut who = vec![Who::Segel, Who::Shipped, Who::Analysed];
    if what.door == Path::Dimse {
        who.push(Who::Dcmqrscp);
    }
    let senders: usize = plans.iter().map(|plan| plan.senders).sum();
    let areas = run.rounds * u32::try_from(senders)? + 1;
    let folder = run.folder.below(&what.what.replace(' ', "-"))?;
    let mut archives = run.start(&folder, &who, areas)?;
    let who = archives.who();
    archives.fill(WARM, &|n| instance::secondary_capture(n, 400, 300))?;
    let mut took: Vec<Vec<Vec<Took>>> = plans.iter().map(|_| who.iter().map(|_| Vec::new()).collect()).collect();
    let mut disk = Vec::new();
    let mut first = WARM;
    for round in 0..run.rounds {
        for (plan, took) in plans.iter().zip(&mut took) {
            let shares = make(first, plan);
            first += plan.senders * plan.share;
            for turn in 0..who.len() {
                let at = (turn + usize::try_from(round)?) % who.len();
                if let (Some(who), Some(took)) = (who.get(at), took.get_mut(at)) {
                    took.push(one(&mut archives, *who, plan, &shares)?);
                }
            }
            let times = 60;
            let appended = machine::durable_writes(run.folder.path(), plan.instance_bytes, times)?;
            disk.push(f64::from(times) / appended.as_secs_f64());
        }
    }
    for (plan, took) in plans.iter().zip(took) {
        add(report, plan, &who, &took);
    }
    let sync = machine::sync_cost_ms(run.folder.path())?;
    report.note(format!(
        "{}: disk, one instance appended and fdatasync: {} a second; 4 KiB: {} ms; load average {}",
        what.what,
        Spread::of(&disk).digits(0),
        Spread::of(&sync).digits(2),
        machine::load()?
    ));
    Ok(())
}

/// Has one archive store everything.
fn one(archives: &mut Archives, who: Who, plan: &Plan, shares: &[Vec<Instance>]) -> Result<Took> {
    let count = shares.iter().map(Vec::len).sum::<usize>();
    let doors: Vec<Door> = match &mut archives.dcmqrscp {
        Some(dcmqrscp) if who == Who::Dcmqrscp => shares.iter().map(|_| dcmqrscp.fresh()).collect(),
        _ => {
            let door = archives.door(who)?;
            shares.iter().map(|_| door.clone()).collect()
        }
    };
    let requests: Vec<http::Request> = if plan.door == Path::Web {
        shares.iter().flatten().map(|instance| http::store_request(&instance.file())).collect::<Result<_>>()?
    } else {
        Vec::new()
    };
    let (server, client) = (archives.running(who)?.cpu_ms()?, process::own_cpu_ms()?);
    let many = f64::from(u32::try_from(count)?);
    let rate = match plan.door {
        Path::Dimse => many / store::shares(&doors, shares)?.as_secs_f64(),
        Path::Web => http::drive(archives.sender(who)?, plan.senders, &requests)?.rate(),
    };
    let (server, client) = (archives.running(who)?.cpu_ms()? - server, process::own_cpu_ms()? - client);
    // An archive that acknowledges what it does not keep would look fast.
    if let (Some(dcmqrscp), Who::Dcmqrscp) = (&archives.dcmqrscp, who) {
        let held = doors.iter().map(|door| dcmqrscp.held(door)).sum::<Result<usize>>()?;
        ensure!(held == count, "dcmqrscp holds {held} of {count} instances");
    } else {
        let last = shares.iter().flatten().next_back().context("nothing was sent")?;
        http::Client::new(archives.reader(who)?).must(&super::metadata_of(&last.uids, ""))?;
    }
    Ok(Took { rate, server_ms: server / many, client_ms: client / many })
}

fn add(report: &mut Report, plan: &Plan, who: &[Who], took: &[Vec<Took>]) {
    let column = |value: fn(&Took) -> f64| -> Vec<Figures> {
        let figures = |(who, took): (&Who, &Vec<Took>)| Figures {
            of: who.name(),
            // dcmqrscp syncs nothing and finds nothing in a large archive: told beside, but not what to reach.
            peer: matches!(who, Who::Shipped | Who::Analysed),
            rounds: took.iter().map(value).collect(),
        };
        who.iter().zip(took).map(figures).collect()
    };
    let senders = if plan.door == Path::Dimse { "association" } else { "connection" };
    let many = if plan.senders == 1 { "" } else { "s" };
    let what = format!("{}, {} {senders}{many}", plan.what, plan.senders);
    report.add(Line {
        what: what.clone(),
        unit: "instances/s",
        digits: 0,
        figures: column(|took| took.rate),
        target: Target::AtLeast(plan.least),
    });
    report.add(Line {
        what: format!("{what}, CPU of the server"),
        unit: "ms each",
        digits: 2,
        figures: column(|took| took.server_ms),
        target: plan.cpu_ms_most.map_or(Target::None, Target::Absolute),
    });
    report.add(Line {
        what: format!("{what}, CPU of the load tool"),
        unit: "ms each",
        digits: 2,
        figures: column(|took| took.client_ms),
        target: Target::None,
    });
}
