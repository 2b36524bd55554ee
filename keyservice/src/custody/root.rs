//! Who keeps the root: a file under a passphrase, or a token that never gives it out.

use super::{Passphrase, Settings};
use crate::error::{Error, Result};
use record::Outcome;
use seal::root::{Base, Root, file};
use seal::vault::file::RootId;
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

use super::token::Token;

/// The file that says which root is in force: the sealed root itself, or which key of the token it is. Replacing this one file is
/// the moment at which another root is in force.
pub const FILE_NAME: &str = "root.key";

/// A file of this kind names a token's key by its id.
const TOKEN_MAGIC: &[u8; 16] = b"segel-root-hsm\x00\x01";

/// Whoever seals and opens with the root.
pub enum Custodian {
    /// This process, for the moments in which it has the root.
    File(Root),
    /// A token (PKCS#11).
    Token(Token),
}

impl Custodian {
    /// Opens the root of a folder.
    ///
    /// # Errors
    /// Refused for a wrong passphrase, Invalid if there is no root or no such token.
    pub fn open_folder(folder: &Path, passphrase: &Passphrase, settings: &Settings) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let bytes = fs::read(&path).map_err(|e| Error::io(path.display(), &e))?;
        if let Some(id) = bytes.strip_prefix(TOKEN_MAGIC.as_slice()) {
            let id = id.try_into().map_err(|_| Error::invalid(format!("{} is cut short", path.display())))?;
            let pkcs11 = settings.pkcs11.as_ref().ok_or_else(|| {
                Error::invalid("the root is in a token: the settings must say which, under [root.pkcs11]")
            })?;
            return Ok(Self::Token(Token::open(pkcs11, id)?));
        }
        let root = file::open(&bytes, passphrase);
        root.map(Self::File).map_err(|e| Error::new(e.outcome(), format!("{}: {e}", path.display())))
    }

    /// What it is called in the files that it opens.
    ///
    /// # Errors
    /// None in practice.
    pub fn id(&self) -> Result<RootId> {
        match self {
            Self::File(root) => Ok(root.id()?),
            Self::Token(token) => Ok(token.id()),
        }
    }

    /// Seals a key.
    ///
    /// # Errors
    /// Busy or Closed if the token does not answer.
    pub fn seal(&self, what: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::File(root) => Ok(root.seal(what, plain)?),
            Self::Token(token) => token.seal(what, plain),
        }
    }

    /// Opens a key.
    ///
    /// # Errors
    /// Refused for anything that this root did not seal.
    pub fn open(&self, what: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::File(root) => Ok(root.open(what, sealed)?),
            Self::Token(token) => token.open_sealed(what, sealed),
        }
    }

    /// The base of a state that was begun when the root was both; a token never was.
    ///
    /// # Errors
    /// Damaged for a token.
    pub fn as_base(&self) -> Result<Base> {
        match self {
            Self::File(root) => Ok(root.as_base()),
            Self::Token(_) => Err(Error::new(Outcome::Damaged, "the vault's file is missing")),
        }
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// Invalid for an empty or very long passphrase.
    pub fn file(&self, passphrase: &Passphrase) -> Result<Vec<u8>> {
        match self {
            Self::File(root) => Ok(file::seal(root, passphrase)?),
            Self::Token(token) => Ok([TOKEN_MAGIC.as_slice(), &token.id()].concat()),
        }
    }

    /// The passphrase's root that replaces this one.
    ///
    /// # Errors
    /// Busy if there is no randomness to be had.
    pub fn successor(&self) -> Result<Root> {
        match self {
            Self::File(root) => Ok(root.successor()?),
            Self::Token(_) => Ok(Root::generate()?),
        }
    }
}
