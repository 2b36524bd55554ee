//! The discrete cosine transform of the canonical plane, as far as marks go.

use super::plane::{Plane, add, dot, real};
use std::sync::LazyLock;

/// Sides of the canonical plane, that every picture is stretched to.
pub const SIDE: usize = 512;
/// Marks begin at this distance from the coefficient of the mean: lower ones carry shading, which is seen and is changed.
pub const RADIUS_MIN: usize = 12;
/// And end here, at 75 periods across the picture: half the size and a strong JPEG leave these.
pub const RADIUS_MAX: usize = 150;

const LENGTH: usize = RADIUS_MAX + 1;

/// A coefficient that carries a chip.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its place in the square of coefficients up to [`RADIUS_MAX`].
    pub index: usize,
    /// Its distance from the coefficient of the mean.
    pub radius: f32,
    /// How much of a mark it carries: visibility falls, and what a JPEG takes grows, with the frequency.
    pub share: f32,
}

/// The coefficients that carry chips, in the order of the chips.
pub static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let square = (0..LENGTH).flat_map(|v| (0..LENGTH).map(move |u| (u, v)));
    let places = square.map(|(u, v)| Place {
        index: v * LENGTH + u,
        radius: real(u).hypot(real(v)),
        share: 1.0 / real(u).hypot(real(v)).max(1.0).sqrt(),
    });
    places.filter(|place| (real(RADIUS_MIN)..=real(RADIUS_MAX)).contains(&place.radius)).collect()
});

/// The cosines, a line for each frequency.
static COSINES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let line = |k: usize| {
        let scale = (if k == 0 { 1.0 } else { 2.0_f64 } / 512.0).sqrt();
        (0..SIDE).map(move |n| {
            let angle = std::f64::consts::PI * f64::from(real(2 * n + 1)) * f64::from(real(k)) / 1024.0;
            #[expect(clippy::cast_possible_truncation, reason = "a cosine at the precision of a sample")]
            let cosine = (scale * angle.cos()) as f32;
            cosine
        })
    };
    (0..LENGTH).flat_map(line).collect()
});

/// The square of coefficients of a canonical plane.
#[must_use]
pub fn forward(plane: &Plane) -> Vec<f32> {
    let mut square = vec![0.0; LENGTH * LENGTH];
    for (y, line) in plane.lines().enumerate() {
        let own: Vec<f32> = COSINES.chunks_exact(SIDE).map(|cosines| dot(line, cosines)).collect();
        for (coefficients, cosines) in square.chunks_exact_mut(LENGTH).zip(COSINES.chunks_exact(SIDE)) {
            add(coefficients, &own, cosines.get(y).copied().unwrap_or_default());
        }
    }
    square
}

/// The canonical plane of a square of coefficients.
#[must_use]
pub fn inverse(square: &[f32]) -> Plane {
    let mut samples = Vec::with_capacity(SIDE * SIDE);
    let (mut own, mut line) = (vec![0.0; LENGTH], vec![0.0; SIDE]);
    for y in 0..SIDE {
        own.fill(0.0);
        for (coefficients, cosines) in square.chunks_exact(LENGTH).zip(COSINES.chunks_exact(SIDE)) {
            add(&mut own, coefficients, cosines.get(y).copied().unwrap_or_default());
        }
        line.fill(0.0);
        for (coefficient, cosines) in own.iter().zip(COSINES.chunks_exact(SIDE)) {
            add(&mut line, cosines, *coefficient);
        }
        samples.extend_from_slice(&line);
    }
    Plane::new(SIDE, SIDE, samples)
}

/// A square of coefficients that are zero but where chips are.
#[must_use]
pub fn square_of(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut square = vec![0.0; LENGTH * LENGTH];
    for (place, value) in PLACES.iter().zip(values) {
        if let Some(coefficient) = square.get_mut(place.index) {
            *coefficient = value;
        }
    }
    square
}
