//! Who has the index and knows how frequent every name is: matches tokens with words by how many patients each has.

use crate::Result;
use crate::sample::Person;
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// How many people were named rightly, and how many would be by calling everybody by the commonest word.
#[derive(Clone, Copy, Debug)]
pub struct Guessed {
    /// By the analysis.
    pub rightly: usize,
    /// By the commonest word.
    pub by_the_commonest: usize,
    /// Of so many.
    pub people: usize,
}

impl Guessed {
    /// Percentage points over the commonest word.
    #[must_use]
    pub fn points(&self) -> f64 {
        let share = |count: usize| count as f64 * 100.0 / self.people.max(1) as f64;
        share(self.rightly) - share(self.by_the_commonest)
    }
}

/// The tokens of one field, each with the studies that it stands at.
fn postings(index: &Path, field: u8) -> Result<BTreeMap<Vec<u8>, BTreeSet<i64>>> {
    let db = Connection::open_with_flags(index, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = db.prepare("SELECT token, study FROM study_tokens")?;
    let mut rows = statement.query([])?;
    let mut postings: BTreeMap<Vec<u8>, BTreeSet<i64>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let token: Vec<u8> = row.get(0)?;
        if token.first() == Some(&field) {
            postings.entry(token).or_default().insert(row.get(1)?);
        }
    }
    Ok(postings)
}

/// Which study is whose, by its UID, as somebody outside may know of single patients; used to judge the guesses only.
fn studies(index: &Path) -> Result<HashMap<String, i64>> {
    let db = Connection::open_with_flags(index, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = db.prepare("SELECT study_instance_uid, id FROM studies")?;
    let mut rows = statement.query([])?;
    let mut studies = HashMap::new();
    while let Some(row) = rows.next()? {
        studies.insert(row.get(0)?, row.get(1)?);
    }
    Ok(studies)
}

/// Guesses a word of each person's name from the index alone and the true counts of every word among these people: the
/// token with as many studies as the commonest word is that word, and so on down. `uid_of` tells the study of the n-th.
///
/// # Errors
/// If the index cannot be read.
pub fn analyse(index: &Path, field: u8, people: &[Person], uid_of: impl Fn(usize) -> String) -> Result<Guessed> {
    let words_of = |person: &Person| -> BTreeSet<String> { person.name.split('^').map(str::to_owned).collect() };
    let mut counts: HashMap<String, usize> = HashMap::new();
    for person in people {
        for word in words_of(person) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut ranked: Vec<(String, usize)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let postings = postings(index, field)?;
    let mut tokens: Vec<&BTreeSet<i64>> = postings.values().collect();
    tokens.sort_by_key(|studies| std::cmp::Reverse(studies.len()));
    // Of the tokens at a study the most frequent is named: its place in the ranking is the surest.
    let mut named: HashMap<i64, &str> = HashMap::new();
    for (studies, (word, _)) in tokens.iter().zip(&ranked) {
        for study in *studies {
            named.entry(*study).or_insert(word);
        }
    }
    let whose = studies(index)?;
    let mut guessed =
        Guessed { rightly: 0, by_the_commonest: ranked.first().map_or(0, |(_, n)| *n), people: people.len() };
    for (n, person) in people.iter().enumerate() {
        let guess = whose.get(&uid_of(n)).and_then(|study| named.get(study));
        guessed.rightly += usize::from(guess.is_some_and(|guess| words_of(person).contains(*guess)));
    }
    Ok(guessed)
}
