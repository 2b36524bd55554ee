//! `/auth/break-glass`: an emergency is declared, and reviewed.

use super::{body, failed, known, moment};
use crate::http::{Doors, Problem};
use axum::Json;
use axum::extract::{Request, State};
use record::{FacilityCode, Purpose};
use seal::message::Asker;
use seal::message::break_glass::{GlassAnswer, GlassAsk, GlassEntry};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    number: String,
    #[serde(default)]
    facility: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Review {
    id: u64,
    justified: bool,
    note: String,
}

/// `POST`: declares. Answers until when the record is open, never whose pseudonym it is.
pub async fn declare(State(doors): State<Doors>, request: Request) -> Result<Json<Value>, Problem> {
    let (asker, request) = known(&doors, request, Some(Purpose::BreakGlass)).await?;
    let Declaration { number, facility, reason } = body(request).await?;
    let facility = facility.filter(|code| !code.trim().is_empty());
    let code = facility.as_deref().map(|code| FacilityCode::new(code).ok_or_else(Problem::not_found)).transpose()?;
    let ask = GlassAsk::Break { number, facility: code, reason };
    match doors.archive.keys().glass(&asker, ask).await.map_err(failed)? {
        GlassAnswer::Broken { until: Some(until), .. } => Ok(Json(json!({ "until": moment(until) }))),
        _ => Err(Problem::not_found()),
    }
}

/// `GET /queue`: what waits for a review.
pub async fn queue(State(doors): State<Doors>, request: Request) -> Result<Json<Value>, Problem> {
    let (asker, _) = known(&doors, request, None).await?;
    review_with(&doors, &asker, GlassAsk::Queue).await
}

/// `POST /review`: reviews.
pub async fn review(State(doors): State<Doors>, request: Request) -> Result<Json<Value>, Problem> {
    let (asker, request) = known(&doors, request, None).await?;
    let Review { id, justified, note } = body(request).await?;
    review_with(&doors, &asker, GlassAsk::Review { id, is_justified: justified, note }).await
}

async fn review_with(doors: &Doors, asker: &Asker, ask: GlassAsk) -> Result<Json<Value>, Problem> {
    match doors.archive.keys().glass(asker, ask).await.map_err(failed)? {
        GlassAnswer::Queue(entries) => Ok(Json(Value::Array(entries.iter().map(shown).collect()))),
        GlassAnswer::Broken { .. } => Err(Problem::not_found()),
    }
}

fn shown(entry: &GlassEntry) -> Value {
    let review = entry.review.as_ref().map(|review| {
        json!({"by": review.by, "at": moment(review.at), "justified": review.is_justified, "note": review.note})
    });
    json!({
        "id": entry.id,
        "actor": entry.actor,
        "name": entry.name,
        "facility": entry.facility.as_str(),
        "found": entry.patient.is_some(),
        "reason": entry.reason,
        "at": moment(entry.at),
        "due": moment(entry.due),
        "overdue": entry.is_escalated,
        "review": review,
    })
}
