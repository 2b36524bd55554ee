//! `segel pull`: an old PACS is emptied, by C-GET and C-MOVE, over TLS, from one that answers a few studies at a time, and
//! through a kill in the middle; nothing is lost and nothing finished is fetched twice.

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sim::orthanc::Orthanc;
    use sim::process::{Archive, PASSPHRASE, Tokens, segel, segel_output};
    use sim::program;
    use sim::sample::{Person, Uids, data_set, file};
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Output, Stdio};
    use std::time::{Duration, Instant};

    /// A process that ends with the test.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }

    /// A port that was free a moment ago, for programs that take no port 0.
    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    fn until(what: &str, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `studies` studies of `each` instances in a folder.
    fn files(folder: &Path, studies: usize, each: usize) -> Vec<PathBuf> {
        std::fs::create_dir_all(folder).unwrap();
        let mut all = Vec::new();
        for study in 0..studies {
            for instance in 0..each {
                let uids = Uids::new(study + 1, 1 + instance % 2, instance + 1);
                let mut bytes = data_set(&Person::nth(study), &uids, 96, &(study * 1000 + instance).to_le_bytes());
                // The studies lie on different days.
                let day = format!("202{}{:02}{:02}", study % 4, 1 + study / 4 % 12, 1 + study % 28);
                let at = bytes.windows(8).position(|window| window == b"20211228").unwrap();
                bytes[at..at + 8].copy_from_slice(day.as_bytes());
                let path = folder.join(format!("{study}-{instance}.dcm"));
                std::fs::write(&path, file(&uids, &bytes)).unwrap();
                all.push(path);
            }
        }
        all
    }

    fn send(port: u16, called: &str, files: &[PathBuf]) {
        for some in files.chunks(200) {
            let port = port.to_string();
            let mut arguments = vec!["-aet", "FILLER", "-aec", called, "127.0.0.1", &port];
            arguments.extend(some.iter().map(|path| path.to_str().unwrap()));
            program::must("storescu", &arguments).unwrap();
        }
    }

    /// DCMTK's `dcmqrscp`, filled. It sends on to `destination`, which is SEGEL's port.
    fn dcmqrscp(folder: &Path, files: &[PathBuf], destination: u16) -> (Running, u16) {
        let (storage, port) = (folder.join("old"), free_port());
        std::fs::create_dir_all(&storage).unwrap();
        let config = folder.join("dcmqrscp.cfg");
        let text = format!(
            "NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
             HostTable BEGIN\nsegel = (SEGEL, 127.0.0.1, {destination})\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\n\
             AETable BEGIN\nOLD {} RW (10000, 64mb) ANY\nAETable END\n",
            storage.display()
        );
        std::fs::write(&config, text).unwrap();
        let child = Command::new("dcmqrscp").arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let running = Running(child.unwrap());
        let port_text = port.to_string();
        until("dcmqrscp does not start", || {
            program::run("echoscu", &["-aec", "OLD", "127.0.0.1", &port_text]).unwrap().status.success()
        });
        send(port, "OLD", files);
        (running, port)
    }

    /// Debian's Orthanc, filled; `further` goes into its configuration.
    fn orthanc(folder: &Path, files: &[PathBuf], further: &Value) -> (Orthanc, u16) {
        let running = Orthanc::start(folder, "OLD", further).unwrap();
        send(running.dimse, "OLD", files);
        let port = running.dimse;
        (running, port)
    }

    fn started(folder: &Path) -> (Archive, Tokens) {
        let archive = Archive::start(&folder.join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        (archive, tokens)
    }

    fn report(output: &Output) -> Value {
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}: {said}", output.status))
    }

    fn last_line(output: &Output) -> String {
        String::from_utf8_lossy(&output.stdout).trim().lines().last().unwrap_or_default().to_owned()
    }

    fn kept(archive: &Archive, tokens: &Tokens, study: usize) -> usize {
        let path = format!("/dicom-web/studies/{}/instances", Uids::new(study, 1, 1).study);
        archive.json(&tokens.clinician, &path).unwrap().as_array().unwrap().len()
    }

    #[test]
    fn dcmqrscp_is_emptied_and_what_is_finished_stays_finished() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let files = files(&folder.path().join("in"), 6, 5);
        let (_old, port) = dcmqrscp(folder.path(), &files, archive.dimse.port());
        let from = format!("OLD@127.0.0.1:{port}");
        let first = segel_output(&archive.data, "pull", &["--from", &from]).unwrap();
        let said = String::from_utf8_lossy(&first.stderr);
        assert_eq!(last_line(&first), "pulled studies 6, instances 30, missing 0, refused 0", "{said}");
        assert_eq!(first.status.code(), Some(0));
        assert!(said.contains("6/6 studies, 30 instances"), "plain lines without a terminal: {said}");
        for study in 1..=6 {
            assert_eq!(kept(&archive, &tokens, study), 5);
        }
        // What came is what was there: the data set's bytes.
        let path = &files[7];
        let uids = Uids::new(2, 1, 3);
        let at = format!("/dicom-web/studies/{}/series/{}/instances/{}", uids.study, uids.series, uids.instance);
        let (status, answer) =
            archive.curl(&tokens.clinician, &["-H", "Accept: application/dicom; transfer-syntax=*"], &at).unwrap();
        let sent = std::fs::read(path).unwrap();
        let pixels = &sent[sent.len() - 96 * 96..];
        assert!(status == 200 && answer.windows(pixels.len()).any(|window| window == pixels));

        let again = report(&segel_output(&archive.data, "pull", &["--json", "--from", &from]).unwrap());
        assert_eq!((again["earlier"].as_u64(), again["fetched"].as_u64()), (Some(6), Some(0)), "{again}");
        // Without its journal the archive itself knows what it keeps.
        std::fs::remove_file(archive.data.join("pull-journal")).unwrap();
        let known = report(&segel_output(&archive.data, "pull", &["--json", "--from", &from]).unwrap());
        assert_eq!((known["instances"].as_u64(), known["fetched"].as_u64()), (Some(30), Some(0)), "{known}");
        let anyway = report(&segel_output(&archive.data, "pull", &["--json", "--again", "--from", &from]).unwrap());
        assert_eq!((anyway["instances"].as_u64(), anyway["fetched"].as_u64()), (Some(30), Some(30)), "{anyway}");
    }

    #[test]
    fn a_pacs_without_c_get_sends_to_the_running_archive() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let files = files(&folder.path().join("in"), 3, 4);
        let (_old, port) = dcmqrscp(folder.path(), &files, archive.dimse.port());
        let from = format!("OLD@127.0.0.1:{port}");
        let unknown = segel_output(&archive.data, "pull", &["--move", "--from", &from]).unwrap();
        assert_eq!(unknown.status.code(), Some(1));
        let said = String::from_utf8_lossy(&unknown.stderr);
        assert!(said.contains("segel admin peer add OLD --facility RSUD-A"), "{said}");
        archive.peer("OLD", "RSUD-A").unwrap();
        let moved = segel_output(&archive.data, "pull", &["--move", "--from", &from]).unwrap();
        let said = String::from_utf8_lossy(&moved.stderr);
        assert_eq!(last_line(&moved), "pulled studies 3, instances 12, missing 0, refused 0", "{said}");
        assert_eq!(kept(&archive, &tokens, 3), 4);
    }

    #[test]
    fn an_orthanc_that_limits_its_answers_is_emptied_and_grown_studies_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let all = files(&folder.path().join("in"), 40, 2);
        let (_old, port) = orthanc(folder.path(), &all, &serde_json::json!({"LimitFindResults": 7}));
        let from = format!("OLD@127.0.0.1:{port}");
        let pulled = segel_output(&archive.data, "pull", &["--json", "--from", &from]).unwrap();
        let first = report(&pulled);
        assert_eq!((first["studies"].as_u64(), first["instances"].as_u64()), (Some(40), Some(80)), "{first}");
        assert_eq!((first["limit"].as_u64(), pulled.status.code()), (Some(7), Some(0)));
        assert_eq!(kept(&archive, &tokens, 40), 2);
        // An instance is added to one study of the old PACS.
        let uids = Uids::new(3, 1, 9);
        let added = folder.path().join("added.dcm");
        std::fs::write(&added, file(&uids, &data_set(&Person::nth(2), &uids, 96, b"new"))).unwrap();
        send(port, "OLD", &[added]);
        let second = report(&segel_output(&archive.data, "pull", &["--json", "--from", &from]).unwrap());
        let counts = ["earlier", "studies", "fetched"].map(|key| second[key].as_u64());
        assert_eq!(counts, [Some(39), Some(1), Some(1)], "{second}");
        assert_eq!(kept(&archive, &tokens, 3), 3);
        let chosen = [Uids::new(4, 1, 1).study, "1.2.3.4.5".to_owned()];
        let arguments = ["--json", "--again", "--from", &from, "--study", &chosen[0], "--study", &chosen[1]];
        let some = segel_output(&archive.data, "pull", &arguments).unwrap();
        let third = report(&some);
        assert_eq!((third["studies"].as_u64(), third["unknown"][0].as_str()), (Some(1), Some("1.2.3.4.5")), "{third}");
        assert_eq!(some.status.code(), Some(3));
        let days = ["--json", "--again", "--from", &from, "--date", "20200101-20200228"];
        let some = report(&segel_output(&archive.data, "pull", &days).unwrap());
        let expected = (0..40).filter(|study| study % 4 == 0 && study / 4 % 12 < 2).count();
        assert_eq!(some["studies"].as_u64(), u64::try_from(expected).ok(), "{some}");
    }

    #[test]
    fn a_pull_that_is_killed_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let all = files(&folder.path().join("in"), 30, 10);
        let (_old, port) = orthanc(folder.path(), &all, &serde_json::json!({}));
        let from = format!("OLD@127.0.0.1:{port}");
        let journal = archive.data.join("pull-journal");
        let finished = || std::fs::read_to_string(&journal).unwrap_or_default().lines().count();
        let mut fetched_before = 0;
        for stop in [4, 12] {
            let child = Command::new(program::ours("segel").unwrap())
                .args(["pull", "--from", &from, "--data"])
                .arg(&archive.data)
                .env("SEGEL_PASSPHRASE", PASSPHRASE)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let mut child = Running(child.unwrap());
            until("the pull does not go on", || finished() >= stop || child.0.try_wait().unwrap().is_some());
            // SIGKILL, wherever it is.
            drop(child);
            fetched_before = finished();
        }
        assert!((12..30).contains(&fetched_before), "{fetched_before}");
        let rest = report(&segel_output(&archive.data, "pull", &["--json", "--from", &from]).unwrap());
        assert_eq!(rest["earlier"].as_u64(), u64::try_from(fetched_before).ok(), "{rest}");
        assert_eq!(rest["missing"].as_u64(), Some(0));
        let studies = 30 - u64::try_from(fetched_before).unwrap();
        assert_eq!((rest["studies"].as_u64(), rest["instances"].as_u64()), (Some(studies), Some(studies * 10)));
        // Of the study in progress only what was not kept yet is fetched.
        let fetched = rest["fetched"].as_u64().unwrap();
        assert!(fetched <= studies * 10 && fetched > (studies - 1) * 10 - 1, "{rest}");
        for study in 1..=30 {
            assert_eq!(kept(&archive, &tokens, study), 10, "study {study}");
        }
    }

    #[test]
    fn straight_into_a_data_folder_that_no_archive_serves() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        segel(&data, "admin", &["facility", "add", "RSUD-A", "Rumah Sakit A"]).unwrap();
        let all = files(&folder.path().join("in"), 2, 3);
        let (_old, port) = dcmqrscp(folder.path(), &all, 104);
        let from = format!("OLD@127.0.0.1:{port}");
        let pulled = segel_output(&data, "pull", &["--from", &from, "--as", "MIGRATION", "--pause", "1"]).unwrap();
        let said = String::from_utf8_lossy(&pulled.stderr);
        assert_eq!(last_line(&pulled), "pulled studies 2, instances 6, missing 0, refused 0", "{said}");
        let (archive, _) = (Archive::start(&data).unwrap(), ());
        archive.admin(&["person", "add", "dr", "--facility", "RSUD-A", "--role", "clinician"]).unwrap();
        let token = archive.admin(&["token", "--as", "dr"]).unwrap();
        assert_eq!(archive.json(&token, "/dicom-web/studies").unwrap().as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_pacs_that_is_not_there_or_not_willing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        segel(&data, "admin", &["facility", "add", "RSUD-A", "Rumah Sakit A"]).unwrap();
        let from = format!("OLD@127.0.0.1:{}", free_port());
        let gone = segel_output(&data, "pull", &["--from", &from, "--retries", "0"]).unwrap();
        let said = String::from_utf8_lossy(&gone.stderr);
        assert!(gone.status.code() == Some(1) && said.contains("cannot connect"), "{said}");
        let wrong = segel_output(&data, "pull", &["--from", "nowhere"]).unwrap();
        assert_eq!(wrong.status.code(), Some(2));
    }

    /// pynetdicom as an old PACS that misbehaves as the script's arguments say; answers its port.
    fn odd_pacs(arguments: &[&str]) -> (Running, u16) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/old_pacs.py");
        let child = Command::new(program::python().unwrap()).arg(script).args(arguments).stdout(Stdio::piped()).spawn();
        let mut running = Running(child.unwrap());
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (running, line.trim().parse().unwrap())
    }

    #[test]
    fn a_pacs_that_aborts_counts_wrongly_or_cannot_send_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let source = folder.path().join("in");
        files(&source, 3, 4);
        let source = source.to_str().unwrap();
        // It breaks off after every third instance: what is kept is not asked for again.
        let (_aborting, port) = odd_pacs(&[source, "--abort-every", "3"]);
        let from = format!("OLD@127.0.0.1:{port}");
        let pulled = report(&segel_output(&archive.data, "pull", &["--json", "--from", &from]).unwrap());
        assert_eq!((pulled["instances"].as_u64(), pulled["missing"].as_u64()), (Some(12), Some(0)), "{pulled}");
        assert_eq!(kept(&archive, &tokens, 2), 4);
        // It says that a study has more than it lists.
        let (_counting, port) = odd_pacs(&[source, "--count-more", "2"]);
        let from = format!("OLD@127.0.0.1:{port}");
        let output = segel_output(&archive.data, "pull", &["--from", &from]).unwrap();
        assert_eq!(last_line(&output), "pulled studies 3, instances 12, missing 6, refused 0");
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stdout).contains("which the PACS counts and does not list"));
    }

    #[test]
    fn over_tls_the_pacs_is_known_by_its_certificate_and_knows_us_by_ours() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let source = folder.path().join("in");
        files(&source, 2, 2);
        let make = |name: &str| {
            let (key, certificate) =
                (folder.path().join(format!("{name}.key")), folder.path().join(format!("{name}.crt")));
            let (key, certificate) = (key.to_str().unwrap().to_owned(), certificate.to_str().unwrap().to_owned());
            let subject = format!("/CN={name}");
            let mut arguments = vec!["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", &subject];
            arguments.extend(["-keyout", &key, "-out", &certificate]);
            program::must("openssl", &arguments).unwrap();
            (key, certificate)
        };
        let (key, certificate) = make("old");
        let (_, other) = make("other");
        let ours = archive.data.join("archive/tls/dicom.crt");
        let tls = [source.to_str().unwrap(), "--tls", &key, &certificate, ours.to_str().unwrap()];
        let (_old, port) = odd_pacs(&tls);
        let from = format!("OLD@127.0.0.1:{port}");
        let pull = |certificate: &str| {
            segel_output(&archive.data, "pull", &["--from", &from, "--retries", "0", "--tls-cert", certificate])
                .unwrap()
        };
        let refused = pull(&other);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains("no TLS"), "{said}");
        let pulled = pull(&certificate);
        let said = String::from_utf8_lossy(&pulled.stderr);
        assert_eq!(last_line(&pulled), "pulled studies 2, instances 4, missing 0, refused 0", "{said}");
        assert_eq!(kept(&archive, &tokens, 1), 2);
    }
}
