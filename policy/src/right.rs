//! What somebody may be allowed to do.

/// What somebody wants to do with a patient's record. Seeing, putting in and correcting are different rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// See identity and descriptions, as lists show them.
    ViewSummary,
    /// See everything.
    ViewContent,
    /// Put a new object, or a new version of one's own, into the record.
    Input,
    /// Change what is known of the patient.
    Correct,
    /// Destroy the record's key.
    Erase,
    /// Refer the patient to another facility, or end what was given to one.
    Relate,
    /// Write down that the patient consents that another facility looks.
    Consent,
    /// Label an object as sensitive.
    Label,
    /// Take records of many patients out at once.
    Export,
    /// Be one of those who approve a change or an export.
    Approve,
    /// Approve on the spot that a colleague exceeds a budget.
    StepUp,
    /// Review what was opened in an emergency.
    Review,
    /// Declare an emergency in which nothing else gives the right to look.
    BreakGlass,
    /// Tell a patient who has opened the record.
    Report,
}

impl Right {
    const NAMES: [(Self, &'static str); 14] = [
        (Self::ViewSummary, "viewSummary"),
        (Self::ViewContent, "viewContent"),
        (Self::Input, "input"),
        (Self::Correct, "correct"),
        (Self::Erase, "erase"),
        (Self::Relate, "relate"),
        (Self::Consent, "consent"),
        (Self::Label, "label"),
        (Self::Export, "export"),
        (Self::Approve, "approve"),
        (Self::StepUp, "stepUp"),
        (Self::Review, "review"),
        (Self::BreakGlass, "breakGlass"),
        (Self::Report, "report"),
    ];

    /// Every right with the name of its action.
    #[must_use]
    pub fn all() -> &'static [(Self, &'static str)] {
        &Self::NAMES
    }

    /// The name of its action.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(right, _)| *right == self).map_or("", |(_, name)| name)
    }
}
