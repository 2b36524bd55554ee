//! JPEG 2000 (ITU-T T.800) and its high-throughput form (T.814), by OpenJPEG.

use crate::pixels::description::PixelDescription;
use crate::pixels::error::Error;
use jpeg2k::{DecodeParameters, Image};

/// Decodes a frame of which the size has been checked.
pub fn decode(frame: &[u8], description: &PixelDescription) -> Result<Vec<u8>, Error> {
    // A stream that is cut short is an error, not a picture with a grey part.
    let parameters = DecodeParameters::new().strict(true);
    let image = Image::from_bytes_with(frame, parameters).map_err(|_| Error::undecodable())?;
    let (columns, rows) = (u32::from(description.columns), u32::from(description.rows));
    let components = image.components();
    let whole = components.iter().all(|component| (component.width(), component.height()) == (columns, rows));
    if components.len() != usize::from(description.samples) || !whole {
        return Err(Error::undecodable());
    }
    let bytes_each = description.sample_bytes();
    let stride = bytes_each * components.len();
    let length = usize::try_from(description.frame_bytes()).map_err(|_| Error::undecodable())?;
    let mut samples = vec![0; length];
    for (n, component) in components.iter().enumerate() {
        let bits = component.precision();
        if bits == 0 || bits > u32::from(description.bits_allocated) {
            return Err(Error::undecodable());
        }
        // A stream that says nothing of a sign keeps the bits of signed values; one that says it is sign-extended already.
        let half = 1_i32 << (bits - 1);
        let extends = description.signed && !component.is_signed();
        let places = samples.get_mut(n * bytes_each..).unwrap_or_default().chunks_mut(stride);
        for (place, value) in places.zip(component.data()) {
            let value = if extends && *value >= half { value - 2 * half } else { *value };
            for (byte, from) in place.iter_mut().take(bytes_each).zip(value.to_le_bytes()) {
                *byte = from;
            }
        }
    }
    Ok(samples)
}
