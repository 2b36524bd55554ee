//! A kept JPEG frame that is already the picture asked for.

use super::codestream::{self, Colour, Segments};
use super::decode::Coding;
use super::description::Photometric;
use super::view::{Format, View};
use super::work::Encoded;

/// The kept frame as a file, if drawing it would only decode and code it again: JPEG baseline of eight bits, no window, size,
/// text or quality asked for, and colours that mean to a browser what they mean to the image. Segments that can hold text, and
/// whatever follows the end, are left out.
pub fn passed(frame: &Encoded, view: &View) -> Option<Vec<u8>> {
    let Encoded { transfer_syntax_uid, description, bytes } = frame;
    let asked = view.window.is_none() && view.viewport.is_none() && view.annotation.is_empty() && !view.has_profile;
    let plain = asked && view.may_keep && matches!(view.format, Format::Jpeg(_));
    if !plain || Coding::of(transfer_syntax_uid) != Some(Coding::JpegDct) || description.bits_stored != 8 {
        return None;
    }
    let tone = &description.tone;
    let as_it_is = match description.photometric {
        Photometric::Monochrome2 => {
            tone.window.is_none() && tone.voi.is_none() && !tone.is_inverse && tone.is_identity() && !description.signed
        }
        Photometric::YbrFull | Photometric::YbrFull422 => {
            matches!(codestream::colour_markers(bytes), Colour::Adobe(1) | Colour::Jfif | Colour::Unsaid)
        }
        _ => false,
    };
    codestream::check(Coding::JpegDct, description, bytes).ok()?;
    if as_it_is { stripped(bytes) } else { None }
}

/// The stream with nothing but what a decoder needs.
fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = Vec::with_capacity(bytes.len());
    file.extend([0xFF, 0xD8]);
    for (marker, segment) in Segments::of(bytes)? {
        match marker {
            0xC0 if segment.first() == Some(&8) && !named_rgb(segment) => {}
            0xC4 | 0xDB | 0xDD | 0xDA => {}
            0xE0..=0xEF | 0xFE => continue,
            // Another process, or a segment that has no place here.
            _ => return None,
        }
        file.extend([0xFF, marker]);
        file.extend(u16::try_from(segment.len() + 2).ok()?.to_be_bytes());
        file.extend(segment);
        if marker == 0xDA {
            let at = segment.as_ptr_range().end.addr().checked_sub(bytes.as_ptr().addr())?;
            let scan = bytes.get(at..)?;
            let end = end_of_scan(scan)?;
            file.extend(scan.get(..end)?);
            file.extend([0xFF, 0xD9]);
            return Some(file);
        }
    }
    None
}

/// Components that are called R, G and B are taken for that by every reader.
fn named_rgb(segment: &[u8]) -> bool {
    let mut ids = segment.get(6..).unwrap_or(&[]).chunks(3).filter_map(|three| three.first());
    ids.by_ref().eq(b"RGB")
}

/// Where the end marker of a picture of one scan lies; `None` if another marker comes before.
fn end_of_scan(scan: &[u8]) -> Option<usize> {
    for at in memchr::memchr_iter(0xFF, scan) {
        match scan.get(at + 1)? {
            // Stuffing, fill bytes, restart markers.
            0 | 0xFF | 0xD0..=0xD7 => {}
            0xD9 => return Some(at),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_what_follows_the_end_are_left_out() {
        let mut stream = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut stream, 90);
        encoder.add_app_segment(5, b"NAME^PATIENT".to_vec()).unwrap();
        encoder.encode(&[50; 64 * 64], 64, 64, jpeg_encoder::ColorType::Luma).unwrap();
        let bare = stripped(&[&stream[..], b"TRAILER"].concat()).unwrap();
        let pixels = |file: &[u8]| image::load_from_memory(file).unwrap().into_bytes();
        assert_eq!(pixels(&bare), pixels(&stream));
        assert!(bare.len() < stream.len());
        for text in [&b"PATIENT"[..], b"TRAILER", b"JFIF"] {
            assert!(memchr::memmem::find(&bare, text).is_none());
        }
        assert_eq!(stripped(&stream[..stream.len() - 2]), None, "a stream without an end is not passed on");
    }
}
