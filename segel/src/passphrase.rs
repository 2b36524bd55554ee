//! Where the passphrase of the root key comes from when the key service runs on this host.

use crate::{config, durable};
use anyhow::{Context as _, Result, bail};
use aws_lc_rs::rand;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A passphrase and where it came from, in words for the start-up message.
pub struct Passphrase {
    /// The bytes, without the line's end.
    pub secret: Zeroizing<Vec<u8>>,
    /// For people.
    pub source: String,
}

/// Looks in order: the file that is named, `SEGEL_PASSPHRASE`, systemd's credential `segel-passphrase`, and last the
/// file that Segel made itself on an earlier or this first start, outside the data folder.
pub fn find(data: &Path, named: Option<&Path>) -> Result<Passphrase> {
    if let Some(path) = named {
        return read(path);
    }
    if let Some(secret) = std::env::var_os("SEGEL_PASSPHRASE").filter(|value| !value.is_empty()) {
        let secret = Zeroizing::new(secret.into_encoded_bytes());
        return Ok(Passphrase { secret, source: "the variable SEGEL_PASSPHRASE".into() });
    }
    if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let path = PathBuf::from(folder).join("segel-passphrase");
        if path.is_file() {
            return read(&path);
        }
    }
    let path = own_file(data)?;
    if !path.is_file() {
        if data.join("keyservice/root.key").exists() {
            bail!(
                "the passphrase of {} is not at hand: name its file with --passphrase-file or set SEGEL_PASSPHRASE (looked for {})",
                data.join("keyservice/root.key").display(),
                path.display()
            );
        }
        make(&path)?;
    }
    read(&path)
}

fn read(path: &Path) -> Result<Passphrase> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the passphrase in {}", path.display()))?;
    let secret = Zeroizing::new(bytes.trim_ascii().to_vec());
    if secret.is_empty() {
        bail!("the passphrase in {} is empty", path.display());
    }
    Ok(Passphrase { secret, source: path.display().to_string() })
}

/// Outside the data folder, so that a copy of that folder alone opens nothing; named by the folder it belongs to.
fn own_file(data: &Path) -> Result<PathBuf> {
    durable::make_folder(data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
    let full = data.canonicalize().with_context(|| format!("cannot find the data folder {}", data.display()))?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, full.as_os_str().as_encoded_bytes());
    let name: String = hex::encode(digest.as_ref()).chars().take(12).collect();
    Ok(config::default_config_dir()?.join(format!("passphrase-{name}")))
}

fn make(path: &Path) -> Result<()> {
    let mut random = Zeroizing::new([0_u8; 24]);
    rand::fill(random.as_mut()).ok().context("the system gives no random numbers")?;
    let text = Zeroizing::new(hex::encode(random.as_ref()));
    if let Some(folder) = path.parent() {
        durable::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // Nothing opens without it, so it is on the disk before the root key that it will seal is made.
    durable::write(path, text.as_bytes(), 0o600).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pass");
        std::fs::write(&file, "correct horse\n").unwrap();
        let found = find(folder.path(), Some(&file)).unwrap();
        assert_eq!(found.secret.as_slice(), b"correct horse");
    }

    #[test]
    fn an_empty_or_missing_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pass");
        assert!(find(folder.path(), Some(&file)).is_err());
        std::fs::write(&file, "\n").unwrap();
        assert!(find(folder.path(), Some(&file)).is_err());
    }
}
