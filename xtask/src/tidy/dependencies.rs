//! Who may import whom, what the key service may link, and under which licences.

use crate::run;
use anyhow::{Context as _, Result};
use serde_json::Value;

/// The table of `ARCHITECTURE.md`: a crate and what of ours it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("wire", &["record"]),
    ("seal", &["record"]),
    ("ledger", &[]),
    ("policy", &["record"]),
    ("keyservice", &["record", "seal", "ledger", "policy"]),
    ("archive", &["record", "wire", "seal", "ledger"]),
    ("trace", &["record", "wire", "seal", "archive"]),
    ("segel", &["record", "wire", "seal", "ledger", "keyservice", "archive", "trace"]),
    ("sim", &["record", "wire", "seal", "ledger", "policy", "keyservice", "archive", "trace", "segel"]),
    ("xtask", &["record", "wire"]),
];

/// A crate may import nothing else of ours in its tests either, but for what its tests run against.
const TESTS_MAY_IMPORT: &[(&str, &[&str])] = &[("archive", &["keyservice"])];

/// Parsers of records: a bug in one of them must not be a way to the keys.
const NEVER_IN_KEYSERVICE: &[&str] = &["wire", "zip", "image", "flate2", "lopdf", "png", "csv", "calamine"];

/// The key service is read by reviewers whole; this bounds what they must trust beside it. Macros that run while it is
/// compiled are no part of it.
const KEYSERVICE_CRATES_MAX: usize = 150;

/// Stale, a second TLS stack, or a second cryptographic library.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls", "turso", "hl7v2", "aws-sdk-s3"];

const LICENCES: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "Unlicense",
    "0BSD",
    "MPL-2.0",
    "MIT-0",
    "BSL-1.0",
    "OpenSSL",
    "CDLA-Permissive-2.0",
    "LLVM-exception",
    "bzip2-1.0.6",
    "IJG",
    "BlueOak-1.0.0",
];

/// Every breach, in words.
pub fn check() -> Result<Vec<String>> {
    let text = run::output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("cargo metadata lists no packages")?;
    let mut breaches = imports(packages);
    breaches.extend(banned()?);
    breaches.extend(licences(packages));
    breaches.extend(first_command(packages));
    breaches.extend(keyservice()?);
    Ok(breaches)
}

fn allowed(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, list)| *list)
}

fn imports(packages: &[Value]) -> Vec<String> {
    let ours = |package: &&Value| package["source"].is_null();
    let mut breaches = Vec::new();
    for package in packages.iter().filter(ours) {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(may) = allowed(MAY_IMPORT, name) else {
            breaches.push(format!("crate {name} is not in the table of crates"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = dependency["name"].as_str().unwrap_or_default();
            let is_ours = dependency["path"].is_string();
            let for_tests = dependency["kind"] == "dev";
            let in_tests = for_tests && allowed(TESTS_MAY_IMPORT, name).is_some_and(|list| list.contains(&other));
            if is_ours && !may.contains(&other) && !in_tests {
                breaches.push(format!("{name} may not import {other}"));
            }
        }
    }
    breaches
}

/// The README's first command is `cargo run --release -- demo`: cargo must know which program is meant.
fn first_command(packages: &[Value]) -> Option<String> {
    let default_run = |package: &Value| package.get("default_run").and_then(Value::as_str).map(str::to_owned);
    let named: Vec<String> =
        packages.iter().filter(|package| package["source"].is_null()).filter_map(default_run).collect();
    (named != ["segel"]).then(|| "cargo run does not mean segel: default-run".to_owned())
}

/// What is really linked or run: a lock file also names what other features would bring.
fn banned() -> Result<Vec<String>> {
    let linked = linked(&["--workspace"])?;
    Ok(linked
        .iter()
        .filter(|name| BANNED.contains(&name.as_str()))
        .map(|name| format!("crate {name} is banned"))
        .collect())
}

/// The names of the crates in a dependency tree of Linux.
fn linked(of: &[&str]) -> Result<Vec<String>> {
    let mut arguments = vec!["tree", "--prefix", "none", "--format", "{p}", "--locked"];
    arguments.extend(of);
    let tree = run::output("cargo", &arguments)?;
    let mut names: Vec<String> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// An SPDX expression passes if one side of every `OR` is wholly allowed.
fn permitted(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" OR ").any(|side| {
        let mut words = side.split_whitespace().filter(|word| !matches!(*word, "AND" | "WITH"));
        words.all(|word| LICENCES.contains(&word))
    })
}

fn licences(packages: &[Value]) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none stated");
        if !permitted(licence) {
            breaches.push(format!("{} has the licence {licence}", package["name"]));
        }
    }
    breaches
}

fn keyservice() -> Result<Vec<String>> {
    let linked = linked(&["--package", "keyservice", "--edges", "normal,no-proc-macro"])?;
    let parser = |name: &&String| NEVER_IN_KEYSERVICE.contains(&name.as_str()) || name.starts_with("dicom");
    let mut breaches: Vec<String> =
        linked.iter().filter(parser).map(|name| format!("keyservice links {name}, a parser of records")).collect();
    if linked.len() > KEYSERVICE_CRATES_MAX {
        breaches.push(format!("keyservice links {} crates; {KEYSERVICE_CRATES_MAX} is the limit", linked.len()));
    }
    Ok(breaches)
}

#[cfg(test)]
mod tests {
    use super::permitted;

    #[test]
    fn licences_are_read_as_spdx_expressions() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "ISC AND (Apache-2.0 OR ISC)",
        ] {
            assert!(permitted(good), "{good}");
        }
        for bad in ["GPL-3.0", "AGPL-3.0-only", "MIT AND GPL-2.0", "none stated"] {
            assert!(!permitted(bad), "{bad}");
        }
    }
}
