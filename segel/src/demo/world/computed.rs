//! Axial computed tomography of chest and head: tissues are painted in Hounsfield units, from the outside in.

mod chest;
mod head;

use super::plane::{Dab, Plane, smooth, tube};
use super::random::Random;

/// Air, and the least value that is written.
const AIR: f32 = -1_000.0;

/// What was scanned, and what is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Chest with contrast; ground-glass patches if true.
    Chest(bool),
    /// Head without contrast; a fresh bleed if true.
    Head(bool),
}

/// One patient lying in the scanner: slices are drawn from it one at a time.
pub struct Scan {
    region: Region,
    seed: u32,
    stout: f32,
    heart: f32,
    vessels: Vec<Vessel>,
    grain: Random,
}

/// A straight piece of a vessel in the lung; x to the picture's right, y down, z from apex (0) to base (1).
#[derive(Clone, Copy)]
struct Vessel {
    from: [f32; 3],
    to: [f32; 3],
    radius: f32,
}

impl Scan {
    /// Somebody new in the scanner.
    #[must_use]
    pub fn new(mut random: Random, region: Region) -> Self {
        let mut vessels = Vec::new();
        if matches!(region, Region::Chest(_)) {
            for side in [-1.0_f32, 1.0] {
                for _ in 0..17 {
                    let way = [side * random.between(0.1, 1.0), random.between(-0.9, 0.9), random.between(-1.0, 1.0)];
                    let from = [side * 0.17, 0.02 + random.between(-0.04, 0.04), 0.46 + random.between(-0.05, 0.05)];
                    let radius = random.between(0.013, 0.021);
                    grow(&mut vessels, &mut random, from, way, (radius, 0));
                }
            }
        }
        Self {
            region,
            seed: random.bits() as u32,
            stout: random.between(0.96, 1.06),
            heart: random.between(0.92, 1.1),
            vessels,
            grain: random.child(3),
        }
    }

    /// The slice at `z` (0 first, 1 last) of a series with this distance between slices, in Hounsfield units.
    #[must_use]
    pub fn slice(&self, size: usize, z: f32, step: f32) -> Vec<i16> {
        let mut plane = Plane::new(size, size);
        let mut grain = self.grain.child((z * 10_000.0) as u64);
        let sigma = match self.region {
            Region::Chest(_) => {
                let lungs = self.lung_vessels(size, z, step);
                let mut at = lungs.values.iter();
                plane.paint(|x, y, _| self.chest(x * 2.0 - 1.0, y * 2.0 - 1.0, z, at.next().copied().unwrap_or(0.0)));
                11.0
            }
            Region::Head(_) => {
                plane.paint(|x, y, _| self.head(x * 2.0 - 1.0, y * 2.0 - 1.0, z));
                2.6
            }
        };
        // A scanner's kernel: edges one pixel soft, noise with a little correlation.
        let mut noise = Plane::new(size, size);
        noise.paint(|_, _, _| sigma * grain.grain());
        let mut soft = noise.clone();
        soft.blur(1);
        noise.add(&soft, 1.3);
        let mut edges = plane.clone();
        edges.blur(1);
        for ((value, soft), noise) in plane.values.iter_mut().zip(&edges.values).zip(&noise.values) {
            *value = *value * 0.45 + soft * 0.55 + noise;
        }
        plane.values.iter().map(|v| v.clamp(-1_024.0, 3_071.0) as i16).collect()
    }

    fn lung_vessels(&self, size: usize, z: f32, step: f32) -> Plane {
        let mut plane = Plane::new(size, size);
        let (low, high) = (z - step * 0.7, z + step * 0.7);
        for vessel in &self.vessels {
            let [x0, y0, z0] = vessel.from;
            let [x1, y1, z1] = vessel.to;
            if z0.max(z1) < low || z0.min(z1) > high {
                continue;
            }
            let at =
                |height: f32| if (z1 - z0).abs() < 1e-4 { 0.5 } else { ((height - z0) / (z1 - z0)).clamp(0.0, 1.0) };
            let dab = |t: f32, nudge: f32| Dab {
                x: (x0 + (x1 - x0) * t + 1.0) / 2.0 + nudge,
                y: (y0 + (y1 - y0) * t + 1.0) / 2.0,
                radius: vessel.radius / 2.0,
                strength: 0.28 + 0.72 * smooth(0.003, 0.012, vessel.radius),
            };
            let nudge = vessel.radius / 3.0;
            plane.rounded(&[dab(at(low), -nudge), dab(at(high), nudge)], tube);
        }
        plane
    }
}

fn grow(vessels: &mut Vec<Vessel>, random: &mut Random, from: [f32; 3], way: [f32; 3], (radius, depth): (f32, u32)) {
    let [wx, wy, wz] = way;
    let norm = (wx * wx + wy * wy + wz * wz).sqrt().max(1e-3);
    let length = 0.13 * 0.82_f32.powi(depth as i32) * random.between(0.7, 1.2);
    let [fx, fy, fz] = from;
    let to = [fx + wx / norm * length, fy + wy / norm * length, fz + wz / norm * length * 0.8];
    vessels.push(Vessel { from, to, radius });
    if depth >= 7 {
        return;
    }
    let mut turned = |amount: f32| {
        let mut bend = || random.between(-amount, amount);
        [wx / norm + bend(), wy / norm + bend(), wz / norm + bend()]
    };
    let (one, two) = (turned(0.45), turned(0.95));
    grow(vessels, random, to, one, ((radius * 0.78).max(0.0040), depth + 1));
    grow(vessels, random, to, two, ((radius * 0.62).max(0.0040), depth + 1));
}
