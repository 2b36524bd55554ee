//! What a log and a witness say to each other (C2SP tlog-witness), and how a witness judges it.
//!
//! Nothing here keeps anything: whoever runs a witness holds the last cosigned checkpoint durably before it answers.

#[cfg(test)]
mod tests;

use crate::checkpoint::Checkpoint;
use crate::merkle::empty_root;
use crate::note::{NOTE_BYTES_MAX, Note};
use crate::{Error, Hash, VerifierKey, verify_consistency};
use std::fmt;

/// Consistency proof lines of one request: enough for every tree below 2^63.
pub const PROOF_HASHES_MAX: usize = 63;
/// A request: the old size, a full proof, a blank line, the longest note.
pub const REQUEST_BYTES_MAX: usize = 32 + PROOF_HASHES_MAX * 45 + 1 + NOTE_BYTES_MAX;
/// What a witness answers to a log that is not where it thinks.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// An `add-checkpoint` request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the proof starts from.
    pub old: u64,
    /// From the old size to the checkpoint's.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no such request.
    Malformed(&'static str),
    /// The log is not one of this witness's.
    UnknownOrigin,
    /// No key of the log signed it.
    NotSigned,
    /// The witness stands at another size.
    Conflict(u64),
    /// It does not follow what the witness has cosigned.
    Inconsistent(&'static str),
}

impl Refusal {
    /// The HTTP status that says so.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NotSigned => 403,
            Self::UnknownOrigin => 404,
            Self::Conflict(_) => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// Whether the log's own key signed what was refused: then it may be evidence against the log.
    #[must_use]
    pub fn is_evidence(self) -> bool {
        matches!(self, Self::Inconsistent(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) | Self::Inconsistent(why) => f.write_str(why),
            Self::UnknownOrigin => f.write_str("this witness does not know the log"),
            Self::NotSigned => f.write_str("no key of the log signed the checkpoint"),
            Self::Conflict(size) => writeln!(f, "{size}"),
        }
    }
}

/// A checkpoint that may be cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The note with the log's own signatures and no others.
    pub note: String,
}

impl AddCheckpoint {
    /// Reads a request's body.
    ///
    /// # Errors
    /// Malformed.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("this is not an add-checkpoint request");
        if body.len() > REQUEST_BYTES_MAX {
            return Err(Refusal::Malformed("the request is too long"));
        }
        let (head, note) = std::str::from_utf8(body).ok().and_then(|text| text.split_once("\n\n")).ok_or(WRONG)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal).ok_or(WRONG)?;
        let proof: Vec<Hash> = lines.map(Hash::from_base64).collect::<Option<_>>().ok_or(WRONG)?;
        if proof.len() > PROOF_HASHES_MAX {
            return Err(Refusal::Malformed("a consistency proof has at most 63 hashes"));
        }
        Ok(Self { old, proof, note: note.to_owned() })
    }

    /// The log that the checkpoint claims to be of. Nothing is verified yet.
    ///
    /// # Errors
    /// Malformed if it is not a checkpoint.
    pub fn origin(&self) -> Result<&str, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("what was sent is not a signed checkpoint");
        let note = Note::parse(&self.note).map_err(|_| WRONG)?;
        Checkpoint::parse(note.text()).ok_or(WRONG)?;
        note.text().split('\n').next().ok_or(WRONG)
    }

    /// Judges it, with the log's keys and the last checkpoint of the log that was cosigned.
    ///
    /// # Errors
    /// Why it must not be cosigned.
    pub fn judge(&self, keys: &[VerifierKey], latest: Option<&Checkpoint>) -> Result<Accepted, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("what was sent is not a signed checkpoint");
        let note = Note::parse(&self.note).map_err(|_| WRONG)?;
        let checkpoint = Checkpoint::parse(note.text()).ok_or(WRONG)?;
        let known: Vec<&VerifierKey> = keys.iter().filter(|key| key.name() == checkpoint.origin).collect();
        if known.is_empty() {
            return Err(Refusal::UnknownOrigin);
        }
        let signatures = signatures(&note, &known)?;
        let (size, root) = latest.map_or((0, empty_root()), |seen| (seen.size, seen.root));
        if self.old > checkpoint.size {
            return Err(Refusal::Malformed("the old size is larger than the checkpoint's"));
        }
        if self.old != size {
            return Err(Refusal::Conflict(size));
        }
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(Refusal::Inconsistent("the root is not that of the tree without entries"));
        }
        verify_consistency(size, &root, checkpoint.size, &checkpoint.root, &self.proof)
            .map_err(|_| Refusal::Inconsistent("the checkpoint does not follow the one that was cosigned last"))?;
        Ok(Accepted { checkpoint, note: format!("{}\n{signatures}", note.text()) })
    }
}

/// The lines of the log's keys. One that claims a key and is not its makes the whole note false (C2SP signed-note).
fn signatures(note: &Note<'_>, keys: &[&VerifierKey]) -> Result<String, Refusal> {
    let mut ours = String::new();
    for key in keys {
        let claims = note.lines().iter().any(|line| key.is_named_by(line));
        if claims {
            let lines = key.verify(note).map_err(|_| Refusal::NotSigned)?;
            // A line that stands twice is one signature.
            ours.extend(lines.first().map(|line| line.text()));
        }
    }
    if ours.is_empty() { Err(Refusal::NotSigned) } else { Ok(ours) }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// The size that a witness answered with 409.
///
/// # Errors
/// Invalid if it is none.
pub fn parse_size(body: &[u8]) -> Result<u64, Error> {
    const WRONG: Error = Error::Invalid("the witness's answer is not a size");
    let text = std::str::from_utf8(body).map_err(|_| WRONG)?;
    text.strip_suffix('\n').and_then(decimal).ok_or(WRONG)
}

/// Adds the lines that a witness answered to a note. What the lines are worth is for who verifies the result.
///
/// # Errors
/// Invalid if the answer is not one or more signature lines.
pub fn add_lines(note: &str, answer: &[u8]) -> Result<String, Error> {
    const WRONG: Error = Error::Invalid("the witness's answer is not signature lines");
    // With a blank line before or inside, the answer would begin another note.
    let is_lines = |lines: &&str| lines.starts_with('—') && !lines.contains("\n\n");
    let lines = std::str::from_utf8(answer).ok().filter(is_lines).ok_or(WRONG)?;
    let joined = format!("{note}{lines}");
    Note::parse(&joined).map_err(|_| WRONG)?;
    Ok(joined)
}

/// A number in its one spelling.
fn decimal(digits: &str) -> Option<u64> {
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}
