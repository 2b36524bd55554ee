//! A stolen login that empties the archive, as the real programs see it: alarmed, stopped, told of.

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sim::adversary::Finding;
    use sim::process::{Archive, Tokens};
    use sim::program;
    use sim::sample::{Person, Uids, data_set, file};
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::{Duration, Instant};

    fn store(archive: &Archive, token: &str, count: usize) {
        for n in 0..count {
            let uids = Uids::new(n + 1, 1, 1);
            let bytes = file(&uids, &data_set(&Person::nth(n), &uids, 16, &[7]));
            let answer =
                sim::http::request(archive.http, token, "POST /dicom-web/studies", "application/dicom", &bytes);
            assert_eq!(answer.unwrap().0, 200);
        }
    }

    fn open(archive: &Archive, token: &str, n: usize) -> u16 {
        let uids = Uids::new(n + 1, 1, 1);
        let path =
            format!("/dicom-web/studies/{}/series/{}/instances/{}/frames/1", uids.study, uids.series, uids.instance);
        sim::http::get(archive.http, token, &path).unwrap().0
    }

    fn admin(archive: &Archive, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        serde_json::from_str(&archive.admin(&all).unwrap()).unwrap()
    }

    fn until<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < end, "{what} did not come within {seconds} s");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    #[test]
    fn a_stolen_login_that_enumerates_is_alarmed_and_frozen_and_another_person_lets_it_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let Tokens { clinician, system } = archive.facility("RSUD-A").unwrap();
        archive.admin(&["person", "add", "officer", "--facility", "RSUD-A", "--role", "auditor"]).unwrap();
        store(&archive, &system, 60);

        let begun = Instant::now();
        let opened = (0..60).take_while(|n| open(&archive, &clinician, *n) == 200).count();
        let (alarms, rang) = until("an alarm", 60, || {
            let alarms = admin(&archive, &["alarms"]);
            (!alarms.as_array().unwrap().is_empty()).then_some((alarms, begun.elapsed()))
        });
        let alarm = alarms.as_array().unwrap().iter().find(|alarm| alarm["kind"] == "enumeration").unwrap();
        assert_eq!((&alarm["severity"], &alarm["who"]), (&"critical".into(), &"clinician RSUD-A".into()));
        // What was open a moment ago is at hand for two seconds at most.
        let stopped = until("the end", 5, || (open(&archive, &clinician, 0) != 200).then(|| begun.elapsed()));
        Finding {
            row: "a clinician's whole device",
            way: "one study after the other, at a program's pace",
            yielded: f64::from(u32::try_from(opened).unwrap()),
            // The role's hour.
            limit: 60.0,
            unit: "patients",
            note: format!("alarm after {rang:?}, nothing opens after {stopped:?}"),
        }
        .must_be_met();
        assert!(opened < 60 && rang < Duration::from_secs(60) && stopped < Duration::from_secs(300));

        let incidents = admin(&archive, &["incidents"]);
        let incident = &incidents[0];
        assert_eq!((&incident["kind"], &incident["frozen"]), (&"enumeration".into(), &true.into()));
        let number = incident["incident"].to_string();
        let facts = admin(&archive, &["incidents", &number]);
        let contents = facts["facts"].as_array().unwrap().iter().filter(|fact| fact["part"] == "Content").count();
        assert_eq!(contents, opened, "everything that was opened stands in the incident");

        // Neither a restart nor the frozen one lets it go on; somebody else does.
        archive.kill().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        assert_ne!(open(&archive, &clinician, 0), 200);
        let thaw = |by: &str| archive.admin(&["thaw", "clinician RSUD-A", "--as", by, "--note", "asked on the phone"]);
        assert!(thaw("clinician RSUD-A").is_err());
        thaw("officer").unwrap();
        assert_eq!(open(&archive, &clinician, 0), 200);
        let number = admin(&archive, &["alarms"])[0]["alarm"].to_string();
        let close = |by: &str| archive.admin(&["alarms", "close", &number, "--as", by, "--note", "a test"]);
        assert!(close("clinician RSUD-A").is_err(), "nobody closes the alarm about itself");
        close("officer").unwrap();
        let mut all = admin(&archive, &["alarms", "--all"]).as_array().unwrap().clone();
        all.retain(|alarm| alarm["alarm"].as_u64() == number.parse().ok());
        assert_eq!((&all[0]["state"], &all[0]["by"]), (&"closed".into(), &"officer".into()));
    }

    #[test]
    fn a_person_freezes_another_and_the_door_says_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let Tokens { clinician, system } = archive.facility("RSUD-A").unwrap();
        archive.admin(&["person", "add", "officer", "--facility", "RSUD-A", "--role", "auditor"]).unwrap();
        store(&archive, &system, 1);
        assert_eq!(open(&archive, &clinician, 0), 200);
        archive.admin(&["freeze", "clinician RSUD-A", "--as", "officer", "--note", "a lost laptop"]).unwrap();
        until("the end", 5, || (open(&archive, &clinician, 0) != 200).then_some(()));
        let path = "/dicom-web/studies";
        let frozen = sim::http::get(archive.http, &clinician, path).unwrap();
        let stranger = sim::http::get(archive.http, &format!("{clinician}x"), path).unwrap();
        assert_eq!(frozen, stranger, "a frozen login hears what a stranger hears");
        // The sender is another actor and goes on.
        store(&archive, &system, 1);
        assert_eq!(admin(&archive, &["frozen"])[0]["reason"], "a lost laptop");
    }

    /// A webhook's receiver on a port of its own: what each call brought. `answer` says what it hears, and when.
    struct Hook {
        url: String,
        calls: Receiver<Call>,
    }

    struct Call {
        delivery: String,
        signature: String,
        body: String,
    }

    fn hook(address: &str, answer: impl Fn(usize) -> &'static str + Send + 'static) -> Hook {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}/alarms", listener.local_addr().unwrap());
        let (sender, calls) = channel();
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                // A connection without a request is no call.
                let _heard = take(stream, answer(n), &sender);
            }
        });
        Hook { url, calls }
    }

    fn take(stream: TcpStream, says: &str, sender: &Sender<Call>) -> Option<()> {
        let mut reader = BufReader::new(stream);
        sender.send(hear(&mut reader)?).ok()?;
        answer(reader.get_mut(), says).ok()
    }

    fn answer(stream: &mut TcpStream, says: &str) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 {says}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }

    /// A whole request; `None` for a connection without one.
    fn hear(reader: &mut BufReader<TcpStream>) -> Option<Call> {
        let (mut length, mut delivery, mut signature) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "segel-delivery" => delivery = value.trim().to_owned(),
                "segel-signature" => signature = value.trim().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Call { delivery, signature, body: String::from_utf8(body).ok()? })
    }

    /// A certificate of `localhost` with its key.
    fn certificate(folder: &Path, name: &str) {
        let file = |suffix: &str| folder.join(format!("{name}.{suffix}")).to_str().unwrap().to_owned();
        let (key, certificate) = (file("key"), file("pem"));
        let mut arguments =
            vec!["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"];
        arguments.extend(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
        arguments.extend(["-keyout", &key, "-out", &certificate]);
        program::must("openssl", &arguments).unwrap();
    }

    /// A mail server that runs until it is dropped, and the mails it took.
    struct MailServer {
        child: Child,
        port: u16,
        mails: BufReader<std::process::ChildStdout>,
    }

    impl MailServer {
        fn start(folder: &Path) -> Self {
            certificate(folder, "mail");
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/mail_server.py");
            let mut child = Command::new(program::python().unwrap())
                .arg(script)
                .args([folder.join("mail.pem"), folder.join("mail.key")])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut mails = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            mails.read_line(&mut line).unwrap();
            let port = line.trim().parse().unwrap_or_else(|_| panic!("aiosmtpd does not run: cargo xtask tools"));
            Self { child, port, mails }
        }

        fn mail(&mut self) -> Value {
            let mut line = String::new();
            self.mails.read_line(&mut line).unwrap();
            serde_json::from_str(&line).unwrap()
        }
    }

    impl Drop for MailServer {
        fn drop(&mut self) {
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
    }

    /// A low threshold, so that two patients ring: what is looked at here is the way of the message.
    fn settings(webhook: &str, mail: &str, clock: &str) -> String {
        format!(
            "[alarms]\nfreeze = [\"canary\"]\n{webhook}\n[alarms.thresholds.volume]\nclinician = 1\n{clock}\n{mail}\n\
             [alarms.owner]\nname = \"owner\"\nmail = \"owner@rs.example.id\"\n\
             [alarms.deputy]\nname = \"deputy\"\nmail = \"deputy@rs.example.id\"\n"
        )
    }

    fn ring(archive: &Archive) -> Tokens {
        let tokens = archive.facility("RSUD-A").unwrap();
        store(archive, &tokens.system, 2);
        assert_eq!([0, 1].map(|n| open(archive, &tokens.clinician, n)), [200, 200]);
        tokens
    }

    fn assert_names_nobody(text: &str) {
        for n in 0..2 {
            let person = Person::nth(n);
            for needle in [&person.nik, &person.number, &person.birth_date, &person.name, &Uids::new(n + 1, 1, 1).study]
            {
                assert!(!text.contains(needle.as_str()), "{text}");
            }
        }
    }

    #[test]
    fn an_alarm_is_posted_signed_until_it_is_taken_and_again_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("keyservice")).unwrap();
        std::fs::write(data.join("keyservice/hook.secret"), "a shared secret\n").unwrap();
        // The first call is refused, the second is taken.
        let hook = hook("127.0.0.1:0", |n| if n == 0 { "503 Busy" } else { "204 Taken" });
        let webhook = format!("[[alarms.webhooks]]\nurl = \"{}\"\nsecret_file = \"hook.secret\"", hook.url);
        let archive = Archive::start_with_keyservice(&data, &settings(&webhook, "", "")).unwrap();
        ring(&archive);
        let first = hook.calls.recv_timeout(Duration::from_secs(30)).unwrap();
        let second = hook.calls.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!((&first.delivery, &first.body), (&second.delivery, &second.body));
        let body: Value = serde_json::from_str(&second.body).unwrap();
        assert_eq!((&body["kind"], &body["severity"]), (&"volume".into(), &"warning".into()));
        assert_names_nobody(&second.body);
        let signed = folder.path().join("body");
        std::fs::write(&signed, &second.body).unwrap();
        let arguments = ["dgst", "-sha256", "-hmac", "a shared secret", "-r", signed.to_str().unwrap()];
        let digest = program::must("openssl", &arguments).unwrap();
        assert_eq!(second.signature, format!("sha256={}", digest.split_whitespace().next().unwrap()));
        until("the mark", 10, || admin(&archive, &["alarms", "--outbox"]).as_array().unwrap().is_empty().then_some(()));
    }

    #[test]
    fn a_crash_between_delivery_and_mark_delivers_again_under_the_same_number() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("keyservice")).unwrap();
        std::fs::write(data.join("keyservice/hook.secret"), "a shared secret").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/alarms", listener.local_addr().unwrap());
        let webhook = format!("[[alarms.webhooks]]\nurl = \"{url}\"\nsecret_file = \"hook.secret\"");
        let archive = Archive::start_with_keyservice(&data, &settings(&webhook, "", "")).unwrap();
        ring(&archive);
        let (sender, calls) = channel();
        // The message is here, and the key service dies before it hears that it was taken.
        let (stream, _) = listener.accept().unwrap();
        let mut kept = stream.try_clone().unwrap();
        let first = hear(&mut BufReader::new(stream)).unwrap();
        let victim = archive.keyservice_process_id().unwrap().to_string();
        program::must("kill", &["-KILL", &victim]).unwrap();
        let _gone = answer(&mut kept, "204 Taken");
        drop(kept);
        let (stream, _) = listener.accept().unwrap();
        take(stream, "204 Taken", &sender);
        let second = calls.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!((first.delivery, first.body), (second.delivery, second.body));
    }

    #[test]
    fn an_alarm_is_mailed_over_starttls_and_goes_on_to_the_deputy_when_nobody_takes_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = MailServer::start(folder.path());
        let mail = format!(
            "[alarms.mail]\nhost = \"localhost\"\nport = {}\nfrom = \"segel@rs.example.id\"\nca_file = \"{}\"",
            server.port,
            folder.path().join("mail.pem").display()
        );
        let clock = "[alarms.kinds.volume]\nclock_minutes = 1";
        let data = folder.path().join("data");
        let archive = Archive::start_with_keyservice(&data, &settings("", &mail, clock)).unwrap();
        ring(&archive);
        let first = server.mail();
        assert_eq!((&first["to"][0], &first["tls"]), (&"owner@rs.example.id".into(), &true.into()));
        assert!(first["subject"].as_str().unwrap().contains("volume"), "{first}");
        assert_names_nobody(first["text"].as_str().unwrap());
        // A minute later it is the deputy's.
        let second = server.mail();
        assert_eq!(second["to"][0], "deputy@rs.example.id");
        assert_eq!(admin(&archive, &["alarms"])[0]["for"], "deputy");
    }

    #[test]
    fn mail_does_not_go_in_clear_nor_to_a_server_that_is_not_the_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = MailServer::start(folder.path());
        // Another certificate is trusted than the server has.
        certificate(folder.path(), "other");
        let mail = format!(
            "[alarms.mail]\nhost = \"localhost\"\nport = {}\nfrom = \"segel@rs.example.id\"\nca_file = \"{}\"",
            server.port,
            folder.path().join("other.pem").display()
        );
        let archive = Archive::start_with_keyservice(&folder.path().join("data"), &settings("", &mail, "")).unwrap();
        let tokens = ring(&archive);
        let failed = until("a failed attempt", 30, || {
            let outbox = admin(&archive, &["alarms", "--outbox"]);
            outbox[0]["error"].as_str().map(str::to_owned)
        });
        assert!(failed.contains("localhost"), "{failed}");
        // A server that does not take anything holds nobody up.
        let begun = Instant::now();
        assert_eq!(open(&archive, &tokens.clinician, 0), 200);
        assert!(begun.elapsed() < Duration::from_secs(10));
        let _gone = server.child.kill();
        let mut rest = String::new();
        server.mails.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing was mailed");
    }
}
