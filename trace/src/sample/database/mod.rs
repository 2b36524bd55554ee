//! SQLite files, by a reader of our own: the rows of ordinary tables are taken from the pages of their trees.
//!
//! A database file of a stranger is not opened by a database engine: schemas hold SQL, triggers and views that an engine acts on,
//! and damaged trees have been a way into it. This reader knows pages and records alone, and each page is looked at once.

mod pages;
mod record;

use super::emit::{Emit, Notes, cut};
use super::limits::{COLUMNS_MAX, ROW_BYTES_MAX, SHEETS_MAX, TREE_DEPTH_MAX};
use super::piece::{Cells, Flow};
use super::remark::Fault;
use super::table::sql::declaration;
use super::walk::Random;
use pages::{Pages, long, short};
use record::{Encoding, Values, read_varint};
use std::io::Result;

/// A table that the schema names.
struct Declared {
    name: String,
    root: u32,
    columns: Vec<String>,
    /// The column that is the row's number, which its record leaves out.
    number: Option<usize>,
}

/// Reads all tables of a database.
pub(crate) fn read(file: &mut dyn Random, path: &str, emit: &mut Emit<'_>) -> Flow {
    let mut notes = Notes::default();
    let flow = match Pages::open(file) {
        Ok(pages) => tables(pages, path, emit, &mut notes),
        Err(error) => {
            notes.add(Fault::from(&error));
            Flow::Continue(())
        }
    };
    emit.notes(path, notes);
    flow
}

fn tables(mut pages: Pages<'_>, path: &str, emit: &mut Emit<'_>, notes: &mut Notes) -> Flow {
    if pages.has_log {
        notes.add(Fault::Pending);
    }
    let mut declared = Vec::new();
    let schema = tree(&mut pages, 1, notes, &mut |values, _| {
        if declared.len() < SHEETS_MAX {
            declared.extend(declaration_of(values));
        }
        Flow::Continue(())
    });
    schema?;
    for table in declared {
        // The database's own tables hold counters and statistics.
        if table.name.starts_with("sqlite_") {
            continue;
        }
        let is_headed = !table.columns.is_empty();
        let shown = emit.table(path, &cut(&table.name), table.columns, is_headed);
        let (mut cells, mut number) = (Cells::default(), 0);
        tree(&mut pages, table.root, notes, &mut |values, row| {
            cells.clear();
            for (at, value) in values.cells().enumerate().take(COLUMNS_MAX) {
                if table.number == Some(at) {
                    cells.push(row.to_string().as_bytes());
                } else {
                    value.write(&mut cells);
                }
                cells.close();
            }
            number += 1;
            emit.row(&shown, number, &cells)
        })?;
        emit.end(&shown)?;
    }
    Flow::Continue(())
}

/// A row of the schema: type, name, table, root page, SQL.
fn declaration_of(values: &Values<'_>) -> Option<Declared> {
    let mut cells = Cells::default();
    for value in values.cells().take(5) {
        value.write(&mut cells);
        cells.close();
    }
    let row = cells.owned();
    let [kind, name, _, root, sql] = row.as_slice() else { return None };
    let root = root.parse().ok().filter(|root| *root > 0 && kind == "table")?;
    let columns = declaration(format!("{sql} ;").as_bytes(), false).map(|(_, columns)| columns).unwrap_or_default();
    Some(Declared { name: name.clone(), root, columns, number: number_column(sql) })
}

/// Which column is declared INTEGER PRIMARY KEY.
fn number_column(sql: &str) -> Option<usize> {
    let upper = sql.to_ascii_uppercase();
    let words: Vec<&str> = upper.split_ascii_whitespace().collect();
    let joined = words.join(" ");
    let end = joined.find("INTEGER PRIMARY KEY")?;
    let before = joined.get(..end)?;
    let inside = before.get(before.find('(')? + 1..)?;
    let (mut depth, mut commas) = (0_u32, 0);
    for letter in inside.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => commas += 1,
            _ => {}
        }
    }
    Some(commas)
}

/// Gives every record of a table's tree. Faults are noted, and what is whole beside them is given.
fn tree(pages: &mut Pages<'_>, root: u32, notes: &mut Notes, take: &mut dyn FnMut(&Values<'_>, i64) -> Flow) -> Flow {
    // Pages that are still to be looked at, the next one last, with their depth.
    let mut waiting = vec![(root, 0)];
    while let Some((number, depth)) = waiting.pop() {
        let page = match pages.page(number) {
            Ok(page) => page,
            Err(error) => {
                notes.add(Fault::from(&error));
                continue;
            }
        };
        let head = page.get(if number == 1 { 100 } else { 0 }..).unwrap_or_default();
        let count = usize::from(short(head, 3).unwrap_or(0));
        match head.first() {
            Some(5) if depth < TREE_DEPTH_MAX => {
                let mut children: Vec<u32> = (0..count)
                    .filter_map(|cell| short(head, 12 + 2 * cell).and_then(|at| long(&page, usize::from(at))))
                    .collect();
                children.extend(long(head, 8));
                waiting.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
                // A tree has no more pages than the file.
                if waiting.len() > pages.count() {
                    notes.add(Fault::Damaged);
                    return Flow::Continue(());
                }
            }
            Some(5) => notes.add(Fault::TooDeep),
            Some(13) => leaf(pages, &page, head, count, notes, take)?,
            // A table without row numbers keeps its rows in an index.
            Some(2 | 10) => notes.add(Fault::Unsupported),
            _ => notes.add(Fault::Damaged),
        }
    }
    Flow::Continue(())
}

fn leaf(
    pages: &mut Pages<'_>,
    page: &[u8],
    head: &[u8],
    count: usize,
    notes: &mut Notes,
    take: &mut dyn FnMut(&Values<'_>, i64) -> Flow,
) -> Flow {
    for cell in 0..count {
        let at = short(head, 8 + 2 * cell).map_or(0, usize::from);
        let payload = page.get(at..).filter(|_| at > 0).and_then(|text| payload(text, pages.usable()));
        let Some(payload) = payload else {
            notes.add(Fault::Damaged);
            continue;
        };
        if payload.length > ROW_BYTES_MAX {
            notes.add(Fault::OverLimit);
            continue;
        }
        let record = match whole(pages, &payload) {
            Ok(record) => record,
            Err(error) => {
                notes.add(Fault::from(&error));
                continue;
            }
        };
        let encoding = pages.encoding;
        match Values::of(&record, encoding) {
            Some(values) => take(&values, payload.row)?,
            None => notes.add(Fault::Damaged),
        }
    }
    Flow::Continue(())
}

/// A cell of a leaf: the record's length, the row's number, the part that lies in the page, and the page that it goes on in.
struct Payload<'p> {
    length: usize,
    row: i64,
    local: &'p [u8],
    overflow: Option<u32>,
}

fn payload(text: &[u8], usable: usize) -> Option<Payload<'_>> {
    let (length, used) = read_varint(text)?;
    let (row, more) = read_varint(text.get(used..)?)?;
    let length = usize::try_from(length).ok()?;
    let body = text.get(used + more..)?;
    let most = usable.checked_sub(35)?;
    let local = if length <= most {
        length
    } else {
        let least = usable.checked_sub(12)? * 32 / 255 - 23;
        let rest = least + (length - least) % (usable - 4);
        if rest <= most { rest } else { least }
    };
    let overflow = if local < length { Some(long(body, local)?) } else { None };
    Some(Payload { length, row, local: body.get(..local)?, overflow })
}

/// The record with what lies in other pages.
fn whole(pages: &mut Pages<'_>, payload: &Payload<'_>) -> Result<Vec<u8>> {
    let mut record = payload.local.to_vec();
    let mut next = payload.overflow;
    while record.len() < payload.length {
        let Some(number) = next.filter(|number| *number > 0) else { return Err(Fault::Damaged.into()) };
        let page = pages.page(number)?;
        let usable = pages.usable();
        let wanted = (payload.length - record.len()).min(usable.saturating_sub(4));
        let part = page.get(4..4 + wanted).ok_or(Fault::Damaged)?;
        record.extend_from_slice(part);
        next = long(&page, 0);
    }
    Ok(record)
}

/// How texts are written, by the number in the file's head.
fn encoding(number: u32) -> Encoding {
    match number {
        2 => Encoding::Utf16Little,
        3 => Encoding::Utf16Big,
        _ => Encoding::Utf8,
    }
}
