//! Frames as they are kept (PS3.18 10.4.1.1.6), read by range of the sealed object.

use super::accept::{self, FrameForm};
use super::body::{self, Piece};
use super::bulk::{Bulk, PIXEL_DATA};
use super::request::{Request, instance_url};
use crate::http::Problem;
use archive::retrieve::Opened;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::ops::Range;
use wire::multipart::Writer;

/// Frames of one request.
const FRAMES_MAX: usize = 4096;
/// Explicit VR Big Endian (PS3.5 A.3).
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// `GET .../frames/{list}`.
pub async fn frames(request: Request) -> Result<Response, Problem> {
    let list = numbers(request.names.frames.as_deref().unwrap_or_default())?;
    let opened = request.open_one().await?;
    let metadata = opened.metadata().await?;
    let all = opened.frames(&metadata).await?;
    let wanted: Option<Vec<_>> = list.iter().map(|number| Some((*number, all.get(number - 1)?.clone()))).collect();
    answer(&request, opened, &metadata, wanted.ok_or_else(Problem::not_found)?)
}

/// All frames, as the bulk data of encapsulated pixel data (PS3.18 8.7.3.3.2).
pub async fn all(request: &Request, opened: Opened, metadata: &Value) -> Result<Response, Problem> {
    let all = opened.frames(metadata).await?;
    let numbered = all.into_iter().enumerate().map(|(index, ranges)| (index + 1, ranges)).collect();
    answer(request, opened, metadata, numbered)
}

fn answer(
    request: &Request,
    opened: Opened,
    metadata: &Value,
    frames: Vec<(usize, Vec<Range<u64>>)>,
) -> Result<Response, Problem> {
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let facts = opened.located().instance().ok_or_else(Problem::not_found)?.clone();
    let form = accept::frames(&ranges, &facts.transfer_syntax_uid, frames.len())?;
    let swap_from = swap_from(&facts.transfer_syntax_uid, metadata);
    let values = |ranges: Vec<Range<u64>>| {
        let opened = opened.clone();
        ranges.into_iter().map(move |range| Piece::Value { opened: opened.clone(), range, swap_from })
    };
    let FrameForm { content_type, media_type, single } = form;
    if single {
        let pieces = frames.into_iter().flat_map(|(_, ranges)| values(ranges));
        return Ok(([(header::CONTENT_TYPE, content_type)], body::of(pieces)).into_response());
    }
    let mut writer = Writer::new(&body::boundary()?)?;
    let whole = writer.content_type(media_type);
    let location = instance_url(&request.base, &facts);
    let mut pieces = Vec::new();
    for (number, ranges) in frames {
        let location = format!("{location}/frames/{number}");
        pieces.push(Piece::Bytes(writer.begin(&[("Content-Type", &content_type), ("Content-Location", &location)])?));
        pieces.extend(values(ranges));
    }
    pieces.push(Piece::Bytes(writer.close()));
    Ok(([(header::CONTENT_TYPE, whole)], body::of(pieces)).into_response())
}

/// Where the words begin that change their byte order on the way out: pixels of VR OW kept big-endian do, of OB do not
/// (PS3.5 7.3).
pub fn swap_from(transfer_syntax_uid: &str, metadata: &Value) -> Option<u64> {
    let pixels = metadata.get(PIXEL_DATA).filter(|element| element.get("vr").is_some_and(|vr| vr == "OW"))?;
    match Bulk::of(pixels) {
        Some(Bulk::Range { offset, .. }) if transfer_syntax_uid == BIG_ENDIAN => Some(offset),
        _ => None,
    }
}

/// Reads a list of frame numbers, counted from 1.
pub fn numbers(list: &str) -> Result<Vec<usize>, Problem> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &usize| *number > 0);
    let numbers: Option<Vec<usize>> = list.split(',').take(FRAMES_MAX + 1).map(number).collect();
    let numbers =
        numbers.ok_or_else(|| Problem::bad_request("Frames are numbers from 1, with commas between them."))?;
    if numbers.len() > FRAMES_MAX {
        return Err(Problem::bad_request(format!("At most {FRAMES_MAX} frames at once.")));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_list_is_numbers_from_one() {
        assert_eq!(numbers("1,3,2"), Ok(vec![1, 3, 2]));
        for wrong in ["", "0", "1,", "a", "-1", "1,99999999999999999999999"] {
            assert_eq!(numbers(wrong).unwrap_err().status, 400, "{wrong}");
        }
        assert!(numbers(&vec!["7"; FRAMES_MAX].join(",")).is_ok());
        assert!(numbers(&vec!["7"; FRAMES_MAX + 1].join(",")).is_err());
    }
}
