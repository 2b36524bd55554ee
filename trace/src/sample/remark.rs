//! What is said of a piece that was not read, or not read whole.

use std::fmt;
use std::io;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The system would not let it be read.
    Unreadable,
    /// A link, device, pipe or socket: not followed, not opened.
    NotAFile,
    /// It ends before its end.
    CutShort,
    /// Its bytes contradict its form or its checksum.
    Damaged,
    /// Locked with a password.
    Encrypted,
    /// It unpacks to far more than anything real does.
    Bomb,
    /// More archives within archives, or folders within folders, than are read.
    TooDeep,
    /// A row, name or entry is larger, or there are more of them, than are read.
    OverLimit,
    /// More columns than a table has.
    TooManyColumns,
    /// A form that is not read.
    Unsupported,
    /// Bytes that mean nothing in the encoding of the text; read as Windows-1252.
    Encoding,
    /// A quotation mark without its partner: read as a letter.
    Quote,
    /// Only the first bytes were handed on.
    Partial,
    /// The later rows of a table say of a column what its first rows did not.
    ColumnsChange,
    /// Changes that wait in a file beside the database, or in pages that no table owns, were not read.
    Pending,
}

impl Fault {
    /// How it is written in reports.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read",
            Self::NotAFile => "is no file or folder and was not opened",
            Self::CutShort => "ends before its end",
            Self::Damaged => "is damaged",
            Self::Encrypted => "is locked with a password",
            Self::Bomb => "unpacks to more than anything real does",
            Self::TooDeep => "lies too deep",
            Self::OverLimit => "is larger than what is read",
            Self::TooManyColumns => "has more columns than a table has",
            Self::Unsupported => "has a form that is not read",
            Self::Encoding => "has bytes outside its encoding",
            Self::Quote => "has a quotation mark without a partner",
            Self::Partial => "was handed on in part",
            Self::ColumnsChange => "changes what its columns mean",
            Self::Pending => "has changes that were not read",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(fault)
    }
}

impl From<&io::Error> for Fault {
    fn from(error: &io::Error) -> Self {
        if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            return *fault;
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutShort,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Damaged,
            _ => Self::Unreadable,
        }
    }
}

/// One fault of one piece.
#[derive(Clone, PartialEq, Eq)]
pub struct Remark {
    /// The piece: its path inside the sample, as data.
    pub path: String,
    /// What is wrong.
    pub fault: Fault,
    /// How often: rows, bytes or entries.
    pub count: u64,
}

impl fmt::Debug for Remark {
    // Names of files may be names of people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remark(# {} {})", self.fault, self.count)
    }
}
