//! What hospitals call a patient. Only the key service maps these to a [`crate::Pseudonym`].

use crate::FacilityCode;
use minicbor::{Decode, Encode};
use std::fmt;

/// One name of a patient in one numbering scheme.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum Identifier {
    /// DICOM PatientID (0010,0020) or a medical record number with its issuer (0010,0021). A number is unique only
    /// inside its issuer, which is the sending facility's code if the data names none.
    #[n(0)]
    Local {
        /// Who gave the number: a facility's code, or the issuer as the data set spells it.
        #[n(0)]
        issuer: String,
        /// The number as written, without surrounding spaces.
        #[n(1)]
        value: String,
    },
    /// Nomor Induk Kependudukan: 16 digits, one person for life, across facilities.
    #[n(1)]
    Nik(#[n(0)] String),
    /// JKN (national health insurance) card: 13 digits.
    #[n(2)]
    JknCard(#[n(0)] String),
    /// Passport number.
    #[n(3)]
    Passport(#[n(0)] String),
    /// SATUSEHAT IHS number: `P` and 11 digits.
    #[n(4)]
    Ihs(#[n(0)] String),
    /// Nothing named the patient; the study stands for an unknown person of the facility.
    #[n(5)]
    Unidentified {
        /// The sending facility.
        #[n(0)]
        facility: FacilityCode,
        /// What holds the patient's objects together: the StudyInstanceUID or a resource id.
        #[n(1)]
        study: String,
    },
}

impl Identifier {
    /// The bytes that tell one identifier from every other: scheme, issuer and number, NUL between.
    /// Letters are folded to upper case and spaces at the ends dropped, so that `a-1 ` and `A-1` are one.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let fold = |text: &str| text.trim().to_uppercase();
        let (scheme, issuer, value) = match self {
            Self::Local { issuer, value } => ("local", fold(issuer), fold(value)),
            Self::Nik(n) => ("nik", String::new(), fold(n)),
            Self::JknCard(n) => ("jkn", String::new(), fold(n)),
            Self::Passport(n) => ("passport", String::new(), fold(n)),
            Self::Ihs(n) => ("ihs", String::new(), fold(n)),
            Self::Unidentified { facility, study } => ("unidentified", facility.to_string(), study.trim().to_owned()),
        };
        [scheme.as_bytes(), issuer.as_bytes(), value.as_bytes()].join(&0)
    }

    /// Whether equal identifiers of two facilities mean the same person. Only these join patients.
    #[must_use]
    pub fn is_national(&self) -> bool {
        matches!(self, Self::Nik(_) | Self::JknCard(_) | Self::Passport(_) | Self::Ihs(_))
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifier(#)")
    }
}
