//! How values look: names, dates, ages, the frame around every page.

use super::texts::{Language, Words};
use super::visitor::Visitor;
use crate::dicomweb::attributes::Attributes;
use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use record::{Micros, Role, time};
use serde_json::Value;

/// What the layout shows around a page.
pub struct Frame<'a> {
    /// The texts.
    pub w: Words,
    /// `id` or `en`.
    pub code: &'static str,
    /// Who is signed in.
    pub visitor: Option<Signed>,
    /// Where the language switch comes back to.
    pub here: String,
    /// Which entry of the navigation is current.
    pub current: &'a str,
}

/// Who is signed in, for what.
pub struct Signed {
    /// The facility's code.
    pub facility: String,
    /// The role in words.
    pub role: &'static str,
    /// The purpose in words.
    pub purpose: &'static str,
    /// Its HL7 code.
    pub purpose_code: &'static str,
    /// When this page was made.
    pub clock: String,
}

impl<'a> Frame<'a> {
    /// Around a page for anybody.
    pub fn guest(language: Language) -> Self {
        Self { w: language.words(), code: language.code(), visitor: None, here: "/".to_owned(), current: "" }
    }

    /// Around a page for somebody.
    pub fn of(visitor: &Visitor, current: &'a str) -> Self {
        let w = visitor.language.words();
        let signed = Signed {
            facility: visitor.who.facility.to_string(),
            role: w.t(role_key(visitor.who.role)),
            purpose: w.t(visitor.asker.purpose.code()),
            purpose_code: visitor.asker.purpose.code(),
            clock: clock(time::now()),
        };
        Self {
            w,
            code: visitor.language.code(),
            visitor: Some(signed),
            here: super::form::encoded(&visitor.here),
            current,
        }
    }
}

/// The key of a role's text; `laboratory` alone is the heading of results.
pub fn role_key(role: Role) -> &'static str {
    if role == Role::Laboratory { "laboratory-role" } else { role.name() }
}

/// A rendered template as an answer.
pub fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Hours, minutes and seconds of a moment, in western Indonesian time.
pub fn clock(at: Micros) -> String {
    let zone = jiff::tz::TimeZone::get("Asia/Jakarta").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_microsecond(at).map(|t| t.to_zoned(zone).strftime("%H:%M:%S").to_string()).unwrap_or_default()
}

/// The alphabetic part of a PN (PS3.5 6.2.1): family name, then the rest, as lists show it.
pub fn person(attributes: Attributes<'_>, tag: &str) -> String {
    let value = attributes.element(tag).and_then(|e| e.get("Value")).and_then(|v| v.get(0));
    let text =
        value.and_then(|v| v.get("Alphabetic").and_then(Value::as_str).or_else(|| v.as_str())).unwrap_or_default();
    let mut parts = text.split('^').map(str::trim);
    let family = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    if rest.is_empty() { family.to_owned() } else { format!("{family}, {}", rest.join(" ")) }
}

/// A DICOM date, if it is one.
pub fn date_of(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text.trim()).or_else(|_| text.get(..10).unwrap_or(text).parse()).ok()
}

/// A date in words of a language; what is no date stays as it is.
pub fn date(language: Language, text: &str) -> String {
    match date_of(text) {
        None => text.to_owned(),
        Some(date) => {
            let month = usize::try_from(date.month()).ok().and_then(|n| language.months().get(n.saturating_sub(1)));
            format!("{} {} {}", date.day(), month.unwrap_or(&""), date.year())
        }
    }
}

/// `HHMMSS` as hours and minutes.
pub fn minutes(text: &str) -> String {
    match (text.get(..2), text.get(2..4)) {
        (Some(hours), Some(minutes)) => format!("{hours}:{minutes}"),
        _ => String::new(),
    }
}

/// Age in years on a day.
pub fn age(born: &str, on: &str) -> Option<i16> {
    let (born, on) = (date_of(born)?, date_of(on)?);
    let before = (on.month(), on.day()) < (born.month(), born.day());
    Some(on.year() - born.year() - i16::from(before)).filter(|years| *years >= 0)
}

/// PatientSex in words.
pub fn sex(w: Words, code: &str) -> &'static str {
    match code {
        "F" | "female" => w.t("female"),
        "M" | "male" => w.t("male"),
        "O" | "other" => w.t("other"),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_dates_and_ages_are_shown_as_people_write_them() {
        let data_set = json!({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "SIREGAR^TIURMA^^Ny"}]},
            "00080090": {"vr": "PN", "Value": [{"Alphabetic": "SLAMET"}]},
        });
        assert_eq!(person(Attributes(&data_set), "00100010"), "SIREGAR, TIURMA Ny");
        assert_eq!(person(Attributes(&data_set), "00080090"), "SLAMET");
        assert_eq!(person(Attributes(&data_set), "00081070"), "");
        assert_eq!(date(Language::Indonesian, "20260805"), "5 Agu 2026");
        assert_eq!(date(Language::English, "2026-08-05T10:00:00+07:00"), "5 Aug 2026");
        assert_eq!(date(Language::English, "soon"), "soon");
        assert_eq!(
            (age("19870412", "20260411"), age("19870412", "20260412"), age("", "20260412")),
            (Some(38), Some(39), None)
        );
        assert_eq!(minutes("134501"), "13:45");
    }
}
