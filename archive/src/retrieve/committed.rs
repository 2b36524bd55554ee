//! Whether instances are kept durably (PS3.4 Annex J), answered from the index alone: no key is released, and a facility
//! learns of its own instances only.

use crate::archive::Inner;
use crate::error::{Error, Result};
use record::limits;
use seal::message::Asker;

/// An instance that somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// SOPClassUID, unless the asker does not know it.
    pub sop_class_uid: Option<String>,
    /// SOPInstanceUID.
    pub sop_instance_uid: String,
}

/// What the archive says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// It is kept: the index speaks only of what was synced to the disk.
    Committed,
    /// The asker's facility has sent no such instance.
    NoSuchInstance,
    /// It is kept, as another SOP class.
    OtherSopClass,
}

pub(crate) async fn committed(archive: &Inner, asker: &Asker, references: Vec<Reference>) -> Result<Vec<Commitment>> {
    if references.len() > limits::COMMITMENT_REFERENCES_MAX {
        let most = limits::COMMITMENT_REFERENCES_MAX;
        return Err(Error::Invalid(format!("more than {most} instances in one request for commitment")));
    }
    let facility = archive.keys.authenticate(asker).await?.facility;
    let look = move |storage: &crate::storage::Storage| {
        let index = storage.index();
        let one = |reference: &Reference| {
            let kept = index.newest_instance(&facility, &reference.sop_instance_uid)?;
            let Some(facts) = kept.as_ref().and_then(|kept| kept.instance()) else {
                return Ok(Commitment::NoSuchInstance);
            };
            let fits = reference.sop_class_uid.as_ref().is_none_or(|uid| *uid == facts.sop_class_uid);
            Ok(if fits { Commitment::Committed } else { Commitment::OtherSopClass })
        };
        references.iter().map(one).collect()
    };
    archive.blocking(look).await
}
