//! Whose copies a sample was made of.

use super::channel::{Channel, Known};
use super::code::{DisclosureKey, probability};
use super::leak::Leak;
use crate::tail::{Steps, amount, ln_chernoff};
use aws_lc_rs::error::Unspecified;
use roaring::RoaringBitmap;

/// After so many rounds of naming nobody new is looked for.
const ROUNDS: u32 = 16;

/// A disclosure that may have been leaked.
pub struct Suspect {
    /// The key of its marks.
    pub key: DisclosureKey,
    /// The numbers of the records that it held; `None` if it held them all.
    pub received: Option<RoaringBitmap>,
}

/// What the bits say of one suspect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Named {
    /// Its place among the suspects.
    pub suspect: usize,
    /// The logarithm of the bound on the probability that an innocent looks like this, times everything that was tried.
    pub ln_bound: f64,
    /// In which round it was found; later rounds know who was found before.
    pub round: u32,
}

/// What the bits say.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Who is named, in order of being found.
    pub named: Vec<Named>,
    /// The best that anybody not named came to, as `ln_bound`.
    pub next: Option<Named>,
    /// Suspects whose bits were compared.
    pub suspects: usize,
    /// The channels of the first round.
    pub channels: Vec<Channel>,
}

/// Names suspects such that the probability of naming any innocent one is at most e^`ln_family`, whatever was done to the
/// sample: Chernoff's bound on the score of an innocent, given the sample, times all suspects, scores and rounds.
///
/// # Errors
/// If the cipher fails.
pub fn accuse(leak: &Leak, suspects: &[Suspect], ln_family: f64) -> Result<Verdict, Unspecified> {
    let bits: Result<Vec<Bits>, _> = suspects.iter().map(|suspect| Bits::of(leak, suspect)).collect();
    let bits = bits?;
    let mut verdict = Verdict { suspects: suspects.len(), ..Verdict::default() };
    let tried = amount(u64::try_from(suspects.len()).unwrap_or(u64::MAX)).ln();
    for round in 0..ROUNDS {
        let known: Vec<usize> = verdict.named.iter().map(|named| named.suspect).collect();
        let scores = Scores::new(leak, &known.iter().filter_map(|place| bits.get(*place)).collect::<Vec<_>>());
        if round == 0 {
            verdict.channels.clone_from(&scores.channels);
        }
        // Half of what may go wrong is spent on the first round, a quarter on the second.
        let paid = tried + f64::from(round + 1) * std::f64::consts::LN_2;
        let others = bits.iter().enumerate().filter(|(place, _)| !known.contains(place));
        let mut found: Vec<Named> =
            others.map(|(suspect, bits)| Named { suspect, ln_bound: scores.ln_bound(bits) + paid, round }).collect();
        found.sort_by(|a, b| a.ln_bound.total_cmp(&b.ln_bound));
        let count = found.iter().take_while(|named| named.ln_bound <= ln_family).count();
        verdict.next = found.get(count).copied();
        verdict.named.extend(found.into_iter().take(count));
        if count == 0 {
            break;
        }
    }
    Ok(verdict)
}

/// A suspect's bits in the rows of each group; `None` where it did not have the row.
struct Bits(Vec<Vec<Option<bool>>>);

impl Bits {
    fn of(leak: &Leak, suspect: &Suspect) -> Result<Self, Unspecified> {
        let groups = leak.groups.iter().map(|group| {
            let ones = suspect.key.ones(&group.records, group.level)?;
            let has = |ordinal: &u32| suspect.received.as_ref().is_none_or(|received| received.contains(*ordinal));
            Ok(group.ordinals.iter().zip(ones).map(|(ordinal, one)| has(ordinal).then_some(one)).collect())
        });
        groups.collect::<Result<_, _>>().map(Self)
    }
}

/// What a row adds to a score by its suspect's bit.
#[derive(Clone, Copy, Debug)]
struct Weight {
    one: f64,
    zero: f64,
}

/// The scores of one round: for each of them, each group, and each number of known colluders who have a one, the weight of a row.
struct Scores<'l> {
    leak: &'l Leak,
    channels: Vec<Channel>,
    weights: Vec<Vec<Vec<Weight>>>,
    /// For each row, how many of the known colluders have a one there.
    known_ones: Vec<Vec<u32>>,
    known: u32,
}

impl<'l> Scores<'l> {
    fn new(leak: &'l Leak, colluders: &[&Bits]) -> Self {
        let known = u32::try_from(colluders.len()).unwrap_or(u32::MAX);
        let known_ones = known_ones(leak, colluders);
        let rows = known_ones.iter().map(|group| (0..=known).map(|ones| count(group, ones)).collect()).collect();
        let channels = Channel::bank(leak, &Known { copies: known, rows });
        let mut weights: Vec<_> = channels.iter().map(|channel| likelihood_ratios(leak, channel, known)).collect();
        weights.push(symmetric(leak, known));
        Self { leak, channels, weights, known_ones, known }
    }

    /// The logarithm of the bound on an innocent's having any of the scores that this suspect has.
    fn ln_bound(&self, bits: &Bits) -> f64 {
        let cells = self.cells(bits);
        let best = self.weights.iter().map(|weights| self.ln_by_score(weights, &cells)).fold(0.0, f64::min);
        best + amount(u64::try_from(self.weights.len()).unwrap_or(u64::MAX)).ln()
    }

    /// Rows and ones of a suspect, by group and by how many of the known colluders have a one.
    fn cells(&self, bits: &Bits) -> Vec<Vec<(u64, u64)>> {
        let groups = bits.0.iter().zip(&self.known_ones);
        groups
            .map(|(bits, known_ones)| {
                let mut cells = vec![(0, 0); usize::try_from(self.known).unwrap_or_default() + 1];
                for (bit, ones) in bits.iter().zip(known_ones) {
                    let cell = usize::try_from(*ones).ok().and_then(|ones| cells.get_mut(ones));
                    if let (Some(bit), Some((rows, hits))) = (bit, cell) {
                        *rows += 1;
                        *hits += u64::from(*bit);
                    }
                }
                cells
            })
            .collect()
    }

    fn ln_by_score(&self, weights: &[Vec<Weight>], cells: &[Vec<(u64, u64)>]) -> f64 {
        let (mut steps, mut score, mut mean, mut variance) = (Vec::new(), 0.0, 0.0, 0.0);
        for ((group, weights), cells) in self.leak.groups.iter().zip(weights).zip(cells) {
            let bias = probability(group.level);
            for (weight, (rows, ones)) in weights.iter().zip(cells) {
                let (rows, ones) = (amount(*rows), amount(*ones));
                score += ones * weight.one + (rows - ones) * weight.zero;
                mean += rows * (bias * weight.one + (1.0 - bias) * weight.zero);
                variance += rows * bias * (1.0 - bias) * (weight.one - weight.zero).powi(2);
                steps.push(Steps { count: rows, probability: bias, with: weight.one, without: weight.zero });
            }
        }
        // What is within three deviations of an innocent's is not worth a bound.
        if score <= mean + 3.0 * variance.sqrt() { 0.0 } else { ln_chernoff(&steps, score) }
    }
}

fn count(ones_of_rows: &[u32], ones: u32) -> u64 {
    ones_of_rows.iter().filter(|of_row| **of_row == ones).fold(0, |sum, _| sum + 1)
}

fn known_ones(leak: &Leak, colluders: &[&Bits]) -> Vec<Vec<u32>> {
    let mut known: Vec<Vec<u32>> = leak.groups.iter().map(|group| vec![0; group.records.len()]).collect();
    for Bits(groups) in colluders {
        for (known, bits) in known.iter_mut().zip(groups) {
            for (ones, bit) in known.iter_mut().zip(bits) {
                *ones += u32::from(bit.unwrap_or_default());
            }
        }
    }
    known
}

/// By how much likelier a row is if the suspect is a colluder: its mean over an innocent's bits is one, for each row.
fn likelihood_ratios(leak: &Leak, channel: &Channel, known: u32) -> Vec<Vec<Weight>> {
    let groups = leak.groups.iter();
    groups
        .map(|group| {
            let bias = probability(group.level);
            (0..=known)
                .map(|ones| {
                    let shown = |one: f64| if group.bit { one } else { 1.0 - one };
                    let alone = shown(channel.shows_one(bias, ones, known)).ln();
                    let with = |own: u32| shown(channel.shows_one(bias, ones + own, known + 1)).ln() - alone;
                    Weight { one: with(1), zero: with(0) }
                })
                .collect()
        })
        .collect()
}

/// The score of Skoric, Katzenbeisser and Celik (2008), which is as good whatever the colluders did.
fn symmetric(leak: &Leak, known: u32) -> Vec<Vec<Weight>> {
    let groups = leak.groups.iter();
    groups
        .map(|group| {
            let odds = ((1.0 - probability(group.level)) / probability(group.level)).sqrt();
            let sign = if group.bit { 1.0 } else { -1.0 };
            (0..=known).map(|_| Weight { one: sign * odds, zero: -sign / odds }).collect()
        })
        .collect()
}
