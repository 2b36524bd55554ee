//! Settings: one TOML file, and without it a service that only this host's own user can reach.

use crate::error::{Error, Result};
use policy::Engine;
use serde::Deserialize;
use std::collections::BTreeMap;
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
    /// Who cosigns the ledger's checkpoints.
    #[serde(default)]
    pub witnesses: crate::witness::Settings,
    /// How others are called.
    #[serde(default)]
    pub outbound: crate::outbound::Settings,
    /// How people and systems sign in.
    #[serde(default)]
    pub identity: crate::issuer::Settings,
    /// How many different patients may be opened.
    #[serde(default)]
    pub budgets: crate::metering::Budgets,
    /// Who has to look at alarms, by when, and how they are told.
    #[serde(default)]
    pub alarms: crate::alarm::Settings,
    /// Records that no honest work opens.
    #[serde(default)]
    pub canaries: crate::canary::Settings,
    /// How many approve what takes two people, and what waits how long.
    #[serde(default)]
    pub quorum: crate::quorum::Settings,
    /// What a patient's access report tells.
    #[serde(default)]
    pub report: crate::report::Settings,
    /// Where the root and the vault are kept.
    #[serde(default)]
    pub root: crate::custody::Settings,
    /// How long records are kept.
    #[serde(default)]
    pub retention: crate::custody::Retention,
    /// Rules in place of the shipped ones: names of files and their whole texts. From the moment that there are approvers they
    /// change as every held setting does: by two people, after a delay, from the next start.
    #[serde(default)]
    pub policies: BTreeMap<String, String>,
    /// The text that this was read from: what two people hold is held as text.
    #[serde(skip)]
    pub text: String,
    /// The folder that the file's relative names begin in.
    #[serde(skip)]
    pub beside: PathBuf,
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
    /// The rules: those named here, or the shipped ones.
    ///
    /// # Errors
    /// Invalid for a set that does not validate.
    pub fn engine(&self) -> Result<Engine> {
        let texts: Vec<_> = self.policies.iter().collect();
        let engine = if texts.is_empty() { Engine::shipped() } else { Engine::from_texts(&texts) };
        engine.map_err(|error| Error::invalid(format!("the policies: {error}")))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Invalid if it cannot be read or has a field that means nothing.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path.display(), &e))?;
        Self::parse(&text, path.parent().unwrap_or(Path::new(".")))
            .map_err(|e| Error::invalid(format!("{}: {e}", path.display())))
    }

    /// Reads a file's text; relative names begin in the folder `beside`.
    ///
    /// # Errors
    /// Invalid for a field that means nothing.
    pub fn parse(text: &str, beside: &Path) -> Result<Self> {
        let mut config: Self = toml::from_str(text).map_err(|e| Error::invalid(e.to_string()))?;
        config.quorum.rules()?;
        (config.text, config.beside) = (text.to_owned(), beside.to_owned());
        for tls in [&mut config.node, &mut config.admin].into_iter().flatten() {
            for file in [&mut tls.certificate, &mut tls.key, &mut tls.clients_ca] {
                *file = beside.join(&*file);
            }
        }
        if let Some(ca) = &mut config.outbound.ca {
            *ca = beside.join(&*ca);
        }
        config.alarms.settle(beside)?;
        config.identity.lie_beside(beside);
        config.root.settle(beside);
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_do_not_validate_are_no_settings_to_start_with() {
        let scope = "(principal is Segel::Actor, action, resource is Segel::Record)";
        let config = |rule: &str| {
            let policies = BTreeMap::from([("own.cedar".to_owned(), rule.to_owned())]);
            Config { policies, ..Config::default() }.engine()
        };
        let engine = config(&format!("@id(\"all\") permit {scope};")).unwrap();
        assert_eq!(engine.texts().len(), 1);
        assert_eq!(config(&format!("permit {scope};")).unwrap_err().outcome(), record::Outcome::Invalid);
        assert_eq!(Config::default().engine().unwrap().digest(), Engine::shipped().unwrap().digest());
        let text = "[policies]\n\"own.cedar\" = \"// nothing\"\n";
        assert_eq!(Config::parse(text, Path::new(".")).unwrap().engine().unwrap().texts().len(), 1);
    }

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
