//! Passkeys (WebAuthn Level 3): signing in with one, and enrolling one by an invitation.

use super::denied::Denied;
use super::entrance::{Coded, Entrance, For, Json, Proved, Thumbprint, coded, token_body, told, unexpected};
use axum::extract::State;
use axum::response::Response;
use seal::message::{Assertion, Challenge, SignIn, SignInAnswer};
use serde::Deserialize;
use serde_json::{Value, json};

/// COSE algorithms that the key service verifies (RFC 9053): ES256, EdDSA, RS256.
const ALGORITHMS: [i32; 3] = [-7, -8, -257];

/// `GET /auth/ways`: which ways in there are, for the sign-in page. It says nothing of anybody.
pub async fn ways(State(entrance): State<Entrance>) -> Result<Response, Denied> {
    let SignInAnswer::Ways(ways) = entrance.ask(SignIn::Ways).await? else { return Err(unexpected()) };
    let providers: Vec<Value> = ways.issuers.iter().map(|issuer| json!({"name": issuer.name})).collect();
    Ok(told(&json!({"rp_id": ways.rp_id, "origins": ways.origins, "providers": providers})))
}

/// Which key the token is to be bound to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    thumbprint: Thumbprint,
}

/// `POST /auth/passkey/begin`: a challenge. No name is asked for, so nobody learns which names there are.
pub async fn begin(State(entrance): State<Entrance>, Json(asked): Json<Begin>) -> Result<Response, Denied> {
    let question = SignIn::Begin { name: None, thumbprint: asked.thumbprint.0 };
    challenge(&entrance, question).await
}

/// What the passkey answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    credential: Coded,
    client_data: Coded,
    authenticator_data: Coded,
    signature: Coded,
    user_handle: Option<Coded>,
    #[serde(default)]
    purpose: For,
}

/// `POST /auth/passkey/finish`: the answer, and a proof by the key that the challenge was for.
pub async fn finish(
    State(entrance): State<Entrance>,
    Proved(proof): Proved,
    Json(answer): Json<Finish>,
) -> Result<Response, Denied> {
    let assertion = Assertion {
        credential: answer.credential.0,
        client_data_json: answer.client_data.0,
        authenticator_data: answer.authenticator_data.0,
        signature: answer.signature.0,
        user_handle: answer.user_handle.map(|handle| handle.0),
    };
    let jwt = proof.jwt.clone();
    let question = SignIn::Finish { assertion, proof, purpose: answer.purpose.0 };
    Ok(told(&token_body(&entrance.token(question, Some(&jwt)).await?)))
}

/// An invitation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invited {
    invitation: String,
    thumbprint: Thumbprint,
}

/// `POST /auth/enrol/begin`: a challenge for a new passkey.
pub async fn begin_enrol(State(entrance): State<Entrance>, Json(asked): Json<Invited>) -> Result<Response, Denied> {
    let question = SignIn::BeginEnrol { invitation: asked.invitation, thumbprint: asked.thumbprint.0 };
    challenge(&entrance, question).await
}

/// A new passkey.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    invitation: String,
    client_data: Coded,
    attestation: Coded,
    #[serde(default)]
    purpose: For,
}

/// `POST /auth/enrol/finish`: the new passkey, and a proof by the key that the challenge was for. Its holder is signed in.
pub async fn enrol(
    State(entrance): State<Entrance>,
    Proved(proof): Proved,
    Json(made): Json<Enrol>,
) -> Result<Response, Denied> {
    let jwt = proof.jwt.clone();
    let question = SignIn::Enrol {
        invitation: made.invitation,
        client_data_json: made.client_data.0,
        attestation_object: made.attestation.0,
        proof,
        purpose: made.purpose.0,
    };
    Ok(told(&token_body(&entrance.token(question, Some(&jwt)).await?)))
}

async fn challenge(entrance: &Entrance, question: SignIn) -> Result<Response, Denied> {
    let SignInAnswer::Challenge(challenge) = entrance.ask(question).await? else { return Err(unexpected()) };
    Ok(told(&challenge_body(&challenge)))
}

fn challenge_body(challenge: &Challenge) -> Value {
    json!({
        "challenge": coded(&challenge.challenge),
        "rp_id": challenge.rp_id,
        "credentials": challenge.credentials.iter().map(|credential| coded(&credential.0)).collect::<Vec<_>>(),
        "user": challenge.user_handle.as_deref().map(coded),
        "name": challenge.name,
        "algorithms": ALGORITHMS,
    })
}
