//! The figures of marked and leaked pictures, over real films that are no part of this repository.

use super::figures::Figure;
use super::pictures::{Attack, Mixing, Result, jpeg, read, stranger, with_side};
use crate::random::Random;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use trace::image::detect::Reading;
use trace::image::features::Feature;
use trace::image::index::{FEATURES_KEPT_MAX, Index};
use trace::image::mark::{Mark, canonical, marked};
use trace::image::register::{Leaked, Original, lay};
use trace::image::{ImageId, MarkKey, Picture, lookup, pdq};

/// A score with a bound of 10^-6 over 1,000 disclosures: sqrt(2 ln(10^9)).
const SCORE_MIN: f64 = 6.44;
/// Innocent disclosures that are scored for each leaked picture.
const INNOCENTS: u32 = 1000;

/// Where the films are: `SEGEL_RADIOGRAPHS`, or beside the workspace. `None` if they are not there.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/radiographs");
    Some(std::env::var_os("SEGEL_RADIOGRAPHS").map_or(beside, PathBuf::from)).filter(|folder| folder.is_dir())
}

/// The films of a folder, in order of their names.
///
/// # Errors
/// If one cannot be read.
pub fn films(folder: &Path) -> Result<Vec<Picture>> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(folder)? {
        files.push(file?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "png"));
    files.sort();
    files.iter().map(|file| read(&std::fs::read(file)?)).collect()
}

/// The half of the films that nothing was tuned on: every second one, by name.
#[must_use]
pub fn unseen(films: &[Picture]) -> Vec<Picture> {
    films.iter().skip(1).step_by(2).cloned().collect()
}

/// Works on each of so many, on all processors.
fn each<T: Send>(count: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= count {
                return Ok(done);
            }
            done.push((place, work(place).map_err(|error| error.to_string())?));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let all: Vec<std::result::Result<Vec<(usize, T)>, String>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended".to_owned()))).collect()
    });
    let mut done = Vec::new();
    for part in all {
        done.extend(part?);
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, value)| value).collect())
}

fn key(kind: u8, number: usize) -> MarkKey {
    let mut secret = [kind; 16];
    secret.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, of)| *byte ^= of);
    MarkKey::new(&secret)
}

fn image(number: usize) -> ImageId {
    u128::try_from(number).unwrap_or_default().to_le_bytes()
}

/// The best score of innocents.
fn best_innocent(reading: &Reading) -> Result<f64> {
    let mut best = 0.0_f64;
    for innocent in 0..INNOCENTS {
        best = best.max(reading.score(&key(0x77, usize::try_from(innocent)? + 1_000_000))?);
    }
    Ok(best)
}

/// What a leaked picture was found to be.
struct Leak {
    score: f64,
    innocent: f64,
    is_read: bool,
}

/// Marks in previews of 1,024 pixels at 48 dB, after each attack; and how little of them is seen.
///
/// # Errors
/// If a picture or the cipher fails.
pub fn previews(films: &[Picture], attacks: &[Attack], seed: u64) -> Result<Vec<Figure>> {
    let carriers = key(0x11, 0);
    let of_film = |film: usize| {
        let picture = with_side(films.get(film).ok_or("no film")?, 1024)?;
        let (image, own) = (image(film), key(0x22, film));
        let number = 1_000 + u64::try_from(film)?;
        let mark = Mark { image, disclosure: &own, carriers: &carriers, number };
        let copy = marked(&picture, &mark, 48.0)?;
        let original = Original::new(&picture);
        let mut leaks = Vec::with_capacity(attacks.len());
        for (nth, attack) in (0..).zip(attacks) {
            let mut chance = Random::new(seed.wrapping_add(number << 20).wrapping_add(nth));
            let leaked = attack.on(&copy, &mut chance)?;
            let Some(laid) = lay(&original, &Leaked::new(&leaked)) else {
                leaks.push(Leak { score: 0.0, innocent: 0.0, is_read: false });
                continue;
            };
            let reading = Reading::of(image, original.canonical(), &laid.leaked, &laid.valid, &carriers)?;
            let is_read = reading.number() == Some(number);
            leaks.push(Leak { score: reading.score(&own)?, innocent: best_innocent(&reading)?, is_read });
        }
        Ok((leaks, likeness(&picture, &copy)))
    };
    let found = each(films.len(), of_film)?;
    let mut figures = Vec::new();
    for (nth, attack) in attacks.iter().enumerate() {
        figures.push(of_attack(*attack, found.iter().filter_map(|(leaks, _)| leaks.get(nth))));
    }
    let least = found.iter().map(|(_, likeness)| *likeness).fold(1.0, f32::min);
    figures.push(Figure {
        what: format!("likeness (SSIM) of marked previews, 1,024 px, 48 dB, {} films", found.len()),
        reach: ">= 0.995".to_owned(),
        measured: format!("least {least:.4}"),
        is_met: least >= 0.995,
    });
    Ok(figures)
}

fn of_attack<'l>(attack: Attack, leaks: impl Iterator<Item = &'l Leak>) -> Figure {
    let leaks: Vec<&Leak> = leaks.collect();
    let mut scores: Vec<f64> = leaks.iter().map(|leak| leak.score).collect();
    scores.sort_by(f64::total_cmp);
    let found = scores.iter().filter(|score| **score >= SCORE_MIN).count();
    let innocent = leaks.iter().map(|leak| leak.innocent).fold(0.0, f64::max);
    let read = leaks.iter().filter(|leak| leak.is_read).count();
    let per_cent = match attack {
        Attack::Phone => 90,
        Attack::Screenshot => 98,
        _ => 99,
    };
    Figure {
        what: format!("mark in previews, 1,024 px, 48 dB, {attack:?}"),
        reach: format!("named in >= {per_cent} %; no innocent"),
        measured: format!(
            "{found} of {}; score {:.1}, least {:.1}, best of {INNOCENTS} innocents each {innocent:.1}; number read in {read}",
            leaks.len(),
            scores.get(scores.len() / 2).copied().unwrap_or_default(),
            scores.first().copied().unwrap_or_default()
        ),
        is_met: found * 100 >= leaks.len() * per_cent && innocent < SCORE_MIN,
    }
}

/// The mean structural similarity (Wang and others 2004), with its Gaussian window of 1.5 pixels.
fn likeness(a: &Picture, b: &Picture) -> f32 {
    let (a, b) = (a.luma(usize::MAX), b.luma(usize::MAX));
    let (mean_a, mean_b) = (a.smooth(1.5), b.smooth(1.5));
    let spread = |x: &trace::image::Plane, y: &trace::image::Plane, means: [&trace::image::Plane; 2]| {
        let [mean_x, mean_y] = means;
        x.with(y, |x, y| x * y).smooth(1.5).with(&mean_x.with(mean_y, |x, y| x * y), |both, means| both - means)
    };
    let own = spread(&a, &a, [&mean_a, &mean_a]).with(&spread(&b, &b, [&mean_b, &mean_b]), |a, b| a + b + 58.522_5);
    let shared = spread(&a, &b, [&mean_a, &mean_b]).with(&own, |both, own| (2.0 * both + 58.522_5) / own);
    let level = mean_a.with(&mean_b, |a, b| (2.0 * a * b + 6.502_5) / (a * a + b * b + 6.502_5));
    level.with(&shared, |level, shared| level * shared).mean()
}

/// Ten colluders on one picture of 512 pixels, for each way of mixing.
///
/// # Errors
/// If a picture or the cipher fails.
pub fn colluders(films: &[Picture]) -> Result<Vec<Figure>> {
    let carriers = key(0x11, 0);
    let of_film = |film: usize| {
        let picture = with_side(films.get(film).ok_or("no film")?, 512)?;
        let own: Vec<MarkKey> = (0..10).map(|copy| key(0x33, 16 * film + copy)).collect();
        let mut copies = Vec::new();
        for (number, disclosure) in (1_000_000_007_u64..).step_by(77_777_777).zip(&own) {
            copies.push(marked(&picture, &Mark { image: image(film), disclosure, carriers: &carriers, number }, 48.0)?);
        }
        let original = canonical(&picture);
        let mut found = Vec::new();
        for mixing in Mixing::ALL {
            let leaked = jpeg(&mixing.of(&copies).ok_or("no copies")?, 75)?;
            let valid = original.map(|_| 1.0);
            let reading = Reading::of(image(film), &original, &canonical(&leaked), &valid, &carriers)?;
            let mut named = 0;
            for disclosure in &own {
                named += usize::from(reading.score(disclosure)? >= SCORE_MIN);
            }
            found.push((named, best_innocent(&reading)?));
        }
        Ok(found)
    };
    let found = each(films.len(), of_film)?;
    let figures = Mixing::ALL.iter().enumerate().map(|(nth, mixing)| {
        let of_mixing = found.iter().filter_map(|found| found.get(nth));
        let least = of_mixing.clone().map(|(named, _)| *named).min().unwrap_or_default();
        let innocent = of_mixing.map(|(_, innocent)| *innocent).fold(0.0, f64::max);
        Figure {
            what: format!("ten colluders on one picture of 512 px, 48 dB, {mixing:?}, JPEG 75, {} films", found.len()),
            reach: ">= 1 named always, no innocent".to_owned(),
            measured: format!("{least} of 10 named at least; best of {INNOCENTS} innocents each {innocent:.1}"),
            is_met: least >= 1 && innocent < SCORE_MIN,
        }
    });
    Ok(figures.collect())
}

/// All films and strangers, as an archive has them.
struct Archive {
    films: Vec<Original>,
    hashes: Vec<pdq::Hash>,
    index: Index,
    /// What strangers are made of: they are too many to be kept.
    sources: Vec<Picture>,
    seed: u64,
}

impl Archive {
    fn new(films: &[Picture], strangers: usize, seed: u64) -> Result<Self> {
        let made = each(films.len() + strangers, |place| {
            let picture = Self::picture(films, seed, place)?;
            let original = Original::new(&picture);
            let features: Vec<Feature> = original.features().iter().take(FEATURES_KEPT_MAX).cloned().collect();
            Ok((pdq::hash(&picture).0, features, (place < films.len()).then_some(original)))
        })?;
        // Words are of strangers if there are any, so that films do not define what they are told by.
        let examples: Vec<Feature> =
            made.iter().rev().take(100).flat_map(|(_, features, _)| features.iter().step_by(5).cloned()).collect();
        let mut index = Index::new(b"0123456789abcdef", &examples)?;
        let (mut hashes, mut originals) = (Vec::new(), Vec::new());
        for (hash, features, original) in made {
            hashes.push(hash);
            index.add(&features);
            originals.extend(original);
        }
        Ok(Self { films: originals, hashes, index, sources: films.to_vec(), seed })
    }

    fn picture(films: &[Picture], seed: u64, place: usize) -> Result<Picture> {
        match films.get(place) {
            Some(film) => with_side(film, 1024),
            None => stranger(films, &mut Random::new(seed.wrapping_add(u64::try_from(place)? << 20))),
        }
    }

    /// Which film or stranger a leaked picture is said to be.
    fn find(&self, picture: &Picture) -> Result<Option<usize>> {
        let leaked = Leaked::new(picture);
        let candidates = self.index.candidates(leaked.features());
        let mut places = Vec::new();
        let mut strangers = Vec::new();
        for candidate in candidates {
            let place = usize::try_from(candidate.original)?;
            places.push(place);
            if place >= self.films.len() {
                strangers.push((place, Original::new(&Self::picture(&self.sources, self.seed, place)?)));
            }
        }
        let made = |place: usize| strangers.iter().find(|(of, _)| *of == place).map(|(_, original)| original);
        let originals: Vec<&Original> =
            places.iter().filter_map(|place| self.films.get(*place).or_else(|| made(*place))).collect();
        Ok(lookup::find(&leaked, &originals).and_then(|found| places.get(found.original).copied()))
    }
}

/// Films found again among all films and strangers: re-encoded ones by their hash; cut, framed and photographed ones by their
/// features and by being laid onto the candidates. Every `step`th film, from the second.
///
/// # Errors
/// If a picture or the cipher fails.
pub fn found_again(films: &[Picture], step: usize, strangers: usize, seed: u64) -> Result<Vec<Figure>> {
    let archive = Archive::new(films, strangers, seed)?;
    let asked: Vec<usize> = (1..films.len()).step_by(step).collect();
    let encoded = [Attack::Jpeg(50), Attack::Jpeg(30), Attack::Scale(0.5), Attack::Tone];
    let changed = [Attack::Crop(0.1), Attack::Crop(0.25), Attack::Screenshot, Attack::Phone, Attack::Chain(50, 0.1)];
    let of_film = |nth: usize| {
        let place = asked.get(nth).copied().ok_or("no film")?;
        let picture = with_side(films.get(place).ok_or("no film")?, 1024)?;
        let mut chance = Random::new(seed.wrapping_add(u64::try_from(place)? << 24));
        let (mut by_hash, mut by_features) = (Vec::new(), Vec::new());
        for attack in encoded {
            let query = pdq::hash(&attack.on(&picture, &mut chance)?).0;
            let answers = pdq::search(&archive.hashes, &[query], pdq::NEAR_BITS);
            by_hash.push(answers.first().and_then(|answers| answers.first()).is_some_and(|best| best.place == place));
        }
        for attack in changed {
            let found = archive.find(&attack.on(&picture, &mut chance)?)?;
            by_features.push((found == Some(place), found.is_some_and(|found| found != place)));
        }
        Ok((by_hash, by_features))
    };
    let found = each(asked.len(), of_film)?;
    let all = archive.hashes.len();
    let mut figures = vec![{
        let right = found.iter().flat_map(|(by_hash, _)| by_hash).filter(|is_right| **is_right).count();
        let of = found.len() * encoded.len();
        Figure {
            what: format!("re-encoded pictures found among {all} by their hash"),
            reach: "100 %".to_owned(),
            measured: format!("{right} of {of}"),
            is_met: right == of,
        }
    }];
    let mut wrong = 0;
    for (nth, attack) in changed.iter().enumerate() {
        let of_attack = found.iter().filter_map(|(_, by_features)| by_features.get(nth));
        let right = of_attack.clone().filter(|(is_right, _)| *is_right).count();
        wrong += of_attack.filter(|(_, is_wrong)| *is_wrong).count();
        figures.push(Figure {
            what: format!("pictures found among {all} by their features, {attack:?}"),
            reach: ">= 95 % first and accepted".to_owned(),
            measured: format!("{right} of {}", found.len()),
            is_met: right * 100 >= found.len() * 95,
        });
    }
    let pairs = found.len() * changed.len() * (all - 1);
    figures.push(Figure {
        what: "strangers taken for the film that leaked".to_owned(),
        reach: "0 in >= 100,000 pairs".to_owned(),
        measured: format!("{wrong} in {pairs}"),
        is_met: wrong == 0 && pairs >= 100_000,
    });
    Ok(figures)
}
