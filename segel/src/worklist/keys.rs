//! The keys of a query, sequences included (PS3.4 C.2.2.2.6), and what a match answers to them.

use super::element;
use archive::find::{Matching, matches};
use serde_json::{Map, Value, json};

/// One key.
#[derive(Clone, Debug)]
pub struct Key {
    /// `GGGGEEEE`.
    pub tag: String,
    /// Its VR.
    pub vr: String,
    /// What it asks.
    pub asks: Asks,
}

/// What a key asks.
#[derive(Clone, Debug)]
pub enum Asks {
    /// A value, or with universal matching only to be told it.
    Value(Matching),
    /// That one item of the sequence meets all of these. None: the whole sequence is told.
    Items(Vec<Key>),
}

impl Key {
    /// A key of a value.
    pub fn value(tag: &str, vr: &str, matching: Matching) -> Self {
        Self { tag: tag.to_owned(), vr: vr.to_owned(), asks: Asks::Value(matching) }
    }

    /// Whether it leaves anything out.
    pub fn narrows(&self) -> bool {
        match &self.asks {
            Asks::Value(matching) => *matching != Matching::Universal,
            Asks::Items(keys) => keys.iter().any(Self::narrows),
        }
    }

    fn accepts(&self, data_set: &Map<String, Value>, fuzzy: bool) -> bool {
        match &self.asks {
            Asks::Value(matching) => matches(data_set.get(&self.tag), matching, fuzzy),
            Asks::Items(keys) => {
                !self.narrows() || element::items(data_set, &self.tag).any(|item| accepts(keys, item, fuzzy))
            }
        }
    }

    fn answer(&self, data_set: &Map<String, Value>) -> Value {
        let Some(element) = data_set.get(&self.tag) else { return json!({"vr": self.vr}) };
        match &self.asks {
            Asks::Items(keys) if !keys.is_empty() => {
                let items: Vec<Value> =
                    element::items(data_set, &self.tag).map(|item| Value::Object(answer(keys, item))).collect();
                json!({"vr": "SQ", "Value": items})
            }
            _ => element.clone(),
        }
    }
}

/// Whether a data set meets all keys.
pub fn accepts(keys: &[Key], data_set: &Map<String, Value>, fuzzy: bool) -> bool {
    keys.iter().all(|key| key.accepts(data_set, fuzzy))
}

/// What a data set answers to keys: each of them, empty where it has nothing.
pub fn answer(keys: &[Key], data_set: &Map<String, Value>) -> Map<String, Value> {
    keys.iter().map(|key| (key.tag.clone(), key.answer(data_set))).collect()
}

/// The matching of a key that stands at this path of tags.
pub fn matching<'a>(keys: &'a [Key], path: &[&str]) -> Option<&'a Matching> {
    let (tag, rest) = path.split_first()?;
    keys.iter().filter(|key| key.tag == *tag).find_map(|key| match &key.asks {
        Asks::Value(matching) if rest.is_empty() => Some(matching),
        Asks::Items(keys) => self::matching(keys, rest),
        Asks::Value(_) => None,
    })
}

/// The days that a key of a date or time asks for: first and last, `YYYYMMDD`. `None` if it narrows nothing.
pub fn days(asked: Option<&Matching>) -> Option<(Option<String>, Option<String>)> {
    let day = |text: &str| text.chars().filter(char::is_ascii_digit).take(8).collect::<String>();
    let whole = |text: &String| Some(day(text)).filter(|day| day.len() == 8);
    match asked? {
        Matching::Single(text) => whole(text).map(|day| (Some(day.clone()), Some(day))),
        Matching::Range { from, to } => Some((from.as_ref().and_then(whole), to.as_ref().and_then(whole))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Map<String, Value> {
        json!({
            "00100020": {"vr": "LO", "Value": ["1"]},
            "00400100": {"vr": "SQ", "Value": [
                {"00400001": {"vr": "AE", "Value": ["CT1"]}, "00080060": {"vr": "CS", "Value": ["CT"]}},
                {"00400001": {"vr": "AE", "Value": ["MR1"]}, "00080060": {"vr": "CS", "Value": ["MR"]}},
            ]},
        })
        .as_object()
        .unwrap()
        .clone()
    }

    fn within(asked: &[(&str, &str, &str)]) -> Vec<Key> {
        let keys = asked.iter().map(|(tag, vr, text)| Key::value(tag, vr, Matching::parse(vr, text))).collect();
        vec![Key { tag: "00400100".into(), vr: "SQ".into(), asks: Asks::Items(keys) }]
    }

    #[test]
    fn one_item_must_meet_all_keys_of_a_sequence() {
        let title = ("00400001", "AE");
        let modality = ("00080060", "CS");
        for (station, kind, expected) in
            [("CT1", "CT", true), ("CT1", "MR", false), ("", "MR", true), ("C*", "", true), ("X*", "", false)]
        {
            let keys = within(&[(title.0, title.1, station), (modality.0, modality.1, kind)]);
            assert_eq!(accepts(&keys, &step(), false), expected, "{station} {kind}");
        }
        assert!(accepts(&within(&[]), &step(), false));
        assert!(!accepts(&within(&[("00400001", "AE", "CT1")]), &Map::new(), false));
        assert!(accepts(&within(&[("00400001", "AE", "")]), &Map::new(), false), "universal matching needs no item");
    }

    #[test]
    fn an_answer_has_the_keys_and_no_more() {
        let mut keys = within(&[("00400001", "AE", ""), ("00400010", "SH", "")]);
        keys.push(Key::value("00080050", "SH", Matching::Universal));
        let answered = Value::Object(answer(&keys, &step()));
        assert_eq!(answered["00080050"], json!({"vr": "SH"}));
        assert_eq!(
            answered["00400100"]["Value"][1],
            json!({"00400001": {"vr": "AE", "Value": ["MR1"]}, "00400010": {"vr": "SH"}})
        );
        assert_eq!(answered.get("00100020"), None);
        assert_eq!(
            answer(&within(&[]), &step())["00400100"],
            step()["00400100"],
            "an empty sequence asks for all of it"
        );
    }

    #[test]
    fn days_are_those_of_a_date_and_of_a_range() {
        let of = |vr: &str, text: &str| days(Some(&Matching::parse(vr, text)));
        let day = |text: &str| Some(text.to_owned());
        assert_eq!(of("DA", "20261122"), Some((day("20261122"), day("20261122"))));
        assert_eq!(of("DA", "20261122-"), Some((day("20261122"), None)));
        assert_eq!(of("DT", "202611220800-20261123"), Some((day("20261122"), day("20261123"))));
        assert_eq!(of("DA", ""), None);
        assert_eq!(days(None), None);
    }
}
