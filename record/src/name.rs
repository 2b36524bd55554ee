//! Names as they are written in Indonesia, made findable.
//!
//! There is often one name and no surname; titles stand before and degrees after it; one person is spelt in many ways.
//! Two readings serve two questions. [`pieces`] are the written words, letter for letter, so that an exact or wildcard
//! match (PS3.4 C.2.2.2) never loses a candidate. [`words`] and [`phonetic`] are what a person meant, for fuzzy
//! matching: titles and degrees are gone and spellings that sound alike are one.

/// Letters of the longest prefix that is indexed: beyond it a prefix is as telling as the word.
pub const PREFIX_LETTERS_MAX: usize = 8;

/// Titles and forms of address that stand before a name.
const TITLES: [&str; 33] = [
    "H", "HJ", "HAJI", "HAJJAH", "DR", "DRG", "DRH", "DRS", "DRA", "IR", "PROF", "KH", "KYAI", "R", "RR", "RA",
    "RADEN", "TN", "TUAN", "NY", "NYONYA", "NN", "NONA", "SDR", "SDRI", "AN", "BAYI", "BY", "BPK", "BAPAK", "IBU",
    "MR", "MRS",
];

/// Words between names that name nobody.
const PARTICLES: [&str; 4] = ["BIN", "BINTI", "BT", "BINTE"];

/// How one name is spelt; the single letter is its usual abbreviation.
const MUHAMMAD: [&str; 18] = [
    "M",
    "MD",
    "MH",
    "MHD",
    "MOH",
    "MUH",
    "MOCH",
    "MUCH",
    "MOHD",
    "MUHD",
    "MUHAMAD",
    "MUHAMMAD",
    "MOHAMAD",
    "MOHAMMAD",
    "MOCHAMAD",
    "MOCHAMMAD",
    "MUCHAMAD",
    "MUHAMMED",
];

/// Spellings that are one sound, applied in this order: what an earlier rule makes, a later one may read. The first five
/// undo the spelling before 1972; foreign names may suffer from them, which is why only the phonetic key uses them.
const SOUNDS: [(&str, &str); 16] = [
    ("OE", "U"),
    ("TJ", "C"),
    ("DJ", "J"),
    ("J", "Y"),
    ("CH", "KH"),
    ("KH", "H"),
    ("PH", "P"),
    ("DH", "D"),
    ("TH", "T"),
    ("X", "KS"),
    ("Q", "K"),
    ("V", "P"),
    ("F", "P"),
    ("Z", "S"),
    ("AE", "AI"),
    ("Y", "I"),
];

/// The written words of a name, upper case, marks dropped, split at everything that is neither letter nor digit.
#[must_use]
pub fn pieces(text: &str) -> Vec<String> {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words that name the person: titles before, degrees after a comma and particles between are gone, and a joined
/// `Abdul` stands apart. A name that is nothing but such words keeps them.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    // Degrees follow a comma (`Siti Aminah, S.Kep., M.Kes.`); a name alone before it must remain.
    let name = text.split(',').find(|part| !pieces(part).is_empty()).unwrap_or(text);
    let all = pieces(name);
    let kept: Vec<String> = all
        .iter()
        .filter(|word| !TITLES.contains(&word.as_str()) && !PARTICLES.contains(&word.as_str()))
        .flat_map(|word| part_abdul(word))
        .collect();
    if kept.is_empty() { all } else { kept }
}

/// The first 1 to [`PREFIX_LETTERS_MAX`] letters of a word.
#[must_use]
pub fn prefixes(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    (1..=letters.len().min(PREFIX_LETTERS_MAX)).map(|count| letters.iter().take(count).collect()).collect()
}

/// How a written word sounds: each of the words that it means.
#[must_use]
pub fn sounds(word: &str) -> Vec<String> {
    words(word).iter().map(|word| phonetic(word)).collect()
}

/// How a word sounds. Equal for spellings that are commonly mixed up; never shown to anybody.
#[must_use]
pub fn phonetic(word: &str) -> String {
    let word = fold(word);
    let word = word.trim();
    if MUHAMMAD.contains(&word) {
        return "MUHAMAD".to_owned();
    }
    let sound = SOUNDS.iter().fold(word.to_owned(), |sound, (from, to)| sound.replace(from, to));
    let mut single = String::with_capacity(sound.len());
    for letter in sound.chars() {
        if !single.ends_with(letter) {
            single.push(letter);
        }
    }
    single
}

/// `ABDULRAHMAN`, `ABDURRAHMAN` and `ABDUL RAHMAN` are one name.
fn part_abdul(word: &str) -> Vec<String> {
    let joined = |rest: &str| rest.chars().count() >= 4;
    if let Some(rest) = word.strip_prefix("ABDUL").filter(|rest| joined(rest)) {
        return vec!["ABDUL".to_owned(), rest.to_owned()];
    }
    // The l of the article takes the sound of the letter that follows it.
    if let Some(rest) = word.strip_prefix("ABDU") {
        let mut letters = rest.chars();
        let (first, tail) = (letters.next(), letters.as_str());
        if first.is_some() && tail.chars().next() == first && joined(tail) {
            return vec!["ABDUL".to_owned(), tail.to_owned()];
        }
    }
    vec![word.to_owned()]
}

/// Upper case without the marks of Western European letters. An apostrophe inside a word (`Nu'man`) parts it, as in a query.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_uppercase) {
        match letter {
            'À'..='Å' => folded.push('A'),
            'Ç' => folded.push('C'),
            'È'..='Ë' => folded.push('E'),
            'Ì'..='Ï' => folded.push('I'),
            'Ñ' => folded.push('N'),
            'Ò'..='Ö' | 'Ø' => folded.push('O'),
            'Ù'..='Ü' => folded.push('U'),
            'Ý' => folded.push('Y'),
            'Æ' => folded.push_str("AE"),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sound_of(text: &str) -> Vec<String> {
        words(text).iter().map(|word| phonetic(word)).collect()
    }

    #[test]
    fn titles_and_degrees_are_no_part_of_a_name() {
        for (text, expected) in [
            ("Hj. Siti Aminah, S.Kep., M.Kes.", vec!["SITI", "AMINAH"]),
            ("dr. Budi Santoso, Sp.PD", vec!["BUDI", "SANTOSO"]),
            ("Prof. Dr. Ir. H. Bambang", vec!["BAMBANG"]),
            ("NAMA^^^^TN", vec!["NAMA"]),
            ("By Ny Wulandari", vec!["WULANDARI"]),
            ("KH. Ahmad bin Yusuf", vec!["AHMAD", "YUSUF"]),
            ("I Wayan Sudarma", vec!["I", "WAYAN", "SUDARMA"]),
            ("Siregar^Togar", vec!["SIREGAR", "TOGAR"]),
            ("Suharto", vec!["SUHARTO"]),
            ("H.", vec!["H"]),
            ("", vec![]),
            (" , ", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn written_words_keep_every_letter() {
        assert_eq!(
            pieces("Hj. Siti^Nu'man=山田^太郎, S.Kep."),
            ["HJ", "SITI", "NU", "MAN", "山田", "太郎", "S", "KEP"]
        );
        assert_eq!(pieces("José Müller"), ["JOSE", "MULLER"]);
        assert_eq!(prefixes("SITI"), ["S", "SI", "SIT", "SITI"]);
        assert_eq!(prefixes("SURYANINGRAT").last().map(String::as_str), Some("SURYANIN"));
        assert_eq!(prefixes("山田"), ["山", "山田"]);
        assert!(prefixes("").is_empty());
    }

    #[test]
    fn spellings_of_one_name_sound_alike() {
        for group in [
            &["Soeharto", "Suharto"][..],
            &["Tjipto", "Cipto"],
            &["Djoko", "Joko"],
            &["Jusuf", "Yusuf", "Yusup", "Joesoef"],
            &["Njoman", "Nyoman"],
            &["Sjarif", "Syarif"],
            &["Achmad", "Akhmad", "Ahmad", "Ahmmad"],
            &["Muhammad", "Mohammad", "Mohamad", "Mochamad", "Moch.", "Moh.", "Muh.", "M."],
            &["Abdul Rahman", "Abdulrahman", "Abdurrahman"],
            &["Novita", "Nofita", "Nopita"],
            &["Ridho", "Rido"],
            &["Thamrin", "Tamrin"],
            &["Dewi", "Dewy"],
            &["Alex", "Aleks"],
            &["Zainal", "Zaenal"],
            &["Rachmat", "Rahmat", "Rakhmat"],
        ] {
            for name in group {
                assert_eq!(sound_of(name), sound_of(group[0]), "{name}");
            }
        }
    }

    #[test]
    fn different_names_stay_apart() {
        for (one, other) in [("Budi", "Badi"), ("Siti", "Sita"), ("Ahmad", "Amat"), ("Wayan", "Made")] {
            assert_ne!(sound_of(one), sound_of(other), "{one} {other}");
        }
    }

    proptest! {
        /// A word of the written name is found by each of its prefixes, whatever the script.
        #[test]
        fn prefixes_begin_their_word(text in ".{0,40}") {
            for word in pieces(&text) {
                let prefixes = prefixes(&word);
                prop_assert!(!prefixes.is_empty() && prefixes.len() <= PREFIX_LETTERS_MAX);
                prop_assert!(prefixes.iter().all(|prefix| word.starts_with(prefix.as_str())));
            }
            prop_assert!(words(&text).iter().all(|word| phonetic(word).len() <= 2 * word.len() + 7));
        }
    }
}
