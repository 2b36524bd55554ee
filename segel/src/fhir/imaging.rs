//! Labels of images. DICOM has no coded attribute for them: Confidentiality Constraint on Patient Data Description (0040,3001) is free
//! text for a modality's operator (PS3.3 C.4.13). So a study is labelled here, as the ImagingStudy that it is in FHIR, whose logical id is its
//! StudyInstanceUID: every image of it that the asker's facility has sent, and every one that joins it.

use super::failure::Failure;
use super::request::Request;
use crate::http::Problem;
use archive::retrieve::{Located, Target};
use futures_util::{StreamExt as _, TryStreamExt as _};
use record::Label;
use seal::message::relate::{LabelRequest, Noted};
use wire::uid::is_uid;

/// The resource type that stands for a study of images. None is kept: studies are found at the DICOMweb door.
pub const TYPE: &str = "ImagingStudy";
/// Labels that are under way at once: they share the key service's writes.
const AT_ONCE: usize = 32;

/// What the facility has sent of a study.
async fn own(request: &Request, study: &str) -> Result<Vec<Located>, Failure> {
    if !is_uid(study) {
        return Err(Problem::not_found().into());
    }
    let target = Target { study: Some(study.to_owned()), ..Target::default() };
    let mut located = request.doors.archive.locate(&request.caller.asker, &target).await?;
    located.retain(|one| *one.facility() == request.caller.who.facility);
    if located.is_empty() { Err(Problem::not_found().into()) } else { Ok(located) }
}

/// Changes the labels of a study; the labels that its images then have.
pub async fn change(request: &Request, study: &str, add: &[Label], remove: &[Label]) -> Result<Vec<Label>, Failure> {
    let located = own(request, study).await?;
    let change = |one: Located| {
        let asked = LabelRequest {
            asker: request.caller.asker.clone(),
            patient: one.patient(),
            object: one.object(),
            add: add.to_vec(),
            remove: remove.to_vec(),
            like: None,
        };
        async move { request.doors.archive.keys().label(asked).await }
    };
    // A study that is changed in part is changed again by the same request: labels that are there stay, and those that are gone stay gone.
    let noted: Vec<Noted> = futures_util::stream::iter(located)
        .map(change)
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .map_err(|failure| Failure::of_write(failure.into()))?;
    Ok(noted.into_iter().next().map(|noted| noted.labels).unwrap_or_default())
}
