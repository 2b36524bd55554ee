//! Canaries against whoever has the files, and against whoever walks through the records.

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sim::process::{Archive, Tokens};
    use sim::program;
    use sim::sample::{Person, Uids, data_set, file};
    use std::time::{Duration, Instant};

    /// Real patients differ: one to four images of various sizes.
    fn store(archive: &Archive, token: &str, n: usize) {
        let person = Person::nth(n);
        for instance in 1..=1 + n * 7 % 4 {
            let uids = Uids::new(700_000 + n * 13, 1, instance);
            let side = 16 + u16::try_from(n * 31 % 97).unwrap();
            let bytes = file(&uids, &data_set(&person, &uids, side, &[7]));
            let answer =
                sim::http::request(archive.http, token, "POST /dicom-web/studies", "application/dicom", &bytes);
            assert_eq!(answer.unwrap().0, 200);
        }
    }

    fn admin(archive: &Archive, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        serde_json::from_str(&archive.admin(&all).unwrap()).unwrap()
    }

    fn planted(archive: &Archive) -> u64 {
        admin(archive, &["canary", "list"])
            .as_array()
            .unwrap()
            .iter()
            .map(|count| count["planted"].as_u64().unwrap())
            .sum()
    }

    fn until(what: &str, seconds: u64, mut look: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(seconds);
        while !look() {
            assert!(Instant::now() < end, "{what} did not come within {seconds} s");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Everything that a list shows, page by page.
    fn studies(archive: &Archive, token: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let path = format!("/dicom-web/studies?limit=100&offset={}", all.len());
            let (status, body) = sim::http::get(archive.http, token, &path).unwrap();
            if status == 204 || body.is_empty() {
                return once(all);
            }
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            let page: Vec<Value> = serde_json::from_slice(&body).unwrap();
            if page.is_empty() {
                return once(all);
            }
            all.extend(page);
        }
    }

    /// Rows that a list passes over still count in its offsets, so that a page may repeat what the one before had.
    fn once(mut studies: Vec<Value>) -> Vec<Value> {
        studies.sort_by_key(|study| study["0020000D"]["Value"][0].to_string());
        studies.dedup_by_key(|study| study["0020000D"]["Value"][0].to_string());
        studies
    }

    /// The studies of nobody that the test has stored.
    fn canaries(archive: &Archive, token: &str, patients: usize) -> Vec<String> {
        let known: Vec<String> = (0..patients).map(|n| Person::nth(n).number).collect();
        let number = |study: &Value| study["00100020"]["Value"][0].as_str().unwrap_or_default().to_owned();
        let uid = |study: &Value| study["0020000D"]["Value"][0].as_str().unwrap().to_owned();
        studies(archive, token).iter().filter(|study| !known.contains(&number(study))).map(uid).collect()
    }

    #[test]
    fn a_canary_that_is_opened_rings_and_freezes_and_one_that_is_listed_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let archive = Archive::start_with_keyservice(&data, "[canaries]\nage_days = 0\n").unwrap();
        let Tokens { clinician, system } = archive.facility("RSUD-A").unwrap();
        for n in 0..12 {
            store(&archive, &system, n);
        }
        archive.admin(&["canary", "plant", "--facility", "RSUD-A", "--count", "2", "--now"]).unwrap();
        archive.admin(&["canary", "plant", "--facility", "RSUD-A", "--sleeping", "--now"]).unwrap();
        until("planting", 60, || planted(&archive) == 3);

        let found = canaries(&archive, &clinician, 12);
        assert_eq!(found.len(), 3, "a list shows them as others");
        assert_eq!(admin(&archive, &["alarms"]).as_array().unwrap().len(), 0, "a list is no theft");
        // A patient first, then the canary: both are answered alike.
        let real = Uids::new(700_000, 1, 1).study;
        for study in [&real, &found[0]] {
            let (status, body) =
                sim::http::get(archive.http, &clinician, &format!("/dicom-web/studies/{study}/metadata")).unwrap();
            assert_eq!(status, 200);
            assert!(serde_json::from_slice::<Value>(&body).unwrap()[0]["00100010"]["Value"][0].is_object());
        }
        let alarm = &admin(&archive, &["alarms"])[0];
        assert_eq!((&alarm["kind"], &alarm["severity"]), (&"canary".into(), &"critical".into()));
        assert_eq!(admin(&archive, &["frozen"])[0]["who"], "clinician RSUD-A");
        until("the end", 5, || {
            sim::http::get(archive.http, &clinician, &format!("/dicom-web/studies/{real}/metadata")).unwrap().0 != 200
        });
        let facts = admin(&archive, &["incidents", &alarm["incident"].to_string()]);
        let facts = facts["facts"].as_array().unwrap();
        assert!(facts.iter().filter(|fact| fact["part"] == "Content").count() >= 2, "{facts:?}");

        // The list outlives a restart, and still nothing but a list knows them.
        archive.kill().unwrap();
        let archive = Archive::start(&data).unwrap();
        assert_eq!(planted(&archive), 3);
        assert_eq!(admin(&archive, &["frozen"])[0]["who"], "clinician RSUD-A");
    }

    #[test]
    fn a_young_canary_stands_on_no_list_and_rings_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::start(&folder.path().join("data")).unwrap();
        let Tokens { clinician, system } = archive.facility("RSUD-A").unwrap();
        for n in 0..5 {
            store(&archive, &system, n);
        }
        archive.admin(&["canary", "plant", "--facility", "RSUD-A", "--now"]).unwrap();
        until("planting", 60, || planted(&archive) == 1);
        assert_eq!(canaries(&archive, &clinician, 5).len(), 0);
        assert_eq!(studies(&archive, &clinician).len(), 5);
        // Whoever has the index and asks for what stands in it meets the canary.
        let index = rusqlite::Connection::open(archive.data.join("archive/index.sqlite")).unwrap();
        let mut statement = index.prepare("SELECT study_instance_uid FROM studies").unwrap();
        let uids: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(uids.len(), 6);
        for uid in uids {
            let _answer = sim::http::get(archive.http, &clinician, &format!("/dicom-web/studies/{uid}/metadata"));
        }
        assert_eq!(admin(&archive, &["frozen"])[0]["who"], "clinician RSUD-A");
    }

    #[test]
    fn whoever_has_every_file_and_no_key_cannot_pick_the_canaries_out() {
        const PATIENTS: usize = 360;
        const CANARIES: u64 = 36;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        // One in ten, so that there are enough of them to tell chance from a pattern.
        let settings = "[canaries]\nage_days = 0\npatients_between = 10\n[alarms.kinds.canary]\nis_off = true\n";
        let archive = Archive::start_with_keyservice(&data, settings).unwrap();
        let Tokens { clinician, system } = archive.facility("RSUD-A").unwrap();
        let mut wanted = false;
        for n in 0..PATIENTS {
            store(&archive, &system, n);
            if n == 30 {
                let count = CANARIES.to_string();
                archive
                    .admin(&[
                        "canary",
                        "plant",
                        "--facility",
                        "RSUD-A",
                        "--count",
                        &count,
                        "--number-form",
                        "RM-########",
                    ])
                    .unwrap();
                wanted = true;
            }
            // Patients arrive at random, slowly enough for one that is due to come among them.
            if wanted {
                let chance = sim::random::Random::new(n as u64).below(1_000_000) as f64 / 1e6;
                std::thread::sleep(Duration::from_secs_f64(-0.2 * chance.max(1e-6).ln()));
            }
        }
        let planted = planted(&archive);
        assert!(planted >= 15, "{planted} canaries among {PATIENTS} patients");
        let found = canaries(&archive, &clinician, PATIENTS);
        assert_eq!(found.len() as u64, planted);
        archive.stop().unwrap();
        let labels = folder.path().join("canaries.json");
        std::fs::write(&labels, serde_json::to_vec(&found).unwrap()).unwrap();
        let told = program::script("analyst.py", &[data.as_os_str(), labels.as_os_str()]).unwrap();
        println!("{told}");
    }
}
