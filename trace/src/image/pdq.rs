//! A hash of a whole picture that stays nearly the same when the picture is written again: PDQ, by its published description.
//!
//! The luma is smoothed by two passes of box filters and thinned out to 64 by 64; of its discrete cosine transform, 16 by 16
//! coefficients above the mean are each compared with their median. It answers for copies that were made smaller or recompressed; a cut
//! or a frame is for the index of features.

use super::plane::{Picture, Plane, add, real, whole};
use std::sync::LazyLock;

/// Hashes this near are of one picture: strangers' films are some 124 bits apart, with a deviation of 10.
pub const NEAR_BITS: u32 = 31;
/// Pictures of less quality have too little in them to be told apart.
pub const QUALITY_MIN: u32 = 50;
/// Queries that share one pass over the hashes: memory is read once for all of them.
pub const QUERIES_PER_PASS: usize = 8;
/// Answers to one query: more near ones say that the hash tells nothing.
pub const ANSWERS_MAX: usize = 50;

const SIDE: usize = 64;
const BLOCK: usize = 16;

/// 256 bits of a picture.
pub type Hash = [u64; 4];

/// The hash of a picture and its quality, from 0 for nothing in it to 100.
#[must_use]
pub fn hash(picture: &Picture) -> (Hash, u32) {
    // The description allows to make large pictures smaller first, as long as it is always done alike.
    let small = thinned(&picture.luma(1024));
    let coefficients = transformed(&small);
    let mut sorted = coefficients.clone();
    sorted.sort_by(f32::total_cmp);
    let median = sorted.get(BLOCK * BLOCK / 2 - 1).copied().unwrap_or_default();
    let mut hash = [0; 4];
    for (word, coefficients) in hash.iter_mut().zip(coefficients.chunks_exact(64)) {
        for (bit, coefficient) in coefficients.iter().enumerate() {
            *word |= u64::from(*coefficient > median) << bit;
        }
    }
    (hash, quality(&small))
}

/// In how many bits two hashes differ.
#[must_use]
pub fn distance(a: &Hash, b: &Hash) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn thinned(luma: &Plane) -> Plane {
    let window = |side: usize| side.div_ceil(2 * SIDE);
    let mut smooth = luma.clone();
    for _ in 0..2 {
        smooth = boxed_across(&smooth, window(luma.width()));
        smooth = boxed_down(&smooth, window(luma.height()));
    }
    let place = |nth: usize, side: usize| isize::try_from((2 * nth + 1) * side / (2 * SIDE)).unwrap_or_default();
    Plane::from_fn(SIDE, SIDE, |x, y| smooth.at(place(x, luma.width()), place(y, luma.height())))
}

/// The part of a line that is averaged for a place: `window` long, shorter at both ends.
fn around(place: usize, window: usize, length: usize) -> std::ops::Range<usize> {
    let half = usize::midpoint(window, 2);
    (place + half).saturating_sub(window)..(place + half).min(length)
}

fn boxed_across(plane: &Plane, window: usize) -> Plane {
    let mut samples = Vec::with_capacity(plane.samples().len());
    for line in plane.lines() {
        samples.extend((0..line.len()).map(|place| {
            let part = line.get(around(place, window, line.len())).unwrap_or_default();
            part.iter().sum::<f32>() / real(part.len().max(1))
        }));
    }
    Plane::new(plane.width(), plane.height(), samples)
}

fn boxed_down(plane: &Plane, window: usize) -> Plane {
    let mut samples = Vec::with_capacity(plane.samples().len());
    let mut sums = vec![0.0; plane.width()];
    for place in 0..plane.height() {
        let lines = around(place, window, plane.height());
        let share = 1.0 / real(lines.len().max(1));
        sums.fill(0.0);
        for line in lines {
            add(&mut sums, plane.line(isize::try_from(line).unwrap_or_default()), share);
        }
        samples.extend_from_slice(&sums);
    }
    Plane::new(plane.width(), plane.height(), samples)
}

/// Lines of cosines for the frequencies from 1 to 16.
static COSINES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let frequencies = (1..=BLOCK).flat_map(|k| (0..SIDE).map(move |n| (k, n)));
    let scale = (2.0 / real(SIDE)).sqrt();
    frequencies
        .map(|(k, n)| scale * (std::f32::consts::PI / 2.0 / real(SIDE) * real(k) * real(2 * n + 1)).cos())
        .collect()
});

fn transformed(small: &Plane) -> Vec<f32> {
    let mut block = vec![0.0; BLOCK * BLOCK];
    for (y, line) in small.lines().enumerate() {
        let across: Vec<f32> = COSINES
            .chunks_exact(SIDE)
            .map(|cosines| cosines.iter().zip(line).map(|(cosine, sample)| cosine * sample).sum())
            .collect();
        for (sums, cosines) in block.chunks_exact_mut(BLOCK).zip(COSINES.chunks_exact(SIDE)) {
            add(sums, &across, cosines.get(y).copied().unwrap_or_default());
        }
    }
    block
}

/// How much the small picture changes from place to place, in whole parts of a hundredth of its range.
fn quality(small: &Plane) -> u32 {
    let change = |a: f32, b: f32| whole(((a - b) * 100.0 / 255.0).abs().floor());
    let across: usize = small
        .lines()
        .flat_map(|line| line.iter().zip(line.iter().skip(1)))
        .map(|(left, right)| change(*left, *right))
        .sum();
    let down: usize = small
        .lines()
        .zip(small.lines().skip(1))
        .flat_map(|(above, below)| above.iter().zip(below))
        .map(|(above, below)| change(*above, *below))
        .sum();
    u32::try_from((across + down) / 90).unwrap_or(u32::MAX).min(100)
}

/// One hash that is near a query's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its place among the hashes.
    pub place: usize,
    /// In how many bits it differs.
    pub bits: u32,
}

/// Looks for all queries among all hashes, in one pass for each [`QUERIES_PER_PASS`] of them: for each query, the nearest
/// hashes that differ in no more than `within` bits, nearest first, at most [`ANSWERS_MAX`].
#[must_use]
pub fn search(hashes: &[Hash], queries: &[Hash], within: u32) -> Vec<Vec<Answer>> {
    let mut answers: Vec<Vec<Answer>> = vec![Vec::new(); queries.len()];
    for (queries, answers) in queries.chunks(QUERIES_PER_PASS).zip(answers.chunks_mut(QUERIES_PER_PASS)) {
        for (place, hash) in hashes.iter().enumerate() {
            for (query, answers) in queries.iter().zip(answers.iter_mut()) {
                let bits = distance(hash, query);
                if bits <= within {
                    keep(answers, Answer { place, bits });
                }
            }
        }
        answers.iter_mut().for_each(shorten);
    }
    answers
}

/// A list grows to twice what is kept before it is shortened.
fn keep(answers: &mut Vec<Answer>, answer: Answer) {
    answers.push(answer);
    if answers.len() >= 2 * ANSWERS_MAX {
        shorten(answers);
    }
}

fn shorten(answers: &mut Vec<Answer>) {
    answers.sort_by_key(|answer| (answer.bits, answer.place));
    answers.truncate(ANSWERS_MAX);
}

#[cfg(test)]
mod tests {
    use super::super::tests::film;
    use super::*;

    fn of(plane: &Plane) -> Picture {
        let bytes = plane.samples().iter().map(|sample| super::super::plane::level(*sample)).collect();
        Picture::grey(plane.width(), plane.height(), bytes).unwrap()
    }

    #[test]
    fn a_smaller_or_brighter_copy_is_near_and_another_film_is_not() {
        let picture = film(640, 524, 31);
        let (own, quality) = hash(&picture);
        assert!(quality >= QUALITY_MIN, "{quality}");
        assert_eq!(
            own.iter().map(|word| word.count_ones()).sum::<u32>(),
            128,
            "half of the coefficients are over the median"
        );
        let luma = picture.luma(usize::MAX);
        for copy in
            [luma.resized(320, 262), luma.resized(1000, 819), luma.map(|sample| sample * 0.8 + 20.0), luma.smooth(1.0)]
        {
            let bits = distance(&own, &hash(&of(&copy)).0);
            assert!(bits <= 16, "{bits}");
        }
        for other in 40..60 {
            assert!(distance(&own, &hash(&film(640, 524, other)).0) > NEAR_BITS);
        }
    }

    #[test]
    fn the_windows_are_those_of_the_description() {
        // Seven samples reach three to both sides; eight reach three before and four after; both are cut at the ends.
        assert_eq!((around(10, 7, 100), around(10, 8, 100)), (7..14, 7..15));
        assert_eq!((around(0, 7, 100), around(99, 8, 100)), (0..4, 96..100));
        assert_eq!(around(0, 1, 1), 0..1);
    }

    #[test]
    fn the_emptiest_pictures_have_no_quality() {
        for picture in [Picture::grey(1, 1, vec![9]).unwrap(), Picture::grey(700, 1, vec![3; 700]).unwrap()] {
            assert_eq!(hash(&picture).1, 0);
        }
    }

    #[test]
    fn a_search_is_what_comparing_each_with_each_gives() {
        let mut state = 7_u64;
        let mut word = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ (state >> 29)
        };
        let hashes: Vec<Hash> = (0..3000).map(|_| [word(), word(), word(), word()]).collect();
        let queries: Vec<Hash> =
            hashes.iter().step_by(271).map(|[a, b, c, d]| [a ^ 0b1011, *b, c ^ (1 << 40), *d]).collect();
        let found = search(&hashes, &queries, 110);
        for ((nth, query), found) in queries.iter().enumerate().zip(&found) {
            assert_eq!(found[0], Answer { place: nth * 271, bits: 4 });
            let mut all: Vec<(u32, usize)> =
                hashes.iter().enumerate().map(|(place, hash)| (distance(hash, query), place)).collect();
            all.retain(|(bits, _)| *bits <= 110);
            all.sort_unstable();
            all.truncate(ANSWERS_MAX);
            assert_eq!(found.iter().map(|answer| (answer.bits, answer.place)).collect::<Vec<_>>(), all);
        }
        assert!(search(&[], &queries, 256).iter().all(Vec::is_empty) && search(&hashes, &[], 256).is_empty());
        assert_eq!(search(&hashes, &queries[..1], 256)[0].len(), ANSWERS_MAX, "as many as are kept");
    }
}
