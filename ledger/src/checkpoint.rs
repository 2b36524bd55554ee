//! Checkpoints (C2SP tlog-checkpoint): origin, size and root, signed as a note.

use crate::{Error, Hash, SigningKey, VerifierKey};

/// The head of the log at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The Merkle tree's root at that size.
    pub root: Hash,
}

/// A checkpoint with the note it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The signed note as it is published.
    pub note: String,
}

impl Checkpoint {
    /// Signs it.
    ///
    /// # Errors
    /// Invalid for an origin that no note can carry.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedCheckpoint, Error> {
        let text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64());
        Ok(SignedCheckpoint { checkpoint: self.clone(), note: key.sign(&text)? })
    }

    /// What a note says. Nothing is verified here.
    ///
    /// # Errors
    /// Invalid if it is not a checkpoint.
    pub fn of_note(note: &crate::Note<'_>) -> Result<Self, Error> {
        Self::parse(note.text()).ok_or(Error::Invalid("the note is not a checkpoint"))
    }

    /// Reads a note's text; `None` if it is not a checkpoint's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let digits = lines.next()?;
        let size: u64 = digits.parse().ok()?;
        let root = Hash::from_base64(lines.next()?)?;
        // One spelling for each number, and no empty extension lines.
        (size.to_string() == digits && lines.all(|line| !line.is_empty())).then_some(Self { origin, size, root })
    }
}

impl SignedCheckpoint {
    /// Reads a published checkpoint: the key must have signed it, and the origin must be the key's name.
    ///
    /// # Errors
    /// Invalid otherwise.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, Error> {
        let text = key.open(note)?;
        let checkpoint = Checkpoint::parse(text).ok_or(Error::Invalid("the signed note is not a checkpoint"))?;
        if checkpoint.origin != key.name() {
            return Err(Error::Invalid("the checkpoint is of another origin"));
        }
        Ok(Self { checkpoint, note: note.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_spelling_is_read() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        assert!(Checkpoint::parse(&format!("example.com/log\n20852163\n{root}\n")).is_some());
        assert!(Checkpoint::parse(&format!("example.com/log\n0\n{root}\nextension\n")).is_some());
        for text in [
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1\n{root}"),
            format!("o\n1\n{root}\n\nextension\n"),
            "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n".to_owned(),
            "o\n1\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(Checkpoint::parse(&text), None, "{text:?}");
        }
    }

    #[test]
    fn the_key_must_be_named_after_the_origin() -> Result<(), Error> {
        let key = SigningKey::from_seed("example.com/log", &[1; 32])?;
        let checkpoint = |origin: &str| Checkpoint { origin: origin.into(), size: 1, root: Hash([1; 32]) };
        let signed = checkpoint("example.com/log").sign(&key)?;
        assert_eq!(SignedCheckpoint::open(&signed.note, key.verifier())?, signed);
        assert!(SignedCheckpoint::open(&checkpoint("example.com/other").sign(&key)?.note, key.verifier()).is_err());
        assert!(SignedCheckpoint::open(&key.sign("not a checkpoint\n")?, key.verifier()).is_err());
        Ok(())
    }
}
