//! Dumps of MySQL, PostgreSQL, SQL Server and SQLite: statements are passed over, rows are taken. Nothing is run.

mod copy;
mod insert;
mod token;

use crate::sample::emit::{Emit, Notes, cut};
use crate::sample::limits::{COLUMNS_MAX, HEADINGS_BYTES_MAX, ROW_BYTES_MAX, SHEETS_MAX};
use crate::sample::piece::{Cells, Flow, Table};
use crate::sample::remark::Fault;
use crate::sample::text::Text;
pub(crate) use insert::declaration;
use insert::{Head, Tuple, head, tuple};
use memchr::memmem;
use std::collections::BTreeMap;
use token::{Part, Tokens, skip};

/// Statements or rows that never end, after which the rest is passed over: each costs a look at [`ROW_BYTES_MAX`] bytes.
const LOST_MAX: u64 = 64;

/// Whether a text that begins so is a dump.
pub(crate) fn is_dump(head: &[u8]) -> bool {
    let upper: Vec<u8> = head.iter().map(u8::to_ascii_uppercase).collect();
    let has = |text: &str| memmem::find(&upper, text.as_bytes()).is_some();
    let begins = |text: &str| {
        upper.starts_with(text.as_bytes()) || memmem::find(&upper, format!("\n{text}").as_bytes()).is_some()
    };
    (begins("INSERT INTO ") && (has("VALUES") || has("SELECT")))
        || (begins("INSERT [") && has("VALUES"))
        || begins("CREATE TABLE ")
        || (begins("COPY ") && has(" FROM STDIN"))
        || ["-- MYSQL DUMP", "-- MARIADB DUMP", "-- POSTGRESQL DATABASE DUMP", "PRAGMA FOREIGN_KEYS"]
            .iter()
            .any(|mark| begins(mark))
}

/// How the strings of a dump are written: MySQL takes a backslash for an escape, the others for a letter.
fn escapes(head: &[u8]) -> bool {
    let has = |text: &[u8]| memmem::find(head, text).is_some();
    let mysql = has(b"MySQL dump") || has(b"MariaDB dump") || has(b"ENGINE=") || has(b"phpMyAdmin") || has(b"INTO `");
    let other =
        has(b"PostgreSQL") || has(b"pg_catalog") || has(b"[dbo]") || has(b"PRAGMA") || has(b"BEGIN TRANSACTION");
    if mysql != other { mysql } else { has(b"\\'") }
}

/// Reads a dump to its end.
pub(crate) fn read(text: &mut Text<'_>, path: &str, emit: &mut Emit<'_>) -> Flow {
    while text.bytes().len() < crate::sample::limits::HEAD_BYTES && text.more() {}
    let mut reader = Reader {
        path,
        escapes: escapes(text.bytes()),
        declared: BTreeMap::new(),
        tables: BTreeMap::new(),
        cells: Cells::default(),
        notes: Notes::default(),
        lost: 0,
        room: HEADINGS_BYTES_MAX,
    };
    let flow = reader.statements(text, emit);
    if let Some(fault) = text.fault() {
        reader.notes.add(fault);
    }
    reader.notes.many(Fault::Encoding, text.mended());
    emit.notes(path, reader.notes);
    flow?;
    for (_, (table, _)) in reader.tables {
        emit.end(&table)?;
    }
    Flow::Continue(())
}

struct Reader<'p> {
    path: &'p str,
    escapes: bool,
    /// Columns by the name of the table that was declared.
    declared: BTreeMap<String, Vec<String>>,
    /// Tables that had rows, and how many.
    tables: BTreeMap<(String, Vec<String>), (Table, u64)>,
    cells: Cells,
    notes: Notes,
    lost: u64,
    // Bytes that names and headings may still have.
    room: usize,
}

/// What was found at the beginning of the window.
enum Found {
    /// It must be longer.
    More,
    /// A statement that does not end.
    Lost,
    /// Nothing that matters, of so many bytes.
    Passed(usize),
    /// Rows follow after so many bytes.
    Rows(usize, Head),
    /// Lines of tab-separated cells follow.
    Copy(usize, Head),
    /// A declaration.
    Declared(usize, String, Vec<String>),
}

impl Reader<'_> {
    fn statements(&mut self, text: &mut Text<'_>, emit: &mut Emit<'_>) -> Flow {
        loop {
            let full = text.bytes().len() >= ROW_BYTES_MAX;
            match self.look(text.bytes(), text.is_ended() || full) {
                Found::More => {
                    if !text.more() && text.bytes().is_empty() {
                        return Flow::Continue(());
                    }
                }
                Found::Lost => {
                    let fault = if text.is_ended() { Fault::CutShort } else { Fault::Damaged };
                    self.lose(text, fault);
                }
                Found::Passed(length) => {
                    if text.bytes().is_empty() {
                        if !text.more() {
                            return Flow::Continue(());
                        }
                    } else {
                        text.take(length.max(1));
                    }
                }
                Found::Declared(length, name, columns) => {
                    text.take(length);
                    if self.declared.len() < SHEETS_MAX && self.affords(&name, &columns) {
                        self.declared.insert(name, columns);
                    }
                }
                Found::Rows(length, head) => {
                    text.take(length);
                    self.rows(text, head, emit)?;
                }
                Found::Copy(length, head) => {
                    text.take(length);
                    self.lines(text, head, emit)?;
                }
            }
        }
    }

    /// Looks at the statement that the window begins with; `whole` if the window will not get longer.
    fn look(&self, window: &[u8], whole: bool) -> Found {
        let Some(start) = skip(window, whole) else { return Found::More };
        let statement = window.get(start..).unwrap_or_default();
        if statement.is_empty() {
            return if whole { Found::Passed(window.len()) } else { Found::More };
        }
        let mut tokens = Tokens::new(statement, self.escapes);
        let first = match tokens.next() {
            Some(Part::Word(word)) => word.to_ascii_uppercase(),
            Some(_) => Vec::new(),
            None if whole => return Found::Passed(window.len()),
            None => return Found::More,
        };
        match first.as_slice() {
            b"INSERT" | b"REPLACE" => match head(statement, self.escapes) {
                Some(Some((head, length))) => return Found::Rows(start + length, head),
                Some(None) if !whole => return Found::More,
                _ => {}
            },
            b"COPY" => match copy::head(statement, self.escapes) {
                Some(Some((head, length))) => return Found::Copy(start + length, head),
                Some(None) if !whole => return Found::More,
                _ => {}
            },
            // A batch ends without a semicolon, and so do the settings before it.
            b"GO" | b"DELIMITER" | b"USE" => {
                let line = memchr::memchr(b'\n', statement);
                return match line {
                    Some(length) => Found::Passed(start + length + 1),
                    None if whole => Found::Passed(window.len()),
                    None => Found::More,
                };
            }
            _ => {}
        }
        match token::statement(statement, self.escapes, whole) {
            Some(length) => {
                let declared = statement.get(..length).and_then(|text| declaration(text, self.escapes));
                match declared {
                    Some((name, columns)) => Found::Declared(start + length, name, columns),
                    None => Found::Passed(start + length),
                }
            }
            None if whole => Found::Lost,
            None => Found::More,
        }
    }

    /// Goes on behind what does not end.
    fn lose(&mut self, text: &mut Text<'_>, fault: Fault) {
        self.lost += 1;
        self.notes.add(fault);
        if self.lost <= LOST_MAX {
            return Self::resume(text);
        }
        self.notes.add(Fault::OverLimit);
        loop {
            text.take(text.bytes().len());
            if !text.more() {
                return;
            }
        }
    }

    /// Whether so many more names are kept.
    fn affords(&mut self, name: &str, columns: &[String]) -> bool {
        let bytes = columns.iter().fold(2 * name.len() + 128, |sum, column| sum + 2 * column.len() + 64);
        let left = self.room.checked_sub(bytes);
        self.room = left.unwrap_or(self.room);
        left.is_some()
    }

    fn table(&mut self, head: Head, emit: &mut Emit<'_>) -> (String, Vec<String>) {
        let name = cut(&head.table);
        let mut columns: Vec<String> = head.columns.iter().take(COLUMNS_MAX).map(|column| cut(column)).collect();
        if columns.is_empty() {
            columns = self.declared.get(&head.table).cloned().unwrap_or_default();
        }
        let key = (name, columns);
        // A dump that invents a table for each row shares one in the end.
        let is_new = !self.tables.contains_key(&key);
        let key = if is_new && (self.tables.len() >= SHEETS_MAX || !self.affords(&key.0, &key.1)) {
            self.notes.add(Fault::OverLimit);
            (String::new(), Vec::new())
        } else {
            key
        };
        if !self.tables.contains_key(&key) {
            let table = emit.table(self.path, &key.0, key.1.clone(), !key.1.is_empty());
            self.tables.insert(key.clone(), (table, 0));
        }
        key
    }

    /// The tuples of one statement.
    fn rows(&mut self, text: &mut Text<'_>, head: Head, emit: &mut Emit<'_>) -> Flow {
        let key = self.table(head, emit);
        loop {
            let full = text.bytes().len() >= ROW_BYTES_MAX;
            match tuple(text.bytes(), self.escapes, &mut self.cells) {
                Tuple::Row(length) => {
                    text.take(length);
                    self.row(&key, emit)?;
                }
                Tuple::End(length) => {
                    text.take(length);
                    return Flow::Continue(());
                }
                Tuple::More if !full && text.more() => {}
                Tuple::More => {
                    let fault = if text.is_ended() { Fault::CutShort } else { Fault::OverLimit };
                    if !text.bytes().is_empty() {
                        self.lose(text, fault);
                    }
                    return Flow::Continue(());
                }
                Tuple::Broken => {
                    self.lose(text, Fault::Damaged);
                    return Flow::Continue(());
                }
            }
        }
    }

    /// After damage the reading goes on at the next statement that begins a line.
    fn resume(text: &mut Text<'_>) {
        loop {
            let window = text.bytes();
            let next = memmem::find(window, b"\nINSERT")
                .into_iter()
                .chain(memmem::find(window, b"\nCREATE"))
                .chain(memmem::find(window, b"\nCOPY"))
                .min();
            if let Some(at) = next {
                text.take(at + 1);
                return;
            }
            // The mark may lie across the end of the window.
            text.take(window.len().saturating_sub(8).max(usize::from(text.is_ended()) * window.len()));
            if !text.more() {
                text.take(text.bytes().len());
                return;
            }
        }
    }

    fn row(&mut self, key: &(String, Vec<String>), emit: &mut Emit<'_>) -> Flow {
        if self.cells.len() > COLUMNS_MAX {
            self.notes.add(Fault::TooManyColumns);
            return Flow::Continue(());
        }
        let Some((table, number)) = self.tables.get_mut(key) else { return Flow::Continue(()) };
        *number += 1;
        emit.row(table, *number, &self.cells)
    }

    /// The lines of COPY, up to the one that ends them.
    fn lines(&mut self, text: &mut Text<'_>, head: Head, emit: &mut Emit<'_>) -> Flow {
        let key = self.table(head, emit);
        loop {
            let window = text.bytes();
            let Some(length) = memchr::memchr(b'\n', window) else {
                if window.len() < ROW_BYTES_MAX && text.more() {
                    continue;
                }
                if !text.bytes().is_empty() {
                    self.notes.add(if text.is_ended() { Fault::CutShort } else { Fault::OverLimit });
                }
                text.take(text.bytes().len());
                if text.is_ended() {
                    return Flow::Continue(());
                }
                continue;
            };
            let line = window.get(..length).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let ends = line == b"\\.";
            if !ends {
                copy::line(line, &mut self.cells);
            }
            text.take(length + 1);
            if ends {
                return Flow::Continue(());
            }
            self.row(&key, emit)?;
        }
    }
}
