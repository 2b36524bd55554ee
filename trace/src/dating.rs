//! When the goods were copied: the one instant that the states of the shown records have in common.

use record::Micros;

/// A record's state as the sample shows it: it was the archive's state from one time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// When the state began.
    pub from: Micros,
    /// When another followed; `None` if it still stands.
    pub until: Option<Micros>,
}

/// When the copy was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dated {
    /// The window's beginning.
    pub from: Micros,
    /// Its end.
    pub until: Micros,
    /// The part of the rows that fit the best instant. Where it is well below one less the part of wrong rows, there was no one
    /// instant: the goods were gathered over a time, or from several copies.
    pub fitting: f64,
}

/// The probability that the window misses the instant, where the model holds.
const MISSED: f64 = 1e-4;

/// The window in which the instant of copying lies, within `begin` to `end`; `None` without rows or time.
///
/// Each row is right with a probability that is estimated from the sample, and then its state held at that instant; a wrong one is a state of any time. That
/// makes every instant between two changes as likely as any other there, and of these stretches the fewest are taken that leave one in ten thousand outside.
#[must_use]
pub fn date(rows: &[Shown], begin: Micros, end: Micros) -> Option<Dated> {
    if rows.is_empty() || end <= begin {
        return None;
    }
    let stretches = stretches(rows, begin, end);
    let mut wrong = 0.1;
    let mut weighed = weigh(&stretches, rows.len(), wrong);
    for _ in 0..20 {
        let right: f64 =
            stretches.iter().zip(&weighed).map(|(stretch, weight)| weight * f64::from(stretch.fitting)).sum();
        wrong = (1.0 - right / count(rows.len())).clamp(0.001, 0.9);
        weighed = weigh(&stretches, rows.len(), wrong);
    }
    let mut order: Vec<(&Stretch, f64)> = stretches.iter().zip(weighed).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let best = order.first()?.0.fitting;
    let (mut from, mut until, mut inside) = (end, begin, 0.0);
    for (stretch, weight) in order {
        (from, until) = (from.min(stretch.from), until.max(stretch.until));
        inside += weight;
        if inside >= 1.0 - MISSED {
            break;
        }
    }
    Some(Dated { from, until, fitting: f64::from(best) / count(rows.len()) })
}

/// Time between two changes of any row, and how many rows show what held then.
struct Stretch {
    from: Micros,
    until: Micros,
    fitting: u32,
    /// The logarithms of the parts of all time that the fitting rows' states lasted, summed: a short state says more.
    ln_lasting: f64,
}

fn stretches(rows: &[Shown], begin: Micros, end: Micros) -> Vec<Stretch> {
    let whole = span(begin, end);
    let mut changes: Vec<(Micros, i32, f64)> = Vec::with_capacity(2 * rows.len());
    for row in rows {
        let (from, until) = (row.from.max(begin), row.until.unwrap_or(end).min(end));
        if from < until {
            let ln_lasting = (span(from, until) / whole).ln();
            changes.extend([(from, 1, ln_lasting), (until, -1, -ln_lasting)]);
        }
    }
    changes.sort_by_key(|change| change.0);
    let (mut stretches, mut at, mut fitting, mut ln_lasting) = (Vec::new(), begin, 0_i32, 0.0);
    for (time, more, ln) in changes.into_iter().chain([(end, 0, 0.0)]) {
        if time > at {
            let fitting = u32::try_from(fitting).unwrap_or_default();
            stretches.push(Stretch { from: at, until: time, fitting, ln_lasting });
            at = time;
        }
        fitting += more;
        ln_lasting += ln;
    }
    stretches
}

/// The probability of each stretch. A row that fits it is 1 - wrong likely, and one that does not wrong * lasting, as wrong rows show the
/// longer states more often; what all stretches have in common cancels out.
fn weigh(stretches: &[Stretch], rows: usize, wrong: f64) -> Vec<f64> {
    let ln_weights: Vec<f64> = stretches
        .iter()
        .map(|stretch| {
            let fitting = f64::from(stretch.fitting);
            let length = span(stretch.from, stretch.until).ln();
            length + fitting * (1.0 - wrong).ln() - stretch.ln_lasting + (count(rows) - fitting) * wrong.ln()
        })
        .collect();
    let top = ln_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = ln_weights.iter().map(|weight| (weight - top).exp()).sum();
    ln_weights.into_iter().map(|weight| (weight - top).exp() / sum).collect()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of centuries, to a few parts in 10^16")]
fn span(from: Micros, until: Micros) -> f64 {
    until.saturating_sub(from) as f64
}

fn count(rows: usize) -> f64 {
    crate::tail::amount(u64::try_from(rows).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(from: Micros, until: impl Into<Option<Micros>>) -> Shown {
        Shown { from, until: until.into() }
    }

    #[test]
    fn the_window_is_what_all_rows_have_in_common() {
        let mut rows = vec![shown(0, 700), shown(500, None), shown(550, 900), shown(0, 600)];
        for _ in 0..20 {
            rows.push(shown(0, None));
        }
        let dated = date(&rows, 0, 1000).unwrap();
        assert_eq!(dated.fitting, 1.0);
        assert!(dated.from <= 550 && dated.until >= 600);
        // With many that agree, the few stretches around it are out.
        let many: Vec<Shown> = (0..50).flat_map(|n| [shown(550 - n, None), shown(0, 600 + n)]).collect();
        let dated = date(&many, 0, 1000).unwrap();
        assert!(dated.from >= 545 && dated.until <= 605, "{dated:?}");
    }

    #[test]
    fn goods_gathered_over_a_time_fit_no_instant() {
        let rows: Vec<Shown> = (0..100).map(|n| shown(n * 10, n * 10 + 10)).collect();
        assert!(date(&rows, 0, 1000).unwrap().fitting < 0.05);
    }

    #[test]
    fn without_rows_or_time_nothing_is_dated() {
        assert_eq!(date(&[], 0, 10), None);
        assert_eq!(date(&[shown(0, None)], 10, 10), None);
        let outside = date(&[shown(20, 30)], 0, 10).unwrap();
        assert_eq!((outside.from, outside.until, outside.fitting), (0, 10, 0.0));
    }
}
