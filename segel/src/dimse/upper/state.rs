//! The upper layer's state machine (PS3.8 Table 9-10) as data.
//!
//! [`Machine`] holds the state and nothing else: it is told an event and says which action the standard wants. Sending,
//! closing and timers are the caller's.

use self::Action::*;
use self::State::*;

/// What happened (PS3.8 9.2.1). The number is that of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Evt1: A-ASSOCIATE request (local user).
    AssociateRequest,
    /// Evt2: transport connect confirmation.
    TransportConnected,
    /// Evt3: A-ASSOCIATE-AC PDU received.
    AssociateAcPdu,
    /// Evt4: A-ASSOCIATE-RJ PDU received.
    AssociateRjPdu,
    /// Evt5: transport connection indication.
    TransportIndication,
    /// Evt6: A-ASSOCIATE-RQ PDU received.
    AssociateRqPdu,
    /// Evt7: A-ASSOCIATE response: accept (local user).
    AcceptResponse,
    /// Evt8: A-ASSOCIATE response: reject (local user).
    RejectResponse,
    /// Evt9: P-DATA request (local user).
    DataRequest,
    /// Evt10: P-DATA-TF PDU received.
    DataTfPdu,
    /// Evt11: A-RELEASE request (local user).
    ReleaseRequest,
    /// Evt12: A-RELEASE-RQ PDU received.
    ReleaseRqPdu,
    /// Evt13: A-RELEASE-RP PDU received.
    ReleaseRpPdu,
    /// Evt14: A-RELEASE response (local user).
    ReleaseResponse,
    /// Evt15: A-ABORT request (local user).
    AbortRequest,
    /// Evt16: A-ABORT PDU received.
    AbortPdu,
    /// Evt17: transport connection closed.
    TransportClosed,
    /// Evt18: ARTIM timer expired.
    ArtimExpired,
    /// Evt19: unrecognized or invalid PDU received.
    InvalidPdu,
}

/// Where an association stands (PS3.8 9.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Idle.
    Sta1,
    /// Transport connection open, awaiting A-ASSOCIATE-RQ.
    Sta2,
    /// Awaiting the local A-ASSOCIATE response.
    Sta3,
    /// Awaiting the transport connection.
    Sta4,
    /// Awaiting A-ASSOCIATE-AC or -RJ.
    Sta5,
    /// Association established.
    Sta6,
    /// Awaiting A-RELEASE-RP.
    Sta7,
    /// Awaiting the local A-RELEASE response.
    Sta8,
    /// Release collision, requestor: awaiting the local response.
    Sta9,
    /// Release collision, acceptor: awaiting A-RELEASE-RP.
    Sta10,
    /// Release collision, requestor: awaiting A-RELEASE-RP.
    Sta11,
    /// Release collision, acceptor: awaiting the local response.
    Sta12,
    /// Awaiting the close of the transport connection.
    Sta13,
}

/// What the standard wants done (PS3.8 Tables 9-6 to 9-9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Issue a transport connect request.
    Ae1,
    /// Send A-ASSOCIATE-RQ.
    Ae2,
    /// Issue A-ASSOCIATE confirmation: accepted.
    Ae3,
    /// Issue A-ASSOCIATE confirmation: rejected, close.
    Ae4,
    /// Issue a transport connection response, start ARTIM.
    Ae5,
    /// Stop ARTIM, issue A-ASSOCIATE indication.
    Ae6,
    /// Send A-ASSOCIATE-AC.
    Ae7,
    /// Send A-ASSOCIATE-RJ, start ARTIM.
    Ae8,
    /// Send P-DATA-TF.
    Dt1,
    /// Issue P-DATA indication.
    Dt2,
    /// Send A-RELEASE-RQ.
    Ar1,
    /// Issue A-RELEASE indication.
    Ar2,
    /// Issue A-RELEASE confirmation, close.
    Ar3,
    /// Send A-RELEASE-RP, start ARTIM.
    Ar4,
    /// Stop ARTIM.
    Ar5,
    /// Issue P-DATA indication.
    Ar6,
    /// Send P-DATA-TF.
    Ar7,
    /// Issue A-RELEASE indication: collision.
    Ar8,
    /// Send A-RELEASE-RP.
    Ar9,
    /// Issue A-RELEASE confirmation.
    Ar10,
    /// Send A-ABORT (service user), (re)start ARTIM.
    Aa1,
    /// Stop ARTIM, close.
    Aa2,
    /// Issue A-ABORT or A-P-ABORT indication, close.
    Aa3,
    /// Issue A-P-ABORT indication.
    Aa4,
    /// Stop ARTIM.
    Aa5,
    /// Ignore the PDU.
    Aa6,
    /// Send A-ABORT.
    Aa7,
    /// Send A-ABORT (service provider), issue A-P-ABORT indication, start ARTIM.
    Aa8,
}

/// Who opened the association: collisions of releases end differently for the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asked for the association.
    Requestor,
    /// It was asked.
    Acceptor,
}

/// PS3.8 Table 9-10, one row per event. A cell that is not there is a fault of the peer or of us: abort (AA-8).
#[rustfmt::skip]
const TRANSITIONS: [(Event, &[(State, Action)]); 19] = [
    (Event::AssociateRequest, &[(Sta1, Ae1)]),
    (Event::TransportConnected, &[(Sta4, Ae2)]),
    (Event::AssociateAcPdu, &[
        (Sta2, Aa1), (Sta3, Aa8), (Sta5, Ae3), (Sta6, Aa8), (Sta7, Aa8), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Aa8), (Sta11, Aa8), (Sta12, Aa8), (Sta13, Aa6),
    ]),
    (Event::AssociateRjPdu, &[
        (Sta2, Aa1), (Sta3, Aa8), (Sta5, Ae4), (Sta6, Aa8), (Sta7, Aa8), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Aa8), (Sta11, Aa8), (Sta12, Aa8), (Sta13, Aa6),
    ]),
    (Event::TransportIndication, &[(Sta1, Ae5)]),
    (Event::AssociateRqPdu, &[
        (Sta2, Ae6), (Sta3, Aa8), (Sta5, Aa8), (Sta6, Aa8), (Sta7, Aa8), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Aa8), (Sta11, Aa8), (Sta12, Aa8), (Sta13, Aa7),
    ]),
    (Event::AcceptResponse, &[(Sta3, Ae7)]),
    (Event::RejectResponse, &[(Sta3, Ae8)]),
    (Event::DataRequest, &[(Sta6, Dt1), (Sta8, Ar7)]),
    (Event::DataTfPdu, &[
        (Sta2, Aa1), (Sta3, Aa8), (Sta5, Aa8), (Sta6, Dt2), (Sta7, Ar6), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Aa8), (Sta11, Aa8), (Sta12, Aa8), (Sta13, Aa6),
    ]),
    (Event::ReleaseRequest, &[(Sta6, Ar1)]),
    (Event::ReleaseRqPdu, &[
        (Sta2, Aa1), (Sta3, Aa8), (Sta5, Aa8), (Sta6, Ar2), (Sta7, Ar8), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Aa8), (Sta11, Aa8), (Sta12, Aa8), (Sta13, Aa6),
    ]),
    (Event::ReleaseRpPdu, &[
        (Sta2, Aa1), (Sta3, Aa8), (Sta5, Aa8), (Sta6, Aa8), (Sta7, Ar3), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Ar10), (Sta11, Ar3), (Sta12, Aa8), (Sta13, Aa6),
    ]),
    (Event::ReleaseResponse, &[(Sta8, Ar4), (Sta9, Ar9), (Sta12, Ar4)]),
    (Event::AbortRequest, &[
        (Sta3, Aa1), (Sta4, Aa2), (Sta5, Aa1), (Sta6, Aa1), (Sta7, Aa1),
        (Sta8, Aa1), (Sta9, Aa1), (Sta10, Aa1), (Sta11, Aa1), (Sta12, Aa1),
    ]),
    (Event::AbortPdu, &[
        (Sta2, Aa2), (Sta3, Aa3), (Sta5, Aa3), (Sta6, Aa3), (Sta7, Aa3), (Sta8, Aa3),
        (Sta9, Aa3), (Sta10, Aa3), (Sta11, Aa3), (Sta12, Aa3), (Sta13, Aa2),
    ]),
    (Event::TransportClosed, &[
        (Sta2, Aa5), (Sta3, Aa4), (Sta4, Aa4), (Sta5, Aa4), (Sta6, Aa4), (Sta7, Aa4),
        (Sta8, Aa4), (Sta9, Aa4), (Sta10, Aa4), (Sta11, Aa4), (Sta12, Aa4), (Sta13, Ar5),
    ]),
    (Event::ArtimExpired, &[(Sta2, Aa2), (Sta13, Aa2)]),
    (Event::InvalidPdu, &[
        (Sta2, Aa1), (Sta3, Aa8), (Sta5, Aa8), (Sta6, Aa8), (Sta7, Aa8), (Sta8, Aa8),
        (Sta9, Aa8), (Sta10, Aa8), (Sta11, Aa8), (Sta12, Aa8), (Sta13, Aa7),
    ]),
];

impl Action {
    /// The state after it (PS3.8 Tables 9-6 to 9-9).
    fn next(self, role: Role) -> State {
        match self {
            Ae4 | Ar3 | Ar5 | Aa2 | Aa3 | Aa4 | Aa5 => Sta1,
            Ae5 => Sta2,
            // Where AE-6 itself would reject, the caller rejects through AE-8, which is the same to the peer.
            Ae6 => Sta3,
            Ae1 => Sta4,
            Ae2 => Sta5,
            Ae3 | Ae7 | Dt1 | Dt2 => Sta6,
            Ar1 | Ar6 => Sta7,
            Ar2 | Ar7 => Sta8,
            Ar8 if role == Role::Requestor => Sta9,
            Ar8 => Sta10,
            Ar9 => Sta11,
            Ar10 => Sta12,
            Ae8 | Ar4 | Aa1 | Aa6 | Aa7 | Aa8 => Sta13,
        }
    }
}

/// One association's state.
#[derive(Debug)]
pub struct Machine {
    role: Role,
    state: State,
}

impl Machine {
    /// Before anything happened.
    pub fn new(role: Role) -> Self {
        Self { role, state: Sta1 }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes an event, moves on and says what to do.
    pub fn apply(&mut self, event: Event) -> Action {
        let action = transition(event, self.state).unwrap_or(Aa8);
        self.state = action.next(self.role);
        action
    }
}

fn transition(event: Event, state: State) -> Option<Action> {
    let (_, row) = TRANSITIONS.iter().find(|(e, _)| *e == event)?;
    row.iter().find(|(s, _)| *s == state).map(|(_, action)| *action)
}

#[cfg(test)]
mod tests;
