//! kill -9 of either process at random points while every door is at work: nothing acknowledged is lost, nothing is half
//! visible, every key that was given out is in the ledger, and the archive is ready again within five seconds.

#[cfg(test)]
mod tests {
    use sim::http::get;
    use sim::known::{Acknowledged, Numbered, signal, transact};
    use sim::process::{Archive, UNBOUNDED, segel, segel_output};
    use sim::random::{Random, seed};
    use sim::{amount, dimse, program};
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    const READY_MAX: Duration = Duration::from_secs(5);
    /// Files of one import.
    const IMPORTED: usize = 6;

    /// Where C-MOVE sends to.
    struct Destination {
        child: Child,
        port: u16,
    }

    impl Destination {
        fn start() -> Self {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            // It keeps nothing of what comes.
            let child = Command::new("storescp").args(["--ignore", &port.to_string()]).stdout(Stdio::null()).spawn();
            let child = child.expect("storescp does not start: run `cargo xtask tools`");
            let destination = Self { child, port };
            let begun = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(begun.elapsed() < Duration::from_secs(30), "storescp does not listen");
                std::thread::sleep(Duration::from_millis(50));
            }
            destination
        }
    }

    impl Drop for Destination {
        fn drop(&mut self) {
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
    }

    /// A hospital at work, across restarts.
    struct Hospital {
        folder: PathBuf,
        token: String,
        known: Mutex<Acknowledged>,
        next: AtomicUsize,
        /// What succeeded: every kind must have, or its test says nothing.
        done: [AtomicUsize; KINDS.len()],
    }

    const KINDS: [&str; 8] = ["STOW", "C-STORE", "FHIR", "search", "read", "C-GET", "C-MOVE", "import"];

    impl Hospital {
        fn number(&self) -> usize {
            self.next.fetch_add(1, Ordering::Relaxed)
        }

        fn note(&self, kind: usize, note: impl FnOnce(&mut Acknowledged)) {
            self.done[kind].fetch_add(1, Ordering::Relaxed);
            note(&mut self.known.lock().unwrap());
        }

        fn newest(&self) -> Option<Numbered> {
            self.known.lock().unwrap().stored.last().copied().map(Numbered::new)
        }

        fn stow(&self, archive: &Archive) -> bool {
            let n = self.number();
            let is_stored = Numbered::new(n).stow(archive.http, &self.token) == Some(200);
            if is_stored {
                self.note(0, |known| known.stored.push(n));
            }
            is_stored
        }

        fn send(&self, archive: &Archive, over: &AtomicBool) -> sim::Result<()> {
            let mut association = dimse::accepted(archive.dimse, "MODALITY")?;
            while !over.load(Ordering::Relaxed) {
                let n = self.number();
                let instance = Numbered::new(n);
                if association.store(&instance.uids, &instance.data_set)? == 0 {
                    self.note(1, |known| known.stored.push(n));
                }
            }
            association.release()
        }

        fn look(&self, archive: &Archive) {
            let n = self.number();
            if let Some((200, place)) = transact(archive.http, &self.token, n) {
                self.note(2, |known| known.transacted.push((n, place)));
            }
            if get(archive.http, &self.token, "/dicom-web/studies?limit=5").is_some_and(|(status, _)| status == 200) {
                self.note(3, |_| {});
            }
            if self.newest().is_some_and(|newest| newest.read(archive.http, &self.token) == Some((200, true))) {
                self.note(4, |known| known.opened += 1);
            }
        }

        /// A study by DCMTK's C-GET or C-MOVE.
        fn retrieve(&self, archive: &Archive, kind: usize) {
            let Some(newest) = self.newest() else { return };
            let study = format!("StudyInstanceUID={}", newest.uids.study);
            let port = archive.dimse.port().to_string();
            let mut arguments = vec!["-S", "-aet", "MODALITY", "-aec", "SEGEL", "-k", "QueryRetrieveLevel=STUDY", "-k"];
            arguments.push(&study);
            let tool = if kind == 5 { "getscu" } else { "movescu" };
            arguments.extend(if kind == 5 { ["--ignore", "+xe"] } else { ["-aem", "STORE"] });
            arguments.extend(["127.0.0.1", &port]);
            if program::run(tool, &arguments).unwrap().status.success() {
                self.note(kind, |known| known.opened += 1);
            }
        }

        fn import(&self, archive: &Archive) {
            let media = tempfile::tempdir_in(&self.folder).unwrap();
            let numbers: Vec<usize> = (0..IMPORTED).map(|_| self.number()).collect();
            for n in &numbers {
                std::fs::write(media.path().join(format!("{n}.dcm")), Numbered::new(*n).file()).unwrap();
            }
            let arguments = ["--facility", "RSUD-A", media.path().to_str().unwrap()];
            if segel_output(&archive.data, "import", &arguments).unwrap().status.success() {
                self.note(7, |known| known.stored.extend(numbers));
            }
        }

        /// All of that at once, until it is over.
        fn work(&self, archive: &Archive, over: &AtomicBool, occasion: usize, kill: impl FnOnce()) {
            std::thread::scope(|scope| {
                let during = |what: &dyn Fn()| {
                    while !over.load(Ordering::Relaxed) {
                        what();
                    }
                };
                scope.spawn(move || {
                    during(&|| {
                        let _maybe_cut_off = self.stow(archive);
                    })
                });
                scope.spawn(move || during(&|| drop(self.send(archive, over))));
                scope.spawn(move || during(&|| self.look(archive)));
                scope.spawn(move || match occasion {
                    0 => during(&|| self.retrieve(archive, 5)),
                    1 => during(&|| self.retrieve(archive, 6)),
                    2 => during(&|| self.import(archive)),
                    _ => during(&|| {
                        let _maybe_cut_off = self.stow(archive);
                    }),
                });
                kill();
                over.store(true, Ordering::Relaxed);
            });
        }

        /// Sends until the archive stores again.
        fn ready_again(&self, archive: &Archive) -> Duration {
            let begun = Instant::now();
            while !self.stow(archive) && begun.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(20));
            }
            begun.elapsed()
        }
    }

    #[test]
    fn killed_at_random_points_nothing_acknowledged_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = seed();
        println!("SEGEL_SEED={first}");
        let mut random = Random::new(first);
        let mut archive = Archive::start_with_keyservice(&data, UNBOUNDED).unwrap();
        let token = archive.facility("RSUD-A").unwrap().system;
        archive.peer("MODALITY", "RSUD-A").unwrap();
        let destination = Destination::start();
        let port = destination.port.to_string();
        archive
            .admin(&["peer", "add", "STORE", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port", &port])
            .unwrap();
        let hospital = Hospital {
            folder: folder.path().to_path_buf(),
            token,
            known: Mutex::default(),
            next: AtomicUsize::new(0),
            done: Default::default(),
        };
        let points = amount(100, 1_000);
        let limit = std::env::var("SEGEL_SECONDS").ok().and_then(|text| text.parse().ok());
        let limit = limit.map_or(Duration::MAX, Duration::from_secs);
        let begun = Instant::now();
        let (mut slowest, mut round) = (Duration::ZERO, 0);
        while round < points && begun.elapsed() < limit {
            let pause = Duration::from_micros(5_000 + random.below(250_000));
            let (whole_archive, occasion) = (random.chance(1, 2), random.index(4));
            let archive_id = archive.process_id();
            hospital.work(&archive, &AtomicBool::new(false), occasion, || {
                std::thread::sleep(pause);
                let keys = archive.keyservice_process_id().unwrap_or(archive_id);
                signal("KILL", if whole_archive { archive_id } else { keys });
            });
            let ready = if Path::new(&format!("/proc/{archive_id}/exe")).read_link().is_err() {
                archive.kill().unwrap();
                archive = Archive::start(&data).unwrap();
                archive.started_in
            } else {
                hospital.ready_again(&archive)
            };
            assert!(ready < READY_MAX, "round {round}: ready again only after {ready:?}");
            slowest = slowest.max(ready);
            round += 1;
        }
        let known = hospital.known.lock().unwrap().clone();
        known.check_records(&archive, &hospital.token, &BTreeSet::new()).unwrap();
        archive.stop().unwrap();
        known.check_ledger(&data).unwrap();
        segel(&data, "scrub", &["--json"]).unwrap();
        let done: Vec<String> = KINDS
            .iter()
            .zip(&hospital.done)
            .map(|(kind, done)| format!("{kind} {}", done.load(Ordering::Relaxed)))
            .collect();
        println!("killed at {round} points; slowest start {slowest:?}; {}", done.join(", "));
        assert!(
            hospital.done.iter().all(|done| done.load(Ordering::Relaxed) > 0),
            "not everything was at work: {done:?}"
        );
    }
}
