//! 7z: block by block, with a limit on what its header and its dictionaries may take.

use super::unpack::is_bomb;
use super::{Layers, Place, Random, Walk};
use crate::sample::emit::cut;
use crate::sample::limits::{DICTIONARY_BYTES_MAX, DIRECTORY_BYTES_MAX};
use crate::sample::piece::Flow;
use crate::sample::remark::Fault;
use sevenz_rust2::{Archive, BlockDecoder, Error, Password};
use std::io::{Read, Result, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Walk<'_> {
    pub(super) fn seven(&mut self, file: &mut Box<dyn Random + '_>, place: Place<'_>) -> Flow {
        let mut flow = Flow::Continue(());
        // A fault of the library at hostile bytes costs this archive, and not the reading.
        let result = catch_unwind(AssertUnwindSafe(|| self.blocks(file, place, &mut flow)));
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.emit.remark(place.path, fault_of(&error)),
            Err(_) => self.emit.remark(place.path, Fault::Damaged),
        }
        flow
    }

    fn blocks(
        &mut self,
        file: &mut Box<dyn Random + '_>,
        place: Place<'_>,
        flow: &mut Flow,
    ) -> std::result::Result<(), Error> {
        let packed = file.seek(SeekFrom::End(0))?;
        let password = Password::empty();
        let archive = Archive::read_with_memory_limit(file, &password, DIRECTORY_BYTES_MAX / 1024)?;
        let mut out = 0;
        for block in 0..archive.blocks.len() {
            let limit = DICTIONARY_BYTES_MAX / 1024;
            let decoder = BlockDecoder::new_with_memory_limit(1, limit, block, &archive, &password, file);
            let result = decoder.for_each_entries(&mut |entry, body| {
                if entry.is_directory() {
                    return Ok(true);
                }
                let path = format!("{}!{}", place.path, cut(entry.name()));
                let mut body = Unpacked { body, out: &mut out, packed, layers: place.layers };
                let inner = Place { path: &path, depth: place.depth + 1, layers: place.layers, file: None };
                *flow = self.piece(&mut body, inner);
                Ok(flow.is_continue())
            });
            if flow.is_break() {
                return Ok(());
            }
            if let Err(error) = result {
                self.emit.remark(place.path, fault_of(&error));
            }
        }
        Ok(())
    }
}

fn fault_of(error: &Error) -> Fault {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Fault::Encrypted,
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => Fault::Encrypted,
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) | Error::ExternalUnsupported => {
            Fault::Unsupported
        }
        Error::MaxMemLimited { .. } => Fault::OverLimit,
        Error::Io(error, _) => Fault::from(error),
        _ => Fault::Damaged,
    }
}

struct Unpacked<'a> {
    body: &'a mut dyn Read,
    // Of all entries, as they share their blocks.
    out: &'a mut u64,
    packed: u64,
    layers: &'a Layers,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let count = self.body.read(room)?;
        *self.out = self.out.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.layers.count(count)?;
        if is_bomb(self.packed, *self.out) { Err(Fault::Bomb.into()) } else { Ok(count) }
    }
}
