//! A-ASSOCIATE-RQ and -AC (PS3.8 9.3.2, 9.3.3). Unknown items are skipped, as the standard asks.

use super::cursor::{Cursor, ae_title, put_item, uid};
use super::{PduType, UserInformation, frame};
use crate::Error;
use record::limits::{PRESENTATION_CONTEXTS_MAX, TRANSFER_SYNTAXES_MAX};

/// The only application context there is (PS3.7 A.2.1).
pub const DICOM_APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// A request for an association.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociateRq {
    /// Bytes 7-8: bit 0 set for the only version there is.
    pub protocol_version: u16,
    /// Bytes 11-26.
    pub called_ae_title: String,
    /// Bytes 27-42.
    pub calling_ae_title: String,
    /// 10H.
    pub application_context: String,
    /// 20H, one each.
    pub presentation_contexts: Vec<PresentationContextRq>,
    /// 50H.
    pub user_information: UserInformation,
}

/// One proposed presentation context (PS3.8 9.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentationContextRq {
    /// Byte 5: odd.
    pub id: u8,
    /// 30H.
    pub abstract_syntax: String,
    /// 40H, one each, in the proposer's order.
    pub transfer_syntaxes: Vec<String>,
}

/// The answer that accepts an association.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociateAc {
    /// Bytes 11-26, as in the request.
    pub called_ae_title: String,
    /// Bytes 27-42, as in the request.
    pub calling_ae_title: String,
    /// 10H.
    pub application_context: String,
    /// 21H, one per proposed context.
    pub presentation_contexts: Vec<PresentationContextAc>,
    /// 50H.
    pub user_information: UserInformation,
}

/// One answered presentation context (PS3.8 9.3.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentationContextAc {
    /// Byte 5: as proposed.
    pub id: u8,
    /// Byte 7.
    pub result: PresentationResult,
    /// 40H: the one transfer syntax; without meaning unless accepted.
    pub transfer_syntax: String,
}

/// What became of a proposed context (PS3.8 Table 9-18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresentationResult {
    /// 0
    Acceptance,
    /// 1
    UserRejection,
    /// 2
    NoReason,
    /// 3
    AbstractSyntaxNotSupported,
    /// 4
    TransferSyntaxesNotSupported,
}

impl PresentationResult {
    const CODES: [(u8, Self); 5] = [
        (0, Self::Acceptance),
        (1, Self::UserRejection),
        (2, Self::NoReason),
        (3, Self::AbstractSyntaxNotSupported),
        (4, Self::TransferSyntaxesNotSupported),
    ];

    /// The result byte.
    #[must_use]
    pub fn code(self) -> u8 {
        Self::CODES.iter().find(|(_, r)| *r == self).map_or(2, |(c, _)| *c)
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        let known = Self::CODES.iter().find(|(c, _)| *c == code);
        known.map(|(_, r)| *r).ok_or_else(|| Error::invalid("unknown result of a presentation context"))
    }
}

/// What both PDUs have before their items: bytes 7-74.
struct Fixed {
    protocol_version: u16,
    called: String,
    calling: String,
}

impl Fixed {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        let protocol_version = cursor.u16("protocol version")?;
        cursor.take(2, "reserved")?;
        let called = ae_title(cursor.take(16, "called AE title")?, "called AE title")?;
        let calling = ae_title(cursor.take(16, "calling AE title")?, "calling AE title")?;
        cursor.take(32, "reserved")?;
        Ok(Self { protocol_version, called, calling })
    }

    fn write(version: u16, called: &str, calling: &str) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        for title in [called, calling] {
            // The checked title comes back as it is; this also holds our own to the standard.
            let title = ae_title(title.as_bytes(), "AE title")?;
            out.extend_from_slice(format!("{title:<16}").as_bytes());
        }
        out.extend_from_slice(&[0; 32]);
        Ok(out)
    }
}

impl AssociateRq {
    /// Reads the bytes after the header.
    ///
    /// # Errors
    /// A field or item that ends early, a bad AE title or UID, an even or repeated context id, too many contexts.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor(body);
        let fixed = Fixed::parse(&mut cursor)?;
        let mut request = Self {
            protocol_version: fixed.protocol_version,
            called_ae_title: fixed.called,
            calling_ae_title: fixed.calling,
            ..Self::default()
        };
        while !cursor.is_empty() {
            let (kind, item) = cursor.item("A-ASSOCIATE-RQ item")?;
            match kind {
                0x10 => request.application_context = uid(item.0, "application context")?,
                0x20 => request.add(PresentationContextRq::parse(item)?)?,
                0x50 => request.user_information = UserInformation::parse(item)?,
                _ => {}
            }
        }
        Ok(request)
    }

    fn add(&mut self, context: PresentationContextRq) -> Result<(), Error> {
        if self.presentation_contexts.len() == PRESENTATION_CONTEXTS_MAX {
            return Err(Error::invalid("too many presentation contexts"));
        }
        if context.id.is_multiple_of(2) || self.presentation_contexts.iter().any(|c| c.id == context.id) {
            return Err(Error::invalid("presentation context ids must be odd and differ"));
        }
        self.presentation_contexts.push(context);
        Ok(())
    }

    /// The whole PDU.
    ///
    /// # Errors
    /// A title or item that does not fit its field.
    pub fn write(&self) -> Result<Vec<u8>, Error> {
        let mut body = Fixed::write(self.protocol_version, &self.called_ae_title, &self.calling_ae_title)?;
        put_item(&mut body, 0x10, self.application_context.as_bytes())?;
        for context in &self.presentation_contexts {
            let mut item = vec![context.id, 0, 0, 0];
            put_item(&mut item, 0x30, context.abstract_syntax.as_bytes())?;
            for syntax in &context.transfer_syntaxes {
                put_item(&mut item, 0x40, syntax.as_bytes())?;
            }
            put_item(&mut body, 0x20, &item)?;
        }
        put_item(&mut body, 0x50, &self.user_information.write()?)?;
        frame(PduType::AssociateRq, &body)
    }
}

impl PresentationContextRq {
    fn parse(mut item: Cursor<'_>) -> Result<Self, Error> {
        let id = item.u8("presentation context id")?;
        item.take(3, "reserved")?;
        let (mut abstract_syntax, mut transfer_syntaxes) = (None, Vec::new());
        while !item.is_empty() {
            let (kind, sub) = item.item("presentation context sub-item")?;
            match kind {
                0x30 => abstract_syntax = Some(uid(sub.0, "abstract syntax")?),
                0x40 if transfer_syntaxes.len() == TRANSFER_SYNTAXES_MAX => {
                    return Err(Error::invalid("too many transfer syntaxes in a presentation context"));
                }
                0x40 => transfer_syntaxes.push(uid(sub.0, "transfer syntax")?),
                _ => {}
            }
        }
        let abstract_syntax =
            abstract_syntax.ok_or_else(|| Error::invalid("a presentation context has no abstract syntax"))?;
        Ok(Self { id, abstract_syntax, transfer_syntaxes })
    }
}

impl AssociateAc {
    /// Reads the bytes after the header.
    ///
    /// # Errors
    /// As for the request.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor(body);
        let fixed = Fixed::parse(&mut cursor)?;
        let mut answer = Self { called_ae_title: fixed.called, calling_ae_title: fixed.calling, ..Self::default() };
        while !cursor.is_empty() {
            let (kind, item) = cursor.item("A-ASSOCIATE-AC item")?;
            match kind {
                0x10 => answer.application_context = uid(item.0, "application context")?,
                0x21 if answer.presentation_contexts.len() == PRESENTATION_CONTEXTS_MAX => {
                    return Err(Error::invalid("too many presentation contexts"));
                }
                0x21 => answer.presentation_contexts.push(PresentationContextAc::parse(item)?),
                0x50 => answer.user_information = UserInformation::parse(item)?,
                _ => {}
            }
        }
        Ok(answer)
    }

    /// The whole PDU.
    ///
    /// # Errors
    /// A title or item that does not fit its field.
    pub fn write(&self) -> Result<Vec<u8>, Error> {
        let mut body = Fixed::write(1, &self.called_ae_title, &self.calling_ae_title)?;
        put_item(&mut body, 0x10, self.application_context.as_bytes())?;
        for context in &self.presentation_contexts {
            let mut item = vec![context.id, 0, context.result.code(), 0];
            put_item(&mut item, 0x40, context.transfer_syntax.as_bytes())?;
            put_item(&mut body, 0x21, &item)?;
        }
        put_item(&mut body, 0x50, &self.user_information.write()?)?;
        frame(PduType::AssociateAc, &body)
    }
}

impl PresentationContextAc {
    fn parse(mut item: Cursor<'_>) -> Result<Self, Error> {
        let id = item.u8("presentation context id")?;
        item.u8("reserved")?;
        let result = PresentationResult::from_code(item.u8("result")?)?;
        item.u8("reserved")?;
        let mut transfer_syntax = String::new();
        while !item.is_empty() {
            let (kind, sub) = item.item("presentation context sub-item")?;
            // PS3.8 9.3.3.2: the syntax of a context that was not accepted is not to be tested.
            if kind == 0x40 && result == PresentationResult::Acceptance {
                transfer_syntax = uid(sub.0, "transfer syntax")?;
            }
        }
        Ok(Self { id, result, transfer_syntax })
    }
}

#[cfg(test)]
#[path = "associate_tests.rs"]
mod tests;
