//! How far a pull is: a bar on a terminal, plain lines elsewhere.

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What has been done, and what is to do.
pub struct Progress {
    bar: Option<ProgressBar>,
    studies: u64,
    done: u64,
    instances: u64,
    bytes: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    /// Of so many studies.
    pub fn new(studies: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(studies);
            match ProgressStyle::with_template("{bar:30} {pos}/{len} studies, {msg}, {eta} left") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        let now = Instant::now();
        Self { bar, studies, done: 0, instances: 0, bytes: 0, begun: now, told: now }
    }

    /// An instance has come.
    pub fn instance(&mut self, bytes: u64) {
        self.instances += 1;
        self.bytes += bytes;
        self.tell(false);
    }

    /// A study is done.
    pub fn study(&mut self) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        self.tell(false);
    }

    /// The last word.
    pub fn finish(&mut self) {
        match &self.bar {
            Some(bar) => bar.finish_and_clear(),
            None => self.tell(true),
        }
    }

    fn rate(&self) -> u64 {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.bytes.saturating_mul(1_000).checked_div(millis).unwrap_or(0)
    }

    fn tell(&mut self, at_once: bool) {
        let amount = format!("{} instances, {}, {}/s", self.instances, HumanBytes(self.bytes), HumanBytes(self.rate()));
        match &self.bar {
            Some(bar) => bar.set_message(amount),
            None if at_once || self.told.elapsed() >= LINE_EVERY => {
                self.told = Instant::now();
                let left = self.left().map(|left| format!(", {} s left", left.as_secs())).unwrap_or_default();
                eprintln!("{}/{} studies, {amount}{left}", self.done, self.studies);
            }
            None => {}
        }
    }

    /// As long again for each study as those so far took.
    fn left(&self) -> Option<Duration> {
        let done = u32::try_from(self.done).ok().filter(|done| *done > 0)?;
        let rest = u32::try_from(self.studies.saturating_sub(self.done)).ok()?;
        self.begun.elapsed().checked_div(done)?.checked_mul(rest)
    }
}
