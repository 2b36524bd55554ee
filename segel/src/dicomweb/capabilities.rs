//! Retrieve Capabilities (PS3.18 8.9): what this service can do. It says nothing of anybody's data, so it asks for no token.

use super::accept;
use crate::http::{Connection, Doors, Problem};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

const WADL: &str = "application/vnd.sun.wadl+xml";

/// `OPTIONS /dicom-web`.
pub async fn capabilities(
    State(doors): State<Doors>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ranges = accept::ranges(&headers, None)?;
    match accept::choose(&ranges, &[WADL, "application/json"])? {
        WADL => {
            let origin = doors.origin(&headers, connection.as_ref().map(|Extension(connection)| connection));
            let text = crate::openapi::wadl(&format!("{origin}/dicom-web"));
            Ok(([(header::CONTENT_TYPE, WADL)], text).into_response())
        }
        _ => Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/openapi.json")]).into_response()),
    }
}
