//! Rendered images (PS3.18 10.4.1.1.3): one frame, through a window, as JPEG or PNG.

pub mod codestream;
pub mod colour;
pub mod decode;
pub mod encode;
pub mod parameters;
pub mod picture;
pub mod tone;

pub use encode::Format;
pub use picture::{VoiFunction, Window};

use super::accept;
use super::attributes::Attributes;
use super::body::{self, Piece, VALUE_BYTES_MAX};
use super::bulk::Bulk;
use super::request::Request;
use crate::http::{Doors, Problem};
use archive::retrieve::Opened;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use colour::Palette;
use picture::{FRAME_BYTES_MAX, Photometric, Picture};
use serde_json::Value;

/// Encapsulated PDF Storage.
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";

/// How a frame shall look.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Which frame, from 0.
    pub frame: u32,
    /// The window, or the image's own, or all of its values.
    pub window: Option<Window>,
    /// The box it shall fit into.
    pub size: Option<(u32, u32)>,
    /// The file.
    pub format: Format,
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
    if accept::choose(&ranges, &["image/jpeg", "image/png"])? == "image/png" {
        wish.format = Format::Png;
    }
    let file = render(&request.doors, &opened, wish).await?;
    Ok(([(header::CONTENT_TYPE, wish.format.media_type())], file).into_response())
}

/// Renders one frame of an open instance to a file.
pub async fn render(doors: &Doors, opened: &Opened, wish: Wish) -> Result<Vec<u8>, Problem> {
    let syntax =
        opened.located().instance().map(|facts| facts.transfer_syntax_uid.clone()).ok_or_else(Problem::not_found)?;
    let metadata = opened.metadata().await?;
    if metadata.get(super::bulk::PIXEL_DATA).is_none() {
        return Err(Problem::not_acceptable("There is no image in this instance."));
    }
    let picture = Picture::of(&metadata, &syntax, wish.frame)?;
    // A turn comes before the frame is read, so that those who wait hold no plaintext.
    let turn =
        doors.decoders.clone().acquire_owned().await.map_err(|_| Problem::busy("The archive is shutting down."))?;
    let palette = if picture.photometric == Photometric::Palette {
        palette(opened, &metadata).await?
    } else {
        Palette::default()
    };
    let swap_from = super::frames::swap_from(&syntax, &metadata);
    let frame = read_frame(opened, &metadata, wish.frame, swap_from).await?;
    let work = move || {
        let _turn = turn;
        draw(picture, &palette, frame, wish)
    };
    let drawn = tokio::task::spawn_blocking(work).await;
    drawn.map_err(|_| Problem::not_acceptable("The frame cannot be decoded; retrieve it as it is."))?
}

/// One frame's stored values, little-endian in pixel order, with their description: for a viewer that windows by itself.
pub async fn decoded(doors: &Doors, opened: &Opened, frame: u32) -> Result<(Picture, Vec<u8>), Problem> {
    let syntax =
        opened.located().instance().map(|facts| facts.transfer_syntax_uid.clone()).ok_or_else(Problem::not_found)?;
    let metadata = opened.metadata().await?;
    let mut picture = Picture::of(&metadata, &syntax, frame)?;
    let turn =
        doors.decoders.clone().acquire_owned().await.map_err(|_| Problem::busy("The archive is shutting down."))?;
    let swap_from = super::frames::swap_from(&syntax, &metadata);
    let bytes = read_frame(opened, &metadata, frame, swap_from).await?;
    let work = move || {
        let _turn = turn;
        let samples = decode::samples(&mut picture, bytes)?;
        Ok((picture, samples))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::not_acceptable("The frame cannot be decoded; retrieve it as it is."))?
}

fn draw(mut picture: Picture, palette: &Palette, frame: Vec<u8>, wish: Wish) -> Result<Vec<u8>, Problem> {
    let samples = decode::samples(&mut picture, frame)?;
    let pixels = match picture.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => tone::grey(&picture, &samples, wish.window),
        Photometric::Palette => palette.apply(&picture, &samples),
        Photometric::Rgb | Photometric::YbrFull | Photometric::YbrFull422 => colour::rgb(&picture, samples),
    };
    encode::file(picture.columns.into(), picture.rows.into(), pixels, wish.size, wish.format)
}

async fn read_frame(opened: &Opened, metadata: &Value, frame: u32, swap_from: Option<u64>) -> Result<Vec<u8>, Problem> {
    let frames = opened.frames(metadata).await?;
    let ranges = usize::try_from(frame).ok().and_then(|frame| frames.get(frame)).ok_or_else(Problem::not_found)?;
    let length: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    if length > FRAME_BYTES_MAX {
        return Err(Problem::not_acceptable("The frame is too large to be rendered here; retrieve it as it is."));
    }
    let mut bytes = Vec::new();
    for range in ranges {
        bytes.extend(body::read_value(opened, range.clone(), swap_from).await?);
    }
    Ok(bytes)
}

/// The tables of PALETTE COLOR: descriptors (0028,1101) to 1103, data (0028,1201) to 1203.
async fn palette(opened: &Opened, metadata: &Value) -> Result<Palette, Problem> {
    let unusable = || Problem::not_acceptable("The image's palette cannot be used.");
    let mut palette = Palette::default();
    let descriptors = ["00281101", "00281102", "00281103"];
    let data = ["00281201", "00281202", "00281203"];
    for ((descriptor, data), table) in descriptors.into_iter().zip(data).zip(&mut palette.tables) {
        let descriptor = Attributes(metadata).numbers(descriptor);
        let [entries, first, bits] = descriptor.as_slice() else { return Err(unusable()) };
        let whole = |number: f64| format!("{number:.0}").parse::<i64>().unwrap_or(0);
        // PS3.3 C.7.6.3.1.5: 0 entries means 65,536.
        let entries = usize::try_from(whole(*entries)).ok().filter(|n| *n > 0).unwrap_or(65_536);
        palette.first = whole(*first);
        let bits = u32::try_from(whole(*bits)).unwrap_or(16);
        let bytes = match metadata.get(data).and_then(Bulk::of) {
            Some(Bulk::Inline(bytes)) => bytes,
            Some(Bulk::Range { offset, length }) if length <= VALUE_BYTES_MAX => {
                opened.read_dataset(offset..offset.saturating_add(length)).await?
            }
            _ => return Err(unusable()),
        };
        *table = Palette::table(&bytes, bits, entries);
    }
    Ok(palette)
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

#[cfg(test)]
mod tests;
