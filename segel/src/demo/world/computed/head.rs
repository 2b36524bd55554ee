//! The head, from scalp to ventricle, without contrast.

use super::super::plane::{ellipse, smooth};
use super::super::random::noise;
use super::{AIR, Region, Scan};

impl Scan {
    /// Hounsfield units at a point of a slice; x and y from -1 to 1.
    pub(super) fn head(&self, x: f32, y: f32, z: f32) -> f32 {
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
        let front =
            (ax - 0.042 - 0.9 * (-y - 0.06).max(0.0).powi(2)).abs() / (0.034 * mid * smooth(-0.36, -0.28, y) + 0.001);
        let back = (ax - 0.052 - 0.52 * (y - 0.06).max(0.0) + 0.55 * (y - 0.06).max(0.0).powi(2)).abs()
            / (0.044 * mid * smooth(0.42, 0.30, y) + 0.001);
        let body = (ax - 0.052).abs() / (0.036 * smooth(0.52, 0.60, z) * mid + 0.001);
        if mid > 0.05
            && ((front < 1.0 && (-0.36..-0.04).contains(&y))
                || (back < 1.0 && (0.08..0.42).contains(&y))
                || (body < 1.0 && (-0.12..0.16).contains(&y)))
        {
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

fn headrest(x: f32, y: f32) -> f32 {
    let q = ellipse(x, y, (0.0, -0.02), (0.80, 0.95));
    if (1.0..1.02).contains(&q) && y > 0.35 { -350.0 } else { AIR }
}
