//! The parameters of a search (PS3.18 8.3.4).

use crate::http::Problem;
use archive::find::{Level, Matching, Query, Tag};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use record::limits::SEARCH_RESULTS_MAX;

/// Attributes that one search may name.
const KEYS_MAX: usize = 64;

/// A search as it was asked.
#[derive(Clone, Debug)]
pub struct Search {
    /// For the archive.
    pub query: Query,
    /// The rows that the answer may have.
    pub limit: usize,
    /// Attributes that `includefield` named; they are given if the archive lists them.
    pub included: Vec<Tag>,
}

/// Reads the parameters of a search at a level.
pub fn read(level: Level, parameters: &[(String, String)]) -> Result<Search, Problem> {
    let mut query = Query::at(level);
    let mut limit = SEARCH_RESULTS_MAX;
    let mut included = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "limit" => limit = number(name, value)?.min(SEARCH_RESULTS_MAX),
            "offset" => query.offset = number(name, value)?,
            "fuzzymatching" => query.fuzzy = boolean(name, value)?,
            "includefield" if value.eq_ignore_ascii_case("all") => {}
            "includefield" => {
                for field in value.split(',').map(str::trim).filter(|field| !field.is_empty()) {
                    included.push(attribute(field)?.0);
                }
            }
            "accept" | "charset" => {}
            _ => {
                let (tag, vr) = attribute(name)?;
                query.keys.push((tag, Matching::parse(vr, value)));
            }
        }
        if query.keys.len() > KEYS_MAX || included.len() > KEYS_MAX {
            return Err(Problem::bad_request(format!("A search names at most {KEYS_MAX} attributes.")));
        }
    }
    Ok(Search { query, limit, included })
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

/// An attribute by its keyword or by eight hexadecimal digits, with its VR (PS3.18 8.3.4.1.1).
fn attribute(name: &str) -> Result<(Tag, &'static str), Problem> {
    if name.contains('.') {
        return Err(Problem::bad_request(
            "Attributes inside sequences cannot be searched for here; name attributes of the data set itself.",
        ));
    }
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
            ("RequestAttributesSequence.ScheduledProcedureStepID", "1"),
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
        assert_eq!((search.limit, search.query.offset, search.query.fuzzy), (5, 10, true));
        assert_eq!(search.included, [0x0010_0010, 0x0008_0060]);
        assert_eq!(of(&[("limit", "100000")]).unwrap().limit, SEARCH_RESULTS_MAX);
        assert!(of(&[("includefield", "all")]).unwrap().included.is_empty());
        let many = vec![("PatientID", "1"); KEYS_MAX];
        assert!(of(&many).is_ok());
        assert!(of(&[many, vec![("PatientID", "1")]].concat()).is_err());
    }
}
