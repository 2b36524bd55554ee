//! What a DICOMweb request names, and opening it.

use crate::http::{Asked, Problem};
use archive::retrieve::{Located, Opened, Target};
use seal::message::Part;
use serde::Deserialize;
use wire::uid::is_uid;

/// What the path names.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Names {
    /// StudyInstanceUID.
    pub study: Option<String>,
    /// SeriesInstanceUID.
    pub series: Option<String>,
    /// SOPInstanceUID.
    pub instance: Option<String>,
    /// A list of frame numbers.
    pub frames: Option<String>,
    /// The path of an attribute.
    pub path: Option<String>,
}

/// A request at the DICOMweb door by someone known.
pub type Request = Asked<Names>;

impl crate::http::Names for Names {
    const CHANNEL: &str = "dicomweb";
    const BASE: &str = "/dicom-web";
    type Rejection = Problem;

    fn check(asked: &Request) -> Result<(), Problem> {
        let uids = [&asked.names.study, &asked.names.series, &asked.names.instance];
        if uids.into_iter().flatten().all(|uid| is_uid(uid)) { Ok(()) } else { Err(Problem::not_found()) }
    }
}

impl Request {
    /// What the path names, located. Nothing there, or nothing of it for this asker, is not found.
    pub async fn locate(&self) -> Result<Vec<Located>, Problem> {
        let Names { study, series, instance, .. } = self.names.clone();
        let located = self.doors.archive.locate(&self.caller.asker, &Target { study, series, instance }).await?;
        if located.is_empty() { Err(Problem::not_found()) } else { Ok(located) }
    }

    /// The one instance that the path names, located.
    pub async fn locate_one(&self) -> Result<Located, Problem> {
        self.locate().await?.into_iter().next().ok_or_else(Problem::not_found)
    }

    /// Opens the content of what was located; what is refused is missing, and if all of it is, not found.
    pub async fn open(&self, located: &[Located]) -> Result<Vec<Opened>, Problem> {
        let opened = self.doors.archive.open(&self.caller.asker, Part::Content, located).await?;
        if opened.is_empty() { Err(Problem::not_found()) } else { Ok(opened) }
    }

    /// Opens one instance.
    pub async fn open_located(&self, located: &Located) -> Result<Opened, Problem> {
        self.open(std::slice::from_ref(located)).await?.pop().ok_or_else(Problem::not_found)
    }

    /// The one instance that the path names, opened.
    pub async fn open_one(&self) -> Result<Opened, Problem> {
        self.open_located(&self.locate_one().await?).await
    }
}

/// The address of an instance under `base`.
pub fn instance_url(base: &str, facts: &archive::object::InstanceFacts) -> String {
    let (study, series) = (&facts.study_instance_uid, &facts.series_instance_uid);
    format!("{base}/studies/{study}/series/{series}/instances/{}", facts.sop_instance_uid)
}
