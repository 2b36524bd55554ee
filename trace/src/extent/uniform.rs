//! Whether a sample looks as if it had been drawn evenly from all that there is.

use super::beta::chi_squared_tail;
use crate::tail::amount;

/// One hospital, month or kind of record: how many records of it the archive has, and the sample.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Of the archive.
    pub archive: u64,
    /// Of the sample.
    pub sample: u64,
}

/// How a sample fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The probability that an even sample fits as badly or worse.
    pub probability: f64,
    /// Cells that were compared, small ones joined.
    pub cells: usize,
}

impl Fit {
    /// Whether an estimate of the whole may stand on it. One cell tells nothing.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.cells > 1 && self.probability >= 0.01
    }
}

/// Pearson's test of an even sample. Cells of which fewer than five are expected are joined, the smallest first, until five are.
#[must_use]
pub fn fit(cells: &[Cell]) -> Fit {
    const EXPECTED_MIN: f64 = 5.0 - 1e-9;
    let archive: f64 = cells.iter().map(|cell| amount(cell.archive)).sum();
    let sample: f64 = cells.iter().map(|cell| amount(cell.sample)).sum();
    // What the archive has none of was not drawn from it.
    if cells.iter().any(|cell| cell.archive == 0 && cell.sample > 0) {
        return Fit { probability: 0.0, cells: cells.len() };
    }
    if archive == 0.0 || sample == 0.0 {
        return Fit { probability: 1.0, cells: 0 };
    }
    let mut sorted: Vec<&Cell> = cells.iter().filter(|cell| cell.archive > 0).collect();
    sorted.sort_by_key(|cell| cell.archive);
    let mut joined: Vec<(f64, f64)> = Vec::new();
    let mut open = (0.0, 0.0);
    for cell in sorted {
        open.0 += sample * amount(cell.archive) / archive;
        open.1 += amount(cell.sample);
        if open.0 >= EXPECTED_MIN {
            joined.push(std::mem::take(&mut open));
        }
    }
    match joined.last_mut() {
        Some(last) => *last = (last.0 + open.0, last.1 + open.1),
        None => joined.push(open),
    }
    let value: f64 = joined.iter().map(|(expected, seen)| (seen - expected).powi(2) / expected).sum();
    let count = joined.len();
    let degrees = amount(u64::try_from(count).unwrap_or(u64::MAX)) - 1.0;
    let probability = if count > 1 { chi_squared_tail(value, degrees) } else { 1.0 };
    Fit { probability, cells: count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_sample_fits_and_one_hospitals_does_not() {
        let even: Vec<Cell> = (1..=30).map(|n| Cell { archive: 1000 * n, sample: 10 * n }).collect();
        assert!(fit(&even).is_even());
        let mut one = even.clone();
        for cell in one.iter_mut().skip(1) {
            cell.sample = 0;
        }
        assert!(!fit(&one).is_even());
        let mut foreign = even;
        foreign.push(Cell { archive: 0, sample: 1 });
        assert!(!fit(&foreign).is_even());
        assert!(!fit(&[Cell { archive: 10, sample: 3 }]).is_even(), "one cell tells nothing");
        assert!(!fit(&[]).is_even());
    }

    #[test]
    fn small_cells_are_joined() {
        let many: Vec<Cell> = (0..1000).map(|n| Cell { archive: 10, sample: u64::from(n % 10 == 0) }).collect();
        assert_eq!(fit(&many).cells, 20);
    }
}
