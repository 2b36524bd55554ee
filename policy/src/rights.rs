//! Rights: two tables, and one function that reads them.

use crate::purpose;
use record::{FacilityCode, Purpose, Role};

/// Somebody whose proof of identity has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What it is there to do.
    pub role: Role,
    /// Where, according to the register and never according to the proof.
    pub facility: FacilityCode,
    /// The purpose that its proof grants.
    pub granted: Purpose,
}

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
}

/// What binds the actor's facility to the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The facility has treated the patient, or the same person under another of its pseudonyms.
    pub treated_by_facility: bool,
}

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

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The role never has this right.
    Role,
    /// The proof does not grant the purpose, or the purpose does not carry the right.
    Purpose,
    /// The facility has not treated the patient.
    Relation,
}

use Right::{Correct, Erase, Input, ViewContent, ViewSummary};

/// What each role may do. An absent pair is a denial.
const ROLES: &[(Role, &[Right])] = &[
    (Role::Clinician, &[ViewSummary, ViewContent, Input, Correct]),
    (Role::Radiographer, &[ViewSummary, ViewContent, Input]),
    (Role::Laboratory, &[ViewSummary, ViewContent, Input]),
    // A registrar needs to know who a patient is, never what ails them.
    (Role::Registrar, &[ViewSummary, Input, Correct, Erase]),
    (Role::System, &[ViewSummary, ViewContent, Input]),
    // Auditors read the log; a record opens for them at no time.
    (Role::Auditor, &[]),
];

/// What each purpose can justify. An absent pair is a denial.
const PURPOSES: &[(Purpose, &[Right])] = &[
    (Purpose::Treat, &[ViewSummary, ViewContent, Input, Correct]),
    (Purpose::EmergencyTreat, &[ViewSummary, ViewContent, Input, Correct]),
    (Purpose::HealthcareOperations, &[ViewSummary, ViewContent, Input, Correct]),
    (Purpose::PublicHealth, &[ViewSummary, ViewContent, Input]),
    (Purpose::PatientRequest, &[ViewSummary, ViewContent, Input, Correct, Erase]),
    // Whoever moves records in or ends them has no need to look.
    (Purpose::SystemAdministration, &[Input, Erase]),
    // Research reads prepared extracts, not identified records.
    (Purpose::Research, &[]),
];

/// Decides one right over one patient.
#[must_use]
pub fn decide(actor: &Actor, right: Right, relation: Relation, asked: Purpose) -> Decision {
    if !holds(ROLES, actor.role, right) {
        return Decision::Deny(Reason::Role);
    }
    if !purpose::covers(actor.granted, asked) || !holds(PURPOSES, asked, right) {
        return Decision::Deny(Reason::Purpose);
    }
    // Putting in is how a relation begins, so it cannot require one.
    if right != Input && !relation.treated_by_facility {
        return Decision::Deny(Reason::Relation);
    }
    Decision::Permit
}

/// Whether an actor may turn search terms into tokens: those who may see lists, or put in what will be found by them.
#[must_use]
pub fn may_search(actor: &Actor, asked: Purpose) -> bool {
    [ViewSummary, Input].into_iter().any(|right| {
        holds(ROLES, actor.role, right) && purpose::covers(actor.granted, asked) && holds(PURPOSES, asked, right)
    })
}

fn holds<K: PartialEq + Copy>(table: &[(K, &[Right])], key: K, right: Right) -> bool {
    table.iter().any(|(k, rights)| *k == key && rights.contains(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHTS: [Right; 5] = [ViewSummary, ViewContent, Input, Correct, Erase];
    const ALL_PURPOSES: [Purpose; 7] = [
        Purpose::Treat,
        Purpose::EmergencyTreat,
        Purpose::HealthcareOperations,
        Purpose::Research,
        Purpose::PatientRequest,
        Purpose::PublicHealth,
        Purpose::SystemAdministration,
    ];

    fn actor(role: Role, granted: Purpose) -> Actor {
        Actor { role, facility: FacilityCode::new("RSUP-A").unwrap(), granted }
    }

    /// Columns: view summary, view content, input, correct, erase. `y` allowed, `t` allowed once treated, `-` never.
    fn check(granted: Purpose, asked: Purpose, rows: [(Role, &str); 6]) {
        assert_eq!(rows.len(), Role::all().len(), "every role has a row");
        for (role, row) in rows {
            for (right, mark) in RIGHTS.into_iter().zip(row.split(' ')) {
                for treated in [false, true] {
                    let decision =
                        decide(&actor(role, granted), right, Relation { treated_by_facility: treated }, asked);
                    let expected = mark == "y" || (mark == "t" && treated);
                    assert_eq!(
                        decision.is_permit(),
                        expected,
                        "{role:?} {right:?} treated={treated} {granted:?} for {asked:?}: {decision:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn treatment_matrix() {
        for (granted, asked) in [
            (Purpose::Treat, Purpose::Treat),
            (Purpose::Treat, Purpose::EmergencyTreat),
            (Purpose::EmergencyTreat, Purpose::EmergencyTreat),
            (Purpose::HealthcareOperations, Purpose::HealthcareOperations),
        ] {
            check(
                granted,
                asked,
                [
                    (Role::Clinician, "t t y t -"),
                    (Role::Radiographer, "t t y - -"),
                    (Role::Laboratory, "t t y - -"),
                    (Role::Registrar, "t - y t -"),
                    (Role::System, "t t y - -"),
                    (Role::Auditor, "- - - - -"),
                ],
            );
        }
    }

    #[test]
    fn patient_request_matrix() {
        check(
            Purpose::PatientRequest,
            Purpose::PatientRequest,
            [
                (Role::Clinician, "t t y t -"),
                (Role::Radiographer, "t t y - -"),
                (Role::Laboratory, "t t y - -"),
                (Role::Registrar, "t - y t t"),
                (Role::System, "t t y - -"),
                (Role::Auditor, "- - - - -"),
            ],
        );
    }

    #[test]
    fn public_health_matrix() {
        check(
            Purpose::PublicHealth,
            Purpose::PublicHealth,
            [
                (Role::Clinician, "t t y - -"),
                (Role::Radiographer, "t t y - -"),
                (Role::Laboratory, "t t y - -"),
                (Role::Registrar, "t - y - -"),
                (Role::System, "t t y - -"),
                (Role::Auditor, "- - - - -"),
            ],
        );
    }

    #[test]
    fn administration_matrix() {
        check(
            Purpose::SystemAdministration,
            Purpose::SystemAdministration,
            [
                (Role::Clinician, "- - y - -"),
                (Role::Radiographer, "- - y - -"),
                (Role::Laboratory, "- - y - -"),
                (Role::Registrar, "- - y - t"),
                (Role::System, "- - y - -"),
                (Role::Auditor, "- - - - -"),
            ],
        );
    }

    #[test]
    fn a_purpose_that_was_not_granted_opens_nothing() {
        let none = Role::all().iter().map(|(role, _)| (*role, "- - - - -")).collect::<Vec<_>>();
        let none: [(Role, &str); 6] = none.try_into().unwrap();
        for granted in ALL_PURPOSES {
            check(granted, Purpose::Research, none);
            for asked in ALL_PURPOSES {
                if !purpose::covers(granted, asked) {
                    check(granted, asked, none);
                }
            }
        }
    }

    #[test]
    fn the_reason_names_the_first_thing_missing() {
        let far = Relation { treated_by_facility: false };
        let clinician = actor(Role::Clinician, Purpose::Treat);
        assert_eq!(decide(&clinician, Erase, far, Purpose::Treat), Decision::Deny(Reason::Role));
        assert_eq!(decide(&clinician, ViewContent, far, Purpose::Research), Decision::Deny(Reason::Purpose));
        assert_eq!(decide(&clinician, ViewContent, far, Purpose::Treat), Decision::Deny(Reason::Relation));
    }

    #[test]
    fn all_but_auditors_search_for_what_they_were_granted() {
        for (role, _) in Role::all() {
            let may = *role != Role::Auditor;
            assert_eq!(may_search(&actor(*role, Purpose::Treat), Purpose::Treat), may, "{role:?}");
            assert!(!may_search(&actor(*role, Purpose::Treat), Purpose::PublicHealth), "{role:?}");
            assert!(!may_search(&actor(*role, Purpose::Research), Purpose::Research), "{role:?}");
        }
    }
}
