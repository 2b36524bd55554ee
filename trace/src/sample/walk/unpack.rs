//! Unpacking with a count: what comes out is held against what went in, for each layer and for all of them.

use crate::sample::limits::{CHUNK_BYTES, LAYERS_GRACE_BYTES, LAYERS_RATIO_MAX, RATIO_GRACE_BYTES, RATIO_MAX};
use crate::sample::remark::Fault;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::io::{BufReader, Read, Result};

/// What all layers of one outermost file have unpacked to.
pub(crate) struct Layers {
    bytes: Cell<u64>,
    bytes_max: u64,
}

impl Layers {
    pub fn new(size: u64) -> Self {
        Self { bytes: Cell::new(0), bytes_max: size.saturating_mul(LAYERS_RATIO_MAX).max(LAYERS_GRACE_BYTES) }
    }

    /// Counts bytes that came out of a layer.
    pub fn count(&self, bytes: usize) -> Result<()> {
        self.bytes.set(self.bytes.get().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)));
        if self.bytes.get() > self.bytes_max { Err(Fault::Bomb.into()) } else { Ok(()) }
    }

    /// Unpacks gzip (RFC 1952), all members.
    pub fn gzip<'a>(&'a self, input: &'a mut dyn Read) -> impl Read + 'a {
        let packed = Counted { inner: input, bytes: 0 };
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, packed));
        Gunzip { decoder, out: 0, layers: self }
    }
}

/// Whether so much may come out of so much.
pub(crate) fn is_bomb(packed: u64, out: u64) -> bool {
    out > RATIO_GRACE_BYTES && out > packed.saturating_mul(RATIO_MAX)
}

pub(crate) struct Counted<R> {
    pub inner: R,
    pub bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(room)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

struct Gunzip<'a> {
    decoder: MultiGzDecoder<BufReader<Counted<&'a mut dyn Read>>>,
    out: u64,
    layers: &'a Layers,
}

impl Read for Gunzip<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let count = self.decoder.read(room)?;
        self.out = self.out.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.layers.count(count)?;
        if is_bomb(self.decoder.get_ref().get_ref().bytes, self.out) {
            return Err(Fault::Bomb.into());
        }
        Ok(count)
    }
}
