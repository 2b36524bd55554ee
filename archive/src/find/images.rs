//! A search over images: tokens and columns narrow, opened summaries decide, and a page ends when it is full.

use super::candidates::{self, Batch, Candidate};
use super::decide::{decide, located};
use super::narrow::{self, Narrowed};
use super::query::{Level, Page, Position, Query, Row};
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::Filter;
use record::limits;
use seal::message::Asker;
use std::sync::Arc;

/// Summaries that one call to the key service opens.
const BATCH_MAX: usize = 500;
/// The first call where the summaries decide: more than is missing, as some will not match.
const BATCH_MIN: usize = 16;

/// A page of rows.
pub(crate) async fn page(archive: &Arc<Inner>, asker: &Asker, query: &Query) -> Result<Page> {
    let who = archive.keys.authenticate(asker).await?;
    let mut narrowed = narrow::narrow(query, Filter::new(who.facility, 0));
    if narrowed.is_empty {
        return Ok(Page { total: Some(0), ..Page::default() });
    }
    match archive.keys.in_emergency(asker).await? {
        Some(patients) if patients.is_empty() => return Ok(Page { total: Some(0), ..Page::default() }),
        // Whose records they are was said by a number when the emergency was declared; other hospitals have other numbers.
        Some(patients) => {
            narrowed.forget_numbers();
            narrowed.filter.declare(patients);
        }
        None => narrowed.filter.tokens = tokens(archive, asker, &narrowed).await?,
    }
    narrowed.filter.after = query.after.map(|position| position.place);
    let level = query.level;
    let until = match query.after {
        Some(position) => position.until,
        None => archive.blocking(move |storage| storage.index().newest_row(level)).await?,
    };
    narrowed.filter.until = Some(until);
    let search = Search { archive, asker, query, narrowed, until };
    match query.limit {
        Some(limit) => search.paged(limit).await,
        None => search.whole().await,
    }
}

async fn tokens(archive: &Inner, asker: &Asker, narrowed: &Narrowed) -> Result<Vec<Vec<record::Token>>> {
    token_groups(archive, asker, &narrowed.terms).await
}

/// Groups of terms to groups of tokens, in one call. A group with a term that too many tokens stand for narrows nothing and
/// is left out; an empty one is met by nobody.
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
    let of_group = |group: &Vec<record::Term>| -> Option<Vec<record::Token>> {
        let lists: Vec<_> = tokens.by_ref().take(group.len()).collect();
        Some(lists.into_iter().collect::<Option<Vec<_>>>()?.concat())
    };
    Ok(groups.iter().filter_map(of_group).collect())
}

struct Search<'s> {
    archive: &'s Arc<Inner>,
    asker: &'s Asker,
    query: &'s Query,
    narrowed: Narrowed,
    until: i64,
}

impl Search<'_> {
    /// Everything, or a refusal before anything is opened.
    async fn whole(self) -> Result<Page> {
        let batch = self.next(&self.narrowed.filter, 0, limits::SEARCH_OPENED_MAX).await?;
        if batch.has_more {
            return Err(too_broad(self.query));
        }
        let mut rows = Vec::new();
        for candidates in batch.candidates.chunks(BATCH_MAX) {
            rows.extend(self.decide(candidates).await?.into_iter().flatten());
        }
        let total = Some(rows.len());
        Ok(Page { rows: rows.into_iter().skip(self.query.offset).collect(), next: None, total })
    }

    /// A page: no more is opened than it takes to fill it, nor more than the limit in all. A page that ends there tells where
    /// to go on.
    async fn paged(mut self, limit: usize) -> Result<Page> {
        let is_decided = self.is_decided_by_index();
        // With nothing left to decide on the summaries, the index alone turns the pages.
        let (mut skip_index, mut skip) = if is_decided { (self.query.offset, 0) } else { (0, self.query.offset) };
        let (mut rows, mut opened, mut matched) = (Vec::new(), 0, 0);
        let mut at = self.query.after;
        while rows.len() < limit {
            let missing = limit - rows.len() + skip;
            let take = batch_size(is_decided, missing, opened, matched).min(limits::SEARCH_OPENED_MAX - opened);
            if take == 0 {
                if skip > 0 {
                    return Err(too_broad(self.query));
                }
                return Ok(Page { rows, next: at, total: None });
            }
            let batch = self.next(&self.narrowed.filter, skip_index, take).await?;
            skip_index = 0;
            opened += batch.candidates.len();
            let decided = self.decide(&batch.candidates).await?;
            let mut unread = batch.candidates.len();
            for (candidate, row) in batch.candidates.iter().zip(decided) {
                if rows.len() == limit {
                    break;
                }
                unread -= 1;
                at = Some(Position { place: candidate.place, until: self.until });
                let Some(row) = row else { continue };
                matched += 1;
                if skip > 0 {
                    skip -= 1;
                } else {
                    rows.push(row);
                }
            }
            if !batch.has_more && unread == 0 {
                return Ok(self.last(rows, is_decided));
            }
            self.narrowed.filter.after = at.map(|position| position.place);
        }
        Ok(Page { rows, next: at, total: None })
    }

    /// The page that ends the answer. How many rows there are is known if all of them were looked at.
    fn last(&self, rows: Vec<Row>, is_decided: bool) -> Page {
        let (after, offset) = (self.query.after, self.query.offset);
        let is_whole = after.is_none() && (offset == 0 || (!is_decided && !rows.is_empty()));
        let total = is_whole.then(|| rows.len().saturating_add(offset));
        Page { rows, next: None, total }
    }

    fn is_decided_by_index(&self) -> bool {
        self.narrowed.sealed.is_empty() && self.narrowed.combined.is_empty()
    }

    async fn next(&self, filter: &Filter, skip: usize, take: usize) -> Result<Batch> {
        let (query, filter) = (self.query.clone(), filter.clone());
        self.archive.blocking(move |storage| candidates::next(storage.index(), &query, &filter, skip, take)).await
    }

    /// The candidates' rows, in their places. Those whose own object does not match are tried by what else speaks for them;
    /// keys below the level are looked for there from the start, as all of them must be met by one object.
    async fn decide(&self, batch: &[Candidate]) -> Result<Vec<Option<Row>>> {
        if self.narrowed.depth > self.query.level {
            return self.decide_by_others(batch).await;
        }
        let first: Vec<_> = batch.iter().map(|candidate| vec![candidate.clone()]).collect();
        let mut rows = decide(self.archive, self.asker, self.query, &self.narrowed, batch, &first).await?;
        let is_tried = |row: &Option<Row>, candidate: &Candidate| row.is_none() && candidate.has_twins;
        let again: Vec<Candidate> =
            rows.iter().zip(batch).filter(|(row, one)| is_tried(row, one)).map(|(_, one)| one.clone()).collect();
        if again.is_empty() || self.is_decided_by_index() {
            return Ok(rows);
        }
        let mut found = self.decide_by_others(&again).await?.into_iter();
        for (row, candidate) in rows.iter_mut().zip(batch) {
            if is_tried(row, candidate) {
                *row = found.next().flatten();
            }
        }
        Ok(rows)
    }

    async fn decide_by_others(&self, batch: &[Candidate]) -> Result<Vec<Option<Row>>> {
        let others = located(self.archive, self.query, &self.narrowed, batch).await?;
        decide(self.archive, self.asker, self.query, &self.narrowed, batch, &others).await
    }
}

/// How many candidates to open next: what is missing if the index decides, else what is missing by the share that matched
/// so far.
fn batch_size(is_decided: bool, missing: usize, opened: usize, matched: usize) -> usize {
    if is_decided {
        return missing.min(BATCH_MAX);
    }
    let by_share = if opened == 0 { missing } else { missing.saturating_mul(opened) / matched.max(1) };
    by_share.clamp(BATCH_MIN.max(opened.min(missing)), BATCH_MAX)
}

fn too_broad(query: &Query) -> Error {
    let level = match query.level {
        Level::Patient => "patients",
        Level::Study => "studies",
        Level::Series => "series",
        Level::Instance => "instances",
    };
    Error::TooBroad(format!(
        "more than {} {level} would have to be opened; narrow the search by PatientID, AccessionNumber, StudyDate, modality, UIDs or the first \
         letters of a name, or ask page by page",
        limits::SEARCH_OPENED_MAX
    ))
}

#[cfg(test)]
mod tests {
    use super::batch_size;

    #[test]
    fn batches_follow_what_is_missing_and_what_matched() {
        for (is_decided, missing, opened, matched, expected) in [
            (true, 100, 0, 0, 100),
            (true, 1, 0, 0, 1),
            (true, 1_000, 0, 0, 500),
            (false, 100, 0, 0, 100),
            (false, 1, 0, 0, 16),
            (false, 50, 100, 50, 100),
            (false, 100, 100, 0, 500),
            (false, 1, 16, 0, 16),
        ] {
            assert_eq!(batch_size(is_decided, missing, opened, matched), expected, "{missing} {opened} {matched}");
        }
    }
}
