//! One entry shown to someone who has no log (C2SP tlog-proof): its index, its inclusion proof and a checkpoint.

use crate::{Checkpoint, Error, Hash, SignedCheckpoint, VerifierKey, leaf_hash, verify_inclusion};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

const MAGIC: &str = "c2sp.org/tlog-proof@v1";
/// Extra data of one proof: an application's entry in full.
pub const EXTRA_BYTES_MAX: usize = 1024 * 1024;
/// A tree of 2^64 entries has paths of 64 hashes.
const PATH_MAX: usize = 64;

/// An offline-verifiable proof. As text it is the content of a `.tlog-proof` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's index.
    pub index: u64,
    /// What else the application needs to make the entry. The log does not vouch for it: only what leads to the entry's
    /// hash counts.
    pub extra: Vec<u8>,
    /// Its inclusion proof, from the leaf's sibling up.
    pub path: Vec<Hash>,
    /// The checkpoint that the proof leads to, as published.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads a `.tlog-proof` file.
    ///
    /// # Errors
    /// Invalid if it is not one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or(Error::Invalid("this is not a tlog-proof"))
    }

    fn read(text: &str) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n').peekable();
        if lines.next()? != MAGIC {
            return None;
        }
        let extra = match lines.peek()?.strip_prefix("extra ") {
            Some(encoded) => {
                lines.next();
                STANDARD.decode(encoded).ok().filter(|extra| !extra.is_empty() && extra.len() <= EXTRA_BYTES_MAX)?
            }
            None => Vec::new(),
        };
        let digits = lines.next()?.strip_prefix("index ")?;
        let index: u64 = digits.parse().ok()?;
        let path: Vec<Hash> = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        let fits = index.to_string() == digits && path.len() <= PATH_MAX;
        fits.then(|| Self { index, extra, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that the log with this key holds this entry at this index.
    ///
    /// # Errors
    /// Invalid if the checkpoint is not the log's, or the proof does not lead to it.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, Error> {
        let signed = SignedCheckpoint::open(&self.checkpoint, key)?;
        let Checkpoint { size, root, .. } = &signed.checkpoint;
        verify_inclusion(&leaf_hash(entry), self.index, *size, &self.path, root)?;
        Ok(signed.checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", STANDARD.encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_data_may_reach_its_limit() {
        let proof = |len| TlogProof { index: 0, extra: vec![7; len], path: vec![], checkpoint: "x".into() };
        let (longest, longer) = (proof(EXTRA_BYTES_MAX), proof(EXTRA_BYTES_MAX + 1));
        assert_eq!(TlogProof::parse(&longest.to_string()).unwrap(), longest);
        assert!(TlogProof::parse(&longer.to_string()).is_err());
    }
}
