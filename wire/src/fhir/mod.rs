//! FHIR resources as JSON (FHIR R4 2.6.2), kept byte for byte.
//!
//! A structural pass with a stack of its own goes over the bytes first ([`scan`]): size, depth and number of values are
//! bounded, keys may not repeat, text must be UTF-8 without lone surrogates. Only then does `serde_json` see them. The
//! pass also notes where things are, so that a resource can be taken out of a bundle as its own bytes, and given back
//! with an id and resolved references by splicing, without touching another byte.

mod scan;
mod splice;

pub use scan::TextSpan;
pub use splice::{Identity, Replacement, set_members, splice, with_identity};

use crate::Error;
use serde_json::Value;
use std::ops::Range;

/// A resource or bundle that passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    value: Value,
    spans: scan::Spans,
}

impl Document {
    /// Reads a resource: one JSON object.
    ///
    /// # Errors
    /// Not JSON, not an object, over a limit, a repeated key, bad UTF-8 or surrogates, a number that no `f64` holds.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let spans = scan::scan(bytes)?;
        // The message of serde_json may quote a value; the place is enough.
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            Error::invalid(format!("JSON error in line {} column {}", error.line(), error.column()))
        })?;
        if !value.is_object() {
            return Err(Error::invalid("a resource is a JSON object"));
        }
        Ok(Self { value, spans })
    }

    /// The parsed value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The parsed value, taken out.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// `resourceType`, if it is a string of letters.
    #[must_use]
    pub fn resource_type(&self) -> Option<&str> {
        let name = self.value.get("resourceType")?.as_str()?;
        ((1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphabetic())).then_some(name)
    }

    /// Where a top-level member's value stands.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<Range<usize>> {
        self.spans.members.iter().find(|m| m.key == key).map(|m| m.value.clone())
    }

    /// Where each element of the top-level array `entry` has its `resource`, in order; `None` for an entry without one.
    #[must_use]
    pub fn entry_resources(&self) -> &[Option<Range<usize>>] {
        &self.spans.entries
    }

    /// The strings that may refer to another resource: every value of a member `reference`, and every string that
    /// begins with `urn:` wherever it stands.
    #[must_use]
    pub fn references(&self) -> &[TextSpan] {
        &self.spans.references
    }
}
