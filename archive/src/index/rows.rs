//! What the index gives back, and what it can be asked.

use crate::object::{InstanceFacts, Kind, ObjectRecord, ResourceFacts};
use record::{FacilityCode, Pseudonym, Token};

/// One kept object version: its record and where its frame lies. The record's `tokens` and `linked` are left out, as
/// opening an object never needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What the frame says about it.
    pub record: ObjectRecord,
    /// Number of the segment.
    pub segment: u64,
    /// Offset of the frame in bytes from the start of the segment; the record's extents count from there.
    pub frame_offset: u64,
    /// Whether no later version is kept.
    pub newest: bool,
}

impl Kept {
    /// The instance's facts; `None` for a resource.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceFacts> {
        match &self.record.kind {
            Kind::Instance(facts) => Some(facts),
            Kind::Resource(_) => None,
        }
    }

    /// The resource's facts; `None` for an instance.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceFacts> {
        match &self.record.kind {
            Kind::Resource(facts) => Some(facts),
            Kind::Instance(_) => None,
        }
    }
}

/// An instance with its study's tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Likeness {
    pub(crate) kept: Kept,
    pub(crate) tokens: Vec<Token>,
}

/// Where a row stands in the one order of everything found: the newest day first, within a day what arrived last; within a
/// study what arrived first. Row numbers never change and are never used again, so what is stored meanwhile does not move
/// a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The study's day as a number, 0 for none.
    pub(crate) day: i64,
    /// Row number of the study.
    pub(crate) study: i64,
    /// Row number of the series; 0 where the row is of a patient or study.
    pub(crate) series: i64,
    /// Row number of the instance; 0 above.
    pub(crate) instance: i64,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |place: &Self| (std::cmp::Reverse((place.day, place.study)), place.series, place.instance);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// `YYYYMMDD` as a number.
pub(crate) fn day_number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|day| (1..=99_991_231).contains(day))
}

/// A number as `YYYYMMDD`; empty for none.
pub(crate) fn day_text(day: i64) -> String {
    if day > 0 { format!("{day:08}") } else { String::new() }
}

/// How much there is of a patient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatientCounts {
    /// NumberOfPatientRelatedStudies (0020,1200).
    pub studies: u64,
    /// NumberOfPatientRelatedSeries (0020,1202).
    pub series: u64,
    /// NumberOfPatientRelatedInstances (0020,1204).
    pub instances: u64,
}

/// A study of one patient as one facility sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRow {
    /// The sending facility.
    pub facility: FacilityCode,
    /// Whose.
    pub patient: Pseudonym,
    /// StudyInstanceUID (0020,000D).
    pub study_instance_uid: String,
    /// StudyDate (0008,0020), `YYYYMMDD` or empty.
    pub study_date: String,
    /// ModalitiesInStudy (0008,0061), sorted.
    pub modalities: Vec<String>,
    /// NumberOfStudyRelatedSeries (0020,1206).
    pub series: u64,
    /// NumberOfStudyRelatedInstances (0020,1208).
    pub instances: u64,
    /// One newest instance, whose summary speaks for the study.
    pub representative: Kept,
    /// Where the row stands.
    pub place: Place,
    /// Whether other rows may be of the same patient, study, series or instance; looked at only if the filter asks.
    pub has_twins: bool,
}

/// A series in its study.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRow {
    /// The study; its representative is of this series.
    pub study: StudyRow,
    /// SeriesInstanceUID (0020,000E).
    pub series_instance_uid: String,
    /// Modality (0008,0060).
    pub modality: String,
    /// NumberOfSeriesRelatedInstances (0020,1209).
    pub instances: u64,
}

/// An instance in its series: `series.study.representative` is the instance's newest version itself.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceRow {
    /// The series.
    pub series: SeriesRow,
}

impl InstanceRow {
    /// The instance's newest version.
    #[must_use]
    pub fn kept(&self) -> &Kept {
        &self.series.study.representative
    }
}

/// A range of days, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateRange {
    /// First day, `YYYYMMDD`.
    pub from: Option<String>,
    /// Last day, `YYYYMMDD`.
    pub to: Option<String>,
}

impl DateRange {
    /// Whether every day fits, also an absent one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }
}

/// What patients, studies, series and instances are narrowed by. Empty lists and open ranges narrow nothing.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only patients whom this facility has treated.
    pub viewer: FacilityCode,
    /// An emergency was declared for `patients`: they need not have been treated. It narrows by nobody else's patients.
    pub in_emergency: bool,
    /// Every group must match; a group matches by any one of its tokens.
    pub tokens: Vec<Vec<Token>>,
    /// Any of these patients.
    pub patients: Vec<Pseudonym>,
    /// Any of these studies.
    pub study_instance_uids: Vec<String>,
    /// Any of these series.
    pub series_instance_uids: Vec<String>,
    /// Any of these instances.
    pub sop_instance_uids: Vec<String>,
    /// Study date within.
    pub study_date: DateRange,
    /// At the levels of patient and study: any series of one of these. Below: the series itself.
    pub modalities: Vec<String>,
    /// Any series of the study of one of these, at every level.
    pub study_modalities: Vec<String>,
    /// Any instance of one of these SOP classes (in the study, in the series, itself).
    pub sop_class_uids: Vec<String>,
    /// How many rows at most.
    pub limit: usize,
    /// How many to leave out first.
    pub offset: usize,
    /// Only what stands behind this place.
    pub after: Option<Place>,
    /// Only what was there when the newest row of the level had this number.
    pub until: Option<i64>,
    /// Whether to look for rows of the same thing from other facilities, or of the same patient at the patient's level.
    pub twins: bool,
}

impl Filter {
    /// Everything the viewer may see, up to `limit` rows.
    #[must_use]
    pub fn new(viewer: FacilityCode, limit: usize) -> Self {
        Self {
            viewer,
            in_emergency: false,
            tokens: Vec::new(),
            patients: Vec::new(),
            study_instance_uids: Vec::new(),
            series_instance_uids: Vec::new(),
            sop_instance_uids: Vec::new(),
            study_date: DateRange::default(),
            modalities: Vec::new(),
            study_modalities: Vec::new(),
            sop_class_uids: Vec::new(),
            limit,
            offset: 0,
            after: None,
            until: None,
            twins: false,
        }
    }
}

/// What resources are narrowed by.
#[derive(Clone, Debug)]
pub struct ResourceFilter {
    /// Only patients whom this facility has treated.
    pub viewer: FacilityCode,
    /// An emergency was declared for `patients`: they need not have been treated.
    pub in_emergency: bool,
    /// Any of these types; empty for all.
    pub resource_types: Vec<String>,
    /// Any of these logical ids.
    pub ids: Vec<String>,
    /// Every group must match; a group matches by any one of its tokens.
    pub tokens: Vec<Vec<Token>>,
    /// Any of these patients.
    pub patients: Vec<Pseudonym>,
    /// The day it speaks of.
    pub date: DateRange,
    /// How many rows at most.
    pub limit: usize,
    /// How many to leave out first.
    pub offset: usize,
}

impl Filter {
    /// Looks for these patients alone, of whom the viewer's facility may know nothing. What each facility finds by its own
    /// tokens does not hold them; the patients themselves narrow more than any token.
    pub(crate) fn declare(&mut self, patients: Vec<Pseudonym>) {
        self.in_emergency = true;
        self.tokens = Vec::new();
        self.patients = patients;
    }
}

impl ResourceFilter {
    /// Everything the viewer may see, up to `limit` rows.
    #[must_use]
    pub fn new(viewer: FacilityCode, limit: usize) -> Self {
        Self {
            viewer,
            in_emergency: false,
            resource_types: Vec::new(),
            ids: Vec::new(),
            tokens: Vec::new(),
            patients: Vec::new(),
            date: DateRange::default(),
            limit,
            offset: 0,
        }
    }
}

/// How much the archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Object versions.
    pub versions: u64,
    /// Instances (newest versions).
    pub instances: u64,
    /// Studies.
    pub studies: u64,
    /// Resources (newest versions).
    pub resources: u64,
    /// Patients.
    pub patients: u64,
}
