//! Debian's Orthanc as a neighbour, in both directions: DIMSE, DICOMweb, TLS. (That an Orthanc is emptied: `pull.rs`.)

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::orthanc::Orthanc;
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
    fn modality(port: u16) -> Value {
        let segel = json!({"AET": "SEGEL", "Host": "127.0.0.1", "Port": port});
        json!({"DicomModalities": {"segel": segel}, "DefaultEncoding": "Utf8"})
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

    #[test]
    fn orthanc_stores_commits_queries_and_retrieves_over_dimse() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let orthanc = Orthanc::start(folder.path(), "ORTHANC", &modality(archive.dimse.port())).unwrap();
        register(&archive, &orthanc, &[]);
        story("orthanc_dimse.py", &orthanc, &[&dicomweb(&archive), &tokens.clinician]);
    }
}
