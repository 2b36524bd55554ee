//! Failed proofs of identity, logged up to a rate. A stranger who only knocks must not be able to fill the disk.

use crate::audit::{Action, Decision, Event};
use crate::authenticate::{Presented, Unknown};
use crate::issuer::Flaw;
use record::Micros;
use record::limits::FAILED_PROOFS_LOGGED_PER_MINUTE;

const MINUTE_MICROS: Micros = 60_000_000;
/// Bytes of a stranger's AE title that are worth writing down (PS3.5 6.2).
const AE_TITLE_CHARS_MAX: usize = 16;

/// How many were logged in this minute, and how many since were only counted.
#[derive(Debug, Default)]
pub struct FailedProofs {
    minute: Micros,
    logged: u32,
    suppressed: u64,
}

impl FailedProofs {
    /// The event of one failure; `None` if enough were logged in this minute. The next event states how many were not.
    pub fn event(&mut self, presented: &Presented, unknown: Unknown, channel: &str, now: Micros) -> Option<Event> {
        let rest = self.admit(now)?;
        let mut detail = unknown.text().to_owned();
        let mut actor = None;
        match presented {
            Presented::Token(claims) => actor = Some(claims.sub.clone()),
            Presented::Bound(claims, ..) => actor = Some(claims.sub.clone()),
            Presented::Peer { ae_title, .. } => {
                detail.push_str(": ");
                detail.extend(ae_title.chars().take(AE_TITLE_CHARS_MAX));
            }
            Presented::Planting { .. } | Presented::Flawed(_) => {}
        }
        detail.push_str(&rest);
        let event = Event {
            actor,
            channel: Some(channel.to_owned()),
            ..Event::new(now, Action::Authenticate, unknown.decision())
        };
        Some(event.detailed(detail))
    }

    /// The event of a sign-in that proved nothing, as [`Self::event`].
    pub fn sign_in(&mut self, kind: &str, flaw: Flaw, now: Micros) -> Option<Event> {
        let rest = self.admit(now)?;
        let event =
            Event { channel: Some("sign-in".into()), ..Event::new(now, Action::SignIn, Decision::RefusedProof) };
        Some(event.detailed(format!("{kind}: {}{rest}", flaw.text())))
    }

    /// Whether one more is logged in this minute, and then what to say of those that were not.
    fn admit(&mut self, now: Micros) -> Option<String> {
        let minute = now.div_euclid(MINUTE_MICROS);
        if minute != self.minute {
            (self.minute, self.logged) = (minute, 0);
        }
        if self.logged >= FAILED_PROOFS_LOGGED_PER_MINUTE {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.logged += 1;
        Some(self.rest().map(|rest| format!("; {rest}")).unwrap_or_default())
    }

    /// What to say of those that were only counted; afterwards they are said.
    pub fn rest(&mut self) -> Option<String> {
        let count = std::mem::take(&mut self.suppressed);
        (count > 0).then(|| format!("{count} more failed proofs were not logged one by one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_logged_up_to_the_limit_and_then_counted() {
        let mut failed = FailedProofs::default();
        let mut knock =
            |now| failed.event(&Presented::Flawed(Unknown::ForeignToken), Unknown::ForeignToken, "dicomweb", now);
        for n in 0..FAILED_PROOFS_LOGGED_PER_MINUTE {
            assert!(knock(i64::from(n)).is_some());
        }
        for _ in 0..1_000 {
            assert!(knock(MINUTE_MICROS - 1).is_none());
        }
        let next = knock(MINUTE_MICROS).unwrap();
        assert!(next.detail.unwrap().contains("1000 more"));
        assert!(!knock(MINUTE_MICROS).unwrap().detail.unwrap().contains("more"));
    }

    #[test]
    fn a_strangers_title_is_cut() {
        let mut failed = FailedProofs::default();
        let presented = Presented::Peer { ae_title: "x".repeat(10_000), certificate: None };
        let event = failed.event(&presented, Unknown::Peer, "dimse", 0).unwrap();
        assert!(event.detail.unwrap().len() < 100);
    }
}
