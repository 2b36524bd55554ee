use super::book::{Book, Unsigned};
use ledger::cosignature::origin_hash;
use ledger::witness::{AddCheckpoint, Refusal};
use ledger::{Log, Note, SigningKey, WitnessKey};
use std::path::Path;
use tempfile::TempDir;

const ORIGIN: &str = "log.example/one";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

struct Grown {
    log: Log,
    _dir: TempDir,
}

impl std::ops::Deref for Grown {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.log
    }
}

/// A log whose entries are told by `flavour`.
fn grown(size: u64, flavour: &str) -> Grown {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), ORIGIN, &key()).unwrap();
    let entries: Vec<String> = (0..size).map(|index| format!("{flavour} {index}")).collect();
    log.extend(0, &entries).unwrap();
    log.sign_checkpoint().unwrap();
    Grown { log, _dir: dir }
}

fn request(log: &Log, old: u64) -> Vec<u8> {
    let (proof, note) = (log.consistency_proof(old, log.size()).unwrap(), log.checkpoint().unwrap().note.clone());
    AddCheckpoint { old, proof, note }.to_string().into_bytes()
}

fn open(folder: &Path) -> Book {
    Book::open(folder, None, &[key().verifier().clone()]).unwrap()
}

#[test]
fn what_was_cosigned_is_known_after_every_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut vkey = None;
    for (old, new) in [(0, 3), (3, 3), (3, 10), (10, 300)] {
        let book = open(folder.path());
        assert_eq!(*vkey.get_or_insert_with(|| book.vkey()), book.vkey(), "one key for all its life");
        let log = grown(new, "entry");
        let line = book.add_checkpoint(&request(&log, old)).unwrap();
        let note = format!("{}{line}", log.checkpoint().unwrap().note);
        book.vkey().parse::<WitnessKey>().unwrap().cosigned_at(&Note::parse(&note).unwrap()).unwrap();
        assert_eq!(book.checkpoint(&origin_hash(ORIGIN)).unwrap(), note, "what monitors are shown");
        assert_eq!(book.checkpoint(&origin_hash("log.example/two")), None);
        // Another history, whatever it claims to follow.
        let split = grown(new + 1, "other");
        for old in [0, new] {
            let refusal = book.add_checkpoint(&request(&split, old)).unwrap_err();
            let expected = if old == new { 422 } else { 409 };
            assert!(matches!(refusal, Unsigned::Refused(refusal) if refusal.status() == expected), "{refusal:?}");
        }
        // An older checkpoint of the same history.
        let older = grown(1, "entry");
        assert_eq!(book.add_checkpoint(&request(&older, 0)), Err(Unsigned::Refused(Refusal::Conflict(new))));
    }
    let kept = std::fs::read_dir(folder.path().join("evidence")).unwrap().count();
    assert_eq!(kept, 3, "each refused history once: the sizes 4, 11 and 301");
}

#[test]
fn evidence_is_kept_up_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let book = open(folder.path());
    book.add_checkpoint(&request(&grown(3, "entry"), 0)).unwrap();
    for history in 0..record::limits::WITNESS_EVIDENCE_MAX + 2 {
        book.add_checkpoint(&request(&grown(3, &history.to_string()), 3)).unwrap_err();
        let kept = std::fs::read_dir(folder.path().join("evidence")).unwrap().count();
        assert_eq!(kept, (history + 1).min(record::limits::WITNESS_EVIDENCE_MAX));
    }
}

#[test]
fn a_folder_that_is_not_whole_cosigns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let book = open(folder.path());
    assert!(Book::open(folder.path(), None, &[]).is_err(), "a second process");
    book.add_checkpoint(&request(&grown(3, "entry"), 0)).unwrap();
    drop(book);
    assert!(Book::open(folder.path(), Some("another.example"), &[]).is_err());
    let file = folder.path().join("logs").join(origin_hash(ORIGIN));
    let note = std::fs::read_to_string(&file).unwrap();
    for damaged in [String::new(), note.replace("\n3\n", "\n2\n"), note.lines().take(5).collect::<Vec<_>>().join("\n")]
    {
        std::fs::write(&file, damaged).unwrap();
        assert!(Book::open(folder.path(), None, &[key().verifier().clone()]).is_err());
    }
    std::fs::remove_dir_all(folder.path().join("logs")).unwrap();
    assert!(Book::open(folder.path(), None, &[key().verifier().clone()]).is_err(), "it has forgotten what it cosigned");
}

#[test]
fn a_disk_that_takes_nothing_ends_the_witness_and_cosigns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let book = open(folder.path());
    book.add_checkpoint(&request(&grown(3, "entry"), 0)).unwrap();
    // A folder where the new file would be written.
    std::fs::create_dir(folder.path().join("logs").join(format!("{}.new", origin_hash(ORIGIN)))).unwrap();
    let log = grown(4, "entry");
    assert!(matches!(book.add_checkpoint(&request(&log, 3)), Err(Unsigned::Unable(_))));
    assert!(book.check().is_err());
    assert!(matches!(book.add_checkpoint(&request(&log, 3)), Err(Unsigned::Unable(_))), "nor later");
}

#[test]
fn a_clock_that_was_set_back_waits() {
    let folder = tempfile::tempdir().unwrap();
    let log = grown(3, "entry");
    drop(open(folder.path()));
    // A cosignature of the far future, as a clock that ran ahead would have left it.
    let key = std::fs::read_to_string(folder.path().join("witness.key")).unwrap();
    let (name, seed) = key.split_once('\n').unwrap();
    let mut bytes = [0; 32];
    hex::decode_to_slice(seed.trim(), &mut bytes).unwrap();
    let cosigner = ledger::Cosigner::from_seed(name, &bytes).unwrap();
    let note = &log.checkpoint().unwrap().note;
    let line = cosigner.cosign(Note::parse(note).unwrap().text(), 1 << 60).unwrap();
    std::fs::write(folder.path().join("logs").join(origin_hash(ORIGIN)), format!("{note}{line}")).unwrap();
    let book = open(folder.path());
    assert!(matches!(book.add_checkpoint(&request(&log, 3)), Err(Unsigned::Unable(_))));
}
