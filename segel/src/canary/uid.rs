//! UIDs like those that a sender gives: its root, its length, another number.

use crate::demo::world::random::Random;
use std::collections::HashMap;

/// New UIDs for old ones, the same for the same.
pub struct Uids {
    random: Random,
    made: HashMap<String, String>,
}

impl Uids {
    pub fn new(random: Random) -> Self {
        Self { random, made: HashMap::new() }
    }

    /// The new UID of an old one.
    pub fn of(&mut self, old: &str) -> String {
        if let Some(made) = self.made.get(old) {
            return made.clone();
        }
        // What the old one begins with may have been renewed: the instance's UID often contains its study's.
        let renewed = self
            .made
            .iter()
            .filter(|(before, _)| old.strip_prefix(before.as_str()).is_some_and(|rest| rest.starts_with('.')));
        let made = match renewed.max_by_key(|(before, _)| before.len()) {
            Some((before, after)) => format!("{after}{}", old.strip_prefix(before.as_str()).unwrap_or_default()),
            None => self.renew(old),
        };
        self.made.insert(old.to_owned(), made.clone());
        made
    }

    /// Another number in the longest component: the root of an organisation has short ones, what is counted or drawn has
    /// long ones.
    fn renew(&mut self, old: &str) -> String {
        let mut parts: Vec<String> = old.split('.').map(str::to_owned).collect();
        let longest = parts.iter().enumerate().skip(2).max_by_key(|(at, part)| (part.len(), *at)).map(|(at, _)| at);
        if let Some(part) = longest.and_then(|at| parts.get_mut(at)) {
            // The first half stays: where it is a date or a device, it stays one.
            let kept = if part.len() >= 12 { part.len() / 2 } else { 1 };
            let digits = self.random.digits(part.len().saturating_sub(kept).max(4));
            *part = format!("{}{digits}", part.get(..kept).unwrap_or("1"));
        }
        let uid = parts.join(".");
        uid.get(..64).map_or(uid.clone(), |cut| cut.trim_end_matches('.').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_uids_look_like_the_old_ones_and_hang_together() {
        let mut uids = Uids::new(Random::new(3));
        for old in
            ["2.25.329800735698586629295641978511506172918", "1.2.840.113619.2.55.3.604688119.971.1763800000.123"]
        {
            let new = uids.of(old);
            assert!(new != old && new.len() == old.len() && wire::uid::is_uid(&new), "{new}");
            assert_eq!(new, uids.of(old));
            assert_eq!(new.split('.').count(), old.split('.').count());
        }
        let study = uids.of("1.2.826.0.1.3680043.8.498.777777");
        let instance = uids.of("1.2.826.0.1.3680043.8.498.777777.1.2");
        assert_eq!(instance, format!("{study}.1.2"));
    }
}
