//! Retrieve of a study, a series or an instance (PS3.18 10.4): a zeroed preamble, new file meta information, and the data set
//! bit for bit as it arrived, or every value of it in another transfer syntax where one was asked for.

use super::accept::instances::{self, InstanceForm};
use super::accept::{self, DICOM, Shape};
use super::answer::Answer;
use super::body::Piece;
use super::request::{Request, instance_url};
use crate::http::{Doors, Problem};
use crate::recode;
use archive::object::InstanceFacts;
use archive::retrieve::{Located, Opened};
use axum::response::Response;
use futures_util::TryStreamExt as _;
use wire::multipart::Writer;

/// `GET` of a study, a series or an instance.
pub async fn retrieve(request: Request) -> Result<Response, Problem> {
    let ranges = accept::ranges(&request.headers, request.parameter("accept"))?;
    let located = request.locate().await?;
    let syntaxes: Vec<&str> =
        located.iter().filter_map(|l| l.instance()).map(|facts| facts.transfer_syntax_uid.as_str()).collect();
    let form = instances::choose(&ranges, &syntaxes)?;
    give(&request, &located, &form).await
}

/// Hands over what was located, in this form.
pub async fn give(request: &Request, located: &[Located], form: &InstanceForm) -> Result<Response, Problem> {
    if let Some(known) = Answer::of(request, located, &form.described()).known(&request.headers) {
        return Ok(known);
    }
    let mut opened = request.open(located).await?;
    let answer = Answer::of_opened(request, &opened, &form.described());
    // Damage of the first object is told by a status; of a later one, by a body that breaks off.
    if let Some(first) = opened.first() {
        first.dataset_range().await?;
    }
    match form.shape {
        Shape::Single => {
            let opened = opened.pop().ok_or_else(Problem::not_found)?;
            let syntax = form.syntax(&facts(&opened)?.transfer_syntax_uid).to_owned();
            let content_type = format!("{DICOM}; transfer-syntax={syntax}");
            let mut pieces = vec![Piece::Bytes(head(facts(&opened)?, &syntax))];
            if syntax == facts(&opened)?.transfer_syntax_uid {
                let range = opened.dataset_range().await?;
                pieces.push(Piece::Content(opened, range));
            } else {
                pieces.push(rewritten(&request.doors, opened, &syntax).await?);
            }
            answer.give(&request.headers, &content_type, pieces)
        }
        Shape::Parts => {
            let (content_type, pieces) = parts(request, &answer, form, opened).await?;
            answer.give(&request.headers, &content_type, pieces)
        }
    }
}

/// The data set in another transfer syntax than the one it is kept in.
async fn rewritten(doors: &Doors, opened: Opened, transfer_syntax_uid: &str) -> Result<Piece, Problem> {
    let stream = recode::instance(&doors.pixels, opened, transfer_syntax_uid).await?;
    Ok(Piece::Stream(Box::pin(stream.map_err(Problem::from))))
}

/// The same, looked at when it is its turn.
fn rewritten_later(doors: &Doors, opened: Opened, transfer_syntax_uid: &str) -> Piece {
    let (doors, syntax) = (doors.clone(), transfer_syntax_uid.to_owned());
    Piece::Pieces(Box::pin(async move { Ok(vec![rewritten(&doors, opened, &syntax).await?]) }))
}

async fn parts(
    request: &Request,
    answer: &Answer,
    form: &InstanceForm,
    opened: Vec<Opened>,
) -> Result<(String, Vec<Piece>), Problem> {
    let mut writer = Writer::new(answer.boundary())?;
    let content_type = writer.content_type(DICOM);
    let mut pieces = Vec::with_capacity(opened.len() + 1);
    for opened in opened {
        let facts = facts(&opened)?.clone();
        let syntax = form.syntax(&facts.transfer_syntax_uid);
        let part_type = format!("{DICOM}; transfer-syntax={syntax}");
        let location = instance_url(&request.base, &facts);
        let mut before = writer.begin(&[("Content-Type", &part_type), ("Content-Location", &location)])?;
        before.extend(head(&facts, syntax));
        if syntax == facts.transfer_syntax_uid {
            pieces.push(Piece::Instance(opened, before));
        } else {
            pieces.push(Piece::Bytes(before));
            // What cannot be written anew is told by a status while there is one.
            let first = pieces.len() == 1;
            pieces.push(if first {
                rewritten(&request.doors, opened, syntax).await?
            } else {
                rewritten_later(&request.doors, opened, syntax)
            });
        }
    }
    pieces.push(Piece::Bytes(writer.close()));
    Ok((content_type, pieces))
}

fn facts(opened: &Opened) -> Result<&InstanceFacts, Problem> {
    opened.located().instance().ok_or_else(Problem::not_found)
}

/// What stands before the data set (PS3.10 7.1). The preamble that came with a file is not given back: it can make an image
/// a program at the same time.
fn head(facts: &InstanceFacts, transfer_syntax_uid: &str) -> Vec<u8> {
    wire::part10::file_meta(&facts.sop_class_uid, &facts.sop_instance_uid, transfer_syntax_uid, None)
}
