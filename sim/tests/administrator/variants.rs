//! Rewritten logs, older copies and exchanged ciphertexts, drawn from a seed.

use rusqlite::Connection;
use sim::Result;
use sim::adversary::administrator::{Abuse, Administrator, Attempt, Noticed, Outcome, Scene};
use sim::adversary::segments::{PARTS, exchange, frames};
use sim::random::Random;
use std::path::Path;

/// Attempts of each kind.
pub const OF_EACH: u64 = 24;

/// What is done.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The log is written anew: its events, its files.
    Log,
    /// Something is put back to what it was.
    Older,
    /// Ciphertexts change places.
    Ciphertext,
}

/// One attempt: what was done, and what came of it.
pub fn try_one(scene: &Scene<'_>, kind: Kind, seed: u64) -> Result<(String, Outcome)> {
    let mut random = Random::new(seed);
    let (told, is_witnessed) = match kind {
        Kind::Log => (log(scene, &mut random)?, false),
        Kind::Older => older(scene, &mut random)?,
        Kind::Ciphertext => (ciphertexts(scene, &mut random)?, false),
    };
    let attempt = if is_witnessed { Attempt::Witnessed(|_| Ok(())) } else { Attempt::Files(|_| Ok(())) };
    let abuse = Abuse { name: "", by: Administrator::Database, hope: "", noticed: Noticed::Nothing, attempt };
    Ok((told, scene.try_out(&abuse)?))
}

fn number(db: &Connection, sql: &str) -> Result<u64> {
    Ok(u64::try_from(db.query_row(sql, [], |row| row.get::<_, i64>(0))?)?)
}

fn log(scene: &Scene<'_>, random: &mut Random) -> Result<String> {
    let db = Connection::open(scene.data.join("keyservice/state.sqlite"))?;
    let size = number(&db, "SELECT count(*) FROM event")?;
    let (one, other) = (random.below(size), random.below(size));
    let other = if one == other { (one + 1) % size } else { other };
    let sql = match random.below(7) {
        0 => format!("DELETE FROM event WHERE position >= {}", one.max(1)),
        1 => format!("DELETE FROM event WHERE position = {one}"),
        2 => format!("UPDATE event SET sealed = (SELECT sealed FROM event WHERE position = {other}) WHERE position = {one}"),
        3 => format!("UPDATE event SET sealed = randomblob(length(sealed)) WHERE position = {one}"),
        4 => format!(
            "UPDATE event SET position = -1 WHERE position = {one}; UPDATE event SET position = {one} WHERE position = {other};
             UPDATE event SET position = {other} WHERE position = -1"
        ),
        5 => format!("UPDATE event_tag SET tags = randomblob(length(tags)) WHERE position = {one}"),
        _ => return file(scene, random),
    };
    db.execute_batch(&sql)?;
    Ok(sql)
}

/// A file of the ledger that proves something, changed.
fn file(scene: &Scene<'_>, random: &mut Random) -> Result<String> {
    let ledger = scene.data.join("keyservice/ledger");
    let files = sim::kept::files(&ledger)?;
    let widest = |kind: &str| {
        let of_kind = files.iter().filter(|path| path.starts_with(ledger.join("tile").join(kind)));
        of_kind.max_by_key(|path| path.metadata().map_or(0, |data| data.len())).cloned()
    };
    let chosen = [widest("0"), widest("entries"), Some(ledger.join("checkpoint"))];
    let path = chosen.get(random.index(3)).cloned().flatten().ok_or("no such file")?;
    let mut bytes = std::fs::read(&path)?;
    let at = random.index(bytes.len());
    *bytes.get_mut(at).ok_or("an empty file")? ^= 4;
    std::fs::write(&path, bytes)?;
    Ok(format!("byte {at} of {}", path.display()))
}

/// What is put back, and whether only a witness can know.
fn older(scene: &Scene<'_>, random: &mut Random) -> Result<(String, bool)> {
    match random.below(4) {
        0 => {
            scene.put_back("keyservice/state.sqlite")?;
            scene.put_back("keyservice/ledger")?;
            Ok(("state and ledger".into(), true))
        }
        1 => {
            scene.put_back("keyservice")?;
            Ok(("the key service's folder".into(), true))
        }
        2 => {
            scene.put_back("keyservice/state.sqlite")?;
            Ok(("the state".into(), false))
        }
        _ => Ok((tables(scene, random)?, false)),
    }
}

/// Some of the tables, as they were.
fn tables(scene: &Scene<'_>, random: &mut Random) -> Result<String> {
    let state = |base: &Path| base.join("keyservice/state.sqlite");
    let db = Connection::open(state(&scene.data))?;
    db.execute("ATTACH ?1 AS older", [state(&scene.base.older).display().to_string()])?;
    let differs = |table: &&str| {
        let sql = |a, b| format!("SELECT count(*) FROM (SELECT * FROM {a}.{table} EXCEPT SELECT * FROM {b}.{table})");
        let count = |a, b| number(&db, &sql(a, b)).unwrap_or(0);
        count("main", "older") + count("older", "main") > 0
    };
    let all = [
        "frozen",
        "charge",
        "person",
        "quorum_fact",
        "proposal",
        "relation",
        "treated",
        "identifier",
        "event",
        "hold",
        "habit",
    ];
    let changed: Vec<&str> = all.into_iter().filter(|table| differs(table)).collect();
    let first = random.index(changed.len());
    let chosen: Vec<&str> =
        changed.iter().enumerate().filter(|(at, _)| *at == first || random.chance(1, 3)).map(|(_, t)| *t).collect();
    for table in &chosen {
        db.execute_batch(&format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM older.{table}"))?;
    }
    if random.chance(1, 2) {
        db.execute_batch(
            "UPDATE main.meta SET value = (SELECT value FROM older.meta WHERE name = 'inventory') WHERE name = 'inventory'",
        )?;
    }
    Ok(format!("the tables {chosen:?}"))
}

/// Two parts that are as long as each other, in each other's place.
fn ciphertexts(scene: &Scene<'_>, random: &mut Random) -> Result<String> {
    let mut frames = frames(&scene.data.join("archive"))?;
    for _ in 0..1_000 {
        let (one, other) = (random.index(frames.len()), random.index(frames.len()));
        let name = |random: &mut Random| PARTS.get(random.index(3)).copied().ok_or("no part");
        let (its, others) = (name(random)?, name(random)?);
        let length = |at: usize, part| {
            let record = frames.get(at).and_then(|frame| frame.records.first());
            record.map(|record| sim::adversary::segments::extent(record, part).sealed_bytes)
        };
        let hashed = random.chance(3, 4);
        if length(one, its) != length(other, others) {
            continue;
        }
        if exchange(&mut frames, (one, its), (other, others), hashed).is_ok() {
            return Ok(format!("{its:?} of {one} and {others:?} of {other}, hashes made anew: {hashed}"));
        }
    }
    Err("no two parts are as long as each other".into())
}
