//! The session of a login: signing in with the key, a token that is renewed in time, and the headers of each request.

use super::kept::{self, Kept, Session};
use super::key::{Key, With};
use anyhow::{Context as _, Result, bail};
use keyservice::outbound::{self, Bounds, Outbound};
use record::limits::{SIGN_IN_BYTES_MAX, SIGN_IN_MS_MAX};
use record::{Purpose, time};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Mutex;

/// A token is renewed this long before its end, so that none runs out on its way.
const RENEWED_BEFORE_SECONDS: i64 = 60;

/// A login of this machine.
pub struct Login {
    path: PathBuf,
    key: Key,
    client: Outbound,
    archive: String,
    kept: Mutex<Kept>,
}

/// What the archive answers to a step of signing in.
struct Said {
    status: u16,
    body: Value,
}

impl Login {
    /// The login of this name.
    pub fn open(name: &str) -> Result<Self> {
        let path = kept::path(name)?;
        let kept = Kept::read(&path).with_context(|| {
            format!("there is no login {name} on this machine: `segel login --invite CODE --as {name}`")
        })?;
        if kept.archive.is_empty() {
            bail!("the key of login {name} is enrolled nowhere yet: `segel login --invite CODE --as {name}`");
        }
        Self::new(path, kept)
    }

    /// A login that lies in a file.
    pub(super) fn new(path: PathBuf, kept: Kept) -> Result<Self> {
        let client = Outbound::new(&outbound::Settings { ca: kept.authority.clone() })?;
        Ok(Self { path, key: Key::read(&kept.key)?, client, archive: kept.archive.clone(), kept: Mutex::new(kept) })
    }

    /// Scheme, host and port of its archive.
    pub fn archive(&self) -> &str {
        &self.archive
    }

    /// Who it is, for people.
    pub fn described(&self) -> String {
        let kept = self.kept.try_lock();
        let session = kept.ok().and_then(|kept| kept.session.clone());
        match session {
            Some(Session { name, facility, role, purpose, .. }) => {
                format!("signed in at {} as {name}, {role} of {facility}, for {purpose}", self.archive)
            }
            None => format!("not signed in at {}", self.archive),
        }
    }

    /// The headers of one request, with a token that is good for a while.
    pub async fn headers(&self, method: &str, url: &str) -> Result<[(&'static str, String); 2]> {
        if url.strip_prefix(&self.archive).is_none_or(|rest| !(rest.is_empty() || rest.starts_with(['/', '?']))) {
            bail!("this login is for {}; its token goes nowhere else", self.archive);
        }
        self.signed(method, url).await
    }

    /// As [`Self::headers`], whatever the address is called on the way there.
    pub async fn signed(&self, method: &str, url: &str) -> Result<[(&'static str, String); 2]> {
        let token = self.token().await?;
        let proof = self.key.proof(method, url, With::Token(&token), time::now())?;
        Ok([("Authorization", format!("DPoP {token}")), ("DPoP", proof)])
    }

    /// A token that is good for a while, and a proof over it.
    pub async fn shown(&self, method: &str, url: &str) -> Result<(String, String)> {
        let token = self.token().await?;
        let proof = self.key.proof(method, url, With::Token(&token), time::now())?;
        Ok((token, proof))
    }

    async fn token(&self) -> Result<String> {
        let mut kept = self.kept.lock().await;
        let seconds = time::now().div_euclid(1_000_000);
        if let Some(session) = kept.session.clone() {
            if session.until - seconds > RENEWED_BEFORE_SECONDS {
                return Ok(session.token);
            }
            let url = format!("{}/auth/renew", self.archive);
            let proof = self.key.proof("POST", &url, With::Token(&session.token), time::now())?;
            let authorization = format!("DPoP {}", session.token);
            let said = self.ask(&url, &[("authorization", &authorization), ("dpop", &proof)], None).await?;
            if said.status == 200 {
                return self.keep(&mut kept, &said.body);
            }
        }
        // The session has ended, or there is none: the key signs in anew.
        self.begin(&mut kept, None).await
    }

    /// Signs in with the key; for a purpose, if another is named than before.
    pub async fn sign_in(&self, purpose: Option<Purpose>) -> Result<()> {
        let mut kept = self.kept.lock().await;
        if let Some(purpose) = purpose {
            kept.purpose = purpose.code().to_owned();
        }
        self.begin(&mut kept, None).await.map(|_| ())
    }

    /// Enrols the key by an invitation, which signs its holder in.
    pub async fn enrol(&self, invitation: &str) -> Result<()> {
        let mut kept = self.kept.lock().await;
        self.begin(&mut kept, Some(invitation)).await.map(|_| ())
    }

    /// A nonce for this key, and a proof with it.
    async fn begin(&self, kept: &mut Kept, invitation: Option<&str>) -> Result<String> {
        let url = format!("{}/auth/device/begin", self.archive);
        let said = self.ask(&url, &[], Some(&json!({"thumbprint": self.key.thumbprint()}))).await?;
        let nonce = said.body.get("nonce").and_then(Value::as_str).with_context(|| refused(&said))?;
        let url = format!("{}/auth/device/finish", self.archive);
        let proof = self.key.proof("POST", &url, With::Nonce(nonce), time::now())?;
        let mut body = json!({"purpose": kept.purpose});
        if let (Some(members), Some(invitation)) = (body.as_object_mut(), invitation) {
            members.insert("invitation".to_owned(), json!(invitation));
        }
        let said = self.ask(&url, &[("dpop", &proof)], Some(&body)).await?;
        if said.status != 200 {
            bail!(refused(&said));
        }
        kept.is_enrolled = true;
        self.keep(kept, &said.body)
    }

    /// Ends the session there, and forgets it here.
    pub async fn sign_out(&self) -> Result<()> {
        let mut kept = self.kept.lock().await;
        let Some(session) = kept.session.take() else { return Ok(()) };
        kept.write(&self.path)?;
        let url = format!("{}/auth/signout", self.archive);
        let proof = self.key.proof("POST", &url, With::Token(&session.token), time::now())?;
        let authorization = format!("DPoP {}", session.token);
        let said = self.ask(&url, &[("authorization", &authorization), ("dpop", &proof)], None).await?;
        if said.status == 204 { Ok(()) } else { bail!(refused(&said)) }
    }

    /// Destroys the key.
    pub fn forget(&self) -> Result<()> {
        std::fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }

    /// Keeps a token; the token.
    fn keep(&self, kept: &mut Kept, body: &Value) -> Result<String> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let token = text("access_token");
        if token.is_empty() || text("token_type") != "DPoP" {
            bail!("the archive gave no token that is bound to this machine's key");
        }
        let seconds = body.get("expires_in").and_then(Value::as_i64).unwrap_or_default();
        kept.session = Some(Session {
            token: token.clone(),
            until: time::now().div_euclid(1_000_000).saturating_add(seconds),
            name: text("name"),
            facility: text("facility"),
            role: text("role"),
            purpose: text("purpose_of_use"),
        });
        kept.write(&self.path)?;
        Ok(token)
    }

    async fn ask(&self, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Said> {
        let mut all = vec![("accept", "application/json")];
        all.extend(headers);
        let bytes = match body {
            Some(body) => {
                all.push(("content-type", "application/json"));
                serde_json::to_vec(body)?
            }
            None => Vec::new(),
        };
        let bounds = Bounds { deadline: Duration::from_millis(SIGN_IN_MS_MAX), body_bytes_max: SIGN_IN_BYTES_MAX };
        let reply = self.client.post(url, &all, bytes, bounds).await.context("the archive does not answer")?;
        Ok(Said { status: reply.status, body: serde_json::from_slice(&reply.body).unwrap_or_default() })
    }
}

fn refused(said: &Said) -> String {
    let text = said.body.get("error_description").and_then(Value::as_str).unwrap_or("no reason given");
    let mut sentence = format!("the archive answers {}: {text}", said.status);
    if said.status == 400 {
        sentence.push_str(
            " Is the invitation unused and not too old, may this purpose be signed in for, is this machine's clock right, and does \
             --archive name the archive as its pages do?",
        );
    }
    sentence
}
