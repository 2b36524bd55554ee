//! The worklist service UPS-RS (PS3.18 section 11; PS3.4 Annex CC): workitems are created, claimed, performed and ended.
//!
//! A workitem is a resource of its facility, sealed under its patient's key, and every change of it is a further version in
//! the archive: nothing is overwritten, and two changes at once cannot both be the next version (409). Workitems of other
//! facilities are not there. Creating and changing is input, retrieving and searching is viewing, so the rights of a token decide
//! which of them it may do.
//!
//! Subscriptions and the event channel (11.10 to 11.13) are not served: a request to cancel a workitem that somebody has claimed
//! therefore cannot reach the performer, and is refused (PS3.4 CC.2.2.3).

mod answer;
mod cancel;
mod change;
mod create;
mod retrieve;
mod rules;
mod search;
mod state;
mod update;
mod workitem;

use crate::http::{Asked, Doors, Problem};
use axum::Router;
use axum::routing::{get, post, put};
use serde::Deserialize;
use wire::uid::is_uid;

/// What the paths name.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Names {
    /// The workitem's SOP Instance UID.
    pub workitem: Option<String>,
}

/// A request at the worklist door by someone known.
pub type Request = Asked<Names>;

impl crate::http::Names for Names {
    const CHANNEL: &str = "dicomweb";
    const BASE: &str = "/dicom-web";
    type Rejection = Problem;

    fn check(asked: &Request) -> Result<(), Problem> {
        if asked.names.workitem.iter().all(|uid| is_uid(uid)) { Ok(()) } else { Err(Problem::not_found()) }
    }
}

impl Request {
    /// The workitem that the path names.
    fn workitem(&self) -> &str {
        self.names.workitem.as_deref().unwrap_or_default()
    }

    /// A UID that stands in the query by itself (PS3.18 11.4.1, 11.6.1), or as the value of one of these names.
    fn uid(&self, names: &[&str]) -> Option<&str> {
        let alone = self.query.iter().find(|(name, value)| value.is_empty() && is_uid(name));
        let named = names.iter().find_map(|name| self.parameter(name));
        named.or(alone.map(|(name, _)| name.as_str()))
    }
}

/// The routes of PS3.18 table 11.1-1 that are served.
pub fn routes() -> Router<Doors> {
    const WORKITEM: &str = "/dicom-web/workitems/{workitem}";
    let at = |rest: &str| format!("{WORKITEM}{rest}");
    Router::new()
        .route("/dicom-web/workitems", get(search::search).post(create::create))
        .route(WORKITEM, get(retrieve::retrieve).post(update::update))
        .route(&at("/state"), put(change::change))
        .route(&at("/cancelrequest"), post(cancel::cancel))
}
