use super::*;
use crate::audit::{Action, Event};
use crate::custody::{VaultFile, backup};
use crate::service::read_events;
use crate::store::patients::{self, Patient};
use record::Outcome;
use seal::message::{Context, DataKey, Part, WrappedKey};
use seal::wrap;
use tempfile::TempDir;
use zeroize::Zeroizing;

fn passphrase(text: &str) -> Passphrase {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn opened(folder: &TempDir, text: &str) -> Result<Opened> {
    let taken = Folder::take(folder.path())?;
    open(&taken, &passphrase(text), &Settings::default())
}

/// A patient with one wrapped key, and what it must open to.
struct Kept {
    patient: Patient,
    wrapped: WrappedKey,
}

const KEY: [u8; 32] = [0x5e; 32];

fn context(patient: Patient) -> Context {
    Context { patient: patient.pseudonym, object: record::ObjectId([1; 16]), version: 1 }
}

fn begun(folder: &TempDir) -> Kept {
    let opened = opened(folder, "satu").unwrap();
    let patient = patients::create(&opened.db, &opened.keys).unwrap();
    let key = patients::key(&opened.db, &opened.keys, patient).unwrap().unwrap();
    let epoch = opened.keys.base.epoch();
    let wrapped = wrap::wrap(&key, epoch, &context(patient), Part::Content, &DataKey(KEY)).unwrap();
    Kept { patient, wrapped }
}

fn reads(opened: &Opened, kept: &Kept) -> bool {
    let Some(key) = patients::key(&opened.db, &opened.keys, kept.patient).unwrap() else { return false };
    wrap::unwrap(&key, &context(kept.patient), Part::Content, &kept.wrapped).is_ok_and(|key| key.0 == KEY)
}

fn rotations(folder: &TempDir, text: &str) -> usize {
    let mut count = 0;
    let mut each = |_, event: Event| {
        count += usize::from(event.action == Action::RotateRoot);
        Ok(())
    };
    read_events(folder.path(), &passphrase(text), &mut each).unwrap();
    count
}

fn turn(folder: &TempDir, from: &str, to: &str) -> Result<()> {
    rotate(folder.path(), &passphrase(from), &Next::Passphrase(&passphrase(to)), &Settings::default())
}

#[test]
fn a_rotation_changes_no_patients_key_and_the_old_root_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kept = begun(&folder);
    let old_root = fs::read(folder.path().join("root.key")).unwrap();
    assert_eq!(turn(&folder, "salah", "dua").unwrap_err().outcome(), Outcome::Refused);
    turn(&folder, "satu", "dua").unwrap();
    assert_eq!(rotations(&folder, "dua"), 1);
    assert!(reads(&opened(&folder, "dua").unwrap(), &kept));
    assert_eq!(opened(&folder, "satu").err().unwrap().outcome(), Outcome::Refused);
    // The old root's file put back opens the root and nothing else.
    let new_root = fs::read(folder.path().join("root.key")).unwrap();
    fs::write(folder.path().join("root.key"), old_root).unwrap();
    assert_eq!(opened(&folder, "satu").err().unwrap().outcome(), Outcome::Damaged);
    assert!(read_events(folder.path(), &passphrase("satu"), &mut |_, _| Ok(())).is_err());
    fs::write(folder.path().join("root.key"), new_root).unwrap();
    // And again, and again.
    turn(&folder, "dua", "tiga").unwrap();
    turn(&folder, "tiga", "empat").unwrap();
    assert!(reads(&opened(&folder, "empat").unwrap(), &kept));
    assert_eq!(rotations(&folder, "empat"), 3);
}

#[test]
fn a_death_between_any_two_steps_leaves_one_root_in_force_and_its_entry_once() {
    for steps in 0..=2 {
        let folder = tempfile::tempdir().unwrap();
        let kept = begun(&folder);
        let taken = Folder::take(folder.path()).unwrap();
        let before = open(&taken, &passphrase("satu"), &Settings::default()).unwrap();
        let root = Custodian::File(Root::generate().unwrap());
        if steps > 0 {
            prepare(before, &root).unwrap();
        }
        if steps > 1 {
            put_in_force(&taken, &root, &passphrase("dua")).unwrap();
        }
        drop(taken);
        let (right, wrong) = if steps > 1 { ("dua", "satu") } else { ("satu", "dua") };
        assert!(opened(&folder, wrong).is_err(), "after {steps} steps");
        assert!(reads(&opened(&folder, right).unwrap(), &kept), "after {steps} steps");
        let vault = fs::read(folder.path().join("vault.key")).unwrap();
        assert_eq!(seal::vault::file::header(&vault).unwrap().slots.len(), 1, "the other root is out");
        drop(opened(&folder, right).unwrap());
        assert_eq!(rotations(&folder, right), usize::from(steps > 1));
    }
}

#[test]
fn a_renewed_vault_opens_everybody_and_the_old_vault_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let kept = begun(&folder);
    let stolen = fs::read(folder.path().join("vault.key")).unwrap();
    renew_vault(folder.path(), &passphrase("satu"), &Settings::default()).unwrap();
    assert!(reads(&opened(&folder, "satu").unwrap(), &kept));
    // A thief with the old vault, the root and the new state.
    let backup = tempfile::tempdir().unwrap();
    backup::back_up(folder.path(), backup.path()).unwrap();
    fs::write(backup.path().join("vault.key"), stolen).unwrap();
    assert_eq!(opened(&backup, "satu").err().unwrap().outcome(), Outcome::Damaged);
    let custodian = Custodian::open_folder(backup.path(), &passphrase("satu"), &Settings::default()).unwrap();
    let old = VaultFile::open(&[backup.path().join("vault.key")], &custodian).unwrap().unwrap();
    assert!(old.vault.with_successor().is_ok(), "the old vault itself opens");
    let keys = crate::keys::Keys::derive(old.base, old.vault).unwrap();
    let db = crate::store::open(backup.path()).unwrap();
    assert!(patients::key(&db, &keys, kept.patient).unwrap().is_none());
}

#[test]
fn a_renewal_that_died_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let kept = begun(&folder);
    {
        let Opened { keys, mut vault, .. } = opened(&folder, "satu").unwrap();
        let next = keys.vault.derived(seal::vault::Vault::with_successor).unwrap();
        vault.write(&keys.base, &next).unwrap();
    }
    let after = opened(&folder, "satu").unwrap();
    assert!(reads(&after, &kept));
    assert_eq!((after.keys.vault.tree(), after.keys.vault.with(|seeds| Ok(seeds.trees())).unwrap()), (2, 1));
}

#[test]
fn shares_set_a_new_passphrase_and_the_root_stays() {
    use crate::custody::recover;
    let folder = tempfile::tempdir().unwrap();
    let kept = begun(&folder);
    assert_eq!(recover::shares(folder.path(), &passphrase("salah"), 3, 2).unwrap_err().outcome(), Outcome::Refused);
    let shares = recover::shares(folder.path(), &passphrase("satu"), 3, 2).unwrap();
    let few = recover::join(&shares[..1]).unwrap_err();
    assert!(few.to_string().contains("too few"), "{few}");
    let blank = Zeroizing::new(String::new());
    let old = recover::join(&[shares[2].clone(), blank, shares[0].clone()]).unwrap();
    recover::set_passphrase(folder.path(), &old, &passphrase("baru"), &Settings::default()).unwrap();
    assert!(reads(&opened(&folder, "baru").unwrap(), &kept));
    assert_eq!(opened(&folder, "satu").err().unwrap().outcome(), Outcome::Refused);
    assert_eq!(rotations(&folder, "baru"), 1);
    // Nothing of the shares is kept anywhere.
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        for share in &shares {
            assert!(!bytes.windows(40).any(|window| share.as_bytes().windows(40).any(|part| part == window)));
        }
    }
}

#[test]
fn a_first_start_that_died_goes_on_and_a_lost_file_is_no_first_start() {
    let settings = Settings::default();
    let folder = tempfile::tempdir().unwrap();
    begun(&folder);
    // Dead after the root's file, and after the vault's.
    for gone in [&["vault.key", "state.sqlite"][..], &["state.sqlite"]] {
        let half = tempfile::tempdir().unwrap();
        for name in ["root.key", "vault.key"].iter().filter(|name| !gone.contains(name)) {
            fs::copy(folder.path().join(name), half.path().join(name)).unwrap();
        }
        let opened = opened(&half, "satu").unwrap();
        assert!(patients::create(&opened.db, &opened.keys).is_ok());
    }
    for lost in ["root.key", "vault.key"] {
        let half = tempfile::tempdir().unwrap();
        for name in ["root.key", "vault.key", "state.sqlite"].iter().filter(|name| **name != lost) {
            fs::copy(folder.path().join(name), half.path().join(name)).unwrap();
        }
        let taken = Folder::take(half.path()).unwrap();
        let error = open(&taken, &passphrase("satu"), &settings).err().unwrap();
        assert_eq!(error.outcome(), Outcome::Damaged, "{lost}: {error}");
        assert!(error.to_string().contains(lost), "{error}");
        assert!(!half.path().join(lost).exists(), "{lost} is not made anew");
    }
}

#[test]
fn a_state_of_version_1_keeps_its_patients() {
    use crate::keys::Keys;
    use crate::store;
    use seal::vault::Vault;
    use seal::wrap::PatientSecret;
    // As version 1 left it: a root that is the base, and secrets under a key derived from it.
    let folder = tempfile::tempdir().unwrap();
    let taken = Folder::take(folder.path()).unwrap();
    let root = Root::generate().unwrap();
    let keys = Keys::derive(root.as_base(), Vault::none()).unwrap();
    let custodian = Custodian::File(root);
    taken.write_durable("root.key", &custodian.file(&passphrase("satu")).unwrap()).unwrap();
    let db = store::open(folder.path()).unwrap();
    store::check_root(&db, &keys).unwrap();
    let patient = Patient { id: 9, pseudonym: record::Pseudonym([4; 16]) };
    let secret = PatientSecret::generate().unwrap();
    let place = [b"patient/".as_slice(), &patient.pseudonym.0].concat();
    let sealed = keys.patient_secrets.seal(&place, &secret.0).unwrap();
    db.execute("INSERT INTO patient (id, pseudonym, secret) VALUES (9, ?1, ?2)", (patient.pseudonym.0, sealed))
        .unwrap();
    let key = wrap::PatientKey::derive(&keys.base, &secret, &patient.pseudonym).unwrap();
    let wrapped = wrap::wrap(&key, keys.base.epoch(), &context(patient), Part::Content, &DataKey(KEY)).unwrap();
    drop((db, taken));
    let kept = Kept { patient, wrapped };
    let after = opened(&folder, "satu").unwrap();
    assert!(reads(&after, &kept));
    let tree: u32 = after.db.query_row("SELECT tree FROM patient WHERE id = 9", [], |row| row.get(0)).unwrap();
    assert_eq!(tree, 1, "sealed under the vault from now on");
    drop(after);
    turn(&folder, "satu", "dua").unwrap();
    assert!(reads(&opened(&folder, "dua").unwrap(), &kept));
}
