//! Days and minutes of a question to the old PACS, and how a question that may have been cut is divided.

use super::listing::Study;
use jiff::civil::Date;
use std::fmt;

/// The days that a PACS may name.
const FIRST: (i16, i8, i8) = (1900, 1, 1);
const LAST: (i16, i8, i8) = (2099, 12, 31);
const LAST_MINUTE: u16 = 24 * 60 - 1;

/// Which studies are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of them, those without a date included.
    All,
    /// From one day to another.
    Days(Date, Date),
    /// From one minute of a day to another.
    Minutes(Date, u16, u16),
}

impl Range {
    /// `YYYYMMDD-YYYYMMDD`, `YYYYMMDD` or `all`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let day = |text: &str, open: (i16, i8, i8)| match text {
            "" => civil(open),
            text => date(text).ok_or_else(|| format!("{text} is not a date as YYYYMMDD")),
        };
        let (from, to) = (day(from, FIRST)?, day(to, LAST)?);
        if from > to { Err("the range ends before it begins".into()) } else { Ok(Self::Days(from, to)) }
    }

    /// StudyDate and StudyTime as keys (PS3.4 C.2.2.2.5); empty is universal.
    pub fn keys(self) -> (String, String) {
        match self {
            Self::All => (String::new(), String::new()),
            Self::Days(from, to) if from == to => (text(from), String::new()),
            Self::Days(from, to) => (format!("{}-{}", text(from), text(to)), String::new()),
            Self::Minutes(day, from, to) => {
                let clock = |minute: u16, second| format!("{:02}{:02}{second:02}", minute / 60, minute % 60);
                (text(day), format!("{}-{}", clock(from, 0), clock(to, 59)))
            }
        }
    }

    /// Smaller ranges that cover this one, divided where the middle one of the answers lies, so that each holds fewer of
    /// them; `None` if it cannot be divided.
    pub fn divided(self, answers: &[Study]) -> Option<Vec<Self>> {
        match self {
            Self::All => Some(vec![Self::Days(civil(FIRST).ok()?, civil(LAST).ok()?)]),
            Self::Days(from, to) if from < to => {
                let mut days: Vec<Date> = answers.iter().filter_map(|study| date(&study.date)).collect();
                days.sort_unstable();
                let middle = (*days.get(days.len() / 2)?).clamp(from, to);
                let mut parts = vec![Self::Days(middle, middle)];
                if from < middle {
                    parts.push(Self::Days(from, middle.yesterday().ok()?));
                }
                if middle < to {
                    parts.push(Self::Days(middle.tomorrow().ok()?, to));
                }
                Some(parts)
            }
            Self::Days(day, _) => Self::Minutes(day, 0, LAST_MINUTE).divided(answers),
            Self::Minutes(day, from, to) if from < to => {
                let mut minutes: Vec<u16> = answers.iter().filter_map(|study| minute(&study.time)).collect();
                minutes.sort_unstable();
                let middle = (*minutes.get(minutes.len() / 2)?).clamp(from, to);
                let mut parts = vec![Self::Minutes(day, middle, middle)];
                if from < middle {
                    parts.push(Self::Minutes(day, from, middle - 1));
                }
                if middle < to {
                    parts.push(Self::Minutes(day, middle + 1, to));
                }
                Some(parts)
            }
            Self::Minutes(..) => None,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.keys()) {
            (Self::All, _) => f.write_str("all studies"),
            (Self::Days(..), (days, _)) => f.write_str(&days),
            (Self::Minutes(..), (day, minutes)) => write!(f, "{day} {minutes}"),
        }
    }
}

fn civil((year, month, day): (i16, i8, i8)) -> Result<Date, String> {
    Date::new(year, month, day).map_err(|error| error.to_string())
}

/// A DA value (PS3.5 6.2), the old form with dots included.
fn date(value: &str) -> Option<Date> {
    let digits: String = value.chars().filter(|c| *c != '.').collect();
    if digits.len() != 8 {
        return None;
    }
    Date::new(digits.get(..4)?.parse().ok()?, digits.get(4..6)?.parse().ok()?, digits.get(6..)?.parse().ok()?).ok()
}

fn text(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The minute of a TM value (PS3.5 6.2), the old form with colons included.
fn minute(value: &str) -> Option<u16> {
    let digits: String = value.chars().filter(|c| *c != ':').take(4).collect();
    let hours: u16 = digits.get(..2)?.parse().ok()?;
    let minutes: u16 = digits.get(2..4).map_or(Some(0), |text| text.parse().ok())?;
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_people_write_them() {
        for (text, keys) in [
            ("all", Some(("", ""))),
            ("20240101-20240131", Some(("20240101-20240131", ""))),
            ("20240229", Some(("20240229", ""))),
            ("-20240131", Some(("19000101-20240131", ""))),
            ("20240101-", Some(("20240101-20991231", ""))),
            ("20230229", None),
            ("20240131-20240101", None),
            ("yesterday", None),
        ] {
            let parsed = Range::parse(text).ok().map(Range::keys);
            assert_eq!(parsed, keys.map(|(days, minutes)| (days.to_owned(), minutes.to_owned())), "{text}");
        }
    }

    #[test]
    fn times_of_old_and_new_forms() {
        for (text, expected) in
            [("101500.25", Some(615)), ("10:15:00", Some(615)), ("10", Some(600)), ("", None), ("2460", None)]
        {
            assert_eq!(minute(text), expected, "{text}");
        }
    }
}
