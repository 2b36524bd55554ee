//! The form of frames (PS3.18 8.7.3.3).

use super::syntaxes::{EXPLICIT_LITTLE, JPEG_BASELINE, frame_media_types};
use super::{MediaRange, OCTETS, Offer, Shape, best, none};
use crate::http::Problem;
use crate::recode::syntaxes::is_native;

/// How a frame is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// The bytes that are kept; native words in little endian order.
    Kept,
    /// The values that the kept bytes stand for, as Explicit VR Little Endian has them.
    Decoded,
    /// A JPEG to look at.
    Jpeg,
}

/// What frames of an instance can be had in.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a> {
    /// The transfer syntax that they are kept in.
    pub transfer_syntax_uid: &'a str,
    /// How many are asked for.
    pub count: usize,
    /// Whether they can be made into a JPEG of 8 bits without leaving bits out.
    pub eight_bits: bool,
}

impl Frames<'_> {
    /// Every form, the archive's favourite first: as kept before anything that takes work.
    fn offers(&self) -> Vec<Offer<Making>> {
        let kept = self.transfer_syntax_uid;
        let native = is_native(kept);
        let types = frame_media_types(kept);
        let mut all = Vec::new();
        let mut add = |media_type, syntax: &str, unnamed, how| {
            for shape in [Shape::Parts, Shape::Single] {
                if shape == Shape::Parts || self.count == 1 {
                    let alias = (syntax != kept && how == Making::Kept).then(|| kept.to_owned());
                    all.push(Offer { media_type, syntax: Some(syntax.to_owned()), alias, unnamed, shape, how });
                }
            }
        };
        for media_type in types {
            // Native pixels are handed over little-endian, whatever they are kept in.
            add(media_type, if native { EXPLICIT_LITTLE } else { kept }, true, Making::Kept);
        }
        if !native {
            // A client that names the syntax, or any, gets compressed frames as octets if it asks for octets.
            if types != [OCTETS] {
                add(OCTETS, kept, false, Making::Kept);
            }
            // Octets without a syntax are pixels (PS3.18 8.7.3.3.2: the default is Explicit VR Little Endian). What only
            // octets could be said of before stays first for those who name nothing.
            add(OCTETS, EXPLICIT_LITTLE, types != [OCTETS], Making::Decoded);
        }
        if self.eight_bits && kept != JPEG_BASELINE {
            add("image/jpeg", JPEG_BASELINE, true, Making::Jpeg);
        }
        all
    }

    /// Chooses the form.
    pub fn choose(&self, ranges: &[MediaRange]) -> Result<Offer<Making>, Problem> {
        let offers = self.offers();
        best(ranges, &offers).cloned().ok_or_else(|| none(&offers))
    }
}
