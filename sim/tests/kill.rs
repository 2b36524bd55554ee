//! kill -9 of either process at random points under load: nothing acknowledged is lost, nothing is half visible, every
//! key that was given out is in the ledger, and the archive is ready again within five seconds.

#[cfg(test)]
mod tests {
    use sim::process::{Archive, segel};
    use sim::sample::{Person, Uids, data_set, file};
    use sim::{amount, program};
    use std::collections::HashMap;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    const WRITERS: usize = 4;
    const READY_MAX: Duration = Duration::from_secs(5);

    /// xorshift64: every run prints its seed, and a run with that seed kills at the same points of time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }
    }

    /// One HTTP request on a connection of its own; `None` if the archive went away meanwhile.
    fn request(address: SocketAddr, token: &str, head: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let head = format!("{head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
        let fields =
            format!("Accept: */*\r\nContent-Type: application/dicom\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), fields.as_bytes(), body].concat()).ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).ok()?;
        Some((status, rest))
    }

    /// What the writers know, across restarts.
    #[derive(Default)]
    struct Ledger {
        acknowledged: Mutex<HashMap<String, (Uids, usize)>>,
        next: AtomicUsize,
        opened: AtomicU64,
    }

    fn write(archive: SocketAddr, token: &str, known: &Ledger, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let n = known.next.fetch_add(1, Ordering::Relaxed);
            let uids = Uids::new(n + 1, 1, 1);
            let bytes = file(&uids, &data_set(&Person::nth(n % 500), &uids, side(n), &n.to_le_bytes()));
            if let Some((200, _)) = request(archive, token, "POST /dicom-web/studies", &bytes) {
                known.acknowledged.lock().unwrap().insert(uids.instance.clone(), (uids, n));
            }
            if n.is_multiple_of(5) {
                let before = known.acknowledged.lock().unwrap().values().next().map(|(uids, _)| uids.clone());
                if let Some(uids) = before
                    && let Some((200, _)) = request(archive, token, &format!("GET {}/metadata", path(&uids)), b"")
                {
                    known.opened.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Most instances are small; some are large enough for a segment of their own.
    fn side(n: usize) -> u16 {
        if n.is_multiple_of(23) { 1100 } else { 160 }
    }

    fn path(uids: &Uids) -> String {
        format!("/dicom-web/studies/{}/series/{}/instances/{}", uids.study, uids.series, uids.instance)
    }

    /// Sends until the archive stores again.
    fn ready_again(archive: &Archive, token: &str, known: &Ledger) -> Duration {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            let n = known.next.fetch_add(1, Ordering::Relaxed);
            let uids = Uids::new(n + 1, 1, 1);
            let bytes = file(&uids, &data_set(&Person::nth(n % 500), &uids, side(n), &n.to_le_bytes()));
            if let Some((200, _)) = request(archive.http, token, "POST /dicom-web/studies", &bytes) {
                known.acknowledged.lock().unwrap().insert(uids.instance.clone(), (uids, n));
                return begun.elapsed();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    }

    /// Every instance that is listed can be read whole and is what was sent; every one acknowledged is listed.
    fn check(archive: &Archive, token: &str, known: &Ledger) {
        let acknowledged = known.acknowledged.lock().unwrap();
        for (uids, n) in acknowledged.values() {
            let found = request(archive.http, token, &format!("GET {}/frames/1", path(uids)), b"");
            let (status, body) =
                found.unwrap_or_else(|| panic!("{} was acknowledged; the archive is gone", uids.instance));
            assert_eq!(status, 200, "{} was acknowledged", uids.instance);
            let pixels = usize::from(side(*n)).pow(2);
            assert!(body.len() > pixels && contains(&body, &n.to_le_bytes()), "{} is not whole", uids.instance);
        }
        drop(acknowledged);
        let mut offset = 0;
        loop {
            let listed = archive.json(token, &format!("/dicom-web/instances?limit=500&offset={offset}")).unwrap();
            let listed = listed.as_array().unwrap().clone();
            for row in &listed {
                let uid = |tag: &str| row[tag]["Value"][0].as_str().unwrap().to_owned();
                let uids = Uids { study: uid("0020000D"), series: uid("0020000E"), instance: uid("00080018") };
                if known.acknowledged.lock().unwrap().contains_key(&uids.instance) {
                    continue;
                }
                let (status, _) = request(archive.http, token, &format!("GET {}/frames/1", path(&uids)), b"").unwrap();
                assert_eq!(status, 200, "{} is listed but cannot be read", uids.instance);
            }
            if listed.len() < 500 {
                return;
            }
            offset += 500;
        }
    }

    fn contains(haystack: &[u8], needle: &[u8]) -> bool {
        haystack.windows(needle.len()).any(|window| window == needle)
    }

    fn kill(process_id: u32) {
        let _already_gone = program::run("kill", &["-KILL", &process_id.to_string()]);
    }

    #[test]
    fn killed_at_random_points_nothing_acknowledged_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let seed: u64 = std::env::var("SEGEL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            let now = std::fs::metadata(folder.path()).unwrap().modified().unwrap();
            now.duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into()
        });
        println!("SEGEL_SEED={seed}");
        let mut random = Random(seed | 1);
        let mut archive = Archive::start(folder.path()).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let token = tokens.system;
        let known = Arc::new(Ledger::default());
        let mut slowest = Duration::ZERO;
        for round in 0..amount(100, 1000) {
            let stop = Arc::new(AtomicBool::new(false));
            let writers: Vec<_> = (0..WRITERS)
                .map(|_| {
                    let (http, token, known, stop) =
                        (archive.http, token.clone(), Arc::clone(&known), Arc::clone(&stop));
                    std::thread::spawn(move || write(http, &token, &known, &stop))
                })
                .collect();
            std::thread::sleep(Duration::from_micros(5_000 + random.below(250_000)));
            let whole_archive = random.below(2) == 0;
            let archive_id = archive.process_id();
            kill(if whole_archive { archive_id } else { archive.keyservice_process_id().unwrap_or(archive_id) });
            stop.store(true, Ordering::Relaxed);
            for writer in writers {
                writer.join().unwrap();
            }
            let ready = if Path::new(&format!("/proc/{archive_id}/exe")).read_link().is_err() {
                archive.kill().unwrap();
                archive = Archive::start(folder.path()).unwrap();
                archive.started_in
            } else {
                ready_again(&archive, &token, &known)
            };
            assert!(ready < READY_MAX, "round {round}: ready again only after {ready:?}");
            slowest = slowest.max(ready);
        }
        check(&archive, &token, &known);
        let acknowledged = known.acknowledged.lock().unwrap().len() as u64;
        let opened = known.opened.load(Ordering::Relaxed);
        archive.stop().unwrap();
        let report: serde_json::Value =
            serde_json::from_str(&segel(folder.path(), "verify", &["--json"]).unwrap()).unwrap();
        let entries = report["size"].as_u64().unwrap();
        assert!(entries >= acknowledged + opened, "{entries} entries, {acknowledged} admissions, {opened} openings");
        segel(folder.path(), "scrub", &["--json"]).unwrap();
        println!("{acknowledged} acknowledged, {opened} opened, {entries} entries; slowest start {slowest:?}");
    }
}
