//! Look-ups by filter. Each starts from the narrowest thing that the filter names and walks outward by row number, so
//! its cost follows the answer and not the archive.

mod question;
mod resources;
mod walk;

pub(super) use resources::resources;

use super::read::{KEPT, collect, kept};
use super::rows::{Filter, InstanceRow, Place, SeriesRow, StudyRow, day_text};
use crate::error::{Error, Result};
use crate::find::Level;
use question::Question;
use record::{FacilityCode, Pseudonym};
use rusqlite::{Connection, Row, params_from_iter};
use walk::Start;

/// Tokens that are looked up one by one for each study.
const LOOKED_UP_MAX: usize = 4;

fn conditions(question: &mut Question, filter: &Filter, level: Level) -> Result<()> {
    question.require("st.instances > 0");
    if !filter.tokens.is_empty() {
        let facility = question.facility(&filter.viewer)?;
        for group in &filter.tokens {
            let list = question.tokens(group)?;
            // A few tokens are looked up for each study; of many, the studies are gathered once.
            question.require(if group.len() <= LOOKED_UP_MAX {
                format!(
                    "EXISTS(SELECT 1 FROM study_tokens x WHERE x.facility = {facility} AND x.token IN ({list})
                     AND x.day = st.day AND x.study = st.id)"
                )
            } else {
                format!("st.id IN (SELECT study FROM study_tokens WHERE facility = {facility} AND token IN ({list}))")
            });
        }
    }
    if !filter.patients.is_empty() {
        let list = question.patients(&filter.patients)?;
        question.require(format!("st.patient IN ({list})"));
    }
    if !filter.study_instance_uids.is_empty() {
        let list = question.texts(&filter.study_instance_uids)?;
        question.require(format!("st.study_instance_uid IN ({list})"));
    }
    if !filter.study_modalities.is_empty() {
        let list = question.texts(&filter.study_modalities)?;
        let of_study = if level >= Level::Series {
            "studies o CROSS JOIN series m ON m.study = o.id
             WHERE o.study_instance_uid = st.study_instance_uid AND o.patient = st.patient"
        } else {
            "series m WHERE m.study = st.id"
        };
        question.require(format!("EXISTS(SELECT 1 FROM {of_study} AND m.instances > 0 AND m.modality IN ({list}))"));
    }
    question.days("st.day", &filter.study_date)?;
    if let Some(until) = filter.until {
        let column = match level {
            Level::Patient | Level::Study => "st.id",
            Level::Series => "se.id",
            Level::Instance => "i.id",
        };
        let until = question.number(until)?;
        question.require(format!("{column} <= {until}"));
    }
    below_study(question, filter, level)
}

/// Conditions on series and instances: on the row itself where the level has one, else on any below the study.
fn below_study(question: &mut Question, filter: &Filter, level: Level) -> Result<()> {
    let mut of_series = Vec::new();
    let mut of_instance = Vec::new();
    let series = if level >= Level::Series { "se" } else { "s" };
    let instance = if level >= Level::Instance { "i" } else { "n" };
    for (column, values) in [("series_instance_uid", &filter.series_instance_uids), ("modality", &filter.modalities)] {
        if !values.is_empty() {
            of_series.push(format!("{series}.{column} IN ({})", question.texts(values)?));
        }
    }
    for (column, values) in [("sop_instance_uid", &filter.sop_instance_uids), ("sop_class_uid", &filter.sop_class_uids)]
    {
        if !values.is_empty() {
            of_instance.push(format!("{instance}.{column} IN ({})", question.texts(values)?));
        }
    }
    if level >= Level::Series {
        question.require("se.instances > 0");
        of_series.drain(..).for_each(|condition| question.require(condition));
    }
    if level >= Level::Instance {
        of_instance.drain(..).for_each(|condition| question.require(condition));
    }
    if !of_instance.is_empty() {
        let within = if level >= Level::Series { "s.id = se.id" } else { "s.study = st.id" };
        of_series.append(&mut of_instance);
        question.require(format!(
            "EXISTS(SELECT 1 FROM instances n JOIN series s ON s.id = n.series WHERE {within} AND {})",
            of_series.join(" AND ")
        ));
    } else if !of_series.is_empty() {
        question.require(format!(
            "EXISTS(SELECT 1 FROM series s WHERE s.study = st.id AND s.instances > 0 AND {})",
            of_series.join(" AND ")
        ));
    }
    Ok(())
}

const STUDY: &str =
    "(SELECT code FROM facilities WHERE id = st.facility), (SELECT pseudonym FROM patients WHERE id = st.patient),
    st.study_instance_uid, st.day, st.modalities, st.series, st.instances, st.id";
const STUDY_REPRESENTATIVE: &str =
    "(SELECT n.version FROM series s CROSS JOIN instances n ON n.series = s.id WHERE s.study = st.id LIMIT 1)";
const SERIES_REPRESENTATIVE: &str = "(SELECT n.version FROM instances n WHERE n.series = se.id LIMIT 1)";

/// Other rows that may be of the same thing.
fn twins(level: Level) -> &'static str {
    match level {
        Level::Patient => {
            "EXISTS(SELECT 1 FROM studies o WHERE o.patient = st.patient AND o.id <> st.id AND o.instances > 0)"
        }
        Level::Study => {
            "EXISTS(SELECT 1 FROM studies o WHERE o.study_instance_uid = st.study_instance_uid AND o.id <> st.id
             AND o.patient = st.patient AND o.instances > 0)"
        }
        Level::Series => {
            "EXISTS(SELECT 1 FROM series o CROSS JOIN studies p ON p.id = o.study
             WHERE o.series_instance_uid = se.series_instance_uid AND o.id <> se.id AND o.instances > 0
             AND p.patient = st.patient)"
        }
        Level::Instance => {
            "EXISTS(SELECT 1 FROM instances o CROSS JOIN series q ON q.id = o.series CROSS JOIN studies p ON p.id = q.study
             WHERE o.sop_instance_uid = i.sop_instance_uid AND o.id <> i.id AND p.patient = st.patient)"
        }
    }
}

/// Columns of [`STUDY`], [`KEPT`], twins, then those of the level.
fn study_row(row: &Row<'_>) -> Result<StudyRow> {
    let modalities: String = row.get(4)?;
    let day: i64 = row.get(3)?;
    Ok(StudyRow {
        facility: facility(&row.get::<_, String>(0)?)?,
        patient: Pseudonym(row.get(1)?),
        study_instance_uid: row.get(2)?,
        study_date: day_text(day),
        modalities: modalities.split('\\').filter(|m| !m.is_empty()).map(str::to_owned).collect(),
        series: row.get(5).map_err(Error::from).and_then(super::apply::from_sql)?,
        instances: row.get(6).map_err(Error::from).and_then(super::apply::from_sql)?,
        place: Place { day, study: row.get(7)?, series: 0, instance: 0 },
        representative: kept(row, 8)?,
        has_twins: row.get(12)?,
    })
}

fn facility(code: &str) -> Result<FacilityCode> {
    FacilityCode::new(code).ok_or_else(|| Error::Damaged("index: not a facility's code".to_owned()))
}

fn series_row(row: &Row<'_>) -> Result<SeriesRow> {
    let mut study = study_row(row)?;
    study.place.series = row.get(16)?;
    Ok(SeriesRow {
        study,
        series_instance_uid: row.get(13)?,
        modality: row.get(14)?,
        instances: super::apply::from_sql(row.get(15)?)?,
    })
}

fn instance_row(row: &Row<'_>) -> Result<InstanceRow> {
    let mut series = series_row(row)?;
    series.study.place.instance = row.get(17)?;
    Ok(InstanceRow { series })
}

/// What a level's rows are made of.
struct Shape<T> {
    level: Level,
    more: &'static str,
    representative: &'static str,
    order: &'static str,
    map: fn(&Row<'_>) -> Result<T>,
    place: fn(&T) -> Place,
}

fn rows<T>(db: &Connection, filter: &Filter, shape: &Shape<T>) -> Result<Vec<T>> {
    let starts = walk::starts(db, filter, shape.level)?;
    if let [start] = starts.as_slice() {
        return walked(db, filter, shape, *start, filter.limit, filter.offset);
    }
    // Several walks in the same order, merged; each holds at most as many of the page's rows as the page has.
    let mut all = Vec::new();
    for start in starts {
        all.extend(walked(db, filter, shape, start, filter.limit.saturating_add(filter.offset), 0)?);
    }
    all.sort_by_key(|row| (shape.place)(row));
    all.dedup_by_key(|row| (shape.place)(row));
    Ok(all.into_iter().skip(filter.offset).take(filter.limit).collect())
}

fn walked<T>(
    db: &Connection,
    filter: &Filter,
    shape: &Shape<T>,
    start: Start<'_>,
    limit: usize,
    offset: usize,
) -> Result<Vec<T>> {
    let mut question = Question::default();
    let from = walk::tables(&mut question, filter, shape.level, start)?;
    conditions(&mut question, filter, shape.level)?;
    let page = question.page(limit, offset)?;
    let order = if start.is_ordered() { "d.day DESC, d.study DESC" } else { "st.day DESC, st.id DESC" };
    let twins = if filter.twins { twins(shape.level) } else { "0" };
    let sql = format!(
        "SELECT {STUDY}, {KEPT}, {twins}{} FROM {from} CROSS JOIN versions v ON v.id = {} WHERE {} ORDER BY {order}{} {page}",
        shape.more,
        shape.representative,
        question.conditions(),
        shape.order,
    );
    collect(db, &sql, params_from_iter(question.values), shape.map)
}

fn studies_as(level: Level) -> Shape<StudyRow> {
    Shape { level, more: "", representative: STUDY_REPRESENTATIVE, order: "", map: study_row, place: |row| row.place }
}

pub(super) fn patients(db: &Connection, filter: &Filter) -> Result<Vec<StudyRow>> {
    rows(db, filter, &studies_as(Level::Patient))
}

pub(super) fn studies(db: &Connection, filter: &Filter) -> Result<Vec<StudyRow>> {
    rows(db, filter, &studies_as(Level::Study))
}

pub(super) fn series(db: &Connection, filter: &Filter) -> Result<Vec<SeriesRow>> {
    let shape = Shape {
        level: Level::Series,
        more: ", se.series_instance_uid, se.modality, se.instances, se.id",
        representative: SERIES_REPRESENTATIVE,
        order: ", se.id",
        map: series_row,
        place: |row| row.study.place,
    };
    rows(db, filter, &shape)
}

pub(super) fn instances(db: &Connection, filter: &Filter) -> Result<Vec<InstanceRow>> {
    let shape = Shape {
        level: Level::Instance,
        more: ", se.series_instance_uid, se.modality, se.instances, se.id, i.id",
        representative: "i.version",
        order: ", se.id, i.id",
        map: instance_row,
        place: |row| row.series.study.place,
    };
    rows(db, filter, &shape)
}
