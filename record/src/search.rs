//! What can be searched without opening anything: terms go to the key service, tokens come back.

use crate::name;
use minicbor::{Decode, Encode};
use std::fmt;

/// A searchable property. Each has its own key in the key service, so equal text in two fields gives unrelated tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Field {
    /// A [`crate::Identifier`] in canonical form (issuer included).
    #[n(0)]
    Identifier,
    /// PatientID (0010,0020) or any identifier's bare number, whoever issued it: what a query without issuer asks for.
    #[n(1)]
    Number,
    /// AccessionNumber (0008,0050).
    #[n(2)]
    AccessionNumber,
    /// One whole word of the patient's name, normalised (`name::words`).
    #[n(3)]
    NameWord,
    /// The first letters of a word of the name (`name::prefixes`).
    #[n(4)]
    NamePrefix,
    /// The sound of a word of the name (`name::phonetic`).
    #[n(5)]
    NameSound,
    /// A coded concept of a result or document: `system|code` and bare `code`.
    #[n(6)]
    Code,
    /// A place on a worklist: which facility's, which station's or in which state. A property of work, not of a patient.
    #[n(7)]
    Worklist,
    /// The word that the patient's name begins with, as [`Field::NameWord`]. Stored, and asked for by the others.
    #[n(8)]
    NameFirst,
}

impl Field {
    /// How many bits of the HMAC are kept. High-entropy fields are exact (128). Low-entropy ones are cut so short that
    /// many patients share each bucket, and a finder opens candidates to tell them apart.
    #[must_use]
    pub fn token_bits(self) -> u32 {
        match self {
            Self::Identifier | Self::Number | Self::AccessionNumber => 128,
            // Exact, so that a station's list of today is found among years of work; it says nothing of anybody.
            Self::Worklist => 128,
            // What archives of an earlier form hold.
            Self::NameWord | Self::NamePrefix | Self::NameSound => 16,
            // A cell of a word: its patients are few by themselves, and two cells must not meet.
            Self::NameFirst => 32,
            // Codes are few; 256 buckets hide which test it was among those that share one.
            Self::Code => 8,
        }
    }
}

/// One thing to be found by: a field and its normalised text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Term {
    /// Which property.
    #[n(0)]
    pub field: Field,
    /// Its text, already normalised. Never written in clear.
    #[n(1)]
    pub text: String,
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Term({:?}, #)", self.field)
    }
}

impl Term {
    /// Whether who asks for this term wants the patients that were stored with `stored`. Words of names meet by their
    /// letters or their sound; everything else is what it is.
    #[must_use]
    pub fn asks_for(&self, stored: &Self) -> bool {
        let is_name = matches!(stored.field, Field::NameWord | Field::NameFirst);
        match self.field {
            Field::NameWord => is_name && self.text == stored.text,
            Field::NamePrefix => match self.text.strip_prefix('^') {
                Some(letters) => stored.field == Field::NameFirst && stored.text.starts_with(letters),
                None => is_name && stored.text.starts_with(&self.text),
            },
            Field::NameSound => is_name && name::sounds(&stored.text).contains(&self.text),
            _ => self == stored,
        }
    }
}

/// What stands for a term in the index: the field's number in the first byte, then the kept bits of the HMAC,
/// zero-padded to whole bytes. 2 to 17 bytes long.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Token(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);
