//! What the tests of samples share: a taker that keeps everything.

use std::collections::BTreeMap;
use trace::sample::{Fault, File, Flow, Kind, Progress, Remark, Row, Sink, Summary, Table, read_bytes};

/// Everything that a sample held.
#[derive(Default)]
pub struct Kept {
    /// Rows by the path and name of their table.
    pub rows: BTreeMap<String, Vec<Vec<String>>>,
    /// The headings of each.
    pub columns: BTreeMap<String, Vec<String>>,
    /// Files: kind, size, digest's first byte, first bytes.
    pub files: BTreeMap<String, (Kind, u64, Vec<u8>)>,
    /// Digests of the files.
    pub digests: BTreeMap<String, [u8; 32]>,
    /// Remarks.
    pub remarks: Vec<(String, Fault, u64)>,
    /// Where to stop.
    pub rows_max: Option<u64>,
}

impl Sink for Kept {
    fn row(&mut self, row: &Row<'_>) -> Flow {
        let name = key(row.table);
        self.columns.insert(name.clone(), row.table.columns.clone());
        self.rows.entry(name).or_default().push(row.cells().map(str::to_owned).collect());
        if self.rows_max.is_some_and(|max| row.number >= max) { Flow::Break(()) } else { Flow::Continue(()) }
    }

    fn file(&mut self, file: &File<'_>) -> Flow {
        self.files
            .insert(file.path.to_owned(), (file.kind, file.size, file.bytes[..file.bytes.len().min(64)].to_vec()));
        self.digests.insert(file.path.to_owned(), file.sha256);
        Flow::Continue(())
    }

    fn remark(&mut self, remark: Remark) {
        self.remarks.push((remark.path, remark.fault, remark.count));
    }
}

fn key(table: &Table) -> String {
    if table.name.is_empty() { table.path.clone() } else { format!("{}#{}", table.path, table.name) }
}

impl Kept {
    /// Whether a fault was remarked on.
    pub fn has(&self, fault: Fault) -> bool {
        self.remarks.iter().any(|remark| remark.1 == fault)
    }

    /// The rows of the only table.
    pub fn only(&self) -> &[Vec<String>] {
        assert_eq!(self.rows.len(), 1, "{:?} {:?}", self.rows.keys(), self.remarks);
        self.rows.values().next().unwrap()
    }

    /// Its headings.
    pub fn headings(&self) -> &[String] {
        assert_eq!(self.columns.len(), 1, "{:?}", self.columns.keys());
        self.columns.values().next().unwrap()
    }
}

/// Reads bytes as a file of that name.
pub fn of(name: &str, bytes: &[u8]) -> (Kept, Summary) {
    let mut kept = Kept::default();
    let summary = read_bytes(name, bytes, &Progress::default(), &mut kept);
    (kept, summary)
}

/// As [`of`], without the counts.
pub fn kept(name: &str, bytes: impl AsRef<[u8]>) -> Kept {
    of(name, bytes.as_ref()).0
}
