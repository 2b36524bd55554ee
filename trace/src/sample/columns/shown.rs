//! What a row says of a patient, each value in its normal form. Values are made when they are asked for.

use super::date::{When, parse, parse_serial};
use super::tally::is_empty;
use super::value::{Sex, digits, jkn_card, nik, phone, sex};
use super::{Columns, Meaning};
use crate::sample::piece::Row;

/// A row, read by what its columns mean.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    columns: &'a Columns,
    row: Row<'a>,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(#)")
    }
}

impl<'a> Shown<'a> {
    pub(super) fn new(columns: &'a Columns, row: Row<'a>) -> Self {
        Self { columns, row }
    }

    /// The row itself.
    #[must_use]
    pub fn row(&self) -> &Row<'a> {
        &self.row
    }

    /// The cell of the column that has this meaning, as written; `None` if it is empty or there is none.
    #[must_use]
    pub fn text(&self, meaning: Meaning) -> Option<&'a str> {
        let cell = self.row.cell(self.columns.column(meaning)?).trim();
        (!is_empty(cell)).then_some(cell)
    }

    fn texts(&self, meaning: Meaning) -> impl Iterator<Item = &'a str> {
        let row = self.row;
        let cells = self.columns.all(meaning).map(move |column| row.cell(column).trim());
        cells.filter(|cell| !is_empty(cell))
    }

    /// The 16 digits of a NIK that is one by its form.
    #[must_use]
    pub fn nik(&self) -> Option<String> {
        self.text(Meaning::Nik).and_then(nik).map(|nik| nik.digits)
    }

    /// All digits in the NIK's column, whether or not they are a NIK: one wrong digit leaves the others to be compared.
    #[must_use]
    pub fn nik_digits(&self) -> Option<String> {
        self.text(Meaning::Nik).and_then(digits)
    }

    /// The words that name the patient, without titles and degrees, in capitals.
    #[must_use]
    pub fn name(&self) -> Vec<String> {
        self.text(Meaning::Name).map(record::name::words).unwrap_or_default()
    }

    /// The date of birth.
    #[must_use]
    pub fn birth(&self) -> Option<When> {
        self.when(Meaning::BirthDate)
    }

    /// When the patient came.
    #[must_use]
    pub fn visit(&self) -> Option<When> {
        self.when(Meaning::VisitTime)
    }

    fn when(&self, meaning: Meaning) -> Option<When> {
        let column = self.columns.columns().get(self.columns.column(meaning)?)?;
        let cell = self.text(meaning)?;
        let read = if column.is_serial { parse_serial(cell) } else { None };
        read.or_else(|| parse(cell, column.order)).or_else(|| parse_serial(cell))
    }

    /// The telephone number, as E.164.
    #[must_use]
    pub fn phone(&self) -> Option<String> {
        self.text(Meaning::Phone).and_then(phone)
    }

    /// The number of the insurance card, 13 digits.
    #[must_use]
    pub fn jkn_card(&self) -> Option<String> {
        self.text(Meaning::JknCard).and_then(jkn_card)
    }

    /// Sex.
    #[must_use]
    pub fn sex(&self) -> Option<Sex> {
        self.text(Meaning::Sex).and_then(sex)
    }

    /// The hospital, as written.
    #[must_use]
    pub fn hospital(&self) -> Option<&'a str> {
        self.text(Meaning::Hospital)
    }

    /// The medical record number, as written.
    #[must_use]
    pub fn record_number(&self) -> Option<&'a str> {
        self.text(Meaning::RecordNumber)
    }

    /// The accession number, as written.
    #[must_use]
    pub fn accession(&self) -> Option<&'a str> {
        self.text(Meaning::Accession)
    }

    /// UIDs of studies, series and instances.
    pub fn uids(&self) -> impl Iterator<Item = &'a str> {
        self.texts(Meaning::Uid)
    }

    /// Findings, values and codes, as written.
    pub fn results(&self) -> impl Iterator<Item = &'a str> {
        self.texts(Meaning::Result)
    }
}
