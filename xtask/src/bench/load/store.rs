//! Storing: instances that are ready, or as many as asked for made on the way.

use super::instance::{
    COMPUTED_TOMOGRAPHY, EXPLICIT_LITTLE_ENDIAN, Instance, JPEG_BASELINE, MULTI_FRAME, SECONDARY_CAPTURE,
};
use super::requestor::{Association, Door};
use anyhow::{Context as _, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What the load tool stores.
pub const STORED: [(&str, &str); 4] = [
    (SECONDARY_CAPTURE, EXPLICIT_LITTLE_ENDIAN),
    (SECONDARY_CAPTURE, JPEG_BASELINE),
    (COMPUTED_TOMOGRAPHY, EXPLICIT_LITTLE_ENDIAN),
    (MULTI_FRAME, EXPLICIT_LITTLE_ENDIAN),
];

/// Sends each share in an association of its own, all at once; how long from the first request to the last release.
pub fn shares(doors: &[Door], shares: &[Vec<Instance>]) -> Result<Duration> {
    let send = |door: &Door, share: &[Instance]| -> Result<()> {
        let mut association = Association::open(door, &STORED)?;
        for instance in share {
            association.store(instance)?;
        }
        association.release()
    };
    let begun = Instant::now();
    let ended: Result<()> = std::thread::scope(|scope| {
        let senders: Vec<_> = doors
            .iter()
            .zip(shares)
            .map(|(door, share)| scope.spawn(|| send(door, share).with_context(|| door.called.clone())))
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| anyhow::anyhow!("a sender failed"))?)
    });
    let took = begun.elapsed();
    ended.map(|()| took)
}

/// Stores `count` instances that `make` makes, over so many associations; says how far it is, since it may take minutes.
pub fn fill(door: &Door, associations: usize, count: usize, make: &(impl Fn(usize) -> Instance + Sync)) -> Result<()> {
    const TOLD_EACH: usize = 10_000;
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let send = || -> Result<()> {
        let mut association = Association::open(door, &STORED)?;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return association.release();
            }
            association.store(&make(n))?;
            if (n + 1).is_multiple_of(TOLD_EACH) {
                println!("{} holds {} of {count} after {:.0} s", door.called, n + 1, begun.elapsed().as_secs_f64());
            }
        }
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..associations).map(|_| scope.spawn(send)).collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| anyhow::anyhow!("a sender failed"))?)
    })
    .with_context(|| door.called.clone())
}
