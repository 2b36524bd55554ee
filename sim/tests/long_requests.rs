//! Requests that take longer than a proof's first moment: over a slow line, as people have them. And what is left of keys and invitations
//! by then.

#[cfg(test)]
mod tests {
    use sim::Result;
    use sim::process::{Archive, segel_in};
    use sim::sample::{self, Person, Uids};
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpStream;
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    /// `segel login` of a user with a home folder.
    struct User<'a> {
        archive: &'a Archive,
        home: PathBuf,
    }

    impl<'a> User<'a> {
        fn of(archive: &'a Archive, home: PathBuf, name: &str) -> Result<Self> {
            let user = Self { archive, home };
            let code = archive.admin(&["person", "invite", name])?;
            user.segel("login", &["--invite", &code])?;
            Ok(user)
        }

        fn segel(&self, command: &str, arguments: &[&str]) -> Result<String> {
            let home = [
                ("HOME".to_owned(), self.home.display().to_string()),
                ("XDG_CONFIG_HOME".to_owned(), self.home.join("config").display().to_string()),
            ];
            let output = segel_in(&self.archive.data, command, arguments, &home)?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { Err(said.into()) }
        }

        /// The two headers of one request, as they stand in it.
        fn headers(&self, method: &str, path: &str) -> Result<String> {
            let url = format!("http://{}{path}", self.archive.http);
            Ok(self.segel("login", &["--header", method, &url])?.lines().map(|line| format!("{line}\r\n")).collect())
        }
    }

    fn begin(archive: &Archive, first: &str, headers: &str, further: &str) -> Result<TcpStream> {
        let mut socket = TcpStream::connect(archive.http)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let head = format!("{first} HTTP/1.1\r\nHost: {}\r\n{headers}{further}Connection: close\r\n\r\n", archive.http);
        socket.write_all(head.as_bytes())?;
        Ok(socket)
    }

    fn status(socket: TcpStream) -> Result<(u16, String)> {
        let mut text = String::new();
        BufReader::new(socket).read_to_string(&mut text)?;
        Ok((text.split(' ').nth(1).ok_or("no status")?.parse()?, text))
    }

    /// Sends a body so that its pieces begin to arrive when they are due, and something all the while.
    fn slowly(socket: &mut TcpStream, pieces: &[(u64, Vec<u8>)]) -> Result<()> {
        const TRICKLE: usize = 512;
        let began = Instant::now();
        let mut due = pieces.iter().skip(1).map(|(second, _)| Duration::from_secs(*second));
        for (_, piece) in pieces {
            let until = due.next();
            let held_back = until.map_or(0, |_| piece.len() / 2);
            let (now, rest) = piece.split_at(piece.len() - held_back);
            socket.write_all(now)?;
            let mut rest = rest;
            while let Some(until) = until {
                let (some, others) = rest.split_at(rest.len().min(TRICKLE));
                rest = if began.elapsed() < until { others } else { &[] };
                if began.elapsed() >= until {
                    socket.write_all(some)?;
                    socket.write_all(others)?;
                    break;
                }
                socket.write_all(some)?;
                std::thread::sleep(Duration::from_secs(2).min(until.saturating_sub(began.elapsed())));
            }
        }
        Ok(())
    }

    fn part(person: &Person, uids: &Uids, side: u16) -> Vec<u8> {
        let file = sample::file(uids, &sample::data_set(person, uids, side, &[7]));
        [b"\r\n--B\r\nContent-Type: application/dicom\r\n\r\n".as_slice(), file.as_slice()].concat()
    }

    #[test]
    fn a_study_over_a_slow_line_is_stored_whole_and_its_proof_serves_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        // So that the token runs out on the way as well.
        let archive =
            Archive::start_with_keyservice(&folder.path().join("data"), "[identity]\ntoken_seconds = 61\n").unwrap();
        archive.facility("RSUD-A").unwrap();
        let user = User::of(&archive, folder.path().join("home"), "clinician RSUD-A").unwrap();
        let person = Person::nth(3);
        let instance = |n| Uids::new(41, 1, n);
        let pieces = [
            (0, part(&person, &instance(1), 256)),
            (42, part(&person, &instance(2), 256)),
            // The same once more: whether it is the same, the key service says.
            (68, part(&person, &instance(1), 256)),
            (70, [part(&person, &instance(3), 64), b"\r\n--B--\r\n".to_vec()].concat()),
        ];
        let length: usize = pieces.iter().map(|(_, piece)| piece.len()).sum();
        let headers = user.headers("POST", "/dicom-web/studies").unwrap();
        let kind = format!(
            "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B\r\nContent-Length: {length}\r\n"
        );
        let mut socket = begin(&archive, "POST /dicom-web/studies", &headers, &kind).unwrap();
        let thief = std::thread::scope(|scope| {
            let thief = scope.spawn(|| {
                std::thread::sleep(Duration::from_secs(45));
                let copied = begin(&archive, "POST /dicom-web/studies", &headers, "Content-Length: 0\r\n").unwrap();
                status(copied).unwrap().0
            });
            slowly(&mut socket, &pieces).unwrap();
            thief.join().unwrap()
        });
        let (answered, text) = status(socket).unwrap();
        assert_eq!(answered, 200, "{text}");
        assert_eq!(thief, 401, "the proof of a request that is under way is nobody else's");
        let path = format!("/dicom-web/studies/{}/metadata", instance(1).study);
        let read = begin(&archive, &format!("GET {path}"), &user.headers("GET", &path).unwrap(), "").unwrap();
        let (answered, text) = status(read).unwrap();
        assert_eq!(answered, 200, "{text}");
        for n in 1..=3 {
            assert!(text.contains(&format!("\"{}\"", instance(n).instance)), "instance {n}");
        }
        archive.stop().unwrap();
    }

    #[test]
    fn a_bundle_over_a_slow_line_is_kept_with_the_order_that_names_a_kept_patient() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        archive.facility("RSUD-A").unwrap();
        let user = User::of(&archive, folder.path().join("home"), "clinician RSUD-A").unwrap();
        let send = |text: String, seconds: u64| {
            let (bytes, headers) = (text.into_bytes(), user.headers("POST", "/fhir").unwrap());
            let kind = format!("Content-Type: application/fhir+json\r\nContent-Length: {}\r\n", bytes.len());
            let mut socket = begin(&archive, "POST /fhir", &headers, &kind).unwrap();
            let (before, after) = bytes.split_at(bytes.len() - 10);
            slowly(&mut socket, &[(0, before.to_vec()), (seconds, after.to_vec())]).unwrap();
            status(socket).unwrap()
        };
        let mut bundle = sample::covid_bundle(&Person::nth(5), "Positive");
        let (answered, text) = send(bundle.to_string(), 0);
        assert_eq!(answered, 200, "{text}");
        let body = text.split("\r\n\r\n").nth(1).unwrap();
        let location =
            serde_json::from_str::<serde_json::Value>(body).unwrap()["entry"][0]["response"]["location"].clone();
        let patient = location.as_str().unwrap().split("/_history").next().unwrap().to_owned();
        // An order for the patient who is kept by now, and words enough for a slow line.
        let order = serde_json::json!({
            "fullUrl": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0009",
            "request": {"method": "POST", "url": "ServiceRequest"},
            "resource": {
                "resourceType": "ServiceRequest", "status": "active", "intent": "order",
                "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "system": "urn:a", "value": "ACC-77"}],
                "code": {"text": "Chest"}, "subject": {"reference": patient}, "occurrenceDateTime": "2026-11-24",
                "note": [{"text": "word ".repeat(8_000)}],
            },
        });
        bundle["entry"].as_array_mut().unwrap().push(order);
        let (answered, text) = send(bundle.to_string(), 42);
        assert_eq!(answered, 200, "{text}");
        archive.stop().unwrap();
    }

    #[test]
    fn a_study_is_retrieved_whole_over_a_slow_line() {
        const SIDE: u16 = 5_000;
        const BYTES: usize = 5_000 * 5_000;
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let user = User::of(&archive, folder.path().join("home"), "clinician RSUD-A").unwrap();
        let (person, body) = (Person::nth(6), folder.path().join("body"));
        for n in 1..=2 {
            let uids = Uids::new(42, 1, n);
            let whole = [part(&person, &uids, SIDE), b"\r\n--B--\r\n".to_vec()].concat();
            std::fs::write(&body, whole).unwrap();
            let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B";
            let data = format!("@{}", body.display());
            let sent = ["-H", kind, "--data-binary", data.as_str()];
            assert_eq!(archive.curl(&ours.system, &sent, "/dicom-web/studies").unwrap().0, 200);
        }
        let path = format!("/dicom-web/studies/{}", Uids::new(42, 1, 1).study);
        let headers = user.headers("GET", &path).unwrap();
        let mut socket = begin(&archive, &format!("GET {path}"), &headers, "").unwrap();
        let (began, mut read, mut buffer) = (Instant::now(), 0_usize, vec![0; 256 * 1024]);
        let mut line = String::new();
        BufReader::with_capacity(1, &mut socket).read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        loop {
            let count = socket.read(&mut buffer).unwrap();
            if count == 0 {
                break;
            }
            read += count;
            // Forty-five seconds for both.
            let due = Duration::from_secs_f64(45.0 * f64::from(u32::try_from(read).unwrap()) / (2.0 * BYTES as f64));
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        assert!(read > 2 * BYTES && began.elapsed() > Duration::from_secs(40), "{read} bytes");
        archive.stop().unwrap();
    }

    #[test]
    fn an_invitation_that_names_a_machines_key_is_of_no_use_to_another() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        archive.facility("RSUD-A").unwrap();
        let [machine, thief] =
            ["machine", "thief"].map(|name| User { archive: &archive, home: folder.path().join(name) });
        let thumbprint = machine.segel("login", &["--thumbprint"]).unwrap().trim().to_owned();
        assert_eq!(machine.segel("login", &["--thumbprint"]).unwrap().trim(), thumbprint, "it is made once");
        assert!(machine.segel("login", &[]).unwrap_err().to_string().contains("enrolled nowhere yet"));
        let invite = ["person", "invite", "clinician RSUD-A", "--key-thumbprint", &thumbprint];
        let code = archive.admin(&invite).unwrap();
        assert!(thief.segel("login", &["--invite", &code]).is_err());
        assert!(machine.segel("login", &["--invite", &code]).unwrap().contains("clinician RSUD-A"));
        assert!(machine.headers("GET", "/dicom-web/studies").is_ok());
        archive.stop().unwrap();
    }

    #[test]
    fn what_is_erased_is_at_hand_in_no_door_two_seconds_later() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let (uids, body) = (Uids::new(43, 1, 1), folder.path().join("body"));
        std::fs::write(&body, [part(&Person::nth(7), &uids, 64), b"\r\n--B--\r\n".to_vec()].concat()).unwrap();
        let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B";
        let data = format!("@{}", body.display());
        let sent = ["-H", kind, "--data-binary", data.as_str()];
        assert_eq!(archive.curl(&ours.system, &sent, "/dicom-web/studies").unwrap().0, 200);
        let path = format!("/dicom-web/studies/{}/metadata", uids.study);
        let opens = || archive.curl(&ours.clinician, &[], &path).unwrap().0;
        assert_eq!(opens(), 200);
        archive.admin(&["person", "add", "registrar", "--facility", "RSUD-A", "--role", "registrar"]).unwrap();
        let registrar = archive.admin(&["token", "--as", "registrar", "--purpose", "PATRQT"]).unwrap();
        let patient = pseudonym(&archive).unwrap();
        let order = [patient.as_str(), "--reason", "asked", "--basis", "patient-request", "--token", &registrar];
        // Whoever opened it a moment ago has its key at hand when the patient is erased.
        assert_eq!(opens(), 200);
        sim::process::segel(&archive.data, "erase", &order).unwrap();
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(opens(), 404);
        archive.stop().unwrap();
    }

    /// Every event of the log so far.
    fn events(archive: &Archive) -> Result<Vec<serde_json::Value>> {
        let keyservice = archive.data.join("keyservice");
        let output = std::process::Command::new(sim::program::ours("segel")?)
            .args(["keyservice", "--events", "--data"])
            .arg(keyservice)
            .env("SEGEL_PASSPHRASE", sim::process::PASSPHRASE)
            .output()?;
        String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The patient who came in last, as the archive calls it.
    fn pseudonym(archive: &Archive) -> Result<String> {
        let admitted =
            events(archive)?.into_iter().rfind(|event| event["action"] == "Admit").ok_or("nobody came in")?;
        Ok(admitted["patient"].as_str().ok_or("nobody's")?.to_owned())
    }

    #[test]
    fn an_export_that_is_killed_is_run_again_under_a_login_and_discloses_the_same_files() {
        const SIDE: u16 = 4_096;
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let user = User::of(&archive, folder.path().join("home"), "clinician RSUD-A").unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for n in 1..=3 {
            let whole = [part(&Person::nth(8), &Uids::new(44, 1, n), SIDE), b"\r\n--B--\r\n".to_vec()].concat();
            std::fs::write(path("body"), whole).unwrap();
            let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B";
            let data = format!("@{}", path("body"));
            let sent = ["-H", kind, "--data-binary", data.as_str()];
            assert_eq!(archive.curl(&ours.system, &sent, "/dicom-web/studies").unwrap().0, 200);
        }
        sim::process::segel(&archive.data, "export", &["keygen", &path("key")]).unwrap();
        let recipient = path("key.pub");
        let rest = "--name University --purpose TREAT --facility RSUD-A --patients-max 1 --reason study";
        let asked: Vec<&str> = ["request", "--recipient", &recipient].into_iter().chain(rest.split(' ')).collect();
        let id = sim::approver::proposed(&archive.data, "export", &asked).unwrap();
        let (bundle, beside) = (path("bundle"), folder.path().join("bundle.part"));
        let mut run = std::process::Command::new(sim::program::ours("segel").unwrap())
            .args(["export", "run", &id, "--to", &bundle, "--login", "default", "--data"])
            .arg(&archive.data)
            .env("HOME", &user.home)
            .env("XDG_CONFIG_HOME", user.home.join("config"))
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while std::fs::metadata(&beside).map_or(0, |file| file.len()) < 1 << 20 {
            assert!(Instant::now() < until && run.try_wait().unwrap().is_none(), "it was not killed in the middle");
            std::thread::sleep(Duration::from_millis(1));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(!folder.path().join("bundle").exists(), "what has no end is no bundle");
        user.segel("export", &["run", &id, "--to", &bundle, "--login", "default"]).unwrap();
        let vkey = std::fs::read_to_string(archive.data.join("keyservice/ledger/vkey")).unwrap();
        let open = ["open", &bundle, "--key", &path("key"), "--to", &path("opened"), "--vkey", vkey.trim()];
        let said = sim::process::segel(&archive.data, "export", &open).unwrap();
        assert!(said.contains("verified: 3 files"), "{said}");
        // Both runs have disclosed the same files, by the same ids.
        let words = |event: &serde_json::Value| -> Option<String> {
            Some(event["detail"].as_str()?.split_once(" disclosed ")?.1.split(' ').next()?.to_owned())
        };
        let disclosed: Vec<String> = events(&archive).unwrap().iter().filter_map(words).collect();
        let different: std::collections::HashSet<&String> = disclosed.iter().collect();
        assert!(disclosed.len() > different.len() && different.len() == 3, "{disclosed:?}");
        archive.stop().unwrap();
    }
}
