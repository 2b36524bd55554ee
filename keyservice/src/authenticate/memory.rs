//! Which DPoP proofs have been shown (RFC 9449 11.1), and how many patients were opened under each.
//!
//! One proof belongs to one HTTP request, and a request takes several calls, so the node that showed a proof may show it again
//! for a moment. What is remembered is bounded; what does not fit is refused and never forgotten early. After a restart everything
//! dated before it is refused, and so is every proof that is not younger than the youngest under which anything was opened:
//! that one time is written down with the release.

use super::dpop::{Flaw, Shown};
use crate::error::Result;
use crate::request::Node;
use record::limits::{
    DPOP_AGE_SECONDS_MAX, DPOP_PROOFS_PER_KEY_MAX, DPOP_PROOFS_REMEMBERED_MAX, DPOP_REQUEST_SECONDS_MAX,
    PATIENTS_PER_PROOF_MAX,
};
use record::{Micros, Pseudonym};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

const MICROS: i64 = 1_000_000;
/// Where the youngest proof's time stands in the state.
const META: &str = "youngest proof";

/// The id of a proof.
pub type ProofId = [u8; 32];

/// The memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Shows>);

#[derive(Debug, Default)]
struct Shows {
    /// A proof that is not remembered and not younger may have been shown before.
    floor: Micros,
    proofs: HashMap<ProofId, Proof>,
    by_time: BTreeSet<(Micros, ProofId)>,
    by_key: HashMap<[u8; 32], usize>,
}

#[derive(Debug)]
struct Proof {
    digest: [u8; 32],
    thumbprint: [u8; 32],
    node: Node,
    issued: Micros,
    first: Micros,
    patients: Vec<Pseudonym>,
}

impl Memory {
    /// A memory of a service that starts now.
    ///
    /// # Errors
    /// Damaged if the disk fails.
    pub fn load(db: &Connection, now: Micros) -> Result<Self> {
        let youngest: Option<Vec<u8>> =
            db.query_row("SELECT value FROM meta WHERE name = ?1", [META], |row| row.get(0)).optional()?;
        let youngest = youngest.and_then(|bytes| bytes.try_into().ok()).map_or(0, Micros::from_be_bytes);
        // `iat` counts whole seconds: a proof made in the second of the start is good if nothing was opened in it.
        let before = now.div_euclid(MICROS).saturating_mul(MICROS).saturating_sub(1);
        Ok(Self(Mutex::new(Shows { floor: youngest.max(before), ..Shows::default() })))
    }

    fn shows(&self) -> MutexGuard<'_, Shows> {
        // A panic between two of its changes is not known; a count that is too high refuses, and none is too low.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a node has shown a proof, or refuses it.
    ///
    /// # Errors
    /// Replayed, or Crowd.
    pub fn show(&self, shown: &Shown, node: Node, now: Micros) -> std::result::Result<(), Flaw> {
        let mut shows = self.shows();
        shows.forget_before(now.saturating_sub(DPOP_AGE_SECONDS_MAX * MICROS));
        if let Some(proof) = shows.proofs.get(&shown.id) {
            let is_same = proof.digest == shown.digest && proof.node == node;
            let is_soon = now.saturating_sub(proof.first) <= DPOP_REQUEST_SECONDS_MAX * MICROS;
            return if is_same && is_soon { Ok(()) } else { Err(Flaw::Replayed) };
        }
        if shown.issued <= shows.floor {
            return Err(Flaw::Replayed);
        }
        let of_key = shows.by_key.get(&shown.thumbprint).copied().unwrap_or(0);
        if shows.proofs.len() >= DPOP_PROOFS_REMEMBERED_MAX || of_key >= DPOP_PROOFS_PER_KEY_MAX {
            return Err(Flaw::Crowd);
        }
        shows.by_key.insert(shown.thumbprint, of_key + 1);
        shows.by_time.insert((shown.issued, shown.id));
        let proof = Proof {
            digest: shown.digest,
            thumbprint: shown.thumbprint,
            node,
            issued: shown.issued,
            first: now,
            patients: Vec::new(),
        };
        shows.proofs.insert(shown.id, proof);
        Ok(())
    }

    /// Writes down that a patient's contents are to be opened under a proof; `false` if it has opened enough others. Part of the
    /// release's transaction.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn open(&self, db: &Connection, id: &ProofId, patient: Pseudonym) -> Result<bool> {
        let issued = {
            let mut shows = self.shows();
            // It was shown a moment ago; if it is forgotten by now, the request has waited for longer than a proof lives.
            let Some(proof) = shows.proofs.get_mut(id) else { return Ok(false) };
            if !proof.patients.contains(&patient) {
                if proof.patients.len() >= PATIENTS_PER_PROOF_MAX {
                    return Ok(false);
                }
                proof.patients.push(patient);
            }
            proof.issued
        };
        db.prepare_cached(
            "INSERT INTO meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value < excluded.value",
        )?
        .execute((META, issued.to_be_bytes()))?;
        Ok(true)
    }
}

impl Shows {
    fn forget_before(&mut self, oldest: Micros) {
        while let Some((issued, id)) = self.by_time.first().copied() {
            if issued >= oldest {
                break;
            }
            self.by_time.remove(&(issued, id));
            // A clock that jumps ahead and back again must not let what was forgotten meanwhile be shown again.
            self.floor = self.floor.max(issued);
            let Some(proof) = self.proofs.remove(&id) else { continue };
            let of_key = self.by_key.get(&proof.thumbprint).copied().unwrap_or(0);
            if of_key > 1 {
                self.by_key.insert(proof.thumbprint, of_key - 1);
            } else {
                self.by_key.remove(&proof.thumbprint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticate::jose::PublicKey;
    use crate::store;

    const NOW: Micros = 1_700_000_000 * MICROS;

    fn shown(key: u8, n: u64, issued: Micros) -> Shown {
        let mut id = [key; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let thumbprint = [key; 32];
        Shown { key: PublicKey::Ed25519(vec![key; 32]), thumbprint, id, digest: id, issued, nonce: None }
    }

    fn state() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let db = store::open(folder.path()).unwrap();
        (folder, db)
    }

    #[test]
    fn a_proof_is_shown_again_by_its_own_node_for_a_moment() {
        let (_folder, db) = state();
        let memory = Memory::load(&db, NOW).unwrap();
        let proof = shown(1, 1, NOW);
        let (here, there) = (Node::Here, Node::Certificate([1; 32]));
        assert_eq!(memory.show(&proof, here, NOW), Ok(()));
        let last = NOW + DPOP_REQUEST_SECONDS_MAX * MICROS;
        let other = Shown { digest: [9; 32], ..proof.clone() };
        for (shown, node, now, expected) in [
            (&proof, here, last, Ok(())),
            (&proof, there, NOW, Err(Flaw::Replayed)),
            (&other, here, NOW, Err(Flaw::Replayed)),
            (&proof, here, last + 1, Err(Flaw::Replayed)),
            // Forgotten, and still not young again.
            (&proof, here, NOW + 61 * MICROS, Err(Flaw::Replayed)),
            (&proof, here, NOW, Err(Flaw::Replayed)),
        ] {
            assert_eq!(memory.show(shown, node, now), expected, "{node:?} at {now}");
        }
    }

    #[test]
    fn a_clock_that_jumps_a_day_ahead_and_back_replays_nothing() {
        let (_folder, db) = state();
        let memory = Memory::load(&db, NOW).unwrap();
        let day = 24 * 3_600 * MICROS;
        let (proof, ahead) = (shown(1, 1, NOW), shown(1, 2, NOW + day));
        memory.show(&proof, Node::Here, NOW).unwrap();
        memory.show(&ahead, Node::Here, NOW + day).unwrap();
        assert_eq!(memory.show(&proof, Node::Here, NOW + MICROS), Err(Flaw::Replayed));
        // Honest ones go on at once, and the one of tomorrow is known tomorrow.
        assert_eq!(memory.show(&shown(1, 3, NOW + MICROS), Node::Here, NOW + MICROS), Ok(()));
        let late = NOW + day + (DPOP_REQUEST_SECONDS_MAX + 1) * MICROS;
        assert_eq!(memory.show(&ahead, Node::Here, late), Err(Flaw::Replayed));
    }

    #[test]
    fn after_a_restart_only_younger_proofs_count() {
        let (_folder, db) = state();
        let memory = Memory::load(&db, NOW).unwrap();
        let ahead = shown(1, 1, NOW + 10 * MICROS);
        memory.show(&ahead, Node::Here, NOW).unwrap();
        assert!(memory.open(&db, &ahead.id, Pseudonym([1; 16])).unwrap());
        let restarted = Memory::load(&db, NOW + 2 * MICROS + 1).unwrap();
        for (issued, expected) in
            [(NOW + MICROS, Err(Flaw::Replayed)), (NOW + 10 * MICROS, Err(Flaw::Replayed)), (NOW + 11 * MICROS, Ok(()))]
        {
            let proof = shown(2, issued.unsigned_abs(), issued);
            assert_eq!(restarted.show(&proof, Node::Here, NOW + 3 * MICROS), expected, "{issued}");
        }
        let untouched = Memory::load(&state().1, NOW + 2 * MICROS + 1).unwrap();
        assert_eq!(untouched.show(&shown(1, 1, NOW + 2 * MICROS), Node::Here, NOW + 3 * MICROS), Ok(()));
    }

    #[test]
    fn one_proof_opens_as_many_patients_as_are_stated_and_no_more() {
        let (_folder, db) = state();
        let memory = Memory::load(&db, NOW).unwrap();
        let proof = shown(1, 1, NOW);
        memory.show(&proof, Node::Here, NOW).unwrap();
        let patient = |n: usize| Pseudonym(u128::try_from(n).unwrap().to_be_bytes());
        for n in 0..PATIENTS_PER_PROOF_MAX {
            assert!(memory.open(&db, &proof.id, patient(n)).unwrap());
        }
        assert!(memory.open(&db, &proof.id, patient(0)).unwrap(), "the same one again");
        assert!(!memory.open(&db, &proof.id, patient(PATIENTS_PER_PROOF_MAX)).unwrap());
        assert!(!memory.open(&db, &[7; 32], patient(0)).unwrap(), "a proof that nobody has shown");
    }

    #[test]
    fn the_memory_holds_as_many_as_are_stated_and_refuses_one_more() {
        let (_folder, db) = state();
        let memory = Memory::load(&db, NOW).unwrap();
        let keys = u8::try_from(DPOP_PROOFS_REMEMBERED_MAX / DPOP_PROOFS_PER_KEY_MAX).unwrap();
        for key in 0..keys {
            for n in 0..DPOP_PROOFS_PER_KEY_MAX as u64 {
                assert_eq!(memory.show(&shown(key, n, NOW), Node::Here, NOW), Ok(()));
            }
            if key == 0 {
                let one_more = shown(0, DPOP_PROOFS_PER_KEY_MAX as u64, NOW);
                assert_eq!(memory.show(&one_more, Node::Here, NOW), Err(Flaw::Crowd));
            }
        }
        assert_eq!(memory.show(&shown(keys, 0, NOW), Node::Here, NOW), Err(Flaw::Crowd));
        // Nobody was forgotten for it, and there is room again with time.
        assert_eq!(memory.show(&shown(0, 0, NOW), Node::Certificate([1; 32]), NOW), Err(Flaw::Replayed));
        let later = NOW + (DPOP_AGE_SECONDS_MAX + 1) * MICROS;
        assert_eq!(memory.show(&shown(keys, 0, later), Node::Here, later), Ok(()));
        assert_eq!(memory.shows().by_key.len(), 1);
    }
}
