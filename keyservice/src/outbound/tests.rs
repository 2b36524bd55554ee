use super::*;
use std::net::SocketAddr;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const BOUNDS: Bounds = Bounds { deadline: Duration::from_secs(20), body_bytes_max: 1_000 };

/// A server that reads one request and answers these bytes to each connection; what it read.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn serve(answer: &'static str, tls: Option<TlsAcceptor>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { address: listener.local_addr().unwrap(), asked: Arc::default() };
    let asked = Arc::clone(&server.asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, asked) = (tls.clone(), Arc::clone(&asked));
            tokio::spawn(async move {
                match tls {
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            answer_one(stream, answer, &asked).await;
                        }
                    }
                    None => answer_one(stream, answer, &asked).await,
                }
            });
        }
    });
    server
}

async fn answer_one(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &'static str, asked: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let read = stream.read(&mut piece).await.unwrap_or(0);
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            body.len() >= length.map_or(0, |digits| digits.parse().unwrap())
        });
        if read == 0 || whole {
            break;
        }
    }
    asked.lock().unwrap().push(String::from_utf8(request).unwrap());
    if answer.is_empty() {
        // A server that never answers.
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let _gone = stream.write_all(answer.as_bytes()).await;
    let _gone = stream.shutdown().await;
}

/// A certificate for `localhost`, and the file that trusts it.
fn certificate(folder: &Path) -> (TlsAcceptor, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = folder.join("ca.pem");
    std::fs::write(&path, made.cert.pem()).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), path)
}

#[tokio::test]
async fn a_post_carries_its_headers_and_body_and_brings_the_answer_back() {
    let server =
        serve("HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 3\r\n\r\n17\n", None).await;
    let url = format!("http://{}/w/add-checkpoint?x=1", server.address);
    let client = Outbound::new(&Settings::default()).unwrap();
    let reply = client.post(&url, &[("X-One", "1")], b"old 0\n".to_vec(), BOUNDS).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice(), reply.is_success()), (409, b"17\n".as_slice(), false));
    assert_eq!(reply.header("content-type"), Some("text/x.tlog.size"));
    let asked = server.asked.lock().unwrap().concat();
    assert!(asked.starts_with("POST /w/add-checkpoint?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-one: 1\r\n") && asked.ends_with("\r\n\r\nold 0\n"), "{asked}");
    assert!(asked.contains(&format!("host: {}\r\n", server.address)), "{asked}");
}

#[tokio::test]
async fn a_get_reads_chunks_and_what_ends_with_the_connection_and_follows_nothing() {
    let client = Outbound::new(&Settings::default()).unwrap();
    for (answer, status, body) in [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n", 200, "one"),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntwo", 200, "two"),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302, ""),
    ] {
        let server = serve(answer, None).await;
        let reply = client.get(&format!("http://{}", server.address), &[], BOUNDS).await.unwrap();
        assert_eq!((reply.status, String::from_utf8(reply.body).unwrap().as_str()), (status, body));
        assert!(server.asked.lock().unwrap().concat().starts_with("GET / HTTP/1.1\r\n"));
    }
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_and_time() {
    let client = Outbound::new(&Settings::default()).unwrap();
    let server = serve("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789", None).await;
    let url = format!("http://{}", server.address);
    let reply = client.get(&url, &[], Bounds { body_bytes_max: 10, ..BOUNDS }).await.unwrap();
    assert_eq!(reply.body.len(), 10);
    let error = client.get(&url, &[], Bounds { body_bytes_max: 9, ..BOUNDS }).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Invalid);

    let silent = serve("", None).await;
    let short = Bounds { deadline: Duration::from_millis(50), ..BOUNDS };
    let error = client.get(&format!("http://{}", silent.address), &[], short).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Busy);

    let endless = serve("not HTTP at all\r\n\r\n", None).await;
    assert_eq!(
        client.get(&format!("http://{}", endless.address), &[], BOUNDS).await.unwrap_err().outcome(),
        Outcome::Busy
    );
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(client.get(&format!("http://{nobody}"), &[], BOUNDS).await.unwrap_err().outcome(), Outcome::Busy);
}

#[tokio::test]
async fn a_head_without_end_is_broken_off() {
    let head: String = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 * HEAD_BYTES_MAX));
    let server = serve(head.leak(), None).await;
    let client = Outbound::new(&Settings::default()).unwrap();
    assert!(client.get(&format!("http://{}", server.address), &[], BOUNDS).await.is_err());
}

#[tokio::test]
async fn over_tls_the_server_must_be_of_the_named_authority_and_of_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, ca) = certificate(folder.path());
    let server = serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Some(acceptor)).await;
    let port = server.address.port();
    let trusting = Outbound::new(&Settings { ca: Some(ca) }).unwrap();
    let reply = trusting.get(&format!("https://localhost:{port}/"), &[], BOUNDS).await.unwrap();
    assert_eq!(reply.body, b"ok");
    let other_name = trusting.get(&format!("https://127.0.0.1:{port}/"), &[], BOUNDS).await;
    assert_eq!(other_name.unwrap_err().outcome(), Outcome::Busy);

    std::fs::create_dir(folder.path().join("other")).unwrap();
    let (_, other) = certificate(&folder.path().join("other"));
    let stranger = Outbound::new(&Settings { ca: Some(other) }).unwrap();
    assert!(stranger.get(&format!("https://localhost:{port}/"), &[], BOUNDS).await.is_err());
    assert_eq!(server.asked.lock().unwrap().len(), 1, "who is not trusted is not asked");

    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    for missing in ["empty.pem", "none.pem"] {
        let settings = Settings { ca: Some(folder.path().join(missing)) };
        assert_eq!(Outbound::new(&settings).unwrap_err().outcome(), Outcome::Invalid);
    }
}

#[test]
fn plain_text_stays_on_this_host_and_addresses_hold_no_password() {
    for good in [
        "https://witness.example/w1",
        "https://[2001:db8::1]:8443/",
        "http://127.0.0.1:80/x",
        "http://[::1]:8080",
        "http://localhost",
        "http://127.9.9.9/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        check(good).unwrap();
    }
    for bad in [
        "http://witness.example/",
        "http://10.0.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost.example/",
        "https://user:secret@witness.example/",
        "http://user@127.0.0.1/",
        "ftp://127.0.0.1/",
        "127.0.0.1:80",
        "/path",
        "https://",
        "",
        "https://a b/",
    ] {
        let error = check(bad).unwrap_err();
        assert_eq!(error.outcome(), Outcome::Invalid);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_header_that_would_end_the_head_is_refused() {
    let client = Outbound::new(&Settings::default()).unwrap();
    let url = "http://127.0.0.1:9/";
    for header in [("X-A", "a\r\nX-B: b"), ("X A", "a"), ("", "a")] {
        assert_eq!(client.get(url, &[header], BOUNDS).await.unwrap_err().outcome(), Outcome::Invalid);
    }
}
