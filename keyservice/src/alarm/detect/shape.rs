//! The shape of a walk: patient after patient in one order, none looked at twice.

use super::Opened;
use super::thresholds::Thresholds;
use record::{Micros, Pseudonym};
use std::cmp::Ordering;

/// A day: whoever became known since then comes in the order of arrival, which is also the order of work.
const NEW_MICROS: Micros = 24 * super::HOUR_MICROS;

/// One patient of an hour's work, at its first opening.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub at: Micros,
    pub opened: Opened,
    /// The place at which a list last showed the patient.
    pub listed: Option<u64>,
    /// Looks at it after looking at another.
    pub returns: u32,
}

/// What a walk looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// In which order.
    pub order: &'static str,
    /// Patients.
    pub patients: u32,
}

/// The walk that the last steps are, if they are one.
pub fn walk(steps: &[Step], thresholds: &Thresholds) -> Option<Walk> {
    let enough = usize::try_from(thresholds.shape_patients).unwrap_or(usize::MAX).max(3);
    if steps.len() < enough {
        return None;
    }
    let returns = steps.iter().filter(|step| step.returns > 0).count();
    // Whoever reads comes back to one patient in five at least: for a comparison, a question, a correction.
    if returns * 10 > steps.len() {
        return None;
    }
    let old: Vec<&Step> = steps.iter().filter(|step| step.at.saturating_sub(step.opened.since) > NEW_MICROS).collect();
    let found = |order: &'static str, count: usize, is_one: bool| {
        is_one.then(|| Walk { order, patients: u32::try_from(count).unwrap_or(u32::MAX) })
    };
    let by_row = one_way(&old, enough, thresholds, |step| Some(step.opened.row));
    let by_pseudonym = one_way(&old, enough, thresholds, |step| Some(number(step.opened.patient)));
    let all: Vec<&Step> = steps.iter().collect();
    let by_list = is_fast(&all, thresholds) && one_way(&all, enough, thresholds, |step| step.listed);
    let one_each = steps.iter().filter(|step| step.opened.objects <= 1).count();
    let is_sampling = is_fast(&all, thresholds) && steps.len() >= 2 * enough && one_each * 10 >= steps.len() * 9;
    found("in the order of admission", old.len(), by_row)
        .or_else(|| found("in the order of the store", old.len(), by_pseudonym))
        .or_else(|| found("down a list at a program's pace", all.len(), by_list))
        .or_else(|| found("one object each at a program's pace", all.len(), is_sampling))
}

/// Whether the steps go one way, up or down. A patient of whom an order knows nothing is a step in neither.
fn one_way<K: Ord>(steps: &[&Step], enough: usize, thresholds: &Thresholds, key: impl Fn(&Step) -> Option<K>) -> bool {
    let keys: Vec<Option<K>> = steps.iter().map(|step| key(step)).collect();
    let (mut up, mut down, mut all) = (0, 0, 0);
    for (one, next) in keys.iter().zip(keys.iter().skip(1)) {
        all += 1;
        let (Some(one), Some(next)) = (one, next) else { continue };
        match one.cmp(next) {
            Ordering::Less => up += 1,
            Ordering::Greater => down += 1,
            Ordering::Equal => {}
        }
    }
    let percent = usize::try_from(thresholds.shape_percent).unwrap_or(100);
    all + 1 >= enough && up.max(down) * 100 >= all * percent
}

/// Whether most steps follow each other faster than anybody reads.
fn is_fast(steps: &[&Step], thresholds: &Thresholds) -> bool {
    let limit = Micros::from(thresholds.shape_seconds).saturating_mul(1_000_000);
    let mut gaps: Vec<Micros> =
        steps.iter().zip(steps.iter().skip(1)).map(|(one, next)| next.at.saturating_sub(one.at)).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).is_some_and(|median| *median < limit)
}

fn number(patient: Pseudonym) -> u128 {
    u128::from_be_bytes(patient.0)
}
