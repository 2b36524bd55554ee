//! A hospital feed's certificate is stolen: what its thief reads and changes over DICOM and TLS, and how what it wrote is isolated.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sha2::{Digest as _, Sha256};
    use sim::adversary::Finding;
    use sim::approver::{Approvers, RULES, proposed, refused};
    use sim::process::{Archive, Tokens, UNBOUNDED, segel_output};
    use sim::relay::Relay;
    use sim::sample::{Person, Uids, data_set, element, file};
    use sim::{amount, dimse, http, program};
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::{Duration, Instant};

    const ROW: &str = "a hospital feed's certificate";
    const FEED: &str = "FEED";
    /// Patients of the other hospital, and of the feed's own, from before the theft.
    const PEOPLE: usize = 6;
    /// Numbers of people that the thief invents begin here.
    const INVENTED: usize = 10_000;

    struct Stage {
        folder: tempfile::TempDir,
        archive: Archive,
        a: Tokens,
        b: Tokens,
        key: String,
        certificate: String,
    }

    /// A self-signed certificate and its key, as `openssl` makes them.
    fn certificate(folder: &Path) -> (String, String) {
        let paths = ["feed.key", "feed.crt"].map(|name| folder.join(name).display().to_string());
        let [key, certificate] = paths;
        let arguments =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=feed", "-keyout"];
        program::must("openssl", &[&arguments[..], &[key.as_str(), "-out", certificate.as_str()]].concat()).unwrap();
        (key, certificate)
    }

    /// A data set whose PatientID is the person's national number, as its issuer says.
    fn national(person: &Person, uids: &Uids, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = data_set(&Person { number: person.nik.clone(), ..person.clone() }, uids, 16, pixels);
        let birth_date = memchr::memmem::find(&bytes, b"\x10\x00\x30\x00DA").unwrap();
        bytes.splice(birth_date..birth_date, element((0x0010, 0x0021), b"LO", b"NIK"));
        bytes
    }

    fn of_a(n: usize) -> (Person, Uids) {
        (Person::nth(n), Uids::new(100 + n, 1, 1))
    }

    fn of_b(n: usize) -> (Person, Uids) {
        (Person::nth(1_000 + n), Uids::new(200 + n, 1, 1))
    }

    fn stage() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!("{UNBOUNDED}{RULES}");
        let archive = Archive::start_with_keyservice(&folder.path().join("data"), &settings).unwrap();
        let (a, b) = (archive.facility("RSUD-A").unwrap(), archive.facility("RSUD-B").unwrap());
        let (key, certificate) = certificate(folder.path());
        let known = ["peer", "add", FEED, "--facility", "RSUD-A", "--cert", &certificate];
        archive.admin(&known).unwrap();
        archive.peer("PACS-A", "RSUD-A").unwrap();
        archive.peer("CT-B", "RSUD-B").unwrap();
        archive
            .admin(&["peer", "add", "VIEWER-B", "--facility", "RSUD-B", "--host", "127.0.0.1", "--port", "9"])
            .unwrap();
        // The door asks for newly registered certificates every two seconds.
        std::thread::sleep(Duration::from_secs(3));
        let stage = Stage { folder, archive, a, b, key, certificate };
        let relay = stage.relay();
        let mut feed = dimse::accepted(address(&relay), FEED).unwrap();
        let mut other = dimse::accepted(stage.archive.dimse, "CT-B").unwrap();
        for n in 0..PEOPLE {
            let (person, uids) = of_a(n);
            assert_eq!(feed.store(&uids, &data_set(&person, &uids, 16, &[1; 16])).unwrap(), 0);
            let (person, uids) = of_b(n);
            assert_eq!(other.store(&uids, &national(&person, &uids, &[2; 16])).unwrap(), 0);
        }
        feed.release().unwrap();
        other.release().unwrap();
        stage
    }

    fn address(relay: &Relay) -> std::net::SocketAddr {
        format!("127.0.0.1:{}", relay.port).parse().unwrap()
    }

    fn now() -> String {
        program::must("date", &["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).unwrap().trim().to_owned()
    }

    /// SHA-256 of every instance that somebody of a facility finds, by its UID.
    fn kept(archive: &Archive, token: &str) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for n in (0..PEOPLE).flat_map(|n| [of_a(n).1, of_b(n).1]) {
            let path = format!("/dicom-web/studies/{0}/series/{1}/instances/{2}", n.study, n.series, n.instance);
            let (status, body) = http::get(archive.http, token, &path).unwrap();
            if status == 200 {
                // The one part of the multipart answer, whose boundary is another in another process.
                let begin = memchr::memmem::find(&body, b"\r\n\r\n").unwrap();
                let end = memchr::memmem::rfind(&body, b"\r\n--").unwrap();
                all.insert(n.instance, hex::encode(Sha256::digest(&body[begin..end])));
            }
        }
        all
    }

    fn studies(archive: &Archive, token: &str) -> usize {
        let path = "/dicom-web/studies?limit=100&includefield=StudyInstanceUID&StudyDate=20211228";
        let mut found = 0;
        let mut next = path.to_owned();
        loop {
            let page = archive.json(token, &next).unwrap();
            let page = page.as_array().unwrap().len();
            found += page;
            next = format!("{path}&offset={found}");
            if page < 100 || found >= 1_000 {
                return found;
            }
        }
    }

    impl Stage {
        fn relay(&self) -> Relay {
            Relay::start(self.archive.dimse_tls, &self.key, &self.certificate).unwrap()
        }

        /// The thief's afternoon, as pynetdicom makes it.
        fn theft(&self) -> Value {
            let folder = self.folder.path().join("stolen");
            std::fs::create_dir_all(&folder).unwrap();
            let thief = Person { name: "Pencuri^Data".into(), ..Person::nth(9_999) };
            let mut files = serde_json::Map::new();
            let mut write = |name: String, uids: &Uids, bytes: &[u8]| {
                let path = folder.join(format!("{name}.dcm"));
                std::fs::write(&path, file(uids, bytes)).unwrap();
                files.insert(name, json!(path));
            };
            for n in 0..PEOPLE {
                let (person, uids) = of_b(n);
                // Another facility's UIDs.
                write(format!("others-uids-{n}"), &uids, &data_set(&thief, &uids, 16, &[3; 16]));
                // Its own facility's instances, overwritten; half of them moved to another patient.
                let (own, uids) = of_a(n);
                let as_whom = if n % 2 == 0 { own } else { thief.clone() };
                write(format!("own-overwritten-{n}"), &uids, &data_set(&as_whom, &uids, 16, &[4; 16]));
                // Other hospitals' patients, claimed by a number.
                let claimed = Person { name: thief.name.clone(), ..person };
                let uids = Uids::new(300 + n, 1, 1);
                write(format!("z-claimed-{n}"), &uids, &national(&claimed, &uids, &[5; 16]));
                let of_study = Uids { study: of_b(n).1.study, ..Uids::new(400 + n, 1, 1) };
                write(format!("z-claimed-study-{n}"), &of_study, &national(&claimed, &of_study, &[6; 16]));
            }
            let others: Vec<Value> = (0..PEOPLE)
                .map(|n| {
                    let (person, uids) = of_b(n);
                    json!({"study": uids.study, "instance": uids.instance, "number": person.nik, "name": person.name})
                })
                .collect();
            let plan = json!({
                "title": FEED, "other_title": "VIEWER-B", "titles": ["PACS-A", "CT-B", "VIEWER-B", "SEGEL", "ADMIN"],
                "others": others, "files": files,
            });
            let path = folder.join("plan.json");
            std::fs::write(&path, plan.to_string()).unwrap();
            self.run(&path)
        }

        fn run(&self, plan: &Path) -> Value {
            let relay = self.relay();
            let arguments = [address(&relay).to_string(), plan.display().to_string()];
            let said = program::script("stolen_feed.py", &arguments).unwrap();
            serde_json::from_str(said.lines().find(|line| line.starts_with('{')).unwrap()).unwrap()
        }

        /// Somebody whom another feed of the same hospital has sent as well is the hospital's: what the thief sees of this one is
        /// counted by the same count, which is not zero by itself.
        fn is_counted(&self) -> bool {
            let (person, uids) = of_b(PEOPLE);
            let mut other = dimse::accepted(self.archive.dimse, "CT-B").unwrap();
            assert_eq!(other.store(&uids, &national(&person, &uids, &[2; 16])).unwrap(), 0);
            let mut pacs = dimse::accepted(self.archive.dimse, "PACS-A").unwrap();
            let here = Uids::new(500, 1, 1);
            assert_eq!(pacs.store(&here, &national(&person, &here, &[8; 16])).unwrap(), 0);
            let others =
                [json!({"study": uids.study, "instance": uids.instance, "number": person.nik, "name": person.name})];
            let plan = json!({"title": FEED, "other_title": "VIEWER-B", "titles": [], "others": others, "files": {}});
            let path = self.folder.path().join("control.json");
            std::fs::write(&path, plan.to_string()).unwrap();
            let told = self.run(&path);
            ["found all studies", "fetched by UID", "found by number, name and UID"]
                .iter()
                .all(|way| number(&told, way) > 0.0)
        }

        /// As much as the feed's connection takes, in as many associations as four.
        fn flood(&self, count: usize) {
            const SENDERS: usize = 4;
            std::thread::scope(|scope| {
                for sender in 0..SENDERS {
                    scope.spawn(move || {
                        let relay = self.relay();
                        let mut association = dimse::accepted(address(&relay), FEED).unwrap();
                        for n in (sender..count).step_by(SENDERS) {
                            let (person, uids) = (Person::nth(INVENTED + n), Uids::new(INVENTED + n, 1, 1));
                            let status = association.store(&uids, &data_set(&person, &uids, 16, &n.to_le_bytes()));
                            assert_eq!(status.unwrap(), 0);
                        }
                        association.release().unwrap();
                    });
                }
            });
        }

        fn isolations(&self) -> Vec<Value> {
            let said = self.archive.admin(&["isolate", "--list", "--json"]).unwrap();
            serde_json::from_str::<Value>(&said).unwrap().as_array().unwrap().clone()
        }
    }

    fn number(told: &Value, name: &str) -> f64 {
        told[name].as_f64().unwrap_or_else(|| panic!("{name} in {told}"))
    }

    /// Kills the archive when the index is in the middle of an isolation.
    fn kill_in_the_middle(archive: Archive) {
        let index = archive.data.join("archive/index.sqlite");
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < until, "it was never in the middle");
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
            let db = rusqlite::Connection::open_with_flags(&index, flags).unwrap();
            let state = db.query_row("SELECT done, versions FROM isolations WHERE lifted = 0", [], |row| {
                Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?))
            });
            match state {
                Ok((false, versions)) if versions > 0 => break,
                Ok((true, versions)) => panic!("all {versions} were isolated before the kill"),
                _ => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        archive.kill().unwrap();
    }

    #[test]
    fn a_stolen_feed_certificate_reads_nothing_of_others_and_what_it_wrote_is_isolated() {
        let stage = stage();
        assert!(stage.is_counted());
        let (kept_a, kept_b) = (kept(&stage.archive, &stage.a.clinician), kept(&stage.archive, &stage.b.clinician));
        assert_eq!((kept_a.len(), kept_b.len()), (PEOPLE, PEOPLE));
        let listed = [&stage.a, &stage.b].map(|tokens| studies(&stage.archive, &tokens.clinician));

        let from = now();
        let told = stage.theft();
        println!("{told}");
        for way in [
            "found all studies",
            "found all patients",
            "found by number, name and UID",
            "fetched by UID",
            "moved to itself",
            "moved to another facility's peer",
            "worklist of others",
            "committed of others",
            "found after claiming",
            "fetched after claiming",
            "moved after claiming",
        ] {
            let (yielded, unit) = (number(&told, way), "records of other facilities");
            Finding { row: ROW, way, yielded, limit: 0.0, unit, note: String::new() }.must_be_met();
        }
        let (yielded, unit) = (number(&told, "other AE titles"), "associations");
        Finding { row: ROW, way: "other AE titles", yielded, limit: 0.0, unit, note: String::new() }.must_be_met();

        // What others kept is as it was; what the feed's own facility kept was answered with a warning, and is in the ledger.
        let changed = changes(&kept_b, &kept(&stage.archive, &stage.b.clinician));
        let stored = told["stored"].as_object().unwrap();
        let answered = |name: &str, n: usize| stored[&format!("{name}-{n}")].as_u64().unwrap();
        let unnoticed = (0..PEOPLE).filter(|n| answered("own-overwritten", *n) == 0).count();
        let overwritten = (0..PEOPLE).filter(|n| answered("own-overwritten", *n) >> 12 == 0xB).count();
        Finding {
            row: ROW,
            way: "writing under others' UIDs, overwriting, claiming",
            yielded: f64::from(u32::try_from(changed + unnoticed).unwrap()),
            limit: 0.0,
            unit: "silent changes",
            note: format!("{changed} of others' records changed; {overwritten} of its own kept beside new versions, with a warning"),
        }
        .must_be_met();
        assert_eq!(overwritten, PEOPLE);
        assert!((0..PEOPLE).all(|n| answered("others-uids", n) == 0), "kept as the feed's own, beside the others'");
        // The claim itself works: the feed's hospital opens what the other keeps of that person, until it is isolated.
        let claimed = &of_b(0).1;
        let path = format!("/dicom-web/studies/{}/metadata", claimed.study);
        assert_eq!(http::get(stage.archive.http, &stage.a.clinician, &path).unwrap().0, 200);
        let count = amount(5_000, 100_000);
        stage.flood(count);
        isolate(stage, &from, count, (&kept_a, &kept_b), listed);
    }

    fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> usize {
        before.iter().filter(|(uid, digest)| after.get(*uid) != Some(digest)).count()
    }

    fn isolate(
        mut stage: Stage,
        from: &str,
        count: usize,
        (kept_a, kept_b): (&BTreeMap<String, String>, &BTreeMap<String, String>),
        listed: [usize; 2],
    ) {
        let data = stage.archive.data.clone();
        let window =
            ["isolate", "--cert", &stage.certificate.clone(), "--from", from, "--until", &now()].map(str::to_owned);
        let window: Vec<&str> = window.iter().map(String::as_str).collect();
        // Whoever reads through the archive waits for its index; a look at the index from outside does not.
        kept(&stage.archive, &stage.a.clinician);
        let dry = stage.archive.admin(&[&window[..], &["--dry-run", "--json"]].concat()).unwrap();
        let dry: Value = serde_json::from_str(&dry).unwrap();
        let written = count + 4 * PEOPLE;
        assert_eq!((dry["versions"].as_u64(), dry["replacing"].as_u64()), (Some(written as u64), Some(PEOPLE as u64)));
        assert!(stage.isolations().is_empty(), "nothing was changed by looking");

        let order = [&window[..], &["--reason", "certificate stolen", "--json"]].concat();
        let begun = Instant::now();
        let isolated: Value = serde_json::from_str(&stage.archive.admin(&order).unwrap()).unwrap();
        let took = begun.elapsed();
        assert_eq!((&isolated["state"], isolated["versions"].as_u64()), (&json!("isolated"), Some(written as u64)));
        // Lifted and ordered once more, and killed in the middle of it. The same order again is the same isolation; this waits for
        // its end.
        stage.archive.admin(&["isolate", "--lift", isolated["id"].as_str().unwrap()]).unwrap();
        stage.archive.admin(&[&order[..], &["--no-wait"]].concat()).unwrap();
        kill_in_the_middle(stage.archive);
        stage.archive = Archive::start(&data).unwrap();
        let isolated: Value = serde_json::from_str(&stage.archive.admin(&order).unwrap()).unwrap();
        assert_eq!((&isolated["state"], isolated["versions"].as_u64()), (&json!("isolated"), Some(written as u64)));
        assert_eq!(stage.isolations().len(), 2);
        let archive = &stage.archive;

        assert_eq!(changes(kept_a, &kept(archive, &stage.a.clinician)), 0, "what was overwritten is current again");
        assert_eq!(changes(kept_b, &kept(archive, &stage.b.clinician)), 0);
        assert_eq!(kept(archive, &stage.a.clinician).len(), PEOPLE, "who was claimed is claimed no more");
        assert_eq!([&stage.a, &stage.b].map(|tokens| studies(archive, &tokens.clinician)), listed);
        let open = |n: usize| http::get(archive.http, &stage.a.clinician, &path_of(n)).unwrap().0;
        let seen = (0..count).step_by(count / 100).filter(|n| open(INVENTED + n) == 200).count();
        let claimed = (0..PEOPLE).filter(|n| open(300 + n) == 200).count();
        assert_eq!((seen, claimed), (0, 0), "nothing of the window");
        Finding {
            row: ROW,
            way: "all its writes of a window isolated",
            yielded: took.as_secs_f64() / 60.0 * 100_000.0 / f64::from(u32::try_from(written).unwrap()),
            limit: 10.0,
            unit: "minutes for 100,000 objects",
            note: format!(
                "{written} object versions in {:.1} s, {} relations; again with a kill in the middle",
                took.as_secs_f64(),
                isolated["relations"]
            ),
        }
        .must_be_met();
        lift(&stage, isolated["id"].as_str().unwrap(), kept_a);
    }

    fn path_of(study: usize) -> String {
        format!("/dicom-web/studies/{}/metadata", Uids::new(study, 1, 1).study)
    }

    /// One person isolates, two lift; then everything is as the thief left it.
    fn lift(stage: &Stage, id: &str, kept_a: &BTreeMap<String, String>) {
        let archive = &stage.archive;
        let approvers = Approvers::register(archive, "RSUD-A", stage.folder.path()).unwrap();
        let said = refused(&archive.data, "admin", &["isolate", "--lift", id]).unwrap();
        assert!(said.contains("takes two people"), "{said}");
        let proposal =
            proposed(&archive.data, "admin", &["isolate", "--lift", id, "--propose", "it was a false alarm"]).unwrap();
        approvers.approve(archive, &proposal).unwrap();
        segel_output(&archive.data, "approve", &["enact", &proposal]).unwrap();
        let until = Instant::now() + Duration::from_secs(300);
        while stage.isolations()[1]["state"] != "lifted" {
            assert!(Instant::now() < until, "{:?}", stage.isolations());
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(stage.isolations()[1]["versions"], 0);
        assert_eq!(
            changes(kept_a, &kept(archive, &stage.a.clinician)),
            PEOPLE,
            "the overwriting versions are the newest"
        );
        assert_eq!(http::get(archive.http, &stage.a.clinician, &path_of(INVENTED)).unwrap().0, 200);
        assert_eq!(http::get(archive.http, &stage.a.clinician, &path_of(300)).unwrap().0, 200);
    }
}
