//! Signing in, with real clients: a passkey in Chromium, `segel login` with curl, a system by SMART Backend Services, an outside OpenID
//! Connect provider. And what is left to a thief of a token, a proof or a cookie: nothing, at any door, from the first second.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::Result;
    use sim::adversary::copied::{Theft, altered, elsewhere};
    use sim::process::{Archive, segel_in};
    use sim::program;
    use sim::sample::{self, Person, Uids};
    use std::ffi::OsStr;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    /// Where `cargo xtask tools` puts what Node runs.
    fn packages(variable: &str, folder: &str, needed: &str) -> Result<PathBuf> {
        let folder = std::env::var_os(variable).map_or_else(|| program::workspace().join(folder), PathBuf::from);
        if folder.join("node_modules").join(needed).is_file() {
            Ok(folder)
        } else {
            Err(format!("{} has no {needed}: run `cargo xtask tools`", folder.display()).into())
        }
    }

    fn browser_tools() -> Result<PathBuf> {
        packages("SEGEL_VIEWER", ".viewer", "playwright-core/package.json")
    }

    fn chromium() -> Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|program| program.is_file());
        found.ok_or_else(|| "chromium is missing: run `cargo xtask tools`".into())
    }

    fn start(command: &mut Command) -> Result<Child> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        child.map_err(|error| format!("it does not start ({error}): run `cargo xtask tools`").into())
    }

    /// Runs a script that is told its secrets by its input; what its last line says.
    fn told<S: AsRef<OsStr>>(command: &mut Command, arguments: &[S], secret: &Value) -> Result<Value> {
        let mut child = start(command.args(arguments).stderr(Stdio::piped()))?;
        writeln!(child.stdin.take().ok_or("no input")?, "{secret}")?;
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("it ended with {}:\n{text}{said}", output.status).into());
        }
        Ok(serde_json::from_str(text.lines().last().ok_or("it said nothing")?)?)
    }

    fn node(script: &str) -> Command {
        let mut node = Command::new("node");
        node.arg(program::workspace().join("sim").join(script));
        node
    }

    /// The status that curl gets for these headers.
    fn curl(headers: &Value, further: &[&str], url: &str) -> Result<(u16, String)> {
        let mut arguments = vec!["-s", "-S", "-g", "-i", "--max-time", "60"];
        let lines: Vec<String> = headers
            .as_object()
            .ok_or("no headers")?
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default()))
            .collect();
        for line in &lines {
            arguments.extend(["-H", line.as_str()]);
        }
        arguments.extend(further);
        arguments.push(url);
        let output = program::run("curl", &arguments)?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((answer.split_whitespace().nth(1).ok_or("curl got no answer")?.parse()?, answer))
    }

    /// One study of a person, kept by the facility's system.
    fn stored(archive: &Archive, system: &str, person: &Person, uids: &Uids) -> Result<()> {
        let body = archive.data.join("body");
        let part = b"--B\r\nContent-Type: application/dicom\r\n\r\n".as_slice();
        let file = sample::file(uids, &sample::data_set(person, uids, 64, &[7; 64 * 64 * 2]));
        std::fs::write(&body, [part, file.as_slice(), b"\r\n--B--\r\n"].concat())?;
        let data = format!("@{}", body.display());
        let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B";
        let (status, said) = archive.curl(system, &["-H", kind, "--data-binary", &data], "/dicom-web/studies")?;
        std::fs::remove_file(body)?;
        if status == 200 { Ok(()) } else { Err(format!("{status}: {}", String::from_utf8_lossy(&said)).into()) }
    }

    /// The archive as a browser calls it: passkeys belong to a name.
    fn by_name(archive: &Archive) -> String {
        format!("http://localhost:{}", archive.http.port())
    }

    /// The key service's settings, before it starts.
    fn settings(data: &Path, text: &str) -> Result<()> {
        let folder = data.join("keyservice");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("keyservice.toml"), text)?)
    }

    fn invitation(archive: &Archive, name: &str) -> Result<String> {
        archive.admin(&["person", "invite", name])
    }

    /// The answer is 401, tells how to show who one is, and nothing of the person.
    fn is_refused(answer: &(u16, String), person: &Person, what: &str) {
        let (status, text) = answer;
        assert_eq!(*status, 401, "{what}: {text}");
        let shown = person.name.replace('^', ", ");
        assert!(!text.contains(&shown) && !text.contains(&person.name), "{what}");
        assert!(text.to_ascii_lowercase().contains("www-authenticate: dpop"), "{what}: {text}");
    }

    #[test]
    fn a_passkey_opens_the_pages_and_what_a_thief_copies_opens_nothing() {
        let (tools, chromium) = (browser_tools().unwrap(), chromium().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        // Each request that comes a second after another renews the token.
        settings(&data, "[identity]\ntoken_seconds = 61\n").unwrap();
        let archive = Archive::start(&data).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let (person, uids) = (Person::nth(3), Uids::new(1, 2, 3));
        stored(&archive, &ours.system, &person, &uids).unwrap();
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("passkey");
        let origin = by_name(&archive);
        let arguments = [tools.as_os_str(), chromium.as_os_str(), origin.as_ref(), pictures.as_os_str()];
        let kept = json!({
            "invitation": invitation(&archive, "clinician RSUD-A").unwrap(), "name": person.name.replace('^', ", "),
            "study": uids.study, "series": uids.series, "instance": uids.instance,
        });
        let copied = told(&mut node("browser/passkey.mjs"), &arguments, &kept).unwrap_or_else(|e| panic!("{e}"));
        let url = |name: &str| copied["wanted"][name]["url"].as_str().unwrap().to_owned();
        let doors = ["own", "page", "image", "fhir"];
        let mut theft = Theft::default();
        let mut steal = |headers: &Value, further: &[&str], door: &str, what: &str| {
            theft.tried(&curl(headers, further, &url(door)).unwrap(), &person, &format!("{what} at {door}"));
        };
        // What was made with the key itself, for these requests, holds: once.
        for name in doors {
            let answer = curl(&copied["headers"][name], &[], &url(name)).unwrap();
            assert_eq!(answer.0, 200, "{name}: {}", answer.1);
            steal(&copied["headers"][name], &[], name, "a proof that was used");
        }
        // The content's key is at hand now, and the archive remembers who asked.
        for door in doors {
            let (token, proof) = (&copied["headers"][door]["Authorization"], &copied["headers"][door]["DPoP"]);
            for (what, proof) in altered(proof.as_str().unwrap()) {
                steal(&json!({"Authorization": token, "DPoP": proof}), &[], door, what);
            }
            for (what, headers) in elsewhere(token.as_str().unwrap().trim_start_matches("DPoP ")) {
                steal(&headers, &[], door, what);
            }
            // Another request's proof, by the right key.
            let forwarded = ["-H", "X-Forwarded-Host: archive.example", "-H", "X-Forwarded-Proto: https"];
            for further in [[].as_slice(), &forwarded, &["-H", "Host: archive.example"]] {
                for name in ["elsewhere", "post", "foreign"] {
                    steal(&copied["headers"][name], further, door, name);
                }
            }
            for (what, headers) in copied["forged"].as_object().unwrap() {
                steal(headers, &[], door, what);
            }
            steal(&copied["signed_out"][door], &[], door, "fresh proofs of a session that was signed out");
        }
        theft.found("copied from a browser signed in by a passkey: altered, moved, repeated, forged", 100);
        let log = std::fs::read_to_string(archive.data.join("log.txt")).unwrap();
        archive.stop().unwrap();
        assert!(!log.contains(kept["invitation"].as_str().unwrap()) && !log.contains("DPoP "));
    }

    /// `segel login` of a user with a home folder.
    struct User<'a> {
        archive: &'a Archive,
        home: PathBuf,
    }

    impl User<'_> {
        fn segel(&self, command: &str, arguments: &[&str]) -> Result<std::process::Output> {
            let home = [
                ("HOME".to_owned(), self.home.display().to_string()),
                ("XDG_CONFIG_HOME".to_owned(), self.home.join("config").display().to_string()),
            ];
            segel_in(&self.archive.data, command, arguments, &home)
        }

        fn must(&self, command: &str, arguments: &[&str]) -> Result<String> {
            let output = self.segel(command, arguments)?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { Err(said.into()) }
        }

        fn headers(&self, method: &str, url: &str) -> Result<Value> {
            let text = self.must("login", &["--header", method, url])?;
            let pairs = text.lines().filter_map(|line| line.split_once(": "));
            Ok(pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into())
        }
    }

    #[test]
    fn a_login_of_the_command_line_stores_and_reads_with_curl_and_sends() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let (person, uids) = (Person::nth(4), Uids::new(2, 2, 2));
        let user = User { archive: &archive, home: folder.path().join("home") };
        let code = invitation(&archive, "clinician RSUD-A").unwrap();
        let said = user.must("login", &["--invite", &code]).unwrap();
        assert!(said.contains("clinician RSUD-A") && said.contains("TREAT"), "{said}");
        let file = user.home.join("config/segel/logins/default.json");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // An invitation is good once, and an enrolled login is not overwritten by another.
        assert!(user.must("login", &["--as", "second", "--invite", &code]).is_err());
        assert!(user.must("login", &["--invite", &code]).unwrap_err().to_string().contains("--forget"));

        let origin = format!("http://{}", archive.http);
        let studies = format!("{origin}/dicom-web/studies");
        let body = folder.path().join("body");
        let part = b"--B\r\nContent-Type: application/dicom\r\n\r\n".as_slice();
        let bytes = sample::file(&uids, &sample::data_set(&person, &uids, 64, b"pixels"));
        std::fs::write(&body, [part, bytes.as_slice(), b"\r\n--B--\r\n"].concat()).unwrap();
        let data = format!("@{}", body.display());
        let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=B";
        let store = ["-H", kind, "--data-binary", data.as_str()];
        let answer = curl(&user.headers("POST", &studies).unwrap(), &store, &studies).unwrap();
        assert_eq!(answer.0, 200, "{}", answer.1);
        let metadata = format!("{studies}/{}/metadata?a=b", uids.study);
        let headers = user.headers("GET", &metadata).unwrap();
        let answer = curl(&headers, &[], &metadata).unwrap();
        assert!(answer.0 == 200 && answer.1.contains(&uids.instance), "{}", answer.1);
        is_refused(&curl(&headers, &[], &metadata).unwrap(), &person, "used twice");
        // HEAD is a method of its own.
        is_refused(&curl(&user.headers("GET", &metadata).unwrap(), &["-I"], &metadata).unwrap(), &person, "HEAD");
        let two = user.headers("GET", &metadata).unwrap();
        let doubled = format!("DPoP: {}", two["DPoP"].as_str().unwrap());
        is_refused(&curl(&two, &["-H", &doubled], &metadata).unwrap(), &person, "two proofs");
        assert!(
            user.headers("GET", "https://archive.example/dicom-web/studies").is_err(),
            "its token goes nowhere else"
        );

        sends(&archive, &user, &ours.system, &uids);
        // Whoever removes the person ends the login at once.
        let last = user.headers("GET", &metadata).unwrap();
        user.must("logout", &[]).unwrap();
        is_refused(&curl(&last, &[], &metadata).unwrap(), &person, "signed out");
        let again = user.headers("GET", &metadata).unwrap();
        assert_eq!(curl(&again, &[], &metadata).unwrap().0, 200, "the key signs in anew by itself");
        let last = user.headers("GET", &metadata).unwrap();
        archive.admin(&["person", "remove", "clinician RSUD-A"]).unwrap();
        is_refused(&curl(&last, &[], &metadata).unwrap(), &person, "removed");
        assert!(user.must("login", &[]).is_err());
        user.segel("logout", &["--forget"]).unwrap();
        assert!(!file.exists());
        archive.stop().unwrap();
    }

    #[test]
    fn a_system_gets_its_tokens_by_signed_assertions_and_by_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let ours = archive.facility("RSUD-A").unwrap();
        let bundle = folder.path().join("bundle.json");
        std::fs::write(&bundle, sample::covid_bundle(&Person::nth(5), "Positive").to_string()).unwrap();
        let data = format!("@{}", bundle.display());
        let kind = ["-H", "Content-Type: application/fhir+json", "--data-binary", data.as_str()];
        assert_eq!(archive.curl(&ours.system, &kind, "/fhir").unwrap().0, 200);
        let origin = format!("http://{}", archive.http);
        let files = folder.path().display().to_string();
        program::script("smart_backend.py", &["begin", &files, &origin]).unwrap();
        let jwks = folder.path().join("jwks.json").display().to_string();
        archive.admin(&["person", "keys", "system RSUD-A", "--jwks", &jwks]).unwrap();
        let script = program::workspace().join("sim/python/smart_backend.py");
        let mut python = Command::new(program::python().unwrap());
        let arguments = [script.as_os_str(), "ask".as_ref(), files.as_ref(), origin.as_ref()];
        told(&mut python, &arguments, &json!({"client": "system RSUD-A"})).unwrap_or_else(|e| panic!("{e}"));
        archive.stop().unwrap();
    }

    #[test]
    fn whoever_tries_too_often_is_told_to_wait_and_nobody_else_at_the_address_is_signed_out() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        archive.facility("RSUD-A").unwrap();
        let user = User { archive: &archive, home: folder.path().join("home") };
        user.must("login", &["--invite", &invitation(&archive, "clinician RSUD-A").unwrap()]).unwrap();
        let begin = format!("http://{}/auth/enrol/begin", archive.http);
        let body = json!({"invitation": "0000-0000", "thumbprint": "A".repeat(43)}).to_string();
        let kind = "Content-Type: application/json";
        let failed = |times: &str| {
            let url = format!("{begin}?n=[{times}]");
            let arguments = ["-s", "-o", "/dev/null", "-w", "%{http_code} ", "-H", kind, "-d", &body, &url];
            let output = program::run("curl", &arguments).unwrap();
            String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let statuses = failed("1-60");
        assert!(statuses.iter().all(|status| status == "400"), "{statuses:?}");
        // The minute may have turned meanwhile, on a machine that is busy.
        let statuses = failed("61-125");
        assert!(statuses.contains(&"429".to_owned()), "{statuses:?}");
        let renew = format!("http://{}/auth/renew", archive.http);
        let headers = user.headers("POST", &renew).unwrap();
        assert_eq!(curl(&headers, &["-X", "POST"], &renew).unwrap().0, 200);
        let answer = curl(&json!({}), &["-H", kind, "-d", &body], &begin).unwrap();
        assert!(answer.0 != 429 || answer.1.to_ascii_lowercase().contains("retry-after: 60"), "{}", answer.1);
        archive.stop().unwrap();
    }

    /// An OpenID Connect provider that knows one client; ended when dropped.
    struct Provider {
        issuer: String,
        server: Child,
    }

    impl Provider {
        fn start(client: &str, secret: &str) -> Result<Self> {
            let packages = packages("SEGEL_PROVIDER", ".provider", "oidc-provider/package.json")?;
            let mut command = node("provider/serve.mjs");
            let mut server = start(command.arg(packages).args([client, secret]).stderr(Stdio::null()))?;
            let mut issuer = String::new();
            BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut issuer)?;
            Ok(Self { issuer: issuer.trim().to_owned(), server })
        }

        fn returns_to(&mut self, redirect_uri: &str) -> Result<()> {
            Ok(writeln!(self.server.stdin.as_mut().ok_or("no input")?, "{redirect_uri}")?)
        }
    }

    impl Drop for Provider {
        fn drop(&mut self) {
            let _gone = self.server.kill();
            let _gone = self.server.wait();
        }
    }

    #[test]
    fn an_outside_provider_signs_in_whom_the_archive_knows() {
        let (tools, chromium) = (browser_tools().unwrap(), chromium().unwrap());
        for secret in ["-", "s3cret: with+signs"] {
            let mut provider = Provider::start("segel-archive", secret).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            let issuer = &provider.issuer;
            settings(
                &data,
                &format!(
                    "[[identity.issuers]]\nname = \"Hospital\"\nissuer = \"{issuer}\"\nclient_id = \"segel-archive\"\n\
                     jwks_url = \"{issuer}/jwks\"\nclaim = \"sub\"\n"
                ),
            )
            .unwrap();
            let (config, secret_file) = (folder.path().join("segel.toml"), folder.path().join("secret"));
            std::fs::write(&secret_file, secret).unwrap();
            let named =
                format!("[[provider]]\nname = \"Hospital\"\nclient_secret_file = \"{}\"\n", secret_file.display());
            std::fs::write(&config, if secret == "-" { "" } else { &named }).unwrap();
            let archive = Archive::start_with(&data, &["--config", config.to_str().unwrap()]).unwrap();
            let origin = by_name(&archive);
            provider.returns_to(&format!("{origin}/auth/oidc/callback")).unwrap();
            let ours = archive.facility("RSUD-A").unwrap();
            let (person, uids) = (Person::nth(6), Uids::new(3, 3, 3));
            stored(&archive, &ours.system, &person, &uids).unwrap();
            let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("provider");
            let arguments = [tools.as_os_str(), chromium.as_os_str(), origin.as_ref(), pictures.as_os_str()];
            let kept = json!({
                "provider": "Hospital", "known": "clinician RSUD-A", "stranger": "nobody", "study": uids.study,
                "name": person.name.replace('^', ", "),
            });
            told(&mut node("browser/provider.mjs"), &arguments, &kept).unwrap_or_else(|e| panic!("{e}"));
            archive.stop().unwrap();
        }
    }

    /// `segel send --login` to a storescp of DCMTK, in a folder.
    fn sends(archive: &Archive, user: &User<'_>, _system: &str, uids: &Uids) {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let mut peer = Command::new("storescp")
            .args(["-aet", "PACS2", "-od", folder.path().to_str().unwrap(), &port])
            .spawn()
            .expect("storescp is missing: run `cargo xtask tools`");
        let add = ["peer", "add", "PACS2", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port", &port];
        archive.admin(&add).unwrap();
        let sent = (0..50).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(200));
            user.must("send", &["--login", "default", "--to", "PACS2", "--study", &uids.study]).ok()
        });
        peer.kill().unwrap();
        peer.wait().unwrap();
        assert!(sent.unwrap_or_default().contains("sent 1, refused 0"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
