//! Finding results and documents.

use super::images::token_groups;
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::{DateRange, Kept, ResourceFilter};
use crate::object::ResourceFacts;
use crate::retrieve::{self, Located};
use record::{FacilityCode, Micros, ObjectId, Pseudonym, Term, Version, limits};
use seal::message::{Asker, Part};
use serde_json::Value;
use std::sync::Arc;

/// Summaries that one call to the key service opens.
const BATCH: usize = 500;

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

pub(crate) async fn resources(archive: &Arc<Inner>, asker: &Asker, query: &ResourceQuery) -> Result<Vec<ResourceRow>> {
    let who = archive.keys.authenticate(asker).await?;
    let mut filter = ResourceFilter::new(who.facility, limits::SEARCH_OPENED_MAX + 1);
    filter.resource_types = vec![query.resource_type.clone()];
    filter.ids = query.ids.clone();
    filter.patients = query.patient.into_iter().collect();
    if let Some(patients) = archive.keys.in_emergency(asker).await? {
        filter.in_emergency = true;
        filter.patients = patients.into_iter().filter(|one| query.patient.is_none_or(|asked| asked == *one)).collect();
        if filter.patients.is_empty() {
            return Ok(Vec::new());
        }
    }
    filter.date = DateRange { from: query.from.clone(), to: query.to.clone() };
    filter.tokens = token_groups(archive, asker, &query.terms).await?;
    let limit = query.limit.unwrap_or(limits::SEARCH_RESULTS_MAX).min(limits::SEARCH_RESULTS_MAX);
    // Without an exact test nothing but the page itself is opened.
    let (skip, take) = if query.accept.is_none() {
        filter.limit = limit;
        filter.offset = query.offset;
        (0, limit)
    } else {
        (query.offset, limit)
    };
    let kept = archive.blocking(move |storage| storage.index().resources(&filter)).await?;
    if kept.len() > limits::SEARCH_OPENED_MAX {
        return Err(Error::Invalid(format!(
            "more than {} resources would have to be opened; narrow the search by patient, identifier, code or date",
            limits::SEARCH_OPENED_MAX
        )));
    }
    let mut found = Vec::new();
    for batch in kept.chunks(BATCH) {
        let located: Vec<_> = batch.iter().map(|kept| Located { kept: kept.clone() }).collect();
        let opened = retrieve::open(archive, asker, Part::Summary, &located).await?;
        let mut summaries = retrieve::summaries(archive, opened).await?;
        let rows = batch.iter().filter_map(|kept| row(kept, summaries.remove(&kept.record.object)?));
        found.extend(rows.filter(|row| query.accept.as_ref().is_none_or(|accept| accept(&row.summary))));
        if found.len() >= skip.saturating_add(take) {
            break;
        }
    }
    Ok(found.into_iter().skip(skip).take(take).collect())
}

fn row(kept: &Kept, summary: Value) -> Option<ResourceRow> {
    Some(ResourceRow {
        facts: kept.resource()?.clone(),
        version: kept.record.version,
        object: kept.record.object,
        patient: kept.record.patient,
        facility: kept.record.facility.clone(),
        arrived: kept.record.arrived,
        summary,
    })
}
