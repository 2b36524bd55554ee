//! Rows that somebody else changed, each noticed; and what this service does itself, in every way in which SQL can do it.

use super::*;
use crate::store::{check_root, open as open_state};
use seal::root::Base;
use seal::vault::Vault;
use std::path::Path;

fn keys() -> Keys {
    Keys::derive(Base::generate().unwrap(), Vault::generate().unwrap().reserving(10)).unwrap()
}

fn started(folder: &Path, keys: &Keys) -> Result<Connection> {
    let db = open_state(folder)?;
    check_root(&db, keys)?;
    Ok(db)
}

const OWN: [&str; 9] = [
    "INSERT INTO frozen (actor, sealed) VALUES ('a', x'01'), ('b', x'02')",
    "INSERT OR REPLACE INTO frozen (actor, sealed) VALUES ('a', x'03')",
    "INSERT OR IGNORE INTO frozen (actor, sealed) VALUES ('b', x'04'), ('c', x'05')",
    "INSERT INTO frozen (actor, sealed) VALUES ('a', x'06') ON CONFLICT (actor) DO UPDATE SET sealed = excluded.sealed",
    "INSERT INTO charge (id, at, sealed) VALUES (1, 5, x'00'), (2, 6, x'01'), (3, 7, x'02')",
    "DELETE FROM charge WHERE id < 2",
    "UPDATE charge SET at = at + 1, id = id + 10",
    "INSERT OR REPLACE INTO meta (name, value) VALUES ('origin', x'41')",
    "INSERT INTO event (position, sealed) VALUES (0, x'00'), (1, x'01')",
];

#[test]
fn what_this_service_writes_is_what_it_finds() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), keys());
    for statement in OWN {
        let db = started(folder.path(), &keys).unwrap();
        db.execute_batch(statement).unwrap();
        // What is rolled back was never there.
        db.execute_batch("BEGIN; SAVEPOINT one; DELETE FROM frozen; DELETE FROM charge; ROLLBACK TO one; COMMIT")
            .unwrap();
        db.execute_batch("BEGIN; INSERT INTO canary (sealed) VALUES (x'07'); ROLLBACK").unwrap();
        check_alone(&db).unwrap();
        drop(db);
        started(folder.path(), &keys).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[test]
fn whatever_somebody_else_changed_is_noticed() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), keys());
    let db = started(folder.path(), &keys).unwrap();
    OWN.iter().for_each(|statement| db.execute_batch(statement).unwrap());
    let older: Vec<u8> = db.query_row("SELECT value FROM meta WHERE name = 'inventory'", [], |row| row.get(0)).unwrap();
    db.execute_batch("INSERT INTO charge (id, at, sealed) VALUES (20, 9, x'09')").unwrap();
    drop(db);
    let file = folder.path().join(crate::store::FILE_NAME);
    let kept = std::fs::read(&file).unwrap();
    let older = format!("UPDATE meta SET value = x'{}' WHERE name = 'inventory'", hex::encode(older));
    for change in [
        "DELETE FROM charge WHERE id = 20",
        "DELETE FROM charge",
        "UPDATE charge SET at = 1 WHERE id = 20",
        "DELETE FROM frozen WHERE actor = 'a'",
        "UPDATE frozen SET actor = 'd' WHERE actor = 'a'",
        "INSERT INTO used_once (tag, until) VALUES (x'00', 1)",
        "DELETE FROM meta WHERE name = 'origin'",
        "DELETE FROM meta WHERE name = 'inventory'",
        "DELETE FROM meta WHERE name = 'root'",
        "DELETE FROM meta",
        "DELETE FROM event WHERE position = 1",
        "CREATE TRIGGER quiet AFTER INSERT ON charge BEGIN DELETE FROM charge WHERE id = NEW.id; END",
        "CREATE TRIGGER sqlitexstat9 AFTER INSERT ON charge BEGIN DELETE FROM charge WHERE id = NEW.id; END",
        "CREATE TRIGGER SQLITExSTAT1 AFTER INSERT ON charge BEGIN DELETE FROM charge WHERE id = NEW.id; END",
        "PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_stat1', 'charge', 0,
             'CREATE TRIGGER sqlite_stat1 AFTER INSERT ON charge BEGIN DELETE FROM charge WHERE id = NEW.id; END')",
        "CREATE UNIQUE INDEX sqlitexstat1 ON charge (id, at)",
        "CREATE VIEW sqlitexstat1 AS SELECT 1",
        "CREATE TABLE sqlitexstat1 (id INTEGER)",
        "CREATE TABLE other (id INTEGER)",
        "DROP INDEX used_once_until",
        "PRAGMA user_version = 1",
        older.as_str(),
    ] {
        Connection::open(&file).unwrap().execute_batch(change).unwrap();
        let error = started(folder.path(), &keys).expect_err(change);
        assert_eq!(error.outcome(), Outcome::Damaged, "{change}");
        std::fs::write(&file, &kept).unwrap();
    }
    started(folder.path(), &keys).unwrap();
}

#[test]
fn somebody_else_who_writes_meanwhile_is_noticed_and_a_reader_is_not() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), keys());
    let db = started(folder.path(), &keys).unwrap();
    let file = folder.path().join(crate::store::FILE_NAME);
    let other = Connection::open(&file).unwrap();
    for n in 0..3 {
        let rows: i64 = other.query_row("SELECT count(*) FROM charge", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, n);
        db.execute("INSERT INTO charge (id, at, sealed) VALUES (?1, 1, x'00')", [n]).unwrap();
        crate::store::truncate_log(&db).unwrap();
        crate::store::move_log(&db).unwrap();
        check_alone(&db).unwrap();
    }
    other.execute_batch("DELETE FROM charge WHERE id = 1").unwrap();
    assert_eq!(check_alone(&db).unwrap_err().outcome(), Outcome::Damaged);
}

#[test]
fn a_state_from_before_there_were_inventories_gets_one_once() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), keys());
    let db = open_state(folder.path()).unwrap();
    let proof = keys.register.seal(b"meta/root", b"root").unwrap();
    set_meta(&db, crate::store::CHECK, &proof).unwrap();
    db.execute_batch("INSERT INTO frozen (actor, sealed) VALUES ('a', x'01')").unwrap();
    db.execute_batch("INSERT INTO event_tag (position, tags) VALUES (0, x'01020304')").unwrap();
    drop(db);
    drop(started(folder.path(), &keys).unwrap());
    let tags: Vec<u8> = Connection::open(folder.path().join(crate::store::FILE_NAME))
        .unwrap()
        .query_row("SELECT tags FROM event_tag", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tags.len(), 12);
    drop(started(folder.path(), &keys).unwrap());
    let db = Connection::open(folder.path().join(crate::store::FILE_NAME)).unwrap();
    db.execute_batch("DELETE FROM frozen").unwrap();
    drop(db);
    assert!(started(folder.path(), &keys).is_err());
}
