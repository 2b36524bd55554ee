//! Studies come back over DIMSE as they went in: DCMTK's and pynetdicom's C-GET and C-MOVE, at every level of both models,
//! plain and over TLS.

#[cfg(test)]
mod tests {
    use sim::process::{Archive, segel};
    use sim::program;
    use sim::relay::Relay;
    use sim::sample::{Person, Uids, data_set, file};
    use std::collections::BTreeMap;
    use std::net::{TcpListener, TcpStream};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// A port that is free now, for a tool that must be told one.
    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    /// Twelve instances of the first person in two series of one study and one of another; one each of three others.
    fn files(folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let write = |name: &str, person: usize, uids: &Uids, side: u16| {
            let bytes = data_set(&Person::nth(person), uids, side, name.as_bytes());
            std::fs::write(folder.join(format!("{name}.dcm")), file(uids, &bytes)).unwrap();
        };
        for n in 0..8 {
            write(&format!("first-{n}"), 0, &Uids::new(1, 1, n + 1), 700);
        }
        for n in 0..4 {
            write(&format!("second-{n}"), 0, &Uids::new(1, 2, n + 1), 64);
        }
        write("later", 0, &Uids::new(2, 1, 1), 64);
        for n in 1..4 {
            write(&format!("other-{n}"), n, &Uids::new(n + 10, 1, 1), 65);
        }
    }

    /// An archive with everything of `folder` in it.
    fn holding(folder: &Path, data: &Path) -> Archive {
        let archive = Archive::start(data).unwrap();
        archive.facility("RSUD-A").unwrap();
        segel(data, "import", &["--facility", "RSUD-A", folder.to_str().unwrap()]).unwrap();
        archive
    }

    /// The data set's own bytes of a file: what follows preamble and file meta information (PS3.10 7.1).
    fn data_set_of(file: &[u8]) -> Vec<u8> {
        let length: [u8; 4] = file[140..144].try_into().unwrap();
        file[144 + u32::from_le_bytes(length) as usize..].to_vec()
    }

    /// SOP Instance UID of one of our files, from its meta information.
    fn instance_of(file: &[u8]) -> String {
        let at = file.windows(4).position(|tag| tag == [2, 0, 3, 0]).unwrap();
        let length = usize::from(u16::from_le_bytes(file[at + 6..at + 8].try_into().unwrap()));
        String::from_utf8(file[at + 8..at + 8 + length].to_vec()).unwrap().trim_end_matches('\0').to_owned()
    }

    fn data_sets(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let read = |path: PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            (instance_of(&bytes), data_set_of(&bytes))
        };
        std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap().path())).collect()
    }

    /// Of what was imported, the instances below a UID.
    fn below(all: &BTreeMap<String, Vec<u8>>, uid: &str) -> BTreeMap<String, Vec<u8>> {
        let prefix = format!("{uid}.");
        all.iter()
            .filter(|(name, _)| name.starts_with(&prefix) || *name == uid)
            .map(|(n, b)| (n.clone(), b.clone()))
            .collect()
    }

    /// The keys of a retrieve and the UID below which everything must come.
    fn levels() -> Vec<(&'static str, Vec<String>, String)> {
        let uids = Uids::new(1, 1, 3);
        let patient = format!("PatientID={}", Person::nth(0).number);
        let study = format!("StudyInstanceUID={}", uids.study);
        let series = format!("SeriesInstanceUID={}", uids.series);
        let image = format!("SOPInstanceUID={}", uids.instance);
        let level = |name: &str| format!("QueryRetrieveLevel={name}");
        vec![
            ("-S", vec![level("STUDY"), study.clone()], uids.study.clone()),
            ("-S", vec![level("SERIES"), study.clone(), series.clone()], uids.series.clone()),
            ("-S", vec![level("IMAGE"), study.clone(), series.clone(), image.clone()], uids.instance.clone()),
            ("-P", vec![level("STUDY"), patient.clone(), study.clone()], uids.study),
            ("-P", vec![level("SERIES"), patient.clone(), study.clone(), series.clone()], uids.series),
            ("-P", vec![level("IMAGE"), patient, study, series, image], uids.instance),
        ]
    }

    fn with_keys<'a>(arguments: &[&'a str], keys: &'a [String]) -> Vec<&'a str> {
        arguments.iter().copied().chain(keys.iter().flat_map(|key| ["-k", key.as_str()])).collect()
    }

    #[test]
    fn dcmtk_gets_what_was_imported() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("in");
        files(&source);
        let archive = holding(&source, &folder.path().join("data"));
        archive.peer("VIEWER", "RSUD-A").unwrap();
        let all = data_sets(&source);
        let port = archive.dimse.port().to_string();
        for (at, (model, keys, uid)) in levels().into_iter().enumerate() {
            let into = folder.path().join(format!("out-{at}"));
            std::fs::create_dir(&into).unwrap();
            let into_text = into.to_str().unwrap();
            let arguments = [model, "-aet", "VIEWER", "-aec", "SEGEL", "+B", "-od", into_text, "127.0.0.1", &port];
            program::must("getscu", &with_keys(&arguments, &keys)).unwrap();
            assert_eq!(data_sets(&into), below(&all, &uid), "{model} {keys:?}");
        }
        let into = folder.path().join("patient");
        std::fs::create_dir(&into).unwrap();
        let keys = ["QueryRetrieveLevel=PATIENT".to_owned(), format!("PatientID={}", Person::nth(0).number)];
        let arguments =
            ["-P", "-aet", "VIEWER", "-aec", "SEGEL", "+B", "-od", into.to_str().unwrap(), "127.0.0.1", &port];
        program::must("getscu", &with_keys(&arguments, &keys)).unwrap();
        assert_eq!(data_sets(&into).len(), 13);
    }

    /// A `storescp`, ended with the test.
    struct Destination {
        child: Child,
        port: u16,
        folder: PathBuf,
    }

    impl Destination {
        fn start(folder: &Path, further: &[&str]) -> Self {
            std::fs::create_dir_all(folder).unwrap();
            let port = free_port();
            let mut arguments = vec!["+B", "+xa", "-od", folder.to_str().unwrap()];
            arguments.extend(further);
            let port_text = port.to_string();
            arguments.push(&port_text);
            let child = Command::new("storescp").args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let child = child.expect("storescp does not start: run `cargo xtask tools`");
            let begun = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(begun.elapsed() < Duration::from_secs(30), "storescp does not listen");
                std::thread::sleep(Duration::from_millis(50));
            }
            Self { child, port, folder: folder.to_path_buf() }
        }

        /// What came since the last call.
        fn take(&self) -> BTreeMap<String, Vec<u8>> {
            let taken = data_sets(&self.folder);
            for entry in std::fs::read_dir(&self.folder).unwrap() {
                std::fs::remove_file(entry.unwrap().path()).unwrap();
            }
            taken
        }
    }

    impl Drop for Destination {
        fn drop(&mut self) {
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
    }

    fn peer_at(archive: &Archive, title: &str, facility: &str, port: u16, further: &[&str]) {
        let port = port.to_string();
        let mut arguments = vec!["peer", "add", title, "--facility", facility, "--host", "127.0.0.1", "--port", &port];
        arguments.extend(further);
        archive.admin(&arguments).unwrap();
    }

    #[test]
    fn dcmtk_moves_what_was_imported_to_a_registered_destination() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("in");
        files(&source);
        let archive = holding(&source, &folder.path().join("data"));
        archive.admin(&["facility", "add", "RSUD-B", "Hospital B"]).unwrap();
        let destination = Destination::start(&folder.path().join("moved"), &[]);
        archive.peer("VIEWER", "RSUD-A").unwrap();
        peer_at(&archive, "STORE", "RSUD-A", destination.port, &[]);
        peer_at(&archive, "FOREIGN", "RSUD-B", destination.port, &[]);
        let all = data_sets(&source);
        let port = archive.dimse.port().to_string();
        let go = |model: &str, to: &str, keys: &[String]| {
            let arguments = ["-v", model, "-aet", "VIEWER", "-aec", "SEGEL", "-aem", to, "127.0.0.1", &port];
            program::run("movescu", &with_keys(&arguments, keys)).unwrap()
        };
        for (model, keys, uid) in levels() {
            let moved = go(model, "STORE", &keys);
            assert!(moved.status.success(), "{model} {keys:?}: {}", String::from_utf8_lossy(&moved.stderr));
            assert_eq!(destination.take(), below(&all, &uid), "{model} {keys:?}");
        }
        let keys = ["QueryRetrieveLevel=PATIENT".to_owned(), format!("PatientID={}", Person::nth(0).number)];
        assert!(go("-P", "STORE", &keys).status.success());
        assert_eq!(destination.take().len(), 13);
        for unknown in ["NOWHERE", "VIEWER", "FOREIGN"] {
            let (model, keys, _) = levels().remove(0);
            let refused = go(model, unknown, &keys);
            let said =
                String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
            assert!(said.contains("MoveDestinationUnknown"), "{unknown}: {said}");
            assert!(destination.take().is_empty());
        }
    }

    /// A self-signed certificate and its key, as `openssl` makes them.
    fn certificate(folder: &Path, name: &str) -> (String, String) {
        let (key, certificate) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.crt")));
        let (key, certificate) = (key.to_str().unwrap().to_owned(), certificate.to_str().unwrap().to_owned());
        let subject = format!("/CN={name}");
        let options = "req -x509 -newkey rsa:2048 -nodes -days 30 -subj".split(' ');
        let arguments: Vec<&str> = options.chain([&subject, "-keyout", &key, "-out", &certificate]).collect();
        program::must("openssl", &arguments).unwrap();
        (key, certificate)
    }

    #[test]
    fn dcmtk_gets_and_moves_over_tls_and_a_destination_with_a_certificate_is_reached_over_tls_alone() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("in");
        files(&source);
        let archive = holding(&source, &folder.path().join("data"));
        let (key, known) = certificate(folder.path(), "store");
        let (other_key, other) = certificate(folder.path(), "other");
        let tls = |key: &str, certificate: &str| {
            vec!["+tls".to_owned(), key.to_owned(), certificate.to_owned(), "-ic".to_owned()]
        };
        let start = |name: &str, arguments: &[String]| {
            Destination::start(&folder.path().join(name), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let right = start("right", &tls(&key, &known));
        let wrong = start("wrong", &tls(&other_key, &other));
        let plain = start("plain", &[]);
        let (viewers_key, viewer) = certificate(folder.path(), "viewer");
        archive.admin(&["peer", "add", "VIEWER", "--facility", "RSUD-A", "--cert", &viewer]).unwrap();
        for (title, destination) in [("RIGHT", &right), ("WRONG", &wrong), ("PLAIN", &plain)] {
            peer_at(&archive, title, "RSUD-A", destination.port, &["--cert", &known]);
        }
        std::thread::sleep(Duration::from_secs(3)); // The door learns of new certificates every two seconds.
        let relay = Relay::start(archive.dimse_tls, &viewers_key, &viewer).unwrap();
        let (model, keys, uid) = levels().remove(0);
        let into = folder.path().join("got");
        std::fs::create_dir(&into).unwrap();
        let name = into.to_str().unwrap();
        let get = [model, "-aet", "VIEWER", "-aec", "SEGEL", "+B", "-od", name, "127.0.0.1", &relay.port];
        program::must("getscu", &with_keys(&get, &keys)).unwrap();
        assert_eq!(data_sets(&into), below(&data_sets(&source), &uid));
        let go = |to: &str| {
            let arguments = [model, "-aet", "VIEWER", "-aec", "SEGEL", "-aem", to, "127.0.0.1", &relay.port];
            program::run("movescu", &with_keys(&arguments, &keys)).unwrap().status.success()
        };
        assert!(go("RIGHT"));
        assert_eq!(right.take(), below(&data_sets(&source), &uid));
        for (title, destination) in [("WRONG", &wrong), ("PLAIN", &plain)] {
            go(title);
            assert!(destination.take().is_empty(), "{title}");
        }
    }

    #[test]
    fn pynetdicom_gets_moves_cancels_and_stumbles() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("in");
        files(&source);
        let archive = holding(&source, &folder.path().join("data"));
        archive.admin(&["facility", "add", "RSUD-B", "Hospital B"]).unwrap();
        archive.peer("PYNETDICOM", "RSUD-A").unwrap();
        archive.peer("NOADDRESS", "RSUD-A").unwrap();
        let port = free_port();
        peer_at(&archive, "LISTENER", "RSUD-A", port, &[]);
        peer_at(&archive, "ELSEWHERE", "RSUD-B", port, &[]);
        let arguments = [archive.dimse.to_string(), source.display().to_string(), port.to_string()];
        print!("{}", program::script("dimse_retrieve.py", &arguments).unwrap());
    }

    #[test]
    fn peers_get_in_what_they_accept_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        archive.facility("RSUD-A").unwrap();
        archive.peer("PYNETDICOM", "RSUD-A").unwrap();
        let port = free_port();
        peer_at(&archive, "LISTENER", "RSUD-A", port, &[]);
        let out = folder.path().join("out").display().to_string();
        let arguments = [archive.dimse.to_string(), port.to_string(), out];
        print!("{}", program::script("dimse_recode.py", &arguments).unwrap());
    }

    /// Our files are kept in Explicit VR Little Endian; DCMTK's receiver is told to take Implicit alone.
    #[test]
    fn dcmtk_takes_implicit_little_endian_alone() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("in");
        files(&source);
        let archive = holding(&source, &folder.path().join("data"));
        archive.peer("VIEWER", "RSUD-A").unwrap();
        let destination = Destination::start(&folder.path().join("moved"), &["+xi"]);
        peer_at(&archive, "STORE", "RSUD-A", destination.port, &[]);
        let port = archive.dimse.port().to_string();
        let (model, keys, uid) = levels().remove(0);
        let arguments = [model, "-aet", "VIEWER", "-aec", "SEGEL", "-aem", "STORE", "127.0.0.1", &port];
        program::must("movescu", &with_keys(&arguments, &keys)).unwrap();
        let implicit = |file: &[u8]| file.windows(18).any(|window| window == b"1.2.840.10008.1.2\0");
        // Without VRs and lengths: they belong to the encoding.
        let values = |path: &Path| {
            let dumped = program::must("dcmdump", &["-q", "+L", path.to_str().unwrap()]).unwrap();
            let elements = dumped.lines().filter(|line| line.starts_with('(') && !line.starts_with("(0002"));
            let value = |line: &str| Some((line.get(..11)?.to_owned(), line.get(15..)?.rsplit_once('#')?.0.to_owned()));
            elements.filter_map(value).collect::<Vec<_>>()
        };
        let read = |path: PathBuf| (instance_of(&std::fs::read(&path).unwrap()), path);
        let paths: BTreeMap<String, PathBuf> =
            std::fs::read_dir(&source).unwrap().map(|entry| read(entry.unwrap().path())).collect();
        let kept = below(&data_sets(&source), &uid);
        let came = data_sets(&destination.folder);
        assert_eq!(came.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
        for entry in std::fs::read_dir(&destination.folder).unwrap() {
            let path = entry.unwrap().path();
            let file = std::fs::read(&path).unwrap();
            assert!(implicit(&file[..400]), "{path:?} is in another transfer syntax");
            let (came, sent) = (values(&path), values(&paths[&instance_of(&file)]));
            assert!(came.len() > 10 && came == sent, "{path:?} has other values");
        }
    }

    /// What a handshake with these options of `openssl s_client` comes to: the negotiated suite, or what it said.
    fn handshake(archive: &Archive, options: &[&str]) -> Result<String, String> {
        let address = archive.dimse_tls.to_string();
        let mut arguments = vec!["s_client", "-connect", &address];
        arguments.extend(options);
        let output = Command::new("openssl").args(&arguments).stdin(Stdio::null()).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let suite =
            said.lines().find_map(|line| line.strip_prefix("New, ")?.split("Cipher is ").nth(1).map(str::to_owned));
        match suite {
            Some(suite) if suite != "(NONE)" => Ok(suite),
            _ => Err(said),
        }
    }

    /// What `sslscan` finds, with a certificate that is registered.
    fn scan(archive: &Archive, key: &str, certificate: &str) -> String {
        let (certificate, key) = (format!("--certs={certificate}"), format!("--pk={key}"));
        program::must("sslscan", &["--no-colour", &certificate, &key, &archive.dimse_tls.to_string()]).unwrap()
    }

    #[test]
    fn tls_is_that_of_bcp_195() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        archive.facility("RSUD-A").unwrap();
        let (key, known) = certificate(folder.path(), "modality");
        archive.admin(&["peer", "add", "MODALITY", "--facility", "RSUD-A", "--cert", &known]).unwrap();
        let with = |options: &[&str]| {
            let mut all = vec!["-cert", known.as_str(), "-key", key.as_str()];
            all.extend(options);
            handshake(&archive, &all)
        };
        // Every suite of RFC 9325 section 4.2 and TLS 1.3 that the door offers, as the conformance statement lists them.
        for suite in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"] {
            assert_eq!(with(&["-tls1_3", "-ciphersuites", suite]).as_deref(), Ok(suite));
        }
        for suite in ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"]
        {
            assert_eq!(with(&["-tls1_2", "-cipher", suite]).as_deref(), Ok(suite));
        }
        // Our side offers them (security level 0), and the door is what says no: by an alert.
        for (what, options) in [
            ("TLS 1.0", ["-tls1", "-cipher", "ALL:@SECLEVEL=0"]),
            ("TLS 1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]),
            ("CBC", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"]),
            ("RSA key exchange", ["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0"]),
            ("finite-field Diffie-Hellman", ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"]),
            ("no encryption", ["-tls1_2", "-cipher", "eNULL:aNULL:@SECLEVEL=0"]),
        ] {
            let said = with(&options).expect_err(what);
            assert!(
                said.contains("alert protocol version") || said.contains("alert handshake failure"),
                "{what}: {said}"
            );
        }
        let scanned = scan(&archive, &key, &known);
        for old in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
            assert!(
                scanned.lines().any(|line| line.starts_with(old) && line.ends_with("disabled")),
                "{old}: {scanned}"
            );
        }
        let accepted: Vec<&str> =
            scanned.lines().filter(|line| line.starts_with("Accepted") || line.starts_with("Preferred")).collect();
        let sound = |line: &&str| {
            line.contains("TLSv1.3") || (line.contains("ECDHE") && (line.contains("GCM") || line.contains("CHACHA20")))
        };
        assert!(accepted.len() >= 3 && accepted.iter().all(sound), "{scanned}");
    }
}
