//! Look-ups of resources by filter.

use super::question::Question;
use crate::error::Result;
use crate::index::read::{KEPT, collect, kept};
use crate::index::rows::{DateRange, Kept, ResourceFilter};
use record::{Field, Token};
use rusqlite::{Connection, params_from_iter};

pub(in crate::index) fn resources(db: &Connection, filter: &ResourceFilter) -> Result<Vec<Kept>> {
    let mut question = Question::default();
    let mut order = "r.date DESC, r.id DESC";
    let facility = question.facility(&filter.viewer)?;
    let mut viewer = true;
    let from = if !filter.ids.is_empty() || !filter.patients.is_empty() {
        "resources r".to_owned()
    } else if let Some(group) = narrowest(&filter.tokens, &filter.date) {
        let list = question.tokens(group)?;
        format!(
            "(SELECT DISTINCT resource FROM resource_tokens WHERE token IN ({list})) d CROSS JOIN resources r ON r.id = d.resource"
        )
    } else {
        viewer = false;
        if filter.resource_types.len() == 1 {
            order = "d.date DESC, d.resource DESC";
        }
        question.require(format!("d.facility = {facility}"));
        if !filter.resource_types.is_empty() {
            let list = question.texts(&filter.resource_types)?;
            question.require(format!("d.resource_type IN ({list})"));
        }
        question.dates("d.date", &filter.date)?;
        "resource_days d CROSS JOIN resources r ON r.id = d.resource".to_owned()
    };
    if filter.in_emergency && filter.patients.is_empty() {
        question.require("0");
    } else if viewer && !filter.in_emergency {
        question.require(format!(
            "EXISTS(SELECT 1 FROM treated t WHERE t.patient = r.patient AND t.facility = {facility})"
        ));
    }
    if !filter.ids.is_empty() {
        let list = question.texts(&filter.ids)?;
        question.require(format!("r.logical_id IN ({list})"));
    }
    if !filter.patients.is_empty() {
        let list = question.patients(&filter.patients)?;
        question.require(format!("r.patient IN ({list})"));
    }
    if !filter.resource_types.is_empty() {
        let list = question.texts(&filter.resource_types)?;
        question.require(format!("r.resource_type IN ({list})"));
    }
    for group in &filter.tokens {
        let list = question.tokens(group)?;
        question.require(format!(
            "EXISTS(SELECT 1 FROM resource_tokens x WHERE x.token IN ({list}) AND x.resource = r.id)"
        ));
    }
    question.dates("r.date", &filter.date)?;
    let page = question.page(filter.limit, filter.offset)?;
    let sql = format!(
        "SELECT {KEPT} FROM {from} CROSS JOIN versions v ON v.id = r.version WHERE {} ORDER BY {order} {page}",
        question.conditions()
    );
    collect(db, &sql, params_from_iter(question.values), |row| kept(row, 0))
}

/// The group of tokens to start from: the one with the fewest kept bits lost, that is the longest tokens. Codes share so
/// few buckets that days are narrower if the filter names any.
fn narrowest<'a>(groups: &'a [Vec<Token>], days: &DateRange) -> Option<&'a [Token]> {
    let group = groups.iter().filter(|g| !g.is_empty()).max_by_key(|g| g.iter().map(|t| t.0.len()).min())?;
    let bytes = group.iter().map(|t| t.0.len()).min()?;
    let bits = u32::try_from(bytes.saturating_sub(1)).unwrap_or(0).saturating_mul(8);
    (bits > Field::Code.token_bits() || days.is_open()).then_some(group.as_slice())
}
