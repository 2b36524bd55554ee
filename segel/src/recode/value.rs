//! Bytes of one value of an open instance.

use archive::retrieve::Opened;
use std::ops::Range;

/// Reads bytes of a value, with its words swapped if they are counted from somewhere. A frame of single bytes may begin or end
/// in the middle of a word: its other half is read as well, and left out.
pub async fn read(opened: &Opened, range: Range<u64>, swap_from: Option<u64>) -> archive::Result<Vec<u8>> {
    let Some(from) = swap_from else {
        let bytes = opened.read_dataset(range.clone()).await?;
        whole(&bytes, &range)?;
        return Ok(bytes);
    };
    let words = aligned(&range, from);
    let mut bytes = opened.read_dataset(words.clone()).await?;
    whole(&bytes, &words)?;
    bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    let place = |at: u64| usize::try_from(at.saturating_sub(words.start)).unwrap_or(usize::MAX);
    bytes.truncate(place(range.end));
    bytes.drain(..place(range.start).min(bytes.len()));
    Ok(bytes)
}

/// The whole words around a range, counted from `from`.
fn aligned(range: &Range<u64>, from: u64) -> Range<u64> {
    let down = |at: u64| at.saturating_sub(at.saturating_sub(from) % 2);
    down(range.start)..down(range.end.saturating_add(1))
}

/// Fewer bytes than the metadata promises would let a truncated image pass for a whole one.
pub fn whole(bytes: &[u8], range: &Range<u64>) -> archive::Result<()> {
    let wanted = range.end.saturating_sub(range.start);
    if u64::try_from(bytes.len()) == Ok(wanted) { Ok(()) } else { Err(damaged()) }
}

fn damaged() -> archive::Error {
    archive::Error::Damaged("a kept value is shorter than its metadata says".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_widened_to_whole_words() {
        assert_eq!(aligned(&(101..128), 101), 101..129);
        assert_eq!(aligned(&(128..155), 101), 127..155);
        assert_eq!(aligned(&(102..104), 100), 102..104);
    }
}
