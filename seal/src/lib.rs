//! The object format, wrapped keys, tokens and the messages of the key service. No I/O.
//!
//! | module | what it holds | clause |
//! |---|---|---|
//! | [`cobblestone`] | sealed objects, readable by range | C2SP chunked-encryption |
//! | [`context`] | what a sealed object is bound to | |
//! | [`padded`] | lengths that tell little | Padmé |
//! | [`wrap`] | patient keys, and data keys sealed under them | SP 800-38D |
//! | [`root`] | the root, the base and every key derived from it; the root's file | RFC 5869, RFC 9106 |
//! | [`vault`] | the small thing whose destruction erases | |
//! | [`split`] | a passphrase in shares | |
//! | [`blob`] | the key service's own secrets at rest | C2SP chunked-encryption |
//! | [`token`], [`digest`] | search tokens, commitments to content | RFC 2104, RFC 5869 |
//! | [`approval`] | what approvers sign with their own keys | RFC 8032, FIPS 186-5 |
//! | [`message`], [`frame`] | what goes over the socket | RFC 8949 |

pub mod approval;
pub mod blob;
pub mod cobblestone;
pub mod context;
pub mod digest;
pub mod disclosure;
mod error;
pub mod frame;
mod kdf;
pub mod message;
pub mod padded;
pub mod root;
pub mod split;
pub mod token;
pub mod vault;
pub mod wrap;

pub use error::{Error, Result};
