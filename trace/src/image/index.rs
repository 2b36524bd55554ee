//! Which of many originals may be what a leaked picture shows: an inverted index of local features under a key.
//!
//! Each feature goes to the list of the word that it is most like, with 64 bits that say on which side of as many keyed planes it
//! lies (Jegou, Douze and Schmid 2008). Features of a leaked picture vote for the originals whose bits are near in
//! the same lists, and votes count only together if they agree on how the picture was turned and by how much it was made smaller. The
//! answer is a short list to be verified, never a finding. Features say what a picture shows, so the words and the index are
//! as secret as pictures, and the key makes the bits useless beside those of another archive.

use super::features::{Feature, NUMBERS};
use super::plane::{dot, whole};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use std::f32::consts::TAU;
use zeroize::Zeroizing;

/// Features kept of one original: the strongest. Of sixteen bytes each, four kilobytes an original.
pub const FEATURES_KEPT_MAX: usize = 250;
/// Words, at most.
pub const WORDS_MAX: usize = 1024;
/// Originals to verify for one leaked picture.
pub const CANDIDATES_MAX: usize = 50;
/// An original with less than this part of the first one's votes is not verified: each that is must be opened.
pub const VOTES_PART_MIN: f32 = 0.15;
/// Votes that are counted for one leaked picture.
pub const VOTES_MAX: usize = 4_000_000;

const BITS: usize = 64;
/// Bits of 64 in which features that look alike may differ.
const BITS_OFF_MAX: u32 = 20;
/// Words whose lists are looked at for one feature: it may lie between words.
const WORDS_ASKED: usize = 4;
/// Parts of a whole turn, and of the logarithm of scale, that votes must agree on.
const TURNS: usize = 16;
const SCALES: usize = 24;

/// The index.
pub struct Index {
    planes: Vec<f32>,
    middles: Vec<f32>,
    words: Vec<f32>,
    lists: Vec<Vec<Entry>>,
    originals: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    bits: u64,
    original: u32,
    turn: u8,
    scale: u8,
}

/// An original that may be what is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its number, in order of being added.
    pub original: u32,
    /// What its features' votes come to.
    pub votes: f32,
}

impl Index {
    /// An empty index under a key, whose words are examples of features as the archive has them: some thousands, of many
    /// originals.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn new(key: &[u8; 16], examples: &[Feature]) -> Result<Self, Unspecified> {
        let planes = planes(key)?;
        let step = examples.len().div_ceil(WORDS_MAX).max(1);
        let words: Vec<f32> =
            examples.iter().step_by(step).flat_map(|example| example.numbers.iter().copied()).collect();
        let count = words.len() / NUMBERS;
        // Each plane halves the examples, so that each bit tells as much as it can.
        let middles = planes.chunks_exact(NUMBERS).map(|plane| {
            let mut sides: Vec<f32> = examples.iter().map(|example| dot(plane, &example.numbers)).collect();
            sides.sort_by(f32::total_cmp);
            sides.get(sides.len() / 2).copied().unwrap_or_default()
        });
        let middles = middles.collect();
        Ok(Self { planes, middles, words, lists: vec![Vec::new(); count.max(1)], originals: 0 })
    }

    /// How many originals it holds.
    #[must_use]
    pub fn originals(&self) -> u32 {
        self.originals
    }

    /// Adds an original by its features, strongest first, and gives its number.
    pub fn add(&mut self, features: &[Feature]) -> u32 {
        let original = self.originals;
        for feature in features.iter().take(FEATURES_KEPT_MAX) {
            let entry = Entry { bits: self.bits(feature), original, turn: turn(feature), scale: scale(feature) };
            let word = self.nearest(feature, 1).first().copied().unwrap_or_default();
            if let Some(list) = self.lists.get_mut(word) {
                list.push(entry);
            }
        }
        self.originals += 1;
        original
    }

    /// The originals that have most of the leaked picture's features, at most [`CANDIDATES_MAX`], most votes first,
    /// without those far behind the first.
    #[must_use]
    pub fn candidates(&self, leaked: &[Feature]) -> Vec<Candidate> {
        let mut votes: Vec<(u32, u8, u8, f32)> = Vec::new();
        for feature in leaked {
            let (bits, turn, scale) = (self.bits(feature), turn(feature), scale(feature));
            for word in self.nearest(feature, WORDS_ASKED) {
                let list = self.lists.get(word).map_or(&[][..], Vec::as_slice);
                // What many have tells little of any of them.
                let rare = 1.0 / (1.0 + super::plane::real(list.len())).sqrt();
                for entry in list {
                    let off = (entry.bits ^ bits).count_ones();
                    if off <= BITS_OFF_MAX && votes.len() < VOTES_MAX {
                        let turned = turn.wrapping_sub(entry.turn) / 16;
                        let grown = (i16::from(scale) - i16::from(entry.scale)).rem_euclid(256);
                        let grown = u8::try_from(grown / 8).unwrap_or_default() % 32;
                        votes.push((entry.original, turned, grown, rare * weight(off)));
                    }
                }
            }
        }
        votes.sort_unstable_by_key(|vote| vote.0);
        let mut found: Vec<Candidate> = votes
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|votes| Some(Candidate { original: votes.first()?.0, votes: agreeing(votes) }))
            .collect();
        found.sort_by(|a, b| b.votes.total_cmp(&a.votes).then(a.original.cmp(&b.original)));
        let least = found.first().map_or(0.0, |first| VOTES_PART_MIN * first.votes);
        found.retain(|candidate| candidate.votes >= least);
        found.truncate(CANDIDATES_MAX);
        found
    }

    fn bits(&self, feature: &Feature) -> u64 {
        let sides = self.planes.chunks_exact(NUMBERS).zip(&self.middles);
        sides.fold(0, |bits, (plane, middle)| bits << 1 | u64::from(dot(plane, &feature.numbers) > *middle))
    }

    /// The words that a feature is most like.
    fn nearest(&self, feature: &Feature, count: usize) -> Vec<usize> {
        let mut best: Vec<(f32, usize)> = Vec::with_capacity(count + 1);
        for (word, numbers) in self.words.chunks_exact(NUMBERS).enumerate() {
            let like = dot(numbers, &feature.numbers);
            if best.len() < count || best.last().is_some_and(|(least, _)| like > *least) {
                let place = best.partition_point(|(other, _)| *other >= like);
                best.insert(place, (like, word));
                best.truncate(count);
            }
        }
        best.into_iter().map(|(_, word)| word).collect()
    }
}

/// Near bits say more: of 64, strangers differ in 32 with a deviation of 4 and more.
fn weight(off: u32) -> f32 {
    let off = f32::from(u8::try_from(off).unwrap_or(u8::MAX));
    (-(off / 12.0).powi(2)).exp()
}

/// A direction as a part of 256 of a whole turn.
fn turn(feature: &Feature) -> u8 {
    u8::try_from(whole((feature.angle.rem_euclid(TAU) / TAU * 256.0).floor()) % 256).unwrap_or_default()
}

/// A size as a logarithm: eight steps are a factor of the square root of two.
fn scale(feature: &Feature) -> u8 {
    u8::try_from(whole((feature.size.max(1.0).log2() * 16.0).clamp(0.0, 255.0))).unwrap_or_default()
}

/// The votes that agree on a turn, or those that agree on a scale, whichever are fewer. Neighbouring parts count as agreeing.
fn agreeing(votes: &[(u32, u8, u8, f32)]) -> f32 {
    let (mut turns, mut scales) = ([0.0_f32; TURNS], [0.0_f32; SCALES + 8]);
    for (_, turned, grown, weight) in votes {
        if let Some(sum) = turns.get_mut(usize::from(*turned) % TURNS) {
            *sum += weight;
        }
        if let Some(sum) = scales.get_mut(usize::from(*grown)) {
            *sum += weight;
        }
    }
    let most = |sums: &[f32]| {
        let next = sums.iter().cycle().skip(1);
        sums.iter().zip(next).map(|(own, next)| own + next).fold(0.0, f32::max)
    };
    most(&turns).min(most(&scales))
}

/// Normals of planes through the middle of features' numbers: signs under the key, AES-128 in counter mode (SP 800-38A).
fn planes(key: &[u8; 16]) -> Result<Vec<f32>, Unspecified> {
    let key = EncryptingKey::ecb(UnboundCipherKey::new(&AES_128, key)?)?;
    let blocks = u128::try_from(BITS * NUMBERS / 128).unwrap_or_default();
    let mut stream = Zeroizing::new((0..blocks).flat_map(u128::to_be_bytes).collect::<Vec<u8>>());
    key.encrypt(&mut stream)?;
    let bits = stream.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    Ok(bits.map(|bit| if bit == 1 { 1.0 } else { -1.0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::super::features::features;
    use super::super::tests::film;
    use super::*;

    #[test]
    fn a_film_is_the_first_candidate_for_its_turned_part_and_keys_differ() {
        let originals: Vec<Vec<Feature>> =
            (0..30).map(|seed| features(&film(400, 380, 100 + seed).luma(usize::MAX), FEATURES_KEPT_MAX)).collect();
        let examples: Vec<Feature> = originals.iter().flatten().step_by(3).cloned().collect();
        let mut index = Index::new(&[1; 16], &examples).unwrap();
        assert!(index.candidates(&examples).is_empty());
        for (number, features) in (0..).zip(&originals) {
            assert_eq!(index.add(features), number);
        }
        assert_eq!(index.originals(), 30);
        for number in [3_u32, 17, 29] {
            let luma = film(400, 380, 100 + number).luma(usize::MAX).resized(600, 570);
            let part = super::super::Plane::from_fn(420, 400, |x, y| {
                luma.at(isize::try_from(y + 60).unwrap(), 500 - isize::try_from(x).unwrap())
            });
            let candidates = index.candidates(&features(&part, 500));
            assert_eq!(candidates[0].original, number);
            let next = candidates.get(1).map_or(0.0, |next| next.votes);
            assert!(candidates[0].votes > 1.5 * next, "{candidates:?}");
        }
        let other = Index::new(&[2; 16], &examples).unwrap();
        let same = examples.iter().filter(|example| index.bits(example) == other.bits(example)).count();
        assert!(same < examples.len() / 20, "the bits come from the key");
    }

    #[test]
    fn of_many_alike_so_many_are_candidates_and_of_one_so_many_features_are_kept() {
        let all = features(&film(512, 512, 77).luma(usize::MAX), 600);
        let mut index = Index::new(&[1; 16], &all).unwrap();
        for _ in 0..CANDIDATES_MAX + 10 {
            index.add(&all);
        }
        assert_eq!(index.candidates(&all).len(), CANDIDATES_MAX);
        let kept: usize = index.lists.iter().map(Vec::len).sum();
        assert_eq!(kept, (CANDIDATES_MAX + 10) * all.len().min(FEATURES_KEPT_MAX));
    }

    #[test]
    fn an_index_without_examples_or_features_answers_nothing() {
        let mut index = Index::new(&[1; 16], &[]).unwrap();
        assert_eq!((index.add(&[]), index.originals()), (0, 1));
        assert!(index.candidates(&[]).is_empty());
    }
}
