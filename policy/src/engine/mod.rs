//! A set of policies, ready to decide.
//!
//! Two things about Cedar are made stricter here. It skips a rule whose evaluation fails, a forbidding one as well, so that a
//! mistake in it would open what it was to close: any diagnostic is a denial. And a rule that does not fit the schema is no
//! warning: the set is not taken at all, so a service with such a set does not start. A service that started and refused
//! everything would be just as safe, but it would look like a broken archive to those who need it, instead of telling the
//! person at hand which rule is wrong.

mod entities;
mod load;

use crate::decision::{Decision, Reason};
use crate::error::Result;
use crate::facts::{Actor, Record, Situation};
use crate::right::Right;
use crate::shipped::SHIPPED;
use cedar_policy::{Authorizer, Entities, PolicyId, PolicySet, Request, Response, Schema};
use entities::Names;
use record::Purpose;
use record::limits::DECISIONS_REMEMBERED_MAX;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A set of policies. It decides the same question always alike.
pub struct Engine {
    schema: Schema,
    authorizer: Authorizer,
    policies: PolicySet,
    /// The permitting rules alone: they tell a role that never may from a rule that forbids.
    permits: PolicySet,
    reasons: HashMap<PolicyId, Reason>,
    names: Names,
    texts: Vec<(String, String)>,
    digest: [u8; 32],
    /// Questions have few values, and a list of a hundred patients asks one of them a hundred times.
    decided: Mutex<HashMap<Question, Decision>>,
}

/// Everything that a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    actor: Actor,
    right: Right,
    record: Record,
    situation: Situation,
}

impl Engine {
    /// The policies that the program was built with.
    ///
    /// # Errors
    /// None for a program that passed its tests.
    pub fn shipped() -> Result<Self> {
        Self::from_texts(SHIPPED)
    }

    /// Policies from texts, each with the name of its file.
    ///
    /// # Errors
    /// Invalid for a text that cannot be read, a rule that does not fit the schema strictly, has no `@id` of its own or a
    /// `@reason` that is none, a template, and a set beyond its limits. Then nothing of the set may be used.
    pub fn from_texts<N: AsRef<str>, T: AsRef<str>>(texts: &[(N, T)]) -> Result<Self> {
        load::load(texts)
    }

    /// Decides. Whatever goes wrong on the way is a denial.
    #[must_use]
    pub fn decide(&self, actor: &Actor, right: Right, record: Record, situation: Situation) -> Decision {
        let question = Question { actor: actor.clone(), right, record, situation };
        // Nothing but a copy is done under the lock, so a poisoned one still holds whole values.
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decision) = decided.get(&question) {
            return *decision;
        }
        let decision = self.evaluate(&question);
        if decided.len() >= DECISIONS_REMEMBERED_MAX {
            decided.clear();
        }
        decided.insert(question, decision);
        decision
    }

    /// Whether an actor may turn search terms into tokens: those who may see lists, or put in what will be found by them.
    #[must_use]
    pub fn may_search(&self, actor: &Actor, situation: Situation) -> bool {
        let record = Record::from(crate::Relation::TREATED);
        let declared = Situation { emergency: situation.purpose == Purpose::BreakGlass, ..situation };
        [Right::ViewSummary, Right::Input].into_iter().any(|right| {
            // Whoever is about to declare an emergency has to find the patient first; what is found stays closed until then.
            self.decide(actor, right, record, declared).is_permit()
        })
    }

    /// Forgets every decision, so that a measurement pays for each of them.
    pub fn forget(&self) {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// SHA-256 over the schema and every file's name and text, in the order of the names: which rules are in force.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The digest in hexadecimal.
    #[must_use]
    pub fn digest_hex(&self) -> String {
        self.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The set's files: names and texts, in the order of the names.
    #[must_use]
    pub fn texts(&self) -> &[(String, String)] {
        &self.texts
    }

    fn evaluate(&self, question: &Question) -> Decision {
        let Some((request, entities)) = self.names.request(&self.schema, question) else {
            return Decision::Deny(Reason::Policy);
        };
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        if response.diagnostics().errors().next().is_some() {
            return Decision::Deny(Reason::Policy);
        }
        match response.decision() {
            cedar_policy::Decision::Allow => Decision::Permit,
            cedar_policy::Decision::Deny => Decision::Deny(self.reason(&response, &request, &entities)),
        }
    }

    /// Why a denial is one: the first reason that any forbidding rule states, or the role that no rule permits.
    fn reason(&self, response: &Response, request: &Request, entities: &Entities) -> Reason {
        let stated = response.diagnostics().reason().map(|id| self.reasons.get(id).copied().unwrap_or(Reason::Policy));
        let permitted = self.authorizer.is_authorized(request, &self.permits, entities).decision();
        let role = (permitted != cedar_policy::Decision::Allow).then_some(Reason::Role);
        stated.chain(role).min().unwrap_or(Reason::Policy)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.digest_hex())
    }
}

#[cfg(test)]
mod tests;
