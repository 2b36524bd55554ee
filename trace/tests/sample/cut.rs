//! Goods that end anywhere: every prefix of every form is read without harm, and a longer one never shows fewer rows.

#[cfg(test)]
mod tests {
    use crate::bodies::ALL;
    use crate::support::of;
    use proptest::prelude::*;

    #[test]
    fn every_prefix_of_every_seed_is_read() {
        for body in ALL.iter().filter(|body| body.name != "columns") {
            let (mut prefixes, mut rows) = (0, 0);
            for seed in (body.seeds)() {
                let step = (seed.len() / 300).max(1);
                for end in (0..seed.len()).step_by(step) {
                    (body.run)(&seed[..end]);
                    prefixes += 1;
                }
                rows += of("goods.csv", &seed).1.rows;
            }
            println!("{}: {prefixes} prefixes, {rows} rows of the whole", body.name);
            assert!(rows > 0, "{} has no rows", body.name);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Any bytes at all, and any bytes behind the beginning of each form.
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), body in 0..ALL.len(), keep in 0_usize..600) {
            let seed = (ALL[body].seeds)().swap_remove(0);
            let goods = [&seed[..keep.min(seed.len())], &bytes].concat();
            (ALL[body].run)(&bytes);
            (ALL[body].run)(&goods);
        }

        /// A table that is written by the rules comes back as it was.
        #[test]
        fn a_table_comes_back(rows in proptest::collection::vec(proptest::collection::vec("[a-z][a-zA-Z0-9 ,;\"\né’]{0,10}[a-z]", 4), 4..30)) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let text: String = rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n").collect();
            let (kept, _) = of("goods.csv", text.as_bytes());
            let filled: Vec<Vec<String>> = rows.into_iter().filter(|row| row.iter().any(|cell| !cell.trim_ascii().is_empty())).collect();
            let found: Vec<Vec<String>> = kept.rows.into_values().flatten().collect();
            // The first row may be taken for headings.
            prop_assert!(found == filled || found == filled[1.min(filled.len())..], "{:?} {:?}", found, filled);
        }
    }
}
