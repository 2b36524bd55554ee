//! Where a proposal stands: computed anew each time from its votes, the approvers of now, and both clocks.

use super::approvers;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::register::Register;
use crate::store::quorum::{self as stored, Approver, End, Stored, Vote};
use record::Micros;
use rusqlite::Connection;
use seal::approval::{ProposalId, Verdict};
use seal::message::quorum::{Proposal, ProposalEntry, Standing};

const SECOND_MICROS: Micros = 1_000_000;

/// A moment by both clocks: the wall's, and the service's running time.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The wall clock.
    pub now: Micros,
    /// Seconds that the service has been running.
    pub running: u64,
}

/// A proposal that was read from the state.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its id.
    pub id: ProposalId,
    /// Its decoded bytes.
    pub proposal: Proposal,
    /// As it is kept.
    pub stored: Stored,
}

impl Known {
    /// Finds one.
    ///
    /// # Errors
    /// Invalid if there is none; Damaged if it is not what was written.
    pub fn find(db: &Connection, keys: &Keys, id: &ProposalId) -> Result<Self> {
        let stored = stored::proposal(db, keys, id)?.ok_or_else(|| Error::invalid("there is no such proposal"))?;
        Self::of(*id, stored)
    }

    /// Decodes one.
    ///
    /// # Errors
    /// Damaged if its bytes are not those of its id.
    pub fn of(id: ProposalId, stored: Stored) -> Result<Self> {
        if ProposalId::of(&stored.bytes) != id {
            return Err(Error::damaged("a proposal is not the one of its id"));
        }
        let proposal = Proposal::decode(&stored.bytes)?;
        Ok(Self { id, proposal, stored })
    }

    /// The approvals that count: one for each person who is an approver now, with the key that it was given by.
    #[must_use]
    pub fn counted<'k>(&'k self, approvers: &[Approver], register: &Register, now: Micros) -> Vec<&'k Vote> {
        let mut counted: Vec<&Vote> = Vec::new();
        for vote in self.stored.votes.iter().filter(|vote| vote.verdict == Verdict::Approve) {
            let holds = approvers.iter().any(|a| a.actor == vote.actor && a.key.fingerprint() == vote.key);
            let again = counted.iter().any(|before| before.actor == vote.actor || before.key == vote.key);
            if holds && !again && approvers::may_approve(register, &vote.actor, now) {
                counted.push(vote);
            }
        }
        counted
    }

    /// Whether its time is over, by either clock.
    #[must_use]
    pub fn is_over(&self, at: Moment) -> bool {
        let open = seconds(self.proposal.until.saturating_sub(self.proposal.proposed));
        at.now >= self.proposal.until || at.running.saturating_sub(self.stored.running) >= open
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self, approvers: &[Approver], register: &Register, at: Moment) -> Standing {
        match self.stored.end {
            Some(End::Enacted(when)) => return Standing::Enacted(when),
            Some(End::Rejected) => return Standing::Rejected,
            None if self.is_over(at) => return Standing::Expired,
            None => {}
        }
        let counted = self.counted(approvers, register, at.now);
        let needed = usize::from(self.proposal.rule.approvals);
        if needed == 0 {
            return Standing::Approved(0);
        }
        let Some(last) = needed.checked_sub(1).and_then(|last| counted.get(last)) else { return Standing::Open };
        // INVARIANT: both clocks must have passed the delay; what is missing by the slower one is told.
        let delay = u64::from(self.proposal.rule.delay_seconds);
        let by_wall = seconds(at.now.saturating_sub(last.at));
        let by_running = at.running.saturating_sub(last.running);
        let left = delay.saturating_sub(by_wall.min(by_running));
        Standing::Approved(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// As it is shown.
    #[must_use]
    pub fn entry(&self, approvers: &[Approver], register: &Register, at: Moment) -> ProposalEntry {
        let counted = self.counted(approvers, register, at.now);
        let missing = self.proposal.rule.approvals.saturating_sub(u8::try_from(counted.len()).unwrap_or(u8::MAX));
        let name = |vote: &&Vote| (approvers::name_of(register, &vote.actor), vote.at);
        ProposalEntry {
            proposal: self.stored.bytes.clone(),
            standing: self.standing(approvers, register, at),
            approved: counted.iter().map(name).collect(),
            missing,
        }
    }
}

/// Whole seconds; none of a time that went backwards.
fn seconds(micros: Micros) -> u64 {
    u64::try_from(micros.div_euclid(SECOND_MICROS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::{Facility, Person};
    use record::{FacilityCode, Role};
    use seal::approval::ApproverKey;
    use seal::message::quorum::{Kind, Rule, Subject};

    const HOUR: Micros = 3_600 * SECOND_MICROS;
    const START: Micros = 1_800_000_000 * SECOND_MICROS;

    fn approver(number: u8) -> Approver {
        Approver { actor: format!("person-{number}"), key: ApproverKey::Ed25519([number; 32]), since: 0 }
    }

    fn vote(number: u8, verdict: Verdict, at: Micros, running: u64) -> Vote {
        let approver = approver(number);
        let key = approver.key.fingerprint();
        Vote { actor: approver.actor, key, verdict, at, running, signed_at: at, signature: Vec::new() }
    }

    fn register() -> Register {
        let mut register = Register::default();
        let facility = FacilityCode::new("A").unwrap();
        register.facilities.insert(facility.clone(), Facility { id: 1, name: "A".into() });
        for number in 1..=4_u8 {
            let person = Person::new(format!("Person {number}"), facility.clone(), Role::Auditor);
            register.people.insert(format!("person-{number}"), person);
        }
        register
    }

    fn known(votes: Vec<Vote>) -> Known {
        let rule = Rule { kind: Kind::Settings, approvals: 2, delay_seconds: 4 * 3_600, open_seconds: 7 * 86_400 };
        let proposal = Proposal {
            origin: "o".into(),
            nonce: [0; 16],
            subject: Subject::OpenName("x".into()),
            proposer: "administrator".into(),
            reason: "r".into(),
            proposed: START,
            until: START + 7 * 24 * HOUR,
            rule,
        };
        let (bytes, id) = proposal.encode().unwrap();
        Known { id, proposal, stored: Stored { bytes, running: 1_000, votes, end: None } }
    }

    fn standing(votes: Vec<Vote>, now: Micros, running: u64) -> Standing {
        let approvers: Vec<Approver> = (1..=3).map(approver).collect();
        known(votes).standing(&approvers, &register(), Moment { now, running })
    }

    fn two() -> Vec<Vote> {
        vec![vote(1, Verdict::Approve, START, 1_000), vote(2, Verdict::Approve, START + HOUR, 4_600)]
    }

    #[test]
    fn two_different_people_and_then_the_delay() {
        assert_eq!(standing(Vec::new(), START, 1_000), Standing::Open);
        assert_eq!(standing(vec![vote(1, Verdict::Approve, START, 1_000)], START, 1_000), Standing::Open);
        let twice = vec![vote(1, Verdict::Approve, START, 1_000), vote(1, Verdict::Approve, START, 1_000)];
        assert_eq!(standing(twice, START + 10 * HOUR, 37_000), Standing::Open, "one person twice is one");
        let stranger = vec![vote(1, Verdict::Approve, START, 1_000), vote(4, Verdict::Approve, START, 1_000)];
        assert_eq!(standing(stranger, START + 10 * HOUR, 37_000), Standing::Open, "no approver, or no longer");
        assert_eq!(standing(two(), START + HOUR, 4_600), Standing::Approved(4 * 3_600));
        assert_eq!(standing(two(), START + 5 * HOUR - 1, 19_000), Standing::Approved(1));
        assert_eq!(standing(two(), START + 5 * HOUR, 19_000), Standing::Approved(0));
        assert_eq!(standing(two(), START + 7 * 24 * HOUR, 19_000), Standing::Expired);
    }

    #[test]
    fn a_clock_that_jumps_a_day_brings_nothing_forward_and_keeps_nothing_alive() {
        // Forward: the wall clock says that the delay is long over, the service has run for a minute.
        assert_eq!(standing(two(), START + 25 * HOUR, 4_660), Standing::Approved(4 * 3_600 - 60));
        // Back: it is approved later than it is now. Nothing is over yet.
        assert_eq!(standing(two(), START - 23 * HOUR, 30_000), Standing::Approved(4 * 3_600));
        // Back again and again: the service has run for a week, so the proposal has ended.
        assert_eq!(standing(two(), START + HOUR, 1_000 + 7 * 86_400), Standing::Expired);
        assert_eq!(standing(two(), START + HOUR, 1_000 + 7 * 86_400 - 1), Standing::Approved(4 * 3_600));
        // A restart that lost the last seconds of the running time: it only waits longer.
        assert_eq!(standing(two(), START + 5 * HOUR, 4_500), Standing::Approved(4 * 3_600));
    }

    #[test]
    fn who_is_removed_or_has_another_key_no_longer_counts() {
        let mut known = known(two());
        let at = Moment { now: START + 5 * HOUR, running: 19_000 };
        let all: Vec<Approver> = (1..=3).map(approver).collect();
        assert_eq!(known.standing(&all, &register(), at), Standing::Approved(0));
        assert_eq!(known.standing(&all[1..], &register(), at), Standing::Open);
        let mut changed = all.clone();
        changed[0].key = ApproverKey::Ed25519([9; 32]);
        assert_eq!(known.standing(&changed, &register(), at), Standing::Open);
        let mut left = register();
        left.people.remove("person-2");
        assert_eq!(known.standing(&all, &left, at), Standing::Open);
        // A third person's approval makes it two again, and the delay begins with it.
        known.stored.votes.push(vote(3, Verdict::Approve, START + 5 * HOUR, 19_000));
        assert_eq!(known.standing(&all[1..], &register(), at), Standing::Approved(4 * 3_600));
    }
}
