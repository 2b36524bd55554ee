//! Search tokens: HMAC-SHA-256 (RFC 2104) under a key per field, cut to the field's bits. Whoever has the index and not
//! the keys cannot try a dictionary of 16-digit numbers against it.

use crate::Result;
use aws_lc_rs::hmac;
use record::{Field, Identifier, Pseudonym, Term, Token};
use std::fmt;
use zeroize::Zeroizing;

/// The field's number in tokens and key labels. A number is never reused.
fn number(field: Field) -> u8 {
    match field {
        Field::Identifier => 0,
        Field::Number => 1,
        Field::AccessionNumber => 2,
        Field::NameWord => 3,
        Field::NamePrefix => 4,
        Field::NameSound => 5,
        Field::Code => 6,
        Field::Worklist => 7,
        Field::NameFirst => 8,
    }
}

const FIELDS: [Field; 9] = [
    Field::Identifier,
    Field::Number,
    Field::AccessionNumber,
    Field::NameWord,
    Field::NamePrefix,
    Field::NameSound,
    Field::Code,
    Field::Worklist,
    Field::NameFirst,
];

/// The key of one field's tokens.
#[derive(Clone)]
struct TokenKey {
    field: Field,
    key: hmac::Key,
}

/// The token keys of every field.
#[derive(Clone)]
pub struct TokenKeys(Vec<TokenKey>);

impl TokenKeys {
    pub(crate) fn derive(key_of: impl Fn(u8) -> Result<Zeroizing<[u8; 32]>>) -> Result<Self> {
        let key = |field| Ok(TokenKey { field, key: hmac::Key::new(hmac::HMAC_SHA256, &*key_of(number(field))?) });
        Ok(Self(FIELDS.into_iter().map(key).collect::<Result<_>>()?))
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKeys(#)")
    }
}

/// The token of a term: the field's number, then exactly `Field::token_bits` bits of the HMAC of its text.
#[must_use]
pub fn token(keys: &TokenKeys, term: &Term) -> Token {
    let number = number(term.field);
    let mut bytes = vec![number];
    // INVARIANT: `TokenKeys` holds a key for every field, in the order of their numbers.
    if let Some(entry) = keys.0.get(usize::from(number)) {
        debug_assert!(entry.field == term.field, "token keys stand in the order of the fields' numbers");
        let tag = hmac::sign(&entry.key, term.text.as_bytes());
        let mut bits = term.field.token_bits();
        for byte in tag.as_ref() {
            if bits == 0 {
                break;
            }
            let kept = bits.min(8);
            bytes.push(byte & (0xff_u8 << (8 - kept)));
            bits -= kept;
        }
    }
    Token(bytes)
}

/// The token of one cell of a word of names. Nothing in it tells two cells of one word from cells of two, nor a first word
/// from another.
#[must_use]
pub fn name_cell(keys: &TokenKeys, is_first: bool, word: &str, cell: u32) -> Token {
    let number = number(Field::NameFirst);
    let mut bytes = vec![number];
    if let Some(entry) = keys.0.get(usize::from(number)) {
        let tag = named(&entry.key, b"cell", &cell.to_be_bytes(), is_first, word);
        let kept = usize::try_from(Field::NameFirst.token_bits().div_ceil(8)).unwrap_or(0);
        bytes.extend(tag.as_ref().iter().take(kept));
    }
    Token(bytes)
}

/// A number that is always the same for a patient and a word, and says nothing of either.
#[must_use]
pub fn name_choice(keys: &TokenKeys, patient: Pseudonym, is_first: bool, word: &str) -> u64 {
    let Some(entry) = keys.0.get(usize::from(number(Field::NameFirst))) else { return 0 };
    let tag = named(&entry.key, b"pick", &patient.0, is_first, word);
    tag.as_ref().first_chunk().map_or(0, |bytes: &[u8; 8]| u64::from_be_bytes(*bytes))
}

fn named(key: &hmac::Key, purpose: &[u8; 4], which: &[u8], is_first: bool, word: &str) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    // The purpose fixes the length of what follows it, so no two inputs are the same bytes.
    for part in [purpose.as_slice(), which, &[u8::from(is_first)], word.as_bytes()] {
        context.update(part);
    }
    context.sign()
}

/// The key under which the key service looks identifiers up.
#[derive(Clone)]
pub struct IdentifierKey(hmac::Key);

impl IdentifierKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// What stands for an identifier in the key service's tables: the whole HMAC-SHA-256 of its canonical bytes.
    #[must_use]
    pub fn tag(&self, identifier: &Identifier) -> [u8; 32] {
        let tag = hmac::sign(&self.0, &identifier.canonical());
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        bytes
    }
}

impl fmt::Debug for IdentifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentifierKey(#)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::Base;
    use std::collections::HashSet;

    fn term(field: Field, text: &str) -> Term {
        Term { field, text: text.to_owned() }
    }

    #[test]
    fn keys_stand_in_the_order_of_their_numbers() {
        for (at, field) in FIELDS.into_iter().enumerate() {
            assert_eq!(usize::from(number(field)), at);
        }
    }

    #[test]
    fn tokens_have_the_bits_of_their_field() -> Result<()> {
        let keys = Base::for_test(1, [9; 32]).token_keys()?;
        for field in FIELDS {
            let bits = usize::try_from(field.token_bits()).unwrap();
            let mut seen = [0_u8; 32];
            for n in 0..300 {
                let token = token(&keys, &term(field, &format!("text {n}"))).0;
                assert_eq!((token[0], token.len()), (number(field), 1 + bits.div_ceil(8)));
                for (at, byte) in token[1..].iter().enumerate() {
                    seen[at] |= byte;
                }
            }
            let used: u32 = seen.iter().map(|b| b.count_ones()).sum();
            assert_eq!(used, field.token_bits(), "{field:?}: every kept bit varies and no other is set");
        }
        Ok(())
    }

    #[test]
    fn fields_roots_and_texts_are_unrelated() -> Result<()> {
        let keys = Base::for_test(1, [9; 32]).token_keys()?;
        let other = Base::for_test(1, [10; 32]).token_keys()?;
        let all: HashSet<Vec<u8>> = [
            token(&keys, &term(Field::Identifier, "a")).0,
            token(&keys, &term(Field::Identifier, "b")).0,
            token(&keys, &term(Field::Number, "a")).0,
            token(&other, &term(Field::Identifier, "a")).0,
        ]
        .into_iter()
        .map(|token| token[1..].to_vec())
        .collect();
        assert_eq!(all.len(), 4);
        assert_eq!(token(&keys, &term(Field::Code, "a")), token(&keys, &term(Field::Code, "a")));
        Ok(())
    }

    #[test]
    fn tokens_are_golden() -> Result<()> {
        let keys = Base::for_test(1, [9; 32]).token_keys()?;
        let lines: Vec<String> = FIELDS.iter().map(|f| hex::encode(token(&keys, &term(*f, "SITI RAHAYU")).0)).collect();
        assert_eq!(lines.join("\n"), include_str!("../tests/golden/tokens.hex").trim());
        Ok(())
    }

    #[test]
    fn equal_identifiers_meet_and_others_do_not() -> Result<()> {
        let key = Base::for_test(1, [9; 32]).identifier_key()?;
        let local = |issuer: &str, value: &str| Identifier::Local { issuer: issuer.into(), value: value.into() };
        assert_eq!(key.tag(&local("RSA", "12 ")), key.tag(&local("rsa", "12")));
        assert_ne!(key.tag(&local("RSA", "12")), key.tag(&local("RSB", "12")));
        assert_ne!(key.tag(&Identifier::Nik("1".into())), key.tag(&Identifier::JknCard("1".into())));
        Ok(())
    }
}
