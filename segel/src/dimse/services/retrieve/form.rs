//! In which form an instance goes out: over which of the contexts that its receiver has accepted.

use crate::dimse::requestor::Context;
use crate::recode::Error;
use crate::recode::syntaxes::{WRITTEN, is_rewritable};
use archive::object::InstanceFacts;
use record::Outcome;

/// The context for an instance: that of the transfer syntax it is kept in, so that it arrives bit for bit; else one of an
/// uncompressed syntax that keeps every value. What has lost something to its compression goes out only as it is kept: to
/// decode it would let its values pass for those that were measured. Without a context, the comment that says what is missing.
pub(in crate::dimse::services) fn choose<'a>(
    facts: &InstanceFacts,
    accepted: &'a [Context],
) -> Result<&'a Context, String> {
    let of_class = || accepted.iter().filter(|context| context.sop_class == facts.sop_class_uid);
    if of_class().next().is_none() {
        return Err(format!("not sent: accept SOP class {}", facts.sop_class_uid));
    }
    let mut forms = forms(&facts.transfer_syntax_uid, &WRITTEN);
    let found = forms.find_map(|syntax| of_class().find(|context| context.transfer_syntax == syntax));
    found.ok_or_else(|| only_as_kept(facts))
}

/// The transfer syntax an instance is kept in and, where it can be had in them without loss, these.
pub(in crate::dimse::services) fn forms<'a>(kept: &'a str, written: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let others = if is_rewritable(kept) { written } else { &[] };
    std::iter::once(kept).chain(others.iter().copied().filter(move |syntax| *syntax != kept))
}

/// What would help: the comment of an instance that has no other form for its receiver.
pub(in crate::dimse::services) fn only_as_kept(facts: &InstanceFacts) -> String {
    format!("not sent: accept {}", facts.transfer_syntax_uid)
}

/// The comment of an instance that could not be read or written anew. Damage is for the operator.
pub(in crate::dimse::services) fn unreadable(facts: &InstanceFacts, error: &Error) -> String {
    match error {
        Error::Unwritable(_) => return only_as_kept(facts),
        Error::Pixels(error) if error.outcome() == Outcome::Invalid => return only_as_kept(facts),
        Error::Pixels(error) => tracing::warn!(%error, "a kept instance cannot be decoded now"),
        Error::Archive(_) | Error::Missing => tracing::error!(%error, "a kept instance cannot be read"),
    }
    "an instance cannot be read at the moment".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::syntax::{DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
    const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
    const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

    fn kept_in(syntax: &str) -> InstanceFacts {
        InstanceFacts {
            study_instance_uid: "1.1".to_owned(),
            series_instance_uid: "1.2".to_owned(),
            sop_instance_uid: "1.3".to_owned(),
            sop_class_uid: CT.to_owned(),
            transfer_syntax_uid: syntax.to_owned(),
            modality: "CT".to_owned(),
            study_date: String::new(),
            frames: 1,
            dataset_offset: 0,
        }
    }

    #[test]
    fn what_is_kept_comes_first_then_what_loses_nothing() {
        for (kept, accepted, chosen) in [
            (JPEG_LS, &[EXPLICIT_LITTLE, JPEG_LS][..], Some(JPEG_LS)),
            (JPEG_LS, &[IMPLICIT_LITTLE, EXPLICIT_LITTLE], Some(EXPLICIT_LITTLE)),
            (JPEG_LS, &[EXPLICIT_BIG, DEFLATED, IMPLICIT_LITTLE], Some(IMPLICIT_LITTLE)),
            (JPEG_LS, &[EXPLICIT_BIG, DEFLATED], Some(DEFLATED)),
            (JPEG_LS, &[JPEG_BASELINE], None),
            (IMPLICIT_LITTLE, &[EXPLICIT_BIG], Some(EXPLICIT_BIG)),
            (IMPLICIT_LITTLE, &[JPEG_LS], None),
            (JPEG_BASELINE, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE], None),
            (JPEG_BASELINE, &[EXPLICIT_LITTLE, JPEG_BASELINE], Some(JPEG_BASELINE)),
            ("1.2.840.113619.5.2", &[EXPLICIT_LITTLE], None),
        ] {
            let context = |class: &str, syntax: &&str| Context {
                id: 1,
                sop_class: class.to_owned(),
                transfer_syntax: (*syntax).to_owned(),
            };
            let of_another = [EXPLICIT_LITTLE, kept].iter().map(|syntax| context(MR, syntax)).collect::<Vec<_>>();
            let facts = kept_in(kept);
            assert!(choose(&facts, &of_another).unwrap_err().contains(CT));
            let all = of_another.into_iter().chain(accepted.iter().map(|syntax| context(CT, syntax)));
            let all = all.collect::<Vec<_>>();
            match (choose(&facts, &all), chosen) {
                (Ok(found), Some(chosen)) => assert_eq!((&*found.sop_class, &*found.transfer_syntax), (CT, chosen)),
                (Err(comment), None) => assert!(comment.ends_with(kept) && comment.len() <= 64, "{comment}"),
                (found, _) => panic!("{kept} to {accepted:?}: {found:?}"),
            }
        }
    }
}
