//! Whose mark a leaked picture carries.
//!
//! The score of a disclosure is a sum of weights, each with the sign that the disclosure's key gives. The weights have been
//! made of the leaked picture and of our original, and their squares add up to one but for rounding. To whoever had no part in the leak the signs are fair coins,
//! independent of each other and of the leaked picture, as they come from a key that nobody outside holds. So Hoeffding's inequality
//! says, for every leaked picture whatever was done to it: P(score of an innocent >= z) <= exp(-z^2 / 2). Nothing that
//! depends on a disclosure's signs may ever go into the weights; that the pieces are explained, whitened and cut off in
//! whatever way is harmless to the bound, and a bad way finds less.

use super::chips::{ImageId, MarkKey, bit_of, is_identity};
use super::dct::{PLACES, RADIUS_MAX, SIDE, forward};
use super::fit::{Fit, explain};
use super::mark::mask;
use super::payload;
use super::plane::{Plane, real, whole};
use aws_lc_rs::error::Unspecified;

/// Weights are cut off here, in deviations of their ring: a few coefficients must not decide.
const CUT: f32 = 3.0;
/// The noise that no piece of a picture is without, in levels: rounding, twice.
const NOISE_LEVELS: f32 = 0.6;

/// What one leaked picture says of all disclosures.
#[derive(Clone)]
pub struct Reading {
    image: ImageId,
    /// Of the identity's coefficients, in order; zero for the payload's.
    weights: Vec<f32>,
    /// For each bit of the payload, how surely it is one, in deviations of noise.
    bits: Vec<f32>,
}

impl Reading {
    /// Of a leaked picture that lies on its original's canonical plane, where `valid` is one.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn of(
        image: ImageId,
        original: &Plane,
        leaked: &Plane,
        valid: &Plane,
        carriers: &MarkKey,
    ) -> Result<Self, Unspecified> {
        let whitened = whitened(&explain(original, leaked, valid), original, valid);
        let carriers = carriers.chips(&image)?;
        let mut sums = vec![(0.0_f32, 0.0_f32); payload::BITS];
        let all = whitened.iter().zip(&carriers).enumerate();
        for (nth, (weight, carrier)) in all.filter(|(nth, _)| !is_identity(*nth)) {
            if let Some((sum, squares)) = sums.get_mut(bit_of(nth)) {
                *sum += weight * carrier;
                *squares += weight * weight;
            }
        }
        let bits = sums.iter().map(|(sum, squares)| sum / squares.sqrt().max(1e-9)).collect();
        let own = |(nth, weight): (usize, f32)| if is_identity(nth) { weight } else { 0.0 };
        let weights: Vec<f32> = whitened.into_iter().enumerate().map(own).collect();
        let length = norm(&weights);
        let weights = weights.iter().map(|weight| if length > 0.0 { weight / length } else { 0.0 }).collect();
        Ok(Self { image, weights, bits })
    }

    /// The score of a disclosure by this picture: one over 6.5 has a bound of 7e-10.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn score(&self, disclosure: &MarkKey) -> Result<f64, Unspecified> {
        let chips = disclosure.chips(&self.image)?;
        Ok(self.weights.iter().zip(&chips).map(|(weight, chip)| f64::from(weight * chip)).sum())
    }

    /// The payload's number, if it can be read. One in 65,536 pictures without any mark has one too.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        payload::decode(&self.bits)
    }

    /// The payload's bits: the sign says which, the size how sure.
    #[must_use]
    pub fn bits(&self) -> &[f32] {
        &self.bits
    }

    /// How well marks come through in this picture, as the payload shows, which is the same carrier for every disclosure.
    fn clearness(&self) -> f64 {
        let squares: f64 = self.bits.iter().map(|bit| f64::from(bit * bit)).sum();
        (squares / f64::from(real(payload::BITS)) - 1.0).max(0.04).sqrt()
    }
}

/// The score of a disclosure by all pictures that are said to have leaked together, each of another image or leaked by
/// another way. It has the same bound as that of one picture: pictures of one image share their signs, so their weights are added
/// before; signs of different images are independent. How much a picture counts depends on the payload's carriers, and on no
/// disclosure's signs.
///
/// # Errors
/// If the cipher fails.
pub fn score(readings: &[Reading], disclosure: &MarkKey) -> Result<f64, Unspecified> {
    let mut images: Vec<(ImageId, Vec<f64>)> = Vec::new();
    for reading in readings {
        let clearness = reading.clearness();
        let weights = reading.weights.iter().map(|weight| clearness * f64::from(*weight));
        match images.iter_mut().find(|(image, _)| *image == reading.image) {
            Some((_, sums)) => sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight),
            None => images.push((reading.image, weights.collect())),
        }
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for (image, weights) in &images {
        let chips = disclosure.chips(image)?;
        sum += weights.iter().zip(&chips).map(|(weight, chip)| weight * f64::from(*chip)).sum::<f64>();
        squares += weights.iter().map(|weight| weight * weight).sum::<f64>();
    }
    Ok(if squares > 0.0 { sum / squares.sqrt() } else { 0.0 })
}

/// The logarithm of the bound on the probability that an innocent disclosure has this score or more.
#[must_use]
pub fn ln_bound(score: f64) -> f64 {
    if score > 0.0 { -score * score / 2.0 } else { 0.0 }
}

fn norm(weights: &[f32]) -> f32 {
    let squares: f64 = weights.iter().map(|weight| f64::from(*weight).powi(2)).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a length")]
    let norm = squares.sqrt() as f32;
    norm
}

/// For each coefficient of a chip, what the residual has there after each place of the picture has been made as heavy as
/// it is quiet, and each ring of frequencies as heavy as it is quiet.
fn whitened(fit: &Fit, original: &Plane, valid: &Plane) -> Vec<f32> {
    let seen = valid.smooth(8.0);
    let power = fit.residual.map(|sample| sample * sample).smooth(8.0);
    let noise = power.with(&seen, |power, seen| power / seen.max(0.02) + NOISE_LEVELS.powi(2));
    let weights = mask(original).with(&fit.gain, |mask, gain| mask * gain).with(&noise, |weight, noise| weight / noise);
    let soft = valid.smooth(3.0).with(valid, |soft, valid| (2.0 * soft - 1.0).max(0.0) * valid);
    let weighted =
        fit.residual.with(&weights, |sample, weight| sample * weight).with(&soft, |sample, soft| sample * soft);
    debug_assert_eq!((weighted.width(), weighted.height()), (SIDE, SIDE));
    let square = forward(&weighted);
    let found: Vec<f32> = PLACES.iter().map(|place| square.get(place.index).copied().unwrap_or_default()).collect();
    // Rings are three frequencies wide: hundreds of coefficients, but for the innermost.
    let ring = |radius: f32| whole((radius / 3.0).floor());
    let mut rings = vec![(0.0_f32, 0.0_f32); RADIUS_MAX / 3 + 2];
    for (place, found) in PLACES.iter().zip(&found) {
        if let Some((sum, count)) = rings.get_mut(ring(place.radius)) {
            *sum += found * found;
            *count += 1.0;
        }
    }
    let places = PLACES.iter().zip(&found);
    places
        .map(|(place, found)| {
            let (sum, count) = rings.get(ring(place.radius)).copied().unwrap_or_default();
            let deviation = (sum / count.max(1.0)).sqrt();
            if deviation <= 1e-12 || !deviation.is_finite() {
                return 0.0;
            }
            place.share / deviation * (found / deviation).clamp(-CUT, CUT)
        })
        .collect()
}
