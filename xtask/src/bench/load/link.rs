//! DIMSE messages over P-DATA-TF PDUs, one at a time.

use super::stream::Stream;
use anyhow::{Context as _, Result, bail, ensure};
use wire::command::Command;
use wire::pdu::{Fragments, Header, PduType, Pdvs, write_message};

/// What the load tool takes in one PDU.
pub const PDU_BYTES: u32 = 128 * 1024;

/// One side of an association.
pub struct Link {
    stream: Stream,
    /// What the peer takes in one PDU.
    pub peer_pdu_bytes_max: u32,
    /// Body of the PDU that is read, and how far it was.
    body: Vec<u8>,
    at: usize,
    out: Vec<u8>,
    /// The data set of the last message that came.
    pub data_set: Vec<u8>,
}

impl Link {
    /// Over a connection.
    pub fn new(stream: Stream) -> Self {
        let (body, out, data_set) = (Vec::new(), Vec::new(), Vec::new());
        Self { stream, peer_pdu_bytes_max: 0, body, at: 0, out, data_set }
    }

    /// Sends a PDU that is written.
    pub fn send_pdu(&mut self, pdu: &[u8]) -> Result<()> {
        self.stream.send(pdu)
    }

    /// Reads a PDU; its type, and its body until the next one.
    pub fn pdu(&mut self) -> Result<(PduType, &[u8])> {
        let kind = self.read_pdu()?;
        Ok((kind, &self.body))
    }

    fn read_pdu(&mut self) -> Result<PduType> {
        self.body.clear();
        self.stream.read_into(&mut self.body, Header::BYTES)?;
        let first = self.body.first_chunk::<6>().context("PDU header")?;
        let header = Header::parse(first)?;
        self.body.clear();
        self.stream.read_into(&mut self.body, usize::try_from(header.length_bytes)?)?;
        // Only data has fragments that are still to be taken.
        self.at = if header.pdu_type == PduType::DataTf { 0 } else { self.body.len() };
        Ok(header.pdu_type)
    }

    /// Sends a command and its data set, in one write.
    pub fn send(&mut self, context: u8, command: &Command, data_set: Option<&[u8]>) -> Result<()> {
        self.out.clear();
        write_message(&mut self.out, context, true, &command.write(), self.peer_pdu_bytes_max)?;
        if let Some(data_set) = data_set {
            write_message(&mut self.out, context, false, data_set, self.peer_pdu_bytes_max)?;
        }
        self.stream.send(&self.out)
    }

    /// Sends a data set in pieces, as they come.
    pub fn send_pieces<'a>(&mut self, context: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Result<()> {
        let mut fragments = Fragments::new(context, false, self.peer_pdu_bytes_max)?;
        for piece in pieces {
            self.out.clear();
            fragments.write(&mut self.out, piece)?;
            self.stream.send(&self.out)?;
        }
        self.out.clear();
        fragments.finish(&mut self.out)?;
        self.stream.send(&self.out)
    }

    /// Waits for a message: its presentation context and command; its data set, if any, lies in [`Link::data_set`].
    /// Nothing if the peer asked for the end.
    pub fn receive(&mut self) -> Result<Option<(u8, Command)>> {
        let mut command = Vec::new();
        let context = loop {
            let Some(context) = self.fragment(true, &mut command)? else { return Ok(None) };
            if let (context, true) = context {
                break context;
            }
        };
        let command = Command::parse(&command)?;
        let mut data_set = std::mem::take(&mut self.data_set);
        data_set.clear();
        while command.has_data_set() {
            let (_, last) = self.fragment(false, &mut data_set)?.context("released inside a message")?;
            if last {
                break;
            }
        }
        self.data_set = data_set;
        Ok(Some((context, command)))
    }

    /// The next message, which must be one.
    pub fn message(&mut self) -> Result<(u8, Command)> {
        self.receive()?.context("the archive released the association in the middle of an operation")
    }

    /// Appends the next fragment: its context and whether it is the last; nothing at a release.
    fn fragment(&mut self, command: bool, to: &mut Vec<u8>) -> Result<Option<(u8, bool)>> {
        while self.at >= self.body.len() {
            match self.read_pdu()? {
                PduType::DataTf => {}
                PduType::ReleaseRq => return Ok(None),
                other => bail!("a PDU of type {:02X}H came instead of data: {:?}", other.code(), self.body),
            }
        }
        let rest = self.body.get(self.at..).unwrap_or_default();
        let value = Pdvs::new(rest).next().context("no PDV")??;
        ensure!(value.command == command, "command and data set fragments are mixed");
        to.extend_from_slice(value.fragment);
        self.at += value.fragment.len() + 6;
        Ok(Some((value.context_id, value.last)))
    }
}
