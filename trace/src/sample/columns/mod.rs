//! What the columns of a table mean, by what stands in them.

pub mod date;
mod heading;
mod judge;
mod learn;
mod recognised;
mod shown;
mod tally;
pub mod value;
mod words;

use crate::sample::piece::Row;
use date::Order;
pub(crate) use heading::meaning_of_heading;
pub use learn::Learner;
pub use recognised::{Recognised, Taker};
pub use shown::Shown;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
    /// Nomor Induk Kependudukan, 16 digits.
    Nik,
    /// A patient's name.
    Name,
    /// Date of birth.
    BirthDate,
    /// Telephone.
    Phone,
    /// Number of the national health insurance card, 13 digits.
    JknCard,
    /// Name or code of a hospital.
    Hospital,
    /// When the patient came, or was examined.
    VisitTime,
    /// Sex.
    Sex,
    /// Medical record number.
    RecordNumber,
    /// What was found: a text, a value or a code of a diagnosis.
    Result,
    /// UID of a study, series or instance.
    Uid,
    /// Accession number.
    Accession,
    /// Where the patient lives.
    Address,
    /// Something else.
    Other,
}

/// What one column holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The decision.
    pub meaning: Meaning,
    /// How sure it is, from 0 to 1; 1 where a person said it.
    pub confidence: f64,
    /// How well the column fits each meaning.
    pub scores: Vec<(Meaning, f64)>,
    /// How its dates are written, if it holds dates.
    pub order: Order,
    /// Whether its dates are the day counts of a sheet.
    pub is_serial: bool,
}

/// What the columns of a table hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    columns: Vec<Column>,
}

impl Columns {
    /// Judges the columns by some of their rows and by their headings; empty headings say nothing.
    #[must_use]
    pub fn recognise(headings: &[String], rows: &[Vec<String>]) -> Self {
        Self { columns: judge::judge(headings, rows) }
    }

    /// All columns in their order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Sets what a column holds, whatever it looks like; a column that had a meaning that only one can have loses it.
    pub fn overrule(&mut self, column: usize, meaning: Meaning) {
        let is_shared = matches!(meaning, Meaning::Uid | Meaning::Result | Meaning::Address | Meaning::Other);
        for other in self.columns.iter_mut().filter(|other| !is_shared && other.meaning == meaning) {
            other.meaning = Meaning::Other;
        }
        if let Some(column) = self.columns.get_mut(column) {
            (column.meaning, column.confidence) = (meaning, 1.0);
        }
    }

    /// The first column of a meaning.
    #[must_use]
    pub fn column(&self, meaning: Meaning) -> Option<usize> {
        self.columns.iter().position(|column| column.meaning == meaning)
    }

    /// All columns of a meaning.
    pub fn all(&self, meaning: Meaning) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(move |(_, column)| column.meaning == meaning).map(|(at, _)| at)
    }

    /// A row, read by what the columns mean.
    #[must_use]
    pub fn shown<'a>(&'a self, row: Row<'a>) -> Shown<'a> {
        Shown::new(self, row)
    }
}
