//! Who to open next, and what was got.

use super::sealed::{Patient, Sealed, Taken};
use record::Pseudonym;
use seal::message::{Asker, Part, Proof};
use std::collections::HashSet;

/// SplitMix64: an attack replays from its seed.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, usize::try_from(self.next() % (at as u64 + 1)).unwrap());
        }
    }
}

pub fn is_long() -> bool {
    std::env::var_os("SEGEL_LONG").is_some()
}

/// How many patients the archive has.
pub fn patients() -> usize {
    if is_long() { 100_000 } else { 5_000 }
}

/// Whose patients somebody may open at all.
pub fn facility(asker: &Asker) -> &'static str {
    match &asker.proof {
        Proof::Peer { ae_title, .. } if ae_title.starts_with("PACS-B") => "B",
        _ => "A",
    }
}

/// Opens everybody of a facility once, in an order that is none.
pub struct Thief {
    order: Vec<Patient>,
    pub got: HashSet<Pseudonym>,
    /// The patients that people at work open are taken from the end.
    work: Vec<Patient>,
}

impl Thief {
    pub fn new(sealed: &Sealed, seed: u64) -> Self {
        let mut order = sealed.patients.clone();
        Random(seed).shuffle(&mut order);
        let is_real = |one: &&Patient| one.facility == "A" && !sealed.canaries.contains(&one.pseudonym);
        let work: Vec<Patient> = order.iter().filter(is_real).take(600).cloned().collect();
        let busy: HashSet<Pseudonym> = work.iter().map(|one| one.pseudonym).collect();
        order.retain(|one| !busy.contains(&one.pseudonym));
        Self { order, got: HashSet::new(), work }
    }

    /// Whom somebody at work opens next.
    pub fn honest(&mut self, _sealed: &Sealed) -> Patient {
        self.work.pop().unwrap()
    }

    /// Takes the next patient by this asker; `false` if it was not given.
    pub fn take(&mut self, sealed: &mut Sealed, asker: &Asker, facility: &str) -> bool {
        let Some(at) = self.order.iter().rposition(|one| one.facility == facility) else { return false };
        let one = self.order.remove(at);
        if sealed.take(asker, Part::Content, &one) == Taken::Opened {
            return self.got.insert(one.pseudonym);
        }
        self.order.push(one);
        false
    }
}
