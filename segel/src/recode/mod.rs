//! Instances in another transfer syntax than they are kept in: every value is the one that was sent, only written otherwise.
//! Compressed pixels are decoded for it where decoding is exact: [`syntaxes`] says where, and the caller has asked it.
//! [`kept`] finds one frame and reads it for its decoder, [`value`] reads the bytes of one value.

mod error;
pub mod kept;
pub mod syntaxes;
pub mod value;

pub use error::Error;

use crate::dicomweb::attributes::Attributes;
use crate::dicomweb::bulk::{Bulk, PIXEL_DATA};
use crate::dicomweb::bulkdata::Found;
use crate::pixels::{PixelDescription, Pixels};
use archive::retrieve::Opened;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use futures_util::stream::{BoxStream, try_unfold};
use kept::Kept;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use wire::dataset::{Edit, Inflater, Recoder, Tag, VR};
use wire::syntax::{Encoding, TransferSyntax};

/// Bytes of the content that are looked at together.
const STEP_BYTES: u64 = 256 * 1024;
/// Before the first fragment's value: the element's header with its long length, and the item's (PS3.5 A.4).
const BEFORE_FRAGMENTS_BYTES: u64 = 12 + 8;
/// Behind the last fragment's value: the sequence delimiter.
const BEHIND_FRAGMENTS_BYTES: u64 = 8;
const PHOTOMETRIC_INTERPRETATION: Tag = Tag(0x0028, 0x0004);
const PLANAR_CONFIGURATION: Tag = Tag(0x0028, 0x0006);
const EXTENDED_OFFSET_TABLE: Tag = Tag(0x7FE0, 0x0001);
const EXTENDED_OFFSET_TABLE_LENGTHS: Tag = Tag(0x7FE0, 0x0002);
const PIXELS: Tag = Tag(0x7FE0, 0x0010);

/// The data set of an instance in `transfer_syntax_uid`, which is uncompressed. The first frame is decoded before it returns,
/// so that pixels that cannot be decoded are told by a status.
pub async fn instance(
    pixels: &Pixels,
    opened: Opened,
    transfer_syntax_uid: &str,
) -> Result<BoxStream<'static, Result<Vec<u8>, Error>>, Error> {
    let kept = opened.located().instance().map(|facts| TransferSyntax::of(&facts.transfer_syntax_uid));
    let (from, to) = (kept.ok_or(Error::Missing)?, TransferSyntax::of(transfer_syntax_uid));
    let dataset = opened.dataset_range().await?;
    let metadata = Arc::new(opened.metadata().await?);
    let mut recoding = Recoding {
        pixels: pixels.clone(),
        opened,
        metadata,
        steps: VecDeque::new(),
        recoder: Recoder::new(from.encoding(), to.encoding()),
        inflater: from.is_deflated().then(Inflater::default),
        deflater: to.is_deflated().then(|| DeflateEncoder::new(Vec::new(), Compression::default())),
        written: 0,
        turns: to.encoding() == Encoding::ExplicitBig,
    };
    let is_big = from.encoding() == Encoding::ExplicitBig || to.encoding() == Encoding::ExplicitBig;
    if is_big && Attributes(&recoding.metadata).count("00280100").is_some_and(|bits| bits > 16) {
        // PS3.5 turns words of 16 bits round, many programs whole samples: what is read would be anybody's guess.
        return Err(unwritable());
    }
    let is_pixels = |path: &str| path == PIXEL_DATA;
    let fragments = Found::all(&recoding.metadata)
        .into_iter()
        .filter_map(|(path, found)| match found.bulk {
            Bulk::Fragments(fragments) => Some((is_pixels(&path), fragments)),
            _ => None,
        })
        .collect::<Vec<_>>();
    match fragments.as_slice() {
        [] => recoding.steps.push_back(Step::Feed(dataset)),
        [(true, fragments)] => recoding.plan_pixels(&dataset, fragments).await?,
        _ => return Err(unwritable()),
    }
    recoding.steps.push_back(Step::Finish);
    Ok(Box::pin(try_unfold(recoding, |mut recoding| async move {
        Ok(recoding.next().await?.map(|bytes| (bytes, recoding)))
    })))
}

/// The instance is one that keeps its pixels where no other transfer syntax has a place for them.
fn unwritable() -> Error {
    Error::Unwritable("This instance can be had only in the transfer syntax it is kept in; ask for transfer-syntax=*.")
}

fn broken(error: &wire::Error) -> Error {
    archive::Error::Damaged(format!("a kept data set cannot be read: {error}")).into()
}

enum Step {
    /// Bytes of the content.
    Feed(Range<u64>),
    /// The header of native pixel data.
    Header { vr: VR, length: u32 },
    /// A frame that is at hand.
    Ready(Vec<u8>),
    /// A frame, from 0, of this many bytes.
    Frame { number: u32, bytes: usize },
    /// The byte that makes pixel data even.
    Pad,
    /// The end.
    Finish,
}

/// A data set that is being written anew.
struct Recoding {
    pixels: Pixels,
    opened: Opened,
    metadata: Arc<Value>,
    steps: VecDeque<Step>,
    recoder: Recoder,
    inflater: Option<Inflater>,
    deflater: Option<DeflateEncoder<Vec<u8>>>,
    written: u64,
    /// Whether words of pixels turn round.
    turns: bool,
}

impl Recoding {
    /// Puts native pixel data in the place of fragments.
    async fn plan_pixels(&mut self, dataset: &Range<u64>, fragments: &[(u64, u64)]) -> Result<(), Error> {
        let (Some((first, _)), Some((last, length))) = (fragments.first(), fragments.last()) else {
            return Err(unwritable());
        };
        let at = |offset: u64| dataset.start.saturating_add(offset).min(dataset.end);
        let begin = at(first.saturating_sub(BEFORE_FRAGMENTS_BYTES));
        let end = at(last.saturating_add(*length).saturating_add(BEHIND_FRAGMENTS_BYTES));
        let count = self.opened.frames(&self.metadata).await?.len();
        let before = Kept::of(&self.opened, &self.metadata, 0).await?.description;
        let native = kept::native(&self.pixels, &self.opened, &self.metadata, 0).await?;
        let bytes = native.bytes.len();
        // Frames of single bits begin inside a byte.
        if native.description.bits_allocated % 8 != 0 && count > 1 {
            return Err(unwritable());
        }
        let total = u64::try_from(bytes.saturating_mul(count)).unwrap_or(u64::MAX);
        let length = u32::try_from(total.saturating_add(total % 2)).ok().filter(|length| *length < u32::MAX - 1);
        // PS3.5 A.2: octets where there are no words.
        let vr = if native.description.bits_allocated > 8 { VR::OW } else { VR::OB };
        self.turns &= vr == VR::OW;
        let recoder =
            std::mem::replace(&mut self.recoder, Recoder::new(Encoding::ExplicitLittle, Encoding::ExplicitLittle));
        self.recoder = recoder.editing(edits(&before, &native.description));
        self.steps.push_back(Step::Feed(dataset.start..begin));
        self.steps.push_back(Step::Header { vr, length: length.ok_or_else(unwritable)? });
        self.steps.push_back(Step::Ready(native.bytes));
        for number in 1..u32::try_from(count).unwrap_or(u32::MAX) {
            self.steps.push_back(Step::Frame { number, bytes });
        }
        if total % 2 == 1 {
            self.steps.push_back(Step::Pad);
        }
        self.steps.push_back(Step::Feed(end..dataset.end));
        Ok(())
    }

    /// The next bytes.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while let Some(step) = self.steps.pop_front() {
            let is_last = matches!(step, Step::Finish);
            let mut out = Vec::new();
            self.step(step, &mut out).await?;
            let mut out = self.deflated(out, is_last)?;
            self.written = self.written.saturating_add(u64::try_from(out.len()).unwrap_or(u64::MAX));
            if is_last && self.deflater.is_some() && self.written % 2 == 1 {
                // PS3.5 A.5: one NUL makes the length even.
                out.push(0);
            }
            if !out.is_empty() {
                return Ok(Some(out));
            }
        }
        Ok(None)
    }

    async fn step(&mut self, step: Step, out: &mut Vec<u8>) -> Result<(), Error> {
        match step {
            Step::Feed(range) => self.feed(range, out).await,
            Step::Header { vr, length } => self.recoder.insert(PIXELS, vr, length, out).map_err(|error| broken(&error)),
            Step::Ready(frame) => {
                out.extend(self.turned(frame));
                Ok(())
            }
            Step::Frame { number, bytes } => {
                let frame = kept::native(&self.pixels, &self.opened, &self.metadata, number).await?.bytes;
                if frame.len() != bytes {
                    return Err(archive::Error::Damaged("frames of one image differ in size".to_owned()).into());
                }
                out.extend(self.turned(frame));
                Ok(())
            }
            Step::Pad => {
                out.push(0);
                Ok(())
            }
            Step::Finish => self.recoder.finish(out).map_err(|error| broken(&error)),
        }
    }

    async fn feed(&mut self, range: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        let middle = range.start.saturating_add(STEP_BYTES).min(range.end);
        if middle < range.end {
            self.steps.push_front(Step::Feed(middle..range.end));
        }
        let bytes = self.opened.read(range.start..middle).await?;
        if u64::try_from(bytes.len()).ok() != middle.checked_sub(range.start) {
            return Err(archive::Error::Damaged("a kept data set is shorter than it was".to_owned()).into());
        }
        let recoder = &mut self.recoder;
        let fed = match &mut self.inflater {
            Some(inflater) => inflater.feed(&bytes, |inflated| recoder.feed(inflated, out)),
            None => recoder.feed(&bytes, out),
        };
        fed.map_err(|error| broken(&error))
    }

    fn turned(&self, mut frame: Vec<u8>) -> Vec<u8> {
        if self.turns {
            frame.chunks_exact_mut(2).for_each(<[u8]>::reverse);
        }
        frame
    }

    fn deflated(&mut self, out: Vec<u8>, is_last: bool) -> Result<Vec<u8>, Error> {
        let Some(deflater) = &mut self.deflater else { return Ok(out) };
        let failed = |_| archive::Error::busy("The data set could not be deflated.");
        deflater.write_all(&out).map_err(failed)?;
        if is_last {
            deflater.try_finish().map_err(failed)?;
        }
        Ok(std::mem::take(deflater.get_mut()))
    }
}

/// What the data set says otherwise of decoded pixels: their colours and the order of their samples. Tables of offsets go
/// with the fragments.
fn edits(before: &PixelDescription, after: &PixelDescription) -> Vec<(Tag, Edit)> {
    let mut edits = vec![(EXTENDED_OFFSET_TABLE, Edit::Drop), (EXTENDED_OFFSET_TABLE_LENGTHS, Edit::Drop)];
    if before.photometric != after.photometric {
        let mut name = after.photometric.name().as_bytes().to_vec();
        if name.len() % 2 == 1 {
            name.push(b' ');
        }
        edits.push((PHOTOMETRIC_INTERPRETATION, Edit::Put(VR::CS, name)));
    }
    if after.samples > 1 {
        edits.push((PLANAR_CONFIGURATION, Edit::Put(VR::US, vec![u8::from(after.planar), 0])));
    }
    edits
}
