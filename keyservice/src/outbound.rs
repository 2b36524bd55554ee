//! The one way out: a client of HTTP/1.1 (RFC 9112) for witnesses, alarms and identity providers.
//!
//! What comes back is a stranger's: it is bounded in bytes and time, and a redirection is an answer like any other, never
//! followed. Plain HTTP goes to this host only; everything else is TLS, with the system's roots or those of a file.

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Uri};
use hyper_util::rt::TokioIo;
use record::Outcome;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Bytes of an answer's head: some twenty headers of the longest kind.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How the key service reaches others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The authorities that others' certificates are checked against (PEM); the system's roots if absent.
    pub ca: Option<PathBuf>,
}

/// What one call may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the look-up of the name to the last byte of the answer.
    pub deadline: Duration,
    /// Bytes of the answer's body.
    pub body_bytes_max: usize,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Whether it says success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's value, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The client. Copies share its roots.
#[derive(Clone, Debug, Default)]
pub struct Outbound {
    ca: Option<PathBuf>,
    /// Read when the first `https` address is called: most services call none.
    tls: Arc<OnceCell<Tls>>,
}

#[derive(Clone)]
struct Tls(TlsConnector);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(#)")
    }
}

impl Outbound {
    /// A client with these settings. A file of authorities that cannot be used is found out now and not in an alarm.
    ///
    /// # Errors
    /// Invalid for such a file.
    pub fn new(settings: &Settings) -> Result<Self> {
        let tls = match &settings.ca {
            Some(ca) => OnceCell::new_with(Some(Tls::with(read_roots(ca)?)?)),
            None => OnceCell::new(),
        };
        Ok(Self { ca: settings.ca.clone(), tls: Arc::new(tls) })
    }

    /// Gets a resource.
    ///
    /// # Errors
    /// As [`Outbound::post`].
    pub async fn get(&self, url: &str, headers: &[(&str, &str)], bounds: Bounds) -> Result<Reply> {
        self.call(Method::GET, url, headers, Bytes::new(), bounds).await
    }

    /// Posts a body. Any status is an answer.
    ///
    /// # Errors
    /// Invalid for an address or a header that cannot be used, or an answer that is none or too long; Busy if nobody
    /// answered in time.
    pub async fn post(&self, url: &str, headers: &[(&str, &str)], body: Vec<u8>, bounds: Bounds) -> Result<Reply> {
        self.call(Method::POST, url, headers, body.into(), bounds).await
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
        bounds: Bounds,
    ) -> Result<Reply> {
        let target = Target::parse(url)?;
        let request = target.request(method, headers, body)?;
        timeout(bounds.deadline, self.exchange(&target, request, bounds.body_bytes_max))
            .await
            .map_err(|_| target.away("it did not answer in time"))?
    }

    async fn exchange(&self, target: &Target, request: Request<Full<Bytes>>, body_bytes_max: usize) -> Result<Reply> {
        let stream = target.connect().await?;
        if !target.is_tls {
            return send(target, stream, request, body_bytes_max).await;
        }
        let Tls(connector) = self.tls.get_or_try_init(|| async { Tls::with(self.roots()?) }).await?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| Error::invalid(format!("{} is not a host's name", target.host)))?;
        let stream = connector.connect(name, stream).await.map_err(|e| target.away(e))?;
        send(target, stream, request, body_bytes_max).await
    }

    /// The authorities that others' certificates are checked against.
    pub(crate) fn roots(&self) -> Result<RootCertStore> {
        if let Some(ca) = &self.ca {
            return read_roots(ca);
        }
        let mut roots = RootCertStore::empty();
        // A system's folder may hold a certificate or two that nobody can read; the others count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Error::invalid("this system has no root certificates: name a file, `[outbound] ca`"));
        }
        Ok(roots)
    }
}

impl Tls {
    fn with(roots: RootCertStore) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::invalid(format!("TLS: {e}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

fn read_roots(path: &Path) -> Result<RootCertStore> {
    let invalid = |why: &dyn std::fmt::Display| Error::invalid(format!("{}: {why}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| invalid(&e))? {
        roots.add(certificate.map_err(|e| invalid(&e))?).map_err(|e| invalid(&e))?;
    }
    if roots.is_empty() { Err(invalid(&"it has no certificate")) } else { Ok(roots) }
}

/// Whether an address could be called: for settings, before anything depends on it.
///
/// # Errors
/// Invalid for an address that is not `https://`, or `http://` of this host, or has a password in it.
pub fn check(url: &str) -> Result<()> {
    Target::parse(url).map(|_| ())
}

/// Where a call goes.
#[derive(Debug)]
struct Target {
    uri: Uri,
    is_tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

impl Target {
    fn parse(url: &str) -> Result<Self> {
        // The address itself may hold a secret and stays out of the sentence.
        let invalid = |why: &str| Error::invalid(format!("an address to call {why}"));
        let uri: Uri = url.parse().map_err(|_| invalid("is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| invalid("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("has no user and password in it"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_this_host(&host) => false,
            Some("http") => return Err(invalid("begins with https:// unless it is of this host")),
            _ => return Err(invalid("begins with https://")),
        };
        if host.is_empty() {
            return Err(invalid("names no host"));
        }
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { uri, is_tls, host, port })
    }

    fn request(&self, method: Method, headers: &[(&str, &str)], body: Bytes) -> Result<Request<Full<Bytes>>> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let invalid = |_| Error::invalid("a header of a call cannot be sent");
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| Error::invalid("an address to call has no such path"))?;
        let sent = request.headers_mut();
        sent.insert(HOST, HeaderValue::from_str(authority).map_err(invalid)?);
        sent.insert(USER_AGENT, HeaderValue::from_static(concat!("segel-keyservice/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in headers {
            let name: HeaderName = name.parse().map_err(|_| Error::invalid("a header of a call has no such name"))?;
            sent.insert(name, HeaderValue::from_str(value).map_err(invalid)?);
        }
        Ok(request)
    }

    async fn connect(&self) -> Result<TcpStream> {
        let found: Vec<_> =
            tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|e| self.away(e))?.collect();
        // A name of this host that leads elsewhere would carry plain text away.
        let allowed: Vec<_> =
            found.into_iter().filter(|address| self.is_tls || address.ip().to_canonical().is_loopback()).collect();
        let stream = TcpStream::connect(allowed.as_slice()).await.map_err(|e| self.away(e))?;
        stream.set_nodelay(true).map_err(|e| self.away(e))?;
        Ok(stream)
    }

    /// Nobody is there, or not the one who was meant.
    fn away(&self, why: impl std::fmt::Display) -> Error {
        Error::new(Outcome::Busy, format!("{}:{}: {why}", self.host, self.port))
    }
}

fn is_this_host(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

async fn send<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    target: &Target,
    stream: S,
    request: Request<Full<Bytes>>,
    body_bytes_max: usize,
) -> Result<Reply> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) =
        builder.handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.map_err(|e| target.away(e))?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(|e| target.away(e))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, body_bytes_max).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Error::invalid(format!("{}:{}: its answer is too long", target.host, target.port))
            } else {
                target.away(error)
            }
        })?;
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes().to_vec() })
    };
    // The connection is driven here and dropped with the answer, so that nothing of a call outlives it.
    let mut asking = std::pin::pin!(asking);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        reply = &mut asking => return reply,
        _ended = &mut connection => {}
    }
    asking.await
}
