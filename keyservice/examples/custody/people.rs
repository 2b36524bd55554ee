//! Patients with names as a country has them: few words that very many have, and a long tail that hardly anybody has.

use super::support::numbered;
use record::{Field, Identifier, ObjectId, Term};
use seal::message::{AdmitItem, DataKey};

/// Words that names are made of: the tail decides how much the key service holds in memory, so there is one. Of six million names
/// of two and a half words nearly all of them are in use.
const WORDS: f64 = 500_000.0;
const SYLLABLES: usize = 85;

/// Numbers that look random and are the same in every run: SplitMix64.
pub struct Random(u64);

impl Random {
    /// Neighbouring seeds give sequences that have nothing in common.
    pub fn new(seed: usize) -> Self {
        Self(u64::try_from(seed).unwrap_or(0).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66_D5B7_11A3)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.bits() % end).unwrap_or(0)
    }

    /// A word by Zipf's law: the commonest is one in twenty, like the commonest names there are.
    fn word(&mut self) -> String {
        let share = f64::from(u32::try_from(self.bits() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        // The logarithm of the rank is even; a rank is told by the words before it.
        let rank = (share * WORDS.ln()).exp();
        word((0..63).rev().filter(|bit| rank_has(rank, *bit)).fold(0, |rank, bit| rank | (1 << bit)))
    }
}

/// Whether a bit is set in the whole part of a number.
fn rank_has(rank: f64, bit: u32) -> bool {
    (rank / 2_f64.powi(i32::try_from(bit).unwrap_or(0))).rem_euclid(2.0) >= 1.0
}

/// The word of a rank: syllables, at least two.
fn word(mut rank: usize) -> String {
    const CONSONANTS: [char; 17] =
        ['B', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'R', 'S', 'T', 'W', 'Y', 'Z'];
    const VOWELS: [char; 5] = ['A', 'I', 'U', 'E', 'O'];
    let mut word = String::new();
    while rank > 0 || word.len() < 4 {
        let syllable = rank % SYLLABLES;
        rank /= SYLLABLES;
        word.extend(CONSONANTS.get(syllable / VOWELS.len()));
        word.extend(VOWELS.get(syllable % VOWELS.len()));
    }
    word
}

/// The words of a patient's name, the first one first.
fn name(number: usize) -> Vec<String> {
    let mut random = Random::new(number);
    (0..2 + random.below(2)).map(|_| random.word()).collect()
}

/// What a clerk types to find a patient: the first letters of a word of the name.
pub fn typed(number: usize) -> Term {
    let text = name(number).pop().unwrap_or_default();
    Term { field: Field::NamePrefix, text: text.chars().take(5).collect() }
}

/// The patient's first object, as a hospital sends it: with its own number and the national one.
pub fn item(number: usize) -> AdmitItem {
    let local = format!("RM{number:08}");
    let term = |field, text: &str| Term { field, text: text.into() };
    let mut terms = vec![term(Field::Number, &local), term(Field::AccessionNumber, &format!("A{number:010}"))];
    let field = |at| if at == 0 { Field::NameFirst } else { Field::NameWord };
    terms.extend(name(number).iter().enumerate().map(|(at, word)| term(field(at), word)));
    AdmitItem {
        says: None,
        object: ObjectId(numbered(number + 1)),
        version: 1,
        kind: "dicom".into(),
        identifiers: vec![
            Identifier::Local { issuer: "RIS".into(), value: local },
            Identifier::Nik(format!("{:016}", 3_100_000_000_000_000 + number)),
        ],
        patient: None,
        terms,
        summary: DataKey(numbered(number)),
        content: DataKey(numbered(number)),
    }
}

/// One more object of a patient who is known.
pub fn another(number: usize) -> AdmitItem {
    /// Beyond the number of any patient.
    const SECOND: usize = 1 << 40;
    AdmitItem { object: ObjectId(numbered(SECOND + number)), ..item(number) }
}
