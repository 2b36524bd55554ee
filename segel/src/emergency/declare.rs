//! An emergency declared by a search (PS3.18 10.6): the header `X-Break-Glass-Reason`, the purpose `BTG`, and one exact number.

use super::failed;
use crate::http::Problem;
use archive::Archive;
use archive::find::{Matching, Query, Tag};
use axum::http::HeaderMap;
use record::{FacilityCode, Purpose};
use seal::message::Asker;
use seal::message::break_glass::{GlassAnswer, GlassAsk};

const REASON: &str = "x-break-glass-reason";
const PATIENT_ID: Tag = 0x0010_0020;
const ISSUER_OF_PATIENT_ID: Tag = 0x0010_0021;

/// Declares it before the search, if the request says so.
pub async fn declare(archive: &Archive, asker: &Asker, headers: &HeaderMap, query: &Query) -> Result<(), Problem> {
    let Some(reason) = headers.get(REASON) else { return Ok(()) };
    let reason = reason.to_str().map_err(|_| Problem::bad_request("X-Break-Glass-Reason is text."))?;
    if asker.purpose != Purpose::BreakGlass {
        return Err(Problem::bad_request("An emergency is declared with X-Purpose-Of-Use: BTG."));
    }
    let exact = |wanted: Tag| {
        query.keys.iter().find_map(|(tag, matching)| match matching {
            Matching::Single(text) if *tag == wanted => Some(text.trim().to_owned()),
            _ => None,
        })
    };
    let Some(number) = exact(PATIENT_ID) else {
        return Err(Problem::bad_request("An emergency is declared for one patient, by an exact PatientID."));
    };
    let ask = GlassAsk::Break {
        number,
        facility: exact(ISSUER_OF_PATIENT_ID).as_deref().and_then(FacilityCode::new),
        reason: reason.to_owned(),
    };
    match archive.keys().glass(asker, ask).await.map_err(failed)? {
        // Whether somebody was found is what the search itself will tell.
        GlassAnswer::Broken { .. } => Ok(()),
        GlassAnswer::Queue(_) => Err(Problem::not_found()),
    }
}
