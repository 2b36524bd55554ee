//! What the client can take: media ranges (RFC 9110 12.5.1) with DICOM's parameters (PS3.18 8.7).

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
    /// Weight in thousandths.
    weight: u16,
}

impl MediaRange {
    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether this range takes `media_type` by itself, not as a part of a multipart.
    pub fn takes(&self, media_type: &str) -> bool {
        covers(&self.media_type, media_type)
    }

    /// Whether this range takes a multipart/related whose parts are `media_type` (PS3.18 8.6.1.2.2: parameter `type`).
    pub fn takes_parts(&self, media_type: &str) -> bool {
        match self.media_type.as_str() {
            "*/*" => true,
            "multipart/related" | "multipart/*" => {
                self.parameter("type").is_none_or(|range| covers(&range.to_ascii_lowercase(), media_type))
            }
            _ => false,
        }
    }

    /// Whether this range takes data kept in `transfer_syntax_uid`. Without the parameter, data come as they are kept:
    /// the default of PS3.18 8.7.3.5.2 would make every reader ask for a transcode that nobody needs.
    pub fn takes_syntax(&self, transfer_syntax_uid: &str) -> bool {
        self.parameter("transfer-syntax").is_none_or(|syntax| syntax == "*" || syntax == transfer_syntax_uid)
    }
}

/// `image/*` covers `image/png`; `*/*` covers all. Some clients write `image/` for `image/*`.
fn covers(range: &str, media_type: &str) -> bool {
    match range.split_once('/') {
        Some(("*", _)) => true,
        Some((kind, "*" | "")) => media_type.split_once('/').is_some_and(|(k, _)| k == kind),
        _ => range == media_type,
    }
}

/// The ranges that a request accepts, best first: of the query parameter `accept` (PS3.18 8.3.3.1) if there is one, else of
/// the header. A request with neither takes anything.
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
    ranges.retain(|range| range.weight > 0);
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
pub fn media_range(text: &str) -> Option<MediaRange> {
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
        "1" => Some(1000),
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

/// Whether DICOM JSON, the only form of metadata and search results here, is acceptable (PS3.18 8.7.3.2: native XML is
/// optional and not made).
pub fn json(headers: &HeaderMap, query: Option<&str>) -> Result<(), Problem> {
    let takes = |r: &MediaRange| r.takes("application/dicom+json") || r.takes("application/json");
    if ranges(headers, query)?.iter().any(takes) {
        return Ok(());
    }
    Err(Problem::not_acceptable("Only application/dicom+json is made here."))
}

/// How instances are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceForm {
    /// `multipart/related; type="application/dicom"`.
    Multipart,
    /// One `application/dicom` body.
    Single,
}

/// Chooses the form for instances kept in `syntaxes`; a single body is possible for exactly one instance only.
pub fn instances(ranges: &[MediaRange], syntaxes: &[&str]) -> Result<InstanceForm, Problem> {
    const DICOM: &str = "application/dicom";
    let multipart = |r: &MediaRange| r.takes_parts(DICOM);
    let single = |r: &MediaRange| r.media_type != "*/*" && r.takes(DICOM) && syntaxes.len() == 1;
    let first = ranges.iter().find(|r| multipart(r) || single(r));
    let Some(first) = first else {
        return Err(Problem::not_acceptable("Instances come as multipart/related; type=\"application/dicom\"."));
    };
    let form = if multipart(first) { InstanceForm::Multipart } else { InstanceForm::Single };
    let allowed = |syntax: &str| {
        ranges
            .iter()
            .any(|r| r.takes_syntax(syntax) && if form == InstanceForm::Single { single(r) } else { multipart(r) })
    };
    if syntaxes.iter().all(|syntax| allowed(syntax)) {
        return Ok(form);
    }
    Err(Problem::not_acceptable(
        "Instances are given in the transfer syntax they are kept in; ask for transfer-syntax=*.",
    ))
}

/// The media types of one frame in a transfer syntax, the registered one first (PS3.18 table 8.7.3-5).
pub fn frame_media_types(transfer_syntax_uid: &str) -> &'static [&'static str] {
    match transfer_syntax_uid {
        "1.2.840.10008.1.2" | "1.2.840.10008.1.2.1" | "1.2.840.10008.1.2.2" | "1.2.840.10008.1.2.1.99" => {
            &["application/octet-stream"]
        }
        "1.2.840.10008.1.2.5" => &["image/dicom-rle", "image/x-dicom-rle"],
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            &["image/jpeg"]
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => &["image/jls", "image/x-jls"],
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => &["image/jp2"],
        "1.2.840.10008.1.2.4.92" | "1.2.840.10008.1.2.4.93" => &["image/jpx"],
        "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => &["image/jxl"],
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => &["image/jphc"],
        "1.2.840.10008.1.2.4.100" | "1.2.840.10008.1.2.4.101" => &["video/mpeg2"],
        "1.2.840.10008.1.2.4.102"
        | "1.2.840.10008.1.2.4.103"
        | "1.2.840.10008.1.2.4.104"
        | "1.2.840.10008.1.2.4.105"
        | "1.2.840.10008.1.2.4.106" => &["video/mp4"],
        "1.2.840.10008.1.2.4.107" | "1.2.840.10008.1.2.4.108" => &["video/H265"],
        _ => &["application/octet-stream"],
    }
}

/// How frames are handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameForm {
    /// Media type of each part, with its transfer syntax.
    pub content_type: String,
    /// Media type of the parts alone.
    pub media_type: &'static str,
    /// Whether the one frame is the whole body.
    pub single: bool,
}

/// Chooses the form of `count` frames kept in `transfer_syntax_uid`. Native pixels are handed over little-endian, whatever
/// they are kept in, so they are named Explicit VR Little Endian.
pub fn frames(ranges: &[MediaRange], transfer_syntax_uid: &str, count: usize) -> Result<FrameForm, Problem> {
    const OCTETS: &str = "application/octet-stream";
    const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
    let types = frame_media_types(transfer_syntax_uid);
    let native = types == [OCTETS];
    let syntax = if native && is_native(transfer_syntax_uid) { EXPLICIT_LITTLE } else { transfer_syntax_uid };
    let takes_syntax = |range: &MediaRange| range.takes_syntax(syntax) || range.takes_syntax(transfer_syntax_uid);
    for range in ranges {
        // A client that names the syntax, or any, gets compressed frames as octets if it asks for octets.
        let as_octets = range.parameter("transfer-syntax").is_some() || native;
        for &media_type in types.iter().chain(as_octets.then_some(&OCTETS)) {
            let parts = range.takes_parts(media_type);
            let single = !parts && count == 1 && range.takes(media_type);
            if takes_syntax(range) && (parts || single) {
                let content_type = format!("{media_type}; transfer-syntax={syntax}");
                return Ok(FrameForm { content_type, media_type, single });
            }
        }
    }
    let offered = types.first().unwrap_or(&OCTETS);
    Err(Problem::not_acceptable(format!(
        "These frames are kept as {offered} in transfer syntax {transfer_syntax_uid}."
    )))
}

/// Whether pixels of this syntax are not encapsulated.
pub fn is_native(transfer_syntax_uid: &str) -> bool {
    matches!(
        transfer_syntax_uid,
        "1.2.840.10008.1.2" | "1.2.840.10008.1.2.1" | "1.2.840.10008.1.2.2" | "1.2.840.10008.1.2.1.99"
    )
}

/// Chooses among representations that the archive can make, in the order it prefers them.
pub fn choose<'a>(ranges: &[MediaRange], offered: &[&'a str]) -> Result<&'a str, Problem> {
    for range in ranges {
        if let Some(media_type) = offered.iter().find(|offer| range.takes(offer)) {
            return Ok(media_type);
        }
    }
    Err(Problem::not_acceptable(format!("What can be made here: {}.", offered.join(", "))))
}

#[cfg(test)]
mod tests;
