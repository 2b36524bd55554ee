//! The chest, from skin to airway, with contrast in the blood.

use super::super::plane::{ellipse, smooth};
use super::super::random::{clouds, noise};
use super::{AIR, Region, Scan};

impl Scan {
    /// Hounsfield units at a point of a slice; x and y from -1 to 1, `vessel` the share of a lung's vessel in the pixel.
    pub(super) fn chest(&self, x: f32, y: f32, z: f32, vessel: f32) -> f32 {
        let wide = 0.83 * self.stout - 0.05 * smooth(0.25, 0.0, z);
        let deep = 0.565 * self.stout;
        let skin = ((x / wide).abs().powf(2.35) + ((y - 0.01) / deep).abs().powf(2.35)).powf(1.0 / 2.35);
        if skin > 1.0 {
            return table(x, y, deep);
        }
        let mut value = if skin > 0.985 { 20.0 } else { -105.0 };
        let fat = 0.905 - 0.07 * smooth(0.1, 0.9, z) * smooth(0.0, -0.5, y)
            + 0.02 * (clouds(x * 4.0, y * 4.0, self.seed) - 0.5);
        if skin < fat {
            let strands = clouds(x * 11.0, y * 11.0, self.seed ^ 1);
            value = 52.0 + 22.0 * (strands - 0.5) - 130.0 * smooth(0.66, 0.72, strands);
        }
        value = self.back_bones(x, y, z, value);
        let cavity =
            ((x / (wide * 0.79)).abs().powf(2.2) + ((y + 0.015) / (deep * 0.80)).abs().powf(2.2)).powf(1.0 / 2.2);
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
            return if stomach < 0.9 && y < -0.10 {
                AIR + 60.0
            } else if stomach < 1.0 {
                30.0
            } else {
                122.0
            };
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
            } else if heart > 0.84 && x > 0.10 || septum < 0.016 * smooth(-0.02, 0.14, x) && heart < 0.9 {
                muscle
            } else {
                blood - 10.0 - 34.0 * smooth(0.11, 0.02, x) + 15.0 * (noise(x * 9.0, y * 9.0, z * 9.0, self.seed) - 0.5)
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
            let trunk =
                ellipse(x, y, (0.075, -0.08), (0.065, 0.085)).min(ellipse(x, y, (-0.03, -0.005), (0.15, 0.036)));
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
    let tubes: &[(f32, f32, f32)] =
        if z < 0.43 { &[(0.0, 0.045, 0.040)] } else { &[(-1.0, 0.055, 0.031), (1.0, 0.065, 0.029)] };
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
