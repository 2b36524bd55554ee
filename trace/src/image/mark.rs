//! Writing a mark into a rendered picture.

use super::chips::{ImageId, MarkKey, bit_of, is_identity};
use super::dct::{PLACES, SIDE, inverse, square_of};
use super::payload;
use super::plane::{Picture, Plane, real};
use aws_lc_rs::error::Unspecified;

/// What is written.
pub struct Mark<'k> {
    /// Which image it is, whatever the rendition.
    pub image: ImageId,
    /// The key of the disclosure that the rendition belongs to.
    pub disclosure: &'k MarkKey,
    /// The archive's key of the payloads' carriers.
    pub carriers: &'k MarkKey,
    /// The disclosure's number, below 2^42.
    pub number: u64,
}

/// How near a marked rendition stays to its original, as peak signal to noise ratio in decibels, for the size of the
/// rendition: a mark in a large one is spread over more pixels and needs to be less strong in each.
#[must_use]
pub fn decibels(width: usize, height: usize) -> f32 {
    let side = real(width.max(height));
    (48.0 + (side - 768.0) / 128.0).clamp(48.0, 52.0)
}

/// The rendition with its mark. Never of pixels that are delivered for diagnosis.
///
/// # Errors
/// If the cipher fails.
pub fn marked(original: &Picture, mark: &Mark<'_>, decibels: f32) -> Result<Picture, Unspecified> {
    let identity = mark.disclosure.chips(&mark.image)?;
    let carriers = mark.carriers.chips(&mark.image)?;
    let bits = payload::encode(mark.number);
    let values = PLACES.iter().zip(identity.iter().zip(&carriers)).enumerate().map(|(nth, (place, (own, carrier)))| {
        let bit = bits.get(bit_of(nth)).copied().unwrap_or(1.0);
        place.share * if is_identity(nth) { *own } else { carrier * bit }
    });
    let pattern = inverse(&square_of(values)).with(&mask(&canonical(original)), |chip, mask| chip * mask);
    let change = pattern.resized(original.width(), original.height());
    let power = change.map(|sample| sample * sample).mean();
    // Rounding to whole levels adds a twelfth of a level squared by itself.
    let wanted = (255.0_f32.powi(2) / 10.0_f32.powf(decibels / 10.0) - 1.0 / 12.0).max(0.01);
    let strength = (wanted / power.max(1e-9)).sqrt();
    Ok(original.changed(&change.map(|sample| sample * strength)))
}

/// A picture's luma, stretched to the canonical plane.
#[must_use]
pub fn canonical(picture: &Picture) -> Plane {
    picture.luma(2 * SIDE).resized(SIDE, SIDE)
}

/// How much of a mark each place of a canonical plane may carry: more where there is texture that hides it, little in black
/// background and in white, where the eye sees it and levels end.
#[must_use]
pub(super) fn mask(canonical: &Plane) -> Plane {
    let mean = canonical.smooth(3.0);
    let squares = canonical.map(|sample| sample * sample).smooth(3.0);
    let texture = squares.with(&mean, |squares, mean| (squares - mean * mean).max(0.0).sqrt());
    let rise = |from: f32, to: f32, value: f32| ((value - from) / (to - from)).clamp(0.0, 1.0);
    texture
        .with(&mean, |texture, mean| {
            let busy = 0.6 + (texture / 12.0).min(1.2);
            let level = rise(4.0, 24.0, mean).min(rise(252.0, 238.0, mean));
            busy * (0.15 + 0.85 * level)
        })
        .smooth(2.0)
}
