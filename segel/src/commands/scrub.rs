//! `segel scrub`: every stored byte, read back and held against its hash; no key is needed.

use super::{Data, Done};
use anyhow::Result;
use archive::scrub::{self, Report};
use archive::settings::Settings;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

/// `segel scrub`
#[derive(Args)]
#[command(
    after_help = "Works beside a running archive as well. Status 0: everything is as it was written; 1: it is not, \
                        and the report names segment, offset and object versions."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Scrubs, and says what it found.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start_at("warn");
    let data = options.data.folder()?;
    anyhow::ensure!(data.join("archive").is_dir(), "there is no archive in {}", data.display());
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    let report = scrub::scrub(&Settings::new(data), &mut |progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    })?;
    bar.finish_and_clear();
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.is_clean() { Done::Wholly } else { Done::Not })
}

fn print(report: &Report) {
    for finding in &report.findings {
        let place = finding.segment.map(|segment| format!("segment {segment}")).unwrap_or_default();
        let offset = finding.offset.map(|offset| format!(", byte {offset}")).unwrap_or_default();
        println!("{place}{offset}: {}", finding.detail);
        for object in &finding.objects {
            println!("    object {} version {}", object.object, object.version);
        }
    }
    if report.findings_left_out > 0 {
        println!("and {} more", report.findings_left_out);
    }
    let verdict = if report.is_clean() { "nothing changed" } else { "NOT as it was written" };
    println!("{} segments, {} objects, {} bytes: {verdict}", report.segments, report.objects, report.bytes);
}
