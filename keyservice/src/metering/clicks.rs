//! What the asker itself has asked for, and what only the archive node says that it has.
//!
//! A proof of a key (RFC 9449) names an address, signed by the browser or tool. An address that names one record vouches for one
//! patient: the first that is opened under it in a day. One that names a search vouches for one patient, and for a page of a list. Everything
//! else that a node asks for rests on the node's own word: in the name of a DICOM peer, by a token that is bound to no key, and by a proof that was made
//! for something else. All of it is charged to the asker; what rests on the node's word is charged to the node as well, whose budget is
//! small. So a node that is broken into opens little by itself, and a hospital's honest work does not count against it.
//!
//! What is remembered has an end, and what does not fit counts as the node's own word.

use crate::authenticate::jose::sha256;
use crate::authenticate::memory::ProofId;
use policy::budget::{DAY_SECONDS, PatientNumber, Seconds};
use record::limits::{CLICKS_REMEMBERED_MAX, SUMMARIES_PER_CLICK_MAX};
use seal::message::Proof;
use std::collections::{HashMap, VecDeque};

/// A proof is long over by then, and so is the request that it was made for.
const PROOF_SECONDS: Seconds = 1_200;
/// Characters of an identifier in an address: those of UIDs and of FHIR ids.
const NAME_BYTES_MAX: usize = 64;

/// What the address in a proof names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Click {
    /// One record, by its name in the address.
    Record(String),
    /// A search that opens what it finds.
    Search,
    /// Nothing that a record would be opened for, or a list alone.
    List,
}

impl Click {
    /// What a proof's address names. The key service knows no record by its address; it knows which addresses are alike.
    #[must_use]
    pub fn of(proof: &Proof) -> Self {
        let Proof::Bound { uri, .. } = proof else { return Self::List };
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let path = path.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let parts: Vec<&str> = path.split('/').collect();
        let named = |kind: &str, name: &str| {
            // An escaped character would give one record many names.
            let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
            if is_name { Self::Record(format!("{kind}/{name}")) } else { Self::List }
        };
        match parts.as_slice() {
            ["dicom-web", "studies", study, ..] | ["studies", study, ..] => named("studies", study),
            ["dicom-web", "workitems", item, ..] => named("workitems", item),
            ["patients", patient] => named("patients", patient),
            ["documents", kind, id, ..] | ["fhir", kind, id, ..] if !id.starts_with('_') => named(kind, id),
            ["fhir", _] | ["fhir", _, _] | ["wado" | "results" | ""] => Self::Search,
            _ => Self::List,
        }
    }
}

/// What askers have asked for in a day.
#[derive(Debug, Default)]
pub struct Clicks {
    /// The first patient under each record's address, by asker.
    records: HashMap<[u8; 16], PatientNumber>,
    by_time: VecDeque<(Seconds, [u8; 16])>,
    proofs: HashMap<ProofId, UnderProof>,
    proofs_by_time: VecDeque<(Seconds, ProofId)>,
}

#[derive(Debug, Default)]
struct UnderProof {
    opened: Option<PatientNumber>,
    listed: u32,
}

impl Clicks {
    /// Of these patients, whose contents are to be opened, those for whom only the node speaks.
    pub fn opened(
        &mut self,
        actor: &str,
        proof: Option<&ProofId>,
        click: &Click,
        patients: &[PatientNumber],
        now: Seconds,
    ) -> Vec<PatientNumber> {
        self.forget_before(now);
        let (Some(proof), Some(first)) = (proof, patients.first()) else { return patients.to_vec() };
        let vouched = match click {
            Click::Record(name) => self.record(actor, name, *first, now),
            Click::Search => self.proof(proof, now).map(|under| *under.opened.get_or_insert(*first)),
            Click::List => None,
        };
        patients.iter().copied().filter(|patient| Some(*patient) != vouched).collect()
    }

    /// Of these patients, who are to be shown in a list, those for whom only the node speaks.
    pub fn listed(&mut self, proof: Option<&ProofId>, patients: &[PatientNumber], now: Seconds) -> Vec<PatientNumber> {
        self.forget_before(now);
        let Some(under) = proof.and_then(|proof| self.proof(proof, now)) else { return patients.to_vec() };
        let room = SUMMARIES_PER_CLICK_MAX.saturating_sub(under.listed);
        let vouched = patients.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        under.listed = under.listed.saturating_add(u32::try_from(vouched).unwrap_or(u32::MAX));
        patients.iter().copied().skip(vouched).collect()
    }

    /// Whom a record's address stands for to this asker.
    fn record(&mut self, actor: &str, name: &str, first: PatientNumber, now: Seconds) -> Option<PatientNumber> {
        let hash = sha256(format!("{actor}\n{name}").as_bytes());
        let mut place = [0; 16];
        place.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        if let Some(patient) = self.records.get(&place) {
            return Some(*patient);
        }
        if self.records.len() >= CLICKS_REMEMBERED_MAX {
            return None;
        }
        self.records.insert(place, first);
        self.by_time.push_back((now, place));
        Some(first)
    }

    fn proof(&mut self, proof: &ProofId, now: Seconds) -> Option<&mut UnderProof> {
        if !self.proofs.contains_key(proof) {
            if self.proofs.len() >= CLICKS_REMEMBERED_MAX {
                return None;
            }
            self.proofs.insert(*proof, UnderProof::default());
            self.proofs_by_time.push_back((now, *proof));
        }
        self.proofs.get_mut(proof)
    }

    fn forget_before(&mut self, now: Seconds) {
        while let Some((at, place)) = self.by_time.front().copied()
            && now.saturating_sub(at) > DAY_SECONDS
        {
            self.by_time.pop_front();
            self.records.remove(&place);
        }
        while let Some((at, proof)) = self.proofs_by_time.front().copied()
            && now.saturating_sub(at) > PROOF_SECONDS
        {
            self.proofs_by_time.pop_front();
            self.proofs.remove(&proof);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn click(uri: &str) -> Click {
        Click::of(&Proof::Bound { token: String::new(), proof: String::new(), method: "GET".into(), uri: uri.into() })
    }

    #[test]
    fn an_address_names_a_record_a_search_or_a_list() {
        let record = |name: &str| Click::Record(name.into());
        for (path, expected) in [
            ("/dicom-web/studies/1.2.3/series/4/instances/5/frames/1", record("studies/1.2.3")),
            ("/dicom-web/studies/1.2.3?x=/dicom-web/studies/9", record("studies/1.2.3")),
            // The page of a study is the study.
            ("/studies/1.2.3", record("studies/1.2.3")),
            ("/patients/0123abcd", record("patients/0123abcd")),
            ("/documents/Binary/a-1", record("Binary/a-1")),
            ("/fhir/Binary/a-1", record("Binary/a-1")),
            ("/fhir/Binary/a-1/_history/2", record("Binary/a-1")),
            ("/fhir/Observation?patient=1", Click::Search),
            ("/fhir/Observation/_search", Click::Search),
            ("/wado?studyUID=1.2.3", Click::Search),
            ("/", Click::Search),
            ("/dicom-web/studies?limit=9", Click::List),
            ("/dicom-web/studies/1%2E2", Click::List),
            ("/dicom-web/studies/", Click::List),
            ("/auth/renew", Click::List),
            ("/assets/page.css", Click::List),
        ] {
            assert_eq!(click(&format!("https://archive.example{path}")), expected, "{path}");
        }
        let bearer = Proof::Bearer("/dicom-web/studies/1.2.3".into());
        assert_eq!(Click::of(&bearer), Click::List);
    }

    #[test]
    fn a_records_address_vouches_for_one_patient_a_day_however_many_proofs_name_it() {
        let mut clicks = Clicks::default();
        let study = Click::Record("studies/1".into());
        for n in 0..900_u32 {
            let proof = [u8::try_from(n % 256).unwrap(); 32];
            assert!(clicks.opened("a", Some(&proof), &study, &[7], n).is_empty());
            assert_eq!(clicks.opened("a", Some(&proof), &study, &[7, 8, 9], n), [8, 9]);
            assert_eq!(clicks.opened("a", Some(&proof), &study, &[8], n), [8]);
        }
        // To somebody else it is another address, and another day it is a new one.
        assert!(clicks.opened("b", Some(&[1; 32]), &study, &[8], 900).is_empty());
        assert!(clicks.opened("a", Some(&[1; 32]), &study, &[8], DAY_SECONDS + 1).is_empty());
    }

    #[test]
    fn a_search_vouches_for_one_patient_and_a_page_of_a_list_and_no_proof_for_nobody() {
        let mut clicks = Clicks::default();
        let all: Vec<PatientNumber> = (0..200).collect();
        assert_eq!(clicks.opened("a", Some(&[1; 32]), &Click::Search, &all, 0).len(), 199);
        assert_eq!(clicks.opened("a", Some(&[1; 32]), &Click::Search, &[5], 0), [5]);
        assert_eq!(clicks.opened("a", Some(&[2; 32]), &Click::List, &all, 0).len(), 200);
        assert_eq!(clicks.opened("a", None, &Click::Record("studies/1".into()), &all, 0).len(), 200);
        let page = SUMMARIES_PER_CLICK_MAX as usize;
        assert_eq!(clicks.listed(Some(&[3; 32]), &all, 0).len(), 200 - page);
        assert_eq!(clicks.listed(Some(&[3; 32]), &all, 0).len(), 200);
        assert_eq!(clicks.listed(None, &all, 0).len(), 200);
    }

    #[test]
    fn what_does_not_fit_is_the_nodes_own_word() {
        let mut clicks = Clicks::default();
        for n in 0..CLICKS_REMEMBERED_MAX {
            let name = Click::Record(format!("studies/{n}"));
            assert!(clicks.opened("a", Some(&[1; 32]), &name, &[1], 0).is_empty());
        }
        assert_eq!(clicks.opened("a", Some(&[1; 32]), &Click::Record("studies/x".into()), &[1], 0), [1]);
        assert!(clicks.opened("a", Some(&[1; 32]), &Click::Record("studies/0".into()), &[1], 0).is_empty());
        assert!(
            clicks.opened("a", Some(&[1; 32]), &Click::Record("studies/x".into()), &[1], DAY_SECONDS + 1).is_empty()
        );
        assert!(clicks.by_time.len() == 1 && clicks.records.len() == 1);
    }
}
