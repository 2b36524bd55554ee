//! Canaries on their way in: what the index shows of a patient, and an instance that shows the same.
//!
//! A canary comes as if a sender had sent it, and in everything that stands in clear it is another patient's likeness: which
//! sender, how many objects, of which classes, sizes, days and tokens. Whoever has the index and the segments and no key
//! sees one more patient of the kind that there are.

use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::index::rows::Likeness;
use crate::ingest::{Declared, InstanceReceiver, StoreOutcome};
use record::limits::{CANARY_BYTES_MAX, CANARY_OBJECTS_MAX};
use record::{FacilityCode, Field, Term, Token};
use seal::cobblestone::plain_len;
use seal::message::Asker;
use seal::padded;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an instance shows in clear.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The sender's id.
    pub sender: String,
    /// UIDs and the other facts of the one that it is like.
    pub facts: crate::object::InstanceFacts,
    /// How many identifiers its patient is known by in its study.
    pub identifiers: usize,
    /// When that one arrived.
    pub arrived: record::Micros,
    /// Bytes of the content to be sent: any other number would have another sealed size.
    pub content_bytes: u64,
    summary_total: u64,
    metadata_total: u64,
    /// How many tokens of each field its study has.
    tokens: BTreeMap<u8, usize>,
}

impl Shape {
    /// As a kept instance shows itself; `None` for what cannot be likened.
    fn of(likeness: &Likeness) -> Option<Self> {
        let record = &likeness.kept.record;
        let total = |extent: crate::object::Extent| plain_len(extent.sealed_bytes).ok();
        let mut tokens = BTreeMap::new();
        for Token(bytes) in &likeness.tokens {
            // What an earlier build stored has tokens that none are made of any more.
            let number = bytes.first().copied().filter(|number| stored_under(*number).is_some())?;
            *tokens.entry(number).or_default() += 1;
        }
        Some(Self {
            identifiers: tokens.get(&0).copied().unwrap_or_default(),
            sender: record.sender.clone(),
            facts: likeness.kept.instance()?.clone(),
            arrived: record.arrived,
            content_bytes: total(record.content)?.checked_sub(padded::TRAILER_BYTES)?,
            summary_total: total(record.summary)?,
            metadata_total: total(record.metadata)?,
            tokens,
        })
    }

    /// A summary or metadata as JSON, made as long as the other's: white space at its end says nothing (RFC 8259 2).
    pub(crate) fn fit_summary(&self, json: Vec<u8>) -> Vec<u8> {
        fit(json, self.summary_total)
    }

    /// As [`Shape::fit_summary`].
    pub(crate) fn fit_metadata(&self, json: Vec<u8>) -> Vec<u8> {
        fit(json, self.metadata_total)
    }

    /// As many terms of each field as the other's study has. Those that are too many go, those that lack are made up.
    /// All instances of a study are given the same ones.
    pub(crate) fn fit_terms(&self, terms: Vec<Term>, study_instance_uid: &str) -> Vec<Term> {
        let mut fitted = Vec::new();
        for (number, count) in &self.tokens {
            let Some(fields) = stored_under(*number) else { continue };
            let of_number = terms.iter().filter(|term| fields.contains(&term.field));
            let mut own: Vec<Term> = of_number.take(*count).cloned().collect();
            while let (true, Some(field)) = (own.len() < *count, fields.first()) {
                own.push(Term { field: *field, text: format!("{study_instance_uid}/{}", own.len()) });
            }
            fitted.extend(own);
        }
        fitted
    }
}

/// The fields of which a term is stored under a token of this number; `None` for numbers that nothing is stored under.
fn stored_under(number: u8) -> Option<&'static [Field]> {
    Some(match number {
        0 => &[Field::Identifier],
        1 => &[Field::Number],
        2 => &[Field::AccessionNumber],
        6 => &[Field::Code],
        7 => &[Field::Worklist],
        // Cells: a first word looks like any other.
        8 => &[Field::NameWord, Field::NameFirst],
        _ => return None,
    })
}

fn fit(mut json: Vec<u8>, total: u64) -> Vec<u8> {
    let wanted = usize::try_from(total.saturating_sub(padded::TRAILER_BYTES)).unwrap_or_default();
    if json.len() < wanted {
        json.resize(wanted, b' ');
    }
    json
}

impl Archive {
    /// The instances of some patient of a facility, in order of arrival; empty if nobody has such that can be likened. The
    /// number chooses whom.
    ///
    /// # Errors
    /// Damaged or Busy as the index.
    pub async fn likeness(&self, facility: &FacilityCode, chosen: u64) -> Result<Vec<Shape>> {
        let facility = facility.clone();
        let found = self
            .shared()
            .blocking(move |storage| storage.index().likeness(&facility, chosen, CANARY_OBJECTS_MAX))
            .await?;
        let shapes: Option<Vec<Shape>> = found.iter().map(Shape::of).collect();
        let Some(shapes) = shapes.filter(|shapes| shapes.len() < CANARY_OBJECTS_MAX) else { return Ok(Vec::new()) };
        let bytes = shapes.iter().map(|shape| shape.content_bytes).fold(0, u64::saturating_add);
        Ok(if bytes <= CANARY_BYTES_MAX { shapes } else { Vec::new() })
    }

    /// Whether a facility has an instance of a UID.
    ///
    /// # Errors
    /// Damaged or Busy as the index.
    pub async fn has_instance(&self, facility: &FacilityCode, sop_instance_uid: &str) -> Result<bool> {
        let (facility, uid) = (facility.clone(), sop_instance_uid.to_owned());
        let kept = self.shared().blocking(move |storage| storage.index().newest_instance(&facility, &uid)).await?;
        Ok(kept.is_some())
    }

    /// Takes a canary's instance in, in another's shape.
    ///
    /// # Errors
    /// As storing; Invalid if the instance was there already.
    pub async fn plant(&self, asker: &Asker, shape: Shape, bytes: &[u8]) -> Result<()> {
        let transfer_syntax = (shape.facts.dataset_offset == 0).then(|| shape.facts.transfer_syntax_uid.clone());
        let declared = Declared { transfer_syntax, ..Declared::default() };
        let mut receiver = InstanceReceiver::new(Arc::clone(self.shared()), asker.clone(), declared).shaped(shape);
        receiver.write(bytes).await?;
        let stored = receiver.finish().await?;
        if stored.outcome == StoreOutcome::New {
            return Ok(());
        }
        Err(Error::Invalid("a canary's instance was there already".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_made_as_long_as_another_and_still_is_json() {
        let fitted = fit(b"{\"a\":1}".to_vec(), 64);
        assert_eq!(fitted.len(), 56);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&fitted).unwrap()["a"], 1);
        assert_eq!(fitted.len() as u64 + padded::padding_for(56), 64);
        assert_eq!(fit(vec![b' '; 80], 64).len(), 80);
    }

    #[test]
    fn terms_are_as_many_of_each_field_as_the_others() {
        let shape = Shape {
            identifiers: 2,
            sender: String::new(),
            facts: crate::object::InstanceFacts::default(),
            arrived: 0,
            content_bytes: 0,
            summary_total: 0,
            metadata_total: 0,
            // 3 is a number that nothing is stored under any more.
            tokens: BTreeMap::from([(0, 2), (3, 4), (6, 5), (8, 2)]),
        };
        let term = |field, text: &str| Term { field, text: text.into() };
        let own = vec![
            term(Field::Identifier, "a"),
            term(Field::Number, "1"),
            term(Field::NameFirst, "x"),
            term(Field::NameWord, "y"),
            term(Field::NameWord, "z"),
        ];
        let fitted = shape.fit_terms(own.clone(), "1.2.3");
        assert_eq!(fitted, shape.fit_terms(own, "1.2.3"), "the instances of a study have the same");
        let count = |field| fitted.iter().filter(|term| term.field == field).count();
        let fields = [Field::Identifier, Field::Number, Field::Code, Field::NameFirst, Field::NameWord];
        assert_eq!(fields.map(count), [2, 0, 5, 1, 1]);
        assert_eq!(fitted.len(), 9);
        assert!(fitted.contains(&term(Field::Identifier, "a")));
    }
}
