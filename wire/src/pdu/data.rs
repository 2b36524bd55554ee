//! P-DATA-TF (PS3.8 9.3.5): presentation data values, borrowed from the PDU.

use super::{Header, PduType, cursor::Cursor};
use crate::Error;
use record::limits::PDU_BYTES_MAX;

/// Item length (4), presentation context id (1) and message control header (1).
pub const PDV_HEADER_BYTES: u32 = 6;
/// A peer that takes less than this in one PDU cannot be answered in sensible pieces.
pub const PDU_BYTES_MIN: u32 = 64;

/// One presentation data value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdv<'a> {
    /// Byte 5 of the item.
    pub context_id: u8,
    /// Bit 0 of byte 6: a fragment of a command, not of a data set (PS3.8 E.2).
    pub command: bool,
    /// Bit 1 of byte 6: the last fragment.
    pub last: bool,
    /// Bytes 7 to the end.
    pub fragment: &'a [u8],
}

/// The values of one P-DATA-TF body, in order. Ends after the first error.
pub struct Pdvs<'a>(Option<Cursor<'a>>);

impl<'a> Pdvs<'a> {
    /// Over the bytes after the PDU's header.
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        Self(Some(Cursor(body)))
    }
}

impl<'a> Iterator for Pdvs<'a> {
    type Item = Result<Pdv<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = self.0.take()?;
        if cursor.is_empty() {
            return None;
        }
        let value = one(&mut cursor);
        if value.is_ok() {
            self.0 = Some(cursor);
        }
        Some(value)
    }
}

fn one<'a>(cursor: &mut Cursor<'a>) -> Result<Pdv<'a>, Error> {
    let length = cursor.u32("PDV length")?;
    let length = usize::try_from(length).map_err(|_| Error::invalid("PDV longer than memory"))?;
    let mut item = Cursor(cursor.take(length, "PDV")?);
    let context_id = item.u8("PDV context id")?;
    let control = item.u8("PDV control header")?;
    Ok(Pdv { context_id, command: control & 1 == 1, last: control & 2 == 2, fragment: item.0 })
}

/// Appends one whole command or data set as P-DATA-TF PDUs that the peer takes (`peer_pdu_bytes_max`, 0 = no limit,
/// PS3.8 D.1). Fragments have even length (PS3.8 Annex E), as the message itself must.
///
/// # Errors
/// The peer's limit is below [`PDU_BYTES_MIN`].
pub fn write_message(
    out: &mut Vec<u8>,
    context_id: u8,
    command: bool,
    message: &[u8],
    peer_pdu_bytes_max: u32,
) -> Result<(), Error> {
    write_fragments(out, context_id, command, message, true, peer_pdu_bytes_max)
}

/// Appends the next bytes of a command or data set whose length is not known yet; `last` ends it. All pieces but the last
/// have even length, as fragments have (PS3.8 Annex E). Otherwise as [`write_message`].
///
/// # Errors
/// The peer's limit is below [`PDU_BYTES_MIN`].
pub fn write_fragments(
    out: &mut Vec<u8>,
    context_id: u8,
    command: bool,
    piece: &[u8],
    last: bool,
    peer_pdu_bytes_max: u32,
) -> Result<(), Error> {
    let limit = if peer_pdu_bytes_max == 0 { PDU_BYTES_MAX } else { peer_pdu_bytes_max.min(PDU_BYTES_MAX) };
    if limit < PDU_BYTES_MIN {
        return Err(Error::invalid("the peer takes too few bytes in one PDU"));
    }
    if piece.is_empty() && !last {
        return Ok(());
    }
    let fragment_bytes_max = usize::try_from((limit.saturating_sub(PDV_HEADER_BYTES)) & !1).unwrap_or(usize::MAX);
    let mut fragments = piece.chunks(fragment_bytes_max).peekable();
    // An empty data set is one empty last fragment.
    let first = fragments.next().unwrap_or_default();
    let mut next = Some(first);
    while let Some(fragment) = next {
        next = fragments.next();
        put_pdv(out, context_id, command, last && next.is_none(), fragment)?;
    }
    Ok(())
}

fn put_pdv(out: &mut Vec<u8>, context_id: u8, command: bool, last: bool, fragment: &[u8]) -> Result<(), Error> {
    let too_long = |_| Error::invalid("fragment longer than its length field");
    let item_bytes = u32::try_from(fragment.len().saturating_add(2)).map_err(too_long)?;
    out.reserve(Header::BYTES.saturating_add(fragment.len()).saturating_add(6));
    out.extend_from_slice(&[PduType::DataTf.code(), 0]);
    out.extend_from_slice(&item_bytes.saturating_add(4).to_be_bytes());
    out.extend_from_slice(&item_bytes.to_be_bytes());
    out.extend_from_slice(&[context_id, u8::from(command) | (u8::from(last) << 1)]);
    out.extend_from_slice(fragment);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bodies(mut pdus: &[u8]) -> Vec<&[u8]> {
        let mut all = Vec::new();
        while !pdus.is_empty() {
            let header = Header::parse(pdus[..6].try_into().unwrap()).unwrap();
            assert_eq!(header.pdu_type, PduType::DataTf);
            let end = 6 + header.length_bytes as usize;
            all.push(&pdus[6..end]);
            pdus = &pdus[end..];
        }
        all
    }

    #[test]
    fn several_values_lie_in_one_pdu() {
        let body = [&[0, 0, 0, 4, 1, 3, 0xaa, 0xbb][..], &[0, 0, 0, 2, 3, 2]].concat();
        let values: Vec<_> = Pdvs::new(&body).collect::<Result<_, _>>().unwrap();
        assert_eq!(
            values,
            [
                Pdv { context_id: 1, command: true, last: true, fragment: &[0xaa, 0xbb] },
                Pdv { context_id: 3, command: false, last: true, fragment: &[] },
            ]
        );
    }

    #[test]
    fn lengths_beyond_the_body_or_below_two_are_errors_and_end_the_walk() {
        for body in [
            &[0, 0, 0, 5, 1, 3, 0xaa, 0xbb][..],
            &[0xff, 0xff, 0xff, 0xff, 1, 3],
            &[0, 0, 0, 1, 1],
            &[0, 0, 0, 0],
            &[0, 0, 0],
        ] {
            let mut values = Pdvs::new(body);
            assert!(values.next().unwrap().is_err(), "{body:?}");
            assert!(values.next().is_none(), "{body:?}");
        }
    }

    #[test]
    fn a_peer_that_takes_too_little_is_refused_at_the_limit() {
        let mut out = Vec::new();
        assert!(write_message(&mut out, 1, true, &[0; 200], PDU_BYTES_MIN - 1).is_err());
        write_message(&mut out, 1, true, &[0; 200], PDU_BYTES_MIN).unwrap();
        assert!(bodies(&out).iter().all(|b| b.len() <= PDU_BYTES_MIN as usize && b.len() % 2 == 0));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(message in proptest::collection::vec(any::<u8>(), 0..5_000), max in PDU_BYTES_MIN..2_000) {
            let mut out = Vec::new();
            write_message(&mut out, 5, false, &message, max).unwrap();
            let mut joined = Vec::new();
            let bodies = bodies(&out);
            for (i, body) in bodies.iter().enumerate() {
                prop_assert!(body.len() <= max as usize);
                for value in Pdvs::new(body) {
                    let value = value.unwrap();
                    prop_assert_eq!(value.last, i + 1 == bodies.len());
                    joined.extend_from_slice(value.fragment);
                }
            }
            prop_assert_eq!(joined, message);
        }

        #[test]
        fn any_bytes_are_read_without_harm(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let total: usize = Pdvs::new(&body).filter_map(Result::ok).map(|v| v.fragment.len() + 6).sum();
            prop_assert!(total <= body.len());
        }
    }

    #[test]
    fn a_message_in_pieces_ends_once() {
        for pieces in [&[&b"abcd"[..], &b"ef"[..]][..], &[b"", b"ab"], &[b"abcd", b""]] {
            let mut out = Vec::new();
            for (number, piece) in (1..).zip(pieces) {
                write_fragments(&mut out, 3, false, piece, number == pieces.len(), 64).unwrap();
            }
            let read: Vec<Pdv<'_>> = bodies(&out).into_iter().flat_map(Pdvs::new).map(Result::unwrap).collect();
            assert_eq!(read.iter().filter(|pdv| pdv.last).count(), 1);
            assert!(read.last().unwrap().last);
            assert_eq!(read.iter().flat_map(|pdv| pdv.fragment).copied().collect::<Vec<u8>>(), pieces.concat());
        }
    }
}
