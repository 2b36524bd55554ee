//! The user information item and its sub-items (PS3.8 9.3.2.3, D.1; PS3.7 D.3.3). Unknown sub-items are skipped.

use super::cursor::{Cursor, put_counted, put_item, uid};
use crate::Error;
use std::fmt;

/// What a peer says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserInformation {
    /// 51H, bytes 5-8: the longest P-DATA-TF body it takes; 0 = no limit.
    pub pdu_bytes_max: u32,
    /// 52H: ImplementationClassUID.
    pub implementation_class_uid: String,
    /// 55H: ImplementationVersionName, 1 to 16 characters.
    pub implementation_version_name: String,
    /// 53H, bytes 5-6 and 7-8: operations invoked and performed at once.
    pub asynchronous_operations: Option<(u16, u16)>,
    /// 54H, one each.
    pub role_selections: Vec<RoleSelection>,
    /// 56H, one each.
    pub extended_negotiations: Vec<ExtendedNegotiation>,
    /// 57H, one each.
    pub common_extended_negotiations: Vec<CommonExtendedNegotiation>,
    /// 58H.
    pub user_identity: Option<UserIdentity>,
}

/// SCP/SCU role selection (PS3.7 D.3.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSelection {
    /// Bytes 7 to xxx, behind their length in bytes 5-6.
    pub sop_class_uid: String,
    /// The byte after: the requestor may be SCU.
    pub scu: bool,
    /// The last byte: the requestor may be SCP.
    pub scp: bool,
}

/// SOP class extended negotiation (PS3.7 D.3.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedNegotiation {
    /// Bytes 7 to xxx, behind their length in bytes 5-6.
    pub sop_class_uid: String,
    /// The rest of the item.
    pub application_information: Vec<u8>,
}

/// SOP class common extended negotiation (PS3.7 D.3.3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonExtendedNegotiation {
    /// Bytes 7 to xxx, behind their length.
    pub sop_class_uid: String,
    /// Behind its own length.
    pub service_class_uid: String,
    /// Each behind its own length, inside a list with a length of its own.
    pub related_general_sop_class_uids: Vec<String>,
}

/// User identity (PS3.7 D.3.3.7). Its fields are secrets: `Debug` prints none.
#[derive(Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// Byte 5: 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JWT.
    pub kind: u8,
    /// Byte 6.
    pub response_requested: bool,
    /// Bytes 9 to n, behind their length in bytes 7-8.
    pub primary: Vec<u8>,
    /// The rest, behind its length.
    pub secondary: Vec<u8>,
}

impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserIdentity(type {}, #)", self.kind)
    }
}

impl UserInformation {
    pub(super) fn parse(mut items: Cursor<'_>) -> Result<Self, Error> {
        let mut user = Self::default();
        while !items.is_empty() {
            let (kind, mut item) = items.item("user information sub-item")?;
            user.take(kind, &mut item)?;
        }
        Ok(user)
    }

    fn take(&mut self, kind: u8, item: &mut Cursor<'_>) -> Result<(), Error> {
        match kind {
            0x51 => self.pdu_bytes_max = item.u32("maximum length")?,
            // Only for the log: a peer that sends a bad one is not worth refusing for it.
            0x52 => self.implementation_class_uid = uid(item.0, "ImplementationClassUID").unwrap_or_default(),
            0x53 => {
                self.asynchronous_operations =
                    Some((item.u16("operations invoked")?, item.u16("operations performed")?))
            }
            0x54 => self.role_selections.push(RoleSelection::parse(item)?),
            0x55 => self.implementation_version_name = version_name(item.0),
            0x56 => self.extended_negotiations.push(ExtendedNegotiation::parse(item)?),
            0x57 => self.common_extended_negotiations.push(CommonExtendedNegotiation::parse(item)?),
            0x58 => self.user_identity = Some(UserIdentity::parse(item)?),
            // PS3.8 9.3.1: items that are not recognised are ignored and skipped.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        put_item(&mut out, 0x51, &self.pdu_bytes_max.to_be_bytes())?;
        put_item(&mut out, 0x52, self.implementation_class_uid.as_bytes())?;
        if let Some((invoked, performed)) = self.asynchronous_operations {
            put_item(&mut out, 0x53, &[invoked.to_be_bytes(), performed.to_be_bytes()].concat())?;
        }
        for role in &self.role_selections {
            put_item(&mut out, 0x54, &role.write()?)?;
        }
        if !self.implementation_version_name.is_empty() {
            put_item(&mut out, 0x55, self.implementation_version_name.as_bytes())?;
        }
        for negotiation in &self.extended_negotiations {
            put_item(&mut out, 0x56, &negotiation.write()?)?;
        }
        for negotiation in &self.common_extended_negotiations {
            put_item(&mut out, 0x57, &negotiation.write()?)?;
        }
        if let Some(identity) = &self.user_identity {
            put_item(&mut out, 0x58, &identity.write()?)?;
        }
        Ok(out)
    }
}

/// At most 16 printable characters; the rest is dropped.
fn version_name(bytes: &[u8]) -> String {
    let printable: String = bytes.iter().filter(|b| (0x20..0x7f).contains(*b)).map(|b| char::from(*b)).collect();
    let name: String = printable.trim_start().chars().take(16).collect();
    name.trim_end().to_owned()
}

impl RoleSelection {
    fn parse(item: &mut Cursor<'_>) -> Result<Self, Error> {
        let sop_class_uid = uid(item.counted("role selection")?, "role selection SOP class")?;
        Ok(Self { sop_class_uid, scu: item.u8("SCU role")? == 1, scp: item.u8("SCP role")? == 1 })
    }

    fn write(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        put_counted(&mut out, self.sop_class_uid.as_bytes())?;
        out.extend_from_slice(&[u8::from(self.scu), u8::from(self.scp)]);
        Ok(out)
    }
}

impl ExtendedNegotiation {
    fn parse(item: &mut Cursor<'_>) -> Result<Self, Error> {
        let sop_class_uid = uid(item.counted("extended negotiation")?, "extended negotiation SOP class")?;
        Ok(Self { sop_class_uid, application_information: item.0.to_vec() })
    }

    fn write(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        put_counted(&mut out, self.sop_class_uid.as_bytes())?;
        out.extend_from_slice(&self.application_information);
        Ok(out)
    }
}

impl CommonExtendedNegotiation {
    fn parse(item: &mut Cursor<'_>) -> Result<Self, Error> {
        let sop_class_uid = uid(item.counted("common extended negotiation")?, "common extended SOP class")?;
        let service_class_uid = uid(item.counted("service class")?, "service class")?;
        let mut list = Cursor(item.counted("related general SOP classes")?);
        let mut related_general_sop_class_uids = Vec::new();
        while !list.is_empty() {
            related_general_sop_class_uids.push(uid(list.counted("related SOP class")?, "related SOP class")?);
        }
        Ok(Self { sop_class_uid, service_class_uid, related_general_sop_class_uids })
    }

    fn write(&self) -> Result<Vec<u8>, Error> {
        let mut list = Vec::new();
        for related in &self.related_general_sop_class_uids {
            put_counted(&mut list, related.as_bytes())?;
        }
        let mut out = Vec::new();
        put_counted(&mut out, self.sop_class_uid.as_bytes())?;
        put_counted(&mut out, self.service_class_uid.as_bytes())?;
        put_counted(&mut out, &list)?;
        Ok(out)
    }
}

impl UserIdentity {
    fn parse(item: &mut Cursor<'_>) -> Result<Self, Error> {
        let kind = item.u8("user identity type")?;
        let response_requested = item.u8("user identity response")? == 1;
        let primary = item.counted("user identity primary field")?.to_vec();
        let secondary = item.counted("user identity secondary field")?.to_vec();
        Ok(Self { kind, response_requested, primary, secondary })
    }

    fn write(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![self.kind, u8::from(self.response_requested)];
        put_counted(&mut out, &self.primary)?;
        put_counted(&mut out, &self.secondary)?;
        Ok(out)
    }
}
