//! The index: a projection of the segments in one SQLite file.
//!
//! One connection writes (`apply`), a moment behind the segments (`catchup`); a few read, after it has caught up. Losing
//! the file loses nothing: start-up builds it again.

pub(crate) mod apply;
mod apply_given;
mod apply_instance;
mod apply_resource;
pub(crate) mod catchup;
mod find;
pub mod isolate;
mod likeness;
mod pool;
mod read;
pub mod rows;
pub(crate) mod schema;

use crate::error::Result;
use catchup::{Catchup, Name};
use read::Of;
use record::{FacilityCode, ObjectId, Pseudonym};
use rows::{Counts, Filter, InstanceRow, Kept, PatientCounts, ResourceFilter, SeriesRow, StudyRow};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use read::{VersionRow, rows_of_segment};

/// Readers of the index. Every method blocks, usually for less than a millisecond: call it where blocking is allowed.
pub struct Index {
    pool: pool::Pool,
    catchup: Arc<Catchup>,
}

impl Index {
    pub(crate) fn new(path: PathBuf, catchup: Arc<Catchup>) -> Self {
        Self { pool: pool::Pool::new(path), catchup }
    }

    /// Reads one moment, at which everything is there that was durable when this began.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.catchup.wait();
        self.pool.with(read)
    }

    /// Whether the index says everything of a facility's instance that is to be said: then [`Index::newest_instance`] does
    /// not wait for anything.
    #[must_use]
    pub fn is_settled(&self, facility: &FacilityCode, sop_instance_uid: &str) -> bool {
        !self.catchup.is_recent(&Name::instance(facility, sop_instance_uid))
    }

    /// The newest version of a facility's instance.
    pub fn newest_instance(&self, facility: &FacilityCode, sop_instance_uid: &str) -> Result<Option<Kept>> {
        self.instance(facility, sop_instance_uid, Of::Seen)
    }

    /// The last version of a facility's instance that ever came, also one that is isolated: the next one is numbered after it.
    pub(crate) fn last_instance(&self, facility: &FacilityCode, sop_instance_uid: &str) -> Result<Option<Kept>> {
        self.instance(facility, sop_instance_uid, Of::All)
    }

    fn instance(&self, facility: &FacilityCode, sop_instance_uid: &str, of: Of) -> Result<Option<Kept>> {
        if !self.is_settled(facility, sop_instance_uid) {
            self.catchup.wait();
        }
        self.pool.with(|db| read::newest_instance(db, facility, sop_instance_uid, of))
    }

    /// The newest version of a resource.
    pub fn newest_resource(&self, resource_type: &str, id: &str) -> Result<Option<Kept>> {
        self.read(|db| read::newest_resource(db, resource_type, id, Of::Seen))
    }

    /// The last version of a resource that ever came, also one that is isolated: the next one is numbered after it.
    pub(crate) fn last_resource(&self, resource_type: &str, id: &str) -> Result<Option<Kept>> {
        self.read(|db| read::newest_resource(db, resource_type, id, Of::All))
    }

    /// Every isolation, and how far it is.
    pub fn isolations(&self) -> Result<Vec<isolate::Progress>> {
        self.read(isolate::progress)
    }

    /// Every version of an object that is not isolated, oldest first.
    pub fn versions(&self, object: ObjectId) -> Result<Vec<Kept>> {
        self.read(|db| read::versions(db, object))
    }

    /// Some patient of a facility with instances alone, as the index shows it.
    pub(crate) fn likeness(&self, facility: &FacilityCode, chosen: u64, limit: usize) -> Result<Vec<rows::Likeness>> {
        self.read(|db| likeness::likeness(db, facility, chosen, limit))
    }

    /// Whether the facility may look for the patient: it has treated the patient, or was given to.
    pub fn treated(&self, patient: Pseudonym, facility: &FacilityCode) -> Result<bool> {
        self.read(|db| read::treated(db, patient, facility))
    }

    /// Studies as rows of patients: a patient stands where the first of its studies stands. With `Filter::twins` each tells
    /// whether its patient has others.
    pub fn patients(&self, filter: &Filter) -> Result<Vec<StudyRow>> {
        self.read(|db| find::patients(db, filter))
    }

    /// Studies, newest date first.
    pub fn studies(&self, filter: &Filter) -> Result<Vec<StudyRow>> {
        self.read(|db| find::studies(db, filter))
    }

    /// Series, those of the newest study first.
    pub fn series(&self, filter: &Filter) -> Result<Vec<SeriesRow>> {
        self.read(|db| find::series(db, filter))
    }

    /// Instances, those of the newest study first.
    pub fn instances(&self, filter: &Filter) -> Result<Vec<InstanceRow>> {
        self.read(|db| find::instances(db, filter))
    }

    /// The row number that the newest study, series or instance has: what comes later has a higher one.
    pub(crate) fn newest_row(&self, level: crate::find::Level) -> Result<i64> {
        self.read(|db| read::newest_row(db, level))
    }

    /// How much there is of a patient.
    pub fn patient_counts(&self, patient: Pseudonym) -> Result<PatientCounts> {
        self.read(|db| read::patient_counts(db, patient))
    }

    /// SOPClassesInStudy (0008,0062) of one patient's study, whoever sent it.
    pub fn sop_classes(&self, patient: Pseudonym, study_instance_uid: &str) -> Result<Vec<String>> {
        self.read(|db| read::sop_classes(db, patient, study_instance_uid))
    }

    /// Newest versions of resources, newest date first.
    pub fn resources(&self, filter: &ResourceFilter) -> Result<Vec<Kept>> {
        self.read(|db| find::resources(db, filter))
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts> {
        self.read(read::counts)
    }
}
