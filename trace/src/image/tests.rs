use super::detect::{Reading, ln_bound, score};
use super::mark::{Mark, canonical, decibels, marked};
use super::*;

const IMAGE: ImageId = *b"one image of one";

/// A picture somewhat like a film: a dark border, two lungs, ribs and grain.
pub(super) fn film(width: usize, height: usize, seed: u32) -> Picture {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut grain = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        real(whole(f32::from(u16::try_from(state >> 16).unwrap()) / 256.0)) / 12.0
    };
    // Vessels and calcifications: what a film is known by.
    let spots: Vec<[f32; 4]> =
        (0..90).map(|_| [grain() * 0.047, grain() * 0.047, 0.004 + grain() * 0.0006, (grain() - 10.6) * 4.0]).collect();
    let turn = real(seed as usize % 17) * 0.2;
    let plane = Plane::from_fn(width, height, |x, y| {
        let (x, y) = (real(x) / real(width), real(y) / real(height));
        let lung = |middle: f32| (-((x - middle) * 5.0).powi(2) - ((y - 0.5) * 2.6).powi(2)).exp();
        let ribs = ((y * 9.0 + (x - 0.5).powi(2) * (6.0 + turn)) * std::f32::consts::TAU * 0.8 + turn).sin();
        let edge = (x.min(1.0 - x).min(y).min(1.0 - y) * 30.0).min(1.0);
        let spots = spots.iter().filter(|[at, down, ..]| (x - at).abs().max((y - down).abs()) < 0.06);
        let spots: f32 =
            spots.map(|[at, down, wide, high]| high * (-((x - at).hypot(y - down) / wide).powi(2)).exp()).sum();
        edge * (170.0 - 90.0 * (lung(0.3 - 0.01 * turn) + lung(0.7)) + 14.0 * ribs + spots + grain())
    });
    Picture::grey(width, height, plane.samples().iter().map(|sample| level(*sample)).collect()).unwrap()
}

struct Keys {
    own: MarkKey,
    carriers: MarkKey,
}

fn keys() -> Keys {
    Keys { own: MarkKey::new(&[1; 16]), carriers: MarkKey::new(&[2; 16]) }
}

fn written(picture: &Picture, keys: &Keys) -> Picture {
    let mark = Mark { image: IMAGE, disclosure: &keys.own, carriers: &keys.carriers, number: 4_123_456_789_012 };
    marked(picture, &mark, decibels(picture.width(), picture.height())).unwrap()
}

fn reading(original: &Picture, leaked: &Picture, keys: &Keys) -> Reading {
    let original = canonical(original);
    Reading::of(IMAGE, &original, &canonical(leaked), &original.map(|_| 1.0), &keys.carriers).unwrap()
}

fn noise_decibels(a: &Picture, b: &Picture) -> f64 {
    let squares = a.bytes().iter().zip(b.bytes()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.bytes().len() as f64;
    10.0 * (255.0_f64.powi(2) / mean).log10()
}

#[test]
fn a_mark_is_written_as_strong_as_its_size_allows_and_names_its_disclosure_alone() {
    let keys = keys();
    for (width, height) in [(400, 512), (640, 524), (1024, 900), (1500, 2100)] {
        let original = film(width, height, 3);
        let leaked = written(&original, &keys);
        let wanted = f64::from(decibels(width, height));
        let found = noise_decibels(&original, &leaked);
        assert!((found - wanted).abs() < 0.4, "{width} x {height}: {found} dB of {wanted}");
        let reading = reading(&original, &leaked, &keys);
        let score = reading.score(&keys.own).unwrap();
        assert!(score > 30.0, "{width} x {height}: {score}");
        assert_eq!(reading.number(), Some(4_123_456_789_012));
        for other in 10..60 {
            let innocent = reading.score(&MarkKey::new(&[other; 16])).unwrap();
            assert!(innocent < 6.0, "{innocent}");
        }
    }
    assert!(decibels(100, 768) == 48.0 && decibels(1024, 10) == 50.0 && decibels(9000, 9000) == 52.0);
}

#[test]
fn a_colour_picture_carries_it_in_its_luma_and_a_negative_one_still_shows_it() {
    let keys = keys();
    let grey = film(640, 524, 5);
    let rgb = grey.bytes().iter().flat_map(|byte| [*byte, byte / 2 + 40, 200 - byte / 2]).collect();
    let original = Picture::rgb(640, 524, rgb).unwrap();
    let leaked = written(&original, &keys);
    assert!(reading(&original, &leaked, &keys).score(&keys.own).unwrap() > 20.0);
    let negative =
        Picture::grey(640, 524, written(&grey, &keys).bytes().iter().map(|byte| 255 - byte).collect()).unwrap();
    assert!(reading(&grey, &negative, &keys).score(&keys.own).unwrap() > 20.0);
}

#[test]
fn innocents_score_no_more_often_than_the_bound_says_whatever_was_done() {
    let keys = keys();
    let original = film(512, 512, 9);
    let marked = written(&original, &keys);
    let squares: Vec<u8> = (0..512 * 512).map(|n| if (n / 8 + n / 4096) % 2 == 0 { 20 } else { 230 }).collect();
    let leaks = [marked, film(512, 512, 10), Picture::grey(512, 512, squares).unwrap()];
    for leaked in leaks {
        let reading = reading(&original, &leaked, &keys);
        let (mut over, innocents) = ([0_u32; 4], 4000);
        for innocent in 0..innocents {
            let mut secret = [0x55; 16];
            secret[..4].copy_from_slice(&u32::to_le_bytes(innocent));
            let score = reading.score(&MarkKey::new(&secret)).unwrap();
            over.iter_mut().zip(0..).for_each(|(over, z)| *over += u32::from(score >= f64::from(z)));
        }
        for (over, z) in over.iter().zip(0..) {
            let bound = ln_bound(f64::from(z)).exp() * f64::from(innocents);
            assert!(f64::from(*over) <= bound + 3.0 * bound.sqrt(), "{over} of {innocents} innocents reach {z}");
        }
    }
}

#[test]
fn pictures_of_one_disclosure_add_up_and_a_useless_one_does_little_harm() {
    let keys = keys();
    let original = film(512, 512, 11);
    let marked = written(&original, &keys);
    // A twentieth of the mark is left in each.
    let faint = |seed: usize| {
        let bytes = original.bytes().iter().zip(marked.bytes()).enumerate().map(|(n, (own, marked))| {
            if n.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) % 16 == 0 { *marked } else { *own }
        });
        Picture::grey(512, 512, bytes.collect()).unwrap()
    };
    let readings: Vec<Reading> = (0..6).map(|seed| reading(&original, &faint(seed), &keys)).collect();
    let alone = readings[0].score(&keys.own).unwrap();
    assert!((score(&readings[..1], &keys.own).unwrap() - alone).abs() < 1e-3);
    let all = score(&readings, &keys.own).unwrap();
    assert!(all > 1.3 * alone && alone > 2.0, "{alone} alone, {all} together");
    let useless = reading(&original, &film(512, 512, 12), &keys);
    let with = score(&[readings, vec![useless]].concat(), &keys.own).unwrap();
    assert!(with > 0.8 * all, "{with} of {all}");
    assert!(score(&[], &keys.own).unwrap() == 0.0);
}

#[test]
fn the_smallest_and_the_emptiest_pictures_are_read_as_nothing() {
    let keys = keys();
    assert!(Picture::grey(0, 5, vec![]).is_none() && Picture::grey(2, 2, vec![0; 3]).is_none());
    assert!(Picture::rgb(LEAKED_PIXELS_MAX, 2, vec![]).is_none() && Picture::grey(usize::MAX, 2, vec![]).is_none());
    let original = film(512, 512, 13);
    for leaked in [
        Picture::grey(1, 1, vec![7]).unwrap(),
        Picture::grey(1, 900, vec![255; 900]).unwrap(),
        Picture::rgb(3, 2, vec![0; 18]).unwrap(),
    ] {
        let reading = reading(&original, &leaked, &keys);
        assert!(reading.score(&keys.own).unwrap().abs() < 6.0);
        assert!(
            marked(&leaked, &Mark { image: IMAGE, disclosure: &keys.own, carriers: &keys.carriers, number: 0 }, 48.0)
                .is_ok()
        );
    }
}

#[test]
fn a_picture_has_as_many_pixels_as_the_limit_and_not_one_more() {
    let largest = Picture::grey(10_000, LEAKED_PIXELS_MAX / 10_000, vec![50; LEAKED_PIXELS_MAX]).unwrap();
    assert!(largest.luma(1024).width() < 2048);
    assert!((largest.luma(1024).mean() - 50.0).abs() < 1e-3);
    assert!(Picture::grey(LEAKED_PIXELS_MAX + 1, 1, vec![50; LEAKED_PIXELS_MAX + 1]).is_none());
    let longest = Picture::grey(1, LEAKED_PIXELS_MAX, vec![50; LEAKED_PIXELS_MAX]).unwrap();
    assert_eq!((canonical(&longest).width(), canonical(&longest).height()), (dct::SIDE, dct::SIDE));
    assert_eq!(format!("{longest:?}"), "Picture(1 x 100000000 x 1)", "no pixel is printed");
}
