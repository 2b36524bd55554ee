//! The vault: the small thing that can be deleted, so that what lies in every backup need not be.
//!
//! A patient's secret lies sealed in the key service's state, and the state is copied into backups that nobody can
//! recall. So the key that it is sealed under lies in none of them: it is a leaf of a tree of keys, and only the tree's
//! seeds are kept, in a file of their own. From 32 bytes everything below them is computed, one half of a hash after the other
//! (the puncturable function of Goldreich, Goldwasser and Micali). To erase a patient is to replace the seed above its leaf by the
//! seeds beside the way down to it, and to destroy the file that was there before: every other leaf is still computed, with the
//! same result, and this one never again. Nothing is sealed anew and no backup is spoilt for anybody else.

pub mod file;

use crate::blob::SealingKey;
use crate::{Error, Result, kdf};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A leaf: the number of a patient's row.
pub type Leaf = u32;

/// Height of a tree: as many leaves as there are numbers.
const HEIGHT: u8 = 32;
/// Seeds of this height are remembered: 256 patients are eight steps away instead of thirty.
const REMEMBERED_HEIGHT: u8 = 8;
/// How many: 16 million patients, in some 4 MB.
const REMEMBERED_MAX: usize = 65_536;
/// Trees at once: the one in use, and its successor while secrets move over.
const TREES_MAX: usize = 2;
const NODE_BYTES: usize = 4 + 1 + 32;

const DAMAGED: Error = Error::damaged("the vault is not what was written");

/// A seed and how many leaves are below it: two to the power of its height.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Node {
    height: u8,
    seed: [u8; 32],
}

impl Node {
    /// The seeds of both halves.
    fn children(&self) -> Result<Zeroizing<[u8; 64]>> {
        let mut both = Zeroizing::new([0; 64]);
        kdf::expand(&self.seed, &[b"segel/vault@v1\x00"], both.as_mut_slice())?;
        Ok(both)
    }

    /// The half in which a leaf is, and the other.
    fn step(&self, leaf: Leaf) -> Result<(Node, Node)> {
        let height = self.height.checked_sub(1).ok_or(DAMAGED)?;
        let both = self.children()?;
        let (left, right) = both.split_first_chunk::<32>().ok_or(DAMAGED)?;
        let (left, right) = (*left, *right.first_chunk::<32>().ok_or(DAMAGED)?);
        let is_right = (leaf >> height) & 1 == 1;
        let (near, far) = if is_right { (right, left) } else { (left, right) };
        Ok((Node { height, seed: near }, Node { height, seed: far }))
    }

    fn down_to(&self, height: u8, leaf: Leaf) -> Result<Node> {
        let mut node = self.clone();
        while node.height > height {
            node = node.step(leaf)?.0;
        }
        Ok(node)
    }

    /// Whether the leaf is below this node, whose first leaf is `first`.
    fn covers(&self, first: Leaf, leaf: Leaf) -> bool {
        leaf >= first && u64::from(leaf - first) < 1 << self.height
    }
}

/// The first leaf of the node of a height that covers a leaf.
fn first_of(leaf: Leaf, height: u8) -> Leaf {
    leaf.checked_shr(u32::from(height)).map_or(0, |kept| kept << height)
}

/// One tree: the seeds that are left, by their first leaf.
#[derive(Clone)]
struct Tree {
    number: u32,
    nodes: BTreeMap<Leaf, Node>,
}

impl Tree {
    fn generate(number: u32) -> Result<Self> {
        Ok(Self { number, nodes: BTreeMap::from([(0, Node { height: HEIGHT, seed: kdf::random()? })]) })
    }

    fn above(&self, leaf: Leaf) -> Option<(Leaf, &Node)> {
        let (first, node) = self.nodes.range(..=leaf).next_back()?;
        node.covers(*first, leaf).then_some((*first, node))
    }

    fn puncture(&mut self, leaf: Leaf) -> Result<()> {
        let Some((first, _)) = self.above(leaf) else { return Ok(()) };
        let Some(mut node) = self.nodes.remove(&first) else { return Ok(()) };
        while node.height > 0 {
            let (near, far) = node.step(leaf)?;
            let sibling = first_of(leaf, far.height) ^ (1 << far.height);
            self.nodes.insert(sibling, far);
            node = near;
        }
        Ok(())
    }
}

/// All seeds that are left.
pub struct Vault {
    generation: u64,
    reserved: Leaf,
    trees: Vec<Tree>,
    remembered: HashMap<(u32, Leaf), Node>,
}

impl Vault {
    /// A new vault from which nothing has been erased, of generation 1, with a tree numbered 1.
    ///
    /// # Errors
    /// Busy if the system gives no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self::of(1, 1, vec![Tree::generate(1)?]))
    }

    /// A vault without any key: for readers of what needs none.
    #[must_use]
    pub fn none() -> Self {
        Self::of(0, 0, Vec::new())
    }

    fn of(generation: u64, reserved: Leaf, trees: Vec<Tree>) -> Self {
        Self { generation, reserved, trees, remembered: HashMap::new() }
    }

    /// How often something was erased from it, and one.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Leaves from here on have never been used, in any state that this vault ever stood beside.
    #[must_use]
    pub fn reserved(&self) -> Leaf {
        self.reserved
    }

    /// The number of the tree under which new secrets are sealed; 0 if there is none.
    #[must_use]
    pub fn tree(&self) -> u32 {
        self.trees.last().map_or(0, |tree| tree.number)
    }

    /// Seeds that are left: the length of the file.
    #[must_use]
    pub fn seeds(&self) -> usize {
        self.trees.iter().map(|tree| tree.nodes.len()).sum()
    }

    /// The key of one leaf of one tree; `None` once it is erased.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn key(&mut self, tree: u32, leaf: Leaf) -> Result<Option<SealingKey>> {
        let slot = (tree, leaf >> REMEMBERED_HEIGHT);
        if let Some(near) = self.remembered.get(&slot) {
            return Ok(Some(SealingKey(near.down_to(0, leaf)?.seed)));
        }
        let Some((_, node)) = self.trees.iter().find(|t| t.number == tree).and_then(|t| t.above(leaf)) else {
            return Ok(None);
        };
        if node.height <= REMEMBERED_HEIGHT {
            return Ok(Some(SealingKey(node.down_to(0, leaf)?.seed)));
        }
        let near = node.down_to(REMEMBERED_HEIGHT, leaf)?;
        let key = near.down_to(0, leaf)?.seed;
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.insert(slot, near);
        Ok(Some(SealingKey(key)))
    }

    /// The next generation: the same vault without these leaves.
    ///
    /// # Errors
    /// None in practice: the lengths are fixed.
    pub fn without(&self, leaves: &[Leaf]) -> Result<Self> {
        let mut trees = self.trees.clone();
        for tree in &mut trees {
            for leaf in leaves {
                tree.puncture(*leaf)?;
            }
        }
        Ok(Self::of(self.generation.saturating_add(1), self.reserved, trees))
    }

    /// The same vault, which says that leaves below `reserved` may have been used.
    #[must_use]
    pub fn reserving(&self, reserved: Leaf) -> Self {
        Self::of(self.generation, self.reserved.max(reserved), self.trees.clone())
    }

    /// The same vault with a new tree beside the one in use, without the leaves that are erased there.
    ///
    /// # Errors
    /// Invalid if there are two already, Busy if the system gives no randomness.
    pub fn with_successor(&self) -> Result<Self> {
        if self.trees.len() >= TREES_MAX {
            return Err(Error::invalid("the vault is being replaced already"));
        }
        let mut tree = Tree::generate(self.tree().saturating_add(1))?;
        for leaf in self.erased() {
            tree.puncture(leaf)?;
        }
        let mut trees = self.trees.clone();
        trees.push(tree);
        Ok(Self::of(self.generation, self.reserved, trees))
    }

    /// The same vault with its newest tree alone.
    #[must_use]
    pub fn without_predecessor(&self) -> Self {
        Self::of(self.generation, self.reserved, self.trees.last().cloned().into_iter().collect())
    }

    /// How many trees there are: 2 while secrets move from one to the other.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Every leaf below [`Self::reserved`] that was erased.
    #[must_use]
    pub fn erased(&self) -> Vec<Leaf> {
        let Some(tree) = self.trees.last() else { return Vec::new() };
        let mut erased = Vec::new();
        let mut next = 0_u64;
        for (first, node) in &tree.nodes {
            erased.extend(
                (next..u64::from(*first).min(self.reserved.into())).filter_map(|leaf| Leaf::try_from(leaf).ok()),
            );
            next = u64::from(*first) + (1 << node.height);
        }
        erased.extend((next..self.reserved.into()).filter_map(|leaf| Leaf::try_from(leaf).ok()));
        erased
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(13 + 8 * TREES_MAX + NODE_BYTES * self.seeds()));
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.reserved.to_be_bytes());
        bytes.push(u8::try_from(self.trees.len()).unwrap_or(u8::MAX));
        for tree in &self.trees {
            bytes.extend_from_slice(&tree.number.to_be_bytes());
            bytes.extend_from_slice(&u32::try_from(tree.nodes.len()).unwrap_or(u32::MAX).to_be_bytes());
            for (first, node) in &tree.nodes {
                bytes.extend_from_slice(&first.to_be_bytes());
                bytes.push(node.height);
                bytes.extend_from_slice(&node.seed);
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, rest) = bytes.split_first_chunk()?;
        let (reserved, rest) = rest.split_first_chunk()?;
        let (count, mut rest) = rest.split_first()?;
        let mut trees = Vec::new();
        for _ in 0..*count {
            let (tree, after) = decode_tree(rest)?;
            trees.push(tree);
            rest = after;
        }
        let is_sound = rest.is_empty() && trees.len() <= TREES_MAX && trees.is_sorted_by_key(|tree| tree.number);
        is_sound.then(|| Self::of(u64::from_be_bytes(*generation), u32::from_be_bytes(*reserved), trees))
    }
}

fn decode_tree(bytes: &[u8]) -> Option<(Tree, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut nodes = BTreeMap::new();
    // Seeds stand in the order of their leaves and none is below another: two ways to one leaf would survive an erasure.
    let mut next = 0_u64;
    for _ in 0..u32::from_be_bytes(*count) {
        let (first, after) = rest.split_first_chunk()?;
        let (height, after) = after.split_first()?;
        let (seed, after) = after.split_first_chunk::<32>()?;
        let first = u32::from_be_bytes(*first);
        if *height > HEIGHT || u64::from(first) < next || first_of(first, *height) != first {
            return None;
        }
        next = u64::from(first) + (1 << *height);
        nodes.insert(first, Node { height: *height, seed: *seed });
        rest = after;
    }
    Some((Tree { number: u32::from_be_bytes(*number), nodes }, rest))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(generation {}, {} seeds)", self.generation, self.seeds())
    }
}

#[cfg(test)]
mod tests;
