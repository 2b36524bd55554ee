//! Keys at hand: content keys that were released to an asker a moment ago.
//!
//! A viewer asks for an instance's metadata, then its frames one by one, then again when the reader scrolls back. The first of
//! these is a release with its entry in the ledger; the others are the same opening, by the same asker, of the same object
//! version. A lease answers them for at most `limits::LEASE_MS_MAX`, and never anybody else, nor for another purpose,
//! door or object. Of a token that is bound to a key (RFC 9449) each request shows a proof of its own: the lease is the token's, and
//! whoever asks for it must have been accepted with this request's own proof before. How many patients' keys a copy of this process's memory can hold is `limits::LEASED_PATIENTS_MAX`.
//!
//! Keys of summaries are not leased: a list names many patients, and each listing is an opening of its own.

use record::{ObjectId, Pseudonym, Version, limits};
use seal::message::{Asker, DataKey, Proof, ReleaseItem};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often keys that have run out are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// The keys at hand. Clones share them.
#[derive(Clone)]
pub(super) struct Leases {
    held: Arc<Mutex<Held>>,
    time: Duration,
}

/// Whose leases they are: an asker, without what proves only one request.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Holder(Asker);

impl Holder {
    fn of(asker: &Asker) -> Self {
        let proof = match &asker.proof {
            Proof::Bound { token, .. } => {
                Proof::Bound { token: token.clone(), proof: String::new(), method: String::new(), uri: String::new() }
            }
            other => other.clone(),
        };
        Self(Asker { proof, purpose: asker.purpose, channel: asker.channel.clone() })
    }
}

#[derive(Default)]
struct Held {
    patients: HashMap<(Holder, Pseudonym), Lease>,
    keys: usize,
    sweeping: bool,
}

/// One asker's open objects of one patient.
struct Lease {
    newest: Instant,
    keys: HashMap<(ObjectId, Version), (Instant, DataKey)>,
}

impl Leases {
    /// Keys are held for `time`, at most `limits::LEASE_MS_MAX`; for none at all, each request is a release of its own.
    pub(super) fn new(time: Duration) -> Self {
        Self { held: Arc::default(), time: time.min(Duration::from_millis(limits::LEASE_MS_MAX)) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that are at hand, in order of the items.
    ///
    /// INVARIANT: the key service has accepted the asker's proof, this request's own, before.
    pub(super) fn get(&self, asker: &Asker, items: &[ReleaseItem], now: Instant) -> Vec<Option<DataKey>> {
        let held = self.held();
        if held.keys == 0 {
            return vec![None; items.len()];
        }
        let mut at = (Holder::of(asker), Pseudonym([0; 16]));
        let one = |item: &ReleaseItem| {
            at.1 = item.context.patient;
            let (since, key) = held.patients.get(&at)?.keys.get(&(item.context.object, item.context.version))?;
            (now.saturating_duration_since(*since) < self.time).then(|| key.clone())
        };
        items.iter().map(one).collect()
    }

    /// Holds a key that was just released.
    pub(super) fn put(&self, asker: &Asker, item: &ReleaseItem, key: &DataKey, now: Instant) {
        if self.time.is_zero() {
            return;
        }
        let mut held = self.held();
        let of = (Holder::of(asker), item.context.patient);
        if !held.patients.contains_key(&of) && held.patients.len() >= limits::LEASED_PATIENTS_MAX {
            held.sweep(now, self.time);
            held.drop_oldest_beyond(limits::LEASED_PATIENTS_MAX - 1);
        }
        if held.keys >= limits::LEASED_KEYS_MAX {
            held.sweep(now, self.time);
            if held.keys >= limits::LEASED_KEYS_MAX {
                return;
            }
        }
        let lease = held.patients.entry(of).or_insert_with(|| Lease { newest: now, keys: HashMap::new() });
        lease.newest = now;
        let name = (item.context.object, item.context.version);
        if lease.keys.insert(name, (now, key.clone())).is_none() {
            held.keys += 1;
        }
        if !held.sweeping {
            held.sweeping = true;
            self.start_sweeping();
        }
    }

    /// Forgets every key of a patient, whoever holds it.
    pub(super) fn forget_patient(&self, patient: Pseudonym) {
        self.held().retain(|(_, whose), _| *whose != patient);
    }

    /// Forgets every key.
    pub(super) fn forget_all(&self) {
        self.held().retain(|_, _| false);
    }

    /// Whether no key is at hand.
    pub(super) fn is_empty(&self) -> bool {
        self.held().keys == 0
    }

    /// Forgets every key of an asker who is refused now.
    pub(super) fn forget_asker(&self, asker: &Asker) {
        let refused = Holder::of(asker);
        self.held().retain(|(holder, _), _| *holder != refused);
    }

    /// Overwrites what has run out even if nobody asks any more; ends when nothing is left.
    fn start_sweeping(&self) {
        let leases = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let mut held = leases.held();
                held.sweep(Instant::now(), leases.time);
                if held.keys == 0 {
                    held.sweeping = false;
                    return;
                }
            }
        });
    }
}

impl Held {
    fn retain(&mut self, mut keep: impl FnMut(&(Holder, Pseudonym), &mut Lease) -> bool) {
        self.patients.retain(|of, lease| keep(of, lease) && !lease.keys.is_empty());
        self.keys = self.patients.values().map(|lease| lease.keys.len()).sum();
    }

    fn sweep(&mut self, now: Instant, time: Duration) {
        self.retain(|_, lease| {
            lease.keys.retain(|_, (since, _)| now.saturating_duration_since(*since) < time);
            true
        });
    }

    fn drop_oldest_beyond(&mut self, count: usize) {
        while self.patients.len() > count {
            let oldest = self.patients.iter().min_by_key(|(_, lease)| lease.newest).map(|(of, _)| of.clone());
            let Some(lease) = oldest.and_then(|of| self.patients.remove(&of)) else { return };
            self.keys -= lease.keys.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Purpose;
    use seal::message::{Context, WrappedKey};

    const MINUTE: Duration = Duration::from_millis(limits::LEASE_MS_MAX);

    fn asker(name: &str, channel: &str) -> Asker {
        Asker { proof: Proof::Bearer(name.into()), purpose: Purpose::Treat, channel: channel.into() }
    }

    fn item(patient: u16, object: u8) -> ReleaseItem {
        let mut pseudonym = [0; 16];
        pseudonym[..2].copy_from_slice(&patient.to_be_bytes());
        let context = Context { patient: Pseudonym(pseudonym), object: ObjectId([object; 16]), version: 1 };
        ReleaseItem { context, wrapped: WrappedKey { epoch: 1, sealed: vec![0; 60] } }
    }

    fn is_at_hand(leases: &Leases, asker: &Asker, item: &ReleaseItem, now: Instant) -> bool {
        leases.get(asker, std::slice::from_ref(item), now)[0].is_some()
    }

    #[tokio::test]
    async fn a_key_is_at_hand_for_its_asker_door_and_object_alone_and_for_a_minute() {
        let (leases, now) = (Leases::new(MINUTE * 2), Instant::now());
        leases.put(&asker("a", "dicomweb"), &item(1, 1), &DataKey([7; 32]), now);
        assert!(is_at_hand(&leases, &asker("a", "dicomweb"), &item(1, 1), now));
        for (other, of) in [
            (asker("b", "dicomweb"), item(1, 1)),
            (asker("a", "dimse"), item(1, 1)),
            (Asker { purpose: Purpose::EmergencyTreat, ..asker("a", "dicomweb") }, item(1, 1)),
            (asker("a", "dicomweb"), item(1, 2)),
            (asker("a", "dicomweb"), item(2, 1)),
        ] {
            assert!(!is_at_hand(&leases, &other, &of, now), "{other:?}");
        }
        assert!(is_at_hand(&leases, &asker("a", "dicomweb"), &item(1, 1), now + MINUTE - SWEEP));
        assert!(!is_at_hand(&leases, &asker("a", "dicomweb"), &item(1, 1), now + MINUTE));
    }

    #[tokio::test]
    async fn a_bound_tokens_lease_serves_its_later_requests_and_no_other_token() {
        let bound = |token: &str, proof: &str, uri: &str| Asker {
            proof: Proof::Bound { token: token.into(), proof: proof.into(), method: "GET".into(), uri: uri.into() },
            ..asker("", "page")
        };
        let (leases, now) = (Leases::new(MINUTE), Instant::now());
        leases.put(&bound("t", "1", "/metadata"), &item(1, 1), &DataKey([7; 32]), now);
        assert!(is_at_hand(&leases, &bound("t", "2", "/frames/1"), &item(1, 1), now));
        for other in [
            bound("u", "1", "/metadata"),
            asker("t", "page"),
            Asker { purpose: Purpose::EmergencyTreat, ..bound("t", "1", "/metadata") },
            Asker { channel: "dicomweb".into(), ..bound("t", "1", "/metadata") },
        ] {
            assert!(!is_at_hand(&leases, &other, &item(1, 1), now), "{other:?}");
        }
        leases.forget_asker(&bound("t", "3", "/metadata"));
        assert!(!is_at_hand(&leases, &bound("t", "2", "/frames/1"), &item(1, 1), now));
    }

    #[tokio::test]
    async fn memory_holds_so_many_patients_and_no_more() {
        let (leases, now) = (Leases::new(MINUTE), Instant::now());
        let asker = asker("a", "dicomweb");
        let count = u16::try_from(limits::LEASED_PATIENTS_MAX).unwrap();
        for patient in 0..=count {
            let now = now + Duration::from_millis(patient.into());
            leases.put(&asker, &item(patient, 1), &DataKey([7; 32]), now);
        }
        assert_eq!(leases.held().patients.len(), limits::LEASED_PATIENTS_MAX);
        assert!(!is_at_hand(&leases, &asker, &item(0, 1), now));
        assert!(is_at_hand(&leases, &asker, &item(1, 1), now) && is_at_hand(&leases, &asker, &item(count, 1), now));
    }

    #[tokio::test]
    async fn erased_patients_and_refused_askers_lose_theirs() {
        let (leases, now) = (Leases::new(MINUTE), Instant::now());
        for name in ["a", "b"] {
            for patient in [1, 2] {
                leases.put(&asker(name, "page"), &item(patient, 1), &DataKey([7; 32]), now);
            }
        }
        leases.forget_patient(item(1, 1).context.patient);
        leases.forget_asker(&asker("a", "page"));
        let left = |name, patient| is_at_hand(&leases, &asker(name, "page"), &item(patient, 1), now);
        assert_eq!([left("a", 1), left("a", 2), left("b", 1), left("b", 2)], [false, false, false, true]);
        assert_eq!(leases.held().keys, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_run_out_is_overwritten_though_nobody_asks() {
        let leases = Leases::new(MINUTE);
        let Some(long_ago) = Instant::now().checked_sub(MINUTE) else { return };
        leases.put(&asker("a", "page"), &item(1, 1), &DataKey([7; 32]), long_ago);
        tokio::time::sleep(SWEEP * 2).await;
        assert_eq!(leases.held().keys, 0);
        assert!(!leases.held().sweeping);
    }

    #[test]
    fn no_time_means_no_lease() {
        let (leases, now) = (Leases::new(Duration::ZERO), Instant::now());
        leases.put(&asker("a", "page"), &item(1, 1), &DataKey([7; 32]), now);
        assert!(!is_at_hand(&leases, &asker("a", "page"), &item(1, 1), now));
    }
}
