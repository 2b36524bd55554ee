//! `segel import`: what lies in folders, zip files and DICOMDIR media goes through the same door as everything else.

mod journal;
mod media;
pub mod send;
mod source;

use super::{Data, Done};
use anyhow::{Result, bail};
use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use indicatif::{ProgressBar, ProgressStyle};
use journal::Journal;
use record::FacilityCode;
use send::{Sender, Verdict};
use source::{Source, Walk};
use std::path::PathBuf;

/// `segel import`
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The facility that the records come from. May be left out where only one is registered.
    #[arg(long, value_parser = facility)]
    facility: Option<FacilityCode>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// Sends everything again, also what an earlier import has already finished.
    #[arg(long)]
    again: bool,
    /// File with the passphrase of the root key, if the archive is not running.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Folders, DICOM files, zip files or DICOMDIR files.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// `--facility`
pub fn facility(text: &str) -> Result<FacilityCode, String> {
    FacilityCode::new(text).ok_or_else(|| "a facility's code is 1 to 16 of A-Z 0-9 - _".into())
}

/// Sources under way at once: their durable writes share a group, and the archive's limits are far away.
const SOURCES_AT_ONCE: usize = 16;

/// What became of everything.
#[derive(Default)]
struct Report {
    stored: u64,
    versions: u64,
    duplicate: u64,
    earlier: u64,
    refused: Vec<(String, String)>,
}

impl Report {
    fn add(&mut self, name: &str, verdict: Verdict) {
        match verdict {
            Verdict::Stored => self.stored += 1,
            Verdict::NewVersion => {
                self.stored += 1;
                self.versions += 1;
            }
            Verdict::Duplicate => self.duplicate += 1,
            Verdict::Refused(why) => self.refused.push((name.to_owned(), why)),
            Verdict::Busy => self.refused.push((name.to_owned(), "the archive is busy or full".into())),
        }
    }

    fn print(&self, as_json: bool) {
        if as_json {
            let refused: Vec<_> =
                self.refused.iter().map(|(name, why)| serde_json::json!({"file": name, "reason": why})).collect();
            println!(
                "{}",
                serde_json::json!({"stored": self.stored, "new_versions": self.versions, "duplicate": self.duplicate, "earlier": self.earlier, "refused": refused})
            );
            return;
        }
        for (name, why) in &self.refused {
            println!("refused {name}: {why}");
        }
        if self.earlier > 0 {
            println!("{} files were finished by an earlier import (--again sends them anyway)", self.earlier);
        }
        if self.versions > 0 {
            println!(
                "{} of the stored came with other bytes under a UID that was known: kept as new versions",
                self.versions
            );
        }
        println!("stored {}, duplicate {}, refused {}", self.stored, self.duplicate, self.refused.len());
    }
}

/// Imports every path.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start_at("warn");
    let data = options.data.folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let walk = Walk::new(&options.paths)?;
        let sender =
            Sender::open(&data, "import", options.facility.as_ref(), options.passphrase_file.as_deref()).await?;
        let mut journal = Journal::open(&data)?;
        let bar = progress(walk.bytes());
        let report = import(walk, &sender, &mut journal, options.again, &bar).await;
        bar.finish_and_clear();
        sender.close().await?;
        let report = report?;
        report.print(options.json);
        Ok(if report.refused.is_empty() { Done::Wholly } else { Done::WithRefusals })
    })
}

/// Sends everything, several at once. A refusal is reported and the rest goes on; an archive that went away ends the
/// import, which goes on where it was when it is started again.
async fn import(walk: Walk, sender: &Sender, journal: &mut Journal, again: bool, bar: &ProgressBar) -> Result<Report> {
    let mut report = Report::default();
    let mut under_way = FuturesUnordered::new();
    for source in walk {
        let source = match source {
            Ok(source) if !again && journal.has(&source)? => {
                report.earlier += 1;
                bar.inc(source.bytes());
                continue;
            }
            Ok(source) => source,
            Err(refusal) => {
                report.refused.push(refusal);
                continue;
            }
        };
        under_way.push(send_source(source, sender));
        if under_way.len() >= SOURCES_AT_ONCE
            && let Some(sent) = under_way.next().await
        {
            account(sent?, journal, bar, &mut report)?;
        }
    }
    while let Some(sent) = under_way.next().await {
        account(sent?, journal, bar, &mut report)?;
    }
    journal.flush()?;
    Ok(report)
}

/// Sends the files of one source, in order.
async fn send_source(source: Source, sender: &Sender) -> Result<(Source, Vec<(String, Verdict)>)> {
    let mut verdicts = Vec::new();
    for item in source.items() {
        let (name, verdict) = match item {
            Ok(item) => match sender.send(item.content).await? {
                Verdict::Busy => bail!("the archive is busy or full: start the import again, it goes on where it was"),
                verdict => (item.name, verdict),
            },
            Err((name, why)) => (name, Verdict::Refused(why)),
        };
        verdicts.push((name, verdict));
    }
    Ok((source, verdicts))
}

fn account(
    sent: (Source, Vec<(String, Verdict)>),
    journal: &mut Journal,
    bar: &ProgressBar,
    report: &mut Report,
) -> Result<()> {
    let (source, verdicts) = sent;
    if !verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Refused(_))) {
        journal.add(&source)?;
    }
    for (name, verdict) in verdicts {
        report.add(&name, verdict);
    }
    bar.inc(source.bytes());
    bar.set_message(format!("{} stored, {} refused", report.stored, report.refused.len()));
    Ok(())
}

fn progress(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    match ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
