//! Retrieve a workitem (PS3.18 11.5).

use super::Request;
use super::answer::Failure;
use super::workitem::{TRANSACTION_UID, Workitem};
use crate::dicomweb::accept;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// `GET /dicom-web/workitems/{workitem}`. The Transaction UID is a lock and is never shown (PS3.4 CC.2.7.3).
pub async fn retrieve(request: Request) -> Result<Response, Failure> {
    accept::json(&request.headers, request.parameter("accept"))?;
    let mut workitem = Workitem::read(&request).await?;
    workitem.data_set.remove(TRANSACTION_UID);
    let body = json!([Value::Object(workitem.data_set)]).to_string();
    Ok(([(header::CONTENT_TYPE, "application/dicom+json")], body).into_response())
}
