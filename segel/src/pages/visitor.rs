//! Who looks at a page, and in which language.

use super::Pages;
use super::failure::Failure;
use super::texts::Language;
use crate::http::Problem;
use crate::http::asker::{self, Caller};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use record::time;
use seal::message::{Asker, Proof, Who};

/// The cookie that holds the id of a session begun with a pasted token. A session begun with a passkey has none. It is not the token: a cookie that leaks from a browser's disk opens nothing
/// once the session has ended.
pub const SESSION_COOKIE: &str = "segel-session";
/// The cookie that holds the chosen language.
pub const LANGUAGE_COOKIE: &str = "segel-language";

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The language of a request: chosen, else what the browser prefers, else Indonesian.
pub fn language(headers: &HeaderMap) -> Language {
    cookie(headers, LANGUAGE_COOKIE).and_then(Language::of_code).unwrap_or_else(|| {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Browsers list by preference; weights only repeat the order.
        let codes = accepted.split(',').map(|item| item.split(['-', ';']).next().unwrap_or_default().trim());
        codes.filter_map(Language::of_code).next().unwrap_or(Language::Indonesian)
    })
}

/// Asks as whoever shows this proof, for the purpose that the token allows.
pub async fn known(pages: &Pages, proof: Proof) -> Result<Caller, Problem> {
    Caller::known(&pages.doors, proof, None, "page").await
}

/// What a page's request shows: the token and proof that the service worker added, or else a session begun with a pasted token.
fn shown(parts: &Parts, pages: &Pages) -> Option<Result<Proof, Problem>> {
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let shown = asker::of_request(&pages.doors, parts);
        return Some(shown.and_then(|proof| match proof {
            Proof::Bound { .. } => Ok(proof),
            // A browser shows none here, and what a program shows belongs to the doors for programs.
            _ => Err(Problem::unauthorized("The pages take a token with a proof of its key.")),
        }));
    }
    let session = cookie(&parts.headers, SESSION_COOKIE)?;
    pages.sessions.token(session, time::now()).map(|token| Ok(Proof::Bearer(token)))
}

/// Somebody signed in.
pub struct Visitor {
    /// What goes with every call to the archive.
    pub asker: Asker,
    /// As the key service knows it.
    pub who: Who,
    /// The language of the answer.
    pub language: Language,
    /// The path and query asked for, to come back to.
    pub here: String,
}

impl FromRequestParts<Pages> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Failure> {
        let language = language(&parts.headers);
        let here = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let by_worker = parts.headers.contains_key(header::AUTHORIZATION);
        let Some(shown) = shown(parts, pages) else { return Err(Failure::sign_in(language, &here)) };
        let known = match shown {
            Ok(proof) => known(pages, proof).await,
            Err(problem) => Err(problem),
        };
        match known {
            Ok(Caller { asker, who, .. }) => Ok(Self { asker, who, language, here }),
            // The service worker must hear it, to renew the token or to say that the session has ended.
            Err(problem) if by_worker => Err(Failure::said(problem, language)),
            Err(problem) => Err(Failure::of(problem, language)),
        }
    }
}

/// The language alone, for pages that anybody may see.
pub struct Guest(pub Language);

impl FromRequestParts<Pages> for Guest {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Pages) -> Result<Self, Self::Rejection> {
        Ok(Self(language(&parts.headers)))
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
    fn the_language_is_chosen_or_preferred_or_indonesian() {
        assert_eq!(language(&HeaderMap::new()), Language::Indonesian);
        assert_eq!(language(&headers("accept-language", "fr-FR, en-GB;q=0.8, id;q=0.5")), Language::English);
        assert_eq!(language(&headers("accept-language", "id-ID,en;q=0.5")), Language::Indonesian);
        assert_eq!(language(&headers("cookie", "a=b; segel-language=en")), Language::English);
    }
}
