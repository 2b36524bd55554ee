//! An outside OpenID Connect provider: the authorization code flow with PKCE (RFC 7636), OpenID Connect Core 3.1.
//!
//! The ID token's nonce was given by the key service for one browser's key, so an ID token that is caught on its way signs
//! nobody else in; the key service verifies it, and this side only fetches it.

use super::denied::Denied;
use super::entrance::{Entrance, For, Json, Proved, Thumbprint, coded, token_body, told, unexpected};
use crate::http::Connection;
use crate::pages::form::encoded;
use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyservice::outbound::{self, Bounds, Outbound};
use record::limits::{PROVIDER_ANSWER_BYTES_MAX, PROVIDER_VISITS_MAX};
use seal::message::{OutsideIssuer, SignIn, SignInAnswer};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A person finds a password and a telephone in this time.
const VISIT: Duration = Duration::from_secs(10 * 60);
/// How long a provider may take to answer.
const ANSWER: Duration = Duration::from_secs(8);

/// `[[provider]]`: what the doors need to know of an outside provider, besides what the key service's settings say.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its name in the key service's settings.
    pub name: String,
    /// File with the client's secret there; without it the client is a public one, protected by PKCE alone.
    pub client_secret_file: Option<PathBuf>,
    /// PEM: the authorities of its certificate; the system's without it.
    pub authority: Option<PathBuf>,
}

/// Outside providers, and who is on the way to one of them.
#[derive(Default)]
pub struct Providers {
    known: HashMap<String, Provider>,
    visits: Mutex<HashMap<String, Visit>>,
}

#[derive(Clone, Default)]
struct Provider {
    secret: Option<zeroize::Zeroizing<String>>,
    client: Outbound,
}

/// Somebody on the way to a provider and back.
struct Visit {
    issuer: OutsideIssuer,
    verifier: String,
    redirect_uri: String,
    back: String,
    began: Instant,
}

impl Providers {
    /// Reads the secrets and authorities that the configuration names.
    pub fn new(configured: &[ProviderConfig]) -> Result<Self> {
        let mut known = HashMap::new();
        for provider in configured {
            let name = &provider.name;
            let secret = provider.client_secret_file.as_ref().map(|path| {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                anyhow::Ok(zeroize::Zeroizing::new(text.trim().to_owned()))
            });
            let settings = outbound::Settings { ca: provider.authority.clone() };
            let client = Outbound::new(&settings).with_context(|| format!("[[provider]] {name}"))?;
            if known.insert(name.clone(), Provider { secret: secret.transpose()?, client }).is_some() {
                bail!("[[provider]] {name} is there twice");
            }
        }
        Ok(Self { known, visits: Mutex::default() })
    }

    fn provider(&self, name: &str) -> Provider {
        self.known.get(name).cloned().unwrap_or_default()
    }

    fn visits(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers somebody who leaves for a provider.
    fn leaves(&self, state: String, visit: Visit) -> Result<(), Denied> {
        let mut visits = self.visits();
        if visits.len() >= PROVIDER_VISITS_MAX {
            visits.retain(|_, visit| visit.began.elapsed() < VISIT);
            if visits.len() >= PROVIDER_VISITS_MAX {
                return Err(Denied::away("Too many people sign in at once."));
            }
        }
        visits.insert(state, visit);
        Ok(())
    }

    /// Somebody who comes back, once.
    fn returns(&self, state: &str) -> Option<Visit> {
        self.visits().remove(state).filter(|visit| visit.began.elapsed() < VISIT)
    }
}

/// What a provider says of itself (OpenID Connect Discovery 3).
struct Metadata {
    authorization_endpoint: String,
    token_endpoint: String,
}

/// Who wants to go where.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    provider: String,
    thumbprint: Thumbprint,
    back: Option<String>,
}

/// `POST /auth/oidc/begin`: where the browser goes.
pub async fn begin(
    State(entrance): State<Entrance>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
    Json(asked): Json<Begin>,
) -> Result<Response, Denied> {
    let SignInAnswer::Ways(ways) = entrance.ask(SignIn::Ways).await? else { return Err(unexpected()) };
    let issuer = ways.issuers.into_iter().find(|issuer| issuer.name == asked.provider);
    let issuer = issuer.ok_or_else(|| Denied::invalid("There is no such provider."))?;
    let question = SignIn::OidcBegin { issuer: issuer.name.clone(), thumbprint: asked.thumbprint.0 };
    let SignInAnswer::Nonce(nonce) = entrance.ask(question).await? else { return Err(unexpected()) };
    let metadata = metadata(&entrance.providers.provider(&issuer.name).client, &issuer).await?;
    let (state, verifier) = (random()?, random()?);
    let challenge = coded(digest(&SHA256, verifier.as_bytes()).as_ref());
    let origin = entrance.doors.origin(&headers, connection.as_ref().map(|Extension(c)| c));
    let redirect_uri = format!("{origin}/auth/oidc/callback");
    let query = [
        ("response_type", "code"),
        ("client_id", &issuer.client_id),
        ("redirect_uri", &redirect_uri),
        ("scope", "openid profile"),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let separator = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
    let location = format!("{}{separator}{}", metadata.authorization_endpoint, form(&query));
    let back = asked.back.unwrap_or_else(|| "/".to_owned());
    entrance.providers.leaves(state, Visit { issuer, verifier, redirect_uri, back, began: Instant::now() })?;
    Ok(told(&json!({"location": location})))
}

/// What the provider sent the browser back with.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    code: String,
    state: String,
    /// RFC 9207.
    iss: Option<String>,
    #[serde(default)]
    purpose: For,
}

/// `POST /auth/oidc/finish`: the code, and a proof by the key that the nonce was for.
pub async fn finish(
    State(entrance): State<Entrance>,
    Proved(proof): Proved,
    Json(came): Json<Finish>,
) -> Result<Response, Denied> {
    let visit = entrance.providers.returns(&came.state).ok_or_else(Denied::refused)?;
    if came.iss.is_some_and(|iss| iss != visit.issuer.issuer) {
        return Err(Denied::refused());
    }
    let id_token = id_token(&entrance.providers.provider(&visit.issuer.name), &visit, &came.code).await?;
    let jwt = proof.jwt.clone();
    let question = SignIn::Oidc { issuer: visit.issuer.name, id_token, proof, purpose: came.purpose.0 };
    let mut body = token_body(&entrance.token(question, Some(&jwt)).await?);
    if let Some(members) = body.as_object_mut() {
        members.insert("back".to_owned(), json!(visit.back));
    }
    Ok(told(&body))
}

async fn metadata(client: &Outbound, issuer: &OutsideIssuer) -> Result<Metadata, Denied> {
    let url = format!("{}/.well-known/openid-configuration", issuer.issuer.trim_end_matches('/'));
    let reply = client.get(&url, &[("accept", "application/json")], bounds()).await.map_err(away)?;
    let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    // OpenID Connect Discovery 4.3: a document that speaks for another issuer is not this one's.
    let found =
        Metadata { authorization_endpoint: text("authorization_endpoint"), token_endpoint: text("token_endpoint") };
    // Plain text is for this host, and what listens on this host is not for a provider to name: only its own port, if it is
    // one of this host itself.
    let is_reached =
        |url: &str| url.starts_with("https://") || url.starts_with(&format!("{}/", origin_of(&issuer.issuer)));
    let is_whole = [&found.authorization_endpoint, &found.token_endpoint]
        .iter()
        .all(|url| outbound::check(url).is_ok() && is_reached(url));
    if !reply.is_success() || text("issuer") != issuer.issuer || !is_whole {
        tracing::warn!(issuer = issuer.issuer, "the provider's metadata is not its own, or not whole");
        return Err(Denied::away("The provider does not answer as it should."));
    }
    Ok(found)
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    url.get(..end).unwrap_or(url)
}

/// The code for an ID token (OpenID Connect Core 3.1.3).
async fn id_token(provider: &Provider, visit: &Visit, code: &str) -> Result<String, Denied> {
    let metadata = metadata(&provider.client, &visit.issuer).await?;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", visit.redirect_uri.as_str()),
        ("code_verifier", visit.verifier.as_str()),
    ];
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    // RFC 6749 2.3.1: name and secret are form-encoded before they are joined.
    let basic = provider.secret.as_ref().map(|secret| {
        let pair = format!("{}:{}", encoded(&visit.issuer.client_id), encoded(secret));
        zeroize::Zeroizing::new(format!("Basic {}", STANDARD.encode(pair)))
    });
    match &basic {
        Some(basic) => headers.push(("authorization", basic)),
        None => fields.push(("client_id", &visit.issuer.client_id)),
    }
    let body = form(&fields).into_bytes();
    let reply = provider.client.post(&metadata.token_endpoint, &headers, body, bounds()).await.map_err(away)?;
    let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match said.get("id_token").and_then(Value::as_str) {
        Some(token) if reply.is_success() => Ok(token.to_owned()),
        _ => {
            // What the provider says of it may name somebody, and stays out of the log.
            tracing::info!(issuer = visit.issuer.issuer, status = reply.status, "the provider gave no ID token");
            Err(Denied::refused())
        }
    }
}

fn bounds() -> Bounds {
    Bounds { deadline: ANSWER, body_bytes_max: PROVIDER_ANSWER_BYTES_MAX }
}

fn away(error: impl std::fmt::Display) -> Denied {
    tracing::warn!(%error, "the provider does not answer");
    Denied::away("The provider does not answer.")
}

fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// 256 random bits.
fn random() -> Result<String, Denied> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| Denied::away("No randomness is to be had."))?;
    Ok(coded(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(began: Instant) -> Visit {
        let issuer = OutsideIssuer { name: "h".into(), issuer: "https://h".into(), client_id: "c".into() };
        Visit { issuer, verifier: String::new(), redirect_uri: String::new(), back: String::new(), began }
    }

    #[test]
    fn somebody_comes_back_once_and_not_too_late() {
        let (providers, now) = (Providers::default(), Instant::now());
        providers.leaves("a".into(), visit(now)).unwrap();
        assert!(providers.returns("b").is_none());
        assert!(providers.returns("a").is_some());
        assert!(providers.returns("a").is_none());
        if let Some(long_ago) = now.checked_sub(VISIT) {
            providers.leaves("a".into(), visit(long_ago)).unwrap();
            assert!(providers.returns("a").is_none());
        }
    }

    #[test]
    fn so_many_are_on_their_way_and_no_more() {
        let (providers, now) = (Providers::default(), Instant::now());
        for number in 0..PROVIDER_VISITS_MAX {
            providers.leaves(number.to_string(), visit(now)).unwrap();
        }
        assert!(providers.leaves("one more".into(), visit(now)).is_err());
        assert!(providers.returns("0").is_some());
        providers.leaves("one more".into(), visit(now)).unwrap();
    }

    #[test]
    fn an_origin_ends_before_the_path() {
        for (url, origin) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://127.0.0.1:3000/realms/a", "http://127.0.0.1:3000"),
            ("https://h.example/", "https://h.example"),
            ("h", "h"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }

    #[test]
    fn a_form_carries_any_text() {
        assert_eq!(form(&[("a", "b c"), ("d", "https://e/?f=g&h")]), "a=b%20c&d=https%3A%2F%2Fe%2F%3Ff%3Dg%26h");
    }
}
