//! Why an instance, or a frame of it, was not written anew.

use crate::http::Problem;
use crate::pixels;

/// Why an instance, or a frame of it, was not written anew. Its text names no patient data.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// Its pixels cannot be decoded.
    #[error(transparent)]
    Pixels(#[from] pixels::error::Error),
    /// There is no such instance or frame.
    #[error("there is no such instance or frame")]
    Missing,
    /// It is one that has no other form than the one it is kept in.
    #[error("{0}")]
    Unwritable(&'static str),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Archive(error) => error.into(),
            Error::Pixels(error) => error.into(),
            Error::Missing => Self::not_found(),
            // 406: none of the acceptable representations can be made (PS3.18 8.7.8).
            Error::Unwritable(text) => Self::not_acceptable(text),
        }
    }
}
