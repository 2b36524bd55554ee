//! Questions to the old PACS: its studies, and the series and instances of one (PS3.4 C.6.2).

use super::enumerate::Answer;
use super::pacs::Pacs;
use super::range::Range;
use anyhow::Result;
use wire::dataset::{Draft, Outline, Tag, VR};

const QUERY_RETRIEVE_LEVEL: Tag = Tag(0x0008, 0x0052);
pub const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
pub const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
pub const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const AVAILABLE_TRANSFER_SYNTAX_UID: Tag = Tag(0x0008, 0x3002);
const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const NUMBER_OF_STUDY_RELATED_INSTANCES: Tag = Tag(0x0020, 0x1208);

/// A study as the PACS tells it. No name is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Study {
    /// StudyInstanceUID.
    pub study: String,
    /// StudyDate as told.
    pub date: String,
    /// StudyTime as told.
    pub time: String,
    /// NumberOfStudyRelatedInstances, if told.
    pub instances: Option<u32>,
}

/// An instance as the PACS tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// SeriesInstanceUID.
    pub series: String,
    /// SOPInstanceUID.
    pub instance: String,
    /// SOPClassUID, if told.
    pub sop_class: Option<String>,
    /// AvailableTransferSyntaxUID, if told.
    pub transfer_syntax: Option<String>,
}

/// The identifier of a level, with its keys.
pub fn identifier(level: &str, keys: &[(Tag, VR, &str)]) -> Draft {
    let begun = Draft::new().text(QUERY_RETRIEVE_LEVEL, VR::CS, level);
    keys.iter().fold(begun, |draft, (tag, vr, value)| draft.text(*tag, *vr, *value))
}

/// The studies of a range.
pub async fn studies(pacs: &mut Pacs, range: Range) -> Result<Answer> {
    let (days, minutes) = range.keys();
    let (studies, cut) = pacs.ask(&identifier("STUDY", &study_keys("", &days, &minutes)), study).await?;
    Ok(Answer { studies, cut })
}

/// One study by its UID.
pub async fn one_study(pacs: &mut Pacs, uid: &str) -> Result<Option<Study>> {
    let (answers, _) = pacs.ask(&identifier("STUDY", &study_keys(uid, "", "")), study).await?;
    Ok(answers.into_iter().find(|found| found.study == uid))
}

/// Every instance of a study that the PACS tells, series by series.
pub async fn instances(pacs: &mut Pacs, study: &str) -> Result<Vec<Listed>> {
    let keys = [(STUDY_INSTANCE_UID, VR::UI, study), (SERIES_INSTANCE_UID, VR::UI, "")];
    let (all, _) = pacs.ask(&identifier("SERIES", &keys), |answer| uid(answer, SERIES_INSTANCE_UID)).await?;
    let mut listed = Vec::new();
    for series in all {
        let keys = [
            (STUDY_INSTANCE_UID, VR::UI, study),
            (SERIES_INSTANCE_UID, VR::UI, series.as_str()),
            (SOP_INSTANCE_UID, VR::UI, ""),
            (SOP_CLASS_UID, VR::UI, ""),
            (AVAILABLE_TRANSFER_SYNTAX_UID, VR::UI, ""),
        ];
        let instance = |answer: &Outline| {
            Some(Listed {
                series: series.clone(),
                instance: uid(answer, SOP_INSTANCE_UID)?,
                sop_class: uid(answer, SOP_CLASS_UID),
                transfer_syntax: uid(answer, AVAILABLE_TRANSFER_SYNTAX_UID),
            })
        };
        let (answers, _) = pacs.ask(&identifier("IMAGE", &keys), instance).await?;
        listed.extend(answers);
    }
    listed.sort_by(|a, b| a.instance.cmp(&b.instance));
    listed.dedup_by(|a, b| a.instance == b.instance);
    Ok(listed)
}

fn study_keys<'a>(uid: &'a str, days: &'a str, minutes: &'a str) -> [(Tag, VR, &'a str); 4] {
    [
        (STUDY_INSTANCE_UID, VR::UI, uid),
        (STUDY_DATE, VR::DA, days),
        (STUDY_TIME, VR::TM, minutes),
        (NUMBER_OF_STUDY_RELATED_INSTANCES, VR::IS, ""),
    ]
}

fn study(answer: &Outline) -> Option<Study> {
    Some(Study {
        study: uid(answer, STUDY_INSTANCE_UID)?,
        date: answer.text(STUDY_DATE).unwrap_or_default().trim().to_owned(),
        time: answer.text(STUDY_TIME).unwrap_or_default().trim().to_owned(),
        instances: answer.text(NUMBER_OF_STUDY_RELATED_INSTANCES).and_then(|text| text.trim().parse().ok()),
    })
}

/// A UID, if it is one: what is not cannot be asked for again.
fn uid(answer: &Outline, tag: Tag) -> Option<String> {
    let text = answer.text(tag)?;
    let uid = text.trim_matches(['\0', ' ']);
    wire::uid::is_uid(uid).then(|| uid.to_owned())
}
