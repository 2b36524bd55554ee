//! Which part carries an order out.

use super::proofs::FailedProofs;
use super::{Done, Order};
use crate::alarm;
use crate::audit::{Action, Decision};
use crate::authenticate::{self, under_way};
use crate::canary;
use crate::error::Error;
use crate::isolation;
use crate::issuer;
use crate::metering::Click;
use crate::names;
use crate::proof;
use crate::quorum;
use crate::request::{
    Caller, Ended, Stop, Turn, admit, break_glass, compare, erase, label, relate, release, situation, step_up,
};
use crate::{disclosure, report};
use seal::message::{Answer, Request};

/// Carries one order out.
///
/// # Errors
/// Whatever stops it; nothing of it remains then but its refusals.
pub(super) fn apply(turn: &mut Turn<'_>, order: &Order, failed: &mut FailedProofs) -> Ended<Done> {
    match order {
        Order::Admin(request) => quorum::administer(turn, request).map(Done::Admin),
        Order::Quorum(call) => quorum::call(turn, call).map(|answer| Done::Node(Answer::Quorum(answer))),
        Order::Tick => {
            alarm::tick(turn)?;
            break_glass::tick(turn)?;
            step_up::forget(turn)?;
            Ok(Done::Quiet)
        }
        Order::Isolations(reports) => Ok(Done::Node(Answer::Isolations(isolation::told(turn, reports)?))),
        Order::Settle => Ok(if isolation::settle_piece(turn)? { Done::Again } else { Done::Quiet }),
        Order::Planting => Ok(Done::Node(Answer::Planting(canary::due(turn)?))),
        Order::Delivered { id, attempt } => {
            alarm::delivered(turn, *id, attempt).map(|()| Done::Quiet).map_err(Stop::from)
        }
        Order::Ring(alarm) => {
            alarm::ring(turn, alarm.clone());
            Ok(Done::Quiet)
        }
        Order::SignIn(attempt, node) => match &attempt.proven {
            Ok(proven) => issuer::enter(turn, attempt, proven, *node).map(|answer| Done::Node(Answer::SignIn(answer))),
            Err(flaw) => Err(Stop::Refused(failed.sign_in(attempt.kind, *flaw, turn.now).into_iter().collect())),
        },
        Order::Node(order) => match authenticate::identify(turn.register, turn.sign_in, &order.presented, turn.now)
            .and_then(|known| under_way::within(turn.sign_in, known, &order.request))
        {
            Ok(known) => {
                turn.watch.face(known.device.as_deref(), order.node, order.presented.planting());
                let caller = Caller { known, purpose: order.purpose, channel: order.channel.clone(), node: order.node };
                // Planting is bringing in, and nothing else.
                let is_planting = turn.watch.planting().is_some();
                if is_planting && !matches!(order.request, Request::Authenticate(_) | Request::Admit { .. }) {
                    let event = turn.event(&caller, Action::Canary, Decision::RefusedRole);
                    return Err(Stop::Refused(vec![event]));
                }
                if turn.watch.is_frozen(&caller.known.id) || alarm::stops(turn, order.node, &order.request) {
                    return Err(Stop::Refused(turn.watch.refusal(&caller, turn.now).into_iter().collect()));
                }
                if let Some(action) = caller.known.allowed.forbids(&order.request) {
                    let event = turn.event(&caller, action, Decision::RefusedPolicy);
                    return Err(Stop::Refused(vec![event.detailed("not in the token's scope")]));
                }
                apply_node(turn, &caller, &order.request).map(Done::Node)
            }
            Err(unknown) => {
                let event = failed.event(&order.presented, unknown, &order.channel, turn.now);
                Err(Stop::Refused(event.into_iter().collect()))
            }
        },
    }
}

fn apply_node(turn: &mut Turn<'_>, caller: &Caller, request: &Request) -> Ended<Answer> {
    quorum::restored::check(turn, caller, request)?;
    Ok(match request {
        Request::Authenticate(_) => Answer::Who(caller.known.who()),
        Request::Admit { items, .. } => Answer::Admitted(admit::admit(turn, caller, items)?),
        Request::Tokens { terms, .. } => {
            if !turn.engine.may_search(&caller.known.actor, situation(caller.purpose, false, turn.now)) {
                return Err(Stop::Refused(vec![turn.event(caller, Action::Search, Decision::RefusedRole)]));
            }
            Answer::Tokens(names::answer(turn.names, turn.keys, terms))
        }
        Request::Release { asker, part, items } => {
            // The address in the proof is the one that was signed: whoever asks was identified by it.
            let click = Click::of(&asker.proof);
            Answer::Released(release::release(turn, caller, &click, *part, items)?)
        }
        Request::Compare { kept, commitment, arrived, .. } => {
            Answer::Same(compare::compare(turn, caller, kept, commitment, arrived)?)
        }
        Request::Erase { patient, reason, basis, .. } => {
            Answer::Erased(erase::erase(turn, caller, *patient, reason, *basis)?)
        }
        Request::Peer { ae_title, .. } => {
            Answer::Peer(turn.register.peer_address(ae_title).ok_or_else(Error::refused)?)
        }
        Request::StepUp { ask, .. } => Answer::StepUp(step_up::step_up(turn, caller, ask)?),
        Request::BreakGlass { ask, .. } => Answer::Glass(break_glass::glass(turn, caller, ask)?),
        Request::Relate(request) => Answer::Noted(relate::relate(turn, caller, request.patient, &request.change)?),
        Request::Label(request) => Answer::Noted(label::relabel(turn, caller, request)?),
        Request::Report { ask, .. } => Answer::Report(report::begin(turn, caller, ask)?),
        Request::Export { ask, .. } => Answer::Export(disclosure::step(turn, caller, ask)?),
        Request::Confirmed { patients, .. } => Answer::Confirmed(isolation::confirmed(turn, caller, patients)?),
        Request::LedgerProof { position, .. } => Answer::LedgerProof(proof::disclose(turn, caller, *position)?),
        Request::Planting
        | Request::Isolations(_)
        | Request::Checkpoint
        | Request::Closings
        | Request::Certificates
        | Request::Certificate { .. }
        | Request::SignIn(_)
        | Request::Quorum(_) => {
            return Err(Error::invalid("this request has no asker and is answered elsewhere").into());
        }
    })
}
