//! Look-ups by filter. Each starts from the narrowest thing that the filter names and walks outward by row number, so
//! its cost follows the answer and not the archive.

use super::read::{KEPT, collect, kept};
use super::rows::{DateRange, Filter, InstanceRow, Kept, PatientRow, ResourceFilter, SeriesRow, StudyRow};
use crate::error::{Error, Result};
use record::{FacilityCode, Field, Pseudonym, Token, limits};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

/// An SQL text that grows together with its parameters, so that neither can miss the other.
#[derive(Default)]
struct Question {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Question {
    /// Placeholders for some values: `?,?,?`.
    fn list(&mut self, values: impl IntoIterator<Item = Value>) -> Result<String> {
        let before = self.values.len();
        self.values.extend(values);
        let count = self.values.len() - before;
        if count > limits::FILTER_VALUES_MAX {
            return Err(Error::Invalid(format!(
                "more than {} values of one kind; ask in parts",
                limits::FILTER_VALUES_MAX
            )));
        }
        // Numbered, because conditions are joined in another order than they are made.
        Ok((before + 1..=before + count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(","))
    }

    fn texts(&mut self, values: &[String]) -> Result<String> {
        self.list(values.iter().map(|text| Value::Text(text.clone())))
    }

    fn tokens(&mut self, values: &[Token]) -> Result<String> {
        self.list(values.iter().map(|token| Value::Blob(token.0.clone())))
    }

    fn patients(&mut self, values: &[Pseudonym]) -> Result<String> {
        let list = self.list(values.iter().map(|patient| Value::Blob(patient.0.to_vec())))?;
        Ok(format!("SELECT id FROM patients WHERE pseudonym IN ({list})"))
    }

    fn facility(&mut self, code: &FacilityCode) -> Result<String> {
        let list = self.list([Value::Text(code.as_str().to_owned())])?;
        Ok(format!("(SELECT id FROM facilities WHERE code = {list})"))
    }

    fn days(&mut self, column: &str, range: &DateRange) -> Result<()> {
        if let Some(from) = &range.from {
            let value = self.list([Value::Text(from.clone())])?;
            self.conditions.push(format!("{column} >= {value}"));
        }
        if let Some(to) = &range.to {
            let value = self.list([Value::Text(to.clone())])?;
            // A study without a date is in no range.
            self.conditions.push(format!("{column} <= {value} AND {column} > ''"));
        }
        Ok(())
    }

    fn page(&mut self, limit: usize, offset: usize) -> Result<String> {
        let number = |n: usize| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let limit = self.list([number(limit)])?;
        let offset = self.list([number(offset)])?;
        Ok(format!("LIMIT {limit} OFFSET {offset}"))
    }

    fn conditions(&self) -> String {
        self.conditions.join(" AND ")
    }
}

/// Below which level rows are counted apart.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Study,
    Series,
    Instance,
}

/// The tables to walk and the order to walk them in; `CROSS JOIN` makes SQLite keep it.
struct Walk {
    from: String,
    order: &'static str,
}

const TO_SERIES: &str = " CROSS JOIN series se ON se.study = st.id";
const TO_INSTANCES: &str = " CROSS JOIN instances i ON i.series = se.id";

fn walk(question: &mut Question, filter: &Filter, level: Level) -> Result<Walk> {
    let outward = match level {
        Level::Study => String::new(),
        Level::Series => TO_SERIES.to_owned(),
        Level::Instance => format!("{TO_SERIES}{TO_INSTANCES}"),
    };
    let by_row = "st.study_date DESC, st.id DESC";
    let mut viewer = true;
    let mut order = by_row;
    let from = if level == Level::Instance && !filter.sop_instance_uids.is_empty() {
        "instances i CROSS JOIN series se ON se.id = i.series CROSS JOIN studies st ON st.id = se.study".to_owned()
    } else if level >= Level::Series && !filter.series_instance_uids.is_empty() {
        let rest = if level == Level::Instance { TO_INSTANCES } else { "" };
        format!("series se CROSS JOIN studies st ON st.id = se.study{rest}")
    } else if !filter.study_instance_uids.is_empty() || !filter.patients.is_empty() {
        format!("studies st{outward}")
    } else if !filter.series_instance_uids.is_empty() || !filter.sop_instance_uids.is_empty() {
        // The study level: which studies hold the series or instance.
        let held = if filter.sop_instance_uids.is_empty() {
            format!(
                "SELECT study FROM series WHERE series_instance_uid IN ({})",
                question.texts(&filter.series_instance_uids)?
            )
        } else {
            let list = question.texts(&filter.sop_instance_uids)?;
            format!(
                "SELECT s.study FROM instances n CROSS JOIN series s ON s.id = n.series WHERE n.sop_instance_uid IN ({list})"
            )
        };
        format!("({held} GROUP BY 1) d CROSS JOIN studies st ON st.id = d.study{outward}")
    } else if let Some(group) = narrowest(&filter.tokens, &filter.study_date) {
        let list = question.tokens(group)?;
        format!(
            "(SELECT DISTINCT study FROM study_tokens WHERE token IN ({list})) d CROSS JOIN studies st ON st.id = d.study{outward}"
        )
    } else {
        viewer = false;
        order = "d.study_date DESC, d.study DESC";
        let facility = question.facility(&filter.viewer)?;
        let modality = match filter.modalities.as_slice() {
            [one] => question.list([Value::Text(one.clone())])?,
            _ => "''".to_owned(),
        };
        question.conditions.push(format!("d.facility = {facility} AND d.modality = {modality}"));
        question.days("d.study_date", &filter.study_date)?;
        format!("study_days d CROSS JOIN studies st ON st.id = d.study{outward}")
    };
    if viewer {
        let facility = question.facility(&filter.viewer)?;
        question
            .conditions
            .push(format!("EXISTS(SELECT 1 FROM treated t WHERE t.patient = st.patient AND t.facility = {facility})"));
    }
    Ok(Walk { from, order })
}

/// The group of tokens to start from: the one with the fewest kept bits lost, that is the longest tokens. Codes share so
/// few buckets that days are narrower if the filter names any.
fn narrowest<'a>(groups: &'a [Vec<Token>], days: &DateRange) -> Option<&'a [Token]> {
    let group = groups.iter().filter(|g| !g.is_empty()).max_by_key(|g| g.iter().map(|t| t.0.len()).min())?;
    let bytes = group.iter().map(|t| t.0.len()).min()?;
    let bits = u32::try_from(bytes.saturating_sub(1)).unwrap_or(0).saturating_mul(8);
    (bits > Field::Code.token_bits() || days.is_open()).then_some(group.as_slice())
}

fn conditions(question: &mut Question, filter: &Filter, level: Level) -> Result<()> {
    question.conditions.push("st.instances > 0".to_owned());
    for group in &filter.tokens {
        let list = question.tokens(group)?;
        question
            .conditions
            .push(format!("EXISTS(SELECT 1 FROM study_tokens x WHERE x.token IN ({list}) AND x.study = st.id)"));
    }
    if !filter.patients.is_empty() {
        let list = question.patients(&filter.patients)?;
        question.conditions.push(format!("st.patient IN ({list})"));
    }
    if !filter.study_instance_uids.is_empty() {
        let list = question.texts(&filter.study_instance_uids)?;
        question.conditions.push(format!("st.study_instance_uid IN ({list})"));
    }
    question.days("st.study_date", &filter.study_date)?;
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
        question.conditions.push("se.instances > 0".to_owned());
        question.conditions.append(&mut of_series);
    }
    if level >= Level::Instance {
        question.conditions.append(&mut of_instance);
    }
    if !of_instance.is_empty() {
        let within = if level == Level::Study { "s.study = st.id" } else { "s.id = se.id" };
        of_series.append(&mut of_instance);
        question.conditions.push(format!(
            "EXISTS(SELECT 1 FROM instances n JOIN series s ON s.id = n.series WHERE {within} AND {})",
            of_series.join(" AND ")
        ));
    } else if !of_series.is_empty() {
        question.conditions.push(format!(
            "EXISTS(SELECT 1 FROM series s WHERE s.study = st.id AND s.instances > 0 AND {})",
            of_series.join(" AND ")
        ));
    }
    Ok(())
}

const STUDY: &str =
    "(SELECT code FROM facilities WHERE id = st.facility), (SELECT pseudonym FROM patients WHERE id = st.patient),
    st.study_instance_uid, st.study_date, st.modalities, st.series, st.instances";
const STUDY_REPRESENTATIVE: &str =
    "(SELECT n.version FROM series s CROSS JOIN instances n ON n.series = s.id WHERE s.study = st.id LIMIT 1)";
const SERIES_REPRESENTATIVE: &str = "(SELECT n.version FROM instances n WHERE n.series = se.id LIMIT 1)";

fn study_row(row: &Row<'_>) -> Result<StudyRow> {
    let modalities: String = row.get(4)?;
    Ok(StudyRow {
        facility: facility(&row.get::<_, String>(0)?)?,
        patient: Pseudonym(row.get(1)?),
        study_instance_uid: row.get(2)?,
        study_date: row.get(3)?,
        modalities: modalities.split('\\').filter(|m| !m.is_empty()).map(str::to_owned).collect(),
        series: row.get(5).map_err(Error::from).and_then(super::apply::from_sql)?,
        instances: row.get(6).map_err(Error::from).and_then(super::apply::from_sql)?,
        representative: kept(row, 7)?,
    })
}

fn facility(code: &str) -> Result<FacilityCode> {
    FacilityCode::new(code).ok_or_else(|| Error::Damaged("index: not a facility's code".to_owned()))
}

fn series_row(row: &Row<'_>) -> Result<SeriesRow> {
    Ok(SeriesRow {
        study: study_row(row)?,
        series_instance_uid: row.get(11)?,
        modality: row.get(12)?,
        instances: super::apply::from_sql(row.get(13)?)?,
    })
}

fn rows<T>(
    db: &Connection,
    filter: &Filter,
    level: Level,
    more: &str,
    representative: &str,
    map: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut question = Question::default();
    let walk = walk(&mut question, filter, level)?;
    conditions(&mut question, filter, level)?;
    let then = match level {
        Level::Study => "",
        Level::Series => ", se.id",
        Level::Instance => ", se.id, i.id",
    };
    let page = question.page(filter.limit, filter.offset)?;
    let sql = format!(
        "SELECT {STUDY}, {KEPT}{more} FROM {} CROSS JOIN versions v ON v.id = {representative} WHERE {} ORDER BY {}{then} {page}",
        walk.from,
        question.conditions(),
        walk.order
    );
    collect(db, &sql, params_from_iter(question.values), map)
}

pub(super) fn studies(db: &Connection, filter: &Filter) -> Result<Vec<StudyRow>> {
    rows(db, filter, Level::Study, "", STUDY_REPRESENTATIVE, study_row)
}

const OF_SERIES: &str = ", se.series_instance_uid, se.modality, se.instances";

pub(super) fn series(db: &Connection, filter: &Filter) -> Result<Vec<SeriesRow>> {
    rows(db, filter, Level::Series, OF_SERIES, SERIES_REPRESENTATIVE, series_row)
}

pub(super) fn instances(db: &Connection, filter: &Filter) -> Result<Vec<InstanceRow>> {
    rows(db, filter, Level::Instance, OF_SERIES, "i.version", |row| Ok(InstanceRow { series: series_row(row)? }))
}

pub(super) fn patients(db: &Connection, filter: &Filter) -> Result<Vec<PatientRow>> {
    let mut question = Question::default();
    let walk = walk(&mut question, filter, Level::Study)?;
    conditions(&mut question, filter, Level::Study)?;
    let page = question.page(filter.limit, filter.offset)?;
    let sql = format!(
        "SELECT (SELECT pseudonym FROM patients WHERE id = p.patient), p.studies, p.series, p.instances, {KEPT} FROM
         (SELECT st.patient, count(*) AS studies, sum(st.series) AS series, sum(st.instances) AS instances,
                 max(st.study_date) AS newest, max(st.id) AS study FROM {} WHERE {} GROUP BY st.patient
          ORDER BY newest DESC, study DESC {page}) p
         CROSS JOIN studies st ON st.id = p.study CROSS JOIN versions v ON v.id = {STUDY_REPRESENTATIVE}
         ORDER BY p.newest DESC, p.study DESC",
        walk.from,
        question.conditions(),
    );
    collect(db, &sql, params_from_iter(question.values), |row| {
        Ok(PatientRow {
            patient: Pseudonym(row.get(0)?),
            studies: super::apply::from_sql(row.get(1)?)?,
            series: super::apply::from_sql(row.get(2)?)?,
            instances: super::apply::from_sql(row.get(3)?)?,
            representative: kept(row, 4)?,
        })
    })
}

pub(super) fn resources(db: &Connection, filter: &ResourceFilter) -> Result<Vec<Kept>> {
    let mut question = Question::default();
    let mut order = "r.date DESC, r.id DESC";
    let facility = question.facility(&filter.viewer)?;
    let mut viewer = true;
    let from = if !filter.ids.is_empty() || !filter.patients.is_empty() {
        "resources r".to_owned()
    } else if let Some(group) = narrowest(&filter.tokens, &filter.date) {
        let list = question.tokens(group)?;
        format!(
            "(SELECT DISTINCT resource FROM resource_tokens WHERE token IN ({list})) d CROSS JOIN resources r ON r.id = d.resource"
        )
    } else {
        viewer = false;
        if filter.resource_types.len() == 1 {
            order = "d.date DESC, d.resource DESC";
        }
        question.conditions.push(format!("d.facility = {facility}"));
        if !filter.resource_types.is_empty() {
            let list = question.texts(&filter.resource_types)?;
            question.conditions.push(format!("d.resource_type IN ({list})"));
        }
        question.days("d.date", &filter.date)?;
        "resource_days d CROSS JOIN resources r ON r.id = d.resource".to_owned()
    };
    if viewer {
        question
            .conditions
            .push(format!("EXISTS(SELECT 1 FROM treated t WHERE t.patient = r.patient AND t.facility = {facility})"));
    }
    if !filter.ids.is_empty() {
        let list = question.texts(&filter.ids)?;
        question.conditions.push(format!("r.logical_id IN ({list})"));
    }
    if !filter.patients.is_empty() {
        let list = question.patients(&filter.patients)?;
        question.conditions.push(format!("r.patient IN ({list})"));
    }
    if !filter.resource_types.is_empty() {
        let list = question.texts(&filter.resource_types)?;
        question.conditions.push(format!("r.resource_type IN ({list})"));
    }
    for group in &filter.tokens {
        let list = question.tokens(group)?;
        question
            .conditions
            .push(format!("EXISTS(SELECT 1 FROM resource_tokens x WHERE x.token IN ({list}) AND x.resource = r.id)"));
    }
    question.days("r.date", &filter.date)?;
    let page = question.page(filter.limit, filter.offset)?;
    let sql = format!(
        "SELECT {KEPT} FROM {from} CROSS JOIN versions v ON v.id = r.version WHERE {} ORDER BY {order} {page}",
        question.conditions()
    );
    collect(db, &sql, params_from_iter(question.values), |row| kept(row, 0))
}
