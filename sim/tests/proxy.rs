//! `public_origin`: an archive behind a reverse proxy that speaks TLS. Signing in, proofs and links know it by that name alone.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::sample::{Person, Uids, data_set, file};
    use sim::{http, program};
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// A process that is ended with this value.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }

    /// A certificate for this machine: `host.crt`, `host.key`.
    fn certificate(folder: &Path) -> [String; 2] {
        let [certificate, key] = ["host.crt", "host.key"].map(|name| folder.join(name).display().to_string());
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
        let named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
        let files = ["-keyout", &key, "-out", &certificate];
        program::must("openssl", &[&new[..], &named, &files].concat()).unwrap();
        [certificate, key]
    }

    #[test]
    fn behind_a_proxy_the_archive_is_known_by_its_public_origin_and_by_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = certificate(folder.path());
        let script = program::workspace().join("sim/python/behind_proxy.py");
        let mut python = Command::new(program::python().unwrap());
        python.env("PYTHONDONTWRITEBYTECODE", "1").arg(script).args([&certificate, &key, &certificate]);
        let mut proxy = Running(python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let mut said = BufReader::new(proxy.0.stdout.take().unwrap());
        let mut origin = String::new();
        said.read_line(&mut origin).unwrap();
        let config = folder.path().join("segel.toml");
        let text = format!("[http]\npublic_origin = \"{}\"\nforwarded_by = [\"127.0.0.1\"]\n", origin.trim());
        std::fs::write(&config, text).unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start_with(&data, &["--config", config.to_str().unwrap()]).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let uids = Uids::new(81, 1, 1);
        let bytes = file(&uids, &data_set(&Person::nth(81), &uids, 64, &[7; 64]));
        let stored = http::request(archive.http, &ours.system, "POST /dicom-web/studies", "application/dicom", &bytes);
        assert_eq!(stored.unwrap().0, 200);
        let told = serde_json::json!({
            "port": archive.http.port(), "study": uids.study, "token": ours.clinician,
            "invitation": archive.admin(&["person", "invite", "clinician RSUD-A"]).unwrap(),
        });
        writeln!(proxy.0.stdin.as_mut().unwrap(), "{told}").unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(rest.trim(), "true", "the story ended early; what it said stands above");
        archive.stop().unwrap();
    }
}
