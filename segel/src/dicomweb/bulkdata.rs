//! Bulk data by the path of its attribute (PS3.18 10.4.1.1.5): only the range asked for is read and opened.

use super::accept;
use super::body::{self, Piece};
use super::bulk::Bulk;
use super::frames;
use super::request::Request;
use crate::http::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::ops::Range;
use wire::multipart::Writer;

const OCTETS: &str = "application/octet-stream";

/// `GET .../bulkdata/{tag}[/{item}/{tag}]...`.
pub async fn bulkdata(request: Request) -> Result<Response, Problem> {
    let path = request.names.path.clone().unwrap_or_default();
    let opened = request.open_one().await?;
    let metadata = opened.metadata().await?;
    let bulk = Bulk::at(&metadata, &path).and_then(Bulk::of).ok_or_else(Problem::not_found)?;
    let facts = opened.located().instance().ok_or_else(Problem::not_found)?.clone();
    let is_pixels = path.eq_ignore_ascii_case(super::bulk::PIXEL_DATA);
    let swap_from = frames::swap_from(&facts.transfer_syntax_uid, &metadata).filter(|_| is_pixels);
    let (length, value) = match bulk {
        Bulk::Fragments(_) => return frames::all(&request, opened, &metadata).await,
        Bulk::Inline(bytes) => (u64::try_from(bytes.len()).unwrap_or(u64::MAX), Err(bytes)),
        Bulk::Range { offset, length } => (length, Ok((opened, offset))),
    };
    let part = |wanted: Range<u64>| match &value {
        Ok((opened, offset)) => {
            let range = offset.saturating_add(wanted.start)..offset.saturating_add(wanted.end);
            Piece::Value { opened: opened.clone(), range, swap_from }
        }
        Err(bytes) => {
            let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
            Piece::Bytes(bytes.get(place(wanted.start)..place(wanted.end)).unwrap_or_default().to_vec())
        }
    };
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let single = ranges.iter().find(|r| r.takes(OCTETS) || r.takes_parts(OCTETS));
    let single = single.ok_or_else(|| Problem::not_acceptable("Bulk data comes as application/octet-stream."))?;
    if !single.takes(OCTETS) {
        let mut writer = Writer::new(&body::boundary()?)?;
        let content_type = writer.content_type(OCTETS);
        let before = Piece::Bytes(writer.begin(&[("Content-Type", OCTETS)])?);
        let pieces = [before, part(0..length), Piece::Bytes(writer.close())];
        return Ok(([(header::CONTENT_TYPE, content_type)], body::of(pieces)).into_response());
    }
    let wanted = range(&request.headers, length)?;
    let headers = [(header::CONTENT_TYPE, OCTETS.to_owned()), (header::ACCEPT_RANGES, "bytes".to_owned())];
    match wanted {
        None => {
            let size = [(header::CONTENT_LENGTH, length.to_string())];
            Ok((headers, size, body::of([part(0..length)])).into_response())
        }
        Some(wanted) => {
            let place = format!("bytes {}-{}/{length}", wanted.start, wanted.end - 1);
            let sizes =
                [(header::CONTENT_RANGE, place), (header::CONTENT_LENGTH, (wanted.end - wanted.start).to_string())];
            Ok((StatusCode::PARTIAL_CONTENT, headers, sizes, body::of([part(wanted)])).into_response())
        }
    }
}

/// The one range that a `Range` header asks for (RFC 9110 14.2); several at once, or another unit, are ignored as allowed there.
fn range(headers: &HeaderMap, length: u64) -> Result<Option<Range<u64>>, Problem> {
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
        return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("There are {length} bytes.")));
    }
    Ok(Some(range))
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
            assert_eq!(range(&headers, 100).map_err(|p| p.status.as_u16()), expected, "{text}");
        }
    }
}
