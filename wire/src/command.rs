//! Command sets (PS3.7 6.3.1, Annex E): group 0000, Implicit VR Little Endian whatever the context's transfer syntax.

use crate::Error;
use record::limits::COMMAND_BYTES_MAX;

/// CommandField (0000,0100) of what Segel takes and answers (PS3.7 E.1).
pub mod field {
    /// C-STORE-RQ
    pub const C_STORE_RQ: u16 = 0x0001;
    /// C-STORE-RSP
    pub const C_STORE_RSP: u16 = 0x8001;
    /// C-GET-RQ
    pub const C_GET_RQ: u16 = 0x0010;
    /// C-GET-RSP
    pub const C_GET_RSP: u16 = 0x8010;
    /// C-FIND-RQ
    pub const C_FIND_RQ: u16 = 0x0020;
    /// C-FIND-RSP
    pub const C_FIND_RSP: u16 = 0x8020;
    /// C-MOVE-RQ
    pub const C_MOVE_RQ: u16 = 0x0021;
    /// C-MOVE-RSP
    pub const C_MOVE_RSP: u16 = 0x8021;
    /// C-ECHO-RQ
    pub const C_ECHO_RQ: u16 = 0x0030;
    /// C-ECHO-RSP
    pub const C_ECHO_RSP: u16 = 0x8030;
    /// N-EVENT-REPORT-RQ
    pub const N_EVENT_REPORT_RQ: u16 = 0x0100;
    /// N-EVENT-REPORT-RSP
    pub const N_EVENT_REPORT_RSP: u16 = 0x8100;
    /// N-ACTION-RQ
    pub const N_ACTION_RQ: u16 = 0x0130;
    /// N-ACTION-RSP
    pub const N_ACTION_RSP: u16 = 0x8130;
    /// C-CANCEL-RQ
    pub const C_CANCEL_RQ: u16 = 0x0FFF;
    /// Set in the field of every response.
    pub const RESPONSE_BIT: u16 = 0x8000;
}

/// CommandDataSetType (0000,0800): no data set follows. Any other value: one does.
pub const NO_DATA_SET: u16 = 0x0101;
/// The value Segel writes where a data set follows.
pub const DATA_SET_FOLLOWS: u16 = 0x0001;

/// A command set. Elements that it does not name are skipped; an absent element is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// (0000,0002)
    pub affected_sop_class_uid: Option<String>,
    /// (0000,0003)
    pub requested_sop_class_uid: Option<String>,
    /// (0000,0100)
    pub command_field: u16,
    /// (0000,0110)
    pub message_id: Option<u16>,
    /// (0000,0120)
    pub message_id_being_responded_to: Option<u16>,
    /// (0000,0600)
    pub move_destination: Option<String>,
    /// (0000,0700)
    pub priority: Option<u16>,
    /// (0000,0800)
    pub command_data_set_type: u16,
    /// (0000,0900)
    pub status: Option<u16>,
    /// (0000,0901): tags as (group, element).
    pub offending_elements: Vec<(u16, u16)>,
    /// (0000,0902): LO, at most 64 characters.
    pub error_comment: Option<String>,
    /// (0000,1000)
    pub affected_sop_instance_uid: Option<String>,
    /// (0000,1001)
    pub requested_sop_instance_uid: Option<String>,
    /// (0000,1002)
    pub event_type_id: Option<u16>,
    /// (0000,1008)
    pub action_type_id: Option<u16>,
    /// (0000,1020)
    pub remaining_suboperations: Option<u16>,
    /// (0000,1021)
    pub completed_suboperations: Option<u16>,
    /// (0000,1022)
    pub failed_suboperations: Option<u16>,
    /// (0000,1023)
    pub warning_suboperations: Option<u16>,
    /// (0000,1030)
    pub move_originator_ae_title: Option<String>,
    /// (0000,1031)
    pub move_originator_message_id: Option<u16>,
}

impl Command {
    /// Reads a whole command set.
    ///
    /// # Errors
    /// Longer than the limit, an element outside group 0000, repeated or out of order, a length beyond the bytes, a value
    /// of the wrong size, or no CommandField or CommandDataSetType.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > COMMAND_BYTES_MAX {
            return Err(Error::invalid(format!("command set longer than {COMMAND_BYTES_MAX} bytes")));
        }
        let mut command = Self::default();
        let (mut field, mut data_set_type) = (None, None);
        let mut previous = None;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (element, value, tail) = element(rest)?;
            if previous.is_some_and(|p| p >= element) {
                return Err(Error::invalid(format!(
                    "command element (0000,{element:04X}) is repeated or out of order"
                )));
            }
            (previous, rest) = (Some(element), tail);
            match element {
                0x0100 => field = Some(us(element, value)?),
                0x0800 => data_set_type = Some(us(element, value)?),
                _ => command.take(element, value)?,
            }
        }
        command.command_field = field.ok_or_else(|| Error::invalid("command set without CommandField"))?;
        command.command_data_set_type =
            data_set_type.ok_or_else(|| Error::invalid("command set without CommandDataSetType"))?;
        Ok(command)
    }

    fn take(&mut self, element: u16, value: &[u8]) -> Result<(), Error> {
        match element {
            0x0002 => self.affected_sop_class_uid = Some(ui(element, value)?),
            0x0003 => self.requested_sop_class_uid = Some(ui(element, value)?),
            0x0110 => self.message_id = Some(us(element, value)?),
            0x0120 => self.message_id_being_responded_to = Some(us(element, value)?),
            0x0600 => self.move_destination = Some(text(value)),
            0x0700 => self.priority = Some(us(element, value)?),
            0x0900 => self.status = Some(us(element, value)?),
            0x0901 => self.offending_elements = tags(element, value)?,
            0x0902 => self.error_comment = Some(text(value)),
            0x1000 => self.affected_sop_instance_uid = Some(ui(element, value)?),
            0x1001 => self.requested_sop_instance_uid = Some(ui(element, value)?),
            0x1002 => self.event_type_id = Some(us(element, value)?),
            0x1008 => self.action_type_id = Some(us(element, value)?),
            0x1020 => self.remaining_suboperations = Some(us(element, value)?),
            0x1021 => self.completed_suboperations = Some(us(element, value)?),
            0x1022 => self.failed_suboperations = Some(us(element, value)?),
            0x1023 => self.warning_suboperations = Some(us(element, value)?),
            0x1030 => self.move_originator_ae_title = Some(text(value)),
            0x1031 => self.move_originator_message_id = Some(us(element, value)?),
            // CommandGroupLength, and what other services use.
            _ => {}
        }
        Ok(())
    }

    /// Whether a data set follows.
    #[must_use]
    pub fn has_data_set(&self) -> bool {
        self.command_data_set_type != NO_DATA_SET
    }

    /// The response to this request: same message id and SOP class, no data set.
    #[must_use]
    pub fn response(&self, status: u16) -> Self {
        Self {
            // N-ACTION names what it asks of as requested, its response as affected (PS3.7 10.1.4).
            affected_sop_class_uid: self
                .affected_sop_class_uid
                .clone()
                .or_else(|| self.requested_sop_class_uid.clone()),
            command_field: self.command_field | field::RESPONSE_BIT,
            message_id_being_responded_to: self.message_id,
            command_data_set_type: NO_DATA_SET,
            status: Some(status),
            affected_sop_instance_uid: self
                .affected_sop_instance_uid
                .clone()
                .or_else(|| self.requested_sop_instance_uid.clone()),
            event_type_id: self.event_type_id,
            action_type_id: self.action_type_id,
            ..Self::default()
        }
    }

    /// The command set as bytes, in ascending order, with its group length.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(128);
        let numbers = |value: Option<u16>| value.map(|v| v.to_le_bytes().to_vec());
        let uids = |value: &Option<String>| value.as_ref().map(|v| padded(v, 64, 0));
        let texts = |value: &Option<String>, limit| value.as_ref().map(|v| padded(v, limit, b' '));
        let tags: Vec<u8> =
            self.offending_elements.iter().flat_map(|(g, e)| [g.to_le_bytes(), e.to_le_bytes()].concat()).collect();
        let elements = [
            (0x0002, uids(&self.affected_sop_class_uid)),
            (0x0003, uids(&self.requested_sop_class_uid)),
            (0x0100, numbers(Some(self.command_field))),
            (0x0110, numbers(self.message_id)),
            (0x0120, numbers(self.message_id_being_responded_to)),
            (0x0600, texts(&self.move_destination, 16)),
            (0x0700, numbers(self.priority)),
            (0x0800, numbers(Some(self.command_data_set_type))),
            (0x0900, numbers(self.status)),
            (0x0901, (!tags.is_empty()).then_some(tags)),
            (0x0902, texts(&self.error_comment, 64)),
            (0x1000, uids(&self.affected_sop_instance_uid)),
            (0x1001, uids(&self.requested_sop_instance_uid)),
            (0x1002, numbers(self.event_type_id)),
            (0x1008, numbers(self.action_type_id)),
            (0x1020, numbers(self.remaining_suboperations)),
            (0x1021, numbers(self.completed_suboperations)),
            (0x1022, numbers(self.failed_suboperations)),
            (0x1023, numbers(self.warning_suboperations)),
            (0x1030, texts(&self.move_originator_ae_title, 16)),
            (0x1031, numbers(self.move_originator_message_id)),
        ];
        for (element, value) in elements {
            if let Some(value) = value {
                put(&mut body, element, &value);
            }
        }
        let mut out = Vec::with_capacity(body.len().saturating_add(12));
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        put(&mut out, 0x0000, &length.to_le_bytes());
        out.extend_from_slice(&body);
        out
    }
}

/// Tag (bytes 1-4), length (bytes 5-8), value: the element number, the value and what comes after.
fn element(bytes: &[u8]) -> Result<(u16, &[u8], &[u8]), Error> {
    let Some(([g0, g1, e0, e1, l0, l1, l2, l3], rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Error::invalid("command set ends inside an element"));
    };
    if [*g0, *g1] != [0, 0] {
        return Err(Error::invalid("command set holds an element outside group 0000"));
    }
    let element = u16::from_le_bytes([*e0, *e1]);
    let length = usize::try_from(u32::from_le_bytes([*l0, *l1, *l2, *l3])).unwrap_or(usize::MAX);
    let Some((value, tail)) = rest.split_at_checked(length) else {
        return Err(Error::invalid(format!("command element (0000,{element:04X}) is longer than its command set")));
    };
    Ok((element, value, tail))
}

fn us(element: u16, value: &[u8]) -> Result<u16, Error> {
    let bytes = <[u8; 2]>::try_from(value)
        .map_err(|_| Error::invalid(format!("command element (0000,{element:04X}) is not two bytes")))?;
    Ok(u16::from_le_bytes(bytes))
}

fn ui(element: u16, value: &[u8]) -> Result<String, Error> {
    let end = value.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(0, |last| last.saturating_add(1));
    let text = std::str::from_utf8(value.get(..end).unwrap_or_default()).unwrap_or_default();
    if text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && (end == 0 || !text.is_empty()) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(format!("command element (0000,{element:04X}) is not a UID")))
    }
}

/// Text for people or a title: what is not printable ASCII is dropped.
fn text(value: &[u8]) -> String {
    value.trim_ascii().iter().filter(|b| (0x20..0x7f).contains(*b)).map(|b| char::from(*b)).collect()
}

fn tags(element: u16, value: &[u8]) -> Result<Vec<(u16, u16)>, Error> {
    let (whole, rest) = value.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::invalid(format!("command element (0000,{element:04X}) is not a list of tags")));
    }
    Ok(whole.iter().map(|[a, b, c, d]| (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]))).collect())
}

/// Printable ASCII up to the VR's length, padded to even length.
fn padded(text: &str, limit: usize, padding: u8) -> Vec<u8> {
    let mut value: Vec<u8> = text.bytes().filter(|b| (0x20..0x7f).contains(b) && *b != b'\\').take(limit).collect();
    if value.len() % 2 == 1 {
        value.push(padding);
    }
    value
}

fn put(out: &mut Vec<u8>, element: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&element.to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests;
