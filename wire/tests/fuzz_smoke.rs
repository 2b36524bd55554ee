//! Every fuzz body on its seeds and on mutations of them, for some seconds each: `SEGEL_FUZZ_SECONDS` for longer. The seed
//! of a run is printed, and `SEGEL_FUZZ_SEED` repeats it.

#[cfg(test)]
#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

#[cfg(test)]
mod tests {
    use super::bodies::{ALL, Body};
    use std::collections::BTreeSet;
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
        let seconds = std::env::var("SEGEL_FUZZ_SECONDS")
            .ok()
            .and_then(|s| s.parse().ok())
            .unwrap_or(if std::env::var_os("SEGEL_LONG").is_some() { 60 } else { 2 });
        let seed = std::env::var("SEGEL_FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5E6E_1001_u64);
        for Body { name, run: body, seeds, .. } in ALL {
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

    /// `Type::function`, or `file::function`, of everything public in a source file outside its tests.
    fn public_functions(path: &Path, found: &mut BTreeSet<String>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                public_functions(&entry.unwrap().path(), found);
            }
            return;
        }
        let file = path.file_stem().unwrap().to_str().unwrap();
        if file == "tests" || file.ends_with("_tests") {
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let mut owner = file.to_owned();
        for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
            if let Some(header) = line.strip_prefix("impl") {
                let header = header.split(" for ").last().unwrap().trim_start_matches("<'a>").trim();
                owner = header.chars().take_while(|c| c.is_alphanumeric()).collect();
            } else if line == "}" {
                owner = file.to_owned();
            }
            let line = line.trim_start();
            let after = ["pub fn ", "pub const fn "].iter().find_map(|start| line.strip_prefix(start));
            if let Some(after) = after {
                let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                found.insert(format!("{owner}::{name}"));
            }
        }
    }

    #[test]
    fn every_public_function_has_a_fuzz_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut public = BTreeSet::new();
        public_functions(&root.join("src"), &mut public);
        assert!(public.len() > 80, "the sources were not read: {public:?}");
        let covered: BTreeSet<String> = ALL.iter().flat_map(|body| body.covers).map(ToString::to_string).collect();
        let bare: Vec<_> = public.difference(&covered).collect();
        assert!(bare.is_empty(), "no fuzz target calls {bare:?}");
        let gone: Vec<_> = covered.difference(&public).collect();
        assert!(gone.is_empty(), "not in wire any more: {gone:?}");
        let bodies: String = ["dataset", "names", "protocol", "recode", "samples"]
            .map(|file| std::fs::read_to_string(root.join(format!("fuzz/bodies/{file}.rs"))).unwrap())
            .concat();
        for function in &covered {
            let name = function.rsplit("::").next().unwrap();
            assert!(bodies.contains(&format!("{name}(")), "no body calls {function}");
        }
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        for Body { name, .. } in ALL {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no target of cargo-fuzz");
            assert!(root.join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "{name} has no file");
        }
    }
}
