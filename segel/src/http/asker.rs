//! Who asks. A program or the pages' own service worker shows a token in the `Authorization` header, as `Bearer` (RFC 6750) or as
//! `DPoP` with a proof that it holds the token's key (RFC 9449). The doors for programs take no cookie, or any web site that
//! a browser visits could drive them.
//!
//! Nothing is verified here: the key service holds token and proof against the method and the address of this request.

use super::problem::Problem;
use super::server::Connection;
use super::state::Doors;
use super::under_way::UnderWay;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use record::Purpose;
use record::limits::DPOP_BYTES_MAX;
use seal::message::{Asker, Proof, Who};

/// A token that the key service signed is far shorter.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The header that carries a proof (RFC 9449 4.1).
pub const DPOP: HeaderName = HeaderName::from_static("dpop");

/// An asker whom the key service knows.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What goes with every call to the archive.
    pub asker: Asker,
    /// As the key service knows it.
    pub who: Who,
    /// Its request, if it may take longer than a moment: under way while this lives.
    pub _under_way: Option<UnderWay>,
}

/// What an `Authorization` header shows.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    /// RFC 6750 2.1.
    Bearer(String),
    /// RFC 9449 7.1.
    Bound { token: String, proof: String },
}

fn shown(headers: &HeaderMap) -> Option<Shown> {
    let (scheme, token) = only(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let token = token.trim();
    if !well_formed(token, TOKEN_BYTES_MAX) {
        return None;
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Shown::Bearer(token.to_owned()));
    }
    let proof = proof(headers).filter(|_| scheme.eq_ignore_ascii_case("dpop"))?;
    Some(Shown::Bound { token: token.to_owned(), proof })
}

/// The proof of a request, if there is exactly one (RFC 9449 4.3).
pub fn proof(headers: &HeaderMap) -> Option<String> {
    only(headers, &DPOP).filter(|proof| well_formed(proof, DPOP_BYTES_MAX)).map(str::to_owned)
}

/// The value of a header that stands there once: of two nobody knows which one somebody else looked at.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn well_formed(text: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The purpose that the header `X-Purpose-Of-Use` names, if any.
fn purpose(headers: &HeaderMap) -> Result<Option<Purpose>, Problem> {
    let Some(value) = headers.get("x-purpose-of-use") else { return Ok(None) };
    let code = value.to_str().unwrap_or_default().trim();
    Purpose::from_code(code)
        .map(Some)
        .ok_or_else(|| Problem::bad_request("X-Purpose-Of-Use is not a PurposeOfUse code that is known here."))
}

/// What a request shows of who asks, bound to this very request where it can be.
pub fn of_request(doors: &Doors, parts: &Parts) -> Result<Proof, Problem> {
    match shown(&parts.headers) {
        Some(Shown::Bearer(token)) => Ok(Proof::Bearer(token)),
        Some(Shown::Bound { token, proof }) => {
            let connection = parts.extensions.get::<Connection>();
            let uri = doors.signed_uri(&parts.headers, &parts.uri, connection)?;
            Ok(Proof::Bound { token, proof, method: parts.method.as_str().to_owned(), uri })
        }
        None => Err(Problem::unauthorized("A token is needed: Authorization: Bearer, or DPoP with its proof.")),
    }
}

impl Caller {
    /// Whoever sent this request, at the door `channel`. Asked before a byte of a body is read, so that nobody
    /// unknown can make the archive work.
    pub async fn of_program(doors: &Doors, parts: &Parts, channel: &str) -> Result<Self, Problem> {
        let proof = of_request(doors, parts)?;
        let caller = Self::known(doors, proof, purpose(&parts.headers)?, channel).await?;
        Ok(Self { _under_way: UnderWay::begin(doors, &caller.asker), ..caller })
    }

    /// Whoever shows this proof, at the door `channel`, for a purpose or else the one that the token names.
    pub async fn known(doors: &Doors, proof: Proof, purpose: Option<Purpose>, channel: &str) -> Result<Self, Problem> {
        let mut asker = Asker { proof, purpose: purpose.unwrap_or(Purpose::Treat), channel: channel.to_owned() };
        let who = doors.authenticate(&asker).await?;
        if purpose.is_none() {
            asker.purpose = who.purpose;
        }
        Ok(Self { asker, who, _under_way: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn bearer(token: &str) -> Option<Shown> {
        Some(Shown::Bearer(token.to_owned()))
    }

    #[test]
    fn a_token_is_taken_from_the_authorization_header_alone() {
        for (value, token) in [
            ("Bearer abc.def", bearer("abc.def")),
            ("bearer abc", bearer("abc")),
            ("Basic abc", None),
            ("Bearer ", None),
            ("Bearer a b", None),
            ("abc", None),
            ("DPoP abc", None),
        ] {
            assert_eq!(shown(&headers(&[("authorization", value)])), token, "{value}");
        }
        assert!(shown(&headers(&[("authorization", &format!("Bearer {}", "x".repeat(8 * 1024)))])).is_some());
        assert!(shown(&headers(&[("authorization", &format!("Bearer {}", "x".repeat(8 * 1024 + 1)))])).is_none());
    }

    #[test]
    fn a_bound_token_comes_with_exactly_one_proof_and_a_bearer_token_never_gains_one() {
        let bound = Some(Shown::Bound { token: "t".to_owned(), proof: "p".to_owned() });
        let token = ("authorization", "DPoP t");
        assert_eq!(shown(&headers(&[token, ("dpop", "p")])), bound);
        assert_eq!(shown(&headers(&[("authorization", "dpop t"), ("dpop", "p")])), bound);
        assert_eq!(shown(&headers(&[token, ("dpop", "p"), ("dpop", "p")])), None);
        assert_eq!(shown(&headers(&[token, ("dpop", "")])), None);
        assert_eq!(shown(&headers(&[token, ("dpop", "a b")])), None);
        assert_eq!(shown(&headers(&[token, token, ("dpop", "p")])), None);
        assert_eq!(shown(&headers(&[("authorization", "Bearer t"), ("dpop", "p")])), bearer("t"));
        for (length, is_taken) in [(DPOP_BYTES_MAX, true), (DPOP_BYTES_MAX + 1, false)] {
            assert_eq!(shown(&headers(&[token, ("dpop", &"p".repeat(length))])).is_some(), is_taken, "{length}");
        }
    }

    #[test]
    fn a_purpose_is_an_hl7_code_or_a_clear_refusal() {
        assert_eq!(purpose(&HeaderMap::new()), Ok(None));
        assert_eq!(purpose(&headers(&[("x-purpose-of-use", "ETREAT")])), Ok(Some(Purpose::EmergencyTreat)));
        assert_eq!(purpose(&headers(&[("x-purpose-of-use", "treat")])).unwrap_err().status, 400);
    }
}
