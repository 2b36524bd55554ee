//! Disks that fail: a flush that is refused, bytes that cannot be read, writes cut short, no room. Nothing acknowledged is
//! lost, nothing is answered that is not so, and what passes is over when it has passed.

#[cfg(test)]
mod tests {
    use sim::disk::{EIO, ENOSPC, Fault, Record};
    use sim::known::{Acknowledged, signal};
    use sim::power::{Manner, Model};
    use sim::process::{Archive, PASSPHRASE, segel_in};
    use sim::random::Random;
    use sim::stage::{Stage, Stored};
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::time::{Duration, Instant};

    /// "Stores return within ten seconds after there is room."
    const ROOM_MAX: Duration = Duration::from_secs(10);

    fn is_running(process_id: u32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
    }

    fn ended(process_id: u32) -> bool {
        let begun = Instant::now();
        while is_running(process_id) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        !is_running(process_id)
    }

    /// The worst power cut of all at the end of a recording: nothing that was not flushed is there.
    fn survives_a_power_cut(stage: &Stage, known: &Acknowledged) {
        let records: Vec<Record> = stage.disk.recorded().unwrap();
        let state = tempfile::tempdir().unwrap();
        let model = Model::at(&records, records.len());
        model.leave(Manner::Nothing, &mut Random::new(1), &stage.disk.root, state.path()).unwrap();
        let archive = Archive::start(&state.path().join("data")).unwrap();
        known.check_records(&archive, &stage.tokens.system, &BTreeSet::new()).unwrap();
        archive.stop().unwrap();
        known.check_ledger(&state.path().join("data")).unwrap();
    }

    /// A flush fails once; whoever needed it ends, and what follows is as if the disk had never been trusted.
    fn a_flush_fails(folder: &Path, part: &str, large: bool, ends: &str) {
        let (stage, mut archive) = Stage::new(folder, true).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let (whole, keys) = (archive.process_id(), archive.keyservice_process_id().unwrap());
        let rule = stage.disk.fault(Fault::SyncFails, part, EIO, 0, 1).unwrap();
        let begun = Instant::now();
        while rule.hits().unwrap() == 0 && begun.elapsed() < Duration::from_secs(20) {
            let status = stage.stow(&archive, large);
            if rule.hits().unwrap() > 0 && ends == "archive" {
                assert_eq!(status, None, "{part}: answered although the flush failed");
            }
        }
        rule.wait(Duration::from_secs(5)).unwrap();
        drop(rule);
        if ends == "archive" {
            assert!(ended(whole), "{part}: the archive goes on");
            archive.kill().unwrap();
            archive = stage.start().unwrap();
        } else {
            assert!(ended(keys), "{part}: the key service goes on");
        }
        stage.until_all_stored(&archive).unwrap();
        stage.check(&archive).unwrap();
        let known = stage.known();
        survives_a_power_cut(&stage, &known);
        stage.end(archive).unwrap();
    }

    #[test]
    fn a_failed_flush_of_a_segment_ends_the_archive_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        a_flush_fails(folder.path(), "/archive/segments/", false, "archive");
    }

    #[test]
    fn a_failed_flush_of_a_large_object_ends_the_archive_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        a_flush_fails(folder.path(), "/archive/staging/", true, "archive");
    }

    #[test]
    fn a_failed_flush_of_the_folder_of_segments_ends_the_archive_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        a_flush_fails(folder.path(), "/archive/segments", true, "archive");
    }

    #[test]
    fn a_failed_flush_of_the_key_services_log_ends_it_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        a_flush_fails(folder.path(), "/keyservice/state.sqlite-wal", false, "keyservice");
    }

    #[test]
    fn a_failed_flush_of_the_ledgers_files_ends_the_key_service_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        a_flush_fails(folder.path(), "/keyservice/ledger/", false, "keyservice");
    }

    #[test]
    fn a_failed_flush_of_the_index_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), true).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        // The index is flushed when its log is moved into its file, at the latest at the end.
        let rule = stage.disk.fault(Fault::SyncFails, "/archive/index.sqlite", EIO, 0, 0).unwrap();
        let process_id = archive.process_id();
        let _whatever_its_end = archive.stop();
        assert!(ended(process_id) && rule.hits().unwrap() > 0);
        drop(rule);
        let archive = stage.start().unwrap();
        stage.until_all_stored(&archive).unwrap();
        stage.check(&archive).unwrap();
        survives_a_power_cut(&stage, &stage.known());
        stage.end(archive).unwrap();
    }

    #[test]
    fn a_killed_archives_unflushed_tail_is_settled_before_anything_follows_it() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), true).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        // The group is written and its flush never comes: the process hangs in it, as on a dying disk, and is killed.
        let rule = stage.disk.fault(Fault::SyncFails, "/archive/segments/", EIO, 0, 1).unwrap();
        let _no_answer = stage.stow(&archive, false);
        rule.wait(Duration::from_secs(10)).unwrap();
        drop(rule);
        signal("KILL", archive.process_id());
        archive.kill().unwrap();
        let archive = stage.start().unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        survives_a_power_cut(&stage, &stage.known());
        stage.end(archive).unwrap();
    }

    #[test]
    fn writes_that_end_short_are_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        let rule = stage.disk.fault(Fault::WriteIsShort, "/archive/", 0, 0, 40).unwrap();
        for _ in 0..6 {
            assert_eq!(stage.store_all(&archive), Stored::ALL);
        }
        assert!(rule.hits().unwrap() > 5);
        drop(rule);
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn bytes_that_cannot_be_read_are_answered_as_damage_and_found_by_scrub() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let rule = stage.disk.fault(Fault::ReadFails, "/archive/segments/", EIO, 0, 0).unwrap();
        assert_eq!(stage.read(&archive), Some(500));
        assert!(rule.hits().unwrap() > 0);
        // What can be read is read on; what is sent is kept.
        assert_eq!(stage.stow(&archive, false), Some(200));
        let mut environment = stage.disk.failing();
        environment.push(("SEGEL_PASSPHRASE".into(), PASSPHRASE.into()));
        let scrubbed = segel_in(&stage.data(), "scrub", &["--json"], &environment).unwrap();
        assert_eq!(scrubbed.status.code(), Some(1), "{}", String::from_utf8_lossy(&scrubbed.stdout));
        drop(rule);
        assert_eq!(stage.read(&archive), Some(200));
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn on_a_full_archive_disk_senders_are_told_so_and_readers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let (whole, keys) = (archive.process_id(), archive.keyservice_process_id().unwrap());
        let full = stage.disk.fault(Fault::WriteFails, "/archive/", ENOSPC, 0, 0).unwrap();
        for _ in 0..3 {
            let told = Stored { c_store: Some(0xA700), stow: Some(507), stow_large: Some(507), transaction: Some(507) };
            assert_eq!(stage.store_all(&archive), told);
            assert_eq!((stage.read(&archive), stage.search(&archive)), (Some(200), Some(200)));
        }
        assert!(full.hits().unwrap() > 5);
        drop(full);
        let took = stage.until_all_stored(&archive).unwrap();
        assert!(took < ROOM_MAX, "stores succeed only {took:?} after there is room");
        assert!(is_running(whole) && is_running(keys));
        assert!(sim::kept::files(&stage.data().join("archive/staging")).unwrap().is_empty());
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn the_disk_may_fill_up_at_any_write_of_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let whole = archive.process_id();
        for skip in 0..24 {
            let full = stage.disk.fault(Fault::WriteFails, "/archive/", ENOSPC, skip, 1).unwrap();
            let stored = stage.store_all(&archive);
            drop(full);
            assert!(is_running(whole), "after {skip} writes: {stored:?}\n{}", stage.log());
            assert!(stored.c_store.is_some() && stored.stow.is_some() && stored.stow_large.is_some());
        }
        stage.until_all_stored(&archive).unwrap();
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn while_the_key_services_disk_is_full_it_lives_and_nothing_is_opened_or_kept_without_its_entry() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let keys = archive.keyservice_process_id().unwrap();
        let full = stage.disk.fault(Fault::WriteFails, "/keyservice/", ENOSPC, 0, 0).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(6) {
            let stored = stage.store_all(&archive);
            let told = Stored { c_store: Some(0xA700), stow: Some(503), stow_large: Some(503), transaction: Some(503) };
            assert_eq!(stored, told);
            assert!(stage.page(&archive).is_some());
        }
        assert!(full.hits().unwrap() > 5);
        assert!(is_running(keys), "the key service ended:\n{}", stage.log());
        drop(full);
        let took = stage.until_all_stored(&archive).unwrap();
        assert!(took < ROOM_MAX, "stores succeed only {took:?} after there is room");
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn a_key_service_that_cannot_start_again_is_not_tried_in_a_hurry() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let full = stage.disk.fault(Fault::WriteFails, "/keyservice/", ENOSPC, 0, 0).unwrap();
        signal("KILL", archive.keyservice_process_id().unwrap());
        std::thread::sleep(Duration::from_secs(10));
        let attempts = stage.log().matches("the key service does not start").count();
        assert!((1..=6).contains(&attempts), "{attempts} attempts in ten seconds");
        assert!(stage.page(&archive).is_some());
        drop(full);
        let took = stage.until_all_stored(&archive).unwrap();
        assert!(took < ROOM_MAX, "stores succeed only {took:?} after there is room");
        stage.end(archive).unwrap();
    }

    /// A small file system of its own, until it is dropped, however the test ends.
    struct Mounted<'a>(&'a Path);

    impl<'a> Mounted<'a> {
        fn new(folder: &'a Path, size: &str) -> Option<Self> {
            std::fs::create_dir(folder).unwrap();
            let size = format!("size={size}");
            let mounted = sim::program::run("mount", &["-t", "tmpfs", "-o", &size, "segel", folder.to_str().unwrap()]);
            mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(folder))
        }
    }

    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            // Lazily: a process that the test left behind may still have it open.
            let _nothing_to_be_done = sim::program::run("umount", &["-l", self.0.to_str().unwrap_or_default()]);
        }
    }

    /// The same on a file system that is really full, where this process may mount one.
    #[test]
    fn a_small_file_system_fills_up_and_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let small = folder.path().join("disk");
        let Some(mounted) = Mounted::new(&small, "160m") else {
            println!("not root, or not allowed to mount: the simulated full disk above has to do");
            return;
        };
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let filler = small.join("filler");
        let mut filling = std::fs::File::create(&filler).unwrap();
        let full = std::io::copy(&mut std::io::repeat(7), &mut filling);
        assert!(full.is_err());
        let begun = Instant::now();
        let mut refused = 0;
        while begun.elapsed() < Duration::from_secs(5) {
            let stored = stage.store_all(&archive);
            assert!(stored.stow.is_some_and(|status| [200, 503, 507].contains(&status)), "{stored:?}");
            refused += usize::from(stored.stow_large.is_some_and(|status| [503, 507].contains(&status)));
        }
        assert!(refused > 5, "hardly anything was refused: {refused}");
        // A file that is open keeps its room although it has no name any more.
        drop(filling);
        std::fs::remove_file(filler).unwrap();
        let took = stage.until_all_stored(&archive).unwrap();
        assert!(took < ROOM_MAX, "stores succeed only {took:?} after there is room");
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
        drop(mounted);
    }
}
