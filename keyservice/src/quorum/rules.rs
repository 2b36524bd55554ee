//! The rules: how many approve what, and what waits how long.

use crate::error::{Error, Result};
use seal::message::quorum::{Kind, Rule};
use serde::Deserialize;
use std::collections::BTreeMap;

const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;
/// The longest delay and the longest time open: what nobody remembers proposing should not come into force.
const SECONDS_MAX: u32 = 30 * DAY;
/// More people than this are never found within the time that a proposal is open.
const APPROVALS_MAX: u8 = 16;

/// The section `[quorum]`: a table for each kind whose rule is not the usual one. It counts until there have been two approvers;
/// from then on the rules are part of the state, and changing one takes a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    /// Rules by the kind's name.
    pub rules: BTreeMap<String, RuleSettings>,
}

/// One rule's settings; what is absent is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Different people who must approve.
    pub approvals: Option<u8>,
    /// Seconds between the last approval and the enactment.
    pub delay_seconds: Option<u32>,
    /// Seconds that a proposal stays open.
    pub open_seconds: Option<u32>,
}

/// The rule of a kind where nothing else is set.
#[must_use]
pub fn usual(kind: Kind) -> Rule {
    let (delay_seconds, open_seconds) = match kind {
        // Rules for everybody, the root and the approvers: four hours are a shift in which somebody notices a proposal that a
        // stolen key approved, and rejects it. A week finds people who are on leave.
        Kind::Settings | Kind::Root | Kind::Approvers => (4 * HOUR, 7 * DAY),
        // A new doctor begins work today: two people are enough, and whoever was let in wrongly is removed by one.
        Kind::Access => (0, 3 * DAY),
        // A name answers a case that is under way.
        Kind::Name => (0, DAY),
        // What a hold keeps is lost for good once it ends.
        Kind::Hold => (HOUR, 7 * DAY),
        // Ten minutes in which a third person may stop it; a day, because the selection describes the archive of that day.
        Kind::Export => (10 * MINUTE, DAY),
    };
    Rule { kind, approvals: 2, delay_seconds, open_seconds }
}

/// Whether a rule can be one.
///
/// # Errors
/// Invalid for fewer than two approvals, or times beyond the longest.
pub fn check(rule: &Rule) -> Result<()> {
    if !(2..=APPROVALS_MAX).contains(&rule.approvals) {
        return Err(Error::invalid("a rule needs 2 to 16 approvals"));
    }
    if rule.delay_seconds > SECONDS_MAX || !(1..=SECONDS_MAX).contains(&rule.open_seconds) {
        return Err(Error::invalid("a rule's delay is at most 30 days, and a proposal is open for 1 s to 30 days"));
    }
    if rule.delay_seconds >= rule.open_seconds {
        return Err(Error::invalid("a rule's delay must end before its proposals do"));
    }
    Ok(())
}

impl Settings {
    /// Every kind's rule.
    ///
    /// # Errors
    /// Invalid for a kind that is none, or a rule that cannot be.
    pub fn rules(&self) -> Result<Vec<Rule>> {
        if let Some(name) = self.rules.keys().find(|name| !Kind::ALL.iter().any(|(_, known)| known == name)) {
            return Err(Error::invalid(format!("[quorum] has no kind {name}")));
        }
        let rules: Vec<Rule> = Kind::ALL
            .iter()
            .map(|(kind, name)| {
                let set = self.rules.get(*name).copied().unwrap_or_default();
                let usual = usual(*kind);
                Rule {
                    approvals: set.approvals.unwrap_or(usual.approvals),
                    delay_seconds: set.delay_seconds.unwrap_or(usual.delay_seconds),
                    open_seconds: set.open_seconds.unwrap_or(usual.open_seconds),
                    ..usual
                }
            })
            .collect();
        rules.iter().try_for_each(check)?;
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_never_enough() {
        for (text, is_right) in [
            ("", true),
            ("[export]\napprovals = 3\ndelay_seconds = 0\n", true),
            ("[export]\napprovals = 1\n", false),
            ("[export]\napprovals = 0\n", false),
            ("[export]\napprovals = 17\n", false),
            ("[export]\nopen_seconds = 600\n", false),
            ("[export]\ndelay_seconds = 86400\n", false),
            ("[export]\ndelay_seconds = 86399\n", true),
            ("[everything]\napprovals = 2\n", false),
        ] {
            let rules = toml::from_str::<Settings>(text).unwrap().rules();
            assert_eq!(rules.is_ok(), is_right, "{text}");
        }
        assert!(toml::from_str::<Settings>("[export]\ncolour = 1\n").is_err());
        assert!(Kind::ALL.iter().all(|(kind, _)| check(&usual(*kind)).is_ok()));
    }
}
