//! Rules that fail, sets that are not taken, and the one question that is asked a hundred times.

use super::*;
use crate::Relation;
use record::limits::{POLICIES_MAX, POLICY_FILES_MAX, POLICY_NAME_BYTES_MAX, POLICY_TEXT_BYTES_MAX};
use record::{FacilityCode, Label, Labels, Outcome, Role};

fn actor(role: Role) -> Actor {
    let facility = FacilityCode::new("RSUP-A").unwrap();
    Actor { role, facility, granted: Purpose::Treat, duty_valid: true, training_valid: true }
}

const NOON: Situation = Situation { purpose: Purpose::Treat, emergency: false, hour: 12 };

const EVERYTHING: &str = r#"@id("all") permit (principal is Segel::Actor, action, resource is Segel::Record);"#;

fn with(rule: &str) -> Result<Engine> {
    Engine::from_texts(&[("all.cedar", EVERYTHING), ("more.cedar", rule)])
}

#[test]
fn a_forbidding_rule_that_fails_denies_where_cedar_would_have_permitted() {
    let rule = r#"@id("late") @reason("policy")
        forbid (principal is Segel::Actor, action, resource is Segel::Record)
        when { context.hour + 9223372036854775807 > 0 };"#;
    let engine = with(rule).unwrap();
    let (clinician, record) = (actor(Role::Clinician), Record::from(Relation::TREATED));
    let question = Question { actor: clinician.clone(), right: Right::ViewContent, record, situation: NOON };
    let (request, entities) = engine.names.request(&engine.schema, &question).unwrap();
    let cedars = engine.authorizer.is_authorized(&request, &engine.policies, &entities);
    assert_eq!(cedars.decision(), cedar_policy::Decision::Allow, "Cedar skips what fails");
    assert_eq!(cedars.diagnostics().errors().count(), 1);
    let decision = engine.decide(&clinician, Right::ViewContent, record, NOON);
    assert_eq!(decision, Decision::Deny(Reason::Policy));
    // At the hour at which nothing overflows the rule is as good as any.
    let midnight = Situation { hour: 0, ..NOON };
    assert_eq!(engine.decide(&clinician, Right::ViewContent, record, midnight), Decision::Deny(Reason::Policy));
    assert!(
        with(&rule.replace("9223372036854775807 > 0", "0 > 100"))
            .unwrap()
            .decide(&clinician, Right::ViewContent, record, NOON)
            .is_permit()
    );
}

#[test]
fn a_permitting_rule_that_fails_denies_although_another_permits() {
    let rule = r#"@id("early")
        permit (principal is Segel::Actor, action, resource is Segel::Record)
        when { context.hour + 9223372036854775807 > 0 };"#;
    let decision = with(rule).unwrap().decide(&actor(Role::Clinician), Right::Input, Record::default(), NOON);
    assert_eq!(decision, Decision::Deny(Reason::Policy));
}

#[test]
fn a_set_with_a_mistake_is_not_taken() {
    let scope = "(principal is Segel::Actor, action, resource is Segel::Record)";
    for (rule, what) in [
        ("permit (principal, action, resource".to_owned(), "unfinished"),
        (format!("permit {scope};"), "no @id"),
        (format!(r#"@id("all") permit {scope};"#), "an @id that another file has"),
        (format!(r#"@id("x") forbid {scope};"#), "no @reason"),
        (format!(r#"@id("x") @reason("mood") forbid {scope};"#), "a @reason that is none"),
        (format!(r#"@id("x") @reason("policy") permit {scope};"#), "a @reason of a permit"),
        (format!(r#"@id("x") permit {scope} when {{ principal.age > 3 }};"#), "an attribute that nobody has"),
        (format!(r#"@id("x") permit {scope} when {{ principal.role == "clinician" }};"#), "a role that is text"),
        (
            format!(r#"@id("x") permit {scope} when {{ principal.role == Segel::Role::"clinican" }};"#),
            "a misspelt role",
        ),
        (
            r#"@id("x") permit (principal is Segel::Actor, action == Segel::Action::"peek", resource);"#.to_owned(),
            "no action",
        ),
        (format!(r#"@id("x") permit {scope} when {{ context.hour > 3 && false }};"#), "a rule that never applies"),
        (r#"@id("x") permit (principal == ?principal, action, resource);"#.to_owned(), "a template"),
    ] {
        let error = with(&rule).err().unwrap_or_else(|| panic!("{what} was taken"));
        assert_eq!(error.outcome(), Outcome::Invalid, "{what}");
        assert!(!error.to_string().is_empty());
    }
    assert!(with(r#"@id("x") permit (principal is Segel::Actor, action, resource is Segel::Record);"#).is_ok());
}

#[test]
fn a_set_reaches_its_limits_and_does_not_pass_them() {
    let rule =
        |n: usize| format!("@id(\"{n}\") permit (principal is Segel::Actor, action, resource is Segel::Record);");
    let rules = |count: usize| (0..count).map(rule).collect::<String>();
    assert!(Engine::from_texts(&[("a.cedar", rules(POLICIES_MAX))]).is_ok());
    assert!(Engine::from_texts(&[("a.cedar", rules(POLICIES_MAX + 1))]).is_err());
    let padded = |bytes: usize| format!("{}//{}", rule(0), "x".repeat(bytes - rule(0).len() - 2));
    assert!(Engine::from_texts(&[("a.cedar", padded(POLICY_TEXT_BYTES_MAX))]).is_ok());
    assert!(Engine::from_texts(&[("a.cedar", padded(POLICY_TEXT_BYTES_MAX + 1))]).is_err());
    let files = |count: usize| (0..count).map(|n| (format!("f{n}.cedar"), rule(n))).collect::<Vec<_>>();
    assert!(Engine::from_texts(&files(POLICY_FILES_MAX)).is_ok());
    assert!(Engine::from_texts(&files(POLICY_FILES_MAX + 1)).is_err());
    assert!(Engine::from_texts(&files(0)).is_err());
    let named = |bytes: usize| Engine::from_texts(&[(format!("{}.cedar", "n".repeat(bytes)), rule(0))]);
    assert!(named(POLICY_NAME_BYTES_MAX).is_ok() && named(POLICY_NAME_BYTES_MAX + 1).is_err() && named(0).is_err());
    for name in ["../a.cedar", "A.cedar", "a", "a.cedar\n"] {
        assert!(Engine::from_texts(&[(name, rule(0))]).is_err(), "{name:?}");
    }
    assert!(Engine::from_texts(&[("a.cedar", rule(0)), ("a.cedar", rule(1))]).is_err());
}

#[test]
fn the_digest_is_of_the_texts_and_not_of_their_order() {
    let (one, other) = (("a.cedar", EVERYTHING), ("b.cedar", "// nothing\n"));
    let digest = |texts: &[(&str, &str)]| Engine::from_texts(texts).unwrap().digest();
    assert_eq!(digest(&[one, other]), digest(&[other, one]));
    assert_ne!(digest(&[one, other]), digest(&[one]));
    assert_ne!(digest(&[one, other]), digest(&[one, ("b.cedar", "// nothing\n\n")]));
    assert_ne!(digest(&[one, other]), digest(&[("c.cedar", one.1), other]));
    assert_eq!(Engine::shipped().unwrap().digest_hex().len(), 64);
}

#[test]
fn the_table_of_decisions_has_an_end() {
    let engine = Engine::from_texts(&[("all.cedar", EVERYTHING)]).unwrap();
    let many = |n: u32| Actor { facility: FacilityCode::new(&format!("F{n}")).unwrap(), ..actor(Role::Clinician) };
    let fill = DECISIONS_REMEMBERED_MAX - engine.decided.lock().unwrap().len();
    let question = |n: usize| Question {
        actor: many(u32::try_from(n).unwrap()),
        right: Right::Input,
        record: Record::default(),
        situation: NOON,
    };
    engine.decided.lock().unwrap().extend((1..fill).map(|n| (question(n), Decision::Permit)));
    assert!(engine.decide(&many(0), Right::Input, Record::default(), NOON).is_permit());
    assert_eq!(engine.decided.lock().unwrap().len(), DECISIONS_REMEMBERED_MAX);
    assert!(engine.decide(&many(u32::MAX), Right::Input, Record::default(), NOON).is_permit());
    assert_eq!(engine.decided.lock().unwrap().len(), 1);
}

#[test]
fn the_reason_names_the_first_thing_missing() {
    let engine = Engine::shipped().unwrap();
    let reason = |actor: &Actor, right, relation: Relation, labels, purpose| {
        let record = Record { relation, labels, labelled_here: false };
        engine.decide(actor, right, record, Situation { purpose, ..NOON })
    };
    let (none, hiv) = (Labels::NONE, Labels::NONE.with(Label::Hiv));
    let clinician = actor(Role::Clinician);
    let lapsed = Actor { training_valid: false, ..clinician.clone() };
    let off_duty = Actor { duty_valid: false, ..clinician.clone() };
    let deny = Decision::Deny;
    for (who, right, relation, labels, purpose, expected) in [
        (&lapsed, Right::Erase, Relation::NONE, hiv, Purpose::Treat, deny(Reason::Lapsed)),
        (&off_duty, Right::ViewSummary, Relation::TREATED, none, Purpose::Treat, deny(Reason::Lapsed)),
        (&clinician, Right::Erase, Relation::NONE, none, Purpose::Treat, deny(Reason::Role)),
        (&clinician, Right::ViewContent, Relation::NONE, hiv, Purpose::Research, deny(Reason::Purpose)),
        (&clinician, Right::ViewContent, Relation::NONE, hiv, Purpose::Treat, deny(Reason::Relation)),
        (&clinician, Right::ViewContent, Relation::TREATED, hiv, Purpose::Treat, deny(Reason::Label)),
        (&clinician, Right::ViewContent, Relation::TREATED, none, Purpose::Treat, Decision::Permit),
    ] {
        assert_eq!(reason(who, right, relation, labels, purpose), expected, "{right:?} {purpose:?}");
    }
}

#[test]
fn all_who_may_see_lists_or_put_in_search_for_what_they_were_granted() {
    let engine = Engine::shipped().unwrap();
    for (role, _) in Role::all() {
        let may = !matches!(role, Role::Auditor | Role::DataProtectionOfficer | Role::Administrator);
        assert_eq!(engine.may_search(&actor(*role), NOON), may, "{role:?}");
        let other = Situation { purpose: Purpose::PublicHealth, ..NOON };
        assert!(!engine.may_search(&actor(*role), other), "{role:?}");
        let research = Actor { granted: Purpose::Research, ..actor(*role) };
        assert!(!engine.may_search(&research, Situation { purpose: Purpose::Research, ..NOON }), "{role:?}");
    }
    let glass = Situation { purpose: Purpose::BreakGlass, ..NOON };
    assert!(engine.may_search(&actor(Role::Clinician), glass));
}
