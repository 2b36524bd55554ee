//! The exact test of a search on a resource's summary. Tokens have narrowed the candidates; many share some of them.

use crate::fhir::date::{Asked, Days};
use record::name;
use serde_json::Value;

/// A token as it is asked for: `system|code`, `|code`, `code` or `system|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The system; `None` if any will do.
    pub system: Option<String>,
    /// The code; `None` if any of the system will do.
    pub code: Option<String>,
}

impl Token {
    /// Reads a token.
    pub fn read(text: &str) -> Option<Self> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let token = match text.split_once('|') {
            None => Self { system: None, code: some(text) },
            Some((system, code)) => Self { system: Some(system.trim().to_owned()), code: some(code) },
        };
        (token.code.is_some() || token.system.as_ref().is_some_and(|system| !system.is_empty())).then_some(token)
    }

    fn matches(&self, value: &Value) -> bool {
        let is = |name: &str, wanted: &str| {
            value.get(name).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(wanted))
        };
        self.system.as_ref().is_none_or(|system| is("system", system))
            && self.code.as_ref().is_none_or(|code| is("code", code))
    }
}

/// One condition: any of its values must match.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A parameter of tokens.
    Tokens(&'static str, Vec<Token>),
    /// A parameter of dates.
    Dates(&'static str, Vec<Asked>),
    /// The beginnings of words of a name: of each of these questions, every word.
    Names(&'static str, Vec<Vec<String>>),
}

impl Condition {
    /// Whether a summary meets it.
    pub fn accepts(&self, summary: &Value) -> bool {
        let values = |parameter: &str| {
            summary.get("search").and_then(|s| s.get(parameter)).and_then(Value::as_array).into_iter().flatten()
        };
        match self {
            Self::Tokens(parameter, tokens) => {
                values(parameter).any(|value| tokens.iter().any(|token| token.matches(value)))
            }
            Self::Dates(parameter, dates) => values(parameter).any(|value| {
                let end = |n: usize| value.get(n).and_then(Value::as_str).unwrap_or_default().to_owned();
                let days = Days { first: end(0), last: end(1) };
                dates.iter().any(|asked| asked.matches(&days))
            }),
            Self::Names(parameter, questions) => values(parameter).filter_map(Value::as_str).any(|text| {
                let pieces = name::pieces(text);
                let begins = |word: &String| pieces.iter().any(|piece| piece.starts_with(word.as_str()));
                questions.iter().any(|words| words.iter().all(begins))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_match_by_system_and_code_as_far_as_they_name_them() {
        let summary = json!({"search": {"code": [{"system": "http://loinc.org", "code": "94500-6"}, {"system": "", "code": "X"}]}});
        for (text, expected) in [
            ("94500-6", true),
            ("http://loinc.org|94500-6", true),
            ("http://loinc.org|", true),
            ("http://other|94500-6", false),
            ("|94500-6", false),
            ("|x", true),
            ("94558-4", false),
        ] {
            let condition = Condition::Tokens("code", vec![Token::read(text).unwrap()]);
            assert_eq!(condition.accepts(&summary), expected, "{text}");
        }
        assert_eq!(Token::read(""), None);
        assert_eq!(Token::read("|"), None);
        assert!(!Condition::Tokens("status", vec![Token::read("final").unwrap()]).accepts(&summary));
    }

    #[test]
    fn names_match_by_the_beginnings_of_all_words() {
        let summary = json!({"search": {"name": ["Siti Nurhaliza", "Bu Siti"]}});
        for (question, expected) in
            [("siti", true), ("NUR", true), ("nur sit", true), ("haliza", false), ("siti budi", false)]
        {
            let condition = Condition::Names("name", vec![name::pieces(question)]);
            assert_eq!(condition.accepts(&summary), expected, "{question}");
        }
    }

    #[test]
    fn dates_match_the_days_of_the_summary() {
        let summary = json!({"search": {"date": [["20210704", "20210704"]]}});
        for (text, expected) in [("2021", true), ("ge2021-07-04", true), ("gt2021-07-04", false)] {
            assert_eq!(
                Condition::Dates("date", vec![Asked::read(text).unwrap()]).accepts(&summary),
                expected,
                "{text}"
            );
        }
    }
}
