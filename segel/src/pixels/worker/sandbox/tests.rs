//! Each attack is made twice by this test program started anew: outside the room, where it must succeed, and inside.

use super::*;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The exit code of an attack that succeeded. The test program itself ends with 0 or 101.
const SUCCEEDED: i32 = 77;
/// The exit code of an attack that was answered with an error.
const DENIED: i32 = 78;

/// One attempt, outside or inside the room.
fn attempt(attack: &str, inside: bool) -> Output {
    Command::new("/proc/self/exe")
        .args(["--exact", "pixels::worker::sandbox::tests::victim", "--ignored", "--test-threads=1", "--nocapture"])
        .envs(crate::pixels::worker::child::ENVIRONMENT)
        .env("SEGEL_TEST_ATTACK", attack)
        .env("SEGEL_TEST_INSIDE", if inside { "yes" } else { "no" })
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn end(succeeded: bool) -> ! {
    std::process::exit(if succeeded { SUCCEEDED } else { DENIED })
}

#[test]
#[ignore = "other tests start it as the process that misbehaves"]
fn victim() {
    let Ok(attack) = std::env::var("SEGEL_TEST_ATTACK") else { return };
    let inside = std::env::var("SEGEL_TEST_INSIDE").unwrap() == "yes";
    let parent = rustix::process::getppid().unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    if inside {
        enter(256 * 1024 * 1024, 2).unwrap();
    }
    match attack.as_str() {
        "nothing" => end(true),
        "open" => end(std::fs::File::open("/etc/hostname").is_ok()),
        "create" => end(rustix::fs::mkdir("/tmp/segel-sandbox-test", rustix::fs::Mode::RWXU).is_ok()
            && rustix::fs::rmdir("/tmp/segel-sandbox-test").is_ok()),
        "connect" => end(std::net::UdpSocket::bind("127.0.0.1:0").is_ok()),
        "send" => end(socket.send_to(b"key", "127.0.0.1:9").is_ok()),
        "exec" => end(Command::new("/bin/true").status().is_ok()),
        "thread" => end(std::thread::Builder::new().spawn(|| {}).is_ok()),
        "kill" => end(rustix::process::test_kill_process(parent).is_ok()),
        "executable memory" => end(executable()),
        "memory" => end(takes(512 * 1024 * 1024)),
        "abort" => std::process::abort(),
        "for ever" => loop {
            black_box(0);
        },
        _ => panic!("no such attack"),
    }
}

fn takes(bytes: usize) -> bool {
    let mut taken: Vec<u8> = Vec::new();
    if taken.try_reserve_exact(bytes).is_err() {
        return false;
    }
    taken.resize(bytes, 1);
    black_box(&taken).len() == bytes
}

fn executable() -> bool {
    let protection = libc::PROT_READ | libc::PROT_EXEC;
    #[expect(unsafe_code, reason = "an attack asks the kernel for memory directly")]
    // SAFETY: new anonymous memory that nothing refers to.
    let mapped =
        unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
    mapped != libc::MAP_FAILED
}

#[test]
fn what_a_worker_must_not_do_ends_it_and_would_work_outside() {
    for attack in ["open", "create", "connect", "send", "exec", "thread", "kill", "executable memory"] {
        let outside = attempt(attack, false);
        assert_eq!(outside.status.code(), Some(SUCCEEDED), "{attack} outside: {outside:?}");
        let inside = attempt(attack, true);
        // A socket that was open before is closed; to use its number is an error or the end.
        assert_eq!(inside.status.signal(), Some(libc::SIGSYS), "{attack} inside: {inside:?}");
    }
}

#[test]
fn memory_beyond_the_limit_is_refused_and_would_be_given_outside() {
    assert_eq!(attempt("memory", false).status.code(), Some(SUCCEEDED));
    assert_eq!(attempt("memory", true).status.code(), Some(DENIED));
    assert_eq!(attempt("nothing", true).status.code(), Some(SUCCEEDED), "the room itself leaves a process alive");
}

#[test]
fn an_abort_and_a_loop_for_ever_end_the_worker_alone() {
    assert_eq!(attempt("abort", true).status.signal(), Some(libc::SIGABRT));
    let begun = std::time::Instant::now();
    assert_eq!(attempt("for ever", true).status.signal(), Some(libc::SIGKILL));
    assert!(begun.elapsed() >= Duration::from_secs(1), "it was the processor time that ended it");
}
