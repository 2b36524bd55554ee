//! Keys kept, replaced and destroyed: what older backups give, to their owner and to a thief.

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sim::adversary::Finding;
    use sim::kept;
    use sim::process::{Archive, PASSPHRASE, segel, segel_output};
    use sim::program::ours;
    use sim::sample::{Person, Uids, data_set, file};
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output, Stdio};

    fn copy(from: &Path, to: &Path) {
        for file in kept::files(from).unwrap() {
            let target = to.join(file.strip_prefix(from).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(file, target).unwrap();
        }
    }

    /// Puts a folder's copy in its place.
    fn put_back(copied: &Path, folder: &Path) {
        std::fs::remove_dir_all(folder).unwrap();
        copy(copied, folder);
    }

    /// A command of the key service on a folder, with its own words after the flags.
    fn keyservice(folder: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(ours("segel").unwrap());
        command.arg("keyservice").arg("--data").arg(folder).args(arguments).env("SEGEL_PASSPHRASE", PASSPHRASE);
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn done(output: Output) -> String {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the key service wrote down.
    fn events(data: &Path) -> Vec<Value> {
        let lines = done(keyservice(&data.join("keyservice"), &["--events"]));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A patient's study, and what the archive calls the patient.
    struct Kept {
        uids: Uids,
        patient: String,
    }

    fn store(archive: &Archive, folder: &Path, token: &str, number: usize) -> Kept {
        let uids = Uids::new(number, 1, 1);
        let path = folder.join("one.dcm");
        let person = Person::nth(number);
        std::fs::write(&path, file(&uids, &data_set(&person, &uids, 64, &[u8::try_from(number).unwrap(); 32])))
            .unwrap();
        let body = format!("@{}", path.display());
        let arguments = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        assert_eq!(archive.curl(token, &arguments, "/dicom-web/studies").unwrap().0, 200);
        let admitted = events(&archive.data).into_iter().rfind(|event| event["action"] == "Admit").unwrap();
        Kept { uids, patient: admitted["patient"].as_str().unwrap().to_owned() }
    }

    /// Whether a study reads, by every way to it.
    fn reads(archive: &Archive, token: &str, kept: &Kept) -> bool {
        let Uids { study, series, instance, .. } = &kept.uids;
        let get = |path: &str| archive.curl(token, &[], path).unwrap().0 == 200;
        let ways = [
            get(&format!("/dicom-web/studies/{study}/metadata")),
            get(&format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/1")),
            get(&format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered")),
            get(&format!("/dicom-web/studies/{study}")),
            !archive
                .json(token, &format!("/dicom-web/studies?StudyInstanceUID={study}&includefield=PatientName"))
                .map_or(Vec::new(), |found| found.as_array().cloned().unwrap_or_default())
                .is_empty(),
        ];
        assert!(ways.iter().all(|way| *way == ways[0]), "the doors disagree: {ways:?}");
        ways[0]
    }

    struct Stage {
        folder: tempfile::TempDir,
        data: PathBuf,
        vkey: String,
        clinician: String,
        kept: Vec<Kept>,
    }

    impl Stage {
        /// Three patients; the archive runs.
        fn new() -> (Self, Archive) {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            let archive = Archive::start(&data).unwrap();
            let tokens = archive.facility("RSUD-A").unwrap();
            let kept = (1..=3).map(|number| store(&archive, folder.path(), &tokens.system, number)).collect();
            let vkey = std::fs::read_to_string(data.join("keyservice/ledger/vkey")).unwrap().trim().to_owned();
            (Self { folder, data, vkey, clinician: tokens.clinician, kept }, archive)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn text(&self, name: &str) -> String {
            self.path(name).display().to_string()
        }

        fn registrar(&self, archive: &Archive) -> String {
            archive.admin(&["person", "add", "Ani", "--facility", "RSUD-A", "--role", "registrar"]).unwrap();
            archive.admin(&["token", "--as", "Ani", "--purpose", "PATRQT"]).unwrap()
        }

        fn reading(&self, archive: &Archive) -> Vec<bool> {
            self.kept.iter().map(|kept| reads(archive, &self.clinician, kept)).collect()
        }
    }

    #[test]
    fn erasure_reaches_every_backup_and_nobody_elses_records() {
        let (stage, archive) = Stage::new();
        archive.stop().unwrap();
        copy(&stage.data.join("archive"), &stage.path("older-archive"));
        let archive = Archive::start(&stage.data).unwrap();
        // The key service's backup is made while it runs, and written down.
        let said = done(keyservice(&stage.data.join("keyservice"), &["backup", &stage.text("older-state")]));
        assert!(said.contains("written down in the ledger"), "{said}");
        assert!(!stage.path("older-state").join("vault.key").exists(), "a backup never has the vault");
        assert_eq!(stage.reading(&archive), [true, true, true]);

        let registrar = stage.registrar(&archive);
        let certificate = stage.text("certificate.json");
        let order = |further: &[&str]| {
            let mut arguments = vec![stage.kept[1].patient.as_str(), "--reason", "asked", "--token", &registrar];
            arguments.extend(["--out", &certificate]);
            arguments.extend(further);
            segel_output(&stage.data, "erase", &arguments).unwrap()
        };
        // Within the time of retention a basis is needed; on hold, a court's.
        let refused = order(&[]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("retention"), "{refused:?}");
        archive.admin(&["hold", &stage.kept[1].patient, "--reason", "a dispute"]).unwrap();
        assert!(archive.admin(&["holds"]).unwrap().contains("a dispute"));
        assert!(!order(&["--basis", "patient-request"]).status.success());
        archive.admin(&["lift", &stage.kept[1].patient, "--reason", "settled"]).unwrap();
        assert_eq!(stage.reading(&archive), [true, true, true], "a refused erasure destroys nothing");
        done(order(&["--basis", "patient-request"]));
        // Content keys that were read a moment ago end with the archive node's memory, or within a minute.
        archive.stop().unwrap();
        let archive = Archive::start(&stage.data).unwrap();
        assert_eq!(stage.reading(&archive), [true, false, true]);
        let told = segel(&stage.data, "verify", &[certificate.as_str(), "--vkey", &stage.vkey]).unwrap();
        assert!(told.contains("SERTIFIKAT PENGHAPUSAN") && told.contains("the patient's request"), "{told}");
        let text = std::fs::read_to_string(&certificate).unwrap();
        std::fs::write(&certificate, text.replace("patient-request", "court-order")).unwrap();
        assert!(segel(&stage.data, "verify", &[certificate.as_str(), "--vkey", &stage.vkey]).is_err());

        // An older backup of the archive's folder, beside the keys of today.
        archive.stop().unwrap();
        put_back(&stage.path("older-archive"), &stage.data.join("archive"));
        let archive = Archive::start(&stage.data).unwrap();
        assert_eq!(stage.reading(&archive), [true, false, true], "the archive's older backup");
        archive.stop().unwrap();

        // An older state, put in force deliberately: everybody but the erased.
        let said = done(keyservice(&stage.data.join("keyservice"), &["restore", &stage.text("older-state")]));
        assert!(said.contains("1 erased again"), "{said}");
        let archive = Archive::start(&stage.data).unwrap();
        assert_eq!(stage.reading(&archive), [true, false, true], "the key service's older backup");
        assert!(
            events(&stage.data)
                .iter()
                .any(|event| event["detail"].as_str().is_some_and(|d| d.contains("was restored")))
        );
        archive.stop().unwrap();
        let log = stage.data.join("keyservice/ledger").display().to_string();
        let verified = segel(&stage.data, "verify", &[log.as_str(), "--vkey", &stage.vkey]).unwrap();
        assert!(verified.starts_with("verified"), "the log went on where it was: {verified}");
    }

    #[test]
    fn a_thief_with_every_backup_the_root_and_the_vault_of_today_opens_no_erased_patient() {
        let (stage, archive) = Stage::new();
        let registrar = stage.registrar(&archive);
        archive.stop().unwrap();
        copy(&stage.data, &stage.path("stolen"));
        let archive = Archive::start(&stage.data).unwrap();
        let arguments =
            [&stage.kept[0].patient, "--reason", "asked", "--basis", "patient-request", "--token", &registrar];
        let order: Vec<&str> = arguments.iter().map(|argument| argument.as_ref()).collect();
        segel(&stage.data, "erase", &order).unwrap();
        archive.stop().unwrap();

        // The whole folder as it was before the erasure, but for the vault, which was destroyed: the one of today in its place.
        let stolen = stage.path("stolen");
        std::fs::copy(stage.data.join("keyservice/vault.key"), stolen.join("keyservice/vault.key")).unwrap();
        let refused = segel_output(&stolen, "admin", &["list"]).unwrap();
        assert!(String::from_utf8_lossy(&refused.stderr).contains("set back"), "{refused:?}");
        // Even so put in force.
        let said = done(keyservice(&stolen.join("keyservice"), &["backup", &stage.text("loot")]));
        assert!(said.contains("no service wrote it down"), "{said}");
        done(keyservice(&stolen.join("keyservice"), &["restore", &stage.text("loot")]));
        let thief = Archive::start(&stolen).unwrap();
        let reading = stage.reading(&thief);
        Finding {
            row: "an erased patient, from backups of before",
            way: "every older copy, the root and the vault of today",
            yielded: f64::from(u8::from(reading[0])),
            limit: 0.0,
            unit: "patients",
            note: "all others open".into(),
        }
        .must_be_met();
        assert_eq!(reading, [false, true, true]);
        thief.stop().unwrap();
        // The vault that was destroyed is what was missing, and nothing else: with it the same files open everything.
        // (No file of today holds it: what is left of the old one is zeros.)
    }

    #[test]
    fn a_new_root_is_in_force_and_shares_give_a_lost_passphrase_back() {
        let (stage, archive) = Stage::new();
        archive.stop().unwrap();
        let folder = stage.data.join("keyservice");
        let shares = done(keyservice(&folder, &["split", "--shares", "3", "--needed", "2"]));
        let shares: Vec<&str> = shares.lines().collect();
        assert_eq!(shares.len(), 3);
        std::fs::write(stage.path("new"), "another passphrase").unwrap();
        // The passphrase is lost; two holders come.
        let recover = |lines: String| {
            let mut command = Command::new(ours("segel").unwrap());
            command.arg("keyservice").arg("--data").arg(&folder).args(["recover", "--new-passphrase-file"]);
            let mut child = command
                .arg(stage.path("new"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), lines.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let few = recover(shares[0].to_owned());
        assert!(String::from_utf8_lossy(&few.stderr).contains("too few"), "{few:?}");
        let slip = recover(format!("{}\n{}", shares[0], shares[1].replace('a', "b")));
        assert!(String::from_utf8_lossy(&slip.stderr).contains("line 2"), "{slip:?}");
        done(recover(format!("{}\n{}\n", shares[2], shares[0])));
        assert!(!keyservice(&folder, &["--events"]).status.success(), "the old passphrase opens nothing");
        // Back to the tests' own passphrase, by a rotation.
        std::fs::write(stage.path("old"), PASSPHRASE).unwrap();
        let rotated = Command::new(ours("segel").unwrap())
            .args(["keyservice", "--passphrase-file"])
            .arg(stage.path("new"))
            .arg("--data")
            .arg(&folder)
            .args(["rotate", "--new-passphrase-file"])
            .arg(stage.path("old"))
            .output()
            .unwrap();
        done(rotated);
        let archive = Archive::start(&stage.data).unwrap();
        assert_eq!(stage.reading(&archive), [true, true, true]);
        let rotations = events(&stage.data).iter().filter(|event| event["action"] == "RotateRoot").count();
        assert_eq!(rotations, 2, "the shares' passphrase, and the root");
        let refused = keyservice(&folder, &["rotate", "--new-passphrase-file", &stage.text("new")]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("another process serves"), "{refused:?}");
        archive.stop().unwrap();
    }
}
