//! The root in a token or HSM (PKCS#11): an AES key that never leaves it.
//!
//! The token is asked at a start and at a rotation, never while records are released: what it opens is the key of the
//! vault's file. Calls into the vendor's library block, so they are made where blocking is allowed.

use super::settings::Pkcs11 as Settings;
use crate::error::{Error, Result};
use aws_lc_rs::rand;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use record::Outcome;
use seal::vault::file::RootId;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 12;
const TAG_BITS: u64 = 128;
/// Before what the caller seals for; never empty, because some tokens do not survive an empty one.
const PLACE_LABEL: &[u8] = b"segel/root-token@v1\x00";

/// A library may be begun once in a process, whoever asks for it.
static LIBRARIES: OnceLock<Mutex<HashMap<PathBuf, Pkcs11>>> = OnceLock::new();

/// A key of a token, and a session in which it may be used.
pub struct Token {
    id: RootId,
    session: Session,
    key: ObjectHandle,
}

impl Token {
    /// Finds the key of an id.
    ///
    /// # Errors
    /// Invalid if there is no such library, token or key; Refused for a wrong PIN.
    pub fn open(settings: &Settings, id: RootId) -> Result<Self> {
        let session = log_in(settings)?;
        let mut found = session.find_objects(&named(settings, id)).map_err(|e| failed("finding the key", &e))?;
        match (found.pop(), found.is_empty()) {
            (Some(key), true) => Ok(Self { id, session, key }),
            (Some(_), false) => Err(Error::damaged("the token has two keys of the root's id")),
            (None, _) => Err(Error::invalid(format!(
                "the token {} has no key {} of the id {}",
                settings.token,
                settings.key,
                hex::encode(id)
            ))),
        }
    }

    /// Makes a key in the token: it can be used there, and neither read nor taken out.
    ///
    /// # Errors
    /// Invalid if there is no such library or token, or it makes no AES keys.
    pub fn generate(settings: &Settings) -> Result<Self> {
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
        let session = log_in(settings)?;
        let mut template = named(settings, id);
        template.extend([
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(32.into()),
        ]);
        let key = session.generate_key(&Mechanism::AesKeyGen, &template).map_err(|e| failed("making a key", &e))?;
        Ok(Self { id, session, key })
    }

    /// The key's id.
    pub fn id(&self) -> RootId {
        self.id
    }

    /// Seals: nonce (12), ciphertext, tag (16), by AES-256-GCM in the token.
    ///
    /// # Errors
    /// Closed if the token does not answer.
    pub fn seal(&self, what: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).map_err(|_| Error::new(Outcome::Busy, "no randomness to be had"))?;
        let mut sealed = nonce.to_vec();
        let place = [PLACE_LABEL, what].concat();
        let mechanism = mechanism(&mut nonce, &place)?;
        sealed.extend(self.session.encrypt(&mechanism, self.key, plain).map_err(|e| failed("sealing", &e))?);
        Ok(sealed)
    }

    /// Opens.
    ///
    /// # Errors
    /// Refused for anything that this key did not seal for this.
    pub fn open_sealed(&self, what: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(Error::refused)?;
        let mut nonce = *nonce;
        let place = [PLACE_LABEL, what].concat();
        let mechanism = mechanism(&mut nonce, &place)?;
        let opened = self.session.decrypt(&mechanism, self.key, body);
        let opened = opened.map_err(|e| Error::new(Outcome::Refused, format!("the token opens it not: {e}")))?;
        Ok(Zeroizing::new(opened))
    }
}

fn mechanism<'m>(nonce: &'m mut [u8; NONCE_BYTES], place: &'m [u8]) -> Result<Mechanism<'m>> {
    let params = GcmParams::new(nonce, place, TAG_BITS.into()).map_err(|e| failed("AES-GCM", &e))?;
    Ok(Mechanism::AesGcm(params))
}

fn named(settings: &Settings, id: RootId) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(settings.key.clone().into_bytes()),
        Attribute::Id(id.to_vec()),
    ]
}

fn log_in(settings: &Settings) -> Result<Session> {
    let library = library(&settings.module)?;
    let slot = slot(&library, settings)?;
    let session = library.open_rw_session(slot).map_err(|e| failed("opening a session", &e))?;
    let pin = std::fs::read(&settings.pin_file).map_err(|e| Error::io(settings.pin_file.display(), &e))?;
    let pin = Zeroizing::new(pin);
    let pin = std::str::from_utf8(pin.trim_ascii()).map_err(|_| Error::invalid("the PIN's file is no text"))?;
    match session.login(UserType::User, Some(&AuthPin::from(pin.to_owned()))) {
        Ok(()) => Ok(session),
        // Another session of this process has done so already: that holds for all of them.
        Err(cryptoki::error::Error::Pkcs11(cryptoki::error::RvError::UserAlreadyLoggedIn, _)) => Ok(session),
        Err(error) => Err(Error::new(Outcome::Refused, format!("the token lets nobody in: {error}"))),
    }
}

fn library(module: &Path) -> Result<Pkcs11> {
    let mut libraries = LIBRARIES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = libraries.get(module) {
        return Ok(known.clone());
    }
    let library =
        Pkcs11::new(module).map_err(|e| Error::invalid(format!("{} is no PKCS#11 library: {e}", module.display())))?;
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(|e| failed("beginning", &e))?;
    libraries.insert(module.to_owned(), library.clone());
    Ok(library)
}

fn slot(library: &Pkcs11, settings: &Settings) -> Result<Slot> {
    for slot in library.get_slots_with_token().map_err(|e| failed("listing tokens", &e))? {
        let info = library.get_token_info(slot).map_err(|e| failed("looking at a token", &e))?;
        if info.label() == settings.token {
            return Ok(slot);
        }
    }
    Err(Error::invalid(format!("there is no token {} here", settings.token)))
}

fn failed(what: &str, error: &cryptoki::error::Error) -> Error {
    Error::new(Outcome::Closed, format!("the token ({what}): {error}"))
}
