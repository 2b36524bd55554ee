//! The administrator's side of the key service: one blocking connection to its admin socket.

use anyhow::{Context as _, Result, bail};
use seal::frame;
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// An administrator's request is a few writes; longer means that the key service hangs.
const ANSWER_SECONDS_MAX: u64 = 30;

/// A connection to the admin socket. Who may open the socket's file may administer.
pub struct AdminClient {
    stream: UnixStream,
    next: u64,
}

impl AdminClient {
    /// Connects.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).with_context(|| format!("no key service at {}", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        Ok(Self { stream, next: 1 })
    }

    /// Asks, and waits for the answer.
    pub fn call(&mut self, request: AdminRequest) -> Result<AdminAnswer> {
        let id = self.next;
        self.next += 1;
        self.stream.write_all(&frame::encode(&AdminCall { id, request })?)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).context("the key service closed the connection")?;
        let mut body = vec![0; frame::item_len(length)?];
        self.stream.read_exact(&mut body)?;
        let reply: AdminReply = frame::decode(&body)?;
        if reply.id != id {
            bail!("the key service answered another question");
        }
        Ok(reply.answer)
    }

    /// As [`AdminClient::call`], with a failure as an error.
    pub fn must(&mut self, request: AdminRequest) -> Result<AdminAnswer> {
        match self.call(request)? {
            AdminAnswer::Failed(failure) => bail!("{failure}"),
            answer => Ok(answer),
        }
    }
}
