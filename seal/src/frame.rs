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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Answer, Asker, Call, Proof, Reply, Request};
    use proptest::prelude::*;
    use record::{Field, Purpose, Term};

    fn call(texts: Vec<String>) -> Call {
        let asker = Asker { proof: Proof::Bearer("t".into()), purpose: Purpose::Treat, channel: "dimse".into() };
        let terms = texts.into_iter().map(|text| Term { field: Field::NameWord, text }).collect();
        Call { id: 7, request: Request::Tokens { asker, terms } }
    }

    fn item(frame: &[u8]) -> &[u8] {
        let (prefix, item) = frame.split_first_chunk().unwrap();
        assert_eq!(item_len(*prefix), Ok(item.len()));
        item
    }

    #[test]
    fn a_message_comes_back() -> Result<()> {
        let call = call(vec!["SITI".into()]);
        assert_eq!(decode::<Call>(item(&encode(&call)?))?, call);
        Ok(())
    }

    #[test]
    fn the_longest_message_passes_and_one_byte_more_does_not() -> Result<()> {
        let room = MESSAGE_BYTES_MAX - (encode(&call(vec!["x".repeat(100_000)]))?.len() - PREFIX_BYTES - 100_000);
        let longest = encode(&call(vec!["x".repeat(room)]))?;
        assert_eq!(longest.len() - PREFIX_BYTES, MESSAGE_BYTES_MAX);
        assert!(decode::<Call>(item(&longest)).is_ok());
        assert!(encode(&call(vec!["x".repeat(room + 1)])).is_err());
        assert!(decode::<Call>(&vec![0; MESSAGE_BYTES_MAX + 1]).is_err());
        let prefix = |len: usize| u32::try_from(len).unwrap().to_be_bytes();
        assert!(item_len(prefix(MESSAGE_BYTES_MAX)).is_ok());
        assert!(item_len(prefix(MESSAGE_BYTES_MAX + 1)).is_err());
        assert!(item_len(prefix(0)).is_err());
        Ok(())
    }

    #[test]
    fn a_cut_or_lengthened_message_is_refused() -> Result<()> {
        let frame = encode(&Reply { id: 1, answer: Answer::Same(true) })?;
        let item = item(&frame);
        for len in 0..item.len() {
            assert!(decode::<Reply>(&item[..len]).is_err(), "{len} bytes");
        }
        assert!(decode::<Reply>(&[item, &[0]].concat()).is_err());
        Ok(())
    }

    #[test]
    fn declared_counts_set_nothing_aside() {
        // An array of 2^62 tokens, a byte string of 2^62 bytes, and arrays in arrays where a request should be.
        for hostile in [
            vec![0x82, 0x01, 0x82, 0x02, 0x81, 0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0],
            vec![0x82, 0x01, 0x82, 0x06, 0x81, 0x7b, 0x40, 0, 0, 0, 0, 0, 0, 0],
            vec![0x81; 200_000],
            vec![0x9f; 200_000],
        ] {
            assert!(decode::<Reply>(&hostile).is_err());
            assert!(decode::<Call>(&hostile).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<Call>(&bytes);
            let _ = decode::<Reply>(&bytes);
            let _ = decode::<crate::message::AdminCall>(&bytes);
        }

        #[test]
        fn no_flipped_bit_makes_it_panic(at in 0_usize..400) {
            let mut frame = encode(&call(vec!["SITI".into(), "RAHAYU".into()]))?;
            let at = at % ((frame.len() - PREFIX_BYTES) * 8);
            frame[PREFIX_BYTES + at / 8] ^= 1 << (at % 8);
            let _ = decode::<Call>(&frame[PREFIX_BYTES..]);
        }
    }
}
