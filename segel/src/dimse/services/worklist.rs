//! Modality Worklist Information Model C-FIND (PS3.4 Annex K): which steps a station has to do.

use super::Call;
use super::find::{self, scan};
use super::store::Failure;
use crate::dimse::acceptor::conversation::{Broken, Conversation};
use crate::outcome;
use crate::worklist::keys::{self, Asks, Key};
use crate::worklist::query;
use archive::find::Matching;
use seal::message::Proof;
use serde_json::{Map, Value};
use wire::command::{Command, DATA_SET_FOLLOWS};
use wire::dataset::{DataSet, Tag, VR, tag_key};
use wire::syntax::TransferSyntax;

/// Elements of an identifier that are about the query and no keys: SpecificCharacterSet, TimezoneOffsetFromUTC.
const ABOUT_THE_QUERY: [Tag; 2] = [Tag(0x0008, 0x0005), Tag(0x0008, 0x0201)];

/// The attributes that items have (PS3.4 Table K.6-1), and inside the scheduled step. Any other key is answered empty.
pub(super) const SUPPORTED: [&str; 24] = [
    "00080050", "00080090", "00100010", "00100020", "00100021", "00100030", "00100040", "00101002", "00101030",
    "001021C0", "00102110", "0020000D", "00321032", "00321060", "00321064", "00380010", "00400100", "00401001",
    "00401002", "00401003", "0040100A", "00401400", "00402016", "00402017",
];
pub(super) const SUPPORTED_IN_STEP: [&str; 11] = [
    "00080060", "00400001", "00400002", "00400003", "00400006", "00400007", "00400008", "00400009", "00400010",
    "00400011", "00400020",
];

/// ScheduledStationAETitle, Modality, PatientID.
pub(super) const SINGLE_VALUED: [&str; 3] = ["00400001", "00080060", "00100020"];

/// Answers a query.
pub(super) async fn serve(call: Call, peer: &mut Conversation) -> Result<(), Broken> {
    let question = match Question::parse(&call) {
        Ok(question) => question,
        Err(failure) => return peer.respond(&find::failed(&call.request, failure), None).await,
    };
    let calling = match &call.asker.proof {
        Proof::Peer { ae_title, .. } => ae_title.as_str(),
        _ => "",
    };
    let found = query::find(&call.door.archive, &call.asker, &question.keys, calling);
    let items = match peer.unless_cancelled(found).await {
        None => return peer.respond(&call.request.response(outcome::CANCEL), None).await,
        Some(Ok(items)) => items,
        Some(Err(error)) => {
            tracing::warn!(%error, "a worklist query was refused");
            return peer.respond(&find::failed(&call.request, Failure::of_find(&error)), None).await;
        }
    };
    for item in &items {
        if peer.is_cancelled() {
            return peer.respond(&call.request.response(outcome::CANCEL), None).await;
        }
        match question.pending(&call.request, item) {
            Ok((command, identifier)) => peer.respond(&command, Some(&identifier)).await?,
            Err(error) => tracing::warn!(%error, "a step cannot be written as a data set, and is left out"),
        }
    }
    peer.respond(&call.request.response(outcome::SUCCESS), None).await
}

/// A query, understood.
struct Question {
    keys: Vec<Key>,
    /// Some keys are of attributes that no item has, and every answer says so (FF01H).
    unsupported: bool,
    transfer_syntax: TransferSyntax,
}

impl Question {
    fn parse(call: &Call) -> Result<Self, Failure> {
        let transfer_syntax = TransferSyntax::of(&call.context.transfer_syntax);
        let outline = scan(&transfer_syntax, &call.identifier)?;
        let mut unsupported = false;
        let keys = keys_of(outline.root(), &SUPPORTED, &mut unsupported);
        Ok(Self { keys, unsupported, transfer_syntax })
    }

    /// One match: the command and its identifier.
    fn pending(&self, request: &Command, item: &Map<String, Value>) -> Result<(Command, Vec<u8>), wire::Error> {
        let status = if self.unsupported { outcome::PENDING_KEYS_UNSUPPORTED } else { outcome::PENDING };
        let command = Command { command_data_set_type: DATA_SET_FOLLOWS, ..request.response(status) };
        let identifier = Value::Object(keys::answer(&self.keys, item));
        Ok((command, wire::dataset::write(&identifier, self.transfer_syntax.encoding())?))
    }
}

/// Reads the keys of an identifier or of an item in it. The reader has bounded how deep they are.
fn keys_of(data_set: DataSet<'_>, supported: &[&str], unsupported: &mut bool) -> Vec<Key> {
    let mut keys = Vec::new();
    for element in data_set.elements() {
        let tag = tag_key(element.tag());
        if element.tag().element() == 0 || ABOUT_THE_QUERY.contains(&element.tag()) {
            continue;
        }
        let vr = element.vr();
        let is_supported = supported.is_empty() || supported.contains(&tag.as_str());
        *unsupported |= !is_supported;
        let asks = if vr == VR::SQ {
            // PS3.4 C.2.2.2.6: a key of a sequence has one item; one without any asks for all of it.
            let within: &[&str] = if tag == query::STEP { &SUPPORTED_IN_STEP } else { &[] };
            let items = data_set.sequence(element.tag());
            let within = items.first().map(|item| keys_of(*item, within, unsupported));
            Asks::Items(within.filter(|_| is_supported).unwrap_or_default())
        } else {
            let text = element.text().filter(|_| is_supported).unwrap_or_default();
            Asks::Value(matching(&tag, vr, &text))
        };
        keys.push(Key { tag, vr: vr.to_string().to_owned(), asks });
    }
    keys
}

/// What a key asks. Station, modality and patient's number match as single values only (PS3.4 Table K.6-1): a `?` in them is a
/// character of a title like any other.
fn matching(tag: &str, vr: VR, text: &str) -> Matching {
    match Matching::parse(vr.to_string(), text) {
        _ if text.is_empty() => Matching::Universal,
        Matching::Wildcard(text) if SINGLE_VALUED.contains(&tag) => Matching::Single(text),
        matching => matching,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dataset::Draft;
    use wire::syntax::{EXPLICIT_LITTLE, Encoding};

    fn keys_in(draft: &Draft) -> (Vec<Key>, bool) {
        let bytes = draft.encode(Encoding::ExplicitLittle).unwrap();
        let outline = scan(&TransferSyntax::of(EXPLICIT_LITTLE), &bytes).map_err(|f| f.comment).unwrap();
        let mut unsupported = false;
        let keys = keys_of(outline.root(), &SUPPORTED, &mut unsupported);
        (keys, unsupported)
    }

    fn step(draft: Draft) -> Draft {
        Draft::new().items(Tag(0x0040, 0x0100), vec![draft])
    }

    #[test]
    fn the_keys_of_the_step_are_read_inside_their_sequence() {
        let draft = step(
            Draft::new().text(Tag(0x0040, 0x0001), VR::AE, "CT1").text(Tag(0x0040, 0x0002), VR::DA, "20261122-").text(
                Tag(0x0008, 0x0060),
                VR::CS,
                "",
            ),
        );
        let (keys, unsupported) = keys_in(&draft);
        assert!(!unsupported);
        assert_eq!(keys::matching(&keys, &["00400100", "00400001"]), Some(&Matching::Single("CT1".into())));
        assert_eq!(
            keys::days(keys::matching(&keys, &["00400100", "00400002"])),
            Some((Some("20261122".to_owned()), None))
        );
        assert_eq!(keys::matching(&keys, &["00400100", "00080060"]), Some(&Matching::Universal));
    }

    #[test]
    fn a_key_that_no_item_has_narrows_nothing_and_is_told_so() {
        for draft in [
            Draft::new().text(Tag(0x0008, 0x0080), VR::LO, "RSUD"),
            step(Draft::new().text(Tag(0x0008, 0x0080), VR::LO, "RSUD")),
            Draft::new().items(Tag(0x0008, 0x1110), vec![Draft::new().text(Tag(0x0008, 0x1155), VR::UI, "1.2")]),
        ] {
            let (keys, unsupported) = keys_in(&draft);
            assert!(unsupported && keys.len() == 1 && !keys[0].narrows(), "{keys:?}");
        }
    }

    #[test]
    fn a_title_with_a_wildcard_is_a_title() {
        for (tag, vr, single) in [("00400001", VR::AE, true), ("00080060", VR::CS, true), ("00080050", VR::SH, false)] {
            let is_single = matching(tag, vr, "C?1") == Matching::Single("C?1".to_owned());
            assert_eq!(is_single, single, "{tag}");
            assert_eq!(matching(tag, vr, "*"), Matching::Universal);
        }
    }

    #[test]
    fn every_attribute_that_items_have_is_supported_once() {
        for list in [SUPPORTED.as_slice(), &SUPPORTED_IN_STEP] {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), list.len());
        }
    }
}
