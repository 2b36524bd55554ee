//! Messages on a socket: a big-endian `u32` length, then one CBOR item (RFC 8949) of that length.

use crate::{Error, Result};
use minicbor::{Decode, Encode};
use record::limits::MESSAGE_BYTES_MAX;

/// Bytes of the length.
pub const PREFIX_BYTES: usize = 4;

/// The whole frame of a message: length and item.
///
/// # Errors
/// Invalid beyond `limits::MESSAGE_BYTES_MAX`.
pub fn encode<T: Encode<()>>(message: &T) -> Result<Vec<u8>> {
    let mut frame = vec![0; PREFIX_BYTES];
    minicbor::encode(message, &mut frame).map_err(|_| Error::invalid("a message cannot be encoded"))?;
    let len = frame.len() - PREFIX_BYTES;
    if len > MESSAGE_BYTES_MAX {
        return Err(Error::invalid("a message is longer than one may be"));
    }
    let prefix = u32::try_from(len).map_err(|_| Error::invalid("a message is longer than one may be"))?.to_be_bytes();
    for (to, from) in frame.iter_mut().zip(prefix) {
        *to = from;
    }
    Ok(frame)
}

/// The length of the item that follows a prefix; checked before anything is set aside for it.
///
/// # Errors
/// Invalid for none at all and beyond `limits::MESSAGE_BYTES_MAX`.
pub fn item_len(prefix: [u8; PREFIX_BYTES]) -> Result<usize> {
    match usize::try_from(u32::from_be_bytes(prefix)) {
        Ok(len) if (1..=MESSAGE_BYTES_MAX).contains(&len) => Ok(len),
        _ => Err(Error::invalid("a message has a length that none may have")),
    }
}

/// The message of an item, without its prefix.
///
/// # Errors
/// Invalid for anything but one whole message.
pub fn decode<'b, T: Decode<'b, ()>>(item: &'b [u8]) -> Result<T> {
    if item.len() > MESSAGE_BYTES_MAX {
        return Err(Error::invalid("a message is longer than one may be"));
    }
    let mut decoder = minicbor::Decoder::new(item);
    let message = decoder.decode().map_err(|_| Error::invalid("a message is not what the format says"))?;
    if decoder.position() != item.len() {
        return Err(Error::invalid("a message is followed by something else"));
    }
    Ok(message)
}
