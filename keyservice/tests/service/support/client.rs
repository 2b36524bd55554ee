use record::Outcome;
use seal::frame;
use seal::message::{
    AdminAnswer, AdminCall, AdminReply, AdminRequest, AdmitItem, Admitted, Answer, Asker, Call, Part, ReleaseItem,
    Released, Reply, Request,
};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// One blocking connection.
pub struct Client<S = UnixStream> {
    pub stream: S,
    next: u64,
}

impl Client {
    pub fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self::over(stream))
    }
}

impl<S: Read + Write> Client<S> {
    pub fn over(stream: S) -> Self {
        Self { stream, next: 0 }
    }

    pub fn send(&mut self, request: Request) -> io::Result<u64> {
        self.next += 1;
        let frame = frame::encode(&Call { id: self.next, request }).map_err(io::Error::other)?;
        self.stream.write_all(&frame)?;
        self.stream.flush()?;
        Ok(self.next)
    }

    pub fn body(&mut self) -> io::Result<Vec<u8>> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix)?;
        let mut body = vec![0; frame::item_len(prefix).map_err(io::Error::other)?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    pub fn reply(&mut self) -> io::Result<Reply> {
        frame::decode(&self.body()?).map_err(io::Error::other)
    }

    pub fn try_call(&mut self, request: Request) -> io::Result<Answer> {
        let id = self.send(request)?;
        let reply = self.reply()?;
        assert_eq!(reply.id, id, "the reply repeats the call's id");
        Ok(reply.answer)
    }

    pub fn call(&mut self, request: Request) -> Answer {
        self.try_call(request).unwrap()
    }

    pub fn try_admin(&mut self, request: AdminRequest) -> io::Result<AdminAnswer> {
        self.next += 1;
        let frame = frame::encode(&AdminCall { id: self.next, request }).map_err(io::Error::other)?;
        self.stream.write_all(&frame)?;
        self.stream.flush()?;
        let reply: AdminReply = frame::decode(&self.body()?).map_err(io::Error::other)?;
        assert_eq!(reply.id, self.next);
        Ok(reply.answer)
    }

    pub fn admin(&mut self, request: AdminRequest) -> AdminAnswer {
        self.try_admin(request).unwrap()
    }

    /// Admits, and insists that it works.
    pub fn admit(&mut self, asker: &Asker, items: Vec<AdmitItem>) -> Vec<Admitted> {
        match self.call(Request::Admit { asker: asker.clone(), items }) {
            Answer::Admitted(admitted) => admitted,
            other => panic!("not admitted: {other:?}"),
        }
    }

    /// Releases; `None` for what was refused.
    pub fn release(&mut self, asker: &Asker, part: Part, items: Vec<ReleaseItem>) -> Vec<Option<[u8; 32]>> {
        match self.call(Request::Release { asker: asker.clone(), part, items }) {
            Answer::Released(released) => released
                .into_iter()
                .map(|released| match released {
                    Released::Key(key) => Some(key.0),
                    Released::Refused => None,
                })
                .collect(),
            other => panic!("no release: {other:?}"),
        }
    }

    /// How a call fails.
    pub fn failure(&mut self, request: Request) -> Outcome {
        match self.call(request) {
            Answer::Failed(failure) => failure.outcome,
            other => panic!("did not fail: {other:?}"),
        }
    }
}
