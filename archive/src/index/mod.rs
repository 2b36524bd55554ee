//! The index: a projection of the segments in one SQLite file.
//!
//! One connection writes (`apply`), a few read. Losing the file loses nothing: start-up builds it again.

pub(crate) mod apply;
mod apply_instance;
mod apply_resource;
mod find;
mod pool;
mod read;
pub mod rows;
pub(crate) mod schema;

use crate::error::Result;
use record::{FacilityCode, ObjectId, Pseudonym};
use rows::{Counts, Filter, InstanceRow, Kept, PatientCounts, ResourceFilter, SeriesRow, StudyRow};
use std::path::PathBuf;

pub(crate) use read::{VersionRow, rows_of_segment};

/// Readers of the index. Every method blocks, usually for less than a millisecond: call it where blocking is allowed.
pub struct Index {
    pool: pool::Pool,
}

impl Index {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { pool: pool::Pool::new(path) }
    }

    /// The newest version of a facility's instance.
    pub fn newest_instance(&self, facility: &FacilityCode, sop_instance_uid: &str) -> Result<Option<Kept>> {
        self.pool.with(|db| read::newest_instance(db, facility, sop_instance_uid))
    }

    /// The newest version of a resource.
    pub fn newest_resource(&self, resource_type: &str, id: &str) -> Result<Option<Kept>> {
        self.pool.with(|db| read::newest_resource(db, resource_type, id))
    }

    /// Every version of an object, oldest first.
    pub fn versions(&self, object: ObjectId) -> Result<Vec<Kept>> {
        self.pool.with(|db| read::versions(db, object))
    }

    /// Whether the facility has treated the patient.
    pub fn treated(&self, patient: Pseudonym, facility: &FacilityCode) -> Result<bool> {
        self.pool.with(|db| read::treated(db, patient, facility))
    }

    /// Studies as rows of patients: a patient stands where the first of its studies stands. With `Filter::twins` each tells
    /// whether its patient has others.
    pub fn patients(&self, filter: &Filter) -> Result<Vec<StudyRow>> {
        self.pool.with(|db| find::patients(db, filter))
    }

    /// Studies, newest date first.
    pub fn studies(&self, filter: &Filter) -> Result<Vec<StudyRow>> {
        self.pool.with(|db| find::studies(db, filter))
    }

    /// Series, those of the newest study first.
    pub fn series(&self, filter: &Filter) -> Result<Vec<SeriesRow>> {
        self.pool.with(|db| find::series(db, filter))
    }

    /// Instances, those of the newest study first.
    pub fn instances(&self, filter: &Filter) -> Result<Vec<InstanceRow>> {
        self.pool.with(|db| find::instances(db, filter))
    }

    /// The row number that the newest study, series or instance has: what comes later has a higher one.
    pub(crate) fn newest_row(&self, level: crate::find::Level) -> Result<i64> {
        self.pool.with(|db| read::newest_row(db, level))
    }

    /// How much there is of a patient.
    pub fn patient_counts(&self, patient: Pseudonym) -> Result<PatientCounts> {
        self.pool.with(|db| read::patient_counts(db, patient))
    }

    /// SOPClassesInStudy (0008,0062) of one patient's study, whoever sent it.
    pub fn sop_classes(&self, patient: Pseudonym, study_instance_uid: &str) -> Result<Vec<String>> {
        self.pool.with(|db| read::sop_classes(db, patient, study_instance_uid))
    }

    /// Newest versions of resources, newest date first.
    pub fn resources(&self, filter: &ResourceFilter) -> Result<Vec<Kept>> {
        self.pool.with(|db| find::resources(db, filter))
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts> {
        self.pool.with(read::counts)
    }
}
