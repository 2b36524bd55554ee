//! Signing in: how a person, a command-line tool or a system comes to a token that only its own key can use.
//!
//! The archive node carries these messages and can make none of them count: what it passes on was signed by a passkey, a
//! device's key, an outside issuer or a system's key, over something that the key service gave out or sees once, and the token
//! that comes back is bound (RFC 9449) to a key that the node does not hold.

use super::Who;
use minicbor::{Decode, Encode};
use record::{Micros, Purpose};
use std::fmt;

/// A DPoP proof (RFC 9449 4.2) and the HTTP request that it was shown with.
#[derive(Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct KeyProof {
    /// The value of the header `DPoP`: a compact JWS.
    #[n(0)]
    pub jwt: String,
    /// The HTTP method.
    #[n(1)]
    pub method: String,
    /// The absolute URI; query and fragment are not compared.
    #[n(2)]
    pub uri: String,
}

impl fmt::Debug for KeyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyProof({} #)", self.method)
    }
}

/// What a passkey answers to a challenge (WebAuthn Level 3, 5.2.2).
#[derive(Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Assertion {
    /// `rawId`.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub credential: Vec<u8>,
    /// `clientDataJSON`, as the browser serialised it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub client_data_json: Vec<u8>,
    /// `authenticatorData`.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
    /// `userHandle`, if the authenticator gave one.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub user_handle: Option<Vec<u8>>,
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion(#)")
    }
}

/// What may be asked about signing in. Thumbprints are those of RFC 7638 (SHA-256) of the key that the token is to be bound to.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum SignIn {
    /// Which ways in there are. Answers [`SignInAnswer::Ways`].
    #[n(0)]
    Ways,
    /// A challenge for a passkey. Answers [`SignInAnswer::Challenge`], for a name that nobody has as well.
    #[n(1)]
    Begin {
        /// The person's name in the register; none to let the authenticator offer what it has.
        #[n(0)]
        name: Option<String>,
        /// The key that the token will be bound to.
        #[cbor(n(1), with = "minicbor::bytes")]
        thumbprint: [u8; 32],
    },
    /// The passkey's answer. Answers [`SignInAnswer::Token`].
    #[n(2)]
    Finish {
        /// What the passkey signed.
        #[n(0)]
        assertion: Assertion,
        /// Shown with the request that carries it; its key must be the one that the challenge was asked for.
        #[n(1)]
        proof: KeyProof,
        /// What the session is for.
        #[n(2)]
        purpose: Purpose,
    },
    /// A challenge for a new passkey. Answers [`SignInAnswer::Challenge`].
    #[n(3)]
    BeginEnrol {
        /// The code that the administrator gave.
        #[n(0)]
        invitation: String,
        /// The key that the token will be bound to.
        #[cbor(n(1), with = "minicbor::bytes")]
        thumbprint: [u8; 32],
    },
    /// A new passkey. The invitation is used up, and its holder is signed in: answers [`SignInAnswer::Token`].
    #[n(4)]
    Enrol {
        /// The same code.
        #[n(0)]
        invitation: String,
        /// `clientDataJSON`.
        #[cbor(n(1), with = "minicbor::bytes")]
        client_data_json: Vec<u8>,
        /// `attestationObject`.
        #[cbor(n(2), with = "minicbor::bytes")]
        attestation_object: Vec<u8>,
        /// Shown with the request that carries it.
        #[n(3)]
        proof: KeyProof,
        /// What the session is for.
        #[n(4)]
        purpose: Purpose,
    },
    /// A nonce for an outside issuer's ID token. Answers [`SignInAnswer::Nonce`].
    #[n(5)]
    OidcBegin {
        /// The issuer's name in the settings, as `Ways` lists it.
        #[n(0)]
        issuer: String,
        /// The key that the token will be bound to.
        #[cbor(n(1), with = "minicbor::bytes")]
        thumbprint: [u8; 32],
    },
    /// An outside issuer's ID token (OpenID Connect Core 2). Answers [`SignInAnswer::Token`].
    #[n(6)]
    Oidc {
        /// The issuer's name in the settings.
        #[n(0)]
        issuer: String,
        /// The ID token; its `nonce` was given for the proof's key.
        #[n(1)]
        id_token: String,
        /// Shown with the request that carries it.
        #[n(2)]
        proof: KeyProof,
        /// What the session is for.
        #[n(3)]
        purpose: Purpose,
    },
    /// A system's client assertion (SMART Backend Services, `private_key_jwt`). Answers [`SignInAnswer::Token`].
    #[n(7)]
    Client {
        /// `client_assertion`.
        #[n(0)]
        assertion: String,
        /// The URL of the token endpoint, which the assertion must be meant for.
        #[n(1)]
        audience: String,
        /// With it the token is bound to its key; without it the token is a plain bearer token.
        #[n(2)]
        proof: Option<KeyProof>,
        /// What for.
        #[n(3)]
        purpose: Purpose,
        /// `scope` as it was asked for; the token repeats it.
        #[n(4)]
        scope: Option<String>,
    },
    /// A nonce for a device's key. Answers [`SignInAnswer::Nonce`].
    #[n(8)]
    DeviceBegin {
        /// The device's key.
        #[cbor(n(0), with = "minicbor::bytes")]
        thumbprint: [u8; 32],
    },
    /// A proof by an enrolled device's key, with the nonce. Answers [`SignInAnswer::Token`], bound to the same key.
    #[n(9)]
    Device {
        /// Its `nonce` is the one that was given for this key.
        #[n(0)]
        proof: KeyProof,
        /// What the session is for.
        #[n(1)]
        purpose: Purpose,
    },
    /// A device's new key: the proof's. The invitation is used up, and its holder is signed in: answers
    /// [`SignInAnswer::Token`].
    #[n(10)]
    EnrolDevice {
        /// The code that the administrator gave.
        #[n(0)]
        invitation: String,
        /// By the new key, with a nonce of `DeviceBegin`.
        #[n(1)]
        proof: KeyProof,
        /// What the session is for.
        #[n(2)]
        purpose: Purpose,
    },
    /// A fresh token of a session that goes on. Answers [`SignInAnswer::Token`].
    #[n(11)]
    Renew {
        /// The last token, which may have ended a while ago.
        #[n(0)]
        token: String,
        /// By the key that the token is bound to, and over the token (`ath`).
        #[n(1)]
        proof: KeyProof,
    },
    /// Ends a session: its tokens stop at once. Answers [`SignInAnswer::Ended`].
    #[n(12)]
    Revoke {
        /// Any token of the session.
        #[n(0)]
        token: String,
        /// By the key that the token is bound to, and over the token (`ath`).
        #[n(1)]
        proof: KeyProof,
    },
}

impl SignIn {
    /// What is asked, without anything about anybody.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ways => "Ways",
            Self::Begin { .. } => "Begin",
            Self::Finish { .. } => "Finish",
            Self::BeginEnrol { .. } => "BeginEnrol",
            Self::Enrol { .. } => "Enrol",
            Self::OidcBegin { .. } => "OidcBegin",
            Self::Oidc { .. } => "Oidc",
            Self::Client { .. } => "Client",
            Self::DeviceBegin { .. } => "DeviceBegin",
            Self::Device { .. } => "Device",
            Self::EnrolDevice { .. } => "EnrolDevice",
            Self::Renew { .. } => "Renew",
            Self::Revoke { .. } => "Revoke",
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(#)", self.kind())
    }
}

/// The answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SignInAnswer {
    /// To `Ways`.
    #[n(0)]
    Ways(#[n(0)] Ways),
    /// To `Begin` and `BeginEnrol`.
    #[n(1)]
    Challenge(#[n(0)] Challenge),
    /// To `OidcBegin` and `DeviceBegin`: text of base64url characters.
    #[n(2)]
    Nonce(#[n(0)] String),
    /// To everything that proves who somebody is.
    #[n(3)]
    Token(#[n(0)] SignedIn),
    /// To `Revoke`.
    #[n(4)]
    Ended,
}

/// Which ways in there are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ways {
    /// The relying party that passkeys belong to (WebAuthn `rp.id`): a domain name.
    #[n(0)]
    pub rp_id: String,
    /// Origins at which passkeys work; none for any port of `http://localhost`.
    #[n(1)]
    pub origins: Vec<String>,
    /// Outside issuers.
    #[n(2)]
    pub issuers: Vec<OutsideIssuer>,
}

/// An outside OpenID Connect issuer, as a door needs it to send a browser there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OutsideIssuer {
    /// Its name in the settings.
    #[n(0)]
    pub name: String,
    /// Its identifier: the ID token's `iss`, under which its metadata is found.
    #[n(1)]
    pub issuer: String,
    /// The client's id there: the ID token's `aud`.
    #[n(2)]
    pub client_id: String,
}

/// A challenge for a passkey.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Challenge {
    /// What is to be signed. It is good once, for five minutes, for the key that it was asked for.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub challenge: Vec<u8>,
    /// WebAuthn `rp.id`.
    #[n(1)]
    pub rp_id: String,
    /// To sign in: which passkeys may answer. To enrol: which are there already.
    #[n(2)]
    pub credentials: Vec<Credential>,
    /// To enrol: WebAuthn `user.id`, random bytes that mean nothing elsewhere.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub user_handle: Option<Vec<u8>>,
    /// To enrol: the name in the register.
    #[n(4)]
    pub name: Option<String>,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({}, {} credentials)", self.rp_id, self.credentials.len())
    }
}

/// The id of a passkey.
#[derive(Clone, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Credential(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(#)")
    }
}

/// A token, and what it means.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedIn {
    /// The access token.
    #[n(0)]
    pub token: String,
    /// Whether it is bound to a key (`token_type` `DPoP`) or not (`Bearer`).
    #[n(1)]
    pub is_bound: bool,
    /// When the token ends.
    #[n(2)]
    pub expires: Micros,
    /// Until when the session may be renewed; none for a system, which signs in anew.
    #[n(3)]
    pub session_ends: Option<Micros>,
    /// Whose it is.
    #[n(4)]
    pub who: Who,
    /// The name in the register, for its bearer's own eyes.
    #[n(5)]
    pub name: String,
    /// `scope` that a system was given.
    #[n(6)]
    pub scope: Option<String>,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIn({})", self.who.actor)
    }
}
