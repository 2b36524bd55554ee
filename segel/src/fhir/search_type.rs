//! search-type (FHIR R4 3.1.1), by GET or by POST, where nothing of the question stands in an address.

pub mod matching;
pub mod parameters;

use super::accept;
use super::bundle::SearchSet;
use super::definition::Definition;
use super::failure::Failure;
use super::request::Request;
use super::served;
use crate::http::{Problem, body};
use archive::find::{ResourceQuery, ResourceRow};
use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use parameters::{Search, Sort, Who};
use record::limits::{RESOURCE_BYTES_MAX, SEARCH_RESULTS_MAX};
use record::{Pseudonym, Term};
use seal::message::Part;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A form of search parameters; more than any address could hold.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Patients that one question may stand for.
const PATIENTS_MAX: usize = 64;

/// `GET /fhir/{type}`.
pub async fn get(request: Request) -> Result<Response, Failure> {
    let parameters = request.query.clone();
    search(&request, &parameters).await
}

/// `POST /fhir/{type}/_search`.
pub async fn post(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Failure> {
    if super::create::content_type(&headers)? != "application/x-www-form-urlencoded" {
        return Err(Problem::unsupported("A search by POST is application/x-www-form-urlencoded.").into());
    }
    let held = body::hold(body, &headers, FORM_BYTES_MAX, &request.doors.held).await?;
    let unreadable = || Failure::bad_request("invalid", "The form cannot be read.");
    let form = std::str::from_utf8(&held.bytes).map_err(|_| unreadable())?;
    let uri: Uri = format!("/?{}", form.trim()).parse().map_err(|_| unreadable())?;
    let Query(form) = Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(|_| unreadable())?;
    let parameters = [request.query.clone(), form].concat();
    search(&request, &parameters).await
}

async fn search(request: &Request, parameters: &[(String, String)]) -> Result<Response, Failure> {
    accept::json(&request.headers)?;
    let definition = request.definition()?;
    let search = parameters::read(definition, parameters, &request.caller.who.facility)?;
    let mut rows = find(request, definition, &search).await?;
    match search.sort {
        Sort::Newest => rows.sort_by_key(|row| (std::cmp::Reverse(row.arrived), row.facts.id.clone())),
        Sort::Oldest => rows.sort_by_key(|row| (row.arrived, row.facts.id.clone())),
        Sort::LatestDate => rows.sort_by(|a, b| (&b.facts.date, &b.facts.id).cmp(&(&a.facts.date, &a.facts.id))),
        Sort::EarliestDate => rows.sort_by(|a, b| (&a.facts.date, &a.facts.id).cmp(&(&b.facts.date, &b.facts.id))),
    }
    let total = rows.len();
    let page: Vec<ResourceRow> = rows.into_iter().skip(search.offset).take(search.count).collect();
    let (set, shown) = fill(request, definition, &page).await?;
    let own_url = parameters::url(&request.base, definition.name, parameters, None);
    let next = search.offset + shown;
    let next_url =
        (next < total && shown > 0).then(|| parameters::url(&request.base, definition.name, parameters, Some(next)));
    let total = (total < SEARCH_RESULTS_MAX).then_some(total);
    Ok(([served::content_type()], set.finish(total, &own_url, next_url.as_deref())).into_response())
}

/// All that match, for all patients that the question stands for.
async fn find(request: &Request, definition: &Definition, search: &Search) -> Result<Vec<ResourceRow>, Failure> {
    let conditions = Arc::new(search.conditions.clone());
    let query = ResourceQuery {
        resource_type: definition.name.to_owned(),
        ids: search.ids.clone(),
        terms: search.terms.clone(),
        from: search.from.clone(),
        to: search.to.clone(),
        accept: Some(Arc::new(move |summary| conditions.iter().all(|condition| condition.accepts(summary)))),
        ..ResourceQuery::default()
    };
    let mut patients: Option<BTreeSet<Pseudonym>> = None;
    for who in &search.patients {
        let found = stand_for(request, definition, who).await?;
        patients =
            Some(patients.map_or_else(|| found.clone(), |before| before.intersection(&found).copied().collect()));
    }
    let archive = &request.doors.archive;
    let asker = &request.caller.asker;
    let Some(patients) = patients else { return Ok(archive.find_resources(asker, &query).await?) };
    if patients.len() > PATIENTS_MAX {
        return Err(Failure::bad_request("too-costly", "The question stands for too many patients."));
    }
    let mut rows: HashMap<String, ResourceRow> = HashMap::new();
    for patient in patients {
        let query = ResourceQuery { patient: Some(patient), ..query.clone() };
        let found = archive.find_resources(asker, &query).await?;
        rows.extend(found.into_iter().map(|row| (row.facts.id.clone(), row)));
    }
    Ok(rows.into_values().collect())
}

/// The pseudonyms that one condition on the patient stands for.
async fn stand_for(request: &Request, definition: &Definition, who: &Who) -> Result<BTreeSet<Pseudonym>, Failure> {
    let archive = &request.doors.archive;
    let asker = &request.caller.asker;
    let mut patients = BTreeSet::new();
    match who {
        Who::Ids(ids) => {
            for id in ids {
                match archive.locate_resource(asker, "Patient", id, None).await {
                    Ok(located) => patients.extend([located.patient()]),
                    Err(archive::Error::Refused(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Who::Identified(terms) => {
            // A patient may be known by a Patient resource, or only by what the results say of their subject.
            for resource_type in ["Patient", definition.name] {
                let query = identified(resource_type, terms.clone());
                patients.extend(archive.find_resources(asker, &query).await?.into_iter().map(|row| row.patient));
            }
        }
    }
    Ok(patients)
}

fn identified(resource_type: &str, terms: Vec<Term>) -> ResourceQuery {
    ResourceQuery { resource_type: resource_type.to_owned(), terms: vec![terms], ..ResourceQuery::default() }
}

/// Opens the rows of a page, in one decision, and puts them into a bundle. A page ends early where it becomes too large.
async fn fill(request: &Request, definition: &Definition, page: &[ResourceRow]) -> Result<(SearchSet, usize), Failure> {
    let archive = &request.doors.archive;
    let asker = &request.caller.asker;
    let mut located = Vec::with_capacity(page.len());
    for row in page {
        located.push(archive.locate_resource(asker, definition.name, &row.facts.id, None).await?);
    }
    let mut set = SearchSet::new();
    if located.is_empty() {
        return Ok((set, 0));
    }
    let opened = archive.open(asker, Part::Content, &located).await?;
    let complete = opened.len() == located.len();
    let mut shown = 0;
    for opened in opened {
        if shown > 0 && set.len() > RESOURCE_BYTES_MAX {
            return Ok((set, shown));
        }
        let id = opened.located().resource().map(|facts| facts.id.clone()).unwrap_or_default();
        let resource = served::resource(&opened).await?;
        set.push(&format!("{}/{}/{id}", request.base, definition.name), &resource);
        shown += 1;
    }
    // Those that were refused are passed over, and not asked for again.
    Ok((set, if complete { shown } else { page.len() }))
}
