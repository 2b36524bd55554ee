//! A small world of its own: facilities, their people, some hundred patients, and the records of their visits. Everything is
//! invented and drawn; the same seed gives the same world, byte for byte.

mod computed;
mod dataset;
mod heartbeat;
mod instance;
mod letter;
pub mod names;
mod people;
mod photograph;
mod plane;
mod radiograph;
pub mod random;
mod results;
mod visit;

pub use people::{Facility, Patient, Staff};

use random::Random;
use record::FacilityCode;
use visit::Course;

/// How much of a world to draw.
#[derive(Clone, Copy, Debug)]
pub struct WorldSize {
    /// Patients.
    pub patients: usize,
    /// Columns of a radiograph.
    pub radiograph_columns: usize,
    /// Slices of a CT series.
    pub tomography_slices: u32,
    /// Columns and rows of a CT slice.
    pub tomography_columns: usize,
    /// Columns of a photograph.
    pub photograph_columns: usize,
}

impl WorldSize {
    /// What a demonstration shows: some hundred patients and pictures worth looking at.
    #[must_use]
    pub fn demonstration() -> Self {
        Self {
            patients: 240,
            radiograph_columns: 800,
            tomography_slices: 32,
            tomography_columns: 384,
            photograph_columns: 960,
        }
    }

    /// A few patients with small pictures.
    #[cfg(test)]
    #[must_use]
    pub fn small() -> Self {
        Self {
            patients: 12,
            radiograph_columns: 128,
            tomography_slices: 3,
            tomography_columns: 64,
            photograph_columns: 160,
        }
    }
}

/// Which of the archive's doors a record comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// C-STORE of a Part 10 file's data set.
    Dimse,
    /// A Part 10 file in a store request (PS3.18 10.5).
    DicomWeb,
    /// A FHIR transaction bundle as JSON.
    Fhir,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A radiograph.
    Radiograph,
    /// One slice of a CT series.
    Tomography,
    /// A waveform.
    Electrocardiogram,
    /// A photograph, DICOM or JPEG.
    Photograph,
    /// A letter as PDF, DICOM or FHIR.
    Letter,
    /// A laboratory result.
    Result,
    /// A radiologist's report.
    Report,
}

/// One record on its way to the archive.
pub struct Delivery {
    /// Who sends it.
    pub facility: FacilityCode,
    /// The AE title it sends under, where it sends by DIMSE.
    pub ae_title: String,
    /// Through which door.
    pub door: Door,
    /// What it is.
    pub kind: Kind,
    /// The Part 10 file, or the bundle.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({} {:?} {:?}, {} bytes)", self.facility, self.door, self.kind, self.bytes.len())
    }
}

/// The world.
pub struct World {
    /// Hospitals and clinics.
    pub facilities: Vec<Facility>,
    /// Their people and systems.
    pub people: Vec<Staff>,
    /// Their patients. The first one has a record of every kind, all at the first facility.
    pub patients: Vec<Patient>,
    size: WorldSize,
    random: Random,
}

impl World {
    /// Makes facilities, people and patients; records are drawn when they are asked for.
    #[must_use]
    pub fn generate(seed: u64, size: WorldSize) -> Self {
        let random = Random::new(seed);
        let facilities = people::facilities();
        let homes = facilities.len().max(1);
        let patients = (0..size.patients)
            .map(|n| people::patient(random.child(1_000 + n as u64), &facilities, n % homes))
            .collect();
        Self { people: people::staff(&facilities), facilities, patients, size, random }
    }

    /// Every record, patient after patient. Each is drawn when the iterator reaches it.
    #[cfg(test)]
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery> + Send + '_ {
        self.patients.iter().enumerate().flat_map(|(number, patient)| self.course(number, patient))
    }

    /// The records of one patient.
    pub fn deliveries_of(&self, number: usize) -> impl Iterator<Item = Delivery> + Send + '_ {
        self.patients.get(number).into_iter().flat_map(move |patient| self.course(number, patient))
    }

    fn course<'a>(&'a self, number: usize, patient: &'a Patient) -> impl Iterator<Item = Delivery> + Send + 'a {
        let random = self.random.child(1_000_000 + number as u64);
        Course::new(patient, &self.facilities, self.size, random).deliveries(number)
    }

    /// Texts that name patients or tell of them, as records spell them. None of them may be found on a disk in clear.
    /// Texts so short that chance would write them somewhere are left out.
    #[must_use]
    pub fn needles(&self) -> Vec<String> {
        let mut all: Vec<String> = self.patients.iter().flat_map(needles_of).collect();
        let told = [
            "Gambaran pneumonia bilateral",
            "Perdarahan intraserebral",
            "SARS-CoV-2 terdeteksi",
            "Bersama ini kami rujuk",
            "rekam medis",
        ];
        all.extend(told.map(str::to_owned));
        all.sort();
        all.dedup();
        all
    }
}

/// Bytes of the shortest text that is looked for: six bytes come together by chance once in 280 TB.
const NEEDLE_BYTES_MIN: usize = 6;

/// No examination is older than this.
const FIRST_VISIT_YEAR: i16 = 2019;

fn needles_of(patient: &Patient) -> Vec<String> {
    let mut texts = vec![
        patient.spoken(),
        patient.dicom_name(),
        patient.nik.clone(),
        patient.jkn.clone(),
        patient.phone.clone(),
        patient.address.clone(),
        patient.born.to_string(),
        patient.born.strftime("%d-%m-%Y").to_string(),
    ];
    // Study dates stand in clear by design; an infant's date of birth may be the date of somebody's examination.
    if patient.born.year() < FIRST_VISIT_YEAR {
        texts.push(patient.born.strftime("%Y%m%d").to_string());
    }
    texts.extend(patient.record_numbers.iter().map(|(_, number)| number.clone()));
    texts.retain(|text| text.len() >= NEEDLE_BYTES_MIN);
    texts
}

#[cfg(test)]
mod tests;
