//! Change a workitem's state (PS3.18 11.7).

use super::answer::{self, Failure};
use super::state::{self, Outcome, State};
use super::workitem::{self, STATE, TRANSACTION_UID, Workitem};
use super::{Request, rules};
use crate::worklist::element;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use wire::uid::is_uid;

/// `PUT /dicom-web/workitems/{workitem}/state`.
pub async fn change(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let asked = answer::data_set(&request, &headers, body).await?;
    let transaction = element::text(&asked, TRANSACTION_UID).map(str::to_owned);
    let into = element::text(&asked, STATE).and_then(State::of);
    let into = into.ok_or_else(|| Failure::invalid("ProcedureStepState is IN PROGRESS, COMPLETED or CANCELED."))?;
    if transaction.as_deref().is_some_and(|uid| !uid.trim().is_empty() && !is_uid(uid.trim())) {
        return Err(Failure::invalid("TransactionUID is not a UID."));
    }
    let mut workitem = Workitem::read(&request).await?;
    let lock = workitem.lock(transaction.as_deref());
    match state::outcome(workitem.state, into, lock) {
        Outcome::Change => {}
        Outcome::Already if into == State::Canceled => {
            return Ok(answer::done(StatusCode::OK, Some(answer::ALREADY_CANCELED)));
        }
        Outcome::Already => return Ok(answer::done(StatusCode::OK, Some(answer::ALREADY_COMPLETED))),
        refused => {
            let (status, warning, detail) = state::refusal(refused, lock);
            return Err(Failure::warned(status, warning, detail));
        }
    }
    match into {
        // The claim: from here on, only who knows this UID changes the workitem.
        State::InProgress => {
            workitem::put(&mut workitem.data_set, TRANSACTION_UID, "UI", transaction.unwrap_or_default().trim());
        }
        State::Canceled => rules::cancel(&mut workitem.data_set, &workitem::now(), None),
        State::Completed | State::Scheduled => {}
    }
    if matches!(into, State::Completed | State::Canceled) {
        let missing = rules::missing(&workitem.data_set, into);
        if !missing.is_empty() {
            let detail = format!("The final state needs a value of {}.", missing.join(", "));
            return Err(Failure::warned(StatusCode::CONFLICT, answer::CHANGE_INCONSISTENT, detail));
        }
    }
    workitem.state = into;
    let version = workitem.version.saturating_add(1);
    workitem.keep(&request, request.workitem(), version, answer::CHANGE_INCONSISTENT).await?;
    Ok(answer::done(StatusCode::OK, None))
}
