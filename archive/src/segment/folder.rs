//! The folder of segments: names, listing, and the flush that makes a name durable.

use crate::settings::segment_path;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// What lies in the folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Numbers of the segments.
    pub(crate) segments: BTreeSet<u64>,
    /// How many entries are no segment. Their names are not ours to print.
    pub(crate) unknown: usize,
}

pub(crate) fn list(dir: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(number_of);
        match number {
            Some(number) if segment_path(dir, number).file_name() == Some(&entry.file_name()) => {
                listing.segments.insert(number);
            }
            _ => listing.unknown += 1,
        }
    }
    Ok(listing)
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".seg")?.parse().ok()
}

/// Makes creations, renames and removals in the folder survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates a folder that only its owner may enter.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
