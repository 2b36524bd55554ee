//! Which purpose of use covers which (HL7 v3-ActReason, value set PurposeOfUse).

use record::Purpose;

/// Whether a grant for `granted` may be used for `asked`.
///
/// In HL7's tree emergency treatment is a kind of treatment. Administration is also below health-care operations there,
/// but here it can end a record for ever, so it has to be granted by its own name.
#[must_use]
pub fn covers(granted: Purpose, asked: Purpose) -> bool {
    granted == asked || (granted == Purpose::Treat && asked == Purpose::EmergencyTreat)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Purpose; 7] = [
        Purpose::Treat,
        Purpose::EmergencyTreat,
        Purpose::HealthcareOperations,
        Purpose::Research,
        Purpose::PatientRequest,
        Purpose::PublicHealth,
        Purpose::SystemAdministration,
    ];

    #[test]
    fn a_purpose_covers_itself_and_treatment_covers_emergencies() {
        for granted in ALL {
            for asked in ALL {
                let expected = granted == asked || (granted, asked) == (Purpose::Treat, Purpose::EmergencyTreat);
                assert_eq!(covers(granted, asked), expected, "{granted:?} for {asked:?}");
            }
        }
    }
}
