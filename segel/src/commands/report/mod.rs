//! `segel report`: who opened a patient's record, when, why and through which door, for the patient who asks.

mod fhir;
mod words;

use super::{Data, Done};
use crate::embedded::must_be_founded;
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail};
use archive::keys::{Endpoint, KeyClient};
use clap::{Args, ValueEnum};
use record::{FacilityCode, Identifier, Purpose};
use seal::message::report::{AccessReport, ReportAsk};
use seal::message::{AdminAnswer, AdminRequest, Asker, Proof};
use std::path::PathBuf;
use words::Language;

/// `segel report`
#[derive(Args)]
#[command(
    after_help = "The report is itself written into the ledger. Since there are two approvers it takes the token of an auditor, \
                        or of a registrar of a facility that treats the patient (--token)."
)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// The patient: NIK:..., JKN:..., IHS:..., PASSPORT:..., or a number of the facility.
    #[arg(long, value_parser = identifier)]
    patient: Identifier,
    /// The facility that gave a local number.
    #[arg(long, value_parser = facility)]
    facility: Option<FacilityCode>,
    /// Form of the report.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Language of text and HTML.
    #[arg(long, value_enum, default_value_t = Language::Id)]
    language: Language,
    /// Nothing before this time (RFC 3339).
    #[arg(long)]
    from: Option<jiff::Timestamp>,
    /// Nothing after this time (RFC 3339).
    #[arg(long)]
    until: Option<jiff::Timestamp>,
    /// The token of an auditor or registrar; without one the administrator's socket is asked.
    #[arg(long, env = "SEGEL_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// HL7 PurposeOfUse of the token.
    #[arg(long, default_value = "PATRQT", value_parser = purpose)]
    purpose: Purpose,
    /// Writes into a file instead of the standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Lines for a terminal or a letter.
    Text,
    /// A page.
    Html,
    /// For programs.
    Json,
    /// A Bundle of FHIR AuditEvents (IHE BALP).
    Fhir,
}

fn facility(text: &str) -> Result<FacilityCode, String> {
    FacilityCode::new(text).ok_or_else(|| "a facility's code is 1 to 16 of A-Z 0-9 - _".into())
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::from_code(text).ok_or_else(|| "not a purpose of use".into())
}

/// A patient as people type one: `NIK:3171...`, or a number alone, which is the facility's.
pub fn identifier(text: &str) -> Result<Identifier, String> {
    let (scheme, value) = text.split_once(':').unwrap_or(("", text));
    let value = value.trim().to_owned();
    if value.is_empty() {
        return Err("a patient's number is missing".into());
    }
    match scheme.to_ascii_uppercase().as_str() {
        "NIK" => Ok(Identifier::Nik(value)),
        "JKN" => Ok(Identifier::JknCard(value)),
        "IHS" => Ok(Identifier::Ihs(value)),
        "PASSPORT" => Ok(Identifier::Passport(value)),
        "" => Ok(Identifier::Local { issuer: String::new(), value }),
        _ => {
            let (issuer, value) = (scheme.to_owned(), value);
            Ok(Identifier::Local { issuer, value })
        }
    }
}

/// Makes the report.
pub fn run(options: Options) -> Result<Done> {
    let micros = |time: &Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_microsecond);
    let ask = ReportAsk {
        patient: options.patient.clone(),
        facility: options.facility.clone(),
        from: micros(&options.from),
        to: micros(&options.until),
    };
    let report = ask_for(&options, ask)?;
    let text = match options.format {
        Form::Text => words::text(&report, options.language),
        Form::Html => words::html(&report, options.language),
        Form::Json => serde_json::to_string_pretty(&words::json(&report))?,
        Form::Fhir => serde_json::to_string_pretty(&fhir::bundle(&report))?,
    };
    match &options.to {
        Some(file) => crate::durable::write(file, text.as_bytes(), 0o600)
            .with_context(|| format!("cannot write {}", file.display()))?,
        None => println!("{text}"),
    }
    Ok(Done::Wholly)
}

fn ask_for(options: &Options, ask: ReportAsk) -> Result<AccessReport> {
    let data = options.data.folder()?;
    must_be_founded(&data)?;
    let Some(token) = &options.token else {
        let mut client =
            AdminClient::connect(&data.join("keyservice/admin.sock")).context("the key service does not run")?;
        return match client.must(AdminRequest::Report(ask))? {
            AdminAnswer::Report(report) => Ok(report),
            _ => bail!("the key service answered another question"),
        };
    };
    let asker = Asker { proof: Proof::Bearer(token.clone()), purpose: options.purpose, channel: "report".into() };
    let keys = KeyClient::new(Endpoint::Unix(data.join("keyservice/node.sock")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(keys.report(&asker, ask)).map_err(|failure| match failure.outcome {
        record::Outcome::Refused => {
            anyhow::anyhow!("there is no such patient, or the report is not this token's to ask for")
        }
        _ => anyhow::anyhow!("{failure}"),
    })
}
