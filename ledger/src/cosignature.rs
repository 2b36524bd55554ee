//! Cosignatures of witnesses (C2SP tlog-cosignature, `cosignature/v1`, with Ed25519): what was seen, and when.

use crate::note::{self, Note, SignatureLine};
use crate::{Error, Hash};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

const COSIGNATURE_TYPE: u8 = 0x04;

/// A witness's own key with the name it signs under.
#[derive(Clone)]
pub struct Cosigner {
    pair: Arc<Ed25519KeyPair>,
    key: WitnessKey,
}

impl Cosigner {
    /// The key of a seed of 32 bytes.
    ///
    /// # Errors
    /// Invalid for a name that no note can carry.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        const NO_KEY: Error = Error::Invalid("no Ed25519 key comes of this seed");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NO_KEY)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NO_KEY)?;
        Ok(Self { key: WitnessKey::new(name, public)?, pair: Arc::new(pair) })
    }

    /// What verifies this witness's cosignatures.
    #[must_use]
    pub fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// Cosigns a checkpoint's text; answers the signature line. Whoever calls has verified that the checkpoint follows
    /// every one that this key cosigned before.
    ///
    /// # Errors
    /// Invalid for a text that is no note's, or a time beyond 2^63.
    pub fn cosign(&self, text: &str, at_seconds: u64) -> Result<String, Error> {
        if !text.ends_with('\n') || i64::try_from(at_seconds).is_err() {
            return Err(Error::Invalid("a cosignature is of a note's text, at a time before 2^63"));
        }
        let signature = self.pair.sign(message(text, at_seconds).as_bytes());
        let bytes = [self.key.id.as_slice(), &at_seconds.to_be_bytes(), signature.as_ref()].concat();
        Ok(note::line(&self.key.name, &bytes))
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.key.name)
    }
}

/// What verifies a witness's cosignatures: a name and a public key. As text it is a *vkey* of type 4.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl WitnessKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        let id = note::key_id(name, COSIGNATURE_TYPE, &public)?;
        Ok(Self { name: name.to_owned(), id, public })
    }

    /// The witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key alone: two witnesses of one key are one witness.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether a line claims to be this witness's.
    #[must_use]
    pub fn is_named_by(&self, line: &SignatureLine<'_>) -> bool {
        line.name == self.name && line.key_id == self.id
    }

    /// When this witness cosigned a checkpoint, in seconds since 1970; the last time, if several lines are its.
    ///
    /// # Errors
    /// Invalid if it did not, or a line claims it and is not its.
    pub fn cosigned_at(&self, note: &Note<'_>) -> Result<u64, Error> {
        const FALSE: Error = Error::Invalid("a cosignature is not of the witness that it names");
        let mut last = None;
        for line in note.lines().iter().filter(|line| self.is_named_by(line)) {
            let (time, signature) = line.signature.split_first_chunk().ok_or(FALSE)?;
            let at = u64::from_be_bytes(*time);
            if i64::try_from(at).is_err() {
                return Err(FALSE);
            }
            UnparsedPublicKey::new(&ED25519, self.public)
                .verify(message(note.text(), at).as_bytes(), signature)
                .map_err(|_| FALSE)?;
            last = last.max(Some(at));
        }
        last.ok_or(Error::Invalid("the checkpoint is not cosigned by this witness"))
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&note::vkey(&self.name, self.id, COSIGNATURE_TYPE, &self.public))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for WitnessKey {
    type Err = Error;

    fn from_str(vkey: &str) -> Result<Self, Error> {
        const NO_KEY: Error = Error::Invalid("this is not a witness's key (vkey of type 4, Ed25519 cosignature)");
        let (name, id, public) = note::parse_vkey(vkey, COSIGNATURE_TYPE).ok_or(NO_KEY)?;
        let key = Self::new(name, public)?;
        if key.id == id { Ok(key) } else { Err(NO_KEY) }
    }
}

/// What is signed: the statement's name, the time, and the checkpoint as it is.
fn message(text: &str, at_seconds: u64) -> String {
    format!("cosignature/v1\ntime {at_seconds}\n{text}")
}

/// How many of these witnesses cosigned a note. A false line of one of them is an error and not a missing one.
///
/// # Errors
/// Invalid if a line claims one of the witnesses and is not its.
pub fn count(note: &Note<'_>, witnesses: &[WitnessKey]) -> Result<usize, Error> {
    let mut counted: Vec<&[u8; 32]> = Vec::new();
    for witness in witnesses {
        let claims = note.lines().iter().any(|line| witness.is_named_by(line));
        if claims {
            witness.cosigned_at(note)?;
            // A key that is listed under two names is one witness.
            if !counted.contains(&&witness.public) {
                counted.push(&witness.public);
            }
        }
    }
    Ok(counted.len())
}

/// The SHA-256 of a log's origin, as witnesses name their files and addresses (C2SP tlog-witness, "Monitor Retrieval").
#[must_use]
pub fn origin_hash(origin: &str) -> String {
    let Hash(hash) = crate::merkle::sha256(&[origin.as_bytes()]);
    hex::encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, SigningKey};

    fn cosigner(name: &str, seed: u8) -> Cosigner {
        Cosigner::from_seed(name, &[seed; 32]).unwrap()
    }

    /// A checkpoint of `log.example/one`, signed by it.
    fn checkpoint() -> String {
        let key = SigningKey::from_seed("log.example/one", &[1; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "log.example/one".into(), size: 7, root: Hash([7; 32]) };
        checkpoint.sign(&key).unwrap().note
    }

    #[test]
    fn a_cosignature_says_who_saw_what_and_when() -> Result<(), Error> {
        let (one, two) = (cosigner("witness.example/1", 2), cosigner("witness.example/2", 3));
        let mut text = checkpoint();
        for (witness, at) in [(&one, 1_679_315_147), (&two, 0)] {
            let line = witness.cosign(Note::parse(&text)?.text(), at)?;
            text.push_str(&line);
        }
        let note = Note::parse(&text)?;
        assert_eq!(one.key().cosigned_at(&note)?, 1_679_315_147);
        assert_eq!(two.key().cosigned_at(&note)?, 0);
        assert!(cosigner("witness.example/3", 4).key().cosigned_at(&note).is_err());
        let keys = [one.key().clone(), two.key().clone(), cosigner("x", 9).key().clone()];
        assert_eq!(count(&note, &keys)?, 2);
        // The same key under another name cosigns nothing, and would not count twice.
        let renamed = cosigner("witness.example/other", 2);
        text.push_str(&renamed.cosign(note.text(), 5)?);
        assert_eq!(count(&Note::parse(&text)?, &[one.key().clone(), renamed.key().clone()])?, 1);
        Ok(())
    }

    #[test]
    fn every_changed_byte_of_a_cosigned_checkpoint_is_noticed() -> Result<(), Error> {
        let witness = cosigner("witness.example/1", 2);
        let log = SigningKey::from_seed("log.example/one", &[1; 32])?;
        let signed = checkpoint();
        let text = format!("{signed}{}", witness.cosign(Note::parse(&signed)?.text(), 1_700_000_000)?);
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let holds =
                |note: &Note<'_>| log.verifier().open(&changed).is_ok() && witness.key().cosigned_at(note).is_ok();
            assert!(!Note::parse(&changed).is_ok_and(|note| holds(&note)), "byte {at}");
        }
        Ok(())
    }

    #[test]
    fn keys_are_read_as_they_are_written_and_a_logs_key_is_not_a_witnesss() -> Result<(), Error> {
        let witness = cosigner("witness.example/1", 2);
        let text = witness.key().to_string();
        assert_eq!(text.parse::<WitnessKey>()?, *witness.key());
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(String::from_utf8(changed).unwrap().parse::<WitnessKey>().is_err(), "byte {at}");
        }
        let log = SigningKey::from_seed("witness.example/1", &[2; 32])?.verifier().to_string();
        assert!(log.parse::<WitnessKey>().is_err() && text.parse::<crate::VerifierKey>().is_err());
        assert!(witness.cosign("no newline", 1).is_err() && witness.cosign("a\n", 1 << 63).is_err());
        Ok(())
    }
}
