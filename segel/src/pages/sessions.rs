//! Who is signed in: random ids in cookies, tokens in memory. A restart signs everybody out.

use aws_lc_rs::rand;
use record::{Micros, time};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECOND: Micros = 1_000_000;
/// A one-time link opens for this long.
const LINK_MICROS: Micros = 10 * 60 * SECOND;
/// A session ends after a working day, whatever its token says.
const SESSION_MICROS: Micros = 12 * 60 * 60 * SECOND;
/// Sessions at one time; a hospital group's reading rooms stay far below. The oldest gives way.
const SESSIONS_MAX: usize = 10_000;
/// Unused links at one time.
const LINKS_MAX: usize = 100;

/// Sessions and one-time links. Clones share them.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    sessions: HashMap<String, Held>,
    links: HashMap<String, Held>,
}

/// A token until a time.
struct Held {
    token: String,
    until: Micros,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions(#)")
    }
}

impl Sessions {
    /// A code for `/signin/{code}` that signs its first user in with `token`, within ten minutes. Empty, and good for
    /// nothing, if the system has no randomness to give.
    #[must_use]
    pub fn link(&self, token: &str) -> String {
        let code = random_id().unwrap_or_default();
        if !code.is_empty() {
            let now = time::now();
            insert(
                &mut self.tables().links,
                LINKS_MAX,
                code.clone(),
                Held { token: token.to_owned(), until: now + LINK_MICROS },
                now,
            );
        }
        code
    }

    /// The token behind a link, once.
    pub(super) fn redeem(&self, code: &str, now: Micros) -> Option<String> {
        self.tables().links.remove(code).filter(|held| held.until > now).map(|held| held.token)
    }

    /// Begins a session; its id goes into the cookie.
    pub(super) fn open(&self, token: String, expires: Option<Micros>, now: Micros) -> Option<String> {
        let id = random_id()?;
        let until = expires.unwrap_or(Micros::MAX).min(now + SESSION_MICROS);
        insert(&mut self.tables().sessions, SESSIONS_MAX, id.clone(), Held { token, until }, now);
        Some(id)
    }

    /// The token of a session.
    pub(super) fn token(&self, id: &str, now: Micros) -> Option<String> {
        self.tables().sessions.get(id).filter(|held| held.until > now).map(|held| held.token.clone())
    }

    /// Ends a session.
    pub(super) fn close(&self, id: &str) {
        self.tables().sessions.remove(id);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Nothing between lock and unlock can leave the tables half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(table: &mut HashMap<String, Held>, max: usize, id: String, held: Held, now: Micros) {
    if table.len() >= max {
        table.retain(|_, held| held.until > now);
    }
    if table.len() >= max
        && let Some(oldest) = table.iter().min_by_key(|(_, held)| held.until).map(|(id, _)| id.clone())
    {
        table.remove(&oldest);
    }
    table.insert(id, held);
}

/// 256 random bits; nobody guesses one.
fn random_id() -> Option<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok()?;
    Some(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once_and_not_too_late() {
        let sessions = Sessions::default();
        let code = sessions.link("token");
        assert_eq!(code.len(), 64);
        assert_eq!(sessions.redeem("other", time::now()), None);
        assert_eq!(sessions.redeem(&code, time::now()).as_deref(), Some("token"));
        assert_eq!(sessions.redeem(&code, time::now()), None);
        let late = sessions.link("token");
        assert_eq!(sessions.redeem(&late, time::now() + LINK_MICROS + SECOND), None);
    }

    #[test]
    fn a_session_ends_with_its_token_or_the_day_or_by_hand() {
        let sessions = Sessions::default();
        let short = sessions.open("a".to_owned(), Some(5), 0).unwrap();
        assert_eq!((sessions.token(&short, 4).as_deref(), sessions.token(&short, 5)), (Some("a"), None));
        let long = sessions.open("b".to_owned(), None, 0).unwrap();
        assert_eq!(
            (sessions.token(&long, SESSION_MICROS - 1).as_deref(), sessions.token(&long, SESSION_MICROS)),
            (Some("b"), None)
        );
        sessions.close(&long);
        assert_eq!(sessions.token(&long, 0), None);
    }

    #[test]
    fn unused_links_are_bounded() {
        let sessions = Sessions::default();
        let codes: Vec<String> = (0..=LINKS_MAX).map(|_| sessions.link("t")).collect();
        let kept = codes.iter().filter(|code| sessions.redeem(code, time::now()).is_some()).count();
        assert_eq!(kept, LINKS_MAX);
    }
}
