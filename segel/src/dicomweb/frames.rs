//! Frames (PS3.18 10.4.1.1.6): as they are kept, read by range of the sealed object, or decoded where that was asked for.

use super::accept::frames::{Frames, Making};
use super::accept::{self, MediaRange, Offer, Shape};
use super::answer::Answer;
use super::attributes::Attributes;
use super::body::Piece;
use super::bulk::PIXEL_DATA;
use super::request::{Request, instance_url};
use crate::http::{Doors, Problem};
use crate::recode::kept::{self, Kept, swap_from};
use archive::object::InstanceFacts;
use archive::retrieve::Opened;
use axum::response::Response;
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;
use wire::multipart::Writer;

/// Frames of one request.
const FRAMES_MAX: usize = 4096;
/// The quality of a frame as JPEG: no loss that is seen.
const QUALITY: u8 = 95;

/// `GET .../frames/{list}`.
pub async fn frames(request: Request) -> Result<Response, Problem> {
    let list = numbers(request.names.frames.as_deref().unwrap_or_default())?;
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let located = request.locate_one().await?;
    let facts = located.instance().ok_or_else(Problem::not_found)?.clone();
    let offered =
        |eight_bits| Frames { transfer_syntax_uid: &facts.transfer_syntax_uid, count: list.len(), eight_bits };
    let described = |form: &Offer<Making>| format!("frames {list:?} {form:?}");
    // How many bits there are is known when it is open; what a client has of either form, it has.
    offered(true).choose(&ranges)?;
    for eight_bits in [true, false] {
        let form = offered(eight_bits).choose(&ranges).ok();
        let answer = form.map(|form| Answer::of(&request, [&located], &described(&form)));
        if let Some(known) = answer.and_then(|answer| answer.known(&request.headers)) {
            return Ok(known);
        }
    }
    let image = Image::of(&request.doors, request.open_located(&located).await?).await?;
    let form = offered(image.has_eight_bits()).choose(&ranges)?;
    let answer = Answer::of(&request, [&located], &described(&form));
    let mut parts = Vec::with_capacity(list.len());
    for number in list {
        let pieces = image.pieces(number, &form)?.ok_or_else(Problem::not_found)?;
        parts.push((format!("{}/frames/{number}", instance_url(&request.base, &facts)), pieces));
    }
    made_first(&mut parts).await?;
    if form.shape == Shape::Single {
        let pieces = parts.into_iter().flat_map(|(_, pieces)| pieces).collect();
        return answer.give(&request.headers, &form.content_type(), pieces);
    }
    let mut writer = Writer::new(answer.boundary())?;
    let whole = writer.content_type(form.media_type);
    let mut pieces = Vec::new();
    for (location, part) in parts {
        let before = writer.begin(&[("Content-Type", &form.content_type()), ("Content-Location", &location)])?;
        pieces.push(Piece::Bytes(before));
        pieces.extend(part);
    }
    pieces.push(Piece::Bytes(writer.close()));
    answer.give(&request.headers, &whole, pieces)
}

/// Makes the first piece now if it has to be made: a frame that cannot be decoded is told by a status while there is one.
async fn made_first(parts: &mut [(String, Vec<Piece>)]) -> Result<(), Problem> {
    let first = parts.first_mut().and_then(|(_, pieces)| pieces.first_mut());
    if let Some(piece) = first.filter(|piece| matches!(piece, Piece::Made(_)))
        && let Piece::Made(making) = std::mem::replace(piece, Piece::Bytes(Vec::new()))
    {
        *piece = Piece::Bytes(making.await?);
    }
    Ok(())
}

/// The places of one frame's bytes in the data set.
type Places = Vec<Range<u64>>;

/// An open image, and where its frames are.
pub struct Image {
    doors: Doors,
    opened: Opened,
    metadata: Arc<Value>,
    facts: InstanceFacts,
    places: Vec<Places>,
    swap_from: Option<u64>,
}

impl Image {
    /// Finds the frames of an open instance.
    pub async fn of(doors: &Doors, opened: Opened) -> Result<Self, Problem> {
        let metadata = opened.metadata().await?;
        Self::with(doors, opened, Arc::new(metadata)).await
    }

    /// The same, when its metadata is at hand.
    pub async fn with(doors: &Doors, opened: Opened, metadata: Arc<Value>) -> Result<Self, Problem> {
        let facts = opened.located().instance().ok_or_else(Problem::not_found)?.clone();
        let has_pixels = ["7FE00008", "7FE00009", PIXEL_DATA].iter().any(|tag| metadata.get(tag).is_some());
        let places = if has_pixels { opened.frames(&metadata).await? } else { Vec::new() };
        let swap_from = swap_from(&facts.transfer_syntax_uid, &metadata);
        Ok(Self { doors: doors.clone(), opened, metadata, facts, places, swap_from })
    }

    /// How many frames there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Whether its values fit the 8 bits of a baseline JPEG.
    pub fn has_eight_bits(&self) -> bool {
        let top = Attributes(&self.metadata);
        let is = |tag: &str, number| top.count(tag) == Some(number);
        let indexed = top.text("00280004") == Some("PALETTE COLOR");
        is("00280100", 8) && is("00280101", 8) && top.count("00280103").is_none_or(|sign| sign == 0) && !indexed
    }

    /// The form in which the frames can be given to someone who accepts `ranges`.
    pub fn choose(&self, ranges: &[MediaRange]) -> Result<Offer<Making>, Problem> {
        let syntax = &self.facts.transfer_syntax_uid;
        let several = usize::MAX;
        Frames { transfer_syntax_uid: syntax, count: several, eight_bits: self.has_eight_bits() }.choose(ranges)
    }

    /// The pieces of a frame, counted from 1, in a form; `None` if there is no such frame.
    pub fn pieces(&self, number: usize, form: &Offer<Making>) -> Result<Option<Vec<Piece>>, Problem> {
        let Some(places) = number.checked_sub(1).and_then(|index| self.places.get(index)) else { return Ok(None) };
        if form.how == Making::Kept {
            let value = |range: &Range<u64>| Piece::Value {
                opened: self.opened.clone(),
                range: range.clone(),
                swap_from: self.swap_from,
            };
            return Ok(Some(places.iter().map(value).collect()));
        }
        let index = u32::try_from(number - 1).map_err(|_| Problem::not_found())?;
        let (doors, opened, metadata) = (self.doors.clone(), self.opened.clone(), Arc::clone(&self.metadata));
        let how = form.how;
        let making = async move {
            if how == Making::Decoded {
                return Ok(kept::native(&doors.pixels, &opened, &metadata, index).await?.bytes);
            }
            let kept = Kept::of(&opened, &metadata, index).await?;
            let turn = doors.pixels.turn_with(&kept.description, kept.frame_bytes).await?;
            Ok(turn.jpeg_baseline(kept.read(&opened).await?, QUALITY).await?)
        };
        Ok(Some(vec![Piece::Made(Box::pin(making))]))
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
