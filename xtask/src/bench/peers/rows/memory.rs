//! Memory of all processes of an archive: at rest, and while eight associations store 500 MB each.

use crate::bench::load::instance;
use crate::bench::load::random::Random;
use crate::bench::load::requestor::{Association, Door};
use crate::bench::load::store::STORED;
use crate::bench::peers::archives::Who;
use crate::bench::peers::report::{Figures, Line, Report, Target};
use crate::bench::peers::{Run, process};
use anyhow::{Context as _, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ASSOCIATIONS: usize = 8;
/// Frames of 512 x 512 pixels of 8 bits, sent four at a time from one block of noise.
const BLOCK_BYTES: usize = 1024 * 1024;
const BLOCKS: usize = 500;
/// An archive at rest has stored something and then had this long to give memory back.
const REST: Duration = Duration::from_secs(5);
const SAMPLED_EACH: Duration = Duration::from_millis(100);

/// Idle and at peak.
pub fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let folder = run.folder.below("memory")?;
    let who = [Who::Segel, Who::Shipped];
    let mut archives = run.start(&folder, &who, 0)?;
    archives.fill(200, &|n| instance::secondary_capture(n, 400, 300))?;
    std::thread::sleep(REST);
    let (mut idle, mut peak) = (Vec::new(), Vec::new());
    for who in archives.who() {
        let running = archives.running(who)?.id();
        idle.push(figures(who, process::memory_mb(running)?));
        let most = flooded(run, &archives.door(who)?, running).context(who.name())?;
        peak.push(figures(who, most));
    }
    let mut add = |what: &str, figures, most| {
        let (what, target) = (what.to_owned(), Target::Absolute(most));
        report.add(Line { what, unit: "MB (PSS)", digits: 0, figures, target });
    };
    add("memory at rest", idle, 100.0);
    add("memory, 8 associations storing 500 MB each", peak, 400.0);
    Ok(())
}

fn figures(who: Who, mb: f64) -> Figures {
    Figures { of: who.name(), peer: who != Who::Segel, rounds: vec![mb] }
}

/// The most that was seen while all associations stored.
fn flooded(run: &Run, door: &Door, process: u32) -> Result<f64> {
    let block = Random::new(7).bytes(BLOCK_BYTES);
    let blocks = run.amount(BLOCKS);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut most: f64 = 0.0;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(process::memory_mb(process)?);
                std::thread::sleep(SAMPLED_EACH);
            }
            anyhow::Ok(most)
        });
        let send = |n: usize| -> Result<()> {
            let instance = instance::multi_frame_head(2_000_000 + n, blocks * BLOCK_BYTES)?;
            let mut association = Association::open(door, &STORED)?;
            association.store_stream(&instance, &block, blocks)?;
            association.release()
        };
        let senders: Vec<_> = (0..ASSOCIATIONS).map(|n| scope.spawn(move || send(n))).collect();
        let sent: Result<()> =
            senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| anyhow::anyhow!("a sender failed"))?);
        ended.store(true, Ordering::Relaxed);
        let most = sampler.join().map_err(|_| anyhow::anyhow!("the sampler failed"))??;
        sent.map(|()| most)
    })
}
