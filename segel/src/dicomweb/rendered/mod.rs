//! Rendered images (PS3.18 10.4.1.1.3): one frame, through a window, as JPEG, PNG or GIF.

mod annotation;
pub mod parameters;

pub use crate::pixels::Format;
pub use annotation::Annotation;

use super::accept;
use super::attributes::Attributes;
use super::body::{self, Piece};
use super::bulk::Bulk;
use super::request::Request;
use crate::http::{Doors, Problem};
use crate::pixels::{Native, Source, View, Viewport, Window};
use crate::recode::kept::{self, Kept};
use archive::retrieve::Opened;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Encapsulated PDF Storage.
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
/// ICCProfile (0028,2000).
const ICC_PROFILE: &str = "00282000";

/// How a frame shall look.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which frame, from 0.
    pub frame: u32,
    /// The window, or the image's own, or all of its values.
    pub window: Option<Window>,
    /// The box it shall fit into.
    pub size: Option<(u32, u32)>,
    /// The part of the image that is shown.
    pub source: Option<Source>,
    /// The file.
    pub format: Format,
    /// What is written into the picture.
    pub annotation: Annotation,
    /// Whether an sRGB profile goes into the file.
    pub has_profile: bool,
    /// Whether a kept JPEG will do as it is.
    pub may_keep: bool,
}

impl Wish {
    /// The whole frame as it wants to be shown.
    pub fn plain(frame: u32, format: Format) -> Self {
        let annotation = Annotation::default();
        Self { frame, window: None, size: None, source: None, format, annotation, has_profile: false, may_keep: true }
    }

    fn view(&self, metadata: &Value) -> View {
        let viewport = self.size.map(|(width, height)| Viewport { width, height, source: self.source });
        View {
            window: self.window,
            viewport,
            format: self.format,
            annotation: annotation::lines(metadata, self.annotation),
            has_profile: self.has_profile,
            may_keep: self.may_keep,
        }
    }
}

/// `GET .../rendered` of an instance or a frame. Of an instance with several frames, the first.
pub async fn rendered(request: Request) -> Result<Response, Problem> {
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let mut wish = parameters::read(&request)?;
    let opened = request.open_one().await?;
    let is_pdf = opened.located().instance().is_some_and(|facts| facts.sop_class_uid == ENCAPSULATED_PDF);
    if is_pdf {
        accept::choose(&ranges, &["application/pdf"])?;
        return document(opened).await;
    }
    match accept::choose(&ranges, &["image/jpeg", "image/png", "image/gif"])? {
        "image/png" => wish.format = Format::Png,
        "image/gif" => wish.format = Format::Gif,
        _ => {}
    }
    let media_type = wish.format.media_type();
    let file = render(&request.doors, &opened, wish).await?;
    Ok(([(header::CONTENT_TYPE, media_type)], file).into_response())
}

/// Renders one frame of an open instance to a file.
pub async fn render(doors: &Doors, opened: &Opened, wish: Wish) -> Result<Vec<u8>, Problem> {
    let metadata = opened.metadata().await?;
    if wish.has_profile && metadata.get(ICC_PROFILE).is_some() {
        return Err(Problem::bad_request(
            "The image has a colour profile of its own, from which no other is made here.",
        ));
    }
    let view = wish.view(&metadata);
    let kept = Kept::of(opened, &metadata, wish.frame).await?;
    let turn = doors.pixels.turn_with(&kept.description, kept.frame_bytes).await?;
    Ok(turn.render(kept.read(opened).await?, view).await?.bytes)
}

/// One frame's stored values, little-endian, with their description: for a viewer that windows by itself.
pub async fn decoded(doors: &Doors, opened: &Opened, frame: u32) -> Result<Native, Problem> {
    let metadata = opened.metadata().await?;
    Ok(kept::native(&doors.pixels, opened, &metadata, frame).await?)
}

/// The document of an Encapsulated PDF (PS3.3 C.24.2), without the padding to an even length.
pub async fn document(opened: Opened) -> Result<Response, Problem> {
    let metadata = opened.metadata().await?;
    let pdf = [(header::CONTENT_TYPE, "application/pdf")];
    match metadata.get("00420011").and_then(Bulk::of) {
        Some(Bulk::Inline(bytes)) => Ok((pdf, bytes).into_response()),
        Some(Bulk::Range { offset, length }) => {
            let declared = Attributes(&metadata).count("00420015").map(u64::from);
            let length = declared.filter(|declared| *declared <= length).unwrap_or(length);
            let range = offset..offset.saturating_add(length);
            Ok((pdf, body::of([Piece::Value { opened, range, swap_from: None }])).into_response())
        }
        _ => Err(Problem::not_acceptable("There is no document in this instance.")),
    }
}
