//! What the shipped rules come to: written by hand for what matters most, and written out whole in `policies/matrix.md`.

use policy::{Actor, Engine, Record, Relation, Right, Situation};
use record::{FacilityCode, Label, Labels, Purpose, Role};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A facility's code is checked when it is made, so it is made once.
static KNOWN: std::sync::LazyLock<Actor> = std::sync::LazyLock::new(|| {
    let facility = FacilityCode::new("RSUP-A").into_iter().next().unwrap_or_else(|| std::process::abort());
    Actor { role: Role::Auditor, facility, granted: Purpose::Research, duty_valid: true, training_valid: true }
});

fn actor(role: Role, granted: Purpose) -> Actor {
    let mut known = KNOWN.clone();
    (known.role, known.granted) = (role, granted);
    known
}

fn situation(purpose: Purpose, emergency: bool) -> Situation {
    Situation { purpose, emergency, hour: 9 }
}

const LINKED: Relation = Relation { linked: true, ..Relation::NONE };
const REFERRED: Relation = Relation { referred: true, ..Relation::NONE };
const CONSENTED_SUMMARY: Relation = Relation { consented: true, ..Relation::NONE };
const CONSENTED: Relation = Relation { consented: true, consented_content: true, ..Relation::NONE };

/// Each relation with its letter in the table.
const RELATIONS: [(char, Relation); 6] = [
    ('0', Relation::NONE),
    ('T', Relation::TREATED),
    ('L', LINKED),
    ('R', REFERRED),
    ('S', CONSENTED_SUMMARY),
    ('C', CONSENTED),
];

/// An object that is not labelled (0), labelled by the actor's facility (1), or by another (2).
fn record(relation: Relation, labelled: usize) -> Record {
    let labels = if labelled == 0 { Labels::NONE } else { Labels::NONE.with(Label::Hiv) };
    Record { relation, labels, labelled_here: labelled == 1 }
}

#[cfg(test)]
mod by_hand {
    use super::*;
    use Right::{Correct, Erase, Input, ViewContent, ViewSummary};

    const FIRST: [Right; 5] = [ViewSummary, ViewContent, Input, Correct, Erase];

    /// Columns: view summary, view content, input, correct, erase. `y` allowed, `t` allowed once treated, `-` never.
    fn check(engine: &Engine, granted: Purpose, asked: Purpose, rows: [(Role, &str); 8]) {
        assert_eq!(rows.len(), Role::all().len(), "every role has a row");
        for (role, row) in rows {
            for (right, mark) in FIRST.into_iter().zip(row.split(' ')) {
                for relation in [Relation::NONE, Relation::TREATED] {
                    let decision =
                        engine.decide(&actor(role, granted), right, relation.into(), situation(asked, false));
                    let expected = mark == "y" || (mark == "t" && relation.treated);
                    assert_eq!(
                        decision.is_permit(),
                        expected,
                        "{role:?} {right:?} {relation:?} {granted:?} for {asked:?}: {decision:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn treatment() {
        let engine = Engine::shipped().unwrap();
        for (granted, asked) in [
            (Purpose::Treat, Purpose::Treat),
            (Purpose::Treat, Purpose::EmergencyTreat),
            (Purpose::EmergencyTreat, Purpose::EmergencyTreat),
            (Purpose::HealthcareOperations, Purpose::HealthcareOperations),
        ] {
            let rows = [
                (Role::Clinician, "t t y t -"),
                (Role::Radiographer, "t t y - -"),
                (Role::Laboratory, "t t y - -"),
                (Role::Registrar, "t - y t -"),
                (Role::System, "t t y - -"),
                (Role::Auditor, "- - - - -"),
                (Role::DataProtectionOfficer, "- - - - -"),
                (Role::Administrator, "- - - - -"),
            ];
            check(&engine, granted, asked, rows);
        }
    }

    #[test]
    fn requests_of_patients_public_health_and_administration() {
        let engine = Engine::shipped().unwrap();
        let none = "- - - - -";
        let rows = |clinician, producer, registrar| {
            [
                (Role::Clinician, clinician),
                (Role::Radiographer, producer),
                (Role::Laboratory, producer),
                (Role::Registrar, registrar),
                (Role::System, producer),
                (Role::Auditor, none),
                (Role::DataProtectionOfficer, none),
                (Role::Administrator, none),
            ]
        };
        let same = |purpose, rows| check(&engine, purpose, purpose, rows);
        same(Purpose::PatientRequest, rows("t t y t -", "t t y - -", "t - y t t"));
        same(Purpose::PublicHealth, rows("t t y - -", "t t y - -", "t - y - -"));
        same(Purpose::SystemAdministration, rows("- - y - -", "- - y - -", "- - y - t"));
        same(Purpose::Research, rows(none, none, none));
        same(Purpose::BreakGlass, rows(none, none, none));
    }

    #[test]
    fn what_was_not_granted_or_has_lapsed_opens_nothing() {
        let engine = Engine::shipped().unwrap();
        let covers = |granted, asked| {
            use Purpose::{BreakGlass, EmergencyTreat, Treat};
            granted == asked
                || matches!((granted, asked), (Treat, EmergencyTreat | BreakGlass) | (EmergencyTreat, BreakGlass))
        };
        let every = |each: &dyn Fn(Role, Right)| {
            for (role, _) in Role::all() {
                for (right, _) in Right::all() {
                    each(*role, *right);
                }
            }
        };
        let lapsed =
            |who: &Actor| [Actor { duty_valid: false, ..who.clone() }, Actor { training_valid: false, ..who.clone() }];
        for (granted, _) in Purpose::all() {
            for (asked, _) in Purpose::all() {
                every(&|role, right| {
                    let who = actor(role, *granted);
                    let decide =
                        |who: &Actor| engine.decide(who, right, Relation::TREATED.into(), situation(*asked, true));
                    if !covers(*granted, *asked) {
                        assert!(!decide(&who).is_permit(), "{role:?} {right:?} {granted:?} for {asked:?}");
                    }
                    for lapsed in lapsed(&who) {
                        assert!(!decide(&lapsed).is_permit(), "{role:?} {right:?} {asked:?}");
                    }
                });
            }
        }
    }

    #[test]
    fn whoever_was_referred_or_consented_to_looks_and_hands_nothing_on() {
        let engine = Engine::shipped().unwrap();
        let clinician = actor(Role::Clinician, Purpose::Treat);
        let may = |right, relation: Relation| {
            engine.decide(&clinician, right, relation.into(), situation(Purpose::Treat, false)).is_permit()
        };
        for (relation, summary, content) in [
            (Relation::NONE, false, false),
            (REFERRED, true, true),
            (CONSENTED, true, true),
            (CONSENTED_SUMMARY, true, false),
            (LINKED, true, true),
        ] {
            assert_eq!((may(ViewSummary, relation), may(ViewContent, relation)), (summary, content), "{relation:?}");
            for right in [Correct, Right::Relate, Right::Consent, Right::Label, Right::Export] {
                assert_eq!(may(right, relation), relation == LINKED, "{right:?} {relation:?}");
            }
        }
    }

    #[test]
    fn a_labelled_object_opens_to_clinicians_of_the_facility_that_labelled_it_and_to_the_broken_glass() {
        let engine = Engine::shipped().unwrap();
        for (label, _) in Label::all() {
            for (role, _) in Role::all() {
                for (here, emergency) in [(true, false), (false, false), (true, true), (false, true)] {
                    let purpose = if emergency { Purpose::BreakGlass } else { Purpose::Treat };
                    let record =
                        Record { relation: Relation::TREATED, labels: Labels::NONE.with(*label), labelled_here: here };
                    let decision = engine.decide(
                        &actor(*role, Purpose::Treat),
                        ViewContent,
                        record,
                        situation(purpose, emergency),
                    );
                    let producers = matches!(role, Role::Radiographer | Role::Laboratory | Role::System);
                    let expected = (*role == Role::Clinician && (here || emergency)) || (producers && emergency);
                    assert_eq!(decision.is_permit(), expected, "{label:?} {role:?} {here} {emergency}: {decision:?}");
                }
            }
        }
    }

    #[test]
    fn the_broken_glass_opens_any_patient_to_whoever_declared_it_and_for_nothing_but_looking() {
        let engine = Engine::shipped().unwrap();
        let may = |role, right, purpose, emergency| {
            let who = actor(role, Purpose::Treat);
            engine.decide(&who, right, Relation::NONE.into(), situation(purpose, emergency)).is_permit()
        };
        assert!(may(Role::Clinician, Right::BreakGlass, Purpose::BreakGlass, false));
        assert!(may(Role::Clinician, ViewContent, Purpose::BreakGlass, true));
        assert!(!may(Role::Clinician, ViewContent, Purpose::BreakGlass, false), "it has to be declared");
        assert!(!may(Role::Clinician, ViewContent, Purpose::Treat, true), "and named in every request");
        for right in [Correct, Erase, Right::Export, Right::Relate, Right::Label] {
            assert!(!may(Role::Clinician, right, Purpose::BreakGlass, true), "{right:?}");
        }
        for role in [Role::Registrar, Role::System, Role::Laboratory, Role::Radiographer, Role::Auditor] {
            assert!(!may(role, Right::BreakGlass, Purpose::BreakGlass, false), "{role:?} declares none");
        }
    }
}

/// The relations in which a role has a right, as letters.
fn cell(engine: &Engine, who: &Actor, right: Right, labelled: usize, situation: Situation) -> String {
    let permitted = |relation| engine.decide(who, right, record(relation, labelled), situation).is_permit();
    let letters: String =
        RELATIONS.iter().filter(|(_, relation)| permitted(*relation)).map(|(letter, _)| *letter).collect();
    match letters.len() {
        0 => "-".to_owned(),
        n if n == RELATIONS.len() => "yes".to_owned(),
        _ => letters,
    }
}

fn table(engine: &Engine, purpose: Purpose, emergency: bool, labelled: usize) -> String {
    let rights: Vec<&str> = Right::all().iter().map(|(_, name)| *name).collect();
    let mut table = format!("| role | {} |\n|---|{}\n", rights.join(" | "), "---|".repeat(rights.len()));
    for (role, name) in Role::all() {
        let who = actor(*role, purpose);
        let cells: Vec<String> = Right::all()
            .iter()
            .map(|(right, _)| cell(engine, &who, *right, labelled, situation(purpose, emergency)))
            .collect();
        let _infallible = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    table
}

/// The whole matrix; situations that come to the same share their tables.
fn matrix(engine: &Engine) -> String {
    let mut text = HEAD.to_owned();
    let mut sections: Vec<(Vec<String>, String)> = Vec::new();
    for emergency in [false, true] {
        for (purpose, code) in Purpose::all() {
            let mut tables: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            let names = ["no label", "labelled by the actor's facility", "labelled by another facility"];
            for (labelled, name) in names.iter().enumerate() {
                tables.entry(table(engine, *purpose, emergency, labelled)).or_default().push(name);
            }
            let mut tables: Vec<(Vec<&str>, String)> =
                tables.into_iter().map(|(table, names)| (names, table)).collect();
            tables.sort_by_key(|(these, _)| names.iter().position(|name| these.first() == Some(name)));
            let body: String =
                tables.iter().map(|(names, table)| format!("\n{}:\n\n{table}", names.join("; "))).collect();
            let heading = if emergency { format!("{code}, emergency declared") } else { (*code).to_owned() };
            match sections.iter_mut().find(|(_, other)| *other == body) {
                Some((headings, _)) => headings.push(heading),
                None => sections.push((vec![heading], body)),
            }
        }
    }
    for (headings, body) in sections {
        let _infallible = write!(text, "\n## {}\n{body}", headings.join("; "));
    }
    text
}

const HEAD: &str = "# What the shipped policies allow

Written out by the test `the_matrix_is_what_people_have_reviewed` (with `SEGEL_GOLDEN=1` it writes this file). Whoever changes a rule reads here what
that comes to.

A cell names the relations of the actor's facility to the patient in which the action is allowed: **T** it treats the patient, **L** it treats the
same person under another pseudonym, **R** it was sent a referral that is in force, **C** the patient has consented, **S** the patient has consented
to the summary alone, **0** nothing of that. `yes` is any of them, `-` none. Every label closes alike, so one stands for all. A purpose that was not
granted (TREAT covers ETREAT and BTG, ETREAT covers BTG, every other one itself alone), lapsed duty and lapsed training allow nothing at all.
";

#[test]
fn the_matrix_is_what_people_have_reviewed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/matrix.md");
    let written = matrix(&Engine::shipped().unwrap());
    if std::env::var_os("SEGEL_GOLDEN").is_some() {
        std::fs::write(path, &written).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == reviewed, "policies/matrix.md is not what the rules come to: SEGEL_GOLDEN=1 writes it anew");
}

#[test]
fn a_question_asked_again_costs_next_to_nothing() {
    let engine = Engine::shipped().unwrap();
    let who = actor(Role::Clinician, Purpose::Treat);
    let ask = || engine.decide(&who, Right::ViewSummary, Relation::TREATED.into(), situation(Purpose::Treat, false));
    let timed = |count: u32, each: &dyn Fn()| {
        let start = std::time::Instant::now();
        (0..count).for_each(|_| each());
        start.elapsed() / count
    };
    let evaluated = timed(200, &|| {
        engine.forget();
        assert!(ask().is_permit());
    });
    let remembered = timed(20_000, &|| assert!(ask().is_permit()));
    println!("a decision evaluated takes {evaluated:?}, remembered {remembered:?}");
    assert!(remembered < evaluated / 4, "{remembered:?} is no gain over {evaluated:?}");
}
