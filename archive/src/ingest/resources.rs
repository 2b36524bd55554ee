//! Results and documents on their way in: all of a transaction in one frame, or none.

use super::draft::{ResourceDraft, StoredResource, Subject};
use super::seal::{ContentSealer, Digest, Keys};
use super::{identify, seal as sealing};
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::Kept;
use crate::object::{Given, Kind, ObjectRecord, ResourceFacts};
use crate::segment::draft::Draft;
use crate::terms;
use record::{Micros, ObjectId, Version, limits};
use seal::context::PartName;
use seal::message::{AdmitItem, Admitted, Asker, Context, Who};
use std::collections::HashSet;

/// What is kept of a resource already.
struct Numbered {
    /// The last version that ever came.
    last: Option<Kept>,
    /// The newest version that is to be seen, which the sender knows.
    seen: Option<Version>,
}

impl Numbered {
    /// The number of a version that follows what is to be seen: after those as well that are isolated.
    fn next_after(&self, wanted: Version) -> Version {
        let follows = self.seen.unwrap_or(0).checked_add(1) == Some(wanted);
        match &self.last {
            Some(last) if follows => last.record.version.saturating_add(1),
            _ => wanted,
        }
    }
}

/// One resource with what has been settled for it.
struct Settled {
    draft: ResourceDraft,
    object: ObjectId,
    keys: Keys,
}

pub(crate) async fn store(archive: &Inner, asker: &Asker, drafts: Vec<ResourceDraft>) -> Result<Vec<StoredResource>> {
    check(&drafts)?;
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let who = archive.keys.authenticate(asker).await?;
    let names: Vec<_> = drafts.iter().map(|draft| (draft.resource_type.clone(), draft.id.clone())).collect();
    let kept = archive.blocking(move |storage| {
        names
            .iter()
            .map(|(resource_type, id)| {
                let index = storage.index();
                Ok(Numbered {
                    last: index.last_resource(resource_type, id)?,
                    seen: index.newest_resource(resource_type, id)?.map(|kept| kept.record.version),
                })
            })
            .collect::<Result<Vec<_>>>()
    });
    let kept = kept.await?;
    let mut settled = Vec::with_capacity(drafts.len());
    for (mut draft, kept) in drafts.into_iter().zip(kept) {
        draft.version = kept.next_after(draft.version);
        let object = object_of(&draft, kept.last.as_ref(), &who)?;
        settled.push(Settled { draft, object, keys: Keys::random()? });
    }
    let items = settled.iter().map(|settled| item(settled, &who)).collect();
    let admitted = archive.keys.admit(asker, items).await?;
    let arrived = record::time::now();
    let mut draft = archive.storage.draft();
    let mut records = Vec::with_capacity(settled.len());
    let mut stored = Vec::with_capacity(settled.len());
    for (settled, admitted) in settled.into_iter().zip(admitted) {
        let record = seal_one(settled, admitted, &who, arrived, &mut draft)?;
        if let Kind::Resource(facts) = &record.kind {
            stored.push(StoredResource {
                resource_type: facts.resource_type.clone(),
                id: facts.id.clone(),
                version: record.version,
                object: record.object,
                patient: record.patient,
                arrived,
            });
        }
        records.push(record);
    }
    archive.storage.commit(draft, records).await?;
    Ok(stored)
}

fn check(drafts: &[ResourceDraft]) -> Result<()> {
    if drafts.len() > limits::BUNDLE_ENTRIES_MAX {
        return Err(Error::Invalid(format!("more than {} resources at once", limits::BUNDLE_ENTRIES_MAX)));
    }
    let mut seen = HashSet::new();
    if !drafts.iter().all(|draft| seen.insert((draft.resource_type.as_str(), draft.id.as_str()))) {
        return Err(Error::Invalid("one resource stands twice in a transaction".to_owned()));
    }
    let is_day = |text: &str| text.is_empty() || (text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()));
    if !drafts.iter().all(|draft| is_day(&draft.date)) {
        return Err(Error::Invalid("a resource's day is not YYYYMMDD".to_owned()));
    }
    Ok(())
}

/// The object behind a draft: a new one, or the kept one that it follows.
fn object_of(draft: &ResourceDraft, kept: Option<&Kept>, who: &Who) -> Result<ObjectId> {
    match kept {
        None if draft.version == 1 => sealing::object_id(),
        None => Err(crate::archive::not_found()),
        // One facility cannot alter another's, nor learn that it is there.
        Some(kept) if kept.record.facility != who.facility => Err(crate::archive::not_found()),
        Some(kept) if kept.record.version.checked_add(1) == Some(draft.version) => Ok(kept.record.object),
        Some(_) => Err(Error::Conflict),
    }
}

fn item(settled: &Settled, who: &Who) -> AdmitItem {
    let Settled { draft, object, keys } = settled;
    let (identifiers, patient) = match &draft.subject {
        Subject::Identifiers(identifiers) => {
            (identifiers.iter().map(|identifier| identify::bound(&who.facility, identifier.clone())).collect(), None)
        }
        Subject::Patient(patient) => (Vec::new(), Some(*patient)),
    };
    let mut found_by = terms::of_identifiers(&identifiers);
    found_by.extend(draft.terms.iter().cloned());
    found_by.retain(|term| !term.text.is_empty() && term.text.len() <= limits::IDENTIFIER_BYTES_MAX);
    let mut found_by = terms::once(found_by);
    found_by.truncate(limits::TERMS_MAX);
    AdmitItem {
        object: *object,
        version: draft.version,
        kind: draft.resource_type.clone(),
        identifiers,
        patient,
        terms: found_by,
        summary: keys.summary.clone(),
        content: keys.content.clone(),
        says: Some(draft.says.clone()).filter(|says| !says.is_empty()),
    }
}

fn seal_one(
    settled: Settled,
    admitted: Admitted,
    who: &Who,
    arrived: Micros,
    frame: &mut Draft,
) -> Result<ObjectRecord> {
    let Settled { draft, object, keys } = settled;
    // Identifiers were bound to the facility that the sender was known under a moment ago.
    if admitted.facility != who.facility {
        return Err(Error::busy("the sender's registration has just changed"));
    }
    let given = draft
        .says
        .relation
        .iter()
        .filter_map(|change| change.until().map(|until| Given { to: change.to().clone(), until }));
    let given = given.collect();
    let context = Context { patient: admitted.patient, object, version: draft.version };
    let mut digest = Digest::new();
    digest.update(&draft.content);
    let mut content = ContentSealer::new(&keys, &context, frame)?;
    content.update(&draft.content, frame)?;
    let content = content.finish(frame)?;
    let metadata =
        sealing::part(&keys.content, &context, PartName::Metadata, draft.metadata.to_string().into_bytes(), frame)?;
    let summary =
        sealing::part(&keys.summary, &context, PartName::Summary, draft.summary.to_string().into_bytes(), frame)?;
    Ok(ObjectRecord {
        object,
        version: draft.version,
        patient: admitted.patient,
        linked: admitted.linked,
        facility: admitted.facility,
        sender: who.actor.clone(),
        arrived,
        tokens: admitted.tokens,
        summary_key: admitted.summary,
        content_key: admitted.content,
        commitment: seal::digest::commit(&keys.content, &digest.finish())?,
        summary,
        metadata,
        content,
        kind: Kind::Resource(ResourceFacts { resource_type: draft.resource_type, id: draft.id, date: draft.date }),
        given,
    })
}
