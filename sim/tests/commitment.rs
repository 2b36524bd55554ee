//! Storage commitment in both roles, and `segel send`, with pynetdicom and DCMTK on the other side.

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sim::process::{Archive, Tokens, segel_output};
    use sim::program;
    use sim::sample::{Person, Uids, data_set, file};
    use std::io::{BufReader, Write as _};
    use std::net::TcpListener;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }

    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    fn files(folder: &Path, count: usize) {
        std::fs::create_dir_all(folder).unwrap();
        for n in 0..count {
            let uids = Uids::new(1, 1, n + 1);
            let bytes = data_set(&Person::nth(0), &uids, 200, &n.to_le_bytes());
            std::fs::write(folder.join(format!("{n}.dcm")), file(&uids, &bytes)).unwrap();
        }
    }

    fn started(folder: &Path) -> (Archive, Tokens) {
        let archive = Archive::start(&folder.join("data")).unwrap();
        let tokens = archive.facility("RSUD-A").unwrap();
        (archive, tokens)
    }

    fn script(name: &str, arguments: &[&str]) -> (Running, BufReader<std::process::ChildStdout>) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
        let child = Command::new(program::python().unwrap())
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut running = Running(child.unwrap());
        let output = BufReader::new(running.0.stdout.take().unwrap());
        (running, output)
    }

    fn line(output: &mut impl std::io::BufRead) -> String {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    #[test]
    fn a_modality_hears_what_is_kept_also_after_the_archive_was_killed() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, _tokens) = started(folder.path());
        files(&folder.path().join("in"), 3);
        let listen = free_port().to_string();
        let peer = ["peer", "add", "MODALITY", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port", &listen];
        archive.admin(&peer).unwrap();
        let address = archive.dimse.to_string();
        let source = folder.path().join("in");
        let (mut story, mut output) = script("commitment_scu.py", &[&address, source.to_str().unwrap(), &listen]);
        assert_eq!(line(&mut output), "waiting");
        // The modality has gone and the archive is killed: the report is on the disk.
        let data = archive.data.clone();
        archive.kill().unwrap();
        let kept = std::fs::read_dir(data.join("archive/commitments")).unwrap().count();
        assert_eq!(kept, 1, "one report waits, the delivered ones are gone");
        let archive = Archive::start(&data).unwrap();
        story.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        assert_eq!(line(&mut output), "reported");
        let begun = Instant::now();
        while std::fs::read_dir(data.join("archive/commitments")).unwrap().count() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "a report that was taken stays");
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(archive);
    }

    #[test]
    fn a_destination_commits_itself_over_either_association_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let source = folder.path().join("in");
        files(&source, 3);
        archive.peer("MODALITY", "RSUD-A").unwrap();
        let port = archive.dimse.port().to_string();
        let mut arguments = vec!["-aet", "MODALITY", "-aec", "SEGEL", "127.0.0.1", &port, "+sd"];
        arguments.push(source.to_str().unwrap());
        program::must("storescu", &arguments).unwrap();
        let study = Uids::new(1, 1, 1).study;
        for (how, seconds, committed) in [("same", "30", 2), ("other", "30", 2), ("never", "1", 0)] {
            let (_destination, mut output) = script("commitment_scp.py", &[how, &archive.dimse.to_string()]);
            let listens = line(&mut output);
            let peer = ["--facility", "RSUD-A", "--host", "127.0.0.1", "--port", &listens, "--replace"];
            let peer: Vec<&str> = ["peer", "add", "DEST"].into_iter().chain(peer).collect();
            archive.admin(&peer).unwrap();
            let arguments = ["--to", "DEST", "--study", &study, "--token", &tokens.clinician, "--json"];
            let arguments: Vec<&str> = arguments.into_iter().chain(["--commit", "--commit-wait", seconds]).collect();
            let output = segel_output(&archive.data, "send", &arguments).unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{how}: {said}"));
            assert_eq!(
                (report["sent"].as_u64(), report["committed"].as_u64()),
                (Some(3), Some(committed)),
                "{how}: {report}"
            );
            assert_eq!(output.status.code(), Some(3));
            let why = report["uncommitted"][0]["reason"].as_str().unwrap();
            let expected = if how == "never" { "no report within 1 s" } else { "the peer gives reason 0112H" };
            assert_eq!(why, expected, "{how}");
        }
        let left = std::fs::read_dir(archive.data.join("archive/commitments")).unwrap().count();
        assert_eq!(left, 0, "nothing that was waited for stays behind");
    }

    #[test]
    fn a_study_goes_to_storescp_bit_by_bit_and_only_for_whom_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, tokens) = started(folder.path());
        let elsewhere = archive.facility("RSUD-B").unwrap();
        let (source, target) = (folder.path().join("in"), folder.path().join("out"));
        files(&source, 2);
        std::fs::create_dir(&target).unwrap();
        archive.peer("MODALITY", "RSUD-A").unwrap();
        let port = archive.dimse.port().to_string();
        let mut arguments = vec!["-aet", "MODALITY", "-aec", "SEGEL", "127.0.0.1", &port, "-xe", "+sd"];
        arguments.push(source.to_str().unwrap());
        program::must("storescu", &arguments).unwrap();
        let listens = free_port().to_string();
        let storescp = Command::new("storescp").args(["-od", target.to_str().unwrap(), "+B", &listens]).spawn();
        let _storescp = Running(storescp.unwrap());
        let begun = Instant::now();
        while !program::run("echoscu", &["127.0.0.1", &listens]).unwrap().status.success() {
            assert!(begun.elapsed() < Duration::from_secs(60), "storescp does not start");
        }
        let peer = ["peer", "add", "DEST", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port", &listens];
        archive.admin(&peer).unwrap();
        let study = Uids::new(1, 1, 1).study;
        let send = |to: &str, token: &str, study: &str| {
            segel_output(&archive.data, "send", &["--to", to, "--study", study, "--token", token]).unwrap()
        };
        let sent = send("DEST", &tokens.clinician, &study);
        let said = format!("{}{}", String::from_utf8_lossy(&sent.stdout), String::from_utf8_lossy(&sent.stderr));
        assert!(sent.status.success() && said.trim().ends_with("sent 2, refused 0"), "{said}");
        let pixels = |folder: &Path| {
            let mut all: Vec<Vec<u8>> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| {
                    let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                    bytes[bytes.len() - 200 * 200..].to_vec()
                })
                .collect();
            all.sort();
            all
        };
        assert_eq!(pixels(&target), pixels(&source));
        assert_eq!(send("DEST", &elsewhere.clinician, &study).status.code(), Some(3), "another facility's study");
        assert_eq!(send("DEST", &tokens.clinician, "1.2.3").status.code(), Some(3));
        assert_eq!(send("NOWHERE", &tokens.clinician, &study).status.code(), Some(1));
        assert_eq!(send("DEST", "no token", &study).status.code(), Some(1));
    }
}
