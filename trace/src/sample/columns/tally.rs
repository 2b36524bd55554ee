//! What stands in a column, counted over the rows that were held.

use super::date::{Order, parse, parse_serial};
use super::value::{digits, is_icd, is_uid, jkn_card, nik, phone, sex};
use super::words::{has_name, is_address, is_doctor, is_finding, is_hospital, is_name_form};
use crate::tail::amount;
use std::collections::HashSet;

/// Parts of the filled cells, from 0 to 1, unless otherwise said.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// How many cells are filled.
    pub filled: f64,
    pub nik: f64,
    /// Women among the NIKs.
    pub women: f64,
    pub jkn: f64,
    /// Numbers of 13 digits that begin as the cards do.
    pub jkn_issued: f64,
    pub phone: f64,
    pub mobile: f64,
    pub date: f64,
    pub serial: f64,
    /// Dates with a time of day.
    pub timed: f64,
    /// Dates with a fraction of a second.
    pub fraction: f64,
    /// Dates that can only be read with the day first, and with the month first.
    pub day_first: f64,
    pub month_first: f64,
    /// The mean day and the days' spread.
    pub mean_days: f64,
    pub spread_days: f64,
    pub sex: f64,
    pub uid: f64,
    pub icd: f64,
    pub name_form: f64,
    pub name: f64,
    pub doctor: f64,
    pub hospital: f64,
    pub finding: f64,
    pub address: f64,
    /// Short codes with digits.
    pub code: f64,
    /// Codes of six to ten digits, letters before them or not.
    pub record: f64,
    /// Codes that hold letters and a date, or eleven digits and more.
    pub accession: f64,
    /// Different values over filled cells.
    pub distinct: f64,
    /// How many different values.
    pub values: f64,
    /// Numbers each one more than the number above it.
    pub counted: f64,
    /// Numbers that end in two zeros: amounts of money.
    pub round: f64,
    /// Mean letters of a cell.
    pub letters: f64,
}

impl Tally {
    pub fn of<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let mut tally = Self::default();
        let (mut values, mut days, mut women, mut before) = (HashSet::new(), Vec::new(), 0.0, None);
        for cell in cells.map(str::trim).filter(|cell| !is_empty(cell)) {
            tally.filled += 1.0;
            tally.letters += amount(u64::try_from(cell.len()).unwrap_or(u64::MAX));
            values.insert(cell);
            if let Some(nik) = nik(cell) {
                tally.nik += 1.0;
                women += part(nik.is_woman);
            }
            tally.dates(cell, &mut days);
            tally.numbers(cell);
            tally.words(cell);
            let number = cell.parse::<u64>().ok();
            tally.counted += part(before.is_some() && number.is_some() && number == before);
            tally.round += part(number.is_some_and(|number| number >= 1_000 && number % 100 == 0));
            before = number.and_then(|number| number.checked_add(1));
        }
        tally.women = women / tally.nik.max(1.0);
        tally.values = amount(u64::try_from(values.len()).unwrap_or(u64::MAX));
        tally.distinct = tally.values;
        tally.share();
        let count = amount(u64::try_from(days.len()).unwrap_or(u64::MAX)).max(1.0);
        tally.mean_days = days.iter().sum::<f64>() / count;
        let square: f64 = days.iter().map(|day| (day - tally.mean_days).powi(2)).sum();
        tally.spread_days = (square / count).sqrt();
        tally
    }

    fn dates(&mut self, cell: &str, days: &mut Vec<f64>) {
        // What is a number of many digits is a number, and no date in a row of digits: except of eight or fourteen.
        let (day_first, month_first) = (parse(cell, Order::DayFirst), parse(cell, Order::MonthFirst));
        if let Some(when) = day_first {
            self.date += 1.0;
            self.timed += part(when.time.is_some());
            self.fraction += part(when.fraction_digits > 0);
            days.push(f64::from(when.days));
            let only = when.days_swapped.is_none() && is_numbered(cell);
            let second = cell.split(['/', '-', '.', ' ']).nth(1).and_then(|two| two.parse::<u32>().ok());
            self.month_first += part(only && month_first.is_some() && second.is_some_and(|two| two > 12));
            self.day_first += part(only && second.is_some_and(|two| two <= 12));
        } else if let Some(when) = parse_serial(cell) {
            self.serial += 1.0;
            self.timed += part(when.time.is_some());
            days.push(f64::from(when.days));
        }
    }

    fn numbers(&mut self, cell: &str) {
        if let Some(card) = jkn_card(cell) {
            self.jkn += 1.0;
            self.jkn_issued += part(card.starts_with("000"));
        }
        if let Some(phone) = phone(cell) {
            self.phone += 1.0;
            self.mobile += part(phone.starts_with("+628") && !cell.starts_with('8'));
        }
        self.uid += part(is_uid(cell));
        let count = cell.bytes().filter(u8::is_ascii_digit).count();
        let letters = cell.bytes().filter(u8::is_ascii_alphabetic).count();
        let is_code = count >= 2
            && cell.len() <= 24
            && cell.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./_#".contains(&byte));
        if is_code {
            self.code += 1.0;
            let held = digits(cell.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()));
            let is_record = held.is_some_and(|held| (5..=10).contains(&held.len())) && letters <= 4;
            let is_accession = (count >= 11 || (letters >= 2 && count >= 8)) && cell.len() <= 20;
            self.record += part(is_record && !is_accession);
            self.accession += part(is_accession);
        }
    }

    fn words(&mut self, cell: &str) {
        self.sex += part(sex(cell).is_some());
        self.icd += part(is_icd(cell));
        self.doctor += part(is_doctor(cell));
        let is_hospital = is_hospital(cell);
        self.hospital += part(is_hospital);
        let is_address = is_address(cell);
        self.address += part(is_address);
        self.finding += part(is_finding(cell) && !is_hospital);
        if is_name_form(cell) {
            self.name_form += 1.0;
            self.name += part(has_name(cell));
        }
    }

    /// Counts become parts.
    fn share(&mut self) {
        let filled = self.filled.max(1.0);
        let dates = (self.date + self.serial).max(1.0);
        self.timed /= dates;
        self.fraction /= dates;
        for count in [
            &mut self.nik,
            &mut self.jkn,
            &mut self.jkn_issued,
            &mut self.phone,
            &mut self.mobile,
            &mut self.date,
            &mut self.serial,
            &mut self.day_first,
            &mut self.month_first,
            &mut self.sex,
            &mut self.uid,
            &mut self.icd,
            &mut self.name_form,
            &mut self.name,
            &mut self.doctor,
            &mut self.hospital,
            &mut self.finding,
            &mut self.address,
            &mut self.code,
            &mut self.record,
            &mut self.accession,
            &mut self.distinct,
            &mut self.counted,
            &mut self.round,
            &mut self.letters,
        ] {
            *count /= filled;
        }
    }
}

/// What stands for nothing.
pub(super) fn is_empty(cell: &str) -> bool {
    matches!(
        cell.trim(),
        "" | "-"
            | "--"
            | "\\N"
            | "NULL"
            | "null"
            | "Null"
            | "None"
            | "N/A"
            | "n/a"
            | "NaN"
            | "nan"
            | "#N/A"
            | "?"
            | "0000-00-00"
    )
}

/// Day, month and year as three numbers, the year last.
fn is_numbered(cell: &str) -> bool {
    let date = cell.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['/', '-', '.']).collect();
    parts.len() == 3
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.first().is_some_and(|first| first.len() <= 2)
}

fn part(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}
