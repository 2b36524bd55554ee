//! A workitem as it is kept.

use super::Request;
use super::answer::Failure;
use super::state::{Lock, State};
use archive::ingest::{ResourceDraft, Subject, national};
use archive::terms;
use record::limits::WORKITEM_SUMMARY_BYTES_MAX;
use record::{FacilityCode, Identifier, Term, Version};
use serde_json::{Map, Value, json};

use crate::worklist::element;

/// The resource type of workitems.
pub const WORKITEM: &str = "Workitem";
/// UPS Push: the class of every workitem (PS3.4 CC.2.5.1.3.1).
pub const SOP_CLASS_UID: &str = "1.2.840.10008.5.1.4.34.6.1";

pub const TRANSACTION_UID: &str = "00081195";
pub const STATE: &str = "00741000";
pub const START: &str = "00404005";
pub const MODIFIED: &str = "00404010";
const PATIENT_ID: &str = "00100020";
const ISSUER_OF_PATIENT_ID: &str = "00100021";
const REFERENCED_REQUEST: &str = "0040A370";

/// A workitem, opened.
pub struct Workitem {
    /// All of it, the Transaction UID included.
    pub data_set: Map<String, Value>,
    /// Its state.
    pub state: State,
    /// The version that was read.
    pub version: Version,
    /// Whose.
    pub subject: Subject,
}

/// What names a workitem in the archive: a UID is a facility's own, so that none can take another's.
pub fn id(facility: &FacilityCode, uid: &str) -> String {
    format!("{}/{uid}", facility.as_str())
}

/// What the workitems of a facility are found by: all, or those in a state.
pub fn list(facility: &FacilityCode, state: Option<State>) -> Term {
    terms::worklist(&["UPS", facility.as_str(), state.map_or("", State::text)])
}

/// Now, as a DT (PS3.5 Table 6.2-1).
pub fn now() -> String {
    let now = jiff::Timestamp::from_microsecond(record::time::now()).unwrap_or_default();
    now.strftime("%Y%m%d%H%M%S+0000").to_string()
}

impl Workitem {
    /// The workitem that the path names. Another facility's is not there.
    pub async fn read(request: &Request) -> Result<Self, Failure> {
        let id = id(&request.caller.who.facility, request.workitem());
        let opened = request.doors.archive.read_resource(&request.caller.asker, WORKITEM, &id, None).await?;
        let length = opened.content_len().await?;
        let bytes = opened.read(0..length).await?;
        let damaged = || Failure::from(archive::Error::Damaged("a kept workitem is not one".to_owned()));
        let Ok(Value::Object(data_set)) = wire::dataset::read_json(&bytes) else { return Err(damaged()) };
        let state = element::text(&data_set, STATE).and_then(State::of).ok_or_else(damaged)?;
        let located = opened.located();
        Ok(Self { data_set, state, version: located.version(), subject: Subject::Patient(located.patient()) })
    }

    /// Holds the Transaction UID of a request against the one with which the workitem was claimed.
    pub fn lock(&self, given: Option<&str>) -> Lock {
        match (given.map(str::trim).filter(|uid| !uid.is_empty()), element::text(&self.data_set, TRANSACTION_UID)) {
            (None, _) => Lock::Missing,
            (Some(_), None) => Lock::Correct,
            (Some(given), Some(own)) if given == own => Lock::Correct,
            (Some(_), Some(_)) => Lock::Incorrect,
        }
    }

    /// Keeps a version of it.
    pub async fn keep(
        mut self,
        request: &Request,
        uid: &str,
        version: Version,
        warning: &'static str,
    ) -> Result<(), Failure> {
        put(&mut self.data_set, MODIFIED, "DT", &now());
        put(&mut self.data_set, STATE, "CS", self.state.text());
        self.data_set.sort_keys();
        let facility = &request.caller.who.facility;
        let draft = ResourceDraft {
            resource_type: WORKITEM.to_owned(),
            id: id(facility, uid),
            version,
            subject: self.subject.clone(),
            terms: self.found_by(facility),
            date: self.day(),
            summary: Value::Object(self.summary()),
            metadata: json!({}),
            content: Value::Object(self.data_set).to_string().into_bytes(),
            says: seal::message::relate::Says::default(),
        };
        let stored = request.doors.archive.store_resources(&request.caller.asker, vec![draft]).await;
        stored.map(|_| ()).map_err(|error| Failure::of_write(error, warning))
    }

    fn found_by(&self, facility: &FacilityCode) -> Vec<Term> {
        let mut found_by = vec![list(facility, None), list(facility, Some(self.state))];
        found_by.extend(element::text(&self.data_set, PATIENT_ID).map(terms::number));
        let requests = element::items(&self.data_set, REFERENCED_REQUEST);
        found_by.extend(requests.filter_map(|request| element::text(request, "00080050")).map(terms::accession_number));
        found_by
    }

    /// The day on which it is scheduled to start.
    fn day(&self) -> String {
        let day: String = element::text(&self.data_set, START).unwrap_or_default().chars().take(8).collect();
        if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) { day } else { String::new() }
    }

    /// What lists show: all but the lock, as far as there is room.
    fn summary(&self) -> Map<String, Value> {
        let mut bytes = 0_usize;
        let mut summary = Map::new();
        for (tag, element) in self.data_set.iter().filter(|(tag, _)| *tag != TRANSACTION_UID) {
            let size = element.to_string().len();
            // Values always have their place; sequences share what room there is.
            if element.get("vr").is_some_and(|vr| vr == "SQ") {
                if bytes.saturating_add(size) > WORKITEM_SUMMARY_BYTES_MAX {
                    continue;
                }
                bytes = bytes.saturating_add(size);
            }
            summary.insert(tag.clone(), element.clone());
        }
        summary
    }
}

/// Sets one value.
pub fn put(data_set: &mut Map<String, Value>, tag: &str, vr: &str, text: &str) {
    data_set.insert(tag.to_owned(), json!({"vr": vr, "Value": [text]}));
}

/// Whose a new workitem is: the patient that PatientID and its issuer name. One that is about nobody in particular, a quality
/// control for example, stands alone.
pub fn subject(facility: &FacilityCode, uid: &str, data_set: &Map<String, Value>) -> Subject {
    let alone = || Identifier::Unidentified { facility: facility.clone(), study: uid.to_owned() };
    let identifier = |data_set: &Map<String, Value>| {
        let value = element::text(data_set, PATIENT_ID)?.trim();
        let issuer = element::text(data_set, ISSUER_OF_PATIENT_ID).unwrap_or_default().trim();
        let local = || Identifier::Local { issuer: issuer.to_owned(), value: value.to_owned() };
        (!value.is_empty()).then(|| national(issuer, value).unwrap_or_else(local))
    };
    let others = element::items(data_set, "00101002").filter_map(identifier);
    let mut identifiers: Vec<Identifier> = identifier(data_set).into_iter().chain(others).collect();
    identifiers.truncate(record::limits::IDENTIFIERS_MAX);
    if identifiers.is_empty() {
        identifiers.push(alone());
    }
    Subject::Identifiers(identifiers)
}
