//! Places of a picture that are found again after it was made smaller, turned, cut or photographed, and what they look like.
//!
//! Extrema of differences of Gaussians, each with a direction and a histogram of gradients around it (Lowe 2004), on a picture whose
//! contrast has been evened out locally: films are dark in one place and pale in another.

use super::plane::{Plane, real};
use std::f32::consts::TAU;

/// Numbers that describe a place: four by four fields of eight directions.
pub const NUMBERS: usize = 128;
/// Places kept of one picture: the strongest.
pub const FEATURES_MAX: usize = 900;
/// Pictures are looked at with no side longer than this.
pub const SIDE_MAX: usize = 800;

/// Levels of one octave, from the first to twice its deviation.
const LEVELS: usize = 3;
/// The deviation of an octave's first level, in its samples.
const FIRST: f32 = 1.6;
/// Differences weaker than this are noise, in parts of the evened-out contrast.
const CONTRAST: f32 = 0.035;
/// Edges are no places: the larger curvature may be this much of the smaller.
const EDGE: f32 = 10.0;
/// Octaves end when a side has fewer samples.
const SIDE_MIN: usize = 24;

/// A place and what it looks like.
#[derive(Clone)]
pub struct Feature {
    /// Across, in samples of the picture that was looked at, middles at whole numbers.
    pub x: f32,
    /// Down.
    pub y: f32,
    /// Its size: the deviation of the Gaussian at which it stands out.
    pub size: f32,
    /// Its direction in radians.
    pub angle: f32,
    /// How strongly it stands out.
    pub strength: f32,
    /// What it looks like, at length one.
    pub numbers: Vec<f32>,
}

/// The features of a picture, strongest first, at most `most`.
#[must_use]
pub fn features(picture: &Plane, most: usize) -> Vec<Feature> {
    let mut base = evened(picture).smooth((FIRST * FIRST - 0.25_f32).sqrt());
    let (mut found, mut scale) = (Vec::new(), 1.0);
    while base.width().min(base.height()) >= SIDE_MIN {
        let octave = Octave::new(base);
        let mut extrema = octave.extrema();
        extrema.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        // Noise has extrema everywhere; describing is what takes the time.
        for extremum in extrema.iter().take(most) {
            let (x, y, size) = (extremum.x * scale, extremum.y * scale, extremum.size * scale);
            let strength = extremum.strength;
            let described = octave.described(extremum).into_iter();
            found.extend(described.map(|(angle, numbers)| Feature { x, y, size, angle, strength, numbers }));
        }
        base = octave.halved();
        scale *= 2.0;
    }
    found.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    found.truncate(most);
    found
}

/// The picture less its surroundings' mean, over its surroundings' deviation.
fn evened(picture: &Plane) -> Plane {
    let wide = real(picture.width().max(picture.height())) / 24.0;
    let mean = picture.smooth(wide.max(4.0));
    let less = picture.with(&mean, |own, mean| own - mean);
    let power = less.map(|sample| sample * sample).smooth(wide.max(4.0));
    // What is below six levels of contrast stays faint: amplified noise would stand out everywhere.
    less.with(&power, |own, power| own / (power.sqrt() + 6.0))
}

struct Extremum {
    x: f32,
    y: f32,
    size: f32,
    level: usize,
    strength: f32,
}

struct Octave {
    levels: Vec<Plane>,
    differences: Vec<Plane>,
}

impl Octave {
    fn new(base: Plane) -> Self {
        let step = 2.0_f32.powf(1.0 / real(LEVELS));
        let mut levels = vec![base];
        for level in 1..LEVELS + 3 {
            let before = FIRST * step.powi(i32::try_from(level).unwrap_or(1) - 1);
            let more = before * (step * step - 1.0).sqrt();
            if let Some(last) = levels.last().map(|last| last.smooth(more)) {
                levels.push(last);
            }
        }
        let differences =
            levels.iter().zip(levels.iter().skip(1)).map(|(fine, coarse)| coarse.with(fine, |c, f| c - f)).collect();
        Self { levels, differences }
    }

    /// Every second sample of the level that is twice as smooth as the first.
    fn halved(&self) -> Plane {
        let Some(level) = self.levels.get(LEVELS) else { return Plane::from_fn(1, 1, |_, _| 0.0) };
        let at =
            |x: usize, y: usize| level.at(isize::try_from(2 * x).unwrap_or(0), isize::try_from(2 * y).unwrap_or(0));
        Plane::from_fn(level.width() / 2, level.height() / 2, at)
    }

    fn extrema(&self) -> Vec<Extremum> {
        let mut extrema = Vec::new();
        for (level, three) in self.differences.windows(3).enumerate() {
            let [below, own, above] = three else { continue };
            let (width, height) =
                (isize::try_from(own.width()).unwrap_or(0), isize::try_from(own.height()).unwrap_or(0));
            for y in 5..height - 5 {
                for (x, value) in (0..).zip(own.line(y)).skip(5) {
                    if x >= width - 5 || value.abs() < CONTRAST * 0.6 || !is_extreme([below, own, above], x, y, *value)
                    {
                        continue;
                    }
                    extrema.extend(refined([below, own, above], x, y, level + 1));
                }
            }
        }
        extrema
    }

    /// Directions that stand out around a place, and what it looks like in each.
    fn described(&self, place: &Extremum) -> Vec<(f32, Vec<f32>)> {
        let Some(level) = self.levels.get(place.level) else { return Vec::new() };
        directions(level, place).into_iter().map(|angle| (angle, numbers(level, place, angle))).collect()
    }
}

fn is_extreme(planes: [&Plane; 3], x: isize, y: isize, value: f32) -> bool {
    let around = |plane: &Plane, dy: isize| {
        let line = plane.line(y + dy);
        let from = usize::try_from(x - 1).unwrap_or_default();
        line.get(from..from + 3)
            .is_some_and(|three| three.iter().all(|other| if value > 0.0 { *other <= value } else { *other >= value }))
    };
    planes.iter().all(|plane| (-1..=1).all(|dy| around(plane, dy)))
}

/// The extremum between samples, by a parabola through its neighbours. `None` for faint ones and edges.
fn refined(planes: [&Plane; 3], x: isize, y: isize, level: usize) -> Option<Extremum> {
    let [below, own, above] = planes;
    let value = own.at(x, y);
    let slope = [
        (own.at(x + 1, y) - own.at(x - 1, y)) / 2.0,
        (own.at(x, y + 1) - own.at(x, y - 1)) / 2.0,
        (above.at(x, y) - below.at(x, y)) / 2.0,
    ];
    let xx = own.at(x + 1, y) + own.at(x - 1, y) - 2.0 * value;
    let yy = own.at(x, y + 1) + own.at(x, y - 1) - 2.0 * value;
    let ss = above.at(x, y) + below.at(x, y) - 2.0 * value;
    let cross = |plane: &Plane, dx: isize, dy: isize| plane.at(x + dx, y + dy);
    let xy = (cross(own, 1, 1) + cross(own, -1, -1) - cross(own, 1, -1) - cross(own, -1, 1)) / 4.0;
    let xs = (above.at(x + 1, y) + below.at(x - 1, y) - above.at(x - 1, y) - below.at(x + 1, y)) / 4.0;
    let ys = (above.at(x, y + 1) + below.at(x, y - 1) - above.at(x, y - 1) - below.at(x, y + 1)) / 4.0;
    let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
    if determinant <= 0.0 || trace * trace * EDGE > (EDGE + 1.0).powi(2) * determinant {
        return None;
    }
    let line = |a: f32, b: f32, c: f32, d: f32| [f64::from(a), f64::from(b), f64::from(c), f64::from(-d)];
    let [sx, sy, sl] = slope;
    let moved = super::fit::solve([line(xx, xy, xs, sx), line(xy, yy, ys, sy), line(xs, ys, ss, sl)])?;
    #[expect(clippy::cast_possible_truncation, reason = "a part of a sample")]
    let [dx, dy, dl] = moved.map(|part| part as f32);
    if dx.abs().max(dy.abs()).max(dl.abs()) > 1.0 {
        return None;
    }
    let strength = (value + (sx * dx + sy * dy + sl * dl) / 2.0).abs();
    if strength < CONTRAST {
        return None;
    }
    let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
    let size = FIRST * 2.0_f32.powf((real(level) + dl) / real(LEVELS));
    Some(Extremum { x: real(x) + dx, y: real(y) + dy, size, level, strength })
}

/// The gradient at a sample: its size and its direction from 0 up to a whole turn.
fn gradient(level: &Plane, x: isize, y: isize) -> (f32, f32) {
    let (across, down) = (level.at(x + 1, y) - level.at(x - 1, y), level.at(x, y + 1) - level.at(x, y - 1));
    (across.hypot(down), down.atan2(across).rem_euclid(TAU))
}

fn rounded(real: f32) -> isize {
    super::plane::floor(real + 0.5)
}

/// The strongest direction of 36, and another that is nearly as strong.
fn directions(level: &Plane, place: &Extremum) -> Vec<f32> {
    const BINS: usize = 36;
    let deviation = 1.5 * place.size;
    let reach = rounded(3.0 * deviation);
    let (middle_x, middle_y) = (rounded(place.x), rounded(place.y));
    let mut bins = [0.0_f32; BINS];
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let (size, angle) = gradient(level, middle_x + dx, middle_y + dy);
            #[expect(clippy::cast_precision_loss, reason = "a reach of some samples")]
            let far = ((dx * dx + dy * dy) as f32) / (2.0 * deviation * deviation);
            let bin = super::plane::whole((angle / TAU * real(BINS)).floor()) % BINS;
            if let Some(sum) = bins.get_mut(bin) {
                *sum += size * (-far).exp();
            }
        }
    }
    let at = |bins: &[f32; BINS], place: usize| bins.get(place % BINS).copied().unwrap_or_default();
    for _ in 0..3 {
        let before = bins;
        for (place, sum) in bins.iter_mut().enumerate() {
            *sum = (at(&before, place + BINS - 1) + at(&before, place) + at(&before, place + 1)) / 3.0;
        }
    }
    let top = bins.iter().copied().fold(0.0, f32::max);
    let mut peaks: Vec<(f32, f32)> = Vec::new();
    for place in 0..BINS {
        let (left, own, right) = (at(&bins, place + BINS - 1), at(&bins, place), at(&bins, place + 1));
        if own >= left && own > right && own >= 0.8 * top && top > 0.0 {
            let part = 0.5 * (left - right) / (left + right - 2.0 * own).min(-1e-12);
            peaks.push((own, ((real(place) + 0.5 + part) / real(BINS) * TAU).rem_euclid(TAU)));
        }
    }
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
    peaks.into_iter().take(2).map(|(_, angle)| angle).collect()
}

/// What the place looks like when the picture is turned so that `angle` points to the right.
fn numbers(level: &Plane, place: &Extremum, angle: f32) -> Vec<f32> {
    let field = 3.0 * place.size;
    let reach = rounded((field * 2.5 * std::f32::consts::SQRT_2).min(60.0));
    let (sine, cosine) = angle.sin_cos();
    let (middle_x, middle_y) = (rounded(place.x), rounded(place.y));
    let mut numbers = vec![0.0_f32; NUMBERS];
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            #[expect(clippy::cast_precision_loss, reason = "a reach of some samples")]
            let (x, y) = (dx as f32, dy as f32);
            let (right, below) = ((cosine * x + sine * y) / field, (cosine * y - sine * x) / field);
            let (column, row) = (right + 1.5, below + 1.5);
            if column.abs().max(row.abs()) >= 4.0 || column <= -1.0 || row <= -1.0 {
                continue;
            }
            let (size, direction) = gradient(level, middle_x + dx, middle_y + dy);
            let weight = size * (-(right * right + below * below) / 8.0).exp();
            let turned = (direction - angle).rem_euclid(TAU) / TAU * 8.0;
            spread(&mut numbers, [row, column, turned], weight);
        }
    }
    for _ in 0..2 {
        let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-12);
        // A single strong edge must not be all that is compared.
        numbers.iter_mut().for_each(|number| *number = (*number / length).min(0.2));
    }
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-12);
    numbers.iter_mut().for_each(|number| *number /= length);
    numbers
}

/// Adds to the two nearest rows, columns and directions, in parts.
fn spread(numbers: &mut [f32], [row, column, turned]: [f32; 3], weight: f32) {
    let parts = |real: f32| {
        let (low, part) = (real.floor(), real - real.floor());
        [(low, 1.0 - part), (low + 1.0, part)]
    };
    for (row, by_row) in parts(row).into_iter().filter(|(row, _)| (0.0..4.0).contains(row)) {
        for (column, by_column) in parts(column).into_iter().filter(|(column, _)| (0.0..4.0).contains(column)) {
            for (turned, by_turned) in parts(turned) {
                let place = super::plane::whole(row) * 32 + super::plane::whole(column) * 8;
                if let Some(number) = numbers.get_mut(place + super::plane::whole(turned) % 8) {
                    *number += weight * by_row * by_column * by_turned;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_as_many_features_as_are_kept_and_no_more() {
        // Squares of five pixels, each of a grey by lot.
        let noise = Plane::from_fn(SIDE_MAX, SIDE_MAX, |x, y| {
            let lot = (x / 5).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (y / 5).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
            real((lot ^ lot >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 56)
        });
        let found = features(&noise, FEATURES_MAX);
        assert_eq!(found.len(), FEATURES_MAX);
        assert!(found.is_sorted_by(|a, b| a.strength >= b.strength));
        for feature in &found {
            let length: f32 = feature.numbers.iter().map(|number| number * number).sum();
            assert!(feature.numbers.len() == NUMBERS && (length - 1.0).abs() < 1e-3);
        }
        assert_eq!(features(&noise, 7).len(), 7);
        assert!(features(&Plane::from_fn(SIDE_MAX, SIDE_MAX, |_, _| 77.0), FEATURES_MAX).is_empty());
    }
}
