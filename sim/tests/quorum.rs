//! One administrator alone, with the command line, the settings' file and the processes at hand.

#[cfg(test)]
mod tests {
    use sim::approver::{Approvers, RULES, proposed, refused};
    use sim::process::{Archive, segel};
    use sim::sample::{Person, Uids, data_set, file};

    #[test]
    fn one_administrator_gives_nobody_a_right_and_two_people_do() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start_with_keyservice(&data, RULES).unwrap();
        archive.facility("RSUD-A").unwrap();
        let approvers = Approvers::register(&archive, "RSUD-A", folder.path()).unwrap();
        let rogue = folder.path().join("rogue.key").display().to_string();
        segel(&data, "approve", &["keygen", &rogue]).unwrap();
        let rogue_public = format!("{rogue}.pub");

        for abuse in [
            ["token", "--as", "clinician RSUD-A"].as_slice(),
            &["person", "add", "accomplice", "--facility", "RSUD-A", "--role", "clinician"],
            &["person", "add", "clinician RSUD-A", "--facility", "RSUD-A", "--role", "system", "--replace"],
            &["peer", "add", "ROGUE", "--facility", "RSUD-A"],
            &["approver", "add", "clinician RSUD-A", "--key", &rogue_public],
            &["approver", "add", "Ani", "--key", &rogue_public],
            &["person", "remove", "Ani"],
        ] {
            let said = refused(&data, "admin", abuse).unwrap();
            assert!(said.contains("two"), "{abuse:?}: {said}");
        }

        let token = ["token", "--as", "clinician RSUD-A", "--propose", "dr. Sari lost her laptop"];
        let id = proposed(&data, "admin", &token).unwrap();
        assert_eq!(id.len(), 64, "{id}");
        let shown = segel(&data, "approve", &["show", &id]).unwrap();
        for needle in ["clinician RSUD-A", "dr. Sari lost her laptop", "bearer token", "2 approvals missing"] {
            assert!(shown.contains(needle), "{needle} in {shown}");
        }
        refused(&data, "approve", &["enact", &id]).unwrap();
        refused(&data, "approve", &["sign", &id, "--yes", "--key", &rogue]).unwrap();
        let key = approvers.keys[0].display().to_string();
        segel(&data, "approve", &["sign", &id, "--yes", "--key", &key]).unwrap();
        refused(&data, "approve", &["sign", &id, "--yes", "--key", &key]).unwrap();
        refused(&data, "approve", &["enact", &id]).unwrap();

        // The archive is stopped and the settings' file says that two people are needed for nothing any more.
        archive.stop().unwrap();
        let archive = Archive::start_with_keyservice(&data, "[quorum.access]\nopen_seconds = 5\n").unwrap();
        refused(&data, "admin", &["token", "--as", "clinician RSUD-A"]).unwrap();
        refused(&data, "approve", &["enact", &id]).unwrap();
        let other = approvers.keys[1].display().to_string();
        let at = format!("http://{}", archive.http);
        segel(&data, "approve", &["sign", &id, "--yes", "--key", &other, "--at", &at]).unwrap();
        let clinician = segel(&data, "approve", &["enact", &id]).unwrap();
        let (status, _) = archive.curl(&clinician, &[], "/dicom-web/studies?limit=1").unwrap();
        assert!(status == 200 || status == 204, "{status}");
        refused(&data, "approve", &["enact", &id]).unwrap();
        // A stranger at the archive's door sees no proposal, and neither does a clinician's token.
        refused(&data, "approve", &["list", "--at", &at, "--key", &rogue]).unwrap();
        let (status, _) = archive
            .curl(&clinician, &["-H", "Content-Type: application/cbor", "--data-binary", "x"], "/auth/quorum")
            .unwrap();
        assert_eq!(status, 400);
        // What takes away is done by one, at once.
        archive.admin(&["person", "remove", "clinician RSUD-A"]).unwrap();
        archive.stop().unwrap();
    }

    #[test]
    fn a_patient_hears_who_opened_the_record_and_a_stranger_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start(&data).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        archive.admin(&["person", "add", "auditor A", "--facility", "RSUD-A", "--role", "auditor"]).unwrap();
        let auditor = archive.admin(&["token", "--as", "auditor A", "--purpose", "PATRQT"]).unwrap();
        let (person, uids) = (Person::nth(1), Uids::new(1, 1, 1));
        let path = folder.path().join("one.dcm");
        std::fs::write(&path, file(&uids, &data_set(&person, &uids, 64, &[1; 32]))).unwrap();
        let body = format!("@{}", path.display());
        let sent = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        assert_eq!(archive.curl(&tokens.system, &sent, "/dicom-web/studies").unwrap().0, 200);
        let whole = format!("/dicom-web/studies/{}", uids.study);
        assert_eq!(archive.curl(&tokens.clinician, &[], &whole).unwrap().0, 200);

        let patient = ["--patient", &person.number, "--facility", "RSUD-A", "--token", &auditor];
        let json: serde_json::Value =
            serde_json::from_str(&segel(&data, "report", &[&patient[..], &["--format", "json"]].concat()).unwrap())
                .unwrap();
        let entries = json["entries"].as_array().unwrap();
        let opened = entries.iter().find(|entry| entry["action"] == "Release" && entry["whole"] == true).unwrap();
        assert_eq!((opened["role"].as_str(), opened["facility"].as_str()), (Some("clinician"), Some("RSUD-A")));
        assert_eq!((opened["purpose"].as_str(), opened["kinds"][0].as_str()), (Some("TREAT"), Some("dicom")));
        assert!(opened["name"].is_null(), "no name unless the settings say so");
        let text = segel(&data, "report", &[&patient[..], &["--language", "id"]].concat()).unwrap();
        assert!(text.contains("isi rekaman dibuka") && text.contains("klinisi"), "{text}");
        let bundle: serde_json::Value =
            serde_json::from_str(&segel(&data, "report", &[&patient[..], &["--format", "fhir"]].concat()).unwrap())
                .unwrap();
        assert_eq!(bundle["entry"][0]["resource"]["resourceType"], "AuditEvent");
        // The first report is in the second, and a clinician asks for none.
        let again: serde_json::Value =
            serde_json::from_str(&segel(&data, "report", &[&patient[..], &["--format", "json"]].concat()).unwrap())
                .unwrap();
        assert!(again["entries"].as_array().unwrap().iter().any(|entry| entry["action"] == "Report"));
        let asked =
            ["--patient", &person.number, "--facility", "RSUD-A", "--purpose", "TREAT", "--token", &tokens.clinician];
        refused(&data, "report", &asked).unwrap();
        refused(&data, "report", &["--patient", "nobody", "--facility", "RSUD-A", "--token", &auditor]).unwrap();
        archive.stop().unwrap();
    }
}
