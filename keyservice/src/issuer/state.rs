//! Keys, sessions and invitations: in the state's file, and in memory for those who only look.
//!
//! What changes inside a request's savepoint is seen at once: a key or session that is not committed yet has not been answered
//! for, and one that is gone must not serve a moment longer. What is rolled back is read again.

use crate::authenticate::jose::{PublicKey, sha256};
use crate::error::Result;
use crate::keys::Keys;
use crate::store::credentials::{self as stored, Row};
use minicbor::{Decode, Encode};
use record::limits::SESSIONS_PER_PERSON_MAX;
use record::{Micros, Purpose};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A person's passkey.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Passkey {
    /// Whose.
    #[n(0)]
    pub actor: String,
    /// WebAuthn credential id.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub credential: Vec<u8>,
    /// Its public key.
    #[n(2)]
    pub key: PublicKey,
    /// Its last count.
    #[n(3)]
    pub count: u32,
    /// Since when.
    #[n(4)]
    pub since: Micros,
}

impl Passkey {
    /// Its id here: its credential id may be long, and belongs to the authenticator.
    #[must_use]
    pub fn id(&self) -> String {
        super::text(&sha256(&self.credential))
    }
}

/// The key of a person's or system's device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DeviceKey {
    /// Whose.
    #[n(0)]
    pub actor: String,
    /// The key.
    #[n(1)]
    pub key: PublicKey,
    /// Since when.
    #[n(2)]
    pub since: Micros,
}

/// A key by which a system signs its assertions.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SystemKey {
    /// Whose.
    #[n(0)]
    pub actor: String,
    /// Its id in the system's set.
    #[n(1)]
    pub kid: Option<String>,
    /// The key.
    #[n(2)]
    pub key: PublicKey,
    /// Since when.
    #[n(3)]
    pub since: Micros,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Session {
    /// Whose.
    #[n(0)]
    pub actor: String,
    /// The id of the passkey or device's key that it began with; for an outside issuer, of the key that it is bound to.
    #[n(1)]
    pub device: String,
    /// The key that its tokens are bound to.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub thumbprint: [u8; 32],
    /// What for.
    #[n(3)]
    pub purpose: Purpose,
    /// Since when.
    #[n(4)]
    pub since: Micros,
    /// Until when at most.
    #[n(5)]
    pub ends: Micros,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Invitation {
    /// Whose.
    #[n(0)]
    pub actor: String,
    /// SHA-256 of its code.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub code: [u8; 32],
    /// Until when.
    #[n(2)]
    pub ends: Micros,
    /// The only key that it may enrol.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub thumbprint: Option<[u8; 32]>,
}

/// One of them, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// A passkey.
    #[n(0)]
    Passkey(#[n(0)] Passkey),
    /// A device's key.
    #[n(1)]
    Device(#[n(0)] DeviceKey),
    /// A system's key.
    #[n(2)]
    System(#[n(0)] SystemKey),
    /// A session.
    #[n(3)]
    Session(#[n(0)] Session),
    /// An invitation.
    #[n(4)]
    Invitation(#[n(0)] Invitation),
}

impl Entry {
    fn actor(&self) -> &str {
        match self {
            Self::Passkey(one) => &one.actor,
            Self::Device(one) => &one.actor,
            Self::System(one) => &one.actor,
            Self::Session(one) => &one.actor,
            Self::Invitation(one) => &one.actor,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct State {
    tables: RwLock<Tables>,
    is_changed: AtomicBool,
}

#[derive(Debug, Default)]
struct Tables {
    entries: HashMap<Row, Entry>,
    passkeys: HashMap<Vec<u8>, Row>,
    devices: HashMap<[u8; 32], Row>,
    invitations: HashMap<[u8; 32], Row>,
    by_actor: HashMap<String, Vec<Row>>,
}

impl Tables {
    fn insert(&mut self, row: Row, entry: Entry) {
        self.remove(&row);
        match &entry {
            Entry::Passkey(one) => _ = self.passkeys.insert(one.credential.clone(), row),
            Entry::Device(one) => _ = self.devices.insert(one.key.thumbprint(), row),
            Entry::Invitation(one) => _ = self.invitations.insert(one.code, row),
            Entry::System(_) | Entry::Session(_) => {}
        }
        self.by_actor.entry(entry.actor().to_owned()).or_default().push(row);
        self.entries.insert(row, entry);
    }

    fn remove(&mut self, row: &Row) {
        let Some(entry) = self.entries.remove(row) else { return };
        match &entry {
            Entry::Passkey(one) => _ = self.passkeys.remove(&one.credential),
            Entry::Device(one) => _ = self.devices.remove(&one.key.thumbprint()),
            Entry::Invitation(one) => _ = self.invitations.remove(&one.code),
            Entry::System(_) | Entry::Session(_) => {}
        }
        if let Some(rows) = self.by_actor.get_mut(entry.actor()) {
            rows.retain(|other| other != row);
            if rows.is_empty() {
                self.by_actor.remove(entry.actor());
            }
        }
    }
}

impl State {
    /// As it was committed.
    ///
    /// # Errors
    /// Damaged for an entry that does not open.
    pub fn load(db: &Connection, keys: &Keys) -> Result<Self> {
        let state = Self::default();
        state.reload(db, keys)?;
        Ok(state)
    }

    /// Reads everything again: something of it was rolled back.
    ///
    /// # Errors
    /// Damaged for an entry that does not open.
    pub fn reload(&self, db: &Connection, keys: &Keys) -> Result<()> {
        let mut tables = Tables::default();
        for (row, entry) in stored::load(db, keys)? {
            tables.insert(row, entry);
        }
        *self.write() = tables;
        self.keep();
        Ok(())
    }

    /// Reads everything again if something was changed since it was last kept.
    ///
    /// # Errors
    /// As [`Self::reload`].
    pub fn undo(&self, db: &Connection, keys: &Keys) -> Result<()> {
        if self.is_changed.load(Ordering::Acquire) { self.reload(db, keys) } else { Ok(()) }
    }

    /// What was changed stays.
    pub fn keep(&self) {
        self.is_changed.store(false, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, row: &Row) -> Option<Entry> {
        self.read().entries.get(row).cloned()
    }

    /// The passkey of a credential id.
    #[must_use]
    pub fn passkey(&self, credential: &[u8]) -> Option<(Row, Passkey)> {
        let tables = self.read();
        let row = tables.passkeys.get(credential)?;
        match tables.entries.get(row) {
            Some(Entry::Passkey(one)) => Some((*row, one.clone())),
            _ => None,
        }
    }

    /// The device's key of a thumbprint.
    #[must_use]
    pub fn device(&self, thumbprint: &[u8; 32]) -> Option<(Row, DeviceKey)> {
        let tables = self.read();
        let row = tables.devices.get(thumbprint)?;
        match tables.entries.get(row) {
            Some(Entry::Device(one)) => Some((*row, one.clone())),
            _ => None,
        }
    }

    /// The passkey of a row.
    #[must_use]
    pub fn passkey_of(&self, row: &Row) -> Option<Passkey> {
        match self.entry(row) {
            Some(Entry::Passkey(one)) => Some(one),
            _ => None,
        }
    }

    /// The invitation of a code.
    #[must_use]
    pub fn invitation(&self, code: &str) -> Option<(Row, Invitation)> {
        self.invitation_of(&code_hash(code))
    }

    /// The invitation of a code's hash.
    #[must_use]
    pub fn invitation_of(&self, hash: &[u8; 32]) -> Option<(Row, Invitation)> {
        let tables = self.read();
        let row = tables.invitations.get(hash)?;
        match tables.entries.get(row) {
            Some(Entry::Invitation(one)) => Some((*row, one.clone())),
            _ => None,
        }
    }

    /// A session by the id that its tokens state.
    #[must_use]
    pub fn session(&self, sid: &str) -> Option<(Row, Session)> {
        let mut row = [0; 16];
        hex::decode_to_slice(sid, &mut row).ok()?;
        match self.entry(&row) {
            Some(Entry::Session(one)) => Some((row, one)),
            _ => None,
        }
    }

    /// Everything of somebody.
    #[must_use]
    pub fn of(&self, actor: &str) -> Vec<(Row, Entry)> {
        let tables = self.read();
        let rows = tables.by_actor.get(actor).map(Vec::as_slice).unwrap_or_default();
        rows.iter().filter_map(|row| Some((*row, tables.entries.get(row)?.clone()))).collect()
    }

    /// Keys by which a system signs.
    #[must_use]
    pub fn system_keys(&self, actor: &str) -> Vec<SystemKey> {
        let system = |(_, entry)| match entry {
            Entry::System(one) => Some(one),
            _ => None,
        };
        self.of(actor).into_iter().filter_map(system).collect()
    }

    /// Adds an entry, or replaces the one of its row.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn put(&self, db: &Connection, keys: &Keys, row: Row, entry: Entry) -> Result<()> {
        self.is_changed.store(true, Ordering::Release);
        stored::put(db, keys, &row, &entry)?;
        self.write().insert(row, entry);
        Ok(())
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn remove(&self, db: &Connection, row: &Row) -> Result<()> {
        self.is_changed.store(true, Ordering::Release);
        stored::remove(db, row)?;
        self.write().remove(row);
        Ok(())
    }

    /// Removes everything of somebody.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn forget(&self, db: &Connection, actor: &str) -> Result<()> {
        self.of(actor).into_iter().try_for_each(|(row, _)| self.remove(db, &row))
    }

    /// Begins a session: its owner's sessions that are over leave, and the oldest as well if there are too many.
    ///
    /// # Errors
    /// Busy or Damaged if the disk fails.
    pub fn begin(&self, db: &Connection, keys: &Keys, session: Session, now: Micros) -> Result<Row> {
        let mut others: Vec<(Micros, Row)> = Vec::new();
        for (row, entry) in self.of(&session.actor) {
            match entry {
                Entry::Session(one) if one.ends <= now => self.remove(db, &row)?,
                Entry::Session(one) => others.push((one.since, row)),
                Entry::Invitation(one) if one.ends <= now => self.remove(db, &row)?,
                _ => {}
            }
        }
        others.sort_unstable();
        let too_many = (others.len() + 1).saturating_sub(SESSIONS_PER_PERSON_MAX);
        for (_, row) in others.iter().take(too_many) {
            self.remove(db, row)?;
        }
        let row = stored::new_row()?;
        self.put(db, keys, row, Entry::Session(session))?;
        Ok(row)
    }
}

/// What is kept of an invitation's code: spaces, hyphens and capitals do not count, as people type.
#[must_use]
pub fn code_hash(code: &str) -> [u8; 32] {
    let typed: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    sha256(typed.as_bytes())
}
