//! Sealing one object version: fresh keys, content as it comes, then metadata and summary.

use crate::error::{Error, Result};
use crate::object::Extent;
use crate::segment::draft::Draft;
use aws_lc_rs::rand;
use record::ObjectId;
use seal::cobblestone::{self, Sealer};
use seal::context::{self, PartName};
use seal::message::{Context, DataKey};
use seal::padded;

/// Zeros for padding, so that no buffer of the padding's size is ever needed.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The two keys of one object version. They exist until the object is committed, and then only wrapped.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) summary: DataKey,
    pub(super) content: DataKey,
}

impl Keys {
    pub(super) fn random() -> Result<Self> {
        Ok(Self { summary: DataKey(random()?), content: DataKey(random()?) })
    }
}

/// A new object's id: random, so it tells nothing and needs no counter.
pub(super) fn object_id() -> Result<ObjectId> {
    Ok(ObjectId(random()?))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::busy("the system gives no random bytes"))?;
    Ok(bytes)
}

/// BLAKE3 of the bytes that are compared when an instance is sent again.
pub(super) struct Digest(Box<blake3::Hasher>);

impl Digest {
    pub(super) fn new() -> Self {
        Self(Box::default())
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// Seals content into a draft while it arrives; holds one chunk of it.
pub(super) struct ContentSealer {
    sealer: Sealer,
    start: u64,
    len: u64,
    sealed: Vec<u8>,
}

impl ContentSealer {
    pub(super) fn new(keys: &Keys, of: &Context, draft: &mut Draft) -> Result<Self> {
        let sealer = Sealer::new(&keys.content, &context::bytes(of, PartName::Content))?;
        let start = draft.position();
        draft.append(&sealer.header())?;
        Ok(Self { sealer, start, len: 0, sealed: Vec::new() })
    }

    pub(super) fn update(&mut self, plain: &[u8], draft: &mut Draft) -> Result<()> {
        self.len = self.len.saturating_add(plain.len() as u64);
        self.seal(plain, draft)
    }

    /// Adds padding and the true length, and ends the part.
    pub(super) fn finish(mut self, draft: &mut Draft) -> Result<Extent> {
        if self.len > padded::LEN_MAX {
            return Err(Error::Invalid("the object is too long".to_owned()));
        }
        let trailer = padded::trailer(self.len);
        let mut zeros = padded::padding_for(self.len).saturating_sub(trailer.len() as u64);
        while zeros > 0 {
            let step = zeros.min(ZEROS.len() as u64);
            self.seal(ZEROS.get(..usize::try_from(step).unwrap_or(ZEROS.len())).unwrap_or(&ZEROS), draft)?;
            zeros -= step;
        }
        self.seal(&trailer, draft)?;
        self.sealed.clear();
        let Self { sealer, start, mut sealed, .. } = self;
        sealer.finish(&mut sealed)?;
        draft.append(&sealed)?;
        Ok(draft.since(start))
    }

    fn seal(&mut self, plain: &[u8], draft: &mut Draft) -> Result<()> {
        self.sealed.clear();
        self.sealer.update(plain, &mut self.sealed)?;
        if !self.sealed.is_empty() {
            draft.append(&self.sealed)?;
        }
        Ok(())
    }
}

/// Seals a whole small part into a draft.
pub(super) fn part(
    key: &DataKey,
    of: &Context,
    name: PartName,
    mut plain: Vec<u8>,
    draft: &mut Draft,
) -> Result<Extent> {
    padded::pad(&mut plain);
    let sealed = cobblestone::seal(key, &context::bytes(of, name), &plain)?;
    draft.append_part(&sealed)
}
