//! Signing in over HTTP: passkeys, devices, an outside OpenID Connect provider, systems (SMART Backend Services).
//!
//! This side only relays. A challenge comes from the key service and is good for one browser's key; what answers it was
//! signed by a passkey, a device's key, an outside provider or a system's key, and goes back to the key service as it
//! came; the token that comes out is bound (RFC 9449) to a key that never was here. Nothing that passes through can be kept and used later.

mod attempts;
mod denied;
mod device;
mod entrance;
mod oidc;
mod passkey;
mod smart;
mod token;

pub use entrance::Entrance;
pub use oidc::{ProviderConfig, Providers};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use record::limits::SIGN_IN_BYTES_MAX;

/// The routes. All but the discovery documents are bounded in number for each address, in size and in time.
pub fn router(entrance: Entrance) -> Router {
    let limited = Router::new()
        .route("/auth/ways", get(passkey::ways))
        .route("/auth/passkey/begin", post(passkey::begin))
        .route("/auth/passkey/finish", post(passkey::finish))
        .route("/auth/enrol/begin", post(passkey::begin_enrol))
        .route("/auth/enrol/finish", post(passkey::enrol))
        .route("/auth/device/begin", post(device::begin))
        .route("/auth/device/finish", post(device::finish))
        .route("/auth/oidc/begin", post(oidc::begin))
        .route("/auth/oidc/finish", post(oidc::finish))
        .route("/auth/token", post(smart::token))
        .route("/auth/renew", post(token::renew))
        .route("/auth/signout", post(token::end))
        .layer(DefaultBodyLimit::max(SIGN_IN_BYTES_MAX))
        .layer(from_fn_with_state(entrance.clone(), attempts::limited));
    Router::new()
        .route("/.well-known/smart-configuration", get(smart::configuration))
        .route("/fhir/.well-known/smart-configuration", get(smart::configuration))
        .merge(limited)
        .with_state(entrance)
}
