//! Every fuzz body on its seeds and on mutations of them, for some seconds each: `SEGEL_FUZZ_SECONDS` for longer. The seed
//! of a run is printed, and `SEGEL_FUZZ_SEED` repeats it.

#[cfg(test)]
mod tests {
    use crate::bodies::{ALL, Body};
    use std::panic::catch_unwind;
    use std::path::Path;
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

    // Bytes at which readers of texts and of numbers break.
    const BYTES: [u8; 16] =
        [0, 1, 0x7F, 0x80, 0xFF, 0xFE, b'"', b'\'', b'\\', b'\n', b',', b'(', b')', b'{', b'[', b'<'];

    fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut out = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            let at = random.below(out.len().max(1)).min(out.len().saturating_sub(1));
            let end = (at + random.below(64)).min(out.len());
            match random.below(7) {
                _ if out.is_empty() => out.push(0),
                0 => out[at] ^= 1 << random.below(8),
                1 => out[at] = BYTES[random.below(BYTES.len())],
                2 => out.truncate(at),
                3 => drop(out.drain(at..end)),
                4 => {
                    let piece = out[at..end].to_vec();
                    let to = random.below(out.len());
                    out.splice(to..to, piece);
                }
                5 => {
                    let other = &seeds[random.below(seeds.len())];
                    out.truncate(at);
                    out.extend_from_slice(&other[random.below(other.len())..]);
                }
                _ => out[at..(at + 4).min(end.max(at))].fill(0xFF),
            }
        }
        out
    }

    #[test]
    fn mutations_break_nothing() {
        let long = if std::env::var_os("SEGEL_LONG").is_some() { 60 } else { 2 };
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let seconds = number("SEGEL_FUZZ_SECONDS").unwrap_or(long);
        let seed = number("SEGEL_FUZZ_SEED").unwrap_or(0x5E6E_1001_u64);
        for Body { name, run, seeds } in ALL {
            let seeds = seeds();
            let mut random = Random(seed);
            seeds.iter().for_each(|seed| run(seed));
            let (begin, mut runs, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
            while begin.elapsed() < Duration::from_secs(seconds) {
                let input = mutate(&mut random, &seeds);
                let start = Instant::now();
                let result = catch_unwind(|| run(&input));
                assert!(result.is_ok(), "{name}: seed {seed}, run {runs}: {}", input.escape_ascii());
                slowest = slowest.max(start.elapsed());
                runs += 1;
            }
            println!("{name}: {runs} runs from seed {seed}, the slowest {slowest:?}");
            assert!(runs > 100, "{name} is too slow: {runs} runs");
        }
    }

    #[test]
    fn every_body_is_a_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        for Body { name, .. } in ALL {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no target of cargo-fuzz");
            assert!(root.join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name} has no file");
        }
    }
}
