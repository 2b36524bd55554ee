//! A leaked picture explained by its original, piece by piece.

use super::plane::{Plane, real};

/// Sides of a piece. Pieces overlap by half.
const PIECE: usize = 32;
const STEP: usize = PIECE / 2;
/// What explains a piece: a level, the original, its two slopes and its curvature.
const TERMS: usize = 5;
/// Levels of the curve from the original's brightness to the leaked one's.
const BINS: usize = 33;

/// What was found at one piece.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its middle.
    pub x: f32,
    /// Its middle.
    pub y: f32,
    /// Where the leaked picture shows what the original has at the middle, as a way from there.
    pub shift: (f32, f32),
    /// How sure that is, across and down: the slopes' power over what stays unexplained.
    pub sure: f32,
}

/// A leaked picture beside its original, both on the original's places.
pub struct Fit {
    /// What of the leaked picture nothing of the original explains: the mark, and what the way did to the picture.
    pub residual: Plane,
    /// By how much a change of the original comes out in the leaked picture.
    pub gain: Plane,
    /// The pieces.
    pub pieces: Vec<Piece>,
}

/// Explains `leaked` by `original`, where `valid` is above zero.
#[must_use]
pub fn explain(original: &Plane, leaked: &Plane, valid: &Plane) -> Fit {
    let curve = Curve::of(original, leaked, valid);
    let toned = original.map(|level| curve.at(level).0);
    let terms = Terms::new(&toned, leaked, valid);
    let (width, height) = (original.width(), original.height());
    let mut sums = vec![(0.0_f32, 0.0_f32, 0.0_f32); width * height];
    let mut pieces = Vec::new();
    let steps = |side: usize| (0..side.saturating_sub(STEP).div_ceil(STEP)).map(|step| step * STEP);
    for (top, left) in steps(height).flat_map(|y| steps(width).map(move |x| (y, x))) {
        let Some(solved) = terms.solve(left, top) else { continue };
        pieces.push(solved.piece(left, top));
        terms.spread(&solved, left, top, &mut sums);
    }
    let (mut residual, mut gains) = (Vec::with_capacity(sums.len()), Vec::with_capacity(sums.len()));
    let places = original.samples().iter().zip(leaked.samples()).zip(toned.samples().iter().zip(valid.samples()));
    for (((own, leaked), (toned, valid)), (explained, gain, weight)) in places.zip(&sums) {
        let is_seen = *weight > 0.0 && *valid > 0.0;
        gains.push(if is_seen { (curve.at(*own).1 * (1.0 + gain / weight)).clamp(-2.0, 2.0) } else { 0.0 });
        residual.push(if is_seen { leaked - toned - explained / weight } else { 0.0 });
    }
    let (residual, gain) = (Plane::new(width, height, residual), Plane::new(width, height, gains));
    Fit { residual, gain, pieces }
}

/// The leaked brightness of each brightness of the original, on the average.
struct Curve([f32; BINS]);

impl Curve {
    fn of(original: &Plane, leaked: &Plane, valid: &Plane) -> Self {
        let mut bins = [(0.0_f64, 0.0_f64); BINS];
        for ((own, leaked), valid) in original.samples().iter().zip(leaked.samples()).zip(valid.samples()) {
            let place = own.clamp(0.0, 255.0) / 8.0;
            let low = super::plane::whole(place.floor());
            let part = place - real(low);
            for (bin, weight) in [(low, 1.0 - part), (low + 1, part)] {
                if let Some((sum, count)) = bins.get_mut(bin) {
                    *sum += f64::from(weight * valid * leaked);
                    *count += f64::from(weight * valid);
                }
            }
        }
        let (all, count) = bins.iter().fold((0.0, 1e-6), |all, bin| (all.0 + bin.0, all.1 + bin.1));
        let mut curve = [0.0; BINS];
        let mut last = all / count;
        for (value, (sum, count)) in curve.iter_mut().zip(bins) {
            // A level that hardly occurs looks like the one below it.
            last = (sum + 16.0 * last) / (count + 16.0);
            #[expect(clippy::cast_possible_truncation, reason = "a brightness")]
            let level = last as f32;
            *value = level;
        }
        Self(curve)
    }

    /// The value and the slope at a brightness.
    fn at(&self, level: f32) -> (f32, f32) {
        let place = (level.clamp(0.0, 255.0) / 8.0).min(31.999);
        let low = super::plane::whole(place.floor());
        match self.0.get(low..low + 2) {
            Some([from, to]) => (from + (to - from) * (place - real(low)), (to - from) / 8.0),
            _ => (0.0, 0.0),
        }
    }
}

/// The planes that explain, and how heavy each place is in a piece.
struct Terms<'p> {
    planes: [Plane; TERMS - 1],
    wanted: Plane,
    valid: &'p Plane,
    window: Vec<f32>,
}

struct Solved {
    /// The mean of the original in the piece, that its term is counted from.
    middle: f32,
    factors: [f32; TERMS],
    sure: f32,
}

impl Solved {
    fn piece(&self, left: usize, top: usize) -> Piece {
        let [_, gain, across, down, _] = self.factors;
        let scale = if (1.0 + gain).abs() < 0.3 { 0.0 } else { -1.0 / (1.0 + gain) };
        let half = real(PIECE) / 2.0 - 0.5;
        let shift = (across * scale, down * scale);
        Piece { x: real(left) + half, y: real(top) + half, shift, sure: if scale == 0.0 { 0.0 } else { self.sure } }
    }
}

impl<'p> Terms<'p> {
    fn new(toned: &Plane, leaked: &Plane, valid: &'p Plane) -> Self {
        let (across, down, curved) = slopes(toned);
        let wave = |n: usize| 0.5 - 0.5 * (std::f32::consts::TAU * (real(n) + 0.5) / real(PIECE)).cos();
        let window = (0..PIECE).flat_map(|y| (0..PIECE).map(move |x| wave(x) * wave(y))).collect();
        let wanted = leaked.with(toned, |leaked, toned| leaked - toned);
        Self { planes: [toned.clone(), across, down, curved], wanted, valid, window }
    }

    /// The lines of a plane within a piece.
    fn cut(plane: &Plane, left: usize, top: usize) -> impl Iterator<Item = f32> + '_ {
        (top..top + PIECE).flat_map(move |y| {
            let line = if y < plane.height() { plane.line(isize::try_from(y).unwrap_or(0)) } else { &[] };
            let inside = line.get(left..).unwrap_or_default();
            (0..PIECE).map(move |x| inside.get(x).copied().unwrap_or_default())
        })
    }

    fn solve(&self, left: usize, top: usize) -> Option<Solved> {
        let weights: Vec<f32> =
            Self::cut(self.valid, left, top).zip(&self.window).map(|(valid, window)| valid * window).collect();
        let all: f32 = weights.iter().sum();
        // A piece of which less than an eighth is seen is explained by its neighbours.
        if all < real(PIECE * PIECE) / 32.0 {
            return None;
        }
        let [toned, across, down, curved] = &self.planes;
        let own: Vec<f32> = Self::cut(toned, left, top).collect();
        let middle = own.iter().zip(&weights).map(|(own, weight)| own * weight).sum::<f32>() / all;
        let mut normal = [[0.0_f64; TERMS + 1]; TERMS];
        let mut power = 0.0;
        let slopes = Self::cut(across, left, top).zip(Self::cut(down, left, top)).zip(Self::cut(curved, left, top));
        let places = own.iter().zip(slopes).zip(Self::cut(&self.wanted, left, top).zip(&weights));
        for ((own, ((across, down), curved)), (wanted, weight)) in places {
            let row = [1.0, own - middle, across, down, curved, wanted];
            for (line, first) in normal.iter_mut().zip(row) {
                let first = f64::from(first * weight);
                line.iter_mut().zip(row).for_each(|(sum, second)| *sum += first * f64::from(second));
            }
            power += f64::from(wanted * wanted * weight);
        }
        let slopes = normal
            .get(2)
            .and_then(|line| line.get(2))
            .copied()
            .unwrap_or_default()
            .min(normal.get(3).and_then(|line| line.get(3)).copied().unwrap_or_default());
        // A term without power of its own stays out: as if each had been seen at zero a few times.
        for (nth, line) in normal.iter_mut().enumerate().skip(1) {
            if let Some(own) = line.get_mut(nth) {
                *own += f64::from(all) * 0.5;
            }
        }
        let factors = solve(normal)?;
        let unexplained =
            normal.iter().zip(factors).map(|(line, factor)| line.get(TERMS).copied().unwrap_or(0.0) * factor);
        let left_over = (power - unexplained.sum::<f64>()).max(0.0) / f64::from(all) + 0.3;
        #[expect(clippy::cast_possible_truncation, reason = "factors of brightness")]
        let factors = factors.map(|factor| factor as f32);
        #[expect(clippy::cast_possible_truncation, reason = "a weight")]
        let sure = (slopes / left_over) as f32;
        Some(Solved { middle, factors, sure })
    }

    fn spread(&self, solved: &Solved, left: usize, top: usize, sums: &mut [(f32, f32, f32)]) {
        let (width, height) = (self.valid.width(), self.valid.height());
        let lines = (top..(top + PIECE).min(height)).zip(self.window.chunks_exact(PIECE));
        let [level, gain, by_across, by_down, by_curved] = solved.factors;
        for (y, window) in lines {
            let from = y * width + left;
            let until = from + PIECE.min(width - left);
            let [toned, across, down, curved] =
                self.planes.each_ref().map(|plane| plane.samples().get(from..until).unwrap_or_default());
            let sums = sums.get_mut(from..until).unwrap_or_default();
            for ((((sum, window), own), (across, down)), curved) in
                sums.iter_mut().zip(window).zip(toned).zip(across.iter().zip(down)).zip(curved)
            {
                let explained =
                    level + gain * (own - solved.middle) + by_across * across + by_down * down + by_curved * curved;
                sum.0 += window * explained;
                sum.1 += window * gain;
                sum.2 += window;
            }
        }
    }
}

/// The slopes across and down, and the curvature, at each place; nothing at the first and last of each line.
fn slopes(plane: &Plane) -> (Plane, Plane, Plane) {
    let (mut across, mut down, mut curved) = (Vec::new(), Vec::new(), Vec::new());
    for (y, own) in (0..).zip(plane.lines()) {
        let (above, below) = (plane.line(y - 1), plane.line(y + 1));
        down.extend(above.iter().zip(below).map(|(above, below)| (below - above) / 2.0));
        across.push(0.0);
        curved.push(0.0);
        for (three, (above, below)) in own.windows(3).zip(above.iter().zip(below).skip(1)) {
            if let [left, own, right] = three {
                across.push((right - left) / 2.0);
                curved.push(left + right + above + below - 4.0 * own);
            }
        }
        across.resize(down.len(), 0.0);
        curved.resize(down.len(), 0.0);
    }
    let of = |samples| Plane::new(plane.width(), plane.height(), samples);
    (of(across), of(down), of(curved))
}

/// Solves linear equations, whose right side is each line's last number, by elimination with the largest pivot.
pub(super) fn solve<const N: usize, const M: usize>(mut lines: [[f64; M]; N]) -> Option<[f64; N]> {
    for nth in 0..N {
        let size = |line: &[f64; M]| line.get(nth).copied().unwrap_or_default().abs();
        let pivot =
            (nth..N).max_by(|a, b| lines.get(*a).map_or(0.0, size).total_cmp(&lines.get(*b).map_or(0.0, size)))?;
        lines.swap(nth, pivot);
        let own = *lines.get(nth)?;
        let head = *own.get(nth)?;
        if head.abs() < 1e-12 || !head.is_finite() {
            return None;
        }
        for (_, line) in lines.iter_mut().enumerate().filter(|(other, _)| *other != nth) {
            let factor = line.get(nth)? / head;
            line.iter_mut().zip(own).for_each(|(sum, own)| *sum -= factor * own);
        }
    }
    let mut solved = [0.0; N];
    for (nth, value) in solved.iter_mut().enumerate() {
        let line = lines.get(nth)?;
        *value = line.last()? / line.get(nth)?;
    }
    solved.iter().all(|value| value.is_finite()).then_some(solved)
}
