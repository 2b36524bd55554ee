//! `segel erase`: ends a patient's record for good, and brings the certificate.

pub mod certificate;

use super::{Data, Done};
use crate::commands::login::Login;
use anyhow::{Context as _, Result, bail};
use archive::keys::{Endpoint, KeyClient};
use clap::Args;
use record::{Outcome, Pseudonym, Purpose};
use seal::message::custody::Basis;
use seal::message::{Asker, Proof};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long to wait for the checkpoint that covers the erasure: it is signed within 5 s.
const CERTIFICATE_WAIT: Duration = Duration::from_secs(30);
/// What a login's proof names, because no HTTP request carries this question.
const METHOD: &str = "POST";

/// `segel erase`
#[derive(Args)]
#[command(
    after_help = "What is erased opens for nobody again, in no copy and no backup. Within the time of retention a \
                        legal basis must be stated; a record on legal hold is ended by a court's order alone. The \
                        certificate is checked with `segel verify FILE`."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The patient, as the archive calls it (32 hexadecimal digits).
    #[arg(value_parser = pseudonym)]
    patient: Pseudonym,
    /// Why, for the ledger. It is sealed there.
    #[arg(long, required_unless_present = "certificate_only")]
    reason: Option<String>,
    /// The legal basis: court-order, authority-order, patient-request or made-in-error.
    #[arg(long, value_parser = basis)]
    basis: Option<Basis>,
    /// Where the certificate goes [default: the standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Brings the certificate of an erasure that was done before.
    #[arg(long, conflicts_with_all = ["reason", "basis"])]
    certificate_only: bool,
    /// The login of this machine that orders it: `segel login`.
    #[arg(long, value_name = "NAME", conflicts_with = "token")]
    login: Option<String>,
    /// The bearer token of whoever orders it: a registrar's, for PATRQT.
    #[arg(long, env = "SEGEL_TOKEN", hide_env_values = true, required_unless_present = "login")]
    token: Option<String>,
    /// HL7 PurposeOfUse of the order.
    #[arg(long, default_value = "PATRQT", value_parser = purpose)]
    purpose: Purpose,
}

fn pseudonym(text: &str) -> Result<Pseudonym, String> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "a patient has 32 hexadecimal digits".to_owned())?;
    Ok(Pseudonym(bytes))
}

fn basis(text: &str) -> Result<Basis, String> {
    let words: Vec<&str> = Basis::all().iter().map(|(_, word)| *word).collect();
    Basis::from_word(text).ok_or_else(|| format!("a basis is one of {}", words.join(", ")))
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::from_code(text).ok_or_else(|| "not a purpose of use; see `segel admin token --help`".into())
}

/// Erases, and prints or writes the certificate.
pub fn run(options: Options) -> Result<Done> {
    let data = options.data.folder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let text = runtime.block_on(order(&options, &data))?;
    match &options.out {
        Some(path) => {
            std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            println!("erased; the certificate is in {}", path.display());
        }
        None => println!("{text}"),
    }
    Ok(Done::Wholly)
}

async fn order(options: &Options, data: &std::path::Path) -> Result<String> {
    let socket = data.join("keyservice/node.sock");
    if !socket.exists() {
        bail!("no key service runs embedded in {}: erase where the archive runs", data.display());
    }
    let keys = KeyClient::new(Endpoint::Unix(socket));
    if let Some(reason) = &options.reason {
        let erased = keys.erase(&asker(options).await?, options.patient, reason, options.basis).await;
        erased.context("not erased")?;
    }
    let since = Instant::now();
    loop {
        match keys.certificate(&asker(options).await?, options.patient).await {
            Ok(certificate) => return Ok(certificate),
            Err(failure) if failure.outcome == Outcome::Busy && since.elapsed() < CERTIFICATE_WAIT => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(failure) => return Err(failure).context("there is no certificate for this asker"),
        }
    }
}

/// Who orders it. A login's proof holds for one question, so each has its own.
async fn asker(options: &Options) -> Result<Asker> {
    let proof = match &options.login {
        None => Proof::Bearer(options.token.clone().unwrap_or_default()),
        Some(name) => {
            let login = Login::open(name)?;
            let uri = format!("{}/erase", login.archive());
            let (token, proof) = login.shown(METHOD, &uri).await?;
            Proof::Bound { token, proof, method: METHOD.to_owned(), uri }
        }
    };
    Ok(Asker { proof, purpose: options.purpose, channel: "command".to_owned() })
}
