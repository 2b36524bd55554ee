//! One audit event shown to somebody outside: the sealed bytes that the ledger's entry is the hash of, and the key that opens
//! them and nothing else.
//!
//! The key commits: no other key opens the same bytes to another text, because a sealed object carries a commitment to its
//! key. So whoever verifies the entry knows that this event, word by word, was what the ledger took in.

use crate::blob::SealingKey;
use crate::{Error, Result};
use zeroize::Zeroizing;

const EVENT: &[u8] = b"segel/event@v1\x00";
const ENTRY: &[u8] = b"segel/entry@v1\x00";
const WRONG: Error = Error::invalid("this is not a disclosed event of a ledger");

/// What a proof's extra data say.
#[derive(Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// An event, opened.
    Event {
        /// The key of this event alone.
        key: Zeroizing<[u8; 32]>,
        /// The sealed event.
        sealed: Vec<u8>,
    },
    /// An entry whose text is kept elsewhere: the entry itself.
    Entry([u8; 32]),
}

impl std::fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disclosure(#)")
    }
}

impl Disclosure {
    /// The bytes that go into a proof.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Event { key, sealed } => [EVENT, key.as_slice(), sealed].concat(),
            Self::Entry(entry) => [ENTRY, entry.as_slice()].concat(),
        }
    }

    /// Reads what `encode` writes.
    ///
    /// # Errors
    /// Invalid for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if let Some(rest) = bytes.strip_prefix(EVENT) {
            let (key, sealed) = rest.split_first_chunk().ok_or(WRONG)?;
            return Ok(Self::Event { key: Zeroizing::new(*key), sealed: sealed.to_vec() });
        }
        let entry = bytes.strip_prefix(ENTRY).and_then(|entry| entry.try_into().ok()).ok_or(WRONG)?;
        Ok(Self::Entry(entry))
    }
}

/// What the event at a position is sealed for.
#[must_use]
pub fn place(position: u64) -> Vec<u8> {
    [b"event/".as_slice(), &position.to_be_bytes()].concat()
}

/// Opens a disclosed event with its own key.
///
/// # Errors
/// Refused for a key that is not of these bytes at this position.
pub fn open(key: &[u8; 32], position: u64, sealed: &[u8]) -> Result<Vec<u8>> {
    SealingKey(*key).open(&place(position), sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_its_own_event_and_no_other() {
        let all = SealingKey([7; 32]);
        let (three, four) = (all.of_one(&place(3)).unwrap(), all.of_one(&place(4)).unwrap());
        let sealed = three.seal(&place(3), b"an event").unwrap();
        assert_eq!(open(&three.0, 3, &sealed).unwrap(), b"an event");
        assert!(open(&three.0, 4, &sealed).is_err(), "another place");
        assert!(open(&four.0, 3, &sealed).is_err(), "another event's key");
        assert!(open(&all.0, 3, &sealed).is_err(), "not even the key that it is derived from");
        assert!(all.open(&place(3), &sealed).is_err());
    }

    #[test]
    fn what_is_encoded_is_read_and_nothing_else() {
        let event = Disclosure::Event { key: Zeroizing::new([1; 32]), sealed: vec![2; 60] };
        let entry = Disclosure::Entry([3; 32]);
        for disclosure in [event, entry] {
            assert_eq!(Disclosure::decode(&disclosure.encode()).unwrap(), disclosure);
        }
        let (event, entry) = (EVENT.to_vec(), [ENTRY, &[3; 33]].concat());
        for wrong in [Vec::new(), event, entry, b"segel/event@v2\x00".to_vec()] {
            assert!(Disclosure::decode(&wrong).is_err());
        }
    }
}
