//! What colluders may do with their copies, as chances: for every way, how likely a row shows a one.
//!
//! A channel is a guess. A wrong one finds fewer colluders and accuses no more innocents.

use super::code::probability;
use super::leak::Leak;
use crate::tail::{amount, ln_gamma};

/// How people who hold different copies choose what to show where these differ. Where all agree, they show that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Somebody's, by lot.
    Interleaving,
    /// What most have.
    Majority,
    /// What fewest have.
    Minority,
    /// Either, by a coin.
    Coin,
    /// A one.
    Ones,
    /// A zero.
    Zeros,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Interleaving, Self::Majority, Self::Minority, Self::Coin, Self::Ones, Self::Zeros];

    /// The chance that a one is shown where `ones` of `copies` have one.
    #[must_use]
    pub fn shows_one(self, ones: u32, copies: u32) -> f64 {
        if ones == 0 {
            return 0.0;
        }
        if ones >= copies {
            return 1.0;
        }
        let most = match (2 * ones).cmp(&copies) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 1.0,
        };
        match self {
            Self::Interleaving => f64::from(ones) / f64::from(copies),
            Self::Majority => most,
            Self::Minority => 1.0 - most,
            Self::Coin => 0.5,
            Self::Ones => 1.0,
            Self::Zeros => 0.0,
        }
    }
}

/// An attack by so many, after which a part of the rows shows bits by lot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// What they do.
    pub attack: Attack,
    /// How many they are.
    pub copies: u32,
    /// The part that is destroyed.
    pub noise: f64,
}

/// The sizes of coalitions that are tried.
const COPIES: [u32; 10] = [1, 2, 3, 4, 5, 7, 10, 14, 20, 30];
const NOISE: [f64; 8] = [0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9];
/// How many channels are scored: each has to be paid for, like each suspect.
const BANK: usize = 8;
/// Channels as likely as the best but for this much are kept, as what the sample shows without any suspect tells little of how
/// many they were.
const AS_LIKELY: f64 = 4.0;

impl Channel {
    /// The chance that a row shows a one, if of the colluders `known` copies are known to have `ones` ones there and the
    /// others have one with probability `bias` each.
    #[must_use]
    pub fn shows_one(&self, bias: f64, ones: u32, known: u32) -> f64 {
        let others = self.copies.saturating_sub(known);
        let mut sum = 0.0;
        for more in 0..=others {
            sum += binomial(others, more, bias) * self.attack.shows_one(ones + more, self.copies.max(known));
        }
        (1.0 - self.noise) * sum + self.noise / 2.0
    }

    /// The channels to look for suspects by: those under which what the sample shows is likely. This looks at the sample and
    /// the biases alone, and at nobody's marks but those of who is named already, so the choice tells nothing of an innocent.
    pub(super) fn bank(leak: &Leak, known: &Known) -> Vec<Self> {
        let mut channels = Vec::new();
        for attack in Attack::ALL {
            for copies in COPIES.into_iter().filter(|copies| *copies > known.copies) {
                let of_noise = NOISE.map(|noise| Self { attack, copies, noise });
                let likely = of_noise.map(|channel| (channel, channel.ln_likelihood(leak, known)));
                channels.extend(likely.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)));
            }
        }
        channels.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = channels.first().map_or(0.0, |(_, likelihood)| *likelihood);
        channels.retain(|(_, likelihood)| best - likelihood <= AS_LIKELY);
        spread(channels.into_iter().map(|(channel, _)| channel).collect())
    }

    fn ln_likelihood(&self, leak: &Leak, known: &Known) -> f64 {
        let groups = leak.groups.iter().zip(&known.rows);
        groups
            .flat_map(|(group, rows)| {
                (0..).zip(rows).map(|(ones, count)| {
                    let one = self.shows_one(probability(group.level), ones, known.copies);
                    amount(*count) * if group.bit { one } else { 1.0 - one }.ln()
                })
            })
            .sum()
    }
}

/// What is known of colluders who are named already: for each group of the sample, how many rows have none, one, two .. of
/// their ones.
pub(super) struct Known {
    pub copies: u32,
    pub rows: Vec<Vec<u64>>,
}

/// Where more are likely than can be scored, every so many of them in order of the attack and size.
fn spread(mut channels: Vec<Channel>) -> Vec<Channel> {
    let order = |channel: &Channel| Attack::ALL.iter().position(|attack| *attack == channel.attack);
    channels.sort_by_key(|channel| (order(channel), channel.copies));
    let count = channels.len();
    let taken = count.min(BANK);
    (0..taken).filter_map(|nth| channels.get((2 * nth + 1) * count / (2 * taken)).copied()).collect()
}

fn binomial(trials: u32, hits: u32, probability: f64) -> f64 {
    let (n, k) = (f64::from(trials), f64::from(hits));
    let ln_choose = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
    (ln_choose + k * probability.ln() + (n - k) * (1.0 - probability).ln()).exp()
}
