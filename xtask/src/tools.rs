//! The real clients that the tests run: DCMTK, dicom3tools and Chromium from Debian, the Python ones in `.venv`, a viewer
//! for Chromium in `.viewer`, an OpenID Connect provider in `.provider`.

use crate::run;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// Debian packages: the program, or the file by its whole path, that shows a package is there, and its name.
const PACKAGES: &[(&str, &str)] = &[
    ("storescu", "dcmtk"),
    ("softhsm2-util", "softhsm2"),
    ("dciodvfy", "dicom3tools"),
    ("Orthanc", "orthanc"),
    ("/usr/share/orthanc/plugins/libOrthancDicomWeb.so", "orthanc-dicomweb"),
    ("chromium", "chromium"),
    ("openssl", "openssl"),
    ("sslscan", "sslscan"),
    ("testssl", "testssl.sh"),
    ("curl", "curl"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "libfaketime"),
    // The library that stands before the disk in a test is compiled by the test.
    ("cc", "gcc"),
];

/// The Python clients and oracles, with versions, so that a run next year tests the same.
const REQUIREMENTS: &str = "sim/requirements.txt";

/// The independent witness and log. They ask for Python 3.12 and run on the 3.11 of Debian 12, so they are installed by
/// themselves: nothing else shall be taken for another Python than the one that is there.
const WITNESS_REQUIREMENTS: &str = "sim/requirements-witness.txt";

/// The built viewer and what drives a browser. The lock names both by their hashes and leaves out the viewer's own
/// dependencies: its build holds them already.
const VIEWER: &str = "sim/viewer";

/// An OpenID Connect provider for Node, with everything that it needs by its hash.
const PROVIDER: &str = "sim/provider";

/// Installs what is missing. As root by `apt-get`; otherwise says what to type.
pub fn install() -> Result<()> {
    install_packages()?;
    install_venv()?;
    install_npm(&viewer()?, VIEWER)?;
    install_npm(&provider()?, PROVIDER)?;
    install_nextest()
}

fn install_packages() -> Result<()> {
    let missing: Vec<&str> = PACKAGES.iter().filter(|(program, _)| !run::exists(program)).map(|(_, p)| *p).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let root = run::output("id", &["-u"])?.trim() == "0";
    if !root || !run::exists("apt-get") {
        bail!("the tests need these Debian packages; as root: apt-get install {}", missing.join(" "));
    }
    run::must("apt-get", &["update", "-q"])?;
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend(missing);
    run::must_with("apt-get", &arguments, &[("DEBIAN_FRONTEND", "noninteractive")])
}

/// Where the Python environment is: `SEGEL_VENV`, or `.venv` in the workspace.
pub fn venv() -> Result<PathBuf> {
    match std::env::var_os("SEGEL_VENV") {
        Some(path) => Ok(PathBuf::from(path)),
        None => Ok(run::root()?.join(".venv")),
    }
}

fn install_venv() -> Result<()> {
    let venv = venv()?;
    let mut requirements = String::new();
    for file in [REQUIREMENTS, WITNESS_REQUIREMENTS] {
        requirements.push_str(&std::fs::read_to_string(run::root()?.join(file)).context(file)?);
    }
    let stamp = venv.join("installed-requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(());
    }
    let venv_text = venv.to_str().context("the path of the Python environment is not UTF-8")?;
    let pip = venv.join("bin/pip");
    run::must("python3", &["-m", "venv", venv_text])
        .context("python3 with its venv module is needed (Debian: apt-get install python3-venv)")?;
    let pip = pip.to_str().context("path")?;
    run::must(pip, &["install", "--quiet", "--requirement", REQUIREMENTS])?;
    let alone = ["install", "--quiet", "--no-deps", "--ignore-requires-python", "--requirement", WITNESS_REQUIREMENTS];
    run::must(pip, &alone)?;
    std::fs::write(stamp, requirements)?;
    Ok(())
}

/// Where the viewer is: `SEGEL_VIEWER`, or `.viewer` in the workspace.
pub fn viewer() -> Result<PathBuf> {
    match std::env::var_os("SEGEL_VIEWER") {
        Some(path) => Ok(PathBuf::from(path)),
        None => Ok(run::root()?.join(".viewer")),
    }
}

/// Where the OpenID Connect provider is: `SEGEL_PROVIDER`, or `.provider` in the workspace.
pub fn provider() -> Result<PathBuf> {
    match std::env::var_os("SEGEL_PROVIDER") {
        Some(path) => Ok(PathBuf::from(path)),
        None => Ok(run::root()?.join(".provider")),
    }
}

/// Installs what the lock of a folder names, by its hashes.
fn install_npm(folder: &Path, source: &str) -> Result<()> {
    let from = run::root()?.join(source);
    let lock = std::fs::read_to_string(from.join("package-lock.json")).with_context(|| source.to_owned())?;
    let stamp = folder.join("installed-lock.json");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(from.join(name), folder.join(name))?;
    }
    let folder = folder.to_str().context("the path of a folder of packages is not UTF-8")?;
    run::must("npm", &["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"])?;
    std::fs::write(stamp, lock)?;
    Ok(())
}

fn install_nextest() -> Result<()> {
    if run::exists("cargo-nextest") {
        return Ok(());
    }
    run::must("cargo", &["install", "cargo-nextest", "--locked"])
}
