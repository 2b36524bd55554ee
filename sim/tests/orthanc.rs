//! Debian's Orthanc as a neighbour, in both directions: DIMSE, DICOMweb, TLS. (That an Orthanc is emptied: `pull.rs`.)

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::orthanc::{Orthanc, dicomweb_plugin};
    use sim::process::{Archive, Tokens};
    use sim::program;
    use std::path::Path;

    fn started(folder: &Path) -> (Archive, Tokens) {
        let archive = Archive::start(&folder.join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        (archive, tokens)
    }

    /// Registers an Orthanc as the peer ORTHANC.
    fn register(archive: &Archive, orthanc: &Orthanc, further: &[&str]) {
        let port = orthanc.dimse.to_string();
        let mut arguments = vec!["peer", "add", "ORTHANC", "--facility", "RSUD-A", "--host", "127.0.0.1"];
        arguments.extend(["--port", &port]);
        arguments.extend(further);
        archive.admin(&arguments).unwrap();
    }

    /// The archive as a modality in Orthanc's configuration, which writes every answer in its own character set.
    fn modality(port: u16, tls: bool) -> Value {
        let segel = json!({"AET": "SEGEL", "Host": "127.0.0.1", "Port": port, "UseDicomTls": tls});
        json!({"DicomModalities": {"segel": segel}, "DefaultEncoding": "Utf8"})
    }

    /// An Orthanc beside the archive, each a peer of the other, in plain text.
    fn neighbours(folder: &Path) -> (Archive, Tokens, Orthanc) {
        let (archive, tokens) = started(folder);
        let orthanc = Orthanc::start(folder, "ORTHANC", &modality(archive.dimse.port(), false)).unwrap();
        register(&archive, &orthanc, &[]);
        (archive, tokens, orthanc)
    }

    /// As [`neighbours`], over TLS alone: each knows the other by its one certificate, and Orthanc demands ours.
    fn neighbours_over_tls(folder: &Path) -> (Archive, Tokens, Orthanc) {
        let (archive, tokens) = started(folder);
        let (key, certificate) = (folder.join("orthanc.key"), folder.join("orthanc.crt"));
        let (key, certificate) = (key.to_str().unwrap(), certificate.to_str().unwrap());
        let made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=orthanc"];
        program::must("openssl", &[made.as_slice(), &["-keyout", key, "-out", certificate]].concat()).unwrap();
        let mut config = modality(archive.dimse_tls.port(), true);
        let tls = json!({
            "DicomTlsEnabled": true, "DicomTlsPrivateKey": key, "DicomTlsCertificate": certificate,
            "DicomTlsTrustedCertificates": archive.data.join("archive/tls/dicom.crt"),
            "DicomTlsRemoteCertificateRequired": true,
        });
        config.as_object_mut().unwrap().extend(tls.as_object().unwrap().clone());
        let orthanc = Orthanc::start(folder, "ORTHANC", &config).unwrap();
        register(&archive, &orthanc, &["--cert", certificate]);
        (archive, tokens, orthanc)
    }

    fn dicomweb(archive: &Archive) -> String {
        format!("http://{}/dicom-web", archive.http)
    }

    fn story(name: &str, orthanc: &Orthanc, arguments: &[&str]) {
        let url = format!("http://{}", orthanc.http);
        let mut all = vec![url.as_str()];
        all.extend(arguments);
        match program::script(name, &all) {
            Ok(said) => print!("{said}"),
            Err(error) => panic!("{error}\nOrthanc's log:\n{}", orthanc.log()),
        }
    }

    fn asks(archive: &Archive, tokens: &Tokens, orthanc: &Orthanc) {
        story("orthanc_dimse.py", orthanc, &[&dicomweb(archive), &tokens.clinician]);
    }

    fn is_sent_to(archive: &Archive, tokens: &Tokens, orthanc: &Orthanc) {
        archive.peer("VIEWER", "RSUD-A").unwrap();
        let (segel, address) = (program::ours("segel").unwrap(), archive.dimse.to_string());
        let (segel, data) = (segel.to_str().unwrap(), archive.data.to_str().unwrap());
        story("orthanc_sent.py", orthanc, &[&dicomweb(archive), &tokens.clinician, &address, segel, data]);
    }

    #[test]
    fn orthanc_stores_commits_queries_and_retrieves_over_dimse() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens, orthanc) = neighbours(folder.path());
        asks(&archive, &tokens, &orthanc);
    }

    #[test]
    fn orthanc_stores_commits_queries_and_retrieves_over_tls() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens, orthanc) = neighbours_over_tls(folder.path());
        asks(&archive, &tokens, &orthanc);
    }

    #[test]
    fn orthanc_is_sent_to_and_commits_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens, orthanc) = neighbours(folder.path());
        is_sent_to(&archive, &tokens, &orthanc);
    }

    #[test]
    fn orthanc_is_sent_to_over_tls_and_commits_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens, orthanc) = neighbours_over_tls(folder.path());
        is_sent_to(&archive, &tokens, &orthanc);
        // In plain text nobody is Orthanc any more, whatever it calls itself.
        let port = archive.dimse.port().to_string();
        let plain = ["-aet", "ORTHANC", "-aec", "SEGEL", "127.0.0.1", &port];
        assert!(!program::run("echoscu", &plain).unwrap().status.success());
    }

    #[test]
    fn orthancs_plugin_sends_searches_and_fetches_over_dicomweb() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let url = format!("{}/", dicomweb(&archive));
        // Orthanc acts as the hospital's system, whose token it shows.
        let authorization = format!("Bearer {}", tokens.system);
        let further = json!({
            "Plugins": [dicomweb_plugin().unwrap()],
            "DicomWeb": {"Enable": true, "Root": "/dicom-web/", "Servers": {
                "segel": {"Url": url, "HttpHeaders": {"Authorization": authorization},
                          "HasWadoRsUniversalTransferSyntax": true},
                "stranger": {"Url": url},
            }},
        });
        let orthanc = Orthanc::start(folder.path(), "ORTHANC", &further).unwrap();
        story("orthanc_dicomweb.py", &orthanc, &[&dicomweb(&archive), &tokens.clinician]);
    }
}
