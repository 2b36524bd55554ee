//! From what is wanted to instances that are open: located, narrowed to the patient, and released in one decision.

use super::identifier::Wanted;
use super::{failure, mismatch};
use crate::dimse::services::Call;
use crate::dimse::services::store::Failure;
use archive::find::{Level, Matching, Query};
use archive::retrieve::{Located, Opened, Target};
use record::limits::{FILTER_VALUES_MAX, LOCATED_MAX};
use record::{Outcome, Pseudonym};
use seal::message::Part;
use std::collections::{BTreeSet, HashSet};

const PATIENT_ID: u32 = 0x0010_0020;
const STUDY_INSTANCE_UID: u32 = 0x0020_000D;

/// Locates and opens the instances that a request means. What is not there, what the asker's facility has nothing to do
/// with and what the key service does not release look alike: they are not among them, and nothing counts or names them.
pub(in crate::dimse::services) async fn open(call: &Call, wanted: Wanted) -> Result<Vec<Opened>, Failure> {
    let located = locate(call, wanted).await?;
    if located.is_empty() {
        return Ok(Vec::new());
    }
    // One release for all: one decision of the key service and one entry in the log for each patient.
    let opened = match call.door.archive.open(&call.asker, Part::Content, &located).await {
        Ok(opened) => opened,
        Err(error) if error.outcome() == Outcome::Refused => Vec::new(),
        Err(error) => return Err(failure(&error)),
    };
    let refused = located.len().saturating_sub(opened.len());
    if refused > 0 {
        tracing::warn!(refused, located = located.len(), "a retrieve leaves out what may not be opened");
    }
    Ok(opened)
}

async fn locate(call: &Call, wanted: Wanted) -> Result<Vec<Located>, Failure> {
    let (archive, asker) = (&call.door.archive, &call.asker);
    let (patients, targets) = match wanted.patient_id {
        None => (None, wanted.targets),
        Some(patient_id) => {
            let (patients, studies) = of_patient(call, patient_id, &wanted.targets).await?;
            let every = || studies.iter().map(|study| Target::study(study)).collect();
            let targets = if wanted.targets.is_empty() { every() } else { wanted.targets };
            (Some(patients), targets)
        }
    };
    if targets.len() > FILTER_VALUES_MAX {
        return Err(mismatch(&format!("more than {FILTER_VALUES_MAX} UIDs at once")));
    }
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for target in &targets {
        let located = match archive.locate(asker, target).await {
            Ok(located) => located,
            Err(error) if error.outcome() == Outcome::Refused => continue,
            Err(error) => return Err(failure(&error)),
        };
        let fits = |located: &Located| patients.as_ref().is_none_or(|patients| patients.contains(&located.patient()));
        for located in located.into_iter().filter(fits) {
            // A list may name an instance twice.
            let Some(facts) = located.instance() else { continue };
            if seen.insert((located.patient(), facts.study_instance_uid.clone(), facts.sop_instance_uid.clone())) {
                all.push(located);
            }
        }
        if all.len() > LOCATED_MAX {
            return Err(mismatch(&format!("more than {LOCATED_MAX} instances; retrieve study by study")));
        }
    }
    Ok(all)
}

/// The patients whose number this is, and their studies as far as the targets name any.
async fn of_patient(
    call: &Call,
    patient_id: String,
    targets: &[Target],
) -> Result<(BTreeSet<Pseudonym>, BTreeSet<String>), Failure> {
    let mut query = Query::at(Level::Study).with(PATIENT_ID, Matching::Single(patient_id));
    let named: BTreeSet<String> = targets.iter().filter_map(|target| target.study.clone()).collect();
    if !named.is_empty() {
        query = query.with(STUDY_INSTANCE_UID, Matching::UidList(named.into_iter().collect()));
    }
    let rows = call.door.archive.find(&call.asker, &query).await.map_err(|error| failure(&error))?;
    let study = |row: &archive::find::Row| {
        let value = row.attributes.get("0020000D")?.get("Value")?.get(0)?.as_str();
        value.map(str::to_owned)
    };
    Ok((rows.iter().map(|row| row.patient).collect(), rows.iter().filter_map(study).collect()))
}
