//! Who askers are, remembered for a moment.
//!
//! Knowing who somebody is opens nothing: every admission, search and release shows the proof to the key service again. So
//! what is remembered here only saves the question between two steps of one request, and between neighbouring requests. An asker is
//! remembered with its whole proof: of a token that is bound to a key (RFC 9449) each request shows another one, and asks anew.

use record::limits;
use seal::message::{Asker, Who};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REMEMBERED: Duration = Duration::from_millis(limits::ASKER_REMEMBERED_MS_MAX);

/// Askers and when the key service last said who they are.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<Asker, (Instant, Who)>>);

impl Known {
    fn entries(&self) -> MutexGuard<'_, HashMap<Asker, (Instant, Who)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is, if that was said a moment ago.
    pub(super) fn get(&self, asker: &Asker, now: Instant) -> Option<Who> {
        let entries = self.entries();
        let (since, who) = entries.get(asker)?;
        let ended = who.expires.is_some_and(|expires| record::time::now() >= expires);
        (now.saturating_duration_since(*since) < REMEMBERED && !ended).then(|| who.clone())
    }

    /// Remembers. A refusal is never remembered: it is asked, and logged, anew.
    pub(super) fn put(&self, asker: &Asker, who: &Who, now: Instant) {
        let mut entries = self.entries();
        if entries.len() >= limits::ASKERS_REMEMBERED_MAX {
            entries.retain(|_, (since, _)| now.saturating_duration_since(*since) < REMEMBERED);
        }
        if entries.len() < limits::ASKERS_REMEMBERED_MAX {
            entries.insert(asker.clone(), (now, who.clone()));
        }
    }

    /// Forgets one who has been refused since.
    pub(super) fn forget(&self, asker: &Asker) {
        self.entries().remove(asker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{FacilityCode, Purpose, Role};
    use seal::message::Proof;

    fn asker(name: &str) -> Asker {
        Asker { proof: Proof::Bearer(name.into()), purpose: Purpose::Treat, channel: "dicomweb".into() }
    }

    fn who(expires: Option<i64>) -> Who {
        let facility = FacilityCode::new("RS").unwrap();
        Who { actor: "p-1".into(), facility, role: Role::Clinician, purpose: Purpose::Treat, expires }
    }

    #[test]
    fn a_moment_is_remembered_and_no_longer() {
        let (known, now) = (Known::default(), Instant::now());
        known.put(&asker("a"), &who(None), now);
        assert!(known.get(&asker("a"), now + REMEMBERED - Duration::from_millis(1)).is_some());
        assert!(known.get(&asker("a"), now + REMEMBERED).is_none());
        assert!(known.get(&asker("b"), now).is_none());
        known.forget(&asker("a"));
        assert!(known.get(&asker("a"), now).is_none());
    }

    #[test]
    fn a_bound_token_is_known_by_the_proof_that_was_accepted_and_by_no_other() {
        let (known, now) = (Known::default(), Instant::now());
        let bound = |proof: &str, uri: &str| Asker {
            proof: Proof::Bound { token: "t".into(), proof: proof.into(), method: "GET".into(), uri: uri.into() },
            ..asker("")
        };
        known.put(&bound("1", "/a"), &who(None), now);
        assert!(known.get(&bound("1", "/a"), now).is_some());
        for other in [bound("2", "/a"), bound("1", "/b"), bound("", "/a"), asker("t")] {
            assert!(known.get(&other, now).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_token_that_has_run_out_is_not_known() {
        let (known, now) = (Known::default(), Instant::now());
        known.put(&asker("a"), &who(Some(record::time::now() - 1)), now);
        assert!(known.get(&asker("a"), now).is_none());
    }

    #[test]
    fn the_table_has_an_end() {
        let (known, now) = (Known::default(), Instant::now());
        for number in 0..=limits::ASKERS_REMEMBERED_MAX {
            known.put(&asker(&number.to_string()), &who(None), now);
        }
        assert_eq!(known.entries().len(), limits::ASKERS_REMEMBERED_MAX);
        assert!(known.get(&asker("0"), now).is_some());
        known.put(&asker("later"), &who(None), now + REMEMBERED);
        assert_eq!(known.entries().len(), 1);
    }
}
