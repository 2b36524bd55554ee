//! The PDUs of ten bytes: reject, release, abort (PS3.8 9.3.4, 9.3.6 to 9.3.8).

use super::{PduType, cursor::Cursor};
use crate::Error;

/// Why an association is refused (PS3.8 Table 9-21): each reason with its result and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Permanent, service user: no reason given.
    NoReasonGiven,
    /// Permanent, service user.
    ApplicationContextNotSupported,
    /// Permanent, service user.
    CallingAeTitleNotRecognized,
    /// Permanent, service user.
    CalledAeTitleNotRecognized,
    /// Permanent, service provider (ACSE).
    ProtocolVersionNotSupported,
    /// Transient, service provider (presentation).
    TemporaryCongestion,
    /// Transient, service provider (presentation).
    LocalLimitExceeded,
}

impl RejectReason {
    /// Bytes 8 (result), 9 (source) and 10 (reason).
    const CODES: [(Self, [u8; 3]); 7] = [
        (Self::NoReasonGiven, [1, 1, 1]),
        (Self::ApplicationContextNotSupported, [1, 1, 2]),
        (Self::CallingAeTitleNotRecognized, [1, 1, 3]),
        (Self::CalledAeTitleNotRecognized, [1, 1, 7]),
        (Self::ProtocolVersionNotSupported, [1, 2, 2]),
        (Self::TemporaryCongestion, [2, 3, 1]),
        (Self::LocalLimitExceeded, [2, 3, 2]),
    ];
}

/// A-ASSOCIATE-RJ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociateRj {
    /// Byte 8: 1 rejected-permanent, 2 rejected-transient.
    pub result: u8,
    /// Byte 9: 1 service-user, 2 service-provider (ACSE), 3 service-provider (presentation).
    pub source: u8,
    /// Byte 10.
    pub reason: u8,
}

impl From<RejectReason> for AssociateRj {
    fn from(reason: RejectReason) -> Self {
        let codes = RejectReason::CODES.iter().find(|(r, _)| *r == reason).map_or([1, 1, 1], |(_, c)| *c);
        let [result, source, reason] = codes;
        Self { result, source, reason }
    }
}

impl AssociateRj {
    /// Reads bytes 7-10.
    ///
    /// # Errors
    /// Fewer than four bytes.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor(body);
        cursor.u8("A-ASSOCIATE-RJ")?;
        Ok(Self {
            result: cursor.u8("A-ASSOCIATE-RJ")?,
            source: cursor.u8("A-ASSOCIATE-RJ")?,
            reason: cursor.u8("A-ASSOCIATE-RJ")?,
        })
    }

    /// The reason by name, if it is one of ours.
    #[must_use]
    pub fn named(self) -> Option<RejectReason> {
        let codes = [self.result, self.source, self.reason];
        RejectReason::CODES.iter().find(|(_, c)| *c == codes).map(|(r, _)| *r)
    }

    /// The whole PDU.
    #[must_use]
    pub fn write(self) -> Vec<u8> {
        short(PduType::AssociateRj, [0, self.result, self.source, self.reason])
    }
}

/// Who aborts, and why (PS3.8 Table 9-26, bytes 9 and 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortSource {
    /// 0: the service user.
    ServiceUser,
    /// 2, reason 0: the provider, no reason specified.
    Provider,
    /// 2, reason 1.
    UnrecognizedPdu,
    /// 2, reason 2.
    UnexpectedPdu,
    /// 2, reason 4.
    UnrecognizedPduParameter,
    /// 2, reason 6.
    InvalidPduParameterValue,
}

/// A-ABORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort {
    /// Byte 9: 0 service-user, 2 service-provider.
    pub source: u8,
    /// Byte 10: meaningful only from the provider.
    pub reason: u8,
}

impl From<AbortSource> for Abort {
    fn from(source: AbortSource) -> Self {
        let (source, reason) = match source {
            AbortSource::ServiceUser => (0, 0),
            AbortSource::Provider => (2, 0),
            AbortSource::UnrecognizedPdu => (2, 1),
            AbortSource::UnexpectedPdu => (2, 2),
            AbortSource::UnrecognizedPduParameter => (2, 4),
            AbortSource::InvalidPduParameterValue => (2, 6),
        };
        Self { source, reason }
    }
}

impl Abort {
    /// Reads bytes 7-10.
    ///
    /// # Errors
    /// Fewer than four bytes.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor(body);
        cursor.u16("A-ABORT")?;
        Ok(Self { source: cursor.u8("A-ABORT")?, reason: cursor.u8("A-ABORT")? })
    }

    /// The whole PDU.
    #[must_use]
    pub fn write(self) -> Vec<u8> {
        short(PduType::Abort, [0, 0, self.source, self.reason])
    }
}

/// A-RELEASE-RQ: bytes 7-10 are reserved.
#[must_use]
pub fn release_rq() -> Vec<u8> {
    short(PduType::ReleaseRq, [0; 4])
}

/// A-RELEASE-RP: bytes 7-10 are reserved.
#[must_use]
pub fn release_rp() -> Vec<u8> {
    short(PduType::ReleaseRp, [0; 4])
}

fn short(pdu_type: PduType, body: [u8; 4]) -> Vec<u8> {
    let [a, b, c, d] = body;
    vec![pdu_type.code(), 0, 0, 0, 0, 4, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::Header;

    #[test]
    fn rejections_carry_the_numbers_of_table_9_21() {
        let unknown_peer = AssociateRj::from(RejectReason::CallingAeTitleNotRecognized);
        assert_eq!(unknown_peer.write(), [3, 0, 0, 0, 0, 4, 0, 1, 1, 3]);
        for (reason, codes) in RejectReason::CODES {
            let pdu = AssociateRj::from(reason).write();
            assert_eq!(pdu[7..], codes);
            assert_eq!(AssociateRj::parse(&pdu[6..]).unwrap().named(), Some(reason));
        }
    }

    #[test]
    fn aborts_and_releases_are_ten_bytes() {
        assert_eq!(Abort::from(AbortSource::UnexpectedPdu).write(), [7, 0, 0, 0, 0, 4, 0, 0, 2, 2]);
        assert_eq!(Abort::parse(&[0, 0, 2, 6]).unwrap(), AbortSource::InvalidPduParameterValue.into());
        assert!(Abort::parse(&[0, 0, 2]).is_err());
        for pdu in [release_rq(), release_rp(), Abort::from(AbortSource::ServiceUser).write()] {
            let first: [u8; 6] = pdu[..6].try_into().unwrap();
            assert_eq!(Header::parse(&first).unwrap().length_bytes, 4);
            assert_eq!(pdu.len(), 10);
        }
    }
}
