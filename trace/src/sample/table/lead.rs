//! The first rows of a table without declared columns, held until it is known whether one of them is its headings.

use super::heading;
use crate::sample::emit::{Emit, cut};
use crate::sample::limits::{COLUMNS_MAX, ROW_BYTES_MAX};
use crate::sample::piece::{Cells, Flow, Table};

/// Rows that are held.
const HELD_MAX: usize = 60;

pub(crate) struct Lead<'p> {
    path: &'p str,
    name: String,
    held: Vec<Vec<String>>,
    bytes: usize,
    table: Option<Table>,
    number: u64,
}

impl<'p> Lead<'p> {
    pub fn new(path: &'p str, name: String) -> Self {
        Self { path, name, held: Vec::new(), bytes: 0, table: None, number: 0 }
    }

    pub fn row(&mut self, cells: &Cells, emit: &mut Emit<'_>) -> Flow {
        if cells.text.iter().all(u8::is_ascii_whitespace) {
            return Flow::Continue(());
        }
        if let Some(table) = &self.table {
            self.number += 1;
            return emit.row(table, self.number, cells);
        }
        self.bytes += cells.text.len() + 24 * cells.len();
        self.held.push(cells.owned());
        if self.held.len() >= HELD_MAX || self.bytes >= ROW_BYTES_MAX { self.decide(emit) } else { Flow::Continue(()) }
    }

    /// Ends the table.
    pub fn finish(mut self, emit: &mut Emit<'_>) -> Flow {
        if self.table.is_none() && !self.held.is_empty() {
            self.decide(emit)?;
        }
        self.table.map_or(Flow::Continue(()), |table| emit.end(&table))
    }

    fn decide(&mut self, emit: &mut Emit<'_>) -> Flow {
        let mut widths: Vec<usize> = self.held.iter().map(Vec::len).collect();
        widths.sort_unstable();
        // The width that most rows have is not under the middle one; trailing cells may be empty.
        let width = widths.get(widths.len() / 2).copied().unwrap_or(0);
        let heading = heading::find(&self.held, width);
        let columns = match heading.and_then(|at| self.held.get(at)) {
            Some(row) => row.iter().take(COLUMNS_MAX).map(|cell| cut(cell.trim())).collect(),
            None => vec![String::new(); width],
        };
        let table = emit.table(self.path, &self.name, columns, heading.is_some());
        let mut cells = Cells::default();
        for (at, row) in std::mem::take(&mut self.held).into_iter().enumerate() {
            if heading == Some(at) {
                continue;
            }
            cells.clear();
            row.iter().for_each(|cell| cells.whole(cell.as_bytes()));
            self.number += 1;
            emit.row(&table, self.number, &cells)?;
        }
        self.table = Some(table);
        Flow::Continue(())
    }
}
