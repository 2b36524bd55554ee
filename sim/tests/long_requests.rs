//! Requests that take longer than a proof's first moment: over a slow line, as people have them.

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

    fn part(person: &Person, uids: &Uids, bytes: usize) -> Vec<u8> {
        let file = sample::file(uids, &sample::data_set(person, uids, 64, &vec![7; bytes]));
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
            (0, part(&person, &instance(1), 64 * 1024)),
            (42, part(&person, &instance(2), 64 * 1024)),
            // The same once more: whether it is the same, the key service says.
            (68, part(&person, &instance(1), 64 * 1024)),
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
        const BYTES: usize = 24 << 20;
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let user = User::of(&archive, folder.path().join("home"), "clinician RSUD-A").unwrap();
        let (person, body) = (Person::nth(6), folder.path().join("body"));
        for n in 1..=2 {
            let uids = Uids::new(42, 1, n);
            let whole = [part(&person, &uids, BYTES), b"\r\n--B--\r\n".to_vec()].concat();
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
}
