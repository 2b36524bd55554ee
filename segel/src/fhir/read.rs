//! read and vread (FHIR R4 3.1.0.1, 3.1.0.2).

use super::failure::Failure;
use super::request::{Request, is_id};
use super::served::{self, Stamp};
use super::{accept, binary};
use crate::http::Problem;
use axum::response::{IntoResponse, Response};
use record::Version;

/// `GET /fhir/{type}/{id}` and `GET /fhir/{type}/{id}/_history/{version}`.
pub async fn read(request: Request) -> Result<Response, Failure> {
    let definition = request.definition()?;
    let id = request.names.id.as_deref().filter(|id| is_id(id)).ok_or_else(Problem::not_found)?;
    let version =
        request.names.version.as_deref().map(|version| version.parse::<Version>().map_err(|_| Problem::not_found()));
    if definition.name != "Binary" {
        accept::json(&request.headers)?;
    }
    let opened =
        request.doors.archive.read_resource(&request.caller.asker, definition.name, id, version.transpose()?).await?;
    if definition.name == "Binary" {
        return binary::answer(&request, opened).await;
    }
    let stamp = Stamp::of(&opened).ok_or_else(Problem::not_found)?;
    Ok((stamp.headers(None), [served::content_type()], served::resource(&opened).await?).into_response())
}
