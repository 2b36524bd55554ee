//! ZIP (APPNOTE 6.3) read from its beginning to its end by the heads of its entries: it may be cut, nested, or larger than
//! any memory, and overlapping entries of its directory are never seen.

use super::unpack::{Counted, Layers, is_bomb};
use crate::sample::emit::cut;
use crate::sample::limits::{CHUNK_BYTES, ENTRIES_MAX};
use crate::sample::piece::Flow;
use crate::sample::remark::Fault;
use encoding_rs::WINDOWS_1252;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use memchr::memchr_iter;
use std::io::{BufRead, BufReader, Read, Result};

/// What an entry is given to: its name, and its bytes or why there are none.
pub(crate) type Take<'t> = dyn FnMut(&str, std::result::Result<&mut dyn Read, Fault>) -> Flow + 't;

/// The head of an entry (APPNOTE 4.3.7).
struct Local {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
}

impl Local {
    /// Sizes and checksum follow the entry.
    fn is_described(&self) -> bool {
        self.flags & 8 != 0
    }

    fn fault(&self) -> Option<Fault> {
        let is_without_end = self.is_described() && self.packed == 0;
        match self.method {
            _ if self.flags & 1 != 0 => Some(Fault::Encrypted),
            99 => Some(Fault::Encrypted),
            8 => None,
            0 if !is_without_end => None,
            _ => Some(Fault::Unsupported),
        }
    }
}

/// The archive, and the signature that was come upon while the next entry was looked for.
struct Input<'a> {
    bytes: BufReader<Counted<&'a mut dyn Read>>,
    signature: Option<[u8; 4]>,
}

/// Gives every entry that is a file; what ended the archive before its end.
pub(crate) fn each(input: &mut dyn Read, layers: &Layers, take: &mut Take<'_>) -> (Flow, Option<Fault>) {
    let bytes = BufReader::with_capacity(CHUNK_BYTES, Counted { inner: input, bytes: 0 });
    let mut input = Input { bytes, signature: None };
    let mut entries = 0_u64;
    loop {
        match input.local() {
            Ok(Some(local)) => {
                entries += 1;
                if entries > ENTRIES_MAX {
                    return (Flow::Continue(()), Some(Fault::OverLimit));
                }
                match entry(&mut input, &local, layers, take) {
                    Ok(Flow::Continue(())) => {}
                    Ok(flow) => return (flow, None),
                    Err(error) => return (Flow::Continue(()), Some(Fault::from(&error))),
                }
            }
            Ok(None) => return (Flow::Continue(()), None),
            Err(error) => {
                let fault = Fault::from(&error);
                // Damage between entries is passed over; what follows is looked for.
                if fault != Fault::Damaged || !matches!(input.seek(), Ok(true)) {
                    return (Flow::Continue(()), Some(fault));
                }
                if take("", Err(Fault::Damaged)).is_break() {
                    return (Flow::Break(()), None);
                }
            }
        }
    }
}

impl Input<'_> {
    /// The head of the next entry; `None` at the directory.
    fn local(&mut self) -> Result<Option<Local>> {
        let mut signature = [0; 4];
        match self.signature.take() {
            Some(known) => signature = known,
            None => self.bytes.read_exact(&mut signature)?,
        }
        match &signature {
            b"PK\x03\x04" => {}
            b"PK\x01\x02" | b"PK\x05\x06" | b"PK\x06\x06" | b"PK\x06\x08" => return Ok(None),
            _ => return Err(Fault::Damaged.into()),
        }
        let mut head = [0; 26];
        self.bytes.read_exact(&mut head)?;
        let short =
            |at: usize| head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |two| u16::from_le_bytes(*two));
        let long =
            |at: usize| head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four));
        let mut name = vec![0; usize::from(short(22))];
        self.bytes.read_exact(&mut name)?;
        let mut extra = vec![0; usize::from(short(24))];
        self.bytes.read_exact(&mut extra)?;
        let mut packed = u64::from(long(14));
        if packed == u64::from(u32::MAX) {
            packed = wide(&extra, long(18) == u32::MAX).unwrap_or(packed);
        }
        let name = match String::from_utf8(name) {
            Ok(name) => name,
            Err(error) => WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned(),
        };
        Ok(Some(Local { name: cut(&name), flags: short(2), method: short(4), crc: long(10), packed }))
    }

    /// Goes behind the next signature and keeps it; `false` if there is none.
    fn seek(&mut self) -> Result<bool> {
        let mut joined: Vec<u8> = Vec::new();
        loop {
            let filled = self.bytes.fill_buf()?;
            let length = filled.len();
            if length == 0 {
                return Ok(false);
            }
            let before = joined.len();
            joined.extend_from_slice(filled);
            let found = memchr_iter(b'P', &joined).find_map(|at| {
                let four: &[u8; 4] = joined.get(at..)?.first_chunk()?;
                matches!(four, [_, b'K', 1, 2] | [_, b'K', 3, 4] | [_, b'K', 5 | 6, 6]).then_some((at, *four))
            });
            if let Some((at, signature)) = found {
                self.bytes.consume((at + 4).saturating_sub(before));
                self.signature = Some(signature);
                return Ok(true);
            }
            // A signature may lie across two fillings.
            joined.drain(..joined.len().saturating_sub(3));
            self.bytes.consume(length);
        }
    }
}

/// The packed size in the extra field of large entries (APPNOTE 4.5.3), behind the unpacked one.
fn wide(mut extra: &[u8], both: bool) -> Option<u64> {
    loop {
        let (head, rest) = extra.split_first_chunk::<4>()?;
        let [id, id_high, length, length_high] = *head;
        let length = usize::from(u16::from_le_bytes([length, length_high]));
        let body = rest.get(..length)?;
        if u16::from_le_bytes([id, id_high]) == 1 {
            return body.get(if both { 8 } else { 0 }..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        }
        extra = rest.get(length..)?;
    }
}

/// One entry: hands it on, and leaves the input behind it.
fn entry(input: &mut Input<'_>, local: &Local, layers: &Layers, take: &mut Take<'_>) -> Result<Flow> {
    let is_folder = local.name.ends_with('/');
    let crc = (!local.is_described()).then_some(local.crc);
    let mut flow = Flow::Continue(());
    if let Some(fault) = local.fault().filter(|_| !is_folder) {
        flow = take(&local.name, Err(fault));
    }
    if local.is_described() && local.packed == 0 {
        if local.fault().is_none() {
            let mut unpacked = Unpacked {
                packed: DeflateDecoder::new(&mut input.bytes),
                out: 0,
                layers,
                crc: Crc::new(),
                expected: None,
            };
            flow = take(&local.name, Ok(&mut unpacked));
            // The end of the entry is where its stream ends.
            if flow.is_continue()
                && std::io::copy(&mut unpacked, &mut std::io::sink()).is_err()
                && layers.count(0).is_err()
            {
                return Err(Fault::Bomb.into());
            }
        }
        return if input.seek()? { Ok(flow) } else { Err(Fault::CutShort.into()) };
    }
    let mut body = input.bytes.by_ref().take(local.packed);
    if local.fault().is_none() && !is_folder {
        flow = if local.method == 0 {
            let mut unpacked = Unpacked { packed: Stored(&mut body), out: 0, layers, crc: Crc::new(), expected: crc };
            take(&local.name, Ok(&mut unpacked))
        } else {
            let packed = DeflateDecoder::new(&mut body);
            let mut unpacked = Unpacked { packed, out: 0, layers, crc: Crc::new(), expected: crc };
            take(&local.name, Ok(&mut unpacked))
        };
    }
    if flow.is_continue() {
        std::io::copy(&mut body, &mut std::io::sink())?;
        if body.limit() > 0 {
            return Err(Fault::CutShort.into());
        }
        if local.is_described() && !input.seek()? {
            return Err(Fault::CutShort.into());
        }
    }
    Ok(flow)
}

struct Stored<R>(R);

/// What an entry's bytes have used of the archive.
trait Packed: Read {
    fn packed(&self, out: u64) -> u64;
}

impl<R: Read> Read for Stored<R> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        self.0.read(room)
    }
}

impl<R: Read> Packed for Stored<R> {
    fn packed(&self, out: u64) -> u64 {
        out
    }
}

impl<R: BufRead> Packed for DeflateDecoder<R> {
    fn packed(&self, _: u64) -> u64 {
        self.total_in()
    }
}

struct Unpacked<'a, P> {
    packed: P,
    out: u64,
    layers: &'a Layers,
    crc: Crc,
    expected: Option<u32>,
}

impl<P: Packed> Read for Unpacked<'_, P> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let count = self.packed.read(room)?;
        self.out = self.out.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.layers.count(count)?;
        if is_bomb(self.packed.packed(self.out), self.out) {
            return Err(Fault::Bomb.into());
        }
        self.crc.update(room.get(..count).unwrap_or_default());
        if count == 0 && !room.is_empty() && self.expected.take().is_some_and(|expected| expected != self.crc.sum()) {
            return Err(Fault::Damaged.into());
        }
        Ok(count)
    }
}
