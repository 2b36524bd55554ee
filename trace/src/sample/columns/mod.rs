//! What the columns of a table mean, by what stands in them.

mod heading;

pub(crate) use heading::meaning_of_heading;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
    /// Nomor Induk Kependudukan, 16 digits.
    Nik,
    /// A patient's name.
    Name,
    /// Date of birth.
    BirthDate,
    /// Telephone.
    Phone,
    /// Number of the national health insurance card, 13 digits.
    JknCard,
    /// Name or code of a hospital.
    Hospital,
    /// When the patient came, or was examined.
    VisitTime,
    /// Sex.
    Sex,
    /// Medical record number.
    RecordNumber,
    /// What was found: a text, a value or a code of a diagnosis.
    Result,
    /// UID of a study, series or instance.
    Uid,
    /// Accession number.
    Accession,
    /// Where the patient lives.
    Address,
    /// Something else.
    Other,
}
