//! Debian's Orthanc with its DICOMweb plugin, as shipped.
//!
//! Its own configuration is taken from `/etc/orthanc`, whole. What is changed: the two ports and two folders, C-FIND,
//! C-GET and C-MOVE of any caller are allowed (`DicomAlwaysAllow...`; as shipped only C-ECHO and C-STORE are), and the
//! destination of C-MOVE is known. Nothing that has to do with speed is touched.

use super::{Running, free_port};
use crate::bench::load::http::Web;
use crate::bench::load::requestor::Door;
use crate::run;
use anyhow::{Context as _, Result, ensure};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SHIPPED: &str = "/etc/orthanc";
/// The AE title to which C-MOVE sends.
pub const DESTINATION: &str = "DESTINATION";

/// A running Orthanc.
pub struct Orthanc {
    /// Its process.
    pub running: Running,
    /// Its DICOM door.
    pub door: Door,
    /// Its DICOMweb.
    pub web: Web,
    storage: PathBuf,
}

impl Orthanc {
    /// Starts it on a folder of its own; `destination` is the port to which C-MOVE sends.
    pub fn start(folder: &Path, destination: u16) -> Result<Self> {
        let storage = folder.join("storage");
        std::fs::create_dir_all(&storage)?;
        let (dimse, http) = (free_port()?, free_port()?);
        let configuration = folder.join("configuration");
        configure(&configuration, &storage, dimse, http, destination)?;
        let child = Command::new("Orthanc")
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(folder.join("log.txt"))?)
            .spawn()
            .context("Orthanc could not be started; Debian: apt-get install orthanc orthanc-dicomweb")?;
        let mut running = Running { child };
        let door = Door { called: "ORTHANC".into(), port: dimse };
        running.wait_for(&door)?;
        let web = Web { port: http, authorization: None };
        Ok(Self { running, door, web, storage })
    }

    /// Ends it, has SQLite count its index (`ANALYZE`), and starts it again.
    pub fn analyse(self, folder: &Path, destination: u16) -> Result<Self> {
        let index = self.storage.join("index");
        drop(self);
        run::must_with("sqlite3", &[index.to_str().context("path")?, "ANALYZE"], &[])?;
        Self::start(folder, destination)
    }
}

fn configure(to: &Path, storage: &Path, dimse: u16, http: u16, destination: u16) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let storage = serde_json::to_string(storage)?;
    let changes = [
        ("\"StorageDirectory\" : \"/var/lib/orthanc/db-v6\"", format!("\"StorageDirectory\" : {storage}")),
        ("\"IndexDirectory\" : \"/var/lib/orthanc/db-v6\"", format!("\"IndexDirectory\" : {storage}")),
        ("\"HttpPort\" : 8042", format!("\"HttpPort\" : {http}")),
        ("\"DicomPort\" : 4242", format!("\"DicomPort\" : {dimse}")),
        ("\"DicomAlwaysAllowFind\" : false", "\"DicomAlwaysAllowFind\" : true".into()),
        ("\"DicomAlwaysAllowGet\" : false", "\"DicomAlwaysAllowGet\" : true".into()),
        ("\"DicomAlwaysAllowMove\" : false", "\"DicomAlwaysAllowMove\" : true".into()),
        (
            "\"DicomModalities\" : {",
            format!("\"DicomModalities\" : {{ \"load\" : [ \"{DESTINATION}\", \"127.0.0.1\", {destination} ]"),
        ),
    ];
    for entry in std::fs::read_dir(SHIPPED).context("Debian: apt-get install orthanc orthanc-dicomweb")? {
        let entry = entry?;
        let mut text = std::fs::read_to_string(entry.path())?;
        if entry.file_name() == "orthanc.json" {
            for (shipped, changed) in &changes {
                ensure!(text.matches(shipped).count() == 1, "{SHIPPED}/orthanc.json does not have {shipped} once");
                text = text.replace(shipped, changed);
            }
        }
        std::fs::write(to.join(entry.file_name()), text)?;
    }
    Ok(())
}
