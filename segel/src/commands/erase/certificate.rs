//! The certificate of an erasure, checked with nothing but a public key and told in two languages.

use crate::commands::Done;
use anyhow::{Context as _, Result, bail};
use ledger::{TlogProof, VerifierKey};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// The layout of the file.
const FORMAT: &str = "segel-erasure-certificate@v1";
/// The layout of the statement in it.
const STATEMENT: &str = "segel-erasure@v1";
/// A certificate has some 3 kB; nobody has to read more than this to see that a file is none.
const CERTIFICATE_BYTES_MAX: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    format: String,
    statement: String,
    proof: String,
    vkey: String,
}

/// What was stated. Every field is under the ledger's signature.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    format: String,
    ledger: String,
    event: u64,
    at_micros: i64,
    patient: String,
    facility: String,
    basis: Option<String>,
    vault_generation: u64,
    salt: String,
}

/// Whether a file claims to be a certificate.
pub fn is_one(path: &Path) -> bool {
    path.is_file() && std::fs::read_to_string(path).is_ok_and(|text| text.contains(FORMAT))
}

/// Verifies a certificate and prints what it says. Without `vkey` the certificate's own key is used, which proves only
/// that it is whole.
pub fn verify(path: &Path, vkey: Option<&str>, as_json: bool) -> Result<Done> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    match check(&text, vkey) {
        Ok((statement, position)) if as_json => {
            let basis = &statement.basis;
            println!(
                "{}",
                json!({"verified": true, "position": position, "event": statement.event, "ledger": statement.ledger,
                       "at_micros": statement.at_micros, "patient": statement.patient, "facility": statement.facility,
                       "basis": basis, "vault_generation": statement.vault_generation})
            );
            Ok(Done::Wholly)
        }
        Ok((statement, position)) => {
            println!("{}", readable(&statement, position, vkey.is_some()));
            Ok(Done::Wholly)
        }
        Err(error) if as_json => {
            println!("{}", json!({"verified": false, "error": format!("{error:#}")}));
            Ok(Done::Not)
        }
        Err(error) => {
            println!("NOT verified: {error:#}");
            Ok(Done::Not)
        }
    }
}

/// The statement and its position in the ledger, if the proof holds.
fn check(text: &str, vkey: Option<&str>) -> Result<(Statement, u64)> {
    if text.len() > CERTIFICATE_BYTES_MAX {
        bail!("this is too long to be a certificate");
    }
    let certificate: Certificate = serde_json::from_str(text).context("this is no certificate")?;
    if certificate.format != FORMAT {
        bail!("this is a certificate of another layout");
    }
    let key: VerifierKey = vkey.unwrap_or(&certificate.vkey).trim().parse().context("this is no public key")?;
    let proof = TlogProof::parse(&certificate.proof)?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.statement.as_bytes());
    let checkpoint = proof.verify(digest.as_ref(), &key)?;
    let statement: Statement = serde_json::from_str(&certificate.statement).context("the statement cannot be read")?;
    if statement.format != STATEMENT || statement.ledger != checkpoint.origin || statement.event >= proof.index {
        bail!("the statement is not one of this ledger");
    }
    Ok((statement, proof.index))
}

fn readable(statement: &Statement, position: u64, is_key_own: bool) -> String {
    let at = jiff::Timestamp::from_microsecond(statement.at_micros).map_or_else(|_| "?".into(), |at| at.to_string());
    let basis = |id: bool| match (statement.basis.as_deref(), id) {
        (Some("court-order"), true) => "perintah pengadilan",
        (Some("authority-order"), true) => "perintah instansi berwenang",
        (Some("patient-request"), true) => "permintaan pasien",
        (Some("made-in-error"), true) => "rekam medis dibuat karena kekeliruan",
        (Some("court-order"), false) => "a court's order",
        (Some("authority-order"), false) => "an authority's order",
        (Some("patient-request"), false) => "the patient's request",
        (Some("made-in-error"), false) => "a record made in error",
        (_, true) => "masa simpan telah berakhir",
        (_, false) => "the time of retention is over",
    };
    let Statement { ledger, event, patient, facility, vault_generation: generation, .. } = statement;
    let key = if is_key_own {
        ""
    } else {
        "\nKunci publik diambil dari sertifikat ini sendiri; bandingkan dengan yang Anda simpan (--vkey).\n\
         The public key was taken from the certificate itself: compare it with the one that you keep (--vkey).\n"
    };
    format!(
        "verified: entry {position} of {ledger}\n\n\
         SERTIFIKAT PENGHAPUSAN\n\
         Kunci rekam medis pasien {patient} dimusnahkan pada {at} atas perintah fasilitas {facility}.\n\
         Dasar: {basis_id}. Sejak generasi brankas {generation} tidak ada salinan atau cadangan yang dapat dibuka.\n\
         Tercatat dalam buku besar {ledger} pada entri {event} dan {position}.\n\n\
         CERTIFICATE OF ERASURE\n\
         The keys to the record of patient {patient} were destroyed at {at} by order of facility {facility}.\n\
         Basis: {basis_en}. From vault generation {generation} on no copy and no backup can be opened.\n\
         Recorded in the ledger {ledger} at entries {event} and {position}.\n{key}",
        basis_id = basis(true),
        basis_en = basis(false),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Log, SigningKey};

    /// A ledger with one statement among others, and its certificate.
    fn made() -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed("segel.test/1", &[7; 32]).unwrap();
        let statement = json!({"format": STATEMENT, "ledger": "segel.test/1", "event": 2, "at_micros": 1_700_000_000_000_000_i64,
            "patient": "00".repeat(16), "facility": "RSA", "basis": "court-order", "vault_generation": 5, "salt": "ab".repeat(16)});
        let statement = statement.to_string();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, statement.as_bytes());
        let mut log = Log::open(folder.path(), "segel.test/1", &key).unwrap();
        let others = [[1_u8; 32].as_slice(), &[2; 32], &[3; 32], digest.as_ref(), &[5; 32]];
        log.extend(0, &others).unwrap();
        log.sign_checkpoint().unwrap();
        let proof = log.tlog_proof(3).unwrap().to_string();
        let vkey = key.verifier().to_string();
        let certificate = json!({"format": FORMAT, "statement": statement, "proof": proof, "vkey": vkey});
        (certificate.to_string(), vkey)
    }

    #[test]
    fn a_certificate_holds_and_no_changed_one_does() {
        let (text, vkey) = made();
        let (statement, position) = check(&text, Some(&vkey)).unwrap();
        assert_eq!((position, statement.event, statement.vault_generation), (3, 2, 5));
        for (from, to) in [
            ("RSA", "RSB"),
            (&"00".repeat(16), &"01".repeat(16)),
            ("court-order", "patient-request"),
            ("1700000000000000", "1700000000000001"),
            ("segel-erasure@v1", "segel-erasure@v2"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert!(check(&changed, Some(&vkey)).is_err(), "{from}");
        }
        let other = SigningKey::from_seed("segel.test/1", &[8; 32]).unwrap().verifier().to_string();
        assert!(check(&text, Some(&other)).is_err(), "another ledger's key");
        assert!(check("{}", None).is_err() && check("", None).is_err());
        assert!(check(&" ".repeat(CERTIFICATE_BYTES_MAX + 1), None).is_err());
    }

    #[test]
    fn it_is_told_in_both_languages() {
        let (text, vkey) = made();
        let (statement, position) = check(&text, Some(&vkey)).unwrap();
        let told = readable(&statement, position, true);
        for part in ["perintah pengadilan", "a court's order", "2023-11-14", "generasi brankas 5", "vault generation 5"]
        {
            assert!(told.contains(part), "{part}");
        }
        assert!(readable(&statement, position, false).contains("--vkey"));
    }
}
