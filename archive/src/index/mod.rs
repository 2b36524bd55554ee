//! The index: a projection of the segments in one SQLite file.

pub mod rows;

use crate::error::Result;
use record::{FacilityCode, ObjectId, Pseudonym};
use rows::{Counts, Filter, InstanceRow, Kept, PatientRow, ResourceFilter, SeriesRow, StudyRow};

/// Readers of the index. Every method blocks for some milliseconds: call it where blocking is allowed.
pub struct Index {}

impl Index {
    /// The newest version of a facility's instance.
    pub fn newest_instance(&self, _facility: &FacilityCode, _sop_instance_uid: &str) -> Result<Option<Kept>> {
        todo!()
    }
    /// The newest version of a resource.
    pub fn newest_resource(&self, _resource_type: &str, _id: &str) -> Result<Option<Kept>> {
        todo!()
    }
    /// Every version of an object, oldest first.
    pub fn versions(&self, _object: ObjectId) -> Result<Vec<Kept>> {
        todo!()
    }
    /// Whether the facility has treated the patient.
    pub fn treated(&self, _patient: Pseudonym, _facility: &FacilityCode) -> Result<bool> {
        todo!()
    }
    /// Patients with studies, in the order of their newest study.
    pub fn patients(&self, _filter: &Filter) -> Result<Vec<PatientRow>> {
        todo!()
    }
    /// Studies, newest date first.
    pub fn studies(&self, _filter: &Filter) -> Result<Vec<StudyRow>> {
        todo!()
    }
    /// Series.
    pub fn series(&self, _filter: &Filter) -> Result<Vec<SeriesRow>> {
        todo!()
    }
    /// Instances.
    pub fn instances(&self, _filter: &Filter) -> Result<Vec<InstanceRow>> {
        todo!()
    }
    /// Newest versions of resources, newest date first.
    pub fn resources(&self, _filter: &ResourceFilter) -> Result<Vec<Kept>> {
        todo!()
    }
    /// How much there is.
    pub fn counts(&self) -> Result<Counts> {
        todo!()
    }
}
