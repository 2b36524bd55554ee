//! Validators of answers and the conditions of requests (RFC 9110 section 13).
//!
//! An entity tag is a hash of what is kept where, under random ids of the archive: it changes with every version and form of
//! an answer, and says nothing of the bytes, so that nobody can tell two patients' equal images from it.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::Micros;

/// Bytes of the hash in a tag: no two forms of two answers share it by chance.
const TAG_BYTES: usize = 18;
/// Tags of one header that are looked at; a client that has more of one resource asks again.
const TAGS_MAX: usize = 64;

/// What tells one answer from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The strong entity tag, with its quotes.
    tag: String,
    /// When the newest of what it was made of arrived.
    modified: Micros,
}

impl Validator {
    /// The validator of an answer made of `parts`, which arrived last at `modified`. Equal parts make equal bytes.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a [u8]>, modified: Micros) -> Self {
        let hash = hash(b"segel entity tag", parts);
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash.get(..TAG_BYTES).unwrap_or(&hash)));
        Self { tag, modified }
    }

    /// Whether the client has this answer already (RFC 9110 13.1.2). `*` is left unanswered: it would tell whether
    /// something is there before it is decided that the asker may know.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).take(TAGS_MAX).any(|tag| {
            let tag = tag.trim();
            tag.strip_prefix("W/").unwrap_or(tag) == self.tag
        })
    }

    /// Whether a range of this answer belongs to what the client has (RFC 9110 13.1.5). A date has the grain of a second,
    /// in which a second version may have come, so only tags count.
    pub fn takes_range(&self, headers: &HeaderMap) -> bool {
        headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == self.tag.as_bytes())
    }

    /// The headers that hand the validator over.
    pub fn decorate(&self, headers: &mut HeaderMap) {
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        if let Some(date) = http_date(self.modified) {
            headers.insert(header::LAST_MODIFIED, date);
        }
    }
}

/// A hash of parts that cannot run into each other: each stands behind its length.
pub fn hash<'a>(purpose: &'a [u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in std::iter::once(purpose).chain(parts) {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    let digest = context.finish();
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, made)| *byte = *made);
    bytes
}

/// RFC 9110 5.6.7.
fn http_date(time: Micros) -> Option<HeaderValue> {
    let timestamp = jiff::Timestamp::from_microsecond(time).ok()?;
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).ok()?;
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_tag_is_known_by_itself_and_in_lists_and_never_by_a_star() {
        let validator = Validator::new([b"object".as_slice(), b"form"], 0);
        let tag = validator.tag.clone();
        for (value, known) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"other\", {tag}"), true),
            ("*".to_owned(), false),
            ("\"other\"".to_owned(), false),
            (tag.trim_matches('"').to_owned(), false),
        ] {
            assert_eq!(validator.is_known(&with(header::IF_NONE_MATCH, &value)), known, "{value}");
        }
        assert!(!validator.is_known(&HeaderMap::new()));
        let many = |others: usize| format!("{}{tag}", "\"x\",".repeat(others));
        assert!(validator.is_known(&with(header::IF_NONE_MATCH, &many(TAGS_MAX - 1))));
        assert!(!validator.is_known(&with(header::IF_NONE_MATCH, &many(TAGS_MAX))));
    }

    #[test]
    fn a_range_is_taken_of_the_same_bytes_only() {
        let validator = Validator::new([b"object".as_slice()], 0);
        assert!(validator.takes_range(&HeaderMap::new()));
        assert!(validator.takes_range(&with(header::IF_RANGE, &validator.tag)));
        assert!(!validator.takes_range(&with(header::IF_RANGE, "\"other\"")));
        assert!(!validator.takes_range(&with(header::IF_RANGE, &format!("W/{}", validator.tag))));
        assert!(!validator.takes_range(&with(header::IF_RANGE, "Sun, 06 Nov 1994 08:49:37 GMT")));
    }

    #[test]
    fn parts_that_are_cut_elsewhere_make_another_tag() {
        let one = Validator::new([b"ab".as_slice(), b"c"], 0);
        let other = Validator::new([b"a".as_slice(), b"bc"], 0);
        assert_ne!(one, other);
        assert_eq!(one, Validator::new([b"ab".as_slice(), b"c"], 0));
    }

    #[test]
    fn the_date_is_the_one_of_http() {
        let mut headers = HeaderMap::new();
        Validator::new([], 784_111_777_900_000).decorate(&mut headers);
        assert_eq!(headers[header::LAST_MODIFIED], "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(headers[header::ETAG].to_str().unwrap().starts_with('"'));
    }
}
