//! What somebody shows to sign in, looked at before the writer's turn: signatures cost time, and change nothing.

use super::nonce::{self, Once};
use super::state::{Entry, Invitation, code_hash};
use super::{Flaw, Issuer, OidcIssuer, system, text};
use crate::authenticate::dpop::{self, Shown};
use crate::authenticate::jose::PublicKey;
use crate::authenticate::webauthn::{self, Registered};
use crate::bearer::Claims;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::register::Register;
use crate::store::credentials::Row;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::limits::REASON_BYTES_MAX;
use record::{Micros, Purpose};
use seal::message::{Assertion, Challenge, Credential, KeyProof, OutsideIssuer, SignIn, SignInAnswer, Ways};

/// Bytes of a scope: a token repeats it, and goes along with every request.
const SCOPE_BYTES_MAX: usize = 512;

/// What came of looking.
#[derive(Debug)]
pub enum Looked {
    /// Answered: nothing changes.
    Answer(SignInAnswer),
    /// To be carried out, or refused and written down.
    Attempt(Attempt),
}

/// An attempt to sign in, renew or end a session.
#[derive(Debug)]
pub struct Attempt {
    /// What was asked.
    pub kind: &'static str,
    /// What was proved, or why nothing was.
    pub proven: std::result::Result<Proven, Flaw>,
}

/// What was proved by signatures. The register and what may be used once are looked at in the writer's turn.
#[derive(Debug)]
pub enum Proven {
    /// A passkey signed.
    Passkey {
        /// The passkey's entry.
        row: Row,
        /// Its new count.
        count: u32,
        /// What for.
        purpose: Purpose,
        /// The key to bind to.
        proof: Shown,
        /// The challenge.
        once: Once,
    },
    /// A new passkey.
    Enrol {
        /// Its invitation's code, hashed.
        code: [u8; 32],
        /// The passkey.
        passkey: Registered,
        /// What for.
        purpose: Purpose,
        /// The key to bind to.
        proof: Shown,
        /// The challenge.
        once: Once,
    },
    /// An outside issuer vouches.
    Outside {
        /// For this name in the register.
        name: String,
        /// What for.
        purpose: Purpose,
        /// The key to bind to.
        proof: Shown,
        /// The nonce.
        once: Once,
    },
    /// A system signed.
    Client {
        /// Which.
        actor: String,
        /// By this key.
        key: PublicKey,
        /// The key to bind to, if any.
        proof: Option<Shown>,
        /// What for.
        purpose: Purpose,
        /// As it was asked for.
        scope: Option<String>,
        /// The assertion.
        once: Once,
    },
    /// A device's key signed.
    Device {
        /// What for.
        purpose: Purpose,
        /// By this key.
        proof: Shown,
        /// The nonce.
        once: Once,
    },
    /// A new device's key.
    EnrolDevice {
        /// Its invitation's code, hashed.
        code: [u8; 32],
        /// What for.
        purpose: Purpose,
        /// The key.
        proof: Shown,
        /// The nonce.
        once: Once,
    },
    /// A session shall go on.
    Renew(Box<Claims>, Shown),
    /// A session shall end.
    Revoke(Box<Claims>, Shown),
}

/// What everything is looked at by.
pub struct Look<'a> {
    keys: &'a Keys,
    /// This service's name as an issuer.
    name: &'a str,
    register: &'a Register,
    now: Micros,
}

type Seen<T> = std::result::Result<T, Flaw>;

impl Issuer {
    /// Looks at what somebody shows.
    ///
    /// # Errors
    /// Invalid for a name that cannot be, Busy without randomness.
    pub fn look(&self, keys: &Keys, name: &str, register: &Register, asked: &SignIn, now: Micros) -> Result<Looked> {
        let look = Look { keys, name, register, now };
        let proven = match asked {
            SignIn::Ways => return Ok(Looked::Answer(SignInAnswer::Ways(self.ways()))),
            SignIn::Begin { name, thumbprint } => {
                return self.begin(&look, name.as_deref(), thumbprint).map(Looked::Answer);
            }
            SignIn::OidcBegin { issuer, thumbprint } => match self.outside.named(issuer) {
                Some(_) => {
                    let purpose = nonce::Purpose::Outside;
                    let given = nonce::give(&keys.sign_in, purpose, thumbprint, issuer.as_bytes(), now)?;
                    return Ok(Looked::Answer(SignInAnswer::Nonce(text(&given))));
                }
                None => Err(Flaw::IdToken),
            },
            SignIn::DeviceBegin { thumbprint } => {
                let given = nonce::give(&keys.sign_in, nonce::Purpose::Device, thumbprint, &[], now)?;
                return Ok(Looked::Answer(SignInAnswer::Nonce(text(&given))));
            }
            SignIn::BeginEnrol { invitation, thumbprint } => match self.invited(invitation, now) {
                Ok(invited) => {
                    return self.begin_enrol(&look, invitation, &invited, thumbprint).map(Looked::Answer);
                }
                Err(flaw) => Err(flaw),
            },
            shown => self.prove(&look, shown),
        };
        Ok(Looked::Attempt(Attempt { kind: asked.kind(), proven }))
    }

    fn ways(&self) -> Ways {
        let issuer = |issuer: &OidcIssuer| OutsideIssuer {
            name: issuer.name.clone(),
            issuer: issuer.issuer.clone(),
            client_id: issuer.client_id.clone(),
        };
        Ways {
            rp_id: self.site.rp_id.clone(),
            origins: self.site.origins.clone(),
            issuers: self.settings.issuers.iter().map(issuer).collect(),
        }
    }

    /// A challenge to sign in. For a name that nobody has, or that has no passkey, one is made up that is always the same.
    fn begin(&self, look: &Look<'_>, name: Option<&str>, thumbprint: &[u8; 32]) -> Result<SignInAnswer> {
        if name.is_some_and(|name| name.len() > REASON_BYTES_MAX) {
            return Err(Error::invalid("a name has at most 1,024 bytes"));
        }
        let mut credentials = Vec::new();
        if let Some(name) = name {
            let actor = look.register.actor_of(name);
            credentials = actor.map(|actor| self.credentials(actor)).unwrap_or_default();
            if credentials.is_empty() {
                let made_up = |n: u8| {
                    let about = [b"made up\0".as_slice(), &[n], name.trim().as_bytes()].concat();
                    aws_lc_rs::hmac::sign(&look.keys.sign_in, &about).as_ref().to_vec()
                };
                // Some people have two.
                let count = 1 + made_up(0).first().copied().unwrap_or_default() % 2;
                credentials.extend((1..=count).map(|n| Credential(made_up(n))));
            }
        }
        let challenge = nonce::give(&look.keys.sign_in, nonce::Purpose::Passkey, thumbprint, &[], look.now)?;
        let rp_id = self.site.rp_id.clone();
        Ok(SignInAnswer::Challenge(Challenge { challenge, rp_id, credentials, user_handle: None, name: None }))
    }

    fn credentials(&self, actor: &str) -> Vec<Credential> {
        let passkey = |(_, entry)| match entry {
            Entry::Passkey(one) => Some(Credential(one.credential)),
            _ => None,
        };
        self.state.of(actor).into_iter().filter_map(passkey).collect()
    }

    fn begin_enrol(
        &self,
        look: &Look<'_>,
        code: &str,
        invited: &Invitation,
        thumbprint: &[u8; 32],
    ) -> Result<SignInAnswer> {
        let purpose = nonce::Purpose::Enrol;
        let challenge = nonce::give(&look.keys.sign_in, purpose, thumbprint, &code_hash(code), look.now)?;
        let name = look.register.people.get(&invited.actor).map(|person| person.name.clone());
        Ok(SignInAnswer::Challenge(Challenge {
            challenge,
            rp_id: self.site.rp_id.clone(),
            credentials: self.credentials(&invited.actor),
            user_handle: Some(invited.actor.clone().into_bytes()),
            name,
        }))
    }

    fn invited(&self, code: &str, now: Micros) -> Seen<Invitation> {
        let found = self.state.invitation(code).map(|(_, invitation)| invitation);
        found.filter(|invitation| now < invitation.ends).ok_or(Flaw::Invitation)
    }

    fn prove(&self, look: &Look<'_>, asked: &SignIn) -> Seen<Proven> {
        match asked {
            SignIn::Finish { assertion, proof, purpose } => self.finish(look, assertion, proof, *purpose),
            SignIn::Enrol { invitation, client_data_json, attestation_object, proof, purpose } => {
                let proof = self.shown(look, proof, None)?;
                let invited = self.invited(invitation, look.now)?;
                if invited.thumbprint.is_some() {
                    // It is for one device's key.
                    return Err(Flaw::Invitation);
                }
                let code = code_hash(invitation);
                let challenge = webauthn::challenge(client_data_json).ok_or(webauthn::Flaw::Form)?;
                let given = nonce::Purpose::Enrol;
                let once = nonce::take(&look.keys.sign_in, given, &proof.thumbprint, &code, &challenge, look.now)?;
                let passkey = webauthn::register(&self.site, &challenge, client_data_json, attestation_object)?;
                Ok(Proven::Enrol { code, passkey, purpose: *purpose, proof, once })
            }
            SignIn::Oidc { issuer, id_token, proof, purpose } => {
                let proof = self.shown(look, proof, None)?;
                let key = &look.keys.sign_in;
                let (name, once) = self.outside.verify(key, issuer, id_token, &proof.thumbprint, look.now)?;
                Ok(Proven::Outside { name, purpose: *purpose, proof, once })
            }
            SignIn::Client { assertion, audience, proof, purpose, scope } => {
                if !self.is_ours(audience) {
                    return Err(Flaw::Origin);
                }
                let proof = proof.as_ref().map(|proof| self.shown(look, proof, None)).transpose()?;
                let (actor, key, once) = system::verify(look.register, &self.state, assertion, audience, look.now)?;
                if scope.as_ref().is_some_and(|scope| scope.len() > SCOPE_BYTES_MAX) {
                    return Err(Flaw::Assertion);
                }
                Ok(Proven::Client { actor, key, proof, purpose: *purpose, scope: scope.clone(), once })
            }
            SignIn::Device { proof, purpose } => {
                let (proof, once) = self.by_device(look, proof)?;
                self.state.device(&proof.thumbprint).ok_or(Flaw::UnknownKey)?;
                Ok(Proven::Device { purpose: *purpose, proof, once })
            }
            SignIn::EnrolDevice { invitation, proof, purpose } => {
                let (proof, once) = self.by_device(look, proof)?;
                let invited = self.invited(invitation, look.now)?;
                if invited.thumbprint.is_some_and(|only| only != proof.thumbprint) {
                    return Err(Flaw::Invitation);
                }
                Ok(Proven::EnrolDevice { code: code_hash(invitation), purpose: *purpose, proof, once })
            }
            SignIn::Renew { token, proof } => {
                let (claims, shown) = self.of_session(look, token, proof)?;
                Ok(Proven::Renew(claims, shown))
            }
            SignIn::Revoke { token, proof } => {
                let (claims, shown) = self.of_session(look, token, proof)?;
                Ok(Proven::Revoke(claims, shown))
            }
            // Answered before.
            _ => Err(Flaw::Stale),
        }
    }

    fn finish(&self, look: &Look<'_>, answer: &Assertion, proof: &KeyProof, purpose: Purpose) -> Seen<Proven> {
        let proof = self.shown(look, proof, None)?;
        let challenge = webauthn::challenge(&answer.client_data_json).ok_or(webauthn::Flaw::Form)?;
        let given = nonce::Purpose::Passkey;
        let once = nonce::take(&look.keys.sign_in, given, &proof.thumbprint, &[], &challenge, look.now)?;
        let (row, passkey) = self.state.passkey(&answer.credential).ok_or(Flaw::UnknownKey)?;
        // 7.2 step 6: an authenticator that says whose it is must say the same.
        if answer.user_handle.as_ref().is_some_and(|handle| handle != passkey.actor.as_bytes()) {
            return Err(Flaw::UnknownKey);
        }
        let count = webauthn::assert(&self.site, &challenge, &passkey.key, passkey.count, answer)?;
        Ok(Proven::Passkey { row, count, purpose, proof, once })
    }

    fn shown(&self, look: &Look<'_>, proof: &KeyProof, token: Option<&str>) -> Seen<Shown> {
        if !self.is_ours(&proof.uri) {
            return Err(Flaw::Origin);
        }
        Ok(dpop::verify(&proof.jwt, &proof.method, &proof.uri, token, look.now)?)
    }

    fn by_device(&self, look: &Look<'_>, proof: &KeyProof) -> Seen<(Shown, Once)> {
        let proof = self.shown(look, proof, None)?;
        let given = proof.nonce.as_ref().and_then(|nonce| URL_SAFE_NO_PAD.decode(nonce).ok()).ok_or(Flaw::Stale)?;
        let once = nonce::take(&look.keys.sign_in, nonce::Purpose::Device, &proof.thumbprint, &[], &given, look.now)?;
        Ok((proof, once))
    }

    /// A token of a session, whose time may be over, with a proof of its key.
    fn of_session(&self, look: &Look<'_>, token: &str, proof: &KeyProof) -> Seen<(Box<Claims>, Shown)> {
        let claims = look.keys.bearer.check(look.name, token).map_err(|_| Flaw::Session)?;
        let shown = self.shown(look, proof, Some(token))?;
        let bound = claims.cnf.as_ref().ok_or(Flaw::Session)?;
        if bound.jkt != text(&shown.thumbprint) {
            return Err(Flaw::CrossBound);
        }
        Ok((Box::new(claims), shown))
    }
}
