//! Filling an archive.

use super::Result;
use super::patient::Patient;
use super::place::{self, Place};
use archive::Archive;
use archive::ingest::{Declared, StoreOutcome};
use seal::message::Asker;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use wire::syntax::EXPLICIT_LITTLE;

/// Stores what is missing of so many patients.
pub async fn run(data: &Path, patients: u32, senders: usize) -> Result<()> {
    let Place { service, archive, asker } = place::open(data).await?;
    // One instance each, in order but for those that are on their way at once.
    let held = u32::try_from(archive.storage().index().counts()?.instances)?;
    let first = held.saturating_sub(u32::try_from(senders)?);
    let next = Arc::new(AtomicU32::new(first));
    let began = Instant::now();
    let tasks: Vec<_> =
        (0..senders).map(|_| tokio::spawn(send(archive.clone(), asker.clone(), Arc::clone(&next), patients))).collect();
    let mut stored = 0;
    for task in tasks {
        stored += task.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("stored {stored} in {seconds:.1} s, {:.0} a second", f64::from(stored) / seconds);
    drop(archive);
    service.stop().await?;
    Ok(())
}

async fn send(archive: Archive, asker: Asker, next: Arc<AtomicU32>, patients: u32) -> Result<u32> {
    let mut stored = 0;
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= patients {
            return Ok(stored);
        }
        let declared = Declared { transfer_syntax: Some(EXPLICIT_LITTLE.to_owned()), ..Declared::default() };
        let mut receiver = archive.receive(&asker, declared);
        receiver.write(&Patient::new(n).data_set()?).await?;
        stored += u32::from(receiver.finish().await?.outcome == StoreOutcome::New);
        if n % 10_000 == 9_999 {
            println!("{} of {patients}", n + 1);
        }
    }
}

/// Writes patients as files, a thousand to a folder.
pub fn write(folder: &Path, first: u32, patients: u32) -> Result<()> {
    for n in first..first + patients {
        let below = folder.join(format!("{:06}", n / 1_000));
        std::fs::create_dir_all(&below)?;
        std::fs::write(below.join(format!("{n}.dcm")), Patient::new(n).file()?)?;
    }
    Ok(())
}
