//! Names as they are searched for: the words that patients' names are made of, without the patients.
//!
//! The archive says a word when a patient is stored, and a word, its first letters or its sound when somebody searches. The
//! answer to the first is one token, to the second all tokens under which such a word may stand (`words.rs` says why there are
//! many). Which words there are lies sealed in the state; whose they are lies nowhere.

mod table;
mod words;

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::store::patients::Patient;
use record::limits::TERM_TOKENS_MAX;
use record::{Field, Term, Token};
use rusqlite::Connection;
use seal::token::{TokenKeys, name_cell, name_choice, token};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};
use table::{Entry, Table};
use words::Word;

/// A word, and whether it stands first in a name: the two are counted apart.
type Key = (Box<str>, bool);

/// Every word of names.
#[derive(Default)]
pub struct Names {
    words: Table,
    /// The archive's patients, by the highest number of any.
    patients: u64,
    /// What the request at hand has changed, as it was before.
    before: Vec<(Key, Option<Word>)>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({})", self.words.len())
    }
}

fn place(row: NonZeroU32) -> Vec<u8> {
    format!("name-word/{row}").into_bytes()
}

/// The number of a row: there are fewer words than patients, and patients have numbers of 32 bits.
fn row_number(row: i64) -> Result<NonZeroU32> {
    let damaged = || Error::damaged("a word of names has a number that none can have");
    u32::try_from(row).ok().and_then(NonZeroU32::new).ok_or_else(damaged)
}

fn number(patient: Patient) -> u64 {
    u64::try_from(patient.id).unwrap_or(0)
}

impl Names {
    /// The words as they were committed.
    ///
    /// # Errors
    /// Damaged for a row that is not what was written.
    pub fn load(db: &Connection, keys: &Keys) -> Result<Self> {
        let damaged = || Error::damaged("a word of names is not what was written");
        let mut names = Self::default();
        let mut statement = db.prepare("SELECT id, sealed FROM name_word")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row_number(row.get(0)?)?;
            let plain = keys.register.open(&place(id), &row.get::<_, Vec<u8>>(1)?).map_err(|_| damaged())?;
            let (text, is_first, word): (String, bool, Word) = minicbor::decode(&plain).map_err(|_| damaged())?;
            names.words.put(&text, is_first, Entry { row: id, word });
        }
        let patients: i64 = db.query_row("SELECT COALESCE(MAX(id), 0) FROM patient", [], |row| row.get(0))?;
        names.patients = u64::try_from(patients).unwrap_or(0);
        Ok(names)
    }

    /// Begins a request: from here on [`Names::undo`] goes back to this moment.
    pub fn begin(&mut self) {
        self.before.clear();
    }

    /// Forgets what the request at hand has changed. A word that was new keeps its place with nobody in it.
    pub fn undo(&mut self) {
        for ((word, is_first), before) in std::mem::take(&mut self.before).into_iter().rev() {
            match (before, self.words.get_mut(&word, is_first)) {
                (Some(before), Some(entry)) => entry.word = before,
                (None, Some(_)) => self.words.remove(&word, is_first),
                (_, None) => {}
            }
        }
    }

    /// Takes in that a patient has these words, once for each patient.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn learn(&mut self, db: &Connection, keys: &Keys, patient: Patient, terms: &[Term]) -> Result<()> {
        let words: BTreeSet<Key> = terms.iter().filter_map(stored_word).collect();
        if words.is_empty() || !becomes_named(db, patient)? {
            return Ok(());
        }
        self.patients = self.patients.max(number(patient));
        for (text, is_first) in words {
            let known = self.words.get(&text, is_first);
            let before = known.map(|entry| entry.word.clone());
            let mut word = before.clone().unwrap_or_default();
            word.learn(self.patients);
            let row = match known {
                Some(entry) => entry.row,
                None => {
                    // No RETURNING in what is done for each patient: it has SQLite keep a way back for the statement, and of a large
                    // request each way back costs as much as all before it.
                    db.prepare_cached("INSERT INTO name_word (sealed) VALUES (x'')")?.execute([])?;
                    row_number(db.last_insert_rowid())?
                }
            };
            let plain = minicbor::to_vec((&*text, is_first, &word))
                .map_err(|_| Error::damaged("a word of names cannot be written"))?;
            let sealed = keys.register.seal(&place(row), &plain)?;
            db.prepare_cached("UPDATE name_word SET sealed = ?2 WHERE id = ?1")?.execute((row.get(), sealed))?;
            match self.words.get_mut(&text, is_first) {
                Some(entry) => entry.word = word,
                None => self.words.put(&text, is_first, Entry { row, word }),
            }
            self.before.push(((text, is_first), before));
        }
        Ok(())
    }

    /// The token under which a patient is stored for a term.
    #[must_use]
    pub fn stored(&self, keys: &TokenKeys, patient: Patient, term: &Term) -> Token {
        let Some(key) = stored_word(term) else { return token(keys, term) };
        let choice = name_choice(keys, patient.pseudonym, key.1, &key.0);
        let cell = self.words.get(&key.0, key.1).map_or(0, |entry| entry.word.cell_of(number(patient), choice));
        name_cell(keys, key.1, &key.0, cell)
    }

    /// Every token under which somebody may be stored who is asked for by a term; `None` if there are too many to narrow
    /// anything.
    #[must_use]
    pub fn asked(&self, keys: &TokenKeys, term: &Term) -> Option<Vec<Token>> {
        if !matches!(term.field, Field::NameWord | Field::NamePrefix | Field::NameSound | Field::NameFirst) {
            return Some(vec![token(keys, term)]);
        }
        // As archives of an earlier form hold it.
        let mut tokens = vec![token(keys, term)];
        for (word, is_first, entry) in self.asked_for(term) {
            let cells = entry.word.cells(self.patients);
            if tokens.len().saturating_add(usize::try_from(cells).unwrap_or(usize::MAX)) > TERM_TOKENS_MAX {
                return None;
            }
            tokens.extend((0..cells).map(|cell| name_cell(keys, is_first, word, cell)));
        }
        Some(tokens)
    }

    fn asked_for<'n>(&'n self, term: &'n Term) -> Box<dyn Iterator<Item = (&'n str, bool, &'n Entry)> + 'n> {
        let meets = move |(word, is_first, _): &(&str, bool, &Entry)| {
            let field = if *is_first { Field::NameFirst } else { Field::NameWord };
            term.asks_for(&Term { field, text: (*word).to_owned() })
        };
        if term.field == Field::NameSound {
            return Box::new(self.words.sounding(&term.text).filter(meets));
        }
        let letters = term.text.strip_prefix('^').unwrap_or(&term.text);
        Box::new(self.words.beginning(letters).filter(meets))
    }
}

/// Answers search terms, each with every token that stands for it.
#[must_use]
pub fn answer(names: &RwLock<Names>, keys: &Keys, terms: &[Term]) -> Vec<Option<Vec<Token>>> {
    let names = names.read().unwrap_or_else(PoisonError::into_inner);
    terms.iter().map(|term| names.asked(&keys.tokens, term)).collect()
}

/// The word of a term that is stored as one.
fn stored_word(term: &Term) -> Option<Key> {
    let is_first = term.field == Field::NameFirst;
    (is_first || term.field == Field::NameWord).then(|| (term.text.as_str().into(), is_first))
}

/// Notes that a patient's name is known; `false` if it was before.
fn becomes_named(db: &Connection, patient: Patient) -> Result<bool> {
    let mut note = db.prepare_cached("UPDATE patient SET named = 1 WHERE id = ?1 AND named = 0")?;
    Ok(note.execute([patient.id])? > 0)
}

#[cfg(test)]
mod tests;
