//! The parameters of a rendered image (PS3.18 8.3.5).

use super::Wish;
use crate::dicomweb::request::Request;
use crate::http::Problem;
use crate::pixels::view::SIDE_MAX;
use crate::pixels::{Format, VoiFunction, Window};

/// The quality of a JPEG when none is asked for: no visible loss in print, a third of a PNG.
pub const QUALITY: u8 = 90;

/// Reads the wish of a request.
pub fn read(request: &Request) -> Result<Wish, Problem> {
    let frame = match request.names.frames.as_deref().map(crate::dicomweb::frames::numbers).transpose()?.as_deref() {
        None => 0,
        Some([number]) => u32::try_from(number - 1).map_err(|_| Problem::not_found())?,
        Some(_) => return Err(Problem::bad_request("One frame is rendered at a time.")),
    };
    let window = request.parameter("window").map(window).transpose()?;
    let size = request.parameter("viewport").map(viewport).transpose()?;
    let quality = request.parameter("quality").map(quality).transpose()?.unwrap_or(QUALITY);
    Ok(Wish { frame, window, size, format: Format::Jpeg(quality) })
}

/// `window=center,width[,function]` (8.3.5.1.4).
pub fn window(text: &str) -> Result<Window, Problem> {
    let wrong =
        || Problem::bad_request("window is center,width,function with a function of linear, linear-exact, sigmoid.");
    let parts: Vec<&str> = text.split(',').collect();
    let (center, width, function) = match parts.as_slice() {
        [center, width] => (center, width, VoiFunction::default()),
        [center, width, function] => (center, width, VoiFunction::read(function).ok_or_else(wrong)?),
        _ => return Err(wrong()),
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let window =
        Window { center: number(center).ok_or_else(wrong)?, width: number(width).ok_or_else(wrong)?, function };
    if window.width > 0.0 { Ok(window) } else { Err(wrong()) }
}

/// `viewport=width,height` (8.3.5.1.3); a part of the source is not cut out here.
fn viewport(text: &str) -> Result<(u32, u32), Problem> {
    let wrong = || Problem::bad_request(format!("viewport is width,height, each 1 to {SIDE_MAX}."));
    let (width, height) = text.split_once(',').ok_or_else(wrong)?;
    let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=SIDE_MAX).contains(side));
    Ok((side(width).ok_or_else(wrong)?, side(height).ok_or_else(wrong)?))
}

/// `quality=1..100` (8.3.5.1.2).
fn quality(text: &str) -> Result<u8, Problem> {
    let quality = text.parse().ok().filter(|quality| (1..=100).contains(quality));
    quality.ok_or_else(|| Problem::bad_request("quality is 1 to 100."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_viewports_and_qualities_are_read_or_refused() {
        let read = window("40.5,400,sigmoid").unwrap();
        assert_eq!((read.center, read.width, read.function), (40.5, 400.0, VoiFunction::Sigmoid));
        assert_eq!(window("-600,1500").unwrap().function, VoiFunction::Linear);
        for wrong in ["", "1", "1,0", "1,-5", "a,5", "1,5,cubic", "1,inf", "nan,5", "1,2,linear,4"] {
            assert_eq!(window(wrong).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!(viewport("8192,1"), Ok((8192, 1)));
        for wrong in ["8193,1", "0,5", "5", "5,5,0,0,1,1", "a,b"] {
            assert_eq!(viewport(wrong).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!((quality("1"), quality("100")), (Ok(1), Ok(100)));
        assert!(quality("0").is_err() && quality("101").is_err() && quality("x").is_err());
    }
}
