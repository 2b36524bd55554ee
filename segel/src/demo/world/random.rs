//! Repeatable chance: the same seed draws the same world on every machine.

/// SplitMix64: 64 bits of state, equidistributed, and a child for every part so that no part's draws shift another's.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// 2^64 divided by the golden ratio, the step of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// Starts at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(mix(seed ^ STEP))
    }

    /// Another stream, told by a label; drawing from it leaves this one alone.
    #[must_use]
    pub fn child(&self, label: u64) -> Self {
        Self(mix(self.0 ^ mix(label.wrapping_add(STEP))))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A whole number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        // The bias of the remainder is n / 2^64: nothing that a drawn world could show.
        self.bits().checked_rem(n).unwrap_or(0)
    }

    /// A whole number from `low` to `high`, both included.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// From 0 up to 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// From `low` up to `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with the chance `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// About normal, mean 0 and deviation 1: four uniform draws from one word. Film grain needs no tails.
    pub fn grain(&mut self) -> f32 {
        let word = self.bits();
        let sum = (word & 0xFFFF) + ((word >> 16) & 0xFFFF) + ((word >> 32) & 0xFFFF) + (word >> 48);
        (sum as f32 / 65_535.0 - 2.0) * 1.732
    }

    /// One of a list; the type's empty value if the list is empty.
    pub fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len() as u64);
        usize::try_from(at).ok().and_then(|i| of.get(i)).copied().unwrap_or_default()
    }

    /// Digits, as many as asked.
    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + (self.below(10) as u8))).collect()
    }
}

fn lattice(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    let mut h = seed
        ^ (x as u32).wrapping_mul(0x8DA6_B343)
        ^ (y as u32).wrapping_mul(0xD816_3841)
        ^ (z as u32).wrapping_mul(0xCB1A_B31F);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    ((h ^ (h >> 15)) & 0xFFFF) as f32 / 65_535.0
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// Smooth noise of one scale at a point of space, 0 to 1.
#[must_use]
pub fn noise(x: f32, y: f32, z: f32, seed: u32) -> f32 {
    let (fx, fy, fz) = (x.floor(), y.floor(), z.floor());
    let (ix, iy, iz) = (fx as i32, fy as i32, fz as i32);
    let (tx, ty, tz) = (ease(x - fx), ease(y - fy), ease(z - fz));
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let layer = |z: i32| {
        let top = mix(lattice(ix, iy, z, seed), lattice(ix + 1, iy, z, seed), tx);
        let bottom = mix(lattice(ix, iy + 1, z, seed), lattice(ix + 1, iy + 1, z, seed), tx);
        mix(top, bottom, ty)
    };
    if tz == 0.0 { layer(iz) } else { mix(layer(iz), layer(iz + 1), tz) }
}

/// Three scales of noise on a plane, 0 to 1.
#[must_use]
pub fn clouds(x: f32, y: f32, seed: u32) -> f32 {
    noise(x, y, 0.0, seed) * 0.55
        + noise(x * 2.1, y * 2.1, 0.0, seed ^ 7) * 0.29
        + noise(x * 4.3, y * 4.3, 0.0, seed ^ 13) * 0.16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_do_not_shift_each_other() {
        let parent = Random::new(7);
        let mut first = parent.child(1);
        let before = parent.child(2).bits();
        first.bits();
        assert_eq!(before, parent.child(2).bits());
        assert_ne!(parent.child(1).bits(), before);
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            assert!(random.below(3) < 3);
            assert!((5..=9).contains(&random.within(5, 9)));
            assert!((0.0..1.0).contains(&random.unit()));
            let at = random.between(-9.0, 9.0);
            assert!((0.0..=1.0).contains(&noise(at, -at, at * 2.0, 3)));
        }
        assert_eq!(random.below(0), 0);
        assert_eq!(random.digits(16).len(), 16);
    }
}
