//! What the client can take: media ranges (RFC 9110 12.5.1) with DICOM's parameters (PS3.18 8.7), and choosing among what
//! can be had.

pub mod frames;
pub mod instances;
mod media_range;
mod syntaxes;

pub use media_range::{MediaRange, ranges};
pub use syntaxes::{EXPLICIT_LITTLE, frame_media_types};

use crate::http::Problem;
use axum::http::HeaderMap;

/// Octets of any kind.
pub const OCTETS: &str = "application/octet-stream";
/// An instance as a file.
pub const DICOM: &str = "application/dicom";
/// Alternatives that one refusal lists.
const LISTED_MAX: usize = 12;

/// How a body holds what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It is the body.
    Single,
    /// It is a part, or several, of a `multipart/related` (PS3.18 8.6.1.2).
    Parts,
}

/// A form in which something can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<T> {
    /// Media type of it, or of each part.
    pub media_type: &'static str,
    /// The transfer syntax that goes with it, if the media type has one.
    pub syntax: Option<String>,
    /// Another syntax by which it may be asked for.
    pub alias: Option<String>,
    /// Whether it is also given to those who name no transfer syntax.
    pub unnamed: bool,
    /// The body's form.
    pub shape: Shape,
    /// What it is made from.
    pub how: T,
}

impl<T> Offer<T> {
    /// The media type with its transfer syntax, as `Content-Type` says it.
    pub fn content_type(&self) -> String {
        match &self.syntax {
            Some(syntax) => format!("{}; transfer-syntax={syntax}", self.media_type),
            None => self.media_type.to_owned(),
        }
    }

    /// As an `Accept` header would ask for it.
    fn described(&self) -> String {
        let syntax = self.syntax.as_ref().map(|syntax| format!("; transfer-syntax={syntax}")).unwrap_or_default();
        match self.shape {
            Shape::Single => format!("{}{syntax}", self.media_type),
            Shape::Parts => format!("multipart/related; type=\"{}\"{syntax}", self.media_type),
        }
    }

    /// How well a range fits this: `None` if it does not, else the more the more it says.
    fn fit(&self, range: &MediaRange) -> Option<u8> {
        let by_type = match self.shape {
            Shape::Single => range.fits(self.media_type),
            Shape::Parts => range.fits_parts(self.media_type),
        }?;
        match range.parameter("transfer-syntax") {
            None => self.unnamed.then_some(by_type * 3),
            Some("*") => Some(by_type * 3 + 1),
            Some(named) => {
                let is = |syntax: &Option<String>| syntax.as_deref() == Some(named);
                (is(&self.syntax) || is(&self.alias)).then_some(by_type * 3 + 2)
            }
        }
    }

    /// The weight that the client gives to this, and the place of the range that gives it. The range that says most about
    /// it counts (RFC 9110 12.5.1), so that `image/jpeg;q=0, */*` leaves JPEG out.
    fn weight(&self, ranges: &[MediaRange]) -> Option<(u16, usize)> {
        let fitting = ranges.iter().enumerate().filter_map(|(place, range)| Some((self.fit(range)?, place, range)));
        let (_, place, range) = fitting.max_by_key(|(fit, place, _)| (*fit, usize::MAX - place))?;
        (range.weight > 0).then_some((range.weight, place))
    }
}

/// The best of the offers, which stand in the order that the archive prefers. The client's weights go first, then the order
/// of its ranges, then the archive's.
pub fn best<'a, T>(ranges: &[MediaRange], offers: &'a [Offer<T>]) -> Option<&'a Offer<T>> {
    weighed(ranges, offers).map(|(_, offer)| offer)
}

/// As [`best`], with how much the client wants it: the higher the better.
fn weighed<'a, T>(ranges: &[MediaRange], offers: &'a [Offer<T>]) -> Option<((u16, usize), &'a Offer<T>)> {
    let taken = offers.iter().filter_map(|offer| Some((offer.weight(ranges)?, offer)));
    let ranked = taken.map(|((weight, place), offer)| ((weight, usize::MAX - place), offer));
    // Of equals the first.
    ranked.fold(None, |best, one| match best {
        Some((rank, _)) if rank >= one.0 => best,
        _ => Some(one),
    })
}

/// 406, which tells what can be had.
pub fn none<T>(offers: &[Offer<T>]) -> Problem {
    let mut described: Vec<String> = Vec::new();
    for offer in offers {
        let text = offer.described();
        if !described.contains(&text) {
            described.push(text);
        }
    }
    described.truncate(LISTED_MAX);
    Problem::not_acceptable(format!("What can be had here: {}.", described.join(", ")))
}

/// Whether DICOM JSON, the only form of metadata and search results here, is acceptable (PS3.18 8.7.3.2: native XML is
/// optional and not made).
pub fn json(headers: &HeaderMap, query: Option<&str>) -> Result<(), Problem> {
    choose(&ranges(headers, query)?, &["application/dicom+json", "application/json"]).map(|_| ())
}

/// Chooses among media types that are whole bodies, in the order that the archive prefers them.
pub fn choose<'a>(ranges: &[MediaRange], offered: &[&'static str]) -> Result<&'a str, Problem> {
    let offers: Vec<Offer<()>> = offered.iter().map(|media_type| whole(media_type)).collect();
    best(ranges, &offers).map(|offer| offer.media_type).ok_or_else(|| none(&offers))
}

/// A whole body without a transfer syntax.
pub fn whole(media_type: &'static str) -> Offer<()> {
    Offer { media_type, syntax: None, alias: None, unnamed: true, shape: Shape::Single, how: () }
}

#[cfg(test)]
mod tests;
