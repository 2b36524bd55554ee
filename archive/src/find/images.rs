//! A search over images: tokens and columns narrow, opened summaries decide.

use super::compare::matches;
use super::narrow::{self, Narrowed, OTHER_PATIENT_IDS};
use super::query::{Level, Matching, Query, Row, Tag};
use super::rows::{self, Candidate};
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::Filter;
use crate::retrieve::{self, Located};
use record::limits;
use seal::message::{Asker, Part};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Summaries that one call to the key service opens. A search that has enough rows stops after the batch it is in.
const BATCH: usize = 500;

pub(crate) async fn images(archive: &Arc<Inner>, asker: &Asker, query: &Query) -> Result<Vec<Row>> {
    let who = archive.keys.authenticate(asker).await?;
    let mut narrowed = narrow::narrow(query, Filter::new(who.facility, limits::SEARCH_OPENED_MAX + 1))?;
    if narrowed.is_empty {
        return Ok(Vec::new());
    }
    narrowed.filter.tokens = tokens(archive, asker, &narrowed).await?;
    let page = Page::new(query);
    // With nothing left to decide on the summaries, the index alone turns the pages.
    let pages_in_index = narrowed.sealed.is_empty() && page.limit < limits::SEARCH_OPENED_MAX;
    if pages_in_index {
        narrowed.filter.limit = page.limit;
        narrowed.filter.offset = page.offset;
    }
    let (level, filter) = (query.level, narrowed.filter.clone());
    let candidates = archive.blocking(move |storage| rows::candidates(storage.index(), level, &filter)).await?;
    if candidates.len() > limits::SEARCH_OPENED_MAX {
        return Err(too_broad(query));
    }
    let (skip, take) = if pages_in_index { (0, usize::MAX) } else { (page.offset, page.limit) };
    let mut found = Vec::new();
    for batch in candidates.chunks(BATCH) {
        found.extend(decide(archive, asker, query, &narrowed, batch).await?);
        if found.len() >= skip.saturating_add(take) {
            break;
        }
    }
    Ok(found.into_iter().skip(skip).take(take).collect())
}

/// Which rows are asked for.
struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    fn new(query: &Query) -> Self {
        Self { offset: query.offset, limit: query.limit.unwrap_or(usize::MAX) }
    }
}

async fn tokens(archive: &Inner, asker: &Asker, narrowed: &Narrowed) -> Result<Vec<Vec<record::Token>>> {
    token_groups(archive, asker, &narrowed.terms).await
}

/// Groups of terms to groups of tokens, in one call.
pub(super) async fn token_groups(
    archive: &Inner,
    asker: &Asker,
    groups: &[Vec<record::Term>],
) -> Result<Vec<Vec<record::Token>>> {
    let terms: Vec<_> = groups.concat();
    if terms.len() > limits::TERMS_MAX {
        return Err(Error::Invalid(format!("more than {} search terms", limits::TERMS_MAX)));
    }
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let mut tokens = archive.keys.tokens(asker, &terms).await?.into_iter();
    Ok(groups.iter().map(|group| tokens.by_ref().take(group.len()).collect()).collect())
}

/// Opens the summaries of some candidates and keeps the rows that match.
async fn decide(
    archive: &Arc<Inner>,
    asker: &Asker,
    query: &Query,
    narrowed: &Narrowed,
    batch: &[Candidate],
) -> Result<Vec<Row>> {
    let located: Vec<_> = batch.iter().map(|candidate| Located { kept: candidate.representative.clone() }).collect();
    let opened = retrieve::open(archive, asker, Part::Summary, &located).await?;
    let summaries = retrieve::summaries(archive, opened).await?;
    let rows = batch.iter().filter_map(|candidate| {
        // Refused ones are missing: they look as if they were not there.
        let summary = summaries.get(&candidate.representative.record.object)?.as_object()?;
        let fits = narrowed.sealed.iter().all(|(tag, matching)| decides(summary, *tag, matching, query.fuzzy));
        fits.then(|| rows::row(query.level, candidate, summary))
    });
    Ok(rows.collect())
}

fn decides(summary: &Map<String, Value>, tag: Tag, matching: &Matching, fuzzy: bool) -> bool {
    let element = |tag: Tag| summary.get(&crate::ingest::summary::key(tag));
    if tag != OTHER_PATIENT_IDS {
        return matches(element(tag), matching, fuzzy);
    }
    // Any number of the patient: PatientID, the retired list, or an item of the sequence.
    let items = element(0x0010_1002).and_then(|sequence| sequence.get("Value")).and_then(Value::as_array);
    let mut numbers = items.into_iter().flatten().map(|item| item.get("00100020"));
    matches(element(0x0010_0020), matching, false)
        || matches(element(tag), matching, false)
        || numbers.any(|number| matches(number, matching, false))
}

fn too_broad(query: &Query) -> Error {
    let level = match query.level {
        Level::Patient => "patients",
        Level::Study => "studies",
        Level::Series => "series",
        Level::Instance => "instances",
    };
    Error::Invalid(format!(
        "more than {} {level} would have to be opened; narrow the search by PatientID, AccessionNumber, StudyDate, modality, UIDs or the first \
         letters of a name",
        limits::SEARCH_OPENED_MAX
    ))
}
