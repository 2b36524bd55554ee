//! What the sign-in routes share.

use super::attempts::Attempts;
use super::denied::Denied;
use super::oidc::Providers;
use crate::http::{Connection, Doors, asker};
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::{Purpose, time};
use seal::message::{KeyProof, SignIn, SignInAnswer, SignedIn};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;

/// The state of the sign-in routes. Clones share it.
#[derive(Clone)]
pub struct Entrance {
    /// The doors.
    pub doors: Doors,
    /// What came from which address.
    pub(super) attempts: Arc<Attempts>,
    /// Outside providers.
    pub(super) providers: Arc<Providers>,
    /// Reverse proxies whose word on where a request came from is taken.
    pub(super) proxies: Arc<[IpAddr]>,
}

impl Entrance {
    /// An entrance before these doors.
    pub fn new(doors: Doors, providers: Providers, proxies: &[IpAddr]) -> Self {
        Self { doors, attempts: Arc::default(), providers: Arc::new(providers), proxies: proxies.into() }
    }

    /// Asks the key service.
    pub(super) async fn ask(&self, question: SignIn) -> Result<SignInAnswer, Denied> {
        self.doors.archive.keys().sign_in(question).await.map_err(|failure| Denied::of(&failure))
    }

    /// Asks for a token; the proof that went along is good for no other request.
    pub(super) async fn token(&self, question: SignIn, proof: Option<&str>) -> Result<SignedIn, Denied> {
        match self.ask(question).await? {
            SignInAnswer::Token(signed_in) => {
                if let Some(proof) = proof {
                    self.doors.once(proof)?;
                }
                Ok(signed_in)
            }
            _ => Err(unexpected()),
        }
    }
}

/// The two programs do not fit together.
pub fn unexpected() -> Denied {
    tracing::error!("the key service answered something else than was asked");
    Denied::away("The archive and its key service do not fit together. The operator has been told.")
}

/// This request's own proof, and the address that it is held against.
pub struct Proved(pub KeyProof);

impl FromRequestParts<Entrance> for Proved {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, entrance: &Entrance) -> Result<Self, Denied> {
        let jwt = asker::proof(&parts.headers).ok_or_else(Denied::proof)?;
        let Here(uri) = Here::from_request_parts(parts, entrance).await?;
        Ok(Self(KeyProof { jwt, method: parts.method.as_str().to_owned(), uri }))
    }
}

/// The address of this request, as the configuration or the connection has it.
pub struct Here(pub String);

impl FromRequestParts<Entrance> for Here {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, entrance: &Entrance) -> Result<Self, Denied> {
        let connection = parts.extensions.get::<Connection>();
        let uri = entrance.doors.signed_uri(&parts.headers, &parts.uri, connection);
        uri.map(Self).map_err(|problem| Denied::invalid(problem.detail))
    }
}

/// A JSON body of one form and no other.
pub struct Json<T>(pub T);

impl<T: serde::de::DeserializeOwned> axum::extract::FromRequest<Entrance> for Json<T> {
    type Rejection = Denied;

    async fn from_request(request: axum::extract::Request, entrance: &Entrance) -> Result<Self, Denied> {
        // A page of another site can send a form and plain text without asking; JSON it must ask for, and is refused.
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
            return Err(Denied::invalid("The body is application/json."));
        }
        let body = axum::body::Bytes::from_request(request, entrance).await;
        let body = body.map_err(|_| Denied::invalid("The body is too long, or broke off."))?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| Denied::invalid("The body has not the form that this route takes."))
    }
}

/// Bytes as base64url (RFC 4648 5), without padding.
#[derive(Debug)]
pub struct Coded(pub Vec<u8>);

impl<'de> serde::Deserialize<'de> for Coded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A thumbprint (RFC 7638).
#[derive(Debug)]
pub struct Thumbprint(pub [u8; 32]);

impl<'de> serde::Deserialize<'de> for Thumbprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Coded(bytes) = Coded::deserialize(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::custom("a thumbprint has 32 bytes"))
    }
}

/// What a session is for: an HL7 code, treatment if none is named.
#[derive(Clone, Copy, Debug)]
pub struct For(pub Purpose);

impl Default for For {
    fn default() -> Self {
        Self(Purpose::Treat)
    }
}

impl<'de> serde::Deserialize<'de> for For {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Purpose::from_code(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a PurposeOfUse code"))
    }
}

/// Bytes as base64url text.
pub fn coded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An answer that no cache may keep (RFC 6749 5.1).
pub fn told(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body.to_string())
        .into_response()
}

/// A token, as RFC 6749 5.1 and RFC 9449 5 have it, with what the person's own browser or tool shows beside it.
pub fn token_body(signed_in: &SignedIn) -> Value {
    let left = |until: record::Micros| (until - time::now()).max(0) / 1_000_000;
    let mut body = json!({
        "access_token": signed_in.token,
        "token_type": if signed_in.is_bound { "DPoP" } else { "Bearer" },
        "expires_in": left(signed_in.expires),
        "purpose_of_use": signed_in.who.purpose.code(),
    });
    if let (Some(members), Some(scope)) = (body.as_object_mut(), &signed_in.scope) {
        members.insert("scope".to_owned(), json!(scope));
    }
    if let (Some(members), Some(ends)) = (body.as_object_mut(), signed_in.session_ends) {
        members.insert("session_expires_in".to_owned(), json!(left(ends)));
        members.insert("name".to_owned(), json!(signed_in.name));
        members.insert("facility".to_owned(), json!(signed_in.who.facility.as_str()));
        members.insert("role".to_owned(), json!(signed_in.who.role.name()));
    }
    body
}
