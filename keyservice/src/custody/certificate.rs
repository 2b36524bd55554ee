//! The certificate of an erasure: a statement, the proof that the ledger holds its hash, and the key to check both with.

use crate::audit::leaf;
use crate::authenticate::Known;
use crate::error::{Error, Result};
use crate::shared::Shared;
use crate::store::{self, erasures, patients};
use ledger::{VerifierKey, tiles};
use record::{Outcome, Pseudonym, Role};
use serde_json::{Value, json};

/// Makes the certificate of an erasure, for the facility that ordered it and for auditors. Opens nothing, so it is not logged.
///
/// # Errors
/// Refused if there is none for this asker, Busy until a checkpoint covers the statement.
pub fn certify(shared: &Shared, known: &Known, pseudonym: Pseudonym) -> Result<String> {
    let db = store::open_for_reading(&shared.folder)?;
    let patient = patients::find(&db, pseudonym)?.ok_or_else(Error::refused)?;
    let (position, statement) = erasures::statement(&db, &shared.keys, patient)?.ok_or_else(Error::refused)?;
    let facility = serde_json::from_str::<Value>(&statement).ok();
    let facility = facility.as_ref().and_then(|fields| fields.get("facility")?.as_str());
    let is_own = facility == Some(known.actor.facility.as_str());
    if !known.by_token || !(is_own || known.actor.role == Role::Auditor) {
        return Err(Error::refused());
    }
    let key: VerifierKey = shared.vkey.parse()?;
    let folder = shared.folder.join(crate::projection::FOLDER_NAME);
    let published = tiles::published(&folder, &key)?.filter(|signed| signed.checkpoint.size > position);
    let signed = published
        .ok_or_else(|| Error::new(Outcome::Busy, "the next checkpoint is not signed yet: ask again in some seconds"))?;
    let proof = tiles::prove(&folder, position, &signed)?;
    // Held against itself before anybody relies on it: a damaged tile is found here and not in front of a judge.
    proof.verify(&leaf(statement.as_bytes()), &key)?;
    let certificate = json!({
        "format": "segel-erasure-certificate@v1",
        "statement": statement,
        "proof": proof.to_string(),
        "vkey": shared.vkey,
    });
    Ok(certificate.to_string())
}
