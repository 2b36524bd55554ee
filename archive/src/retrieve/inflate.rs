//! Reading a deflated data set (PS3.5 A.5) by the offsets of its inflated stream.

use super::part::PartReader;
use crate::error::{Error, Result};
use crate::storage::Storage;
use std::ops::Range;
use wire::dataset::Inflater;

/// Deflated bytes that are read at once.
const STEP_BYTES: u64 = 64 * 1024;

/// The bytes `wanted` of the stream that `dataset` inflates to. Blocks for as long as inflating up to there takes.
pub(super) fn read(
    content: &PartReader,
    storage: &Storage,
    dataset: Range<u64>,
    wanted: &Range<u64>,
) -> Result<Vec<u8>> {
    // The way in has let no more pass than the inflater's limits, which hold here as well.
    let mut inflater = Inflater::default();
    let mut found = Vec::new();
    let mut made = 0;
    let mut at = dataset.start;
    while at < dataset.end && made < wanted.end {
        let deflated = content.read(storage, at..dataset.end.min(at + STEP_BYTES))?;
        at += STEP_BYTES;
        let inflated = inflater.feed(&deflated, |inflated| {
            found.extend_from_slice(overlap(inflated, made, wanted));
            made += inflated.len() as u64;
            Ok(())
        });
        inflated.map_err(|_| Error::Damaged("a deflated data set does not inflate".to_owned()))?;
    }
    Ok(found)
}

/// What of `inflated`, which begins at `at` in the stream, belongs to `wanted`.
fn overlap<'a>(inflated: &'a [u8], at: u64, wanted: &Range<u64>) -> &'a [u8] {
    let cut = |offset: u64| usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX).min(inflated.len());
    inflated.get(cut(wanted.start)..cut(wanted.end)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_takes_what_lies_in_it() {
        for (at, wanted, expected) in [
            (0, 1..3, "bc"),
            (10, 0..11, "a"),
            (10, 12..99, "cd"),
            (10, 14..20, ""),
            (10, 0..10, ""),
            (0, 0..4, "abcd"),
        ] {
            assert_eq!(overlap(b"abcd", at, &wanted), expected.as_bytes());
        }
    }
}
