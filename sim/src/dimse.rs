//! A DICOM requestor as small as one can be: it associates, echoes, stores, and can be told to misbehave.

use crate::Result;
use crate::sample::{SECONDARY_CAPTURE, Uids};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Verification SOP Class.
const VERIFICATION: &str = "1.2.840.10008.1.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// PDUs of P-DATA-TF are this long.
const PIECE_BYTES: usize = 16 * 1024;
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What an association request was answered with.
pub enum Asked {
    /// A-ASSOCIATE-AC.
    Accepted(Association),
    /// A-ASSOCIATE-RJ: result, source, reason (PS3.8 9.3.4).
    Rejected(u8, u8, u8),
}

/// An accepted association: context 1 is Verification in implicit VR, context 3 Secondary Capture in explicit VR, both
/// little endian.
pub struct Association {
    socket: TcpStream,
    message: u16,
}

/// An A-ASSOCIATE-RQ of `calling` to `SEGEL` (PS3.8 9.3.2).
#[must_use]
pub fn associate_rq(calling: &str) -> Vec<u8> {
    let item = |kind: u8, value: &[u8]| {
        let mut bytes = vec![kind, 0];
        bytes.extend(u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(value);
        bytes
    };
    let context = |id: u8, class: &str, syntax: &str| {
        let mut value = vec![id, 0, 0, 0];
        value.extend(item(0x30, class.as_bytes()));
        value.extend(item(0x40, syntax.as_bytes()));
        item(0x20, &value)
    };
    let title = |text: &str| format!("{text:<16}").into_bytes();
    let mut body = vec![0, 1, 0, 0];
    body.extend(title("SEGEL"));
    body.extend(title(calling));
    body.extend([0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    body.extend(context(1, VERIFICATION, IMPLICIT));
    body.extend(context(3, SECONDARY_CAPTURE, EXPLICIT));
    let mut user = item(0x51, &65_536_u32.to_be_bytes());
    user.extend(item(0x52, b"1.2.826.0.1.3680043.10.1561.0"));
    body.extend(item(0x50, &user));
    pdu(1, &body)
}

/// A PDU around a body.
#[must_use]
pub fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A-ABORT of the service user.
#[must_use]
pub fn abort() -> Vec<u8> {
    pdu(7, &[0; 4])
}

/// Connects and asks for an association.
///
/// # Errors
/// If the connection ends or something else is answered.
pub fn associate(address: SocketAddr, calling: &str) -> Result<Asked> {
    let mut socket = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(ANSWER_MAX))?;
    socket.set_write_timeout(Some(ANSWER_MAX))?;
    socket.write_all(&associate_rq(calling))?;
    match read_pdu(&mut socket)? {
        (2, _) => Ok(Asked::Accepted(Association { socket, message: 0 })),
        (3, body) => match body.as_slice() {
            [_, result, source, reason] => Ok(Asked::Rejected(*result, *source, *reason)),
            _ => Err("a rejection of another length".into()),
        },
        (kind, _) => Err(format!("PDU {kind} answered an association request").into()),
    }
}

/// As [`associate`], and it must be accepted.
///
/// # Errors
/// If it is not.
pub fn accepted(address: SocketAddr, calling: &str) -> Result<Association> {
    match associate(address, calling)? {
        Asked::Accepted(association) => Ok(association),
        Asked::Rejected(result, source, reason) => Err(format!("rejected: {result} {source} {reason}").into()),
    }
}

impl Association {
    /// C-ECHO: the status.
    ///
    /// # Errors
    /// If the association ends.
    pub fn echo(&mut self) -> Result<u16> {
        let id = self.next_message();
        let command =
            command(&[(0x0002, uid(VERIFICATION)), (0x0100, us(0x0030)), (0x0110, us(id)), (0x0800, us(0x0101))]);
        self.send(1, true, &command)?;
        self.status()
    }

    /// C-STORE of a secondary capture: the status.
    ///
    /// # Errors
    /// If the association ends.
    pub fn store(&mut self, uids: &Uids, data_set: &[u8]) -> Result<u16> {
        let id = self.next_message();
        let command = command(&[
            (0x0002, uid(SECONDARY_CAPTURE)),
            (0x0100, us(0x0001)),
            (0x0110, us(id)),
            (0x0700, us(0)),
            (0x0800, us(0)),
            (0x1000, uid(&uids.instance)),
        ]);
        self.send(3, true, &command)?;
        self.send(3, false, data_set)?;
        self.status()
    }

    /// A-RELEASE, to its answer.
    ///
    /// # Errors
    /// If the association ends otherwise.
    pub fn release(mut self) -> Result<()> {
        self.socket.write_all(&pdu(5, &[0; 4]))?;
        match read_pdu(&mut self.socket)? {
            (6, _) => Ok(()),
            (kind, _) => Err(format!("PDU {kind} answered a release").into()),
        }
    }

    /// The socket, for whoever wants to misbehave.
    #[must_use]
    pub fn into_socket(self) -> TcpStream {
        self.socket
    }

    fn next_message(&mut self) -> u16 {
        self.message = self.message.wrapping_add(1);
        self.message
    }

    fn send(&mut self, context: u8, is_command: bool, bytes: &[u8]) -> Result<()> {
        let count = bytes.len().div_ceil(PIECE_BYTES).max(1);
        for nth in 0..count {
            let piece = bytes.get(nth * PIECE_BYTES..((nth + 1) * PIECE_BYTES).min(bytes.len())).unwrap_or_default();
            let last = if nth + 1 == count { 2 } else { 0 };
            let mut value = u32::try_from(piece.len() + 2)?.to_be_bytes().to_vec();
            value.extend([context, last | u8::from(is_command)]);
            value.extend(piece);
            self.socket.write_all(&pdu(4, &value))?;
        }
        Ok(())
    }

    fn status(&mut self) -> Result<u16> {
        let (kind, body) = read_pdu(&mut self.socket)?;
        if kind != 4 {
            return Err(format!("PDU {kind} answered a message").into());
        }
        // After the value's length, the context's id and the control header: elements of implicit VR, one after the other.
        let mut elements = body.get(6..).ok_or("a response without a command")?;
        while let Some((head, rest)) = elements.split_at_checked(8) {
            let length = usize::try_from(u32::from_le_bytes(head.get(4..).ok_or("no length")?.try_into()?))?;
            let (value, after) = rest.split_at_checked(length).ok_or("an element cut short")?;
            if head.starts_with(&[0x00, 0x00, 0x00, 0x09]) {
                return Ok(u16::from_le_bytes(value.try_into()?));
            }
            elements = after;
        }
        Err("a response without a status".into())
    }
}

fn read_pdu(socket: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let mut header = [0; 6];
    socket.read_exact(&mut header)?;
    let [kind, _, a, b, c, d] = header;
    let length = u32::from_be_bytes([a, b, c, d]);
    if length > 1 << 20 {
        return Err("a PDU too long".into());
    }
    let mut body = vec![0; usize::try_from(length)?];
    socket.read_exact(&mut body)?;
    Ok((kind, body))
}

fn us(value: u16) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn uid(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

/// A command set: implicit VR little endian, group 0000, with its length in front (PS3.7 6.3.1).
fn command(elements: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let element = |number: u16, value: &[u8]| {
        let mut bytes = vec![0, 0];
        bytes.extend(number.to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(value);
        bytes
    };
    let body: Vec<u8> = elements.iter().flat_map(|(number, value)| element(*number, value)).collect();
    let mut bytes = element(0x0000, &u32::try_from(body.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(body);
    bytes
}
