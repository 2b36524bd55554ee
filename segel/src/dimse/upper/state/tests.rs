use super::*;

const STATES: [State; 13] = [Sta1, Sta2, Sta3, Sta4, Sta5, Sta6, Sta7, Sta8, Sta9, Sta10, Sta11, Sta12, Sta13];

/// PS3.8 Table 9-10 as the standard prints it: a row per event, a column per state.
const PRINTED: &str = "\
Evt1   AE1  -    -    -    -    -    -    -    -    -    -    -    -
Evt2   -    -    -    AE2  -    -    -    -    -    -    -    -    -
Evt3   -    AA1  AA8  -    AE3  AA8  AA8  AA8  AA8  AA8  AA8  AA8  AA6
Evt4   -    AA1  AA8  -    AE4  AA8  AA8  AA8  AA8  AA8  AA8  AA8  AA6
Evt5   AE5  -    -    -    -    -    -    -    -    -    -    -    -
Evt6   -    AE6  AA8  -    AA8  AA8  AA8  AA8  AA8  AA8  AA8  AA8  AA7
Evt7   -    -    AE7  -    -    -    -    -    -    -    -    -    -
Evt8   -    -    AE8  -    -    -    -    -    -    -    -    -    -
Evt9   -    -    -    -    -    DT1  -    AR7  -    -    -    -    -
Evt10  -    AA1  AA8  -    AA8  DT2  AR6  AA8  AA8  AA8  AA8  AA8  AA6
Evt11  -    -    -    -    -    AR1  -    -    -    -    -    -    -
Evt12  -    AA1  AA8  -    AA8  AR2  AR8  AA8  AA8  AA8  AA8  AA8  AA6
Evt13  -    AA1  AA8  -    AA8  AA8  AR3  AA8  AA8  AR10 AR3  AA8  AA6
Evt14  -    -    -    -    -    -    -    AR4  AR9  -    -    AR4  -
Evt15  -    -    AA1  AA2  AA1  AA1  AA1  AA1  AA1  AA1  AA1  AA1  -
Evt16  -    AA2  AA3  -    AA3  AA3  AA3  AA3  AA3  AA3  AA3  AA3  AA2
Evt17  -    AA5  AA4  AA4  AA4  AA4  AA4  AA4  AA4  AA4  AA4  AA4  AR5
Evt18  -    AA2  -    -    -    -    -    -    -    -    -    -    AA2
Evt19  -    AA1  AA8  -    AA8  AA8  AA8  AA8  AA8  AA8  AA8  AA8  AA7
";

/// Tables 9-6 to 9-9: the state after each action, for a requestor and for an acceptor.
const NEXT: &str = "\
AE1 Sta4 Sta4    AE2 Sta5 Sta5    AE3 Sta6 Sta6    AE4 Sta1 Sta1    AE5 Sta2 Sta2
AE6 Sta3 Sta3    AE7 Sta6 Sta6    AE8 Sta13 Sta13  DT1 Sta6 Sta6    DT2 Sta6 Sta6
AR1 Sta7 Sta7    AR2 Sta8 Sta8    AR3 Sta1 Sta1    AR4 Sta13 Sta13  AR5 Sta1 Sta1
AR6 Sta7 Sta7    AR7 Sta8 Sta8    AR8 Sta9 Sta10   AR9 Sta11 Sta11  AR10 Sta12 Sta12
AA1 Sta13 Sta13  AA2 Sta1 Sta1    AA3 Sta1 Sta1    AA4 Sta1 Sta1    AA5 Sta1 Sta1
AA6 Sta13 Sta13  AA7 Sta13 Sta13  AA8 Sta13 Sta13
";

/// Every event in the order of its number.
const EVENTS: [Event; 19] = [
    Event::AssociateRequest,
    Event::TransportConnected,
    Event::AssociateAcPdu,
    Event::AssociateRjPdu,
    Event::TransportIndication,
    Event::AssociateRqPdu,
    Event::AcceptResponse,
    Event::RejectResponse,
    Event::DataRequest,
    Event::DataTfPdu,
    Event::ReleaseRequest,
    Event::ReleaseRqPdu,
    Event::ReleaseRpPdu,
    Event::ReleaseResponse,
    Event::AbortRequest,
    Event::AbortPdu,
    Event::TransportClosed,
    Event::ArtimExpired,
    Event::InvalidPdu,
];

fn next(action: &str, role: Role) -> &'static str {
    let words: Vec<&str> = NEXT.split_whitespace().collect();
    let row = words.chunks(3).find(|row| row[0] == action).unwrap();
    row[if role == Role::Requestor { 1 } else { 2 }]
}

#[test]
fn every_event_in_every_state_does_what_is_printed_in_both_roles() {
    let rows: Vec<Vec<&str>> = PRINTED.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), EVENTS.len());
    let mut printed = 0;
    for (row, event) in rows.iter().zip(EVENTS) {
        assert_eq!(row.len(), 1 + STATES.len());
        for (cell, state) in row[1..].iter().zip(STATES) {
            for role in [Role::Requestor, Role::Acceptor] {
                let mut machine = Machine { role, state };
                let action = machine.apply(event);
                // What the standard leaves blank cannot happen between two that follow it: the association is aborted.
                let (expected, after) = if *cell == "-" { ("AA8", "Sta13") } else { (*cell, next(cell, role)) };
                let got = (format!("{action:?}").to_uppercase(), format!("{:?}", machine.state()));
                assert_eq!(got, (expected.to_owned(), after.to_owned()), "{} {event:?} in {state:?}, {role:?}", row[0]);
            }
            printed += usize::from(*cell != "-");
        }
    }
    assert_eq!(printed, 123);
}

#[test]
fn an_acceptors_life() {
    let mut machine = Machine::new(Role::Acceptor);
    let life = [
        (Event::TransportIndication, Ae5, Sta2),
        (Event::AssociateRqPdu, Ae6, Sta3),
        (Event::AcceptResponse, Ae7, Sta6),
        (Event::DataTfPdu, Dt2, Sta6),
        (Event::DataRequest, Dt1, Sta6),
        (Event::ReleaseRqPdu, Ar2, Sta8),
        (Event::ReleaseResponse, Ar4, Sta13),
        (Event::TransportClosed, Ar5, Sta1),
    ];
    for (event, action, state) in life {
        assert_eq!((machine.apply(event), machine.state()), (action, state), "{event:?}");
    }
}

#[test]
fn a_requestors_life_with_a_release_collision() {
    let mut machine = Machine::new(Role::Requestor);
    let life = [
        (Event::AssociateRequest, Ae1, Sta4),
        (Event::TransportConnected, Ae2, Sta5),
        (Event::AssociateAcPdu, Ae3, Sta6),
        (Event::ReleaseRequest, Ar1, Sta7),
        (Event::DataTfPdu, Ar6, Sta7),
        (Event::ReleaseRqPdu, Ar8, Sta9),
        (Event::ReleaseResponse, Ar9, Sta11),
        (Event::ReleaseRpPdu, Ar3, Sta1),
    ];
    for (event, action, state) in life {
        assert_eq!((machine.apply(event), machine.state()), (action, state), "{event:?}");
    }
    let mut acceptor = Machine { role: Role::Acceptor, state: Sta7 };
    acceptor.apply(Event::ReleaseRqPdu);
    assert_eq!(acceptor.state(), Sta10);
    assert_eq!((acceptor.apply(Event::ReleaseRpPdu), acceptor.state()), (Ar10, Sta12));
}
