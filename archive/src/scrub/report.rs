//! What a scrub says.

use crate::error::Error;
use record::{ObjectId, Version, limits};
use serde::Serialize;

/// What a scrub found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Segments read.
    pub segments: u64,
    /// Whole frames.
    pub frames: u64,
    /// Object versions in them.
    pub objects: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Whether there was an index to compare with.
    pub index_compared: bool,
    /// What is not as it was written; empty is good.
    pub findings: Vec<Finding>,
    /// Findings beyond `limits::SCRUB_FINDINGS_MAX`, counted only.
    pub findings_left_out: u64,
}

impl Report {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.findings_left_out == 0
    }
}

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// In which segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u64>,
    /// Where in it, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The object versions that it touches, as far as record or index name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectName>,
    /// For people.
    pub detail: String,
}

/// An object version by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectName {
    /// The object's id, in hexadecimal digits.
    pub object: String,
    /// Its version.
    pub version: Version,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Bytes of a segment that are no whole frame.
    DamagedFrame,
    /// A segment that the index knows is not there.
    MissingSegment,
    /// A segment ends before the index says.
    ShortenedSegment,
    /// Something that is no segment, or more than was written.
    Unexpected,
    /// Frames that once were committed are nowhere.
    MissingFrames,
    /// A whole frame whose objects the index does not have, or has differently.
    NotInIndex,
    /// The index has an object whose frame is not there.
    NotInSegment,
    /// The index's own file is damaged; removing `index.sqlite*` rebuilds it.
    Index,
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        if self.findings.len() < limits::SCRUB_FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }
}

pub(super) fn at(kind: FindingKind, segment: u64, offset: Option<u64>, detail: &str) -> Finding {
    Finding { kind, segment: Some(segment), offset, objects: Vec::new(), detail: detail.to_owned() }
}

pub(super) fn index_finding(error: &Error) -> Finding {
    let detail = format!("the index is damaged and can be rebuilt: {error}");
    Finding { kind: FindingKind::Index, segment: None, offset: None, objects: Vec::new(), detail }
}

pub(super) fn name(object: ObjectId, version: Version) -> ObjectName {
    ObjectName { object: object.to_hex(), version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_the_limit_are_counted() {
        let mut report = Report::default();
        for n in 0..limits::SCRUB_FINDINGS_MAX {
            report.add(at(FindingKind::DamagedFrame, 1, u64::try_from(n).ok(), "x"));
        }
        assert_eq!((report.findings.len(), report.findings_left_out), (limits::SCRUB_FINDINGS_MAX, 0));
        report.add(at(FindingKind::DamagedFrame, 1, None, "x"));
        assert_eq!((report.findings.len(), report.findings_left_out), (limits::SCRUB_FINDINGS_MAX, 1));
        assert!(!report.is_clean());
    }
}
