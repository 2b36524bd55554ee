//! The rendered image as a file, brought to the size asked for.

use super::error::Error;
use super::letters;
use super::view::{Format, SIDE_MAX, Source, View, Viewport};
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageEncoder, RgbImage};

/// Makes the file of `pixels` (one byte a pixel if grey, three if colour), of the part and size that the view asks for.
pub fn file(width: u32, height: u32, pixels: Vec<u8>, view: &View) -> Result<Vec<u8>, Error> {
    let grey = u64::try_from(pixels.len()) == Ok(u64::from(width) * u64::from(height));
    let image = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    let mut image = image.ok_or_else(failed)?;
    if let Some(viewport) = view.viewport {
        image = scale(cut(image, viewport.source)?, viewport);
    }
    if !view.annotation.is_empty() {
        letters::write(&mut image, &view.annotation);
    }
    let (width, height) = (image.width(), image.height());
    let profile = view.has_profile.then(super::profile::srgb);
    match view.format {
        Format::Jpeg(quality) => jpeg_with(width, height, image.as_bytes(), quality, profile.as_deref()),
        Format::Png => {
            let mut file = Vec::new();
            let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
            if let Some(profile) = profile {
                encoder.set_icc_profile(profile).map_err(|_| failed())?;
            }
            encoder.write_image(image.as_bytes(), width, height, image.color().into()).map_err(|_| failed())?;
            Ok(file)
        }
        Format::Gif => gif(&image),
    }
}

fn failed() -> Error {
    Error::invalid("The image cannot be rendered.")
}

/// GIF: grey as it is, colour brought down to 256 colours.
fn gif(image: &DynamicImage) -> Result<Vec<u8>, Error> {
    let side = |side: u32| u16::try_from(side).map_err(|_| failed());
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut frame = match image {
        DynamicImage::ImageLuma8(grey) => {
            let palette: Vec<u8> = (0..=u8::MAX).flat_map(|grey| [grey; 3]).collect();
            ::gif::Frame::from_palette_pixels(width, height, grey.as_raw().clone(), palette, None)
        }
        colour => ::gif::Frame::from_rgb_speed(width, height, colour.as_bytes(), 10),
    };
    frame.make_lzw_pre_encoded();
    let mut file = Vec::new();
    let mut encoder = ::gif::Encoder::new(&mut file, width, height, &[]).map_err(|_| failed())?;
    encoder.write_lzw_pre_encoded_frame(&frame).map_err(|_| failed())?;
    drop(encoder);
    Ok(file)
}

/// JPEG baseline of one (grey) or three (RGB) bytes a pixel.
pub fn jpeg(width: u32, height: u32, pixels: &[u8], quality: u8) -> Result<Vec<u8>, Error> {
    jpeg_with(width, height, pixels, quality, None)
}

fn jpeg_with(width: u32, height: u32, pixels: &[u8], quality: u8, profile: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let sides = (u16::try_from(width).map_err(|_| failed())?, u16::try_from(height).map_err(|_| failed())?);
    let grey = u64::try_from(pixels.len()) == Ok(u64::from(width) * u64::from(height));
    let colour = if grey { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality.clamp(1, 100));
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).map_err(|_| failed())?;
    }
    encoder.encode(pixels, sides.0, sides.1, colour).map_err(|_| failed())?;
    Ok(file)
}

/// The part of the image that is asked for, turned over where its width or height is negative (PS3.18 8.3.5.1.3). What lies
/// outside the image is not shown.
fn cut(image: DynamicImage, source: Option<Source>) -> Result<DynamicImage, Error> {
    let Some(Source { x, y, width, height }) = source else { return Ok(image) };
    let part = |from: f64, length: f64, whole: u32| {
        let first = pixel(from.min(whole.into()));
        let last = pixel((from + length.abs()).min(whole.into()));
        (first, last.saturating_sub(first))
    };
    let (left, wide) = part(x, width, image.width());
    let (top, high) = part(y, height, image.height());
    if wide == 0 || high == 0 {
        return Err(Error::invalid("The part of the image that is asked for lies outside it."));
    }
    let mut image = image.crop_imm(left, top, wide, high);
    if width < 0.0 {
        image = image.fliph();
    }
    if height < 0.0 {
        image = image.flipv();
    }
    Ok(image)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 32 bits before")]
fn pixel(place: f64) -> u32 {
    place.round().clamp(0.0, 4e9) as u32
}

/// Fits the image into a box, keeping its proportions (PS3.18 8.3.5.1.3).
fn scale(image: DynamicImage, viewport: Viewport) -> DynamicImage {
    let Viewport { width, height, .. } = viewport;
    let (from_width, from_height) = (u64::from(image.width().max(1)), u64::from(image.height().max(1)));
    let (width, height) = (u64::from(width.clamp(1, SIDE_MAX)), u64::from(height.clamp(1, SIDE_MAX)));
    let by_width = width * from_height <= height * from_width;
    let (width, height) =
        if by_width { (width, from_height * width / from_width) } else { (from_width * height / from_height, height) };
    let side = |side: u64| u32::try_from(side.max(1)).unwrap_or(SIDE_MAX);
    let (width, height) = (side(width), side(height));
    if (width, height) == (image.width(), image.height()) {
        return image;
    }
    match image {
        // Averaging over whole areas is right for shrinking, and fast; a triangle is smooth enough for enlarging.
        image if width < image.width() => image.thumbnail_exact(width, height),
        DynamicImage::ImageLuma8(grey) => imageops::resize(&grey, width, height, FilterType::Triangle).into(),
        image => image.resize_exact(width, height, FilterType::Triangle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_keeps_its_proportions_and_its_grey() {
        let pixels: Vec<u8> = (0..200_u32).map(|n| u8::try_from(n % 256).unwrap()).collect();
        for (size, expected) in
            [(None, (20, 10)), (Some((10, 10)), (10, 5)), (Some((400, 50)), (100, 50)), (Some((1, 1)), (1, 1))]
        {
            for format in [Format::Png, Format::Jpeg(90)] {
                let viewport = size.map(|(width, height)| Viewport::fit(width, height));
                let file = file(20, 10, pixels.clone(), &View { viewport, ..View::plain(format) }).unwrap();
                let read = image::load_from_memory(&file).unwrap();
                assert_eq!((read.width(), read.height()), expected, "{size:?} {format:?}");
                assert_eq!(read.color(), image::ColorType::L8);
            }
        }
        let png = file(20, 10, pixels.clone(), &View::plain(Format::Png)).unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().into_bytes(), pixels);
        assert!(file(20, 10, vec![0; 7], &View::plain(Format::Png)).is_err());
    }

    #[test]
    fn a_part_of_an_image_is_shown_and_turned_over() {
        let pixels: Vec<u8> = (0..12).collect();
        let shown = |x: f64, y: f64, width: f64, height: f64| {
            let viewport = Some(Viewport { width: 2, height: 2, source: Some(Source { x, y, width, height }) });
            let file = file(4, 3, pixels.clone(), &View { viewport, ..View::plain(Format::Png) })?;
            Ok::<_, Error>(image::load_from_memory(&file).unwrap().into_bytes())
        };
        assert_eq!(shown(1.0, 1.0, 2.0, 2.0).unwrap(), [5, 6, 9, 10]);
        assert_eq!(shown(1.0, 1.0, -2.0, 2.0).unwrap(), [6, 5, 10, 9]);
        assert_eq!(shown(1.0, 1.0, 2.0, -2.0).unwrap(), [9, 10, 5, 6]);
        assert_eq!(shown(2.0, 1.0, 9.0, 2.0).unwrap(), [6, 7, 10, 11]);
        assert!(shown(4.0, 0.0, 2.0, 2.0).is_err());
    }

    #[test]
    fn a_gif_of_grey_is_exact_and_a_profile_is_in_the_file_that_asks_for_one() {
        let pixels: Vec<u8> = (0..200_u32).map(|n| u8::try_from(n % 256).unwrap()).collect();
        let gif = file(20, 10, pixels.clone(), &View::plain(Format::Gif)).unwrap();
        let mut options = ::gif::DecodeOptions::new();
        options.set_color_output(::gif::ColorOutput::RGBA);
        let mut read = options.read_info(gif.as_slice()).unwrap();
        let frame = read.read_next_frame().unwrap().unwrap();
        assert_eq!(frame.buffer.chunks_exact(4).map(|p| p[0]).collect::<Vec<_>>(), pixels);
        for format in [Format::Jpeg(90), Format::Png] {
            let with = file(20, 10, pixels.clone(), &View { has_profile: true, ..View::plain(format) }).unwrap();
            let without = file(20, 10, pixels.clone(), &View::plain(format)).unwrap();
            assert!(with.len() > without.len() + 100, "{format:?}");
        }
    }

    #[test]
    fn a_viewport_may_reach_its_limit_and_is_cut_beyond() {
        let of = |side| {
            let image = DynamicImage::ImageLuma8(GrayImage::new(1, 1));
            scale(image, Viewport::fit(side, side)).width()
        };
        assert_eq!(of(SIDE_MAX), SIDE_MAX);
        assert_eq!(of(SIDE_MAX + 1), SIDE_MAX);
    }
}
