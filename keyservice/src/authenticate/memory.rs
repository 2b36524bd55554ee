//! Which DPoP proofs have been shown (RFC 9449 11.1), and how many patients were opened under each.
//!
//! One proof belongs to one HTTP request, and a request takes several calls, so the node that showed a proof may show it again
//! for a moment. A request that sends something may take longer: a study over a slow line. While its node shows the proof again and
//! again it goes on, up to a stated time, and may then do no more than `under_way` says; a proof that was laid aside for a moment
//! is over. What is remembered is bounded; what does not fit is refused and never forgotten early. After a restart everything
//! dated before it is refused, and so is every proof that is not younger than the youngest under which anything was opened:
//! that one time is written down with the release.

use super::dpop::{Flaw, Shown, check_age};
use crate::error::Result;
use crate::request::Node;
use record::limits::{
    DPOP_AGE_SECONDS_MAX, DPOP_AHEAD_SECONDS_MAX, DPOP_GOES_ON_SECONDS_MAX, DPOP_PROOFS_PER_KEY_MAX,
    DPOP_PROOFS_REMEMBERED_MAX, DPOP_REQUEST_SECONDS_MAX, PATIENTS_PER_PROOF_MAX,
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
    /// When each is looked at again: it is forgotten then, unless its request goes on.
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
    /// When it was shown last.
    last: Micros,
    sends: bool,
    patients: Vec<Pseudonym>,
    /// Search terms that were asked for after its first moment.
    terms: usize,
}

/// How far a proof still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its first moment: everything that its token may.
    Fresh,
    /// Its request goes on: see `under_way`.
    GoesOn,
}

impl Proof {
    /// How far it counts at a time; `None` if its request is over.
    fn standing(&self, now: Micros) -> Option<Standing> {
        let since = |then: Micros| now.saturating_sub(then);
        // A clock that was set back makes nothing young again.
        if since(self.last) < -(DPOP_AHEAD_SECONDS_MAX * MICROS) {
            return None;
        }
        if since(self.first) <= DPOP_REQUEST_SECONDS_MAX * MICROS {
            return Some(Standing::Fresh);
        }
        let goes_on = self.sends
            && since(self.last) <= DPOP_REQUEST_SECONDS_MAX * MICROS
            && since(self.first) <= DPOP_GOES_ON_SECONDS_MAX * MICROS;
        goes_on.then_some(Standing::GoesOn)
    }

    /// Whether it is this one, shown by the same node.
    fn is(&self, shown: &Shown, node: Node) -> bool {
        self.digest == shown.digest && self.node == node
    }

    /// Whether it has room for so many more patients or terms.
    fn has_room(&self, more: usize) -> bool {
        self.patients.len().saturating_add(self.terms).saturating_add(more) <= PATIENTS_PER_PROOF_MAX
    }
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

    /// Whether this very proof was shown by this node before and its request is under way.
    pub fn is_under_way(&self, shown: &Shown, node: Node, now: Micros) -> bool {
        let shows = self.shows();
        shows.proofs.get(&shown.id).is_some_and(|proof| proof.is(shown, node) && proof.standing(now).is_some())
    }

    /// Writes down that a node has shown a proof, or refuses it.
    ///
    /// # Errors
    /// Late, Early, Replayed, or Crowd.
    pub fn show(&self, shown: &Shown, node: Node, now: Micros) -> std::result::Result<Standing, Flaw> {
        let mut shows = self.shows();
        shows.forget(now);
        if let Some(proof) = shows.proofs.get_mut(&shown.id) {
            let standing = proof.standing(now).filter(|_| proof.is(shown, node)).ok_or(Flaw::Replayed)?;
            proof.last = proof.last.max(now);
            return Ok(standing);
        }
        check_age(shown.issued, now)?;
        if shown.issued <= shows.floor {
            return Err(Flaw::Replayed);
        }
        let of_key = shows.by_key.get(&shown.thumbprint).copied().unwrap_or(0);
        if shows.proofs.len() >= DPOP_PROOFS_REMEMBERED_MAX || of_key >= DPOP_PROOFS_PER_KEY_MAX {
            return Err(Flaw::Crowd);
        }
        shows.by_key.insert(shown.thumbprint, of_key + 1);
        shows.by_time.insert((shown.issued.saturating_add(DPOP_AGE_SECONDS_MAX * MICROS), shown.id));
        let proof = Proof {
            digest: shown.digest,
            thumbprint: shown.thumbprint,
            node,
            issued: shown.issued,
            first: now,
            last: now,
            sends: shown.sends,
            patients: Vec::new(),
            terms: 0,
        };
        shows.proofs.insert(shown.id, proof);
        Ok(Standing::Fresh)
    }

    /// Writes down that a request that goes on asks for so many search terms; `false` if that is too many. They count among its
    /// patients: whoever kept the proof could try numbers by them.
    pub fn ask(&self, id: &ProofId, terms: usize) -> bool {
        let mut shows = self.shows();
        let Some(proof) = shows.proofs.get_mut(id).filter(|proof| proof.has_room(terms)) else { return false };
        proof.terms = proof.terms.saturating_add(terms);
        true
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
                if !proof.has_room(1) {
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
    fn forget(&mut self, now: Micros) {
        while let Some((at, id)) = self.by_time.first().copied() {
            if at >= now {
                break;
            }
            self.by_time.remove(&(at, id));
            let Some(proof) = self.proofs.get(&id) else { continue };
            if proof.standing(now).is_some() {
                self.by_time.insert((proof.last.max(now).saturating_add(DPOP_REQUEST_SECONDS_MAX * MICROS), id));
                continue;
            }
            // A clock that jumps ahead and back again must not let what was forgotten meanwhile be shown again.
            self.floor = self.floor.max(proof.issued);
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
    const FRESH: std::result::Result<Standing, Flaw> = Ok(Standing::Fresh);
    const GOES_ON: std::result::Result<Standing, Flaw> = Ok(Standing::GoesOn);

    fn shown(key: u8, n: u64, issued: Micros) -> Shown {
        let mut id = [key; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let thumbprint = [key; 32];
        Shown { key: PublicKey::Ed25519(vec![key; 32]), thumbprint, id, digest: id, issued, nonce: None, sends: false }
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
        assert_eq!(memory.show(&proof, here, NOW), FRESH);
        let last = NOW + DPOP_REQUEST_SECONDS_MAX * MICROS;
        let other = Shown { digest: [9; 32], ..proof.clone() };
        for (shown, node, now, expected) in [
            (&proof, here, last, FRESH),
            (&proof, there, NOW, Err(Flaw::Replayed)),
            (&other, here, NOW, Err(Flaw::Replayed)),
            (&proof, here, last + 1, Err(Flaw::Replayed)),
            // Forgotten, and still not young again.
            (&proof, here, NOW + 61 * MICROS, Err(Flaw::Late)),
            (&proof, here, NOW, Err(Flaw::Replayed)),
        ] {
            assert_eq!(memory.show(shown, node, now), expected, "{node:?} at {now}");
        }
    }

    /// A memory in which a proof was shown again every ten seconds, from its first second to this one.
    fn kept_up(proof: &Shown, seconds: i64) -> Memory {
        let memory = Memory::load(&state().1, NOW).unwrap();
        for second in (0..=seconds).step_by(10) {
            let standing = if second <= DPOP_REQUEST_SECONDS_MAX { FRESH } else { GOES_ON };
            assert_eq!(memory.show(proof, Node::Here, NOW + second * MICROS), standing, "{second}");
        }
        memory
    }

    #[test]
    fn a_request_that_sends_goes_on_while_its_node_shows_the_proof_and_for_no_longer_than_is_stated() {
        let sends = Shown { sends: true, ..shown(1, 1, NOW) };
        let (soon, end) = (DPOP_REQUEST_SECONDS_MAX, DPOP_GOES_ON_SECONDS_MAX);
        let at = |second: i64| NOW + second * MICROS;
        // Up to the end, and not a microsecond longer.
        assert!(kept_up(&sends, end).show(&sends, Node::Here, at(end) + 1).is_err());
        // Laid aside for a moment, it is over.
        assert_eq!(kept_up(&sends, 120).show(&sends, Node::Here, at(120 + soon)), GOES_ON);
        assert!(kept_up(&sends, 120).show(&sends, Node::Here, at(120 + soon) + 1).is_err());
        // Nobody else's, and in no other form; and no younger by a clock that was set back.
        let memory = kept_up(&sends, 120);
        assert!(memory.is_under_way(&sends, Node::Here, at(120)));
        for (shown, node, now) in [
            (sends.clone(), Node::Certificate([1; 32]), at(121)),
            (Shown { digest: [9; 32], ..sends.clone() }, Node::Here, at(121)),
            (sends.clone(), Node::Here, at(0)),
        ] {
            assert!(!memory.is_under_way(&shown, node, now));
            assert_eq!(memory.show(&shown, node, now), Err(Flaw::Replayed), "{node:?} at {now}");
        }
        // What only asks is over in a moment, however often it is shown.
        let asks = shown(1, 2, NOW);
        assert_eq!(kept_up(&asks, soon).show(&asks, Node::Here, at(soon) + 1), Err(Flaw::Replayed));
    }

    #[test]
    fn a_proof_that_is_too_old_or_dated_ahead_begins_nothing() {
        let memory = Memory::load(&state().1, NOW - 100 * MICROS).unwrap();
        let begins = |n, issued| memory.show(&Shown { sends: true, ..shown(1, n, issued) }, Node::Here, NOW);
        assert_eq!(begins(1, NOW - DPOP_AGE_SECONDS_MAX * MICROS - 1), Err(Flaw::Late));
        assert_eq!(begins(2, NOW + DPOP_AHEAD_SECONDS_MAX * MICROS + 1), Err(Flaw::Early));
        assert_eq!(begins(3, NOW - DPOP_AGE_SECONDS_MAX * MICROS), FRESH);
    }

    #[test]
    fn terms_count_among_the_patients_of_a_request_that_goes_on() {
        let (_folder, db) = state();
        let memory = Memory::load(&db, NOW).unwrap();
        let proof = shown(1, 1, NOW);
        memory.show(&proof, Node::Here, NOW).unwrap();
        assert!(!memory.ask(&proof.id, PATIENTS_PER_PROOF_MAX + 1));
        assert!(memory.ask(&proof.id, PATIENTS_PER_PROOF_MAX - 1));
        assert!(memory.open(&db, &proof.id, Pseudonym([1; 16])).unwrap());
        assert!(!memory.open(&db, &proof.id, Pseudonym([2; 16])).unwrap());
        assert!(!memory.ask(&proof.id, 1) && !memory.ask(&[7; 32], 1));
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
        assert_eq!(memory.show(&shown(1, 3, NOW + MICROS), Node::Here, NOW + MICROS), FRESH);
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
            [(NOW + MICROS, Err(Flaw::Replayed)), (NOW + 10 * MICROS, Err(Flaw::Replayed)), (NOW + 11 * MICROS, FRESH)]
        {
            let proof = shown(2, issued.unsigned_abs(), issued);
            assert_eq!(restarted.show(&proof, Node::Here, NOW + 3 * MICROS), expected, "{issued}");
        }
        let untouched = Memory::load(&state().1, NOW + 2 * MICROS + 1).unwrap();
        assert_eq!(untouched.show(&shown(1, 1, NOW + 2 * MICROS), Node::Here, NOW + 3 * MICROS), FRESH);
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
                assert_eq!(memory.show(&shown(key, n, NOW), Node::Here, NOW), FRESH);
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
        assert_eq!(memory.show(&shown(keys, 0, later), Node::Here, later), FRESH);
        assert_eq!(memory.shows().by_key.len(), 1);
    }
}
