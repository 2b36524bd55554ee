//! What happens to pictures on their way from a recipient to a market place.

use super::unit;
use crate::random::Random;
use std::error::Error;
use trace::image::projective::{Freedom, Pair, Projective};
use trace::image::{Picture, Plane, level, real, whole};

/// What can go wrong with made-up pictures.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is done to one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attack {
    /// Nothing: a lossless copy.
    Copy,
    /// A JPEG of this quality.
    Jpeg(u8),
    /// Made smaller or larger.
    Scale(f32),
    /// So much cut off each of the four sides, in parts of the width or height: of 0.4, a twenty-fifth of the picture is left.
    Crop(f32),
    /// Brightness, contrast and gamma.
    Tone,
    /// Smoothed, by a deviation in pixels.
    Blur(f32),
    /// Noise, of a deviation in levels.
    Noise(f32),
    /// Turned, in degrees.
    Turn(f32),
    /// A viewer's window: made smaller, another gamma, in a frame with bars and letters, as a JPEG of quality 75.
    Screenshot,
    /// A photo of a screen: in perspective, through a lens that bends lines, unevenly lit, smoothed, noisy, as a JPEG of quality 70.
    Phone,
    /// A JPEG of this quality, half the size, and a part cut off each side.
    Chain(u8, f32),
}

impl Attack {
    /// All that the figures are about. A cut of 0.4 is beyond them: what is left shows too little to be laid anywhere.
    pub const ALL: [Self; 16] = [
        Self::Copy,
        Self::Jpeg(50),
        Self::Jpeg(30),
        Self::Jpeg(10),
        Self::Scale(0.5),
        Self::Crop(0.10),
        Self::Crop(0.20),
        Self::Crop(0.25),
        Self::Tone,
        Self::Blur(1.5),
        Self::Noise(8.0),
        Self::Turn(3.0),
        Self::Screenshot,
        Self::Phone,
        Self::Chain(50, 0.10),
        Self::Chain(30, 0.25),
    ];

    /// Does it.
    ///
    /// # Errors
    /// If a JPEG cannot be written or read.
    pub fn on(self, picture: &Picture, chance: &mut Random) -> Result<Picture> {
        let plane = plane(picture);
        match self {
            Self::Copy => Ok(picture.clone()),
            Self::Jpeg(quality) => jpeg(picture, quality),
            Self::Scale(factor) => of(&scaled(&plane, factor)),
            Self::Crop(part) => of(&cropped(&plane, part, chance)),
            Self::Tone => of(&plane.map(|sample| (sample / 255.0).powf(0.8) * 225.0 + 12.0)),
            Self::Blur(deviation) => of(&plane.smooth(deviation)),
            Self::Noise(deviation) => of(&noisy(&plane, deviation, chance)),
            Self::Turn(degrees) => of(&turned(&plane, degrees)),
            Self::Screenshot => jpeg(&of(&framed(&plane, chance))?, 75),
            Self::Phone => jpeg(&of(&photographed(&plane, chance))?, 70),
            Self::Chain(quality, part) => {
                let smaller = scaled(&self::plane(&jpeg(picture, quality)?), 0.5);
                of(&cropped(&smaller, part, chance))
            }
        }
    }
}

/// How people who hold differently marked copies of one picture make one of them, pixel by pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixing {
    /// The mean.
    Average,
    /// The middle one.
    Median,
    /// The middle between the least and the most.
    MinMax,
    /// The least.
    Least,
}

impl Mixing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Average, Self::Median, Self::MinMax, Self::Least];

    /// Mixes copies of one size. `None` if there are none.
    #[must_use]
    pub fn of(self, copies: &[Picture]) -> Option<Picture> {
        let first = copies.first()?;
        let mut bytes = Vec::with_capacity(first.bytes().len());
        let mut own = Vec::with_capacity(copies.len());
        for place in 0..first.bytes().len() {
            own.clear();
            own.extend(copies.iter().filter_map(|copy| copy.bytes().get(place)).map(|byte| f32::from(*byte)));
            own.sort_by(f32::total_cmp);
            let (least, most) = (own.first().copied()?, own.last().copied()?);
            let middle = |shift| own.get((own.len() - shift) / 2).copied().unwrap_or(least);
            bytes.push(level(match self {
                Self::Average => own.iter().sum::<f32>() / real(own.len()),
                Self::Median => f32::midpoint(middle(0), middle(1)),
                Self::MinMax => f32::midpoint(least, most),
                Self::Least => least,
            }));
        }
        Picture::grey(first.width(), first.height(), bytes)
    }
}

/// A picture of a file.
///
/// # Errors
/// If it cannot be read.
pub fn read(file: &[u8]) -> Result<Picture> {
    let grey = image::load_from_memory(file)?.into_luma8();
    let (width, height) = (usize::try_from(grey.width())?, usize::try_from(grey.height())?);
    Picture::grey(width, height, grey.into_raw()).ok_or_else(|| "an empty picture".into())
}

/// A picture written as a JPEG and read again.
///
/// # Errors
/// If that cannot be done.
pub fn jpeg(picture: &Picture, quality: u8) -> Result<Picture> {
    let mut file = Vec::new();
    let (width, height) = (u16::try_from(picture.width())?, u16::try_from(picture.height())?);
    jpeg_encoder::Encoder::new(&mut file, quality).encode(
        picture.bytes(),
        width,
        height,
        jpeg_encoder::ColorType::Luma,
    )?;
    read(&file)
}

/// The picture with its longer side that long.
///
/// # Errors
/// If it comes to nothing.
pub fn with_side(picture: &Picture, side: usize) -> Result<Picture> {
    let plane = plane(picture);
    of(&scaled(&plane, real(side) / real(plane.width().max(plane.height()))))
}

/// A film that nobody has: two films laid over each other, both mirrored, so that nothing of it is found in either.
///
/// # Errors
/// If it comes to nothing.
pub fn stranger(films: &[Picture], chance: &mut Random) -> Result<Picture> {
    let mut one = || films.get(chance.index(films.len())).ok_or("there are no films");
    let (first, second) = (plane(one()?), plane(one()?));
    let (width, height) = (640, 500 + chance.index(60));
    let (first, second) = (first.resized(width, height), second.resized(width, height));
    let (angle, share) = (0.3 * (unit(chance) - 0.5), 0.35 + 0.3 * share(chance));
    let way = Projective::similar(0.8 + 0.2 * unit(chance), angle, 30.0 - 100.0 * angle.max(0.0), 20.0);
    let second = seen(&second, (width, height), &way, 0.0);
    of(&Plane::from_fn(width, height, |x, y| {
        share * at(&first, width - 1 - x, y) + (1.0 - share) * at(&second, width - 1 - x, y)
    }))
}

fn plane(picture: &Picture) -> Plane {
    picture.luma(usize::MAX)
}

fn of(plane: &Plane) -> Result<Picture> {
    let bytes = plane.samples().iter().map(|sample| level(*sample)).collect();
    Picture::grey(plane.width(), plane.height(), bytes).ok_or_else(|| "an empty picture".into())
}

fn scaled(plane: &Plane, factor: f32) -> Plane {
    plane.resized(whole(real(plane.width()) * factor).max(1), whole(real(plane.height()) * factor).max(1))
}

/// Off each side, `part` of it, give or take a fifth of that.
fn cropped(plane: &Plane, part: f32, chance: &mut Random) -> Plane {
    let mut cut = |side: usize| whole(real(side) * part * (0.8 + 0.4 * share(chance)));
    let (left, right) = (cut(plane.width()), cut(plane.width()));
    let (top, bottom) = (cut(plane.height()), cut(plane.height()));
    let (width, height) = (plane.width() - left - right, plane.height() - top - bottom);
    Plane::from_fn(width, height, |x, y| at(plane, x + left, y + top))
}

fn at(plane: &Plane, x: usize, y: usize) -> f32 {
    plane.at(isize::try_from(x).unwrap_or_default(), isize::try_from(y).unwrap_or_default())
}

fn share(chance: &mut Random) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a number up to one")]
    let share = unit(chance) as f32;
    share
}

fn noisy(plane: &Plane, deviation: f32, chance: &mut Random) -> Plane {
    // Twelve uniform numbers have a variance of one.
    let mut normal = || (0..12).map(|_| share(chance)).sum::<f32>() - 6.0;
    plane.map(|sample| sample + deviation * normal())
}

/// What `way` shows of the plane: each place of the new one looks where the way leads, through a lens that moves the
/// corners by the part `lens` of their distance from the middle.
fn seen(plane: &Plane, (width, height): (usize, usize), way: &Projective, lens: f64) -> Plane {
    let (middle_x, middle_y) = (f64::from(real(width)) / 2.0, f64::from(real(height)) / 2.0);
    #[expect(clippy::cast_possible_truncation, reason = "places of pictures")]
    let look = |x: usize, y: usize| {
        let (x, y) = (f64::from(real(x)) - middle_x, f64::from(real(y)) - middle_y);
        let bent = 1.0 + lens * (x * x + y * y) / (middle_x * middle_x + middle_y * middle_y);
        let place = way.of((middle_x + x * bent, middle_y + y * bent)).map(|(x, y)| (x as f32, y as f32));
        let inside = place.filter(|(x, y)| {
            (-0.5..=real(plane.width()) - 0.5).contains(x) && (-0.5..=real(plane.height()) - 0.5).contains(y)
        });
        inside.map_or(0.0, |(x, y)| plane.between(x, y))
    };
    Plane::from_fn(width, height, look)
}

fn turned(plane: &Plane, degrees: f32) -> Plane {
    let middle = (f64::from(real(plane.width())) / 2.0, f64::from(real(plane.height())) / 2.0);
    let to_middle = Projective::similar(1.0, 0.0, -middle.0, -middle.1);
    let way = to_middle
        .then(&Projective::similar(1.0, f64::from(degrees).to_radians(), 0.0, 0.0))
        .then(&Projective::similar(1.0, 0.0, middle.0, middle.1));
    seen(plane, (plane.width(), plane.height()), &way, 0.0)
}

fn framed(plane: &Plane, chance: &mut Random) -> Plane {
    let own = scaled(plane, 0.83).map(|sample| (sample.max(0.0) / 255.0).powf(0.9) * 255.0);
    let (left, top) = (30 + chance.index(140), 50 + chance.index(40));
    let (width, height) = (own.width() + left + 20 + chance.index(60), own.height() + top + 30 + chance.index(40));
    Plane::from_fn(width, height, |x, y| {
        let inside = x.checked_sub(left).zip(y.checked_sub(top)).filter(|(x, y)| *x < own.width() && *y < own.height());
        match inside {
            // Letters in a corner of the picture, as viewers write them.
            Some((x, y)) if x < 120 && (8..40).contains(&y) && is_letter(x, y) => 255.0,
            Some((x, y)) => at(&own, x, y),
            None if y < 34 => {
                if is_letter(x, y) && (8..28).contains(&y) {
                    30.0
                } else {
                    214.0
                }
            }
            None if x + 12 < left => {
                if is_letter(x, y) && (x % 60) > 10 {
                    190.0
                } else {
                    52.0
                }
            }
            None => 24.0,
        }
    })
}

/// Strokes that look like lines of writing.
fn is_letter(x: usize, y: usize) -> bool {
    let (column, line) = (x / 7, y / 12);
    let form = (column * 2_654_435 + line * 97_531) >> 3;
    y % 12 < 8 && x % 7 < 5 && (x % 7 == form % 5 || y % 12 == form % 7) && form % 6 != 0
}

fn photographed(plane: &Plane, chance: &mut Random) -> Plane {
    let size = 0.8 + 0.3 * share(chance);
    let (width, height) = (size * real(plane.width()), size * real(plane.height()));
    let wide = (whole(width * 1.2), whole(height * 1.2));
    let mut off = |side: f32, middle: f32| f64::from(middle + side * 0.05 * (2.0 * share(chance) - 1.0));
    let (left, right, top, bottom) = (0.1 * width, 1.08 * width, 0.1 * height, 1.08 * height);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    let seen_at = corners.map(|(x, y)| (off(width, x), off(height, y)));
    let sides = (f64::from(real(plane.width())), f64::from(real(plane.height())));
    let shown = [(0.0, 0.0), (sides.0, 0.0), sides, (0.0, sides.1)];
    let pairs: Vec<Pair> = seen_at.into_iter().zip(shown).map(|(from, to)| Pair { from, to, weight: 1.0 }).collect();
    let way = Projective::fitted(&pairs, Freedom::Projective).unwrap_or(Projective::SAME);
    let lens = f64::from(0.02 * (2.0 * share(chance) - 1.0));
    let photo = seen(&plane.smooth(0.8), wide, &way, lens).smooth(1.0);
    let (bright, dark) = (0.8 + 0.1 * share(chance), 20.0 + 15.0 * share(chance));
    let (light_x, light_y) = (share(chance) * width, share(chance) * height);
    let lit = Plane::from_fn(wide.0, wide.1, |x, y| {
        let far = ((real(x) - light_x) / width).hypot((real(y) - light_y) / height);
        (at(&photo, x, y).max(0.0) / 255.0).powf(1.2) * 255.0 * bright * (1.0 - 0.25 * far * far) + dark
    });
    noisy(&lit, 4.0, chance)
}
