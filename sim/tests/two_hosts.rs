//! The key service on a host of its own: a second program, mutual TLS, and nothing of it on the archive node.

#[cfg(test)]
mod tests {
    use sim::process::{Archive, PASSPHRASE};
    use sim::program;
    use sim::sample::{Person, Uids, data_set, file};
    use std::io::{BufRead as _, BufReader};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// A running key service; dropping it ends it.
    struct KeyService(Child);

    impl Drop for KeyService {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }

    fn openssl(arguments: &[&str]) -> String {
        program::must("openssl", arguments).unwrap()
    }

    /// An authority, and a certificate of it for each name: `NAME.key`, `NAME.crt`.
    fn certificates(folder: &Path, names: &[&str]) {
        let at = |file: &str| folder.join(file).to_str().unwrap().to_owned();
        let (ca_key, ca) = (at("ca.key"), at("ca.crt"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=authority",
            "-keyout",
            &ca_key,
            "-out",
            &ca,
        ]);
        std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        for name in names {
            let (key, request, certificate) =
                (at(&format!("{name}.key")), at(&format!("{name}.csr")), at(&format!("{name}.crt")));
            openssl(&[
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                &format!("/CN={name}"),
                "-keyout",
                &key,
                "-out",
                &request,
            ]);
            let serial = ["-CAcreateserial", "-days", "30", "-extfile"];
            let mut arguments = vec!["x509", "-req", "-in", &request, "-CA", &ca, "-CAkey", &ca_key];
            arguments.extend(serial);
            let names = at("names");
            arguments.extend([names.as_str(), "-out", &certificate]);
            openssl(&arguments);
        }
    }

    fn sha256(folder: &Path, name: &str) -> String {
        let certificate = folder.join(format!("{name}.crt")).to_str().unwrap().to_owned();
        let printed = openssl(&["x509", "-in", &certificate, "-noout", "-fingerprint", "-sha256"]);
        printed.split('=').nth(1).unwrap().trim().replace(':', "").to_lowercase()
    }

    /// Starts `segel-keyservice` over TLS for one node's certificate; its address.
    fn keyservice(folder: &Path, data: &Path) -> (KeyService, String) {
        let config = folder.join("keyservice.toml");
        let text = format!(
            "[node]\nlisten = \"127.0.0.1:0\"\ncertificate = \"keyservice.crt\"\nkey = \"keyservice.key\"\nclients_ca = \"ca.crt\"\nclients = [\"{}\"]\n",
            sha256(folder, "node")
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(program::ours("segel-keyservice").unwrap())
            .arg("--data")
            .arg(data.join("keyservice"))
            .arg("--config")
            .arg(&config)
            .env("SEGEL_PASSPHRASE", PASSPHRASE)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.split_whitespace().find_map(|word| word.strip_prefix("node=tls:")).unwrap_or_else(|| panic!("{line}"));
        (KeyService(child), address.to_owned())
    }

    fn node(folder: &Path, data: &Path, address: &str, identity: &str) -> sim::Result<Archive> {
        let config = folder.join(format!("{identity}.toml"));
        let at = |file: String| folder.join(file).display().to_string();
        let text = format!(
            "[keyservice]\naddress = \"{address}\"\nauthority = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
            at("ca.crt".into()),
            at(format!("{identity}.crt")),
            at(format!("{identity}.key"))
        );
        std::fs::write(&config, text)?;
        Archive::start_with(data, &["--config", config.to_str().ok_or("path")?])
    }

    #[test]
    fn records_go_in_and_come_out_and_a_node_without_a_listed_certificate_gets_no_key() {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path(), &["keyservice", "node", "thief"]);
        let keys_host = folder.path().join("keys-host");
        let (_keyservice, address) = keyservice(folder.path(), &keys_host);
        let address = address.replace("127.0.0.1", "localhost");
        let archive = node(folder.path(), &folder.path().join("node-host"), &address, "node").unwrap();
        let admin = |arguments: &[&str]| sim::process::segel(&keys_host, "admin", arguments).unwrap();
        admin(&["facility", "add", "RSUD-A", "Rumah Sakit A"]);
        admin(&["person", "add", "system", "--facility", "RSUD-A", "--role", "system"]);
        let token = admin(&["token", "--as", "system", "--purpose", "TREAT"]);
        let uids = Uids::new(1, 1, 1);
        let path = folder.path().join("one.dcm");
        std::fs::write(&path, file(&uids, &data_set(&Person::nth(1), &uids, 64, &[9; 16]))).unwrap();
        let body = format!("@{}", path.display());
        let stored = archive.curl(
            &token,
            &["-H", "Content-Type: application/dicom", "--data-binary", &body],
            "/dicom-web/studies",
        );
        assert_eq!(stored.unwrap().0, 200);
        assert_eq!(archive.json(&token, "/dicom-web/studies").unwrap().as_array().unwrap().len(), 1);
        assert!(
            !folder.path().join("node-host/keyservice").exists(),
            "the archive node holds nothing of the key service"
        );
        assert!(!keys_host.join("archive").exists(), "the key service's host holds nothing of the archive");
        let thief = node(folder.path(), &folder.path().join("thiefs-host"), &address, "thief").unwrap();
        assert_eq!(
            thief.curl(&token, &[], "/dicom-web/studies").unwrap().0,
            503,
            "to the thief the key service is away"
        );
    }
}
