//! The program itself: how it starts, what it says, how it ends.

use crate::support::{PASSPHRASE, Process, World, item, peer};
use record::Identifier;
use seal::message::{AdminAnswer, AdminRequest, Answer, Request};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn ended(process: &mut Process) -> std::process::ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = process.child.try_wait().unwrap() {
            return status;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn admit(process: &Process) {
    let identifier = Identifier::Local { issuer: "RIS".into(), value: "1".into() };
    process.node().admit(&peer("CT-A"), vec![item(vec![identifier])]);
}

#[test]
fn sigterm_ends_it_with_everything_signed() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    let AdminAnswer::Ledger { vkey, .. } = process.admin().admin(AdminRequest::Ledger) else { panic!("no ledger") };
    admit(&process);
    let idle = process.node();
    // Without the flag the input's end means nothing.
    drop(process.input.take());
    std::thread::sleep(Duration::from_millis(100));
    assert!(process.child.try_wait().unwrap().is_none());
    let pid = rustix::process::Pid::from_child(&process.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(ended(&mut process).success());
    drop(idle);
    assert!(!folder.path().join("node.sock").exists());
    let report = ledger::verify(&folder.path().join("ledger"), &vkey).unwrap();
    assert_eq!(report.size, process.events().len() as u64, "the last entry is under the last checkpoint");
}

#[test]
fn it_ends_with_its_parents_input_if_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &["--exit-with-stdin"]);
    process.set_up();
    admit(&process);
    drop(process.input.take());
    assert!(ended(&mut process).success());
}

#[test]
fn a_dead_services_socket_and_lock_do_not_stop_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    admit(&process);
    process.kill();
    assert!(folder.path().join("node.sock").exists(), "a killed process leaves its socket");
    let started = Instant::now();
    let mut next = Process::start(folder.path(), &[]);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "ready after {took:?}");
    assert!(matches!(next.node().call(Request::Checkpoint), Answer::Checkpoint(_)));
    next.kill();
}

#[test]
fn a_live_service_whose_sockets_files_were_taken_away_is_reached_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    process.set_up();
    let sockets = ["node.sock", "admin.sock"].map(|name| folder.path().join(name));
    for socket in &sockets {
        std::fs::remove_file(socket).unwrap();
    }
    // Something else under the name is no better than nothing.
    std::fs::write(&sockets[1], b"not a socket").unwrap();
    let begun = Instant::now();
    let is_reached = || sockets.iter().all(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok());
    while !is_reached() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the sockets' names stay away");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(matches!(process.node().call(Request::Checkpoint), Answer::Checkpoint(_)));
    assert!(matches!(process.admin().admin(AdminRequest::Ledger), AdminAnswer::Ledger { .. }));
    process.kill();
}

#[test]
fn wrong_starts_say_why_and_end_with_a_status() {
    let mut world = World::new();
    world.stop();
    let folder = world.folder.path();
    let file = folder.join("passphrase.txt");
    std::fs::write(&file, format!("{PASSPHRASE}\n")).unwrap();
    let run = |flags: &[&str], variable: Option<&str>, input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_segel-keyservice"));
        command.arg("--data").arg(folder).args(flags).env_remove("SEGEL_PASSPHRASE");
        if let Some(variable) = variable {
            command.env("SEGEL_PASSPHRASE", variable);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for (flags, variable, input, status, says) in [
        (vec!["--passphrase-stdin"], None, "salah\n", Some(1), "wrong passphrase"),
        (vec!["--passphrase-stdin"], None, "\n", Some(1), "empty"),
        (vec![], None, "", Some(1), "no passphrase"),
        (vec![], Some("salah"), "", Some(1), "wrong passphrase"),
        (vec!["--passphrase-file", "/nowhere"], None, "", Some(1), "/nowhere"),
        (vec!["--config", "/nowhere", "--passphrase-stdin"], None, PASSPHRASE, Some(1), "/nowhere"),
        (vec!["--colour"], None, "", Some(2), "--colour"),
    ] {
        let (code, _, stderr) = run(&flags, variable, input);
        assert_eq!(code, status, "{flags:?}: {stderr}");
        assert!(stderr.contains(says) && !stderr.contains("panicked"), "{flags:?}: {stderr}");
    }
    // The same passphrase from a file, a variable and a line; each prints the events of the set-up.
    let path = file.to_str().unwrap().to_owned();
    for (flags, variable, input) in [
        (vec!["--events", "--passphrase-file", &path], None, ""),
        (vec!["--events"], Some(PASSPHRASE), ""),
        (vec!["--events", "--passphrase-stdin"], None, PASSPHRASE),
    ] {
        let (code, stdout, stderr) = run(&flags, variable, input);
        assert_eq!(code, Some(0), "{flags:?}: {stderr}");
        let events: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((events[0]["action"].as_str(), events.len()), (Some("Start"), 5));
        assert_eq!(events[1]["action"], "AddFacility");
    }
}

#[test]
fn the_process_keeps_its_memory_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
    process.kill();
}
