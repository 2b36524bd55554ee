//! A window over a text of any length.

use super::Coding;
use crate::sample::limits::CHUNK_BYTES;
use crate::sample::remark::Fault;
use encoding_rs::{Decoder, WINDOWS_1252};
use std::io::Read;

/// The part of a text that is being looked at, as UTF-8. It grows while a row needs more, up to what the reader allows.
pub(crate) struct Text<'a> {
    input: &'a mut dyn Read,
    coding: Coding,
    decoder: Decoder,
    raw: Vec<u8>,
    // Bytes of `raw` that wait for the rest of their letter.
    kept: usize,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    fault: Option<Fault>,
    mended: u64,
}

impl<'a> Text<'a> {
    /// Reads `input`, which begins with `mark` bytes that are no text.
    pub fn new(input: &'a mut dyn Read, coding: Coding, mark: usize) -> Self {
        let mut text = Self {
            input,
            coding,
            decoder: coding.encoding().new_decoder_without_bom_handling(),
            raw: vec![0; CHUNK_BYTES],
            kept: 0,
            buffer: Vec::new(),
            start: 0,
            ended: false,
            fault: None,
            mended: 0,
        };
        let mut skipped = [0; 4];
        if let Some(skipped) = skipped.get_mut(..mark) {
            text.ended = text.input.read_exact(skipped).is_err();
        }
        text
    }

    /// What is in the window: valid UTF-8 but for letters that the caller cut.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Whether nothing follows the window.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// What ended the text before its end.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Bytes that were outside the encoding.
    pub fn mended(&self) -> u64 {
        self.mended
    }

    /// Leaves the first bytes of the window behind.
    pub fn take(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.buffer.len());
    }

    /// Makes the window longer; `false` if the text has ended.
    pub fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let room = self.raw.get_mut(self.kept..).unwrap_or_default();
        let read = loop {
            match self.input.read(room) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.fault = Some(Fault::from(&error));
                    break 0;
                }
                Ok(read) => break read,
            }
        };
        self.ended = read == 0;
        let filled = self.kept.saturating_add(read).min(self.raw.len());
        if self.coding == Coding::Utf8 {
            self.append_utf8(filled)
        } else {
            self.append_other(filled)
        }
        // A reader that gives one byte of a letter has not ended.
        true
    }

    fn append_other(&mut self, filled: usize) {
        let mut source = self.raw.get(..filled).unwrap_or_default();
        loop {
            let wanted = self.decoder.max_utf8_buffer_length(source.len()).unwrap_or(source.len());
            let begin = self.buffer.len();
            self.buffer.resize(begin + wanted.max(16), 0);
            let target = self.buffer.get_mut(begin..).unwrap_or_default();
            let (result, read, written, broken) = self.decoder.decode_to_utf8(source, target, self.ended);
            self.buffer.truncate(begin + written);
            self.mended += u64::from(broken);
            source = source.get(read..).unwrap_or_default();
            if result == encoding_rs::CoderResult::InputEmpty {
                break;
            }
        }
        self.kept = 0;
    }

    fn append_utf8(&mut self, filled: usize) {
        let mut at = 0;
        loop {
            let rest = self.raw.get(at..filled).unwrap_or_default();
            let (valid, broken) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), None),
                Err(error) => (error.valid_up_to(), error.error_len()),
            };
            self.buffer.extend_from_slice(rest.get(..valid).unwrap_or_default());
            at += valid;
            let left = filled.saturating_sub(at);
            // The beginning of a letter at the end waits for its rest, and there is none at the end of the text.
            let broken = if left > 0 && broken.is_none() && self.ended { Some(left) } else { broken };
            let Some(broken) = broken else { break };
            let wrong = self.raw.get(at..at + broken).unwrap_or_default();
            let (letters, _) = WINDOWS_1252.decode_without_bom_handling(wrong);
            self.buffer.extend_from_slice(letters.as_bytes());
            self.mended += 1;
            at += broken;
        }
        self.raw.copy_within(at..filled, 0);
        self.kept = filled - at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of the lengths in turn.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(room.len());
            room[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(bytes: &[u8], piece: usize) -> (String, u64) {
        let (coding, mark) = Coding::of(bytes);
        let mut input = Pieces(bytes, piece);
        let mut text = Text::new(&mut input, coding, mark);
        let mut out = Vec::new();
        while text.more() {
            out.extend_from_slice(text.bytes());
            text.take(text.bytes().len());
        }
        (String::from_utf8(out).unwrap(), text.mended())
    }

    #[test]
    fn letters_are_whole_wherever_the_pieces_end() {
        let words = "Siti Nu’mañ 山田 😀, José";
        let little: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for piece in [1, 2, 3, 5, 1000] {
            assert_eq!(read(words.as_bytes(), piece), (words.to_owned(), 0));
            assert_eq!(read(&[b"\xFF\xFE", little.as_slice()].concat(), piece), (words.to_owned(), 0));
            assert_eq!(read(b"Jos\xE9 \x93M\xFCller\x94", piece), ("José “Müller”".to_owned(), 0));
            // A byte of another encoding, and a letter that the end cuts.
            assert_eq!(read("é é é |\u{e9}".as_bytes().strip_suffix(b"\xA9").unwrap(), piece).0, "é é é |Ã");
            assert_eq!(read(b"\xC3\xA9\xC3\xA9\xC3\xA9 Jos\xE9 x", piece), ("ééé José x".to_owned(), 1));
        }
    }
}
