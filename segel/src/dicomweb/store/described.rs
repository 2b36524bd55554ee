//! Store of metadata and bulk data apart (PS3.18 10.5.1.2): a part of DICOM JSON that lists instances, and a part for each value
//! that it names by BulkDataURI. The values come behind what needs them, so all parts are held until the last has come;
//! large instances are better sent as `application/dicom`, which is never held.

mod assemble;

use super::failure_of;
use crate::dicomweb::accept::OCTETS;
use crate::dicomweb::failure::{Failure, Report};
use crate::dicomweb::request::Request;
use crate::http::Problem;
use crate::http::body::BodyReader;
use archive::ingest::Declared;
use record::Outcome;
use record::limits::STORE_BY_METADATA_BYTES_MAX;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::multipart::{Event, MediaType, PartHeaders, Reader};

/// DICOM JSON.
pub const JSON: &str = "application/dicom+json";

/// A value that came in a part of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bulk {
    media_type: String,
    transfer_syntax: Option<String>,
    bytes: Vec<u8>,
}

/// The parts of one request, and their share of the memory for bodies that are held.
pub struct Parts {
    /// Lists of instances.
    metadata: Vec<Vec<u8>>,
    /// By `Content-Location`: a value, or the frames of an image one after another.
    bulks: HashMap<String, Vec<Bulk>>,
    current: Option<Current>,
    bytes: usize,
    bytes_max: usize,
    budget: Arc<Semaphore>,
    shares: Vec<OwnedSemaphorePermit>,
    held_kib: usize,
}

/// The part that is arriving.
struct Current {
    /// `None` for metadata.
    location: Option<String>,
    bulk: Bulk,
}

impl Parts {
    /// None yet.
    pub fn new(budget: &Arc<Semaphore>) -> Self {
        Self {
            metadata: Vec::new(),
            bulks: HashMap::new(),
            current: None,
            bytes: 0,
            bytes_max: STORE_BY_METADATA_BYTES_MAX,
            budget: Arc::clone(budget),
            shares: Vec::new(),
            held_kib: 0,
        }
    }

    /// Reads all parts of a body.
    pub async fn read(&mut self, mut body: BodyReader, mut reader: Reader) -> Result<(), Problem> {
        while let Some(piece) = body.next().await? {
            let mut input: &[u8] = &piece;
            while let Some(event) = reader.next(&mut input)? {
                match event {
                    Event::Begin(headers) => self.begin(&headers)?,
                    Event::Content(bytes) => self.content(bytes)?,
                    Event::End => self.end(),
                    Event::Close => {}
                }
            }
        }
        Ok(reader.finish()?)
    }

    fn begin(&mut self, headers: &PartHeaders) -> Result<(), Problem> {
        let unreadable = || Problem::bad_request("The content type of a part cannot be read.");
        let text = headers.get("content-type").unwrap_or(OCTETS);
        let kind = MediaType::parse(text).map_err(|_| unreadable())?;
        let transfer_syntax = kind.parameter("transfer-syntax").map(str::to_owned);
        let location = match kind.essence.as_str() {
            JSON => None,
            _ => {
                let location = headers.get("content-location").map(str::to_owned);
                Some(location.ok_or_else(|| Problem::bad_request("A part of bulk data has no Content-Location."))?)
            }
        };
        let bulk = Bulk { media_type: kind.essence, transfer_syntax, bytes: Vec::new() };
        self.current = Some(Current { location, bulk });
        Ok(())
    }

    fn content(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > self.bytes_max {
            return Err(Problem::too_large(format!(
                "Metadata and bulk data apart may be {} bytes together; send larger instances as application/dicom.",
                self.bytes_max
            )));
        }
        // The share follows what has really arrived: a declared length reserves nothing.
        let missing = u32::try_from(self.bytes.div_ceil(1024).saturating_sub(self.held_kib)).unwrap_or(u32::MAX);
        if missing > 0 {
            let share = Arc::clone(&self.budget).try_acquire_many_owned(missing);
            self.shares.push(share.map_err(|_| Problem::busy("Too many large bodies are arriving at once."))?);
            self.held_kib = self.held_kib.saturating_add(usize::try_from(missing).unwrap_or(usize::MAX));
        }
        if let Some(current) = &mut self.current {
            current.bulk.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self) {
        if let Some(Current { location, bulk }) = self.current.take() {
            match location {
                None => self.metadata.push(bulk.bytes),
                Some(location) => self.bulks.entry(location).or_default().push(bulk),
            }
        }
    }

    /// Stores every instance that the metadata lists; what became of each goes into the report.
    pub async fn store(mut self, request: &Request, report: &mut Report) -> Result<(), Problem> {
        if self.metadata.is_empty() {
            return Err(Problem::bad_request("There is no part of application/dicom+json."));
        }
        for text in std::mem::take(&mut self.metadata) {
            let list =
                wire::dataset::read_json(&text).map_err(|_| Problem::bad_request("The metadata is not DICOM JSON."))?;
            let list = match list {
                Value::Array(list) => list,
                one => vec![one],
            };
            for metadata in list {
                self.store_one(request, metadata, report).await;
            }
        }
        Ok(())
    }

    async fn store_one(&self, request: &Request, metadata: Value, report: &mut Report) {
        let uid = |tag: &str| Some(metadata.get(tag)?.get("Value")?.get(0)?.as_str()?.to_owned());
        let uids = uid("00080016").zip(uid("00080018"));
        let assembled = match assemble::data_set(metadata, &self.bulks) {
            Ok(assembled) => assembled,
            Err(error) => {
                report.failed(Failure {
                    uids,
                    outcome: Outcome::Invalid,
                    text: error.to_string(),
                    out_of_space: false,
                });
                return;
            }
        };
        let declared = Declared {
            transfer_syntax: Some(assembled.transfer_syntax_uid),
            study_instance_uid: request.names.study.clone(),
            ..Declared::default()
        };
        let mut receiver = request.doors.archive.receive(&request.caller.asker, declared);
        let written = receiver.write(&assembled.bytes).await;
        let identity = receiver.identity().or(uids);
        let stored = match written {
            Ok(()) => receiver.finish().await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(stored) => report.kept(&stored, &request.base),
            Err(error) => {
                tracing::info!(%error, "an instance was not stored");
                report.failed(failure_of(identity, &error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &mut Parts, body: &str) -> Result<(), u16> {
        let mut reader = Reader::new(&MediaType::parse("multipart/related; boundary=x").unwrap()).unwrap();
        let mut input = body.as_bytes();
        while let Some(event) = reader.next(&mut input).unwrap() {
            match event {
                Event::Begin(headers) => parts.begin(&headers).map_err(|p| p.status.as_u16())?,
                Event::Content(bytes) => parts.content(bytes).map_err(|p| p.status.as_u16())?,
                Event::End => parts.end(),
                Event::Close => {}
            }
        }
        Ok(())
    }

    fn parts(bytes_max: usize, budget_kib: usize) -> Parts {
        Parts { bytes_max, ..Parts::new(&Arc::new(Semaphore::new(budget_kib))) }
    }

    const BODY: &str = "--x\r\nContent-Type: application/dicom+json\r\n\r\n[{}]\r\n\
                        --x\r\nContent-Type: image/jls; transfer-syntax=1.2\r\nContent-Location: b/1\r\n\r\nabc\r\n\
                        --x\r\nContent-Location: b/1\r\n\r\nde\r\n--x--\r\n";

    #[test]
    fn parts_are_told_apart_by_type_and_place() {
        let mut parts = parts(9, 1);
        read(&mut parts, BODY).unwrap();
        assert_eq!(parts.metadata, [b"[{}]"]);
        let bulks = &parts.bulks["b/1"];
        assert_eq!(bulks[0].bytes, b"abc");
        assert_eq!((bulks[0].media_type.as_str(), bulks[0].transfer_syntax.as_deref()), ("image/jls", Some("1.2")));
        assert_eq!((bulks[1].media_type.as_str(), bulks[1].bytes.as_slice()), (OCTETS, b"de".as_slice()));
    }

    #[test]
    fn parts_may_reach_their_limit_and_not_pass_it() {
        assert_eq!(read(&mut parts(9, 1), BODY), Ok(()));
        assert_eq!(read(&mut parts(8, 1), BODY), Err(413));
        assert_eq!(read(&mut parts(9, 0), BODY), Err(503));
        assert_eq!(read(&mut parts(99, 1), "--x\r\nContent-Type: a/b\r\n\r\nx\r\n--x--\r\n"), Err(400));
    }
}
