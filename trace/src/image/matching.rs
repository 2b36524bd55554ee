//! The way that most features of two pictures agree on.

use super::features::Feature;
use super::plane::dot;
use super::projective::{Freedom, Pair, Projective};

/// A feature's best counterpart must be nearer than its second best by this much.
const RATIO: f32 = 0.86;
/// How far a counterpart may be from where the way leads, in sizes of the feature but at least in samples.
const OFF_SAMPLES: f64 = 4.0;
/// Pairs of features that are tried as the way of all: the most alike.
const TRIED_MAX: usize = 400;
/// Inliers of a quarter of what both show that make it count.
const QUARTER_MIN: usize = 3;
/// Fewer agree by chance.
const AGREED_MIN: usize = 6;

/// What most features agree on.
#[derive(Clone, Copy, Debug)]
pub struct Agreed {
    /// The way from the first picture to the second.
    pub way: Projective,
    /// How many agree, each with another place.
    pub inliers: usize,
    /// In how many quarters of the places that agree there are enough.
    pub quarters: usize,
}

struct Match<'f> {
    from: &'f Feature,
    to: &'f Feature,
    ratio: f32,
}

impl Match<'_> {
    fn pair(&self) -> Pair {
        let place = |feature: &Feature| (f64::from(feature.x), f64::from(feature.y));
        Pair { from: place(self.from), to: place(self.to), weight: 1.0 }
    }

    /// The way that this pair alone asks for: moved, turned and made larger.
    fn way(&self) -> Projective {
        let (scale, angle) = (f64::from(self.to.size / self.from.size), f64::from(self.to.angle - self.from.angle));
        let turned = Projective::similar(scale, angle, 0.0, 0.0);
        let pair = self.pair();
        let (x, y) = turned.of(pair.from).unwrap_or_default();
        Projective::similar(scale, angle, pair.to.0 - x, pair.to.1 - y)
    }

    /// Whether the pair agrees with a way, `loosely` so many times as far off as it should be.
    fn agrees(&self, way: &Projective, loosely: f64) -> bool {
        let pair = self.pair();
        let allowed = loosely * f64::from(self.to.size).max(OFF_SAMPLES);
        way.of(pair.from).is_some_and(|(x, y)| (x - pair.to.0).hypot(y - pair.to.1) <= allowed)
    }
}

/// The way from the places of one picture to those of another that most of their features agree on.
#[must_use]
pub fn agree(from: &[Feature], to: &[Feature]) -> Option<Agreed> {
    let mut matches = matched(from, to);
    matches.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let count = |way: &Projective, loosely| matches.iter().filter(|pair| pair.agrees(way, loosely)).count();
    let tried = matches.iter().take(TRIED_MAX).map(Match::way);
    let (_, mut way) = tried.map(|way| (count(&way, 3.0), way)).max_by_key(|(count, _)| *count)?;
    let steps = [(Freedom::Affine, 2.5), (Freedom::Affine, 2.0), (Freedom::Affine, 1.5), (Freedom::Affine, 1.5)];
    let last = [(Freedom::Projective, 1.5), (Freedom::Projective, 1.0), (Freedom::Projective, 1.0)];
    for (freedom, loosely) in steps.into_iter().chain(last) {
        let agreeing: Vec<Pair> = matches.iter().filter(|pair| pair.agrees(&way, loosely)).map(Match::pair).collect();
        // A projective way through few places bends to them.
        if agreeing.len() < AGREED_MIN || (freedom == Freedom::Projective && agreeing.len() < 3 * AGREED_MIN) {
            break;
        }
        let Some(next) = Projective::fitted(&agreeing, freedom) else { break };
        if count(&next, 1.0) + 2 < count(&way, 1.0) {
            break;
        }
        way = next;
    }
    let inliers = places(matches.iter().filter(|pair| pair.agrees(&way, 1.0)).map(Match::pair));
    (inliers.len() >= AGREED_MIN).then(|| Agreed { way, inliers: inliers.len(), quarters: quarters(&inliers) })
}

/// One pair for each place of the second picture: a place that has two directions, or that two look like, counts once.
fn places(pairs: impl Iterator<Item = Pair>) -> Vec<Pair> {
    let mut kept: Vec<Pair> = Vec::new();
    for pair in pairs {
        let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1) < 2.0;
        if !kept.iter().any(|other| near(other.to, pair.to) || near(other.from, pair.from)) {
            kept.push(pair);
        }
    }
    kept
}

/// In how many quarters of the box around the places, as the first picture has them, there are enough.
fn quarters(pairs: &[Pair]) -> usize {
    let bounds = |of: fn(&Pair) -> f64| {
        let values = pairs.iter().map(of);
        (values.clone().fold(f64::INFINITY, f64::min) + values.fold(f64::NEG_INFINITY, f64::max)) / 2.0
    };
    let (middle_x, middle_y) = (bounds(|pair| pair.from.0), bounds(|pair| pair.from.1));
    let mut counts = [0_usize; 4];
    for pair in pairs {
        let quarter = usize::from(pair.from.0 > middle_x) + 2 * usize::from(pair.from.1 > middle_y);
        if let Some(count) = counts.get_mut(quarter) {
            *count += 1;
        }
    }
    counts.into_iter().filter(|count| *count >= QUARTER_MIN).count()
}

fn matched<'f>(from: &'f [Feature], to: &'f [Feature]) -> Vec<Match<'f>> {
    let mut matches = Vec::new();
    for own in from {
        let (mut best, mut likest, mut second) = (None, -1.0_f32, -1.0_f32);
        for other in to {
            let like = dot(&own.numbers, &other.numbers);
            if like > likest {
                // Another direction of the same place is no rival.
                let is_same = best.is_some_and(|best: &Feature| (best.x - other.x).hypot(best.y - other.y) < 3.0);
                second = if is_same { second } else { likest };
                (best, likest) = (Some(other), like);
            } else if like > second && best.is_none_or(|best| (best.x - other.x).hypot(best.y - other.y) >= 3.0) {
                second = like;
            }
        }
        let distance = |like: f32| (2.0 - 2.0 * like).max(0.0).sqrt();
        let ratio = distance(likest) / distance(second).max(1e-6);
        if let Some(best) = best.filter(|_| ratio < RATIO) {
            matches.push(Match { from: own, to: best, ratio });
        }
    }
    matches
}
