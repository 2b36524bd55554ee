//! A bundle's bytes.
//!
//! | part | bytes | what |
//! |---|---|---|
//! | head | 0..8 | `SEGELBDL` |
//! | | 8..10 | layout: 1 |
//! | | 10..42 | the export's id |
//! | | 42..74 | the recipient's public key (X25519) |
//! | key | 32 | HPKE's encapsulated key |
//! | | 48 | the bundle's random key, sealed by HPKE with the head as associated data |
//! | body | | a sealed object (`seal::cobblestone`) under that key, with the head as context |
//!
//! The body holds files one after another, each as: length of the name (2), name, length of the content (8), content. The name is
//! the disclosure's id with `.dcm`, or of one of the last two: `manifest.json` and `receipt.json`. An empty name ends the bundle.

use super::hpke::{self, ENCAPSULATED_BYTES, SEALED_KEY_BYTES};
use anyhow::{Context as _, Result, bail, ensure};
use seal::approval::ProposalId;
use seal::cobblestone::{Opener, SEALED_CHUNK_BYTES, SEALED_HEADER_BYTES, Sealer, TAG_BYTES};
use seal::message::DataKey;
use std::io::Read;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"SEGELBDL";
const LAYOUT: u16 = 1;
/// Bytes of the head.
pub const HEAD_BYTES: usize = 74;
/// Bytes of a file's name: 32 digits and an ending.
const NAME_BYTES_MAX: usize = 64;

/// Name of the list of everything in the bundle.
pub const MANIFEST: &str = "manifest.json";
/// Name of what proves that the list is in the ledger.
pub const RECEIPT: &str = "receipt.json";

/// What stands before anything sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The export.
    pub export: ProposalId,
    /// The recipient's public key.
    pub recipient: [u8; 32],
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &LAYOUT.to_be_bytes(), &self.export.0, &self.recipient].concat()
    }

    fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<Self> {
        let (magic, rest) = bytes.split_at(8);
        let (layout, rest) = rest.split_at(2);
        let (export, recipient) = rest.split_at(32);
        ensure!(magic == MAGIC && layout == LAYOUT.to_be_bytes(), "this is no bundle of a layout that is known here");
        Ok(Self { export: ProposalId(export.try_into()?), recipient: recipient.try_into()? })
    }
}

/// Writes a bundle: every call answers the bytes that are ready to leave.
pub struct Writer {
    sealer: Sealer,
    /// Bytes that the file under way still lacks.
    missing: u64,
}

impl Writer {
    /// Begins a bundle.
    pub fn begin(head: &Head) -> Result<(Self, Vec<u8>)> {
        let mut key = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(key.as_mut()).ok().context("no randomness to be had")?;
        let bytes = head.encode();
        let (encapsulated, sealed) = hpke::seal(&head.recipient, &bytes, &key)?;
        let sealer = Sealer::new(&DataKey(*key), &bytes)?;
        let begun = [bytes.as_slice(), &encapsulated, &sealed, &sealer.header()].concat();
        Ok((Self { sealer, missing: 0 }, begun))
    }

    /// Begins a file.
    pub fn file(&mut self, name: &str, bytes: u64) -> Result<Vec<u8>> {
        ensure!(self.missing == 0, "a file is shorter than was said");
        ensure!(!name.is_empty() && name.len() <= NAME_BYTES_MAX, "a file's name has 1 to 64 bytes");
        self.missing = bytes;
        let length = u16::try_from(name.len())?;
        self.seal(&[&length.to_be_bytes(), name.as_bytes(), &bytes.to_be_bytes()].concat())
    }

    /// More of the file's content.
    pub fn content(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let length = u64::try_from(bytes.len())?;
        self.missing = self.missing.checked_sub(length).context("a file is longer than was said")?;
        self.seal(bytes)
    }

    /// Ends the bundle.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        ensure!(self.missing == 0, "a file is shorter than was said");
        let mut out = self.seal(&0_u16.to_be_bytes())?;
        self.sealer.finish(&mut out)?;
        Ok(out)
    }

    fn seal(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.sealer.update(bytes, &mut out)?;
        Ok(out)
    }
}

/// Reads a bundle, a piece at a time.
pub struct Reader<R> {
    /// What stands before anything sealed.
    pub head: Head,
    source: R,
    opener: Opener,
    next: u64,
    /// Opened, and not given yet.
    opened: Vec<u8>,
    given: usize,
    /// The last chunk was opened: the length is proved.
    is_proved: bool,
    /// Sealed bytes that were read ahead, to see whether a chunk is the last.
    ahead: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Begins to read; the private key must be the recipient's.
    pub fn begin(mut source: R, private: &[u8]) -> Result<Self> {
        let mut bytes = [0; HEAD_BYTES];
        source.read_exact(&mut bytes).context("this is no bundle")?;
        let head = Head::decode(&bytes)?;
        let (mut encapsulated, mut sealed) = ([0; ENCAPSULATED_BYTES], [0; SEALED_KEY_BYTES]);
        source.read_exact(&mut encapsulated).context("the bundle is cut")?;
        source.read_exact(&mut sealed).context("the bundle is cut")?;
        let key = hpke::open(private, &bytes, &encapsulated, &sealed)?;
        let mut header = [0; SEALED_HEADER_BYTES];
        source.read_exact(&mut header).context("the bundle is cut")?;
        let opener = Opener::new(&DataKey(*key), &bytes, &header)?;
        let mut reader =
            Self { head, source, opener, next: 0, opened: Vec::new(), given: 0, is_proved: false, ahead: Vec::new() };
        reader.ahead = reader.sealed_chunk()?;
        Ok(reader)
    }

    /// The next file's name and length; `None` at the end, which is then proved to be the end.
    pub fn file(&mut self) -> Result<Option<(String, u64)>> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        if length == 0 {
            // What ends where a chunk does is proved by an empty one behind it.
            if self.given == self.opened.len() && !self.is_proved {
                self.refill()?;
            }
            let waits = self.opened.len() - self.given;
            ensure!(waits == 0 && self.is_proved, "the bundle goes on behind its end");
            return Ok(None);
        }
        ensure!(length <= NAME_BYTES_MAX, "a file's name is longer than one may be");
        let mut name = vec![0; length];
        self.fill(&mut name)?;
        let name = String::from_utf8(name).ok().context("a file's name is no text")?;
        // A name of the bundle becomes a path: only such names as bundles have.
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.');
        ensure!(is_name && !name.starts_with('.') && !name.contains(".."), "a file's name is none that a bundle has");
        Ok(Some((name, u64::from_be_bytes(self.array()?))))
    }

    /// The next bytes of the file under way, at most so many.
    pub fn piece(&mut self, at_most: u64) -> Result<Vec<u8>> {
        self.refill()?;
        let waits = self.opened.get(self.given..).unwrap_or_default();
        let take = usize::try_from(at_most).unwrap_or(usize::MAX).min(waits.len());
        let piece = waits.get(..take).unwrap_or_default().to_vec();
        self.given += take;
        Ok(piece)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            let missing = u64::try_from(bytes.len() - filled)?;
            let piece = self.piece(missing)?;
            for (to, from) in bytes.iter_mut().skip(filled).zip(&piece) {
                *to = *from;
            }
            filled += piece.len();
        }
        Ok(())
    }

    /// Opens the next chunk if nothing is left of the last.
    fn refill(&mut self) -> Result<()> {
        while self.given == self.opened.len() {
            ensure!(!self.is_proved, "the bundle is cut");
            let following = self.sealed_chunk()?;
            // The last chunk is shorter than the others, and nothing follows it.
            let is_last = following.is_empty() && self.ahead.len() < SEALED_CHUNK_BYTES;
            if self.ahead.len() < TAG_BYTES {
                bail!("the bundle is cut");
            }
            self.opened.clear();
            self.given = 0;
            self.opener
                .open_chunk(self.next, is_last, &self.ahead, &mut self.opened)
                .ok()
                .context("the bundle was changed or cut")?;
            self.is_proved = is_last;
            self.next += 1;
            self.ahead = following;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn sealed_chunk(&mut self) -> Result<Vec<u8>> {
        let mut chunk = Vec::with_capacity(SEALED_CHUNK_BYTES);
        self.source.by_ref().take(u64::try_from(SEALED_CHUNK_BYTES)?).read_to_end(&mut chunk)?;
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(public: [u8; 32], files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let head = Head { export: ProposalId([9; 32]), recipient: public };
        let (mut writer, mut bytes) = Writer::begin(&head).unwrap();
        for (name, content) in files {
            bytes.extend(writer.file(name, content.len() as u64).unwrap());
            for piece in content.chunks(5_000) {
                bytes.extend(writer.content(piece).unwrap());
            }
        }
        bytes.extend(writer.finish().unwrap());
        bytes
    }

    fn read(bytes: &[u8], private: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut reader = Reader::begin(bytes, private)?;
        let mut files = Vec::new();
        while let Some((name, length)) = reader.file()? {
            let mut content = Vec::new();
            while (content.len() as u64) < length {
                content.extend(reader.piece(length - content.len() as u64)?);
            }
            files.push((name, content));
        }
        Ok(files)
    }

    #[test]
    fn what_went_in_comes_out_at_every_length_around_a_chunk() {
        let (public, private) = hpke::generate().unwrap();
        for length in [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000] {
            for before in 0..3 {
                let files = vec![("a".repeat(before + 1), vec![7; length]), ("b.dcm".to_owned(), vec![8; 10])];
                let given: Vec<(&str, Vec<u8>)> = files.iter().map(|(n, c)| (n.as_str(), c.clone())).collect();
                assert_eq!(read(&bundle(public, &given), &private).unwrap(), files, "{length} bytes");
            }
        }
        // A body that ends where a chunk does has an empty last chunk.
        let name = "a";
        let exact = 16_384 - 2 - 2 - name.len() - 8;
        let whole = bundle(public, &[(name, vec![1; exact])]);
        assert_eq!(whole.len(), HEAD_BYTES + 32 + 48 + 56 + SEALED_CHUNK_BYTES + TAG_BYTES);
        assert_eq!(read(&whole, &private).unwrap().len(), 1);
    }

    #[test]
    fn a_cut_a_lengthened_or_a_changed_bundle_and_a_wrong_key_open_nothing() {
        let (public, private) = hpke::generate().unwrap();
        let (_, other) = hpke::generate().unwrap();
        let whole = bundle(public, &[("a.dcm", vec![7; 40_000]), (MANIFEST, b"{}".to_vec())]);
        assert!(read(&whole, &private).is_ok());
        assert!(read(&whole, &other).is_err());
        for cut in [0, 10, HEAD_BYTES, 150, 209, 210, 300, 16_610, 33_010, whole.len() - 1] {
            assert!(read(&whole[..cut], &private).is_err(), "cut at {cut}");
        }
        assert!(read(&[whole.as_slice(), &[0]].concat(), &private).is_err());
        for at in (0..whole.len()).step_by(97).chain(0..300) {
            let mut changed = whole.clone();
            changed[at] ^= 0x20;
            assert!(read(&changed, &private).is_err(), "byte {at}");
        }
    }

    #[test]
    fn no_name_of_a_bundle_leads_out_of_its_folder() {
        let (public, private) = hpke::generate().unwrap();
        for name in ["../x", "/etc/passwd", "a/b", "..", ".hidden", "A", "a\\b", "a..b"] {
            assert!(read(&bundle(public, &[(name, Vec::new())]), &private).is_err(), "{name}");
        }
    }
}
