//! Whether the load tool can be believed: the same work by it and by DCMTK's own clients, on the same archive.

use crate::bench::load::instance::{self, COMPUTED_TOMOGRAPHY, EXPLICIT_LITTLE_ENDIAN, Uids};
use crate::bench::load::requestor::{Association, CALLING, Door, STUDY_ROOT_GET};
use crate::bench::load::store;
use crate::bench::peers::Run;
use crate::bench::peers::archives::Who;
use crate::bench::peers::report::{Figures, Line, Report, Target};
use crate::bench::peers::servers::AT_ONCE;
use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

const SLICES: usize = 100;

/// `storescu` and `getscu` beside the load tool; their starts are in their times.
pub fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let count = run.amount(200);
    let rounds = usize::try_from(run.rounds)?;
    let folder = run.folder.below("check")?;
    let who = [Who::Shipped, Who::Dcmqrscp];
    let areas = run.rounds * 2 + 1;
    let mut archives = run.start(&folder, &who, areas)?;
    archives.fill(rounds * 2 * SLICES, &|n| instance::ct_slice(1_000_000 + n / SLICES, n % SLICES + 1))?;
    for who in who {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut ours_get, mut theirs_get) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let first = round * 2 * count;
            let make = |first: usize| (first..first + count).map(|n| instance::secondary_capture(n, 400, 300));
            let doors: Vec<Door> = match &mut archives.dcmqrscp {
                Some(dcmqrscp) if who == Who::Dcmqrscp => vec![dcmqrscp.fresh(), dcmqrscp.fresh()],
                _ => vec![archives.door(who)?, archives.door(who)?],
            };
            let [mine, dcmtk] = doors.as_slice() else { anyhow::bail!("two doors") };
            let many = f64::from(u32::try_from(count)?);
            ours.push(many / store::shares(std::slice::from_ref(mine), &[make(first).collect()])?.as_secs_f64());
            let files: Vec<PathBuf> = make(first + count)
                .map(|instance| {
                    let path = folder.join(format!("{}.dcm", instance.uids.instance));
                    std::fs::write(&path, instance.file()).map(|()| path)
                })
                .collect::<std::io::Result<_>>()?;
            theirs.push(many / dcmtk_seconds(dcmtk, "storescu", &[], &files)?);
            for file in files {
                std::fs::remove_file(file)?;
            }
            let door = archives.door(who)?;
            ours_get.push(get(&door, &Uids::of(1_000_000 + round * 2, 1).study)?);
            let key = format!("StudyInstanceUID={}", Uids::of(1_000_000 + round * 2 + 1, 1).study);
            let keys = ["--ignore", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", &key];
            theirs_get.push(dcmtk_seconds(&door, "getscu", &keys, &[])? * 1e3);
        }
        let mut add = |what: &str, unit, figures: [(&'static str, Vec<f64>); 2], target| {
            let figure = |(of, rounds)| Figures { of, peer: of != "load tool", rounds };
            let figures = figures.into_iter().map(figure).collect();
            report.add(Line { what: format!("{what} into {}", who.name()), unit, digits: 0, figures, target });
        };
        let stored = [("load tool", ours), ("storescu", theirs)];
        add("check: C-STORE 120 KB, 1 association,", "instances/s", stored, Target::AtLeast(1.0));
        let got = [("load tool", ours_get), ("getscu", theirs_get)];
        add("check: C-GET of 100 slices", "ms", got, Target::AtMost(1.0));
    }
    Ok(())
}

fn dcmtk_seconds(door: &Door, program: &str, options: &[&str], files: &[PathBuf]) -> Result<f64> {
    let mut command = Command::new(program);
    command.envs([AT_ONCE]).args(options).args(["-aet", CALLING, "-aec", &door.called, "127.0.0.1"]);
    command.arg(door.port.to_string()).args(files).stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(begun.elapsed().as_secs_f64())
}

fn get(door: &Door, study: &str) -> Result<f64> {
    let begun = Instant::now();
    let proposed = [(STUDY_ROOT_GET, EXPLICIT_LITTLE_ENDIAN), (COMPUTED_TOMOGRAPHY, EXPLICIT_LITTLE_ENDIAN)];
    let mut association = Association::open_to_receive(door, &proposed, &[COMPUTED_TOMOGRAPHY])?;
    association.get_study(study)?;
    association.release()?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
