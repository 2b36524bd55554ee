//! People who do not exist.
//!
//! A NIK is region of issue, date of birth and a serial number within both. Serials begin at 0001 and count the people of one
//! sub-district who were born on one day: a handful, in the largest some tens. Those drawn here are from 0301 to 0989, which no
//! registration comes to, on days that are not among those that are written where a birthday is unknown: the first and last
//! of a month and the seventeenth of August. So the number passes every check of its form and belongs to nobody. Numbers of
//! insurance cards are counted up from 0000000000001 and have come to 0003; those drawn here begin with 0009.

use crate::demo::world::names::{CULTURES, Culture};
use crate::demo::world::random::Random;
use seal::message::canary::Identity;

/// Sub-districts that exist, of the capitals of provinces: numbers of a region that is none would be noticed.
const REGIONS: [(&str, u64); 12] = [
    ("1271", 21),
    ("1371", 11),
    ("1671", 18),
    ("3171", 8),
    ("3172", 6),
    ("3174", 10),
    ("3273", 30),
    ("3374", 16),
    ("3471", 14),
    ("3578", 31),
    ("5171", 4),
    ("7371", 14),
];

/// Draws one. In `number_format` each `#` becomes a digit; everything else stands for itself.
pub fn draw(random: &mut Random, number_format: &str, year: i16) -> Identity {
    let culture: Culture = random.pick(&CULTURES);
    let is_female = random.chance(0.52);
    let given = random.pick(if is_female { culture.women } else { culture.men }).to_uppercase();
    let is_single = random.below(100) < culture.single || culture.second.is_empty();
    let second = random.pick(culture.second).to_uppercase();
    let name = match (is_single, culture.family) {
        (true, _) => given,
        (false, true) => format!("{second}^{given}"),
        (false, false) => format!("{given} {second}"),
    };
    let born_year = year.saturating_sub(i16::try_from(random.within(19, 83)).unwrap_or(40));
    let month = random.within(1, 12);
    // Neither the first nor one that a month may not have, nor the seventeenth of August.
    let day = match random.within(2, 27) {
        17 if month == 8 => 18,
        day => day,
    };
    let (region, districts) = REGIONS.get(index(random, REGIONS.len())).copied().unwrap_or(("3171", 8));
    let nik_day = day + if is_female { 40 } else { 0 };
    let nik = format!(
        "{region}{:02}{nik_day:02}{month:02}{:02}{:04}",
        random.within(1, districts),
        born_year.rem_euclid(100),
        random.within(301, 989)
    );
    let number: String =
        number_format.chars().map(|c| if c == '#' { random.digits(1) } else { c.to_string() }).collect();
    Identity {
        name,
        number,
        nik,
        card: format!("0009{}", random.digits(9)),
        born: format!("{born_year:04}{month:02}{day:02}"),
        sex: if is_female { "F" } else { "M" }.to_owned(),
    }
}

fn index(random: &mut Random, len: usize) -> usize {
    usize::try_from(random.below(u64::try_from(len).unwrap_or(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_for_real_and_are_issued_to_nobody() {
        let mut random = Random::new(11);
        for _ in 0..5_000 {
            let one = draw(&mut random, "RM-######", 2026);
            assert!(one.nik.len() == 16 && one.nik.bytes().all(|b| b.is_ascii_digit()));
            assert!(archive::ingest::national("NIK", &one.nik).is_some());
            let (nik, born) = (|range| one.nik.get(range).unwrap(), |range| one.born.get(range).unwrap());
            let serial: u32 = nik(12..16).parse().unwrap();
            assert!((301..=989).contains(&serial));
            let day: u32 = nik(6..8).parse().unwrap();
            let day = if one.sex == "F" { day - 40 } else { day };
            assert_eq!(format!("{day:02}"), born(6..8));
            assert_eq!(nik(8..12), format!("{}{}", born(4..6), born(2..4)));
            assert!(!["0101", "0817", "1231"].contains(&born(4..8)), "{}", one.born);
            assert!(one.number.len() == 9 && one.number.starts_with("RM-") && !one.name.is_empty());
            let date = jiff::civil::Date::strptime("%Y%m%d", &one.born);
            assert!(date.is_ok_and(|date| date.year() <= 2007));
        }
    }
}
