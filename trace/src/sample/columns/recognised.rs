//! A sample read once: the first rows of each table are held until its columns are known, and then all of them are handed on in
//! their order.

use super::{Columns, Learner, Shown};
use crate::sample::limits::ROWS_HELD_BYTES_MAX;
use crate::sample::piece::{Cells, File, Flow, Row, Sink, Table};
use crate::sample::remark::{Fault, Remark};
use std::collections::HashMap;

/// Takes rows whose columns are known.
pub trait Taker {
    /// The columns of a table, before its first row; what a person knows better can be overruled here.
    fn columns(&mut self, table: &Table, columns: &mut Columns) {
        let _ = (table, columns);
    }
    /// A row.
    fn shown(&mut self, shown: &Shown<'_>) -> Flow;
    /// A file that is no table.
    fn file(&mut self, file: &File<'_>) -> Flow;
    /// Something was not read, or a table's later rows say of its columns what the first did not.
    fn remark(&mut self, remark: Remark);
}

/// Stands between [`crate::sample::read`] and a [`Taker`].
pub struct Recognised<'t> {
    taker: &'t mut dyn Taker,
    tables: HashMap<u64, State>,
    // Bytes of the rows that wait, over all tables.
    held: usize,
}

impl std::fmt::Debug for Recognised<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recognised({} tables)", self.tables.len())
    }
}

#[derive(Default)]
struct State {
    learner: Option<Learner>,
    waiting: Vec<(u64, Vec<String>)>,
    bytes: usize,
    columns: Option<Columns>,
}

impl<'t> Recognised<'t> {
    /// Hands rows on to this taker.
    #[must_use]
    pub fn new(taker: &'t mut dyn Taker) -> Self {
        Self { taker, tables: HashMap::new(), held: 0 }
    }

    /// Judges the columns of a table, and hands on the rows that waited for it.
    fn decide(&mut self, table: &Table) -> Flow {
        let Some(state) = self.tables.get_mut(&table.id) else { return Flow::Continue(()) };
        if state.columns.is_some() {
            return Flow::Continue(());
        }
        let mut columns = state.learner.as_ref().map(|learner| learner.columns(table)).unwrap_or_default();
        self.taker.columns(table, &mut columns);
        self.held = self.held.saturating_sub(state.bytes);
        let waiting = std::mem::take(&mut state.waiting);
        let mut cells = Cells::default();
        for (number, row) in waiting {
            cells.clear();
            row.iter().for_each(|cell| cells.whole(cell.as_bytes()));
            self.taker.shown(&columns.shown(cells.row(table, number)))?;
        }
        state.columns = Some(columns);
        Flow::Continue(())
    }
}

impl Sink for Recognised<'_> {
    fn row(&mut self, row: &Row<'_>) -> Flow {
        let state = self
            .tables
            .entry(row.table.id)
            .or_insert_with(|| State { learner: Some(Learner::default()), ..State::default() });
        if let Some(learner) = &mut state.learner {
            learner.see(row);
        }
        if let Some(columns) = &state.columns {
            return self.taker.shown(&columns.shown(*row));
        }
        let bytes = row.bytes() + 24 * row.width();
        state.waiting.push((row.number, row.cells().map(str::to_owned).collect()));
        state.bytes += bytes;
        self.held += bytes;
        let is_known = state.learner.as_ref().is_none_or(Learner::is_full);
        if is_known || self.held > ROWS_HELD_BYTES_MAX {
            self.decide(row.table)?;
        }
        // Where many tables come at once, only their first rows are looked at.
        let many = self.tables.len() > 64;
        if let Some(state) = self.tables.get_mut(&row.table.id).filter(|state| many && state.columns.is_some()) {
            state.learner = None;
        }
        Flow::Continue(())
    }

    fn file(&mut self, file: &File<'_>) -> Flow {
        self.taker.file(file)
    }

    fn end(&mut self, table: &Table) -> Flow {
        self.decide(table)?;
        let Some(state) = self.tables.remove(&table.id) else { return Flow::Continue(()) };
        let later = state.learner.and_then(|learner| learner.later(table));
        if let (Some(later), Some(columns)) = (later, state.columns) {
            let differ = columns.columns().iter().zip(later.columns()).filter(|(first, later)| {
                // What a person said is not doubted.
                first.confidence < 1.0 && first.meaning != later.meaning
            });
            let count = u64::try_from(differ.count()).unwrap_or(u64::MAX);
            if count > 0 {
                self.taker.remark(Remark { path: table.path.clone(), fault: Fault::ColumnsChange, count });
            }
        }
        Flow::Continue(())
    }

    fn remark(&mut self, remark: Remark) {
        self.taker.remark(remark);
    }
}
