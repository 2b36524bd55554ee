//! `segel login` and `segel logout`: this machine as somebody, by a key of its own that an invitation enrols.
//!
//! Tokens are bound to the key (RFC 9449): a copied token opens nothing, and a copied key file opens what its owner may until
//! somebody takes the key away.

mod kept;
mod key;
mod session;

pub use session::Login;

use super::{Data, Done};
use crate::whereabouts::Whereabouts;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use kept::Kept;
use key::Key;
use record::Purpose;
use std::io::Read as _;
use std::path::PathBuf;

/// The name of a login that is given none.
pub const DEFAULT_NAME: &str = "default";

const EXAMPLES: &str = "\
Enrol this machine by an invitation (the archive's administrator prints the code):
  segel login --invite CODE --archive https://arsip.example.id
The same, by an invitation that is of use to this machine alone, whoever reads the code on its way:
  segel login --thumbprint        (tell the administrator what it prints: admin person invite NAME --key-thumbprint ...)
  segel login --invite CODE --archive https://arsip.example.id
Read and store with curl; each request needs headers of its own:
  URL=https://arsip.example.id/dicom-web/studies
  segel login --header GET $URL | curl -H @- $URL
Send a study on:
  segel send --login default --to PACS2 --study 1.2.3

The key lies in ~/.config/segel/logins/NAME.json, which only its owner may read.";

/// `segel login`
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(flatten)]
    data: Data,
    /// What this login is called on this machine.
    #[arg(long = "as", value_name = "NAME", default_value = DEFAULT_NAME, value_parser = kept::name)]
    name: String,
    /// The code of an invitation, which enrols a new key of this machine; `-` reads it from the standard input.
    #[arg(long, value_name = "CODE", env = "SEGEL_INVITATION", hide_env_values = true)]
    invite: Option<String>,
    /// Makes this machine's key, if there is none yet, and prints its thumbprint (RFC 7638) for an invitation that names it.
    #[arg(long, conflicts_with_all = ["invite", "archive", "authority", "purpose", "header"])]
    thumbprint: bool,
    /// The archive's address, as its pages have it [default: the one that runs on this machine].
    #[arg(long, value_name = "URL", value_parser = origin)]
    archive: Option<String>,
    /// PEM: the authorities of the archive's certificate [default: the system's].
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// HL7 PurposeOfUse of what is done with this login.
    #[arg(long, value_parser = purpose)]
    purpose: Option<Purpose>,
    /// Prints the two headers of one request, each on a line, as `curl -H @-` reads them.
    #[arg(long, num_args = 2, value_names = ["METHOD", "URL"], conflicts_with_all = ["invite", "archive", "purpose"])]
    header: Option<Vec<String>>,
}

/// `segel logout`
#[derive(Args)]
pub struct OutOptions {
    #[command(flatten)]
    data: Data,
    /// What the login is called on this machine.
    #[arg(long = "as", value_name = "NAME", default_value = DEFAULT_NAME, value_parser = kept::name)]
    name: String,
    /// Destroys this machine's key as well: the next login needs an invitation.
    #[arg(long)]
    forget: bool,
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::from_code(text).ok_or_else(|| "not a purpose of use: TREAT, ETREAT, HOPERAT, ...".into())
}

/// Scheme, host and port; a path behind them is no part of an archive's address.
fn origin(text: &str) -> Result<String, String> {
    let origin = text.trim_end_matches('/');
    keyservice::outbound::check(origin).map_err(|error| error.to_string())?;
    let is_bare = origin.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']));
    if is_bare { Ok(origin.to_ascii_lowercase()) } else { Err("write https://host or https://host:port".into()) }
}

/// Enrols, signs in, or prints headers.
pub fn run(options: Options) -> Result<Done> {
    crate::observe::start_at("warn");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(header) = &options.header {
        let [method, url] = header.as_slice() else { bail!("--header takes a method and a URL") };
        let login = Login::open(&options.name)?;
        for (name, value) in runtime.block_on(login.headers(&method.to_ascii_uppercase(), url))? {
            println!("{name}: {value}");
        }
        return Ok(Done::Wholly);
    }
    if options.thumbprint {
        println!("{}", thumbprint(&options.name)?);
        return Ok(Done::Wholly);
    }
    let login = match &options.invite {
        Some(code) => runtime.block_on(enrol(&options, code))?,
        None => sign_in(&options, &runtime)?,
    };
    println!("{}", login.described());
    Ok(Done::Wholly)
}

fn sign_in(options: &Options, runtime: &tokio::runtime::Runtime) -> Result<Login> {
    if options.archive.is_some() || options.authority.is_some() {
        bail!("the archive of a login stays: `segel logout --forget`, and enrol again with --invite");
    }
    let login = Login::open(&options.name)?;
    runtime.block_on(login.sign_in(options.purpose))?;
    Ok(login)
}

/// The thumbprint of this machine's key, which is made if it is not there.
fn thumbprint(name: &str) -> Result<String> {
    let path = kept::path(name)?;
    if path.exists() {
        return Ok(Key::read(&Kept::read(&path)?.key)?.thumbprint());
    }
    let key = Key::generate()?;
    let (archive, purpose) = (String::new(), Purpose::Treat.code().to_owned());
    let kept = Kept { archive, authority: None, purpose, is_enrolled: false, key: key.pkcs8(), session: None };
    kept.write(&path)?;
    Ok(key.thumbprint())
}

async fn enrol(options: &Options, code: &str) -> Result<Login> {
    let code = if code == "-" { from_input()? } else { code.to_owned() };
    let archive = match &options.archive {
        Some(archive) => archive.clone(),
        None => running(options)?,
    };
    let path = kept::path(&options.name)?;
    let before = if path.exists() { Some(Kept::read(&path)?) } else { None };
    if before.as_ref().is_some_and(|kept| kept.is_enrolled) {
        let name = &options.name;
        bail!(
            "there is a login {name} on this machine: `segel logout --forget --as {name}`, or another name with --as"
        );
    }
    let kept = Kept {
        archive,
        authority: options.authority.as_deref().map(std::path::absolute).transpose()?,
        purpose: options.purpose.unwrap_or(Purpose::Treat).code().to_owned(),
        is_enrolled: false,
        // A key that no archive has taken yet is the one that the invitation may name.
        key: before.map_or_else(|| Key::generate().map(|key| key.pkcs8()), |kept| Ok(kept.key))?,
        session: None,
    };
    // The key lies on the disk before the invitation is used up. A crash in between leaves one that opens nothing.
    kept.write(&path)?;
    let login = Login::new(path, kept)?;
    login.enrol(code.trim()).await?;
    Ok(login)
}

fn from_input() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text).context("no code comes by the standard input")?;
    Ok(text)
}

fn running(options: &Options) -> Result<String> {
    let running = Whereabouts::of_running(&options.data.folder()?);
    let found = running.and_then(|running| Some((running.http?, running.https)));
    match found {
        Some((address, false)) => Ok(format!("http://{address}")),
        Some(_) => bail!("--archive is needed: the name in the certificate of the archive that runs here"),
        None => bail!("--archive is needed: no archive runs on this machine's data folder"),
    }
}

/// Ends the session, and forgets the key if that is asked.
pub fn out(options: OutOptions) -> Result<Done> {
    crate::observe::start_at("warn");
    // It takes the data folder, as every command does, and has no use for it.
    drop(options.data);
    let login = Login::open(&options.name)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(login.sign_out());
    if options.forget {
        login.forget()?;
    }
    match ended {
        Ok(()) => {
            println!("signed out");
            Ok(Done::Wholly)
        }
        Err(error) => {
            eprintln!(
                "the archive was not told ({error:#}); the session ends by itself, and its token is forgotten here"
            );
            Ok(Done::WithRefusals)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archives_address_is_an_origin() {
        assert_eq!(origin("https://Arsip.example.id/").as_deref(), Ok("https://arsip.example.id"));
        assert_eq!(origin("http://127.0.0.1:8080").as_deref(), Ok("http://127.0.0.1:8080"));
        for wrong in ["arsip.example.id", "http://arsip.example.id", "https://a/dicom-web", "https://u:p@a", "ftp://a"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
