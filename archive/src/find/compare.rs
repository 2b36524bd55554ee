//! The matching rules of PS3.4 C.2.2.2, on the opened summary.

use super::query::{Matching, Tag};
use record::name;
use serde_json::Value;

/// Whether an attribute, as DICOM JSON has it, matches. An absent or empty one matches nothing but universal matching.
#[must_use]
pub fn matches(element: Option<&Value>, matching: &Matching, fuzzy: bool) -> bool {
    if *matching == Matching::Universal {
        return true;
    }
    let of = |key: &str| element.and_then(|element| element.get(key));
    let vr = of("vr").and_then(Value::as_str).unwrap_or_default();
    let values = of("Value").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match matching {
        Matching::Empty => values.iter().all(is_empty),
        Matching::All(all) => all.iter().all(|asked| values.iter().any(|value| one(vr, value, asked, fuzzy))),
        Matching::Sequence(keys) => values.iter().any(|item| item_matches(item, keys, fuzzy)),
        _ => values.iter().any(|value| one(vr, value, matching, fuzzy)),
    }
}

/// One item must match every key (PS3.4 C.2.2.2.6); keys of two items that match one each are no match.
fn item_matches(item: &Value, keys: &[(Tag, Matching)], fuzzy: bool) -> bool {
    keys.iter().all(|(tag, matching)| matches(item.get(crate::ingest::summary::key(*tag).as_str()), matching, fuzzy))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(name) => name.values().all(is_empty),
        _ => false,
    }
}

fn one(vr: &str, value: &Value, matching: &Matching, fuzzy: bool) -> bool {
    match vr {
        "PN" => person(value, matching, fuzzy),
        "DA" | "TM" => moment(vr, &text(value), matching),
        "DT" => super::moment::matches(&text(value), matching),
        _ => literal(&text(value), matching),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn literal(value: &str, matching: &Matching) -> bool {
    let value = value.trim();
    match matching {
        Matching::Universal => true,
        Matching::Empty | Matching::All(_) | Matching::Sequence(_) => false,
        Matching::Single(asked) if asked.trim() == value => true,
        // Numbers are compared as numbers: `01` asks for 1.
        Matching::Single(asked) => {
            matches!((asked.trim().parse::<f64>(), value.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
        }
        Matching::Wildcard(pattern) => glob(pattern.trim(), value),
        Matching::UidList(uids) => uids.iter().any(|uid| uid == value),
        Matching::Range { from, to } => {
            from.as_deref().is_none_or(|from| from <= value) && to.as_deref().is_none_or(|to| value <= to)
        }
    }
}

/// PS3.4 C.2.2.2.1 leaves it to the archive how strictly names match: neither case counts, nor the marks of Western
/// European letters, nor empty components at the end.
fn person(value: &Value, matching: &Matching, fuzzy: bool) -> bool {
    let groups: Vec<String> = ["Alphabetic", "Ideographic", "Phonetic"]
        .iter()
        .map(|group| {
            plain_name(value.get(group).and_then(Value::as_str).or_else(|| value.as_str()).unwrap_or_default())
        })
        .collect();
    let (Matching::Single(asked) | Matching::Wildcard(asked)) = matching else { return false };
    if fuzzy {
        return groups.iter().any(|group| sounds_like(group, asked));
    }
    let is_pattern = matches!(matching, Matching::Wildcard(_));
    let fits = |asked: &str, group: &str| if is_pattern { glob(asked, group) } else { asked == group };
    let mut asked_groups = asked.split('=').map(plain_name);
    if asked.contains('=') {
        return asked_groups.zip(&groups).all(|(asked, group)| asked.is_empty() || fits(&asked, group));
    }
    let asked = asked_groups.next().unwrap_or_default();
    groups.iter().any(|group| !group.is_empty() && fits(&asked, group))
}

fn plain_name(text: &str) -> String {
    let components: Vec<String> = text.split('^').map(|component| name::fold(component.trim())).collect();
    components.join("^").trim_end_matches('^').to_owned()
}

/// `fuzzymatching` (PS3.18 8.3.4.2): every word asked for sounds like a word of the name, or begins one.
fn sounds_like(group: &str, asked: &str) -> bool {
    let written = name::pieces(group);
    let sounds: Vec<String> = name::words(group).iter().map(|word| name::phonetic(word)).collect();
    let mut asked = name::words(&asked.replace(['*', '?'], " ")).into_iter().peekable();
    asked.peek().is_some()
        && asked
            .all(|word| sounds.contains(&name::phonetic(&word)) || written.iter().any(|piece| piece.starts_with(&word)))
}

/// Dates and times: digits only, so that the old forms `YYYY.MM.DD` and `HH:MM:SS` compare as well.
fn moment(vr: &str, value: &str, matching: &Matching) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let value = digits(value);
    if value.is_empty() {
        return false;
    }
    // A time without seconds is all of its minute: its first moment for a lower end, its last for an upper one.
    let width = if vr == "TM" { 12 } else { 8 };
    let padded = |text: &str, with: char| {
        text.chars().chain(std::iter::repeat(with)).take(width.max(text.len())).collect::<String>()
    };
    match matching {
        Matching::Universal => true,
        Matching::Single(asked) if vr == "TM" => {
            value.starts_with(&digits(asked)) || padded(&value, '0') == padded(&digits(asked), '0')
        }
        Matching::Single(asked) => value == digits(asked),
        Matching::Wildcard(pattern) => glob(pattern, &value),
        Matching::Range { from, to } => {
            let first = padded(&value, '0');
            from.as_ref().is_none_or(|from| padded(&digits(from), '0') <= first)
                && to.as_ref().is_none_or(|to| first <= padded(&digits(to), '9'))
        }
        Matching::UidList(_) | Matching::Empty | Matching::All(_) | Matching::Sequence(_) => false,
    }
}

/// `*` stands for any run of characters, `?` for one (PS3.4 C.2.2.2.4). Linear in the product of both lengths at worst.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while let Some(letter) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(expected) if *expected == '?' || expected == letter => {
                p += 1;
                t += 1;
            }
            // Let the last star take one character more.
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn name(text: &str) -> Value {
        json!({"vr": "PN", "Value": [{"Alphabetic": text, "Ideographic": "山田^太郎"}]})
    }

    #[test]
    fn names_match_as_the_standard_says() {
        for (asked, value, expected) in [
            ("siti*", "Siti Aminah", true),
            ("SITI*", "Dewi^Siti", false),
            ("*siti*", "Dewi^Siti", true),
            ("Aminah^S?ti", "AMINAH^SITI", true),
            ("Aminah^S?ti", "AMINAH^SITTI", false),
            ("Aminah^Siti", "AMINAH^SITI^^", true),
            ("Aminah", "AMINAH^SITI", false),
            ("山田*", "Yamada^Taro", true),
            ("Yamada*=山田*", "Yamada^Taro", true),
            ("Yamada*=田*", "Yamada^Taro", false),
            ("**a*", "BANDUNG", true),
            ("a.c", "ABC", false),
            ("Munoz^Jose", "Muñoz^José", true),
            ("MUÑ*", "Munoz^Jose", true),
        ] {
            let matching = Matching::parse("PN", asked);
            assert_eq!(matches(Some(&name(value)), &matching, false), expected, "{asked} {value}");
        }
    }

    #[test]
    fn fuzzy_names_match_by_sound_or_beginning() {
        for (asked, value, expected) in [
            ("Soeharto", "Suharto", true),
            ("*moh*", "Muhammad Rizki", true),
            ("sity amin", "Hj. Siti Aminah, S.Kep.", true),
            ("Budi", "Hj. Siti Aminah", false),
            ("**", "Siti", true),
        ] {
            let matching = Matching::parse("PN", asked);
            assert_eq!(matches(Some(&name(value)), &matching, true), expected, "{asked} {value}");
        }
    }

    #[test]
    fn dates_times_numbers_and_text_match_each_in_their_way() {
        for (vr, value, asked, expected) in [
            ("DA", json!("20220105"), "20220101-20220131", true),
            ("DA", json!("20220201"), "20220101-20220131", false),
            ("DA", json!("20220201"), "20220101-", true),
            ("DA", json!("20211231"), "-20211231", true),
            ("DA", json!("2022.01.05"), "20220105", true),
            ("TM", json!("101500.5"), "1015", true),
            ("TM", json!("10:15:00"), "1000-1015", true),
            ("TM", json!("101559"), "1000-1015", true),
            ("TM", json!("101600"), "1000-1015", false),
            ("IS", json!(7), "07", true),
            ("LO", json!("Thorax PA"), "Thorax*", true),
            ("LO", json!("Thorax PA"), "thorax*", false),
            ("CS", json!("F"), "F", true),
            ("UI", json!("1.2.3"), "1.2\\1.2.3", true),
            ("UI", json!("1.2.3"), "1.2,1.2.4", false),
            ("DT", json!("20220105101500+0700"), "20220105031500+0000", true),
            ("DT", json!("20220105101500+0700"), "20220105030000+0000-20220105040000+0000", true),
            ("DT", json!("20220105101500+0700"), "20220105040000+0000-", false),
            ("LO", json!("anything"), "", true),
        ] {
            let element = json!({"vr": vr, "Value": [value]});
            assert_eq!(matches(Some(&element), &Matching::parse(vr, asked), false), expected, "{vr} {value} {asked}");
        }
        assert!(!matches(None, &Matching::Single("x".to_owned()), false));
        assert!(!matches(Some(&json!({"vr": "LO"})), &Matching::Wildcard("*x".to_owned()), false));
    }

    #[test]
    fn sequences_match_by_one_item_that_has_everything() {
        let item = |code: &str, scheme: &str| json!({"00080100": {"vr": "SH", "Value": [code]}, "00080102": {"vr": "SH", "Value": [scheme]}});
        let element = json!({"vr": "SQ", "Value": [item("P1", "99A"), item("P2", "99B")]});
        let single = |text: &str| Matching::Single(text.to_owned());
        for (keys, expected) in [
            (vec![(0x0008_0100, single("P2"))], true),
            (vec![(0x0008_0100, single("P3"))], false),
            (vec![(0x0008_0100, single("P1")), (0x0008_0102, single("99A"))], true),
            (vec![(0x0008_0100, single("P1")), (0x0008_0102, single("99B"))], false),
            (vec![(0x0008_0100, Matching::Wildcard("P*".to_owned())), (0x0008_0102, single("99B"))], true),
            (vec![(0x0008_0100, single("P1")), (0x0008_0104, Matching::Universal)], true),
            (vec![(0x0008_0104, Matching::Empty)], true),
        ] {
            assert_eq!(matches(Some(&element), &Matching::Sequence(keys.clone()), false), expected, "{keys:?}");
        }
        let nested = json!({"vr": "SQ", "Value": [{"00400008": element}]});
        let keys = Matching::Sequence(vec![(0x0040_0008, Matching::Sequence(vec![(0x0008_0100, single("P2"))]))]);
        assert!(matches(Some(&nested), &keys, false));
        assert!(!matches(None, &keys, false));
    }

    #[test]
    fn empty_and_several_values_match_as_agreed() {
        let all = |values: &[&str]| Matching::All(values.iter().map(|v| Matching::Single((*v).to_owned())).collect());
        let element = json!({"vr": "CS", "Value": ["CT", "PT", "SR"]});
        for (matching, expected) in [(all(&["PT", "CT"]), true), (all(&["CT", "MR"]), false), (Matching::Empty, false)]
        {
            assert_eq!(matches(Some(&element), &matching, false), expected, "{matching:?}");
        }
        for empty in [
            None,
            Some(json!({"vr": "LO"})),
            Some(json!({"vr": "PN", "Value": [{"Alphabetic": " "}]})),
            Some(json!({"vr": "LO", "Value": [null]})),
        ] {
            assert!(matches(empty.as_ref(), &Matching::Empty, false), "{empty:?}");
            assert!(!matches(empty.as_ref(), &all(&["CT"]), false), "{empty:?}");
        }
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        let pattern = "*a".repeat(200);
        assert!(!glob(&pattern, &"a".repeat(199)));
        assert!(glob(&pattern, &"a".repeat(200)));
    }
}
