//! Audit events: what the ledger's entries stand for.
//!
//! An event is CBOR with numbered fields, sealed, and bound to its position. The entry in the ledger is the SHA-256 of the
//! sealed bytes, so the ledger can be shown to anybody and tells nobody anything about a patient.

mod bare;

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::events;
use aws_lc_rs::digest::{SHA256, digest};
use minicbor::{Decode, Encode};
use policy::budget::Counts;
use record::{FacilityCode, Micros, ObjectId, Pseudonym, Purpose, Role, Version};
use rusqlite::Connection;
use seal::disclosure::{Disclosure, place};
use seal::message::Part;
use zeroize::Zeroizing;

pub use bare::{append_hash, prove_hashes};
use bare::{bare, proven};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Action {
    /// The service started.
    #[n(0)]
    Start,
    /// Objects were taken in.
    #[n(1)]
    Admit,
    /// New versions of objects were taken in.
    #[n(2)]
    NewVersion,
    /// A facility's number and a national number named two patients.
    #[n(3)]
    IdentityConflict,
    /// Keys were opened.
    #[n(4)]
    Release,
    /// Arrived bytes were compared with kept ones.
    #[n(5)]
    Compare,
    /// A patient's secret was destroyed: this event certifies it.
    #[n(6)]
    Erase,
    /// Somebody failed to prove who it is.
    #[n(7)]
    Authenticate,
    /// A facility was added or renamed.
    #[n(8)]
    AddFacility,
    /// A peer was added or changed.
    #[n(9)]
    AddPeer,
    /// A person or system was added or changed.
    #[n(10)]
    AddPerson,
    /// A bearer token was signed.
    #[n(11)]
    SignToken,
    /// A person or peer was removed.
    #[n(12)]
    Remove,
    /// Search terms were asked to be turned into tokens, and it was refused.
    #[n(13)]
    Search,
    /// Somebody signed in and was given a token.
    #[n(14)]
    SignIn,
    /// A person's passkey, device key or system's key was added or taken away.
    #[n(15)]
    ChangeKey,
    /// A patient was referred, consented, or a relation ended.
    #[n(16)]
    Relate,
    /// A record's labels were changed.
    #[n(17)]
    Label,
    /// A colleague approved, on the spot, that a budget is exceeded.
    #[n(18)]
    StepUp,
    /// Somebody broke the glass.
    #[n(19)]
    BreakGlass,
    /// Somebody reviewed a broken glass, or its review became overdue.
    #[n(20)]
    Review,
    /// An actor was frozen or let go on.
    #[n(21)]
    Freeze,
    /// A canary was planted or retired.
    #[n(22)]
    Canary,
    /// An alarm rang, was taken over, escalated or was closed.
    #[n(23)]
    Alarm,
    /// A change that takes two people was proposed.
    #[n(24)]
    Propose,
    /// Somebody approved or rejected what was proposed.
    #[n(25)]
    Approve,
    /// What was approved came into force.
    #[n(26)]
    Enact,
    /// A bulk export was begun or ended.
    #[n(27)]
    Export,
    /// The root was replaced, and every patient's secret wrapped anew.
    #[n(28)]
    RotateRoot,
    /// A patient's retention or legal hold was changed.
    #[n(29)]
    Retain,
    /// A patient's access report was made.
    #[n(30)]
    Report,
    /// A state was backed up or restored.
    #[n(31)]
    Backup,
    /// What a feed wrote was isolated, or the isolation lifted.
    #[n(40)]
    Isolate,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Decision {
    /// It was done.
    #[n(0)]
    Permitted,
    /// The actor's role never may.
    #[n(1)]
    RefusedRole,
    /// The purpose was not granted or does not carry the right.
    #[n(2)]
    RefusedPurpose,
    /// The facility has not treated the patient.
    #[n(3)]
    RefusedRelation,
    /// There is no such patient, or the patient is erased.
    #[n(4)]
    RefusedUnknown,
    /// The wrapped key is not what it claims to be.
    #[n(5)]
    RefusedForged,
    /// The proof of identity failed.
    #[n(6)]
    RefusedProof,
    /// A budget does not hold as many patients.
    #[n(7)]
    RefusedBudget,
    /// The actor is frozen.
    #[n(8)]
    RefusedFrozen,
    /// The actor's duty or training has lapsed.
    #[n(9)]
    RefusedLapsed,
    /// A rule forbids it, or a rule could not be evaluated.
    #[n(10)]
    RefusedPolicy,
    /// The record is on legal hold, or its time of retention is not over.
    #[n(11)]
    RefusedHold,
    /// Too few people have approved it, or not yet, or no longer.
    #[n(12)]
    RefusedApproval,
}

impl From<policy::Reason> for Decision {
    fn from(reason: policy::Reason) -> Self {
        match reason {
            policy::Reason::Lapsed => Self::RefusedLapsed,
            policy::Reason::Role => Self::RefusedRole,
            policy::Reason::Purpose => Self::RefusedPurpose,
            policy::Reason::Relation => Self::RefusedRelation,
            policy::Reason::Label | policy::Reason::Policy => Self::RefusedPolicy,
        }
    }
}

/// One object version of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Touched {
    /// Which object.
    #[n(0)]
    pub object: ObjectId,
    /// Which version.
    #[n(1)]
    pub version: Version,
    /// How it ended for this one.
    #[n(2)]
    pub decision: Decision,
}

/// One patient of a list that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Listed {
    /// Whose record.
    #[n(0)]
    pub patient: Pseudonym,
    /// Which objects.
    #[n(1)]
    pub objects: Vec<Touched>,
}

/// One event. Absent is what does not apply.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Event {
    /// When.
    #[n(0)]
    pub at: Micros,
    /// What.
    #[n(1)]
    pub action: Action,
    /// How it ended; with objects, `Permitted` if it was for at least one.
    #[n(2)]
    pub decision: Decision,
    /// Who: an id of the register; `administrator` for whoever holds the administrator's socket.
    #[n(3)]
    pub actor: Option<String>,
    /// For which facility.
    #[n(4)]
    pub facility: Option<FacilityCode>,
    /// In which role.
    #[n(5)]
    pub role: Option<Role>,
    /// What for.
    #[n(6)]
    pub purpose: Option<Purpose>,
    /// Through which door.
    #[n(7)]
    pub channel: Option<String>,
    /// Whose record.
    #[n(8)]
    pub patient: Option<Pseudonym>,
    /// Which half was opened.
    #[n(9)]
    pub part: Option<Part>,
    /// Which objects.
    #[n(10)]
    pub objects: Vec<Touched>,
    /// Different patients that the actor had opened within an hour, this one included.
    #[n(11)]
    pub patients_hour: Option<u32>,
    /// The same within a day.
    #[n(12)]
    pub patients_day: Option<u32>,
    /// What else there is to say: kinds, a reason, whom an administrator changed.
    #[n(13)]
    pub detail: Option<String>,
    /// A list that showed several patients is one event: then `patient` and `objects` are empty, and this names them all.
    #[n(14)]
    pub patients: Option<Vec<Listed>>,
}

impl Event {
    /// An event with nothing but its time, action and decision.
    #[must_use]
    pub fn new(at: Micros, action: Action, decision: Decision) -> Self {
        Self {
            at,
            action,
            decision,
            actor: None,
            facility: None,
            role: None,
            purpose: None,
            channel: None,
            patient: None,
            part: None,
            objects: Vec::new(),
            patients_hour: None,
            patients_day: None,
            detail: None,
            patients: None,
        }
    }

    /// Everybody whom the event concerns, with the objects that were touched of each.
    pub fn concerned(&self) -> impl Iterator<Item = (Pseudonym, &[Touched])> {
        let one = self.patient.map(|patient| (patient, self.objects.as_slice()));
        let listed = self.patients.iter().flatten().map(|listed| (listed.patient, listed.objects.as_slice()));
        one.into_iter().chain(listed)
    }

    /// Adds what the budgets counted.
    #[must_use]
    pub fn counted(mut self, counts: Counts) -> Self {
        (self.patients_hour, self.patients_day) = (Some(counts.patients_hour), Some(counts.patients_day));
        self
    }

    /// Adds what else there is to say.
    #[must_use]
    pub fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Seals an event and appends it within the open transaction; answers its position in the ledger.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn append(db: &Connection, keys: &Keys, event: &Event) -> Result<u64> {
    let position = events::size(db)?;
    let plain = minicbor::to_vec(event).map_err(|_| Error::invalid("an audit event cannot be written"))?;
    events::append(db, position, &keys.events.of_one(&place(position))?.seal(&place(position), &plain)?)?;
    crate::report::index(db, keys, position, event)?;
    Ok(position)
}

/// Opens the event at a position.
///
/// # Errors
/// Damaged for bytes that were not sealed for this position.
pub fn open(keys: &Keys, position: u64, sealed: &[u8]) -> Result<Event> {
    if let Some((_, at)) = proven(keys, position, sealed)? {
        let text = "known by its hash: a certificate's statement, or what was lost before a restore";
        return Ok(Event::new(at, Action::Backup, Decision::Permitted).detailed(text));
    }
    let damaged = || Error::damaged(format!("audit event {position} is not what was written"));
    let place = place(position);
    // Events of version 1 lie under the key of all events.
    let own = keys.events.of_one(&place)?.open(&place, sealed);
    let plain = own.or_else(|_| keys.events.open(&place, sealed)).map_err(|_| damaged())?;
    minicbor::decode(&plain).map_err(|_| damaged())
}

/// What shows an entry to somebody outside.
///
/// # Errors
/// Invalid for an event of version 1: its key would open all of them.
pub fn disclose(keys: &Keys, position: u64, sealed: &[u8]) -> Result<Disclosure> {
    if let Some((entry, _)) = proven(keys, position, sealed)? {
        return Ok(Disclosure::Entry(entry));
    }
    let key = keys.events.of_one(&place(position))?;
    key.open(&place(position), sealed)
        .map_err(|_| Error::invalid("an event of an earlier version cannot be shown alone"))?;
    Ok(Disclosure::Event { key: Zeroizing::new(*key.shown()), sealed: sealed.to_vec() })
}

/// Reads a disclosed event.
///
/// # Errors
/// Invalid if the key is not of these bytes at this position, or what they say is no event.
pub fn disclosed(position: u64, key: &[u8; 32], sealed: &[u8]) -> Result<Event> {
    let plain = seal::disclosure::open(key, position, sealed)?;
    minicbor::decode(&plain).map_err(|_| Error::invalid("what was disclosed is no audit event"))
}

/// The ledger's entry for a sealed event.
#[must_use]
pub fn leaf(sealed: &[u8]) -> [u8; 32] {
    if let Some((entry, _)) = bare(sealed) {
        return entry;
    }
    let mut leaf = [0; 32];
    for (to, from) in leaf.iter_mut().zip(digest(&SHA256, sealed).as_ref()) {
        *to = *from;
    }
    leaf
}
