//! `segel admin person ...`: invitations, keys, sessions, and until when somebody opens anything.

use super::purpose;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use record::{Micros, Purpose};
use seal::message::{AdminRequest, Staff, Terms};
use std::path::PathBuf;

/// What is done with one of the staff.
#[derive(Subcommand)]
pub enum StaffAction {
    /// Prints the code of an invitation, alone on its line: it enrols one passkey (/enrol of the pages) or one machine (`segel login --invite`).
    Invite {
        /// Whose.
        name: String,
        /// How long it is good.
        #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=168))]
        hours: u32,
        /// The one machine's key that it enrols, and no other: what `segel login --thumbprint` prints there. Whoever reads the code on
        /// its way, a broken-into archive node for instance, has no use for it.
        #[arg(long, value_name = "THUMBPRINT", value_parser = thumbprint)]
        key_thumbprint: Option<[u8; 32]>,
    },
    /// Sets until when somebody opens anything; what is left out has no end.
    Terms(NewTerms),
    /// The public keys by which a system signs its assertions (SMART Backend Services), in place of those it had.
    Keys {
        /// Which system.
        name: String,
        /// A JWK Set (RFC 7517).
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
    },
    /// Takes a passkey or a machine's key away, with its sessions.
    RemoveKey {
        /// Whose.
        name: String,
        /// The key's id: `segel admin person list`.
        key: String,
    },
    /// Ends every session of somebody at once.
    SignOut {
        /// Whose.
        name: String,
    },
    /// Lists people and systems with their terms, keys and sessions.
    List,
}

/// Until when.
#[derive(Args)]
pub struct NewTerms {
    /// Whose.
    name: String,
    /// The first day of duty, in western Indonesian time.
    #[arg(long, value_name = "YYYY-MM-DD")]
    duty_from: Option<Date>,
    /// The last day of duty.
    #[arg(long, value_name = "YYYY-MM-DD")]
    duty_until: Option<Date>,
    /// The last day on which the training counts.
    #[arg(long, value_name = "YYYY-MM-DD")]
    training_until: Option<Date>,
    /// What somebody may sign in for, with commas between them [default: what the role is there for].
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = purpose)]
    purposes: Option<Vec<Purpose>>,
}

impl StaffAction {
    /// What to ask.
    pub fn request(self) -> Result<AdminRequest> {
        Ok(AdminRequest::Staff(match self {
            Self::Invite { name, hours, key_thumbprint } => {
                Staff::Invite { name, seconds: hours.saturating_mul(3_600), thumbprint: key_thumbprint }
            }
            Self::Terms(new) => Staff::Terms {
                terms: Terms {
                    duty_from: new.duty_from.map(begins).transpose()?,
                    duty_until: new.duty_until.map(ends).transpose()?,
                    training_until: new.training_until.map(ends).transpose()?,
                    purposes: new.purposes,
                },
                name: new.name,
            },
            Self::Keys { name, jwks } => {
                let text = std::fs::read_to_string(&jwks);
                Staff::Keys { name, jwks: text.with_context(|| format!("cannot read {}", jwks.display()))? }
            }
            Self::RemoveKey { name, key } => Staff::RemoveKey { name, key },
            Self::SignOut { name } => Staff::SignOut { name },
            Self::List => Staff::List,
        }))
    }
}

/// A thumbprint of a key (RFC 7638), in base64url.
fn thumbprint(text: &str) -> Result<[u8; 32], String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "a thumbprint has 43 characters: see `segel login --thumbprint`".to_owned())
}

/// Midnight before a day.
fn begins(day: Date) -> Result<Micros> {
    let zone = TimeZone::get("Asia/Jakarta").context("the time zone is not known")?;
    Ok(day.to_zoned(zone).context("there is no such day")?.timestamp().as_microsecond())
}

/// Midnight after a day.
fn ends(day: Date) -> Result<Micros> {
    begins(day.tomorrow().context("there is no such day")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_has_32_bytes() {
        assert_eq!(thumbprint(&"A".repeat(43)), Ok([0; 32]));
        for wrong in ["", "A", &"A".repeat(42), &"A".repeat(44), &format!("{}=", "A".repeat(43)), &"+".repeat(43)] {
            assert!(thumbprint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_of_duty_is_a_whole_day_in_western_indonesia() {
        let day = Date::constant(2026, 11, 22);
        // UTC+7.
        assert_eq!(begins(day).unwrap(), 1_795_280_400_000_000);
        assert_eq!(ends(day).unwrap() - begins(day).unwrap(), 86_400_000_000);
    }
}
