//! A witness that is killed at any moment, while two histories ask to be cosigned.

#[cfg(test)]
mod tests {
    use ledger::cosignature::origin_hash;
    use ledger::witness::AddCheckpoint;
    use ledger::{Log, SignedCheckpoint, SigningKey};
    use sim::amount;
    use sim::witness::{Witness, exchange};
    use std::time::{Duration, Instant};
    use tempfile::TempDir;

    fn get(url: &str, path: &str) -> String {
        exchange(url, &format!("GET {path}"), "").unwrap()
    }

    fn post(url: &str, body: &str) -> std::io::Result<String> {
        exchange(url, "POST /add-checkpoint", body)
    }

    const ORIGIN: &str = "killed.example/log";

    /// A log with these entries, and what it asks to have cosigned after `old`.
    fn asks(entries: &[String], old: u64) -> (TempDir, SignedCheckpoint, String) {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(ORIGIN, &[3; 32]).unwrap();
        let mut log = Log::open(dir.path(), ORIGIN, &key).unwrap();
        log.extend(0, entries).unwrap();
        let signed = log.sign_checkpoint().unwrap().clone();
        let proof = log.consistency_proof(old, log.size()).unwrap();
        let body = AddCheckpoint { old, proof, note: signed.note.clone() }.to_string();
        (dir, signed, body)
    }

    #[test]
    fn a_witness_killed_at_any_moment_never_cosigns_two_trees_of_one_size() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(ORIGIN, &[3; 32]).unwrap();
        let log = key.verifier().to_string();
        let data = folder.path().join("w");
        let begin = || Witness::start(&data, &log, &[]).unwrap();
        let mut witness = Some(begin());
        let mut random = sim::random::Random::new(0x5E_6E1);
        let mut chosen: Vec<String> = Vec::new();
        let (mut kills, mut unanswered) = (0, 0);
        // How long two answers take here: a kill must fall into that time to show anything.
        let mut usual = Duration::from_millis(10);
        for size in 1..=amount(30, 300) {
            let branch = |name: &str| [chosen.clone(), vec![format!("{name} {size}")]].concat();
            let branches = [branch("a"), branch("b")];
            let old = u64::try_from(size - 1).unwrap();
            let asked: Vec<_> = branches.iter().map(|entries| asks(entries, old)).collect();
            // Both branches are submitted at once, and the witness is killed somewhere on the way.
            let url = witness.as_ref().unwrap().url.clone();
            let begun = Instant::now();
            let answers: Vec<_> = std::thread::scope(|scope| {
                let asking: Vec<_> =
                    asked.iter().map(|(_, _, body)| scope.spawn(|| post(&url, body).unwrap_or_default())).collect();
                if size % 2 == 0 {
                    let most = u64::try_from(usual.as_micros()).unwrap().max(1);
                    std::thread::sleep(Duration::from_micros(random.below(most)));
                    witness.take().unwrap().kill();
                    kills += 1;
                    witness = Some(begin());
                }
                asking.into_iter().map(|asking| asking.join().unwrap()).collect()
            });
            if size % 2 == 1 {
                usual = begun.elapsed();
            }
            let cosigned: Vec<bool> = answers.iter().map(|answer| answer.starts_with("HTTP/1.1 200")).collect();
            unanswered += answers.iter().filter(|answer| answer.is_empty()).count();
            assert!(cosigned != [true, true], "two trees of {size} entries were cosigned");
            let url = witness.as_ref().unwrap().url.clone();
            // What it shows is what it stands by: the branch whose cosignature it gave, if it gave one.
            let shown = get(&url, &format!("/{}/checkpoint", origin_hash(ORIGIN)));
            let stands = asked.iter().position(|(_, signed, _)| shown.contains(&signed.checkpoint.root.to_base64()));
            if let Some(given) = cosigned.iter().position(|yes| *yes) {
                assert_eq!(stands, Some(given), "what was cosigned was forgotten at size {size}");
            }
            let taken = stands.unwrap_or(0);
            let again = post(&url, &asks(&branches[taken], if stands.is_some() { old + 1 } else { old }).2);
            assert!(again.unwrap().starts_with("HTTP/1.1 200"), "the chosen branch goes on");
            let other = post(&url, &asks(&branches[1 - taken], old).2).unwrap();
            assert!(other.starts_with("HTTP/1.1 409"), "{other}");
            let split = post(&url, &asks(&branches[1 - taken], old + 1).2).unwrap();
            assert!(split.starts_with("HTTP/1.1 422"), "{split}");
            chosen.clone_from(&branches[taken]);
        }
        println!("{kills} kills, {unanswered} requests without an answer");
        assert!(unanswered > 0, "no kill hit a request: the test shows nothing");
    }
}
