//! How many different patients somebody may open.
//!
//! Patients are counted, not requests: reading one patient's study of 900 images is one, reading one image each of 900
//! patients is what a thief does. Each opening counts for everybody who has a part in it, from the actor to the whole
//! system, in two windows at once; the smallest room that is left decides. Both windows slide, so nobody gets twice the
//! count around a full hour.

mod books;
mod clock;
mod limits;

pub use books::{Books, Counts};
pub use clock::{Clock, Reading};
pub use limits::{Amount, Limits, Numbers, Share};

/// A moment on the clock of the budgets ([`Clock`]), in whole seconds.
pub type Seconds = u32;

/// One hour.
pub const HOUR_SECONDS: Seconds = 3_600;
/// One day.
pub const DAY_SECONDS: Seconds = 24 * HOUR_SECONDS;

/// A patient's number inside the key service's state. Four bytes: the books hold one for each opening of a day.
pub type PatientNumber = u32;

/// What is metered apart: an identity shown in a list weighs less than a record opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Summaries opened.
    Summary,
    /// Contents opened.
    Content,
}

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// A person.
    Actor,
    /// A machine of a facility: a DICOM peer, or a system with a token.
    Feed,
    /// The key that a person's session is bound to: a browser or tool on one machine.
    Device,
    /// Everybody of a facility.
    Facility,
    /// Everything that one archive node passes on.
    Node,
    /// Everything.
    System,
}

impl Scope {
    /// Every scope with its word, for logs and settings.
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Actor, "actor"),
        (Self::Feed, "feed"),
        (Self::Device, "device"),
        (Self::Facility, "facility"),
        (Self::Node, "node"),
        (Self::System, "system"),
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(scope, _)| *scope == self).map_or("system", |(_, name)| name)
    }
}

/// One who has a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// Of which kind.
    pub scope: Scope,
    /// Which of them; empty for the one system.
    pub name: String,
}

/// One of the two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last hour.
    Hour,
    /// The last day.
    Day,
}

impl Window {
    /// Its word, for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long it is.
    #[must_use]
    pub fn seconds(self) -> Seconds {
        match self {
            Self::Hour => HOUR_SECONDS,
            Self::Day => DAY_SECONDS,
        }
    }
}

/// A budget that does not hold as many patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Whose.
    pub scope: Scope,
    /// In which window.
    pub window: Window,
    /// How many patients the window may hold.
    pub limit: u32,
    /// How many it holds.
    pub counted: u32,
    /// How many more were asked for.
    pub wanted: u32,
    /// When as many have left the window; `None` if they never fit.
    pub retry_after_seconds: Option<Seconds>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_a_word_of_its_own() {
        let all = [Scope::Actor, Scope::Feed, Scope::Device, Scope::Facility, Scope::Node, Scope::System];
        let names: std::collections::BTreeSet<_> = all.iter().map(|scope| scope.name()).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(Scope::Node.name(), "node");
        assert_eq!(
            [Window::Hour, Window::Day].map(|window| (window.name(), window.seconds())),
            [("hour", 3_600), ("day", 86_400)]
        );
    }
}
