//! Facilities, their staff, and patients with everything that identifies them.

use super::names::{CULTURES, Culture, PHYSICIANS, STREETS, VILLAGES};
use super::random::Random;
use jiff::civil::Date;
use record::{FacilityCode, Role};

/// The day on which the world is looked at; every visit lies before it.
pub const TODAY: Date = Date::constant(2026, 11, 20);

/// A hospital or clinic.
#[derive(Clone, Debug)]
pub struct Facility {
    /// Its code.
    pub code: FacilityCode,
    /// Its name.
    pub name: String,
    /// The town of its letterhead.
    pub town: String,
    /// AE title of its modalities' gateway.
    pub ae_title: String,
    /// Offset from UTC as DICOM writes it: `+0700`, `+0800`, `+0900`.
    pub offset: &'static str,
    /// Whether its systems name themselves as issuer of the medical record number (0010,0021).
    pub names_issuer: bool,
    region: &'static str,
}

/// Somebody who works at a facility, or a system of it.
#[derive(Clone, Debug)]
pub struct Staff {
    /// The name on the register.
    pub name: String,
    /// Where.
    pub facility: FacilityCode,
    /// What for.
    pub role: Role,
}

/// A patient. Nothing of it is printed by `Debug`.
#[derive(Clone)]
pub struct Patient {
    /// First names.
    pub given: String,
    /// Second words; empty for people of one name.
    pub second: String,
    /// Whether the second word is a family name.
    pub family: bool,
    /// `true` for women.
    pub female: bool,
    /// Date of birth.
    pub born: Date,
    /// Nomor Induk Kependudukan.
    pub nik: String,
    /// Number of the health insurance card.
    pub jkn: String,
    /// Mobile phone.
    pub phone: String,
    /// Home address.
    pub address: String,
    /// Medical record numbers: the facility's place in the world's list, and the number.
    pub record_numbers: Vec<(usize, String)>,
}

impl std::fmt::Debug for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Patient(#)")
    }
}

impl Patient {
    /// The name as people say it.
    #[must_use]
    pub fn spoken(&self) -> String {
        format!("{} {}", self.given, self.second).trim().to_owned()
    }

    /// PatientName (0010,0010). A single name, and names without a family part, stand as the family component, which is
    /// how registration desks type them.
    #[must_use]
    pub fn dicom_name(&self) -> String {
        let (given, second) = (self.given.to_uppercase(), self.second.to_uppercase());
        match (second.is_empty(), self.family) {
            (true, _) => given,
            (false, true) => format!("{second}^{given}"),
            (false, false) => format!("{given} {second}"),
        }
    }

    /// Age in whole years on a day.
    #[must_use]
    pub fn age_on(&self, day: Date) -> i16 {
        let before = (day.month(), day.day()) < (self.born.month(), self.born.day());
        day.year() - self.born.year() - i16::from(before)
    }
}

/// Four invented facilities, from Java to Papua.
#[must_use]
pub fn facilities() -> Vec<Facility> {
    let facility = |code: &str, name: &str, town: &str, ae: &str, offset, names_issuer, region| {
        FacilityCode::new(code).map(|code| Facility {
            code,
            name: name.to_owned(),
            town: town.to_owned(),
            ae_title: ae.to_owned(),
            offset,
            names_issuer,
            region,
        })
    };
    [
        facility("RSUD-TIRTA", "RSUD Tirta Mandala", "Tirtamandala", "TIRTA_GW", "+0700", false, "3471"),
        facility("RSUD-SANJAYA", "RSUD Bukit Sanjaya", "Sanjayapura", "SANJAYA_GW", "+0700", true, "1371"),
        facility("RS-SEGARA", "RS Nusa Segara", "Segarawangi", "SEGARA_GW", "+0800", true, "5171"),
        facility("KLINIK-CENDRA", "Klinik Cendrawasih Lestari", "Lestarijaya", "CENDRA_GW", "+0900", false, "9171"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// For each facility a radiologist, a radiographer, a laboratory system and a gateway.
#[must_use]
pub fn staff(facilities: &[Facility]) -> Vec<Staff> {
    let doctors = [
        "dr. Ratna Kusumadewi, Sp.Rad",
        "dr. Horas Simatupang, Sp.Rad",
        "dr. I Ketut Adnyana, Sp.P",
        "dr. Yoseph Rumakiek",
    ];
    let mut all = Vec::new();
    for (facility, doctor) in facilities.iter().zip(doctors) {
        let short = facility.ae_title.trim_end_matches("_GW").to_lowercase();
        let mut add = |name: String, role| all.push(Staff { name, facility: facility.code.clone(), role });
        add(doctor.to_owned(), Role::Clinician);
        add(format!("radiografer-{short}"), Role::Radiographer);
        add(format!("laboratorium-{short}"), Role::Laboratory);
        add(format!("gateway-{short}"), Role::System);
    }
    all
}

/// A referring physician's name.
#[must_use]
pub fn physician(random: &mut Random) -> &'static str {
    random.pick(&PHYSICIANS)
}

/// One patient of the facility at `home`, sometimes also of another.
#[must_use]
pub fn patient(mut random: Random, facilities: &[Facility], home: usize) -> Patient {
    let random = &mut random;
    let culture: Culture = random.pick(&CULTURES);
    let female = random.chance(0.52);
    let given = random.pick(if female { culture.women } else { culture.men }).to_owned();
    let second =
        if random.below(100) < culture.single { String::new() } else { random.pick(culture.second).to_owned() };
    let born = birthday(random);
    let region = facilities.get(home).map_or("3171", |f| f.region);
    let mut record_numbers = vec![(home, record_number(random, home))];
    let other = random.below(facilities.len() as u64) as usize;
    if other != home && random.chance(0.18) {
        record_numbers.push((other, record_number(random, other)));
    }
    Patient {
        nik: nik(random, region, born, female),
        jkn: format!("000{}{}", random.within(1, 3), random.digits(9)),
        phone: format!("08{}{}", random.pick(&["12", "13", "21", "52", "57", "78", "95"]), random.digits(8)),
        address: format!("{} No. {}, {}", random.pick(&STREETS), random.within(1, 190), random.pick(&VILLAGES)),
        given,
        second,
        family: culture.family,
        female,
        born,
        record_numbers,
    }
}

fn birthday(random: &mut Random) -> Date {
    // Most patients are grown up; a few are children.
    let years = if random.chance(0.08) { random.within(1, 16) } else { random.within(17, 84) };
    let days = i64::try_from(years * 365 + random.below(365)).unwrap_or(10_000);
    TODAY.checked_sub(jiff::Span::new().days(days)).unwrap_or(TODAY)
}

/// Region of issue (6), day of birth with 40 added for women, month, year (2 each), serial (4).
fn nik(random: &mut Random, region: &str, born: Date, female: bool) -> String {
    let day = born.day() + if female { 40 } else { 0 };
    format!(
        "{region}{:02}{day:02}{:02}{:02}{:04}",
        random.within(1, 14),
        born.month(),
        born.year().rem_euclid(100),
        random.within(1, 60)
    )
}

/// Each facility numbers its records in its own way.
fn record_number(random: &mut Random, facility: usize) -> String {
    let digits = random.digits(6);
    let pairs: Vec<String> = digits.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into_owned()).collect();
    match facility % 4 {
        0 => pairs.join("-"),
        1 => format!("RM{digits}"),
        2 => format!("{}.{digits}", random.within(18, 26)),
        _ => format!("00{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_form() {
        let facilities = facilities();
        assert_eq!(facilities.len(), 4);
        for seed in 0..500 {
            let p = patient(Random::new(seed), &facilities, (seed % 4) as usize);
            assert!(p.nik.len() == 16 && p.nik.bytes().all(|b| b.is_ascii_digit()), "{}", p.nik);
            assert!(p.jkn.len() == 13 && p.jkn.bytes().all(|b| b.is_ascii_digit()), "{}", p.jkn);
            let day: i8 = p.nik.get(6..8).unwrap().parse().unwrap();
            assert_eq!(day, p.born.day() + if p.female { 40 } else { 0 });
            assert!(!p.spoken().is_empty() && p.age_on(TODAY) >= 0);
            assert!(p.dicom_name().len() <= 64 && !p.dicom_name().ends_with('^'));
        }
    }
}
