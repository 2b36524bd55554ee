//! Somebody who stands where the archive node stands and asks the key service itself.

use crate::Result;
use archive::object::ObjectRecord;
use record::Purpose;
use seal::frame;
use seal::message::{Answer, Asker, Call, DataKey, Part, Proof, ReleaseItem, Released, Reply, Request};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection to the key service's socket for archive nodes.
pub struct Thief {
    stream: UnixStream,
    asker: Asker,
    next: u64,
}

impl Thief {
    /// Connects, with somebody's bearer token.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn connect(data: &Path, token: &str) -> Result<Self> {
        let stream = UnixStream::connect(data.join("keyservice/node.sock"))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let (proof, purpose) = (Proof::Bearer(token.to_owned()), Purpose::Treat);
        Ok(Self { stream, asker: Asker { proof, purpose, channel: "dicomweb".into() }, next: 0 })
    }

    /// Asks for the keys of some object versions; `None` for each that is refused.
    ///
    /// # Errors
    /// If the answer is none.
    pub fn release(&mut self, part: Part, records: &[&ObjectRecord]) -> Result<Vec<Option<DataKey>>> {
        let wrapped = |record: &ObjectRecord| match part {
            Part::Summary => record.summary_key.clone(),
            Part::Content => record.content_key.clone(),
        };
        let item = |record: &&ObjectRecord| ReleaseItem { context: record.context(), wrapped: wrapped(record) };
        let items = records.iter().map(item).collect();
        match self.call(Request::Release { asker: self.asker.clone(), part, items })? {
            Answer::Released(released) => Ok(released
                .into_iter()
                .map(|one| match one {
                    Released::Key(key) => Some(key),
                    Released::Refused => None,
                })
                .collect()),
            // A request that is refused whole gives nothing of it.
            Answer::Failed(_) => Ok(records.iter().map(|_| None).collect()),
            _ => Err("the key service answered something else".into()),
        }
    }

    fn call(&mut self, request: Request) -> Result<Answer> {
        self.next += 1;
        let bytes = frame::encode(&Call { id: self.next, request }).map_err(|error| error.to_string())?;
        self.stream.write_all(&bytes)?;
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix)?;
        let mut body = vec![0; frame::item_len(prefix).map_err(|error| error.to_string())?];
        self.stream.read_exact(&mut body)?;
        let reply: Reply = frame::decode(&body).map_err(|error| error.to_string())?;
        Ok(reply.answer)
    }
}
