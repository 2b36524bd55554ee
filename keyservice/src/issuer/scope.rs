//! What a system asked for (SMART App Launch 2.2, scopes): a token does no more than that, whatever its system may otherwise.
//!
//! Reading and writing are told apart here. Which resources a scope names is not: the key service knows no kinds of records, so a
//! scope for one resource counts for all that its system may open.

use crate::audit::Action;
use seal::message::Request;

/// Which halves of a scope there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// To read or search.
    pub reading: bool,
    /// To create, update or delete.
    pub writing: bool,
}

impl Allowed {
    /// Everything: no scope was asked for.
    pub const ALL: Self = Self { reading: true, writing: true };

    /// What the log calls a request that goes beyond.
    #[must_use]
    pub fn forbids(self, request: &Request) -> Option<Action> {
        match request {
            Request::Release { .. } | Request::Report { .. } | Request::Export { .. } => {
                (!self.reading).then_some(Action::Release)
            }
            Request::Admit { .. }
            | Request::Compare { .. }
            | Request::Erase { .. }
            | Request::Relate(_)
            | Request::Label(_) => (!self.writing).then_some(Action::Admit),
            _ => None,
        }
    }

    /// What a scope allows. A word that is none allows nothing.
    #[must_use]
    pub fn by(scope: &str) -> Self {
        let mut allowed = Self { reading: false, writing: false };
        for word in scope.split_ascii_whitespace() {
            let Some((_, rights)) = word.strip_prefix("system/").and_then(|rest| rest.split_once('.')) else {
                continue;
            };
            // Version 2 adds a query that narrows it.
            let rights = rights.split('?').next().unwrap_or_default();
            match rights {
                "*" => allowed = Self::ALL,
                "read" => allowed.reading = true,
                "write" => allowed.writing = true,
                // Version 2: letters of `cruds`, in this order, none twice.
                letters if is_in_order(letters) => {
                    allowed.reading |= letters.contains(['r', 's']);
                    allowed.writing |= letters.contains(['c', 'u', 'd']);
                }
                _ => {}
            }
        }
        allowed
    }
}

fn is_in_order(letters: &str) -> bool {
    let mut rest = "cruds".chars();
    !letters.is_empty() && letters.chars().all(|letter| rest.any(|known| known == letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_what_it_says() {
        for (scope, reading, writing) in [
            ("system/*.rs", true, false),
            ("system/*.read", true, false),
            ("system/DiagnosticReport.cu", false, true),
            ("system/*.write", false, true),
            ("system/*.cruds", true, true),
            ("system/*.*", true, true),
            ("system/Patient.r system/Observation.c", true, true),
            ("system/Observation.rs?category=laboratory", true, false),
            ("", false, false),
            ("user/*.rs", false, false),
            ("system/*.sr", false, false),
            ("system/*.rr", false, false),
            ("system/*.", false, false),
            ("openid", false, false),
        ] {
            assert_eq!(Allowed::by(scope), Allowed { reading, writing }, "{scope}");
        }
    }
}
