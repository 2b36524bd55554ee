//! Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2; checked as in RFC 9162 sections 2.1.3.2 and
//! 2.1.4.2).

use crate::merkle::{empty_root, node_hash};
use crate::{Error, Hash};

/// Where the hash of a complete subtree comes from: the `index`-th of height `height`.
pub(crate) trait Nodes {
    fn node(&self, height: u32, index: u64) -> Result<Hash, Error>;
}

/// `MTH(D[lo:hi])`, where `lo` is a multiple of the largest power of two below `hi - lo`.
fn subtree(nodes: &impl Nodes, lo: u64, hi: u64) -> Result<Hash, Error> {
    let len = hi - lo;
    if len.is_power_of_two() {
        return nodes.node(len.trailing_zeros(), lo / len);
    }
    let split = lo + split(len);
    Ok(node_hash(&subtree(nodes, lo, split)?, &subtree(nodes, split, hi)?))
}

/// The largest power of two smaller than `len`, for `len` > 1.
fn split(len: u64) -> u64 {
    1 << (len - 1).checked_ilog2().unwrap_or(0)
}

/// `MTH(D[0:size])`.
pub(crate) fn root(nodes: &impl Nodes, size: u64) -> Result<Hash, Error> {
    if size == 0 { Ok(empty_root()) } else { subtree(nodes, 0, size) }
}

/// `PATH(index, D[0:size])`, from the leaf's sibling up.
pub(crate) fn inclusion(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::Invalid("the entry is not in a tree of that size"));
    }
    let (mut lo, mut hi) = (0, size);
    let mut path = Vec::new();
    while hi - lo > 1 {
        let middle = lo + split(hi - lo);
        if index < middle {
            path.push(subtree(nodes, middle, hi)?);
            hi = middle;
        } else {
            path.push(subtree(nodes, lo, middle)?);
            lo = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// `PROOF(old, D[0:new])`; empty if the sizes are equal or the old tree was empty.
pub(crate) fn consistency(nodes: &impl Nodes, old: u64, new: u64) -> Result<Vec<Hash>, Error> {
    if old > new {
        return Err(Error::Invalid("a log does not shrink"));
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut lo, mut hi) = (0, new);
    let mut path = Vec::new();
    while old < hi {
        let middle = lo + split(hi - lo);
        if old <= middle {
            path.push(subtree(nodes, middle, hi)?);
            hi = middle;
        } else {
            path.push(subtree(nodes, lo, middle)?);
            lo = middle;
        }
    }
    // The old tree's own root is known to the asker; any other last subtree is not.
    if lo > 0 {
        path.push(subtree(nodes, lo, hi)?);
    }
    path.reverse();
    Ok(path)
}

const WRONG: Error = Error::Invalid("the proof does not lead to the root");

/// Checks that the entry with this leaf hash is the `index`-th of the tree with this root.
///
/// # Errors
/// Invalid if it is not, or the proof is not one.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> Result<(), Error> {
    if index >= size {
        return Err(WRONG);
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(WRONG);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(WRONG) }
}

/// Checks that the new tree is the old one with entries appended.
///
/// # Errors
/// Invalid if it is not, or the proof is not one.
pub fn verify_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> Result<(), Error> {
    let holds = |holds: bool| if holds { Ok(()) } else { Err(WRONG) };
    if old > new {
        return Err(WRONG);
    }
    if old == new {
        return holds(path.is_empty() && old_root == new_root);
    }
    if old == 0 {
        // Every tree extends the empty one.
        return holds(path.is_empty() && *old_root == empty_root());
    }
    // Where the old size is a power of two, its root is the first node and the proof leaves it out.
    let (first, rest) = match (old.is_power_of_two(), path.split_first()) {
        (true, _) => (*old_root, path),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return Err(WRONG),
    };
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(WRONG);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    holds(last == 0 && old_hash == *old_root && new_hash == *new_root)
}
