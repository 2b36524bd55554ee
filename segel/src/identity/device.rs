//! The key of a command-line tool: enrolled by an invitation, and signing in by itself afterwards.

use super::denied::Denied;
use super::entrance::{Entrance, For, Json, Proved, Thumbprint, token_body, told, unexpected};
use axum::extract::State;
use axum::response::Response;
use seal::message::{SignIn, SignInAnswer};
use serde::Deserialize;
use serde_json::json;

/// Which key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    thumbprint: Thumbprint,
}

/// `POST /auth/device/begin`: a nonce for this key, whether it is anybody's or not.
pub async fn begin(State(entrance): State<Entrance>, Json(asked): Json<Begin>) -> Result<Response, Denied> {
    let question = SignIn::DeviceBegin { thumbprint: asked.thumbprint.0 };
    let SignInAnswer::Nonce(nonce) = entrance.ask(question).await? else { return Err(unexpected()) };
    Ok(told(&json!({"nonce": nonce})))
}

/// With an invitation the key is new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    invitation: Option<String>,
    #[serde(default)]
    purpose: For,
}

/// `POST /auth/device/finish`: a proof by the key, with its nonce.
pub async fn finish(
    State(entrance): State<Entrance>,
    Proved(proof): Proved,
    Json(asked): Json<Finish>,
) -> Result<Response, Denied> {
    let (jwt, purpose) = (proof.jwt.clone(), asked.purpose.0);
    let question = match asked.invitation {
        Some(invitation) => SignIn::EnrolDevice { invitation, proof, purpose },
        None => SignIn::Device { proof, purpose },
    };
    Ok(told(&token_body(&entrance.token(question, Some(&jwt)).await?)))
}
