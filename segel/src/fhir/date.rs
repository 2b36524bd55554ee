//! FHIR dates, times and periods as days, and the prefixes of a search by date (FHIR R4 3.1.1.4.7).
//!
//! Days are those of the place where the text was written: a result of half past six in Makassar belongs to that day there,
//! whatever the day in Greenwich.

use serde_json::Value;

/// First and last day, `YYYYMMDD`; an open end of a period is as far as days go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days {
    /// First day.
    pub first: String,
    /// Last day.
    pub last: String,
}

impl Days {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or a time of a day.
    pub fn of_text(text: &str) -> Option<Self> {
        let day = text.split('T').next()?;
        let mut parts = day.split('-');
        let year = digits(parts.next()?, 4)?;
        let month = parts.next().map(|month| digits(month, 2));
        let date = parts.next().map(|date| digits(date, 2));
        if parts.next().is_some() || (day.len() < 10 && day.len() < text.len()) {
            return None;
        }
        let civil = |month: i16, date: i16| {
            jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(date).ok()?).ok()
        };
        let (first, last) = match (month, date) {
            (None, _) => (civil(1, 1)?, civil(12, 31)?),
            (Some(month), None) => (civil(month?, 1)?, civil(month?, 1)?.last_of_month()),
            (Some(month), Some(date)) => (civil(month?, date?)?, civil(month?, date?)?),
        };
        Some(Self { first: first.strftime("%Y%m%d").to_string(), last: last.strftime("%Y%m%d").to_string() })
    }

    /// Reads a date, dateTime, instant or Period element.
    pub fn of(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Self::of_text(text);
        }
        let end = |name: &str| value.get(name).and_then(Value::as_str).and_then(Self::of_text);
        let (start, end) = (end("start"), end("end"));
        if start.is_none() && end.is_none() {
            return None;
        }
        let first = start.map_or_else(|| "00000000".to_owned(), |start| start.first);
        let last = end.map_or_else(|| "99999999".to_owned(), |end| end.last);
        Some(Self { first, last })
    }
}

fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A date as a search asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    prefix: Prefix,
    days: Days,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
}

impl Asked {
    /// Reads `[prefix]date`.
    pub fn read(text: &str) -> Option<Self> {
        let prefixes = [
            ("eq", Prefix::Eq),
            ("ne", Prefix::Ne),
            ("gt", Prefix::Gt),
            ("lt", Prefix::Lt),
            ("ge", Prefix::Ge),
            ("le", Prefix::Le),
            ("sa", Prefix::Sa),
            ("eb", Prefix::Eb),
        ];
        let found = prefixes.iter().find_map(|(name, prefix)| Some((*prefix, text.strip_prefix(name)?)));
        let (prefix, text) = found.unwrap_or((Prefix::Eq, text));
        Some(Self { prefix, days: Days::of_text(text)? })
    }

    /// Whether days match.
    pub fn matches(&self, target: &Days) -> bool {
        let asked = &self.days;
        let equal = asked.first <= target.first && target.last <= asked.last;
        match self.prefix {
            Prefix::Eq => equal,
            Prefix::Ne => !equal,
            Prefix::Gt => target.last > asked.last,
            Prefix::Lt => target.first < asked.first,
            Prefix::Ge => target.last >= asked.first,
            Prefix::Le => target.first <= asked.last,
            Prefix::Sa => target.first > asked.last,
            Prefix::Eb => target.last < asked.first,
        }
    }

    /// The first and last day on which something that matches can begin.
    pub fn begins(&self) -> (Option<&str>, Option<&str>) {
        let (first, last) = (self.days.first.as_str(), self.days.last.as_str());
        match self.prefix {
            Prefix::Eq => (Some(first), Some(last)),
            Prefix::Sa => (Some(last), None),
            Prefix::Lt | Prefix::Le | Prefix::Eb => (None, Some(last)),
            // A period that began long before may still reach beyond the day.
            Prefix::Gt | Prefix::Ge | Prefix::Ne => (None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn days(first: &str, last: &str) -> Option<Days> {
        Some(Days { first: first.into(), last: last.into() })
    }

    #[test]
    fn dates_of_every_precision_become_days() {
        for (text, expected) in [
            ("2026", days("20260101", "20261231")),
            ("2024-02", days("20240201", "20240229")),
            ("2026-11-22", days("20261122", "20261122")),
            ("2026-11-22T06:30:00+08:00", days("20261122", "20261122")),
            ("2026-11-22T06:30:00.123Z", days("20261122", "20261122")),
            ("2026-13", None),
            ("2026-02-30", None),
            ("26", None),
            ("2026-1-1", None),
            ("2026-01-01-01", None),
            ("2026-01T10:00", None),
            ("", None),
        ] {
            assert_eq!(Days::of_text(text), expected, "{text}");
        }
        assert_eq!(Days::of(&json!({"start": "2026-01-01", "end": "2026-02"})), days("20260101", "20260228"));
        assert_eq!(Days::of(&json!({"end": "2026"})), days("00000000", "20261231"));
        assert_eq!(Days::of(&json!({})), None);
    }

    #[test]
    fn prefixes_compare_days() {
        let target = Days::of_text("2026-05-10").unwrap();
        let long = Days { first: "20260501".into(), last: "20260531".into() };
        for (asked, one, other) in [
            ("2026-05-10", true, false),
            ("eq2026-05", true, true),
            ("ne2026-05-10", false, true),
            ("gt2026-05-10", false, true),
            ("gt2026-05-09", true, true),
            ("lt2026-05-10", false, true),
            ("lt2026-06", true, true),
            ("ge2026-05-10", true, true),
            ("ge2026-06", false, false),
            ("le2026-05-10", true, true),
            ("le2026-04", false, false),
            ("sa2026-05-05", true, false),
            ("eb2026-05-15", true, false),
        ] {
            let read = Asked::read(asked).unwrap();
            assert_eq!((read.matches(&target), read.matches(&long)), (one, other), "{asked}");
        }
        for wrong in ["", "xx2026", "ge", "2026-05-10x"] {
            assert_eq!(Asked::read(wrong), None, "{wrong}");
        }
    }
}
