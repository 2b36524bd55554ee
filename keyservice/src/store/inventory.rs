//! The inventory: one row that says which rows the state has, so that a row that anybody else took away, put back, changed or
//! added is noticed at the next start, also where each row is sealed.
//!
//! It holds the sum (XOR) of a keyed hash of every row, and the number of the ledger's entries. Every connection that writes
//! keeps it, by triggers of its own: in the same transaction, through every savepoint, whichever code writes. Whoever sees the
//! sum could subtract a row from it, so it is masked anew each time. Events are not among the rows: each is a leaf of the
//! ledger, whose size is here; their tags carry proofs of their own ([`crate::report`]).
//!
//! While the service runs it does not add up again what it wrote itself; that nobody else writes is seen by SQLite's own
//! counter ([`check_alone`]).

use super::{MIGRATIONS, has_meta, meta, set_meta};
use crate::error::{Error, Result};
use crate::keys::Keys;
use aws_lc_rs::hmac;
use aws_lc_rs::rand;
use record::Outcome;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::cell::RefCell;

/// The name of the row.
const NAME: &str = "inventory";
/// Tables that are not summed up: what an event says is held by the ledger, and what a tag says by its proof.
const APART: [&str; 2] = ["event", "event_tag"];
/// What the proof of the root says where there has been an inventory from the first row on.
pub(super) const KEPT: &[u8] = b"root, inventory";

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 16;
const SUM_BYTES: usize = 32;

/// What the row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Inventory {
    /// Entries of the ledger.
    entries: u64,
    /// The sum of all rows.
    sum: [u8; SUM_BYTES],
}

/// Masks and proves.
#[derive(Clone)]
struct Ink(hmac::Key);

impl Ink {
    fn mac(&self, parts: &[&[u8]]) -> [u8; SUM_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut mac = [0; SUM_BYTES];
        for (to, from) in mac.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        mac
    }

    fn seal(&self, inventory: &Inventory) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
        let mut sealed = vec![FORMAT];
        sealed.extend(inventory.entries.to_be_bytes());
        sealed.extend(nonce);
        let mask = self.mac(&[b"mask", &nonce]);
        sealed.extend(inventory.sum.iter().zip(mask).map(|(sum, mask)| sum ^ mask));
        let proof = self.mac(&[b"proof", &sealed]);
        sealed.extend(proof);
        Ok(sealed)
    }

    fn open(&self, sealed: &[u8]) -> Option<Inventory> {
        let (body, proof) = sealed.split_last_chunk::<SUM_BYTES>()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.mac(&[b"proof", body]), proof).ok()?;
        let (entries, rest) = body.strip_prefix(&[FORMAT])?.split_first_chunk()?;
        let (nonce, masked) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let masked: &[u8; SUM_BYTES] = masked.try_into().ok()?;
        let mut sum = self.mac(&[b"mask", nonce]);
        toggle(&mut sum, masked);
        Some(Inventory { entries: u64::from_be_bytes(*entries), sum })
    }

    /// The hash of one row: the values with their types and lengths, so that no two rows are written alike.
    fn row<'v>(&self, table: &str, values: impl Iterator<Item = ValueRef<'v>>) -> [u8; SUM_BYTES] {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend(table.as_bytes());
        for value in values {
            let (kind, text): (u8, &[u8]) = match value {
                ValueRef::Null => (0, &[]),
                ValueRef::Integer(number) => (1, &number.to_be_bytes()),
                ValueRef::Real(number) => (2, &number.to_be_bytes()),
                ValueRef::Text(text) => (3, text),
                ValueRef::Blob(blob) => (4, blob),
            };
            bytes.push(0);
            bytes.push(kind);
            bytes.extend(text.len().to_be_bytes());
            bytes.extend(text);
        }
        self.mac(&[b"row", &bytes])
    }
}

fn toggle(sum: &mut [u8; SUM_BYTES], by: &[u8; SUM_BYTES]) {
    for (to, from) in sum.iter_mut().zip(by) {
        *to ^= from;
    }
}

/// Holds the state against its inventory, or begins one, and from then on has this connection keep it.
///
/// # Errors
/// Damaged for a state with rows that this service did not leave there.
pub(super) fn open(db: &Connection, keys: &Keys, is_kept: bool) -> Result<()> {
    // Whatever anybody writes from here on is not among what is looked at.
    db.execute_batch("CREATE TEMP TABLE alone AS SELECT data_version AS version FROM pragma_data_version")?;
    check_schema(db)?;
    let ink = Ink(keys.inventory.clone());
    let (tables, found) = (tables(db)?, Inventory { entries: super::events::size(db)?, sum: [0; SUM_BYTES] });
    let found = tables.iter().try_fold(found, |mut found, table| {
        table.each(db, &mut |row| {
            toggle(&mut found.sum, &table.hash(&ink, row)?);
            Ok(())
        })?;
        Ok::<_, Error>(found)
    })?;
    if is_kept {
        let sealed = if has_meta(db, NAME)? { meta(db, NAME, || Ok(Vec::new()))? } else { Vec::new() };
        let told =
            ink.open(&sealed).ok_or_else(|| Error::damaged("the inventory of the state is not what was written"))?;
        if told.entries != found.entries {
            let text =
                format!("the state has {} entries of {}: it was set back, or changed", found.entries, told.entries);
            return Err(Error::damaged(text));
        }
        if told != found {
            return Err(Error::damaged(
                "somebody else has changed rows of the state: `restore` puts a backup in force",
            ));
        }
    } else {
        set_meta(db, NAME, &ink.seal(&found)?)?;
    }
    keep(db, &ink, &tables)
}

/// Whether nobody else has written since [`open`] looked.
///
/// # Errors
/// Damaged if somebody has: what else was written stands then beside what this service decides by.
pub fn check_alone(db: &Connection) -> Result<()> {
    let number = |sql| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    if number("PRAGMA data_version")? == number("SELECT version FROM temp.alone")? {
        return Ok(());
    }
    Err(Error::damaged("somebody else has written to the state while it was served"))
}

/// The tables, triggers and indexes are those that the program makes, and none beside them: a trigger of somebody else's would act
/// in this service's name.
fn check_schema(db: &Connection) -> Result<()> {
    let own = Connection::open_in_memory()?;
    for sql in MIGRATIONS {
        own.execute_batch(sql)?;
    }
    if schema(&own)? == schema(db)? {
        return Ok(());
    }
    Err(Error::damaged("the tables of the state are not those that this program makes"))
}

fn schema(db: &Connection) -> Result<Vec<[String; 4]>> {
    // What SQLite keeps about the contents of indexes for itself says nothing and decides nothing: two tables by their very names,
    // as anything that is only called alike could be a trigger.
    let mut statement = db.prepare(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema
         WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4')) ORDER BY 1, 2",
    )?;
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// A table that is summed up.
struct Table {
    name: String,
    columns: Vec<String>,
}

impl Table {
    fn each(&self, db: &Connection, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let is_own = if self.name == "meta" { format!(" WHERE name <> '{NAME}'") } else { String::new() };
        let sql = format!("SELECT {} FROM main.\"{}\"{is_own}", self.listed(""), self.name);
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    fn hash(&self, ink: &Ink, row: &Row<'_>) -> Result<[u8; SUM_BYTES]> {
        let values = (0..self.columns.len()).map(|at| row.get_ref(at)).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(ink.row(&self.name, values.into_iter()))
    }

    fn listed(&self, of: &str) -> String {
        self.columns.iter().map(|column| format!("{of}\"{column}\"")).collect::<Vec<_>>().join(", ")
    }

    /// The triggers that keep the inventory of this table.
    fn triggers(&self) -> String {
        let name = &self.name;
        [("INSERT", "1", vec!["NEW."]), ("DELETE", "1", vec!["OLD."]), ("UPDATE", "2", vec!["OLD.", "NEW."])]
            .map(|(event, rows, of)| {
                // The row itself lies in a table that is summed up.
                let when = match (name.as_str(), of.first()) {
                    ("meta", Some(of)) => format!("WHEN {of}name <> '{NAME}'"),
                    _ => String::new(),
                };
                let values = of.iter().map(|of| self.listed(of)).collect::<Vec<_>>().join(", ");
                format!(
                    "CREATE TEMP TRIGGER inventory_{name}_{event} AFTER {event} ON main.\"{name}\" {when} BEGIN
                         UPDATE meta SET value = inventory(value, '{name}', {rows}, {values}) WHERE name = '{NAME}';
                     END;"
                )
            })
            .concat()
    }
}

fn tables(db: &Connection) -> Result<Vec<Table>> {
    let mut statement = db.prepare(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut tables = Vec::new();
    for name in names {
        let name = name?;
        if APART.contains(&name.as_str()) {
            continue;
        }
        let mut columns = db.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns = columns.query_map([&name], |row| row.get(0))?.collect::<std::result::Result<_, _>>()?;
        tables.push(Table { name, columns });
    }
    Ok(tables)
}

/// Has this connection keep the inventory.
fn keep(db: &Connection, ink: &Ink, tables: &[Table]) -> Result<()> {
    // A row that takes another's place goes through the triggers of a deletion only so.
    db.pragma_update(None, "recursive_triggers", "ON")?;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let hand = Hand { ink: ink.clone(), last: RefCell::new(None) };
    db.create_scalar_function("inventory", -1, flags, move |call| hand.account(call))?;
    let hand = Hand { ink: ink.clone(), last: RefCell::new(None) };
    db.create_scalar_function("inventory_entries", 2, flags, move |call| hand.lengthen(call))?;
    db.execute_batch(&tables.iter().map(Table::triggers).collect::<String>())?;
    db.execute_batch(&format!(
        "CREATE TEMP TRIGGER inventory_entries AFTER INSERT ON main.event BEGIN
             UPDATE meta SET value = inventory_entries(value, NEW.position + 1) WHERE name = '{NAME}';
         END;"
    ))?;
    Ok(())
}

/// Writes the row anew for SQLite.
struct Hand {
    ink: Ink,
    /// What was written last, and what it says: it need not be opened again.
    last: RefCell<Option<(Vec<u8>, Inventory)>>,
}

type Called<T> = rusqlite::Result<T>;

impl Hand {
    fn begin(&self, call: &Context<'_>) -> Called<Inventory> {
        let failed = || rusqlite::Error::UserFunctionError("the inventory is not what was written".into());
        let before = call.get_raw(0).as_blob().map_err(|_| failed())?;
        match &*self.last.borrow() {
            Some((written, inventory)) if written == before => Ok(*inventory),
            _ => self.ink.open(before).ok_or_else(failed),
        }
    }

    fn end(&self, inventory: Inventory) -> Called<Vec<u8>> {
        let sealed = self.ink.seal(&inventory).map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))?;
        self.last.replace(Some((sealed.clone(), inventory)));
        Ok(sealed)
    }

    /// `inventory(row, table, n, values of n rows)`: each of the rows comes or goes.
    fn account(&self, call: &Context<'_>) -> Called<Vec<u8>> {
        const FIRST: usize = 3;
        let mut inventory = self.begin(call)?;
        let (table, rows): (String, u8) = (call.get(1)?, call.get(2)?);
        let rows = usize::from(rows);
        let columns = call.len().saturating_sub(FIRST).checked_div(rows).unwrap_or(0);
        for row in 0..rows {
            let from = FIRST + row * columns;
            let hash = self.ink.row(&table, (from..from + columns).map(|at| call.get_raw(at)));
            toggle(&mut inventory.sum, &hash);
        }
        self.end(inventory)
    }

    /// `inventory_entries(row, n)`: the ledger has n entries.
    fn lengthen(&self, call: &Context<'_>) -> Called<Vec<u8>> {
        let inventory = self.begin(call)?;
        let entries = u64::try_from(call.get::<i64>(1)?).unwrap_or(0);
        self.end(Inventory { entries, ..inventory })
    }
}

#[cfg(test)]
mod tests;
