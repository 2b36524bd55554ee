//! One question to one witness.

use super::settings::Witness;
use crate::error::{Error, Result};
use crate::outbound::{Bounds, Outbound};
use ledger::Note;
use ledger::cosignature::origin_hash;
use ledger::note::{NOTE_BYTES_MAX, SignatureLine};
use ledger::witness::{AddCheckpoint, SIZE_CONTENT_TYPE, add_lines, parse_size};
use record::limits::WITNESS_MS_MAX;
use std::time::Duration;

/// What a witness may cost: its disk takes some 10 ms, a line around the world some 300.
const BOUNDS: Bounds = Bounds { deadline: Duration::from_millis(WITNESS_MS_MAX), body_bytes_max: NOTE_BYTES_MAX };

/// A witness's answer to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Its line, verified.
    Cosigned(String),
    /// It stands at another size.
    Stands(u64),
    /// It does not cosign this, with the status that says why.
    Refused(u16),
}

impl Witness {
    /// Submits a checkpoint.
    ///
    /// # Errors
    /// Busy if the witness is away or unable; Invalid for an answer that is none.
    pub(super) async fn submit(&self, outbound: &Outbound, request: &AddCheckpoint) -> Result<Answered> {
        let headers = [("content-type", "text/plain; charset=utf-8")];
        let reply = outbound.post(&self.submit, &headers, request.to_string().into_bytes(), BOUNDS).await?;
        match reply.status {
            200 => Ok(Answered::Cosigned(self.line(&request.note, &reply.body)?)),
            409 if reply.header("content-type").is_some_and(|kind| kind.starts_with(SIZE_CONTENT_TYPE)) => {
                Ok(Answered::Stands(parse_size(&reply.body)?))
            }
            status @ (400..=428 | 430..500) => Ok(Answered::Refused(status)),
            status => Err(Error::new(record::Outcome::Busy, format!("it answered {status}"))),
        }
    }

    /// Our witness's line among those answered, verified: whatever else is in the answer is left out.
    fn line(&self, note: &str, answer: &[u8]) -> Result<String> {
        let text = Note::parse(note)?.text();
        let joined = add_lines(&format!("{text}\n"), answer)?;
        let parsed = Note::parse(&joined)?;
        // C2SP tlog-witness: the time must not be left out, which zero says.
        let at = self.key.cosigned_at(&parsed)?;
        let ours = parsed.lines().iter().find(|line| self.key.is_named_by(line) && line.time() == at && at > 0);
        ours.map(SignatureLine::text).ok_or_else(|| Error::invalid("its cosignature has no time"))
    }

    /// The last checkpoint of this ledger that the witness shows to monitors; `None` if it has none. Nothing is verified.
    ///
    /// # Errors
    /// Busy if the witness is away; Invalid for an answer that is none.
    pub(super) async fn shows(&self, outbound: &Outbound, origin: &str) -> Result<Option<String>> {
        let url = format!("{}/{}/checkpoint", self.monitor, origin_hash(origin));
        let reply = outbound.get(&url, &[], BOUNDS).await?;
        match reply.status {
            200 => String::from_utf8(reply.body).map(Some).map_err(|_| Error::invalid("what it shows is not text")),
            404 => Ok(None),
            status => Err(Error::new(record::Outcome::Busy, format!("it answered {status}"))),
        }
    }
}
