//! The OWASP API Security Top 10 (2023) as attacks on the real programs: `sim/python/owasp` tries each against two archives, and
//! holds what comes back, what it tells of the victim, whom the archive calls, and that whoever may read still can.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::process::{Archive, UNBOUNDED};
    use sim::sample::{Person, Uids, data_set, file};
    use sim::{Result, http, program};
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    /// What the archive behind the proxy is called by its readers.
    const PUBLIC_ORIGIN: &str = "https://archive.example";
    /// As many as no budget of an hour lets one person open.
    const CROWD: usize = 70;
    /// Each risk is tried in so many ways at least.
    const ATTACKS_MIN: usize = 5;

    fn script() -> PathBuf {
        program::workspace().join("sim/python/owasp")
    }

    /// The attacks and what lies around the archive; ended with this value.
    struct Adversary {
        process: Child,
        said: BufReader<std::process::ChildStdout>,
    }

    impl Adversary {
        fn start(folder: &Path) -> Result<(Self, Value)> {
            let mut python = Command::new(program::python()?);
            python.env("PYTHONDONTWRITEBYTECODE", "1").arg(script()).arg(folder);
            let mut process = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let said = BufReader::new(process.stdout.take().ok_or("no output")?);
            let mut adversary = Self { process, said };
            let outside = adversary.line()?;
            Ok((adversary, outside))
        }

        fn line(&mut self) -> Result<Value> {
            let mut line = String::new();
            self.said.read_line(&mut line)?;
            Ok(serde_json::from_str(&line)?)
        }

        fn attacks(mut self, world: &Value) -> Result<Vec<Value>> {
            writeln!(self.process.stdin.as_mut().ok_or("no input")?, "{world}")?;
            let mut text = String::new();
            self.said.read_to_string(&mut text)?;
            let rows = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
            Ok(rows)
        }
    }

    impl Drop for Adversary {
        fn drop(&mut self) {
            let _gone = self.process.kill();
            let _gone = self.process.wait();
        }
    }

    fn store(archive: &Archive, token: &str, person: &Person, uids: &Uids) -> Result<()> {
        let bytes = file(uids, &data_set(person, uids, 64, &[7; 64]));
        let answer = http::request(archive.http, token, "POST /dicom-web/studies", "application/dicom", &bytes);
        match answer {
            Some((200, _)) => Ok(()),
            other => Err(format!("not stored: {other:?}").into()),
        }
    }

    fn uids(of: &Uids) -> Value {
        json!({"study": of.study, "series": of.series, "instance": of.instance})
    }

    fn people(archive: &Archive, facility: &str, roles: &[(&str, &str)]) -> Result<BTreeMap<String, String>> {
        let mut tokens = BTreeMap::new();
        for (name, role) in roles {
            let called = format!("{name} {facility}");
            archive.admin(&["person", "add", &called, "--facility", facility, "--role", role])?;
            tokens.insert((*name).to_owned(), archive.admin(&["token", "--as", &called])?);
        }
        Ok(tokens)
    }

    /// Invitations for people who sign in with keys of their own.
    fn invitations(archive: &Archive, people: &[(&str, &str)]) -> Result<Value> {
        let mut codes = serde_json::Map::new();
        for (name, facility) in people {
            archive.admin(&["person", "add", name, "--facility", facility, "--role", "clinician"])?;
            codes.insert((*name).to_owned(), json!(archive.admin(&["person", "invite", name])?));
        }
        Ok(codes.into())
    }

    fn session(archive: &Archive, token: &str) -> Result<String> {
        let form = format!("token={token}");
        let (_, answer) = archive.curl("-", &["-i", "-H", "Authorization:", "--data-urlencode", &form], "/signin")?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let id = answer.split("segel-session=").nth(1).and_then(|rest| rest.split(';').next()).ok_or("no session")?;
        Ok(format!("segel-session={id}"))
    }

    /// A workitem of a facility (PS3.4 CC.2.5), for a patient of its.
    fn workitem(person: &Person) -> Value {
        let code = |value: &str, scheme: &str| json!({"00080100": {"vr": "SH", "Value": [value]}, "00080102": {"vr": "SH", "Value": [scheme]}, "00080104": {"vr": "LO", "Value": [value]}});
        let mut item = json!({
            "00081195": {"vr": "UI"}, "00741200": {"vr": "CS", "Value": ["MEDIUM"]}, "00741204": {"vr": "LO", "Value": ["Baca"]},
            "00741202": {"vr": "LO", "Value": ["RADIOLOGI"]}, "00741210": {"vr": "SQ"},
            "00404025": {"vr": "SQ", "Value": [code("WS1", "99RSUD")]}, "00404026": {"vr": "SQ"}, "00404027": {"vr": "SQ"},
            "00404005": {"vr": "DT", "Value": ["20261122080000"]}, "00404018": {"vr": "SQ", "Value": [code("110005", "DCM")]},
            "00400400": {"vr": "LT"}, "00404041": {"vr": "CS", "Value": ["READY"]}, "00404021": {"vr": "SQ"},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": person.name}]}, "00100020": {"vr": "LO", "Value": [person.number]},
            "00100021": {"vr": "LO", "Value": ["RSUD-A"]}, "00100030": {"vr": "DA", "Value": [person.birth_date]},
            "00100040": {"vr": "CS", "Value": ["F"]}, "00101002": {"vr": "SQ"}, "00380010": {"vr": "LO"}, "00380014": {"vr": "SQ"},
            "00081080": {"vr": "LO"}, "00081084": {"vr": "SQ"}, "00741000": {"vr": "CS", "Value": ["SCHEDULED"]}
        });
        let request =
            json!({"0020000D": {"vr": "UI", "Value": ["1.2.3"]}, "00080050": {"vr": "SH", "Value": ["A001"]}});
        for (tag, value) in [
            ("0040A370", json!({"vr": "SQ", "Value": [request]})),
            ("00741002", json!({"vr": "SQ"})),
            ("00741216", json!({"vr": "SQ"})),
        ] {
            item.as_object_mut().expect("an object").insert(tag.to_owned(), value);
        }
        json!([item])
    }

    fn write(path: &Path, text: &str) -> Result<String> {
        std::fs::write(path, text)?;
        Ok(path.display().to_string())
    }

    /// The archive at which rights are tried. Amounts refuse nothing here: they are tried at the other one.
    fn main_archive(folder: &Path, outside: &Value) -> Result<(Archive, Value)> {
        let data = folder.join("main");
        std::fs::create_dir_all(data.join("keyservice"))?;
        let issuer = outside["issuer"].as_str().ok_or("no issuer")?;
        let provider = format!(
            "[[identity.issuers]]\nname = \"Hospital\"\nissuer = \"{issuer}\"\nclient_id = \"segel-archive\"\n\
             jwks_url = \"{issuer}/jwks\"\nclaim = \"sub\"\n"
        );
        write(&data.join("keyservice/keyservice.toml"), &format!("{UNBOUNDED}{provider}"))?;
        write(&folder.join("secret"), "the client's secret")?;
        let secret = folder.join("secret").display().to_string();
        // Sign-ins are counted by address, and this test is one.
        let config = write(
            &folder.join("main.toml"),
            &format!(
                "[http]\nforwarded_by = [\"127.0.0.1\"]\n[[provider]]\nname = \"Hospital\"\nclient_secret_file = \"{secret}\"\n"
            ),
        )?;
        let archive = Archive::start_with(&data, &["--config", &config])?;
        let (a, b) = (archive.facility("RSUD-A")?, archive.facility("RSUD-B")?);
        let roles = [
            ("a_registrar", "registrar"),
            ("a_auditor", "auditor"),
            ("a_admin", "administrator"),
            ("leaver", "clinician"),
        ];
        let mut tokens = people(&archive, "RSUD-A", &roles)?;
        archive.admin(&["person", "remove", "leaver RSUD-A"])?;
        for (name, token) in [
            ("a_clinician", &a.clinician),
            ("a_system", &a.system),
            ("b_clinician", &b.clinician),
            ("b_system", &b.system),
        ] {
            tokens.insert(name.to_owned(), token.clone());
        }
        let jwks = folder.join("jwks.json").display().to_string();
        archive.admin(&["person", "keys", "system RSUD-A", "--jwks", &jwks])?;
        let (victim, own) = (Person::nth(905), Person::nth(906));
        let [kept, second, theirs] = [1, 2, 3].map(|n| Uids::new(900 + n, 1, 1));
        for of in [&kept, &second] {
            store(&archive, &a.system, &victim, of)?;
        }
        store(&archive, &b.system, &own, &theirs)?;
        std::fs::write(folder.join("forged.dcm"), file(&kept, &data_set(&own, &kept, 64, b"other")))?;
        let (item, number) = (workitem(&victim), "2.25.901");
        let kind = ["-H", "Content-Type: application/dicom+json", "--data-binary", &item.to_string()];
        let (status, said) = archive.curl(&a.system, &kind, &format!("/dicom-web/workitems?{number}"))?;
        if status != 201 {
            return Err(format!("the workitem: {status} {}", String::from_utf8_lossy(&said)).into());
        }
        let with_keys = [("a_person", "RSUD-A"), ("a_leaving", "RSUD-A"), ("b_person", "RSUD-B")];
        let mut victim_told = uids(&kept);
        for (name, value) in [("name", &victim.name), ("number", &victim.number), ("nik", &victim.nik)] {
            victim_told.as_object_mut().ok_or("no object")?.insert(name.to_owned(), json!(value));
        }
        let told = json!({
            "main": format!("http://{}", archive.http), "tokens": tokens, "victim": victim_told, "second_victim": uids(&second),
            "own": uids(&theirs), "own_person": {"number": own.number}, "workitem": number, "workitem_body": item.to_string(),
            "forged_file": folder.join("forged.dcm").display().to_string(),
            "invitations": invitations(&archive, &with_keys)?, "spare_invitation": archive.admin(&["person", "invite", "clinician RSUD-B"])?,
            "a_session": session(&archive, &a.clinician)?, "b_session": session(&archive, &b.clinician)?,
        });
        Ok((archive, told))
    }

    /// The archive at which amounts are tried, with the budgets that it comes with, known by another name behind a proxy.
    fn metered_archive(folder: &Path, outside: &Value) -> Result<(Archive, Value)> {
        let data = folder.join("metered");
        std::fs::create_dir_all(data.join("keyservice"))?;
        let hook = outside["hook"].as_str().ok_or("no receiver")?;
        write(&data.join("keyservice/hook.secret"), "the receiver's secret, as long as it has to be")?;
        let alarms = format!("[[alarms.webhooks]]\nurl = \"{hook}/alarms\"\nsecret_file = \"hook.secret\"\n");
        write(&data.join("keyservice/keyservice.toml"), &alarms)?;
        let config = write(
            &folder.join("metered.toml"),
            &format!("[http]\npublic_origin = \"{PUBLIC_ORIGIN}\"\nforwarded_by = [\"127.0.0.1\"]\n"),
        )?;
        let archive = Archive::start_with(&data, &["--config", &config])?;
        let (a, _) = (archive.facility("RSUD-A")?, archive.facility("RSUD-B")?);
        let mut tokens = people(&archive, "RSUD-A", &[("a_second", "clinician")])?;
        tokens.insert("a_clinician".to_owned(), a.clinician);
        let mut crowd = Vec::new();
        for n in 0..CROWD {
            let of = Uids::new(1000 + n, 1, 1);
            store(&archive, &a.system, &Person::nth(1000 + n), &of)?;
            crowd.push(uids(&of));
        }
        let with_keys = [("a_person", "RSUD-A"), ("a_colleague", "RSUD-A"), ("b_person", "RSUD-B")];
        let told = json!({
            "metered": format!("http://{}", archive.http), "metered_signed": PUBLIC_ORIGIN, "metered_tokens": tokens, "crowd": crowd,
            "crowd_niks": (0..CROWD).map(|n| Person::nth(1000 + n).nik).collect::<Vec<_>>(),
            "metered_invitations": invitations(&archive, &with_keys)?,
        });
        Ok((archive, told))
    }

    #[test]
    fn each_of_the_ten_risks_is_tried_in_five_ways_and_more_and_none_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let (adversary, outside) = Adversary::start(folder.path()).unwrap();
        let (main, mut told) = main_archive(folder.path(), &outside).unwrap();
        let (metered, further) = metered_archive(folder.path(), &outside).unwrap();
        told.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let rows = adversary.attacks(&told).unwrap();
        let wrong: Vec<String> = rows
            .iter()
            .filter(|row| !row["wrong"].is_null())
            .map(|row| format!("{}: {}\n{}", row["risk"], row["tried"], row["wrong"].as_str().unwrap_or_default()))
            .collect();
        println!("{} attacks, {} wrong", rows.len(), wrong.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for archive in [main, metered] {
            let log = std::fs::read_to_string(archive.data.join("log.txt")).unwrap();
            archive.stop().unwrap();
            for text in ["panicked", "RM-SCRIPT", "evil.example", "Bearer ", "DPoP "] {
                assert!(!log.contains(text), "{text} stands in the log");
            }
        }
    }

    fn page(rows: &[Value]) -> String {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let mut page = format!(
            "# The OWASP API Security Top 10 (2023), tried\n\n\
             {} attacks on running archives, at every HTTP door. `sim/python/owasp` makes them, `sim/tests/owasp.rs` runs them, and holds of \
             each, besides what must come back:\n\n\
             - no answer tells the victim's name or number to somebody who may not read it;\n\
             - a service that listens beside the archive, and that attacks name wherever an address can be named, is never called;\n\
             - whoever may read the victim's record still can, after every attack.\n\n\
             The third column says against what the same attack succeeds. This page is made from the table in the test; `SEGEL_GOLDEN=1` \
             writes it anew.\n",
            rows.len()
        );
        let mut risk = String::new();
        for row in rows {
            if text(row, "risk") != risk {
                risk = text(row, "risk");
                let _text_takes_all = write!(
                    page,
                    "\n## {risk}\n\n| door | what is tried | succeeds against | must come back |\n|---|---|---|---|\n"
                );
            }
            let cells = ["door", "tried", "naive", "answer"].map(|name| text(row, name).replace('|', "\\|"));
            let _text_takes_all = writeln!(page, "| {} |", cells.join(" | "));
        }
        page
    }

    #[test]
    fn the_page_of_the_ten_risks_is_the_table() {
        let path = script().display().to_string();
        let python = program::python().unwrap();
        let output =
            Command::new(python).env("PYTHONDONTWRITEBYTECODE", "1").args([&path, "--table"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let mut risks: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            *risks.entry(row["risk"].as_str().unwrap()).or_default() += 1;
        }
        assert_eq!(risks.len(), 10, "{risks:?}");
        assert!(risks.values().all(|count| *count >= ATTACKS_MIN), "{risks:?}");
        let page = page(&rows);
        let path = program::workspace().join("docs/owasp.md");
        if std::env::var_os("SEGEL_GOLDEN").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "SEGEL_GOLDEN=1 writes it anew");
    }
}
