//! A patient's own page, the newest results, and whether the archive is well.

use super::Pages;
use super::failure::Failure;
use super::records::{self, Records};
use super::shown::{self, Frame, html};
use super::studies::{self, Line};
use super::visitor::Visitor;
use crate::http::Problem;
use archive::find::{ResourceQuery, ResourceRow};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use record::Pseudonym;
use serde::Deserialize;
use serde_json::Value;

/// Numbers of a patient that studies are looked up by.
const NUMBERS_MAX: usize = 8;
/// Results of the list.
const RESULTS_SHOWN: usize = 60;

/// One result of the list: what its summary says.
struct Listed {
    patient: String,
    name: String,
    date: String,
    title: String,
    value: String,
    tone: &'static str,
    facility: String,
}

#[derive(Template)]
#[template(path = "results.html")]
struct Results<'a> {
    frame: Frame<'a>,
    results: Vec<Listed>,
}

/// `GET /results`: the newest laboratory results.
pub async fn results(State(pages): State<Pages>, visitor: Visitor) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    let query = ResourceQuery {
        resource_type: "Observation".to_owned(),
        limit: Some(RESULTS_SHOWN),
        ..ResourceQuery::default()
    };
    let found = pages.doors.archive.find_resources(&visitor.asker, &query).await;
    let rows = found.map_err(|error| fail(Problem::of_read(error)))?;
    let results = rows.iter().map(|row| listed(row, &visitor)).collect();
    Ok(html(&Results { frame: Frame::of(&visitor, "results"), results }))
}

fn listed(row: &ResourceRow, visitor: &Visitor) -> Listed {
    let text = |name: &str| row.summary.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = text("value");
    Listed {
        patient: row.patient.to_hex(),
        name: text("patient"),
        date: shown::date(visitor.language, &row.facts.date),
        title: text("title"),
        tone: records::tone("", &value),
        value,
        facility: row.facility.to_string(),
    }
}

#[derive(Template)]
#[template(path = "patient.html")]
struct Patient<'a> {
    frame: Frame<'a>,
    name: String,
    studies: Vec<Line>,
    records: Records,
}

/// A number of the patient, to find the studies of somebody of whom no Patient resource is kept.
#[derive(Deserialize)]
pub struct Asked {
    number: Option<String>,
}

/// `GET /patients/{patient}?number=`: who it is, the studies, the results and documents.
pub async fn patient(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(patient): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    let patient = Pseudonym::from_hex(&patient).ok_or_else(|| fail(Problem::not_found()))?;
    let records = records::of_patient(&pages, &visitor, patient).await.map_err(fail)?;
    let mut studies: Vec<Line> = Vec::new();
    let mut name = records.person.as_ref().map(|person| person.name.clone()).unwrap_or_default();
    let known = records.person.iter().flat_map(|person| &person.numbers).map(|(_, number)| number);
    for number in asked.number.iter().chain(known).take(NUMBERS_MAX) {
        let Some(found) = studies::of_patient(&pages, &visitor, patient, number).await.map_err(fail)? else { continue };
        let new: Vec<Line> =
            found.studies.into_iter().filter(|line| studies.iter().all(|known| known.uid != line.uid)).collect();
        studies.extend(new);
        if name.is_empty() {
            name = found.name;
        }
    }
    if records.opened == 0 && studies.is_empty() {
        return Err(fail(Problem::not_found()));
    }
    Ok(html(&Patient { frame: Frame::of(&visitor, ""), name, studies, records }))
}

/// `GET /healthz`: 200 if the archive and its key service answer, 503 if not.
pub async fn health(State(pages): State<Pages>) -> Response {
    match pages.doors.archive.keys().checkpoint().await {
        Ok(_) => "ok\n".into_response(),
        Err(failure) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", failure.text)).into_response(),
    }
}
