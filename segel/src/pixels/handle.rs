//! Where the doors hand frames in.

use super::error::Error;
use super::view::{Picture, View};
use super::work::{self, Encoded, Native};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames that are decoded at one time.
const TURNS_MAX: usize = 2;

/// Decodes and draws frames. Clones share what does the work.
#[derive(Clone)]
pub struct Pixels {
    turns: Arc<Semaphore>,
}

/// The right to have one frame decoded. Who holds one may read the frame: those who wait hold no plaintext.
pub struct Turn {
    permit: OwnedSemaphorePermit,
}

impl Default for Pixels {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(TURNS_MAX)) }
    }
}

impl Pixels {
    /// Waits for a turn.
    pub async fn turn(&self) -> Result<Turn, Error> {
        let permit = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::busy())?;
        Ok(Turn { permit })
    }

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
        self.run(move || work::native(frame)).await
    }

    /// The frame as JPEG baseline; refused unless it has 8 bits. Colour comes as YBR_FULL_422.
    pub async fn jpeg_baseline(self, frame: Encoded, quality: u8) -> Result<Vec<u8>, Error> {
        self.run(move || work::jpeg_baseline(frame, quality)).await
    }

    /// The frame as a picture.
    pub async fn render(self, frame: Encoded, view: View) -> Result<Picture, Error> {
        let media_type = view.format.media_type();
        let bytes = self.run(move || work::render(frame, &view)).await?;
        Ok(Picture { media_type, bytes })
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permit;
        let done = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        done.await.map_err(|_| Error::undecodable())?
    }
}
