//! JSON and JSON lines (RFC 8259): the records of arrays, wherever they lie, are rows. A text of any length is streamed.

mod flatten;
mod scan;

use crate::sample::emit::{Emit, Notes, cut};
use crate::sample::limits::{HEADINGS_BYTES_MAX, JSON_DEPTH_MAX, ROW_BYTES_MAX, SHEETS_MAX};
use crate::sample::piece::{Cells, Flow, Table};
use crate::sample::remark::Fault;
use crate::sample::text::Text;
use flatten::{Flat, unescape};
use memchr::{memchr, memmem};
use scan::{Scan, scan, spaces};
use std::collections::BTreeMap;

/// Values that are broken, after which the rest is passed over: each costs a look at [`ROW_BYTES_MAX`] bytes.
const BROKEN_MAX: u64 = 64;

/// Whether a text that begins so is JSON.
pub(crate) fn is_json(head: &[u8]) -> bool {
    let text = head.get(spaces(head)..).unwrap_or_default();
    let inside = text.get(1..).unwrap_or_default();
    let inside = inside.get(spaces(inside)..).unwrap_or_default();
    // What follows the first word: a text may begin with a bracket and be no JSON.
    let follows = |sign: &[u8]| match scan(inside, true, 1) {
        Scan::End(length) => {
            let rest = inside.get(length..).unwrap_or_default();
            rest.get(spaces(rest)).is_none_or(|next| sign.contains(next))
        }
        _ => false,
    };
    match (text.first(), inside.first()) {
        (Some(b'{'), Some(b'"')) => follows(b":"),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b'{' | b'[' | b']')) => true,
        (Some(b'['), Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')) => follows(b",]"),
        _ => false,
    }
}

/// Reads a text to its end.
pub(crate) fn read(text: &mut Text<'_>, path: &str, emit: &mut Emit<'_>) -> Flow {
    let mut reader = Reader {
        path,
        tables: BTreeMap::new(),
        cells: Cells::default(),
        notes: Notes::default(),
        broken: 0,
        values: 0,
        room: HEADINGS_BYTES_MAX,
    };
    let mut flow = Flow::Continue(());
    while flow.is_continue() && present(text) {
        flow = reader.value(text, "", 0, emit);
        reader.values += 1;
    }
    if let Some(fault) = text.fault() {
        reader.notes.add(fault);
    }
    reader.notes.many(Fault::Encoding, text.mended());
    emit.notes(path, reader.notes);
    flow?;
    for (_, shelf) in reader.tables {
        emit.end(&shelf.table)?;
    }
    Flow::Continue(())
}

struct Shelf {
    table: Table,
    flat: Flat,
    number: u64,
}

struct Reader<'p> {
    path: &'p str,
    tables: BTreeMap<String, Shelf>,
    cells: Cells,
    notes: Notes,
    broken: u64,
    values: u64,
    // Bytes that headings may still have.
    room: usize,
}

/// Passes over spaces and commas; whether something follows.
fn present(text: &mut Text<'_>) -> bool {
    loop {
        let window = text.bytes();
        let passed =
            window.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',')).unwrap_or(window.len());
        text.take(passed);
        if !text.bytes().is_empty() {
            return true;
        }
        if !text.more() {
            return false;
        }
    }
}

impl Reader<'_> {
    /// Reads the value that the window begins with.
    fn value(&mut self, text: &mut Text<'_>, name: &str, depth: usize, emit: &mut Emit<'_>) -> Flow {
        match text.bytes().first() {
            Some(b'[') if depth < JSON_DEPTH_MAX => self.array(text, name, depth, emit),
            Some(b'{') => match self.whole(text, depth) {
                // A value alone that holds lists of records is what they lie in; among others it is a record.
                Ok(length) if depth < JSON_DEPTH_MAX && self.is_container(text, length, depth) => {
                    self.object(text, name, depth, emit)
                }
                Ok(length) => self.record(text, length, name, emit),
                Err(Scan::More) if depth < JSON_DEPTH_MAX && !text.is_ended() => self.object(text, name, depth, emit),
                Err(fault) => self.damage(text, fault),
            },
            _ => match self.whole(text, depth) {
                Ok(length) if depth > 0 => self.record(text, length, name, emit),
                Ok(length) => {
                    text.take(length);
                    Flow::Continue(())
                }
                Err(fault) => self.damage(text, fault),
            },
        }
    }

    /// The length of the value at the beginning of the window, which grows until it holds it.
    fn whole(&self, text: &mut Text<'_>, depth: usize) -> Result<usize, Scan> {
        loop {
            let found = scan(text.bytes(), text.is_ended(), JSON_DEPTH_MAX.saturating_sub(depth));
            match found {
                Scan::End(length) => return Ok(length),
                Scan::More if text.bytes().len() < ROW_BYTES_MAX && text.more() => {}
                other => return Err(other),
            }
        }
    }

    /// Whether an object holds lists of records, rather than being one.
    fn is_container(&self, text: &mut Text<'_>, length: usize, depth: usize) -> bool {
        let holds = |window: &[u8]| {
            let object = window.get(..length).unwrap_or_default();
            let starts = memchr::memchr_iter(b'[', object);
            let mut lists = starts.filter(|at| {
                let inside = object.get(at + 1..).unwrap_or_default();
                inside.get(spaces(inside)) == Some(&b'{')
            });
            lists.next().is_some()
        };
        let is_resource = |window: &[u8]| {
            let object = window.get(..length).unwrap_or_default();
            memmem::find(object, b"\"resourceType\"").is_some() && memmem::find(object, b"\"Bundle\"").is_none()
        };
        if !holds(text.bytes()) || is_resource(text.bytes()) {
            return false;
        }
        if depth > 0 {
            return true;
        }
        loop {
            let rest = text.bytes().get(length..).unwrap_or_default();
            if spaces(rest) < rest.len() {
                return false;
            }
            if !text.more() {
                return self.values == 0;
            }
        }
    }

    fn array(&mut self, text: &mut Text<'_>, name: &str, depth: usize, emit: &mut Emit<'_>) -> Flow {
        text.take(1);
        while present(text) {
            match text.bytes().first() {
                Some(b']') => {
                    text.take(1);
                    return Flow::Continue(());
                }
                Some(b'{') => match self.whole(text, depth + 1) {
                    Ok(length) => self.record(text, length, name, emit)?,
                    Err(fault) => self.damage(text, fault)?,
                },
                // A row may be a list of its cells.
                Some(b'[') => match self.whole(text, depth + 1) {
                    Ok(length) => self.record(text, length, name, emit)?,
                    Err(Scan::More) if !text.is_ended() && depth < JSON_DEPTH_MAX => {
                        self.array(text, name, depth + 1, emit)?
                    }
                    Err(fault) => self.damage(text, fault)?,
                },
                _ => self.value(text, name, depth + 1, emit)?,
            }
        }
        self.notes.add(Fault::CutShort);
        Flow::Continue(())
    }

    /// An object whose members are lists: each is a table.
    fn object(&mut self, text: &mut Text<'_>, name: &str, depth: usize, emit: &mut Emit<'_>) -> Flow {
        text.take(1);
        while present(text) {
            match text.bytes().first() {
                Some(b'}') => {
                    text.take(1);
                    return Flow::Continue(());
                }
                Some(b'"') => {}
                _ => return self.damage(text, Scan::Broken),
            }
            let length = match self.whole(text, depth + 1) {
                Ok(length) => length,
                Err(fault) => return self.damage(text, fault),
            };
            let key = text.bytes().get(1..length.saturating_sub(1)).unwrap_or_default();
            let mut member = Vec::new();
            unescape(key, &mut member);
            let member = cut(&String::from_utf8_lossy(&member));
            let inner = if name.is_empty() { member } else { cut(&format!("{name}.{member}")) };
            text.take(length);
            if !present(text) || text.bytes().first() != Some(&b':') {
                return self.damage(text, Scan::Broken);
            }
            text.take(1);
            if !present(text) {
                break;
            }
            match text.bytes().first() {
                Some(b'{' | b'[') => self.value(text, &inner, depth + 1, emit)?,
                _ => match self.whole(text, depth + 1) {
                    Ok(length) => text.take(length),
                    Err(fault) => return self.damage(text, fault),
                },
            }
        }
        self.notes.add(Fault::CutShort);
        Flow::Continue(())
    }

    fn record(&mut self, text: &mut Text<'_>, length: usize, name: &str, emit: &mut Emit<'_>) -> Flow {
        let is_new = !self.tables.contains_key(name);
        let name = if is_new && self.tables.len() >= SHEETS_MAX {
            self.notes.add(Fault::OverLimit);
            ""
        } else {
            name
        };
        let shelf = self.tables.entry(name.to_owned()).or_insert_with(|| Shelf {
            table: emit.table(self.path, name, Vec::new(), true),
            flat: Flat::default(),
            number: 0,
        });
        let before = shelf.flat.headings;
        shelf.flat.headings_max = before + self.room;
        let value = text.bytes().get(..length).unwrap_or_default();
        let read = shelf.flat.record(value, &mut shelf.table.columns, &mut self.cells);
        self.room = self.room.saturating_sub(shelf.flat.headings - before);
        if shelf.flat.is_too_wide {
            self.notes.add(Fault::TooManyColumns);
        }
        text.take(length);
        if read.is_none() {
            self.notes.add(Fault::Damaged);
            return Flow::Continue(());
        }
        shelf.number += 1;
        emit.row(&shelf.table, shelf.number, &self.cells)
    }

    /// Goes on behind what is no value: at the next line.
    fn damage(&mut self, text: &mut Text<'_>, found: Scan) -> Flow {
        self.broken += 1;
        let is_cut = text.is_ended() && found == Scan::More;
        self.notes.add(match found {
            Scan::Deep => Fault::TooDeep,
            Scan::More if !is_cut => Fault::OverLimit,
            Scan::More => Fault::CutShort,
            _ => Fault::Damaged,
        });
        if self.broken > BROKEN_MAX {
            self.notes.add(Fault::OverLimit);
        }
        // What is not there begins with the byte that is passed over in any case.
        text.take(1);
        loop {
            let line = memchr(b'\n', text.bytes()).filter(|_| self.broken <= BROKEN_MAX && !is_cut);
            if let Some(line) = line {
                text.take(line + 1);
                return Flow::Continue(());
            }
            text.take(text.bytes().len());
            if !text.more() {
                return Flow::Continue(());
            }
        }
    }
}
