use super::*;
use minicbor::{Decode, Encode};
use record::{FacilityCode, Field, Purpose, Role};
use seal::message::{Call, Proof, Reply};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn asker() -> Asker {
    Asker { proof: Proof::Bearer("t".to_owned()), purpose: Purpose::Treat, channel: "dicomweb".to_owned() }
}

fn who() -> Who {
    let facility = FacilityCode::new("RSUD-A").unwrap();
    Who { actor: "a".to_owned(), facility, role: Role::Clinician, purpose: Purpose::Treat, expires: None }
}

async fn receive<T: for<'b> Decode<'b, ()>>(stream: &mut UnixStream) -> Option<T> {
    let length = stream.read_u32().await.ok()?;
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).await.ok()?;
    minicbor::decode(&body).ok()
}

async fn send<T: Encode<()>>(stream: &mut UnixStream, message: &T) {
    let body = minicbor::to_vec(message).unwrap();
    stream.write_u32(u32::try_from(body.len()).unwrap()).await.unwrap();
    stream.write_all(&body).await.unwrap();
}

/// A key service that answers every search term with one token, one connection after another.
fn serve(path: &Path) -> tokio::task::JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            while let Some(Call { id, request }) = receive(&mut stream).await {
                let answer = match request {
                    Request::Tokens { terms, .. } => Answer::Tokens(
                        terms.iter().map(|term| Some(vec![Token(term.text.clone().into_bytes())])).collect(),
                    ),
                    _ => Answer::Who(who()),
                };
                send(&mut stream, &Reply { id, answer }).await;
            }
        }
    })
}

/// Nobody that the client remembers.
fn another() -> Asker {
    Asker { channel: "page".to_owned(), ..asker() }
}

#[tokio::test]
async fn replies_find_their_callers_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let one: Call = receive(&mut stream).await.unwrap();
        let other: Call = receive(&mut stream).await.unwrap();
        for Call { id, request } in [other, one] {
            let Request::Tokens { terms, .. } = request else { panic!("not asked") };
            send(
                &mut stream,
                &Reply { id, answer: Answer::Tokens(vec![Some(vec![Token(terms[0].text.clone().into_bytes())])]) },
            )
            .await;
        }
        stream
    });
    let client = KeyClient::new(Endpoint::Unix(path));
    let term = |text: &str| [Term { field: Field::Number, text: text.to_owned() }];
    let (asker, one, other) = (asker(), term("one"), term("other"));
    let (first, second) = tokio::join!(client.tokens(&asker, &one), client.tokens(&asker, &other));
    assert_eq!(first.unwrap(), [Some(vec![Token(b"one".to_vec())])]);
    assert_eq!(second.unwrap(), [Some(vec![Token(b"other".to_vec())])]);
    drop(serving);
}

#[tokio::test]
async fn a_batch_above_the_message_limit_is_split_and_joined() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let serving = serve(&path);
    let client = KeyClient::new(Endpoint::Unix(path));
    for count in [limits::MESSAGE_ITEMS_MAX, limits::MESSAGE_ITEMS_MAX + 1] {
        let terms: Vec<Term> = (0..count).map(|n| Term { field: Field::Number, text: n.to_string() }).collect();
        let tokens = client.tokens(&asker(), &terms).await.unwrap();
        assert!(tokens.iter().flatten().flatten().enumerate().all(|(n, token)| token.0 == n.to_string().as_bytes()));
        assert_eq!(tokens.len(), count);
    }
    serving.abort();
}

#[tokio::test]
async fn a_message_larger_than_the_limit_never_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let serving = serve(&path);
    let client = KeyClient::new(Endpoint::Unix(path));
    let huge = [Term { field: Field::Number, text: "9".repeat(limits::MESSAGE_BYTES_MAX) }];
    assert_eq!(client.tokens(&asker(), &huge).await.unwrap_err().outcome, Outcome::Invalid);
    assert_eq!(client.authenticate(&asker()).await.unwrap(), who());
    serving.abort();
}

#[tokio::test]
async fn an_absent_key_service_is_busy_within_a_second_and_missed_no_longer_than_it_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let client = KeyClient::new(Endpoint::Unix(path.clone()));
    let began = Instant::now();
    assert_eq!(client.authenticate(&asker()).await.unwrap_err().outcome, Outcome::Busy);
    assert!(began.elapsed() < Duration::from_secs(1));
    tokio::time::sleep(Duration::from_millis(COOLING_MS)).await;
    let serving = serve(&path);
    assert_eq!(client.authenticate(&asker()).await.unwrap(), who());
    serving.abort();
    let _ = serving.await;
    // The old connection is gone with its server; both that and the missing socket are Busy.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(client.authenticate(&another()).await.unwrap_err().outcome, Outcome::Busy);
    tokio::time::sleep(Duration::from_millis(COOLING_MS)).await;
    let serving = serve(&path);
    assert_eq!(client.authenticate(&another()).await.unwrap(), who());
    serving.abort();
}

#[tokio::test]
async fn a_connection_that_breaks_the_format_fails_its_callers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _: Call = receive(&mut stream).await.unwrap();
        stream.write_u32(u32::try_from(limits::MESSAGE_BYTES_MAX).unwrap() + 1).await.unwrap();
        stream
    });
    let client = KeyClient::new(Endpoint::Unix(path));
    let began = Instant::now();
    assert_eq!(client.authenticate(&asker()).await.unwrap_err().outcome, Outcome::Busy);
    assert!(began.elapsed() < Duration::from_secs(1));
    drop(serving);
}

#[tokio::test(start_paused = true)]
async fn a_silent_key_service_is_busy_at_the_deadline() {
    let (near, _far) = tokio::io::duplex(1024);
    let client = KeyClient::new(Endpoint::Unix("unused".into()));
    client.shared.link.lock().await.connection = Some(Arc::new(Connection::start(near)));
    let began = tokio::time::Instant::now();
    assert_eq!(client.authenticate(&asker()).await.unwrap_err().outcome, Outcome::Busy);
    assert_eq!(began.elapsed(), Duration::from_millis(limits::KEY_CALL_MS_MAX));
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..limits::KEY_CALLS_IN_FLIGHT_MAX {
            ids.push(receive::<Call>(&mut stream).await.unwrap().id);
        }
        // The one beyond the limit has not been sent.
        let early = tokio::time::timeout(Duration::from_millis(100), receive::<Call>(&mut stream)).await;
        for id in ids {
            send(&mut stream, &Reply { id, answer: Answer::Who(who()) }).await;
        }
        let last: Call = receive(&mut stream).await.unwrap();
        send(&mut stream, &Reply { id: last.id, answer: Answer::Who(who()) }).await;
        (stream, early.is_err())
    });
    let client = KeyClient::new(Endpoint::Unix(path));
    let calls: Vec<_> = (0..=limits::KEY_CALLS_IN_FLIGHT_MAX)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.authenticate(&asker()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), who());
    }
    assert!(serving.await.unwrap().1);
}

/// A key service that counts what was closed, and gives every key.
fn serve_keys(path: &Path, closings: Arc<std::sync::atomic::AtomicU64>) -> tokio::task::JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Some(Call { id, request }) = receive(&mut stream).await {
            let answer = match request {
                Request::Release { items, .. } => {
                    Answer::Released(items.iter().map(|_| Released::Key(seal::message::DataKey([7; 32]))).collect())
                }
                Request::Closings => Answer::Closings(closings.load(std::sync::atomic::Ordering::SeqCst)),
                _ => Answer::Who(who()),
            };
            send(&mut stream, &Reply { id, answer }).await;
        }
    })
}

#[tokio::test]
async fn keys_at_hand_go_when_something_was_closed_anywhere_or_nobody_can_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let closings = Arc::new(std::sync::atomic::AtomicU64::new(5));
    let serving = serve_keys(&path, Arc::clone(&closings));
    let client = KeyClient::new(Endpoint::Unix(path));
    let context = seal::message::Context { patient: Pseudonym([1; 16]), object: record::ObjectId([1; 16]), version: 1 };
    let wrapped = seal::message::WrappedKey { epoch: 1, sealed: vec![0; 60] };
    let item = ReleaseItem { context, wrapped };
    let (asker, two_seconds) = (asker(), Duration::from_millis(2_500));
    let opened = || async { client.release(&asker, Part::Content, std::slice::from_ref(&item)).await.unwrap() };
    opened().await;
    tokio::time::sleep(two_seconds).await;
    assert!(!client.shared.leases.is_empty(), "nothing was closed");
    closings.store(6, std::sync::atomic::Ordering::SeqCst);
    tokio::time::sleep(two_seconds).await;
    assert!(client.shared.leases.is_empty(), "something was closed");
    opened().await;
    assert!(!client.shared.leases.is_empty(), "it listens again");
    serving.abort();
    tokio::time::sleep(two_seconds).await;
    assert!(client.shared.leases.is_empty(), "nobody says what was closed");
}
