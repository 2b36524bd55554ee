//! The form of instances (PS3.18 8.7.3.5).

use super::{DICOM, MediaRange, Offer, Shape, none, weighed};
use crate::http::Problem;
use crate::recode::syntaxes::{WRITTEN, is_rewritable};

/// How instances are handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceForm {
    /// Several parts, or one body.
    pub shape: Shape,
    /// For each kept transfer syntax, the one that it is handed over in.
    syntaxes: Vec<(String, String)>,
}

impl InstanceForm {
    /// The transfer syntax in which an instance that is kept in `kept` is handed over.
    pub fn syntax<'a>(&'a self, kept: &'a str) -> &'a str {
        self.syntaxes.iter().find(|(from, _)| from == kept).map_or(kept, |(_, to)| to)
    }

    /// The form as part of what tells one answer from another.
    pub fn described(&self) -> String {
        format!("{self:?}")
    }
}

/// What an instance kept in `kept` can be had in. Without a transfer syntax named, instances come as they are kept: the
/// default of PS3.18 8.7.3.5.2 would make every reader ask for a transcode that nobody needs.
fn offers(kept: &str, shape: Shape) -> Vec<Offer<()>> {
    let offer = |syntax: &str, unnamed| Offer {
        media_type: DICOM,
        syntax: Some(syntax.to_owned()),
        alias: None,
        unnamed,
        shape,
        how: (),
    };
    let mut offers = vec![offer(kept, true)];
    if is_rewritable(kept) {
        offers.extend(WRITTEN.iter().filter(|syntax| **syntax != kept).map(|syntax| offer(syntax, false)));
    }
    offers
}

/// Chooses the form for instances kept in `syntaxes`; a single body is possible for exactly one instance only.
pub fn choose(ranges: &[MediaRange], syntaxes: &[&str]) -> Result<InstanceForm, Problem> {
    let mut distinct = syntaxes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let shapes = if syntaxes.len() == 1 { [Shape::Parts, Shape::Single].as_slice() } else { &[Shape::Parts] };
    let mut best = None;
    for &shape in shapes {
        // All instances must be acceptable, so the one that is wanted least counts.
        let chosen: Option<Vec<_>> = distinct
            .iter()
            .map(|kept| {
                let offers = offers(kept, shape);
                let (rank, offer) = weighed(ranges, &offers)?;
                Some((rank, ((*kept).to_owned(), offer.syntax.clone()?)))
            })
            .collect();
        let Some(chosen) = chosen else { continue };
        let Some(rank) = chosen.iter().map(|(rank, _)| *rank).min() else { continue };
        if best.as_ref().is_none_or(|(other, _)| rank > *other) {
            let syntaxes = chosen.into_iter().map(|(_, pair)| pair).collect();
            best = Some((rank, InstanceForm { shape, syntaxes }));
        }
    }
    best.map(|(_, form)| form).ok_or_else(|| {
        let all: Vec<_> =
            distinct.iter().flat_map(|kept| shapes.iter().flat_map(|shape| offers(kept, *shape))).collect();
        none(&all)
    })
}
