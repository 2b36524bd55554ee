//! A connection that waits for no timer of the kernel.

use anyhow::{Context as _, Result};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const BUFFER_BYTES: usize = 256 * 1024;
/// An archive that is silent for so long has failed; nothing here takes a tenth of it.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// A TCP connection with TCP_NODELAY and TCP_QUICKACK, read through a buffer.
pub struct Stream {
    socket: TcpStream,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Stream {
    /// Connects.
    pub fn connect(address: impl ToSocketAddrs) -> Result<Self> {
        Self::over(TcpStream::connect(address).context("the archive does not accept connections")?)
    }

    /// Over a connection that was accepted.
    pub fn over(socket: TcpStream) -> Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(SILENCE_MAX))?;
        rustix::net::sockopt::set_tcp_quickack(&socket, true)?;
        Ok(Self { socket, buffer: vec![0; BUFFER_BYTES], begin: 0, end: 0 })
    }

    /// Sends all of it.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket.write_all(bytes)?;
        Ok(())
    }

    /// What has come and was not taken; waits until there is something. Empty only at the end of the connection.
    pub fn peek(&mut self) -> Result<&[u8]> {
        if self.begin == self.end {
            self.begin = 0;
            self.end = loop {
                match self.socket.read(&mut self.buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            // The kernel falls back to delayed acknowledgements by itself, so each read asks anew.
            rustix::net::sockopt::set_tcp_quickack(&self.socket, true)?;
        }
        Ok(self.buffer.get(self.begin..self.end).unwrap_or_default())
    }

    /// Takes so many of the peeked bytes.
    pub fn take(&mut self, count: usize) {
        self.begin = self.end.min(self.begin.saturating_add(count));
    }

    /// Appends exactly `count` bytes to `out`.
    pub fn read_into(&mut self, out: &mut Vec<u8>, count: usize) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let come = self.peek()?;
            anyhow::ensure!(!come.is_empty(), "the connection ended {left} bytes early");
            let taken = come.len().min(left);
            out.extend_from_slice(come.get(..taken).unwrap_or_default());
            self.take(taken);
            left -= taken;
        }
        Ok(())
    }
}
