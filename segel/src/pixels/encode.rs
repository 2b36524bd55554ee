//! The rendered image as a file, brought to the size asked for.

use super::error::Error;
use super::view::{Format, SIDE_MAX, View};
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageEncoder, RgbImage};

/// Makes the file of `pixels` (one byte a pixel if grey, three if colour), brought to the view's size.
pub fn file(width: u32, height: u32, pixels: Vec<u8>, view: &View) -> Result<Vec<u8>, Error> {
    let grey = u64::try_from(pixels.len()) == Ok(u64::from(width) * u64::from(height));
    let image = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    let size = view.viewport.map(|viewport| (viewport.width, viewport.height));
    let image = scale(image.ok_or_else(failed)?, size);
    let (width, height) = (image.width(), image.height());
    match view.format {
        Format::Jpeg(quality) => jpeg(width, height, image.as_bytes(), quality),
        Format::Png => {
            let mut file = Vec::new();
            let encoder = image::codecs::png::PngEncoder::new(&mut file);
            encoder.write_image(image.as_bytes(), width, height, image.color().into()).map_err(|_| failed())?;
            Ok(file)
        }
        Format::Gif => Err(failed()),
    }
}

fn failed() -> Error {
    Error::invalid("The image cannot be rendered.")
}

/// JPEG baseline of one (grey) or three (RGB) bytes a pixel.
pub fn jpeg(width: u32, height: u32, pixels: &[u8], quality: u8) -> Result<Vec<u8>, Error> {
    let sides = (u16::try_from(width).map_err(|_| failed())?, u16::try_from(height).map_err(|_| failed())?);
    let grey = u64::try_from(pixels.len()) == Ok(u64::from(width) * u64::from(height));
    let colour = if grey { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality.clamp(1, 100));
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1);
    encoder.encode(pixels, sides.0, sides.1, colour).map_err(|_| failed())?;
    Ok(file)
}

/// Fits the image into a box, keeping its proportions (PS3.18 8.3.5.1.3).
fn scale(image: DynamicImage, size: Option<(u32, u32)>) -> DynamicImage {
    let Some((width, height)) = size else { return image };
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
    use crate::pixels::view::Viewport;

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
    fn a_viewport_may_reach_its_limit_and_is_cut_beyond() {
        let of = |side| {
            let image = DynamicImage::ImageLuma8(GrayImage::new(1, 1));
            scale(image, Some((side, side))).width()
        };
        assert_eq!(of(SIDE_MAX), SIDE_MAX);
        assert_eq!(of(SIDE_MAX + 1), SIDE_MAX);
    }
}
