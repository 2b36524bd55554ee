//! A plain HTTP/1.1 client for this host's own archive: `segel import`, `segel send` and `segel demo` use the doors that all use.

use crate::commands::login::Login;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::Frame;
use hyper::{HeaderMap, Method, Request, StatusCode, header};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

/// What this client keeps of an answer at most.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes read from a file at a time.
const READ_BYTES: usize = 256 * 1024;

type Body = BoxBody<Bytes, std::io::Error>;

/// What a client shows of who asks.
#[derive(Clone)]
pub enum Shown {
    /// A bearer token; nothing at all if it is empty.
    Bearer(String),
    /// A login of this machine: each request has a proof of its own.
    Login(Arc<Login>),
}

/// A client of one archive, as one asker.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpConnector, Body>,
    origin: String,
    shown: Shown,
}

/// An answer, whole.
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl HttpClient {
    /// A client of the archive at an address of this host.
    pub fn new(address: SocketAddr, token: String) -> Self {
        Self::showing(address, Shown::Bearer(token))
    }

    /// A client of the archive at an address of this host, as whoever this shows.
    pub fn showing(address: SocketAddr, shown: Shown) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { client, origin: format!("http://{address}"), shown }
    }

    /// Gets a resource.
    pub async fn get(&self, path: &str, accept: &str) -> Result<HttpAnswer> {
        let request = self.request(Method::GET, path).await?.header(header::ACCEPT, accept);
        self.send(request.body(full(Bytes::new()))?).await
    }

    /// Posts bytes at hand.
    pub async fn post(&self, path: &str, content_type: &str, accept: &str, body: Bytes) -> Result<HttpAnswer> {
        let request = self.request(Method::POST, path).await?.header(header::CONTENT_TYPE, content_type);
        self.send(request.header(header::ACCEPT, accept).body(full(body))?).await
    }

    /// Posts what a reader gives, a piece at a time; a reader that fails breaks the request off.
    pub async fn post_reader(
        &self,
        path: &str,
        content_type: &str,
        accept: &str,
        reader: Box<dyn Read + Send>,
    ) -> Result<HttpAnswer> {
        let request = self.request(Method::POST, path).await?.header(header::CONTENT_TYPE, content_type);
        let body = StreamBody::new(pieces(reader));
        self.send(request.header(header::ACCEPT, accept).body(BodyExt::boxed(body))?).await
    }

    /// Posts what comes through a channel; an error in it, or its end without one being due, is for the sender to tell.
    pub async fn post_channel(
        &self,
        path: &str,
        content_type: &str,
        accept: &str,
        pieces: tokio::sync::mpsc::Receiver<std::io::Result<Bytes>>,
    ) -> Result<HttpAnswer> {
        let request = self.request(Method::POST, path).await?.header(header::CONTENT_TYPE, content_type);
        let pieces = futures_util::stream::unfold(pieces, |mut pieces| async {
            pieces.recv().await.map(|piece| (piece.map(Frame::data), pieces))
        });
        self.send(request.header(header::ACCEPT, accept).body(BodyExt::boxed(StreamBody::new(pieces)))?).await
    }

    /// Posts nothing, and takes the answer as it comes.
    pub async fn post_stream(&self, path: &str, accept: &str) -> Result<hyper::Response<hyper::body::Incoming>> {
        let request =
            self.request(Method::POST, path).await?.header(header::ACCEPT, accept).body(full(Bytes::new()))?;
        self.client.request(request).await.context("the archive does not answer")
    }

    /// Gets a resource as it comes.
    pub async fn stream(&self, path: &str, accept: &str) -> Result<hyper::Response<hyper::body::Incoming>> {
        let request = self.request(Method::GET, path).await?.header(header::ACCEPT, accept).body(full(Bytes::new()))?;
        self.client.request(request).await.context("the archive does not answer")
    }

    async fn request(&self, method: Method, path: &str) -> Result<hyper::http::request::Builder> {
        let request = Request::builder().method(&method).uri(format!("{}{path}", self.origin));
        match &self.shown {
            Shown::Bearer(token) if token.is_empty() => Ok(request),
            Shown::Bearer(token) => Ok(request.header(header::AUTHORIZATION, format!("Bearer {token}"))),
            Shown::Login(login) => {
                // An archive that has a public name takes proofs for that name alone; one without, for the address that was called.
                let archive = login.archive();
                let is_here = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
                let is_here = is_here.iter().any(|here| archive.starts_with(here));
                let origin = if is_here { &self.origin } else { archive };
                let headers = login.signed(method.as_str(), &format!("{origin}{path}")).await?;
                Ok(headers.into_iter().fold(request, |request, (name, value)| request.header(name, value)))
            }
        }
    }

    async fn send(&self, request: Request<Body>) -> Result<HttpAnswer> {
        let answer = self.client.request(request).await.context("the archive does not answer")?;
        let status = answer.status();
        let headers = answer.headers().clone();
        match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Ok(HttpAnswer { status, headers, body: body.to_bytes() }),
            Err(error) => bail!("the archive's answer broke off: {error}"),
        }
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// Reads on a thread of its own, at most two pieces ahead.
fn pieces(mut reader: Box<dyn Read + Send>) -> impl futures_util::Stream<Item = std::io::Result<Frame<Bytes>>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; READ_BYTES];
            let read = reader.read(&mut piece).map(|length| {
                piece.truncate(length);
                piece
            });
            let ended = read.as_ref().map_or(true, Vec::is_empty);
            let empty = read.as_ref().is_ok_and(Vec::is_empty);
            if !empty && sender.blocking_send(read.map(|piece| Frame::data(Bytes::from(piece)))).is_err() {
                return;
            }
            if ended {
                return;
            }
        }
    });
    futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    })
}
