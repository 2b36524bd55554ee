//! All bulk data, or all pixel data, of an instance, a series or a study (PS3.18 tables 10.4.1-5 and 10.4.1-6): a part for each
//! value, and for each frame.

use super::value::Found;
use crate::dicomweb::accept::{self, MediaRange, OCTETS, Shape, best, none};
use crate::dicomweb::answer::Answer;
use crate::dicomweb::body::Piece;
use crate::dicomweb::bulk::Bulk;
use crate::dicomweb::frames::Image;
use crate::dicomweb::request::{Request, instance_url};
use crate::http::{Doors, Problem};
use archive::retrieve::Opened;
use axum::response::Response;
use std::sync::Arc;
use wire::multipart::Writer;

/// `GET .../bulkdata`.
pub async fn bulkdata(request: Request) -> Result<Response, Problem> {
    parts(request, false).await
}

/// `GET .../pixeldata`.
pub async fn pixeldata(request: Request) -> Result<Response, Problem> {
    parts(request, true).await
}

/// What the parts of one request have in common.
#[derive(Clone)]
struct Wanted {
    doors: Doors,
    base: String,
    ranges: Arc<[MediaRange]>,
    pixels_only: bool,
}

async fn parts(request: Request, pixels_only: bool) -> Result<Response, Problem> {
    let ranges: Arc<[MediaRange]> = accept::ranges(&request.headers, request.parameter("accept"))?.into();
    let located = request.locate().await?;
    let form = format!("all bulk data {pixels_only} {ranges:?}");
    if let Some(known) = Answer::of(&request, &located, &form).known(&request.headers) {
        return Ok(known);
    }
    let opened = request.open(&located).await?;
    let answer = Answer::of_opened(&request, &opened, &form);
    let mut writer = Writer::new(answer.boundary())?;
    let wanted = Wanted { doors: request.doors.clone(), base: request.base.clone(), ranges, pixels_only };
    let mut opened = opened.into_iter();
    // The first part is made before the answer: whether there is any, and whether it is acceptable, is a matter of the status.
    let mut first = Vec::new();
    for opened in opened.by_ref() {
        first = wanted.of(opened, &mut writer).await?;
        if !first.is_empty() {
            break;
        }
    }
    if first.is_empty() {
        return Err(Problem::not_found());
    }
    let content_type = writer.content_type(OCTETS);
    let mut pieces = first;
    for opened in opened {
        let (wanted, mut writer) = (wanted.clone(), writer.clone());
        pieces.push(Piece::Pieces(Box::pin(async move { wanted.of(opened, &mut writer).await })));
    }
    pieces.push(Piece::Bytes(writer.close()));
    answer.give(&request.headers, &content_type, pieces)
}

impl Wanted {
    /// The parts of one instance.
    async fn of(&self, opened: Opened, writer: &mut Writer) -> Result<Vec<Piece>, Problem> {
        let facts = opened.located().instance().ok_or_else(Problem::not_found)?.clone();
        let metadata = Arc::new(opened.metadata().await?);
        let instance = instance_url(&self.base, &facts);
        let mut pieces = Vec::new();
        for (path, found) in Found::all(&metadata) {
            let is_image = path == crate::dicomweb::bulk::PIXEL_DATA;
            if self.pixels_only && !is_image {
                continue;
            }
            let location = format!("{instance}/bulkdata/{path}");
            if found.is_pixels() && matches!(found.bulk, Bulk::Fragments(_)) || self.pixels_only {
                let image = Image::with(&self.doors, opened.clone(), Arc::new(found.data_set.clone())).await?;
                let form = image.choose(&self.ranges)?;
                for number in 1..=image.count() {
                    let location = if is_image { format!("{instance}/frames/{number}") } else { location.clone() };
                    let headers = [("Content-Type", &*form.content_type()), ("Content-Location", &*location)];
                    pieces.push(Piece::Bytes(writer.begin(&headers)?));
                    pieces.extend(image.pieces(number, &form)?.unwrap_or_default());
                }
                continue;
            }
            let offers = super::octets().into_iter().filter(|offer| offer.shape == Shape::Parts).collect::<Vec<_>>();
            best(&self.ranges, &offers).ok_or_else(|| none(&offers))?;
            pieces.push(Piece::Bytes(writer.begin(&[("Content-Type", OCTETS), ("Content-Location", &location)])?));
            pieces.extend(found.pieces(&opened, &facts.transfer_syntax_uid)?);
        }
        Ok(pieces)
    }
}
