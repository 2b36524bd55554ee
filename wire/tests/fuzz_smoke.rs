//! Every fuzz body on its seeds and on mutations of them, for some seconds each: `SEGEL_FUZZ_SECONDS` for longer. The seed
//! of a run is printed, and `SEGEL_FUZZ_SEED` repeats it.

#[cfg(test)]
#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

#[cfg(test)]
mod tests {
    use super::bodies::ALL;
    use std::panic::catch_unwind;
    use std::time::{Duration, Instant};

    /// xorshift64*: the same mutations for the same seed on every machine.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
            usize::try_from(high).unwrap() % end.max(1)
        }
    }

    // Numbers at which parsers break.
    const BYTES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, 0xFE, 0x5C, 0x1B];

    fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut out = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            let at = random.below(out.len().max(1)).min(out.len().saturating_sub(1));
            match random.below(7) {
                _ if out.is_empty() => out.push(0),
                0 => out[at] ^= 1 << random.below(8),
                1 => out[at] = BYTES[random.below(BYTES.len())],
                2 => out.truncate(at),
                3 => {
                    let end = (at + random.below(16)).min(out.len());
                    out.drain(at..end);
                }
                4 => {
                    let end = (at + random.below(64)).min(out.len());
                    let piece = out[at..end].to_vec();
                    let to = random.below(out.len());
                    out.splice(to..to, piece);
                }
                5 => {
                    let other = &seeds[random.below(seeds.len())];
                    let from = random.below(other.len());
                    out.truncate(at);
                    out.extend_from_slice(&other[from..]);
                }
                _ => {
                    let end = (at + 4).min(out.len());
                    out[at..end].fill(0xFF);
                }
            }
        }
        out
    }

    #[test]
    fn mutations_break_nothing() {
        let seconds = std::env::var("SEGEL_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
        let seed = std::env::var("SEGEL_FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5E6E_1001_u64);
        for (name, body, seeds) in ALL {
            let seeds = seeds();
            let mut random = Random(seed);
            seeds.iter().for_each(|seed| body(seed));
            let (begin, mut runs) = (Instant::now(), 0_u64);
            while begin.elapsed() < Duration::from_secs(seconds) {
                let input = mutate(&mut random, &seeds);
                let result = catch_unwind(|| body(&input));
                assert!(result.is_ok(), "{name}: seed {seed}, run {runs}: {}", input.escape_ascii());
                runs += 1;
            }
            println!("{name}: {runs} runs from seed {seed}");
            assert!(runs > 100, "{name} is too slow: {runs} runs");
        }
    }
}
