//! Signed notes and verifier keys (C2SP signed-note), with Ed25519 (RFC 8032).

use crate::Error;
use crate::merkle::sha256;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a note: text and a hundred signatures.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;

const ED25519_TYPE: u8 = 0x01;

/// An Ed25519 key with the name it signs under.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    verifier: VerifierKey,
}

impl SigningKey {
    /// The key of a seed of 32 bytes.
    ///
    /// # Errors
    /// Invalid for a name that no note can carry.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        const NO_KEY: Error = Error::Invalid("no Ed25519 key comes of this seed");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NO_KEY)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NO_KEY)?;
        Ok(Self { verifier: VerifierKey::new(name, public)?, pair: Arc::new(pair) })
    }

    /// What verifies this key's signatures.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text that ends in a newline: the whole note.
    ///
    /// # Errors
    /// Invalid for a text that no note can carry.
    pub fn sign(&self, text: &str) -> Result<String, Error> {
        if !text.ends_with('\n') || text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(Error::Invalid("a note's text ends in a newline and has no control characters"));
        }
        let signature = self.pair.sign(text.as_bytes());
        let line = line(&self.verifier.name, &[self.verifier.id.as_slice(), signature.as_ref()].concat());
        Ok(format!("{text}\n{line}"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier.name)
    }
}

/// What verifies notes: a name and a public key. As text it is a *vkey*.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl VerifierKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        let id = key_id(name, ED25519_TYPE, &public)?;
        Ok(Self { name: name.to_owned(), id, public })
    }

    /// The key's name; for a log it is the origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a note: gives its text if this key signed it. Signatures of other keys are passed over.
    ///
    /// # Errors
    /// Invalid if it is no note, or this key did not sign it.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, Error> {
        let note = Note::parse(note)?;
        self.verify(&note)?;
        Ok(note.text)
    }

    /// Whether a line claims to be this key's.
    #[must_use]
    pub fn is_named_by(&self, line: &SignatureLine<'_>) -> bool {
        line.name == self.name && line.key_id == self.id
    }

    /// Checks that this key signed a note; answers the lines in which it did.
    ///
    /// # Errors
    /// Invalid if it did not, or a line claims it and is not its.
    pub fn verify<'l, 'n>(&self, note: &'l Note<'n>) -> Result<Vec<&'l SignatureLine<'n>>, Error> {
        let lines: Vec<_> = note.lines.iter().filter(|line| self.is_named_by(line)).collect();
        for line in &lines {
            UnparsedPublicKey::new(&ED25519, self.public)
                .verify(note.text.as_bytes(), &line.signature)
                .map_err(|_| Error::Invalid("the note's signature is not this key's"))?;
        }
        if lines.is_empty() { Err(Error::Invalid("the note is not signed by this key")) } else { Ok(lines) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vkey(&self.name, self.id, ED25519_TYPE, &self.public))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    fn from_str(vkey: &str) -> Result<Self, Error> {
        const NO_KEY: Error = Error::Invalid("this is not a verifier key of type Ed25519");
        let (name, id, public) = parse_vkey(vkey, ED25519_TYPE).ok_or(NO_KEY)?;
        let key = Self::new(name, public)?;
        if key.id == id { Ok(key) } else { Err(NO_KEY) }
    }
}

/// The id of a key of any type: the first four bytes of the SHA-256 of its name, its type and its bytes.
pub(crate) fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> Result<[u8; 4], Error> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ') {
        return Err(Error::Invalid("a key's name has no spaces and no plus sign"));
    }
    let crate::Hash([a, b, c, d, ..]) = sha256(&[name.as_bytes(), b"\n", &[kind], public]);
    Ok([a, b, c, d])
}

/// A key as text.
pub(crate) fn vkey(name: &str, id: [u8; 4], kind: u8, public: &[u8; 32]) -> String {
    let key = STANDARD.encode([&[kind], public.as_slice()].concat());
    format!("{name}+{}+{key}", hex::encode(id))
}

/// Name, id and bytes of a key of one type; the id is not checked yet.
pub(crate) fn parse_vkey(vkey: &str, kind: u8) -> Option<(&str, [u8; 4], [u8; 32])> {
    let (name, rest) = vkey.trim().split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let mut bytes = [0; 4];
    hex::decode_to_slice(id, &mut bytes).ok()?;
    // One spelling: lower case.
    let public = STANDARD.decode(key).ok()?.strip_prefix(&[kind])?.try_into().ok()?;
    (hex::encode(bytes) == id).then_some((name, bytes, public))
}

/// A signature line, with its newline.
pub(crate) fn line(name: &str, id_and_signature: &[u8]) -> String {
    format!("— {name} {}\n", STANDARD.encode(id_and_signature))
}

/// A signed note, taken apart and not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'n> {
    text: &'n str,
    lines: Vec<SignatureLine<'n>>,
}

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine<'n> {
    /// The key's name.
    pub name: &'n str,
    /// The key's id.
    pub key_id: [u8; 4],
    /// What is signed with it: the signature, for a cosignature after its time.
    pub signature: Vec<u8>,
}

impl<'n> Note<'n> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// Invalid if it is none or longer than `NOTE_BYTES_MAX`.
    pub fn parse(note: &'n str) -> Result<Self, Error> {
        const NO_NOTE: Error = Error::Invalid("this is not a signed note");
        if note.len() > NOTE_BYTES_MAX || note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NO_NOTE);
        }
        let split = note.rfind("\n\n").ok_or(NO_NOTE)?;
        let (text, signatures) = note.split_at_checked(split + 1).ok_or(NO_NOTE)?;
        let signatures = signatures.strip_prefix('\n').ok_or(NO_NOTE)?;
        Ok(Self { text, lines: signature_lines(signatures).ok_or(NO_NOTE)? })
    }

    /// What is signed.
    #[must_use]
    pub fn text(&self) -> &'n str {
        self.text
    }

    /// The signatures.
    #[must_use]
    pub fn lines(&self) -> &[SignatureLine<'n>] {
        &self.lines
    }
}

/// One or more signature lines, each with its newline.
fn signature_lines(text: &str) -> Option<Vec<SignatureLine<'_>>> {
    let mut lines = Vec::new();
    for line in text.strip_suffix('\n')?.split('\n') {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        lines.push(SignatureLine { name, key_id: *key_id, signature: signature.to_vec() });
    }
    Some(lines)
}

impl SignatureLine<'_> {
    /// The first eight bytes as a number: of a cosignature, its time in seconds since 1970.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.signature.first_chunk().map_or(0, |time| u64::from_be_bytes(*time))
    }

    /// As it stands in a note, with its newline.
    #[must_use]
    pub fn text(&self) -> String {
        line(self.name, &[self.key_id.as_slice(), &self.signature].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n— example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_opens() -> Result<(), Error> {
        let key: VerifierKey = VKEY.parse()?;
        assert_eq!(key.to_string(), VKEY);
        assert_eq!(key.open(NOTE)?, "This is an example message.\n");
        Ok(())
    }

    #[test]
    fn every_changed_character_is_refused() -> Result<(), Error> {
        let key: VerifierKey = VKEY.parse()?;
        for at in 0..NOTE.len() {
            let mut changed = NOTE.as_bytes().to_vec();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(key.open(&changed).is_err(), "byte {at}");
        }
        for at in 0..NOTE.len() {
            assert!(NOTE.get(..at).is_none_or(|cut| key.open(cut).is_err()), "cut at {at}");
        }
        for at in 0..VKEY.len() {
            let mut changed = VKEY.as_bytes().to_vec();
            changed[at] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(changed.parse::<VerifierKey>().is_err(), "byte {at} of the vkey");
        }
        Ok(())
    }

    #[test]
    fn other_signatures_are_passed_over_and_a_false_one_is_not() -> Result<(), Error> {
        let (ours, theirs) = (SigningKey::from_seed("ours", &[1; 32])?, SigningKey::from_seed("theirs", &[2; 32])?);
        let imposter = SigningKey::from_seed("ours", &[3; 32])?;
        let text = "one\n\ntwo\n";
        let line = |key: &SigningKey| key.sign(text).map(|note| note.replacen("one\n\ntwo\n\n", "", 1));
        let both = format!("{text}\n{}{}", line(&theirs)?, line(&ours)?);
        assert_eq!(ours.verifier().open(&both)?, text);
        assert_eq!(theirs.verifier().open(&both)?, text);
        assert!(imposter.verifier().open(&both).is_err());
        // A key of the same name and another id is another key.
        assert_eq!(ours.verifier().open(&format!("{text}\n{}{}", line(&imposter)?, line(&ours)?))?, text);
        let forged = line(&ours)?.replace('A', "B");
        assert!(ours.verifier().open(&format!("{text}\n{}{forged}", line(&ours)?)).is_err());
        assert!(ours.sign("no newline").is_err() && ours.sign("a\tb\n").is_err());
        assert!(SigningKey::from_seed("two words", &[1; 32]).is_err());
        assert!(SigningKey::from_seed("", &[1; 32]).is_err() && SigningKey::from_seed("a+b", &[1; 32]).is_err());
        Ok(())
    }

    #[test]
    fn a_note_is_no_longer_than_its_limit() -> Result<(), Error> {
        let key = SigningKey::from_seed("n", &[1; 32])?;
        let overhead = key.sign("\n")?.len() - 1;
        let longest = key.sign(&format!("{}\n", "x".repeat(NOTE_BYTES_MAX - overhead - 1)))?;
        assert_eq!(longest.len(), NOTE_BYTES_MAX);
        assert!(key.verifier().open(&longest).is_ok());
        assert!(key.verifier().open(&key.sign(&format!("{}\n", "x".repeat(NOTE_BYTES_MAX - overhead)))?).is_err());
        Ok(())
    }
}
