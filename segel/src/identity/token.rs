//! A session that goes on, or ends: the last token is shown as with every request, with a proof by its key.

use super::denied::Denied;
use super::entrance::{Entrance, token_body, told, unexpected};
use crate::http::asker;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use seal::message::{KeyProof, Proof, SignIn, SignInAnswer};

/// A token and its proof.
pub struct Shown {
    token: String,
    proof: KeyProof,
}

impl FromRequestParts<Entrance> for Shown {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, entrance: &Entrance) -> Result<Self, Denied> {
        match asker::of_request(&entrance.doors, parts)? {
            Proof::Bound { token, proof, method, uri } => {
                Ok(Self { token, proof: KeyProof { jwt: proof, method, uri } })
            }
            // A token that is bound to nothing is whoever's: it has no session to go on with.
            _ => Err(Denied::refused()),
        }
    }
}

/// `POST /auth/renew`: a fresh token for the last one, which may have ended a while ago.
pub async fn renew(State(entrance): State<Entrance>, shown: Shown) -> Result<Response, Denied> {
    let jwt = shown.proof.jwt.clone();
    let question = SignIn::Renew { token: shown.token, proof: shown.proof };
    Ok(told(&token_body(&entrance.token(question, Some(&jwt)).await?)))
}

/// `POST /auth/signout`: the session's tokens stop at once.
pub async fn end(State(entrance): State<Entrance>, shown: Shown) -> Result<Response, Denied> {
    match entrance.ask(SignIn::Revoke { token: shown.token, proof: shown.proof }).await? {
        SignInAnswer::Ended => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => Err(unexpected()),
    }
}
