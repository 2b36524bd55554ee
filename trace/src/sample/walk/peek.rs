//! The beginning of a piece, looked at before it is read.

use crate::sample::limits::HEAD_BYTES;
use std::io::{Error, Read, Result};

/// A reader whose beginning is known. What it begins with is read again.
pub(crate) struct Peeked<'a> {
    input: &'a mut dyn Read,
    head: Vec<u8>,
    at: usize,
    ended: bool,
    error: Option<Error>,
}

impl<'a> Peeked<'a> {
    pub fn new(input: &'a mut dyn Read) -> Self {
        let mut head = vec![0; HEAD_BYTES];
        let (mut filled, mut ended, mut error) = (0, false, None);
        while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
            match input.read(room) {
                Ok(0) => {
                    ended = true;
                    break;
                }
                Ok(count) => filled += count,
                Err(failure) if failure.kind() == std::io::ErrorKind::Interrupted => {}
                Err(failure) => {
                    error = Some(failure);
                    break;
                }
            }
        }
        head.truncate(filled);
        Self { input, head, at: 0, ended, error }
    }

    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether the head is all of it.
    pub fn is_ended(&self) -> bool {
        self.ended
    }
}

impl Read for Peeked<'_> {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let mut left = self.head.get(self.at..).unwrap_or_default();
        if !left.is_empty() {
            let count = left.read(room)?;
            self.at += count;
            return Ok(count);
        }
        if let Some(error) = self.error.take() {
            // A second look finds the end.
            self.ended = true;
            return Err(error);
        }
        if self.ended { Ok(0) } else { self.input.read(room) }
    }
}
