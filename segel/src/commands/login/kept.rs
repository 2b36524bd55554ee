//! What a login keeps on this machine: one file, which only its owner may read.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Scheme, host and port of the archive.
    pub archive: String,
    /// PEM: the authorities of its certificate.
    pub authority: Option<PathBuf>,
    /// What the sessions are for.
    pub purpose: String,
    /// Whether the archive has taken the key.
    pub is_enrolled: bool,
    /// The private key: PKCS #8 (RFC 5958) in base64.
    #[serde(with = "secret")]
    pub key: Zeroizing<Vec<u8>>,
    /// The session, while there is one.
    pub session: Option<Session>,
}

/// A session.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The access token.
    pub token: String,
    /// When it ends, in seconds since 1970.
    pub until: i64,
    /// Who it is, for people.
    pub name: String,
    /// Where.
    pub facility: String,
    /// As what.
    pub role: String,
    /// What for.
    pub purpose: String,
}

mod secret {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use zeroize::Zeroizing;

    pub fn serialize<S: Serializer>(bytes: &Zeroizing<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(bytes.as_slice())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        STANDARD.decode(text.as_bytes()).map(Zeroizing::new).map_err(D::Error::custom)
    }
}

/// A login's name: it becomes the name of a file.
pub fn name(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if fits { Ok(text.to_owned()) } else { Err("1 to 64 of a-z A-Z 0-9 - _".into()) }
}

/// Where a login of this name lies.
pub fn path(name: &str) -> Result<PathBuf> {
    Ok(crate::config::default_config_dir()?.join("logins").join(format!("{name}.json")))
}

impl Kept {
    /// Reads a login.
    pub fn read(path: &Path) -> Result<Self> {
        let text = Zeroizing::new(std::fs::read_to_string(path)?);
        serde_json::from_str(&text).with_context(|| format!("{} is not a login", path.display()))
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = path.parent().context("a login has a folder")?;
        crate::durable::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        let text = Zeroizing::new(serde_json::to_vec_pretty(self)?);
        crate::durable::write(path, &text, 0o600).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_login_lies_where_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logins/a.json");
        let kept = Kept {
            archive: "https://a".into(),
            authority: None,
            purpose: "TREAT".into(),
            is_enrolled: true,
            key: Zeroizing::new(vec![1, 2, 3]),
            session: None,
        };
        kept.write(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(*Kept::read(&path).unwrap().key, [1, 2, 3]);
    }

    #[test]
    fn a_name_never_leads_elsewhere() {
        assert!(name("dr-ratna_2").is_ok() && name(&"n".repeat(64)).is_ok());
        for wrong in ["", ".", "..", "a/b", "a.json", "a b", &"n".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
