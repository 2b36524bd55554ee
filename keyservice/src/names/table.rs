//! Words in memory. Of millions of patients there are half a million words, and most of them are short, have few patients and one
//! cell: so a word lies in its place in the table and not beside it, and so does what is known of it.

use super::words::Word;
use record::name;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::Bound;

/// Bytes of a word that lies in its place: all but one in ten thousand.
const SHORT_BYTES: usize = 22;

/// The letters of a word.
#[derive(Clone)]
enum Text {
    Short(u8, [u8; SHORT_BYTES]),
    Long(Box<str>),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            // What was put in was text, up to that length.
            Self::Short(len, bytes) => {
                bytes.get(..usize::from(*len)).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT_BYTES];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short(len, bytes)
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// A word as it stands in one place of names.
pub(super) struct Entry {
    /// The number of its row in the state.
    pub row: NonZeroU32,
    /// What is known of it.
    pub word: Word,
}

/// Every word, as it stands first in names and as it stands elsewhere.
#[derive(Default)]
pub(super) struct Table {
    words: BTreeMap<Text, [Option<Entry>; 2]>,
    /// Marks of sounds, and the words that sound so. Two sounds of one mark only mean that more words are looked at.
    sounds: BTreeSet<(u32, Text)>,
    /// Entries.
    len: usize,
}

/// A sound in four bytes (FNV-1a).
fn mark(sound: &str) -> u32 {
    sound.bytes().fold(0x811C_9DC5, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, word: &str, is_first: bool) -> Option<&Entry> {
        self.words.get(word)?.get(usize::from(is_first))?.as_ref()
    }

    pub(super) fn get_mut(&mut self, word: &str, is_first: bool) -> Option<&mut Entry> {
        self.words.get_mut(word)?.get_mut(usize::from(is_first))?.as_mut()
    }

    pub(super) fn put(&mut self, word: &str, is_first: bool, entry: Entry) {
        let text = Text::from(word);
        if !self.words.contains_key(word) {
            for sound in name::sounds(word) {
                self.sounds.insert((mark(&sound), text.clone()));
            }
        }
        if let Some(place) = self.words.entry(text).or_default().get_mut(usize::from(is_first)) {
            self.len += usize::from(place.is_none());
            *place = Some(entry);
        }
    }

    pub(super) fn remove(&mut self, word: &str, is_first: bool) {
        let place = self.words.get_mut(word).and_then(|both| both.get_mut(usize::from(is_first)));
        self.len -= usize::from(place.and_then(Option::take).is_some());
    }

    /// Words that begin with these letters, in their order: each with whether it stands first.
    pub(super) fn beginning<'t>(&'t self, letters: &'t str) -> impl Iterator<Item = (&'t str, bool, &'t Entry)> {
        let words = self.words.range::<str, _>((Bound::Included(letters), Bound::Unbounded));
        words.take_while(move |(word, _)| word.as_str().starts_with(letters)).flat_map(|(word, both)| of(word, both))
    }

    /// Words that may sound so.
    pub(super) fn sounding(&self, sound: &str) -> impl Iterator<Item = (&str, bool, &Entry)> {
        let mark = mark(sound);
        let from = (Bound::Included((mark, Text::from(""))), Bound::Unbounded);
        let words = self.sounds.range(from).take_while(move |(other, _)| *other == mark);
        words.filter_map(|(_, word)| self.words.get_key_value(word)).flat_map(|(word, both)| of(word, both))
    }
}

fn of<'t>(word: &'t Text, both: &'t [Option<Entry>; 2]) -> impl Iterator<Item = (&'t str, bool, &'t Entry)> {
    let places = [false, true].into_iter().zip(both);
    places.filter_map(|(is_first, entry)| Some((word.as_str(), is_first, entry.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_any_length_are_what_they_were() {
        let longest = "A".repeat(SHORT_BYTES);
        for text in ["", "SITI", "山田", &longest, &format!("{longest}A"), &"Ñ".repeat(200)] {
            assert_eq!(Text::from(text).as_str(), text);
            assert!(Text::from(text) == Text::from(text));
        }
        let mut texts: Vec<Text> = ["ZA", "A", &longest, "AB", "山"].map(Text::from).into();
        texts.sort();
        let sorted: Vec<&str> = texts.iter().map(Text::as_str).collect();
        assert_eq!(sorted, ["A", &longest, "AB", "ZA", "山"]);
    }

    #[test]
    fn a_word_takes_the_memory_that_is_counted_on() {
        assert_eq!((size_of::<Text>(), size_of::<[Option<Entry>; 2]>()), (24, 48));
    }

    #[test]
    fn what_is_taken_out_is_gone_from_its_place_alone() {
        let mut table = Table::default();
        let entry = |row| Entry { row: NonZeroU32::new(row).unwrap(), word: Word::default() };
        table.put("SITI", true, entry(1));
        table.put("SITI", false, entry(2));
        table.put("SITY", false, entry(3));
        let rows =
            |table: &Table| table.sounding(&name::phonetic("SITI")).map(|(.., e)| e.row.get()).collect::<Vec<_>>();
        assert_eq!((rows(&table), table.len()), (vec![2, 1, 3], 3));
        table.remove("SITI", true);
        table.remove("SITI", true);
        table.remove("BUDI", true);
        assert_eq!((rows(&table), table.len()), (vec![2, 3], 2));
        assert!(table.get("SITI", true).is_none() && table.get("SITI", false).is_some());
    }
}
