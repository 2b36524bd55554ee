//! Reading `Accept`.

use crate::http::Problem;
use axum::http::{HeaderMap, header};

/// Media ranges of one request that are looked at; more than any client lists.
const RANGES_MAX: usize = 64;

/// One media range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRange {
    /// `type/subtype`, lower case; `*` for any.
    pub media_type: String,
    /// Parameters: lower-case name, value without quotes.
    parameters: Vec<(String, String)>,
    /// Weight in thousandths; 0 takes nothing.
    pub weight: u16,
}

impl MediaRange {
    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// How well this range fits a body of `media_type`: 1 any, 2 any of its kind, 3 by name; `None` if not.
    pub fn fits(&self, media_type: &str) -> Option<u8> {
        covers(&self.media_type, media_type)
    }

    /// How well this range fits a multipart/related whose parts are `media_type` (PS3.18 8.6.1.2.2: parameter `type`).
    pub fn fits_parts(&self, media_type: &str) -> Option<u8> {
        match self.media_type.as_str() {
            "*/*" => Some(1),
            "multipart/related" | "multipart/*" => match self.parameter("type") {
                None => Some(2),
                Some(range) => covers(&range.to_ascii_lowercase(), media_type).map(|fit| fit + 1),
            },
            _ => None,
        }
    }
}

/// `image/*` covers `image/png`; `*/*` covers all. Some clients write `image/` for `image/*`.
fn covers(range: &str, media_type: &str) -> Option<u8> {
    match range.split_once('/') {
        Some(("*", _)) => Some(1),
        Some((kind, "*" | "")) => media_type.split_once('/').is_some_and(|(k, _)| k == kind).then_some(2),
        _ => (range == media_type).then_some(3),
    }
}

/// The ranges that a request accepts, those with more weight first: of the query parameter `accept` (PS3.18 8.3.3.1) if there
/// is one, else of the header. A request with neither takes anything.
pub fn ranges(headers: &HeaderMap, query: Option<&str>) -> Result<Vec<MediaRange>, Problem> {
    let mut ranges = Vec::new();
    match query {
        Some(text) => parse(text, &mut ranges)?,
        None => {
            for value in headers.get_all(header::ACCEPT) {
                parse(value.to_str().map_err(|_| malformed())?, &mut ranges)?;
            }
        }
    }
    if ranges.is_empty() {
        parse("*/*", &mut ranges)?;
    }
    ranges.sort_by_key(|range| std::cmp::Reverse(range.weight));
    Ok(ranges)
}

fn malformed() -> Problem {
    Problem::bad_request("The accept header or parameter cannot be read.")
}

fn parse(text: &str, ranges: &mut Vec<MediaRange>) -> Result<(), Problem> {
    for range in split(text, ',') {
        let range = range.trim();
        if range.is_empty() {
            continue;
        }
        if ranges.len() == RANGES_MAX {
            return Err(malformed());
        }
        ranges.push(media_range(range).ok_or_else(malformed)?);
    }
    Ok(())
}

/// Reads one media type with its parameters; `None` if it is not one.
fn media_range(text: &str) -> Option<MediaRange> {
    let mut pieces = split(text, ';').into_iter();
    let media_type = pieces.next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/')?;
    // An empty subtype is what some clients send for `*`.
    if kind.is_empty() || subtype.contains('/') || media_type.contains(char::is_whitespace) {
        return None;
    }
    let mut parameters = Vec::new();
    let mut weight = 1000;
    for piece in pieces {
        let piece = piece.trim();
        if piece.is_empty() {
            continue;
        }
        let (name, value) = piece.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value).replace('\\', "");
        if name == "q" {
            weight = thousandths(&value)?;
        } else {
            parameters.push((name, value));
        }
    }
    Some(MediaRange { media_type, parameters, weight })
}

/// RFC 9110 12.4.2: a weight is 0 to 1 with at most three digits.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{fraction:0<3}");
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match whole {
        "1" if digits == "000" => Some(1000),
        "0" => digits.parse().ok(),
        _ => None,
    }
}

/// Splits at a separator that stands outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let closing = c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        quoted ^= closing;
        c == separator && !quoted
    })
    .collect()
}
