//! Moments: DT values with their offsets from UTC (PS3.5 6.2), and pairs of a date and a time that are compared as one
//! (PS3.4 C.2.2.2.5.4).

use super::query::{Matching, Query, Tag};
use serde_json::{Map, Value};

const SECOND_MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;

/// Dates and the times that belong to them.
const PAIRS: [(Tag, Tag); 7] = [
    (0x0008_0020, 0x0008_0030),
    (0x0008_0021, 0x0008_0031),
    (0x0008_0022, 0x0008_0032),
    (0x0008_0023, 0x0008_0033),
    (0x0008_0012, 0x0008_0013),
    (0x0010_0030, 0x0010_0032),
    (0x0040_0244, 0x0040_0245),
];

/// TimezoneOffsetFromUTC.
const TIMEZONE: Tag = 0x0008_0201;

/// The first and last microsecond of what a text names, in UTC: a day is all of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: i64,
    last: i64,
}

/// A key over a date and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Combined {
    pub(super) date: Tag,
    pub(super) time: Tag,
    from: Option<i64>,
    to: Option<i64>,
    has_timezone: bool,
}

/// The keys of a query that are one range of moments together.
pub(super) fn combined(query: &Query) -> Vec<Combined> {
    if !query.combined_date_time {
        return Vec::new();
    }
    let ends = |tag: Tag| {
        let (_, matching) = query.keys.iter().find(|(key, _)| *key == tag)?;
        match matching {
            Matching::Range { from, to } => Some((from.clone(), to.clone())),
            Matching::Single(text) => Some((Some(text.clone()), Some(text.clone()))),
            _ => None,
        }
    };
    let minutes = query.timezone_minutes.unwrap_or(0);
    let pair = |(date, time): &(Tag, Tag)| {
        let (first, last) = ends(*date)?;
        let (from_time, to_time) = ends(*time)?;
        let moment = |day: Option<String>, time: Option<String>| {
            span(&format!("{}{}", digits(&day?), digits(&time.unwrap_or_default())), minutes)
        };
        Some(Combined {
            date: *date,
            time: *time,
            from: moment(first, from_time).map(|span| span.first),
            to: moment(last, to_time).map(|span| span.last),
            has_timezone: query.timezone_minutes.is_some(),
        })
    };
    PAIRS.iter().filter_map(pair).collect()
}

impl Combined {
    /// Whether a summary's date and time lie within. A date without a time begins with its day.
    pub(super) fn matches(&self, summary: &Map<String, Value>) -> bool {
        let text = |tag: Tag| {
            let element = summary.get(&crate::ingest::summary::key(tag))?;
            Some(element.get("Value")?.get(0)?.as_str()?.to_owned())
        };
        let Some(date) = text(self.date) else { return false };
        let own = text(TIMEZONE).as_deref().and_then(offset_minutes);
        // Without the asker's timezone both are taken as they stand, as in one country.
        let minutes = if self.has_timezone { own.unwrap_or(0) } else { 0 };
        let both = format!("{}{}", digits(&date), digits(&text(self.time).unwrap_or_default()));
        let Some(span) = span(&both, minutes) else { return false };
        self.from.is_none_or(|from| from <= span.first) && self.to.is_none_or(|to| span.first <= to)
    }
}

/// Reads the key of a DT: a hyphen parts a range, unless it is the sign of an offset.
pub(super) fn range(text: &str) -> Matching {
    let is_offset = |at: usize| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let (sign, digits) = (rest.get(4..5), rest.get(..4).unwrap_or_default());
        digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) && matches!(sign, None | Some("-"))
            // A year alone looks like an offset; an offset stands behind a whole value, and the last hyphen is one
            // only if another parts the range or there is none.
            && at >= 4
            && digits <= "1400"
    };
    let hyphens = text.match_indices('-').map(|(at, _)| at);
    match hyphens.into_iter().find(|at| !is_offset(*at)) {
        None => Matching::Single(text.to_owned()),
        Some(at) => {
            let end = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
            Matching::Range { from: end(text.get(..at)), to: end(text.get(at + 1..)) }
        }
    }
}

/// Whether a DT matches.
pub(super) fn matches(value: &str, matching: &Matching) -> bool {
    let Some(value) = moment(value) else { return false };
    match matching {
        Matching::Universal => true,
        Matching::Single(asked) => {
            moment(asked).is_some_and(|asked| asked.first <= value.first && value.first <= asked.last)
        }
        Matching::Range { from, to } => {
            from.as_deref().and_then(moment).is_none_or(|from| from.first <= value.first)
                && to.as_deref().and_then(moment).is_none_or(|to| value.first <= to.last)
        }
        _ => false,
    }
}

fn moment(text: &str) -> Option<Span> {
    let text = text.trim();
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let minutes = text.get(at..).and_then(offset_minutes).unwrap_or(0);
    span(&digits(text.get(..at)?), minutes)
}

/// `&ZZXX` in minutes: -1200 to +1400.
pub(super) fn offset_minutes(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, rest) = text.split_at_checked(1)?;
    let number = |from: usize, to: usize| rest.get(from..to)?.parse::<i64>().ok();
    let minutes = number(0, 2)? * 60 + number(2, 4)?;
    let fits = rest.len() == 4 && minutes <= 14 * 60;
    match sign {
        "+" if fits => Some(minutes),
        "-" if fits => Some(-minutes),
        _ => None,
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `YYYY[MM[DD[HH[MM[SS[FFFFFF]]]]]]` in a timezone.
fn span(digits: &str, minutes: i64) -> Option<Span> {
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i64>().ok());
    let year = number(0, 4)?;
    let (month, day) = (number(4, 6), number(6, 8));
    let first_day = day_of(year, month.unwrap_or(1), day.unwrap_or(1));
    let next_day = match (month, day) {
        (None, _) => day_of(year + 1, 1, 1),
        (Some(12), None) => day_of(year + 1, 1, 1),
        (Some(month), None) => day_of(year, month + 1, 1),
        (Some(_), Some(_)) => first_day + 1,
    };
    let midnight = first_day * DAY_MICROS - minutes * 60 * SECOND_MICROS;
    let mut first = 0;
    let mut length = (next_day - first_day) * DAY_MICROS;
    for (from, unit) in [(8, 3_600 * SECOND_MICROS), (10, 60 * SECOND_MICROS), (12, SECOND_MICROS)] {
        let Some(count) = number(from, from + 2) else { break };
        first += count * unit;
        length = unit;
    }
    let mut unit = SECOND_MICROS;
    for digit in digits.chars().skip(14).take(6) {
        unit /= 10;
        first += i64::from(digit.to_digit(10)?) * unit;
        length = unit;
    }
    Some(Span { first: midnight + first, last: midnight + first + length - 1 })
}

/// Days since 1 March of the year 0 in the Gregorian calendar: the leap day ends the year then.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::Level;
    use serde_json::json;

    #[test]
    fn days_follow_each_other_through_leap_years() {
        for (one, next) in [
            ((2024, 2, 28), (2024, 2, 29)),
            ((2024, 2, 29), (2024, 3, 1)),
            ((2100, 2, 28), (2100, 3, 1)),
            ((2000, 2, 29), (2000, 3, 1)),
            ((2025, 12, 31), (2026, 1, 1)),
        ] {
            let day = |(year, month, day): (i64, i64, i64)| day_of(year, month, day);
            assert_eq!(day(one) + 1, day(next), "{one:?}");
        }
    }

    #[test]
    fn a_hyphen_parts_a_range_unless_it_is_a_sign() {
        let range_of = |from: &str, to: &str| {
            let end = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            Matching::Range { from: end(from), to: end(to) }
        };
        for (text, expected) in [
            ("20220105", Matching::Single("20220105".to_owned())),
            ("20220105101500-0500", Matching::Single("20220105101500-0500".to_owned())),
            ("2022-2023", range_of("2022", "2023")),
            ("20220105-", range_of("20220105", "")),
            ("-20220105", range_of("", "20220105")),
            ("20220105-20220106", range_of("20220105", "20220106")),
            ("2022010510-0500-2022010512-0500", range_of("2022010510-0500", "2022010512-0500")),
            ("2022010510-0500-", range_of("2022010510-0500", "")),
        ] {
            assert!(range(text) == expected, "{text}");
        }
    }

    #[test]
    fn moments_compare_in_utc() {
        for (value, asked, expected) in [
            ("20220105101500+0700", "20220105031500+0000", true),
            ("20220105101500+0700", "20220105101500+0800", false),
            ("20220105", "2022", true),
            ("20221231235959.999999", "2022", true),
            ("20230101", "2022", false),
            ("202202", "20220131-20220202", true),
            ("20220105101500.5", "20220105101500.4-20220105101500.6", true),
            ("", "2022", false),
        ] {
            assert_eq!(matches(value, &range(asked)), expected, "{value} {asked}");
        }
    }

    #[test]
    fn a_date_and_its_time_are_one_moment() {
        let query = |date: &str, time: &str, minutes: Option<i64>| {
            let mut query = Query::at(Level::Study)
                .with(0x0008_0020, Matching::parse("DA", date))
                .with(0x0008_0030, Matching::parse("TM", time));
            query.combined_date_time = true;
            query.timezone_minutes = minutes;
            combined(&query)
        };
        let summary = |date: &str, time: &str, zone: &str| {
            let value = json!({
                "00080020": {"vr": "DA", "Value": [date]}, "00080030": {"vr": "TM", "Value": [time]},
                "00080201": {"vr": "SH", "Value": [zone]},
            });
            value.as_object().unwrap().clone()
        };
        for (date, time, minutes, kept, expected) in [
            ("20220105-20220106", "2200-0600", None, ("20220105", "2300", ""), true),
            ("20220105-20220106", "2200-0600", None, ("20220106", "0559", ""), true),
            ("20220105-20220106", "2200-0600", None, ("20220105", "1200", ""), false),
            ("20220105-20220106", "2200-0600", None, ("20220106", "0601", ""), false),
            ("20220105-", "2200-", None, ("20220109", "0100", ""), true),
            ("-20220105", "-0600", None, ("20220105", "0700", ""), false),
            ("20220105", "1000-1100", Some(420), ("20220105", "0330", "+0000"), true),
            ("20220105", "1000-1100", Some(420), ("20220105", "1030", "+0000"), false),
        ] {
            let keys = query(date, time, minutes);
            assert_eq!(keys.len(), 1);
            let found = keys[0].matches(&summary(kept.0, kept.1, kept.2));
            assert_eq!(found, expected, "{date} {time} {kept:?}");
        }
        let mut plain = Query::at(Level::Study).with(0x0008_0020, Matching::parse("DA", "20220105"));
        plain.combined_date_time = true;
        assert_eq!(combined(&plain), []);
    }
}
