//! Bytes that no archive node would send, and more of them than there is room for.

use crate::support::{Client, World, bearer, item, peer, terms};
use record::limits::{
    CONNECTION_REQUESTS_MAX, CONNECTIONS_MAX, IDENTIFIER_BYTES_MAX, LABEL_BYTES_MAX, MESSAGE_BYTES_MAX,
    MESSAGE_ITEMS_MAX, MESSAGE_SECONDS_MAX, MESSAGE_TERMS_MAX, MESSAGES_IN_FLIGHT_BYTES_MAX, REASON_BYTES_MAX,
    REQUEST_GROUP_MAX, REQUEST_QUEUE_MAX,
};
use record::{Field, Identifier, Outcome, Purpose, Role, Term};
use seal::message::custody::Basis;
use seal::message::{AdmitItem, Answer, Asker, Call, Context, Part, ReleaseItem, Reply, Request, WrappedKey};
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

/// Whether the service has closed the connection without an answer.
fn is_closed(client: &mut Client) -> bool {
    let mut byte = [0; 1];
    match client.stream.read(&mut byte) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn framed(item: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(item.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(item);
    frame
}

/// A good call, padded to a length by a field that no version knows.
fn fill(len: usize) -> Vec<u8> {
    let mut item = vec![0x83];
    item.extend_from_slice(&minicbor::to_vec(Call { id: 7, request: Request::Checkpoint }).unwrap()[1..]);
    item.push(0x5a);
    let rest = len - item.len() - 4;
    item.extend_from_slice(&u32::try_from(rest).unwrap().to_be_bytes());
    item.resize(len, 0);
    framed(&item)
}

/// The call's bytes with something more in its place.
fn nested(depth: usize, opener: u8, closer: &[u8]) -> Vec<u8> {
    // A call is an array of an id and a request: this one has a request that only goes down.
    let mut item = vec![0x82, 0x01];
    item.extend(std::iter::repeat_n(opener, depth));
    item.extend_from_slice(closer);
    framed(&item)
}

#[test]
fn garbage_ends_its_own_connection_and_no_other() {
    let world = World::new();
    let mut good = world.node();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("no length", framed(b"")),
        ("a length of 4 GiB", vec![0xff; 64]),
        ("one byte too long", u32::try_from(MESSAGE_BYTES_MAX + 1).unwrap().to_be_bytes().to_vec()),
        ("zeros", framed(&[0; 100])),
        ("text", framed(b"this is not a message")),
        ("arrays 10,000 deep", nested(10_000, 0x81, &[0])),
        ("endless arrays 10,000 deep", nested(10_000, 0x9f, &[])),
        ("tags 10,000 deep", nested(10_000, 0xc1, &[0])),
        (
            "an array of 2^63 items",
            framed(&[0x82, 0x01, 0x82, 0x01, 0x81, 0x9b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ),
        ("a string of 4 GiB", framed(&[0x82, 0x01, 0x82, 0x00, 0x81, 0x7a, 255, 255, 255, 255])),
        ("a call and something after it", {
            let mut item = minicbor::to_vec(Call { id: 1, request: Request::Checkpoint }).unwrap();
            item.push(0);
            framed(&item)
        }),
    ];
    for (name, bytes) in cases {
        let mut bad = world.node();
        let started = Instant::now();
        let _cut = bad.stream.write_all(&bytes);
        assert!(is_closed(&mut bad), "{name}");
        assert!(started.elapsed() < Duration::from_secs(2), "{name}");
        assert!(matches!(good.call(Request::Checkpoint), Answer::Checkpoint(_)), "{name}");
    }
}

#[test]
fn an_unknown_field_of_any_depth_is_passed_over() {
    let world = World::new();
    let mut node = world.node();
    // A third field of the call, as a later version might have: 10,000 arrays deep. It is skipped without recursion.
    let mut item = vec![0x83];
    item.extend_from_slice(&minicbor::to_vec(Call { id: 7, request: Request::Checkpoint }).unwrap()[1..]);
    item.extend(std::iter::repeat_n(0x81, 10_000));
    item.push(0);
    node.stream.write_all(&framed(&item)).unwrap();
    assert_eq!(node.reply().unwrap().id, 7);
}

#[test]
fn the_longest_message_is_answered_and_a_longer_one_is_not() {
    let world = World::new();
    let mut node = world.node();
    node.stream.write_all(&fill(MESSAGE_BYTES_MAX)).unwrap();
    assert_eq!(node.reply().unwrap().id, 7);
    let _cut = node.stream.write_all(&fill(MESSAGE_BYTES_MAX + 1));
    assert!(is_closed(&mut node));
}

#[test]
fn messages_wait_for_memory_and_not_the_other_way_round() {
    let world = World::new();
    let full = fill(MESSAGE_BYTES_MAX);
    // As many of the longest messages as there is room for, each without its last byte.
    let mut holders: Vec<Client> = (0..MESSAGES_IN_FLIGHT_BYTES_MAX / MESSAGE_BYTES_MAX)
        .map(|_| {
            let mut node = world.node();
            node.stream.write_all(&full[..full.len() - 1]).unwrap();
            node
        })
        .collect();
    let mut late = world.node();
    late.stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    late.send(Request::Checkpoint).unwrap();
    assert!(late.reply().is_err(), "there is no room for one more");
    holders[0].stream.write_all(&full[full.len() - 1..]).unwrap();
    assert_eq!(holders[0].reply().unwrap().id, 7);
    late.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert!(matches!(late.reply().unwrap().answer, Answer::Checkpoint(_)));
}

#[test]
fn half_a_message_and_silence_end_in_time_but_rest_between_messages_does_not() {
    let world = World::new();
    let mut resting = world.node();
    assert!(matches!(resting.call(Request::Checkpoint), Answer::Checkpoint(_)));
    let started = Instant::now();
    let mut halves = [vec![0_u8], vec![0, 0, 1, 0], vec![0, 0, 1, 0, 0x82, 0x01]].map(|bytes| {
        let mut node = world.node();
        node.stream.write_all(&bytes).unwrap();
        node
    });
    for half in &mut halves {
        assert!(is_closed(half));
    }
    let waited = started.elapsed().as_secs();
    assert!((MESSAGE_SECONDS_MAX - 1..MESSAGE_SECONDS_MAX + 5).contains(&waited), "{waited} s");
    assert!(matches!(resting.call(Request::Checkpoint), Answer::Checkpoint(_)));
}

#[test]
fn every_list_and_word_has_its_limit() {
    let world = World::new();
    let mut node = world.node();
    let sender = peer("CT-A");
    let one = || item(vec![Identifier::Local { issuer: "RIS".into(), value: "1".into() }]);
    let kept = ReleaseItem {
        context: Context { patient: record::Pseudonym([1; 16]), object: record::ObjectId([1; 16]), version: 1 },
        wrapped: WrappedKey { epoch: 1, sealed: vec![0; 60] },
    };
    let term = |len: usize| Term { field: Field::Number, text: "9".repeat(len) };
    let admit = |items: Vec<AdmitItem>| Request::Admit { asker: sender.clone(), items };
    let release = |count: usize| Request::Release {
        asker: sender.clone(),
        part: Part::Summary,
        items: vec![kept.clone(); count],
    };
    let tokens = |terms: Vec<Term>| Request::Tokens { asker: sender.clone(), terms };
    let many_terms = |count: usize| admit(vec![AdmitItem { terms: vec![term(1); count], ..one() }]);
    let channel = |len: usize| Request::Authenticate(Asker { channel: "c".repeat(len), ..sender.clone() });
    let kind = |len: usize| admit(vec![AdmitItem { kind: "k".repeat(len), ..one() }]);
    let registrar = bearer(&world.person("Ani", "A", Role::Registrar, Purpose::Treat));
    let reason = |len: usize| Request::Erase {
        asker: registrar.clone(),
        patient: record::Pseudonym([1; 16]),
        reason: "r".repeat(len),
        basis: Some(Basis::PatientRequest),
    };
    for (name, fits, longer) in [
        (
            "items admitted",
            admit((0..MESSAGE_ITEMS_MAX).map(|_| one()).collect()),
            admit((0..=MESSAGE_ITEMS_MAX).map(|_| one()).collect()),
        ),
        ("items released", release(MESSAGE_ITEMS_MAX), release(MESSAGE_ITEMS_MAX + 1)),
        ("terms searched", tokens(vec![term(1); MESSAGE_ITEMS_MAX]), tokens(vec![term(1); MESSAGE_ITEMS_MAX + 1])),
        ("a term searched", tokens(vec![term(IDENTIFIER_BYTES_MAX)]), tokens(vec![term(IDENTIFIER_BYTES_MAX + 1)])),
        ("terms admitted", many_terms(MESSAGE_TERMS_MAX), many_terms(MESSAGE_TERMS_MAX + 1)),
        ("a channel", channel(LABEL_BYTES_MAX), channel(LABEL_BYTES_MAX + 1)),
        ("a kind", kind(LABEL_BYTES_MAX), kind(LABEL_BYTES_MAX + 1)),
    ] {
        let answer = node.call(fits);
        assert!(!matches!(answer, Answer::Failed(_)), "{name}: {answer:?}");
        assert_eq!(node.failure(longer), Outcome::Invalid, "{name}");
    }
    assert_eq!(node.failure(reason(REASON_BYTES_MAX)), Outcome::Refused, "nobody to erase, but a reason that fits");
    assert_eq!(node.failure(reason(REASON_BYTES_MAX + 1)), Outcome::Invalid);
    for bad in ["", "DIMSE", "a b", "x\n"] {
        let asker = Asker { channel: bad.into(), ..sender.clone() };
        assert_eq!(node.failure(Request::Authenticate(asker)), Outcome::Invalid, "{bad:?}");
    }
}

#[test]
fn a_bad_request_does_not_spoil_those_it_shares_a_commit_with() {
    let mut world = World::new();
    let mut node = world.node();
    let blank = || item(vec![Identifier::Local { issuer: "RIS".into(), value: " ".into() }]);
    let good = |n: u64| item(vec![Identifier::Local { issuer: "RIS".into(), value: n.to_string() }]);
    for n in 0..200 {
        // Every third fails after it has already made a patient of its first item.
        let items = if n % 3 == 0 { vec![good(1_000 + n), blank()] } else { vec![good(n)] };
        node.send(Request::Admit { asker: peer("CT-A"), items }).unwrap();
    }
    let mut failed = 0;
    for _ in 0..200 {
        match node.reply().unwrap() {
            Reply { id, answer: Answer::Admitted(_) } => assert_ne!((id - 1) % 3, 0),
            Reply { id, answer: Answer::Failed(failure) } => {
                assert_eq!(((id - 1) % 3, failure.outcome), (0, Outcome::Invalid));
                failed += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(failed, 67);
    drop(node);
    world.verified();
    let db = rusqlite::Connection::open(world.folder.path().join("state.sqlite")).unwrap();
    let patients: i64 = db.query_row("SELECT COUNT(*) FROM patient", [], |row| row.get(0)).unwrap();
    assert_eq!(patients, 133);
}

#[test]
fn a_full_queue_is_busy_at_once_and_what_waited_is_answered() {
    let mut world = World::new();
    // Somebody holds the state, so that the writer stands still.
    let holder = rusqlite::Connection::open(world.folder.path().join("state.sqlite")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let room = REQUEST_QUEUE_MAX + REQUEST_GROUP_MAX;
    let mut nodes: Vec<Client> = (0..room / CONNECTION_REQUESTS_MAX + 2).map(|_| world.node()).collect();
    let asked = nodes.len() * CONNECTION_REQUESTS_MAX;
    for node in &mut nodes {
        for _ in 0..CONNECTION_REQUESTS_MAX {
            let identifier = Identifier::Local { issuer: "RIS".into(), value: "1".into() };
            let items = vec![AdmitItem { terms: terms(&["1"]), ..item(vec![identifier]) }];
            node.send(Request::Admit { asker: peer("CT-A"), items }).unwrap();
        }
    }
    std::thread::sleep(Duration::from_millis(500));
    // What needs no writing is answered meanwhile.
    assert!(matches!(world.node().call(Request::Authenticate(peer("CT-A"))), Answer::Who(_)));
    holder.execute_batch("ROLLBACK").unwrap();
    let (mut admitted, mut busy) = (0, 0);
    for node in &mut nodes {
        for _ in 0..CONNECTION_REQUESTS_MAX {
            match node.reply().unwrap().answer {
                Answer::Admitted(_) => admitted += 1,
                Answer::Failed(failure) if failure.outcome == Outcome::Busy => busy += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(admitted + busy, asked);
    // The first group may have been smaller than it could be; the queue holds its whole number in any case.
    assert!((REQUEST_QUEUE_MAX..=room).contains(&admitted), "{admitted} admitted, {busy} busy");
    drop(nodes);
    world.verified();
}

#[test]
fn one_connection_too_many_is_closed_and_others_go_on() {
    let world = World::new();
    let mut nodes: Vec<Client> = (0..CONNECTIONS_MAX).map(|_| world.node()).collect();
    for node in &mut nodes {
        assert!(matches!(node.call(Request::Checkpoint), Answer::Checkpoint(_)));
    }
    assert!(is_closed(&mut world.node()));
    nodes.pop();
    let started = Instant::now();
    while world.node().try_call(Request::Checkpoint).is_err() {
        assert!(started.elapsed() < Duration::from_secs(5), "a place becomes free");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(matches!(nodes[0].call(Request::Checkpoint), Answer::Checkpoint(_)));
}

#[test]
fn the_node_socket_takes_no_administration() {
    use record::FacilityCode;
    use seal::message::AdminRequest;
    let world = World::new();
    let before = world.events().len();
    let code = FacilityCode::new("EVIL").unwrap();
    let answer = world.node().try_admin(AdminRequest::AddFacility { code, name: "x".into() });
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(world.events().len(), before);
}
