//! Numbers that look random and are the same in every run: SplitMix64.

/// A generator with its own seed.
pub struct Random(u64);

impl Random {
    /// Neighbouring seeds give sequences that have nothing in common.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66_D5B7_11A3)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.bits().checked_rem(end).unwrap_or(0)).unwrap_or(0)
    }

    /// From 0 up to, not including, 1.
    pub fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.bits() >> 32).unwrap_or(0);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    /// A rank below `end` with Zipf's skew: the first is as frequent as the second and third together.
    pub fn ranked(&mut self, end: usize) -> usize {
        let top = f64::from(u32::try_from(end).unwrap_or(u32::MAX)) + 1.0;
        // The logarithm of the rank is even. A rank is small and not negative, so cutting it loses nothing that matters.
        let rank = (self.share() * top.ln()).exp() - 1.0;
        (0..end).rev().find(|at| f64::from(u32::try_from(*at).unwrap_or(u32::MAX)) <= rank).unwrap_or(0)
    }

    /// Bytes that no disk compresses.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::with_capacity(count.saturating_add(8));
        while bytes.len() < count {
            bytes.extend(self.bits().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn ranks_are_skewed_and_in_range() {
        let mut random = Random::new(1);
        let mut counts = [0_u32; 50];
        for _ in 0..20_000 {
            counts[random.ranked(50)] += 1;
        }
        assert!(counts[0] > 3_000 && counts[0] < 4_200, "{}", counts[0]);
        assert!(counts.windows(2).filter(|pair| pair[0] >= pair[1]).count() > 30);
        assert!(counts.iter().all(|count| *count > 0));
        assert_eq!(random.bytes(13).len(), 13);
    }
}
