//! Which column holds what: by its content first, by what other columns say of it, and by its heading.

use super::date::Order;
use super::tally::Tally;
use super::value::{Sex, nik, sex};
use super::{Column, Meaning, date::parse, meaning_of_heading};

/// A column under judgement.
struct Candidate<'a> {
    tally: &'a Tally,
    hint: Option<Meaning>,
    /// The part of rows in which it says the same as the NIK beside it, where there is one.
    agrees: Option<f64>,
}

/// What a column must reach to be said to hold anything.
const LEAST: f64 = 0.4;

/// Meanings that one column of a table has, in the order of how sure their signs are. A later one takes none that is taken.
const SINGLE: [Meaning; 10] = [
    Meaning::Nik,
    Meaning::JknCard,
    Meaning::Phone,
    Meaning::BirthDate,
    Meaning::VisitTime,
    Meaning::Sex,
    Meaning::Hospital,
    Meaning::Name,
    Meaning::Accession,
    Meaning::RecordNumber,
];

/// Judges the columns of a table by rows of it.
pub(super) fn judge(headings: &[String], rows: &[Vec<String>]) -> Vec<Column> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(headings.len());
    let cells = |column: usize| rows.iter().map(move |row| row.get(column).map_or("", String::as_str));
    let tallies: Vec<Tally> = (0..width).map(|column| Tally::of(cells(column))).collect();
    let hint = |column: usize| headings.get(column).and_then(|heading| meaning_of_heading(heading));
    let mut candidates: Vec<Candidate<'_>> = tallies
        .iter()
        .enumerate()
        .map(|(column, tally)| Candidate { tally, hint: hint(column), agrees: None })
        .collect();
    let mut columns: Vec<Column> = tallies.iter().map(column_of).collect();
    for meaning in SINGLE {
        if meaning == Meaning::BirthDate {
            compare(&mut candidates, &columns, rows);
        }
        let scores: Vec<f64> = candidates.iter().map(|candidate| score(candidate, meaning)).collect();
        for (column, score) in columns.iter_mut().zip(&scores) {
            column.scores.push((meaning, *score));
        }
        // Of equals the first: people write the number of a thing before what follows from it.
        let free = scores.iter().enumerate().filter(|(at, score)| {
            **score >= LEAST && columns.get(*at).is_some_and(|column| column.meaning == Meaning::Other)
        });
        let best = free.fold(None, |best: Option<(usize, f64)>, (at, score)| match best {
            Some((_, other)) if other >= *score - 0.02 => best,
            _ => Some((at, *score)),
        });
        if let Some(column) = best.and_then(|(at, _)| columns.get_mut(at)) {
            column.meaning = meaning;
            column.confidence = best.map_or(0.0, |(_, score)| score);
        }
    }
    for (column, candidate) in columns.iter_mut().zip(&candidates) {
        for meaning in [Meaning::Uid, Meaning::Result, Meaning::Address] {
            let score = score(candidate, meaning);
            column.scores.push((meaning, score));
            if column.meaning == Meaning::Other && score >= LEAST {
                (column.meaning, column.confidence) = (meaning, score);
            }
        }
    }
    columns
}

fn column_of(tally: &Tally) -> Column {
    Column {
        meaning: Meaning::Other,
        confidence: 0.0,
        scores: Vec::new(),
        order: if tally.month_first > tally.day_first { Order::MonthFirst } else { Order::DayFirst },
        is_serial: tally.serial > tally.date,
    }
}

/// Lets the NIK of each row say whether a date is the birth's, and a letter the sex.
fn compare(candidates: &mut [Candidate<'_>], columns: &[Column], rows: &[Vec<String>]) {
    let Some(holder) = columns.iter().position(|column| column.meaning == Meaning::Nik) else { return };
    for (at, candidate) in candidates.iter_mut().enumerate() {
        let order = columns.get(at).map_or(Order::DayFirst, |column| column.order);
        let is_serial = columns.get(at).is_some_and(|column| column.is_serial);
        let (mut same, mut all) = (0.0, 0.0);
        for row in rows {
            let Some(nik) = row.get(holder).and_then(|cell| nik(cell)) else { continue };
            let cell = row.get(at).map_or("", String::as_str);
            let date = if is_serial { super::date::parse_serial(cell) } else { parse(cell, order) };
            if let Some(when) = date {
                all += 1.0;
                let (year, month, day) = nik.birth;
                let born = |century: i32| {
                    i32::try_from(year).ok().and_then(|year| super::date::days_of(century + year, month, day))
                };
                let is_same = [born(1900), born(2000)].contains(&Some(when.days));
                same += if is_same { 1.0 } else { 0.0 };
            } else if let Some(sex) = sex(cell) {
                all += 1.0;
                same += if (sex == Sex::Woman) == nik.is_woman { 1.0 } else { 0.0 };
            }
        }
        candidate.agrees = (all >= 5.0).then_some(same / f64::max(all, 1.0));
    }
}

/// How well a column holds a meaning, from 0 to 1.
fn score(candidate: &Candidate<'_>, meaning: Meaning) -> f64 {
    let Candidate { tally, hint, .. } = candidate;
    if tally.filled < 1.0 {
        return 0.0;
    }
    let is_named = *hint == Some(meaning);
    let content = content(candidate, meaning);
    // A heading of another meaning is a doubt; one of the same carries what the content only allows.
    let heading = match hint {
        Some(_) if is_named => 0.3,
        Some(Meaning::Other) => -0.5,
        Some(_) => -0.2,
        None => 0.0,
    };
    // Only a person is certain.
    if content < 0.15 { 0.0 } else { (content + heading).clamp(0.0, 0.99) }
}

/// What the content says.
fn content(candidate: &Candidate<'_>, meaning: Meaning) -> f64 {
    let Candidate { tally, hint, agrees } = candidate;
    let is_named = *hint == Some(meaning);
    let dates = tally.date + tally.serial;
    match meaning {
        // The number of a family's card has the form of a NIK, of men alone, and is shared.
        Meaning::Nik if tally.filled >= 20.0 && tally.women < 0.02 && !is_named => 0.3 * tally.nik,
        Meaning::Nik => tally.nik * 0.9 + 0.1 * tally.distinct * tally.nik,
        Meaning::JknCard => tally.jkn_issued.max(if is_named { tally.jkn } else { 0.0 }),
        Meaning::Phone if tally.jkn_issued > 0.5 => 0.0,
        Meaning::Phone => {
            let bare = if is_named || tally.distinct > 0.5 { 0.6 } else { 0.2 };
            tally.mobile + bare * (tally.phone - tally.mobile).max(0.0)
        }
        Meaning::BirthDate => birth(tally, dates, *agrees, is_named),
        Meaning::VisitTime => visit(tally, dates, is_named),
        Meaning::Sex if tally.values > 8.0 => 0.0,
        Meaning::Sex => tally.sex * agrees.map_or(0.9, |agrees| if !(0.1..=0.9).contains(&agrees) { 1.0 } else { 0.5 }),
        Meaning::Hospital => {
            let repeats = tally.filled < 50.0 || tally.distinct < 0.5;
            let named = if is_named && tally.nik < 0.1 && dates < 0.5 { 0.4 } else { 0.0 };
            if repeats { tally.hospital.max(named) } else { 0.5 * tally.hospital }
        }
        Meaning::Name => name(tally, is_named),
        Meaning::Accession if tally.counted > 0.8 || dates > 0.5 || tally.phone > 0.5 || tally.nik > 0.5 => 0.0,
        Meaning::Accession => {
            tally.accession * if is_named || tally.distinct > 0.6 { 0.7 } else { 0.3 }
                + if is_named { 0.3 * tally.code } else { 0.0 }
        }
        Meaning::RecordNumber if dates > 0.8 || tally.nik > 0.5 || tally.phone > 0.8 => 0.0,
        Meaning::RecordNumber if (tally.counted > 0.8 || tally.round > 0.5) && !is_named => 0.0,
        Meaning::RecordNumber => {
            let of_form = tally.record * if tally.distinct > 0.3 { 0.6 } else { 0.2 };
            of_form.max(if is_named { 0.5 * tally.code } else { 0.0 })
        }
        Meaning::Uid => tally.uid,
        Meaning::Result => {
            let text = tally.finding.max(tally.icd * if tally.values > 1.0 || is_named { 0.9 } else { 0.5 });
            if is_named && dates < 0.5 { text.max(0.3) } else { text }
        }
        Meaning::Address => tally.address.max(if is_named { 0.3 } else { 0.0 }),
        Meaning::Other => 0.0,
    }
}

/// Births are spread over a life; a NIK that says the same is a proof.
fn birth(tally: &Tally, dates: f64, agrees: Option<f64>, is_named: bool) -> f64 {
    if let Some(agrees) = agrees {
        if agrees > 0.5 {
            return dates;
        }
        if agrees < 0.1 && !is_named {
            return 0.0;
        }
    }
    let spread = if tally.filled < 5.0 { 0.5 } else { (tally.spread_days / 365.25 / 8.0).min(1.0) };
    // The first of January 2010, before which most people alive were born.
    let old = if tally.mean_days < 14_610.0 { 1.0 } else { 0.5 };
    let at_midnight = 1.0 - 0.8 * tally.timed * (1.0 - midnight(tally));
    let serial = if tally.serial > tally.date && !is_named { 0.85 } else { 1.0 };
    dates * (spread * old * at_midnight * serial).max(if is_named { 0.5 } else { 0.0 })
}

/// Visits are of a few years, and often have a time.
fn visit(tally: &Tally, dates: f64, is_named: bool) -> f64 {
    let years = tally.spread_days / 365.25;
    let near = if years < 6.0 { 1.0 } else { (6.0 / years).min(1.0) * 0.7 };
    let recent = if tally.mean_days > 12_000.0 { 1.0 } else { 0.6 };
    let timed = 0.7 + 0.2 * tally.timed + 0.1 * tally.fraction;
    let serial = if tally.serial > tally.date && tally.spread_days < 1.0 && !is_named { 0.3 } else { 1.0 };
    dates * (near * recent * timed * serial).max(if is_named { 0.5 } else { 0.0 })
}

/// Databases write a date as midnight.
fn midnight(tally: &Tally) -> f64 {
    if tally.fraction > 0.0 { 0.0 } else { 0.5 }
}

fn name(tally: &Tally, is_named: bool) -> f64 {
    if tally.doctor > 0.4 || tally.sex > 0.5 {
        return 0.0;
    }
    let frequent = (tally.name * 1.5).min(1.0);
    let repeated = tally.filled >= 40.0 && tally.distinct < 0.15;
    let likely = tally.name_form * (0.25 + 0.75 * frequent) * if repeated { 0.4 } else { 1.0 };
    if is_named { likely.max(0.5 * tally.name_form).max(0.2) } else { likely }
}
