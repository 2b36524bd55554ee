//! Laying a leaked picture onto its original.
//!
//! First by features that both show and one way that most of them agree on; then by what each piece of the leaked picture says of
//! how far it is off, from coarse to fine. A wrong way finds no mark; it cannot find one that is not there.

use super::dct::SIDE;
use super::features::{FEATURES_MAX, Feature, SIDE_MAX, features};
use super::fit::{Piece, explain};
pub use super::matching::Agreed;
use super::matching::agree;
use super::plane::{Picture, Plane, floor, real, whole};
use super::projective::{Freedom, Pair, Projective};

/// Rounds of refinement, by the deviation of the Gaussian that both pictures are smoothed with.
const ROUNDS: [f32; 7] = [4.0, 3.0, 2.0, 2.0, 1.0, 0.7, 0.7];
/// Leaked pictures smaller than half of this are looked at in a multiple of their size.
const SIDE_SMALL: usize = 640;
/// Correlations are counted after low frequencies are taken away: all chests are alike there.
const HIGH_PASS: f32 = 12.0;

/// Our rendition, ready to be compared with many leaked pictures.
pub struct Original {
    canonical: Plane,
    features: Vec<Feature>,
    /// From the canonical plane to the picture that the features were found in.
    stretch: Projective,
}

/// A leaked picture, ready to be compared with many originals.
pub struct Leaked {
    plane: Plane,
    features: Vec<Feature>,
    /// From the picture that the features were found in to the plane.
    stretch: Projective,
}

/// A leaked picture laid onto an original's canonical plane.
#[derive(Clone, Debug)]
pub struct Laid {
    /// The leaked picture, where the original has the same.
    pub leaked: Plane,
    /// One where the leaked picture shows something of the original.
    pub valid: Plane,
    /// The way from the canonical plane to the leaked picture.
    pub way: Projective,
    /// Features that agree on a way.
    pub inliers: usize,
    /// In how many quarters of what both show there are enough of them.
    pub quarters: usize,
    /// The correlation of what both show.
    pub correlation: f32,
}

impl Original {
    /// Of our rendition.
    #[must_use]
    pub fn new(picture: &Picture) -> Self {
        let canonical = super::mark::canonical(picture);
        let small = picture.luma(SIDE).within(SIDE);
        let stretch = between(&canonical, &small);
        Self { canonical, features: features(&small, FEATURES_MAX), stretch }
    }

    /// Its canonical plane.
    #[must_use]
    pub fn canonical(&self) -> &Plane {
        &self.canonical
    }

    /// Its features.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }
}

impl Leaked {
    /// Of a leaked picture, of any size.
    #[must_use]
    pub fn new(picture: &Picture) -> Self {
        let plane = picture.luma(2 * SIDE).within(3 * SIDE);
        // What was cut out small shows features that the first octave would miss.
        let larger = (SIDE_SMALL / plane.width().max(plane.height())).min(3);
        let small = match larger {
            0 | 1 => plane.within(SIDE_MAX),
            more => plane.resized(more * plane.width(), more * plane.height()),
        };
        let stretch = between(&small, &plane);
        Self { features: features(&small, FEATURES_MAX), plane, stretch }
    }

    /// Its features.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }
}

/// The way from the places of a picture to those of the same at another size.
fn between(from: &Plane, to: &Plane) -> Projective {
    let scale = |from: usize, to: usize| f64::from(real(to)) / f64::from(real(from));
    Projective::stretched(scale(from.width(), to.width()), scale(from.height(), to.height()))
}

/// What the features of both agree on. `None` if they do not.
#[must_use]
pub fn agreed(original: &Original, leaked: &Leaked) -> Option<Agreed> {
    agree(&original.features, &leaked.features)
}

/// Lays a leaked picture onto an original the way that their features agreed on.
#[must_use]
pub fn lay_as(original: &Original, leaked: &Leaked, agreed: &Agreed) -> Option<Laid> {
    refined(original, leaked, original.stretch.then(&agreed.way).then(&leaked.stretch), agreed)
}

/// Lays a leaked picture onto an original: by its features, or as a whole if that fits better. `None` if neither leads anywhere.
#[must_use]
pub fn lay(original: &Original, leaked: &Leaked) -> Option<Laid> {
    let by_features = agreed(original, leaked).and_then(|agreed| lay_as(original, leaked, &agreed));
    if by_features.as_ref().is_some_and(|laid| laid.correlation > 0.5) {
        return by_features;
    }
    let nothing = Agreed { way: Projective::SAME, inliers: 0, quarters: 0 };
    let whole = refined(original, leaked, between(&original.canonical, &leaked.plane), &nothing);
    by_features.into_iter().chain(whole).max_by(|a, b| a.correlation.total_cmp(&b.correlation))
}

fn refined(original: &Original, leaked: &Leaked, mut way: Projective, agreed: &Agreed) -> Option<Laid> {
    let source = Source::new(leaked, &way)?;
    let mut bent = Bend::none();
    for (round, deviation) in ROUNDS.into_iter().enumerate() {
        let (seen, valid) = source.seen(&way, &bent);
        if valid.mean() < 0.02 {
            return None;
        }
        let smooth = |plane: &Plane| plane.smooth(deviation);
        let fit = explain(&smooth(&original.canonical), &smooth(&seen), &valid);
        if round + 2 < ROUNDS.len() {
            way = moved(&way, &fit.pieces, deviation)?;
        } else {
            bent = bent.and(&fit.pieces);
        }
    }
    let (seen, valid) = source.seen(&way, &bent);
    let correlation = correlation(&original.canonical, &seen, &valid);
    Some(Laid { leaked: seen, valid, way, inliers: agreed.inliers, quarters: agreed.quarters, correlation })
}

/// The way that the pieces ask for.
fn moved(way: &Projective, pieces: &[Piece], deviation: f32) -> Option<Projective> {
    // A slope tells the way up to about its own width; what is farther off is cut.
    let most = 1.5 * deviation + 1.0;
    let mut pairs: Vec<Pair> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let (x, y) = piece.shift;
        let shrink = (most / x.hypot(y).max(1e-6)).min(1.0);
        let from = (f64::from(piece.x), f64::from(piece.y));
        let to = (from.0 + f64::from(x * shrink), from.1 + f64::from(y * shrink));
        let weight = f64::from(piece.sure.clamp(0.0, 400.0).sqrt());
        let Some(to) = way.of(to) else { continue };
        pairs.push(Pair { from, to, weight });
    }
    let mut found = *way;
    for _ in 0..4 {
        found = Projective::fitted(&pairs, Freedom::Projective)?;
        for (pair, piece) in pairs.iter_mut().zip(pieces) {
            let off = found.of(pair.from).map_or(1e3, |(x, y)| (x - pair.to.0).hypot(y - pair.to.1));
            let off = off / f64::from(deviation) * 2.0;
            pair.weight = f64::from(piece.sure.clamp(0.0, 400.0).sqrt()) / (1.0 + off * off);
        }
    }
    Some(found)
}

/// How far each piece is off after the way, smoothed: lenses and screens bend straight lines a little.
struct Bend(Option<[Plane; 2]>);

/// Pieces of the canonical plane across, and how far apart they are.
const PIECES: usize = 31;
const APART: f32 = 16.0;

impl Bend {
    fn none() -> Self {
        Self(None)
    }

    fn and(&self, pieces: &[Piece]) -> Self {
        let mut sums = vec![(0.0_f32, 0.0_f32, 0.0_f32); PIECES * PIECES];
        for piece in pieces {
            let place = |at: f32| whole((at - 15.5) / APART);
            let weight = piece.sure.clamp(0.0, 100.0);
            let (x, y) = piece.shift;
            if x.hypot(y) > 3.0 {
                continue;
            }
            if let Some(sum) = sums.get_mut(place(piece.y) * PIECES + place(piece.x)) {
                *sum = (weight * x, weight * y, weight);
            }
        }
        let plane =
            |of: fn(&(f32, f32, f32)) -> f32| Plane::new(PIECES, PIECES, sums.iter().map(of).collect()).smooth(1.5);
        // Where nothing is sure nothing is bent.
        let weights = plane(|sum| sum.2);
        let [across, down] = [plane(|sum| sum.0), plane(|sum| sum.1)]
            .map(|sums| sums.with(&weights, |sum, weight| sum / (weight + 4.0)));
        let [across, down] = match &self.0 {
            Some([x, y]) => [across.with(x, |new, old| new + old), down.with(y, |new, old| new + old)],
            None => [across, down],
        };
        Self(Some([across, down]))
    }

    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let Some([across, down]) = &self.0 else { return (0.0, 0.0) };
        let (x, y) = ((x - 15.5) / APART, (y - 15.5) / APART);
        (linear(across, x, y), linear(down, x, y))
    }
}

fn linear(plane: &Plane, x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, real(plane.width() - 1)), y.clamp(0.0, real(plane.height() - 1)));
    let (left, top) = (floor(x), floor(y));
    let (right, below) = (x - x.floor(), y - y.floor());
    let line = |y: isize| plane.at(left, y) * (1.0 - right) + plane.at(left + 1, y) * right;
    line(top) * (1.0 - below) + line(top + 1) * below
}

/// The leaked picture at about the canonical plane's scale.
struct Source {
    plane: Plane,
    stretch: Projective,
}

impl Source {
    fn new(leaked: &Leaked, way: &Projective) -> Option<Self> {
        let middle = f64::from(real(SIDE)) / 2.0;
        let (growth, unlike) = way.growth((middle, middle))?;
        if !(0.05..20.0).contains(&growth) || unlike > 6.0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a scale")]
        let scale = (1.25 / growth).min(1.0) as f32;
        let side = |own: usize| whole(real(own) * scale).max(1);
        let plane = if scale < 0.9 {
            leaked.plane.resized(side(leaked.plane.width()), side(leaked.plane.height()))
        } else {
            leaked.plane.clone()
        };
        let stretch = between(&leaked.plane, &plane);
        Some(Self { plane, stretch })
    }

    /// What the way shows of it on the canonical plane, and where it shows anything.
    fn seen(&self, way: &Projective, bend: &Bend) -> (Plane, Plane) {
        let way = way.then(&self.stretch);
        let (right, below) = (real(self.plane.width()) - 0.5, real(self.plane.height()) - 0.5);
        let mut valid = Vec::with_capacity(SIDE * SIDE);
        let seen = Plane::from_fn(SIDE, SIDE, |x, y| {
            let (x, y) = (real(x), real(y));
            let (across, down) = bend.at(x, y);
            #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
            let place = way.of((f64::from(x + across), f64::from(y + down))).map(|(x, y)| (x as f32, y as f32));
            let inside = place.filter(|(x, y)| (-0.5..=right).contains(x) && (-0.5..=below).contains(y));
            valid.push(if inside.is_some() { 1.0 } else { 0.0 });
            inside.map_or(0.0, |(x, y)| self.plane.between(x, y))
        });
        (seen, Plane::new(SIDE, SIDE, valid))
    }
}

/// The correlation of what both show after low frequencies are taken away, without sign: a negative shows the same.
fn correlation(original: &Plane, leaked: &Plane, valid: &Plane) -> f32 {
    let weights = valid.smooth(HIGH_PASS);
    let high = |plane: &Plane| {
        let seen = plane.with(valid, |sample, valid| sample * valid);
        let low = seen.smooth(HIGH_PASS).with(&weights, |low, weight| low / weight.max(0.05));
        plane.with(&low, |sample, low| sample - low).smooth(1.0)
    };
    let (own, leaked) = (high(original), high(leaked));
    let mut sums = [0.0_f64; 3];
    for ((own, leaked), valid) in own.samples().iter().zip(leaked.samples()).zip(valid.samples()) {
        let (own, leaked, valid) = (f64::from(*own), f64::from(*leaked), f64::from(*valid));
        let [both, owns, leakeds] = &mut sums;
        *both += valid * own * leaked;
        *owns += valid * own * own;
        *leakeds += valid * leaked * leaked;
    }
    let [both, own, leaked] = sums;
    #[expect(clippy::cast_possible_truncation, reason = "a correlation")]
    let correlation = (both.abs() / (own * leaked).sqrt().max(1e-9)) as f32;
    correlation
}

#[cfg(test)]
mod tests {
    use super::super::tests::film;
    use super::*;

    /// What a way from the new picture to the old shows, by nearest pixels.
    fn warped(picture: &Picture, width: usize, height: usize, way: &Projective) -> Picture {
        let luma = picture.luma(usize::MAX);
        let at = |x: usize, y: usize| {
            let (x, y) = way.of((x as f64, y as f64)).unwrap();
            if x < 0.0 || y < 0.0 || x > real(luma.width()).into() || y > real(luma.height()).into() {
                return 40.0;
            }
            luma.between(x as f32, y as f32)
        };
        let plane = Plane::from_fn(width, height, at);
        Picture::grey(width, height, plane.samples().iter().map(|sample| level_of(*sample)).collect()).unwrap()
    }

    fn level_of(sample: f32) -> u8 {
        super::super::plane::level(sample)
    }

    #[test]
    fn a_turned_tilted_and_framed_picture_is_laid_where_it_belongs() {
        let picture = film(640, 524, 21);
        let original = Original::new(&picture);
        for way in [
            Projective::SAME,
            Projective::similar(1.0, 0.0, 40.0, 60.0),
            Projective::similar(1.4, 0.1, -90.0, -60.0),
            Projective::similar(0.7, -0.05, 20.0, 30.0),
        ] {
            let leaked = Leaked::new(&warped(&picture, 600, 500, &way));
            let laid = lay(&original, &leaked).unwrap();
            let canonical = between(original.canonical(), &picture.luma(usize::MAX));
            for place in [(200.0, 200.0), (300.0, 200.0), (250.0, 300.0)] {
                let back = laid.way.of(place).and_then(|leaked| way.of(leaked)).unwrap();
                let right = canonical.of(place).unwrap();
                assert!((back.0 - right.0).hypot(back.1 - right.1) < 0.5, "{way:?}: {place:?} {back:?} {right:?}");
            }
            assert!(laid.correlation > 0.6, "{way:?}: {}", laid.correlation);
        }
    }

    #[test]
    fn nothing_and_anything_is_laid_without_harm() {
        let original = Original::new(&film(640, 524, 22));
        let lines: Vec<u8> = (0..300 * 200).map(|n| if n % 7 < 3 { 255 } else { 0 }).collect();
        for picture in [
            Picture::grey(1, 1, vec![3]).unwrap(),
            Picture::grey(1, 3000, vec![9; 3000]).unwrap(),
            Picture::grey(3000, 2, vec![200; 6000]).unwrap(),
            Picture::grey(64, 64, vec![128; 4096]).unwrap(),
            Picture::grey(300, 200, lines).unwrap(),
            film(90, 70, 3),
        ] {
            if let Some(laid) = lay(&original, &Leaked::new(&picture)) {
                assert!(laid.correlation.is_finite() && laid.leaked.samples().iter().all(|sample| sample.is_finite()));
            }
            let own = Original::new(&picture);
            assert!(lay(&own, &Leaked::new(&film(640, 524, 22))).is_none_or(|laid| laid.correlation.is_finite()));
        }
    }
}
