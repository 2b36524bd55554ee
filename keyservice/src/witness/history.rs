//! What a witness shows, held against what the state contains.

use super::settings::Witness;
use crate::error::{Error, Result};
use crate::outbound::Outbound;
use ledger::{Hash, SignedCheckpoint, VerifierKey};
use tokio::task::JoinSet;

/// How a witness's checkpoint of this ledger relates to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is a beginning of ours: the witness stands at this size.
    Known(u64),
    /// This ledger's key did not sign it: it proves nothing.
    Unproven,
}

/// Holds a checkpoint that a witness shows against a tree of `size` entries.
///
/// # Errors
/// Damaged if this ledger's key signed it and the tree does not contain it: then the state was set back or copied.
pub fn relate(
    note: &str,
    own: &VerifierKey,
    size: u64,
    root_at: impl FnOnce(u64) -> std::result::Result<Hash, ledger::Error>,
) -> Result<Relation> {
    // The key is derived from the root, which only this service has: what it signed, this service or a copy signed.
    let Ok(signed) = SignedCheckpoint::open(note, own) else { return Ok(Relation::Unproven) };
    let theirs = signed.checkpoint;
    if theirs.size > size {
        let text = format!(
            "a witness holds a checkpoint of {} entries that this ledger's key signed, and the state has {size}: the state \
             was set back, or a copy of it runs elsewhere",
            theirs.size
        );
        return Err(Error::damaged(text));
    }
    // Tiles that cannot be read are a ledger that cannot be trusted; they are made again from the state if their folder is
    // removed.
    let ours = root_at(theirs.size).map_err(|error| Error::damaged(format!("the ledger's files: {error}")))?;
    if ours != theirs.root {
        let text = format!(
            "a witness holds another history of the first {} entries that this ledger's key signed: the state was set back \
             and went on, or a copy of it runs elsewhere",
            theirs.size
        );
        return Err(Error::damaged(text));
    }
    Ok(Relation::Known(theirs.size))
}

/// Asks every witness at once what it has of this ledger; each answer with the witness's name. Who is away is left out: the
/// rounds ask again.
pub async fn shown(witnesses: &[Witness], outbound: &Outbound, origin: &str) -> Vec<(String, String)> {
    let mut asking = JoinSet::new();
    for witness in witnesses.iter().cloned() {
        let (outbound, origin) = (outbound.clone(), origin.to_owned());
        asking.spawn(async move {
            let shown = witness.shows(&outbound, &origin).await;
            (witness.key.name().to_owned(), shown)
        });
    }
    let mut notes = Vec::new();
    for (name, shown) in asking.join_all().await {
        match shown {
            Ok(Some(note)) => notes.push((name, note)),
            Ok(None) => tracing::info!("witness {name} has nothing of this ledger yet"),
            Err(error) => tracing::warn!("witness {name} could not be asked what it has of this ledger: {error}"),
        }
    }
    notes
}

/// Holds the state against what the witnesses have, before it serves or signs anything. Witnesses that are away do not stop
/// a start; their answers are held against the state when they are back.
///
/// # Errors
/// Damaged if one of them proves that the state was set back.
pub fn compare_at_start(
    notes: &[(String, String)],
    own: &VerifierKey,
    size: u64,
    root_at: impl Fn(u64) -> std::result::Result<Hash, ledger::Error>,
) -> Result<()> {
    for (name, note) in notes {
        match relate(note, own, size, &root_at).map_err(|error| Error::damaged(format!("witness {name}: {error}")))? {
            Relation::Known(known) => tracing::info!("witness {name} has seen {known} of {size} entries"),
            Relation::Unproven => tracing::warn!("witness {name} shows what this ledger's key did not sign"),
        }
    }
    Ok(())
}
