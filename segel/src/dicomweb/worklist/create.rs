//! Create a workitem (PS3.18 11.4): `POST /workitems?{uid}`.

use super::answer::{self, Failure};
use super::state::State;
use super::workitem::{self, Workitem};
use super::{Request, rules};
use crate::worklist::element;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use wire::uid::is_uid;

/// `POST /dicom-web/workitems`.
pub async fn create(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    let mut data_set = answer::data_set(&request, &headers, body).await?;
    let inside = element::text(&data_set, "00080018").map(str::to_owned);
    let named = request.uid(&["workitem", "AffectedSOPInstanceUID"]).map(str::to_owned);
    let uid = match named.or(inside) {
        Some(uid) if is_uid(&uid) => uid,
        Some(_) => return Err(Failure::invalid("The workitem's UID is not one.")),
        None => new_uid()?,
    };
    if element::text(&data_set, workitem::STATE).is_some_and(|state| State::of(state) != Some(State::Scheduled)) {
        return Err(Failure::invalid("ProcedureStepState of a new workitem is SCHEDULED."));
    }
    let mut modified = rules::create(&mut data_set).map_err(Failure::invalid)?;
    if !rules::is_valued(&data_set, "00741202") {
        // PS3.4 Table CC.2.5-3: without a value of the creator, the archive chooses the label of its list.
        workitem::put(&mut data_set, "00741202", "LO", "DEFAULT");
        modified = true;
    }
    data_set.remove(workitem::TRANSACTION_UID);
    workitem::put(&mut data_set, "00080016", "UI", workitem::SOP_CLASS_UID);
    workitem::put(&mut data_set, "00080018", "UI", &uid);
    let subject = workitem::subject(&request.caller.who.facility, &uid, &data_set);
    let created = Workitem { data_set, state: State::Scheduled, version: 0, subject };
    created.keep(&request, &uid, 1, answer::CHANGE_INCONSISTENT).await?;
    let warning = modified.then_some(answer::CREATED_WITH_MODIFICATIONS);
    let mut response = answer::done(StatusCode::CREATED, warning);
    if let Ok(location) = HeaderValue::from_str(&format!("{}/workitems/{uid}", request.base)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A UID that nobody else makes: a random UUID under 2.25 (PS3.5 B.2).
fn new_uid() -> Result<String, Failure> {
    let uuid: String = crate::fhir::draft::id()?.chars().filter(char::is_ascii_hexdigit).collect();
    Ok(format!("2.25.{}", u128::from_str_radix(&uuid, 16).unwrap_or_default()))
}
