//! Whether a leaked picture is one of ours, and which.

use super::plane::Picture;
use super::register::{Laid, Leaked, Original, agreed, lay_as};

/// Features that must agree.
pub const INLIERS_MIN: usize = 30;
/// Quarters of what both show in which enough of them must be: letters and lead markers alone agree in one corner.
pub const QUARTERS_MIN: usize = 3;
/// The correlation of what both show.
pub const CORRELATION_MIN: f32 = 0.30;

/// What is said of a leaked picture.
#[derive(Clone, Debug)]
pub struct Found {
    /// The place, among those that were compared, of the original that it shows.
    pub original: usize,
    /// How it lies on it.
    pub laid: Laid,
    /// How many features agreed with the next best, which is often another film of the same patient.
    pub next_inliers: usize,
}

/// Whether a picture that was laid onto an original shows the same.
#[must_use]
pub fn is_same(laid: &Laid) -> bool {
    laid.inliers >= INLIERS_MIN && laid.quarters >= QUARTERS_MIN && laid.correlation >= CORRELATION_MIN
}

/// A leaked picture, and what it may have been before somebody mirrored it, made a negative of it, or both: features know
/// neither. Each is to be looked for if those before it were not found.
pub fn guises(leaked: &Picture) -> impl Iterator<Item = Picture> + '_ {
    let changes: [fn(&Picture) -> Picture; 4] =
        [Picture::clone, Picture::mirrored, Picture::negative, |leaked| leaked.mirrored().negative()];
    changes.into_iter().map(|change| change(leaked))
}

/// Which of the originals, that an index named, a leaked picture shows. `None` if it is none of them.
#[must_use]
pub fn find(leaked: &Leaked, originals: &[&Original]) -> Option<Found> {
    let mut found: Option<Found> = None;
    let mut next_inliers = 0;
    for (place, original) in originals.iter().enumerate() {
        let Some(agreed) = agreed(original, leaked) else { continue };
        // Fewer could not be accepted, and laying is what takes the time.
        let is_enough = agreed.inliers >= INLIERS_MIN && agreed.quarters >= QUARTERS_MIN;
        let laid = if is_enough { lay_as(original, leaked, &agreed).filter(is_same) } else { None };
        let Some(laid) = laid else {
            next_inliers = next_inliers.max(agreed.inliers);
            continue;
        };
        match &mut found {
            Some(best) if best.laid.inliers >= laid.inliers => next_inliers = next_inliers.max(laid.inliers),
            _ => {
                next_inliers = next_inliers.max(found.as_ref().map_or(0, |best| best.laid.inliers));
                found = Some(Found { original: place, laid, next_inliers: 0 });
            }
        }
    }
    found.map(|best| Found { next_inliers, ..best })
}

#[cfg(test)]
mod tests {
    use super::super::tests::film;
    use super::*;

    #[test]
    fn the_right_one_of_several_is_found_and_a_stranger_is_none() {
        let films: Vec<Original> = (0..4).map(|seed| Original::new(&film(640, 524, 200 + seed))).collect();
        let originals: Vec<&Original> = films.iter().collect();
        let shown = film(640, 524, 202).luma(usize::MAX).resized(700, 573);
        let part = super::super::Plane::from_fn(600, 480, |x, y| {
            shown.at(isize::try_from(x + 70).unwrap(), isize::try_from(y + 50).unwrap()) * 0.8 + 30.0
        });
        let bytes = part.samples().iter().map(|sample| super::super::plane::level(*sample)).collect();
        let leaked = Leaked::new(&super::super::Picture::grey(600, 480, bytes).unwrap());
        let found = find(&leaked, &originals).unwrap();
        assert!(found.original == 2 && found.next_inliers < INLIERS_MIN, "{} {}", found.original, found.next_inliers);
        let without: Vec<&Original> = films.iter().take(2).collect();
        assert!(find(&leaked, &without).is_none());
        assert!(find(&leaked, &[]).is_none());
    }

    #[test]
    fn a_mirrored_negative_is_found_in_its_guise() {
        let picture = film(640, 524, 207);
        let original = Original::new(&picture);
        let rgb = picture.bytes().iter().flat_map(|byte| [*byte, *byte, *byte]).collect();
        let leaked = Picture::rgb(640, 524, rgb).unwrap().mirrored().negative();
        let found: Vec<bool> =
            guises(&leaked).map(|guise| find(&Leaked::new(&guise), &[&original]).is_some()).collect();
        assert_eq!(found, [false, false, false, true]);
    }
}
