//! Patients as Indonesian hospitals know them: few names that very many have, and many that few have.

use super::random::Random;

const GIVEN: [&str; 96] = [
    "SITI", "NUR", "SRI", "AGUS", "DEWI", "MUHAMMAD", "BUDI", "AHMAD", "EKO", "RINA", "DWI", "TRI", "NI MADE", "ABDUL",
    "HERI", "YULI", "ENDANG", "I WAYAN", "RATNA", "JOKO", "ANI", "WAHYU", "FITRI", "INDAH", "RUDI", "LINA", "BAMBANG",
    "HENDRA", "DIAN", "EVI", "ARIF", "MARIA", "IWAN", "NANI", "TATI", "DEDI", "YANTI", "SUPRI", "ADI", "RIZKI", "AYU",
    "KETUT", "ASEP", "UJANG", "DEVI", "FAJAR", "LILIS", "ROHMAN", "AMINAH", "BAYU", "CAHYO", "DARMA", "ELISA",
    "FARIDA", "GALIH", "HASAN", "IMAM", "JULIA", "KARTIKA", "LESTARI", "MEGA", "NOVI", "OKTA", "PUTRI", "QORI",
    "RAHMAT", "SARI", "TAUFIK", "UMI", "VINA", "WATI", "YUDHA", "ZAINAL", "ANDI", "BAGAS", "CITRA", "DONI", "ERNA",
    "FERI", "GITA", "HARUN", "INTAN", "JAMAL", "KRISNA", "LUKMAN", "MULYADI", "NINGSIH", "OPIK", "PAULUS", "RATIH",
    "SULASTRI", "TEGUH", "UNTUNG", "VERA", "WINDA", "YOHANES",
];
const FAMILY: [&str; 96] = [
    "RAHAYU",
    "SANTOSO",
    "WIBOWO",
    "SETIAWAN",
    "HIDAYAT",
    "LESTARI",
    "PRATAMA",
    "SAPUTRA",
    "WAHYUNI",
    "NUGROHO",
    "SUSANTI",
    "KURNIAWAN",
    "HANDAYANI",
    "SARI",
    "PUTRA",
    "UTAMI",
    "SUTRISNO",
    "SIREGAR",
    "NASUTION",
    "GUNAWAN",
    "PURNOMO",
    "WIJAYA",
    "HARAHAP",
    "SUTANTO",
    "ASTUTI",
    "FAUZI",
    "MAULANA",
    "SUKARDI",
    "KUSUMA",
    "SUHARTONO",
    "MARLINA",
    "ROHANI",
    "SIMANJUNTAK",
    "PANJAITAN",
    "LUBIS",
    "GINTING",
    "TANJUNG",
    "HALIM",
    "SALIM",
    "YUSUF",
    "ISMAIL",
    "IBRAHIM",
    "RAMADHAN",
    "FIRMANSYAH",
    "HERLAMBANG",
    "PRASETYO",
    "WICAKSONO",
    "SULISTYO",
    "HARTONO",
    "SUGIARTO",
    "MULYANI",
    "PERMATA",
    "ANGGRAINI",
    "OKTAVIANI",
    "SAFITRI",
    "MAHARANI",
    "PUSPITA",
    "KUMALA",
    "SUDIRMAN",
    "BASUKI",
    "SUPARMAN",
    "WIDODO",
    "SUBAGYO",
    "TARIGAN",
    "SEMBIRING",
    "SITUMORANG",
    "HUTAPEA",
    "MANURUNG",
    "RUMAPEA",
    "WENDA",
    "KOGOYA",
    "MATULESSY",
    "LATUPERISSA",
    "PATTIASINA",
    "TUALEKA",
    "LANGI",
    "MANTIRI",
    "RUNTUWENE",
    "DATU",
    "BUGIS",
    "DAENG",
    "MAPPASESSU",
    "BARA",
    "NGURAH",
    "SUASTIKA",
    "ARTAWAN",
    "SUDANA",
    "DARMAWAN",
    "ZULKARNAIN",
    "ALATAS",
    "SHAHAB",
    "BAHAR",
    "CHANIAGO",
    "KOTO",
    "PILIANG",
    "YULIANTO",
];
/// What a radiology department does, per hundred.
const MODALITIES: [(&str, usize); 6] = [("CR", 38), ("US", 24), ("CT", 16), ("DX", 12), ("MR", 6), ("MG", 4)];

/// A patient with one study.
#[derive(Clone, Debug)]
pub struct Patient {
    /// PatientName.
    pub name: String,
    /// PatientID.
    pub number: String,
    /// PatientBirthDate.
    pub birth_date: String,
    /// PatientSex.
    pub sex: &'static str,
    /// AccessionNumber.
    pub accession: String,
    /// StudyDate, within five years.
    pub study_date: String,
    /// StudyTime.
    pub study_time: String,
    /// Modality.
    pub modality: &'static str,
}

impl Patient {
    /// The `n`-th patient, the same in every run.
    pub fn nth(n: usize) -> Self {
        let mut random = Random::new(u64::try_from(n).unwrap_or(0));
        let pick = |list: &'static [&'static str], at: usize| list.get(at).copied().unwrap_or("SITI");
        let family = pick(&FAMILY, random.ranked(FAMILY.len()));
        let mut name = format!("{family}^{}", pick(&GIVEN, random.ranked(GIVEN.len())));
        if random.below(3) == 0 {
            name = format!("{name} {}", pick(&GIVEN, random.ranked(GIVEN.len())));
        }
        let (year, month, day) = (1935 + random.below(85), 1 + random.below(12), 1 + random.below(28));
        let sex = if random.below(2) == 0 { "F" } else { "M" };
        let study_date = date(random.below(5 * 365));
        let seconds = 7 * 3_600 + random.below(12 * 3_600);
        Self {
            name,
            number: format!("RM{:08}", 10_000_000 + n),
            birth_date: format!("{year:04}{month:02}{day:02}"),
            sex,
            accession: format!("A{n:010}"),
            study_date,
            study_time: format!("{:02}{:02}{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
            modality: modality(random.below(100)),
        }
    }
}

fn modality(hundredth: usize) -> &'static str {
    let mut left = hundredth;
    for (name, share) in MODALITIES {
        if left < share {
            return name;
        }
        left -= share;
    }
    "CR"
}

/// The day so many days after 1 January 2017.
pub fn date(days: usize) -> String {
    let (mut year, mut left) = (2017, days);
    loop {
        let leap = usize::from(year % 4 == 0);
        if left < 365 + leap {
            let lengths = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in lengths.into_iter().enumerate() {
                if left < length {
                    return format!("{year:04}{:02}{:02}", month + 1, left + 1);
                }
                left -= length;
            }
        }
        left -= 365 + leap;
        year += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(date(0), "20170101");
        assert_eq!(date(364), "20171231");
        assert_eq!(date(365 * 3 + 59), "20200229");
        assert_eq!(date(365 * 3 + 366), "20210101");
    }

    #[test]
    fn a_patient_is_the_same_in_every_run_and_names_are_skewed() {
        assert_eq!(Patient::nth(7).name, Patient::nth(7).name);
        let first = (0..10_000).filter(|n| Patient::nth(*n).name.starts_with("RAHAYU^")).count();
        assert!((1_200..1_900).contains(&first), "{first}");
        let scans = (0..10_000).filter(|n| Patient::nth(*n).modality == "CT").count();
        assert!((1_400..1_800).contains(&scans), "{scans}");
    }
}
