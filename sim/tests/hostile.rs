//! Bytes made to break a reader, at the doors of the running archive: refused at once, in little memory, and the archive
//! goes on as if nothing had been.

#[cfg(test)]
mod tests {
    use sim::hostile::{self, Expected, build, run};
    use sim::process::Archive;
    use sim::sample::{Person, Uids, data_set, element, file};
    use sim::stage::MODALITY;
    use sim::{amount, dimse, http, memory};
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    const MORE_MEMORY_KIB_MAX: u64 = 64 * 1024;

    /// Peak resident memory of a process in KiB (`VmHWM`).
    fn peak_kib(process_id: u32) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn nested(depth: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..depth {
            bytes.extend([0x40, 0x00, 0x75, 0x02, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
            bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
        }
        bytes
    }

    /// A file whose data set begins like any other and goes on with `rest`.
    fn with(rest: &[u8]) -> Vec<u8> {
        let uids = Uids::new(1, 1, 1);
        let mut head = Vec::new();
        head.extend(element((0x0008, 0x0016), b"UI", sim::sample::SECONDARY_CAPTURE.as_bytes()));
        head.extend(element((0x0008, 0x0018), b"UI", uids.instance.as_bytes()));
        head.extend(element((0x0010, 0x0020), b"LO", b"RM-1"));
        head.extend(element((0x0020, 0x000D), b"UI", uids.study.as_bytes()));
        head.extend(element((0x0020, 0x000E), b"UI", uids.series.as_bytes()));
        head.extend(rest);
        file(&uids, &head)
    }

    fn declares(group: u16, length: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(group.to_le_bytes());
        bytes.extend([0x10, 0x00, b'O', b'W', 0, 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    /// A deflated data set of a gigabyte of zeros: a thousand times what is sent.
    fn bomb() -> Vec<u8> {
        let uids = Uids::new(1, 1, 1);
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        let plain = with(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0, 0, 0, 0, 0x40]);
        let data_set = &plain[file(&uids, &[]).len()..];
        encoder.write_all(data_set).unwrap();
        for _ in 0..1024 {
            encoder.write_all(&vec![0; 1 << 20]).unwrap();
        }
        let deflated = encoder.finish().unwrap();
        let mut bytes = file(&uids, &[]);
        // The transfer syntax in the file meta information: deflated explicit VR little endian.
        let at = bytes.windows(20).position(|window| window.starts_with(b"1.2.840.10008.1.2.1\0")).unwrap();
        let deflate = element((0x0002, 0x0010), b"UI", b"1.2.840.10008.1.2.1.99");
        let before = at - 8;
        bytes.splice(before..at + 20, deflate);
        bytes.extend(deflated);
        bytes
    }

    fn refused(archive: &Archive, token: &str, folder: &Path, what: &str, bytes: &[u8]) {
        let path = folder.join("hostile");
        std::fs::write(&path, bytes).unwrap();
        let before = peak_kib(archive.process_id());
        let begun = Instant::now();
        let body = format!("@{}", path.display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, answer) = archive.curl(token, &arguments, "/dicom-web/studies").unwrap();
        let took = begun.elapsed();
        let more = peak_kib(archive.process_id()).saturating_sub(before);
        println!("{what}: {} bytes, answered {status} in {took:?}, {more} KiB more", bytes.len());
        assert!((400..500).contains(&status), "{what}: {status} {}", String::from_utf8_lossy(&answer));
        assert!(more <= MORE_MEMORY_KIB_MAX, "{what}: {more} KiB");
        // curl's own start is most of this; a reader that works through the bomb takes many seconds.
        assert!(took < Duration::from_secs(2), "{what}: {took:?}");
    }

    #[test]
    fn bytes_made_to_break_a_reader_are_refused_and_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let uids = Uids::new(7, 1, 1);
        let good = file(&uids, &data_set(&Person::nth(7), &uids, 64, &[1, 2, 3]));
        let path_like = with(&element((0x0020, 0x4000), b"LT", b"../../../etc/passwd"));
        let corpus: Vec<(&str, Vec<u8>)> = vec![
            ("4 GiB declared", with(&declares(0x7FE0, 0xFFFF_FFFE))),
            ("2 GiB declared", with(&declares(0x7FE0, 0x7FFF_FFFE))),
            ("a private value of 4 GiB", with(&declares(0x0021, 0xFFFF_FFF0))),
            ("sequences 65 deep", with(&nested(65))),
            ("sequences 2,000 deep", with(&nested(2_000))),
            ("sequences 100,000 deep", with(&nested(100_000))),
            ("a deflated gigabyte", bomb()),
            ("cut in the middle", good[..good.len() - 1000].to_vec()),
            ("nothing", Vec::new()),
            ("128 zeros", vec![0; 128]),
            ("no DICOM", b"GET / HTTP/1.1\r\n\r\n".repeat(40)),
        ];
        for (what, bytes) in &corpus {
            refused(&archive, &tokens.system, folder.path(), what, bytes);
        }
        let studies = archive.json(&tokens.clinician, "/dicom-web/studies").unwrap();
        assert_eq!(studies, serde_json::json!([]), "something of them is visible");
        let staged = sim::kept::files(&archive.data.join("archive/staging")).unwrap();
        assert!(staged.is_empty(), "{staged:?}");
        // Text that looks like a path is text.
        std::fs::write(folder.path().join("path"), path_like).unwrap();
        let body = format!("@{}", folder.path().join("path").display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, _) = archive.curl(&tokens.system, &arguments, "/dicom-web/studies").unwrap();
        assert_eq!(status, 200);
        let kept = sim::kept::files(&archive.data.join("archive/segments")).unwrap();
        assert!(kept.iter().all(|file| file.extension().is_some_and(|extension| extension == "seg")), "{kept:?}");
    }

    #[test]
    fn a_log_that_takes_no_line_any_more_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(&data).unwrap();
        // What a log on a full disk is.
        std::os::unix::fs::symlink("/dev/full", data.join("log.txt")).unwrap();
        let archive = Archive::start(&data).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        let uids = Uids::new(8, 1, 1);
        let path = folder.path().join("one");
        std::fs::write(&path, file(&uids, &data_set(&Person::nth(8), &uids, 64, &[1, 2, 3]))).unwrap();
        let body = format!("@{}", path.display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, _) = archive.curl(&tokens.system, &arguments, "/dicom-web/studies").unwrap();
        assert_eq!(status, 200);
        assert_eq!(archive.json(&tokens.clinician, "/dicom-web/studies").unwrap().as_array().unwrap().len(), 1);
        archive.stop().unwrap();
    }

    /// The corpus asks for no work that takes a machine seconds; a loaded one gets time.
    const ANSWER_MAX: Duration = Duration::from_secs(10);
    const PEAK_KIB_MAX: u64 = 128 * 1024;
    /// What may stay over the most that was taken before the first round or after one of the first two.
    const GROWTH_KIB_MAX: u64 = 32 * 1024;
    /// An allocator gives pages back when it is next asked for some, and idle threads end after ten seconds.
    const SETTLE_MAX: Duration = Duration::from_secs(40);

    /// Memory of the two processes in KiB and their open files.
    fn taken(ids: [u32; 2]) -> (u64, usize) {
        let kib = ids.map(|id| memory::pss_kib(id).unwrap()).iter().sum();
        (kib, ids.map(|id| memory::open_files(id).unwrap()).iter().sum())
    }

    /// The least of what is taken while honest people work on, until it is within the limits.
    fn settled(archive: &Archive, token: &str, ids: [u32; 2], kib_max: u64, files_max: usize) -> (u64, usize) {
        let begun = Instant::now();
        let mut least = taken(ids);
        while (least.0 > kib_max || least.1 > files_max) && begun.elapsed() < SETTLE_MAX {
            honest(archive, token).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            let now = taken(ids);
            least = (least.0.min(now.0), least.1.min(now.1));
        }
        least
    }

    /// Every file below a folder with its bytes' length and time, but for the archive's own.
    fn snapshot(folder: &Path, spared: &Path, found: &mut BTreeMap<std::path::PathBuf, (u64, std::time::SystemTime)>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            assert!(!path.to_string_lossy().contains(build::CANARY), "{} was made", path.display());
            if path == spared {
                continue;
            }
            if path.is_dir() {
                snapshot(&path, spared, found);
            } else {
                let metadata = entry.metadata().unwrap();
                found.insert(path, (metadata.len(), metadata.modified().unwrap()));
            }
        }
    }

    fn outside(folder: &Path, data: &Path) -> BTreeMap<std::path::PathBuf, (u64, std::time::SystemTime)> {
        let mut found = BTreeMap::new();
        snapshot(folder, data, &mut found);
        assert!(!Path::new("/tmp").join(build::CANARY).exists(), "a file was made in /tmp");
        assert!(!Path::new(build::CANARY).exists(), "a file was made where the archive was started");
        found
    }

    /// What an honest modality and an honest reader see.
    fn honest(archive: &Archive, token: &str) -> Result<(), String> {
        let mut association = dimse::accepted(archive.dimse, MODALITY).map_err(|error| error.to_string())?;
        let echo = association.echo().map_err(|error| error.to_string())?;
        association.release().map_err(|error| error.to_string())?;
        let search = http::get(archive.http, token, "/dicom-web/studies?PatientID=RM-HONEST").map(|(status, _)| status);
        if (echo, search) == (0, Some(200)) { Ok(()) } else { Err(format!("C-ECHO {echo:04X}, search {search:?}")) }
    }

    struct Round {
        wrong: Vec<String>,
        slowest: (Duration, String),
        sent: usize,
    }

    fn round(archive: &Archive, token: &str, folder: &Path, cases: &[hostile::Case]) -> Round {
        let mut round = Round { wrong: Vec::new(), slowest: (Duration::ZERO, String::new()), sent: 0 };
        for case in cases {
            for input in &case.inputs {
                let name = format!("{}: {}: {}", case.numbers, input.sent.door(), input.what);
                round.sent += 1;
                match run::send(archive, token, folder, input) {
                    Ok(seen) => {
                        if !seen.is(input.expected, &input.sent) {
                            round.wrong.push(format!("{name}: not {:?}, but {seen:?}", input.expected));
                        }
                        if seen.took > ANSWER_MAX && input.expected != Expected::Waiting {
                            round.wrong.push(format!("{name}: took {:?}", seen.took));
                        }
                        if seen.took > round.slowest.0 {
                            round.slowest = (seen.took, name.clone());
                        }
                    }
                    Err(error) => round.wrong.push(format!("{name}: {error}")),
                }
                if let Err(error) = honest(archive, token) {
                    round.wrong.push(format!("after {name}: {error}"));
                }
            }
        }
        round
    }

    #[test]
    fn every_published_hole_is_answered_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::write(folder.path().join("canary"), "as it was").unwrap();
        let archive = Archive::start(&data).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        archive.facility("RSUD-B").unwrap();
        archive.peer(MODALITY, "RSUD-A").unwrap();
        let uids = Uids::new(42, 1, 1);
        let person = Person { number: "RM-HONEST".into(), ..Person::nth(42) };
        let good = file(&uids, &data_set(&person, &uids, 64, &[1, 2, 3]));
        let stored = http::request(archive.http, &tokens.system, "POST /dicom-web/studies", "application/dicom", &good);
        assert_eq!(stored.map(|(status, _)| status), Some(200));
        let cases = hostile::cases();
        honest(&archive, &tokens.system).unwrap();
        let before_files = outside(folder.path(), &data);
        let ids = [archive.process_id(), archive.keyservice_process_id().unwrap()];
        let started = ids.map(|id| memory::started(id).unwrap());
        let before = memory::all_kib(ids[0]);
        let (over, peak) = (AtomicBool::new(false), AtomicU64::new(before));
        let rounds = amount(5, 20);
        let mut after = vec![taken(ids)];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    peak.fetch_max(memory::all_kib(ids[0]), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            let story = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                for nth in 0..rounds {
                    let begun = Instant::now();
                    let round = round(&archive, &tokens.system, folder.path(), &cases);
                    let took = begun.elapsed();
                    let (kib, files) = taken(ids);
                    println!(
                        "round {nth}: {} inputs in {:?}, slowest {:?} ({}), {kib} KiB and {files} files afterwards, peak {} KiB over {before}",
                        round.sent,
                        took,
                        round.slowest.0,
                        round.slowest.1,
                        peak.load(Ordering::Relaxed).saturating_sub(before)
                    );
                    assert!(round.wrong.is_empty(), "{} wrong:\n{}", round.wrong.len(), round.wrong.join("\n"));
                    assert_eq!(ids.map(|id| memory::started(id).unwrap()), started, "a process is another one");
                    after.push((kib, files));
                }
            }));
            over.store(true, Ordering::Relaxed);
            if let Err(panic) = story {
                std::panic::resume_unwind(panic);
            }
        });
        let more = peak.load(Ordering::Relaxed).saturating_sub(before);
        assert!(more <= PEAK_KIB_MAX, "{more} KiB more at the peak");
        let kib_max = after[..3].iter().map(|round| round.0).max().unwrap() + GROWTH_KIB_MAX;
        let files_max = after[..3].iter().map(|round| round.1).max().unwrap() + 8;
        let (late, late_files) = settled(&archive, &tokens.system, ids, kib_max, files_max);
        assert!(late <= kib_max, "{late} KiB stay, not {kib_max}: {after:?}");
        assert!(late_files <= files_max, "{late_files} open files stay, not {files_max}: {after:?}");
        assert_eq!(outside(folder.path(), &data), before_files, "files outside of the data folder changed");
        let staged = sim::kept::files(&data.join("archive/staging")).unwrap();
        assert!(staged.is_empty(), "{staged:?}");
        let log = std::fs::read_to_string(data.join("log.txt")).unwrap();
        for text in [build::MARKER, build::CANARY, "<script>", "etc/passwd", "%s%n", "panicked"] {
            let line = log.lines().find(|line| line.contains(text));
            assert!(line.is_none(), "{text} stands in the log: {line:?}");
        }
        archive.stop().unwrap();
    }

    #[test]
    fn the_page_of_hostile_bytes_is_the_table() {
        let cases = hostile::cases();
        assert!(hostile::numbers(&cases).len() >= 30, "{:?}", hostile::numbers(&cases));
        let path = sim::program::workspace().join("docs/hostile.md");
        let page = hostile::page(&cases);
        if std::env::var_os("SEGEL_GOLDEN").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "SEGEL_GOLDEN=1 writes it anew");
    }
}
