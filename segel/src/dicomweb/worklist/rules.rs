//! What a workitem must have when it is created, may be given later, and must have at its end: PS3.4 Table CC.2.5-3 as data.

use super::state::State;
use crate::worklist::Attributes;
use serde_json::{Map, Value};

/// What a creation must say of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCreation {
    /// Type 1: a value.
    Valued,
    /// Type 2: it is there, if need be empty. It is added empty to a workitem that comes without it.
    Present,
    /// "Shall be empty".
    Empty,
    /// Not in the request: the archive sets it.
    Ours,
}

/// What the end wants (PS3.4 Table CC.2.5-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// R: a value in both final states.
    Always,
    /// P: a value to be COMPLETED.
    Completed,
    /// X: a value to be CANCELED.
    Canceled,
    /// O: nothing.
    Nothing,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// `GGGGEEEE`.
    pub tag: &'static str,
    vr: &'static str,
    name: &'static str,
    created: AtCreation,
    /// Whether an update may name it.
    pub updated: bool,
    ended: AtEnd,
}

use AtCreation::{Empty, Ours, Present, Valued};
use AtEnd::{Always, Canceled, Completed, Nothing};

const fn rule(
    tag: &'static str,
    vr: &'static str,
    name: &'static str,
    created: AtCreation,
    updated: bool,
    ended: AtEnd,
) -> Rule {
    Rule { tag, vr, name, created, updated, ended }
}

/// The rows of the table that say more than "optional".
#[rustfmt::skip]
pub const RULES: [Rule; 33] = [
    rule("00080016", "UI", "SOPClassUID", Ours, false, Always),
    rule("00080018", "UI", "SOPInstanceUID", Ours, false, Always),
    rule("00741200", "CS", "ScheduledProcedureStepPriority", Valued, true, Always),
    rule("00404010", "DT", "ScheduledProcedureStepModificationDateTime", Ours, true, Always),
    rule("00741204", "LO", "ProcedureStepLabel", Valued, true, Nothing),
    rule("00741202", "LO", "WorklistLabel", Present, true, Nothing),
    rule("00741210", "SQ", "ScheduledProcessingParametersSequence", Present, true, Nothing),
    rule("00404025", "SQ", "ScheduledStationNameCodeSequence", Present, true, Nothing),
    rule("00404026", "SQ", "ScheduledStationClassCodeSequence", Present, true, Nothing),
    rule("00404027", "SQ", "ScheduledStationGeographicLocationCodeSequence", Present, true, Nothing),
    rule("00404005", "DT", "ScheduledProcedureStepStartDateTime", Valued, true, Always),
    rule("00404018", "SQ", "ScheduledWorkitemCodeSequence", Present, true, Nothing),
    rule("00400400", "LT", "CommentsOnTheScheduledProcedureStep", Present, true, Nothing),
    rule("00404041", "CS", "InputReadinessState", Valued, true, Always),
    rule("00404021", "SQ", "InputInformationSequence", Present, true, Nothing),
    rule("00100010", "PN", "PatientName", Present, false, Nothing),
    rule("00100020", "LO", "PatientID", Present, false, Nothing),
    rule("00101002", "SQ", "OtherPatientIDsSequence", Present, true, Nothing),
    rule("00100030", "DA", "PatientBirthDate", Present, false, Nothing),
    rule("00100040", "CS", "PatientSex", Present, false, Nothing),
    rule("00380010", "LO", "AdmissionID", Present, false, Nothing),
    rule("00380014", "SQ", "IssuerOfAdmissionIDSequence", Present, false, Nothing),
    rule("00081080", "LO", "AdmittingDiagnosesDescription", Present, false, Nothing),
    rule("00081084", "SQ", "AdmittingDiagnosesCodeSequence", Present, false, Nothing),
    rule("0040A370", "SQ", "ReferencedRequestSequence", Present, false, Nothing),
    rule("00741000", "CS", "ProcedureStepState", Ours, false, Always),
    rule("00741002", "SQ", "ProcedureStepProgressInformationSequence", Empty, true, Canceled),
    rule("00741216", "SQ", "UnifiedProcedureStepPerformedProcedureSequence", Empty, true, Completed),
    rule("00081195", "UI", "TransactionUID", Empty, false, Nothing),
    // IssuerOfPatientID and its qualifiers stand with PatientID (Table CC.2.5-2e): whose the workitem is does not change.
    rule("00100021", "LO", "IssuerOfPatientID", Ours, false, Nothing),
    rule("00100024", "SQ", "IssuerOfPatientIDQualifiersSequence", Ours, false, Nothing),
    rule("00100022", "CS", "TypeOfPatientID", Ours, false, Nothing),
    rule("00741224", "SQ", "ReplacedProcedureStepSequence", Ours, false, Nothing),
];

/// Rows inside the one item of a sequence, for the end.
#[rustfmt::skip]
const WITHIN: [(&str, &str, &str, AtEnd); 7] = [
    ("00741002", "00404052", "ProcedureStepCancellationDateTime", Canceled),
    ("00741002", "0074100E", "ProcedureStepDiscontinuationReasonCodeSequence", Canceled),
    ("00741216", "00404028", "PerformedStationNameCodeSequence", Completed),
    ("00741216", "00404050", "PerformedProcedureStepStartDateTime", Completed),
    ("00741216", "00404019", "PerformedWorkitemCodeSequence", Completed),
    ("00741216", "00404051", "PerformedProcedureStepEndDateTime", Completed),
    ("00741216", "00404033", "OutputInformationSequence", Completed),
];

/// Without relevant output this one may be empty, but must be there.
const MAY_BE_EMPTY: &str = "00404033";

/// Enumerated values that a workitem is created with or given.
const ENUMERATED: [(&str, &[&str]); 2] =
    [("00741200", &["HIGH", "MEDIUM", "LOW"]), ("00404041", &["INCOMPLETE", "UNAVAILABLE", "READY"])];

fn values(element: Option<&Value>) -> &[Value] {
    element.and_then(|element| element.get("Value")).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether an attribute has a value.
pub fn is_valued(data_set: &Map<String, Value>, tag: &str) -> bool {
    values(data_set.get(tag)).iter().any(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    })
}

/// Holds a new workitem against the table, and adds what may be empty; whether anything was added. An error names the
/// attribute.
pub fn create(data_set: &mut Map<String, Value>) -> Result<bool, String> {
    let mut added = false;
    for rule in &RULES {
        match rule.created {
            Valued if !is_valued(data_set, rule.tag) => return Err(format!("{} needs a value.", rule.name)),
            Empty if is_valued(data_set, rule.tag) => {
                return Err(format!("{} of a new workitem is empty.", rule.name));
            }
            // The lock is never shown, so it is not kept empty either.
            Present | Empty if rule.tag != "00081195" && !data_set.contains_key(rule.tag) => {
                data_set.insert(rule.tag.to_owned(), serde_json::json!({"vr": rule.vr}));
                added |= rule.created == Present;
            }
            Valued | Present | Empty | Ours => {}
        }
    }
    enumerated(data_set)?;
    Ok(added)
}

/// Holds an update against the table. An error names the attribute.
pub fn update(changes: &Map<String, Value>) -> Result<(), String> {
    for rule in RULES.iter().filter(|rule| changes.contains_key(rule.tag)) {
        if !rule.updated {
            return Err(format!("{} cannot be changed.", rule.name));
        }
        if rule.created == Valued && !is_valued(changes, rule.tag) {
            return Err(format!("{} needs a value.", rule.name));
        }
    }
    enumerated(changes)
}

fn enumerated(data_set: &Map<String, Value>) -> Result<(), String> {
    for (tag, allowed) in ENUMERATED {
        let known = |value: &Value| value.as_str().is_some_and(|text| allowed.contains(&text.trim()));
        if !values(data_set.get(tag)).iter().all(known) {
            return Err(format!("{} is one of {}.", name(tag), allowed.join(", ")));
        }
    }
    Ok(())
}

fn name(tag: &str) -> &'static str {
    RULES.iter().find(|rule| rule.tag == tag).map_or("the attribute", |rule| rule.name)
}

/// The attributes that are missing for a final state.
pub fn missing(data_set: &Map<String, Value>, into: State) -> Vec<&'static str> {
    let wanted = |ended: AtEnd| match ended {
        Always => true,
        Completed => into == State::Completed,
        Canceled => into == State::Canceled,
        Nothing => false,
    };
    let top = RULES.iter().filter(|rule| wanted(rule.ended) && !is_valued(data_set, rule.tag)).map(|rule| rule.name);
    let within = WITHIN.iter().filter(|(sequence, tag, _, ended)| {
        let item = values(data_set.get(*sequence)).first().and_then(Value::as_object);
        let is_there = |item: &Map<String, Value>| {
            if *tag == MAY_BE_EMPTY { item.contains_key(*tag) } else { is_valued(item, tag) }
        };
        wanted(*ended) && !item.is_some_and(is_there)
    });
    top.chain(within.map(|(_, _, name, _)| *name)).collect()
}

/// Fills in when a workitem was canceled, if the performer has not said it: "the SCP shall fill it with the current time".
/// A `reason` is given for what the archive itself cancels, before anybody has claimed it.
pub fn cancel(data_set: &mut Map<String, Value>, now: &str, reason: Option<Attributes>) {
    let sequence = data_set.entry("00741002").or_insert_with(|| serde_json::json!({"vr": "SQ"}));
    if values(Some(sequence)).first().and_then(Value::as_object).is_none() {
        *sequence = serde_json::json!({"vr": "SQ", "Value": [{}]});
    }
    let Some(item) = sequence.pointer_mut("/Value/0").and_then(Value::as_object_mut) else { return };
    if !is_valued(item, "00404052") {
        item.insert("00404052".to_owned(), serde_json::json!({"vr": "DT", "Value": [now]}));
    }
    if let Some(reason) = reason {
        item.extend(reason.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn new() -> Map<String, Value> {
        json!({
            "00741200": {"vr": "CS", "Value": ["HIGH"]},
            "00741204": {"vr": "LO", "Value": ["Baca CT"]},
            "00404005": {"vr": "DT", "Value": ["20261122080000"]},
            "00404041": {"vr": "CS", "Value": ["READY"]},
        })
        .as_object()
        .unwrap()
        .clone()
    }

    fn claimed() -> Map<String, Value> {
        let mut item = new();
        create(&mut item).unwrap();
        for (tag, vr, text) in [
            ("00080016", "UI", "1.2"),
            ("00080018", "UI", "1.2"),
            ("00404010", "DT", "20261122"),
            ("00741000", "CS", "IN PROGRESS"),
        ] {
            item.insert(tag.to_owned(), json!({"vr": vr, "Value": [text]}));
        }
        item
    }

    #[test]
    fn a_creation_needs_its_type_1_and_is_given_its_type_2() {
        for rule in RULES.iter().filter(|rule| rule.created == Valued) {
            let mut item = new();
            item.remove(rule.tag);
            assert!(create(&mut item).unwrap_err().contains(rule.name));
            item.insert(rule.tag.to_owned(), json!({"vr": rule.vr, "Value": [""]}));
            assert!(create(&mut item).is_err(), "{}", rule.name);
        }
        for rule in RULES.iter().filter(|rule| rule.created == Empty) {
            let mut item = new();
            item.insert(rule.tag.to_owned(), json!({"vr": rule.vr, "Value": [{"00100010": {"vr": "PN"}}]}));
            assert!(create(&mut item).is_err(), "{}", rule.name);
        }
        let mut item = new();
        assert_eq!(create(&mut item), Ok(true));
        assert!(RULES.iter().filter(|rule| rule.created == Present).all(|rule| item.contains_key(rule.tag)));
        assert!(!item.contains_key("00081195"));
        assert_eq!(create(&mut item), Ok(false), "nothing is added twice");
        item.insert("00741200".to_owned(), json!({"vr": "CS", "Value": ["URGENT"]}));
        assert!(create(&mut item).is_err());
    }

    #[test]
    fn an_update_changes_neither_whose_nor_the_state() {
        for rule in RULES.iter().filter(|rule| !rule.updated) {
            let changes = Map::from_iter([(rule.tag.to_owned(), json!({"vr": rule.vr}))]);
            assert!(update(&changes).unwrap_err().contains(rule.name));
        }
        let blank = Map::from_iter([("00741204".to_owned(), json!({"vr": "LO"}))]);
        assert!(update(&blank).is_err());
        assert_eq!(update(&new()), Ok(()));
    }

    #[test]
    fn each_row_of_the_final_state_column_is_wanted_in_its_state() {
        let mut item = claimed();
        let performed = json!({
            "00404028": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["S"]}}]},
            "00404050": {"vr": "DT", "Value": ["20261122080000"]},
            "00404019": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["W"]}}]},
            "00404051": {"vr": "DT", "Value": ["20261122090000"]},
            "00404033": {"vr": "SQ"},
        });
        assert!(missing(&item, State::Completed).contains(&"UnifiedProcedureStepPerformedProcedureSequence"));
        item.insert("00741216".to_owned(), json!({"vr": "SQ", "Value": [performed]}));
        assert_eq!(missing(&item, State::Completed), Vec::<&str>::new());
        for rule in RULES.iter().filter(|rule| matches!(rule.ended, Always | Completed)) {
            let mut without = item.clone();
            without.remove(rule.tag);
            assert!(missing(&without, State::Completed).contains(&rule.name), "{}", rule.name);
            assert_eq!(missing(&without, State::Canceled).contains(&rule.name), rule.ended == Always);
        }
        for (sequence, tag, name, ended) in WITHIN {
            let mut without = item.clone();
            if ended == Completed {
                without[sequence]["Value"][0].as_object_mut().unwrap().remove(tag);
                assert_eq!(missing(&without, State::Completed), [name]);
            } else {
                assert!(missing(&without, State::Canceled).contains(&name));
            }
        }
    }

    #[test]
    fn a_cancellation_has_its_time_and_a_performer_says_the_reason() {
        let mut item = claimed();
        cancel(&mut item, "20261122100000", None);
        assert_eq!(missing(&item, State::Canceled), ["ProcedureStepDiscontinuationReasonCodeSequence"]);
        let mut reason = Attributes::default();
        let mut code = Attributes::default();
        code.text("00080100", "SH", "110513");
        reason.items("0074100E", vec![code]);
        cancel(&mut item, "20261122110000", Some(reason));
        assert_eq!(missing(&item, State::Canceled), Vec::<&str>::new());
        assert_eq!(
            item["00741002"]["Value"][0]["00404052"]["Value"][0], "20261122100000",
            "the performer's time stays"
        );
    }
}
