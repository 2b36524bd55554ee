//! `segel pull`: empties an old PACS into this archive.
//!
//! A walkthrough: [`enumerate`] finds out which studies there are, also from a PACS that tells only so many at a time;
//! [`study`] pulls one after the other: what the PACS lists is held against what the archive keeps, the difference is
//! fetched ([`fetch`]) and stored through the archive's own door, and what is missing in the end is reported. A finished
//! study is noted in [`journal`], so that a pull that was interrupted goes on with the study that it was in.

mod enumerate;
mod fetch;
mod journal;
mod kinds;
mod listing;
mod pacs;
mod progress;
mod range;
mod report;
mod study;

pub use kinds::{CLASSES, SYNTAXES};
pub use pacs::{FIND, GET, MOVE};

use super::import::send::Sender;
use super::{Data, Done, import};
use crate::dimse::requestor::Peer;
use crate::register::AdminClient;
use crate::tls::Identity;
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use enumerate::{Studies, enumerate};
use fetch::Way;
use journal::Journal;
use listing::Study;
use pacs::Pacs;
use progress::Progress;
use range::Range;
use record::FacilityCode;
use report::Report;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use seal::message::{AdminAnswer, AdminRequest};
use std::path::{Path, PathBuf};
use std::time::Duration;
use study::Puller;

/// `segel pull`
#[derive(Args)]
#[command(
    after_long_help = "Run it again after an interruption: it goes on with the study that it was in. With C-MOVE the old \
                       PACS sends to this archive, which must be running and known to it, and whose peer it must be."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The old PACS.
    #[arg(long, value_name = "AETITLE@HOST:PORT", value_parser = address)]
    from: Address,
    /// Our AE title, as the old PACS knows it.
    #[arg(long = "as", value_name = "AETITLE", default_value = "SEGEL")]
    calling: String,
    /// The facility that the records come from. May be left out where only one is registered.
    #[arg(long, value_parser = import::facility)]
    facility: Option<FacilityCode>,
    /// Pulls these studies only, by StudyInstanceUID.
    #[arg(long, value_name = "UID", conflicts_with = "date", value_parser = uid)]
    study: Vec<String>,
    /// Pulls the studies of these days: YYYYMMDD, YYYYMMDD-YYYYMMDD, or all.
    #[arg(long, value_name = "FROM-TO", default_value = "all", value_parser = Range::parse)]
    date: Range,
    /// Retrieves by C-GET [default: C-GET if the PACS has it, else C-MOVE].
    #[arg(long, conflicts_with = "by_move")]
    get: bool,
    /// Retrieves by C-MOVE.
    #[arg(long = "move")]
    by_move: bool,
    /// With C-MOVE: this archive's AE title, as the old PACS knows it.
    #[arg(long, value_name = "AETITLE", default_value = "SEGEL")]
    destination: String,
    /// Speaks TLS with the PACS that shows this certificate (PEM), and shows the archive's own.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Pauses so many milliseconds between two studies.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pause: u64,
    /// How often something that failed is tried again, after half a second and then twice as long each time.
    #[arg(long, value_name = "N", default_value_t = 6)]
    retries: u32,
    /// Pulls also what an earlier pull has finished, and fetches also what the archive keeps.
    #[arg(long)]
    again: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// File with the passphrase of the root key, if the archive is not running.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Where the old PACS is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    ae_title: String,
    host: String,
    port: u16,
}

fn address(text: &str) -> Result<Address, String> {
    let parsed = text.split_once('@').and_then(|(ae_title, place)| {
        let (host, port) = place.rsplit_once(':')?;
        let host = host.trim_matches(['[', ']']);
        let fits = (1..=16).contains(&ae_title.len()) && !host.is_empty();
        fits.then_some(Address { ae_title: ae_title.to_owned(), host: host.to_owned(), port: port.parse().ok()? })
    });
    parsed.ok_or_else(|| "the old PACS is AETITLE@HOST:PORT".into())
}

fn uid(text: &str) -> Result<String, String> {
    if wire::uid::is_uid(text) { Ok(text.to_owned()) } else { Err(format!("{text} is no UID")) }
}

/// Pulls.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start_at("warn");
    let data = options.data.folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let pacs = Pacs::new(peer(&options, &data)?, options.retries);
        let passphrase_file = options.passphrase_file.as_deref();
        let archive = Sender::open(&data, "pull", options.facility.as_ref(), passphrase_file).await?;
        let report = pull(&options, &data, pacs, &archive).await;
        archive.close().await?;
        let report = report?;
        report.print(options.json);
        Ok(if report.is_whole() { Done::Wholly } else { Done::WithRefusals })
    })
}

fn peer(options: &Options, data: &Path) -> Result<Peer> {
    let Address { ae_title, host, port } = &options.from;
    let mut peer = Peer::plain(&options.calling, ae_title, host, *port);
    if let Some(file) = &options.tls_cert {
        let certificate = CertificateDer::from_pem_file(file);
        let certificate = certificate.with_context(|| format!("no certificate in {}", file.display()))?;
        let identity = Identity::own(&data.join("archive/tls"), "dicom")?;
        peer.tls = Some(crate::dimse::pinned(identity, crate::dimse::sha256(&certificate))?);
    }
    Ok(peer)
}

async fn pull(options: &Options, data: &Path, mut pacs: Pacs, archive: &Sender) -> Result<Report> {
    let way = way(options, data, &mut pacs, archive.facility()).await?;
    let mut report = Report::default();
    let studies = wanted(options, &mut pacs, &mut report).await?;
    let mut journal = Journal::open(data, &pacs.name(), archive.facility().as_str())?;
    let mut progress = Progress::new(studies.len() as u64);
    let mut puller = Puller { pacs, archive, way, again: options.again };
    for study in studies {
        if !options.again && journal.has(&study) {
            report.earlier += 1;
            progress.study();
            continue;
        }
        let pulled = puller.pull(&study, &mut progress).await.with_context(|| {
            format!(
                "study {} of {} so far; start the pull again, it goes on where it was",
                report.studies + 1,
                report.studies
            )
        })?;
        if pulled.is_whole() {
            journal.add(&study)?;
        }
        report.add(&study, pulled);
        progress.study();
        tokio::time::sleep(Duration::from_millis(options.pause)).await;
    }
    progress.finish();
    puller.pacs.leave().await;
    Ok(report)
}

/// The studies to pull, the oldest first.
async fn wanted(options: &Options, pacs: &mut Pacs, report: &mut Report) -> Result<Vec<Study>> {
    let mut studies = Vec::new();
    for uid in &options.study {
        match listing::one_study(pacs, uid).await? {
            Some(study) => studies.push(study),
            None => report.unknown.push(uid.clone()),
        }
    }
    if options.study.is_empty() {
        let Studies { found, limit, unsure } =
            enumerate(options.date, async |range| listing::studies(pacs, range).await).await?;
        report.limit = limit;
        report.unsure = unsure.iter().map(ToString::to_string).collect();
        studies.extend(found.into_values());
        studies.sort_by(|a, b| (&a.date, &a.time, &a.study).cmp(&(&b.date, &b.time, &b.study)));
    }
    Ok(studies)
}

/// C-GET or C-MOVE: as asked, or as the PACS can.
async fn way(options: &Options, data: &Path, pacs: &mut Pacs, facility: &FacilityCode) -> Result<Way> {
    let mut attempt = 0;
    let (has_get, has_move) = loop {
        match pacs.association(&[]).await {
            Ok(association) => {
                if let Ok(status) = association.echo().await {
                    tracing::debug!(%status, "the PACS answers an echo");
                }
                break (association.context(pacs::GET).is_ok(), association.context(pacs::MOVE).is_ok());
            }
            Err(error) if error.is_transient() && attempt < options.retries => {
                attempt += 1;
                tracing::warn!(%error, attempt, "the PACS is called again");
                Pacs::pause(attempt).await;
            }
            Err(error) => bail!("{error}"),
        }
    };
    if has_get && !options.by_move {
        return Ok(Way::Get);
    }
    if options.get || !has_move {
        bail!("{} offers {}", pacs.name(), if has_move { "C-MOVE only: use --move" } else { "no retrieve" });
    }
    if Whereabouts::of_running(data).and_then(|running| running.dimse.or(running.dimse_tls)).is_none() {
        bail!("with C-MOVE the archive must be running, with its DICOM door: segel serve");
    }
    check_peer(data, pacs.ae_title(), facility)?;
    Ok(Way::Move(options.destination.clone()))
}

/// What a C-MOVE sends arrives in the old PACS's name, so it must be a peer of the facility.
fn check_peer(data: &Path, ae_title: &str, facility: &FacilityCode) -> Result<()> {
    let mut admin = AdminClient::connect(&data.join("keyservice/admin.sock"))?;
    let AdminAnswer::Register(register) = admin.must(AdminRequest::List)? else {
        bail!("the key service lists nothing")
    };
    if register.peers.iter().any(|peer| peer.ae_title == ae_title && peer.facility == *facility) {
        return Ok(());
    }
    bail!("with C-MOVE {ae_title} sends to this archive: segel admin peer add {ae_title} --facility {facility}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_pacs_is_named_by_title_host_and_port() {
        let parsed = |text| address(text).ok().map(|a| format!("{} {} {}", a.ae_title, a.host, a.port));
        assert_eq!(parsed("OLD@pacs.example:104").as_deref(), Some("OLD pacs.example 104"));
        assert_eq!(parsed("OLD@[::1]:11112").as_deref(), Some("OLD ::1 11112"));
        for bad in ["pacs.example:104", "OLD@pacs.example", "@h:1", "OLD@h:70000", "OLD@:1", "ATITLETHATISTOOLONG@h:1"]
        {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
