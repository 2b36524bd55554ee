//! Reading frames from a segment's file. Nothing on the disk is trusted beyond the file's real length.

use super::frame::{
    Fault, FrameKind, GROUP_ALIGN_BYTES, HEADER_BYTES, HEADER_LEN, Header, TRAILER_BYTES, TRAILER_LEN, Trailer,
    check_records, frame_hash, record_hash,
};
use crate::object::{ObjectRecord, Order};
use crate::settings::segment_path;
use record::{ObjectId, Version};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes read at once while hashing: large enough for the disk's full speed.
const READ_BYTES: usize = 1024 * 1024;

/// Why a frame could not be read.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The disk did not give the bytes.
    Io(io::Error),
    /// The bytes are not a frame.
    Fault(Fault),
}

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "unreadable: {error}"),
            Self::Fault(Fault(text)) => f.write_str(text),
        }
    }
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Fault> for ScanError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Contents {
    /// Objects were committed.
    Objects(Vec<ObjectRecord>),
    /// Something was ordered.
    Order(Order),
}

impl Contents {
    /// The objects; none for an order.
    pub(crate) fn records(&self) -> &[ObjectRecord] {
        match self {
            Self::Objects(records) => records,
            Self::Order(_) => &[],
        }
    }
}

/// A segment opened for walking.
pub(crate) struct SegmentFile {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    file: File,
}

impl SegmentFile {
    pub(crate) fn open(dir: &Path, number: u64) -> io::Result<Self> {
        let file = File::open(segment_path(dir, number))?;
        let bytes = file.metadata()?.len();
        Ok(Self { number, bytes, file })
    }

    /// The header of the frame at `offset`.
    pub(crate) fn header(&self, offset: u64) -> Result<Header, ScanError> {
        if self.bytes.saturating_sub(offset) < HEADER_LEN {
            return Err(Fault("a frame cut short").into());
        }
        let mut bytes = [0; HEADER_BYTES];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(Header::decode(&bytes, self.number, offset, self.bytes)?)
    }

    /// What a frame says, checked by the record's hash alone: the parts are not read.
    pub(crate) fn contents(&self, header: &Header) -> Result<Contents, ScanError> {
        let trailer = self.trailer(header)?;
        let record = self.record(header, &trailer)?;
        let damaged = Fault("a record that is not what was written");
        if header.kind == FrameKind::Order {
            let order = minicbor::decode(&record).map_err(|_| damaged)?;
            return if header.objects == 1 { Ok(Contents::Order(order)) } else { Err(damaged.into()) };
        }
        let records: Vec<ObjectRecord> = minicbor::decode(&record).map_err(|_| damaged)?;
        check_records(&records, header.objects, trailer.record_offset(header))?;
        Ok(Contents::Objects(records))
    }

    /// The record of one object version of the frame at `offset`.
    pub(crate) fn record_of(&self, offset: u64, object: ObjectId, version: Version) -> Result<ObjectRecord, ScanError> {
        let header = self.header(offset)?;
        let found = match self.contents(&header)? {
            Contents::Objects(records) => {
                records.into_iter().find(|record| record.object == object && record.version == version)
            }
            Contents::Order(_) => None,
        };
        found.ok_or_else(|| Fault("a frame without the object that the index expects there").into())
    }

    /// What a frame says, after hashing all of it.
    pub(crate) fn verify(&self, header: &Header) -> Result<Contents, ScanError> {
        let contents = self.contents(header)?;
        let trailer = self.trailer(header)?;
        let mut body = blake3::Hasher::new();
        let end = header.end().saturating_sub(TRAILER_LEN);
        let mut at = header.offset.saturating_add(HEADER_LEN);
        let mut buffer = vec![0; READ_BYTES];
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            let read = self.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), at)?;
            if read == 0 {
                return Err(Fault("a frame cut short").into());
            }
            body.update(buffer.get(..read).unwrap_or_default());
            at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        if frame_hash(body, &header.encode(), &trailer.lengths(), &trailer.record_hash) != trailer.frame_hash {
            return Err(Fault("the frame's bytes are not those that were written").into());
        }
        Ok(contents)
    }

    /// The next header behind a place that could not be read that is `wanted`: groups begin on multiples of
    /// [`GROUP_ALIGN_BYTES`]. Sealed bytes look random, so no part can pass for a header.
    pub(crate) fn find_header(&self, behind: u64, wanted: impl Fn(&Header) -> bool) -> Option<Header> {
        let mut offset = (behind / GROUP_ALIGN_BYTES + 1).checked_mul(GROUP_ALIGN_BYTES)?;
        while offset < self.bytes {
            if let Some(header) = self.header(offset).ok().filter(&wanted) {
                return Some(header);
            }
            offset = offset.checked_add(GROUP_ALIGN_BYTES)?;
        }
        None
    }

    fn trailer(&self, header: &Header) -> Result<Trailer, ScanError> {
        let mut bytes = [0; TRAILER_BYTES];
        self.file.read_exact_at(&mut bytes, header.end().saturating_sub(TRAILER_LEN))?;
        Ok(Trailer::decode(&bytes, header)?)
    }

    fn record(&self, header: &Header, trailer: &Trailer) -> Result<Vec<u8>, ScanError> {
        let mut record = vec![0; usize::try_from(trailer.record_bytes).map_err(|_| Fault("a record too long"))?];
        let offset = header.offset.saturating_add(trailer.record_offset(header));
        self.file.read_exact_at(&mut record, offset)?;
        if record_hash(&header.encode(), &trailer.lengths(), &record) != trailer.record_hash {
            return Err(Fault("the record's bytes are not those that were written").into());
        }
        Ok(record)
    }
}
