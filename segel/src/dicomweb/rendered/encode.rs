//! The rendered image as a file, brought to the size asked for.

use crate::http::Problem;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageEncoder, RgbImage};

/// The longer side of a viewport.
pub const SIDE_MAX: u32 = 8192;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `image/jpeg` of this quality, 1 to 100.
    Jpeg(u8),
    /// `image/png`.
    Png,
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg(_) => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// Makes the file of `pixels` (one byte a pixel if grey, three if colour), scaled to fit into `size` if that is given.
pub fn file(
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    size: Option<(u32, u32)>,
    format: Format,
) -> Result<Vec<u8>, Problem> {
    let failed = || Problem::not_acceptable("The image cannot be rendered.");
    let grey = u64::try_from(pixels.len()) == Ok(u64::from(width) * u64::from(height));
    let image = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    let image = scale(image.ok_or_else(failed)?, size);
    let (width, height) = (image.width(), image.height());
    let mut file = Vec::new();
    match format {
        Format::Jpeg(quality) => {
            let sides = (u16::try_from(width).map_err(|_| failed())?, u16::try_from(height).map_err(|_| failed())?);
            let colour = if grey { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
            let encoder = jpeg_encoder::Encoder::new(&mut file, quality.clamp(1, 100));
            encoder.encode(image.as_bytes(), sides.0, sides.1, colour).map_err(|_| failed())?;
        }
        Format::Png => {
            let encoder = image::codecs::png::PngEncoder::new(&mut file);
            encoder.write_image(image.as_bytes(), width, height, image.color().into()).map_err(|_| failed())?;
        }
    }
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

    #[test]
    fn an_image_keeps_its_proportions_and_its_grey() {
        let pixels: Vec<u8> = (0..200_u32).map(|n| u8::try_from(n % 256).unwrap()).collect();
        for (size, expected) in
            [(None, (20, 10)), (Some((10, 10)), (10, 5)), (Some((400, 50)), (100, 50)), (Some((1, 1)), (1, 1))]
        {
            for format in [Format::Png, Format::Jpeg(90)] {
                let file = file(20, 10, pixels.clone(), size, format).unwrap();
                let read = image::load_from_memory(&file).unwrap();
                assert_eq!((read.width(), read.height()), expected, "{size:?} {format:?}");
                assert_eq!(read.color(), image::ColorType::L8);
            }
        }
        let png = file(20, 10, pixels.clone(), None, Format::Png).unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().into_bytes(), pixels);
        assert!(file(20, 10, vec![0; 7], None, Format::Png).is_err());
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
