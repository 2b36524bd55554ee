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

/// What somebody has learnt from an archive of their own, whose names they know: the likeliest word of a token by how many
/// studies stand at it.
pub struct Learnt(BTreeMap<u32, String>);

/// Sizes that are told apart.
fn class(studies: usize) -> u32 {
    u32::try_from(studies.saturating_mul(studies)).unwrap_or(u32::MAX).checked_ilog2().unwrap_or(0)
}

/// Learns from an archive with known names.
///
/// # Errors
/// If its index cannot be read.
pub fn learn(index: &Path, field: u8, people: &[Person], uid_of: impl Fn(usize) -> String) -> Result<Learnt> {
    let whose = studies(index)?;
    let by_study: HashMap<i64, &Person> =
        people.iter().enumerate().filter_map(|(n, person)| Some((*whose.get(&uid_of(n))?, person))).collect();
    let mut words: BTreeMap<u32, HashMap<String, usize>> = BTreeMap::new();
    for studies in postings(index, field)?.values() {
        let counts = words.entry(class(studies.len())).or_default();
        for word in studies.iter().filter_map(|study| by_study.get(study)).flat_map(|person| person.name.split('^')) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    let likeliest =
        |counts: HashMap<String, usize>| counts.into_iter().max_by_key(|(_, count)| *count).map(|(word, _)| word);
    Ok(Learnt(words.into_iter().filter_map(|(class, counts)| Some((class, likeliest(counts)?))).collect()))
}

impl Learnt {
    /// Guesses a word of each person's name in another archive.
    ///
    /// # Errors
    /// If its index cannot be read.
    pub fn guess(
        &self,
        index: &Path,
        field: u8,
        people: &[Person],
        uid_of: impl Fn(usize) -> String,
    ) -> Result<Guessed> {
        let mut named: HashMap<i64, &str> = HashMap::new();
        for studies in postings(index, field)?.values() {
            let Some(word) = self.0.get(&class(studies.len())) else { continue };
            for study in studies {
                named.insert(*study, word);
            }
        }
        judge(index, people, &named, uid_of)
    }
}

fn words_of(person: &Person) -> BTreeSet<String> {
    person.name.split('^').map(str::to_owned).collect()
}

/// How many people have each word, the commonest first.
fn ranked(people: &[Person]) -> Vec<(String, usize)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for word in people.iter().flat_map(words_of) {
        *counts.entry(word).or_default() += 1;
    }
    let mut ranked: Vec<(String, usize)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

fn judge(
    index: &Path,
    people: &[Person],
    named: &HashMap<i64, &str>,
    uid_of: impl Fn(usize) -> String,
) -> Result<Guessed> {
    let whose = studies(index)?;
    let by_the_commonest = ranked(people).first().map_or(0, |(_, count)| *count);
    let mut guessed = Guessed { rightly: 0, by_the_commonest, people: people.len() };
    for (n, person) in people.iter().enumerate() {
        let guess = whose.get(&uid_of(n)).and_then(|study| named.get(study));
        guessed.rightly += usize::from(guess.is_some_and(|guess| words_of(person).contains(*guess)));
    }
    Ok(guessed)
}

/// Guesses a word of each person's name from the index alone and the true counts of every word among these people: the
/// token with as many studies as the commonest word is that word, and so on down. `uid_of` tells the study of the n-th.
///
/// # Errors
/// If the index cannot be read.
pub fn analyse(index: &Path, field: u8, people: &[Person], uid_of: impl Fn(usize) -> String) -> Result<Guessed> {
    let ranked = ranked(people);
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
    judge(index, people, &named, uid_of)
}
