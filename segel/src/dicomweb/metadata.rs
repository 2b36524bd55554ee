//! Metadata (PS3.18 10.4.1.1.2): what was kept at ingest, with a link for each bulk value.

use super::accept;
use super::answer::Answer;
use super::body::Piece;
use super::request::{Request, instance_url};
use super::splice::splice;
use crate::http::Problem;
use archive::retrieve::Opened;
use axum::response::Response;
use std::sync::Arc;

/// Instances whose metadata is read and held together: a slice has some 6 kB.
const BATCH: usize = 64;

/// There is one form of metadata.
const FORM: &str = "metadata";

/// `GET .../metadata` of a study, a series or an instance.
pub async fn metadata(request: Request) -> Result<Response, Problem> {
    accept::json(&request.headers, request.parameter("accept"))?;
    let located = request.locate().await?;
    if let Some(known) = Answer::of(&request, &located, FORM).known(&request.headers) {
        return Ok(known);
    }
    let opened = request.open(&located).await?;
    let answer = Answer::of_opened(&request, &opened, FORM);
    let base: Arc<str> = Arc::from(request.base.as_str());
    let mut pieces = Vec::with_capacity(opened.len() / BATCH + 2);
    let mut before = "[";
    for batch in opened.chunks(BATCH) {
        pieces.push(Piece::Metadata { opened: batch.to_vec(), base: Arc::clone(&base), before });
        before = ",\n";
    }
    // Damage of the first batch is told by a status; of a later one, by a body that breaks off.
    if let Some(first) = pieces.first_mut()
        && let Piece::Metadata { opened, base, before } = first
    {
        *first = Piece::Bytes(linked(std::mem::take(opened), base, before).await?);
    }
    pieces.push(Piece::Bytes(b"]".to_vec()));
    answer.give(&request.headers, "application/dicom+json", pieces)
}

/// The metadata of some instances with links under `base`.
pub async fn linked(opened: Vec<Opened>, base: &str, before: &str) -> Result<Vec<u8>, Problem> {
    let facts = opened.iter().map(|opened| opened.located().instance().cloned().ok_or_else(Problem::not_found));
    let facts = facts.collect::<Result<Vec<_>, _>>()?;
    let texts = Opened::metadata_texts(opened).await?;
    let mut out = Vec::with_capacity(texts.iter().map(|text| text.len() + 512).sum());
    let mut before = before;
    for (text, facts) in texts.iter().zip(&facts) {
        out.extend_from_slice(before.as_bytes());
        let bulkdata = format!("{}/bulkdata", instance_url(base, facts));
        splice(text, &bulkdata, &facts.transfer_syntax_uid, &mut out)
            .map_err(|_| archive::Error::Damaged("sealed metadata is not what ingest writes".to_owned()))?;
        before = ",\n";
    }
    Ok(out)
}
