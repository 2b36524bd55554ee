//! One study: the patient, the series, and what else is known of the patient.

use super::Pages;
use super::failure::Failure;
use super::records::{self, Records};
use super::shown::{self, Frame, html};
use super::studies::{self, Line};
use super::visitor::Visitor;
use crate::dicomweb::attributes::Attributes;
use crate::http::Problem;
use archive::retrieve::Target;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use record::Pseudonym;
use seal::message::Part;
use serde_json::{Value, json};
use wire::uid::is_uid;

/// Frames that a page offers to scroll through; a slide scanner's pyramid has more than anybody scrolls.
const FRAMES_MAX: usize = 5_000;

/// The patient, above everything.
pub struct Banner {
    /// For the address of the patient's page.
    pub pseudonym: String,
    /// Name.
    pub name: String,
    /// Medical record number.
    pub number: String,
    /// Who issued it.
    pub issuer: String,
    /// Other identifiers: scheme and number.
    pub others: Vec<(String, String)>,
    /// Date of birth in words.
    pub born: String,
    /// Age at the time.
    pub age: Option<i16>,
    /// Sex in words.
    pub sex: &'static str,
}

/// Visible light images (PS3.4 B.5): photographs, endoscopy, microscopy.
const VISIBLE_LIGHT: &str = "1.2.840.10008.5.1.4.1.1.77.1.";

/// One series as the strip shows it.
struct Series {
    uid: String,
    number: u32,
    modality: String,
    description: String,
    /// `images`, `waveform`, `document` or `other`.
    kind: &'static str,
    /// Whether its pictures are coloured, so that no window applies.
    colour: bool,
    /// Each frame: SOPInstanceUID and number from 0.
    frames: Vec<(u32, String, u32)>,
}

impl Series {
    fn instance(&self) -> &str {
        self.frames.get(self.frames.len() / 2).map_or("", |(_, uid, _)| uid)
    }

    fn list(&self) -> String {
        json!(self.frames.iter().map(|(_, uid, frame)| json!([uid, frame])).collect::<Vec<_>>()).to_string()
    }
}

/// What the corners of a picture say of the study.
struct Facts {
    uid: String,
    description: String,
    date: String,
    time: String,
    accession: String,
    facility: String,
    institution: String,
    physician: String,
}

#[derive(Template)]
#[template(path = "study.html")]
struct Page<'a> {
    frame: Frame<'a>,
    banner: Banner,
    study: Facts,
    series: Vec<Series>,
    instances: usize,
    others: Vec<Line>,
    records: Records,
}

/// `GET /studies/{study}`
pub async fn page(
    State(pages): State<Pages>,
    visitor: Visitor,
    Path(study): Path<String>,
) -> Result<Response, Failure> {
    let fail = |problem: Problem| Failure::of(problem, visitor.language);
    if !is_uid(&study) {
        return Err(fail(Problem::not_found()));
    }
    let (patient, facility, mut opened) = summaries(&pages, &visitor, &study).await.map_err(fail)?;
    // The instance that comes first in the study speaks for the patient.
    opened.sort_by_key(|(facts, summary)| (facts.series_instance_uid.clone(), number(summary)));
    let mut records = records::of_patient(&pages, &visitor, patient).await.map_err(fail)?;
    // What was said of this study comes before what was said of others.
    records.reports.sort_by_key(|report| report.study.as_deref() != Some(study.as_str()));
    let first = opened.first().map(|(_, summary)| summary.clone()).unwrap_or_default();
    let instances = opened.len();
    let series = series(opened);
    let attributes = Attributes(&first);
    let text = |tag: &str| attributes.text(tag).unwrap_or_default().to_owned();
    let number = text("00100020");
    let others = if number.is_empty() {
        None
    } else {
        studies::of_patient(&pages, &visitor, patient, &number).await.map_err(fail)?
    };
    let mut others = others.map(|group| group.studies).unwrap_or_default();
    others.retain(|line| line.uid != study);
    let page = Page {
        frame: Frame::of(&visitor, "studies"),
        banner: banner(attributes, patient, &visitor),
        study: Facts {
            uid: study,
            description: text("00081030"),
            date: shown::date(visitor.language, &text("00080020")),
            time: shown::minutes(&text("00080030")),
            accession: text("00080050"),
            facility,
            institution: text("00080080"),
            physician: shown::person(attributes, "00080090"),
        },
        series,
        instances,
        others,
        records,
    };
    Ok(html(&page))
}

type Summary = (archive::object::InstanceFacts, Value);

/// The summaries of a study's instances, opened in one logged release.
async fn summaries(
    pages: &Pages,
    visitor: &Visitor,
    study: &str,
) -> Result<(Pseudonym, String, Vec<Summary>), Problem> {
    let archive = &pages.doors.archive;
    let located = archive.locate(&visitor.asker, &Target::study(study)).await?;
    // Two patients under one StudyInstanceUID are two studies; a page shows one patient.
    let patient = located.first().map(archive::retrieve::Located::patient).ok_or_else(Problem::not_found)?;
    let located: Vec<_> = located.into_iter().filter(|one| one.patient() == patient).collect();
    let mut facility = String::new();
    let mut summaries = Vec::with_capacity(located.len());
    for opened in archive.open(&visitor.asker, Part::Summary, &located).await? {
        if let Some(facts) = opened.located().instance().cloned() {
            facility = opened.located().facility().to_string();
            summaries.push((facts, opened.summary().await?));
        }
    }
    if summaries.is_empty() { Err(Problem::not_found()) } else { Ok((patient, facility, summaries)) }
}

fn number(summary: &Value) -> u32 {
    Attributes(summary).count("00200013").unwrap_or(u32::MAX)
}

/// What can be shown of a SOP class.
fn kind(sop_class: &str, frames: u32) -> &'static str {
    match sop_class {
        "1.2.840.10008.5.1.4.1.1.104.1" => "document",
        class if class.starts_with("1.2.840.10008.5.1.4.1.1.9.") => "waveform",
        _ if frames > 0 => "images",
        _ => "other",
    }
}

fn series(opened: Vec<Summary>) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (facts, summary) in opened {
        let attributes = Attributes(&summary);
        let frames = (0..facts.frames.max(1)).map(|frame| (number(&summary), facts.sop_instance_uid.clone(), frame));
        match all.iter_mut().find(|series| series.uid == facts.series_instance_uid) {
            Some(series) => series.frames.extend(frames.take(FRAMES_MAX.saturating_sub(series.frames.len()))),
            None => all.push(Series {
                number: attributes.count("00200011").unwrap_or(0),
                modality: facts.modality.clone(),
                description: attributes.text("0008103E").unwrap_or_default().to_owned(),
                kind: kind(&facts.sop_class_uid, facts.frames),
                colour: facts.sop_class_uid.starts_with(VISIBLE_LIGHT),
                frames: frames.take(FRAMES_MAX).collect(),
                uid: facts.series_instance_uid,
            }),
        }
    }
    for series in &mut all {
        series.frames.sort();
    }
    all.sort_by(|a, b| (a.number, &a.uid).cmp(&(b.number, &b.uid)));
    all
}

/// Who the study is about.
pub fn banner(attributes: Attributes<'_>, patient: Pseudonym, visitor: &Visitor) -> Banner {
    let text = |tag: &str| attributes.text(tag).unwrap_or_default().to_owned();
    let others = attributes.items("00101002").filter_map(|item| {
        let number = item.text("00100020").filter(|number| !number.is_empty())?;
        Some((item.text("00100021").unwrap_or_default().to_owned(), number.to_owned()))
    });
    Banner {
        pseudonym: patient.to_hex(),
        name: shown::person(attributes, "00100010"),
        number: text("00100020"),
        issuer: text("00100021"),
        others: others.collect(),
        born: shown::date(visitor.language, &text("00100030")),
        age: shown::age(&text("00100030"), &text("00080020")),
        sex: shown::sex(visitor.language.words(), &text("00100040")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::object::InstanceFacts;

    #[test]
    fn slices_stand_in_the_order_of_their_numbers_and_series_apart() {
        let one = |series: &str, number: u32, uid: &str, frames: u32| {
            let facts = InstanceFacts {
                series_instance_uid: series.to_owned(),
                sop_instance_uid: uid.to_owned(),
                sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".to_owned(),
                frames,
                ..InstanceFacts::default()
            };
            (
                facts,
                json!({"00200013": {"vr": "IS", "Value": [number]}, "00200011": {"vr": "IS", "Value": [if series == "1.1" { 2 } else { 1 }]}}),
            )
        };
        let all =
            series(vec![one("1.1", 2, "b", 1), one("1.1", 1, "a", 1), one("1.2", 1, "m", 3), one("1.1", 10, "c", 1)]);
        assert_eq!(all.iter().map(|s| s.uid.as_str()).collect::<Vec<_>>(), ["1.2", "1.1"]);
        assert_eq!(all[1].list(), r#"[["a",0],["b",0],["c",0]]"#);
        assert_eq!(all[0].list(), r#"[["m",0],["m",1],["m",2]]"#);
        assert_eq!(kind("1.2.840.10008.5.1.4.1.1.9.1.1", 0), "waveform");
    }
}
