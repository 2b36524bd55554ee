//! Retrieve of a study, a series or an instance (PS3.18 10.4): a zeroed preamble, new file meta information, and the data set
//! bit for bit as it arrived.

use super::accept::{self, InstanceForm};
use super::body::{self, Piece};
use super::request::{Request, instance_url};
use crate::http::Problem;
use archive::object::InstanceFacts;
use archive::retrieve::Opened;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use wire::multipart::Writer;

const DICOM: &str = "application/dicom";

/// `GET` of a study, a series or an instance.
pub async fn retrieve(request: Request) -> Result<Response, Problem> {
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let located = request.locate().await?;
    let syntaxes: Vec<&str> =
        located.iter().filter_map(|l| l.instance()).map(|facts| facts.transfer_syntax_uid.as_str()).collect();
    let form = accept::instances(&ranges, &syntaxes)?;
    let mut opened = request.open(&located).await?;
    // Damage of the first object is told by a status; of a later one, by a body that breaks off.
    if let Some(first) = opened.first() {
        first.dataset_range().await?;
    }
    match form {
        InstanceForm::Single => {
            let opened = opened.pop().ok_or_else(Problem::not_found)?;
            let facts = facts(&opened)?;
            let content_type = format!("{DICOM}; transfer-syntax={}", facts.transfer_syntax_uid);
            let head = head(facts);
            Ok(([(header::CONTENT_TYPE, content_type)], body::of([Piece::Instance(opened, head)])).into_response())
        }
        InstanceForm::Multipart => multipart(&request, opened),
    }
}

fn multipart(request: &Request, opened: Vec<Opened>) -> Result<Response, Problem> {
    let mut writer = Writer::new(&body::boundary()?)?;
    let content_type = writer.content_type(DICOM);
    let mut pieces = Vec::with_capacity(opened.len() + 1);
    for opened in opened {
        let facts = facts(&opened)?;
        let part_type = format!("{DICOM}; transfer-syntax={}", facts.transfer_syntax_uid);
        let location = instance_url(&request.base, facts);
        let mut before = writer.begin(&[("Content-Type", &part_type), ("Content-Location", &location)])?;
        before.extend(head(facts));
        pieces.push(Piece::Instance(opened, before));
    }
    pieces.push(Piece::Bytes(writer.close()));
    Ok(([(header::CONTENT_TYPE, content_type)], body::of(pieces)).into_response())
}

fn facts(opened: &Opened) -> Result<&InstanceFacts, Problem> {
    opened.located().instance().ok_or_else(Problem::not_found)
}

/// What stands before the data set (PS3.10 7.1). The preamble that came with a file is not given back: it can make an image
/// a program at the same time.
fn head(facts: &InstanceFacts) -> Vec<u8> {
    wire::part10::file_meta(&facts.sop_class_uid, &facts.sop_instance_uid, &facts.transfer_syntax_uid, None)
}
