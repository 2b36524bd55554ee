//! Tables in Markdown.

use std::fmt::Write as _;

/// A table that is being written.
pub struct Table(String);

impl Table {
    /// With the heads of its columns.
    pub fn new(heads: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(heads.iter().copied());
        table.0.push('|');
        table.0.push_str(&"---|".repeat(heads.len()));
        table.0.push('\n');
        table
    }

    /// Adds a row.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        for cell in cells {
            // Writing into a String does not fail.
            let _written = write!(self.0, "| {} ", cell.as_ref().replace('|', "\\|"));
        }
        self.0.push_str("|\n");
    }

    /// The table, without the end of its last line.
    pub fn end(mut self) -> String {
        self.0.pop();
        self.0
    }
}
