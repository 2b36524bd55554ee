//! Which tables to walk in which order. `CROSS JOIN` makes SQLite keep it.
//!
//! UIDs and patients name few rows, which are sorted afterwards. Everything else starts in a tree that is in the order of the
//! answer, so that a page ends when it is full, however much matches.

use super::Level;
use super::question::Question;
use crate::error::Result;
use crate::index::rows::Filter;
use record::{Field, Token};
use rusqlite::{Connection, params_from_iter};

/// Rows that are counted to choose between two trees. Beyond it both are long, and any order will fill a page soon.
const COUNTED_MAX: i64 = 4_096;

/// Where a walk begins.
#[derive(Clone, Copy)]
pub(super) enum Start<'f> {
    /// The instances that the filter names.
    Instance,
    /// The series that it names.
    Series,
    /// The studies or patients that it names.
    Study,
    /// The studies that hold the series or instances that it names.
    Holder,
    /// The studies of any of these tokens, in order.
    Tokens(&'f [Token]),
    /// The studies of a modality, in order; of all, for an empty one.
    Modality(&'f str),
}

impl Start<'_> {
    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::Tokens(_) | Self::Modality(_))
    }
}

/// The walks whose rows together are the answer: more than one where any of several tokens or modalities may match.
pub(super) fn starts<'f>(db: &Connection, filter: &'f Filter, level: Level) -> Result<Vec<Start<'f>>> {
    if level == Level::Instance && !filter.sop_instance_uids.is_empty() {
        return Ok(vec![Start::Instance]);
    }
    if level >= Level::Series && !filter.series_instance_uids.is_empty() {
        return Ok(vec![Start::Series]);
    }
    if !filter.study_instance_uids.is_empty() || !filter.patients.is_empty() {
        return Ok(vec![Start::Study]);
    }
    if !filter.series_instance_uids.is_empty() || !filter.sop_instance_uids.is_empty() {
        return Ok(vec![Start::Holder]);
    }
    let mut groups: Vec<&'f Vec<Token>> = filter.tokens.iter().collect();
    groups.sort_by_key(|group| !is_exact(group));
    if let Some(exact) = groups.first().filter(|group| is_exact(group)) {
        return Ok(vec![Start::Tokens(exact)]);
    }
    let mut choices: Vec<Vec<Start<'f>>> = groups.iter().map(|group| vec![Start::Tokens(group)]).collect();
    // Below the study, another facility's series may give the study its modality.
    let of_study = (level < Level::Series).then_some(&filter.study_modalities);
    let modalities =
        [Some(&filter.modalities), of_study].into_iter().flatten().find(|modalities| !modalities.is_empty());
    choices.push(match modalities {
        None => vec![Start::Modality("")],
        Some(modalities) => modalities.iter().map(|modality| Start::Modality(modality)).collect(),
    });
    narrowest(db, filter, choices)
}

/// Whether the tokens keep so many bits that each names one thing: nothing else is narrower.
fn is_exact(group: &[Token]) -> bool {
    let bits = |token: &Token| u32::try_from(token.0.len().saturating_sub(1)).unwrap_or(0).saturating_mul(8);
    group.iter().map(bits).min().is_none_or(|bits| bits >= Field::Number.token_bits())
}

/// The choice with the fewest rows, of those that come first where several are long.
fn narrowest<'f>(db: &Connection, filter: &'f Filter, mut choices: Vec<Vec<Start<'f>>>) -> Result<Vec<Start<'f>>> {
    if choices.len() == 1 {
        return Ok(choices.swap_remove(0));
    }
    let mut best: Option<(i64, Vec<Start<'f>>)> = None;
    for choice in choices {
        let mut rows = 0;
        for start in &choice {
            rows += count(db, filter, *start)?;
        }
        if best.as_ref().is_none_or(|(fewest, _)| rows.min(COUNTED_MAX) < *fewest) {
            best = Some((rows.min(COUNTED_MAX), choice));
        }
    }
    Ok(best.map(|(_, choice)| choice).unwrap_or_default())
}

fn count(db: &Connection, filter: &Filter, start: Start<'_>) -> Result<i64> {
    let mut question = Question::default();
    let from = tree(&mut question, filter, start)?;
    let most = question.number(COUNTED_MAX)?;
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {} LIMIT {most})", question.conditions());
    Ok(db.prepare_cached(&sql)?.query_row(params_from_iter(question.values), |row| row.get(0))?)
}

/// The tree of an ordered start, narrowed to one range of it. A study may hold several of the tokens and comes once.
fn tree(question: &mut Question, filter: &Filter, start: Start<'_>) -> Result<String> {
    let facility = question.facility(&filter.viewer)?;
    question.require(format!("d.facility = {facility}"));
    let table = match start {
        Start::Tokens([token]) => {
            let token = question.tokens(std::slice::from_ref(token))?;
            question.require(format!("d.token = {token}"));
            "study_tokens d".to_owned()
        }
        Start::Tokens(tokens) => {
            let list = question.tokens(tokens)?;
            format!(
                "(SELECT DISTINCT facility, day, study FROM study_tokens WHERE facility = {facility} AND token IN ({list})) d"
            )
        }
        Start::Modality(modality) => {
            let modality = question.text(modality)?;
            question.require(format!("d.modality = {modality}"));
            "study_days d".to_owned()
        }
        _ => "study_days d".to_owned(),
    };
    question.days("d.day", &filter.study_date)?;
    Ok(table)
}

const TO_SERIES: &str = " CROSS JOIN series se ON se.study = st.id";
const TO_INSTANCES: &str = " CROSS JOIN instances i ON i.series = se.id";

/// The tables of one walk, outward from its start. Conditions of the start itself go to the question.
pub(super) fn tables(question: &mut Question, filter: &Filter, level: Level, start: Start<'_>) -> Result<String> {
    let outward = match level {
        Level::Patient | Level::Study => String::new(),
        Level::Series => TO_SERIES.to_owned(),
        Level::Instance => format!("{TO_SERIES}{TO_INSTANCES}"),
    };
    if start.is_ordered() {
        let tree = tree(question, filter, start)?;
        if let Some(place) = filter.after {
            question.behind("d.day", "d.study", place)?;
        }
        return Ok(format!("{tree} CROSS JOIN studies st ON st.id = d.study{outward}"));
    }
    question.treated(filter)?;
    if let Some(place) = filter.after {
        question.behind("st.day", "st.id", place)?;
    }
    Ok(match start {
        Start::Instance => {
            "instances i CROSS JOIN series se ON se.id = i.series CROSS JOIN studies st ON st.id = se.study".to_owned()
        }
        Start::Series => {
            let rest = if level == Level::Instance { TO_INSTANCES } else { "" };
            format!("series se CROSS JOIN studies st ON st.id = se.study{rest}")
        }
        Start::Holder => {
            let held = holders(question, filter)?;
            format!("({held} GROUP BY 1) d CROSS JOIN studies st ON st.id = d.study{outward}")
        }
        _ => format!("studies st{outward}"),
    })
}

/// Which studies hold the series or instance.
fn holders(question: &mut Question, filter: &Filter) -> Result<String> {
    if filter.sop_instance_uids.is_empty() {
        let list = question.texts(&filter.series_instance_uids)?;
        return Ok(format!("SELECT study FROM series WHERE series_instance_uid IN ({list})"));
    }
    let list = question.texts(&filter.sop_instance_uids)?;
    Ok(format!(
        "SELECT s.study FROM instances n CROSS JOIN series s ON s.id = n.series WHERE n.sop_instance_uid IN ({list})"
    ))
}
