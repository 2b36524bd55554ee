//! Protocol data units of the DICOM upper layer (PS3.8 9.3).
//!
//! The first six bytes decide ([`Header::parse`]): an unknown type or a length above the limit is an error before
//! anything more is read, so that an HTTP request or a declared length of 4 GiB costs nothing. The rest is parsed from
//! a body that is present as a whole; every length inside is held against the bytes there.

mod associate;
mod cursor;
mod data;
mod short;
mod user;

pub use associate::{
    AssociateAc, AssociateRq, DICOM_APPLICATION_CONTEXT, PresentationContextAc, PresentationContextRq,
    PresentationResult,
};
pub use data::{Fragments, PDU_BYTES_MIN, PDV_HEADER_BYTES, Pdv, Pdvs, write_message};
pub use short::{Abort, AbortSource, AssociateRj, RejectReason, release_rp, release_rq};
pub use user::{CommonExtendedNegotiation, ExtendedNegotiation, RoleSelection, UserIdentity, UserInformation};

use crate::Error;
use record::limits::{ASSOCIATE_BYTES_MAX, PDU_BYTES_MAX};

/// Which PDU it is (PS3.8 9.3.1, byte 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PduType {
    /// 01H
    AssociateRq,
    /// 02H
    AssociateAc,
    /// 03H
    AssociateRj,
    /// 04H
    DataTf,
    /// 05H
    ReleaseRq,
    /// 06H
    ReleaseRp,
    /// 07H
    Abort,
}

impl PduType {
    const CODES: [(u8, Self); 7] = [
        (0x01, Self::AssociateRq),
        (0x02, Self::AssociateAc),
        (0x03, Self::AssociateRj),
        (0x04, Self::DataTf),
        (0x05, Self::ReleaseRq),
        (0x06, Self::ReleaseRp),
        (0x07, Self::Abort),
    ];

    /// Reads the type byte; `None` for any other value.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::CODES.iter().find(|(c, _)| *c == code).map(|(_, t)| *t)
    }

    /// The type byte.
    #[must_use]
    pub fn code(self) -> u8 {
        Self::CODES.iter().find(|(_, t)| *t == self).map_or(0, |(c, _)| *c)
    }

    /// The lengths that a PDU of this type may declare.
    fn length_bytes(self) -> std::ops::RangeInclusive<u32> {
        match self {
            // 68 bytes come before the variable items (PS3.8 9.3.2).
            Self::AssociateRq | Self::AssociateAc => 68..=ASSOCIATE_BYTES_MAX,
            Self::DataTf => 0..=PDU_BYTES_MAX,
            Self::AssociateRj | Self::ReleaseRq | Self::ReleaseRp | Self::Abort => 4..=4,
        }
    }
}

/// The first six bytes of every PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Byte 1.
    pub pdu_type: PduType,
    /// Bytes 3-6, big endian: how many bytes follow. Byte 2 is reserved and not tested.
    pub length_bytes: u32,
}

impl Header {
    /// How long it is.
    pub const BYTES: usize = 6;

    /// Reads it, and refuses what no peer of ours may send.
    ///
    /// # Errors
    /// Unknown type, or a length outside what the type allows.
    pub fn parse(first: &[u8; 6]) -> Result<Self, Error> {
        let [code, _reserved, length @ ..] = *first;
        let Some(pdu_type) = PduType::from_code(code) else {
            return Err(Error::invalid(format!("PDU type {code:02X}H is not one of PS3.8")));
        };
        let length_bytes = u32::from_be_bytes(length);
        if pdu_type.length_bytes().contains(&length_bytes) {
            Ok(Self { pdu_type, length_bytes })
        } else {
            Err(Error::invalid(format!("PDU of type {code:02X}H declares {length_bytes} bytes")))
        }
    }
}

/// Puts type, reserved byte and length before a body.
fn frame(pdu_type: PduType, body: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u32::try_from(body.len()).map_err(|_| Error::invalid("PDU body does not fit its length field"))?;
    let mut pdu = Vec::with_capacity(Header::BYTES.saturating_add(body.len()));
    pdu.extend_from_slice(&[pdu_type.code(), 0]);
    pdu.extend_from_slice(&length.to_be_bytes());
    pdu.extend_from_slice(body);
    Ok(pdu)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(code: u8, length: u32) -> Result<Header, Error> {
        let l = length.to_be_bytes();
        Header::parse(&[code, 0xff, l[0], l[1], l[2], l[3]])
    }

    #[test]
    fn http_bytes_are_refused_on_the_first_six() {
        for text in [b"GET / ", b"POST /", b"\x16\x03\x01\x02\x00\x01", b"SSH-2.", b"\0\0\0\0\0\0"] {
            assert!(Header::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_length_limit_is_reached_and_passed_by_one() {
        for (code, least, most) in [
            (1, 68, ASSOCIATE_BYTES_MAX),
            (2, 68, ASSOCIATE_BYTES_MAX),
            (3, 4, 4),
            (4, 0, PDU_BYTES_MAX),
            (5, 4, 4),
            (6, 4, 4),
            (7, 4, 4),
        ] {
            assert_eq!(header(code, least).unwrap().length_bytes, least);
            assert_eq!(header(code, most).unwrap().length_bytes, most);
            assert!(header(code, most + 1).is_err(), "type {code}");
            assert!(least == 0 || header(code, least - 1).is_err(), "type {code}");
            assert!(header(code, u32::MAX).is_err(), "type {code}");
        }
        assert!(header(8, 4).is_err());
    }
}
