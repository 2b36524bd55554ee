//! Ranges of bytes (RFC 9110 section 14).

use super::problem::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use std::ops::Range;

/// The one range that a `Range` header asks for; several at once, or another unit, are ignored as RFC 9110 14.2 allows.
pub fn wanted(headers: &HeaderMap, length: u64) -> Result<Option<Range<u64>>, Problem> {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|set| set.trim().split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.trim().is_empty() => first..length,
        (None, Some(suffix)) if first.trim().is_empty() => length.saturating_sub(suffix)..length,
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(Problem::unsatisfiable(length));
    }
    Ok(Some(range))
}

impl Problem {
    /// 416: the range lies behind the end, which the answer tells (RFC 9110 14.4).
    fn unsatisfiable(length: u64) -> Self {
        let detail = format!("There are {length} bytes.");
        Self { range_length: Some(length), ..Self::new(StatusCode::RANGE_NOT_SATISFIABLE, detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_understood() {
        for (text, expected) in [
            ("bytes=0-9", Ok(Some(0..10))),
            ("bytes=90-", Ok(Some(90..100))),
            ("bytes=-5", Ok(Some(95..100))),
            ("bytes=-500", Ok(Some(0..100))),
            ("bytes=99-1000", Ok(Some(99..100))),
            ("bytes=100-", Err(416)),
            ("bytes=-0", Err(416)),
            ("bytes=9-3", Ok(None)),
            ("bytes=0-1,4-5", Ok(None)),
            ("items=0-1", Ok(None)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            assert_eq!(wanted(&headers, 100).map_err(|p| p.status.as_u16()), expected, "{text}");
        }
    }
}
