//! `segel verify FILE.tlog-proof`: one entry, offline, with nothing but public keys.

use super::super::Done;
use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use ledger::{Note, TlogProof, VerifierKey, WitnessKey, cosignature};
use seal::disclosure::Disclosure;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A proof with its extra data in base64 and its checkpoint.
const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Whether a path is one proof and not a ledger's folder.
pub fn is_one(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tlog-proof")
}

/// What a proof shows.
struct Shown {
    position: u64,
    origin: String,
    size: u64,
    /// How many of the witnesses, and when the last of them.
    witnesses: usize,
    /// The event, if the proof carries it.
    event: Option<Value>,
}

/// Verifies a proof, and says what it shows.
pub fn verify(path: &Path, vkey: &str, witnesses: &[WitnessKey], needed: usize, json: bool) -> Result<Done> {
    let mut text = String::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    let key: VerifierKey = vkey.trim().parse()?;
    match check(&text, &key, witnesses, needed) {
        Ok(shown) if json => {
            let Shown { position, origin, size, witnesses, event } = shown;
            println!(
                "{}",
                json!({"verified": true, "position": position, "origin": origin, "size": size, "witnesses": witnesses, "event": event})
            );
            Ok(Done::Wholly)
        }
        Ok(shown) => {
            println!("verified: entry {} of {} ({} entries)", shown.position, shown.origin, shown.size);
            println!("cosigned by {} of the {} witnesses given", shown.witnesses, witnesses.len());
            match shown.event {
                Some(event) => println!("{event:#}"),
                None => println!("the entry is known by its hash alone"),
            }
            Ok(Done::Wholly)
        }
        Err(error) => {
            if json {
                println!("{}", json!({"verified": false, "error": error.to_string()}));
            } else {
                println!("NOT verified: {error:#}");
            }
            Ok(Done::Not)
        }
    }
}

fn check(text: &str, key: &VerifierKey, witnesses: &[WitnessKey], needed: usize) -> Result<Shown> {
    let proof = TlogProof::parse(text)?;
    let disclosure = Disclosure::decode(&proof.extra).context("it does not carry its entry")?;
    let entry: Vec<u8> = match &disclosure {
        Disclosure::Event { sealed, .. } => digest(&SHA256, sealed).as_ref().to_vec(),
        Disclosure::Entry(entry) => entry.to_vec(),
    };
    let checkpoint = proof.verify(&entry, key)?;
    let count = cosignature::count(&Note::parse(&proof.checkpoint)?, witnesses)?;
    anyhow::ensure!(count >= needed, "{count} of the witnesses cosigned the checkpoint, and {needed} are needed");
    let event = match &disclosure {
        Disclosure::Event { key, sealed } => {
            let event = keyservice::audit::disclosed(proof.index, key, sealed).context("the event does not open")?;
            Some(keyservice::event_json(proof.index, &event))
        }
        Disclosure::Entry(_) => None,
    };
    Ok(Shown { position: proof.index, origin: checkpoint.origin, size: checkpoint.size, witnesses: count, event })
}
