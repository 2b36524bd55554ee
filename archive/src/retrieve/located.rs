//! Where an object lies, before anything of it is open.

use super::Target;
use crate::archive::{Inner, not_found};
use crate::error::{Error, Result};
use crate::index::rows::{Filter, Kept};
use crate::object::{InstanceFacts, ResourceFacts};
use record::{FacilityCode, Micros, ObjectId, Pseudonym, Version, limits};
use seal::message::{Asker, ReleaseItem};

/// One object version that the asker's facility may ask to open.
#[derive(Clone, Debug)]
pub struct Located {
    pub(crate) kept: Kept,
}

impl Located {
    /// The instance's facts in clear; `None` for a resource.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceFacts> {
        self.kept.instance()
    }

    /// The resource's facts in clear; `None` for an instance.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceFacts> {
        self.kept.resource()
    }

    /// Its random id, the same in all of its versions.
    #[must_use]
    pub fn object(&self) -> ObjectId {
        self.kept.record.object
    }

    /// Whose.
    #[must_use]
    pub fn patient(&self) -> Pseudonym {
        self.kept.record.patient
    }

    /// Who sent it.
    #[must_use]
    pub fn facility(&self) -> &FacilityCode {
        &self.kept.record.facility
    }

    /// Which version it is.
    #[must_use]
    pub fn version(&self) -> Version {
        self.kept.record.version
    }

    /// When it arrived.
    #[must_use]
    pub fn arrived(&self) -> Micros {
        self.kept.record.arrived
    }

    pub(crate) fn of(kept: Kept) -> Self {
        Self { kept }
    }

    pub(crate) fn summary_item(&self) -> ReleaseItem {
        ReleaseItem { context: self.kept.record.context(), wrapped: self.kept.record.summary_key.clone() }
    }

    pub(crate) fn content_item(&self) -> ReleaseItem {
        ReleaseItem { context: self.kept.record.context(), wrapped: self.kept.record.content_key.clone() }
    }
}

pub(crate) async fn locate(archive: &Inner, asker: &Asker, target: &Target) -> Result<Vec<Located>> {
    let uids = |uid: &Option<String>| uid.iter().cloned().collect::<Vec<_>>();
    let viewer = archive.keys.authenticate(asker).await?.facility;
    let mut filter = Filter::new(viewer.clone(), limits::LOCATED_MAX + 1);
    filter.study_instance_uids = uids(&target.study);
    filter.series_instance_uids = uids(&target.series);
    filter.sop_instance_uids = uids(&target.instance);
    if target.study.is_none() && target.series.is_none() && target.instance.is_none() {
        return Err(Error::Invalid("a retrieve names at least one UID".to_owned()));
    }
    if let Some(patients) = archive.keys.in_emergency(asker).await? {
        if patients.is_empty() {
            return Ok(Vec::new());
        }
        filter.declare(patients);
    }
    let rows = archive.blocking(move |storage| storage.index().instances(&filter)).await?;
    if rows.len() > limits::LOCATED_MAX {
        return Err(Error::Invalid(format!("more than {} instances; retrieve series by series", limits::LOCATED_MAX)));
    }
    Ok(one_each(rows.into_iter().map(|row| row.series.study.representative).collect(), &viewer))
}

/// Two facilities may have sent the same instance of one patient: the viewer's own is given, else the one that came first.
fn one_each(kept: Vec<Kept>, viewer: &FacilityCode) -> Vec<Located> {
    let mut places = std::collections::HashMap::new();
    let mut all: Vec<Located> = Vec::with_capacity(kept.len());
    for kept in kept {
        let Some(facts) = kept.instance() else { continue };
        let name = (kept.record.patient, facts.study_instance_uid.clone(), facts.sop_instance_uid.clone());
        match places.get(&name).and_then(|place: &usize| all.get_mut(*place)) {
            None => {
                places.insert(name, all.len());
                all.push(Located { kept });
            }
            Some(first) if is_preferred(&kept, &first.kept, viewer) => first.kept = kept,
            Some(_) => {}
        }
    }
    all
}

fn is_preferred(one: &Kept, other: &Kept, viewer: &FacilityCode) -> bool {
    let rank = |kept: &Kept| (kept.record.facility != *viewer, kept.record.arrived);
    rank(one) < rank(other)
}

pub(crate) async fn locate_resource(
    archive: &Inner,
    asker: &Asker,
    resource_type: &str,
    id: &str,
    version: Option<Version>,
) -> Result<Located> {
    let viewer = archive.keys.authenticate(asker).await?.facility;
    let emergency = archive.keys.in_emergency(asker).await?;
    let (resource_type, id) = (resource_type.to_owned(), id.to_owned());
    let kept = archive.blocking(move |storage| {
        let index = storage.index();
        let newest = index.newest_resource(&resource_type, &id)?;
        let kept = match (newest, version) {
            (Some(newest), Some(version)) if newest.record.version != version => {
                index.versions(newest.record.object)?.into_iter().find(|kept| kept.record.version == version)
            }
            (newest, _) => newest,
        };
        let Some(kept) = kept else { return Ok(None) };
        let may_look = match &emergency {
            Some(patients) => patients.contains(&kept.record.patient),
            None => index.treated(kept.record.patient, &viewer)?,
        };
        Ok(may_look.then_some(kept))
    });
    kept.await?.map(|kept| Located { kept }).ok_or_else(not_found)
}
