//! Every text of the pages in Indonesian and English.

mod english;
mod indonesian;

use english::ENGLISH;
use indonesian::INDONESIAN;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Bahasa Indonesia.
    Indonesian,
    /// English.
    English,
}

impl Language {
    /// Reads `id` or `en`.
    pub fn of_code(code: &str) -> Option<Self> {
        match code.to_ascii_lowercase().as_str() {
            // `in` is what old systems call Indonesian.
            "id" | "in" => Some(Self::Indonesian),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// `id` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Indonesian => "id",
            Self::English => "en",
        }
    }

    /// Its texts.
    pub fn words(self) -> Words {
        Words(match self {
            Self::Indonesian => INDONESIAN,
            Self::English => ENGLISH,
        })
    }

    /// Short names of the months.
    pub fn months(self) -> &'static [&'static str; 12] {
        match self {
            Self::Indonesian => &["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"],
            Self::English => &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
        }
    }
}

/// The texts of a language.
#[derive(Clone, Copy)]
pub struct Words(&'static [(&'static str, &'static str)]);

impl Words {
    /// The text of a key; empty for a key that is not there, which the tests do not let happen.
    pub fn t(self, key: &str) -> &'static str {
        self.0.iter().find(|(known, _)| *known == key).map_or("", |(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_languages_have_every_key_once() {
        let keys = |table: &[(&'static str, &str)]| table.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        let (indonesian, english) = (keys(INDONESIAN), keys(ENGLISH));
        assert_eq!(indonesian, english);
        assert_eq!(indonesian.iter().collect::<BTreeSet<_>>().len(), indonesian.len());
        assert!(INDONESIAN.iter().chain(ENGLISH).all(|(_, text)| !text.is_empty()));
    }

    #[test]
    fn every_key_that_a_template_names_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for after in text.split("w.t(\"").skip(1) {
                let key = after.split('"').next().unwrap();
                assert!(!Language::English.words().t(key).is_empty(), "{key}");
                seen += 1;
            }
        }
        assert!(seen > 40, "{seen}");
    }

    #[test]
    fn every_role_and_purpose_has_words() {
        for (role, _) in record::Role::all() {
            assert!(!Language::Indonesian.words().t(super::super::shown::role_key(*role)).is_empty());
        }
        for code in ["TREAT", "ETREAT", "BTG", "HOPERAT", "HRESCH", "PATRQT", "PUBHLTH", "HSYSADMIN"] {
            assert!(record::Purpose::from_code(code).is_some() && !Language::English.words().t(code).is_empty());
        }
    }
}
