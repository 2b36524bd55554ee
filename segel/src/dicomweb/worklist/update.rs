//! Update a workitem (PS3.18 11.6): its attributes, by who has claimed it, or by anybody before that.

use super::answer::{self, Failure};
use super::state::{Lock, State};
use super::workitem::{TRANSACTION_UID, Workitem};
use super::{Request, rules};
use crate::worklist::element;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

/// `POST /dicom-web/workitems/{workitem}?{transaction}`.
pub async fn update(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let mut changes = answer::data_set(&request, &headers, body).await?;
    let inside = element::text(&changes, TRANSACTION_UID).map(str::to_owned);
    let named = request.uid(&["transaction", "transaction-uid", "TransactionUID"]).map(str::to_owned);
    let transaction = named.or(inside);
    changes.remove(TRANSACTION_UID);
    let mut workitem = Workitem::read(&request).await?;
    allowed(&workitem, transaction.as_deref())?;
    rules::update(&changes).map_err(Failure::invalid)?;
    // PS3.4 CC.2.6.3: what is given replaces what was there, sequences as a whole; what is not given stays.
    workitem.data_set.extend(changes);
    let version = workitem.version.saturating_add(1);
    workitem.keep(&request, request.workitem(), version, answer::UPDATE_INCONSISTENT).await?;
    Ok(answer::done(StatusCode::OK, None))
}

/// PS3.4 CC.2.6.3: a claimed workitem is changed with the Transaction UID of the claim, an ended one not at all.
fn allowed(workitem: &Workitem, transaction: Option<&str>) -> Result<(), Failure> {
    let refused = |warning, detail: &str| Err(Failure::warned(StatusCode::BAD_REQUEST, warning, detail));
    match (workitem.state, workitem.lock(transaction)) {
        (State::Completed | State::Canceled, _) => {
            refused(answer::UPDATE_INCONSISTENT, "The workitem is COMPLETED or CANCELED.")
        }
        (State::Scheduled, Lock::Missing) | (State::InProgress, Lock::Correct) => Ok(()),
        (State::Scheduled, _) => refused(answer::UNCLAIMED, "Nobody has claimed the workitem."),
        (State::InProgress, Lock::Missing) => {
            refused(answer::TRANSACTION_UID_MISSING, "A claimed workitem is changed with the UID of the claim.")
        }
        (State::InProgress, Lock::Incorrect) => {
            refused(answer::TRANSACTION_UID_INCORRECT, "The workitem was claimed with another Transaction UID.")
        }
    }
}
