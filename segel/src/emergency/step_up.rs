//! `/auth/step-up`: a colleague's word for more patients in this hour.

use super::{body, failed, known, moment};
use crate::http::{Doors, Problem};
use axum::Json;
use axum::extract::{Request, State};
use seal::message::Asker;
use seal::message::step_up::{StepUpAsk, StepUpEntry, StepUpState};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    id: u64,
}

/// `GET`: the own askings of a day, and what colleagues wait for.
pub async fn list(State(doors): State<Doors>, request: Request) -> Result<Json<Value>, Problem> {
    let (asker, _) = known(&doors, request, None).await?;
    answer(&doors, &asker, StepUpAsk::List).await
}

/// `POST`: asks.
pub async fn ask(State(doors): State<Doors>, request: Request) -> Result<Json<Value>, Problem> {
    let (asker, request) = known(&doors, request, None).await?;
    let Asking { reason } = body(request).await?;
    answer(&doors, &asker, StepUpAsk::Ask { reason }).await
}

/// `POST /approve`: a colleague's word.
pub async fn approve(State(doors): State<Doors>, request: Request) -> Result<Json<Value>, Problem> {
    let (asker, request) = known(&doors, request, None).await?;
    let Approval { id } = body(request).await?;
    answer(&doors, &asker, StepUpAsk::Approve { id }).await
}

async fn answer(doors: &Doors, asker: &Asker, ask: StepUpAsk) -> Result<Json<Value>, Problem> {
    let entries = doors.archive.keys().step_up(asker, ask).await.map_err(failed)?;
    Ok(Json(Value::Array(entries.iter().map(shown).collect())))
}

fn shown(entry: &StepUpEntry) -> Value {
    let state = match entry.state {
        StepUpState::Waiting => "waiting",
        StepUpState::Approved => "approved",
        StepUpState::Over => "over",
    };
    json!({
        "id": entry.id,
        "own": entry.is_own,
        "name": entry.name,
        "role": entry.role.name(),
        "reason": entry.reason,
        "at": moment(entry.at),
        "state": state,
        "contents": entry.contents,
        "summaries": entry.summaries,
        "until": entry.until.map(moment),
    })
}
