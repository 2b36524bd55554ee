use super::*;
use crate::{VerifierKey, verify, verify_consistency, verify_inclusion};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use std::path::PathBuf;
use tempfile::TempDir;
use tlog_tiles::{HashReader, Tile, TileHashReader, TileReader};

const ORIGIN: &str = "log.example/segel";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[42; 32]).unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn entries(from: u64, to: u64) -> Vec<Vec<u8>> {
    (from..to).map(entry).collect()
}

fn open(dir: &TempDir) -> Log {
    Log::open(dir.path(), ORIGIN, &key()).unwrap()
}

/// Another implementation's view of our folder. Its paths have the tile height in them, ours the specification's.
struct TheirTiles(PathBuf);

impl TileReader for TheirTiles {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| std::fs::read(self.0.join(tile.path().replacen("tile/8/", "tile/", 1))).unwrap();
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn theirs(path: &[tlog_tiles::Hash]) -> Vec<Hash> {
    path.iter().map(|hash| Hash(hash.0)).collect()
}

fn bytes(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

/// The published log against three others' code: root, tiles, paths, proofs and note.
fn assert_like_the_oracles(dir: &TempDir, log: &Log, tree: &MemoryBackedTree<Sha256, Vec<u8>>, picks: &[u64]) {
    let signed = log.checkpoint().unwrap();
    let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
    assert_eq!(tree.len(), size);
    assert_eq!(tree.root().as_bytes().as_slice(), root.0, "root of {size}");

    let verifier = signed_note::StandardVerifier::new(&log.vkey()).unwrap();
    let note = signed_note::Note::from_bytes(&std::fs::read(dir.path().join("checkpoint")).unwrap()).unwrap();
    let (verified, unknown) = note.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), unknown.len()), (1, 0));
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size(), checkpoint.hash().0), (ORIGIN, size, root.0));

    let tiles = TheirTiles(dir.path().to_owned());
    // It authenticates every tile that it reads against the root.
    let reader = TileHashReader::new(size, *checkpoint.hash(), &tiles);
    assert_eq!(tlog_tiles::tree_hash(size, &reader).unwrap().0, root.0);
    for &pick in picks.iter().filter(|pick| **pick < size) {
        let path = log.inclusion_proof(pick, size).unwrap();
        assert_eq!(path, theirs(&tlog_tiles::prove_record(size, pick, &reader).unwrap()), "{pick} in {size}");
        assert_eq!(bytes(&path), tree.prove_inclusion(usize::try_from(pick).unwrap()).as_bytes());
        verify_inclusion(&leaf_hash(&entry(pick)), pick, size, &path, &root).unwrap();
        let stored = reader.read_hashes(&[tlog_tiles::stored_hash_index(0, pick)]).unwrap();
        assert_eq!(stored[0].0, leaf_hash(&entry(pick)).0);

        let old = pick + 1;
        let path = log.consistency_proof(old, size).unwrap();
        assert_eq!(path, theirs(&tlog_tiles::prove_tree(size, old, &reader).unwrap()), "{old} to {size}");
        assert_eq!(bytes(&path), tree.prove_consistency(usize::try_from(size - old).unwrap()).as_bytes());
        let old_root = tlog_tiles::tree_hash(old, &reader).unwrap();
        verify_consistency(old, &Hash(old_root.0), size, &root, &path).unwrap();
    }
}

#[test]
fn around_every_edge_we_agree_with_the_oracles() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    let mut tree = MemoryBackedTree::new();
    for size in [
        0, 1, 2, 3, 7, 8, 9, 254, 255, 256, 257, 511, 512, 513, 1_000, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792,
        65_793, 66_000,
    ] {
        let from = log.size();
        assert_eq!(log.extend(from, &entries(from, size)).unwrap(), size);
        (from..size).for_each(|index| tree.push(entry(index)));
        log.sign_checkpoint().unwrap();
        let picks = [
            0,
            1,
            2,
            100,
            254,
            255,
            256,
            257,
            511,
            65_535,
            65_536,
            size / 3,
            size.saturating_sub(2),
            size.saturating_sub(1),
        ];
        if size > 0 {
            assert_like_the_oracles(&dir, &log, &tree, &picks);
        }
    }
    let held: usize = log.edge.levels.iter().map(Vec::len).sum();
    assert!(held <= 255 * log.edge.levels.len(), "only the right edge is in memory");
    assert_eq!(verify(dir.path(), &log.vkey()).unwrap().size, 66_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_groups_we_agree_with_the_oracles(
        groups in proptest::collection::vec((0_u64..400, any::<bool>(), any::<bool>()), 1..8),
        picks in proptest::collection::vec(0_u64..2_000, 6),
    ) {
        let dir = tempfile::tempdir()?;
        let mut log = open(&dir);
        let mut tree = MemoryBackedTree::new();
        for (count, publishes, reopens) in groups {
            let from = log.size();
            log.extend(from, &entries(from, from + count)).unwrap();
            if publishes {
                log.sign_checkpoint().unwrap();
            }
            if reopens {
                let (size, root) = (log.size(), log.root());
                log = open(&dir);
                prop_assert!(publishes == (log.size() == size) || count == 0);
                let from = log.size();
                log.extend(from, &entries(from, size)).unwrap();
                prop_assert_eq!(log.root(), root);
            }
        }
        (0..log.size()).for_each(|index| tree.push(entry(index)));
        log.sign_checkpoint().unwrap();
        if log.size() > 0 {
            assert_like_the_oracles(&dir, &log, &tree, &picks);
        }
        prop_assert_eq!(verify(dir.path(), &log.vkey()).unwrap().root, log.root());
    }

    #[test]
    fn a_proof_of_something_else_is_refused(size in 1_u64..600, pick in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir()?;
        let mut log = open(&dir);
        log.extend(0, &entries(0, size)).unwrap();
        let (index, root) = (pick.index(usize::try_from(size)?) as u64, log.root());
        let leaf = leaf_hash(&entry(index));
        let path = log.inclusion_proof(index, size).unwrap();
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &root).is_ok());
        prop_assert!(verify_inclusion(&leaf_hash(b"other"), index, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index + 1, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, size, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &[path.as_slice(), &[root]].concat(), &root).is_err());
        let old = index + 1;
        let mut small = Edge::default();
        entries(0, old).iter().for_each(|entry| small.push(entry, &mut Vec::new()).unwrap());
        let between = log.consistency_proof(old, size).unwrap();
        prop_assert!(verify_consistency(old, &small.root(), size, &root, &between).is_ok());
        prop_assert!(verify_consistency(old, &Hash([0; 32]), size, &root, &between).is_err());
        prop_assert!(verify_consistency(old, &small.root(), size, &Hash([0; 32]), &between).is_err());
        prop_assert!(verify_consistency(size + 1, &root, size, &root, &between).is_err());
        for proof in [&path, &between] {
            if proof.is_empty() {
                continue;
            }
            let mut changed = proof.clone();
            changed[flip.index(proof.len())].0[0] ^= 1;
            prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
            prop_assert!(verify_consistency(old, &small.root(), size, &root, &changed).is_err());
            changed.pop();
            // Shortened to nothing, one kind of proof may be the right one of the other kind: a log is consistent with itself.
            prop_assert!(changed == path || verify_inclusion(&leaf, index, size, &changed, &root).is_err());
            prop_assert!(
                changed == between || verify_consistency(old, &small.root(), size, &root, &changed).is_err()
            );
        }
    }
}

/// How a run of the story ends early.
#[derive(Clone, Copy, Debug)]
struct End {
    /// The write that fails, and all after it.
    step: u64,
    /// It took effect, and only its answer was lost.
    persists: bool,
    /// With the process goes the power, and every name that no fsync covered.
    cuts_power: bool,
}

/// The story that is cut short: checkpoints, tiles that fill at two levels, partial tiles that are outgrown.
fn story(dir: &TempDir, end: Option<End>) -> (u64, Result<u64, Error>) {
    let mut log = open(dir);
    if let Some(end) = end {
        log.disk.fault.fails_at.set(Some(end.step));
        log.disk.fault.persists.set(end.persists);
    }
    let mut published = 0;
    let mut run = || {
        for (size, publishes) in [(200, true), (300, false), (520, true), (530, true)] {
            let from = log.size();
            log.extend(from, &entries(from, size))?;
            if publishes {
                published = log.sign_checkpoint()?.checkpoint.size;
            }
        }
        Ok(log.size())
    };
    let result = run();
    if result.is_err() {
        let size = log.size();
        assert!(matches!(log.extend(size, &[b"more"]), Err(Error::Closed)), "after a failed write nothing goes on");
        assert!(matches!(log.sign_checkpoint(), Err(Error::Closed)));
    }
    if end.is_none_or(|end| end.cuts_power) {
        log.disk.fault.cut_power();
    }
    let reopened = open(dir).size();
    assert!(reopened >= published, "what was published stays published: {published}, not {reopened}, {end:?}");
    (log.disk.fault.steps.get(), result)
}

#[test]
fn whichever_write_is_the_last_the_next_opening_goes_on() {
    let whole = tempfile::tempdir().unwrap();
    let (steps, size) = story(&whole, None);
    assert_eq!(size.unwrap(), 530);
    assert!(steps > 40, "{steps} steps");
    let root = verify(whole.path(), &open(&whole).vkey()).unwrap().root;
    for step in 0..steps {
        for (persists, cuts_power) in [(false, false), (true, false), (false, true), (true, true)] {
            let end = End { step, persists, cuts_power };
            let dir = tempfile::tempdir().unwrap();
            let (_, result) = story(&dir, Some(end));
            assert!(matches!(result, Err(Error::Io { .. })), "{end:?}: {result:?}");
            // Whatever is published is whole, also before anybody repairs anything.
            match verify(dir.path(), &key().verifier().to_string()) {
                Ok(_) => {}
                Err(Error::Damaged { file, why }) => {
                    assert_eq!((file.as_str(), why), ("checkpoint", "it is missing"), "{end:?}")
                }
                Err(other) => panic!("{end:?}: {other}"),
            }
            let mut log = open(&dir);
            let from = log.size();
            log.extend(from, &entries(from, 530)).unwrap();
            log.sign_checkpoint().unwrap();
            let report = verify(dir.path(), &log.vkey()).unwrap_or_else(|error| panic!("{end:?}: {error}"));
            assert_eq!((report.size, report.root), (530, root), "{end:?}");
        }
    }
}

#[test]
fn a_group_costs_two_files_for_256_entries() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    for group in 0..100 {
        log.extend(group * 256, &entries(group * 256, group * 256 + 256)).unwrap();
    }
    // A file is written, then renamed; the rest is folders.
    let steps = log.disk.fault.steps.get();
    assert!(steps <= 100 * 2 * 2 + 10, "{steps} steps");
    log.sign_checkpoint().unwrap();
    assert!(log.disk.fault.steps.get() - steps <= 16, "and a checkpoint a few more");
}

#[test]
fn outgrown_partial_tiles_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    log.extend(0, &entries(0, 300)).unwrap();
    log.sign_checkpoint().unwrap();
    assert!(dir.path().join("tile/entries/001.p/44").exists() && dir.path().join("tile/0/001.p/44").exists());
    log.extend(300, &entries(300, 600)).unwrap();
    assert!(dir.path().join("tile/0/001.p/44").exists(), "the published checkpoint needs it");
    log.sign_checkpoint().unwrap();
    assert!(!dir.path().join("tile/0/001.p").exists() && !dir.path().join("tile/entries/001.p").exists());
    assert!(dir.path().join("tile/1/000.p/1").exists(), "an earlier checkpoint's tile that is not full yet stays");
}

#[test]
fn the_same_entries_again_change_nothing_and_others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    log.extend(0, &entries(0, 600)).unwrap();
    let root = log.root();
    assert_eq!(log.extend(0, &entries(0, 600)).unwrap(), 600);
    assert_eq!(log.extend(250, &entries(250, 259)).unwrap(), 600);
    assert_eq!(log.root(), root);
    assert_eq!(log.extend(590, &entries(590, 610)).unwrap(), 610);
    assert!(matches!(log.extend(611, &entries(611, 612)), Err(Error::Invalid(_))), "a gap");
    for at in [0, 255, 256, 511, 512, 609] {
        assert!(matches!(log.extend(at, &[b"another"]), Err(Error::Damaged { .. })), "entry {at}");
    }
    assert_eq!(log.extend(610, &Vec::<Vec<u8>>::new()).unwrap(), 610);
    assert_eq!(log.extend(610, &entries(610, 611)).unwrap(), 611);
}

#[test]
fn the_longest_entry_goes_in_and_one_byte_more_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    log.extend(0, &[vec![7; ENTRY_BYTES_MAX], Vec::new()]).unwrap();
    assert!(matches!(log.extend(2, &[b"short".to_vec(), vec![7; ENTRY_BYTES_MAX + 1]]), Err(Error::Invalid(_))));
    assert_eq!(log.size(), 2, "none of a refused group is appended");
    log.extend(2, &vec![vec![7; ENTRY_BYTES_MAX]; 255]).unwrap();
    log.sign_checkpoint().unwrap();
    assert_eq!(verify(dir.path(), &log.vkey()).unwrap().size, 257);
    assert_eq!(open(&dir).size(), 257);
}

#[test]
fn another_key_origin_or_tile_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    log.extend(0, &entries(0, 300)).unwrap();
    log.sign_checkpoint().unwrap();
    let refused = |origin: &str, key: &SigningKey| Log::open(dir.path(), origin, key).map(|_| ()).unwrap_err();
    assert!(matches!(refused("other.example", &key()), Error::Invalid(_)));
    let other_origin = SigningKey::from_seed("other.example", &[42; 32]).unwrap();
    assert!(matches!(refused("other.example", &other_origin), Error::Damaged { .. }));
    let other_seed = SigningKey::from_seed(ORIGIN, &[43; 32]).unwrap();
    assert!(matches!(refused(ORIGIN, &other_seed), Error::Damaged { .. }));
    for file in ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"] {
        let path = dir.path().join(file);
        let right = std::fs::read(&path).unwrap();
        let mut wrong = right.clone();
        wrong[5] ^= 1;
        std::fs::write(&path, wrong).unwrap();
        assert!(matches!(refused(ORIGIN, &key()), Error::Damaged { .. }), "{file}");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(refused(ORIGIN, &key()), Error::Damaged { .. }), "{file}");
        std::fs::write(&path, right).unwrap();
    }
    assert_eq!(open(&dir).size(), 300);
}

#[test]
fn a_proof_convinces_without_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(&dir);
    assert!(log.tlog_proof(0).is_err(), "nothing is published");
    log.extend(0, &entries(0, 300)).unwrap();
    log.sign_checkpoint().unwrap();
    log.extend(300, &entries(300, 301)).unwrap();
    assert!(log.tlog_proof(300).is_err(), "the checkpoint does not cover it");
    let vkey: VerifierKey = log.vkey().parse().unwrap();
    let text = log.tlog_proof(273).unwrap().to_string();
    assert_eq!(text, include_str!("../../tests/golden/entry-273.tlog-proof"));
    let proof = TlogProof::parse(&text).unwrap();
    assert_eq!(proof.verify(&entry(273), &vkey).unwrap().size, 300);
    assert!(proof.verify(&entry(274), &vkey).is_err());
    let with_extra = text.replacen("index", "extra AAAA\nindex", 1);
    assert_eq!(TlogProof::parse(&with_extra).unwrap(), TlogProof { extra: vec![0; 3], ..proof.clone() });
    assert_eq!(TlogProof::parse(&with_extra).unwrap().to_string(), with_extra);
    for wrong in ["extra", "extra ", "extra AAA", "extra  AAAA", "extra AAAA\nextra AAAA", "Extra AAAA"] {
        assert!(TlogProof::parse(&text.replacen("index", &format!("{wrong}\nindex"), 1)).is_err(), "{wrong:?}");
    }
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        let verified = TlogProof::parse(&changed).and_then(|proof| proof.verify(&entry(273), &vkey));
        assert!(verified.is_err(), "byte {at}");
    }
    assert!(TlogProof::parse(&text.replacen("273", "0273", 1)).is_err());
    assert!(TlogProof::parse("").is_err());
}

#[test]
fn a_path_is_no_longer_than_a_tree_is_high() {
    let text = |count: usize| {
        format!("c2sp.org/tlog-proof@v1\nindex 0\n{}\nx", format!("{}\n", Hash([0; 32]).to_base64()).repeat(count))
    };
    assert!(TlogProof::parse(&text(64)).is_ok());
    assert!(TlogProof::parse(&text(65)).is_err());
}
