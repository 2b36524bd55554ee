//! Witnesses: two of three, a ledger that is set back or split, and proofs that are handed out.

#[cfg(test)]
mod tests {
    use ledger::cosignature::origin_hash;
    use ledger::{Log, SigningKey};
    use serde_json::Value;
    use sim::program;
    use sim::witness::{KeyService, Witness, exchange};
    use sim::{amount, kept};
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn settings(needed: usize, late_seconds: u64, witnesses: &[&Witness]) -> String {
        let list: Vec<String> = witnesses.iter().map(|witness| witness.setting()).collect();
        format!(
            "[witnesses]\nneeded = {needed}\nlate_seconds = {late_seconds}\nlist = [{}]\n[outbound]\nca = \"ca.pem\"\n",
            list.join(", ")
        )
    }

    fn segel(arguments: &[&str]) -> (bool, String) {
        let program = program::ours("segel").unwrap();
        let output = program::run(program.to_str().unwrap(), arguments).unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), said)
    }

    fn verifier(arguments: &[&str]) -> (bool, Value) {
        let python = program::python().unwrap();
        let script = program::workspace().join("docs/verify_proof.py");
        let mut all = vec![script.to_str().unwrap()];
        all.extend(arguments);
        let output = program::run(python.to_str().unwrap(), &all).unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!("the verifier: {}", String::from_utf8_lossy(&output.stderr));
        });
        assert_eq!(output.status.success(), report["verified"] == true);
        (output.status.success(), report)
    }

    fn status(service: &KeyService) -> Value {
        let (_, said) = segel(&["ledger", "status", "--json", "--data", service.data.to_str().unwrap()]);
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("no status: {said}"))
    }

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "never: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Adds entries.
    fn grow(service: &KeyService, count: usize) {
        for number in 0..count {
            let name = format!("Rumah Sakit {number}");
            let (done, said) =
                segel(&["admin", "facility", "add", "RSUD-A", &name, "--data", service.data.to_str().unwrap()]);
            assert!(done, "{said}");
        }
    }

    /// Until so many witnesses have cosigned everything; then the size.
    fn cosigned(service: &KeyService, witnesses: u64) -> u64 {
        let mut size = 0;
        until("cosigned", || {
            let now = status(service);
            size = now["size"].as_u64().unwrap();
            let all = now["witnesses"].as_array().unwrap().iter().filter(|w| w["cosigned"] == size).count();
            now["cosigned"] == size && all as u64 >= witnesses
        });
        size
    }

    /// A key service that ran once without witnesses, so that its key is known to them.
    fn founded(folder: &Path) -> (PathBuf, String) {
        let data = folder.join("data");
        let service = KeyService::start(&data, "").unwrap();
        let vkey = service.vkey().unwrap();
        service.stop().unwrap();
        (data, vkey)
    }

    /// A certificate for this host, and the file that trusts it where the settings look for it.
    fn certificate(folder: &Path, data: &Path) -> (String, String) {
        let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (at("w.key"), at("w.crt"));
        let subject = ["-subj", "/CN=witness", "-addext", "subjectAltName=IP:127.0.0.1"];
        let mut arguments = vec!["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"];
        arguments.extend(subject);
        arguments.extend(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &key, "-out", &certificate]);
        program::must("openssl", &arguments).unwrap();
        std::fs::copy(&certificate, data.join("ca.pem")).unwrap();
        (certificate, key)
    }

    fn ledger_of(data: &Path) -> String {
        data.join("keyservice/ledger").to_str().unwrap().to_owned()
    }

    fn copy(from: &Path, to: &Path) {
        for file in kept::files(from).unwrap() {
            let target = to.join(file.strip_prefix(from).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(file, target).unwrap();
        }
    }

    #[test]
    fn three_witnesses_of_two_kinds_cosign_and_two_are_enough() {
        let folder = tempfile::tempdir().unwrap();
        let (data, log) = founded(folder.path());
        let (certificate, key) = certificate(folder.path(), &data);
        let secure = ["--certificate", certificate.as_str(), "--key", key.as_str()];
        let one = Witness::start(&folder.path().join("w1"), &log, &secure).unwrap();
        let two = Witness::start(&folder.path().join("w2"), &log, &["--name", "authority.example/two"]).unwrap();
        let three = Witness::independent(&folder.path().join("w3"), &log).unwrap();
        assert!(one.url.starts_with("https://") && two.vkey.starts_with("authority.example/two+"));
        let service = KeyService::start(&data, &settings(2, 2, &[&one, &two, &three])).unwrap();
        let keys = [one.vkey.clone(), two.vkey.clone(), three.vkey.clone()];

        // In the long form past the width of a tile, so that partial tiles come and go.
        for step in [3, amount(40, 260)] {
            grow(&service, step);
            cosigned(&service, 3);
        }
        let ledger = ledger_of(&data);
        let mut arguments = vec!["--vkey", &log];
        keys.iter().for_each(|key| arguments.extend(["--witness", key]));
        let (holds, said) = segel(&[vec!["verify", &ledger], arguments.clone()].concat());
        assert!(holds && said.contains("cosigned by 3 of the 3"), "{said}");
        arguments.push(&ledger);
        let (holds, report) = verifier(&arguments);
        assert!(holds && report["witnesses"] == 3, "{report}");
        let audit = [vec![ledger.as_str(), &log, "3"], keys.iter().map(String::as_str).collect()].concat();
        print!("{}", program::script("witness_audit.py", &audit).unwrap());

        // One dies: nothing changes. Two die: releases go on, and an alarm rings.
        three.kill();
        grow(&service, 2);
        cosigned(&service, 2);
        assert_eq!(status(&service)["late"], false);
        two.kill();
        grow(&service, 2);
        until("late", || status(&service)["late"] == true);
        let alarms = segel(&["admin", "alarms", "--json", "--data", data.to_str().unwrap()]).1;
        assert!(alarms.contains("witness"), "{alarms}");
        // It comes back under the same key, and catches up.
        let back = Witness::start(&folder.path().join("w2"), &log, &["--listen", &port(&keys[1], &data)]).unwrap();
        assert_eq!(back.vkey, keys[1]);
        until("not late", || status(&service)["late"] == false);
        cosigned(&service, 2);
        service.stop().unwrap();
    }

    /// Where the settings say that a witness listens.
    fn port(vkey: &str, data: &Path) -> String {
        let text = std::fs::read_to_string(data.join("keyservice.toml")).unwrap();
        let after = text.split(vkey).nth(1).unwrap().split("://").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    #[test]
    fn a_key_service_that_was_set_back_whole_does_not_start_and_signs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (data, log) = founded(folder.path());
        let one = Witness::start(&folder.path().join("w1"), &log, &[]).unwrap();
        let two = Witness::independent(&folder.path().join("w2"), &log).unwrap();
        certificate(folder.path(), &data);
        let settings = settings(1, 600, &[&one, &two]);
        let service = KeyService::start(&data, &settings).unwrap();
        grow(&service, 3);
        cosigned(&service, 2);
        service.stop().unwrap();
        let backup = folder.path().join("backup");
        copy(&data, &backup);

        let service = KeyService::start(&data, &settings).unwrap();
        grow(&service, 3);
        cosigned(&service, 2);
        service.stop().unwrap();
        // Everything on this host is put back together, as whoever owns the host can: nothing here contradicts it.
        std::fs::remove_dir_all(&data).unwrap();
        copy(&backup, &data);
        let (holds, said) = segel(&["verify", &ledger_of(&data), "--vkey", &log]);
        assert!(holds, "by itself the older ledger is sound: {said}");
        let before = std::fs::read_to_string(data.join("keyservice/ledger/checkpoint")).unwrap();
        let refused = KeyService::start(&data, &settings).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("the state was set back"), "{refused}");
        let after = std::fs::read_to_string(data.join("keyservice/ledger/checkpoint")).unwrap();
        assert_eq!(before, after, "and nothing was signed");
        // One witness that answers is enough to tell.
        one.kill();
        assert!(KeyService::start(&data, &settings).is_err());
    }

    #[test]
    fn a_state_set_back_while_no_witness_answers_is_stopped_when_one_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (data, log) = founded(folder.path());
        let one = Witness::start(&folder.path().join("w1"), &log, &[]).unwrap();
        certificate(folder.path(), &data);
        let settings = settings(1, 600, &[&one]);
        let backup = folder.path().join("backup");
        copy(&data, &backup);
        let service = KeyService::start(&data, &settings).unwrap();
        grow(&service, 3);
        let size = cosigned(&service, 1);
        service.stop().unwrap();

        one.kill();
        let mut service = KeyService::start(&backup, &settings).unwrap();
        // It even overtakes: its history is another one of the same length, and longer.
        grow(&service, usize::try_from(size).unwrap() + 2);
        assert!(service.runs().unwrap(), "nobody can know yet");
        let vkey = std::fs::read_to_string(folder.path().join("w1/vkey")).unwrap();
        let listen = port(vkey.trim(), &backup);
        let one = Witness::start(&folder.path().join("w1"), &log, &["--listen", &listen]).unwrap();
        until("it ends by itself", || !service.runs().unwrap());
        assert!(service.log().unwrap().contains("another history"), "{}", service.log().unwrap());
        let path = format!("GET /{}/checkpoint", origin_hash(log.split('+').next().unwrap()));
        let shown = exchange(&one.url, &path, "").unwrap();
        assert!(shown.contains(&format!("\n{size}\n")), "the witness stands where it stood: {shown}");
    }

    #[test]
    fn an_independent_log_is_cosigned_and_only_what_follows() {
        let folder = tempfile::tempdir().unwrap();
        let log = program::script("witness_log.py", &["vkey"]).unwrap();
        let witness = Witness::start(&folder.path().join("w"), log.trim(), &[]).unwrap();
        let arguments = ["drive", witness.url.as_str(), witness.vkey.as_str()];
        print!("{}", program::script("witness_log.py", &arguments).unwrap());
    }

    #[test]
    fn proofs_convince_two_verifiers_and_altered_ones_neither() {
        let folder = tempfile::tempdir().unwrap();
        let (data, log) = founded(folder.path());
        let one = Witness::start(&folder.path().join("w1"), &log, &[]).unwrap();
        certificate(folder.path(), &data);
        let service = KeyService::start(&data, &settings(1, 600, &[&one])).unwrap();
        grow(&service, 5);
        cosigned(&service, 1);
        let file = folder.path().join("2.tlog-proof");
        let path = file.to_str().unwrap().to_owned();
        let (made, said) = segel(&["ledger", "proof", "2", "--out", &path, "--data", data.to_str().unwrap()]);
        assert!(made, "{said}");
        let text = std::fs::read_to_string(&file).unwrap();
        let ours = ["verify", &path, "--vkey", &log, "--witness", &one.vkey, "--json"];
        let theirs = ["--vkey", &log, "--witness", &one.vkey, &path];
        let (holds, said) = segel(&ours);
        let event: Value = serde_json::from_str(&said).unwrap();
        assert!(holds && event["event"]["action"] == "AddFacility" && event["position"] == 2, "{said}");
        let (holds, report) = verifier(&theirs);
        assert!(holds && report["position"] == 2 && report["witnesses"] == 1, "{report}");
        // Field 0 is the time, 1 the action (8: a facility was added), 3 who did it.
        assert_eq!((&report["event"]["0"], &report["event"]["1"]), (&event["event"]["at"], &Value::from(8)));
        assert_eq!(report["event"]["3"], "administrator");

        let mut altered = 0;
        for (name, changed) in alterations(&text) {
            std::fs::write(&file, &changed).unwrap();
            assert!(!segel(&ours).0, "our verifier takes it: {name}\n{changed}");
            assert!(!verifier(&theirs).0, "the separate verifier takes it: {name}\n{changed}");
            altered += 1;
        }
        assert!(altered >= 20, "{altered}");
        // Another log's key, and a witness that has not seen it.
        std::fs::write(&file, &text).unwrap();
        let other = SigningKey::from_seed(log.split('+').next().unwrap(), &[1; 32]).unwrap().verifier().to_string();
        let stranger = Witness::start(&folder.path().join("w2"), &log, &[]).unwrap();
        for (vkey, witness) in [(&other, &one.vkey), (&log, &stranger.vkey)] {
            assert!(!segel(&["verify", &path, "--vkey", vkey, "--witness", witness]).0);
            assert!(!verifier(&["--vkey", vkey, "--witness", witness, &path]).0);
        }
        service.stop().unwrap();
        forked(&folder.path().join("fork"), &stranger, &text);
    }

    /// A proof from a forked log: the log's own key signed it, and no witness has seen it.
    fn forked(folder: &Path, witness: &Witness, genuine: &str) {
        let key = SigningKey::from_seed("fork.example/log", &[4; 32]).unwrap();
        let log = key.verifier().to_string();
        let mut fork = Log::open(folder, "fork.example/log", &key).unwrap();
        let entry = sha256_of_extra(genuine);
        fork.extend(0, &[entry.as_slice(), b"x", b"y"]).unwrap();
        fork.sign_checkpoint().unwrap();
        let extra = genuine.lines().nth(1).unwrap();
        let proof = fork.tlog_proof(0).unwrap().to_string().replacen("index", &format!("{extra}\nindex"), 1);
        let path = folder.join("fork.tlog-proof");
        std::fs::write(&path, proof).unwrap();
        let path = path.to_str().unwrap();
        for witnesses in [vec![], vec!["--witness", witness.vkey.as_str()]] {
            let (holds, said) = segel(&[vec!["verify", path, "--vkey", &log], witnesses.clone()].concat());
            assert!(!holds, "the event is of another position, or nobody has seen it: {said}");
            assert!(!verifier(&[vec!["--vkey", &log], witnesses, vec![path]].concat()).0);
        }
    }

    /// The entry that a genuine proof's extra data lead to.
    fn sha256_of_extra(proof: &str) -> Vec<u8> {
        use base64::Engine as _;
        let extra = proof.lines().nth(1).unwrap().strip_prefix("extra ").unwrap();
        let extra = base64::engine::general_purpose::STANDARD.decode(extra).unwrap();
        let sealed = &extra["segel/event@v1\0".len() + 32..];
        let script = "import sys,hashlib;print(hashlib.sha256(bytes.fromhex(sys.argv[1])).hexdigest())";
        let python = program::python().unwrap();
        let printed = program::must(python.to_str().unwrap(), &["-c", script, &hex::encode(sealed)]).unwrap();
        hex::decode(printed.trim()).unwrap()
    }

    /// Each line altered in its middle, left out, and doubled; and fields put in another's place.
    fn alterations(text: &str) -> Vec<(String, String)> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut all = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let joined = |middle: &[&str]| [&lines[..number], middle, &lines[number + 1..]].concat().concat();
            if *line != "\n" {
                let middle = line.chars().count() / 2;
                let swap = |(at, c): (usize, char)| match c {
                    'A' if at == middle => 'B',
                    _ if at == middle => 'A',
                    c => c,
                };
                let changed: String = line.chars().enumerate().map(swap).collect();
                all.push((format!("line {number} altered"), joined(&[&changed])));
            }
            all.push((format!("line {number} left out"), joined(&[])));
            if number != lines.len() - 1 && !line.starts_with('—') {
                // A signature that stands twice is one signature; everything else once more is another file.
                all.push((format!("line {number} doubled"), joined(&[line, line])));
            }
        }
        all.push(("another position".into(), text.replacen("index 2", "index 3", 1)));
        all.push(("a second spelling".into(), text.replacen("index 2", "index 02", 1)));
        all.push(("cut".into(), text.chars().take(text.chars().count() - 10).collect()));
        all.push(("nothing".into(), String::new()));
        all
    }
}
