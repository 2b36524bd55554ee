//! Finding results and documents.

use crate::object::ResourceFacts;
use record::{FacilityCode, Micros, ObjectId, Pseudonym, Term, Version};
use serde_json::Value;
use std::sync::Arc;

/// Decides on an opened summary.
pub type Accept = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// A search over resources of one type.
#[derive(Clone, Default)]
pub struct ResourceQuery {
    /// FHIR resource type.
    pub resource_type: String,
    /// These logical ids only; empty for any.
    pub ids: Vec<String>,
    /// Of this patient only.
    pub patient: Option<Pseudonym>,
    /// Every group must be met by at least one of its terms (`a,b` of one FHIR parameter is a group).
    pub terms: Vec<Vec<Term>>,
    /// First day, `YYYYMMDD`.
    pub from: Option<String>,
    /// Last day, `YYYYMMDD`.
    pub to: Option<String>,
    /// The exact test on the summary. Tokens of names and codes are buckets that many share, so a search by them needs it.
    pub accept: Option<Accept>,
    /// Rows to skip.
    pub offset: usize,
    /// Rows to answer, at most `limits::SEARCH_RESULTS_MAX`.
    pub limit: Option<usize>,
}

/// One resource found.
#[derive(Clone)]
pub struct ResourceRow {
    /// Type, id and date.
    pub facts: ResourceFacts,
    /// The newest version.
    pub version: Version,
    /// The object behind it.
    pub object: ObjectId,
    /// Whose.
    pub patient: Pseudonym,
    /// Who sent it.
    pub facility: FacilityCode,
    /// When that version arrived.
    pub arrived: Micros,
    /// Its summary, as the draft had it.
    pub summary: Value,
}

impl std::fmt::Debug for ResourceQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResourceQuery({}, #)", self.resource_type)
    }
}

impl std::fmt::Debug for ResourceRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ResourceRow({}/{}, #)", self.facts.resource_type, self.facts.id)
    }
}
