//! Who asks, from which facility, and for what purpose.

use minicbor::{Decode, Encode};
use std::fmt;

/// A facility (a hospital, clinic or laboratory): 1 to 16 of `A-Z 0-9 - _`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct FacilityCode(#[n(0)] String);

impl FacilityCode {
    /// Checks and keeps a code; lower case is folded. `None` if it is empty, too long or has other characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let code = text.trim().to_ascii_uppercase();
        let fits = (1..=16).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        fits.then_some(Self(code))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FacilityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FacilityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a record is opened: codes of HL7 `PurposeOfUse` (v3-ActReason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Purpose {
    /// Treatment of the patient.
    #[n(0)]
    Treat,
    /// Emergency treatment.
    #[n(1)]
    EmergencyTreat,
    /// Health-care operations of the facility.
    #[n(2)]
    HealthcareOperations,
    /// Research.
    #[n(3)]
    Research,
    /// The patient asked.
    #[n(4)]
    PatientRequest,
    /// Public health.
    #[n(5)]
    PublicHealth,
    /// Administration of the system.
    #[n(6)]
    SystemAdministration,
    /// Breaking the glass: an emergency in which nothing else gives the right to look.
    #[n(7)]
    BreakGlass,
}

impl Purpose {
    const CODES: [(Self, &'static str); 8] = [
        (Self::Treat, "TREAT"),
        (Self::EmergencyTreat, "ETREAT"),
        (Self::HealthcareOperations, "HOPERAT"),
        (Self::Research, "HRESCH"),
        (Self::PatientRequest, "PATRQT"),
        (Self::PublicHealth, "PUBHLTH"),
        (Self::SystemAdministration, "HSYSADMIN"),
        (Self::BreakGlass, "BTG"),
    ];

    /// The HL7 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::CODES.iter().find(|(p, _)| *p == self).map_or("TREAT", |(_, code)| code)
    }

    /// Reads an HL7 code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::CODES.iter().find(|(_, c)| *c == code).map(|(p, _)| *p)
    }

    /// Every purpose with its code, for help texts and tables.
    #[must_use]
    pub fn all() -> &'static [(Self, &'static str)] {
        &Self::CODES
    }
}

/// What a person or system is there to do. Rights follow from it in `policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads records of the facility's patients and writes reports.
    #[n(0)]
    Clinician,
    /// Produces images; reads them back.
    #[n(1)]
    Radiographer,
    /// Produces results; reads them back.
    #[n(2)]
    Laboratory,
    /// Keeps patients' identities.
    #[n(3)]
    Registrar,
    /// A machine of the facility: modality, PACS, laboratory or hospital system.
    #[n(4)]
    System,
    /// Reads logs, never records.
    #[n(5)]
    Auditor,
    /// Reviews what was opened in an emergency, answers to patients and authorities; never reads records.
    #[n(6)]
    DataProtectionOfficer,
    /// Runs the system, and is one of those who approve its changes; never reads records.
    #[n(7)]
    Administrator,
}

impl Role {
    const NAMES: [(Self, &'static str); 8] = [
        (Self::Clinician, "clinician"),
        (Self::Radiographer, "radiographer"),
        (Self::Laboratory, "laboratory"),
        (Self::Registrar, "registrar"),
        (Self::System, "system"),
        (Self::Auditor, "auditor"),
        (Self::DataProtectionOfficer, "data-protection-officer"),
        (Self::Administrator, "administrator"),
    ];

    /// The role's name on the command line and in tokens.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(r, _)| *r == self).map_or("auditor", |(_, n)| n)
    }

    /// Reads a role's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(r, _)| *r)
    }

    /// Every role with its name, for help texts.
    #[must_use]
    pub fn all() -> &'static [(Self, &'static str)] {
        &Self::NAMES
    }
}
