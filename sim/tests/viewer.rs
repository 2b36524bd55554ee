//! A viewer that hospitals have, OHIF, in a browser and on an origin of its own, against a real archive: what a reader does from
//! the study list to a measurement that is kept. Its pictures are in `target/tmp/viewer`.

#[cfg(test)]
mod tests {
    use sim::Result;
    use sim::process::Archive;
    use sim::program;
    use std::ffi::OsStr;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    const SLICES: &str = "44";
    const DOCUMENTED: &str = include_str!("../../docs/ohif-app-config.js");

    /// Where `cargo xtask tools` puts the built viewer and what drives the browser.
    fn tools() -> Result<PathBuf> {
        let folder =
            std::env::var_os("SEGEL_VIEWER").map_or_else(|| program::workspace().join(".viewer"), PathBuf::from);
        let needed = ["@ohif/app/dist/index.html", "playwright-core/package.json"];
        match needed.iter().map(|name| folder.join("node_modules").join(name)).find(|path| !path.is_file()) {
            Some(missing) => Err(format!("{} is missing: run `cargo xtask tools`", missing.display()).into()),
            None => Ok(folder),
        }
    }

    fn chromium() -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|program| program.is_file());
        found.ok_or_else(|| "chromium is missing: run `cargo xtask tools`".into())
    }

    fn node(script: &str) -> Command {
        let mut node = Command::new("node");
        node.arg(program::workspace().join("sim/viewer").join(script));
        node.stdin(Stdio::piped()).stdout(Stdio::piped());
        node
    }

    fn start(node: &mut Command) -> Result<Child> {
        node.spawn().map_err(|error| format!("node does not start ({error}): run `cargo xtask tools`").into())
    }

    /// The web server of the viewer's pages. Dropping it ends it.
    struct Pages {
        origin: String,
        server: Child,
    }

    impl Pages {
        fn start(dist: &Path, app_config: &Path) -> Result<Self> {
            let mut server = start(node("serve.mjs").arg(dist).arg(app_config))?;
            let mut origin = String::new();
            BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut origin)?;
            let pages = Self { origin: origin.trim().to_owned(), server };
            if pages.origin.starts_with("http://127.0.0.1:") {
                Ok(pages)
            } else {
                Err("the server of the viewer's pages did not start".into())
            }
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            let _gone = self.server.kill();
            let _gone = self.server.wait();
        }
    }

    /// Runs a program that is told a secret by its input; what it printed.
    fn told<S: AsRef<OsStr>>(command: &mut Command, arguments: &[S], secret: &str) -> Result<String> {
        let mut child = start(command.args(arguments).stderr(Stdio::piped()))?;
        writeln!(child.stdin.take().ok_or("no input")?, "{secret}")?;
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("it ended with {}:\n{text}{said}", output.status).into())
        }
    }

    /// What dicom3tools finds wrong with a file.
    fn errors(file: &Path) -> Result<Vec<String>> {
        let output = program::run("dciodvfy", &[file])?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok(text.lines().filter(|line| line.starts_with("Error")).map(str::to_owned).collect())
    }

    fn filled(archive: &Archive, scans: &Path) -> Result<()> {
        archive.peer("CT1", "RSUD-A")?;
        let arguments = [scans.display().to_string(), "Rahayu^Siti".to_owned(), SLICES.to_owned()];
        program::script("viewer_phantom.py", &arguments)?;
        for name in ["ct000.dcm", "ct025.dcm", "cr.dcm"] {
            assert_eq!(errors(&scans.join(name))?, Vec::<String>::new(), "{name}");
        }
        let (host, port) = (archive.dimse.ip().to_string(), archive.dimse.port().to_string());
        let scans = scans.display().to_string();
        program::must("storescu", &["-aet", "CT1", "-aec", "SEGEL", "+sd", &host, &port, &scans]).map(|_| ())
    }

    /// The report that the viewer saved is in the archive, as sent, valid, and says what was measured.
    fn kept(origin: &str, reader: &str, scans: &Path, saved: (&str, &str), pictures: &Path) -> Result<String> {
        let file = pictures.join("report.dcm");
        let script = program::workspace().join("sim/python/viewer_report.py");
        let url = format!("{origin}/dicom-web");
        let (first, sent) = (scans.join("ct000.dcm"), pictures.join("sent.multipart"));
        let (report, length) = saved;
        let arguments: [&OsStr; 7] = [
            script.as_ref(),
            url.as_ref(),
            first.as_ref(),
            report.as_ref(),
            length.as_ref(),
            sent.as_ref(),
            file.as_ref(),
        ];
        let mut python = Command::new(program::python()?);
        let text = told(python.stdin(Stdio::piped()).stdout(Stdio::piped()), &arguments, reader)?;
        assert_eq!(errors(&file)?, Vec::<String>::new());
        Ok(text)
    }

    #[test]
    fn a_reader_finds_scrolls_windows_measures_and_keeps_the_measurement() {
        let (tools, chromium) = (tools().unwrap(), chromium().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let (app_config, scans) = (folder.path().join("app-config.js"), folder.path().join("scans"));
        let pages = Pages::start(&tools.join("node_modules/@ohif/app/dist"), &app_config).unwrap();
        let config = folder.path().join("segel.toml");
        std::fs::write(&config, format!("[http]\ncors_origins = [\"{}\"]\n", pages.origin)).unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start_with(&data, &["--config", config.to_str().unwrap()]).unwrap();
        let reader = archive.facility("RSUD-A").unwrap().clinician;
        filled(&archive, &scans).unwrap();
        // The documented configuration, with this archive's address.
        let origin = format!("http://{}", archive.http);
        assert_eq!(DOCUMENTED.matches("https://arsip.example.id").count(), 1);
        std::fs::write(&app_config, DOCUMENTED.replace("https://arsip.example.id", &origin)).unwrap();

        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("viewer");
        let arguments = [
            tools.as_os_str(),
            chromium.as_os_str(),
            pages.origin.as_ref(),
            origin.as_ref(),
            SLICES.as_ref(),
            pictures.as_os_str(),
        ];
        let text = told(&mut node("story.mjs"), &arguments, &reader).unwrap_or_else(|error| panic!("{error}"));
        print!("{text}");
        let ended: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let (report, length) = (ended["report"].as_str().unwrap(), ended["length"].as_str().unwrap());

        print!(
            "{}",
            kept(&origin, &reader, &scans, (report, length), &pictures).unwrap_or_else(|error| panic!("{error}"))
        );
        archive.stop().unwrap();
        assert!(!std::fs::read_to_string(data.join("log.txt")).unwrap().contains("Rahayu"));
    }
}
