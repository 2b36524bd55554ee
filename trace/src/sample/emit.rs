//! The way of everything that was read to its taker.

use super::limits::NAME_BYTES_MAX;
use super::piece::{Cells, Flow, Row, Sink, Table};
use super::progress::Progress;
use super::remark::{Fault, Remark};
use std::collections::BTreeMap;

/// What came out of one reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Tables.
    pub tables: u64,
    /// Rows.
    pub rows: u64,
    /// Files that are no tables.
    pub files: u64,
    /// Remarks.
    pub remarks: u64,
    /// Whether the taker, or another thread, ended it.
    pub stopped: bool,
}

/// The taker, and the counts.
pub(crate) struct Emit<'a> {
    pub sink: &'a mut dyn Sink,
    pub progress: &'a Progress,
    pub summary: Summary,
}

/// Faults of one piece, counted: a damaged file of a million rows is one remark.
#[derive(Default)]
pub(crate) struct Notes(BTreeMap<Fault, u64>);

impl Notes {
    pub fn add(&mut self, fault: Fault) {
        self.many(fault, 1);
    }

    pub fn many(&mut self, fault: Fault, count: u64) {
        if count > 0 {
            let sum = self.0.entry(fault).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

impl<'a> Emit<'a> {
    pub fn new(sink: &'a mut dyn Sink, progress: &'a Progress) -> Self {
        Self { sink, progress, summary: Summary::default() }
    }

    /// A new table.
    pub fn table(&mut self, path: &str, name: &str, columns: Vec<String>, headed: bool) -> Table {
        self.summary.tables += 1;
        self.progress.piece();
        Table { id: self.summary.tables, path: path.to_owned(), name: cut(name), columns, headed }
    }

    pub fn row(&mut self, table: &Table, number: u64, cells: &Cells) -> Flow {
        self.take(&cells.row(table, number))
    }

    pub fn take(&mut self, row: &Row<'_>) -> Flow {
        self.summary.rows += 1;
        self.progress.rows(1);
        let flow = self.sink.row(row);
        self.goes_on(flow)
    }

    pub fn end(&mut self, table: &Table) -> Flow {
        let flow = self.sink.end(table);
        self.goes_on(flow)
    }

    pub fn goes_on(&mut self, flow: Flow) -> Flow {
        if flow.is_break() || self.progress.is_stopped() {
            self.summary.stopped = true;
            return Flow::Break(());
        }
        flow
    }

    pub fn remark(&mut self, path: &str, fault: Fault) {
        self.remarks(path, fault, 1);
    }

    fn remarks(&mut self, path: &str, fault: Fault, count: u64) {
        self.summary.remarks += 1;
        self.sink.remark(Remark { path: path.to_owned(), fault, count });
    }

    /// Says what was noted of a piece.
    pub fn notes(&mut self, path: &str, notes: Notes) {
        for (fault, count) in notes.0 {
            self.remarks(path, fault, count);
        }
    }
}

/// A name of the sample, no longer than what is shown.
pub(crate) fn cut(name: &str) -> String {
    name.chars()
        .scan(0, |bytes, letter| {
            *bytes += letter.len_utf8();
            (*bytes <= NAME_BYTES_MAX).then_some(letter)
        })
        .collect()
}
