//! From a path to rows and files: each piece is told by its content and handed to its reader.

mod folder;
mod kind;
mod peek;
mod seven;
mod tar;
mod unpack;
mod zip;

use super::database;
use super::emit::{Emit, Notes, Summary};
use super::limits::{ARCHIVE_DEPTH_MAX, CHUNK_BYTES, FILE_BYTES_MAX, HEAD_BYTES, HELD_BYTES_MAX};
use super::piece::{File, Flow, Kind, Sink};
use super::progress::Progress;
use super::remark::Fault;
use super::table::workbook::Workbook;
use super::table::{delimited, json, sql};
use super::text::{Coding, Text};
use aws_lc_rs::digest::{Context, SHA256};
use kind::{What, what};
use peek::Peeked;
use std::fs;
use std::io::{Cursor, Read, Seek, SeekFrom};
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
        match what(input.head()) {
            What::Gzip | What::Zip | What::Workbook | What::Tar | What::Seven if place.depth >= ARCHIVE_DEPTH_MAX => {
                self.emit.remark(place.path, Fault::TooDeep);
                Flow::Continue(())
            }
            What::Gzip => self.gzip(&mut input, place),
            What::Zip => self.zip(&mut input, place),
            What::Workbook => self.workbook(&mut input, place),
            What::Tar => self.tar(&mut input, place),
            What::Seven => match self.random(&mut input, place) {
                Ok(mut file) => self.seven(&mut file, place),
                Err(fault) => {
                    self.emit.remark(place.path, fault);
                    Flow::Continue(())
                }
            },
            What::Database => match self.random(&mut input, place) {
                Ok(mut file) => database::read(&mut *file, place.path, &mut self.emit),
                Err(fault) => {
                    self.emit.remark(place.path, fault);
                    Flow::Continue(())
                }
            },
            What::Packed => {
                self.emit.remark(place.path, Fault::Unsupported);
                self.file(&mut input, place, Kind::Other)
            }
            What::File(kind) => self.file(&mut input, place, kind),
            What::Text => self.text(&mut input, place),
        }
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
        if json::is_json(&head) {
            return json::read(&mut Text::new(input, coding, mark), place.path, &mut self.emit);
        }
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
                    let wanted = self.bytes.len() + room.min(count);
                    if wanted > self.bytes.capacity() {
                        // Doubled, but never beyond what is handed on.
                        let most = wanted.max(FILE_BYTES_MAX.min(2 * self.bytes.capacity()));
                        self.bytes.reserve_exact(most - self.bytes.len());
                    }
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
    fn random<'f>(&mut self, input: &mut dyn Read, place: Place<'f>) -> Result<Box<dyn Random + 'f>, Fault> {
        if let Some(mut file) = place.file {
            let length = file.seek(SeekFrom::End(0)).map_err(|error| Fault::from(&error))?;
            file.rewind().map_err(|error| Fault::from(&error))?;
            // What is read in any order is counted at once.
            self.emit.progress.read(usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(HEAD_BYTES));
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

    /// An archive, entry by entry as it lies there.
    fn zip(&mut self, input: &mut dyn Read, place: Place<'_>) -> Flow {
        let (flow, fault) = zip::each(input, place.layers, &mut |name, body| {
            let path = format!("{}!{name}", place.path);
            match body {
                Ok(body) => {
                    let inner = Place { path: &path, depth: place.depth + 1, layers: place.layers, file: None };
                    self.piece(body, inner)
                }
                Err(fault) => {
                    self.emit.remark(&path, fault);
                    Flow::Continue(())
                }
            }
        });
        if let Some(fault) = fault {
            self.emit.remark(place.path, fault);
        }
        flow
    }

    /// A workbook: its sheets need other parts, so it is read twice.
    fn workbook(&mut self, input: &mut dyn Read, place: Place<'_>) -> Flow {
        let mut file = match self.random(input, place) {
            Ok(file) => file,
            Err(fault) => {
                self.emit.remark(place.path, fault);
                return Flow::Continue(());
            }
        };
        let (mut workbook, mut notes) = (Workbook::default(), Notes::default());
        let _ = zip::each(&mut *file, place.layers, &mut |name, body| {
            if let Ok(body) = body {
                workbook.part(name, body, &mut notes);
            }
            Flow::Continue(())
        });
        if let Err(error) = file.rewind() {
            self.emit.remark(place.path, Fault::from(&error));
            return Flow::Continue(());
        }
        if !workbook.is_one() {
            // A document of another program: its parts are files.
            return self.zip(&mut *file, place);
        }
        let (flow, fault) = zip::each(&mut *file, place.layers, &mut |name, body| match body {
            Ok(body) if name.starts_with("xl/worksheets/") && name.ends_with(".xml") => {
                workbook.sheet(name, body, place.path, &mut self.emit, &mut notes)
            }
            Ok(body) if name.starts_with("xl/media/") => {
                let path = format!("{}!{name}", place.path);
                let inner = Place { path: &path, depth: place.depth + 1, layers: place.layers, file: None };
                self.piece(body, inner)
            }
            Ok(_) => Flow::Continue(()),
            Err(fault) => {
                notes.add(fault);
                Flow::Continue(())
            }
        });
        if let Some(fault) = fault {
            notes.add(fault);
        }
        self.emit.notes(place.path, notes);
        flow
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
