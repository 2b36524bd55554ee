//! Scrub: reads every byte of every segment and says whether it is still what was written. It needs no keys.
//!
//! Three things are held against each other: each frame against its own hash, the run of sequences against gaps, and the
//! index's rows against the frames, both ways.

mod report;
mod sequences;

use crate::error::{Error, Result};
use crate::index::apply::{Applied, applied_segments, from_sql, without_tokens};
use crate::index::{VersionRow, rows_of_segment, schema};
use crate::object::ObjectRecord;
use crate::segment::folder;
use crate::segment::scan::{Contents, SegmentFile};
use crate::settings::Settings;
use crate::storage::lock;
pub use report::{Finding, FindingKind, ObjectName, Report};
use report::{at, index_finding, name};
use rusqlite::Connection;
use sequences::Sequences;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How far a scrub has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes to read.
    pub bytes_total: u64,
}

/// Scrubs a data folder, whether an archive runs on it or not.
pub fn scrub(settings: &Settings, progress: &mut dyn FnMut(Progress)) -> Result<Report> {
    match lock(settings) {
        // Held until the end, so that no archive starts and cuts or applies what is being read.
        Ok(_held) => Scrub::new(settings, false, progress)?.run(),
        Err(Error::Busy { .. }) => scrub_live(settings, progress),
        Err(error) => Err(error),
    }
}

/// Scrubs what was committed before now.
pub(crate) fn scrub_live(settings: &Settings, progress: &mut dyn FnMut(Progress)) -> Result<Report> {
    Scrub::new(settings, true, progress)?.run()
}

struct Scrub<'a> {
    dir: PathBuf,
    /// An archive is at work: only what the index had applied at the start is looked at.
    live: bool,
    index: Option<Connection>,
    applied: BTreeMap<u64, Applied>,
    /// The last sequence that the index had applied at the start.
    applied_sequence: u64,
    seen: Sequences,
    report: Report,
    done: Progress,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Scrub<'a> {
    fn new(settings: &Settings, live: bool, progress: &'a mut dyn FnMut(Progress)) -> Result<Self> {
        let mut report = Report::default();
        let path = settings.index_path();
        let index = if path.exists() {
            schema::open_reader(&path).map_err(|e| report.add(index_finding(&e))).ok()
        } else {
            None
        };
        if live && index.is_none() {
            return Err(Error::Damaged("the index of a running archive is unreadable".to_owned()));
        }
        let mut scrub = Self {
            dir: settings.segments_dir(),
            live,
            index,
            applied: BTreeMap::new(),
            applied_sequence: 0,
            seen: Sequences::default(),
            report,
            done: Progress::default(),
            progress,
        };
        scrub.take_snapshot();
        Ok(scrub)
    }

    /// Notes how far the index is. Rows of object versions never change afterwards, so the rest can be read piece by
    /// piece without keeping a transaction open for hours.
    fn take_snapshot(&mut self) {
        let Some(index) = &self.index else { return };
        let snapshot = || -> Result<(BTreeMap<u64, Applied>, u64)> {
            let moment = index.unchecked_transaction()?;
            let sequence = moment.query_row("SELECT sequence FROM progress", [], |row| row.get(0))?;
            Ok((applied_segments(&moment)?, from_sql(sequence)?))
        };
        match snapshot() {
            Ok((applied, sequence)) => {
                self.applied = applied;
                self.applied_sequence = sequence;
                self.report.index_compared = true;
            }
            Err(error) => {
                self.report.add(index_finding(&error));
                self.index = None;
            }
        }
    }

    fn run(mut self) -> Result<Report> {
        let listing = folder::list(&self.dir).map_err(|error| Error::from_io("listing the segments", &error))?;
        if listing.unknown > 0 {
            let detail = format!("{} entries of the folder of segments are no segments", listing.unknown);
            self.report.add(Finding {
                kind: FindingKind::Unexpected,
                segment: None,
                offset: None,
                objects: Vec::new(),
                detail,
            });
        }
        for number in self.applied.keys().filter(|number| !listing.segments.contains(number)) {
            self.report.add(at(FindingKind::MissingSegment, *number, None, "the segment's file is missing"));
        }
        let present = listing.segments.iter().copied().filter(|number| !self.live || self.applied.contains_key(number));
        let mut files = Vec::new();
        for number in present {
            match SegmentFile::open(&self.dir, number) {
                Ok(file) => {
                    self.done.bytes_total += file.bytes;
                    files.push(number);
                }
                Err(error) => {
                    self.report.add(at(FindingKind::DamagedFrame, number, None, &format!("unreadable: {error}")))
                }
            }
        }
        for number in files {
            // Opened one at a time: there may be more segments than files that a process may hold open.
            if let Ok(file) = SegmentFile::open(&self.dir, number) {
                self.segment(&file);
            }
        }
        self.sequences();
        self.index_itself();
        Ok(self.report)
    }

    fn segment(&mut self, file: &SegmentFile) {
        self.report.segments += 1;
        let number = file.number;
        let applied = self.applied.get(&number).copied();
        let takes_groups = self.applied.iter().rev().find(|(_, a)| !a.alone).map(|(number, _)| *number);
        let applied_bytes = applied.map_or(0, |applied| applied.bytes);
        if file.bytes < applied_bytes {
            let detail = format!("the file has {} bytes and once had {applied_bytes}", file.bytes);
            self.report.add(at(FindingKind::ShortenedSegment, number, Some(file.bytes), &detail));
        } else if file.bytes > applied_bytes && applied.is_some() && takes_groups != Some(number) {
            let detail = format!("the file has {} bytes and once had {applied_bytes}", file.bytes);
            self.report.add(at(FindingKind::Unexpected, number, Some(applied_bytes), &detail));
        }
        let end = if self.live { file.bytes.min(applied_bytes) } else { file.bytes };
        let mut rows = self.rows(number, if self.live { applied_bytes } else { u64::MAX });
        let mut offset = 0;
        while offset < end {
            let next = self.frame(file, offset, end, &mut rows);
            let step = next.saturating_sub(offset);
            self.report.bytes += step;
            self.done.bytes_done += step;
            (self.progress)(self.done);
            offset = next;
        }
        for (offset, rows) in rows {
            let mut finding = at(
                FindingKind::NotInSegment,
                number,
                Some(offset),
                "the index has objects of a frame that is not there",
            );
            finding.objects = rows.iter().map(|row| name(row.object, row.version)).collect();
            self.report.add(finding);
        }
    }

    fn rows(&mut self, segment: u64, below: u64) -> BTreeMap<u64, Vec<VersionRow>> {
        let mut rows: BTreeMap<u64, Vec<VersionRow>> = BTreeMap::new();
        match self.index.as_ref().map(|index| rows_of_segment(index, segment)) {
            Some(Ok(found)) => {
                for row in found.into_iter().filter(|row| row.frame_offset < below) {
                    rows.entry(row.frame_offset).or_default().push(row);
                }
            }
            Some(Err(error)) => self.report.add(index_finding(&error)),
            None => {}
        }
        rows
    }

    /// Checks the frame at `offset`; gives where to go on.
    fn frame(&mut self, file: &SegmentFile, offset: u64, end: u64, rows: &mut BTreeMap<u64, Vec<VersionRow>>) -> u64 {
        let header = file.header(offset);
        let verified = header.as_ref().map_err(ToString::to_string).and_then(|header| {
            let contents = file.verify(header).map_err(|error| error.to_string())?;
            Ok((*header, contents))
        });
        let expected = rows.remove(&offset).unwrap_or_default();
        match verified {
            Ok((header, contents)) => {
                self.report.frames += 1;
                self.report.objects += u64::try_from(contents.records().len()).unwrap_or(u64::MAX);
                self.seen.insert(header.sequence);
                self.compare(file.number, offset, contents.records(), &expected);
                header.end()
            }
            Err(detail) => {
                let mut finding = at(FindingKind::DamagedFrame, file.number, Some(offset), &detail);
                let contents = header.as_ref().ok().and_then(|header| file.contents(header).ok());
                let named = contents.as_ref().map_or(&[][..], Contents::records);
                finding.objects = if expected.is_empty() {
                    named.iter().map(|record| name(record.object, record.version)).collect()
                } else {
                    expected.iter().map(|row| name(row.object, row.version)).collect()
                };
                self.report.add(finding);
                let follows =
                    header.ok().map(|header| header.end()).filter(|next| *next == end || file.header(*next).is_ok());
                let later = || file.find_header(offset, |_| true).map_or(end, |header| header.offset);
                follows.unwrap_or_else(later)
            }
        }
    }

    fn compare(&mut self, segment: u64, offset: u64, records: &[ObjectRecord], rows: &[VersionRow]) {
        if self.index.is_none() {
            return;
        }
        for record in records {
            let row = rows.iter().find(|row| row.object == record.object && row.version == record.version);
            let detail = match row {
                None => "the index does not have this object version",
                Some(row) if without_tokens(record).ok().as_ref() != Some(&row.record) => {
                    "the index has another record of this object version"
                }
                Some(_) => continue,
            };
            let mut finding = at(FindingKind::NotInIndex, segment, Some(offset), detail);
            finding.objects = vec![name(record.object, record.version)];
            self.report.add(finding);
        }
        for row in rows {
            if !records.iter().any(|record| row.object == record.object && row.version == record.version) {
                let detail = "the index has an object version that its frame does not hold";
                let mut finding = at(FindingKind::NotInSegment, segment, Some(offset), detail);
                finding.objects = vec![name(row.object, row.version)];
                self.report.add(finding);
            }
        }
    }

    /// Frames are numbered 1, 2, 3 ...; one that no segment holds any more was lost.
    fn sequences(&mut self) {
        for (first, last) in self.seen.gaps(self.applied_sequence) {
            let detail = format!("the frames with the sequences {first} to {last} are in no segment, or damaged");
            self.report.add(Finding {
                kind: FindingKind::MissingFrames,
                segment: None,
                offset: None,
                objects: Vec::new(),
                detail,
            });
        }
    }

    fn index_itself(&mut self) {
        let Some(index) = &self.index else { return };
        let check = || -> Result<Vec<String>> {
            let mut statement = index.prepare("PRAGMA integrity_check(10)")?;
            let lines = statement.query_map([], |row| row.get(0))?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        };
        match check() {
            Ok(lines) if lines == ["ok"] => {}
            Ok(lines) => {
                self.report.add(index_finding(&Error::Damaged(format!("{} faults in its tables", lines.len()))))
            }
            Err(error) => self.report.add(index_finding(&error)),
        }
    }
}
