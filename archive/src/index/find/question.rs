//! An SQL text that grows together with its parameters, so that neither can miss the other.

use crate::error::{Error, Result};
use crate::index::rows::{DateRange, Filter, Place, day_number};
use record::{FacilityCode, Pseudonym, Token, limits};
use rusqlite::types::Value;

#[derive(Default)]
pub(super) struct Question {
    conditions: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Question {
    pub(super) fn require(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// Placeholders for some values: `?,?,?`.
    fn list(&mut self, values: impl IntoIterator<Item = Value>) -> Result<String> {
        let before = self.values.len();
        self.values.extend(values);
        let count = self.values.len() - before;
        if count > limits::FILTER_VALUES_MAX {
            return Err(Error::Invalid(format!(
                "more than {} values of one kind; ask in parts",
                limits::FILTER_VALUES_MAX
            )));
        }
        // Numbered, because conditions are joined in another order than they are made.
        Ok((before + 1..=before + count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(","))
    }

    pub(super) fn number(&mut self, number: i64) -> Result<String> {
        self.list([Value::Integer(number)])
    }

    pub(super) fn text(&mut self, text: &str) -> Result<String> {
        self.list([Value::Text(text.to_owned())])
    }

    pub(super) fn texts(&mut self, values: &[String]) -> Result<String> {
        self.list(values.iter().map(|text| Value::Text(text.clone())))
    }

    /// Tokens as a list that `IN` takes. One is a value; many go as one value, so that the text of the question stays the same
    /// however many there are.
    pub(super) fn tokens(&mut self, values: &[Token]) -> Result<String> {
        if let [token] = values {
            return self.list([Value::Blob(token.0.clone())]);
        }
        let quoted: Vec<String> = values.iter().map(|token| format!("\"{}\"", hex::encode(&token.0))).collect();
        let list = self.text(&format!("[{}]", quoted.join(",")))?;
        Ok(format!("SELECT unhex(value) FROM json_each({list})"))
    }

    pub(super) fn patients(&mut self, values: &[Pseudonym]) -> Result<String> {
        let list = self.list(values.iter().map(|patient| Value::Blob(patient.0.to_vec())))?;
        Ok(format!("SELECT id FROM patients WHERE pseudonym IN ({list})"))
    }

    pub(super) fn facility(&mut self, code: &FacilityCode) -> Result<String> {
        let list = self.text(code.as_str())?;
        Ok(format!("(SELECT id FROM facilities WHERE code = {list})"))
    }

    /// Days as text, for resources.
    pub(super) fn dates(&mut self, column: &str, range: &DateRange) -> Result<()> {
        if let Some(from) = &range.from {
            let value = self.text(from)?;
            self.require(format!("{column} >= {value}"));
        }
        if let Some(to) = &range.to {
            let value = self.text(to)?;
            // What has no date is in no range.
            self.require(format!("{column} <= {value} AND {column} > ''"));
        }
        Ok(())
    }

    /// Days as numbers, for studies.
    pub(super) fn days(&mut self, column: &str, range: &DateRange) -> Result<()> {
        let number =
            |text: &String| day_number(text).ok_or_else(|| Error::Invalid("a day is written as YYYYMMDD".to_owned()));
        if let Some(from) = &range.from {
            let value = self.number(number(from)?)?;
            self.require(format!("{column} >= {value}"));
        }
        if let Some(to) = &range.to {
            let value = self.number(number(to)?)?;
            self.require(format!("{column} <= {value} AND {column} > 0"));
        }
        Ok(())
    }

    /// Only what stands behind a place. `day` and `study` are the columns of the tree that is walked, so that the walk
    /// begins there; series and instances of the place's own study may still follow.
    pub(super) fn behind(&mut self, day: &str, study: &str, place: Place) -> Result<()> {
        let Place { day: at_day, study: at_study, series, instance } = place;
        let (at_day, at_study) = (self.number(at_day)?, self.number(at_study)?);
        let before = format!("({day}, {study}) < ({at_day}, {at_study})");
        if series == 0 {
            self.require(before);
            return Ok(());
        }
        let series = self.number(series)?;
        let within = if instance == 0 {
            format!("se.id > {series}")
        } else {
            let instance = self.number(instance)?;
            format!("(se.id, i.id) > ({series}, {instance})")
        };
        self.require(format!("({day}, {study}) <= ({at_day}, {at_study})"));
        self.require(format!("({before} OR {within})"));
        Ok(())
    }

    pub(super) fn page(&mut self, limit: usize, offset: usize) -> Result<String> {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let limit = self.number(number(limit))?;
        let offset = self.number(number(offset))?;
        Ok(format!("LIMIT {limit} OFFSET {offset}"))
    }

    /// Only whom the viewer has treated.
    pub(super) fn treated(&mut self, filter: &Filter) -> Result<()> {
        if filter.in_emergency {
            // An empty list narrows nothing, and must not open everything.
            if filter.patients.is_empty() {
                self.require("0");
            }
            return Ok(());
        }
        let facility = self.facility(&filter.viewer)?;
        self.require(format!(
            "EXISTS(SELECT 1 FROM treated t WHERE t.patient = st.patient AND t.facility = {facility})"
        ));
        Ok(())
    }

    pub(super) fn conditions(&self) -> String {
        self.conditions.join(" AND ")
    }
}
