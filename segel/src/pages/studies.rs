//! The list of studies: searched, paged, patient by patient.

use super::Pages;
use super::failure::Failure;
use super::form::encoded;
use super::shown::{self, Frame, html};
use super::texts::Language;
use super::visitor::Visitor;
use crate::dicomweb::attributes::Attributes;
use crate::http::Problem;
use archive::find::{Level, Matching, Query, Row};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Parameters, State};
use axum::response::Response;
use record::Pseudonym;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

/// Studies of one page of the list.
const PAGE_STUDIES: usize = 40;

/// What was typed into the search form.
#[derive(Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    name: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    modality: String,
    #[serde(default)]
    page: usize,
}

impl Asked {
    /// The query. A name matches in any of its words; a number matches whole, whoever issued it.
    fn query(&self) -> Query {
        let mut query = Query::at(Level::Study);
        for tag in [0x0008_0061, 0x0008_1030, 0x0010_0040, 0x0010_0030, 0x0020_1206, 0x0020_1208, 0x0008_0080] {
            query = query.with(tag, Matching::Universal);
        }
        let day = |text: &str| {
            Some(text.replace('-', "")).filter(|day| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()))
        };
        let clean = |text: &str| text.trim().replace(['*', '?', '\\'], " ").trim().to_owned();
        let (name, number) = (clean(&self.name), clean(&self.number));
        if !name.is_empty() {
            query = query.with(0x0010_0010, Matching::Wildcard(format!("*{name}*")));
        }
        if !number.is_empty() {
            // OtherPatientIDs stands for every number of the patient: medical record, NIK, card.
            query = query.with(0x0010_1000, Matching::Single(number));
        }
        if day(&self.from).is_some() || day(&self.to).is_some() {
            query = query.with(0x0008_0020, Matching::Range { from: day(&self.from), to: day(&self.to) });
        }
        if !self.modality.is_empty() {
            query = query.with(0x0008_0061, Matching::Single(self.modality.trim().to_uppercase()));
        }
        query.offset = self.page.saturating_mul(PAGE_STUDIES);
        // One more than is shown tells whether there is a next page.
        query.limit = Some(PAGE_STUDIES + 1);
        query
    }

    /// The address of another page of the same search.
    fn address(&self, page: usize) -> String {
        let mut address = format!("/?page={page}");
        for (name, value) in [
            ("name", &self.name),
            ("number", &self.number),
            ("from", &self.from),
            ("to", &self.to),
            ("modality", &self.modality),
        ] {
            if !value.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(address, "&{name}={}", encoded(value));
            }
        }
        address
    }

    fn is_empty(&self) -> bool {
        [&self.name, &self.number, &self.from, &self.to, &self.modality].iter().all(|text| text.is_empty())
    }
}

/// The modalities of the form's list.
const MODALITIES: [&str; 12] = ["CR", "DX", "CT", "MR", "US", "XA", "MG", "NM", "PT", "ECG", "XC", "DOC"];

/// A patient's studies, together.
pub struct Group {
    pseudonym: String,
    /// The patient's name as the first study has it.
    pub name: String,
    number: String,
    sex: &'static str,
    born: String,
    age: Option<i16>,
    /// The studies.
    pub studies: Vec<Line>,
}

/// One study.
pub struct Line {
    /// StudyInstanceUID.
    pub uid: String,
    /// Date in words.
    pub date: String,
    /// Hours and minutes.
    pub time: String,
    /// ModalitiesInStudy.
    pub modalities: Vec<String>,
    /// StudyDescription.
    pub description: String,
    /// AccessionNumber.
    pub accession: String,
    /// Who sent it.
    pub facility: String,
    /// Number of series.
    pub series: u32,
    /// Number of instances.
    pub instances: u32,
}

#[derive(Template)]
#[template(path = "studies.html")]
struct Page<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    modalities: &'static [&'static str],
    groups: Vec<Group>,
    shown: usize,
    first: usize,
    previous: Option<String>,
    next: Option<String>,
}

/// `GET /`
pub async fn page(
    State(pages): State<Pages>,
    visitor: Visitor,
    asked: Result<Parameters<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let asked = asked.map(|Parameters(asked)| asked).unwrap_or_default();
    let found = pages.doors.archive.find(&visitor.asker, &asked.query()).await;
    let mut rows = found.map_err(|error| Failure::of(Problem::of_read(error), visitor.language))?;
    let more = rows.len() > PAGE_STUDIES;
    rows.truncate(PAGE_STUDIES);
    let shown = rows.len();
    let page = Page {
        frame: Frame::of(&visitor, "studies"),
        modalities: &MODALITIES,
        groups: grouped(rows, visitor.language),
        shown,
        first: asked.page.saturating_mul(PAGE_STUDIES) + 1,
        previous: asked.page.checked_sub(1).map(|page| asked.address(page)),
        next: more.then(|| asked.address(asked.page.saturating_add(1))),
        asked: &asked,
    };
    Ok(html(&page))
}

/// The studies of one patient, known by a number of theirs.
pub async fn of_patient(
    pages: &Pages,
    visitor: &Visitor,
    patient: Pseudonym,
    number: &str,
) -> Result<Option<Group>, Problem> {
    let asked = Asked { number: number.to_owned(), ..Asked::default() };
    let rows = pages.doors.archive.find(&visitor.asker, &asked.query()).await?;
    let own = rows.into_iter().filter(|row| row.patient == patient).collect();
    Ok(grouped(own, visitor.language).pop())
}

/// Rows of one patient stand together, where the first of them stood.
fn grouped(rows: Vec<Row>, language: Language) -> Vec<Group> {
    let mut groups: Vec<(Pseudonym, Group)> = Vec::new();
    for row in rows {
        let (patient, facility) = (row.patient, row.facility.to_string());
        let attributes = Value::Object(row.attributes);
        let line = line(Attributes(&attributes), facility, language);
        match groups.iter_mut().find(|(pseudonym, _)| *pseudonym == patient) {
            Some((_, group)) => group.studies.push(line),
            None => groups.push((patient, group(Attributes(&attributes), patient, line, language))),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn group(attributes: Attributes<'_>, patient: Pseudonym, first: Line, language: Language) -> Group {
    let born = attributes.text("00100030").unwrap_or_default();
    Group {
        pseudonym: patient.to_hex(),
        name: shown::person(attributes, "00100010"),
        number: attributes.text("00100020").unwrap_or_default().to_owned(),
        sex: shown::sex(language.words(), attributes.text("00100040").unwrap_or_default()),
        born: shown::date(language, born),
        age: shown::age(born, attributes.text("00080020").unwrap_or_default()),
        studies: vec![first],
    }
}

fn line(attributes: Attributes<'_>, facility: String, language: Language) -> Line {
    let text = |tag: &str| attributes.text(tag).unwrap_or_default().to_owned();
    let modalities = attributes.element("00080061").and_then(|e| e.get("Value")).and_then(Value::as_array);
    Line {
        uid: text("0020000D"),
        date: shown::date(language, &text("00080020")),
        time: shown::minutes(&text("00080030")),
        modalities: modalities.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        description: text("00081030"),
        accession: text("00080050"),
        facility,
        series: attributes.count("00201206").unwrap_or(0),
        instances: attributes.count("00201208").unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_whatever_is_in_it() {
        let attributes = serde_json::json!({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "<script>alert(1)</script>^\"'&"}]},
            "00081030": {"vr": "LO", "Value": ["<img src=x onerror=y>"]},
        });
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let row = Row { attributes, patient: Pseudonym([7; 16]), facility: record::FacilityCode::new("RS-A").unwrap() };
        let page = Page {
            frame: Frame::guest(Language::English),
            asked: &Asked { name: "\"><script>".to_owned(), ..Asked::default() },
            modalities: &MODALITIES,
            groups: grouped(vec![row.clone(), row], Language::English),
            shown: 2,
            first: 1,
            previous: None,
            next: None,
        };
        assert_eq!(page.groups.len(), 1);
        let html = page.render().unwrap();
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<img src=x"));
    }

    #[test]
    fn a_form_becomes_a_query_and_an_address_again() {
        let asked = Asked {
            name: " siti*".to_owned(),
            from: "2026-01-02".to_owned(),
            modality: "ct".to_owned(),
            page: 2,
            ..Asked::default()
        };
        let query = asked.query();
        assert!(query.keys.contains(&(0x0010_0010, Matching::Wildcard("*siti*".to_owned()))));
        assert!(query.keys.contains(&(0x0008_0020, Matching::Range { from: Some("20260102".to_owned()), to: None })));
        assert!(query.keys.contains(&(0x0008_0061, Matching::Single("CT".to_owned()))));
        assert_eq!((query.offset, query.limit), (80, Some(41)));
        assert_eq!(asked.address(3), "/?page=3&name=%20siti%2A&from=2026-01-02&modality=ct");
        assert!(Asked::default().is_empty() && !asked.is_empty());
    }
}
