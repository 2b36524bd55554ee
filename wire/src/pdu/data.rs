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
    let mut fragments = Fragments::new(context_id, command, peer_pdu_bytes_max)?;
    fragments.write(out, message)?;
    fragments.finish(out)
}

/// A command or data set whose length is not known yet, as P-DATA-TF PDUs: each is appended once it is full and more
/// bytes have come, because only the end tells which fragment is the last.
#[derive(Debug)]
pub struct Fragments {
    context_id: u8,
    command: bool,
    fragment_bytes_max: usize,
    /// What has come and is in no PDU yet: at most one fragment.
    held: Vec<u8>,
}

impl Fragments {
    /// The first byte is still to come.
    ///
    /// # Errors
    /// The peer's limit is below [`PDU_BYTES_MIN`].
    pub fn new(context_id: u8, command: bool, peer_pdu_bytes_max: u32) -> Result<Self, Error> {
        let limit = if peer_pdu_bytes_max == 0 { PDU_BYTES_MAX } else { peer_pdu_bytes_max.min(PDU_BYTES_MAX) };
        if limit < PDU_BYTES_MIN {
            return Err(Error::invalid("the peer takes too few bytes in one PDU"));
        }
        let fragment_bytes_max = usize::try_from((limit.saturating_sub(PDV_HEADER_BYTES)) & !1).unwrap_or(usize::MAX);
        Ok(Self { context_id, command, fragment_bytes_max, held: Vec::new() })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn write(&mut self, out: &mut Vec<u8>, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.held.len() == self.fragment_bytes_max {
                put_pdv(out, self.context_id, self.command, false, &self.held)?;
                self.held.clear();
            }
            // A whole fragment that more bytes follow is never held.
            if self.held.is_empty()
                && bytes.len() > self.fragment_bytes_max
                && let Some((fragment, rest)) = bytes.split_at_checked(self.fragment_bytes_max)
            {
                put_pdv(out, self.context_id, self.command, false, fragment)?;
                bytes = rest;
                continue;
            }
            let room = self.fragment_bytes_max.saturating_sub(self.held.len()).min(bytes.len());
            let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.held.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(())
    }

    /// Appends the last fragment; of nothing at all, that is an empty one.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Error> {
        put_pdv(out, self.context_id, self.command, true, &self.held)
    }
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

    proptest! {
        #[test]
        fn pieces_become_the_same_pdus_as_the_whole(
            message in proptest::collection::vec(any::<u8>(), 0..600),
            piece in 1usize..300,
            limit in 64u32..300,
        ) {
            let mut whole = Vec::new();
            write_message(&mut whole, 3, false, &message, limit).unwrap();
            let mut pieces = Vec::new();
            let mut fragments = Fragments::new(3, false, limit).unwrap();
            for part in message.chunks(piece) {
                fragments.write(&mut pieces, part).unwrap();
            }
            fragments.finish(&mut pieces).unwrap();
            prop_assert_eq!(pieces, whole);
        }
    }
}
