//! Systems: SMART Backend Services (SMART App Launch 2.2, "Backend Services"), by the client credentials grant with a signed
//! assertion (RFC 7521, RFC 7523).

use super::denied::Denied;
use super::entrance::{Entrance, Here, token_body, told};
use crate::http::{Connection, asker};
use crate::pages::form::field;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use record::Purpose;
use seal::message::{KeyProof, SignIn};
use serde_json::json;

/// RFC 7523 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How an assertion may be signed (RFC 7518 3.1, RFC 8037); ES384 and RS384 are those that SMART asks for.
const ASSERTION_ALGORITHMS: [&str; 4] = ["ES384", "RS384", "ES256", "EdDSA"];

/// `GET /.well-known/smart-configuration`
pub async fn configuration(
    State(entrance): State<Entrance>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Response {
    let origin = entrance.doors.origin(&headers, connection.as_ref().map(|Extension(c)| c));
    told(&json!({
        "token_endpoint": format!("{origin}/auth/token"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric"],
    }))
}

/// `POST /auth/token`: an access token for a system's assertion. With a `DPoP` header it is bound to that key.
pub async fn token(
    State(entrance): State<Entrance>,
    Here(uri): Here,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Denied> {
    match field(&body, "grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(Denied::unsupported_grant()),
        None => return Err(Denied::invalid("grant_type is missing.")),
    }
    if field(&body, "client_assertion_type").as_deref() != Some(ASSERTION_TYPE) {
        return Err(Denied::invalid("client_assertion_type is missing, or not jwt-bearer."));
    }
    let assertion = field(&body, "client_assertion").ok_or_else(|| Denied::invalid("client_assertion is missing."))?;
    let purpose = match field(&body, "purpose_of_use") {
        None => Purpose::Treat,
        Some(code) => Purpose::from_code(&code).ok_or_else(|| Denied::invalid("purpose_of_use is no such code."))?,
    };
    let proof = match headers.contains_key(asker::DPOP) {
        true => Some(asker::proof(&headers).ok_or_else(Denied::proof)?),
        false => None,
    };
    let bound = proof.clone().map(|jwt| KeyProof { jwt, method: Method::POST.to_string(), uri: uri.clone() });
    let scope = field(&body, "scope");
    let question = SignIn::Client { assertion, audience: uri, proof: bound, purpose, scope };
    let signed_in = entrance
        .token(question, proof.as_deref())
        .await
        .map_err(|denied| if denied == Denied::refused() { Denied::client() } else { denied })?;
    Ok(told(&token_body(&signed_in)))
}
