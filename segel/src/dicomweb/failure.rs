//! What became of each instance of a store, as the Store Instances Response Module says it (PS3.18 annex I.2).

use crate::outcome::words;
use archive::ingest::{StoreOutcome, Stored};
use archive::object::InstanceFacts;
use axum::http::{HeaderValue, StatusCode};
use record::Outcome;
use serde_json::{Map, Value, json};

/// WarningReason of an instance that is kept already, byte for byte: Duplicate SOP Instance (PS3.7 C.5.7). Its status stays
/// 200, because this is what a sender gets who repeats after a lost answer.
pub const DUPLICATE_WARNING: u64 = 0x0111;
/// WarningReason of an instance whose UID has other bytes already; both are kept. The standard has no number for it: one of
/// the range of warnings that it leaves free.
pub const NEW_VERSION: u64 = 0xB111;
/// Data Set does not match SOP Class (PS3.18 table I.2-2): kept as it came, with a departure from the standard.
const DATA_SET_DEPARTS: u64 = 0xB007;

/// Different reasons that one answer spells out.
const REASONS_MAX: usize = 8;

/// Why an instance was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// SOPClassUID and SOPInstanceUID, if the data set had got that far.
    pub uids: Option<(String, String)>,
    /// The kind.
    pub outcome: Outcome,
    /// For people, in words without patient data.
    pub text: String,
    /// There was no room for it.
    pub out_of_space: bool,
}

/// What became of all instances of one request.
#[derive(Debug, Default)]
pub struct Report {
    referenced: Vec<Value>,
    failed: Vec<Value>,
    unknown: Vec<Value>,
    studies: Vec<String>,
    warned: bool,
    reasons: Vec<String>,
    worst: Option<Outcome>,
    /// There was no room for one of them.
    out_of_space: bool,
}

fn element(vr: &str, value: impl Into<Value>) -> Value {
    json!({"vr": vr, "Value": [value.into()]})
}

fn reference(class: &str, instance: &str) -> Map<String, Value> {
    Map::from_iter([("00081150".to_owned(), element("UI", class)), ("00081155".to_owned(), element("UI", instance))])
}

impl Report {
    /// An instance that is kept.
    pub fn kept(&mut self, stored: &Stored, base: &str) {
        let facts: &InstanceFacts = &stored.facts;
        let mut item = reference(&facts.sop_class_uid, &facts.sop_instance_uid);
        item.insert("00081190".to_owned(), element("UR", super::request::instance_url(base, facts)));
        let warning = match &stored.outcome {
            StoreOutcome::NewVersion(_) => Some(NEW_VERSION),
            StoreOutcome::Duplicate => Some(DUPLICATE_WARNING),
            StoreOutcome::New => (!stored.warnings.is_empty()).then_some(DATA_SET_DEPARTS),
        };
        if let Some(reason) = warning {
            self.warned |= reason != DUPLICATE_WARNING;
            item.insert("00081196".to_owned(), element("US", reason));
        }
        self.referenced.push(Value::Object(item));
        if !self.studies.contains(&facts.study_instance_uid) && self.studies.len() < 2 {
            self.studies.push(facts.study_instance_uid.clone());
        }
    }

    /// An instance that is not.
    pub fn failed(&mut self, failure: Failure) {
        let reason = [("00081197".to_owned(), element("US", words(failure.outcome).c_store))];
        match failure.uids {
            Some((class, instance)) => {
                let mut item = reference(&class, &instance);
                item.extend(reason);
                self.failed.push(Value::Object(item));
            }
            None => self.unknown.push(Value::Object(Map::from_iter(reason))),
        }
        if self.reasons.len() < REASONS_MAX && !self.reasons.contains(&failure.text) {
            self.reasons.push(failure.text);
        }
        self.out_of_space |= failure.out_of_space;
        let rank = |outcome| matches!(outcome, Outcome::Busy | Outcome::Closed);
        if self.worst.is_none_or(|worst| !rank(worst)) {
            self.worst = Some(failure.outcome);
        }
    }

    /// Whether nothing arrived at all.
    pub fn is_empty(&self) -> bool {
        self.referenced.is_empty() && self.failures() == 0
    }

    fn failures(&self) -> usize {
        self.failed.len() + self.unknown.len()
    }

    /// The status (PS3.18 table 10.5.3-1): 200 all kept, 202 some not or with warnings, 409 none. If none was kept because the archive
    /// is short of something, the sender is told to come back.
    pub fn status(&self) -> StatusCode {
        match (self.referenced.is_empty(), self.failures() == 0) {
            (false, true) if !self.warned => StatusCode::OK,
            (false, _) => StatusCode::ACCEPTED,
            // RFC 4918 11.5: the sender may come back when somebody has made room.
            (true, _) if self.out_of_space => StatusCode::INSUFFICIENT_STORAGE,
            (true, _) if matches!(self.worst, Some(Outcome::Busy | Outcome::Closed)) => StatusCode::SERVICE_UNAVAILABLE,
            (true, _) => StatusCode::CONFLICT,
        }
    }

    /// Why instances were not kept, as `Warning` fields say it (RFC 7234 5.5): the response's data set has codes only.
    pub fn warnings(&self) -> impl Iterator<Item = HeaderValue> {
        self.reasons.iter().filter_map(|reason| {
            let plain: String = reason
                .chars()
                .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { ' ' })
                .collect();
            HeaderValue::from_str(&format!("299 segel \"{plain}\"")).ok()
        })
    }

    /// The response's data set.
    pub fn json(self, base: &str) -> Value {
        let mut all = Map::new();
        if let [study] = self.studies.as_slice() {
            all.insert("00081190".to_owned(), element("UR", format!("{base}/studies/{study}")));
        }
        // FailedSOPSequence, ReferencedSOPSequence, OtherFailuresSequence.
        for (tag, items) in [("00081198", self.failed), ("00081199", self.referenced), ("0008119A", self.unknown)] {
            if !items.is_empty() {
                all.insert(tag.to_owned(), json!({"vr": "SQ", "Value": items}));
            }
        }
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(outcome: StoreOutcome, warnings: usize) -> Stored {
        let facts = InstanceFacts {
            study_instance_uid: "1.2".into(),
            series_instance_uid: "1.3".into(),
            sop_instance_uid: "1.4".into(),
            sop_class_uid: "1.5".into(),
            ..InstanceFacts::default()
        };
        Stored { outcome, facts, warnings: vec!["odd".into(); warnings] }
    }

    fn failure(outcome: Outcome) -> Failure {
        Failure { uids: Some(("1.5".into(), "1.6".into())), outcome, text: "no".into(), out_of_space: false }
    }

    #[test]
    fn the_status_tells_all_some_or_none() {
        use Outcome::{Busy, Invalid, Refused};
        use StoreOutcome::{Duplicate, New, NewVersion};
        for (kept, failed, status) in [
            (vec![(New, 0)], vec![], 200),
            (vec![(Duplicate, 0)], vec![], 200),
            (vec![(New, 1)], vec![], 202),
            (vec![(NewVersion(2), 0)], vec![], 202),
            (vec![(New, 0)], vec![Invalid], 202),
            (vec![], vec![Invalid, Refused], 409),
            (vec![], vec![Invalid, Busy, Refused], 503),
        ] {
            let mut report = Report::default();
            kept.iter().for_each(|(outcome, warnings)| report.kept(&stored(*outcome, *warnings), "b"));
            failed.iter().for_each(|outcome| report.failed(failure(*outcome)));
            assert_eq!(report.status(), status, "{kept:?} {failed:?}");
        }
    }

    #[test]
    fn the_report_names_each_instance_with_its_reason() {
        let mut report = Report::default();
        report.kept(&stored(StoreOutcome::NewVersion(2), 0), "http://h/dicom-web");
        report.failed(failure(Outcome::Invalid));
        report.failed(Failure { uids: None, outcome: Outcome::Busy, text: "a \"reason\"".into(), out_of_space: false });
        let said: Vec<_> = report.warnings().collect();
        assert_eq!(said, ["299 segel \"no\"", "299 segel \"a  reason \""]);
        let json = report.json("http://h/dicom-web");
        assert_eq!(json["00081190"]["Value"][0], "http://h/dicom-web/studies/1.2");
        let kept = &json["00081199"]["Value"][0];
        assert_eq!(kept["00081155"]["Value"][0], "1.4");
        assert_eq!(kept["00081190"]["Value"][0], "http://h/dicom-web/studies/1.2/series/1.3/instances/1.4");
        assert_eq!(kept["00081196"]["Value"][0], NEW_VERSION);
        assert_eq!(json["00081198"]["Value"][0]["00081197"]["Value"][0], 0xC000);
        assert_eq!(json["0008119A"]["Value"][0]["00081197"]["Value"][0], 0xA700);
    }
}
