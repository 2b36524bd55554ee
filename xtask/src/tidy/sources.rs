//! What the files themselves must look like.

use crate::run;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// A reader holds a file of this length in the head. Longer needs a reason in the file: `// Long because ...`.
const LINES_MAX: usize = 400;

/// Text that must not stand in a source file, where, and why.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("FIXME", "", "finish it or leave it out"),
    ("TODO", "", "finish it or leave it out"),
    ("Command::new", "segel/src/d", "nothing that a peer sends may start a program"),
    ("Command::new", "segel/src/f", "nothing that a peer sends may start a program"),
    ("Command::new", "archive/src", "nothing that a peer sends may start a program"),
    ("Command::new", "wire/src", "nothing that a peer sends may start a program"),
    ("std::fs", "wire/src", "readers of strangers' bytes do no I/O"),
    ("std::net", "wire/src", "readers of strangers' bytes do no I/O"),
    ("PathBuf", "segel/src/dimse", "text of a peer never becomes a path"),
    ("PathBuf", "segel/src/dicomweb", "text of a peer never becomes a path"),
    ("PathBuf", "segel/src/fhir", "text of a peer never becomes a path"),
    ("std::fs", "segel/src/dicomweb", "doors reach the disk through the archive only"),
    ("std::fs", "segel/src/fhir", "doors reach the disk through the archive only"),
];

/// Every breach, in words.
pub fn check() -> Result<Vec<String>> {
    let root = run::root()?;
    let listed = run::output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    let files: Vec<PathBuf> = listed.lines().map(PathBuf::from).filter(|file| root.join(file).is_file()).collect();
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let text = std::fs::read_to_string(root.join(file))?;
        breaches.extend(long(file, &text));
        breaches.extend(forbidden(file, &text));
    }
    breaches.extend(orphaned_golden_files(&root, &files)?);
    breaches.extend(changelog(&root)?);
    Ok(breaches)
}

fn long(file: &Path, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let excused = text.lines().take(12).any(|line| line.contains("Long because"));
    (lines > LINES_MAX && !excused).then(|| format!("{} has {lines} lines; {LINES_MAX} is the limit", file.display()))
}

fn forbidden(file: &Path, text: &str) -> Vec<String> {
    let path = file.to_string_lossy();
    if path.starts_with("xtask/") {
        return Vec::new();
    }
    let release = text.split("#[cfg(test)]").next().unwrap_or_default();
    let breach = |(word, place, _): &&(&str, &str, &str)| {
        path.starts_with(place)
            && !path.contains("/tests/")
            && !path.starts_with("segel/src/demo")
            && release.contains(word)
    };
    FORBIDDEN.iter().filter(breach).map(|(word, _, why)| format!("{path} contains {word}: {why}")).collect()
}

/// A golden file that no test names would stay for ever and be believed.
fn orphaned_golden_files(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut sources = String::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        sources.push_str(&std::fs::read_to_string(root.join(file))?);
    }
    let golden = files.iter().filter(|file| file.to_string_lossy().contains("/golden/"));
    let orphaned = golden.filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        !sources.contains(name.as_ref())
    });
    Ok(orphaned.map(|file| format!("{} is a golden file that no test names", file.display())).collect())
}

fn changelog(root: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join("CHANGELOG.md"))?;
    Ok(if text.contains("## [Unreleased]") { Vec::new() } else { vec!["CHANGELOG.md has no [Unreleased] part".into()] })
}
