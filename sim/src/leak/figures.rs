//! The figures of tracing, each measured over made-up leaks beside what it should reach.

use super::copies::{self, Copying, DAY};
use super::rows::{Recipients, Result, Treatment};
use super::sent::{Kind, Sent};
use crate::random::Random;
use trace::extent::share;
use trace::rows::{Attack, accuse, ln_by_tags};
use trace::{dating, deliveries};

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// What it should reach.
    pub reach: String,
    /// What it came to.
    pub measured: String,
    /// Whether it did.
    pub is_met: bool,
}

/// The logarithm of the probability of naming any innocent that is accepted: one in a million.
pub const LN_FAMILY: f64 = -13.815_510_557_964_274;
/// Recipients of the same rows.
const RECIPIENTS: usize = 1000;

/// One of 1,000 recipients named by one bit a row, for colluders, attacks and destruction as the table has them.
///
/// # Errors
/// If the cipher fails.
pub fn named_by_bits(trials: u64, seed: u64) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (copies, rows) in [(1, 250), (3, 1600), (5, 4000), (10, 13_000)] {
        for destroyed_per_mille in [0, 200] {
            // Alone there is nothing to choose from.
            let attacks = if copies == 1 { vec![Attack::Interleaving] } else { Attack::ALL.to_vec() };
            for attack in attacks {
                let how = Treatment { attack, destroyed_per_mille };
                figures.push(of_bits(copies, rows, how, trials, seed)?);
            }
        }
    }
    Ok(figures)
}

fn of_bits(copies: usize, rows: u32, how: Treatment, trials: u64, seed: u64) -> Result<Figure> {
    let (mut missed, mut named, mut innocent) = (0, 0, 0);
    for trial in 0..trials {
        let mut chance = Random::new(seed.wrapping_add(trial << 20).wrapping_add(u64::from(rows)));
        let recipients = Recipients::new(RECIPIENTS, &mut chance)?;
        let leak = recipients.leak_of_bits(copies, rows, how, &mut chance)?;
        let verdict = accuse(&leak, &recipients.suspects, LN_FAMILY)?;
        missed += u64::from(verdict.named.is_empty());
        for found in &verdict.named {
            named += u64::from(found.suspect < copies);
            innocent += u64::from(found.suspect >= copies);
        }
    }
    let part = trace::tail::amount(named) / trace::tail::amount(trials.max(1));
    let interval = share(missed, trials, 0.95);
    Ok(Figure {
        what: format!(
            "{rows} rows, 1 bit each, {copies} together, {:?}, {} % destroyed",
            how.attack,
            how.destroyed_per_mille / 10
        ),
        reach: "none named in <= 1 % of leaks; no innocent".to_owned(),
        measured: format!(
            "none named in {missed} of {trials} (95 %: to {:.1} %); {part:.1} of {copies} named; {innocent} innocent",
            100.0 * interval.high
        ),
        is_met: missed * 100 <= trials && innocent == 0,
    })
}

/// One of three colluders named by microsecond tags of which nine in ten are destroyed.
///
/// # Errors
/// If the cipher fails.
pub fn named_by_tags(trials: u64, seed: u64) -> Result<Figure> {
    const ROWS: u32 = 300;
    let tried = trace::tail::amount(1000).ln();
    let (mut missed, mut innocent) = (0, 0);
    for trial in 0..trials {
        let mut chance = Random::new(seed.wrapping_add(trial << 20));
        let recipients = Recipients::new(RECIPIENTS, &mut chance)?;
        let leak = recipients.leak_of_tags(3, ROWS, 900, &mut chance)?;
        let mut found = Vec::new();
        for (place, suspect) in recipients.suspects.iter().enumerate() {
            if ln_by_tags(&leak, &suspect.key)?.1 + tried <= LN_FAMILY {
                found.push(place);
            }
        }
        missed += u64::from(found.is_empty());
        innocent += found.iter().fold(0, |sum: u64, place| sum + u64::from(*place >= 3));
    }
    Ok(Figure {
        what: format!("{ROWS} rows, microsecond tags, 3 together, 90 % destroyed"),
        reach: "none named in <= 1 % of leaks; no innocent".to_owned(),
        measured: format!("none named in {missed} of {trials}; {innocent} innocent"),
        is_met: missed * 100 <= trials && innocent == 0,
    })
}

/// In how many leaks an innocent recipient is accused, where one in a hundred is allowed.
///
/// # Errors
/// If the cipher fails.
pub fn innocents(scores: u64, seed: u64) -> Result<Figure> {
    let nominal = 0.01_f64;
    let leaks = scores / 1000;
    let (mut accused, mut looked_at) = (0, 0);
    for trial in 0..leaks {
        let mut chance = Random::new(seed.wrapping_add(trial << 20));
        let copies = 1 + chance.index(10);
        let attack = Attack::ALL.get(chance.index(6)).copied().unwrap_or(Attack::Majority);
        let rows = 100 + u32::try_from(chance.below(2000)).unwrap_or_default();
        let mut recipients = Recipients::new(1000 + copies, &mut chance)?;
        let how = Treatment { attack, destroyed_per_mille: chance.below(500) };
        let leak = recipients.leak_of_bits(copies, rows, how, &mut chance)?;
        recipients.suspects.drain(..copies);
        let verdict = accuse(&leak, &recipients.suspects, nominal.ln())?;
        accused += verdict.named.iter().fold(0, |sum: u64, _| sum + 1).min(1);
        looked_at += 1;
    }
    let interval = share(accused, looked_at, 0.95);
    Ok(Figure {
        what: format!(
            "leaks in which an innocent is accused, of {looked_at} with 1,000 innocents each, at a nominal 1e-2"
        ),
        reach: "<= 1e-2".to_owned(),
        measured: format!("{accused} (95 %: {:.5} to {:.5})", interval.low, interval.high),
        is_met: accused * 100 <= looked_at,
    })
}

/// The window of copying of 1,000 rows, 5 % of them wrong, at a change a year.
#[must_use]
pub fn dated(trials: u64, seed: u64) -> Figure {
    let (mut missed, mut windows) = (0_u64, Vec::new());
    for trial in 0..trials {
        let mut chance = Random::new(seed.wrapping_add(trial << 20));
        let end = 5 * 365 * DAY;
        let at = 365 * DAY + i64::try_from(chance.below((4 * 365 * DAY).unsigned_abs())).unwrap_or_default();
        let how = Copying { changes_per_year: 1.0, wrong_per_mille: 50 };
        let rows = copies::copied(1000, at, end, how, &mut chance);
        match dating::date(&rows, 0, end) {
            Some(window) if window.from <= at && at < window.until => windows.push(window.until - window.from),
            _ => missed += 1,
        }
    }
    windows.sort_unstable();
    let nth = |per_mille: usize| windows.get(windows.len() * per_mille / 1000).copied().unwrap_or(i64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "days, for people")]
    let days = |window: i64| window as f64 / DAY as f64;
    Figure {
        what: "dating by 1,000 rows, 5 % wrong, a change a year".to_owned(),
        reach: "<= 4 days, right in >= 99 %".to_owned(),
        measured: format!(
            "{:.1} days (95 % of windows up to {:.1}); wrong in {missed} of {trials}",
            days(nth(500)),
            days(nth(950))
        ),
        is_met: nth(500) <= 4 * DAY && missed * 100 <= trials,
    }
}

/// The source by what was sent: ten records, a tenth from elsewhere; and somebody who has everything and offers one hospital's.
#[must_use]
pub fn sent(records: u32, each: u64, seed: u64) -> [Figure; 2] {
    let mut chance = Random::new(seed);
    let world = Sent::new(records, &mut chance);
    let all = u64::from(records);
    let (mut sure, mut tried) = (0_u64, 0_u64);
    for ((place, disclosure), kind) in world.disclosures.iter().enumerate().zip(&world.kinds) {
        for _ in 0..if *kind == Kind::Everything { 0 } else { each } {
            let sample = world.sample(disclosure, 10, 100, &mut chance);
            let ranks = deliveries::rank(&sample, &world.disclosures, &world.hospitals, all);
            sure += u64::from(ranks.first().is_some_and(|best| best.disclosure == place && best.posterior > 0.99));
            tried += 1;
        }
    }
    let (mut ambiguous, mut framed) = (0_u64, 0_u64);
    for hospital in &world.hospitals {
        let sample = world.sample(hospital, 20 + chance.below(280), 0, &mut chance);
        let ranks = deliveries::rank(&sample, &world.disclosures, &world.hospitals, all);
        ambiguous += u64::from(deliveries::only_one(&ranks).is_none());
        framed += 1;
    }
    [
        Figure {
            what: "source by what was sent, 10 records, 10 % foreign".to_owned(),
            reach: "posterior > 0.99 in >= 95 %".to_owned(),
            measured: format!("{sure} of {tried}"),
            is_met: sure * 100 >= tried * 95,
        },
        Figure {
            what: "everybody's rows cut down to one hospital's".to_owned(),
            reach: "ambiguous in 100 %".to_owned(),
            measured: format!("{ambiguous} of {framed}"),
            is_met: ambiguous == framed,
        },
    ]
}
