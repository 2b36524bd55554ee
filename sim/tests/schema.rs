//! schemathesis at every HTTP route: what the description lets one send, and what it does not, as somebody and as nobody. No
//! answer is a failure of the server, nobody gets a success but where anybody may, and answers are as described.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sim::process::{Archive, UNBOUNDED};
    use sim::sample::{Person, Uids, data_set, file};
    use sim::{Result, amount, program};
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// The routes that anybody may use, and why.
    const OPEN: &[(&str, &str)] = &[
        ("GET /.well-known/smart-configuration", "systems find here how to show who they are"),
        ("GET /assets/{name}", "scripts and styles of the sign-in page; the same for everybody"),
        ("GET /auth/oidc/callback", "whoever comes back from a provider has no token yet; the page knows nothing"),
        ("GET /auth/ways", "a browser learns how to sign in"),
        ("GET /enrol", "a form for an invitation"),
        ("GET /favicon.ico", "a picture"),
        ("GET /fhir/.well-known/smart-configuration", "systems find here how to show who they are"),
        ("GET /fhir/metadata", "what the door can do, of nobody (FHIR R4 3.1.0.10)"),
        ("GET /healthz", "that the doors are open, for a load balancer"),
        ("GET /language/{code}", "sets a language"),
        ("GET /openapi.json", "this description"),
        ("GET /signin", "a form"),
        ("GET /signin/{code}", "a code that the operator printed, good once, instead of a token"),
        ("GET /worker.js", "the service worker that will show tokens"),
        ("OPTIONS /dicom-web", "what the door can do, of nobody (PS3.18 8.9)"),
        ("POST /auth/device/begin", "a nonce for a key, before there is a token"),
        ("POST /auth/device/finish", "a proof for a token"),
        ("POST /auth/enrol/begin", "an invitation for a challenge"),
        ("POST /auth/enrol/finish", "a passkey for a token"),
        ("POST /auth/oidc/begin", "where the provider is"),
        ("POST /auth/oidc/finish", "a provider's word for a token"),
        ("POST /auth/passkey/begin", "a challenge, the same for whoever asks"),
        ("POST /auth/passkey/finish", "a passkey's answer for a token"),
        ("POST /auth/quorum", "an approver signs every message; an unsigned one is refused inside"),
        ("POST /auth/token", "a signed assertion for a token (RFC 7523)"),
        ("POST /signin", "a token for a session"),
        ("POST /signout", "ends a session, or none"),
    ];

    /// Checks of schemathesis itself, beside those of `schema_hooks.py`.
    const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
        response_schema_conformance,ignored_auth,nothing_without_a_token,no_failure_of_the_server,no_word_of_the_inside";

    fn schemathesis() -> Result<PathBuf> {
        let st = program::python()?.with_file_name("st");
        if st.is_file() { Ok(st) } else { Err(format!("{} is missing: run `cargo xtask tools`", st.display()).into()) }
    }

    /// An archive in which one study is kept; its clinician's token.
    fn started(folder: &Path) -> Result<(Archive, String, Uids)> {
        let data = folder.join("data");
        let config = folder.join("segel.toml");
        std::fs::write(&config, "[http]\nforwarded_by = [\"127.0.0.1\"]\n")?;
        std::fs::create_dir_all(data.join("keyservice"))?;
        // Thousands of made-up questions look like a thief's, and would be answered by a frozen account.
        std::fs::write(data.join("keyservice/keyservice.toml"), UNBOUNDED)?;
        let archive = Archive::start_with(&data, &["--config", config.to_str().ok_or("path")?])?;
        let tokens = archive.facility("RSUD-A")?;
        let uids = Uids::new(70, 1, 1);
        let path = folder.join("one.dcm");
        std::fs::write(&path, file(&uids, &data_set(&Person::nth(70), &uids, 16, &[9; 16])))?;
        let body = format!("@{}", path.display());
        let kind = ["-H", "Content-Type: application/dicom", "--data-binary", &body];
        let (status, _) = archive.curl(&tokens.system, &kind, "/dicom-web/studies")?;
        if status == 200 { Ok((archive, tokens.clinician, uids)) } else { Err(format!("stored: {status}").into()) }
    }

    struct Run<'a> {
        archive: &'a Archive,
        uids: &'a Uids,
        /// The description: an address or a file.
        schema: &'a str,
        /// The header that shows who asks, if anybody does.
        shown: Option<&'a str>,
        /// A path that is left out.
        without: Option<&'a str>,
    }

    fn run(folder: &Path, run: &Run<'_>) -> Result<String> {
        let open: Vec<&str> = OPEN.iter().map(|(route, _)| *route).collect();
        let examples = amount(6, 200).to_string();
        let url = format!("http://{}", run.archive.http);
        let hooks = program::workspace().join("sim/python");
        let mut st = Command::new(schemathesis()?);
        st.current_dir(folder).args(["run", run.schema, "--url", &url, "--seed", "20211228", "-n", &examples]);
        st.args(["--checks", CHECKS, "--phases", "coverage,fuzzing", "--continue-on-failure", "--no-color"]);
        st.args(["--warnings", "off", "--max-redirects", "0", "--request-timeout", "20", "--no-shrink"]);
        st.args(run.without.map(|path| ["--exclude-path", path]).into_iter().flatten());
        st.args(run.shown.map(|header| ["-H", header]).into_iter().flatten());
        st.env("SCHEMATHESIS_HOOKS", "schema_hooks").env("PYTHONPATH", hooks).env("PYTHONDONTWRITEBYTECODE", "1");
        st.env("SEGEL_OPEN", json!(open).to_string())
            .env("SEGEL_SHOWN", if run.shown.is_some() { "somebody" } else { "nobody" });
        st.envs([
            ("SEGEL_STUDY", &run.uids.study),
            ("SEGEL_SERIES", &run.uids.series),
            ("SEGEL_INSTANCE", &run.uids.instance),
        ]);
        let output = st.output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(said) } else { Err(format!("{}\n{said}{errors}", output.status).into()) }
    }

    /// How many operations were sent something, and how many requests there were.
    fn counted(said: &str, label: &str) -> usize {
        let line = said.lines().find(|line| line.trim_start().starts_with(label)).unwrap_or_default();
        line.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse().ok()).unwrap_or(0)
    }

    fn operations(schema: &Value, is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        let paths = schema["paths"].as_object().into_iter().flatten();
        let each =
            paths.flat_map(|(path, methods)| methods.as_object().into_iter().flatten().map(move |(m, o)| (m, path, o)));
        each.filter(|(_, _, o)| is_wanted(o)).map(|(m, path, _)| format!("{} {path}", m.to_uppercase())).collect()
    }

    fn is_sound(what: &str, said: Result<String>, tested: usize, cases_min: usize) {
        let said = said.unwrap_or_else(|error| panic!("{what}: {error}"));
        let cases = said.lines().find(|line| line.contains(" generated")).map_or(0, |line| counted(line, ""));
        println!("{what}: {} operations, {cases} requests", counted(&said, "Tested:"));
        assert_eq!(counted(&said, "Tested:"), tested, "{what}: {said}");
        assert!(cases >= cases_min, "{what}: {said}");
    }

    #[test]
    fn every_door_for_programs_answers_anything_and_gives_nobody_anything() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, token, uids) = started(folder.path()).unwrap();
        let described = archive.json(&token, "/openapi.json").unwrap();
        // From a file: the address that a description comes from is left out by schemathesis.
        let schema = folder.path().join("openapi.json").display().to_string();
        std::fs::write(&schema, described.to_string()).unwrap();
        let tested = operations(&described, |_| true).len();
        let shown = format!("Authorization: Bearer {token}");
        let as_somebody = Run { archive: &archive, uids: &uids, schema: &schema, shown: Some(&shown), without: None };
        is_sound("somebody", run(folder.path(), &as_somebody), tested, 500);
        is_sound("nobody", run(folder.path(), &Run { shown: None, ..as_somebody }), tested, 500);
        assert_eq!(archive.json(&token, "/dicom-web/studies").unwrap().as_array().unwrap().len(), 1);
        archive.stop().unwrap();
    }

    #[test]
    fn every_page_answers_anything_and_shows_nobody_anything() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, token, uids) = started(folder.path()).unwrap();
        let file = program::workspace().join("sim/pages.openapi.json");
        let schema = file.to_str().unwrap();
        let tested = operations(&serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap(), |_| true).len();
        let form = format!("token={token}");
        let (_, answer) =
            archive.curl("-", &["-i", "-H", "Authorization:", "--data-urlencode", &form], "/signin").unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let session = answer.split("segel-session=").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
        let shown = format!("Cookie: segel-session={session}");
        let signed_in = Run { archive: &archive, uids: &uids, schema, shown: Some(&shown), without: Some("/signout") };
        is_sound("somebody", run(folder.path(), &signed_in), tested - 1, 150);
        is_sound("nobody", run(folder.path(), &Run { shown: None, without: None, ..signed_in }), tested, 150);
        archive.stop().unwrap();
    }

    #[test]
    fn what_anybody_may_use_is_what_the_descriptions_say() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let pages = std::fs::read(program::workspace().join("sim/pages.openapi.json")).unwrap();
        let is_open = |operation: &Value| operation["security"].as_array().is_some_and(Vec::is_empty);
        let mut open = operations(&archive.json("-", "/openapi.json").unwrap(), is_open);
        open.extend(operations(&serde_json::from_slice(&pages).unwrap(), is_open));
        let listed: BTreeSet<String> = OPEN.iter().map(|(route, _)| (*route).to_owned()).collect();
        assert_eq!(open, listed);
        assert!(OPEN.iter().all(|(_, reason)| !reason.is_empty()));
        archive.stop().unwrap();
    }
}
