//! The outside programs: where they are, and what they printed.

use crate::Result;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The workspace's root.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// A binary of this workspace: in the folder `SEGEL_PROGRAMS`, or beside the test that runs.
///
/// # Errors
/// If it was not built: `cargo xtask test` builds it first.
pub fn ours(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let beside = test.parent().and_then(Path::parent).ok_or("the test's own folder is not known")?;
    let given = std::env::var_os("SEGEL_PROGRAMS").map(PathBuf::from);
    let program = given.as_deref().unwrap_or(beside).join(name);
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is missing: run `cargo build` first", program.display()).into())
    }
}

/// The Python of the tests' environment (`SEGEL_VENV`, or `.venv` in the workspace).
///
/// # Errors
/// If it is missing: `cargo xtask tools` installs it.
pub fn python() -> Result<PathBuf> {
    let folder = std::env::var_os("SEGEL_VENV").map_or_else(|| workspace().join(".venv"), PathBuf::from);
    let program = folder.join("bin/python");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is missing: run `cargo xtask tools`", program.display()).into())
    }
}

/// Runs a program to its end. One that is not installed is an error that says what to do.
///
/// # Errors
/// If it cannot be started.
pub fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<Output> {
    let found = Command::new(program).args(arguments).output();
    found.map_err(|error| format!("{program} does not start ({error}): run `cargo xtask tools`").into())
}

/// As [`run`], and it must succeed; its output, both streams, as text.
///
/// # Errors
/// If it fails, with what it printed.
pub fn must<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<String> {
    let output = run(program, arguments)?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("{program} ended with {}:\n{text}", output.status).into())
    }
}

/// Runs a script of `sim/python` with arguments; it must succeed.
///
/// # Errors
/// If it fails, with what it printed.
pub fn script<S: AsRef<OsStr>>(name: &str, arguments: &[S]) -> Result<String> {
    let python = python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
    let mut all = vec![script.into_os_string()];
    all.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
    must(python.to_str().ok_or("the path of Python is not UTF-8")?, &all)
}
