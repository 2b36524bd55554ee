//! A disk that is full: senders are told to wait, nothing is lost, and it goes on when there is room.

use crate::support::{Folder, assert_content, facility, instance, put, put_all, token};
use archive::scrub::scrub;
use archive::settings::Settings;
use archive::storage::Storage;
use record::Outcome;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A file system of 8 MB, unmounted at the end.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Self {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(at).status().unwrap();
        assert!(
            status.success(),
            "this test mounts a file system of 8 MB: run it as root or in `unshare --user --map-root-user --mount`"
        );
        Self(at)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_recovers() {
    let mut folder = Folder::new();
    let _disk = SmallDisk::mount(folder.dir.path());
    folder.settings.free_bytes_min = 500_000;
    let settings = Settings::new(folder.dir.path());
    let ballast = folder.dir.path().join("ballast");
    let storage = folder.open();
    let mut kept = Vec::new();
    let mut refused = 0;
    // Small, middle and large objects until every kind has been refused; each time some room comes back.
    for round in 0..2 {
        for n in 0..200u32 {
            let (number, bytes) = (round * 1_000 + n, [300, 60_000, 1_400_000][n as usize % 3]);
            match put_all(&storage, vec![instance(number, "RS-A", 1)], bytes).await {
                Ok(mut stored) => kept.push((stored.remove(0), bytes)),
                Err(error) => {
                    assert_eq!(error.outcome(), Outcome::Busy, "{error}");
                    assert!(error.to_string().contains("out of space"), "{error}");
                    refused += 1;
                }
            }
            if n == 1 {
                // As much of it as there is room for.
                let _ = fs::write(&ballast, vec![1; 1_000_000]);
            }
        }
        assert!(refused > 0, "the disk was never full");
        let _ = fs::remove_file(&ballast);
        // There is room again, and what was refused is taken.
        let again = put(&storage, instance(5_000 + round, "RS-A", 1)).await.unwrap();
        kept.push((again, 1_000));
    }
    let uids: Vec<String> = kept.iter().map(|(kept, _)| kept.instance().unwrap().sop_instance_uid.clone()).collect();
    assert_eq!(storage.index().counts().unwrap().versions, u64::try_from(kept.len()).unwrap());
    drop(storage);
    let report = scrub(&settings, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{report:?}");
    let storage = folder.open();
    for (uid, (_, bytes)) in uids.iter().zip(&kept) {
        let found = storage.index().newest_instance(&facility("RS-A"), uid).unwrap().unwrap();
        assert_content(&storage, &found, *bytes);
    }
}

/// With no room kept free, whichever step finds none: the write, the rename, the index. What was acknowledged is there, at
/// the latest when there is room again, and what was refused never is.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_commit_may_find_the_disk_full() {
    let mut folder = Folder::new();
    let _disk = SmallDisk::mount(folder.dir.path());
    folder.settings.free_bytes_min = 0;
    let ballast = folder.dir.path().join("ballast");
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    let mut versions = 1;
    let mut number = 10;
    let (mut stored, mut refused, mut behind) = (0, 0, 0);
    for free_pages in 0..40 {
        for bytes in [500, 1_200_000] {
            fs::write(&ballast, b"").unwrap();
            let free = free_bytes(folder.dir.path())
                .saturating_sub(free_pages * 4_096 + if bytes > 1_000 { 1_200_000 } else { 0 });
            // The index may take some of it at the same time.
            let _ = fs::write(&ballast, vec![1; usize::try_from(free).unwrap()]);
            number += 1;
            // Many tokens make the index need several pages of its own.
            let mut record = instance(number, "RS-A", number);
            record.tokens = (0..200).map(|n| token(&format!("{number}-{n}"))).collect();
            match put_all(&storage, vec![record], bytes).await {
                Ok(_) => (stored, versions) = (stored + 1, versions + 1),
                Err(error) => {
                    assert_eq!(error.outcome(), Outcome::Busy, "{error}");
                    refused += 1;
                }
            }
            // Reading goes on, at worst behind what was acknowledged.
            behind += u64::from(storage.index().counts().unwrap().versions < versions);
            // Make room for the next one: this test is about the steps, not about the sum.
            fs::write(&ballast, b"").unwrap();
            wait_for(&storage, versions);
        }
        if free_bytes(folder.dir.path()) < 2_000_000 {
            break;
        }
    }
    assert!(stored > 3 && refused > 3 && behind > 3, "{stored} stored, {refused} refused, {behind} behind");
    fs::remove_file(&ballast).unwrap();
    drop(storage);
    let report = scrub(&folder.settings, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(folder.open().index().counts().unwrap().versions, versions);
}

/// The index takes what it could not, soon after there is room.
fn wait_for(storage: &Storage, versions: u64) {
    let began = std::time::Instant::now();
    while storage.index().counts().unwrap().versions != versions {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "the index did not catch up");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Free bytes of the file system, as `df` counts them.
fn free_bytes(at: &Path) -> u64 {
    let output = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(at).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
}
