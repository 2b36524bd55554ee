//! What every DICOMweb request has: who asks, what the path names, the query, and where links begin.

use crate::http::{Caller, Connection, Doors, Problem};
use archive::retrieve::{Located, Opened, Target};
use axum::extract::{Extension, FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::request::Parts;
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
pub struct Request {
    /// The doors.
    pub doors: Doors,
    /// Who asks.
    pub caller: Caller,
    /// The headers.
    pub headers: HeaderMap,
    /// The path's names.
    pub names: Names,
    /// The query's names and values.
    pub query: Vec<(String, String)>,
    /// `http://host/dicom-web`, for links.
    pub base: String,
}

impl FromRequestParts<Doors> for Request {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let caller = Caller::of_program(doors, &parts.headers, "dicomweb").await?;
        let connection = Extension::<Connection>::from_request_parts(parts, doors).await.ok();
        let names = Path::<Names>::from_request_parts(parts, doors).await.map(|Path(names)| names);
        let names = names.map_err(|_| Problem::not_found())?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|_| Problem::bad_request("The query cannot be read."))?;
        let base = format!("{}/dicom-web", doors.origin(&parts.headers, connection.as_ref().map(|Extension(c)| c)));
        let uids = [&names.study, &names.series, &names.instance];
        if !uids.into_iter().flatten().all(|uid| is_uid(uid)) {
            return Err(Problem::not_found());
        }
        Ok(Self { doors: doors.clone(), caller, headers: parts.headers.clone(), names, query, base })
    }
}

impl Request {
    /// A query parameter's first value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// What the path names, located. Nothing there, or nothing of it for this asker, is not found.
    pub async fn locate(&self) -> Result<Vec<Located>, Problem> {
        let Names { study, series, instance, .. } = self.names.clone();
        let located = self.doors.archive.locate(&self.caller.asker, &Target { study, series, instance }).await?;
        if located.is_empty() { Err(Problem::not_found()) } else { Ok(located) }
    }

    /// Opens the content of what was located; what is refused is missing, and if all of it is, not found.
    pub async fn open(&self, located: &[Located]) -> Result<Vec<Opened>, Problem> {
        let opened = self.doors.archive.open(&self.caller.asker, Part::Content, located).await?;
        if opened.is_empty() { Err(Problem::not_found()) } else { Ok(opened) }
    }

    /// The one instance that the path names, opened.
    pub async fn open_one(&self) -> Result<Opened, Problem> {
        let located = self.locate().await?;
        let first = located.into_iter().next().ok_or_else(Problem::not_found)?;
        self.open(&[first]).await?.pop().ok_or_else(Problem::not_found)
    }
}

/// The address of an instance under `base`.
pub fn instance_url(base: &str, facts: &archive::object::InstanceFacts) -> String {
    let (study, series) = (&facts.study_instance_uid, &facts.series_instance_uid);
    format!("{base}/studies/{study}/series/{series}/instances/{}", facts.sop_instance_uid)
}
