//! How often one address may try to sign in. No passkey or key can be guessed; what this bounds is the work that a stranger
//! can make for the key service, and the noise in its log.

use super::denied::Denied;
use super::entrance::Entrance;
use crate::http::Connection;
use axum::extract::{Extension, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use record::limits::{SIGN_IN_ADDRESSES_MAX, SIGN_IN_MS_MAX, SIGN_INS_FAILED_PER_MINUTE_MAX, SIGN_INS_PER_MINUTE_MAX};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// What came from each address in its current minute.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<IpAddr, Count>>);

#[derive(Debug)]
struct Count {
    began: Instant,
    all: u32,
    failed: u32,
}

impl Attempts {
    /// Whether one more is let in. One that goes on with a session is not stopped by the failures of others at its address.
    fn enter(&self, from: IpAddr, goes_on: bool, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = whose(from);
        if !counts.contains_key(&from) && counts.len() >= SIGN_IN_ADDRESSES_MAX {
            counts.retain(|_, count| now.saturating_duration_since(count.began) < MINUTE);
            if counts.len() >= SIGN_IN_ADDRESSES_MAX {
                return false;
            }
        }
        let count = counts.entry(from).or_insert(Count { began: now, all: 0, failed: 0 });
        if now.saturating_duration_since(count.began) >= MINUTE {
            *count = Count { began: now, all: 0, failed: 0 };
        }
        if count.all >= SIGN_INS_PER_MINUTE_MAX || (!goes_on && count.failed >= SIGN_INS_FAILED_PER_MINUTE_MAX) {
            return false;
        }
        count.all += 1;
        true
    }

    fn failed(&self, from: IpAddr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&whose(from)) {
            count.failed += 1;
        }
    }
}

/// One household or machine has a /64 of IPv6 to itself (RFC 6177).
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        other => other,
    }
}

/// Where a request comes from: its connection's peer, or what a reverse proxy that the configuration names says last.
fn from(entrance: &Entrance, connection: Option<&Connection>, headers: &HeaderMap) -> IpAddr {
    let peer = connection.map_or(IpAddr::from([0; 4]), |connection| connection.peer.ip().to_canonical());
    if !entrance.proxies.contains(&peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").into_iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()).and_then(|list| list.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}

/// Counts a request before it is looked at, bounds its time, and remembers if it failed.
pub async fn limited(
    State(entrance): State<Entrance>,
    connection: Option<Extension<Connection>>,
    request: Request,
    next: Next,
) -> Response {
    let from = from(&entrance, connection.as_ref().map(|Extension(c)| c), request.headers());
    let goes_on = matches!(request.uri().path(), "/auth/renew" | "/auth/signout");
    if !entrance.attempts.enter(from, goes_on, Instant::now()) {
        return Denied::often().into_response();
    }
    let answered = tokio::time::timeout(Duration::from_millis(SIGN_IN_MS_MAX), next.run(request)).await;
    let response = answered.unwrap_or_else(|_| Denied::away("It took too long.").into_response());
    if Denied::is_failed_attempt(response.status()) {
        entrance.attempts.failed(from);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn so_many_a_minute_are_let_in_and_no_more() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..SIGN_INS_PER_MINUTE_MAX {
            assert!(attempts.enter(HERE, false, now));
        }
        assert!(!attempts.enter(HERE, false, now) && !attempts.enter(HERE, true, now));
        assert!(attempts.enter(IpAddr::from([10, 0, 0, 1]), false, now), "another address");
        assert!(attempts.enter(HERE, false, now + MINUTE), "another minute");
    }

    #[test]
    fn failures_stop_further_attempts_and_no_session_that_goes_on() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..SIGN_INS_FAILED_PER_MINUTE_MAX {
            assert!(attempts.enter(HERE, false, now));
            attempts.failed(HERE);
        }
        assert!(!attempts.enter(HERE, false, now));
        assert!(attempts.enter(HERE, true, now));
    }

    #[test]
    fn the_table_of_addresses_has_an_end() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let nth = |number: usize| IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
        for number in 0..SIGN_IN_ADDRESSES_MAX {
            assert!(attempts.enter(nth(number), false, now));
        }
        assert!(!attempts.enter(nth(SIGN_IN_ADDRESSES_MAX), false, now));
        assert!(attempts.enter(nth(SIGN_IN_ADDRESSES_MAX), false, now + MINUTE));
        assert_eq!(attempts.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one() {
        let whose = |text: &str| whose(text.parse().unwrap()).to_string();
        assert_eq!(whose("2001:db8:1:2:3:4:5:6"), whose("2001:db8:1:2::"));
        assert_ne!(whose("2001:db8:1:3::1"), whose("2001:db8:1:2::1"));
        assert_eq!(whose("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
