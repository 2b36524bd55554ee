//! Pictures to look at (PS3.18 10.4.1.1.3 and 10.4.1.1.4): rendered of one frame, or of several as the parts of one answer; and
//! a thumbnail that stands for a study, a series, an instance or a frame.

use super::accept::{self, Offer, Shape, best, none};
use super::answer::Answer;
use super::body::Piece;
use super::frames::numbers;
use super::rendered::{self, Format, Wish, parameters};
use super::request::{Request, instance_url};
use crate::http::Problem;
use archive::retrieve::{Located, Opened};
use axum::response::Response;
use std::collections::HashMap;
use wire::multipart::Writer;

/// The longer side of a thumbnail.
const SIDE: u32 = 128;
/// The quality of a thumbnail.
const QUALITY: u8 = 80;

/// Everything that a picture depends on.
fn form(request: &Request, kind: &str) -> String {
    let accept = accept::ranges(&request.headers, request.parameter("accept"));
    format!("{kind} {:?} {:?} {accept:?}", request.names.frames, request.query)
}

/// `GET .../rendered` of an instance, or of one frame or several.
pub async fn rendered(request: Request) -> Result<Response, Problem> {
    let list = request.names.frames.as_deref().map(numbers).transpose()?;
    if let Some(list) = list.filter(|list| list.len() > 1) {
        return several(request, Some(list)).await;
    }
    let located = request.locate_one().await?;
    let answer = Answer::of(&request, [&located], &form(&request, "rendered"));
    if let Some(known) = answer.known(&request.headers) {
        return Ok(known);
    }
    let mut response = rendered::rendered(request).await?;
    answer.mark(&mut response);
    Ok(response)
}

/// `GET .../rendered` of a series or a study: a picture of each instance that has one.
pub async fn all(request: Request) -> Result<Response, Problem> {
    several(request, None).await
}

async fn several(mut request: Request, frames: Option<Vec<usize>>) -> Result<Response, Problem> {
    let offers =
        ["image/jpeg", "image/png"].map(|media_type| Offer { shape: Shape::Parts, ..accept::whole(media_type) });
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let media_type = best(&ranges, &offers).ok_or_else(|| none(&offers))?.media_type;
    let form = form(&request, "several rendered");
    request.names.frames = None;
    let located = with_images(request.locate().await?);
    if located.is_empty() {
        return Err(no_image());
    }
    if let Some(known) = Answer::of(&request, &located, &form).known(&request.headers) {
        return Ok(known);
    }
    let mut wish = parameters::read(&request)?;
    if media_type == "image/png" {
        wish.format = Format::Png;
    }
    let opened = request.open(&located).await?;
    let answer = Answer::of_opened(&request, &opened, &form);
    let mut writer = Writer::new(answer.boundary())?;
    let content_type = writer.content_type(media_type);
    let mut pieces = Vec::new();
    for opened in opened {
        let facts = opened.located().instance().ok_or_else(Problem::not_found)?;
        let instance = instance_url(&request.base, facts);
        let places: Vec<(u32, String)> = match &frames {
            None => vec![(0, format!("{instance}/rendered"))],
            Some(list) => {
                let place = |number: &usize| {
                    Some((u32::try_from(number - 1).ok()?, format!("{instance}/frames/{number}/rendered")))
                };
                list.iter().map(place).collect::<Option<_>>().ok_or_else(Problem::not_found)?
            }
        };
        for (frame, location) in places {
            let before = writer.begin(&[("Content-Type", media_type), ("Content-Location", &location)])?;
            let wish = Wish { frame, ..wish.clone() };
            let picture = picture(&request, &opened, wish);
            let is_first = pieces.is_empty();
            pieces.push(Piece::Bytes(before));
            // What cannot be drawn is told by a status while there is one.
            pieces.push(if is_first { Piece::Bytes(picture.await?) } else { Piece::Made(Box::pin(picture)) });
        }
    }
    pieces.push(Piece::Bytes(writer.close()));
    answer.give(&request.headers, &content_type, pieces)
}

fn picture(
    request: &Request,
    opened: &Opened,
    wish: Wish,
) -> impl Future<Output = Result<Vec<u8>, Problem>> + Send + use<> {
    let (doors, opened) = (request.doors.clone(), opened.clone());
    async move { rendered::render(&doors, &opened, wish).await }
}

/// `GET .../thumbnail`.
pub async fn thumbnail(request: Request) -> Result<Response, Problem> {
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let media_type = accept::choose(&ranges, &["image/jpeg", "image/png"])?.to_owned();
    let mut wish = parameters::read(&request)?;
    let shown = shown(with_images(request.locate().await?)).ok_or_else(no_image)?;
    let answer = Answer::of(&request, [&shown], &form(&request, "thumbnail"));
    if let Some(known) = answer.known(&request.headers) {
        return Ok(known);
    }
    if request.parameter("viewport").is_none() {
        wish.size = Some((SIDE, SIDE));
    }
    wish.format = if media_type == "image/png" { Format::Png } else { Format::Jpeg(QUALITY) };
    if request.names.frames.is_none() {
        wish.frame = shown.instance().map_or(0, |facts| facts.frames / 2);
    }
    let opened = request.open_located(&shown).await?;
    let file = picture(&request, &opened, wish).await?;
    answer.give(&request.headers, &media_type, vec![Piece::Bytes(file)])
}

fn no_image() -> Problem {
    Problem::not_acceptable("There is no image here.")
}

fn with_images(located: Vec<Located>) -> Vec<Located> {
    located.into_iter().filter(|l| l.instance().is_some_and(|facts| facts.frames > 0)).collect()
}

/// The instance that stands for all: in the middle of the largest series, which shows more of the patient than a scout or a
/// first slice. Only this one is opened.
fn shown(images: Vec<Located>) -> Option<Located> {
    let series = |located: &Located| located.instance().map(|facts| facts.series_instance_uid.clone());
    let mut counts: HashMap<String, usize> = HashMap::new();
    images.iter().filter_map(series).for_each(|uid| *counts.entry(uid).or_default() += 1);
    // Of equals always the same one.
    let (largest, count) = counts.into_iter().max_by(|(a, m), (b, n)| m.cmp(n).then_with(|| b.cmp(a)))?;
    images.into_iter().filter(|located| series(located).as_ref() == Some(&largest)).nth(count / 2)
}
