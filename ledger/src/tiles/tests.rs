use super::*;
use crate::{Log, SigningKey, verify_consistency};

#[test]
fn who_reads_the_folder_proves_what_the_writer_proves() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed("log.example/tiles", &[42; 32]).unwrap();
    let mut log = Log::open(dir.path(), "log.example/tiles", &key).unwrap();
    let mut published: Vec<(u64, Hash)> = Vec::new();
    for size in [0, 1, 3, 200, 256, 300, 511, 513, 1_025] {
        log.extend(log.size(), &(log.size()..size).map(|index| index.to_string()).collect::<Vec<_>>()).unwrap();
        let signed = log.sign_checkpoint().unwrap().clone();
        published.push((size, signed.checkpoint.root));
        // Every tree that was ever published can still be read, although the log has grown.
        for &(size, root) in &published {
            let tiles = Tiles::of(dir.path(), size);
            assert_eq!(tiles.root(size).unwrap(), root, "{size}");
            assert!(tiles.root(size + 1).is_err() && tiles.inclusion_proof(size).is_err());
            for &(old, old_root) in published.iter().filter(|(old, _)| *old <= size) {
                assert_eq!(tiles.root(old).unwrap(), old_root);
                assert_eq!(log.root_at(old).unwrap(), old_root);
                let path = tiles.consistency_proof(old).unwrap();
                verify_consistency(old, &old_root, size, &root, &path).unwrap();
            }
            for pick in [0, size / 2, size.saturating_sub(1)].into_iter().filter(|pick| *pick < size) {
                assert_eq!(tiles.inclusion_proof(pick).unwrap(), log.inclusion_proof(pick, size).unwrap());
            }
        }
        let vkey: VerifierKey = log.vkey().parse().unwrap();
        assert_eq!(super::published(dir.path(), &vkey).unwrap(), Some(signed.clone()));
        if size > 0 {
            let proof = prove(dir.path(), size - 1, &signed).unwrap();
            assert_eq!(proof, log.tlog_proof(size - 1).unwrap());
        }
    }
}

#[test]
fn a_cosigned_checkpoint_is_held_against_the_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed("log.example/tiles", &[42; 32]).unwrap();
    let mut log = Log::open(dir.path(), "log.example/tiles", &key).unwrap();
    log.extend(0, &["a", "b", "c"]).unwrap();
    let signed = log.sign_checkpoint().unwrap().clone();
    let witness = crate::Cosigner::from_seed("witness.example/1", &[1; 32]).unwrap();
    let keys = [witness.key().clone()];
    let cosigned_now = || cosigned(dir.path(), key.verifier(), &keys);
    assert!(cosigned_now().unwrap().is_none());
    let write = |note: &str| std::fs::write(dir.path().join(path::CHECKPOINT_COSIGNED), note).unwrap();
    let line = witness.cosign(Note::parse(&signed.note).unwrap().text(), 5).unwrap();
    write(&format!("{}{line}", signed.note));
    assert_eq!(cosigned_now().unwrap().map(|(signed, count)| (signed.checkpoint.size, count)), Some((3, 1)));
    write(&signed.note);
    assert_eq!(cosigned_now().unwrap().map(|(_, count)| count), Some(0));
    let false_line = witness.cosign("another text\n", 5).unwrap();
    let other = Checkpoint { root: Hash([1; 32]), ..signed.checkpoint.clone() }.sign(&key).unwrap();
    for wrong in ["", "text", &other.note, &format!("{}{false_line}", signed.note)] {
        write(wrong);
        assert!(cosigned_now().is_err(), "{wrong}");
    }
}
