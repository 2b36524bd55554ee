//! The page for what is done on the spot, in a real browser and two languages: asked, declared, read, reviewed.

#[cfg(test)]
mod tests {
    use sim::process::Archive;
    use sim::sample::{Person, Uids, data_set, file};
    use sim::{http, program};
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    #[test]
    fn an_emergency_is_declared_read_and_reviewed_in_the_pages() {
        let tools =
            std::env::var_os("SEGEL_VIEWER").map_or_else(|| program::workspace().join(".viewer"), PathBuf::from);
        assert!(tools.join("node_modules/playwright-core").is_dir(), "no playwright-core: run `cargo xtask tools`");
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        archive.facility("RSUD-A").unwrap();
        let others = archive.facility("RSUD-B").unwrap();
        let (person, uids) = (Person::nth(7), Uids::new(7, 1, 1));
        let bytes = file(&uids, &data_set(&person, &uids, 64, &[7; 64]));
        let stored =
            http::request(archive.http, &others.system, "POST /dicom-web/studies", "application/dicom", &bytes);
        assert_eq!(stored.unwrap().0, 200);
        archive
            .admin(&["person", "add", "officer", "--facility", "RSUD-A", "--role", "data-protection-officer"])
            .unwrap();
        let invitation = |name: &str| archive.admin(&["person", "invite", name]).unwrap();
        let told = serde_json::json!({
            "clinician": invitation("clinician RSUD-A"), "officer": invitation("officer"), "number": person.number,
            "facility": "RSUD-B", "study": uids.study, "name": person.name.replace('^', ", "),
        });
        let chromium = program::must("sh", &["-c", "command -v chromium"]).expect("chromium: run `cargo xtask tools`");
        let origin = format!("http://localhost:{}", archive.http.port());
        let mut node = Command::new("node");
        node.arg(program::workspace().join("sim/browser/emergency.mjs"))
            .args([tools.as_os_str(), chromium.trim().as_ref()]);
        node.arg(origin).arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("emergency"));
        let mut running = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        writeln!(running.stdin.take().unwrap(), "{told}").unwrap();
        let output = running.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        archive.stop().unwrap();
    }
}
