//! The key service lost in the middle of everything, and clocks that jump: a clear answer in bounded time, and all is well
//! again without a restart.

#[cfg(test)]
mod tests {
    use sim::dimse::{self, Asked};
    use sim::known::{Numbered, signal};
    use sim::process::Archive;
    use sim::stage::{MODALITY, Stage, Stored};
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    /// A key service that hangs is given up after ten seconds.
    const HANGING_MAX: Duration = Duration::from_secs(11);
    /// One that is gone is known to be within one; the machine of a test may be busy.
    const GONE_MAX: Duration = Duration::from_secs(3);

    fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
        let begun = Instant::now();
        let done = what();
        (done, begun.elapsed())
    }

    #[test]
    fn while_the_key_service_hangs_everybody_is_told_in_time_and_associations_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let mut association = dimse::accepted(archive.dimse, MODALITY).unwrap();
        let keys = archive.keyservice_process_id().unwrap();
        signal("STOP", keys);
        let stopped = Instant::now();
        let instance = Numbered::new(9_000);
        std::thread::scope(|scope| {
            let stowed = scope.spawn(|| timed(|| stage.stow(&archive, false)));
            let searched = scope.spawn(|| timed(|| stage.search(&archive)));
            let transacted = scope.spawn(|| timed(|| stage.transact(&archive)));
            let stored = scope.spawn(|| timed(|| association.store(&instance.uids, &instance.data_set)));
            let asked = scope.spawn(|| timed(|| dimse::associate(archive.dimse, "UNHEARD")));
            let page = timed(|| stage.page(&archive));
            assert!(page.0.is_some() && page.1 < GONE_MAX, "{page:?}");
            let (status, took) = stowed.join().unwrap();
            assert!(status == Some(503) && took < HANGING_MAX, "STOW: {status:?} in {took:?}");
            let (status, took) = searched.join().unwrap();
            assert!(status == Some(503) && took < HANGING_MAX, "search: {status:?} in {took:?}");
            let (status, took) = transacted.join().unwrap();
            assert!(status == Some(503) && took < HANGING_MAX, "FHIR: {status:?} in {took:?}");
            // PS3.4 table B.2-1: refused, out of resources; the association stays.
            let (status, took) = stored.join().unwrap();
            assert!(
                status.as_ref().is_ok_and(|status| *status == 0xA700) && took < HANGING_MAX,
                "{status:?} in {took:?}"
            );
            let (asked, took) = asked.join().unwrap();
            // PS3.8 table 9-21: transient, and worth another try.
            match asked.unwrap() {
                Asked::Rejected(2, _, _) => assert!(took < HANGING_MAX, "{took:?}"),
                Asked::Rejected(result, source, reason) => panic!("rejected {result} {source} {reason}"),
                Asked::Accepted(_) => panic!("accepted although nobody can say who it is"),
            }
        });
        std::thread::sleep(Duration::from_secs(15).saturating_sub(stopped.elapsed()));
        signal("CONT", keys);
        let instance = Numbered::new(9_001);
        assert_eq!(association.store(&instance.uids, &instance.data_set).unwrap(), 0);
        association.release().unwrap();
        stage.until_all_stored(&archive).unwrap();
        assert_eq!(archive.keyservice_process_id().unwrap(), keys, "the key service was started again");
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    /// The longest that a request of this kind took.
    fn hammer(stage: &Stage, archive: &Archive, over: &AtomicBool, kind: usize) -> Duration {
        let mut longest = Duration::ZERO;
        while !over.load(Ordering::Relaxed) {
            let (_, took) = timed(|| match kind {
                0 => drop(stage.stow(archive, false)),
                1 => drop(stage.c_store(archive, true)),
                2 => drop(stage.search(archive)),
                3 => drop(stage.read(archive)),
                _ => drop(stage.transact(archive)),
            });
            longest = longest.max(took);
            // Everything that is kept is read back at the end.
            std::thread::sleep(Duration::from_millis(30));
        }
        longest
    }

    /// Waits until another key service runs and is reached; the one before may have left its socket's file behind.
    fn until_followed(archive: &Archive, before: u32) {
        let begun = Instant::now();
        let socket = archive.data.join("keyservice/node.sock");
        while begun.elapsed() < Duration::from_secs(20) {
            if archive.keyservice_process_id().is_ok_and(|keys| keys != before) && UnixStream::connect(&socket).is_ok()
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_key_service_killed_again_and_again_is_back_each_time_and_nobody_waits_long() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (stage, archive, over) = (&stage, &archive, &over);
            let hammers: Vec<_> = (0..5).map(|kind| scope.spawn(move || hammer(stage, archive, over, kind))).collect();
            for round in 0..sim::amount(6, 60) {
                std::thread::sleep(Duration::from_millis(700));
                let Ok(keys) = archive.keyservice_process_id() else { continue };
                signal("KILL", keys);
                if round % 2 == 1 {
                    // The socket that goes is that of the next one, which lives and is not reached by anybody any more.
                    until_followed(archive, keys);
                }
                for name in ["node.sock", "admin.sock"] {
                    let _socket = std::fs::remove_file(archive.data.join("keyservice").join(name));
                }
            }
            let begun = Instant::now();
            while archive.admin(&["--json", "list"]).is_err() && begun.elapsed() < HANGING_MAX {
                std::thread::sleep(Duration::from_millis(100));
            }
            let unreached = begun.elapsed();
            over.store(true, Ordering::Relaxed);
            assert!(unreached < HANGING_MAX, "nobody reaches the key service any more");
            for (kind, hammer) in hammers.into_iter().enumerate() {
                let longest = hammer.join().unwrap();
                assert!(longest < HANGING_MAX, "a request of kind {kind} took {longest:?}");
            }
        });
        stage.until_all_stored(&archive).unwrap();
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn a_key_service_that_is_gone_is_known_to_be_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        assert_eq!(stage.store_all(&archive), Stored::ALL);
        // It cannot come back while its disk is full.
        let full = stage.disk.fault(sim::disk::Fault::WriteFails, "/keyservice/", sim::disk::ENOSPC, 0, 0).unwrap();
        signal("KILL", archive.keyservice_process_id().unwrap());
        std::thread::sleep(Duration::from_millis(300));
        for _ in 0..3 {
            let (status, took) = timed(|| stage.stow(&archive, false));
            assert!(status == Some(503) && took < GONE_MAX, "{status:?} in {took:?}");
            let (asked, took) = timed(|| dimse::associate(archive.dimse, "UNHEARD"));
            assert!(matches!(asked, Ok(Asked::Rejected(2, _, _))) && took < GONE_MAX, "{took:?}");
        }
        drop(full);
        stage.until_all_stored(&archive).unwrap();
        stage.end(archive).unwrap();
    }

    #[test]
    fn clocks_that_jump_a_day_or_ten_years_wedge_nothing() {
        const DAY: i64 = 24 * 3_600 * 1_000_000;
        let folder = tempfile::tempdir().unwrap();
        let (mut stage, archive) = Stage::new(folder.path(), false).unwrap();
        let old = stage.tokens.system.clone();
        for (offset, old_holds) in [(DAY, false), (-DAY, true), (3_652 * DAY, false), (-3_652 * DAY, true), (0, true)] {
            stage.disk.move_clock(offset).unwrap();
            stage.tokens.system.clone_from(&old);
            let status = stage.search(&archive);
            if !old_holds {
                // A token of twelve hours.
                assert_eq!(status, Some(401), "{offset}");
            }
            stage.tokens.system = archive.admin(&["token", "--as", "system RSUD-A"]).unwrap();
            let (stored, took) = timed(|| stage.store_all(&archive));
            assert!(stored == Stored::ALL && took < HANGING_MAX, "{offset}: {stored:?} in {took:?}\n{}", stage.log());
            assert_eq!((stage.read(&archive), stage.search(&archive)), (Some(200), Some(200)), "{offset}");
            // The ledger goes on: a checkpoint covers what was just entered.
            let size = || {
                let note = std::fs::read_to_string(archive.data.join("keyservice/ledger/checkpoint")).unwrap();
                note.lines().nth(1).unwrap().parse::<usize>().unwrap()
            };
            let known = stage.known();
            let entered = known.stored.len() + known.transacted.len();
            let begun = Instant::now();
            while size() < entered && begun.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(size() >= entered, "{offset}: the checkpoint stays behind");
        }
        stage.tokens.system = old;
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }
}
