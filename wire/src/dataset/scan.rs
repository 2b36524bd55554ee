//! The door of the pass: bytes in, outline out.

use super::inflate::Inflater;
use super::outline::Outline;
use super::walk::Walk;
use crate::error::Error;
use crate::syntax::TransferSyntax;

/// Reads a data set chunk by chunk. Synchronous, without I/O; memory is that of the [`Outline`], which is bounded.
#[derive(Debug)]
pub struct Scanner {
    walk: Walk,
    inflater: Option<Inflater>,
    failed: Option<Error>,
}

impl Scanner {
    /// A scanner of a bare data set (no preamble, no file meta information) in `syntax`.
    #[must_use]
    pub fn new(syntax: &TransferSyntax) -> Self {
        let inflater = syntax.is_deflated().then(Inflater::default);
        Self { walk: Walk::new(syntax.encoding()), inflater, failed: None }
    }

    /// Tells how many bytes there are, so that a length beyond them is refused when it is read and not at the end. A
    /// deflated data set has its size only at its end; the hint is then not used.
    #[must_use]
    pub fn with_total_bytes(mut self, total_bytes: u64) -> Self {
        if self.inflater.is_none() {
            self.walk.limit_total(total_bytes);
        }
        self
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Invalid, naming the element and the rule, at the first byte that cannot be right. Every later call repeats it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Self { walk, inflater, failed } = self;
        let fed = match inflater {
            Some(inflater) => inflater.feed(bytes, |inflated| walk.feed(inflated)),
            None => walk.feed(bytes),
        };
        if let Err(error) = &fed {
            *failed = Some(error.clone());
        }
        fed
    }

    /// What is known so far. Complete for groups 0008 to 0010 once [`Outline::identified`] holds.
    #[must_use]
    pub fn outline(&self) -> &Outline {
        self.walk.outline()
    }

    /// Bytes of the data set seen so far, inflated if it is deflated: offsets of bulk values count in these.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.walk.position()
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// Invalid if the data set ends inside an element, item or sequence, or an earlier [`Scanner::feed`] failed.
    pub fn finish(mut self) -> Result<Outline, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(inflater) = &self.inflater {
            inflater.finish()?;
            if inflater.is_trailed() {
                self.walk.warn(|| "bytes follow the end of the deflated data set".to_owned());
            }
        }
        self.walk.finish()
    }
}
