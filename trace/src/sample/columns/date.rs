//! Dates and times as they are written in Indonesia, by hand, by databases, by sheets and by DICOM.

use record::Micros;

/// Which number of 01/02/2022 is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// The first, as in Indonesia.
    #[default]
    DayFirst,
    /// The second, as in the United States.
    MonthFirst,
}

/// A date, and the time of day where one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Days since 1970-01-01.
    pub days: i32,
    /// The date with day and month exchanged, where the writing allows both and they differ.
    pub days_swapped: Option<i32>,
    /// Microseconds since midnight, exactly as written.
    pub time: Option<Micros>,
    /// How many digits of a second's fraction are written: a rounded time has fewer.
    pub fraction_digits: u8,
    /// Minutes east of UTC, where the writing says so.
    pub offset_minutes: Option<i32>,
}

/// Microseconds of a day.
const DAY_MICROS: Micros = 86_400_000_000;

impl When {
    /// The instant as its clock showed it: microseconds as if the clock were UTC.
    #[must_use]
    pub fn clock(&self) -> Micros {
        Micros::from(self.days) * DAY_MICROS + self.time.unwrap_or(0)
    }

    /// The instant in UTC; a writing that names no zone is taken to be `offset_minutes` east.
    #[must_use]
    pub fn micros(&self, offset_minutes: i32) -> Micros {
        self.clock() - Micros::from(self.offset_minutes.unwrap_or(offset_minutes)) * 60_000_000
    }
}

/// Names of months, Indonesian and English: the letters that each begins with, longest forms of both.
const MONTHS: [&[&str]; 12] = [
    &["januari", "january"],
    &["februari", "pebruari", "february"],
    &["maret", "march", "mrt"],
    &["april"],
    &["mei", "may"],
    &["juni", "june"],
    &["juli", "july"],
    &["agustus", "august", "agt", "ags"],
    &["september"],
    &["oktober", "october"],
    &["november", "nopember"],
    &["desember", "december"],
];

/// Days of the week, which a date may begin with.
const WEEKDAYS: [&str; 15] = [
    "senin",
    "selasa",
    "rabu",
    "kamis",
    "jumat",
    "jum",
    "sabtu",
    "minggu",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads a date with or without a time of day.
#[must_use]
pub fn parse(text: &str, order: Order) -> Option<When> {
    let text = text.trim();
    if text.len() < 6 || text.len() > 60 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut rest = Rest(text);
    if let Some(word) = rest.word() {
        if !WEEKDAYS.iter().any(|day| begins(day, word)) {
            rest = Rest(text);
        }
        rest.skip(" ,'");
    }
    let (days, days_swapped) = date(&mut rest, order)?;
    let mut when = When { days, days_swapped, time: None, fraction_digits: 0, offset_minutes: None };
    time(&mut rest, &mut when)?;
    rest.0.is_empty().then_some(when)
}

/// Reads the day count of a sheet: days since 1899-12-30, with the time of day as a fraction.
#[must_use]
pub fn parse_serial(text: &str) -> Option<When> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // From 1903 to 2119: what else would a number of five digits be?
    let serial: i32 = whole.parse().ok().filter(|serial| (1_200..80_000).contains(serial) && is_digits(whole))?;
    let days = serial - 25_569;
    if fraction.is_empty() {
        return Some(When { days, days_swapped: None, time: None, fraction_digits: 0, offset_minutes: None });
    }
    // Fifteen digits of a fraction are all that a sheet keeps.
    let digits = fraction.get(..fraction.len().min(15)).filter(|digits| is_digits(digits) && is_digits(fraction))?;
    let scale = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let micros = (digits.parse::<i128>().ok()? * i128::from(DAY_MICROS) + scale / 2) / scale;
    let time = Micros::try_from(micros).ok()?.min(DAY_MICROS - 1);
    Some(When { days, days_swapped: None, time: Some(time), fraction_digits: 6, offset_minutes: None })
}

/// The days since 1970-01-01 of a date of the Gregorian calendar, from 1850 to 2150.
#[must_use]
pub fn days_of(year: i32, month: u32, day: u32) -> Option<i32> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let long = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1850..=2150).contains(&year) || day == 0 || day > long {
        return None;
    }
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let of_year = i32::try_from((153 * month + 2) / 5 + day - 1).ok()?;
    Some(365 * year + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

/// What is left of a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn while_byte(&mut self, is: impl Fn(u8) -> bool) -> &'a str {
        let length = self.0.bytes().position(|byte| !is(byte)).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at_checked(length).unwrap_or((self.0, ""));
        self.0 = rest;
        part
    }

    fn digits(&mut self) -> Option<&'a str> {
        let digits = self.while_byte(|byte| byte.is_ascii_digit());
        (!digits.is_empty()).then_some(digits)
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = self.while_byte(|byte| byte.is_ascii_alphabetic());
        (!word.is_empty()).then_some(word)
    }

    fn skip(&mut self, any: &str) -> bool {
        !self.while_byte(|byte| any.as_bytes().contains(&byte)).is_empty()
    }
}

fn begins(name: &str, word: &str) -> bool {
    word.len() >= 3 && name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn month(word: &str) -> Option<u32> {
    let at = MONTHS.iter().position(|names| names.iter().any(|name| begins(name, word)))?;
    u32::try_from(at).ok().map(|at| at + 1)
}

fn number(digits: &str) -> Option<u32> {
    digits.parse().ok()
}

/// A year of two digits is of this century up to 29.
fn year(digits: &str) -> Option<i32> {
    let year: i32 = digits.parse().ok()?;
    match digits.len() {
        4 => Some(year),
        2 => Some(if year < 30 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

fn date(rest: &mut Rest<'_>, order: Order) -> Option<(i32, Option<i32>)> {
    if let Some(word) = rest.word() {
        // January 5, 2022
        let month = month(word)?;
        rest.skip(" .-/");
        let day = number(rest.digits()?)?;
        rest.skip(" ,-/");
        return Some((days_of(year(rest.digits()?)?, month, day)?, None));
    }
    let whole = rest.0;
    let first = rest.digits()?;
    if first.len() >= 8 {
        let part = |from: usize, to: usize| first.get(from..to).and_then(number);
        let days = days_of(i32::try_from(part(0, 4)?).ok()?, part(4, 6)?, part(6, 8)?)?;
        // The time of day follows without a sign.
        rest.0 = whole.get(8..)?;
        return Some((days, None));
    }
    if !rest.skip("-/. ") {
        // 05Jan2022
        let month = month(rest.word()?)?;
        return Some((days_of(year(rest.digits()?)?, month, number(first)?)?, None));
    }
    if let Some(word) = rest.word() {
        let month = month(word)?;
        rest.skip("-/. ,");
        let last = rest.digits()?;
        return if first.len() == 4 {
            Some((days_of(year(first)?, month, number(last)?)?, None))
        } else {
            Some((days_of(year(last)?, month, number(first)?)?, None))
        };
    }
    let second = rest.digits()?;
    if !rest.skip("-/. ") {
        return None;
    }
    let third = rest.digits()?;
    if first.len() == 4 {
        return Some((days_of(year(first)?, number(second)?, number(third)?)?, None));
    }
    if first.len() > 2 || second.len() > 2 {
        return None;
    }
    let (year, one, two) = (year(third)?, number(first)?, number(second)?);
    let (day_first, month_first) = (days_of(year, two, one), days_of(year, one, two));
    let (named, swapped) = match order {
        Order::DayFirst => (day_first, month_first),
        Order::MonthFirst => (month_first, day_first),
    };
    match (named, swapped) {
        (Some(named), swapped) => Some((named, swapped.filter(|other| *other != named))),
        (None, Some(only)) => Some((only, None)),
        (None, None) => None,
    }
}

/// A time of day and a zone, if they are there. `None` if what is there is neither.
fn time(rest: &mut Rest<'_>, when: &mut When) -> Option<()> {
    rest.skip(" T,t");
    rest.skip("pukul");
    rest.skip(" ");
    let Some(hours) = rest.digits() else { return rest.0.is_empty().then_some(()) };
    let (mut hour, minute, second) = if matches!(hours.len(), 4 | 6) {
        let part = |from: usize| hours.get(from..from + 2).and_then(number);
        (part(0)?, part(2)?, if hours.len() == 6 { part(4)? } else { 0 })
    } else {
        if !rest.skip(":.") {
            return None;
        }
        let minute = number(rest.digits()?)?;
        let second = if rest.0.starts_with([':', '.']) {
            rest.skip(":.");
            number(rest.digits()?)?
        } else {
            0
        };
        (number(hours)?, minute, second)
    };
    let mut micros = 0;
    if rest.0.starts_with(['.', ',', ':']) {
        rest.skip(".,:");
        let digits = rest.digits()?;
        when.fraction_digits = u8::try_from(digits.len()).ok()?;
        let six: String = digits.chars().chain("000000".chars()).take(6).collect();
        micros = six.parse().ok()?;
    }
    rest.skip(" ");
    let half = rest.0.get(..2).map(str::to_ascii_uppercase);
    if let Some("AM" | "PM") = half.as_deref() {
        hour = hour % 12 + if half.as_deref() == Some("PM") { 12 } else { 0 };
        rest.0 = rest.0.get(2..)?;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = Micros::from(hour) * 3600 + Micros::from(minute) * 60 + Micros::from(second);
    when.time = Some(seconds * 1_000_000 + micros);
    rest.skip(" ");
    zone(rest, when)
}

fn zone(rest: &mut Rest<'_>, when: &mut When) -> Option<()> {
    if rest.0.is_empty() {
        return Some(());
    }
    let sign = if rest.0.starts_with('-') { -1 } else { 1 };
    if rest.skip("+-") {
        let digits: String = rest.0.chars().filter(char::is_ascii_digit).collect();
        rest.while_byte(|byte| byte.is_ascii_digit() || byte == b':');
        let hours: i32 = digits.get(..2).or(digits.get(..1))?.parse().ok()?;
        let minutes: i32 = digits.get(2..4).map_or(Ok(0), str::parse).ok()?;
        when.offset_minutes = Some(sign * (hours * 60 + minutes));
        return rest.0.is_empty().then_some(());
    }
    when.offset_minutes = Some(match rest.word()?.to_ascii_uppercase().as_str() {
        "Z" | "UTC" | "GMT" => 0,
        "WIB" => 420,
        "WITA" => 480,
        "WIT" => 540,
        _ => return None,
    });
    rest.0.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(text: &str) -> Option<(i32, Option<Micros>, u8, Option<i32>)> {
        parse(text, Order::DayFirst).map(|when| (when.days, when.time, when.fraction_digits, when.offset_minutes))
    }

    #[test]
    fn dates_are_read_in_every_writing() {
        let day = days_of(2022, 2, 1);
        for text in [
            "01/02/2022",
            "1-2-2022",
            "1.2.22",
            "2022-02-01",
            "2022/02/01",
            "20220201",
            "01-Feb-2022",
            "01-FEB-22",
            "1 Februari 2022",
            "1 Pebruari 2022",
            "Selasa, 1 Februari 2022",
            "Feb 1, 2022",
            "February 1 2022",
            "01Feb2022",
            "2022-Feb-01",
            "01 02 2022",
        ] {
            assert_eq!(parse(text, Order::DayFirst).map(|when| when.days), day, "{text}");
        }
        assert_eq!(parse("02/01/2022", Order::MonthFirst).map(|when| when.days), day);
        assert_eq!(parse("02/01/2022", Order::DayFirst).unwrap().days_swapped, day);
        assert_eq!(parse("13/01/2022", Order::MonthFirst).unwrap().days_swapped, None);
        for text in [
            "32/01/2022",
            "29/02/2021",
            "2022-13-01",
            "0000-00-00",
            "01/02",
            "3171014101900001",
            "123456",
            "1.2.3.4",
            "Mei",
            "",
        ] {
            assert_eq!(parse(text, Order::DayFirst), None, "{text}");
        }
        assert_eq!(
            (days_of(1970, 1, 1), days_of(2000, 2, 29), days_of(1969, 12, 31)),
            (Some(0), Some(11_016), Some(-1))
        );
    }

    #[test]
    fn times_keep_every_microsecond() {
        let day = days_of(2022, 1, 15).unwrap();
        let time = Some(((8 * 60 + 15) * 60 + 7) * 1_000_000 + 123_456);
        for (text, digits, offset) in [
            ("2022-01-15 08:15:07.123456", 6, None),
            ("2022-01-15T08:15:07.123456Z", 6, Some(0)),
            ("2022-01-15T08:15:07,123456+07:00", 6, Some(420)),
            ("15/01/2022 08:15:07.1234561", 7, None),
            ("20220115081507.123456", 6, None),
            ("20220115 081507.123456", 6, None),
            ("15 Januari 2022 pukul 08.15.07.123456 WITA", 6, Some(480)),
            ("01/15/2022 8:15:07.123456 AM", 6, None),
        ] {
            assert_eq!(clock(text), Some((day, time, digits, offset)), "{text}");
        }
        assert_eq!(clock("15/01/2022 08:15").unwrap().1, Some((8 * 60 + 15) * 60 * 1_000_000));
        assert_eq!(clock("15/01/2022 08:15:07.5").unwrap().2, 1);
        assert_eq!(clock("15/01/2022 25:15"), None);
        let when = parse("2022-01-15 08:15:07.123456", Order::DayFirst).unwrap();
        assert_eq!(when.clock() - when.micros(420), 7 * 3600 * 1_000_000);
        let serial = parse_serial("44576.343831290").unwrap();
        assert_eq!((serial.days, serial.time), (day, Some(29_707_023_456)));
        assert_eq!(parse_serial("25569").unwrap().days, 0);
        assert_eq!((parse_serial("81234"), parse_serial("12.x"), parse_serial("")), (None, None, None));
    }
}
