//! TLS for clients that speak none: Debian's `dcmsend`, `getscu` and `movescu`. Hospitals put such a relay beside old modalities.

use crate::{Result, program};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A relay on this machine; it ends when dropped.
pub struct Relay {
    process: Child,
    /// Where it listens in plain text.
    pub port: String,
}

impl Relay {
    /// Relays to `to` over TLS with this client certificate.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(to: SocketAddr, key: &str, certificate: &str) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/tls_relay.py");
        let mut process = Command::new(program::python()?)
            .arg(script)
            .args([&to.to_string(), key, certificate])
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the relay has no output")?;
        let mut relay = Self { process, port: String::new() };
        BufReader::new(output).read_line(&mut relay.port)?;
        relay.port.truncate(relay.port.trim_end().len());
        Ok(relay)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}
