//! Who asks: the bearer token of a program. The doors for programs take no cookie, or any web site that a browser visits
//! could drive them.

use super::problem::Problem;
use super::state::Doors;
use axum::http::{HeaderMap, header};
use record::Purpose;
use seal::message::{Asker, Proof, Who};

/// A token that the key service signed is far shorter.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// An asker whom the key service knows.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What goes with every call to the archive.
    pub asker: Asker,
    /// As the key service knows it.
    pub who: Who,
}

/// The token of an `Authorization: Bearer` header (RFC 6750 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && well_formed(token)).then(|| token.to_owned())
}

fn well_formed(token: &str) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}

/// The purpose that the header `X-Purpose-Of-Use` names, if any.
fn purpose(headers: &HeaderMap) -> Result<Option<Purpose>, Problem> {
    let Some(value) = headers.get("x-purpose-of-use") else { return Ok(None) };
    let code = value.to_str().unwrap_or_default().trim();
    Purpose::from_code(code)
        .map(Some)
        .ok_or_else(|| Problem::bad_request("X-Purpose-Of-Use is not a PurposeOfUse code that is known here."))
}

impl Caller {
    /// The program that sent these headers, at the door `channel`. Asked before a byte of a body is read, so that nobody
    /// unknown can make the archive work.
    pub async fn of_program(doors: &Doors, headers: &HeaderMap, channel: &str) -> Result<Self, Problem> {
        let token = bearer(headers).ok_or_else(|| Problem::unauthorized("A bearer token is needed."))?;
        Self::known(doors, token, purpose(headers)?, channel).await
    }

    async fn known(doors: &Doors, token: String, purpose: Option<Purpose>, channel: &str) -> Result<Self, Problem> {
        let mut asker = Asker {
            proof: Proof::Bearer(token),
            purpose: purpose.unwrap_or(Purpose::Treat),
            channel: channel.to_owned(),
        };
        let who = doors.authenticate(&asker).await?;
        if purpose.is_none() {
            asker.purpose = who.purpose;
        }
        Ok(Self { asker, who })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_token_is_taken_from_the_authorization_header_only_as_bearer() {
        for (value, token) in [
            ("Bearer abc.def", Some("abc.def")),
            ("bearer abc", Some("abc")),
            ("Basic abc", None),
            ("Bearer ", None),
            ("Bearer a b", None),
            ("abc", None),
        ] {
            assert_eq!(bearer(&headers("authorization", value)).as_deref(), token, "{value}");
        }
        assert!(bearer(&headers("authorization", &format!("Bearer {}", "x".repeat(8 * 1024)))).is_some());
        assert!(bearer(&headers("authorization", &format!("Bearer {}", "x".repeat(8 * 1024 + 1)))).is_none());
    }

    #[test]
    fn a_purpose_is_an_hl7_code_or_a_clear_refusal() {
        assert_eq!(purpose(&HeaderMap::new()), Ok(None));
        assert_eq!(purpose(&headers("x-purpose-of-use", "ETREAT")), Ok(Some(Purpose::EmergencyTreat)));
        assert_eq!(purpose(&headers("x-purpose-of-use", "treat")).unwrap_err().status, 400);
    }
}
