use super::*;
use crate::root::Base;
use crate::vault::file::{FileKey, Slot};
use proptest::prelude::*;
use record::Outcome;

fn fixed() -> Vault {
    let tree = Tree { number: 1, nodes: BTreeMap::from([(0, Node { height: HEIGHT, seed: [7; 32] })]) };
    Vault::of(1, 1_000, vec![tree])
}

fn key(vault: &mut Vault, leaf: Leaf) -> Option<[u8; 32]> {
    vault.key(vault.tree(), leaf).unwrap().map(|key| key.0)
}

/// HKDF-Expand with SHA-512 of 64 bytes, 32 times, computed apart (Python's hmac): leaves 0, 1, 5 and the last of a tree whose seed is
/// thirty-two bytes 07.
#[test]
fn leaves_have_the_keys_that_they_always_had() {
    for line in include_str!("../../tests/golden/vault-leaves.txt").lines() {
        let (leaf, expected) = line.split_once(' ').unwrap();
        let found = key(&mut fixed(), leaf.parse().unwrap()).unwrap();
        assert_eq!(hex::encode(found), expected, "leaf {leaf}");
    }
}

#[test]
fn an_erased_leaf_is_gone_and_every_other_is_what_it_was() -> Result<()> {
    let leaves = [0, 1, 2, 255, 256, 257, 511, 512, 999, u32::MAX - 1, u32::MAX];
    for erased in leaves {
        let mut before = fixed();
        let mut after = before.without(&[erased])?;
        assert_eq!(after.generation(), 2);
        assert_eq!(after.seeds(), 32, "one seed beside each step of the way down");
        for leaf in leaves {
            let expected = key(&mut before, leaf);
            assert_eq!(key(&mut after, leaf), expected.filter(|_| leaf != erased), "{erased} erased, {leaf} asked");
        }
        // Again, from what is remembered.
        assert_eq!(key(&mut after, erased), None);
    }
    Ok(())
}

#[test]
fn what_is_remembered_does_not_survive_an_erasure() -> Result<()> {
    let mut vault = fixed();
    assert!(key(&mut vault, 300).is_some() && key(&mut vault, 301).is_some());
    let mut after = vault.without(&[300])?;
    assert!(key(&mut after, 301).is_some());
    assert_eq!(key(&mut after, 300), None);
    Ok(())
}

#[test]
fn no_seed_above_an_erased_leaf_is_left_in_the_bytes() -> Result<()> {
    let vault = fixed();
    let mut way = vec![Node { height: HEIGHT, seed: [7; 32] }];
    while way.last().unwrap().height > 0 {
        let next = way.last().unwrap().step(77)?.0;
        way.push(next);
    }
    let bytes = vault.without(&[77])?.encode();
    assert_eq!(way.len(), 33);
    for node in &way {
        assert!(!bytes.windows(32).any(|window| window == node.seed), "height {}", node.height);
    }
    Ok(())
}

#[test]
fn a_successor_has_other_keys_and_the_same_erasures() -> Result<()> {
    let mut vault = fixed().without(&[3, 700])?.with_successor()?;
    assert_eq!((vault.trees(), vault.tree()), (2, 2));
    assert_ne!(vault.key(1, 4)?.unwrap().0, vault.key(2, 4)?.unwrap().0);
    for tree in [1, 2] {
        assert!(vault.key(tree, 3)?.is_none() && vault.key(tree, 700)?.is_none());
    }
    assert!(vault.with_successor().is_err());
    let expected = vault.key(2, 4)?.unwrap().0;
    let mut moved = vault.without_predecessor();
    assert!(moved.key(1, 4)?.is_none());
    assert_eq!(moved.key(2, 4)?.unwrap().0, expected);
    assert_eq!(moved.erased(), [3, 700]);
    Ok(())
}

#[test]
fn the_file_opens_under_its_key_and_shows_any_change() -> Result<()> {
    let file_key = FileKey([1; 32]);
    let slots = [Slot { root: [2; 16], wrapped: vec![3; 60] }, Slot { root: [4; 16], wrapped: vec![5; 80] }];
    let vault = fixed().without(&[5])?;
    let base = Base::for_test(1, [6; 32]);
    let file = file::seal(&slots, &file_key, &base, &vault)?;
    let header = file::header(&file)?;
    assert_eq!((header.generation, header.slots.as_slice()), (2, slots.as_slice()));
    let (found, mut opened) = file::open(&file, &file_key)?;
    assert_eq!(found.to_bytes(), base.to_bytes());
    assert_eq!((opened.generation(), opened.reserved(), opened.seeds()), (2, 1_000, 32));
    assert_eq!(key(&mut opened, 6), key(&mut fixed(), 6));
    assert!(file::open(&file, &FileKey([9; 32])).is_err());
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(file::open(&changed, &file_key).is_err(), "byte {at}");
    }
    for len in 0..file.len() {
        assert!(file::open(&file[..len], &file_key).is_err(), "{len} bytes");
    }
    assert_eq!(file::seal(&[], &file_key, &base, &vault).unwrap_err().outcome(), Outcome::Invalid);
    Ok(())
}

#[test]
fn seeds_that_overlap_or_stand_out_of_order_are_no_vault() {
    let node = |first: u32, height: u8| [first.to_be_bytes().as_slice(), &[height], &[1; 32]].concat();
    let body = |nodes: &[Vec<u8>]| {
        let count = u32::try_from(nodes.len()).unwrap().to_be_bytes();
        [[0; 12].as_slice(), &[1, 0, 0, 0, 1], &count, &nodes.concat()].concat()
    };
    assert!(Vault::decode(&body(&[node(0, 3), node(8, 3), node(16, 0)])).is_some());
    for wrong in [
        body(&[node(0, 4), node(8, 3)]),
        body(&[node(8, 3), node(0, 3)]),
        body(&[node(4, 3)]),
        body(&[node(0, 33)]),
        [body(&[node(0, 3)]), vec![0]].concat(),
        body(&[node(0, 3)])[..30].to_vec(),
    ] {
        assert!(Vault::decode(&wrong).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_erasures_in_any_order_leave_exactly_the_others(leaves in prop::collection::vec(0_u32..600, 0..40), cut in 0_usize..40) {
        let cut = cut.min(leaves.len());
        let mut vault = fixed().without(&leaves[..cut]).unwrap().without(&leaves[cut..]).unwrap();
        let mut erased = leaves.clone();
        erased.sort_unstable();
        erased.dedup();
        prop_assert_eq!(vault.erased(), erased.clone());
        let mut whole = fixed();
        for leaf in (0..600).step_by(7).chain(erased.iter().copied()) {
            let expected = key(&mut whole, leaf).filter(|_| !erased.contains(&leaf));
            prop_assert_eq!(key(&mut vault, leaf), expected);
        }
        let again = Vault::decode(&vault.encode()).unwrap();
        prop_assert_eq!(again.erased(), erased);
    }
}
