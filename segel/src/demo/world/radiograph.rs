//! A chest radiograph, posterior-anterior, drawn by what stands in the way of the rays: attenuation adds up along each ray,
//! so soft tissue, heart, vessels and bones are layers that are summed, and air in the lungs is taken away.

mod bones;

use super::plane::{Dab, Plane, ellipse, smooth, tube};
use super::random::{Random, clouds, noise};

/// What is to be seen on the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing of note.
    Normal,
    /// Peripheral ground-glass patches of both lungs, as in COVID-19.
    PatchyOpacities,
    /// Consolidation of the right lower zone.
    Consolidation,
    /// Enlarged heart.
    Cardiomegaly,
    /// Blunted left costophrenic angle with fluid.
    Effusion,
}

/// One patient's proportions; all in picture widths.
struct Build {
    middle: f32,
    lung: f32,
    heart: f32,
    domes: (f32, f32),
    soft: f32,
    female: bool,
    seed: u32,
}

/// Draws the film as 12-bit values, white bones (MONOCHROME2).
#[must_use]
pub fn draw(mut random: Random, width: usize, height: usize, female: bool, finding: Finding) -> Vec<u16> {
    let build = Build {
        middle: 0.5 + random.between(-0.012, 0.012),
        lung: random.between(0.96, 1.05),
        heart: random.between(0.94, 1.06) * if finding == Finding::Cardiomegaly { 1.34 } else { 1.0 },
        domes: (random.between(0.77, 0.83), random.between(0.80, 0.855)),
        soft: random.between(0.92, 1.12),
        female,
        seed: random.bits() as u32,
    };
    let mut film = Plane::new(width, height);
    let mut lungs = film.clone();
    lungs.paint(|x, y, _| air(&build, x, y));
    let mut hearts = film.clone();
    hearts.paint(|x, y, _| if (x - build.middle).abs() < 0.4 { heart(&build, x, y) } else { 0.0 });
    let mut shadows = lungs.values.iter().zip(&hearts.values);
    film.paint(|x, y, _| {
        let (lung, heart) = shadows.next().map_or((0.0, 0.0), |(lung, heart)| (*lung, *heart));
        tissue(&build, (x, y), (lung, heart), finding)
    });
    bones::bones(&mut film, &build, &mut random);
    vessels(&mut film, (&lungs, &hearts), &build, &mut random);
    opacities(&mut film, &lungs, &build, finding);
    film.blur(1);
    develop(&mut film, &build, &mut random)
}

/// Half the width of the bony thorax at a height.
fn wall(build: &Build, y: f32) -> f32 {
    let s = ((y - 0.125) / 0.86).clamp(0.0, 1.0);
    0.405 * build.lung * (1.0 - (1.0 - s).powf(2.5)).powf(0.56)
}

/// The height of the diaphragm at a place.
fn dome(build: &Build, x: f32) -> f32 {
    let dx = x - build.middle;
    let (top, at) = if dx < 0.0 { (build.domes.0, -0.19) } else { (build.domes.1, 0.21) };
    let off = dx - at;
    let lateral = off * dx.signum() > 0.0;
    top + off * off * if lateral { 3.4 } else { 1.3 }
}

/// Air in the lungs at a place: 0 to 1.
fn air(build: &Build, x: f32, y: f32) -> f32 {
    let dx = (x - build.middle).abs();
    let outer = wall(build, y) - 0.022 - dx;
    let inner = dx - (0.052 + 0.03 * smooth(0.28, 0.5, y) * (1.0 - smooth(0.5, 0.8, y)));
    let below = dome(build, x) - y;
    if outer <= 0.0 || inner <= 0.0 || below <= 0.0 {
        return 0.0;
    }
    (1.0 - (-outer / 0.055).exp())
        * (1.0 - (-inner / 0.022).exp())
        * smooth(0.0, 0.010, below)
        * (0.72 + 0.28 * smooth(0.0, 0.16, below))
}

/// The shadow of heart and great vessels: 0 to 1.
fn heart(build: &Build, x: f32, y: f32) -> f32 {
    let h = build.heart;
    let m = build.middle;
    let shadow = |centre: (f32, f32), radii: (f32, f32), edge: f32| {
        1.0 - smooth(1.0 - edge, 1.0 + edge * 0.25, ellipse(x, y, centre, radii))
    };
    let left = {
        let (cx, cy) = (m + 0.068 * h, build.domes.1 - 0.105);
        let (dx, dy) = (x - cx, y - cy);
        let (u, v) = (dx * 0.80 + dy * 0.60, dy * 0.80 - dx * 0.60);
        1.0 - smooth(0.86, 1.02, (u / (0.185 * h)).hypot(v / (0.125 * h)))
    };
    let right = shadow((m - 0.030 * h, build.domes.0 - 0.10), (0.090 * h, 0.150), 0.16);
    let knob = shadow((m + 0.052, 0.335), (0.050, 0.050), 0.22) * 0.75;
    let descending = shadow((m + 0.048, 0.56), (0.036, 0.27), 0.3) * 0.4;
    let trunk = shadow((m + 0.062, 0.452), (0.055, 0.075), 0.3) * 0.65;
    let cava = shadow((m - 0.052, 0.40), (0.034, 0.17), 0.4) * 0.5;
    let base = shadow((m, 0.47), (0.072, 0.33), 0.35) * 0.62;
    left.max(right).max(knob).max(trunk).max(base).max(cava) + descending * 0.25
}

/// Half the width of the skin's outline, and whether the ray passes beside the body.
fn outline(build: &Build, x: f32, y: f32) -> f32 {
    let dx = (x - build.middle).abs();
    let slope = (dx - 0.085).max(0.0);
    let shoulder = 0.115 * (1.0 - (-slope / 0.10).exp()) + 0.42 * slope * slope - 0.02;
    let neck = smooth(-0.004, 0.016, y - shoulder);
    let side = 0.452 + 0.018 * smooth(0.5, 1.1, y);
    let arm = smooth(side + 0.025, side + 0.05, dx) * smooth(1.0, 0.55, y);
    let torso = smooth(side + 0.012, side - 0.012, dx).max(smooth(0.46, 0.34, y));
    neck * torso.max(arm * 0.8)
}

fn tissue(build: &Build, (x, y): (f32, f32), (air, heart): (f32, f32), finding: Finding) -> f32 {
    let m = build.middle;
    let dx = (x - m).abs();
    let body = outline(build, x, y);
    let round = (1.0 - (dx / 0.60).powi(2)).max(0.0).sqrt();
    let mut value = body * build.soft * (0.36 + 0.56 * round + 0.08 * smooth(0.30, 0.14, y));
    let mut lung = air;
    if finding == Finding::Effusion && x > m {
        let level = 0.80 + 0.02 * smooth(0.0, 0.3, x - m) - 0.16 * smooth(0.26, 0.42, dx);
        lung *= 1.0 - 0.92 * smooth(level - 0.03, level + 0.03, y);
    }
    value -= 0.60 * lung * (1.0 - 0.80 * heart.min(1.0));
    value += 0.03 * heart;
    // The windpipe, down to its fork, and the main bronchi.
    let sway = 0.006 * (y * 14.0).sin();
    let pipe = 1.0 - smooth(0.010, 0.026, (x - m - sway + 0.004).abs());
    value -= 0.17 * pipe * smooth(0.02, 0.08, y) * (1.0 - smooth(0.385, 0.425, y));
    for side in [-1.0_f32, 1.0] {
        let fall = (y - 0.40) / 0.55;
        let bronchus = 1.0 - smooth(0.006, 0.017, (x - m - side * (0.012 + fall * 0.55) + 0.004).abs());
        value -= 0.075 * bronchus * smooth(0.39, 0.42, y) * (1.0 - smooth(0.45, 0.50, y));
    }
    // Below the domes: liver on the right, stomach with its bubble on the left.
    let below = smooth(0.0, 0.05, y - dome(build, x)) * body;
    value += 0.10 * below * (0.75 + 0.25 * smooth(0.06, -0.06, x - m));
    let bubble = ellipse(x, y, (m + 0.185, build.domes.1 + 0.070), (0.090, 0.042));
    if bubble < 1.4 {
        let wobble = 0.5 * (clouds(x * 10.0, y * 10.0, build.seed ^ 31) - 0.5);
        value -= 0.20 * (1.0 - smooth(0.5, 1.05, bubble + wobble)) * below;
    }
    if y > 0.98 {
        let gas = smooth(0.52, 0.85, clouds(x * 8.0, y * 10.0, build.seed)) * smooth(0.98, 1.12, y);
        value -= 0.11 * gas * below;
    }
    if build.female {
        for side in [-1.0_f32, 1.0] {
            let q = ellipse(x, y, (m + side * 0.235, 0.70), (0.185, 0.17));
            value += 0.075 * (1.0 - smooth(0.55, 1.0, q)) * smooth(0.45, 0.75, y);
        }
    }
    value + body * 0.035 * (noise(x * 5.0, y * 5.0, 0.0, build.seed ^ 99) - 0.5)
}

/// Branches of the lungs' vessels, from the root of each lung outwards.
fn vessels(film: &mut Plane, (lungs, hearts): (&Plane, &Plane), build: &Build, random: &mut Random) {
    let mut layer = Plane::new(film.width, film.height);
    for side in [-1.0_f32, 1.0] {
        let root_y = if side < 0.0 { 0.475 } else { 0.455 };
        for limb in 0..11 {
            let turn = -1.45 + 2.95 * limb as f32 / 10.0 + random.between(-0.10, 0.10);
            let start = Dab {
                x: build.middle + side * 0.078,
                y: root_y + turn * 0.025,
                radius: random.between(0.009, 0.0145),
                strength: 0.135,
            };
            branch(&mut layer, random, start, (side, turn), 0);
        }
        // The root itself: arteries seen end on.
        for _ in 0..7 {
            let x = build.middle + side * random.between(0.080, 0.112);
            let y = root_y + random.between(-0.045, 0.06);
            let at = Dab { x, y, radius: random.between(0.008, 0.019), strength: 0.10 };
            layer.stroke(&[at, Dab { y: y + 0.012, ..at }], tube);
        }
    }
    let seed = build.seed ^ 5;
    let mut at = layer.values.iter().zip(&lungs.values).zip(&hearts.values);
    film.paint(|x, y, value| {
        let Some(((vessel, lung), heart)) = at.next() else { return value };
        let inside = lung * (1.0 - 0.85 * heart.min(1.0));
        if inside == 0.0 {
            return value;
        }
        // Fine markings that no single vessel makes: the texture of the lung itself.
        let grain = clouds(x * 34.0, y * 34.0, seed) - 0.5;
        value + inside.sqrt() * vessel + inside * 0.055 * grain
    });
}

fn branch(layer: &mut Plane, random: &mut Random, from: Dab, way: (f32, f32), depth: u32) {
    let (side, turn) = way;
    let mut turn = turn;
    let length = 0.115 * 0.80_f32.powi(depth as i32) * random.between(0.75, 1.2);
    let steps = 5;
    let mut line = vec![from];
    let mut last = from;
    for _ in 0..steps {
        turn += random.between(-0.13, 0.13);
        last = Dab {
            x: last.x + side * turn.cos() * length / steps as f32,
            y: last.y + turn.sin() * length / steps as f32,
            radius: (last.radius * 0.93).max(0.0011),
            strength: last.strength * 0.955,
        };
        line.push(last);
    }
    layer.stroke(&line, tube);
    if depth < 5 {
        let open = random.between(0.22, 0.52);
        let thin = |share: f32| Dab { radius: last.radius * share, strength: last.strength * 0.88, ..last };
        branch(layer, random, thin(0.84), (side, turn - open * 0.6), depth + 1);
        branch(layer, random, thin(0.70), (side, turn + open), depth + 1);
    }
}

fn opacities(film: &mut Plane, lungs: &Plane, build: &Build, finding: Finding) {
    let m = build.middle;
    let mut lungs = lungs.values.iter().copied();
    let mut next = || lungs.next().unwrap_or_default();
    match finding {
        Finding::PatchyOpacities => film.paint(|x, y, value| {
            let lung = next();
            if lung == 0.0 {
                return value;
            }
            let rim = smooth(0.20, 0.03, wall(build, y) - (x - m).abs());
            let patch = smooth(0.44, 0.70, clouds(x * 6.5, y * 6.5, build.seed ^ 21));
            let fine = 0.7 + 0.6 * clouds(x * 40.0, y * 40.0, build.seed ^ 3);
            value + 0.33 * lung.sqrt() * patch * (0.25 + 0.75 * rim) * smooth(0.28, 0.55, y) * fine
        }),
        Finding::Consolidation => film.paint(|x, y, value| {
            let lung = next();
            if lung == 0.0 {
                return value;
            }
            let q =
                ellipse(x, y, (m - 0.20, 0.70), (0.15, 0.105)) + 0.5 * (clouds(x * 9.0, y * 9.0, build.seed ^ 4) - 0.5);
            value + 0.36 * lung.sqrt() * (1.0 - smooth(0.45, 1.05, q))
        }),
        Finding::Normal | Finding::Cardiomegaly | Finding::Effusion => {}
    }
}

/// The side marker that the radiographer lays on the cassette: an L at the patient's left.
const MARKER: [&str; 7] = ["#....", "#....", "#....", "#....", "#....", "#....", "#####"];

fn marker(x: f32, y: f32) -> bool {
    let (column, row) = ((x - 0.895) / 0.0075, (y - 0.050) / 0.0075);
    if column < 0.0 || row < 0.0 {
        return false;
    }
    MARKER.get(row as usize).and_then(|line| line.as_bytes().get(column as usize)).is_some_and(|b| *b == b'#')
}

/// From attenuation to the values of a developed film, with quantum noise where few rays came through.
fn develop(film: &mut Plane, build: &Build, random: &mut Random) -> Vec<u16> {
    let bottom = film.height as f32 / film.width as f32;
    let margin = random.between(0.006, 0.02);
    film.paint(|x, y, value| {
        let inside = x > margin && x < 1.0 - margin * 0.7 && y > margin * 0.8 && y < bottom - margin;
        if !inside {
            return 28.0 + 4.0 * random.grain();
        }
        if marker(x, y) {
            return 3_900.0 + 20.0 * random.grain();
        }
        let density = ((value - 0.085) / 1.16).clamp(0.0, 1.0);
        // A film's curve: soft toe, steep middle, shoulder.
        let toned = density.powf(1.30);
        let toned = toned * (1.0 + 0.22 * (1.0 - toned));
        let quantum = 16.0 + 26.0 * density;
        120.0 + 3_560.0 * toned + quantum * random.grain() + 14.0 * (noise(x * 2.0, y * 2.0, 0.0, build.seed ^ 8) - 0.5)
    });
    film.values.iter().map(|v| v.clamp(0.0, 4_095.0) as u16).collect()
}
