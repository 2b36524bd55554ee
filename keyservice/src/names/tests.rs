use super::*;
use crate::store;
use record::{Pseudonym, name};
use seal::root::Base;
use seal::vault::Vault;

fn state() -> (tempfile::TempDir, Connection, Keys) {
    let folder = tempfile::tempdir().unwrap();
    let db = store::open(folder.path()).unwrap();
    let keys = Keys::derive(Base::generate().unwrap(), Vault::none()).unwrap();
    (folder, db, keys)
}

fn term(field: Field, text: &str) -> Term {
    Term { field, text: text.into() }
}

fn patient(db: &Connection, nth: u8) -> Patient {
    let pseudonym = Pseudonym([nth; 16]);
    db.execute("INSERT INTO patient (pseudonym) VALUES (?1)", [pseudonym.0]).unwrap();
    Patient { id: db.last_insert_rowid(), pseudonym }
}

const SITI: [(Field, &str); 2] = [(Field::NameFirst, "SITI"), (Field::NameWord, "AMINAH")];

#[test]
fn whoever_is_stored_is_found_by_word_letters_and_sound() {
    let (_folder, db, keys) = state();
    let mut names = Names::default();
    let siti = patient(&db, 1);
    let terms = SITI.map(|(field, text)| term(field, text));
    names.learn(&db, &keys, siti, &terms).unwrap();
    let stored: Vec<Token> = terms.iter().map(|term| names.stored(&keys.tokens, siti, term)).collect();
    for (field, text, finds) in [
        (Field::NameWord, "SITI", Some(0)),
        (Field::NameWord, "AMINAH", Some(1)),
        (Field::NamePrefix, "SI", Some(0)),
        (Field::NamePrefix, "^SI", Some(0)),
        (Field::NamePrefix, "AMI", Some(1)),
        (Field::NamePrefix, "^AMI", None),
        (Field::NameSound, &name::phonetic("SITY"), Some(0)),
        (Field::NameWord, "SIT", None),
        (Field::NamePrefix, "SITIA", None),
    ] {
        let found = names.asked(&keys.tokens, &term(field, text)).unwrap();
        let expected: Vec<bool> = (0..2).map(|at| finds == Some(at)).collect();
        let is_found: Vec<bool> = stored.iter().map(|token| found.contains(token)).collect();
        assert_eq!(is_found, expected, "{field:?} {text}");
    }
}

#[test]
fn what_is_stored_again_is_stored_alike_and_counted_once_also_after_a_restart() {
    let (_folder, db, keys) = state();
    let mut names = Names::default();
    let terms = SITI.map(|(field, text)| term(field, text));
    let patients: Vec<Patient> = (0..200).map(|nth| patient(&db, nth)).collect();
    let stored: Vec<Token> = patients
        .iter()
        .map(|patient| {
            names.learn(&db, &keys, *patient, &terms).unwrap();
            names.stored(&keys.tokens, *patient, &terms[0])
        })
        .collect();
    assert!(stored.iter().collect::<BTreeSet<_>>().len() > 4, "one word of two hundred stands in several cells");
    let again = Names::load(&db, &keys).unwrap();
    let found = again.asked(&keys.tokens, &term(Field::NamePrefix, "^SITI")).unwrap();
    for (patient, token) in patients.iter().zip(&stored) {
        names.learn(&db, &keys, *patient, &terms).unwrap();
        assert_eq!(names.stored(&keys.tokens, *patient, &terms[0]), *token);
        assert_eq!(again.stored(&keys.tokens, *patient, &terms[0]), *token);
        assert!(found.contains(token));
    }
    assert_eq!(names.words.get("SITI", true).unwrap().word.patients, 200);
}

#[test]
fn a_request_that_failed_leaves_no_word() {
    let (_folder, db, keys) = state();
    let mut names = Names::default();
    let terms = SITI.map(|(field, text)| term(field, text));
    names.begin();
    names.learn(&db, &keys, patient(&db, 1), &terms[..1]).unwrap();
    names.begin();
    names.learn(&db, &keys, patient(&db, 2), &terms).unwrap();
    names.undo();
    assert_eq!(names.words.get("SITI", true).unwrap().word.patients, 1);
    assert!(names.words.get("AMINAH", false).is_none());
}

#[test]
fn words_lie_sealed() {
    let (folder, db, keys) = state();
    let mut names = Names::default();
    names.learn(&db, &keys, patient(&db, 1), &[term(Field::NameWord, "NURHALIZAWATI")]).unwrap();
    drop(db);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(memchr::memmem::find(&bytes, b"NURHALIZAWATI").is_none());
    }
}
