//! Debian's Orthanc as its own process: an old PACS to be emptied, and a neighbour that asks and is asked.

use crate::{Result, program};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A start takes a second; a loaded machine many.
const START_MAX: Duration = Duration::from_secs(60);
/// A port can be taken by another program between its choice and its use; so often another one is tried.
const ATTEMPTS: usize = 4;

/// A running Orthanc. Dropping it ends it.
pub struct Orthanc {
    /// Its DICOM port.
    pub dimse: u16,
    /// Its REST API.
    pub http: SocketAddr,
    /// Its data folder.
    pub data: PathBuf,
    child: Child,
}

impl Orthanc {
    /// Starts an Orthanc with this AE title in a folder; `further` goes into its configuration.
    ///
    /// # Errors
    /// If it does not start, with its log.
    pub fn start(folder: &Path, ae_title: &str, further: &Value) -> Result<Self> {
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            match Self::attempt(folder, ae_title, further)? {
                Ok(running) => return Ok(running),
                Err(log) => said = log,
            }
        }
        Err(format!("Orthanc does not start; its log:\n{said}").into())
    }

    /// On a port that was free a moment ago, for Orthanc takes no port 0; its log if it ended or stayed silent.
    fn attempt(folder: &Path, ae_title: &str, further: &Value) -> Result<std::result::Result<Self, String>> {
        let data = folder.join(ae_title);
        std::fs::create_dir_all(&data)?;
        let (dimse, http) = (free_port()?, free_port()?);
        let mut config = json!({
            "Name": format!("{ae_title} {dimse}"), "StorageDirectory": data, "IndexDirectory": data,
            "DicomAet": ae_title, "DicomPort": dimse, "HttpPort": http, "DicomCheckCalledAet": false,
            "DicomAlwaysAllowEcho": true, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true,
            "DicomAlwaysAllowGet": true, "DicomAlwaysAllowMove": true, "RemoteAccessAllowed": false,
            "AuthenticationEnabled": false, "Plugins": [],
        });
        let object = config.as_object_mut().ok_or("a configuration is an object")?;
        object.extend(further.as_object().ok_or("a configuration is an object")?.clone());
        let (config_path, log_path) = (data.join("orthanc.json"), data.join("log.txt"));
        std::fs::write(&config_path, config.to_string())?;
        let log = std::fs::File::create(&log_path)?;
        let started = Command::new("Orthanc").arg(&config_path).stdout(log.try_clone()?).stderr(log).spawn();
        let child = started.map_err(|error| format!("Orthanc does not start ({error}): run `cargo xtask tools`"))?;
        let mut running = Self { dimse, http: SocketAddr::from(([127, 0, 0, 1], http)), data, child };
        if running.answers(&format!("{ae_title} {dimse}"))? {
            return Ok(Ok(running));
        }
        drop(running);
        Ok(Err(std::fs::read_to_string(&log_path)?))
    }

    /// Whether it answers, and not another program that was quicker to take the port.
    fn answers(&mut self, name: &str) -> Result<bool> {
        let begun = Instant::now();
        let url = format!("http://{}/system", self.http);
        while begun.elapsed() < START_MAX && self.child.try_wait()?.is_none() {
            let answer = program::run("curl", &["-s", "-m", "5", &url])?;
            let system: Option<Value> = serde_json::from_slice(&answer.stdout).ok();
            if system.is_some_and(|system| system.get("Name").and_then(Value::as_str) == Some(name)) {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(false)
    }

    /// What it wrote into its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log.txt")).unwrap_or_default()
    }
}

impl Drop for Orthanc {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Orthanc's DICOMweb plugin, as Debian installs it.
///
/// # Errors
/// If it is missing.
pub fn dicomweb_plugin() -> Result<PathBuf> {
    let path = Path::new("/usr/share/orthanc/plugins/libOrthancDicomWeb.so");
    if path.is_file() {
        Ok(path.to_path_buf())
    } else {
        Err(format!("{} is missing (Debian: orthanc-dicomweb): run `cargo xtask tools`", path.display()).into())
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
