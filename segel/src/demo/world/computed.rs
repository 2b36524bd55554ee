//! Axial computed tomography of chest and head: tissues are painted in Hounsfield units, from the outside in.

use super::plane::{Dab, Plane, ellipse, smooth, tube};
use super::random::{Random, clouds, noise};

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
                    let radius = random.between(0.017, 0.028);
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
            let at = |height: f32| if (z1 - z0).abs() < 1e-4 { 0.5 } else { ((height - z0) / (z1 - z0)).clamp(0.0, 1.0) };
            let dab = |t: f32, nudge: f32| Dab {
                x: (x0 + (x1 - x0) * t + 1.0) / 2.0 + nudge,
                y: (y0 + (y1 - y0) * t + 1.0) / 2.0,
                radius: vessel.radius / 2.0,
                strength: 0.28 + 0.72 * smooth(0.003, 0.012, vessel.radius),
            };
            let nudge = vessel.radius / 3.0;
            plane.stroke(&[dab(at(low), -nudge), dab(at(high), nudge)], tube);
        }
        plane
    }

    fn chest(&self, x: f32, y: f32, z: f32, vessel: f32) -> f32 {
        let wide = 0.83 * self.stout - 0.05 * smooth(0.25, 0.0, z);
        let deep = 0.565 * self.stout;
        let skin = ((x / wide).abs().powf(2.35) + ((y - 0.01) / deep).abs().powf(2.35)).powf(1.0 / 2.35);
        if skin > 1.0 {
            return table(x, y, deep);
        }
        let mut value = if skin > 0.985 { 20.0 } else { -105.0 };
        let fat = 0.905 - 0.07 * smooth(0.1, 0.9, z) * smooth(0.0, -0.5, y) + 0.02 * (clouds(x * 4.0, y * 4.0, self.seed) - 0.5);
        if skin < fat {
            let strands = clouds(x * 11.0, y * 11.0, self.seed ^ 1);
            value = 52.0 + 22.0 * (strands - 0.5) - 130.0 * smooth(0.66, 0.72, strands);
        }
        value = self.back_bones(x, y, z, value);
        let cavity = ((x / (wide * 0.79)).abs().powf(2.2) + ((y + 0.015) / (deep * 0.80)).abs().powf(2.2)).powf(1.0 / 2.2);
        let narrowing = 0.30 + 0.70 * smooth(-0.12, 0.34, z);
        let inside = cavity / (0.62 + 0.38 * narrowing);
        value = ribs(x, y, z, inside, value);
        if inside < 1.0 {
            value = self.inner_chest(x, y, z, (inside, vessel));
        }
        value = self.vertebra(x, y, z, value);
        // The breastbone.
        let sternum = ((x / 0.085).abs().powi(4) + ((y + deep * 0.845) / 0.034).abs().powi(4)).powf(0.25);
        if sternum < 1.0 && z < 0.86 {
            value = if sternum > 0.80 { 520.0 } else { 170.0 };
        }
        value
    }

    fn inner_chest(&self, x: f32, y: f32, z: f32, (inside, vessel): (f32, f32)) -> f32 {
        let warp = |seed: u32| 0.055 * (noise(x * 3.4, y * 3.4, z * 4.0, self.seed ^ seed) - 0.5);
        let (x, y) = (x + warp(81), y + warp(82));
        let spine_notch = 0.115 * smooth(0.10, 0.40, y);
        let waist = 0.10 + 0.07 * smooth(0.30, 0.46, z) * smooth(0.34, 0.0, y.abs()) + spine_notch;
        let edge = 0.02 * (noise(x * 6.0, y * 6.0, z * 6.0, self.seed) - 0.5);
        let heart = self.heart_shape(x, y, z);
        let dome = |side: f32, top: f32| {
            let rise = (z - top).max(0.0) * 2.2;
            ellipse(x, y, (side * 0.36, -0.02), (0.10 + rise.sqrt() * 0.48, 0.08 + rise.sqrt() * 0.52)) < 1.0 && z > top
        };
        if inside > 0.975 {
            return 35.0;
        }
        if x < 0.0 && dome(-1.0, 0.74) {
            let lesion = noise(x * 22.0, y * 22.0, z * 22.0, self.seed ^ 44);
            return 108.0 + 70.0 * smooth(0.82, 0.90, lesion);
        }
        if x >= 0.0 && dome(1.0, 0.80) {
            let stomach = ellipse(x, y, (0.34, -0.10), (0.20, 0.13));
            return if stomach < 0.9 && y < -0.10 { AIR + 60.0 } else if stomach < 1.0 { 30.0 } else { 122.0 };
        }
        if x.abs() > waist + edge && heart > 1.0 {
            return self.lung(x, y, z, (inside, vessel));
        }
        self.mediastinum(x, y, z, heart)
    }

    fn lung(&self, x: f32, y: f32, z: f32, (inside, vessel): (f32, f32)) -> f32 {
        let gravity = 55.0 * smooth(-0.4, 0.4, y);
        let mut value = -872.0 + gravity + 34.0 * (noise(x * 18.0, y * 18.0, z * 18.0, self.seed ^ 9) - 0.5);
        // The oblique fissure: a hair of denser tissue without vessels.
        let fissure = (y - (0.34 - 0.62 * z) - 0.05 * x.abs()).abs();
        value += 90.0 * smooth(0.008, 0.002, fissure);
        if self.region == Region::Chest(true) {
            let patch = smooth(0.52, 0.66, noise(x * 4.2, y * 4.2, z * 5.0, self.seed ^ 17));
            let rim = smooth(0.45, 0.85, inside) * smooth(0.15, 0.45, z);
            let fine = noise(x * 40.0, y * 40.0, z * 30.0, self.seed ^ 23);
            value += patch * rim * (330.0 + 300.0 * (fine - 0.3));
        }
        value + (110.0 - value) * vessel.min(1.0)
    }

    fn heart_shape(&self, x: f32, y: f32, z: f32) -> f32 {
        let grown = self.heart * (smooth(0.44, 0.62, z) * (1.0 - 0.55 * smooth(0.86, 1.06, z))).max(0.01);
        let (dx, dy) = (x - 0.085 - 0.05 * z, y + 0.135);
        let (u, v) = (dx * 0.86 + dy * 0.35, dy * 0.86 - dx * 0.35);
        (u / (0.315 * grown)).hypot(v / (0.215 * grown))
    }

    fn mediastinum(&self, x: f32, y: f32, z: f32, heart: f32) -> f32 {
        let round = |cx: f32, cy: f32, r: f32| (x - cx).hypot(y - cy) / r;
        let blood = 235.0;
        let mut value = -85.0 + 30.0 * (clouds(x * 9.0, y * 9.0, self.seed ^ 2) - 0.5);
        if heart < 1.0 {
            let muscle = 105.0;
            let septum = ((x - 0.10) * 0.55 + (y + 0.13) * 0.85 + 0.012).abs();
            value = if heart > 0.955 {
                -70.0
            } else if heart > 0.84 && x > 0.10 || septum < 0.017 && x > 0.02 && heart < 0.9 {
                muscle
            } else if x < 0.06 && z < 0.72 {
                blood - 40.0
            } else {
                blood - 10.0 + 15.0 * (noise(x * 9.0, y * 9.0, z * 9.0, self.seed) - 0.5)
            };
        }
        if z > 0.38 {
            if round(0.095, 0.205, 0.062) < 1.0 {
                value = blood;
            }
        } else if z > 0.27 {
            // The arch: from the front on the right to the back on the left.
            let along = ((y + 0.12) / 0.34).clamp(0.0, 1.0);
            if round(-0.02 + 0.115 * along, -0.12 + 0.33 * along, 0.066) < 1.0 {
                value = blood;
            }
        } else {
            for (cx, cy, r) in [(-0.055, -0.10, 0.034), (0.035, -0.085, 0.026), (0.085, 0.0, 0.030)] {
                if round(cx, cy, r) < 1.0 {
                    value = blood;
                }
            }
        }
        if z > 0.36 && z < 0.62 && round(-0.045, -0.115, 0.072) < 1.0 {
            value = blood;
        }
        if z > 0.42 && z < 0.55 {
            let trunk = ellipse(x, y, (0.075, -0.08), (0.065, 0.085)).min(ellipse(x, y, (-0.03, -0.005), (0.15, 0.036)));
            if trunk < 1.0 {
                value = blood + 10.0;
            }
        }
        if z > 0.22 && z < 0.64 && round(-0.115, -0.06, 0.036) < 1.0 {
            value = blood + 95.0;
        }
        if round(0.035, 0.185, 0.024) < 1.0 {
            value = if round(0.035, 0.185, 0.008) < 1.0 { -300.0 } else { 45.0 };
        }
        airway(x, y, z, value)
    }

    fn vertebra(&self, x: f32, y: f32, z: f32, value: f32) -> f32 {
        let centre = 0.335;
        let body = ellipse(x, y, (0.0, centre), (0.098, 0.080));
        let phase = (z * 9.0).rem_euclid(1.0);
        if body < 1.0 {
            let disc = phase < 0.18;
            return match (disc, body > 0.86) {
                (true, _) => 95.0,
                (false, true) => 560.0,
                (false, false) => 215.0 + 110.0 * (noise(x * 45.0, y * 45.0, z * 30.0, self.seed ^ 6) - 0.5),
            };
        }
        let canal = ellipse(x, y, (0.0, centre + 0.128), (0.052, 0.044));
        if canal < 1.0 {
            return if canal < 0.55 { 42.0 } else { 12.0 };
        }
        if canal < 1.36 && (phase > 0.2 || y > centre + 0.12) {
            return 480.0;
        }
        let (ax, ay) = (x.abs(), y - centre - 0.12);
        let across = ((ax - 0.12) / 0.085).hypot((ay - 0.035 + 0.10 * (ax - 0.12)) / 0.025);
        if across < 1.0 && phase > 0.35 && phase < 0.9 {
            return if across > 0.7 { 430.0 } else { 190.0 };
        }
        let spinous = ellipse(x, y, (0.0, centre + 0.235), (0.018, 0.075));
        if spinous < 1.0 && phase > 0.3 {
            return if spinous > 0.7 { 420.0 } else { 230.0 };
        }
        value
    }

    fn back_bones(&self, x: f32, y: f32, z: f32, value: f32) -> f32 {
        if z > 0.62 {
            return value;
        }
        // Shoulder blades: thin curved plates that move outwards as the slices go down.
        let (ax, shrink) = (x.abs(), 1.0 - smooth(0.40, 0.62, z));
        let line = (y - 0.44 + 0.62 * (ax - 0.36) * (ax - 0.18)).abs();
        let spread = (ax - 0.46 - 0.04 * z).abs();
        if spread < 0.15 * shrink && line < 0.019 {
            return if line > 0.010 { 620.0 } else { 280.0 };
        }
        let collar = ellipse(ax, y, (0.17 + 1.3 * (0.10 - z).max(0.0), -0.40), (0.085, 0.03));
        if z < 0.12 && collar < 1.0 {
            return if collar > 0.75 { 700.0 } else { 260.0 };
        }
        value
    }

    fn head(&self, x: f32, y: f32, z: f32) -> f32 {
        let shrink = (1.0 - ((z - 0.32) / 0.80).powi(2)).max(0.02).sqrt();
        let (wide, long) = (0.655 * self.stout * shrink, 0.83 * self.stout * shrink);
        let taper = 1.0 + 0.06 * (y / long);
        let q = (x / (wide * taper)).hypot(y / long);
        if q > 1.0 {
            return headrest(x, y);
        }
        let depth = (1.0 - q) * wide.min(long);
        let skull = 0.050 + 0.014 * smooth(0.5, 1.0, y.abs() / long);
        if depth < 0.032 {
            return if depth < 0.010 { 35.0 } else { -35.0 + 60.0 * noise(x * 14.0, y * 14.0, z * 9.0, self.seed) };
        }
        if depth < 0.032 + skull {
            let layer = (depth - 0.032) / skull;
            let diploe = smooth(0.26, 0.40, layer) * smooth(0.80, 0.66, layer);
            return 1_480.0 - 700.0 * diploe * (0.6 + 0.6 * noise(x * 30.0, y * 30.0, z * 20.0, self.seed ^ 3));
        }
        let base = self.skull_base(x, y, z, (wide, long));
        base.unwrap_or_else(|| self.brain(x, y, z, (depth - 0.032 - skull, long)))
    }

    /// Petrous ridges, air cells and sphenoid wings of the lowest slices.
    fn skull_base(&self, x: f32, y: f32, z: f32, (wide, long): (f32, f32)) -> Option<f32> {
        let ax = x.abs();
        let low = smooth(0.22, 0.02, z);
        let ridge = (y - 0.06 * long - 0.55 * (ax - 0.12)).abs() / (0.035 + 0.13 * (ax / wide));
        if ridge < low && ax > 0.08 {
            let cells = noise(x * 34.0, y * 34.0, z * 40.0, self.seed ^ 12);
            return Some(if cells > 0.60 && ax > 0.30 { AIR + 150.0 } else { 1_150.0 + 500.0 * cells });
        }
        let wing = (y + 0.30 * long + 0.40 * (ax - 0.20)).abs() / 0.035;
        if wing < low && ax > 0.06 {
            return Some(900.0);
        }
        let sinus = ellipse(ax, y, (0.075, -long * 0.80), (0.085, 0.05));
        if z < 0.16 && sinus < 1.25 {
            return Some(if sinus < 1.0 && ax > 0.008 { AIR + 20.0 } else { 950.0 });
        }
        None
    }

    fn brain(&self, x: f32, y: f32, z: f32, (depth, long): (f32, f32)) -> f32 {
        let wave = |scale: f32, seed: u32| noise(x * scale, y * scale, z * scale * 0.6, self.seed ^ seed) - 0.5;
        if depth < 0.010 {
            return 22.0;
        }
        // Furrows: thin lines of fluid that reach in from the surface.
        let fold = (wave(8.5, 51) + 0.45 * wave(17.0, 52)).abs();
        let reach = smooth(0.17, 0.02, depth) * smooth(0.12, 0.35, z);
        let furrow = smooth(0.045, 0.012, fold) * reach;
        let ribbon = smooth(0.085, 0.05, depth + 0.10 * wave(9.0, 51).abs() + 0.02 * wave(12.0, 53));
        let band = ribbon.max(smooth(0.14, 0.04, fold) * smooth(0.24, 0.08, depth));
        let mut value = 27.0 + 10.5 * band + 3.0 * wave(26.0, 54);
        value += (10.0 - value) * furrow;
        value = self.deep(x, y, z, value);
        let slit = x.abs() - 0.008 * wave(7.0, 55);
        if z > 0.16 && (y < -0.30 * long || y > 0.42 * long || z > 0.74) && slit < 0.013 {
            value = if slit < 0.005 { 58.0 } else { 10.0 };
        }
        if self.region == Region::Head(true) {
            let q = ellipse(x, y, (-0.23, -0.02), (0.13, 0.19)).hypot((z - 0.50) / 0.16) + 0.5 * wave(8.0, 60);
            value = if q < 0.85 { 66.0 + 10.0 * wave(20.0, 61) } else { value - 11.0 * smooth(1.35, 0.95, q) };
        }
        value
    }

    /// Ventricles, thalami and basal ganglia.
    fn deep(&self, x: f32, y: f32, z: f32, value: f32) -> f32 {
        let warp = |seed: u32| 0.05 * (noise(x * 4.0, y * 4.0, z * 3.0, self.seed ^ seed) - 0.5);
        let (x, y) = (x + 0.6 * warp(70), y + warp(71));
        let ax = x.abs();
        let fluid = 5.0;
        let mid = smooth(0.36, 0.46, z) * (1.0 - smooth(0.66, 0.74, z));
        // Frontal horns bend outwards to the front, occipital horns to the back.
        let front = (ax - 0.042 - 0.9 * (-y - 0.06).max(0.0).powi(2)).abs() / (0.034 * mid * smooth(-0.36, -0.28, y) + 0.001);
        let back = (ax - 0.052 - 0.52 * (y - 0.06).max(0.0) + 0.55 * (y - 0.06).max(0.0).powi(2)).abs() / (0.044 * mid * smooth(0.42, 0.30, y) + 0.001);
        let body = (ax - 0.052).abs() / (0.036 * smooth(0.52, 0.60, z) * mid + 0.001);
        if mid > 0.05 && ((front < 1.0 && (-0.36..-0.04).contains(&y)) || (back < 1.0 && (0.08..0.42).contains(&y)) || (body < 1.0 && (-0.12..0.16).contains(&y))) {
            let plexus = ellipse(ax, y, (0.125, 0.235), (0.016, 0.034)) < 1.0;
            return if plexus { 150.0 } else { fluid };
        }
        if (0.30..0.50).contains(&z) && ax < 0.014 && (-0.10..0.12).contains(&y) {
            return fluid + 3.0;
        }
        if z < 0.24 {
            let fourth = ellipse(ax, y, (0.0, 0.30), (0.06, 0.035));
            let cistern = ellipse(ax, y, (0.0, 0.0), (0.11, 0.06));
            if fourth < 1.0 || (cistern < 1.0 && z > 0.10) {
                return fluid + 4.0;
            }
            return if y > 0.18 { value + 3.0 } else { value };
        }
        let thalamus = ellipse(ax, y, (0.085, 0.045), (0.065, 0.095));
        let lentiform = ellipse(ax - 0.25 * y.abs(), y, (0.205, -0.06), (0.045, 0.12));
        let caudate = ellipse(ax, y, (0.105, -0.19), (0.034, 0.062));
        let nuclei = thalamus.min(lentiform).min(caudate);
        value + 10.0 * mid * smooth(1.1, 0.85, nuclei)
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

/// Ribs slope down to the front, so that an axial slice cuts each at another angle around the body.
fn ribs(x: f32, y: f32, z: f32, inside: f32, value: f32) -> f32 {
    if !(1.0..1.135).contains(&inside) {
        return value;
    }
    let around = (x.abs()).atan2(y + 0.02);
    if around > 2.62 {
        return value;
    }
    let phase = z * 8.4 + 3.0 - around * 1.42;
    let off = (phase - phase.round()).abs() / 0.25;
    let across = (inside - 1.068).abs() / 0.052;
    let q = off.powi(2) + across.powi(2);
    if q > 1.0 {
        return value;
    }
    let cartilage = smooth(2.15, 2.5, around);
    let hard = if q > 0.50 { 760.0 } else { 290.0 };
    hard + (115.0 - hard) * cartilage
}

fn airway(x: f32, y: f32, z: f32, value: f32) -> f32 {
    let tubes: &[(f32, f32, f32)] = if z < 0.43 { &[(0.0, 0.045, 0.040)] } else { &[(-1.0, 0.055, 0.031), (1.0, 0.065, 0.029)] };
    for (side, cy, radius) in tubes {
        let cx = side * (0.035 + (z - 0.43) * 0.85);
        let q = (x - cx).hypot(y - cy) / radius;
        if z < 0.60 && q < 1.25 {
            return if q < 1.0 { AIR } else { 40.0 };
        }
    }
    value
}

fn table(x: f32, y: f32, deep: f32) -> f32 {
    let curve = y - deep - 0.075 + 0.16 * x * x;
    let shell = (0.0..0.018).contains(&curve) || (0.095..0.108).contains(&curve);
    match (x.abs() < 0.68, shell) {
        (true, true) => -380.0,
        (true, false) if (0.018..0.095).contains(&curve) => -930.0,
        _ => AIR,
    }
}

fn headrest(x: f32, y: f32) -> f32 {
    let q = ellipse(x, y, (0.0, -0.02), (0.80, 0.95));
    if (1.0..1.02).contains(&q) && y > 0.35 { -350.0 } else { AIR }
}
