//! Pictures for the pages: rendered ones, and samples that the viewer windows by itself.

use super::Pages;
use super::failure::Failure;
use super::visitor::Visitor;
use crate::dicomweb::rendered::{self, Wish};
use crate::http::Problem;
use crate::pixels::{Format, Native, Photometric};
use archive::retrieve::{Opened, Target};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use seal::message::Part;
use serde::Deserialize;
use serde_json::json;
use wire::uid::is_uid;

/// Study, series, instance.
pub type Names = Path<(String, String, String)>;

/// Which frame, how large.
#[derive(Deserialize)]
pub struct Asked {
    frame: Option<u32>,
    side: Option<u32>,
}

/// A thumbnail's longest side.
const SIDE_MAX: u32 = 2_048;
/// Good enough on a screen.
const QUALITY: u8 = 88;

/// The instance that a page's address names, opened and logged.
pub async fn open(
    pages: &Pages,
    visitor: &Visitor,
    (study, series, instance): &(String, String, String),
) -> Result<Opened, Problem> {
    if ![study, series, instance].into_iter().all(|uid| is_uid(uid)) {
        return Err(Problem::not_found());
    }
    let archive = &pages.doors.archive;
    let located = archive.locate(&visitor.asker, &Target::instance(study, series, instance)).await?;
    let first = located.into_iter().next().ok_or_else(Problem::not_found)?;
    archive.open(&visitor.asker, Part::Content, &[first]).await?.pop().ok_or_else(Problem::not_found)
}

/// `GET .../image?frame=&side=`: a frame as JPEG, through its own window.
pub async fn image(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(names): Names,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    let opened = open(&pages, &visitor, &names).await.map_err(fail)?;
    let size = asked.side.map(|side| side.clamp(16, SIDE_MAX)).map(|side| (side, side));
    let wish = Wish { size, ..Wish::plain(asked.frame.unwrap_or(0), Format::Jpeg(QUALITY)) };
    let media_type = wish.format.media_type();
    let file = rendered::render(&pages.doors, &opened, wish).await.map_err(fail)?;
    Ok(([(header::CONTENT_TYPE, media_type)], file).into_response())
}

/// `GET .../samples?frame=`: stored values, little-endian, row after row; the header `Segel-Picture` says what they mean.
pub async fn samples(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(names): Names,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    let opened = open(&pages, &visitor, &names).await.map_err(fail)?;
    let Native { description: picture, bytes } =
        rendered::decoded(&pages.doors, &opened, asked.frame.unwrap_or(0)).await.map_err(fail)?;
    let grey = matches!(picture.photometric, Photometric::Monochrome1 | Photometric::Monochrome2);
    if !grey || !matches!(picture.bits_allocated, 8 | 16) {
        return Err(fail(Problem::not_acceptable("The image is not a grey one of 8 or 16 bits.")));
    }
    let described = json!({
        "rows": picture.rows, "columns": picture.columns, "bits": picture.bits_allocated, "stored": picture.bits_stored,
        "signed": picture.signed, "slope": picture.tone.slope, "intercept": picture.tone.intercept,
        "center": picture.tone.window.map(|w| w.center), "width": picture.tone.window.map(|w| w.width),
        "frames": picture.frames, "inverted": picture.photometric == Photometric::Monochrome1,
    });
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/octet-stream".to_owned()),
        ("segel-picture", described.to_string()),
    ];
    Ok((headers, bytes).into_response())
}
