//! A question as Cedar asks it.

use super::Question;
use crate::error::{Error, Result};
use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema,
};
use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

/// The names of the schema's types, read once.
pub(super) struct Names {
    actor: EntityTypeName,
    record: EntityTypeName,
    action: EntityTypeName,
    role: EntityTypeName,
    purpose: EntityTypeName,
    label: EntityTypeName,
}

impl Names {
    pub(super) fn new() -> Result<Self> {
        let name = |word: &str| {
            EntityTypeName::from_str(&format!("Segel::{word}")).map_err(|error| Error::new(error.to_string()))
        };
        Ok(Self {
            actor: name("Actor")?,
            record: name("Record")?,
            action: name("Action")?,
            role: name("Role")?,
            purpose: name("Purpose")?,
            label: name("Label")?,
        })
    }

    /// The request and its entities; `None` if they do not fit the schema, which no values of ours do.
    pub(super) fn request(&self, schema: &Schema, question: &Question) -> Option<(Request, Entities)> {
        let (actor, record) = (uid(&self.actor, "actor"), uid(&self.record, "record"));
        let action = uid(&self.action, question.right.name());
        let context = Context::from_pairs([
            ("purpose".to_owned(), self.purpose(question.situation.purpose)),
            ("emergency".to_owned(), RestrictedExpression::new_bool(question.situation.emergency)),
            ("hour".to_owned(), RestrictedExpression::new_long(question.situation.hour.into())),
        ]);
        let request = Request::new(actor.clone(), action, record.clone(), context.ok()?, Some(schema)).ok()?;
        let entities = [
            Entity::new(actor, self.actor(question), HashSet::new()).ok()?,
            Entity::new(record, self.record(question), HashSet::new()).ok()?,
        ];
        Some((request, Entities::from_entities(entities, Some(schema)).ok()?))
    }

    fn actor(&self, question: &Question) -> HashMap<String, RestrictedExpression> {
        let actor = &question.actor;
        HashMap::from([
            ("role".to_owned(), RestrictedExpression::new_entity_uid(uid(&self.role, actor.role.name()))),
            ("facility".to_owned(), RestrictedExpression::new_string(actor.facility.as_str().to_owned())),
            ("granted".to_owned(), self.purpose(actor.granted)),
            ("dutyValid".to_owned(), RestrictedExpression::new_bool(actor.duty_valid)),
            ("trainingValid".to_owned(), RestrictedExpression::new_bool(actor.training_valid)),
        ])
    }

    fn record(&self, question: &Question) -> HashMap<String, RestrictedExpression> {
        let (record, relation) = (question.record, question.record.relation);
        let labels = record.labels.iter().map(|label| uid(&self.label, label.code()));
        let facts = [
            ("treated", relation.treated),
            ("linked", relation.linked),
            ("referred", relation.referred),
            ("consented", relation.consented),
            ("consentedContent", relation.consented_content),
            ("labelledHere", record.labelled_here),
        ];
        let facts = facts.map(|(name, fact)| (name.to_owned(), RestrictedExpression::new_bool(fact)));
        let mut attributes = HashMap::from(facts);
        let labels = RestrictedExpression::new_set(labels.map(RestrictedExpression::new_entity_uid));
        attributes.insert("labels".to_owned(), labels);
        attributes
    }

    fn purpose(&self, purpose: record::Purpose) -> RestrictedExpression {
        RestrictedExpression::new_entity_uid(uid(&self.purpose, purpose.code()))
    }
}

fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}
