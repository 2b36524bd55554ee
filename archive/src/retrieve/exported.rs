//! What a bulk export takes: found by its terms, opened under its id and not by anybody's own rights.

use super::Located;
use super::opened::Opened;
use crate::archive::Inner;
use crate::error::{Error, Result};
use crate::index::rows::{DateRange, Filter};
use record::{FacilityCode, Pseudonym, limits};
use seal::approval::ProposalId;
use seal::message::export::{ExportAnswer, ExportAsk};
use seal::message::{Asker, Part, Released};
use std::sync::Arc;

/// Rows of the index that are read at once.
const PAGE_ROWS: usize = 4_096;

/// What an export selects.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Patients whom this facility has treated.
    pub facility: FacilityCode,
    /// Study days.
    pub study_date: DateRange,
    /// Modalities; none for every one.
    pub modalities: Vec<String>,
    /// These patients; none for every one.
    pub patients: Vec<Pseudonym>,
    /// How many at most; beyond, the selection is refused.
    pub objects_max: usize,
}

/// The newest versions of the instances that an export selects. Nothing is opened. Only what the facility itself has sent is
/// taken: what others keep of the same patients is not its to hand out.
pub(crate) async fn select(archive: &Inner, selected: Selected) -> Result<Vec<Located>> {
    archive
        .blocking(move |storage| {
            let mut located = Vec::new();
            let mut filter = Filter::new(selected.facility.clone(), PAGE_ROWS);
            filter.study_date = selected.study_date;
            filter.modalities = selected.modalities;
            filter.patients = selected.patients;
            loop {
                let rows = storage.index().instances(&filter)?;
                let Some(last) = rows.last() else { return Ok(located) };
                filter.after = Some(last.series.study.place);
                let is_last = rows.len() < PAGE_ROWS;
                let kept = rows.into_iter().map(|row| row.series.study.representative);
                located.extend(kept.filter(|kept| kept.record.facility == selected.facility).map(Located::of));
                if located.len() > selected.objects_max {
                    return Err(Error::Invalid("the selection has more objects than the export may take".to_owned()));
                }
                if is_last {
                    return Ok(located);
                }
            }
        })
        .await
}

/// Opens objects under an export; in order, `None` for each that is refused.
pub(crate) async fn open(
    archive: &Arc<Inner>,
    asker: &Asker,
    export: ProposalId,
    located: &[Located],
) -> Result<Vec<Option<Opened>>> {
    let mut opened = Vec::with_capacity(located.len());
    for batch in located.chunks(limits::MESSAGE_ITEMS_MAX) {
        let items = batch.iter().map(Located::content_item).collect();
        match archive.keys.export(asker, ExportAsk::Release(export, items)).await? {
            ExportAnswer::Released(released) if released.len() == batch.len() => {
                opened.extend(batch.iter().zip(released).map(|(located, released)| match released {
                    Released::Key(key) => Some(Opened::new(archive, located, Part::Content, key)),
                    Released::Refused => None,
                }));
            }
            _ => return Err(Error::Damaged("the key service answered something else than was asked".to_owned())),
        }
    }
    Ok(opened)
}
