//! Rows of a table held while its columns are not known yet.

use super::Columns;
use crate::sample::limits::{ROWS_DRAWN, ROWS_FIRST, ROWS_HELD_BYTES_MAX};
use crate::sample::piece::{Row, Table};

/// The first rows of a table, and rows drawn evenly from the rest.
#[derive(Debug)]
pub struct Learner {
    first: Vec<Vec<String>>,
    drawn: Vec<Vec<String>>,
    bytes: usize,
    later: u64,
    state: u64,
}

impl Default for Learner {
    fn default() -> Self {
        // Any number but zero: the same rows are drawn in every run.
        Self { first: Vec::new(), drawn: Vec::new(), bytes: 0, later: 0, state: 0x9E37_79B9_7F4A_7C15 }
    }
}

impl Learner {
    /// Looks at a row.
    pub fn see(&mut self, row: &Row<'_>) {
        let bytes = row.bytes() + 24 * row.width();
        if self.first.len() < ROWS_FIRST {
            if self.bytes + bytes <= ROWS_HELD_BYTES_MAX {
                self.bytes += bytes;
                self.first.push(owned(row));
            }
            return;
        }
        // Each later row takes the place of another with the probability that keeps all equally likely (Vitter's R).
        self.later += 1;
        if self.drawn.len() < ROWS_DRAWN {
            if self.bytes + bytes <= ROWS_HELD_BYTES_MAX {
                self.bytes += bytes;
                self.drawn.push(owned(row));
            }
            return;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let at = usize::try_from(self.state % self.later).unwrap_or(usize::MAX);
        if let Some(place) = self.drawn.get_mut(at) {
            let held: usize = place.iter().map(|cell| cell.len() + 24).sum();
            if self.bytes - held.min(self.bytes) + bytes <= ROWS_HELD_BYTES_MAX {
                self.bytes = self.bytes - held.min(self.bytes) + bytes;
                *place = owned(row);
            }
        }
    }

    /// Whether the first rows are all there.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.first.len() >= ROWS_FIRST || self.bytes >= ROWS_HELD_BYTES_MAX / 2
    }

    /// What the columns mean, by all rows that were held.
    #[must_use]
    pub fn columns(&self, table: &Table) -> Columns {
        let rows: Vec<Vec<String>> = self.first.iter().chain(&self.drawn).cloned().collect();
        Columns::recognise(&table.columns, &rows)
    }

    /// What they mean by the later rows alone; `None` if there are too few to say.
    #[must_use]
    pub fn later(&self, table: &Table) -> Option<Columns> {
        (self.drawn.len() >= ROWS_DRAWN / 5).then(|| Columns::recognise(&table.columns, &self.drawn))
    }
}

fn owned(row: &Row<'_>) -> Vec<String> {
    row.cells().map(str::to_owned).collect()
}
