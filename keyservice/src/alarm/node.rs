//! An archive node through which several people and machines have met canaries on one day.
//!
//! One login that opens a canary is in a thief's hands. Several on a day are not: what they have in common is the node, which passes on whatever
//! it likes in anybody's name. From then on it takes records in and opens none, until somebody has looked at it.

use super::frozen::Cause;
use super::{Alarm, Kind, Severity};
use crate::request::{Node, Turn};
use record::Micros;
use seal::message::Request;

const DAY_MICROS: Micros = 24 * 3_600_000_000;

/// As what a node stands among the frozen.
pub(super) fn id(node: &str) -> String {
    format!("node {node}")
}

/// The alarm about the node, if enough have met a canary through it by now.
pub(super) fn suspected(turn: &Turn<'_>) -> Option<Alarm> {
    let (node, enough) = (turn.watch.node.clone()?, turn.watch.settings.node_canaries);
    let day_ago = turn.now.saturating_sub(DAY_MICROS);
    let canary = Kind::Canary.name();
    let is_one = |cause: &&Cause| {
        cause.node.as_deref() == Some(&*node) && cause.since > day_ago && cause.reason.ends_with(canary)
    };
    let met = turn.watch.frozen.0.values().filter(is_one).count();
    (enough > 0 && met >= enough && !turn.watch.is_frozen(&id(&node))).then(|| Alarm {
        kind: Kind::Canary,
        severity: Severity::Critical,
        actor: Some(id(&node)),
        facility: None,
        text: format!("{met} who came through this archive node within a day opened records that no honest work opens"),
        patient: None,
    })
}

/// Whether a request of a node that is stopped is refused: all but what brings records in.
#[must_use]
pub fn stops(turn: &Turn<'_>, node: Node, request: &Request) -> bool {
    let brings_in = matches!(
        request,
        Request::Authenticate(_) | Request::Admit { .. } | Request::Compare { .. } | Request::Peer { .. }
    );
    !brings_in && turn.watch.is_frozen(&id(&node.to_string()))
}
