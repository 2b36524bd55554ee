//! Labels of sensitive records (HL7 Healthcare Privacy and Security Classification System).

use minicbor::{Decode, Encode};
use std::fmt;

/// The code system of how confidential a record is.
pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// The code system of what makes it so (among much else).
pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// One label. A record without any is as confidential as all records are (v3-Confidentiality `N`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Label {
    /// `R`: its disclosure would harm the patient.
    #[n(0)]
    Restricted,
    /// `V`: as restricted as records get.
    #[n(1)]
    VeryRestricted,
    /// `HIV`: HIV or AIDS.
    #[n(2)]
    Hiv,
    /// `PSY`: psychiatry.
    #[n(3)]
    Psychiatry,
    /// `MH`: mental health.
    #[n(4)]
    MentalHealth,
    /// `SDV`: sexual assault, abuse or domestic violence.
    #[n(5)]
    SexualAssault,
    /// `SEX`: sexuality and reproductive health.
    #[n(6)]
    ReproductiveHealth,
    /// `STD`: a sexually transmitted disease.
    #[n(7)]
    SexuallyTransmitted,
    /// `ETH`: abuse of substances.
    #[n(8)]
    SubstanceAbuse,
    /// `GDIS`: a genetic disease.
    #[n(9)]
    GeneticDisease,
    /// `TBOO`: what the patient wants to be told to nobody.
    #[n(10)]
    Taboo,
}

impl Label {
    const CODES: [(Self, &'static str); 11] = [
        (Self::Restricted, "R"),
        (Self::VeryRestricted, "V"),
        (Self::Hiv, "HIV"),
        (Self::Psychiatry, "PSY"),
        (Self::MentalHealth, "MH"),
        (Self::SexualAssault, "SDV"),
        (Self::ReproductiveHealth, "SEX"),
        (Self::SexuallyTransmitted, "STD"),
        (Self::SubstanceAbuse, "ETH"),
        (Self::GeneticDisease, "GDIS"),
        (Self::Taboo, "TBOO"),
    ];

    /// Every label with its code.
    #[must_use]
    pub fn all() -> &'static [(Self, &'static str)] {
        &Self::CODES
    }

    /// The HL7 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::CODES.iter().find(|(label, _)| *label == self).map_or("R", |(_, code)| code)
    }

    /// Its code system.
    #[must_use]
    pub fn system(self) -> &'static str {
        match self {
            Self::Restricted | Self::VeryRestricted => CONFIDENTIALITY,
            _ => ACT_CODE,
        }
    }

    /// The label that a coding of `meta.security` stands for. A code of v3-ActCode that is not listed here restricts in some
    /// way that is not understood, so the record is restricted; `N`, `M`, `L` and `U` are no labels, nor is another system.
    #[must_use]
    pub fn from_coding(system: &str, code: &str) -> Option<Self> {
        let known =
            Self::CODES.iter().find(|(label, c)| *c == code && label.system() == system).map(|(label, _)| *label);
        known.or_else(|| (system == ACT_CODE && !code.is_empty()).then_some(Self::Restricted))
    }

    fn bit(self) -> u16 {
        // INVARIANT: there are fewer than 16 labels.
        1 << (Self::CODES.iter().position(|(label, _)| *label == self).unwrap_or(0) & 15)
    }
}

/// A set of labels.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Labels(u16);

impl Labels {
    /// No label.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// With one more.
    #[must_use]
    pub fn with(self, label: Label) -> Self {
        Self(self.0 | label.bit())
    }

    /// Without one.
    #[must_use]
    pub fn without(self, label: Label) -> Self {
        Self(self.0 & !label.bit())
    }

    /// Those of either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each of them, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Label> {
        Label::CODES.iter().map(|(label, _)| *label).filter(move |label| self.0 & label.bit() != 0)
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        labels.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Label::code)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_read_back_from_its_coding_and_from_no_other_system() {
        for (label, code) in Label::all() {
            assert_eq!(Label::from_coding(label.system(), code), Some(*label));
            assert_eq!(Label::from_coding("urn:else", code), None);
        }
        for code in ["N", "L", "M", "U", ""] {
            assert_eq!(Label::from_coding(CONFIDENTIALITY, code), None, "{code}");
        }
        assert_eq!(Label::from_coding(ACT_CODE, "NODSCLCD"), Some(Label::Restricted));
        assert_eq!(Label::from_coding(ACT_CODE, ""), None);
    }

    #[test]
    fn a_set_holds_each_label_apart() {
        let mut all = Labels::NONE;
        for (n, (label, _)) in Label::all().iter().enumerate() {
            assert_eq!(all.iter().count(), n);
            all = all.with(*label).with(*label);
        }
        for (label, _) in Label::all() {
            assert!(!all.without(*label).iter().any(|other| other == *label));
            assert_eq!(all.without(*label).with(*label), all);
        }
    }
}
