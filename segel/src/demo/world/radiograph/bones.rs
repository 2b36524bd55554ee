//! Ribs, collar bones, shoulders and spine.

use super::super::plane::{Dab, Plane, bone, ellipse, smooth, tube};
use super::super::random::Random;
use super::{Build, wall};
use std::f32::consts::PI;

pub(super) fn bones(film: &mut Plane, build: &Build, random: &mut Random) {
    let m = build.middle;
    let mut back = Plane::new(film.width, film.height);
    let mut front = Plane::new(film.width, film.height);
    let mut other = Plane::new(film.width, film.height);
    let dab = |x: f32, y: f32, radius: f32, strength: f32| Dab { x, y, radius, strength };
    for side in [-1.0_f32, 1.0] {
        for rib in 0..10 {
            let n = rib as f32;
            let root = 0.150 + n * 0.0735 + random.between(-0.003, 0.003);
            let drop = 0.085 + n * 0.0165;
            let span = |y: f32| wall(build, y.max(0.17)) + 0.004;
            let reach = span(root + drop * 0.6);
            // Behind: out of the spine, a little up, then over and down to the side.
            let dorsal: Vec<Dab> = (0..=26)
                .map(|i| {
                    let t = i as f32 / 26.0;
                    let x = 0.034 + (reach - 0.034) * (t * 1.57).sin().powf(0.92);
                    let y = root - 0.030 * (t * 3.6).sin() * (1.0 - t) + drop * t.powf(2.2) * 1.1;
                    dab(
                        m + side * x,
                        y,
                        0.0168 - 0.0022 * t,
                        (0.118 - 0.012 * t + 0.050 * smooth(0.80, 0.97, t))
                            * smooth(0.0, 0.12, t)
                            * smooth(1.0, 0.985, t)
                            * if rib == 0 { 0.6 } else { 1.0 },
                    )
                })
                .collect();
            back.stroke(&dorsal, bone);
            if rib >= 8 {
                continue;
            }
            // In front: from the side down towards the breastbone, fading into cartilage.
            let start = root + drop * 1.09;
            let ventral: Vec<Dab> = (0..=24)
                .map(|i| {
                    let t = i as f32 / 24.0;
                    let x = reach * (1.0 - t * 0.66 - 0.10 * t * t) + 0.012 * (t * PI).sin();
                    let y = start + (0.105 + 0.018 * n) * (t * 1.40).sin() - 0.010 * t * t * t;
                    dab(
                        m + side * x,
                        y,
                        0.0150 + 0.0040 * t,
                        (0.086 - 0.003 * n) * (1.0 - smooth(0.55, 0.98, t)) * smooth(0.0, 0.05, t),
                    )
                })
                .collect();
            front.stroke(&ventral, bone);
        }
        let tilt = random.between(-0.012, 0.012);
        let collar: Vec<Dab> = (0..=20)
            .map(|i| {
                let t = i as f32 / 20.0;
                let y = 0.212 - 0.070 * t - 0.017 * (t * 6.0).sin() + tilt * t;
                dab(
                    m + side * (0.035 + 0.36 * t),
                    y,
                    0.0175 - 0.0055 * (t * PI).sin(),
                    0.150 * smooth(0.0, 0.08, t) * smooth(1.0, 0.85, t),
                )
            })
            .collect();
        other.stroke(&collar, bone);
        shoulder_bones(&mut other, m, side);
    }
    spine(film, build, random);
    film.add(&back, 1.0);
    film.add(&front, 1.0);
    film.add(&other, 1.0);
}

fn shoulder_bones(layer: &mut Plane, m: f32, side: f32) {
    let dab = |x: f32, y: f32, radius: f32, strength: f32| Dab { x: m + side * x, y, radius, strength };
    // Blade: a faint sheet with a denser outer edge; the spine of the blade; the head and shaft of the upper arm.
    layer.stroke(
        &[
            dab(0.385, 0.20, 0.055, 0.0),
            dab(0.380, 0.29, 0.050, 0.03),
            dab(0.372, 0.38, 0.042, 0.03),
            dab(0.352, 0.50, 0.018, 0.01),
        ],
        tube,
    );
    layer.stroke(
        &[
            dab(0.436, 0.20, 0.024, 0.0),
            dab(0.432, 0.25, 0.022, 0.08),
            dab(0.412, 0.36, 0.016, 0.09),
            dab(0.362, 0.50, 0.010, 0.05),
        ],
        tube,
    );
    layer.stroke(
        &[dab(0.335, 0.225, 0.010, 0.02), dab(0.385, 0.195, 0.014, 0.06), dab(0.450, 0.150, 0.020, 0.09)],
        tube,
    );
    layer.stroke(
        &[
            dab(0.462, 0.160, 0.030, 0.05),
            dab(0.488, 0.190, 0.050, 0.14),
            dab(0.500, 0.235, 0.048, 0.15),
            dab(0.510, 0.30, 0.034, 0.13),
            dab(0.528, 0.62, 0.028, 0.13),
        ],
        tube,
    );
}

fn spine(film: &mut Plane, build: &Build, random: &mut Random) {
    let m = build.middle;
    let bend = random.between(-0.008, 0.008);
    let step = 0.0735;
    film.paint(|x, y, value| {
        let centre = m + bend * (y * 3.0).sin();
        let dx = (x - centre).abs();
        if dx > 0.11 {
            return value;
        }
        let half = 0.036 + 0.013 * y;
        let phase = ((y - 0.112) / step).rem_euclid(1.0);
        let waist = half - 0.004 * (1.0 - ((phase - 0.5) * 2.0).powi(2));
        let body = 1.0 - smooth(waist - 0.009, waist + 0.005, dx);
        let disc = smooth(0.08, 0.02, phase.min(1.0 - phase));
        let plates = smooth(0.055, 0.02, (phase - 0.11).abs()).max(smooth(0.055, 0.02, (phase - 0.89).abs()));
        let pedicle = 1.0 - smooth(0.55, 1.1, ellipse(dx, phase, (half * 0.66, 0.36), (0.0105, 0.15)));
        let process = 1.0 - smooth(0.5, 1.0, ellipse(dx, phase, (0.0, 0.80), (0.008, 0.22)));
        let rim = smooth(0.006, 0.001, (dx - waist).abs());
        let shown = 0.62 + 0.38 * smooth(0.40, 0.10, y);
        let sum = body * (0.085 - 0.040 * disc + 0.020 * plates)
            + 0.030 * pedicle * body
            + 0.028 * process
            + 0.018 * rim * (1.0 - disc);
        value + sum * shown
    });
}
