//! An approver's key in files: the private half as PKCS#8 in PEM, the public half as a line of text.

use super::Done;
use crate::durable;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use seal::approval::{ApproverKey, ApproverPair};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const ED25519: &str = "segel-approver-ed25519";
const ES256: &str = "segel-approver-es256";
const PEM_COLUMNS: usize = 64;

/// Makes a pair. A key that is there is never overwritten.
pub fn make(file: &Path) -> Result<Done> {
    ensure!(!file.exists(), "{} is there already", file.display());
    let document = ApproverPair::generate()?;
    let public = ApproverPair::from_pkcs8(&document)?.public()?;
    let mut pem = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
    let encoded = Zeroizing::new(STANDARD.encode(&*document));
    for line in encoded.as_bytes().chunks(PEM_COLUMNS) {
        writeln!(pem, "{}", std::str::from_utf8(line)?)?;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    durable::write(file, pem.as_bytes(), 0o600).with_context(|| format!("cannot write {}", file.display()))?;
    let beside = public_file(file);
    durable::write(&beside, public_line(&public).as_bytes(), 0o644)
        .with_context(|| format!("cannot write {}", beside.display()))?;
    println!("{} {}", beside.display(), hex::encode(public.fingerprint()));
    Ok(Done::Wholly)
}

fn public_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn public_line(key: &ApproverKey) -> String {
    match key {
        ApproverKey::Ed25519(key) => format!("{ED25519} {}\n", URL_SAFE_NO_PAD.encode(key)),
        ApproverKey::Es256(point) => format!("{ES256} {}\n", URL_SAFE_NO_PAD.encode(point)),
    }
}

/// Reads a private key.
pub fn read_private(file: &Path) -> Result<ApproverPair> {
    let pem = Zeroizing::new(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
    let key = PrivatePkcs8KeyDer::from_pem_slice(&pem)
        .map_err(|_| anyhow::anyhow!("{} holds no private key (PKCS#8 in PEM)", file.display()))?;
    Ok(ApproverPair::from_pkcs8(key.secret_pkcs8_der())?)
}

/// Reads a public key: the line that `keygen` wrote, or the public half of a private key's file.
pub fn read_public(file: &Path) -> Result<ApproverKey> {
    let text =
        Zeroizing::new(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?);
    let Some((kind, encoded)) = text.trim().split_once(' ') else {
        anyhow::bail!("{} holds no approver's public key", file.display())
    };
    let bytes = URL_SAFE_NO_PAD.decode(encoded.trim());
    let key = match (kind, bytes) {
        (ED25519, Ok(bytes)) => bytes.try_into().ok().map(ApproverKey::Ed25519),
        (ES256, Ok(point)) => Some(ApproverKey::Es256(point)),
        _ => None,
    };
    key.filter(ApproverKey::is_plausible).with_context(|| {
        format!("{} holds no approver's public key: give the file ending in .pub that keygen made", file.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        make(&file).unwrap();
        assert!(make(&file).is_err(), "no key is overwritten");
        let pair = read_private(&file).unwrap();
        assert_eq!(pair.public().unwrap(), read_public(&public_file(&file)).unwrap());
        assert!(read_public(&file).is_err() && read_private(&public_file(&file)).is_err());
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_openssl_made_is_read() {
        // openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(document));
        std::fs::write(&file, pem).unwrap();
        let public = read_private(&file).unwrap().public().unwrap();
        std::fs::write(public_file(&file), public_line(&public)).unwrap();
        assert_eq!(read_public(&public_file(&file)).unwrap(), public);
    }
}
