//! Lengths that tell little. A padded message is the real bytes, zeros, then the real length as eight bytes
//! (big-endian). Real byte `i` is padded byte `i`, so ranges work as if there were no padding.
//!
//! The total is a Padmé length (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
//! PURBs", section 4): a number whose mantissa is no longer than its exponent. It costs at most 12 % and tells
//! log log of the length instead of its log.

use crate::{Error, Result};

/// Bytes of the length at the end.
pub const TRAILER_BYTES: u64 = 8;
/// The longest message that can be padded: far above what one sealed object holds.
pub const LEN_MAX: u64 = 1 << 60;

/// Bytes to append to a message of `len` bytes: zeros, then the trailer.
#[must_use]
pub fn padding_for(len: u64) -> u64 {
    let len = len.min(LEN_MAX);
    padme(len + TRAILER_BYTES) - len
}

/// The last eight bytes of the padded message.
#[must_use]
pub fn trailer(len: u64) -> [u8; 8] {
    len.to_be_bytes()
}

/// The real length of a padded message, from its total length and its last eight bytes.
///
/// # Errors
/// Damaged if no message pads to that total with that trailer.
pub fn true_len(padded_total: u64, trailer: [u8; 8]) -> Result<u64> {
    let len = u64::from_be_bytes(trailer);
    if len > LEN_MAX || len + padding_for(len) != padded_total {
        return Err(Error::damaged("a padded message does not have the length it states"));
    }
    Ok(len)
}

/// Pads a message that is in memory.
pub fn pad(message: &mut Vec<u8>) {
    let len = message.len() as u64;
    let zeros = padding_for(len) - TRAILER_BYTES;
    message.resize(message.len().saturating_add(usize::try_from(zeros).unwrap_or(usize::MAX)), 0);
    message.extend_from_slice(&trailer(len));
}

/// Takes the padding off a message that is in memory.
///
/// # Errors
/// Damaged if it is not a padded message.
pub fn unpad(message: &mut Vec<u8>) -> Result<()> {
    let trailer =
        message.last_chunk().copied().ok_or(Error::damaged("a padded message is shorter than its trailer"))?;
    let len = true_len(message.len() as u64, trailer)?;
    message.truncate(usize::try_from(len).unwrap_or_default());
    Ok(())
}

/// The next length whose lower bits are zero: with E the exponent, E - (bits of E) of them.
fn padme(len: u64) -> u64 {
    let Some(exponent) = len.checked_ilog2() else { return len };
    let Some(bits) = exponent.checked_ilog2() else { return len };
    let mask = (1_u64 << exponent.saturating_sub(bits + 1)) - 1;
    (len + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_of_the_paper() {
        // Mantissa no longer than the exponent: 9 stays 9 (E=3, S=2), 15 becomes 16, 1000 becomes 1024, 1025 becomes 1088.
        for (len, padded) in
            [(1, 1), (2, 2), (9, 10), (15, 16), (100, 104), (1_000, 1_024), (1_025, 1_088), (1 << 30, 1 << 30)]
        {
            assert_eq!(padme(len), padded, "{len}");
        }
    }

    proptest! {
        #[test]
        fn real_length_comes_back_and_costs_at_most_an_eighth(len in 0_u64..LEN_MAX) {
            let padding = padding_for(len);
            prop_assert!(padding >= TRAILER_BYTES);
            prop_assert!(padding - TRAILER_BYTES <= (len + TRAILER_BYTES) * 12 / 100 + 1);
            prop_assert_eq!(true_len(len + padding, trailer(len)), Ok(len));
            prop_assert!(true_len(len + padding + 1, trailer(len)).is_err());
            prop_assert!(true_len(len + padding, trailer(len + padding)).is_err());
        }

        #[test]
        fn what_is_padded_is_unpadded(message in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            let mut padded = message.clone();
            pad(&mut padded);
            prop_assert!(padded.starts_with(&message));
            unpad(&mut padded)?;
            prop_assert_eq!(padded, message);
        }
    }

    #[test]
    fn nothing_but_a_padded_message_is_unpadded() {
        assert!(unpad(&mut vec![0; 7]).is_err());
        assert!(unpad(&mut vec![0xff; 64]).is_err());
        assert_eq!(true_len(8, [0; 8]), Ok(0));
        assert!(true_len(u64::MAX, [0xff; 8]).is_err());
    }
}
