//! The configuration: one commented TOML file, and what stands in its place when there is none.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The file that `segel serve --config` reads. Every key may be left out; an unknown key is an error, because a
/// misspelt security setting must not be ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The data folder.
    pub data: Option<PathBuf>,
    /// AE title of this archive.
    pub ae_title: Option<String>,
    /// The HTTP doors.
    pub http: HttpConfig,
    /// The DICOM doors.
    pub dimse: DimseConfig,
    /// The key service.
    pub keyservice: KeyServiceConfig,
    /// Outside identity providers: what the doors need besides the key service's settings.
    pub provider: Vec<crate::identity::ProviderConfig>,
}

/// `[http]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Where to listen.
    pub address: Option<SocketAddr>,
    /// PEM files; with them the doors speak HTTPS.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
    /// The origin that links name, behind a reverse proxy: `https://archive.example`.
    pub public_origin: Option<String>,
    /// Without TLS only loopback is served, unless a reverse proxy on the way is promised here.
    pub behind_tls_proxy: bool,
    /// Origins whose web pages may speak to the doors for programs.
    pub cors_origins: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed when sign-ins of one address are counted.
    pub forwarded_by: Vec<IpAddr>,
}

/// `[dimse]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DimseConfig {
    /// Plain-text listener.
    pub plain: Option<SocketAddr>,
    /// TLS listener.
    pub tls: Option<SocketAddr>,
    /// SOP classes of the hospital's own machines that are taken as storage besides the standard's.
    pub storage_sop_classes: Vec<String>,
    /// PEM files of the TLS listener; made and kept in the data folder if absent.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
}

/// `[keyservice]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyServiceConfig {
    /// Host and port of a key service on its own host; absent: a second process on this one.
    pub address: Option<String>,
    /// PEM: the key service's certificate or its authority.
    pub authority: Option<PathBuf>,
    /// PEM: this node's certificate.
    pub certificate: Option<PathBuf>,
    /// PEM: this node's private key.
    pub key: Option<PathBuf>,
    /// File with the passphrase of the root key, for the key service on this host.
    pub passphrase_file: Option<PathBuf>,
}

/// The file that `segel serve --help` speaks of, with every key and its default.
pub const COMMENTED: &str = include_str!("../segel.toml");

impl Config {
    /// Reads a file; an error names the line.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Self = toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))?;
        config.check()?;
        Ok(config)
    }

    /// What no file says: everything on loopback.
    pub fn embedded() -> Self {
        let loopback = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        Self {
            http: HttpConfig { address: loopback(8080), ..HttpConfig::default() },
            dimse: DimseConfig { plain: loopback(11112), tls: loopback(2762), ..DimseConfig::default() },
            ..Self::default()
        }
    }

    /// The AE title.
    pub fn ae_title(&self) -> &str {
        self.ae_title.as_deref().unwrap_or("SEGEL")
    }

    /// Combinations that would be unsafe or mean nothing.
    pub fn check(&self) -> Result<()> {
        if self.http.certificate.is_some() != self.http.key.is_some() {
            bail!("[http] certificate and key go together");
        }
        if self.dimse.certificate.is_some() != self.dimse.key.is_some() {
            bail!("[dimse] certificate and key go together");
        }
        let plain_http = self.http.certificate.is_none() && !self.http.behind_tls_proxy;
        if let Some(address) = self.http.address.filter(|a| plain_http && !a.ip().is_loopback()) {
            bail!("[http] address {address} is not loopback: set certificate and key, or behind_tls_proxy = true");
        }
        crate::http::Cors::new(&self.http.cors_origins)?;
        if !(1..=16).contains(&self.ae_title().len()) {
            bail!("ae_title has 1 to 16 characters");
        }
        let remote = &self.keyservice;
        if remote.address.is_some()
            && (remote.authority.is_none() || remote.certificate.is_none() || remote.key.is_none())
        {
            bail!("[keyservice] address needs authority, certificate and key");
        }
        Ok(())
    }
}

/// The platform's data folder: `$XDG_DATA_HOME/segel`, or `~/.local/share/segel`.
pub fn default_data_dir() -> Result<PathBuf> {
    home_folder("XDG_DATA_HOME", ".local/share")
}

/// The platform's configuration folder: `$XDG_CONFIG_HOME/segel`, or `~/.config/segel`.
pub fn default_config_dir() -> Result<PathBuf> {
    home_folder("XDG_CONFIG_HOME", ".config")
}

fn home_folder(variable: &str, below_home: &str) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(folder).join("segel"));
    }
    let home = std::env::var_os("HOME").context("neither a data folder (--data) nor HOME is given")?;
    Ok(PathBuf::from(home).join(below_home).join("segel"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_file_says_what_holds_without_it() {
        let config: Config = toml::from_str(COMMENTED).unwrap();
        let embedded = Config::embedded();
        assert_eq!(config.http.address, embedded.http.address);
        assert_eq!(config.dimse.plain, embedded.dimse.plain);
        assert_eq!(config.dimse.tls, embedded.dimse.tls);
        assert_eq!(config.ae_title(), embedded.ae_title());
        config.check().unwrap();
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        assert!(toml::from_str::<Config>("[http]\naddres = \"127.0.0.1:1\"").is_err());
    }

    #[test]
    fn a_page_is_let_in_by_its_exact_origin_only() {
        let of =
            |origins: &str| toml::from_str::<Config>(&format!("[http]\ncors_origins = {origins}")).unwrap().check();
        of("[\"https://viewer.example\"]").unwrap();
        assert!(of("[\"*\"]").is_err());
        assert!(Config::embedded().http.cors_origins.is_empty());
    }

    #[test]
    fn clear_text_beyond_loopback_needs_a_promise() {
        let open: Config = toml::from_str("[http]\naddress = \"0.0.0.0:8080\"").unwrap();
        assert!(open.check().is_err());
        let proxied: Config = toml::from_str("[http]\naddress = \"0.0.0.0:8080\"\nbehind_tls_proxy = true").unwrap();
        proxied.check().unwrap();
    }
}
