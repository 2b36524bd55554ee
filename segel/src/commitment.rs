//! What storage commitment says, at every door (PS3.4 Annex J, PS3.18 13): a list of instances asked about, and what is
//! kept of them. Both are DICOM JSON here; the DIMSE door turns them into data sets.

pub mod awaited;
pub mod pending;

use anyhow::{Result, bail};
use archive::retrieve::{Commitment, Reference};
use record::limits::COMMITMENT_REFERENCES_MAX;
use serde_json::{Map, Value, json};
use wire::uid::is_uid;

/// TransactionUID.
const TRANSACTION_UID: &str = "00081195";
/// FailedSOPSequence.
const FAILED_SOP_SEQUENCE: &str = "00081198";
/// ReferencedSOPSequence.
const REFERENCED_SOP_SEQUENCE: &str = "00081199";
/// ReferencedSOPClassUID.
const REFERENCED_SOP_CLASS_UID: &str = "00081150";
/// ReferencedSOPInstanceUID.
const REFERENCED_SOP_INSTANCE_UID: &str = "00081155";
/// FailureReason.
const FAILURE_REASON: &str = "00081197";

/// FailureReason (PS3.3 C.14.1.1): no such object instance.
pub const NO_SUCH_OBJECT_INSTANCE: u16 = 0x0112;
/// FailureReason: class / instance conflict.
pub const CLASS_INSTANCE_CONFLICT: u16 = 0x0119;

/// EventTypeID (PS3.4 J.3.3): everything is committed.
pub const SUCCESSFUL: u16 = 1;
/// EventTypeID: something is not.
pub const FAILURES_EXIST: u16 = 2;

/// A request for commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// TransactionUID; at the DICOMweb door the path has it.
    pub transaction: Option<String>,
    /// What is asked about.
    pub references: Vec<Reference>,
}

/// What a peer reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// TransactionUID.
    pub transaction: String,
    /// Instances that are committed.
    pub committed: Vec<String>,
    /// Instances that are not, and why.
    pub failed: Vec<(String, u16)>,
}

/// Reads a request.
pub fn parse(body: &Value) -> Result<Asked> {
    let Some(items) = body.pointer(&format!("/{REFERENCED_SOP_SEQUENCE}/Value")).and_then(Value::as_array) else {
        bail!("a request for commitment has a ReferencedSOPSequence");
    };
    if items.is_empty() || items.len() > COMMITMENT_REFERENCES_MAX {
        bail!("a request for commitment names 1 to {COMMITMENT_REFERENCES_MAX} instances");
    }
    let references =
        items.iter().map(|item| match (uid(item, REFERENCED_SOP_CLASS_UID), uid(item, REFERENCED_SOP_INSTANCE_UID)) {
            (sop_class_uid, Some(sop_instance_uid)) => Ok(Reference { sop_class_uid, sop_instance_uid }),
            _ => bail!("a reference without a ReferencedSOPInstanceUID"),
        });
    Ok(Asked { transaction: uid(body, TRANSACTION_UID), references: references.collect::<Result<_>>()? })
}

/// What is asked of a peer.
pub fn request(transaction: &str, references: &[(String, String)]) -> Value {
    let items = references.iter().map(|(sop_class, instance)| Value::Object(reference(Some(sop_class), instance)));
    json!({
        TRANSACTION_UID: of_uid(transaction),
        REFERENCED_SOP_SEQUENCE: {"vr": "SQ", "Value": items.collect::<Vec<_>>()},
    })
}

/// The report of what was looked up, and its EventTypeID.
pub fn report(transaction: &str, references: &[Reference], found: &[Commitment]) -> (u16, Value) {
    let (mut committed, mut failed) = (Vec::new(), Vec::new());
    for (asked, found) in references.iter().zip(found) {
        let mut item = reference(asked.sop_class_uid.as_deref(), &asked.sop_instance_uid);
        let reason = match found {
            Commitment::Committed => {
                committed.push(Value::Object(item));
                continue;
            }
            Commitment::NoSuchInstance => NO_SUCH_OBJECT_INSTANCE,
            Commitment::OtherSopClass => CLASS_INSTANCE_CONFLICT,
        };
        item.insert(FAILURE_REASON.to_owned(), json!({"vr": "US", "Value": [reason]}));
        failed.push(Value::Object(item));
    }
    let event = if failed.is_empty() { SUCCESSFUL } else { FAILURES_EXIST };
    let mut body = Map::new();
    body.insert(TRANSACTION_UID.to_owned(), of_uid(transaction));
    // PS3.4 Table J.3-2: each sequence is there if it has items.
    for (key, items) in [(FAILED_SOP_SEQUENCE, failed), (REFERENCED_SOP_SEQUENCE, committed)] {
        if !items.is_empty() {
            body.insert(key.to_owned(), json!({"vr": "SQ", "Value": items}));
        }
    }
    (event, Value::Object(body))
}

/// Reads a report; `None` if it names no transaction.
pub fn reported(body: &Value) -> Option<Reported> {
    let items =
        |key: &str| body.pointer(&format!("/{key}/Value")).and_then(Value::as_array).cloned().unwrap_or_default();
    let reason = |item: &Value| {
        let code = item.pointer(&format!("/{FAILURE_REASON}/Value/0")).and_then(Value::as_u64);
        code.and_then(|code| u16::try_from(code).ok()).unwrap_or_default()
    };
    Some(Reported {
        transaction: uid(body, TRANSACTION_UID)?,
        committed: items(REFERENCED_SOP_SEQUENCE)
            .iter()
            .filter_map(|item| uid(item, REFERENCED_SOP_INSTANCE_UID))
            .collect(),
        failed: items(FAILED_SOP_SEQUENCE)
            .iter()
            .filter_map(|item| Some((uid(item, REFERENCED_SOP_INSTANCE_UID)?, reason(item))))
            .collect(),
    })
}

fn reference(sop_class: Option<&str>, instance: &str) -> Map<String, Value> {
    let mut item = Map::new();
    if let Some(sop_class) = sop_class {
        item.insert(REFERENCED_SOP_CLASS_UID.to_owned(), of_uid(sop_class));
    }
    item.insert(REFERENCED_SOP_INSTANCE_UID.to_owned(), of_uid(instance));
    item
}

fn of_uid(uid: &str) -> Value {
    json!({"vr": "UI", "Value": [uid]})
}

fn uid(item: &Value, key: &str) -> Option<String> {
    let text = item.pointer(&format!("/{key}/Value/0"))?.as_str()?.trim_matches(['\0', ' ']);
    is_uid(text).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_is_not_is_reported_apart() {
        let asked = request(
            "2.25.1",
            &[("1.2".into(), "1.1".into()), ("1.2".into(), "1.2".into()), ("1.3".into(), "1.3".into())],
        );
        let parsed = parse(&asked).unwrap();
        assert_eq!(parsed.transaction.as_deref(), Some("2.25.1"));
        let found = [Commitment::Committed, Commitment::NoSuchInstance, Commitment::OtherSopClass];
        let (event, body) = report("2.25.1", &parsed.references, &found);
        assert_eq!(event, FAILURES_EXIST);
        let read = reported(&body).unwrap();
        assert_eq!(read.committed, ["1.1"]);
        assert_eq!(read.failed, [("1.2".to_owned(), 0x0112), ("1.3".to_owned(), 0x0119)]);
        let (event, body) = report("2.25.1", &parsed.references[..1], &found[..1]);
        assert_eq!((event, body.get(FAILED_SOP_SEQUENCE)), (SUCCESSFUL, None));
    }

    #[test]
    fn the_number_of_instances_is_reached_and_passed_by_one() {
        let references = |count: usize| vec![("1.2".to_owned(), "1.3".to_owned()); count];
        assert!(parse(&request("1.2", &references(COMMITMENT_REFERENCES_MAX))).is_ok());
        assert!(parse(&request("1.2", &references(COMMITMENT_REFERENCES_MAX + 1))).is_err());
        assert!(parse(&request("1.2", &[])).is_err());
        assert!(parse(&json!({})).is_err() && parse(&json!({REFERENCED_SOP_SEQUENCE: {"Value": [{}]}})).is_err());
    }
}
