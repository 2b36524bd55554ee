//! The parameters of a search (PS3.18 8.3.4).

use crate::http::Problem;
use archive::find::{Agreed, Level, Matching, Query, Tag};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use record::limits::SEARCH_RESULTS_MAX;

/// Attributes that one search may name.
const KEYS_MAX: usize = 64;

/// Sequences inside sequences that one attribute may name.
const PATH_DEPTH_MAX: usize = 8;

/// The parameter that carries where an earlier page ended. No attribute has this keyword; it comes from the link to the next
/// page and means nothing elsewhere.
pub const AFTER: &str = "after";

/// A search as it was asked.
#[derive(Clone, Debug)]
pub struct Search {
    /// For the archive, the rows that the answer may have included.
    pub query: Query,
    /// Attributes that `includefield` named; they are given if the archive lists them.
    pub included: Vec<Tag>,
}

/// Reads the parameters of a search at a level.
pub fn read(level: Level, parameters: &[(String, String)]) -> Result<Search, Problem> {
    let agreed = agreed(parameters)?;
    let mut query = Query::at(level);
    query.fuzzy = agreed.fuzzy_names;
    let mut limit = SEARCH_RESULTS_MAX;
    let mut included = Vec::new();
    let mut named = 0_usize;
    for (name, value) in parameters {
        match name.as_str() {
            "limit" => limit = number(name, value)?.min(SEARCH_RESULTS_MAX),
            "offset" => query.offset = number(name, value)?,
            "fuzzymatching" | "emptyvaluematching" | "multiplevaluematching" | "accept" | "charset" => {}
            "includefield" if value.eq_ignore_ascii_case("all") => {}
            "includefield" => {
                for field in value.split(',').map(str::trim).filter(|field| !field.is_empty()) {
                    included.extend(path(field)?.first().map(|(tag, _)| *tag));
                }
            }
            AFTER => query.after = Some(value.parse().map_err(|_| no_position())?),
            _ => {
                let path = path(name)?;
                let vr = path.last().map_or("UN", |(_, vr)| *vr);
                let tags: Vec<Tag> = path.iter().map(|(tag, _)| *tag).collect();
                insert(&mut query.keys, &tags, Matching::parse_agreed(vr, value, agreed));
                named += 1;
            }
        }
        if named > KEYS_MAX || included.len() > KEYS_MAX {
            return Err(Problem::bad_request(format!("A search names at most {KEYS_MAX} attributes.")));
        }
    }
    query.limit = Some(limit);
    query.asked.clone_from(&included);
    Ok(Search { query, included })
}

/// The forms of matching that the parameters ask for, whatever stands before or behind them.
fn agreed(parameters: &[(String, String)]) -> Result<Agreed, Problem> {
    let mut agreed = Agreed { relational: true, ..Agreed::default() };
    for (name, value) in parameters {
        match name.as_str() {
            "fuzzymatching" => agreed.fuzzy_names = boolean(name, value)?,
            "emptyvaluematching" => agreed.empty_values = boolean(name, value)?,
            "multiplevaluematching" => agreed.multiple_values = boolean(name, value)?,
            _ => {}
        }
    }
    Ok(agreed)
}

fn no_position() -> Problem {
    Problem::bad_request("after is what a link to the next page says, and nothing else.")
}

/// Adds a key. Keys inside one sequence match together, in one item of it (PS3.4 C.2.2.2.6).
fn insert(keys: &mut Vec<(Tag, Matching)>, path: &[Tag], matching: Matching) {
    let Some((tag, inside)) = path.split_first() else { return };
    if inside.is_empty() {
        keys.push((*tag, matching));
        return;
    }
    let sequence = keys.iter_mut().find_map(|(key, matching)| match matching {
        Matching::Sequence(keys) if key == tag => Some(keys),
        _ => None,
    });
    if let Some(keys) = sequence {
        insert(keys, inside, matching);
    } else {
        let mut item = Vec::new();
        insert(&mut item, inside, matching);
        keys.push((*tag, Matching::Sequence(item)));
    }
}

fn number(name: &str, value: &str) -> Result<usize, Problem> {
    value.parse().map_err(|_| Problem::bad_request(format!("{name} is a number that is not negative.")))
}

fn boolean(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Problem::bad_request(format!("{name} is true or false."))),
    }
}

/// An attribute, inside sequences if dots part its names: `00400275.00400009` (PS3.18 8.3.4.1).
fn path(name: &str) -> Result<Vec<(Tag, &'static str)>, Problem> {
    let path: Vec<_> = name.split('.').take(PATH_DEPTH_MAX + 1).map(attribute).collect::<Result<_, _>>()?;
    if path.len() > PATH_DEPTH_MAX {
        return Err(Problem::bad_request(format!(
            "An attribute stands in at most {} sequences here.",
            PATH_DEPTH_MAX - 1
        )));
    }
    let mut above = path.iter().rev().skip(1);
    if above.any(|(_, vr)| *vr != "SQ") {
        return Err(Problem::bad_request("Only a sequence has attributes inside."));
    }
    Ok(path)
}

/// An attribute by its keyword or by eight hexadecimal digits, with its VR (PS3.18 8.3.4.1.1).
fn attribute(name: &str) -> Result<(Tag, &'static str), Problem> {
    let dictionary = StandardDataDictionary;
    let by_tag = || wire::dataset::parse_tag(name);
    let tag = dictionary.by_name(name).map(|entry| entry.tag()).or_else(by_tag);
    let Some(tag) = tag else {
        // Names of parameters are the client's program, not a patient; still, only what looks like a keyword is repeated.
        let shown =
            if name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric()) { name } else { "A parameter" };
        return Err(Problem::bad_request(format!(
            "{shown} is neither a keyword or tag of PS3.6 nor a parameter of a search."
        )));
    };
    let vr = dictionary.by_tag(tag).map_or("UN", |entry| entry.vr().relaxed().to_string());
    let number = (u32::from(tag.group()) << 16) | u32::from(tag.element());
    Ok((number, vr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parameters: &[(&str, &str)]) -> Result<Search, u16> {
        let owned: Vec<_> = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        read(Level::Study, &owned).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn attributes_are_named_by_keyword_or_tag() {
        let by_keyword = of(&[("PatientName", "SITI*")]).unwrap().query.keys;
        let by_tag = of(&[("00100010", "SITI*")]).unwrap().query.keys;
        assert_eq!(by_keyword, by_tag);
        assert_eq!(by_keyword, [(0x0010_0010, Matching::Wildcard("SITI*".into()))]);
        let range = of(&[("StudyDate", "20260101-")]).unwrap().query.keys;
        assert_eq!(range, [(0x0008_0020, Matching::Range { from: Some("20260101".into()), to: None })]);
        let uids = of(&[("StudyInstanceUID", "1.2,1.3")]).unwrap().query.keys;
        assert_eq!(uids, [(0x0020_000D, Matching::UidList(vec!["1.2".into(), "1.3".into()]))]);
    }

    #[test]
    fn what_cannot_be_searched_is_said_so() {
        for wrong in [
            ("PatientName.ScheduledProcedureStepID", "1"),
            ("RequestAttributesSequence.", "1"),
            ("RequestAttributesSequence.NoSuchKeyword", "1"),
            ("00400275.00400275.00400275.00400275.00400275.00400275.00400275.00400275.00400009", "1"),
            ("after", "1.2.3"),
            ("emptyvaluematching", "1"),
            ("NoSuchKeyword", "1"),
            ("0010001", "1"),
            ("limit", "-1"),
            ("limit", "many"),
            ("offset", ""),
            ("fuzzymatching", "yes"),
            ("includefield", "NoSuchKeyword"),
            ("<script>", "1"),
        ] {
            assert_eq!(of(&[wrong]).err(), Some(400), "{wrong:?}");
        }
    }

    #[test]
    fn limit_offset_and_fields_are_read_and_bounded() {
        let search = of(&[
            ("limit", "5"),
            ("offset", "10"),
            ("fuzzymatching", "true"),
            ("includefield", "PatientName,00080060"),
        ]);
        let search = search.unwrap();
        assert_eq!((search.query.limit, search.query.offset, search.query.fuzzy), (Some(5), 10, true));
        assert_eq!(search.included, [0x0010_0010, 0x0008_0060]);
        assert_eq!(of(&[("limit", "100000")]).unwrap().query.limit, Some(SEARCH_RESULTS_MAX));
        assert!(of(&[("includefield", "all")]).unwrap().included.is_empty());
        let many = vec![("PatientID", "1"); KEYS_MAX];
        assert!(of(&many).is_ok());
        assert!(of(&[many, vec![("PatientID", "1")]].concat()).is_err());
    }

    #[test]
    fn attributes_inside_a_sequence_match_together() {
        let search = of(&[
            ("RequestAttributesSequence.ScheduledProcedureStepID", "S1"),
            ("PatientID", "7"),
            ("00400275.00401001", "R*"),
            ("00400275.ScheduledProtocolCodeSequence.CodeValue", "P1"),
            ("includefield", "00400275.00400009,StudyDescription"),
        ]);
        let search = search.unwrap();
        let single = |text: &str| Matching::Single(text.to_owned());
        let request = Matching::Sequence(vec![
            (0x0040_0009, single("S1")),
            (0x0040_1001, Matching::Wildcard("R*".to_owned())),
            (0x0040_0008, Matching::Sequence(vec![(0x0008_0100, single("P1"))])),
        ]);
        assert_eq!(search.query.keys, [(0x0040_0275, request), (0x0010_0020, single("7"))]);
        assert_eq!(search.included, [0x0040_0275, 0x0008_1030]);
        assert_eq!(search.query.asked, search.included);
    }

    #[test]
    fn empty_and_several_values_are_asked_for_by_parameter() {
        let keys = |parameters: &[(&str, &str)]| of(parameters).unwrap().query.keys;
        let empty = ("StudyDescription", "\"\"");
        assert_eq!(keys(&[empty, ("emptyvaluematching", "true")]), [(0x0008_1030, Matching::Empty)]);
        assert_eq!(keys(&[empty]), [(0x0008_1030, Matching::Single("\"\"".into()))]);
        let both = ("ModalitiesInStudy", "CT\\PT");
        assert!(
            matches!(&keys(&[("multiplevaluematching", "true"), both])[..], [(_, Matching::All(all))] if all.len() == 2)
        );
        assert!(matches!(&keys(&[both])[..], [(_, Matching::Single(_))]));
    }
}
