//! Single values: what a text must look like to be one, and its normal form.

use super::date::days_of;

/// The digits of a number that is written with spaces, points, hyphens or a sheet's apostrophe; `None` if it is more than that.
#[must_use]
pub fn digits(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('\'');
    // Numbers that went through a program of floating point carry its mark.
    let text = text.strip_suffix(".0").unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' => out.push(letter),
            ' ' | '.' | '-' => {}
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What a NIK says of its bearer.
#[derive(Clone, PartialEq, Eq)]
pub struct Nik {
    /// Its 16 digits.
    pub digits: String,
    /// Year of birth without its century, month, day.
    pub birth: (u32, u32, u32),
    /// Whether 40 is added to the day.
    pub is_woman: bool,
}

impl std::fmt::Debug for Nik {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nik(#)")
    }
}

/// A NIK: a province's number, a regency's and a district's, DDMMYY with 40 added to the day of women, a serial number.
#[must_use]
pub fn nik(text: &str) -> Option<Nik> {
    let digits = digits(text).filter(|digits| digits.len() == 16)?;
    let part = |at: usize| digits.get(at..at + 2).and_then(|two| two.parse::<u32>().ok());
    let (province, regency, district) = (part(0)?, part(2)?, part(4)?);
    let is_place = matches!(province, 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81..=82 | 91..=97);
    let (day, month, year) = (part(6)?, part(8)?, part(10)?);
    let (is_woman, day) = if day > 40 { (true, day - 40) } else { (false, day) };
    // A century in which the day exists: 29 February is of a leap year.
    let exists = [1900, 2000]
        .iter()
        .any(|century| i32::try_from(year).is_ok_and(|year| days_of(century + year, month, day).is_some()));
    let is_one = is_place && (1..=79).contains(&regency) && (1..=60).contains(&district) && exists;
    (is_one && !digits.ends_with("0000")).then_some(Nik { digits, birth: (year, month, day), is_woman })
}

/// A telephone number of Indonesia, as E.164.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('\'');
    let text = text.strip_suffix(".0").unwrap_or(text);
    let mut number = String::with_capacity(16);
    for letter in text.chars() {
        match letter {
            '0'..='9' => number.push(letter),
            '+' if number.is_empty() => {}
            ' ' | '.' | '-' | '(' | ')' => {}
            _ => return None,
        }
    }
    let national = number.strip_prefix("0062").or_else(|| number.strip_prefix("62").filter(|rest| rest.len() >= 8));
    let national = national.or_else(|| number.strip_prefix('0')).unwrap_or(&number);
    let national = national.strip_prefix('0').unwrap_or(national);
    let bare = national.len() == number.len();
    let is_mobile = national.starts_with('8') && (9..=12).contains(&national.len());
    let is_line =
        !bare && national.starts_with(['2', '3', '4', '5', '6', '7', '9']) && (8..=11).contains(&national.len());
    (is_mobile || is_line).then(|| format!("+62{national}"))
}

/// A number of the national health insurance: 13 digits; the cards count up from 0000000000001.
#[must_use]
pub fn jkn_card(text: &str) -> Option<String> {
    digits(text).filter(|digits| digits.len() == 13)
}

/// Sex, as a registry means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// Laki-laki.
    Man,
    /// Perempuan.
    Woman,
}

/// Sex in words or letters of both languages. In `P` and `M` they agree: perempuan, and man.
#[must_use]
pub fn sex(text: &str) -> Option<Sex> {
    match text.trim().to_ascii_lowercase().as_str() {
        "l" | "lk" | "laki" | "laki-laki" | "laki laki" | "laki2" | "pria" | "m" | "male" | "man" | "lelaki" => {
            Some(Sex::Man)
        }
        "p" | "pr" | "perempuan" | "wanita" | "f" | "female" | "woman" | "w" => Some(Sex::Woman),
        _ => None,
    }
}

/// A UID of a study, series or instance (PS3.5 9): numbers parted by points.
#[must_use]
pub fn is_uid(text: &str) -> bool {
    let text = text.trim();
    (14..=64).contains(&text.len())
        && text.bytes().filter(|byte| *byte == b'.').count() >= 2
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A code of ICD-10: a letter, two digits, and up to two more behind a point.
#[must_use]
pub fn is_icd(text: &str) -> bool {
    let code = text.trim().split([' ', ',', ';', '|']).next().unwrap_or_default();
    let (head, tail) = code.split_once('.').unwrap_or((code, ""));
    let (first, rest) = head.as_bytes().split_first().map_or((0, [].as_slice()), |(first, rest)| (*first, rest));
    let begins = first.is_ascii_uppercase();
    begins
        && (2..=4).contains(&rest.len())
        && rest.first().is_some_and(u8::is_ascii_digit)
        && rest.iter().all(u8::is_ascii_digit)
        && tail.len() <= 2
        && tail.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (!tail.is_empty() || rest.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nik_is_region_birthday_and_number() {
        let woman = nik("3171 0141 0190 0001").unwrap();
        assert_eq!((woman.digits.as_str(), woman.birth, woman.is_woman), ("3171014101900001", (90, 1, 1), true));
        assert!(!nik("'3171010101900001").unwrap().is_woman);
        assert!(nik("3171012902000001").is_some(), "2000 was a leap year");
        for text in [
            "3171012902010001",
            "317101010190001",
            "9971010101900001",
            "3100010101900001",
            "3171013201900001",
            "3171010113900001",
            "3171010101900000",
            "31710101019000x1",
            "",
        ] {
            assert!(nik(text).is_none(), "{text}");
        }
    }

    #[test]
    fn phones_have_one_form() {
        for text in [
            "081234567890",
            "+62 812-3456-7890",
            "6281234567890",
            "81234567890",
            "0062 81234567890",
            "(0812) 34567890",
            "+62081234567890",
        ] {
            assert_eq!(phone(text).as_deref(), Some("+6281234567890"), "{text}");
        }
        assert_eq!(phone("022-4241234").as_deref(), Some("+62224241234"));
        for text in ["12345", "3171014101900001", "0812345678901234", "08123x", "2022-01-15"] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn codes_and_sexes_are_told_by_their_form() {
        for (text, expected) in [
            ("J18.9", true),
            ("I10", true),
            ("A15.0 Tuberkulosis", true),
            ("J18.999", false),
            ("JK1", false),
            ("", false),
        ] {
            assert_eq!(is_icd(text), expected, "{text}");
        }
        assert!(
            is_uid("1.2.840.113619.2.1")
                && !is_uid("1.2.3")
                && !is_uid("1.2..840.113619.2")
                && !is_uid("2022-01-15 10:00")
        );
        assert_eq!(
            (sex("Laki-Laki"), sex("P"), sex("F"), sex("x")),
            (Some(Sex::Man), Some(Sex::Woman), Some(Sex::Woman), None)
        );
        assert_eq!(digits("0001.2345-67890").as_deref(), Some("0001234567890"));
        assert_eq!(digits("3171014101900001.0").as_deref(), Some("3171014101900001"));
    }
}
