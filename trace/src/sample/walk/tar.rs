//! Tape archives (POSIX.1-2001 pax, ustar, GNU names), streamed.

use super::{Place, Walk};
use crate::sample::emit::cut;
use crate::sample::limits::{ENTRIES_MAX, NAME_BYTES_MAX};
use crate::sample::piece::Flow;
use crate::sample::remark::Fault;
use std::io::{ErrorKind, Read, Result};

const BLOCK_BYTES: usize = 512;

/// Whether a block is the head of an entry: its checksum is the sum of its bytes, with spaces in place of itself.
pub(super) fn is_head(block: &[u8]) -> bool {
    let Some(block) = block.get(..BLOCK_BYTES) else { return false };
    let sum: u64 =
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    block.first() != Some(&0) && number(block.get(148..156).unwrap_or_default()) == Some(sum)
}

/// A number: octal digits, or binary with its first bit set.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let low = field.get(field.len().checked_sub(8)?..)?;
        return low.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)).filter(|number| *number < 1 << 62);
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    u64::from_str_radix(text, 8).ok()
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

impl Walk<'_> {
    pub(super) fn tar(&mut self, input: &mut dyn Read, place: Place<'_>) -> Flow {
        let mut named: Option<String> = None;
        let mut sized: Option<u64> = None;
        let (mut entries, mut was_damaged) = (0, false);
        loop {
            let mut block = [0; BLOCK_BYTES];
            if let Err(error) = input.read_exact(&mut block) {
                // An archive may end without its two empty blocks.
                if error.kind() != ErrorKind::UnexpectedEof {
                    self.emit.remark(place.path, Fault::from(&error));
                }
                return Flow::Continue(());
            }
            if block.iter().all(|byte| *byte == 0) {
                continue;
            }
            let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
            let Some(size) = number(field(124, 136)).filter(|_| is_head(&block)) else {
                // What follows damage is found at the next head.
                if !was_damaged {
                    self.emit.remark(place.path, Fault::Damaged);
                }
                was_damaged = true;
                continue;
            };
            was_damaged = false;
            entries += 1;
            if entries > ENTRIES_MAX {
                self.emit.remark(place.path, Fault::OverLimit);
                return Flow::Continue(());
            }
            let kind = block.get(156).copied().unwrap_or(b'0');
            let size = if matches!(kind, b'0' | 0 | b'7') { sized.take().unwrap_or(size) } else { size };
            let mut body = Exact { input: &mut *input, left: size };
            let mut flow = Flow::Continue(());
            match kind {
                b'0' | 0 | b'7' => {
                    let prefix = text(field(345, 500));
                    let own = text(field(0, 100));
                    let is_posix = field(257, 262) == b"ustar" && !prefix.is_empty();
                    let own = if is_posix { format!("{prefix}/{own}") } else { own };
                    let path = format!("{}!{}", place.path, cut(&named.take().unwrap_or(own)));
                    let inner = Place { path: &path, depth: place.depth + 1, layers: place.layers, file: None };
                    flow = self.piece(&mut body, inner);
                }
                b'L' => named = Some(text(&short(&mut body))),
                b'x' => {
                    let records = short(&mut body);
                    named = pax(&records, "path").or(named);
                    sized = pax(&records, "size").and_then(|size| size.parse().ok());
                }
                b'1' | b'2' | b'3' | b'4' | b'6' | b'S' => {
                    let path = format!("{}!{}", place.path, cut(&named.take().unwrap_or_else(|| text(field(0, 100)))));
                    self.emit.remark(&path, if kind == b'S' { Fault::Unsupported } else { Fault::NotAFile });
                }
                _ => named = None,
            }
            flow?;
            let padding = (BLOCK_BYTES - usize::try_from(size % 512).unwrap_or(0)) % BLOCK_BYTES;
            let rest = body.left.saturating_add(u64::try_from(padding).unwrap_or(0));
            if std::io::copy(&mut (&mut *input).take(rest), &mut std::io::sink()).is_err() {
                self.emit.remark(place.path, Fault::CutShort);
                return Flow::Continue(());
            }
        }
    }
}

/// The beginning of a short entry: names and records about the entry that follows.
fn short(body: &mut Exact<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let most = u64::try_from(16 * NAME_BYTES_MAX).unwrap_or(u64::MAX);
    let _ = body.take(most).read_to_end(&mut out);
    out
}

/// The value of a key: records are "length key=value\n".
fn pax(records: &[u8], key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(records);
    let line = text.lines().find_map(|line| {
        line.split_once(' ').and_then(|(_, record)| record.split_once('=')).filter(|(own, _)| *own == key)
    });
    line.map(|(_, value)| value.to_owned())
}

/// Exactly so many bytes: fewer are an error, and not an end.
struct Exact<'a> {
    input: &'a mut dyn Read,
    left: u64,
}

impl Read for Exact<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        if self.left == 0 || room.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(room.len());
        let count = self.input.read(room.get_mut(..most).unwrap_or_default())?;
        if count == 0 {
            return Err(Fault::CutShort.into());
        }
        self.left -= u64::try_from(count).unwrap_or(0).min(self.left);
        Ok(count)
    }
}
