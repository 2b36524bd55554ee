//! Who looks at a page, and in which language.

use super::Pages;
use super::failure::Failure;
use super::texts::Language;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use record::{Purpose, time};
use seal::message::{Asker, Proof, Who};

/// The cookie that holds the session's id. It is not the token: a cookie that leaks from a browser's disk opens nothing
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

/// Asks as this token's owner, for the purpose that the token allows.
pub async fn known(pages: &Pages, token: String) -> Result<(Asker, Who), crate::http::Problem> {
    let mut asker = Asker { proof: Proof::Bearer(token), purpose: Purpose::Treat, channel: "page".to_owned() };
    let who = pages.doors.authenticate(&asker).await?;
    asker.purpose = who.purpose;
    Ok((asker, who))
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
        let token = cookie(&parts.headers, SESSION_COOKIE).and_then(|id| pages.sessions.token(id, time::now()));
        let Some(token) = token else { return Err(Failure::sign_in(language)) };
        match known(pages, token).await {
            Ok((asker, who)) => Ok(Self { asker, who, language, here }),
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
