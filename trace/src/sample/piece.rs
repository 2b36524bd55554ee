//! What comes out of a sample: rows, files and remarks.

use super::remark::Remark;
use std::fmt;
use std::ops::ControlFlow;

/// Whether to go on.
pub type Flow = ControlFlow<()>;

/// Takes what a sample holds, in the order in which it is read. Everything in it is data: no name of it is a path.
pub trait Sink {
    /// A row of a table.
    fn row(&mut self, row: &Row<'_>) -> Flow;
    /// A file that is no table.
    fn file(&mut self, file: &File<'_>) -> Flow;
    /// A table has ended.
    fn end(&mut self, table: &Table) -> Flow {
        let _ = table;
        Flow::Continue(())
    }
    /// Something was not read.
    fn remark(&mut self, remark: Remark);
}

/// A table of the sample.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    /// Counts the tables of a run.
    pub id: u64,
    /// The piece that it lies in.
    pub path: String,
    /// Its own name where it has one: of a sheet, of a statement, of a member.
    pub name: String,
    /// The headings. Records without fixed columns add to them as they come; a row may have fewer cells, or more.
    pub columns: Vec<String>,
    /// Whether the headings are the sample's own; otherwise they are empty.
    pub headed: bool,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} of {} columns)", self.id, self.columns.len())
    }
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Where it stands.
    pub table: &'a Table,
    /// Its number in the table, from 1.
    pub number: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// The cell of a column. What is absent, NULL or empty is the empty text.
    #[must_use]
    pub fn cell(&self, column: usize) -> &'a str {
        let Some(end) = self.ends.get(column) else { return "" };
        let begin = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(begin..*end).unwrap_or_default()
    }

    /// How many cells it has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &'a str> + '_ {
        (0..self.width()).map(|column| self.cell(column))
    }

    /// The bytes of all cells.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} of {} cells)", self.number, self.ends.len())
    }
}

/// The cells of a row while it is read. Its memory is used again for the next.
#[derive(Default)]
pub(crate) struct Cells {
    pub text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub fn push(&mut self, part: &[u8]) {
        self.text.extend_from_slice(part);
    }

    /// Ends the cell that was pushed.
    pub fn close(&mut self) {
        self.ends.push(self.text.len());
    }

    pub fn whole(&mut self, cell: &[u8]) {
        self.push(cell);
        self.close();
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All cells as texts of their own.
    pub fn owned(&self) -> Vec<String> {
        let begins = std::iter::once(&0).chain(&self.ends);
        let cell = |(begin, end): (&usize, &usize)| self.text.get(*begin..*end).unwrap_or_default();
        begins.zip(&self.ends).map(|pair| String::from_utf8_lossy(cell(pair)).into_owned()).collect()
    }

    pub fn row<'a>(&'a self, table: &'a Table, number: u64) -> Row<'a> {
        // The parts are cut at letters of ASCII out of valid text, so this finds it valid.
        let text = match std::str::from_utf8(&self.text) {
            Ok(text) => text,
            Err(error) => {
                let valid = self.text.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(valid).unwrap_or_default()
            }
        };
        Row { table, number, text, ends: &self.ends }
    }
}

/// What the bytes of a file say that it is; its name is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// DICOM PS3.10, with its preamble.
    Dicom,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// TIFF.
    Tiff,
    /// WebP.
    WebP,
    /// PDF.
    Pdf,
    /// Text that is no table.
    Text,
    /// Anything else.
    Other,
}

/// A file.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// Its path inside the sample, archives included.
    pub path: &'a str,
    /// What it is.
    pub kind: Kind,
    /// How long it is.
    pub size: u64,
    /// SHA-256 of all of it.
    pub sha256: [u8; 32],
    /// Its bytes, or the first [`super::limits::FILE_BYTES_MAX`] of them.
    pub bytes: &'a [u8],
}

impl File<'_> {
    /// Whether `bytes` is all of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        u64::try_from(self.bytes.len()).is_ok_and(|held| held == self.size)
    }
}

impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({:?} of {} bytes)", self.kind, self.size)
    }
}
