//! testssl.sh at every port that speaks TLS: the HTTP doors, the DICOM door, the key service, a witness. A finding is a failure,
//! also a small one, and also one that says that something could not be looked at; what is accepted stands here with its reason.

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sim::process::{Archive, PASSPHRASE};
    use sim::{Result, program};
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    /// What testssl.sh says on every machine, of every port: the finding's name, a part of its text, and why it is none.
    const ALWAYS: &[(&str, &str, &str)] = &[(
        "engine_problem",
        "No engine or GOST support",
        "of the OpenSSL that looks, not of the port: it cannot offer GOST ciphers",
    )];

    /// Ports of HTTP.
    const BROWSERS: &[(&str, &str, &str)] = &[(
        "sessionresumption_ticket",
        "check failed because of connect problem",
        "the looking OpenSSL resumes by TLS 1.2; tickets here are for TLS 1.3, single-use and with a fresh key exchange",
    )];

    /// Ports that ask for a client certificate.
    const CLIENTS: &[(&str, &str, &str)] = &[
        (
            "secure_client_renego",
            "client x509-based authentication prevents",
            "nobody without a registered certificate gets so far; the TLS library has no renegotiation at all",
        ),
        (
            "sessionresumption_ID",
            "because of client authentication",
            "a session that goes on keeps its certificate, which is held against the register for every connection",
        ),
        (
            "service",
            "Couldn't determine service",
            "none that it knows: DICOM and the key service's messages are no HTTP",
        ),
        ("BREACH", "client x509-based authentication prevents", "no HTTP is spoken there, and nothing is compressed"),
    ];

    /// The DICOM door with the certificate that it makes for itself.
    const PINNED: &[(&str, &str, &str)] = &[
        (
            "cert_chain_of_trust",
            "self signed",
            "peers register its SHA-256; no authority is asked, so none can be deceived",
        ),
        ("cert_validityPeriod", "3653 days", "ten years, as modalities stay; what ends it is the register, not a date"),
        (
            "cert_revocation",
            "Neither CRL nor OCSP",
            "a certificate that is pinned is revoked by taking it off the register",
        ),
    ];

    /// What must have been looked at, or the program looked at nothing.
    const LOOKED_AT: &[&str] =
        &["SSLv3", "TLS1", "TLS1_2", "TLS1_3", "cipherlist_NULL", "PFS", "cert_keySize", "heartbleed", "ROBOT", "RC4"];

    /// A scan takes half a minute; a loaded machine several times that.
    const SECONDS_MAX: &str = "400";

    fn openssl(arguments: &[&str]) -> Result<()> {
        program::must("openssl", arguments).map(drop)
    }

    /// An authority that whoever looks trusts, and a certificate of it for this machine: `ca.crt`, `host.crt`, `host.key`.
    fn certificates(folder: &Path) -> Result<()> {
        let at = |file: &str| folder.join(file).display().to_string();
        let (ca, ca_key, key, request) = (at("ca.crt"), at("ca.key"), at("host.key"), at("host.csr"));
        let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        openssl(
            &[&new[..], &["-x509", "-days", "300", "-subj", "/CN=authority", "-keyout", &ca_key, "-out", &ca]].concat(),
        )?;
        openssl(&[&new[..], &["-subj", "/CN=localhost", "-keyout", &key, "-out", &request]].concat())?;
        let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n\
             extendedKeyUsage=serverAuth,clientAuth\ncrlDistributionPoints=URI:http://127.0.0.1/ca.crl\n";
        std::fs::write(folder.join("extensions"), extensions)?;
        let (file, certificate) = (at("extensions"), at("host.crt"));
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "300",
            "-extfile",
            &file,
            "-out",
            &certificate,
        ])
    }

    /// What testssl.sh found at a port, but for what is fine or only told.
    fn findings(folder: &Path, port: u16, path: &str, checks: &[&str]) -> Result<(Vec<Value>, Vec<Value>)> {
        let report = folder.join(format!("{port}.json"));
        let (report_text, ca) = (report.display().to_string(), folder.join("ca.crt").display().to_string());
        let place = format!("localhost:{port}{path}");
        let mut arguments =
            vec!["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--openssl-timeout", "20"];
        arguments.extend(["--connect-timeout", "20", "--add-ca", &ca, "--jsonfile", &report_text, "--ip", "127.0.0.1"]);
        arguments.extend(checks);
        arguments.push(&place);
        let mut timed = vec!["--kill-after=5", SECONDS_MAX, "testssl"];
        timed.extend(arguments);
        // Its status counts findings; they are read from the report.
        let output = program::run("timeout", &timed)?;
        let text = std::fs::read_to_string(&report)
            .map_err(|_| format!("testssl looked at nothing: {}", String::from_utf8_lossy(&output.stdout)))?;
        let all: Vec<Value> = serde_json::from_str(&text)?;
        let fine = |finding: &Value| matches!(finding["severity"].as_str(), Some("OK" | "INFO"));
        Ok((all.iter().filter(|finding| !fine(finding)).cloned().collect(), all))
    }

    const WHOLE: &[&str] = &["-p", "-s", "-f", "-P", "-S", "-U"];
    const WITH_HTTP: &[&str] = &["-p", "-s", "-f", "-P", "-S", "-U", "-h"];

    fn is_clean(what: &str, folder: &Path, port: u16, path: &str, checks: &[&str], accepted: &[&[(&str, &str, &str)]]) {
        let (found, all) = findings(folder, port, path, checks).unwrap_or_else(|error| panic!("{what}: {error}"));
        let name = |finding: &Value| finding["id"].as_str().unwrap_or_default().to_owned();
        let reason = |finding: &Value| {
            let text = finding["finding"].as_str().unwrap_or_default();
            let list = accepted.iter().copied().chain([ALWAYS]).flatten();
            list.clone().find(|(id, part, _)| name(finding) == *id && text.contains(part)).map(|(_, _, reason)| *reason)
        };
        let (accepted, rest): (Vec<&Value>, Vec<&Value>) = found.iter().partition(|finding| reason(finding).is_some());
        println!("{what}: {} things looked at, {} accepted, {} found", all.len(), accepted.len(), rest.len());
        for finding in accepted {
            println!("  {} ({}): {}", name(finding), finding["finding"], reason(finding).unwrap_or_default());
        }
        assert!(rest.is_empty(), "{what}: {rest:#?}");
        if checks.contains(&"-U") {
            for id in LOOKED_AT {
                assert!(all.iter().any(|finding| name(finding) == *id), "{what}: {id} was not looked at");
            }
        }
    }

    fn config(folder: &Path, text: &str) -> Result<PathBuf> {
        let path = folder.join("segel.toml");
        let host = |file: &str| folder.join(file).display().to_string();
        std::fs::write(&path, text.replace("CERTIFICATE", &host("host.crt")).replace("KEY", &host("host.key")))?;
        Ok(path)
    }

    #[test]
    fn the_http_doors() {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path()).unwrap();
        let config = config(folder.path(), "[http]\ncertificate = \"CERTIFICATE\"\nkey = \"KEY\"\n").unwrap();
        let archive =
            Archive::start_with(&folder.path().join("data"), &["--config", config.to_str().unwrap()]).unwrap();
        is_clean("HTTP", folder.path(), archive.http.port(), "/signin", WITH_HTTP, &[BROWSERS]);
        archive.stop().unwrap();
    }

    #[test]
    fn the_dicom_door_with_its_own_certificate_and_with_one_of_an_authority() {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path()).unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        is_clean("DICOM", folder.path(), archive.dimse_tls.port(), "", WHOLE, &[CLIENTS, PINNED]);
        archive.stop().unwrap();
        let config = config(folder.path(), "[dimse]\ncertificate = \"CERTIFICATE\"\nkey = \"KEY\"\n").unwrap();
        let archive =
            Archive::start_with(&folder.path().join("data"), &["--config", config.to_str().unwrap()]).unwrap();
        is_clean("DICOM, of an authority", folder.path(), archive.dimse_tls.port(), "", &["-S"], &[]);
        archive.stop().unwrap();
    }

    /// A process that is ended with this value.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }

    /// Starts a program and finds the port in the first line that it prints.
    fn started(command: &mut Command, before: &str) -> Result<(Running, u16)> {
        let mut child =
            command.env("SEGEL_PASSPHRASE", PASSPHRASE).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let running = Running(child);
        let mut line = String::new();
        output.read_line(&mut line)?;
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let address = line.split_whitespace().find_map(|word| word.strip_prefix(before)).ok_or_else(|| line.clone())?;
        Ok((running, address.rsplit(':').next().ok_or("no port")?.parse()?))
    }

    #[test]
    fn the_key_service_on_a_host_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path()).unwrap();
        let text = format!(
            "[node]\nlisten = \"127.0.0.1:0\"\ncertificate = \"host.crt\"\nkey = \"host.key\"\nclients_ca = \"ca.crt\"\n\
             clients = [\"{}\"]\n",
            "00".repeat(32)
        );
        let file = folder.path().join("keyservice.toml");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program::ours("segel-keyservice").unwrap());
        command.arg("--data").arg(folder.path().join("keyservice")).arg("--config").arg(&file);
        let (_running, port) = started(&mut command, "node=tls:").unwrap();
        is_clean("key service", folder.path(), port, "", WHOLE, &[CLIENTS]);
    }

    #[test]
    fn a_witness() {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path()).unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let log = std::fs::read_to_string(archive.data.join("keyservice/ledger/vkey")).unwrap();
        let mut command = Command::new(program::ours("segel").unwrap());
        command
            .args(["witness", "--listen", "127.0.0.1:0", "--log", log.trim(), "--data"])
            .arg(folder.path().join("witness"));
        let file = |name: &str| folder.path().join(name);
        command.arg("--certificate").arg(file("host.crt")).arg("--key").arg(file("host.key"));
        let (_running, port) = started(&mut command, "https://").unwrap();
        // A witness has no page: a browser that strays there is told so.
        let page =
            ("HTTP_status_code", "404", "there is nothing to look at; programs post to one path and get another");
        is_clean("witness", folder.path(), port, "", WITH_HTTP, &[BROWSERS, &[page]]);
        archive.stop().unwrap();
    }

    /// A port that nobody looks at would be one that is opened elsewhere in the code.
    #[test]
    fn no_other_place_of_the_programs_accepts_tls() {
        let mut found = Vec::new();
        let mut folders = ["segel/src", "keyservice/src", "archive/src", "ledger/src"].map(PathBuf::from).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(program::workspace().join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = folder.join(entry.file_name());
                if entry.path().is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                    let text = std::fs::read_to_string(entry.path()).unwrap();
                    if text.contains("use tokio_rustls::TlsAcceptor") || text.contains("TlsAcceptor::from") {
                        found.push(path.display().to_string());
                    }
                }
            }
        }
        found.sort_unstable();
        assert_eq!(
            found,
            ["keyservice/src/server/tls.rs", "segel/src/dimse/acceptor/listener.rs", "segel/src/http/server.rs"],
            "the witness and the HTTP doors share one"
        );
    }
}
