//! Each sentence of `docs/threat-model.md` that is marked with a test of this file, attacked.

#[cfg(test)]
mod tests {
    use sim::kept;
    use sim::process::{Archive, PASSPHRASE, segel, segel_output};
    use sim::sample::{Person, Uids, data_set, file};
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::time::Duration;

    /// `limits::ASKER_REMEMBERED_MS_MAX`.
    const REMEMBERED: Duration = Duration::from_secs(2);

    struct Stage {
        folder: tempfile::TempDir,
        archive: Archive,
        clinician: String,
        system: String,
    }

    fn stage() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        Stage { folder, archive, clinician: tokens.clinician, system: tokens.system }
    }

    impl Stage {
        fn store(&self, token: &str, uids: &Uids, person: &Person, mark: u8) -> u16 {
            let path = self.folder.path().join("one.dcm");
            std::fs::write(&path, file(uids, &data_set(person, uids, 64, &[mark; 32]))).unwrap();
            let body = format!("@{}", path.display());
            self.archive
                .curl(token, &["-H", "Content-Type: application/dicom", "--data-binary", &body], "/dicom-web/studies")
                .unwrap()
                .0
        }

        fn frame(&self, token: &str, uids: &Uids) -> (u16, Vec<u8>) {
            let path = format!(
                "/dicom-web/studies/{}/series/{}/instances/{}/frames/1",
                uids.study, uids.series, uids.instance
            );
            self.archive.curl(token, &[], &path).unwrap()
        }
    }

    fn copy(from: &Path, to: &Path) {
        for file in kept::files(from).unwrap() {
            let target = to.join(file.strip_prefix(from).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(file, target).unwrap();
        }
    }

    #[test]
    fn a_copied_data_folder_opens_nothing_without_the_passphrase() {
        let stage = stage();
        assert_eq!(stage.store(&stage.system, &Uids::new(1, 1, 1), &Person::nth(1), 1), 200);
        let stolen = stage.folder.path().join("stolen");
        copy(&stage.archive.data, &stolen);
        let segel = sim::program::ours("segel").unwrap();
        let opened = Command::new(segel)
            .args(["serve", "--http", "127.0.0.1:0", "--dimse", "127.0.0.1:0", "--dimse-tls", "127.0.0.1:0", "--data"])
            .arg(&stolen)
            .env("SEGEL_PASSPHRASE", format!("not {PASSPHRASE}"))
            .output()
            .unwrap();
        assert!(!opened.status.success());
        assert!(!String::from_utf8_lossy(&opened.stdout).contains("ready"));
    }

    #[test]
    fn the_archive_nodes_disk_alone_opens_nothing_even_with_a_key_service_of_the_thiefs() {
        let stage = stage();
        let uids = Uids::new(1, 1, 1);
        assert_eq!(stage.store(&stage.system, &uids, &Person::nth(1), 1), 200);
        let stolen = stage.folder.path().join("stolen");
        copy(&stage.archive.data.join("archive"), &stolen.join("archive"));
        let refused = segel_output(&stolen, "admin", &["facility", "add", "RSUD-A", "A"]).unwrap();
        assert!(String::from_utf8_lossy(&refused.stderr).contains("keys is gone"), "{refused:?}");
        // A key service of the thief's own, put beside the stolen objects by hand.
        let own = stage.folder.path().join("own");
        segel(&own, "admin", &["facility", "add", "RSUD-A", "A"]).unwrap();
        copy(&own.join("keyservice"), &stolen.join("keyservice"));
        let thief = Archive::start(&stolen).unwrap();
        let tokens = thief.facility("RSUD-A").unwrap();
        let path =
            format!("/dicom-web/studies/{}/series/{}/instances/{}/frames/1", uids.study, uids.series, uids.instance);
        assert_eq!(thief.curl(&tokens.clinician, &[], &path).unwrap().0, 404);
        assert_eq!(thief.json(&tokens.clinician, "/dicom-web/studies").unwrap(), serde_json::json!([]));
    }

    #[test]
    fn a_forged_altered_or_foreign_token_opens_nothing() {
        let stage = stage();
        let uids = Uids::new(1, 1, 1);
        assert_eq!(stage.store(&stage.system, &uids, &Person::nth(1), 1), 200);
        let other = tempfile::tempdir().unwrap();
        let foreign = Archive::start(other.path()).unwrap().facility("RSUD-A").unwrap().clinician;
        let mut altered = vec![String::new(), "x".into(), foreign];
        for at in (0..stage.clinician.len()).step_by(7) {
            let mut bytes = stage.clinician.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            altered.push(String::from_utf8(bytes).unwrap());
        }
        for token in altered {
            assert_eq!(stage.frame(&token, &uids).0, 401, "{token}");
        }
        assert_eq!(stage.frame(&stage.clinician, &uids).0, 200);
    }

    #[test]
    fn a_removed_person_opens_nothing_new_at_once_and_nothing_at_all_two_seconds_later() {
        let stage = stage();
        let (open, closed) = (Uids::new(1, 1, 1), Uids::new(2, 1, 1));
        assert_eq!(stage.store(&stage.system, &open, &Person::nth(1), 1), 200);
        assert_eq!(stage.store(&stage.system, &closed, &Person::nth(2), 1), 200);
        assert_eq!(stage.frame(&stage.clinician, &open).0, 200);
        stage.archive.admin(&["person", "remove", "clinician RSUD-A"]).unwrap();
        // A release shows the token to the key service. What it refuses looks like what is not there.
        let refused = stage.frame(&stage.clinician, &closed).0;
        assert!([401, 404].contains(&refused), "{refused}");
        // Whoever was refused has nothing at hand any more; without that refusal the archive forgets by itself.
        assert_eq!(stage.frame(&stage.clinician, &open).0, 401);
        let again = stage.archive.admin(&["person", "add", "other", "--facility", "RSUD-A", "--role", "clinician"]);
        again.unwrap();
        let other = stage.archive.admin(&["token", "--as", "other"]).unwrap();
        assert_eq!(stage.frame(&other, &open).0, 200);
        stage.archive.admin(&["person", "remove", "other"]).unwrap();
        std::thread::sleep(REMEMBERED);
        assert_eq!(stage.frame(&other, &open).0, 401);
    }

    #[test]
    fn commitment_tells_a_facility_of_what_it_has_sent_and_of_nothing_else() {
        let stage = stage();
        let other = stage.archive.facility("RSUD-B").unwrap();
        let uids = Uids::new(1, 1, 1);
        assert_eq!(stage.store(&stage.system, &uids, &Person::nth(1), 1), 200);
        let asked = serde_json::json!({"00081199": {"vr": "SQ", "Value": [{
            "00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
            "00081155": {"vr": "UI", "Value": [uids.instance]},
        }]}});
        let ask = |token: &str| {
            let body = asked.to_string();
            let arguments = ["-H", "Content-Type: application/dicom+json", "--data-binary", &body];
            let (status, body) =
                stage.archive.curl(token, &arguments, "/dicom-web/commitment-requests/2.25.7").unwrap();
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            let report: serde_json::Value = serde_json::from_slice(&body).unwrap();
            (report.get("00081199").is_some(), report.pointer("/00081198/Value/0/00081197/Value/0").cloned())
        };
        assert_eq!(ask(&stage.system), (true, None));
        // Failure Reason 0112H: as for an instance that nobody has ever sent.
        assert_eq!(ask(&other.system), (false, Some(serde_json::json!(0x0112))));
    }

    #[test]
    fn a_worklist_shows_no_orders_of_another_facility() {
        let stage = stage();
        let other = stage.archive.facility("RSUD-B").unwrap();
        for (title, facility) in [("CT1", "RSUD-A"), ("CT9", "RSUD-B")] {
            stage.archive.peer(title, facility).unwrap();
        }
        let order = serde_json::json!({
            "resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}],
            "code": {"text": "CT kepala"}, "occurrenceDateTime": "2026-11-22T08:00:00+07:00",
            "subject": {"identifier": {"system": "https://fhir.kemkes.go.id/id/nik", "value": Person::nth(1).nik}},
        });
        let path = stage.folder.path().join("order.json");
        std::fs::write(&path, order.to_string()).unwrap();
        let body = format!("@{}", path.display());
        let arguments = ["-H", "Content-Type: application/fhir+json", "--data-binary", &body];
        let (status, said) = stage.archive.curl(&stage.system, &arguments, "/fhir/ServiceRequest").unwrap();
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&said));
        // The other facility treats the same person: it sees what is kept of her, and not what somebody else's station has to do.
        assert_eq!(stage.store(&other.system, &Uids::new(5, 1, 1), &Person::nth(1), 5), 200);
        let port = stage.archive.dimse.port().to_string();
        let scheduled = |title: &str| {
            let arguments = ["-v", "-W", "-aet", title, "-aec", "SEGEL", "-k", "StudyInstanceUID", "127.0.0.1", &port];
            let found = sim::program::run("findscu", &arguments).unwrap();
            let said = [found.stderr, found.stdout].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
            assert!(found.status.success() && said.contains("Success"), "{said}");
            said.matches("Find Response: ").count()
        };
        assert_eq!((scheduled("CT1"), scheduled("CT9")), (1, 0));
    }

    #[test]
    fn another_facility_sees_and_alters_nothing() {
        let stage = stage();
        let other = stage.archive.facility("RSUD-B").unwrap();
        let uids = Uids::new(1, 1, 1);
        assert_eq!(stage.store(&stage.system, &uids, &Person::nth(1), 1), 200);
        assert_eq!(stage.frame(&other.clinician, &uids).0, 404);
        assert_eq!(stage.archive.json(&other.clinician, "/dicom-web/studies").unwrap(), serde_json::json!([]));
        // The same UIDs and the same number from the other facility: another patient's instance beside it.
        assert_eq!(stage.store(&other.system, &uids, &Person::nth(1), 2), 200);
        let (_, first) = stage.frame(&stage.clinician, &uids);
        let (_, second) = stage.frame(&other.clinician, &uids);
        let holds = |body: &[u8], mark: u8| body.windows(32).any(|window| window == [mark; 32]);
        assert!(holds(&first, 1) && !holds(&first, 2), "the first facility reads its own");
        assert!(holds(&second, 2) && !holds(&second, 1), "the second facility reads its own");
    }

    #[test]
    fn any_flipped_bit_of_a_segment_is_found_by_scrub() {
        let stage = stage();
        assert_eq!(stage.store(&stage.system, &Uids::new(1, 1, 1), &Person::nth(1), 1), 200);
        let data = stage.archive.data.clone();
        stage.archive.stop().unwrap();
        segel(&data, "scrub", &["--json"]).unwrap();
        let segment = kept::files(&data.join("archive/segments")).unwrap().remove(0);
        let whole = std::fs::read(&segment).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 40) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&segment, &bytes).unwrap();
            let report = segel_output(&data, "scrub", &["--json"]).unwrap();
            assert_eq!(report.status.code(), Some(1), "byte {at}: {}", String::from_utf8_lossy(&report.stdout));
        }
        std::fs::write(&segment, &whole).unwrap();
        segel(&data, "scrub", &["--json"]).unwrap();
    }

    /// Whether a file of the ledger proves nothing any more: a partial tile beside its full one or beside a wider one (C2SP
    /// tlog-tiles).
    fn is_superseded(file: &Path, all: &[PathBuf]) -> bool {
        let (text, all) = (file.to_str().unwrap(), all.iter().map(|file| file.to_str().unwrap()));
        let Some((tile, width)) = text.rsplit_once(".p/") else { return false };
        let width: usize = width.parse().unwrap();
        let wider = |other: &str| {
            let partial = other.rsplit_once(".p/");
            other == tile || partial.is_some_and(|(of, its)| of == tile && its.parse::<usize>().unwrap() > width)
        };
        all.into_iter().any(wider)
    }

    #[test]
    fn an_altered_or_shortened_ledger_does_not_verify() {
        // More than one full tile: 256 entries.
        const STORED: usize = 280;
        let stage = stage();
        for n in 0..STORED {
            assert_eq!(stage.store(&stage.system, &Uids::new(n + 1, 1, 1), &Person::nth(n), 1), 200);
        }
        let data = stage.archive.data.clone();
        stage.archive.stop().unwrap();
        segel(&data, "verify", &["--json"]).unwrap();
        let ledger = data.join("keyservice/ledger");
        let all = kept::files(&ledger).unwrap();
        let name = |file: &Path| file.strip_prefix(&ledger).unwrap().display().to_string();
        let proving: Vec<&PathBuf> =
            all.iter().filter(|file| !file.ends_with("vkey") && !is_superseded(file, &all)).collect();
        let names: Vec<String> = proving.iter().map(|file| name(file)).collect();
        for kind in
            ["checkpoint", "tile/0/000", "tile/entries/000", "tile/0/001.p/", "tile/entries/001.p/", "tile/1/000.p/"]
        {
            assert!(names.iter().any(|name| name.starts_with(kind)), "no {kind} among {names:?}");
        }
        let mut unnoticed = Vec::new();
        let mut attacks = 0;
        for file in proving {
            let whole = std::fs::read(file).unwrap();
            let places = (0..whole.len()).step_by(whole.len().div_ceil(12)).chain([whole.len() - 1]);
            let flips = places.map(|at| {
                let mut bytes = whole.clone();
                bytes[at] ^= 4;
                (format!("byte {at} changed"), Some(bytes))
            });
            let others = [
                ("the last byte gone", Some(whole[..whole.len() - 1].to_vec())),
                ("half of it gone", Some(whole[..whole.len() / 2].to_vec())),
                ("empty", Some(Vec::new())),
                ("a byte more", Some([whole.as_slice(), &[0]].concat())),
                ("gone", None),
            ];
            for (what, bytes) in flips.chain(others.map(|(what, bytes)| (what.to_owned(), bytes))) {
                match bytes {
                    Some(bytes) => std::fs::write(file, bytes).unwrap(),
                    None => std::fs::remove_file(file).unwrap(),
                }
                attacks += 1;
                if segel_output(&data, "verify", &["--json"]).unwrap().status.code() != Some(1) {
                    unnoticed.push(format!("{}: {what}", name(file)));
                }
            }
            std::fs::write(file, &whole).unwrap();
        }
        assert!(unnoticed.is_empty(), "{} of {attacks} attacks: {unnoticed:#?}", unnoticed.len());
        segel(&data, "verify", &["--json"]).unwrap();
    }

    #[test]
    fn while_the_key_service_is_away_nothing_is_read_or_stored_or_written_in_clear() {
        let stage = stage();
        let uids = Uids::new(1, 1, 1);
        assert_eq!(stage.store(&stage.system, &uids, &Person::nth(1), 1), 200);
        let keyservice = stage.archive.keyservice_process_id().unwrap().to_string();
        sim::program::must("kill", &["-STOP", &keyservice]).unwrap();
        let stored = stage.store(&stage.system, &Uids::new(2, 1, 1), &Person::nth(2), 2);
        let (read, _) = stage.frame(&stage.clinician, &uids);
        sim::program::must("kill", &["-CONT", &keyservice]).unwrap();
        assert_eq!((stored, read), (503, 503));
        let person = Person::nth(2);
        let needles: Vec<_> =
            [&person.name, &person.number].into_iter().flat_map(|text| kept::encodings(text)).collect();
        assert_eq!(kept::search(&stage.archive.data, &needles).unwrap(), []);
        assert_eq!(stage.store(&stage.system, &Uids::new(2, 1, 1), &person, 2), 200);
    }
}
