//! The clients that hospitals have: DCMTK, pynetdicom, dicomweb-client, and an independent reader of FHIR.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::program;
    use sim::relay::Relay;
    use sim::sample::{Person, Uids, covid_bundle, data_set, file};
    use std::path::{Path, PathBuf};

    fn started() -> (tempfile::TempDir, Archive) {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        (folder, archive)
    }

    /// Ten files of five people in a folder.
    fn files(folder: &Path) -> Vec<PathBuf> {
        std::fs::create_dir_all(folder).unwrap();
        let one = |n: usize| {
            let uids = Uids::new(n / 2 + 1, 1, n + 1);
            let path = folder.join(format!("{n}.dcm"));
            std::fs::write(&path, file(&uids, &data_set(&Person::nth(n / 2), &uids, 128, &n.to_le_bytes()))).unwrap();
            path
        };
        (0..10).map(one).collect()
    }

    #[test]
    fn dcmtk_echoes_stores_and_finds() {
        let (folder, archive) = started();
        archive.facility("RSUD-A").unwrap();
        archive.peer("MODALITY", "RSUD-A").unwrap();
        let files = files(&folder.path().join("in"));
        let port = archive.dimse.port().to_string();
        let peer = ["-aet", "MODALITY", "-aec", "SEGEL", "127.0.0.1", &port];
        program::must("echoscu", &peer).unwrap();
        let mut arguments: Vec<&str> = peer.to_vec();
        let names: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
        arguments.extend(&names[..5]);
        program::must("storescu", &arguments).unwrap();
        let mut arguments: Vec<&str> = peer.to_vec();
        arguments.extend(&names[5..]);
        program::must("dcmsend", &arguments).unwrap();
        let find = |model: &str, keys: &[&str]| {
            let mut arguments = vec!["-v", model, "-aet", "MODALITY", "-aec", "SEGEL", "127.0.0.1", &port];
            for key in keys {
                arguments.extend(["-k", key]);
            }
            program::must("findscu", &arguments).unwrap()
        };
        let answers = |text: &str| text.matches("(Pending)").count();
        let person = Person::nth(1);
        let all = find("-S", &["QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientName"]);
        assert_eq!(answers(&all), 5, "{all}");
        let by_number =
            find("-S", &["QueryRetrieveLevel=STUDY", "StudyInstanceUID", &format!("PatientID={}", person.number)]);
        assert_eq!(answers(&by_number), 1, "{by_number}");
        let by_name = find(
            "-P",
            &["QueryRetrieveLevel=PATIENT", "PatientID", &format!("PatientName={}*", person.name.get(..6).unwrap())],
        );
        assert!(answers(&by_name) >= 1 && by_name.contains(&person.number), "{by_name}");
        let study = Uids::new(2, 1, 1).study;
        let images = find(
            "-S",
            &[
                "QueryRetrieveLevel=IMAGE",
                &format!("StudyInstanceUID={study}"),
                &format!("SeriesInstanceUID={study}.1"),
                "SOPInstanceUID",
            ],
        );
        assert_eq!(answers(&images), 2, "{images}");
        let none = find("-S", &["QueryRetrieveLevel=STUDY", "StudyInstanceUID", "StudyDate=20000101-20001231"]);
        assert_eq!(answers(&none), 0, "{none}");
        let refused = program::run("echoscu", &["-aet", "STRANGER", "-aec", "SEGEL", "127.0.0.1", &port]).unwrap();
        assert!(!refused.status.success());
    }

    /// A self-signed certificate and its key, as `openssl` makes them.
    fn certificate(folder: &Path, name: &str) -> (String, String) {
        let (key, certificate) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.crt")));
        let (key, certificate) = (key.to_str().unwrap().to_owned(), certificate.to_str().unwrap().to_owned());
        let subject = format!("/CN={name}");
        let arguments = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        program::must("openssl", &arguments).unwrap();
        (key, certificate)
    }

    #[test]
    fn dcmtk_over_tls_is_known_by_its_certificate() {
        let (folder, archive) = started();
        archive.facility("RSUD-A").unwrap();
        let (key, known) = certificate(folder.path(), "modality");
        let (strangers_key, stranger) = certificate(folder.path(), "stranger");
        archive.admin(&["peer", "add", "MODALITY", "--facility", "RSUD-A", "--cert", &known]).unwrap();
        let files = files(&folder.path().join("in"));
        let port = archive.dimse_tls.port().to_string();
        let speak = |program: &str, title: &str, key: &str, certificate: &str, rest: &[&str]| {
            let mut arguments =
                vec!["+tls", key, certificate, "-ic", "-aet", title, "-aec", "SEGEL", "127.0.0.1", &port];
            arguments.extend(rest);
            program::run(program, &arguments).unwrap()
        };
        let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
        // The door asks for newly registered certificates every two seconds.
        std::thread::sleep(std::time::Duration::from_secs(3));
        let echo = speak("echoscu", "MODALITY", &key, &known, &[]);
        assert!(echo.status.success(), "{}", said(&echo));
        let stored = speak("storescu", "MODALITY", &key, &known, &[files[0].to_str().unwrap()]);
        assert!(stored.status.success(), "{}", said(&stored));
        let sent =
            speak("storescu", "MODALITY", &key, &known, &[files[1].to_str().unwrap(), files[2].to_str().unwrap()]);
        assert!(sent.status.success(), "{}", said(&sent));
        let relay = Relay::start(archive.dimse_tls, &key, &known).unwrap();
        let file = files[3].to_str().unwrap();
        program::must("dcmsend", &["-aet", "MODALITY", "-aec", "SEGEL", "127.0.0.1", &relay.port, file]).unwrap();
        let found = speak(
            "findscu",
            "MODALITY",
            &key,
            &known,
            &["-v", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID"],
        );
        assert!(found.status.success() && said(&found).contains("Pending"), "{}", said(&found));
        assert!(
            !speak("echoscu", "MODALITY", &strangers_key, &stranger, &[]).status.success(),
            "an unknown certificate"
        );
        assert!(!speak("echoscu", "OTHER", &key, &known, &[]).status.success(), "a certificate bound to another title");
        let plain = archive.dimse.port().to_string();
        let downgrade = program::run("echoscu", &["-aet", "MODALITY", "-aec", "SEGEL", "127.0.0.1", &plain]).unwrap();
        assert!(!downgrade.status.success(), "a peer with a certificate on the plain-text port");
    }

    #[test]
    fn pynetdicom_stores_finds_and_stumbles() {
        let (folder, archive) = started();
        let tokens = archive.facility("RSUD-A").unwrap();
        archive.peer("PYNETDICOM", "RSUD-A").unwrap();
        files(&folder.path().join("in"));
        let arguments = [archive.dimse.to_string(), folder.path().join("in").display().to_string()];
        print!("{}", program::script("dimse_client.py", &arguments).unwrap());
        let studies = archive.json(&tokens.clinician, "/dicom-web/studies").unwrap();
        // Five people's, and one of a patient without a number.
        assert_eq!(studies.as_array().unwrap().len(), 6);
    }

    #[test]
    fn dicomweb_client_stores_finds_and_retrieves() {
        let (folder, archive) = started();
        let tokens = archive.facility("RSUD-A").unwrap();
        files(&folder.path().join("in"));
        let url = format!("http://{}/dicom-web", archive.http);
        let arguments = [
            url.as_str(),
            tokens.system.as_str(),
            tokens.clinician.as_str(),
            folder.path().join("in").to_str().unwrap(),
        ]
        .map(str::to_owned);
        print!("{}", program::script("dicomweb_client_story.py", &arguments).unwrap());
    }

    #[test]
    fn every_fhir_answer_is_valid_fhir() {
        let (folder, archive) = started();
        let tokens = archive.facility("RSUD-A").unwrap();
        let bundle = folder.path().join("bundle.json");
        std::fs::write(&bundle, covid_bundle(&Person::nth(7), "Positif").to_string()).unwrap();
        let url = format!("http://{}/fhir", archive.http);
        let arguments = [url, tokens.system, tokens.clinician, bundle.display().to_string(), Person::nth(7).nik];
        print!("{}", program::script("fhir_story.py", &arguments).unwrap());
    }

    #[test]
    fn pydicoms_files_come_out_as_they_went_in() {
        let (_folder, archive) = started();
        let tokens = archive.facility("RSUD-A").unwrap();
        let url = format!("http://{}/dicom-web", archive.http);
        print!("{}", program::script("corpus.py", &[url, tokens.system, tokens.clinician]).unwrap());
    }
}
