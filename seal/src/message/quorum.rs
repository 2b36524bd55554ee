//! The messages of decisions that take two people.
//!
//! What shall be done is a [`Proposal`]: its bytes are shown, its id is signed. The key service makes the bytes, so that
//! nothing in them but subject and reason is of the proposer's choosing; an approver's tool decodes them, holds them
//! against the id and shows them in words ([`words`]) before it signs.

pub mod words;

use super::AdminRequest;
use super::export::ExportTerms;
use crate::approval::{ApproverKey, ProposalId, Verdict};
use crate::{Error, Result};
use minicbor::{Decode, Encode};
use record::{FacilityCode, Micros};

/// How a subject is decided: each kind has its own rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Policies, budgets, alarms and every other setting that is held.
    #[n(0)]
    Settings,
    /// The root's rotation, recovery and backup.
    #[n(1)]
    Root,
    /// Who may come in: people, peers, keys, tokens.
    #[n(2)]
    Access,
    /// The person's name behind an actor's id.
    #[n(3)]
    Name,
    /// Ending a legal hold, or a time of retention.
    #[n(4)]
    Hold,
    /// A bulk export.
    #[n(5)]
    Export,
    /// The approvers, and the rules themselves.
    #[n(6)]
    Approvers,
}

impl Kind {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Settings, "settings"),
        (Self::Root, "root"),
        (Self::Access, "access"),
        (Self::Name, "name"),
        (Self::Hold, "hold"),
        (Self::Export, "export"),
        (Self::Approvers, "approvers"),
    ];

    /// Its name in settings and lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("settings", |(_, name)| name)
    }
}

/// What shall be done.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Subject {
    /// An administrator's request, as its CBOR: it is carried out as it is.
    #[n(0)]
    Administer(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// The settings that are held, as the text of a `keyservice.toml`.
    #[n(1)]
    Settings(#[n(0)] String),
    /// Tell the person's name behind an actor's id.
    #[n(2)]
    OpenName(#[n(0)] String),
    /// Let a bulk export run.
    #[n(3)]
    Export(#[n(0)] ExportTerms),
    /// Add a person as approver, or replace the approver's key.
    #[n(4)]
    AddApprover {
        /// The person's name.
        #[n(0)]
        name: String,
        /// The person's own key.
        #[n(1)]
        key: ApproverKey,
    },
    /// Take an approver away.
    #[n(5)]
    RemoveApprover(#[n(0)] String),
    /// Change the rule of one kind.
    #[n(6)]
    ChangeRule(#[n(0)] Rule),
}

impl Subject {
    /// An administrator's request as a subject.
    ///
    /// # Errors
    /// Invalid for a request that cannot be encoded.
    pub fn administer(request: &AdminRequest) -> Result<Self> {
        let bytes = minicbor::to_vec(request).map_err(|_| Error::invalid("a request cannot be encoded"))?;
        Ok(Self::Administer(bytes))
    }
}

/// How many must approve a kind, and when it may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Rule {
    /// Of what.
    #[n(0)]
    pub kind: Kind,
    /// Different people who must approve, the proposer among them at most once; at least two.
    #[n(1)]
    pub approvals: u8,
    /// Seconds between the last approval and the enactment.
    #[n(2)]
    pub delay_seconds: u32,
    /// Seconds that a proposal of this kind may stay open at most.
    #[n(3)]
    pub open_seconds: u32,
}

/// A proposal. Its encoding is the canonical one: arrays in the order of their fields, shortest numbers.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Proposal {
    /// The ledger's origin: a proposal to one archive is none to another.
    #[n(0)]
    pub origin: String,
    /// Random: the same thing proposed twice is two proposals.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// What shall be done.
    #[n(2)]
    pub subject: Subject,
    /// Who proposed it: an actor's id, or `administrator` for whoever holds the administrator's socket.
    #[n(3)]
    pub proposer: String,
    /// Why.
    #[n(4)]
    pub reason: String,
    /// When.
    #[n(5)]
    pub proposed: Micros,
    /// After this it can be neither approved nor enacted; an export runs no longer.
    #[n(6)]
    pub until: Micros,
    /// The rule it falls under, as it was when it was proposed.
    #[n(7)]
    pub rule: Rule,
}

impl Proposal {
    /// The bytes and their id.
    ///
    /// # Errors
    /// None in practice: every proposal can be encoded.
    pub fn encode(&self) -> Result<(Vec<u8>, ProposalId)> {
        let bytes = minicbor::to_vec(self).map_err(|_| Error::invalid("a proposal cannot be encoded"))?;
        let id = ProposalId::of(&bytes);
        Ok((bytes, id))
    }

    /// Reads a proposal's bytes.
    ///
    /// # Errors
    /// Invalid for anything but the one encoding of a proposal: what is shown is then what was signed.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let proposal: Self = minicbor::decode(bytes).map_err(|_| Error::invalid("this is not a proposal"))?;
        let again = minicbor::to_vec(&proposal).map_err(|_| Error::invalid("this is not a proposal"))?;
        if again != bytes {
            return Err(Error::invalid("a proposal is not encoded as proposals are"));
        }
        Ok(proposal)
    }
}

/// An approver's word on a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedVerdict {
    /// On which.
    #[n(0)]
    pub proposal: ProposalId,
    /// What.
    #[n(1)]
    pub verdict: Verdict,
    /// When it was signed, by the approver's clock.
    #[n(2)]
    pub at: Micros,
    /// By which key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub key: [u8; 16],
    /// Over `approval::approval_bytes`.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

/// An approver's proof that it may see what waits, good for minutes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedReading {
    /// The ledger's origin.
    #[n(0)]
    pub origin: String,
    /// When it was signed, by the approver's clock.
    #[n(1)]
    pub at: Micros,
    /// By which key.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 16],
    /// Over `approval::reading_bytes`.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

/// What an approver may ask through an archive node, which can neither forge nor alter it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum QuorumCall {
    /// The ledger's origin, which a reading is signed for. Answers [`QuorumAnswer::Origin`].
    #[n(0)]
    Origin,
    /// What waits. Answers [`QuorumAnswer::Proposals`].
    #[n(1)]
    List(#[n(0)] SignedReading),
    /// One proposal. Answers [`QuorumAnswer::Proposals`], of one.
    #[n(2)]
    Show(#[n(0)] SignedReading, #[n(1)] ProposalId),
    /// Approve or reject. Answers [`QuorumAnswer::Proposals`], of one, as it is then.
    #[n(3)]
    Verdict(#[n(0)] SignedVerdict),
}

/// What whoever holds the administrator's socket may ask.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum QuorumOrder {
    /// The approvers and rules. Answers [`QuorumAnswer::Approvers`].
    #[n(0)]
    Approvers,
    /// Adds an approver, freely while there are fewer than two ever; afterwards it has to be proposed.
    #[n(1)]
    AddApprover {
        /// The person's name in the register.
        #[n(0)]
        name: String,
        /// The person's own key.
        #[n(1)]
        key: ApproverKey,
    },
    /// Proposes. Answers [`QuorumAnswer::Proposals`], of one.
    #[n(2)]
    Propose {
        /// What.
        #[n(0)]
        subject: Subject,
        /// Why.
        #[n(1)]
        reason: String,
        /// How long it stays open; the rule's own time if it is 0 or longer.
        #[n(2)]
        open_seconds: u32,
    },
    /// What there is. Answers [`QuorumAnswer::Proposals`].
    #[n(3)]
    List,
    /// One proposal. Answers [`QuorumAnswer::Proposals`], of one.
    #[n(4)]
    Show(#[n(0)] ProposalId),
    /// Approve or reject, signed by an approver. Answers [`QuorumAnswer::Proposals`], of one.
    #[n(5)]
    Verdict(#[n(0)] SignedVerdict),
    /// Do what was approved, after its delay. Answers what the subject answers.
    #[n(6)]
    Enact(#[n(0)] ProposalId),
    /// The ledger's origin. Answers [`QuorumAnswer::Origin`].
    #[n(7)]
    Origin,
}

/// Answers about decisions.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum QuorumAnswer {
    /// Proposals, the newest first.
    #[n(0)]
    Proposals(#[n(0)] Vec<ProposalEntry>),
    /// Who approves, and by which rules.
    #[n(1)]
    Approvers {
        /// The approvers.
        #[n(0)]
        approvers: Vec<ApproverEntry>,
        /// The rules.
        #[n(1)]
        rules: Vec<Rule>,
        /// Whether two people are needed: since there have been two approvers.
        #[n(2)]
        in_force: bool,
    },
    /// The ledger's origin.
    #[n(2)]
    Origin(#[n(0)] String),
    /// The person's name behind an actor's id.
    #[n(3)]
    Name {
        /// The name.
        #[n(0)]
        name: String,
        /// The person's facility.
        #[n(1)]
        facility: FacilityCode,
    },
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Standing {
    /// Waits for approvals.
    #[n(0)]
    Open,
    /// Has them; so many seconds are left of its delay.
    #[n(1)]
    Approved(#[n(0)] u32),
    /// Done, at this time. An export may run until its end.
    #[n(2)]
    Enacted(#[n(0)] Micros),
    /// Somebody rejected it.
    #[n(3)]
    Rejected,
    /// Its time is over.
    #[n(4)]
    Expired,
}

/// A proposal and what has been said to it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ProposalEntry {
    /// The proposal's bytes ([`Proposal::decode`]); their id is computed by whoever reads them.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub proposal: Vec<u8>,
    /// Where it stands.
    #[n(1)]
    pub standing: Standing,
    /// Who approved, by name, and when.
    #[n(2)]
    pub approved: Vec<(String, Micros)>,
    /// Approvals that are missing.
    #[n(3)]
    pub missing: u8,
}

/// One approver.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ApproverEntry {
    /// The person's name.
    #[n(0)]
    pub name: String,
    /// The person's actor id.
    #[n(1)]
    pub actor: String,
    /// The key's fingerprint.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 16],
    /// Since when.
    #[n(3)]
    pub since: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal() -> Proposal {
        Proposal {
            origin: "segel.local/x".into(),
            nonce: [7; 16],
            subject: Subject::OpenName("person-1".into()),
            proposer: "administrator".into(),
            reason: "a case".into(),
            proposed: 1,
            until: 2,
            rule: Rule { kind: Kind::Name, approvals: 2, delay_seconds: 0, open_seconds: 60 },
        }
    }

    #[test]
    fn a_proposal_has_one_encoding() -> Result<()> {
        let (bytes, id) = proposal().encode()?;
        assert_eq!(Proposal::decode(&bytes)?, proposal());
        assert_eq!(ProposalId::of(&bytes), id);
        // The same array with a length of two bytes instead of one, and with something after it.
        let longer = [&[0x98, 0x08], bytes.get(1..).unwrap()].concat();
        assert!(minicbor::decode::<Proposal>(&longer).is_ok() && Proposal::decode(&longer).is_err());
        assert!(Proposal::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_ne!(ProposalId::of(&changed), id, "byte {at}");
        }
        Ok(())
    }
}
