use super::*;
use crate::custody::{self, Folder, Passphrase, Settings};
use crate::store;
use crate::store::patients::Patient;
use seal::wrap::PatientKey;
use tempfile::TempDir;
use zeroize::Zeroizing;

fn passphrase() -> Passphrase {
    Zeroizing::new(b"satu".to_vec())
}

fn open(folder: &TempDir) -> custody::Opened {
    let taken = Folder::take(folder.path()).unwrap();
    custody::open(&taken, &passphrase(), &Settings::default()).unwrap()
}

/// An opened state with patients whose keys are known.
fn populated(folder: &TempDir) -> (custody::Opened, Vec<Patient>) {
    let opened = open(folder);
    let patients = (0..5).map(|_| patients::create(&opened.db, &opened.keys).unwrap()).collect();
    (opened, patients)
}

fn key(opened: &custody::Opened, patient: Patient) -> Option<PatientKey> {
    patients::key(&opened.db, &opened.keys, patient).unwrap()
}

/// Everything a transaction of the writer does for an erasure, up to its commit.
fn erase(opened: &mut custody::Opened, patient: Patient) {
    opened.db.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(patients::erase(&opened.db, patient).unwrap());
    let generation = opened.keys.vault.stands().0 + 1;
    erasures::add(&opened.db, &opened.keys, patient, generation, Some((7, "stated"))).unwrap();
    opened.vault.prepare(&opened.db, &opened.keys).unwrap();
}

fn vault_bytes(folder: &TempDir) -> Vec<u8> {
    fs::read(folder.path().join(FILE_NAME)).unwrap()
}

/// Everything that a thief may hold: the folder's state as it was, and the folder as it is.
fn copy_of_state(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    custody::backup::back_up(folder.path(), copy.path()).unwrap();
    copy
}

/// Whether a copied state and a vault's bytes open a patient, read by hand and past every check.
fn opens(state: &TempDir, vault: &[u8], patient: Patient) -> bool {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(state.path().join(store::FILE_NAME), folder.path().join(store::FILE_NAME)).unwrap();
    fs::copy(state.path().join("root.key"), folder.path().join("root.key")).unwrap();
    fs::write(folder.path().join(FILE_NAME), vault).unwrap();
    let custodian = Custodian::open_folder(folder.path(), &passphrase(), &Settings::default()).unwrap();
    let found = VaultFile::open(&[folder.path().join(FILE_NAME)], &custodian).unwrap().unwrap();
    let keys = Keys::derive(found.base, found.vault).unwrap();
    let db = store::open(folder.path()).unwrap();
    patients::key(&db, &keys, patient).unwrap().is_some()
}

#[test]
fn an_older_state_with_the_vault_of_today_opens_everybody_but_the_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, patients) = populated(&folder);
    let (older, vault_before) = (copy_of_state(&folder), vault_bytes(&folder));
    assert!(opens(&older, &vault_before, patients[2]), "the attack works with the vault that was");
    erase(&mut opened, patients[2]);
    opened.db.execute_batch("COMMIT").unwrap();
    opened.vault.complete(&opened.keys).unwrap();
    for (number, patient) in patients.iter().enumerate() {
        assert_eq!(key(&opened, *patient).is_some(), number != 2);
        assert_eq!(opens(&older, &vault_bytes(&folder), *patient), number != 2, "patient {number}");
    }
}

/// The steps of an erasure: `lay ready`, COMMIT, then those of the exchange. After each the process dies.
#[test]
fn a_death_between_any_two_steps_of_an_erasure_is_finished_by_the_next_start() {
    for steps in 0..=2 + EXCHANGE.len() {
        let folder = tempfile::tempdir().unwrap();
        let (mut opened, patients) = populated(&folder);
        let older = copy_of_state(&folder);
        if steps > 0 {
            erase(&mut opened, patients[1]);
        }
        if steps > 1 {
            opened.db.execute_batch("COMMIT").unwrap();
        }
        for step in &EXCHANGE[..steps.saturating_sub(2)] {
            step(&folder.path().join(FILE_NAME)).unwrap();
        }
        drop(opened);
        let mut opened = open(&folder);
        let is_erased = steps > 1;
        assert_eq!(key(&opened, patients[1]).is_none(), is_erased, "after {steps} steps");
        assert!(key(&opened, patients[0]).is_some(), "after {steps} steps");
        assert_eq!(opens(&older, &vault_bytes(&folder), patients[1]), !is_erased, "after {steps} steps");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name != "vault.key.new" && name != "vault.key.old"), "{left:?}");
        // And it goes on.
        erase(&mut opened, patients[3]);
        opened.db.execute_batch("COMMIT").unwrap();
        opened.vault.complete(&opened.keys).unwrap();
        assert!(key(&opened, patients[3]).is_none() && key(&opened, patients[4]).is_some());
    }
}

#[test]
fn the_old_file_is_overwritten_and_not_only_unnamed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, patients) = populated(&folder);
    let path = folder.path().join(FILE_NAME);
    // A second name, as a disk's free blocks are one.
    let watched = folder.path().join("watched");
    fs::hard_link(&path, &watched).unwrap();
    erase(&mut opened, patients[0]);
    opened.db.execute_batch("COMMIT").unwrap();
    opened.vault.complete(&opened.keys).unwrap();
    let bytes = fs::read(&watched).unwrap();
    assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0));
}

#[test]
fn a_group_that_is_given_up_erases_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, patients) = populated(&folder);
    erase(&mut opened, patients[0]);
    opened.db.execute_batch("ROLLBACK").unwrap();
    opened.vault.prepare(&opened.db, &opened.keys).unwrap();
    opened.vault.complete(&opened.keys).unwrap();
    assert!(key(&opened, patients[0]).is_some());
    drop(opened);
    assert!(key(&open(&folder), patients[0]).is_some());
}

#[test]
fn copies_follow_and_one_that_is_away_refuses_the_erasure() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("disk/vault.key");
    fs::create_dir(elsewhere.path().join("disk")).unwrap();
    let settings = Settings { vault_copies: vec![copy.clone()], ..Settings::default() };
    let taken = Folder::take(folder.path()).unwrap();
    let mut opened = custody::open(&taken, &passphrase(), &settings).unwrap();
    let patient = patients::create(&opened.db, &opened.keys).unwrap();
    let other = patients::create(&opened.db, &opened.keys).unwrap();
    erase(&mut opened, patient);
    opened.db.execute_batch("COMMIT").unwrap();
    opened.vault.complete(&opened.keys).unwrap();
    assert_eq!(fs::read(&copy).unwrap().len(), vault_bytes(&folder).len());
    // The disk is taken away.
    fs::rename(elsewhere.path().join("disk"), elsewhere.path().join("gone")).unwrap();
    opened.db.execute_batch("BEGIN IMMEDIATE").unwrap();
    patients::erase(&opened.db, other).unwrap();
    erasures::add(&opened.db, &opened.keys, other, 3, None).unwrap();
    let away = opened.vault.prepare(&opened.db, &opened.keys).unwrap_err();
    assert_eq!(away.outcome(), Outcome::Busy, "nothing may be committed, and the service goes on");
    opened.db.execute_batch("ROLLBACK").unwrap();
    drop(opened);
    // Everything else goes on without it.
    let without = custody::open(&taken, &passphrase(), &settings).unwrap();
    assert!(patients::create(&without.db, &without.keys).is_ok());
    drop(without);
    fs::rename(elsewhere.path().join("gone"), elsewhere.path().join("disk")).unwrap();
    // The file itself is lost, and the copy takes its place.
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    let opened = custody::open(&taken, &passphrase(), &settings).unwrap();
    assert!(key(&opened, patient).is_none() && key(&opened, other).is_some());
    assert!(folder.path().join(FILE_NAME).exists());
}

#[test]
fn a_vault_that_was_put_back_is_punctured_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut opened, patients) = populated(&folder);
    let (older, before) = (copy_of_state(&folder), vault_bytes(&folder));
    erase(&mut opened, patients[0]);
    opened.db.execute_batch("COMMIT").unwrap();
    opened.vault.complete(&opened.keys).unwrap();
    drop(opened);
    fs::write(folder.path().join(FILE_NAME), before).unwrap();
    drop(open(&folder));
    assert!(!opens(&older, &vault_bytes(&folder), patients[0]));
}
