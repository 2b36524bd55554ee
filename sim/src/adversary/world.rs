//! A hospital's patients as an attacker who studied the country would expect them: names by their frequency, national
//! numbers by their pattern.

use crate::process::Archive;
use crate::random::Random;
use crate::sample::{Person, Uids, data_set};
use crate::{Result, dimse};

/// Words of names, the commonest first. The tail is made of syllables.
const COMMON: [&str; 48] = [
    "MUHAMMAD",
    "SITI",
    "SRI",
    "AHMAD",
    "NUR",
    "AGUS",
    "ABDUL",
    "DEWI",
    "EKO",
    "BUDI",
    "RINA",
    "DWI",
    "TRI",
    "ADI",
    "WAHYU",
    "INDAH",
    "YULI",
    "ANDI",
    "PUTRI",
    "RATNA",
    "HENDRA",
    "WATI",
    "LESTARI",
    "SETIAWAN",
    "SANTOSO",
    "WIBOWO",
    "RAHMAN",
    "HIDAYAT",
    "SUSANTI",
    "FITRI",
    "KURNIAWAN",
    "SAPUTRA",
    "NINGSIH",
    "HANDAYANI",
    "UTAMI",
    "PRATAMA",
    "NASUTION",
    "SIREGAR",
    "KETUT",
    "WAYAN",
    "MADE",
    "NYOMAN",
    "HASAN",
    "YUSUF",
    "IBRAHIM",
    "AISYAH",
    "FATIMAH",
    "MARIA",
];
const SYLLABLES: [&str; 24] = [
    "BA", "DI", "RU", "SA", "KA", "MI", "TO", "LE", "NA", "PU", "WI", "HA", "YO", "GU", "FA", "RI", "ZA", "NI", "LA",
    "SU", "TI", "MA", "DE", "RA",
];
/// Different words. Their frequencies fall as one by their rank (Zipf), as those of a registry do.
const WORDS: usize = 3_000;

/// The word of a rank.
#[must_use]
pub fn word(rank: usize) -> String {
    if let Some(common) = COMMON.get(rank) {
        return (*common).to_owned();
    }
    let mut rest = rank;
    let mut text = String::new();
    for _ in 0..3 {
        text.push_str(SYLLABLES.get(rest % SYLLABLES.len()).copied().unwrap_or("BA"));
        rest /= SYLLABLES.len();
    }
    text
}

/// Draws words by their frequency.
pub struct Names {
    cumulative: Vec<f64>,
}

impl Default for Names {
    fn default() -> Self {
        let mut sum = 0.0;
        let mut cumulative = Vec::with_capacity(WORDS);
        for rank in 1..=WORDS {
            sum += 1.0 / f64::from(u32::try_from(rank).unwrap_or(u32::MAX));
            cumulative.push(sum);
        }
        Self { cumulative }
    }
}

impl Names {
    /// One word.
    pub fn draw(&self, random: &mut Random) -> String {
        const STEPS: u32 = 1 << 30;
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let at = f64::from(u32::try_from(random.below(u64::from(STEPS))).unwrap_or(0)) / f64::from(STEPS) * total;
        word(self.cumulative.partition_point(|sum| *sum <= at))
    }
}

/// So many people: two words each, a number of their hospital and a national one.
#[must_use]
pub fn people(count: usize, seed: u64) -> Vec<Person> {
    let names = Names::default();
    let mut random = Random::new(seed);
    (0..count)
        .map(|n| {
            let name = format!("{}^{}", names.draw(&mut random), names.draw(&mut random));
            Person { name, ..Person::nth(n) }
        })
        .collect()
}

/// Sends an instance of each person from several modalities at once.
///
/// # Errors
/// If one is not taken.
pub fn fill(archive: &Archive, title: &str, people: &[Person]) -> Result<()> {
    const MODALITIES: usize = 4;
    let part = people.len().div_ceil(MODALITIES).max(1);
    std::thread::scope(|scope| {
        let senders: Vec<_> = people
            .chunks(part)
            .enumerate()
            .map(|(nth, chunk)| scope.spawn(move || send(archive, title, chunk, nth * part).map_err(|e| e.to_string())))
            .collect();
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        Ok(())
    })
}

fn send(archive: &Archive, title: &str, people: &[Person], first: usize) -> Result<()> {
    let mut association = dimse::accepted(archive.dimse, title)?;
    for (at, person) in people.iter().enumerate() {
        let n = first + at;
        let uids = Uids::new(n + 1, 1, 1);
        let status = association.store(&uids, &data_set(person, &uids, 16, &n.to_le_bytes()))?;
        // B000H: other bytes under a number that was there are another version.
        if !matches!(status, 0 | 0xB000) {
            return Err(format!("C-STORE answered {status:04X}").into());
        }
    }
    association.release()
}
