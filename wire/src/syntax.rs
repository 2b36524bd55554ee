//! Transfer syntaxes (PS3.5 section 10, PS3.6 Table A-1): how a data set was put into bytes.

/// How the elements of a data set are laid out (PS3.5 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// No VR in the stream, least significant byte first (PS3.5 A.1).
    ImplicitLittle,
    /// VR in the stream, least significant byte first (PS3.5 A.2).
    ExplicitLittle,
    /// VR in the stream, most significant byte first (PS3.5 A.3, retired).
    ExplicitBig,
}

/// What a transfer syntax says about the bytes of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TransferSyntax {
    uid: String,
    encoding: Encoding,
    deflated: bool,
    encapsulated: bool,
}

/// Implicit VR Little Endian, the default of every association.
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Deflated Explicit VR Little Endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR Big Endian.
pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

// Everything that is not plainly Explicit VR Little Endian with pixel data in fragments. JPIP and SMPTE ST 2110 refer to
// pixel data that is elsewhere.
const EXCEPTIONS: [(&str, Encoding, bool, bool); 12] = [
    (IMPLICIT_LITTLE, Encoding::ImplicitLittle, false, false),
    // Papyrus 3 writes its data sets like the default.
    ("1.2.840.10008.1.20", Encoding::ImplicitLittle, false, false),
    (EXPLICIT_LITTLE, Encoding::ExplicitLittle, false, false),
    (DEFLATED, Encoding::ExplicitLittle, true, false),
    (EXPLICIT_BIG, Encoding::ExplicitBig, false, false),
    ("1.2.840.10008.1.2.4.94", Encoding::ExplicitLittle, false, false),
    ("1.2.840.10008.1.2.4.95", Encoding::ExplicitLittle, true, false),
    ("1.2.840.10008.1.2.4.204", Encoding::ExplicitLittle, false, false),
    ("1.2.840.10008.1.2.4.205", Encoding::ExplicitLittle, true, false),
    ("1.2.840.10008.1.2.7.1", Encoding::ExplicitLittle, false, false),
    ("1.2.840.10008.1.2.7.2", Encoding::ExplicitLittle, false, false),
    ("1.2.840.10008.1.2.7.3", Encoding::ExplicitLittle, false, false),
];

// Encapsulated syntaxes of the standard, current and retired.
const ENCAPSULATED: [&str; 49] = [
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.52",
    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.54",
    "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.56",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.58",
    "1.2.840.10008.1.2.4.59",
    "1.2.840.10008.1.2.4.60",
    "1.2.840.10008.1.2.4.61",
    "1.2.840.10008.1.2.4.62",
    "1.2.840.10008.1.2.4.63",
    "1.2.840.10008.1.2.4.64",
    "1.2.840.10008.1.2.4.65",
    "1.2.840.10008.1.2.4.66",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.100.1",
    "1.2.840.10008.1.2.4.101",
    "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102",
    "1.2.840.10008.1.2.4.102.1",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104",
    "1.2.840.10008.1.2.4.104.1",
    "1.2.840.10008.1.2.4.105",
    "1.2.840.10008.1.2.4.105.1",
    "1.2.840.10008.1.2.4.106",
    "1.2.840.10008.1.2.4.106.1",
    "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.108",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.8.1",
];

impl TransferSyntax {
    /// What `uid` means. A UID that the standard does not list is taken as Explicit VR Little Endian with encapsulated
    /// pixel data: PS3.5 A.4 binds every compressed syntax to that form, and private ones follow it.
    #[must_use]
    pub fn of(uid: &str) -> Self {
        let uid = uid.trim_end_matches(['\0', ' ']);
        let (encoding, deflated, encapsulated) = EXCEPTIONS
            .iter()
            .find(|(known, ..)| *known == uid)
            .map_or((Encoding::ExplicitLittle, false, true), |&(_, encoding, deflated, encapsulated)| {
                (encoding, deflated, encapsulated)
            });
        Self { uid: uid.to_owned(), encoding, deflated, encapsulated }
    }

    /// The UID, without padding.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// How elements are laid out.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether the whole data set is compressed by DEFLATE (PS3.5 A.5).
    #[must_use]
    pub fn is_deflated(&self) -> bool {
        self.deflated
    }

    /// Whether pixel data comes in fragments (PS3.5 A.4).
    #[must_use]
    pub fn is_encapsulated(&self) -> bool {
        self.encapsulated
    }

    /// Whether the standard lists this syntax.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        Self::standard().any(|known| known == self.uid)
    }

    /// Every transfer syntax of the standard, current and retired, that carries a data set: what an acceptor may offer.
    pub fn standard() -> impl Iterator<Item = &'static str> {
        EXCEPTIONS.iter().map(|(uid, ..)| *uid).chain(ENCAPSULATED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_syntax_is_explicit_little_endian_encapsulated() {
        let private = TransferSyntax::of("1.2.840.113619.5.2 ");
        assert_eq!(private.uid(), "1.2.840.113619.5.2");
        assert!(!private.is_standard() && private.is_encapsulated() && !private.is_deflated());
        assert_eq!(private.encoding(), Encoding::ExplicitLittle);
        assert!(TransferSyntax::of("1.2.840.10008.1.2.1.99").is_deflated());
        assert_eq!(TransferSyntax::of("1.2.840.10008.1.2\0").encoding(), Encoding::ImplicitLittle);
    }
}
