//! What somebody makes of a token and a proof that were copied on their way (RFC 9449), without the key that they are bound to.

use super::Finding;
use crate::sample::Person;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The attempts of a thief, and what they yielded.
#[derive(Debug, Default)]
pub struct Theft {
    attempts: usize,
    opened: Vec<String>,
}

impl Theft {
    /// Counts an attempt by its answer: the status, and the whole answer as text.
    pub fn tried(&mut self, answer: &(u16, String), person: &Person, what: &str) {
        let (status, text) = answer;
        self.attempts += 1;
        let shown = person.name.replace('^', ", ");
        let tells = text.contains(&shown) || text.contains(&person.name) || text.contains(&person.number);
        let lower = text.to_ascii_lowercase();
        // A page leads to where one signs in; everything else says how to show who one is.
        let is_refused = match status {
            303 => lower.contains("location: /signin"),
            401 => lower.contains("www-authenticate: dpop"),
            _ => false,
        };
        if tells || !is_refused {
            self.opened.push(format!("{what}: {status}"));
        }
    }

    /// Prints what came of it all; anything that was opened fails the test.
    ///
    /// # Panics
    /// If anything was opened, or fewer attempts were made than `at_least`.
    pub fn found(self, way: &'static str, at_least: usize) {
        assert!(self.attempts >= at_least, "{} attempts", self.attempts);
        Finding {
            row: "a clinician's cookie or token alone",
            way,
            yielded: f64::from(u32::try_from(self.opened.len()).unwrap_or(u32::MAX)),
            limit: 0.0,
            unit: "answers",
            note: format!(
                "of {} attempts{}{}",
                self.attempts,
                if self.opened.is_empty() { "" } else { ": " },
                self.opened.join(", ")
            ),
        }
        .must_be_met();
    }
}

/// A proof with something of it altered, and what that is.
#[must_use]
pub fn altered(proof: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = proof.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Vec::new() };
    let read = |part: &str| -> Value {
        URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    };
    let write = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let with = |part: &str, name: &str, value: Value| {
        let mut read = read(part);
        if let Some(fields) = read.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
        write(&read)
    };
    let iat = read(claims).get("iat").and_then(Value::as_i64).unwrap_or(0);
    let htu = read(claims).get("htu").and_then(Value::as_str).unwrap_or_default().to_owned();
    let claim = |name: &str, value: Value| format!("{header}.{}.{signature}", with(claims, name, value));
    let head = |name: &str, value: Value| format!("{}.{claims}.{signature}", with(header, name, value));
    let flipped: String = signature.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    vec![
        ("another jti", claim("jti", json!("00000000-0000-4000-8000-000000000000"))),
        ("no jti", claim("jti", Value::Null)),
        ("iat an hour ago", claim("iat", json!(iat - 3_600))),
        ("iat in an hour", claim("iat", json!(iat + 3_600))),
        ("iat a second later", claim("iat", json!(iat + 1))),
        ("iat as text", claim("iat", json!(iat.to_string()))),
        ("htm in lower case", claim("htm", json!("get"))),
        ("another htm", claim("htm", json!("POST"))),
        ("htu in upper case", claim("htu", json!(htu.to_uppercase()))),
        ("htu with a query", claim("htu", json!(format!("{htu}?a=b")))),
        ("htu of another place", claim("htu", json!("http://localhost/"))),
        ("ath of another token", claim("ath", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("no ath", claim("ath", Value::Null)),
        ("algorithm none", head("alg", json!("none"))),
        ("a keyed hash by the public key", head("alg", json!("HS256"))),
        ("another type", head("typ", json!("JWT"))),
        ("a key that is fetched", head("jku", json!("http://127.0.0.1:1/jwks"))),
        ("a critical extension", head("crit", json!(["b64"]))),
        ("no signature", format!("{header}.{claims}.")),
        ("another signature", format!("{header}.{claims}.{flipped}")),
        ("half a signature", format!("{header}.{claims}.{}", signature.get(..signature.len() / 2).unwrap_or_default())),
        ("a part too many", format!("{proof}.{signature}")),
        ("two proofs in one", format!("{proof}, {proof}")),
        ("in upper case", proof.to_uppercase()),
    ]
}

/// Other places for a token, without a proof: names of headers with their values.
#[must_use]
pub fn elsewhere(token: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("a bearer token", json!({"Authorization": format!("Bearer {token}")})),
        ("a bearer token in lower case", json!({"Authorization": format!("bearer {token}")})),
        ("a bound token without a proof", json!({"Authorization": format!("DPoP {token}")})),
        (
            "basic credentials",
            json!({"Authorization": format!("Basic {}", URL_SAFE_NO_PAD.encode(format!("{token}:")))}),
        ),
        ("no scheme", json!({"Authorization": token})),
        ("the pages' cookie", json!({"Cookie": format!("segel-session={token}")})),
        ("another cookie", json!({"Cookie": format!("__Host-segel-session={token}; token={token}")})),
        (
            "a proxy's header",
            json!({"Proxy-Authorization": format!("Bearer {token}"), "X-Forwarded-User": "clinician RSUD-A"}),
        ),
        ("a token in other case", json!({"Authorization": format!("Bearer {}", token.to_lowercase())})),
        (
            "half a token",
            json!({"Authorization": format!("Bearer {}", token.get(..token.len() / 2).unwrap_or_default())}),
        ),
    ]
}
