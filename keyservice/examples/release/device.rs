//! A clinician's device: a key of its own, a session bound to it, and a proof for each request (RFC 9449).

use super::support::{Client, MEASURED, Result};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::{FacilityCode, Purpose, Role};
use seal::message::{AdminAnswer, AdminRequest, Answer, Asker, KeyProof, Proof, Request, SignIn, SignInAnswer, Staff};
use serde_json::{Value, json};
use std::path::Path;

const URI: &str = "http://localhost:8080/dicom-web/studies";
const SIGN_IN: &str = "http://localhost:8080/sign-in";

pub struct Device {
    pair: EcdsaKeyPair,
    token: String,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

impl Device {
    /// Registers a clinician and signs in. Each has a number: one key may not show more proofs in a minute than are remembered of it.
    pub fn sign_in(folder: &Path, facility: FacilityCode, number: usize) -> Result<Self> {
        let mut admin = Client::connect(&folder.join("admin.sock"))?;
        let mut node = Client::connect(&folder.join("node.sock"))?;
        let name = || format!("{MEASURED} {number}");
        admin.admin(AdminRequest::AddPerson { name: name(), facility, role: Role::Clinician })?;
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| "no key")?;
        let mut device = Self { pair, token: String::new() };
        let thumbprint = device.thumbprint()?;
        let invite = Staff::Invite { name: name(), seconds: 600, thumbprint: Some(thumbprint) };
        let AdminAnswer::Invitation(invitation) = admin.admin(AdminRequest::Staff(invite))? else {
            return Err("no invitation".into());
        };
        let begun = node.call(Request::SignIn(SignIn::DeviceBegin { thumbprint }))?;
        let Answer::SignIn(SignInAnswer::Nonce(nonce)) = begun else { return Err(format!("{begun:?}").into()) };
        let claims = claims("POST", SIGN_IN, ("nonce", nonce))?;
        let proof = KeyProof { jwt: device.sign(&claims)?, method: "POST".into(), uri: SIGN_IN.into() };
        let enrol = SignIn::EnrolDevice { invitation, proof, purpose: Purpose::Treat };
        let ended = node.call(Request::SignIn(enrol))?;
        let Answer::SignIn(SignInAnswer::Token(given)) = ended else { return Err(format!("{ended:?}").into()) };
        device.token = given.token;
        Ok(device)
    }

    /// Who asks, with a proof that was never shown.
    pub fn asker(&self) -> Result<Asker> {
        let claims = claims("GET", URI, ("ath", encode(sha256(self.token.as_bytes()))))?;
        let proof = Proof::Bound {
            token: self.token.clone(),
            proof: self.sign(&claims)?,
            method: "GET".into(),
            uri: URI.into(),
        };
        Ok(Asker { proof, purpose: Purpose::Treat, channel: "dicomweb".into() })
    }

    fn jwk(&self) -> Result<(String, String)> {
        // An uncompressed point: 04, x, y.
        let (_, point) = self.pair.public_key().as_ref().split_first().ok_or("no point")?;
        let (x, y) = point.split_at_checked(32).ok_or("a short point")?;
        Ok((encode(x), encode(y)))
    }

    fn thumbprint(&self) -> Result<[u8; 32]> {
        let (x, y) = self.jwk()?;
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        sha256(canonical.as_bytes()).try_into().map_err(|_| "no hash".into())
    }

    fn sign(&self, claims: &Value) -> Result<String> {
        let (x, y) = self.jwk()?;
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).map_err(|_| "not signed")?;
        Ok(format!("{text}.{}", encode(signature.as_ref())))
    }
}

/// A proof's claims, with one more.
fn claims(method: &str, uri: &str, (name, value): (&str, String)) -> Result<Value> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| "no randomness")?;
    let seconds = record::time::now().div_euclid(1_000_000);
    Ok(json!({"jti": encode(id), "htm": method, "htu": uri, "iat": seconds, name: value}))
}
