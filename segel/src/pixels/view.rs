//! How a frame shall look (PS3.18 8.3.5).

use minicbor::{Decode, Encode};

/// The longer side of a viewport.
pub const SIDE_MAX: u32 = 8192;

/// A window's shape (PS3.3 C.11.2.1.2, C.11.2.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum VoiFunction {
    /// `LINEAR`.
    #[default]
    #[n(0)]
    Linear,
    /// `LINEAR_EXACT`.
    #[n(1)]
    LinearExact,
    /// `SIGMOID`.
    #[n(2)]
    Sigmoid,
}

impl VoiFunction {
    /// Reads VOILUTFunction (0028,1056), or its lower-case form in a URL (PS3.18 8.3.5.1.4).
    pub fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "linear" => Some(Self::Linear),
            "linear_exact" | "linear-exact" => Some(Self::LinearExact),
            "sigmoid" => Some(Self::Sigmoid),
            _ => None,
        }
    }
}

/// Which values are shown between black and white.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct Window {
    /// WindowCenter (0028,1050).
    #[n(0)]
    pub center: f64,
    /// WindowWidth (0028,1051).
    #[n(1)]
    pub width: f64,
    /// VOILUTFunction (0028,1056).
    #[n(2)]
    pub function: VoiFunction,
}

/// The part of the image that is shown, in its pixels. A negative width or height turns it over (PS3.18 8.3.5.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct Source {
    /// From the left.
    #[n(0)]
    pub x: f64,
    /// From the top.
    #[n(1)]
    pub y: f64,
    /// To the right; negative: mirrored left to right.
    #[n(2)]
    pub width: f64,
    /// To the bottom; negative: mirrored top to bottom.
    #[n(3)]
    pub height: f64,
}

/// The box that the picture shall fit into, and what of the image it shall show.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct Viewport {
    /// Width of the box.
    #[n(0)]
    pub width: u32,
    /// Height of the box.
    #[n(1)]
    pub height: u32,
    /// The part of the image; all of it if nothing is said.
    #[n(2)]
    pub source: Option<Source>,
}

#[cfg(test)]
impl Viewport {
    /// The whole image in a box.
    pub fn fit(width: u32, height: u32) -> Self {
        Self { width, height, source: None }
    }
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Format {
    /// `image/jpeg` of this quality, 1 to 100.
    #[n(0)]
    Jpeg(#[n(0)] u8),
    /// `image/png`.
    #[n(1)]
    Png,
    /// `image/gif`.
    #[n(2)]
    Gif,
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg(_) => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
        }
    }
}

/// How a frame shall look.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct View {
    /// The window; without it the image's own, or all of its values.
    #[n(0)]
    pub window: Option<Window>,
    /// Size and part; without it every pixel.
    #[n(1)]
    pub viewport: Option<Viewport>,
    /// The file.
    #[n(2)]
    pub format: Format,
    /// Lines of text burnt into the upper left corner (PS3.18 8.3.5.1.1).
    #[n(3)]
    pub annotation: Vec<String>,
    /// Whether an sRGB profile goes into the file (PS3.18 8.3.5.1.5).
    #[n(4)]
    pub has_profile: bool,
    /// Whether a kept JPEG that is the picture already may be given as it is, of whatever quality it has.
    #[n(5)]
    pub may_keep: bool,
}

#[cfg(test)]
impl View {
    /// The whole image as it wants to be shown.
    pub fn plain(format: Format) -> Self {
        Self { window: None, viewport: None, format, annotation: Vec::new(), has_profile: false, may_keep: false }
    }
}

/// A picture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// `image/jpeg` and the like.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}
