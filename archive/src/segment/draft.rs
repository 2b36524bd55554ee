//! Where sealed bytes go while a frame arrives.

use crate::error::Result;
use crate::object::Extent;

/// The sealed parts of one frame to be. Dropping it leaves nothing behind. Writing may block for the disk.
pub struct Draft {}

impl Draft {
    /// Where the next byte goes, counted from the start of the frame.
    #[must_use]
    pub fn position(&self) -> u64 {
        todo!()
    }
    /// Adds sealed bytes to the part that is being written.
    pub fn append(&mut self, _sealed: &[u8]) -> Result<()> {
        todo!()
    }
    /// The part that began at `start` and ends here.
    #[must_use]
    pub fn since(&self, _start: u64) -> Extent {
        todo!()
    }
    /// Adds a whole sealed part.
    pub fn append_part(&mut self, sealed: &[u8]) -> Result<Extent> {
        let start = self.position();
        self.append(sealed)?;
        Ok(self.since(start))
    }
}
