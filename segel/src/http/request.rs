//! What every request at a door for programs has: who asks, what the path names, the query, and where links begin.

use super::asker::Caller;
use super::problem::Problem;
use super::server::Connection;
use super::state::Doors;
use axum::extract::{Extension, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

/// What the paths of one door name.
pub trait Names: DeserializeOwned + Send {
    /// The channel that the ledger writes down for what comes through this door.
    const CHANNEL: &str;
    /// Where the door's links begin, below the origin.
    const BASE: &str;
    /// How the door says that a request cannot be read.
    type Rejection: From<Problem> + IntoResponse;

    /// Looks at what the path and the query say before anything is done for it.
    fn check(asked: &Asked<Self>) -> Result<(), Self::Rejection>
    where
        Self: Sized;
}

/// A request by someone known. Who asks is found out first, so that nobody unknown learns how a path is read.
pub struct Asked<N> {
    /// The doors.
    pub doors: Doors,
    /// Who asks.
    pub caller: Caller,
    /// The headers.
    pub headers: HeaderMap,
    /// The path's names.
    pub names: N,
    /// The query's names and values.
    pub query: Vec<(String, String)>,
    /// Origin and door, for links: `http://host/dicom-web`.
    pub base: String,
}

impl<N> Asked<N> {
    /// A query parameter's first value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl<N: Names> FromRequestParts<Doors> for Asked<N> {
    type Rejection = N::Rejection;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, N::Rejection> {
        let caller = Caller::of_program(doors, parts, N::CHANNEL).await?;
        let connection = Extension::<Connection>::from_request_parts(parts, doors).await.ok();
        let names = Path::<N>::from_request_parts(parts, doors).await.map(|Path(names)| names);
        let names = names.map_err(|_| Problem::not_found())?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|_| Problem::bad_request("The query cannot be read."))?;
        let origin = doors.origin(&parts.headers, connection.as_ref().map(|Extension(c)| c));
        let base = format!("{origin}{}", N::BASE);
        let mut headers = parts.headers.clone();
        if parts.method != Method::GET {
            // RFC 9110 14.2: a range means something to GET alone.
            headers.remove(header::RANGE);
        }
        let asked = Self { doors: doors.clone(), caller, headers, names, query, base };
        N::check(&asked)?;
        Ok(asked)
    }
}
