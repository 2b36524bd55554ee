//! C-STORE: the same new instances to every archive, in turns first.

use crate::bench::load::instance::{self, Instance};
use crate::bench::load::requestor::{Association, Door};
use crate::bench::machine;
use crate::bench::peers::report::{Figures, Line, Report, Target};
use crate::bench::peers::servers::{Dcmqrscp, Orthanc, Running, Segel};
use crate::bench::peers::{Run, process};
use crate::bench::spread::Spread;
use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, Instant};

/// Secondary captures of 400 x 300 pixels.
const CAPTURE_BYTES: usize = 120_000;
/// Instances that go before the clock starts: the first ones pay for what later ones find ready. Also what the index
/// of the analysed Orthanc holds when it is counted.
const WARM: usize = 64;
/// Where the numbers of the patients of CT series begin, so that no two rows share a patient.
const CT_FIRST: usize = 1_000_000;

/// The archives of these rows, all empty at first.
struct Archives {
    segel: Segel,
    shipped: Orthanc,
    analysed: Orthanc,
    dcmqrscp: Dcmqrscp,
}

const NAMES: [&str; 4] = ["Segel", "Orthanc as shipped", "Orthanc analysed", "dcmqrscp"];

/// What one archive did in one round.
#[derive(Clone, Copy)]
struct Took {
    rate: f64,
    server_ms: f64,
    client_ms: f64,
}

/// What is sent: a share for each association.
type Shares = Vec<Vec<Instance>>;

/// How much, and what it must reach.
struct Plan {
    what: &'static str,
    associations: usize,
    /// Instances of each association.
    share: usize,
    least: f64,
    cpu_ms_most: Option<f64>,
    instance_bytes: usize,
}

/// 120 KB instances of distinct patients.
pub fn secondary_captures(run: &Run, report: &mut Report) -> Result<()> {
    let what = "C-STORE 120 KB";
    let plan = |associations, full: usize, least| Plan {
        what,
        associations,
        share: run.amount(full),
        least,
        cpu_ms_most: Some(0.8),
        instance_bytes: CAPTURE_BYTES,
    };
    let plans = [plan(1, 240, 1.5), plan(4, 160, 5.0), plan(8, 120, 8.0)];
    measure(run, report, &plans, |first, plan| {
        let one = |n| instance::secondary_capture(n, 400, 300);
        (0..plan.associations)
            .map(|at| (first + at * plan.share..first + (at + 1) * plan.share).map(one).collect())
            .collect()
    })
}

/// CT series of 100 slices, each association one.
pub fn ct_series(run: &Run, report: &mut Report) -> Result<()> {
    let what = "C-STORE CT slices 512 KB";
    let plan = |associations| Plan {
        what,
        associations,
        share: run.amount(100),
        least: 3.0,
        cpu_ms_most: None,
        instance_bytes: 512 * 1024,
    };
    measure(run, report, &[plan(1), plan(4)], |first, plan| {
        let series = |at| (1..=plan.share).map(|slice| instance::ct_slice(CT_FIRST + first + at, slice)).collect();
        (0..plan.associations).map(series).collect()
    })
}

fn start(run: &Run, areas: u32) -> Result<Archives> {
    let folder = run.folder.below("store")?;
    let (shipped, analysed) = (folder.join("shipped"), folder.join("analysed"));
    let warm: Shares = vec![(0..WARM).map(|n| instance::secondary_capture(n, 400, 300)).collect()];
    let segel = Segel::start(&run.segel, &folder)?;
    let unused = 104;
    let shipped = Orthanc::start(&shipped, unused)?;
    let first = Orthanc::start(&analysed, unused)?;
    let mut dcmqrscp = Dcmqrscp::start(&folder, areas + 1, unused)?;
    for door in [segel.door.clone(), shipped.door.clone(), first.door.clone(), dcmqrscp.fresh()] {
        store(&[door], &warm)?;
    }
    let analysed = first.analyse(&analysed, unused)?;
    Ok(Archives { segel, shipped, analysed, dcmqrscp })
}

fn measure(run: &Run, report: &mut Report, plans: &[Plan], make: impl Fn(usize, &Plan) -> Shares) -> Result<()> {
    let associations: usize = plans.iter().map(|plan| plan.associations).sum();
    let mut archives = start(run, run.rounds * u32::try_from(associations)?)?;
    let mut took: Vec<[Vec<Took>; 4]> = plans.iter().map(|_| Default::default()).collect();
    let mut disk = Vec::new();
    let mut first = WARM;
    for round in 0..run.rounds {
        for (plan, took) in plans.iter().zip(&mut took) {
            let shares = make(first, plan);
            first += plan.associations * plan.share;
            for turn in 0..NAMES.len() {
                let at = (turn + usize::try_from(round)?) % NAMES.len();
                let one = archives.take(at, &shares)?;
                if let Some(took) = took.get_mut(at) {
                    took.push(one);
                }
            }
            let times = 60;
            let appended = machine::durable_writes(run.folder.path(), plan.instance_bytes, times)?;
            disk.push(f64::from(times) / appended.as_secs_f64());
        }
    }
    for (plan, took) in plans.iter().zip(took) {
        add(report, plan, &took);
    }
    let sync = machine::sync_cost_ms(run.folder.path())?;
    report.note(format!(
        "{}: disk, one instance appended and fdatasync: {} a second; 4 KiB: {} ms; load average {}",
        plans.first().map_or("", |plan| plan.what),
        Spread::of(&disk).digits(0),
        Spread::of(&sync).digits(2),
        machine::load()?
    ));
    Ok(())
}

fn add(report: &mut Report, plan: &Plan, took: &[Vec<Took>; 4]) {
    let column = |value: fn(&Took) -> f64| -> Vec<Figures> {
        let figures = |(of, took): (&'static str, &Vec<Took>)| Figures {
            of,
            // dcmqrscp syncs nothing: told beside, but no archive to be held against.
            peer: of.starts_with("Orthanc"),
            rounds: took.iter().map(value).collect(),
        };
        NAMES.into_iter().zip(took).map(figures).collect()
    };
    let what = format!("{}, {} associations", plan.what, plan.associations);
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

impl Archives {
    fn running(&self, at: usize) -> &Running {
        match at {
            0 => &self.segel.running,
            1 => &self.shipped.running,
            2 => &self.analysed.running,
            _ => &self.dcmqrscp.running,
        }
    }

    /// Has the `at`-th archive store everything.
    fn take(&mut self, at: usize, shares: &Shares) -> Result<Took> {
        let doors: Vec<Door> = shares
            .iter()
            .map(|_| match at {
                0 => self.segel.door.clone(),
                1 => self.shipped.door.clone(),
                2 => self.analysed.door.clone(),
                _ => self.dcmqrscp.fresh(),
            })
            .collect();
        let count = shares.iter().map(Vec::len).sum::<usize>();
        let files = if at == 1 { self.shipped.files()? } else { 0 };
        let (server, client) = (self.running(at).cpu_ms()?, process::own_cpu_ms()?);
        let took = store(&doors, shares)?;
        let (server, client) = (self.running(at).cpu_ms()? - server, process::own_cpu_ms()? - client);
        // An archive that acknowledges what it does not keep would look fast.
        if at == 1 {
            ensure!(self.shipped.files()? >= files + count, "Orthanc does not hold what it acknowledged");
        }
        if at == 3 {
            let held = doors.iter().map(|door| self.dcmqrscp.held(door)).sum::<Result<usize>>()?;
            ensure!(held == count, "dcmqrscp holds {held} of {count} instances");
        }
        let many = f64::from(u32::try_from(count)?);
        Ok(Took { rate: many / took.as_secs_f64(), server_ms: server / many, client_ms: client / many })
    }
}

/// Sends each share in an association of its own, all at once; how long from the first request to the last release.
fn store(doors: &[Door], shares: &Shares) -> Result<Duration> {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let senders: Vec<_> = doors
            .iter()
            .zip(shares)
            .map(|(door, share)| scope.spawn(|| send(door, share).with_context(|| door.called.clone())))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().map_err(|_| anyhow::anyhow!("a sender failed"))?)
            .collect::<Result<()>>()
    })
    .map(|()| begun.elapsed())
}

fn send(door: &Door, share: &[Instance]) -> Result<()> {
    let Some(first) = share.first() else { return Ok(()) };
    let mut association = Association::open(door, &[(first.sop_class, first.transfer_syntax)])?;
    for instance in share {
        association.store(instance)?;
    }
    association.release()
}
