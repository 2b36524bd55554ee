//! Settings: one TOML file, and without it a service that only this host's own user can reach.

use crate::error::{Error, Result};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The file's contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The ledger's origin (C2SP tlog-checkpoint), e.g. `ledger.example.go.id/segel`. It is fixed at the first start; a
    /// random one is made if none is given.
    pub origin: Option<String>,
    /// Where archive nodes connect over mutual TLS; the Unix socket `node.sock` if absent.
    pub node: Option<Tls>,
    /// Where administrators connect over mutual TLS; the Unix socket `admin.sock` if absent.
    pub admin: Option<Tls>,
    /// How many different patients may be opened.
    #[serde(default)]
    pub budgets: crate::metering::Budgets,
    /// Who has to look at alarms, by when, and how they are told.
    #[serde(default)]
    pub alarms: crate::alarm::Settings,
}

/// One TCP address under mutual TLS. Relative files lie beside the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Address and port.
    pub listen: SocketAddr,
    /// This service's certificate chain (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// The authority that signed the clients' certificates (PEM).
    pub clients_ca: PathBuf,
    /// SHA-256 of each client certificate's DER, in hexadecimal. A certificate of the authority that is not listed here is
    /// refused, so that an archive node's certificate never opens the administrator's address.
    pub clients: Vec<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Invalid if it cannot be read or has a field that means nothing.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path.display(), &e))?;
        let mut config: Self = toml::from_str(&text).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))?;
        let beside = path.parent().unwrap_or(Path::new("."));
        for tls in [&mut config.node, &mut config.admin].into_iter().flatten() {
            for file in [&mut tls.certificate, &mut tls.key, &mut tls.clients_ca] {
                *file = beside.join(&*file);
            }
        }
        config.alarms.settle(beside)?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_beside_the_configuration_and_unknown_fields_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyservice.toml");
        let text = "[node]\nlisten = \"127.0.0.1:7443\"\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\nclients_ca = \"ca.pem\"\nclients = []\n";
        std::fs::write(&path, text).unwrap();
        let tls = Config::read(&path).unwrap().node.unwrap();
        assert_eq!((tls.certificate, tls.key), (folder.path().join("c.pem"), PathBuf::from("/k.pem")));
        std::fs::write(&path, "colour = 1\n").unwrap();
        assert!(Config::read(&path).is_err());
    }
}
