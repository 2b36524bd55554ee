//! Request cancellation (PS3.18 11.8; PS3.4 CC.2.2.3).

use super::answer::{self, Failure};
use super::state::State;
use super::workitem::{self, Workitem};
use super::{Request, rules};
use crate::worklist::{Attributes, element};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};

/// `POST /dicom-web/workitems/{workitem}/cancelrequest`. What nobody has claimed is canceled at once; a performer cannot be told.
pub async fn cancel(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let asked = if headers.contains_key(header::CONTENT_TYPE) {
        answer::data_set(&request, &headers, body).await?
    } else {
        Map::new()
    };
    let mut workitem = Workitem::read(&request).await?;
    match workitem.state {
        State::Scheduled => {}
        State::Canceled => return Ok(answer::done(StatusCode::ACCEPTED, Some(answer::ALREADY_CANCELED))),
        State::Completed => {
            let detail = "The workitem is COMPLETED.";
            return Err(Failure::warned(StatusCode::CONFLICT, answer::UPDATE_INCONSISTENT, detail));
        }
        State::InProgress => {
            let detail = "The workitem is IN PROGRESS, and its performer cannot be told of the request.";
            return Err(Failure::warned(StatusCode::CONFLICT, answer::UPDATE_INCONSISTENT, detail));
        }
    }
    rules::cancel(&mut workitem.data_set, &workitem::now(), Some(reason(&asked)));
    workitem.state = State::Canceled;
    let version = workitem.version.saturating_add(1);
    workitem.keep(&request, request.workitem(), version, answer::UPDATE_INCONSISTENT).await?;
    Ok(answer::done(StatusCode::ACCEPTED, None))
}

/// ReasonForCancellation and its code, as they were asked with; else DCM 110513, "Discontinued for unspecified reason".
fn reason(asked: &Map<String, Value>) -> Attributes {
    let mut reason = Attributes::default();
    if let Some(text) = element::text(asked, "00741238") {
        reason.text("00741238", "LT", text);
    }
    match asked.get("0074100E").filter(|_| rules::is_valued(asked, "0074100E")) {
        Some(code) => {
            reason.0.insert("0074100E".to_owned(), code.clone());
        }
        None => {
            let mut code = Attributes::default();
            code.text("00080100", "SH", "110513");
            code.text("00080102", "SH", "DCM");
            code.text("00080104", "LO", "Discontinued for unspecified reason");
            reason.items("0074100E", vec![code]);
        }
    }
    reason
}
