//! An instance that joins a study is labelled like what is kept of it, before anybody can find it: what a facility closed does not
//! open again with its next image.

use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::Filter;
use crate::object::ObjectRecord;
use record::ObjectId;
use seal::message::Asker;
use seal::message::relate::LabelRequest;

/// Instances of the study that are looked at, to find one that the facility sent itself.
const LOOKED_AT_MAX: usize = 64;

/// Labels a record that is about to be kept, if anything of its patient is labelled.
pub(super) async fn label(archive: &Inner, asker: &Asker, record: &ObjectRecord, study: &str) -> Result<()> {
    let Some(like) = beside(archive, record, study).await? else { return Ok(()) };
    let (patient, object) = (record.patient, record.object);
    let asked =
        LabelRequest { asker: asker.clone(), patient, object, add: Vec::new(), remove: Vec::new(), like: Some(like) };
    archive.keys.label(asked).await.map(|_| ()).map_err(Error::from)
}

/// Another instance of the same study, patient and sender.
async fn beside(archive: &Inner, record: &ObjectRecord, study: &str) -> Result<Option<ObjectId>> {
    let mut filter = Filter::new(record.facility.clone(), LOOKED_AT_MAX);
    filter.study_instance_uids = vec![study.to_owned()];
    filter.patients = vec![record.patient];
    let rows = archive.blocking(move |storage| storage.index().instances(&filter)).await?;
    let kept = rows.into_iter().map(|row| row.series.study.representative.record);
    let mut own = kept.filter(|kept| kept.facility == record.facility && kept.object != record.object);
    Ok(own.next().map(|kept| kept.object))
}
