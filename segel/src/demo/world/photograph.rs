//! A clinical photograph: a wound on skin, a paper ruler beside it, a drape in the corner.

use super::plane::{ellipse, smooth};
use super::random::{Random, clouds};

/// Draws red, green and blue bytes, row after row.
#[must_use]
pub fn draw(mut random: Random, width: usize, height: usize) -> Vec<u8> {
    let seed = random.bits() as u32;
    let tone = random.between(0.0, 1.0);
    let skin = [222.0 - 52.0 * tone, 172.0 - 52.0 * tone, 138.0 - 52.0 * tone];
    let centre = (random.between(0.42, 0.56), random.between(0.30, 0.42));
    let size = (random.between(0.10, 0.17), random.between(0.06, 0.11));
    let lamp = (random.between(0.2, 0.7), random.between(0.1, 0.4));
    let mut bytes = Vec::with_capacity(width * height * 3);
    for row in 0..height {
        for column in 0..width {
            let (x, y) = (column as f32 / width as f32, row as f32 / width as f32);
            let light = 1.12 - 0.55 * (x - lamp.0).hypot(y - lamp.1);
            let mut colour = surface(x, y, seed, skin);
            wound(&mut colour, (x, y), (centre, size), seed);
            // A flash's highlight on moist tissue and skin's sheen.
            let shine = smooth(0.86, 0.97, clouds(x * 30.0, y * 22.0, seed ^ 3)) * 40.0;
            let moist = 1.0 - smooth(0.4, 0.9, ellipse(x, y, centre, size));
            let height_ratio = height as f32 / width as f32;
            if let Some(paper) = ruler(x, y / height_ratio) {
                colour = paper;
            }
            drape(&mut colour, x, y, seed);
            let grain = 2.5 * random.grain();
            bytes.extend(colour.map(|c| (c * light + shine * moist + grain).clamp(0.0, 255.0) as u8));
        }
    }
    bytes
}

fn surface(x: f32, y: f32, seed: u32, skin: [f32; 3]) -> [f32; 3] {
    let blotch = clouds(x * 5.0, y * 5.0, seed) - 0.5;
    let pores = clouds(x * 90.0, y * 120.0, seed ^ 1) - 0.5;
    let lines = smooth(0.035, 0.0, (clouds(x * 16.0 + y * 9.0, y * 30.0 - x * 6.0, seed ^ 2) - 0.5).abs());
    let freckle = smooth(0.90, 0.97, clouds(x * 26.0, y * 26.0, seed ^ 9));
    let [r, g, b] = skin;
    let shade = 1.0 + 0.07 * pores - 0.05 * lines - 0.25 * freckle;
    [(r + 16.0 * blotch) * shade, (g - 6.0 * blotch) * shade, (b - 8.0 * blotch) * shade]
}

fn wound(colour: &mut [f32; 3], (x, y): (f32, f32), (centre, size): ((f32, f32), (f32, f32)), seed: u32) {
    let ragged =
        0.55 * (clouds(x * 12.0, y * 12.0, seed ^ 4) - 0.5) + 0.22 * (clouds(x * 40.0, y * 40.0, seed ^ 5) - 0.5);
    let q = ellipse(x, y, centre, size) + ragged;
    let mut blend = |towards: [f32; 3], share: f32| {
        for (c, t) in colour.iter_mut().zip(towards) {
            *c += (t - *c) * share;
        }
    };
    blend([196.0, 96.0, 84.0], 0.55 * smooth(1.9, 1.0, q));
    blend([134.0, 38.0, 34.0], smooth(1.05, 0.92, q));
    let bed = clouds(x * 55.0, y * 55.0, seed ^ 6);
    blend([176.0, 46.0, 44.0], smooth(0.9, 0.7, q) * smooth(0.35, 0.65, bed));
    blend(
        [214.0, 178.0, 112.0],
        smooth(0.75, 0.5, q) * smooth(0.60, 0.72, clouds(x * 17.0, y * 17.0, seed ^ 7)) * 0.85,
    );
    blend([58.0, 20.0, 20.0], smooth(0.9, 0.7, q) * smooth(0.72, 0.80, clouds(x * 21.0, y * 21.0, seed ^ 8)) * 0.8);
    blend([96.0, 30.0, 30.0], 0.6 * smooth(0.05, 0.0, (q - 0.98).abs()));
}

/// A paper ruler along the lower edge: millimetres, with longer marks at five and ten.
fn ruler(x: f32, y: f32) -> Option<[f32; 3]> {
    if !(0.10..0.86).contains(&x) || !(0.78..0.88).contains(&y) {
        return None;
    }
    let mm = (x - 0.11) / 0.0075;
    let nearest = mm.round();
    let length = match nearest as i32 {
        n if n % 10 == 0 => 0.050,
        n if n % 5 == 0 => 0.036,
        _ => 0.022,
    };
    let mark = (mm - nearest).abs() < 0.13 && y < 0.78 + length && (0.0..=98.0).contains(&nearest);
    let edge = !(0.783..=0.877).contains(&y);
    Some(if mark || edge { [34.0, 36.0, 42.0] } else { [236.0, 234.0, 226.0] })
}

fn drape(colour: &mut [f32; 3], x: f32, y: f32, seed: u32) {
    let fold = clouds(x * 6.0, y * 14.0, seed ^ 30);
    let edge = x + y * 0.75 + 0.05 * fold;
    if edge < 0.17 {
        let shade = 0.72 + 0.55 * fold;
        *colour = [44.0 * shade, 122.0 * shade, 128.0 * shade];
    } else if edge < 0.195 {
        for c in colour.iter_mut() {
            *c *= 0.62 + 0.38 * (edge - 0.17) / 0.025;
        }
    }
}
