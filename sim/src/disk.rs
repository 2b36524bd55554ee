//! A disk that remembers and a disk that fails (`sim/preload/disk.c`): compiled, put before the programs under test, told
//! what to do, and read out.

use crate::{Result, program};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What begins every record of the log.
const MAGIC: u32 = 0x5244_4753;
/// Magic, operation, two lengths of paths; handle, argument, length of the data.
const RECORD_BYTES: usize = 40;
/// The operation of a record that the test itself writes.
const MARK: u32 = 100;
/// The operation that takes a name away.
const UNLINK: u32 = 5;
/// The shared page: the clock's offset, then eight rules.
const RULES_AT: u64 = 128;
/// One rule: kind and error, four counters, the text to match.
const RULE_BYTES: u64 = 128;
const MATCH_BYTES: usize = 88;
/// For ever.
const ALWAYS: i64 = i64::MAX / 2;

/// A simulated disk below one folder.
pub struct Disk {
    /// The folder that is watched; the data folder lies in it.
    pub root: PathBuf,
    library: PathBuf,
    log: PathBuf,
    marks: File,
    page: PathBuf,
    control: File,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `fsync` and `fdatasync` answer an error.
    SyncFails,
    /// Writing, growing, creating and naming answer an error.
    WriteFails,
    /// Reading answers an error.
    ReadFails,
    /// Half of what was to be written is written, and that is what the program hears.
    WriteIsShort,
    /// `fsync` and `fdatasync` answer success and do nothing.
    SyncLies,
}

/// The error number of a full disk.
pub const ENOSPC: i32 = 28;
/// The error number of a broken disk.
pub const EIO: i32 = 5;

/// A rule of the shared page, for as long as it lives.
pub struct Rule<'a> {
    disk: &'a Disk,
    at: u64,
}

impl Disk {
    /// Compiles the library and prepares its files in `beside`, a folder apart from `root`.
    ///
    /// # Errors
    /// If there is no C compiler (`cargo xtask tools` installs it).
    pub fn new(root: &Path, beside: &Path) -> Result<Self> {
        std::fs::create_dir_all(root)?;
        std::fs::create_dir_all(beside)?;
        let (root, beside) = (root.canonicalize()?, beside.canonicalize()?);
        let library = beside.join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("preload/disk.c");
        let text = |path: &Path| path.display().to_string();
        program::must(
            "cc",
            &["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", &text(&library), &text(&source), "-ldl"],
        )?;
        let (log, page) = (beside.join("log"), beside.join("page"));
        std::fs::write(&page, [0; 4096])?;
        let marks = OpenOptions::new().create(true).append(true).open(&log)?;
        let control = OpenOptions::new().read(true).write(true).open(&page)?;
        Ok(Self { root, library, log, marks, page, control })
    }

    /// The environment of a program on this disk that fails.
    #[must_use]
    pub fn failing(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD".into(), text(&self.library)),
            ("SEGEL_DISK_ROOT".into(), text(&self.root)),
            ("SEGEL_DISK_CONTROL".into(), text(&self.page)),
        ]
    }

    /// The environment of a program on this disk that remembers as well.
    #[must_use]
    pub fn recording(&self) -> Vec<(String, String)> {
        let mut environment = self.failing();
        environment.push(("SEGEL_DISK_LOG".into(), self.log.display().to_string()));
        environment
    }

    /// Writes a line between the changes: whatever was flushed before whoever calls learnt of it stands before it.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub fn mark(&self, text: &str) -> Result<()> {
        self.note(MARK, text)
    }

    fn note(&self, operation: u32, text: &str) -> Result<()> {
        let length = u32::try_from(text.len())?;
        let mut record = Vec::with_capacity(RECORD_BYTES + text.len());
        for number in [MAGIC, operation, length, 0] {
            record.extend(number.to_le_bytes());
        }
        record.extend([0; 24]);
        record.extend(text.as_bytes());
        Ok((&self.marks).write_all(&record)?)
    }

    /// Takes a file away as a person would, and remembers it.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, path: &Path) -> Result<()> {
        std::fs::remove_file(path)?;
        self.note(UNLINK, path.to_str().ok_or("a path that is not UTF-8")?)
    }

    /// Everything that was recorded so far.
    ///
    /// # Errors
    /// If the log is not what the library writes.
    pub fn recorded(&self) -> Result<Vec<Record>> {
        read_recording(&self.log)
    }

    /// Keeps everything that was recorded so far in a file, for [`read_recording`].
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn save(&self, path: &Path) -> Result<()> {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::copy(&self.log, path)?;
        Ok(())
    }

    /// Makes calls on files whose path contains `part` go wrong, from the `skip`-th on, `times` times (0: always), until
    /// the rule is dropped.
    ///
    /// # Errors
    /// If every rule is taken.
    pub fn fault(&self, fault: Fault, part: &str, error: i32, skip: u32, times: u32) -> Result<Rule<'_>> {
        let kind: u32 = match fault {
            Fault::SyncFails => 1,
            Fault::WriteFails => 2,
            Fault::ReadFails => 3,
            Fault::WriteIsShort => 4,
            Fault::SyncLies => 5,
        };
        let mut taken = [0; 4];
        for number in 0..8 {
            let at = RULES_AT + number * RULE_BYTES;
            self.control.read_exact_at(&mut taken, at)?;
            if taken != [0; 4] {
                continue;
            }
            let times = if times == 0 { ALWAYS } else { i64::from(times) };
            let mut rule = error.to_le_bytes().to_vec();
            for counter in [i64::from(skip), times, 0, 0] {
                rule.extend(counter.to_le_bytes());
            }
            let mut text = part.as_bytes().to_vec();
            text.resize(MATCH_BYTES, 0);
            rule.extend(text);
            self.control.write_all_at(&rule, at + 4)?;
            // The kind last: from here on the rule holds.
            self.control.write_all_at(&kind.to_le_bytes(), at)?;
            return Ok(Rule { disk: self, at });
        }
        Err("every rule of the simulated disk is taken".into())
    }

    /// Sets how far the wall clock of the programs is from the machine's, in microseconds.
    ///
    /// # Errors
    /// If the shared page cannot be written.
    pub fn move_clock(&self, offset_micros: i64) -> Result<()> {
        Ok(self.control.write_all_at(&offset_micros.to_le_bytes(), 0)?)
    }
}

/// Everything in a recording.
///
/// # Errors
/// If the file is not what the library writes.
pub fn read_recording(path: &Path) -> Result<Vec<Record>> {
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.as_slice();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (record, after) = Record::read(rest).ok_or("the simulated disk's log is broken")?;
        records.extend(record);
        rest = after;
    }
    Ok(records)
}

impl Rule<'_> {
    /// How often it struck.
    ///
    /// # Errors
    /// If the shared page cannot be read.
    pub fn hits(&self) -> Result<u64> {
        let mut hits = [0; 8];
        self.disk.control.read_exact_at(&mut hits, self.at + 32)?;
        Ok(u64::from_le_bytes(hits))
    }

    /// Waits until it has struck.
    ///
    /// # Errors
    /// If it does not within the time.
    pub fn wait(&self, time: Duration) -> Result<()> {
        let begun = std::time::Instant::now();
        while begun.elapsed() < time {
            if self.hits()? > 0 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the fault did not strike".into())
    }
}

impl Drop for Rule<'_> {
    fn drop(&mut self) {
        let _freed = self.disk.control.write_all_at(&[0; 4], self.at);
    }
}

/// One change of the disk, or a line of the test between them.
#[derive(Debug)]
pub enum Record {
    /// A file or folder was opened.
    Open {
        /// How later records name it.
        handle: u64,
        /// Its path.
        path: PathBuf,
        /// It was not there.
        created: bool,
        /// It was emptied.
        truncated: bool,
        /// It is a folder.
        is_folder: bool,
    },
    /// Bytes were written.
    Write {
        /// Where.
        handle: u64,
        /// From which byte on.
        offset: u64,
        /// Which.
        data: Vec<u8>,
    },
    /// The length was set.
    Truncate {
        /// Of which file.
        handle: u64,
        /// To how many bytes.
        bytes: u64,
    },
    /// A name was changed.
    Rename(PathBuf, PathBuf),
    /// A name was taken away.
    Unlink(PathBuf),
    /// A second name was given.
    Link(PathBuf, PathBuf),
    /// A folder was made.
    MakeFolder(PathBuf),
    /// A folder was taken away.
    RemoveFolder(PathBuf),
    /// A flush began.
    SyncBegun {
        /// Of what.
        handle: u64,
        /// Which flush.
        number: u64,
    },
    /// A flush ended well.
    SyncEnded {
        /// Of what.
        handle: u64,
        /// Which flush.
        number: u64,
    },
    /// A flush failed.
    SyncFailed {
        /// Of what.
        handle: u64,
    },
    /// The test's own line.
    Mark(String),
}

impl Record {
    /// The first record, if it is of a kind that matters, and what follows it.
    fn read(bytes: &[u8]) -> Option<(Option<Self>, &[u8])> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        if word(0)? != MAGIC {
            return None;
        }
        let (path_bytes, other_bytes) = (usize::try_from(word(8)?).ok()?, usize::try_from(word(12)?).ok()?);
        let (handle, argument, data_bytes) = (long(16)?, long(24)?, usize::try_from(long(32)?).ok()?);
        let rest = bytes.get(RECORD_BYTES..)?;
        let (path, rest) = rest.split_at_checked(path_bytes)?;
        let (other, rest) = rest.split_at_checked(other_bytes)?;
        let (data, rest) = rest.split_at_checked(data_bytes)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let path_of = |bytes: &[u8]| PathBuf::from(text(bytes));
        let record = match word(4)? {
            1 => Self::Open {
                handle,
                path: path_of(path),
                created: argument & 1 > 0,
                truncated: argument & 2 > 0,
                is_folder: argument & 4 > 0,
            },
            2 => Self::Write { handle, offset: argument, data: data.to_vec() },
            3 => Self::Truncate { handle, bytes: argument },
            4 => Self::Rename(path_of(path), path_of(other)),
            UNLINK => Self::Unlink(path_of(path)),
            6 => Self::Link(path_of(path), path_of(other)),
            7 => Self::MakeFolder(path_of(path)),
            8 => Self::RemoveFolder(path_of(path)),
            9 => Self::SyncBegun { handle, number: argument },
            10 => Self::SyncEnded { handle, number: argument },
            11 => Self::SyncFailed { handle },
            MARK => Self::Mark(text(path)),
            _ => return None,
        };
        Some((Some(record), rest))
    }
}
