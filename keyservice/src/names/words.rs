//! Which words names are made of, how many patients have each, and in which cell of a word a patient stands.
//!
//! In the archive's index a common name must not be told from a rare one by counting. So a word has many tokens, its
//! *cells*, and each patient stands in one of them. A new patient is put into one of the later half of the cells that the word
//! has by then, and the word gets a new cell whenever so many more patients have it. Of each word, common or rare, the cells
//! therefore look alike: closed ones of the same size, open ones filled alike, opened and closed at the same pace of the archive's growth.
//! Whoever guesses a cell's word does no better than by naming the commonest (`sim/tests/attack.rs` measures it).
//!
//! Which cells a word had when a patient came must be known for ever, or a patient's studies would stand in several cells and
//! show that these are one word. So the number of cells follows marks: how many patients had the word when the archive had so many.
//! A word has a mark for each doubling, and between them it is taken to grow as the archive does.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use std::ops::Deref;

/// Patients of a cell, about, in a small archive; in a larger one they grow by the square root of its patients, so that a search
/// for a common name reads thousands of cells and not a hundred thousand.
const CELL_PATIENTS: u64 = 32;
/// The archive up to which cells have that size.
const SMALL_ARCHIVE: u64 = 25_000;

/// How many patients had a word when the archive had so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Mark {
    /// All patients.
    #[n(0)]
    pub archive: u64,
    /// Those with the word.
    #[n(1)]
    pub word: u64,
}

/// One word of names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Word {
    /// Patients that have it.
    #[n(0)]
    pub patients: u32,
    /// The earliest first.
    #[n(1)]
    pub marks: Marks,
}

/// Marks in order. Hardly any word has one, so that there is room for a pointer alone.
#[expect(
    clippy::box_collection,
    reason = "a list has three words of memory, and half a million words have an empty one"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(Option<Box<Vec<Mark>>>);

impl Marks {
    fn push(&mut self, mark: Mark) {
        self.0.get_or_insert_default().push(mark);
    }
}

impl Deref for Marks {
    type Target = [Mark];

    fn deref(&self) -> &[Mark] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<C> Encode<C> for Marks {
    fn encode<W: encode::Write>(&self, to: &mut Encoder<W>, context: &mut C) -> Result<(), encode::Error<W::Error>> {
        (**self).encode(to, context)
    }
}

impl<'b, C> Decode<'b, C> for Marks {
    fn decode(from: &mut Decoder<'b>, context: &mut C) -> Result<Self, decode::Error> {
        let marks = Vec::<Mark>::decode(from, context)?;
        Ok(Self((!marks.is_empty()).then(|| Box::new(marks))))
    }
}

/// What a cell holds, about, in an archive of so many patients.
fn cell_patients(archive: u64) -> u64 {
    let square = CELL_PATIENTS.pow(2).saturating_mul(archive.max(SMALL_ARCHIVE)) / SMALL_ARCHIVE;
    square.isqrt().max(1)
}

impl Mark {
    /// Cells of the word in an archive of so many patients, as this mark, the latest by then, foretells.
    fn cells(self, archive: u64) -> u64 {
        let grown = self.word.saturating_mul(archive) / self.archive.max(1);
        let patients = grown.min(self.word.saturating_mul(2));
        (patients.saturating_mul(2) / cell_patients(self.archive)).saturating_add(1)
    }
}

impl Word {
    /// One more patient has it, the archive's so-many-eth.
    pub fn learn(&mut self, archive: u64) {
        self.patients = self.patients.saturating_add(1);
        let enough = match self.marks.last() {
            None => cell_patients(archive) / 2,
            Some(last) => last.word.saturating_mul(2),
        };
        let patients = u64::from(self.patients);
        if patients >= enough {
            self.marks.push(Mark { archive, word: patients });
        }
    }

    /// The cell of a patient that was the archive's so-many-eth; `choice` is that patient's own and never changes.
    #[must_use]
    pub fn cell_of(&self, archive: u64, choice: u64) -> u32 {
        let mark = self.marks.iter().rev().find(|mark| mark.archive < archive);
        let cells = mark.map_or(1, |mark| mark.cells(archive));
        let closed = cells / 2;
        u32::try_from(closed + choice % (cells - closed)).unwrap_or(u32::MAX)
    }

    /// How many cells any patient of an archive with so many patients may stand in.
    #[must_use]
    pub fn cells(&self, archive: u64) -> u32 {
        let ends = self.marks.iter().skip(1).map(|mark| mark.archive).chain([archive]);
        let most = self.marks.iter().zip(ends).map(|(mark, end)| mark.cells(end)).max().unwrap_or(1);
        u32::try_from(most).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A seeded draw below a bound.
    fn draw(state: &mut u64, bound: u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % bound
    }

    /// An archive in which one patient of `every` has the word: the word, and who stands in which cell.
    fn grown(archive: u64, every: u64) -> (Word, HashMap<u32, u64>) {
        let (mut word, mut cells, mut state) = (Word::default(), HashMap::new(), every);
        for nth in 1..=archive {
            if draw(&mut state, every) == 0 {
                word.learn(nth);
                *cells.entry(word.cell_of(nth, draw(&mut state, u64::from(u32::MAX)))).or_default() += 1;
            }
        }
        (word, cells)
    }

    #[test]
    fn cells_of_common_and_rarer_words_have_the_same_sizes() {
        let average = |cells: &HashMap<u32, u64>| cells.values().sum::<u64>() as f64 / cells.len() as f64;
        let sizes: Vec<f64> = [5, 20, 80].iter().map(|every| average(&grown(100_000, *every).1)).collect();
        for size in &sizes {
            assert!((size / sizes[0] - 1.0).abs() < 0.25, "{sizes:?}");
        }
    }

    #[test]
    fn a_patients_cell_never_changes_and_is_always_looked_for() {
        let (mut word, mut state) = (Word::default(), 7);
        let mut stands = Vec::new();
        for nth in 1..=60_000_u64 {
            // Hardly anybody at first, then half of the arrivals, then nobody.
            let every = match nth {
                0..20_000 => 50,
                20_000..40_000 => 2,
                _ => 1_000_000,
            };
            if draw(&mut state, every) == 0 {
                word.learn(nth);
                let choice = draw(&mut state, u64::from(u32::MAX));
                stands.push((nth, choice, word.cell_of(nth, choice)));
            }
            if nth % 5_000 == 0 {
                let cells = word.cells(nth);
                for (came, choice, cell) in &stands {
                    assert_eq!(word.cell_of(*came, *choice), *cell, "who came as {came}, at {nth}");
                    assert!(*cell < cells, "{cell} of {cells} at {nth}");
                }
            }
        }
        assert!(stands.len() > 5_000);
    }

    #[test]
    fn a_rare_word_has_one_cell() {
        let mut word = Word::default();
        (1..15).for_each(|nth| word.learn(nth * 1_000));
        assert_eq!((word.cells(6_000_000), word.cell_of(5_000_000, 9)), (1, 0));
    }

    #[test]
    fn a_common_word_of_a_large_archive_has_few_enough_cells_to_be_searched() {
        // Three of a hundred of six million.
        let mut word = Word::default();
        (1..=180_000_u64).for_each(|nth| word.learn(nth * 33));
        let cells = word.cells(6_000_000);
        assert!((200..2_000).contains(&cells), "{cells}");
    }
}
