//! The answer.

/// The answer. Only the log learns the reason of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed.
    Permit,
    /// Not allowed.
    Deny(Reason),
}

impl Decision {
    /// Whether it is allowed.
    #[must_use]
    pub fn is_permit(self) -> bool {
        self == Self::Permit
    }
}

/// Why not: the first of these that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The actor is not on duty, or its training has lapsed.
    Lapsed,
    /// The role never has this right.
    Role,
    /// The proof does not grant the purpose, or the purpose does not carry the right.
    Purpose,
    /// Nothing binds the facility to the patient.
    Relation,
    /// The record is labelled as sensitive.
    Label,
    /// Another rule forbids it, or a rule could not be evaluated.
    Policy,
}

impl Reason {
    /// The reason that a rule's annotation `@reason` names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lapsed" => Self::Lapsed,
            "purpose" => Self::Purpose,
            "relation" => Self::Relation,
            "label" => Self::Label,
            "policy" => Self::Policy,
            _ => return None,
        })
    }
}
