//! What an object can be found by, before the key service makes tokens of it. The same functions serve storing and
//! searching, so that both sides spell a term alike.

use record::{Field, Identifier, Term, name};

/// An identifier with its issuer.
#[must_use]
pub fn identifier(identifier: &Identifier) -> Term {
    // The canonical form holds NUL bytes between its parts, so it goes as hexadecimal digits.
    Term { field: Field::Identifier, text: hex::encode(identifier.canonical()) }
}

/// A number whoever issued it: upper case, no spaces at the ends.
#[must_use]
pub fn number(text: &str) -> Term {
    Term { field: Field::Number, text: text.trim().to_uppercase() }
}

/// AccessionNumber (0008,0050), or an order's number.
#[must_use]
pub fn accession_number(text: &str) -> Term {
    Term { field: Field::AccessionNumber, text: text.trim().to_uppercase() }
}

/// A whole word of a name, as [`name::pieces`] parts it.
#[must_use]
pub fn name_word(word: &str) -> Term {
    Term { field: Field::NameWord, text: name::fold(word) }
}

/// The first letters of a word of a name; letters beyond `name::PREFIX_LETTERS_MAX` do not count.
#[must_use]
pub fn name_prefix(letters: &str) -> Term {
    let text = name::prefixes(&name::fold(letters)).pop().unwrap_or_default();
    Term { field: Field::NamePrefix, text }
}

/// The first letters of a whole name, as a worklist's `SITI*` asks: far fewer names begin with them than hold a word that
/// does. `None` for a single letter, which tells little more than its word's prefix.
#[must_use]
pub fn name_start(letters: &str) -> Option<Term> {
    let prefix = name::prefixes(&name::fold(letters)).pop().filter(|prefix| prefix.chars().count() > 1)?;
    // A caret is no letter, so no prefix of a word is spelt like this.
    Some(Term { field: Field::NamePrefix, text: format!("^{prefix}") })
}

/// How a word of a name sounds.
#[must_use]
pub fn name_sound(word: &str) -> Term {
    Term { field: Field::NameSound, text: name::phonetic(word) }
}

/// A coded concept: `system|code`, and the bare code for those who name no system.
#[must_use]
pub fn code(system: &str, code: &str) -> [Term; 2] {
    [Term { field: Field::Code, text: format!("{system}|{code}") }, bare_code(code)]
}

/// A code whose system is not named.
#[must_use]
pub fn bare_code(code: &str) -> Term {
    Term { field: Field::Code, text: code.to_owned() }
}

/// A place on a worklist, by its parts: which list, whose, which station or state.
#[must_use]
pub fn worklist(parts: &[&str]) -> Term {
    // A unit separator cannot stand in a code or an AE title, so no two lists are spelt alike.
    Term { field: Field::Worklist, text: parts.join("\u{1f}") }
}

/// Everything a patient is found by when stored: each identifier with its issuer and as a bare number.
#[must_use]
pub fn of_identifiers(identifiers: &[Identifier]) -> Vec<Term> {
    let bare = |id: &Identifier| match id {
        Identifier::Local { value, .. } => Some(number(value)),
        Identifier::Nik(n) | Identifier::JknCard(n) | Identifier::Passport(n) | Identifier::Ihs(n) => Some(number(n)),
        // Nobody knows an unidentified patient by a number.
        Identifier::Unidentified { .. } => None,
    };
    identifiers.iter().flat_map(|id| [Some(identifier(id)), bare(id)]).flatten().collect()
}

/// Everything a name is found by when stored: its written words. The key service knows which letters and sounds find them.
#[must_use]
pub fn of_name(text: &str) -> Vec<Term> {
    // Each component group (PS3.5 6.2.1.2) begins for itself; one that begins with a mark has no first word.
    let of_group = |group: &str| {
        let is_begun = group.trim_start().starts_with(char::is_alphanumeric);
        let field = move |at: usize| if at == 0 && is_begun { Field::NameFirst } else { Field::NameWord };
        name::pieces(group).into_iter().enumerate().map(move |(at, text)| Term { field: field(at), text })
    };
    text.split('=').flat_map(of_group).collect()
}

/// Each term once, in a stable order.
#[must_use]
pub fn once(mut terms: Vec<Term>) -> Vec<Term> {
    terms.sort();
    terms.dedup();
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_among_what_was_stored() {
        let stored = of_name("Hj. Siti Nurhalizawati, S.Kep.^^^");
        for asked in
            [name_word("siti"), name_prefix("Nur"), name_prefix("NURHALIZAWA"), name_sound("Sity"), name_word("HJ")]
        {
            assert!(stored.iter().any(|stored| asked.asks_for(stored)), "{:?} {}", asked.field, asked.text);
        }
        let local = Identifier::Local { issuer: "RSUD-A".to_owned(), value: "00-12-34 ".to_owned() };
        let nik = Identifier::Nik("3174014510900001".to_owned());
        let stored = of_identifiers(&[local.clone(), nik]);
        for asked in [identifier(&local), number(" 00-12-34"), number("3174014510900001")] {
            assert!(stored.contains(&asked), "{:?}", asked.field);
        }
        assert!(
            !stored.contains(&identifier(&Identifier::Local {
                issuer: "RSUD-B".to_owned(),
                value: "00-12-34".to_owned()
            }))
        );
    }
}
