//! Bulk exports, from the request to the recipient's machine, and what each theft on the way yields.

#[cfg(test)]
mod tests {
    use sim::adversary::Finding;
    use sim::approver::{Approvers, RULES, proposed, refused};
    use sim::process::{Archive, segel};
    use sim::sample::{Person, Uids, data_set, file};
    use std::path::Path;

    struct Stage {
        folder: tempfile::TempDir,
        archive: Archive,
        clinician: String,
        system: String,
    }

    fn stage() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start_with_keyservice(&folder.path().join("data"), RULES).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        Stage { folder, archive, clinician: tokens.clinician, system: tokens.system }
    }

    impl Stage {
        fn path(&self, name: &str) -> String {
            self.folder.path().join(name).display().to_string()
        }

        fn store(&self, patient: usize) {
            self.store_by(patient, &self.system);
        }

        fn store_by(&self, patient: usize, system: &str) {
            let (person, uids) = (Person::nth(patient), Uids::new(patient, 1, 1));
            let path = self.path("one.dcm");
            std::fs::write(&path, file(&uids, &data_set(&person, &uids, 64, &[7; 32]))).unwrap();
            let body = format!("@{path}");
            let sent = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
            assert_eq!(self.archive.curl(system, &sent, "/dicom-web/studies").unwrap().0, 200);
        }

        fn request(&self, recipient: &str, patients: &str) -> String {
            let recipient = format!("{}.pub", self.path(recipient));
            let asked = [
                "request",
                "--recipient",
                &recipient,
                "--name",
                "University",
                "--purpose",
                "HRESCH",
                "--facility",
                "RSUD-A",
                "--patients-max",
                patients,
                "--reason",
                "a study",
            ];
            proposed(&self.archive.data, "export", &asked).unwrap()
        }

        fn run(&self, id: &str, to: &str) {
            let to = self.path(to);
            segel(&self.archive.data, "export", &["run", id, "--to", &to, "--token", &self.clinician]).unwrap();
        }

        fn vkey(&self) -> String {
            std::fs::read_to_string(self.archive.data.join("keyservice/ledger/vkey")).unwrap().trim().to_owned()
        }

        fn open(&self, bundle: &str, key: &str, to: &str) -> Result<String, String> {
            let (bundle, key, folder) = (self.path(bundle), self.path(key), self.path(to));
            let vkey = self.vkey();
            let arguments = ["open", &bundle, "--key", &key, "--to", &folder, "--vkey", &vkey];
            segel(&self.archive.data, "export", &arguments).map_err(|error| error.to_string())
        }
    }

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.filter(|path| path.extension().is_some_and(|ending| ending == "dcm")).collect()
    }

    /// Of the archive's fifteen patients, how many can be read in these files: by number, name or UID.
    fn readable(files: &[Vec<u8>]) -> usize {
        let has = |needle: &[u8]| files.iter().any(|file| memchr::memmem::find(file, needle).is_some());
        let is_readable = |patient: &usize| {
            let person = Person::nth(*patient);
            let study = Uids::new(*patient, 1, 1).study;
            has(person.number.as_bytes()) || has(person.name.as_bytes()) || has(study.as_bytes())
        };
        (0..15).filter(is_readable).count()
    }

    fn told(way: &'static str, found: usize, limit: usize) {
        let [yielded, limit] = [found, limit].map(|count| f64::from(u32::try_from(count).unwrap()));
        Finding { row: "export laptop", way, yielded, limit, unit: "patients", note: String::new() }.must_be_met();
    }

    #[test]
    fn an_export_is_approved_by_two_sealed_for_one_and_opens_as_exactly_that() {
        let stage = stage();
        for patient in 0..12 {
            stage.store(patient);
        }
        // Another facility's are in the archive and not in the export.
        let other = stage.archive.facility("RSUD-B").unwrap().system;
        for patient in 12..15 {
            stage.store_by(patient, &other);
        }
        let data = &stage.archive.data;
        for name in ["recipient", "thief"] {
            segel(data, "export", &["keygen", &stage.path(name)]).unwrap();
        }
        // Without approvers there is no bulk export.
        let recipient = format!("{}.pub", stage.path("recipient"));
        let rest = "--name University --purpose HRESCH --facility RSUD-A --patients-max 20 --reason study";
        let asked: Vec<&str> = ["request", "--recipient", &recipient].into_iter().chain(rest.split(' ')).collect();
        refused(data, "export", &asked).unwrap();
        let approvers = Approvers::register(&stage.archive, "RSUD-A", stage.folder.path()).unwrap();
        let id = stage.request("recipient", "20");
        let bundle = stage.path("bundle");
        let run = ["run", &id, "--to", &bundle, "--token", &stage.clinician];
        refused(data, "export", &run).unwrap();
        approvers.approve(&stage.archive, &id).unwrap();
        refused(data, "export", &["run", &id, "--to", &bundle, "--token", "no token"]).unwrap();
        stage.run(&id, "bundle");

        // The laptop, locked: the bundle without the key. Nothing of a patient stands in it.
        let sealed = std::fs::read(&bundle).unwrap();
        told("locked: the bundle without its recipient's key", readable(&[sealed]), 0);
        assert!(stage.open("bundle", "thief", "stolen").is_err());
        // Another implementation, written from docs/formats.md, finds the same files.
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/open_bundle.py");
        let python = sim::program::python().unwrap().display().to_string();
        let read = sim::program::must(&python, &[script, &bundle, &stage.path("recipient")]).unwrap();
        assert_eq!(read.lines().count(), 14, "twelve files, the manifest, the receipt");
        // Unlocked: exactly that export.
        let said = stage.open("bundle", "recipient", "opened").unwrap();
        assert!(said.contains("verified: 12 files"), "{said}");
        let opened = files(Path::new(&stage.path("opened")));
        assert_eq!(opened.len(), 12);
        for path in &opened {
            let bytes = std::fs::read(path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert_eq!(&bytes[..17 + 32], format!("SEGEL DISCLOSURE {name}").as_bytes());
            assert!(bytes[49..128].iter().all(|byte| *byte == 0) && &bytes[128..132] == b"DICM");
        }
        let opened: Vec<Vec<u8>> = opened.iter().map(|path| std::fs::read(path).unwrap()).collect();
        assert_eq!(readable(&opened), 12, "exactly that export");
        told("unlocked: the bundle and its recipient's key, 12 of 15 patients exported", readable(&opened), 12);
        // Each file's disclosure is in the ledger, under the same id also when the export is run again.
        stage.run(&id, "again");
        stage.open("again", "recipient", "twice").unwrap();
        let names = |folder: &str| {
            let mut names: Vec<_> =
                files(Path::new(&stage.path(folder))).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names("opened"), names("twice"));
    }

    #[test]
    fn a_bundle_that_was_changed_or_cut_leaves_nothing() {
        let stage = stage();
        for patient in 0..3 {
            stage.store(patient);
        }
        segel(&stage.archive.data, "export", &["keygen", &stage.path("recipient")]).unwrap();
        // A small export needs nobody's approval and no right but its runner's.
        let id = stage.request("recipient", "10");
        stage.run(&id, "bundle");
        let whole = std::fs::read(stage.path("bundle")).unwrap();
        assert!(stage.open("bundle", "recipient", "opened").is_ok());
        assert!(stage.open("bundle", "recipient", "opened").is_err(), "a folder that is there is not touched");
        for (number, at) in [0, 20, 60, 90, 150, 200, 400, whole.len() / 2, whole.len() - 1].into_iter().enumerate() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(stage.path("changed"), &changed).unwrap();
            let folder = format!("changed-{number}");
            assert!(stage.open("changed", "recipient", &folder).is_err(), "byte {at}");
            std::fs::write(stage.path("cut"), &whole[..at]).unwrap();
            assert!(stage.open("cut", "recipient", &folder).is_err(), "cut at {at}");
            assert!(!Path::new(&stage.path(&folder)).exists());
            assert!(!Path::new(&stage.path(&format!("{folder}.part"))).exists(), "nothing half-readable is left");
        }
        // The right bundle under another archive's key.
        let (bundle, key) = (stage.path("bundle"), stage.path("recipient"));
        let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let folder = stage.path("other");
        refused(&stage.archive.data, "export", &["open", &bundle, "--key", &key, "--to", &folder, "--vkey", vkey])
            .unwrap();
    }

    #[test]
    fn an_export_gives_no_more_patients_than_were_approved() {
        let stage = stage();
        for patient in 0..14 {
            stage.store(patient);
        }
        segel(&stage.archive.data, "export", &["keygen", &stage.path("recipient")]).unwrap();
        let approvers = Approvers::register(&stage.archive, "RSUD-A", stage.folder.path()).unwrap();
        let id = stage.request("recipient", "11");
        approvers.approve(&stage.archive, &id).unwrap();
        stage.run(&id, "bundle");
        let said = stage.open("bundle", "recipient", "opened").unwrap();
        assert!(said.contains("verified: 11 files"), "{said}");
        // Rejected by one, it never runs.
        let id = stage.request("recipient", "11");
        let key = approvers.keys[0].display().to_string();
        segel(&stage.archive.data, "approve", &["reject", &id, "--key", &key]).unwrap();
        let to = stage.path("never");
        refused(&stage.archive.data, "export", &["run", &id, "--to", &to, "--token", &stage.clinician]).unwrap();
        assert!(!Path::new(&to).exists());
    }
}
