//! Proofs of possession that were used (RFC 9449 11.1): each is good for one request, so one that is copied on its way, from
//! a proxy's log for instance, comes too late.
//!
//! The key service holds a proof against its method, address and time. That it was shown once before only the door can tell,
//! for one request asks the key service several times.

use aws_lc_rs::digest::{SHA256, digest};
use record::limits::{PROOF_REMEMBERED_SECONDS_MAX, PROOFS_REMEMBERED_MAX};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A proof that is older than this is refused by the key service, whatever this table says.
const GENERATION: Duration = Duration::from_secs(PROOF_REMEMBERED_SECONDS_MAX);

/// Why a proof is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Another request has used it.
    Used,
    /// So many requests came meanwhile that it cannot be told.
    Crowded,
}

/// The proofs that were used in this span of time and in the one before it.
#[derive(Debug, Default)]
pub struct UsedProofs(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    began: Option<Instant>,
    newer: HashSet<[u8; 32]>,
    older: HashSet<[u8; 32]>,
}

impl UsedProofs {
    /// Takes a proof that the key service has accepted, for this one request.
    pub fn take(&self, proof: &str, now: Instant) -> Result<(), Stale> {
        let mut held = self.held(now);
        let name = name(proof);
        if held.newer.contains(&name) || held.older.contains(&name) {
            return Err(Stale::Used);
        }
        if held.newer.len() >= PROOFS_REMEMBERED_MAX {
            return Err(Stale::Crowded);
        }
        held.newer.insert(name);
        Ok(())
    }

    /// Remembers a proof that was taken, and whose request is still under way, for as long again. There are no more of these than
    /// connections.
    pub fn remember(&self, proof: &str, now: Instant) {
        self.held(now).newer.insert(name(proof));
    }

    fn held(&self, now: Instant) -> MutexGuard<'_, Generations> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = held.began.map(|began| now.saturating_duration_since(began));
        match age {
            Some(age) if age < GENERATION => {}
            // A proof of the generation before last is older than any that is accepted.
            Some(age) if age < GENERATION * 2 => {
                held.older = std::mem::take(&mut held.newer);
                held.began = Some(now);
            }
            _ => *held = Generations { began: Some(now), ..Generations::default() },
        }
        held
    }
}

/// What is signed, without the signature: of one ECDSA signature everybody can make a second one that holds.
fn name(proof: &str) -> [u8; 32] {
    let signed = proof.rsplit_once('.').map_or(proof, |(signed, _)| signed);
    let mut name = [0; 32];
    name.copy_from_slice(digest(&SHA256, signed.as_bytes()).as_ref());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_for_one_request_however_it_is_signed() {
        let (used, now) = (UsedProofs::default(), Instant::now());
        assert_eq!(used.take("h.p.s", now), Ok(()));
        for (proof, later, expected) in [
            ("h.p.s", 0, Err(Stale::Used)),
            ("h.p.other", 0, Err(Stale::Used)),
            ("h.q.s", 0, Ok(())),
            ("h.p.s", PROOF_REMEMBERED_SECONDS_MAX, Err(Stale::Used)),
        ] {
            assert_eq!(used.take(proof, now + Duration::from_secs(later)), expected, "{proof} after {later} s");
        }
    }

    #[test]
    fn a_proof_that_was_used_is_remembered_for_as_long_as_any_is_accepted() {
        for gap in [1, PROOF_REMEMBERED_SECONDS_MAX - 1, PROOF_REMEMBERED_SECONDS_MAX] {
            let (used, now) = (UsedProofs::default(), Instant::now());
            // The generation begins with another request, so that the one in question comes anywhere in it.
            used.take("first.p.s", now).unwrap();
            let at = now + Duration::from_secs(gap);
            used.take("h.p.s", at).unwrap();
            let last = at + Duration::from_secs(PROOF_REMEMBERED_SECONDS_MAX) - Duration::from_millis(1);
            assert_eq!(used.take("h.p.s", last), Err(Stale::Used), "{gap}");
        }
        let (used, now) = (UsedProofs::default(), Instant::now());
        used.take("h.p.s", now).unwrap();
        assert_eq!(used.take("h.p.s", now + GENERATION * 2), Ok(()), "the key service refuses it by its time");
    }

    #[test]
    fn a_proof_whose_request_is_under_way_is_remembered_however_long_that_takes() {
        let (used, now) = (UsedProofs::default(), Instant::now());
        used.take("h.p.s", now).unwrap();
        for minute in 1..=60 {
            used.remember("h.p.s", now + Duration::from_secs(60 * minute));
        }
        let end = now + Duration::from_secs(3_600);
        assert_eq!(used.take("h.p.other", end), Err(Stale::Used));
        let last = end + GENERATION - Duration::from_secs(1);
        assert_eq!(used.take("h.p.s", last), Err(Stale::Used));
    }

    #[test]
    fn so_many_are_told_apart_and_no_more_are_taken() {
        let (used, now) = (UsedProofs::default(), Instant::now());
        for number in 0..PROOFS_REMEMBERED_MAX {
            assert_eq!(used.take(&format!("{number}.s"), now), Ok(()));
        }
        assert_eq!(used.take("one more.s", now), Err(Stale::Crowded));
        assert_eq!(used.take("one more.s", now + GENERATION), Ok(()));
    }
}
