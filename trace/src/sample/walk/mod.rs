//! From a path to rows and files: each piece is told by its content and handed to its reader.

mod folder;
mod kind;
mod peek;
mod unpack;

use super::emit::{Emit, Summary};
use super::limits::{ARCHIVE_DEPTH_MAX, CHUNK_BYTES, FILE_BYTES_MAX, HELD_BYTES_MAX};
use super::piece::{File, Flow, Kind, Sink};
use super::progress::Progress;
use super::remark::Fault;
use super::table::{delimited, sql};
use super::text::{Coding, Text};
use aws_lc_rs::digest::{Context, SHA256};
use kind::{What, what};
use peek::Peeked;
use std::fs;
use std::io::{Cursor, Read, Seek};
use std::path::Path;
pub(crate) use unpack::Layers;

/// Reads a sample: a folder, an archive or a file. Nothing of it is executed or written; links are not followed. What cannot
/// be read is remarked on, and the rest is read.
pub fn read(path: &Path, progress: &Progress, sink: &mut dyn Sink) -> Summary {
    progress.expect(folder::size(path));
    let mut walk = Walk::new(sink, progress);
    let _ = walk.start(path);
    walk.emit.summary
}

/// Reads a sample that is in memory, as if it were a file of that name.
pub fn read_bytes(name: &str, bytes: &[u8], progress: &Progress, sink: &mut dyn Sink) -> Summary {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    progress.expect(size);
    let mut walk = Walk::new(sink, progress);
    let layers = Layers::new(size);
    let mut input = bytes;
    let _ = walk.piece(&mut input, Place { path: name, depth: 0, layers: &layers, file: None });
    progress.read(bytes.len());
    walk.emit.summary
}

pub(crate) struct Walk<'a> {
    pub emit: Emit<'a>,
    // The bytes of the file that is handed on; used again for the next.
    bytes: Vec<u8>,
}

/// Where a piece lies.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Its path inside the sample.
    pub path: &'a str,
    /// Archives around it.
    pub depth: usize,
    /// What has been unpacked of the outermost file.
    pub layers: &'a Layers,
    /// The piece itself, if it lies in no archive.
    pub file: Option<&'a fs::File>,
}

/// What can be read in any order.
pub(crate) trait Random: Read + Seek {}
impl<T: Read + Seek> Random for T {}

impl<'a> Walk<'a> {
    fn new(sink: &'a mut dyn Sink, progress: &'a Progress) -> Self {
        Self { emit: Emit::new(sink, progress), bytes: Vec::new() }
    }

    /// Reads one piece, whatever it is.
    pub fn piece(&mut self, input: &mut dyn Read, place: Place<'_>) -> Flow {
        let mut input = Peeked::new(input);
        match what(input.head(), place.path) {
            What::Gzip if place.depth >= ARCHIVE_DEPTH_MAX => self.too_deep(place),
            What::Gzip => self.gzip(&mut input, place),
            What::Packed => {
                self.emit.remark(place.path, Fault::Unsupported);
                self.file(&mut input, place, Kind::Other)
            }
            What::File(kind) => self.file(&mut input, place, kind),
            What::Text => self.text(&mut input, place),
        }
    }

    fn too_deep(&mut self, place: Place<'_>) -> Flow {
        self.emit.remark(place.path, Fault::TooDeep);
        Flow::Continue(())
    }

    /// A text: a table in one of its forms, or a file.
    fn text(&mut self, input: &mut Peeked<'_>, place: Place<'_>) -> Flow {
        let (coding, mark) = Coding::of(input.head());
        let ended = input.is_ended();
        let head = {
            let mut bytes = input.head();
            let mut text = Text::new(&mut bytes, coding, mark);
            while text.more() {}
            text.bytes().to_vec()
        };
        let named = [".csv", ".tsv", ".tab", ".psv"].iter().any(|end| place.path.to_ascii_lowercase().ends_with(end));
        if sql::is_dump(&head) {
            return sql::read(&mut Text::new(input, coding, mark), place.path, &mut self.emit);
        }
        if delimited::is_table(&head, ended, named) {
            return delimited::read(&mut Text::new(input, coding, mark), place.path, &mut self.emit);
        }
        self.file(input, place, Kind::Text)
    }

    /// A file that is handed on.
    fn file(&mut self, input: &mut dyn Read, place: Place<'_>, kind: Kind) -> Flow {
        let mut digest = Context::new(&SHA256);
        let (mut size, mut chunk) = (0_u64, vec![0; CHUNK_BYTES]);
        self.bytes.clear();
        loop {
            match input.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    let part = chunk.get(..count).unwrap_or_default();
                    digest.update(part);
                    size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                    let room = FILE_BYTES_MAX.saturating_sub(self.bytes.len());
                    self.bytes.extend_from_slice(part.get(..room.min(count)).unwrap_or_default());
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.emit.remark(place.path, Fault::from(&error));
                    break;
                }
            }
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest.finish().as_ref());
        let file = File { path: place.path, kind, size, sha256, bytes: &self.bytes };
        if !file.is_whole() {
            self.emit.remark(place.path, Fault::Partial);
        }
        self.emit.summary.files += 1;
        self.emit.progress.piece();
        let flow = self.emit.sink.file(&file);
        if self.bytes.capacity() > 32 * CHUNK_BYTES {
            self.bytes = Vec::new();
        }
        self.emit.goes_on(flow)
    }

    /// The piece as something that can be read in any order: itself, or a copy in memory that is not too large.
    #[expect(dead_code, reason = "for workbooks and databases")]
    pub fn random<'f>(&mut self, input: &mut dyn Read, place: Place<'f>) -> Result<Box<dyn Random + 'f>, Fault> {
        if let Some(mut file) = place.file {
            file.rewind().map_err(|error| Fault::from(&error))?;
            return Ok(Box::new(file));
        }
        let mut held = Vec::new();
        let most = u64::try_from(HELD_BYTES_MAX).unwrap_or(u64::MAX);
        let read = input.take(most + 1).read_to_end(&mut held);
        if held.len() > HELD_BYTES_MAX {
            return Err(Fault::OverLimit);
        }
        // What came before an error is still looked at: a reader finds what is whole.
        if let Err(error) = read {
            self.emit.remark(place.path, Fault::from(&error));
        }
        Ok(Box::new(Cursor::new(held)))
    }

    fn gzip(&mut self, input: &mut dyn Read, place: Place<'_>) -> Flow {
        let name = place.path.rsplit(['/', '!']).next().unwrap_or_default();
        let inner = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".GZ"));
        let inner = inner.unwrap_or(if name.ends_with(".tgz") { "tar" } else { "content" });
        let path = format!("{}!{inner}", place.path);
        let mut unpacked = place.layers.gzip(input);
        let place = Place { path: &path, depth: place.depth + 1, layers: place.layers, file: None };
        self.piece(&mut unpacked, place)
    }
}
