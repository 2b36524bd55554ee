//! What the index may know of an instance in clear, and nothing that could name a patient among it.

use crate::error::{Error, Result};
use crate::object::InstanceFacts;
use wire::dataset::{Outline, Tag};
use wire::syntax::TransferSyntax;
use wire::uid::is_uid;

const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const MODALITY: Tag = Tag(0x0008, 0x0060);
pub(super) const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const NUMBER_OF_FRAMES: Tag = Tag(0x0028, 0x0008);
const PIXEL_DATA: [Tag; 3] = [Tag(0x7FE0, 0x0008), Tag(0x7FE0, 0x0009), Tag(0x7FE0, 0x0010)];

/// A UID that must be there.
pub(super) fn uid(outline: &Outline, tag: Tag) -> Result<String> {
    let keyword = wire::dataset::keyword_of(tag).unwrap_or("an attribute");
    match outline.text(tag) {
        Some(text) if is_uid(&text) => Ok(text),
        Some(text) if !text.is_empty() => Err(Error::Invalid(format!("{keyword} is not a UID"))),
        _ => Err(Error::Invalid(format!("{keyword} is missing"))),
    }
}

/// What group 0008 tells, checked against what the sender declared: SOP Instance UID and SOP Class UID.
pub(super) fn sop(outline: &Outline, declared: &super::Declared) -> Result<(String, String)> {
    let instance = uid(outline, SOP_INSTANCE_UID)?;
    let class = uid(outline, SOP_CLASS_UID)?;
    // PS3.4 B.2.3: the data set's UIDs are those of the command.
    for (keyword, declared, contained) in
        [("SOPInstanceUID", &declared.sop_instance_uid, &instance), ("SOPClassUID", &declared.sop_class_uid, &class)]
    {
        if declared.as_ref().is_some_and(|declared| declared.trim_end_matches(['\0', ' ']) != contained) {
            return Err(Error::Mismatch(format!("{keyword} of the data set is not the one that was declared")));
        }
    }
    Ok((instance, class))
}

/// All facts of a whole data set, with warnings.
pub(super) fn facts(
    outline: &Outline,
    declared: &super::Declared,
    syntax: &TransferSyntax,
    dataset_offset: u64,
) -> Result<(InstanceFacts, Vec<String>)> {
    let (sop_instance_uid, sop_class_uid) = sop(outline, declared)?;
    let study_instance_uid = uid(outline, STUDY_INSTANCE_UID)?;
    if declared.study_instance_uid.as_ref().is_some_and(|declared| *declared != study_instance_uid) {
        return Err(Error::Mismatch("StudyInstanceUID of the data set is not the one that was declared".to_owned()));
    }
    let mut warnings = Vec::new();
    let mut clear = |tag: Tag, fits: fn(&str) -> bool| {
        let text = outline.text(tag).unwrap_or_default().to_uppercase();
        if text.is_empty() || fits(&text) {
            return text;
        }
        // Free text stays sealed: only what has the form of a code or a date may stand in the index.
        warnings.push(format!(
            "{} is not of its form and cannot be searched",
            wire::dataset::keyword_of(tag).unwrap_or_default()
        ));
        String::new()
    };
    let facts = InstanceFacts {
        study_instance_uid,
        series_instance_uid: uid(outline, SERIES_INSTANCE_UID)?,
        sop_instance_uid,
        sop_class_uid,
        transfer_syntax_uid: syntax.uid().to_owned(),
        modality: clear(MODALITY, is_modality),
        study_date: clear(STUDY_DATE, is_date),
        frames: frames(outline),
        dataset_offset,
    };
    Ok((facts, warnings))
}

/// The defined terms of Modality (PS3.3 C.7.3.1.1.1) and its retired ones have 2 to 16 letters; digits are private ones'.
fn is_modality(text: &str) -> bool {
    (2..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// `YYYYMMDD`, a day that can be.
fn is_date(text: &str) -> bool {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    text.len() == 8
        && text.bytes().all(|b| b.is_ascii_digit())
        && (1800..=2999).contains(&number(0, 4))
        && (1..=12).contains(&number(4, 6))
        && (1..=31).contains(&number(6, 8))
}

fn frames(outline: &Outline) -> u32 {
    if !PIXEL_DATA.iter().any(|tag| outline.element(*tag).is_some()) {
        return 0;
    }
    outline.text(NUMBER_OF_FRAMES).and_then(|text| text.parse().ok()).filter(|count| *count > 0).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_and_dates_stand_in_clear() {
        for (text, fits) in
            [("CT", true), ("ECG", true), ("SITI AMINAH", false), ("C", false), ("A".repeat(17).as_str(), false)]
        {
            assert_eq!(is_modality(text), fits, "{text}");
        }
        for (text, fits) in
            [("20220105", true), ("20221305", false), ("20220132", false), ("2022.1.5", false), ("00000000", false)]
        {
            assert_eq!(is_date(text), fits, "{text}");
        }
    }
}
