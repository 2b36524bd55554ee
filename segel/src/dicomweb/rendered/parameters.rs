//! The parameters of a rendered image (PS3.18 8.3.5).

use super::{Annotation, Wish};
use crate::dicomweb::request::Request;
use crate::http::Problem;
use crate::pixels::view::SIDE_MAX;
use crate::pixels::{Format, Source, VoiFunction, Window};

/// The quality of a JPEG when none is asked for: no visible loss in print, a third of a PNG.
pub const QUALITY: u8 = 90;
/// The longest side of an image (PS3.5 table 6.2-1, US).
const PLACE_MAX: f64 = 65_535.0;

/// Reads the wish of a request.
pub fn read(request: &Request) -> Result<Wish, Problem> {
    let frame = match request.names.frames.as_deref().map(crate::dicomweb::frames::numbers).transpose()?.as_deref() {
        None => 0,
        Some([number]) => u32::try_from(number - 1).map_err(|_| Problem::not_found())?,
        Some(_) => return Err(Problem::bad_request("One frame is rendered at a time.")),
    };
    let window = request.parameter("window").map(window).transpose()?;
    let shown = request.parameter("viewport").map(viewport).transpose()?;
    let asked = request.parameter("quality").map(quality).transpose()?;
    let annotation = request.parameter("annotation").map(annotation).transpose()?.unwrap_or_default();
    let has_profile = request.parameter("iccprofile").map(profile).transpose()?.unwrap_or_default();
    let plain = Wish::plain(frame, Format::Jpeg(asked.unwrap_or(QUALITY)));
    let (size, source) = shown.unzip();
    Ok(Wish { window, size, source: source.flatten(), annotation, has_profile, may_keep: asked.is_none(), ..plain })
}

/// `annotation=patient,technique` (8.3.5.1.1).
fn annotation(text: &str) -> Result<Annotation, Problem> {
    let mut annotation = Annotation::default();
    for word in text.split(',') {
        match word.trim() {
            "patient" => annotation.patient = true,
            "technique" => annotation.technique = true,
            _ => return Err(Problem::bad_request("annotation is patient, technique, or both with a comma.")),
        }
    }
    Ok(annotation)
}

/// `iccprofile` (8.3.5.1.5): no, or one of sRGB, in which colours are shown here.
fn profile(text: &str) -> Result<bool, Problem> {
    match text {
        "no" => Ok(false),
        "yes" | "srgb" => Ok(true),
        _ => Err(Problem::bad_request("iccprofile is no, yes or srgb; other colour spaces are not made here.")),
    }
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

/// `viewport=vw,vh` or `viewport=vw,vh,sx,sy,sw,sh` (8.3.5.1.3). Of the part, what is left out is the image's own corner or side.
fn viewport(text: &str) -> Result<((u32, u32), Option<Source>), Problem> {
    let wrong = || {
        Problem::bad_request(format!(
            "viewport is width,height, each 1 to {SIDE_MAX}, and may go on with the part's x,y,width,height in pixels."
        ))
    };
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let side = |text: &str| text.parse().ok().filter(|side| (1..=SIDE_MAX).contains(side)).ok_or_else(wrong);
    let number = |text: &str, default: f64| {
        if text.is_empty() {
            return Ok(default);
        }
        text.parse::<f64>().ok().filter(|number| number.is_finite() && number.abs() <= PLACE_MAX).ok_or_else(wrong)
    };
    match parts.as_slice() {
        [width, height] => Ok(((side(width)?, side(height)?), None)),
        [width, height, x, y, wide, high] => {
            let source = Source {
                x: number(x, 0.0)?,
                y: number(y, 0.0)?,
                width: number(wide, PLACE_MAX)?,
                height: number(high, PLACE_MAX)?,
            };
            let fits = source.x >= 0.0 && source.y >= 0.0 && source.width != 0.0 && source.height != 0.0;
            if fits { Ok(((side(width)?, side(height)?), Some(source))) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
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
        assert_eq!(viewport("8192,1"), Ok(((8192, 1), None)));
        let part = Source { x: 0.0, y: 1.5, width: -3.0, height: PLACE_MAX };
        assert_eq!(viewport("5,5,,1.5,-3,"), Ok(((5, 5), Some(part))));
        for wrong in ["8193,1", "0,5", "5", "5,5,0,0,1", "a,b", "5,5,-1,0,1,1", "5,5,0,0,0,1", "5,5,0,0,inf,1"] {
            assert_eq!(viewport(wrong).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!(annotation("technique"), Ok(Annotation { patient: false, technique: true }));
        assert!(annotation("patient,technique").is_ok() && annotation("name").is_err());
        assert_eq!((profile("no"), profile("srgb"), profile("yes")), (Ok(false), Ok(true), Ok(true)));
        assert_eq!(profile("adobergb").unwrap_err().status, 400);
        assert_eq!((quality("1"), quality("100")), (Ok(1), Ok(100)));
        assert!(quality("0").is_err() && quality("101").is_err() && quality("x").is_err());
    }
}
