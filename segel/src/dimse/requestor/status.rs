//! The status of a response (PS3.7 Annex C).

use std::fmt;

/// Status (0000,0900).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

/// Classes of statuses (PS3.7 C.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Done.
    Success,
    /// Done, and something is to be said about it.
    Warning,
    /// More responses follow.
    Pending,
    /// Ended by C-CANCEL.
    Cancel,
    /// Not done.
    Failure,
}

impl Status {
    /// Its class.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self.0 {
            0x0000 => Kind::Success,
            0xFF00 | 0xFF01 => Kind::Pending,
            0xFE00 => Kind::Cancel,
            0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => Kind::Warning,
            _ => Kind::Failure,
        }
    }

    /// Whether what was sent is kept, or what was asked is done.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self.kind(), Kind::Success | Kind::Warning)
    }

    /// A failure that passes: out of resources (A7xxH, PS3.4 Table B.2-1; 0213H, PS3.7 C.5.17).
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self.0, 0xA700..=0xA7FF | 0x0213)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}H", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_classes_of_the_standard() {
        for (status, kind) in [
            (0x0000, Kind::Success),
            (0xFF00, Kind::Pending),
            (0xFF01, Kind::Pending),
            (0xFE00, Kind::Cancel),
            (0xB000, Kind::Warning),
            (0xBFFF, Kind::Warning),
            (0x0107, Kind::Warning),
            (0xA700, Kind::Failure),
            (0xA900, Kind::Failure),
            (0xC001, Kind::Failure),
            (0x0124, Kind::Failure),
        ] {
            assert_eq!(Status(status).kind(), kind, "{status:04X}");
        }
        assert!(Status(0xA701).is_transient() && Status(0x0213).is_transient() && !Status(0xA900).is_transient());
        assert_eq!(Status(0xA7).to_string(), "00A7H");
    }
}
