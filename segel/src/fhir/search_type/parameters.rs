//! The parameters of a search, read strictly: one that is not known could widen an answer that its sender thought narrow.

use super::matching::{Condition, Token};
use crate::fhir::date::Asked;
use crate::fhir::definition::{Definition, Kind, Parameter};
use crate::fhir::failure::Failure;
use crate::fhir::identity;
use crate::fhir::request::is_id;
use archive::terms;
use record::{FacilityCode, Term, name};
use std::fmt::Write as _;

/// Matches of one page when `_count` is absent, and at most.
pub const COUNT: usize = 50;
/// The largest page.
pub const COUNT_MAX: usize = 200;
/// Values of one question, over all its parameters.
pub const VALUES_MAX: usize = 256;

/// In which order matches come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// `-_lastUpdated`.
    #[default]
    Newest,
    /// `_lastUpdated`.
    Oldest,
    /// `-date`.
    LatestDate,
    /// `date`.
    EarliestDate,
}

/// One condition on the patient.
#[derive(Clone, Debug)]
pub enum Who {
    /// Any of these Patient resources.
    Ids(Vec<String>),
    /// Whoever has one of these identifiers.
    Identified(Vec<Term>),
}

/// A search as it was asked.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Logical ids.
    pub ids: Vec<String>,
    /// Conditions on the patient; all must hold.
    pub patients: Vec<Who>,
    /// Groups of terms; one of each must be there.
    pub terms: Vec<Vec<Term>>,
    /// First day on which a match can begin.
    pub from: Option<String>,
    /// Last day on which a match can begin.
    pub to: Option<String>,
    /// The exact test.
    pub conditions: Vec<Condition>,
    /// Matches to pass over.
    pub offset: usize,
    /// Matches of the page.
    pub count: usize,
    /// Their order.
    pub sort: Sort,
}

/// Reads the parameters of a search.
pub fn read(
    definition: &'static Definition,
    parameters: &[(String, String)],
    facility: &FacilityCode,
) -> Result<Search, Failure> {
    let mut search = Search { count: COUNT, ..Search::default() };
    let mut values_read = 0;
    for (name, value) in parameters {
        let values: Vec<&str> = value.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
        values_read += values.len();
        if values_read > VALUES_MAX {
            return Err(Failure::bad_request("too-costly", format!("A search has at most {VALUES_MAX} values.")));
        }
        match name.as_str() {
            "_format" | "_pretty" => {}
            "_count" => search.count = number(name, value)?.min(COUNT_MAX),
            "_offset" => search.offset = number(name, value)?,
            "_sort" => search.sort = sort(value)?,
            "_id" => ids(&mut search, &values)?,
            _ => match definition.parameter(name) {
                Some(parameter) if !values.is_empty() => one(definition, &mut search, parameter, &values, facility)?,
                Some(parameter) => return Err(unreadable(parameter.name)),
                None => return Err(unknown(definition, name)),
            },
        }
    }
    Ok(search)
}

fn unknown(definition: &Definition, name: &str) -> Failure {
    let plain = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    let shown = if plain { name } else { "A parameter" };
    Failure::bad_request(
        "not-supported",
        format!("{shown} is not a search parameter of {} here; see metadata.", definition.name),
    )
}

fn unreadable(name: &str) -> Failure {
    Failure::bad_request("value", format!("The value of {name} cannot be read."))
}

fn number(name: &str, value: &str) -> Result<usize, Failure> {
    value.parse().map_err(|_| unreadable(name))
}

fn sort(value: &str) -> Result<Sort, Failure> {
    match value {
        "-_lastUpdated" => Ok(Sort::Newest),
        "_lastUpdated" => Ok(Sort::Oldest),
        "-date" => Ok(Sort::LatestDate),
        "date" => Ok(Sort::EarliestDate),
        _ => Err(Failure::bad_request("not-supported", "Matches are sorted by _lastUpdated or date.")),
    }
}

fn ids(search: &mut Search, values: &[&str]) -> Result<(), Failure> {
    let all_are_ids = !values.is_empty() && values.iter().all(|value| is_id(value));
    // Two parameters of one name must both hold (FHIR R4 3.1.1.3.2), which no resource does for different ids.
    if !all_are_ids || !search.ids.is_empty() {
        return Err(unreadable("_id"));
    }
    search.ids = values.iter().map(|value| (*value).to_owned()).collect();
    Ok(())
}

fn one(
    definition: &Definition,
    search: &mut Search,
    parameter: &'static Parameter,
    values: &[&str],
    facility: &FacilityCode,
) -> Result<(), Failure> {
    let wrong = || unreadable(parameter.name);
    match parameter.kind {
        Kind::Patient => {
            let ids = values.iter().map(|value| value.strip_prefix("Patient/").unwrap_or(value));
            let ids: Option<Vec<String>> = ids.map(|id| is_id(id).then(|| id.to_owned())).collect();
            search.patients.push(Who::Ids(ids.ok_or_else(wrong)?));
        }
        Kind::PatientIdentifier => {
            search.patients.push(Who::Identified(identifier_terms(values, facility).ok_or_else(wrong)?));
        }
        Kind::Identifier | Kind::Party(_) | Kind::Token(_) => {
            let tokens: Vec<Token> =
                values.iter().map(|value| Token::read(value)).collect::<Option<_>>().ok_or_else(wrong)?;
            let terms = match parameter.kind {
                Kind::Identifier if definition.name == "Patient" => {
                    Some(identifier_terms(values, facility).ok_or_else(wrong)?)
                }
                Kind::Identifier | Kind::Party(_) => {
                    tokens.iter().map(|token| token.code.as_deref().map(terms::number)).collect()
                }
                // Nothing was made a term of these: `extract`.
                _ if matches!(parameter.name, "status" | "gender") => None,
                _ => tokens.iter().map(code_term).collect(),
            };
            search.terms.extend(terms.filter(|terms| !terms.is_empty()));
            search.conditions.push(Condition::Tokens(parameter.name, tokens));
        }
        Kind::Date(_) => {
            let dates: Vec<Asked> =
                values.iter().map(|value| Asked::read(value)).collect::<Option<_>>().ok_or_else(wrong)?;
            narrow(definition, search, parameter, &dates);
            search.conditions.push(Condition::Dates(parameter.name, dates));
        }
        Kind::Name => {
            let questions: Vec<Vec<String>> = values.iter().map(|value| name::pieces(value)).collect();
            if questions.iter().any(Vec::is_empty) {
                return Err(wrong());
            }
            match questions.as_slice() {
                [words] => search.terms.extend(words.iter().map(|word| vec![terms::name_prefix(word)])),
                several => search.terms.push(several.iter().flatten().map(|word| terms::name_prefix(word)).collect()),
            }
            search.conditions.push(Condition::Names(parameter.name, questions));
        }
    }
    Ok(())
}

fn code_term(token: &Token) -> Option<Term> {
    let code = token.code.as_deref()?;
    match token.system.as_deref() {
        Some(system) => terms::code(system, code).into_iter().next(),
        None => Some(terms::bare_code(code)),
    }
}

/// What a patient is found by: `system|value`, or a bare number of whatever system.
fn identifier_terms(values: &[&str], facility: &FacilityCode) -> Option<Vec<Term>> {
    let term = |value: &&str| {
        let token = Token::read(value)?;
        let code = token.code?;
        match token.system.filter(|system| !system.is_empty()) {
            Some(system) => {
                identity::identifier(&system, &code, facility).map(|identifier| terms::identifier(&identifier))
            }
            None => Some(terms::number(&code)),
        }
    };
    values.iter().map(term).collect()
}

/// The index knows on which day a resource begins, by the first date parameter of its type: one date narrows the candidates.
fn narrow(definition: &Definition, search: &mut Search, parameter: &Parameter, dates: &[Asked]) {
    let main = definition.parameters.iter().find(|p| matches!(p.kind, Kind::Date(_)) && p.name != "birthdate");
    let ([asked], true) = (dates, main.is_some_and(|main| main.name == parameter.name)) else { return };
    let (from, to) = asked.begins();
    if let Some(from) = from {
        search.from = search.from.take().max(Some(from.to_owned()));
    }
    if let Some(to) = to {
        let to = to.to_owned();
        search.to = Some(search.to.take().map_or(to.clone(), |before| before.min(to)));
    }
}

/// The address of a search; `offset` replaces the one that was asked for.
pub fn url(base: &str, resource_type: &str, parameters: &[(String, String)], offset: Option<usize>) -> String {
    let mut url = format!("{base}/{resource_type}");
    let offset = offset.map(|offset| ("_offset".to_owned(), offset.to_string()));
    let kept = parameters.iter().filter(|(name, _)| offset.is_none() || name != "_offset");
    for (number, (name, value)) in kept.chain(&offset).enumerate() {
        url.push(if number == 0 { '?' } else { '&' });
        encode(&mut url, name);
        url.push('=');
        encode(&mut url, value);
    }
    url
}

/// Percent-encodes all but the unreserved characters (RFC 3986 2.3) and those that FHIR searches are read by.
fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _infallible = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resource_type: &str, parameters: &[(&str, &str)]) -> Result<Search, String> {
        let owned: Vec<_> = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let facility = FacilityCode::new("RSUD-A").unwrap();
        read(Definition::of(resource_type).unwrap(), &owned, &facility)
            .map_err(|failure| failure.resource()["issue"][0]["code"].as_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_not_known_is_refused_and_never_ignored() {
        for (resource_type, parameter, code) in [
            ("Observation", ("combo-code", "1"), "not-supported"),
            ("Observation", ("code:not", "1"), "not-supported"),
            ("Patient", ("patient", "1"), "not-supported"),
            ("Observation", ("_include", "Observation:subject"), "not-supported"),
            ("Observation", ("_sort", "code"), "not-supported"),
            ("Observation", ("date", "yesterday"), "value"),
            ("Observation", ("code", ""), "value"),
            ("Observation", ("patient", "Practitioner/1"), "value"),
            ("Observation", ("_count", "-1"), "value"),
            ("Observation", ("_id", "a b"), "value"),
            ("Patient", ("name", "..."), "value"),
        ] {
            assert_eq!(of(resource_type, &[parameter]).err().as_deref(), Some(code), "{parameter:?}");
        }
    }

    #[test]
    fn a_question_becomes_terms_and_an_exact_test() {
        let search = of(
            "Observation",
            &[("code", "http://loinc.org|94500-6,94558-4"), ("date", "ge2021-01-01"), ("date", "le2021-12-31")],
        );
        let search = search.unwrap();
        assert_eq!(search.terms.len(), 1);
        assert_eq!(search.terms[0].len(), 2);
        assert_eq!((search.from.as_deref(), search.to.as_deref()), (None, Some("20211231")));
        assert_eq!(search.conditions.len(), 3);

        let patient =
            of("Patient", &[("identifier", "https://fhir.kemkes.go.id/id/nik|3174014510900001"), ("name", "siti nur")])
                .unwrap();
        assert_eq!(patient.terms.len(), 3);
        let status = of("Observation", &[("status", "final")]).unwrap();
        assert!(status.terms.is_empty() && status.conditions.len() == 1);
    }

    #[test]
    fn counts_and_values_are_bounded() {
        assert_eq!(of("Patient", &[]).unwrap().count, COUNT);
        assert_eq!(of("Patient", &[("_count", "1000")]).unwrap().count, COUNT_MAX);
        let many = vec!["1"; VALUES_MAX].join(",");
        assert!(of("Observation", &[("code", &many)]).is_ok());
        assert_eq!(of("Observation", &[("code", &many), ("code", "1")]).err().as_deref(), Some("too-costly"));
    }

    #[test]
    fn an_address_is_written_so_that_it_asks_the_same() {
        let parameters =
            [("code".to_owned(), "http://loinc.org|94500-6".to_owned()), ("_offset".to_owned(), "5".to_owned())];
        assert_eq!(
            url("b", "Observation", &parameters, None),
            "b/Observation?code=http://loinc.org%7C94500-6&_offset=5"
        );
        assert_eq!(
            url("b", "Observation", &parameters, Some(9)),
            "b/Observation?code=http://loinc.org%7C94500-6&_offset=9"
        );
        assert_eq!(url("b", "Patient", &[("name".into(), "a&b=ü".into())], None), "b/Patient?name=a%26b%3D%C3%BC");
    }
}
