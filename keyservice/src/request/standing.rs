//! How a caller stands to a patient: the facts of the state that the rules decide on.

use super::{Caller, Turn, break_glass, situation};
use crate::error::Result;
use crate::store::patients::Patient;
use crate::store::relations;
use policy::{Decision, Engine, Record, Relation, Right, Situation};
use record::ObjectId;
use std::sync::Arc;

/// The facts, read once for a patient.
pub struct Standing<'c> {
    caller: &'c Caller,
    patient: Patient,
    relation: Relation,
    situation: Situation,
    has_labels: bool,
    engine: Arc<Engine>,
}

impl<'c> Standing<'c> {
    pub(super) fn read(turn: &Turn<'_>, caller: &'c Caller, patient: Patient) -> Result<Self> {
        Ok(Self {
            caller,
            patient,
            relation: relations::between(turn.db, patient, caller.known.facility, turn.now)?,
            situation: situation(caller.purpose, break_glass::is_broken(turn, caller, patient)?, turn.now),
            has_labels: relations::has_labels(turn.db, patient)?,
            engine: Arc::clone(&turn.engine),
        })
    }

    /// Decides a right over the record as a whole.
    pub(crate) fn decide(&self, right: Right) -> Decision {
        self.engine.decide(&self.caller.known.actor, right, self.relation.into(), self.situation)
    }

    /// Decides a right over one object of it.
    pub(crate) fn decide_object(&self, turn: &Turn<'_>, right: Right, object: ObjectId) -> Result<Decision> {
        if !self.has_labels {
            return Ok(self.decide(right));
        }
        let facility = self.caller.known.facility;
        let (labels, labelled_here) = relations::labels(turn.db, turn.keys, self.patient, object, facility)?;
        let record = Record { relation: self.relation, labels, labelled_here };
        Ok(self.engine.decide(&self.caller.known.actor, right, record, self.situation))
    }
}
