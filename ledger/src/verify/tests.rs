use super::*;
use crate::{Log, SigningKey};
use std::fs;
use tempfile::TempDir;

const ORIGIN: &str = "log.example/segel";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[42; 32]).unwrap()
}

/// A log with a checkpoint at each of these sizes.
fn log(sizes: &[u64]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), ORIGIN, &key()).unwrap();
    for size in sizes {
        let from = log.size();
        let entries: Vec<Vec<u8>> = (from..*size).map(|index| index.to_be_bytes().to_vec()).collect();
        log.extend(from, &entries).unwrap();
        log.sign_checkpoint().unwrap();
    }
    dir
}

fn files(dir: &Path, under: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.join(under)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{under}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(dir, &format!("{name}/")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// Which file `verify` says is wrong.
fn blamed(dir: &Path) -> Option<String> {
    match verify(dir, &key().verifier().to_string()) {
        Ok(_) => None,
        Err(Error::Damaged { file, .. }) => Some(file),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_its_file_named() {
    let dir = log(&[100, 250, 300, 520, 600]);
    let files = files(dir.path(), "");
    assert!(files.len() >= 10, "{files:?}");
    assert_eq!(
        verify(dir.path(), &key().verifier().to_string()).unwrap().files,
        files.len() as u64,
        "every file is read"
    );
    for file in &files {
        let path = dir.path().join(file);
        let right = fs::read(&path).unwrap();
        for at in [0, 1, right.len() / 2, right.len() - 1] {
            for bit in [0, 7] {
                let mut wrong = right.clone();
                wrong[at] ^= 1 << bit;
                fs::write(&path, wrong).unwrap();
                assert_eq!(blamed(dir.path()).as_ref(), Some(file), "byte {at} bit {bit}");
            }
        }
        for wrong in [&right[..right.len() - 1], &right[..0], &[right.as_slice(), &[0]].concat()] {
            fs::write(&path, wrong).unwrap();
            assert_eq!(blamed(dir.path()).as_ref(), Some(file), "{} bytes", wrong.len());
        }
        fs::write(&path, right).unwrap();
    }
    assert_eq!(blamed(dir.path()), None);
}

#[test]
fn a_flipped_bit_is_found_at_every_level_of_a_high_tree() {
    let dir = log(&[65_536 + 300]);
    for file in [
        "checkpoint",
        "tile/2/000.p/1",
        "tile/1/000",
        "tile/1/001.p/1",
        "tile/0/000",
        "tile/0/255",
        "tile/0/256",
        "tile/0/257.p/44",
        "tile/entries/000",
        "tile/entries/255",
        "tile/entries/257.p/44",
    ] {
        let path = dir.path().join(file);
        let right = fs::read(&path).unwrap();
        let mut wrong = right.clone();
        wrong[9] ^= 4;
        fs::write(&path, wrong).unwrap();
        assert_eq!(blamed(dir.path()).as_deref(), Some(file));
        fs::write(&path, right).unwrap();
    }
    assert_eq!(blamed(dir.path()), None);
}

#[test]
fn a_file_that_the_checkpoint_needs_is_missed() {
    let dir = log(&[600]);
    for file in files(dir.path(), "") {
        let path = dir.path().join(&file);
        let right = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(blamed(dir.path()), Some(file));
        fs::write(&path, right).unwrap();
    }
}

#[test]
fn entries_changed_together_with_their_tiles_do_not_lead_to_the_signed_root() {
    let (dir, other) = (log(&[300]), log(&[299]));
    let mut forged = Log::open(other.path(), ORIGIN, &key()).unwrap();
    forged.extend(299, &[b"forged"]).unwrap();
    forged.sign_checkpoint().unwrap();
    for file in files(other.path(), "tile/") {
        let target = dir.path().join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(other.path().join(&file), target).unwrap();
    }
    assert_eq!(blamed(dir.path()).as_deref(), Some("checkpoint"), "the files agree with each other, but not with it");
}

#[test]
fn an_older_log_under_a_newer_checkpoint_is_cut_short() {
    let (dir, older) = (log(&[300, 700]), log(&[300]));
    fs::copy(dir.path().join("checkpoint"), older.path().join("checkpoint")).unwrap();
    assert_eq!(blamed(older.path()).as_deref(), Some("tile/entries/001"));
}

#[test]
fn another_key_or_origin_is_refused() {
    let dir = log(&[10]);
    let other_seed = SigningKey::from_seed(ORIGIN, &[43; 32]).unwrap();
    let other_origin = SigningKey::from_seed("other.example", &[42; 32]).unwrap();
    for other in [other_seed, other_origin] {
        assert!(matches!(verify(dir.path(), &other.verifier().to_string()), Err(Error::Damaged { .. })));
    }
    assert!(matches!(verify(dir.path(), "no vkey"), Err(Error::Invalid(_))));
}

#[test]
fn the_empty_log_verifies_and_no_log_does_not() {
    assert_eq!(verify(log(&[0]).path(), &key().verifier().to_string()).unwrap().size, 0);
    assert_eq!(blamed(tempfile::tempdir().unwrap().path()).as_deref(), Some("checkpoint"));
}

#[test]
fn what_lies_beyond_the_checkpoint_is_not_yet_the_log() {
    let dir = log(&[300]);
    let mut unpublished = Log::open(dir.path(), ORIGIN, &key()).unwrap();
    unpublished.extend(300, &vec![b"later"; 400]).unwrap();
    assert!(dir.path().join("tile/0/001").exists());
    assert_eq!(verify(dir.path(), &key().verifier().to_string()).unwrap().size, 300);
}
