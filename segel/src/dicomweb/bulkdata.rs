//! Bulk data (PS3.18 10.4.1.1.5): by the path of its attribute, of which only the range asked for is read and opened, or all
//! of an instance, a series or a study.

mod all;
mod value;

pub use all::{bulkdata as all_bulkdata, pixeldata};
pub use value::Found;

use super::accept::{self, OCTETS, Offer, Shape, best, none};
use super::answer::Answer;
use super::body::Piece;
use super::bulk::Bulk;
use super::frames::Image;
use super::request::{Request, instance_url};
use crate::http::Problem;
use axum::response::Response;
use std::sync::Arc;
use wire::multipart::Writer;

/// `GET .../bulkdata/{tag}[/{item}/{tag}]...`.
pub async fn bulkdata(request: Request) -> Result<Response, Problem> {
    let path = request.names.path.clone().unwrap_or_default();
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let located = request.locate_one().await?;
    let described = |form: &str| format!("bulkdata {path} {form}");
    let form = best(&ranges, &octets()).cloned();
    if let Some(form) = &form {
        let answer = Answer::of(&request, [&located], &described(&format!("{form:?}")));
        if let Some(known) = answer.known(&request.headers) {
            return Ok(known);
        }
    }
    let opened = request.open_located(&located).await?;
    let metadata = opened.metadata().await?;
    let found = Found::at(&metadata, &path).ok_or_else(Problem::not_found)?;
    let facts = located.instance().ok_or_else(Problem::not_found)?;
    let location = format!("{}/bulkdata/{path}", instance_url(&request.base, facts));
    if let (Bulk::Fragments(_), true) = (&found.bulk, found.is_pixels()) {
        let image = Image::with(&request.doors, opened, Arc::new(found.data_set.clone())).await?;
        let form = image.choose(&ranges)?;
        let answer = Answer::of(&request, [&located], &described(&format!("{form:?}")));
        let mut writer = Writer::new(answer.boundary())?;
        let content_type = writer.content_type(form.media_type);
        let mut pieces = Vec::new();
        for number in 1..=image.count() {
            let headers = [("Content-Type", &*form.content_type()), ("Content-Location", &*location)];
            pieces.push(Piece::Bytes(writer.begin(&headers)?));
            pieces.extend(image.pieces(number, &form)?.unwrap_or_default());
        }
        pieces.push(Piece::Bytes(writer.close()));
        return answer.give(&request.headers, &content_type, pieces);
    }
    let form = form.ok_or_else(|| none(&octets()))?;
    let answer = Answer::of(&request, [&located], &described(&format!("{form:?}")));
    let value = found.pieces(&opened, &facts.transfer_syntax_uid)?;
    if form.shape == Shape::Single {
        return answer.give(&request.headers, OCTETS, value);
    }
    let mut writer = Writer::new(answer.boundary())?;
    let content_type = writer.content_type(OCTETS);
    let mut pieces = vec![Piece::Bytes(writer.begin(&[("Content-Type", OCTETS), ("Content-Location", &location)])?)];
    pieces.extend(value);
    pieces.push(Piece::Bytes(writer.close()));
    answer.give(&request.headers, &content_type, pieces)
}

/// A value is octets, as a whole body or as a part. They are little endian (PS3.18 8.7.3.3), so that is what a client that
/// names a transfer syntax must name.
fn octets() -> [Offer<()>; 2] {
    [Shape::Single, Shape::Parts].map(|shape| Offer {
        syntax: Some(accept::EXPLICIT_LITTLE.to_owned()),
        shape,
        ..accept::whole(OCTETS)
    })
}
