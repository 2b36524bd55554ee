//! Where the doors hand frames in.

use super::description::{Photometric, PixelDescription};
use super::error::Error;
use super::pool::{Errand, Pool, Times};
use super::view::{Picture, View};
use super::work::{Encoded, Native};
use super::worker::message::{Answer, Job, Task};
use record::limits::{PIXEL_WAITING_MAX, PIXELS_IN_FLIGHT_BYTES_MAX};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot};

const KIB: u64 = 1024;

/// Decodes and draws frames in workers. Clones share them. Nothing is started before the first frame comes.
#[derive(Clone)]
pub struct Pixels {
    pool: Arc<Pool>,
    waiting: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    in_flight_kib: Arc<Semaphore>,
    patience: Duration,
}

/// The right to have one frame decoded. Who holds one may read the frame: those who wait hold no plaintext.
pub struct Turn {
    pixels: Pixels,
    _place: OwnedSemaphorePermit,
    memory: Option<OwnedSemaphorePermit>,
}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pixels({} turns free)", self.turns.available_permits())
    }
}

impl Default for Pixels {
    fn default() -> Self {
        Self::with(Times::default())
    }
}

impl Pixels {
    fn with(times: Times) -> Self {
        let pool = Pool::new(times);
        // One frame is read while another is decoded.
        let turns = pool.size() * 2;
        Self {
            pool: Arc::new(pool),
            waiting: Arc::new(Semaphore::new(PIXEL_WAITING_MAX)),
            turns: Arc::new(Semaphore::new(turns)),
            in_flight_kib: Arc::new(Semaphore::new(usize::try_from(PIXELS_IN_FLIGHT_BYTES_MAX / KIB).unwrap_or(0))),
            patience: times.turn,
        }
    }
}

impl Pixels {
    /// Waits for a turn.
    pub async fn turn(&self) -> Result<Turn, Error> {
        let _waiting = self.waiting.try_acquire().map_err(|_| Error::busy())?;
        let place = self.in_time(Arc::clone(&self.turns).acquire_owned()).await?;
        Ok(Turn { pixels: self.clone(), _place: place, memory: None })
    }

    /// Waits for a turn, and for the memory that a frame of this description takes, of which `frame_bytes` are kept.
    pub async fn turn_with(&self, description: &PixelDescription, frame_bytes: u64) -> Result<Turn, Error> {
        let mut turn = self.turn().await?;
        turn.memory = Some(self.memory(description, frame_bytes).await?);
        Ok(turn)
    }

    async fn memory(&self, description: &PixelDescription, frame_bytes: u64) -> Result<OwnedSemaphorePermit, Error> {
        let bytes = description.frame_bytes().saturating_add(frame_bytes).min(PIXELS_IN_FLIGHT_BYTES_MAX);
        let kib = u32::try_from(bytes.div_ceil(KIB)).map_err(|_| Error::busy())?;
        self.in_time(Arc::clone(&self.in_flight_kib).acquire_many_owned(kib)).await
    }

    /// Waits for a permit, not longer than a person does.
    async fn in_time<T>(&self, permit: impl Future<Output = Result<T, AcquireError>>) -> Result<T, Error> {
        let waited = tokio::time::timeout(self.patience, permit).await;
        waited.map_err(|_| Error::busy())?.map_err(|_| Error::busy())
    }
}

/// What the doors do in two steps, in one.
#[cfg(test)]
impl Pixels {
    /// The frame bit for bit as native pixel data, little-endian.
    pub async fn native(&self, frame: Encoded) -> Result<Native, Error> {
        self.turn().await?.native(frame).await
    }

    /// The frame as JPEG baseline; refused unless it has 8 bits. Colour comes as YBR_FULL_422.
    pub async fn jpeg_baseline(&self, frame: Encoded, quality: u8) -> Result<Vec<u8>, Error> {
        self.turn().await?.jpeg_baseline(frame, quality).await
    }

    /// The frame as a picture.
    pub async fn render(&self, frame: Encoded, view: View) -> Result<Picture, Error> {
        self.turn().await?.render(frame, view).await
    }
}

impl Turn {
    /// The frame bit for bit as native pixel data, little-endian.
    pub async fn native(self, frame: Encoded) -> Result<Native, Error> {
        let kept = frame.description.clone();
        match self.run(Task::Native, frame).await? {
            (Answer::Native(found), bytes) => native(kept, &found, bytes),
            _ => Err(Error::undecodable()),
        }
    }

    /// The frame as JPEG baseline; refused unless it has 8 bits. Colour comes as YBR_FULL_422.
    pub async fn jpeg_baseline(self, frame: Encoded, quality: u8) -> Result<Vec<u8>, Error> {
        self.file(Task::JpegBaseline(quality), frame).await
    }

    /// The frame as a picture.
    pub async fn render(self, frame: Encoded, view: View) -> Result<Picture, Error> {
        let media_type = view.format.media_type();
        let bytes = self.file(Task::Render(view), frame).await?;
        Ok(Picture { media_type, bytes })
    }

    async fn file(self, task: Task, frame: Encoded) -> Result<Vec<u8>, Error> {
        match self.run(task, frame).await? {
            (Answer::File, bytes) => Ok(bytes),
            _ => Err(Error::undecodable()),
        }
    }

    async fn run(mut self, task: Task, frame: Encoded) -> Result<(Answer, Vec<u8>), Error> {
        frame.description.check()?;
        if self.memory.is_none() {
            let frame_bytes = u64::try_from(frame.bytes.len()).unwrap_or(u64::MAX);
            self.memory = Some(self.pixels.memory(&frame.description, frame_bytes).await?);
        }
        let Encoded { transfer_syntax_uid, description, bytes } = frame;
        let (done, answered) = oneshot::channel();
        self.pixels.pool.send(Errand { job: Job { task, transfer_syntax_uid, description }, frame: bytes, done })?;
        match answered.await.map_err(|_| Error::busy())?? {
            (Answer::Failed(outcome, text), _) => Err(Error::new(outcome, text)),
            answer => Ok(answer),
        }
    }
}

/// A worker has read a stranger's bytes: of what it says, only what a decoder may change is taken, and the length must be right.
fn native(mut description: PixelDescription, found: &PixelDescription, bytes: Vec<u8>) -> Result<Native, Error> {
    let same_kind = found.photometric.samples() == description.samples;
    if !same_kind || matches!(found.photometric, Photometric::YbrIct | Photometric::YbrRct | Photometric::Xyb) {
        return Err(Error::undecodable());
    }
    description.photometric = found.photometric;
    description.planar = found.planar;
    if u64::try_from(bytes.len()) != Ok(description.native_frame_bits().div_ceil(8)) {
        return Err(Error::undecodable());
    }
    Ok(Native { description, bytes })
}

#[cfg(test)]
mod tests;
