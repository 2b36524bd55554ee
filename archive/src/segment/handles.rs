//! Segment files held open for reading, so that a read costs one system call.

use crate::settings::segment_path;
use record::limits;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// At most `limits::SEGMENT_HANDLES_MAX` open files; the one unused for longest gives way.
pub(crate) struct Handles {
    dir: PathBuf,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    files: HashMap<u64, (Arc<File>, u64)>,
    uses: u64,
}

impl Handles {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, open: Mutex::default() }
    }

    /// The segment's file. The lock is held for the look-up and the opening, never for a read.
    pub(crate) fn get(&self, segment: u64) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((file, used)) = open.files.get_mut(&segment) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(segment_path(&self.dir, segment))?);
        if open.files.len() >= limits::SEGMENT_HANDLES_MAX {
            let oldest = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number);
            oldest.and_then(|number| open.files.remove(&number));
        }
        open.files.insert(segment, (Arc::clone(&file), now));
        Ok(file)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.open.lock().unwrap().files.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_stay_within_their_limit() {
        let dir = tempfile::tempdir().unwrap();
        let handles = Handles::new(dir.path().to_owned());
        let max = u64::try_from(limits::SEGMENT_HANDLES_MAX).unwrap();
        for number in 0..=max {
            std::fs::write(segment_path(dir.path(), number), b"").unwrap();
        }
        let first = handles.get(0).unwrap();
        for number in 0..max {
            handles.get(number).unwrap();
        }
        assert_eq!(handles.len(), limits::SEGMENT_HANDLES_MAX);
        assert!(Arc::ptr_eq(&first, &handles.get(0).unwrap()));
        // One more: the one unused for longest goes, which is 1, because 0 was just used.
        handles.get(max).unwrap();
        assert_eq!(handles.len(), limits::SEGMENT_HANDLES_MAX);
        assert!(Arc::ptr_eq(&first, &handles.get(0).unwrap()));
        assert!(!handles.open.lock().unwrap().files.contains_key(&1));
    }
}
