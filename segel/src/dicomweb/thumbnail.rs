//! Thumbnails (PS3.18 10.4.1.1.4): a small JPEG that stands for a study, a series, an instance or a frame.

use super::accept;
use super::rendered::{self, Format};
use super::request::Request;
use crate::http::Problem;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The longer side.
const SIDE: u32 = 128;

/// `GET .../thumbnail`.
pub async fn thumbnail(request: Request) -> Result<Response, Problem> {
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    accept::choose(&ranges, &["image/jpeg"])?;
    let mut wish = rendered::parameters::read(&request)?;
    wish.size = Some((SIDE, SIDE));
    wish.format = Format::Jpeg(80);
    let located = request.locate().await?;
    // An instance in the middle of a series shows more of the patient than its first slice. Only this one is opened.
    let with_image: Vec<_> =
        located.into_iter().filter(|l| l.instance().is_some_and(|facts| facts.frames > 0)).collect();
    let middle =
        with_image.get(with_image.len() / 2).ok_or_else(|| Problem::not_acceptable("There is no image here."))?;
    if request.names.frames.is_none() {
        wish.frame = middle.instance().map_or(0, |facts| facts.frames / 2);
    }
    let opened = request.open(std::slice::from_ref(middle)).await?.pop().ok_or_else(Problem::not_found)?;
    let file = rendered::render(&request.doors, &opened, wish).await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], file).into_response())
}
