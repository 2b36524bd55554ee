//! Copies found by the six digits.

use super::code::{DisclosureKey, RecordId, TAGS};
use super::leak::Leak;
use crate::tail::{amount, ln_binomial_tail};
use aws_lc_rs::error::Unspecified;

/// How many pairs of record and tag are this disclosure's, and the logarithm of the probability that an innocent
/// recipient's copy agrees with as many. Each pair of an innocent agrees with probability 10^-6, whatever was done to the
/// digits; two tags of one record cannot both agree, which makes many hits rarer still.
///
/// # Errors
/// If the cipher fails.
pub fn ln_by_tags(leak: &Leak, key: &DisclosureKey) -> Result<(u64, f64), Unspecified> {
    let (mut hits, mut pairs) = (0, 0);
    for chunk in leak.tags.chunks(1024) {
        let records: Vec<RecordId> = chunk.iter().map(|(record, _)| *record).collect();
        let tags = key.tags(&records)?;
        hits += chunk.iter().zip(&tags).filter(|((_, seen), own)| seen == *own).fold(0, |sum: u64, _| sum + 1);
        pairs += chunk.iter().fold(0, |sum: u64, _| sum + 1);
    }
    Ok((hits, ln_binomial_tail(pairs, 1.0 / amount(TAGS), hits)))
}
