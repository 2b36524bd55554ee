//! The adversary: an attack for each row of the threat model's table, against the real programs. Each prints what it
//! yielded; `cargo xtask attack` gathers the lines.

#[cfg(test)]
mod tests {
    use seal::cobblestone;
    use seal::message::Part;
    use serde_json::json;
    use sim::adversary::readable::Readers;
    use sim::adversary::segments::{Frame, PARTS, extent, frames};
    use sim::adversary::thief::Thief;
    use sim::adversary::{Finding, frequency, guess, world};
    use sim::dcmqrscp::Dcmqrscp;
    use sim::orthanc::Orthanc;
    use sim::process::{Archive, UNBOUNDED};
    use sim::random::seed;
    use sim::sample::{Person, Uids, data_set, file};
    use sim::{amount, kept, program};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};

    const TITLE: &str = "MODALITY";
    /// Tells the stages of one test apart.
    static NTH: AtomicU64 = AtomicU64::new(0);
    /// Patients in the archive: the table's N.
    fn patients() -> usize {
        amount(5_000, 100_000)
    }

    struct Stage {
        folder: tempfile::TempDir,
        archive: Archive,
        people: Vec<Person>,
        clinician: String,
        system: String,
    }

    impl Stage {
        fn filled(count: usize) -> Self {
            Self::filled_with(count, "")
        }

        /// With settings of the key service.
        fn filled_with(count: usize, settings: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            let archive = Archive::start_with_keyservice(&data, settings).unwrap();
            let tokens = archive.facility("RSUD-A").unwrap();
            archive.peer(TITLE, "RSUD-A").unwrap();
            let chance = seed().wrapping_add(NTH.fetch_add(1, Ordering::Relaxed));
            println!("SEGEL_SEED={chance}");
            let people = world::people(count, chance);
            world::fill(&archive, TITLE, &people).unwrap();
            Self { folder, archive, people, clinician: tokens.clinician, system: tokens.system }
        }

        fn data(&self) -> PathBuf {
            self.folder.path().join("data")
        }
    }

    fn count(found: usize) -> f64 {
        f64::from(u32::try_from(found).unwrap())
    }

    #[test]
    fn a_disk_of_either_host_powered_off() {
        let stage = Stage::filled(patients());
        let Stage { folder, archive, people, .. } = stage;
        let data = folder.path().join("data");
        archive.stop().unwrap();
        let readers = Readers::new(&people).unwrap();
        for (way, part) in
            [("the archive node's disk", "archive"), ("the key service's disk", "keyservice"), ("both", "")]
        {
            let found = readers.in_folder(&data.join(part)).unwrap().len();
            Finding {
                row: "disk of either host, powered off; index with its log; any backup",
                way,
                yielded: count(found),
                limit: 0.0,
                unit: "patients",
                note: format!("of {}; looked for two numbers of each in eight encodings", people.len()),
            }
            .must_be_met();
        }
    }

    #[test]
    fn a_dictionary_of_all_national_numbers_against_the_index() {
        let stage = Stage::filled(patients());
        let index = stage.data().join("archive/index.sqlite");
        let mut keys: Vec<Vec<u8>> = vec![Vec::new(), b"RSUD-A".to_vec(), b"segel".to_vec()];
        // Whatever else lies on the archive node could be the key: short files whole, and every 32 bytes of them.
        for path in kept::files(&stage.data().join("archive")).unwrap() {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.len() <= 4_096 {
                keys.extend(bytes.chunks(32).take(16).map(<[u8]>::to_vec));
                keys.push(bytes);
            }
        }
        // The true numbers are in the dictionary, with as many that belong to nobody here.
        let mut dictionary: Vec<String> = stage.people.iter().flat_map(|p| [p.nik.clone(), p.number.clone()]).collect();
        dictionary.extend((0..stage.people.len()).map(|n| format!("3273{n:012}")));
        let (met, tokens) = guess::met(&index, &dictionary, &keys).unwrap();
        assert!(tokens >= stage.people.len(), "{tokens} tokens: the attack has nothing to meet");
        Finding {
            row: "index database against a dictionary",
            way: "all national and hospital numbers, under every key at hand",
            yielded: count(met),
            limit: 0.0,
            unit: "patients",
            note: format!("{} numbers, {} keys, {tokens} tokens", dictionary.len(), keys.len()),
        }
        .must_be_met();
    }

    #[test]
    fn frequency_analysis_of_name_tokens() {
        /// What stands in the index for words of names.
        const NAMES: u8 = 8;
        let (own, stage) = (Stage::filled(patients()), Stage::filled(patients()));
        let index = |stage: &Stage| {
            // Reading waits for the index; what was acknowledged is then in it.
            stage.archive.json(&stage.clinician, "/dicom-web/studies?limit=1").unwrap();
            stage.data().join("archive/index.sqlite")
        };
        let study = |n: usize| Uids::new(n + 1, 1, 1).study;
        let learnt = frequency::learn(&index(&own), NAMES, &own.people, study).unwrap();
        let by_rank = frequency::analyse(&index(&stage), NAMES, &stage.people, study).unwrap();
        let by_size = learnt.guess(&index(&stage), NAMES, &stage.people, study).unwrap();
        for (way, guessed) in [
            ("tokens and words matched by rank", by_rank),
            ("learnt from an archive of the attacker's own, by the size of each token", by_size),
        ] {
            assert!(guessed.by_the_commonest > 0);
            Finding {
                row: "frequency analysis of name tokens, the true distribution known",
                way,
                yielded: guessed.points(),
                limit: 1.0,
                unit: "percentage points over the commonest name",
                note: format!(
                    "{} of {} named rightly, {} by the commonest name alone",
                    guessed.rightly, guessed.people, guessed.by_the_commonest
                ),
            }
            .must_be_met();
        }
    }

    #[test]
    fn a_memory_image_of_the_archive_node() {
        let stage = Stage::filled(amount(1_000, 5_000));
        // A reader takes whatever it is given, as fast as it goes, until it is stopped.
        let mut opened = 0;
        for (n, _) in stage.people.iter().enumerate().take(amount(600, 3_000)) {
            let uids = Uids::new(n + 1, 1, 1);
            let path = format!("/dicom-web/studies/{}/metadata", uids.study);
            let (status, _) = sim::http::get(stage.archive.http, &stage.clinician, &path).unwrap();
            if status != 200 {
                break;
            }
            opened += 1;
        }
        let readers = Readers::new(&stage.people).unwrap();
        let found = readers.in_memory(stage.archive.process_id()).unwrap().len();
        Finding {
            row: "memory image of the archive node",
            way: "every number readable in any writable page, after everybody was stored and most were opened",
            yielded: count(found),
            limit: 256.0,
            unit: "patients",
            note: format!("of {} stored a moment ago, {opened} of them opened", stage.people.len()),
        }
        .must_be_met();
    }

    #[test]
    fn both_hosts_live_yield_everything() {
        let stage = Stage::filled_with(amount(200, 1_000), UNBOUNDED);
        let mut found = 0;
        for (n, person) in stage.people.iter().enumerate() {
            let path = format!("/dicom-web/studies/{}/metadata", Uids::new(n + 1, 1, 1).study);
            let answer = sim::http::get(stage.archive.http, &stage.system, &path);
            found += usize::from(answer.is_some_and(|(status, body)| {
                status == 200 && memchr::memmem::find(&body, person.number.as_bytes()).is_some()
            }));
        }
        Finding {
            row: "both hosts live",
            way: "tokens made by whoever holds the administrator's socket, and budgets that it sets",
            yielded: count(found),
            limit: count(stage.people.len()),
            unit: "patients",
            note: "said openly: everything".into(),
        }
        .must_be_met();
    }

    fn files(folder: &Path, people: &[Person]) -> Vec<String> {
        std::fs::create_dir_all(folder).unwrap();
        let write = |(n, person): (usize, &Person)| {
            let uids = Uids::new(n + 1, 1, 1);
            let path = folder.join(format!("{n}.dcm"));
            std::fs::write(&path, file(&uids, &data_set(person, &uids, 16, &n.to_le_bytes()))).unwrap();
            path.display().to_string()
        };
        people.iter().enumerate().map(write).collect()
    }

    /// Keys as a thief takes them out of the key service's answers, each tried on every sealed part of every version.
    #[test]
    fn one_data_key() {
        const KEYS: usize = 8;
        let stage = Stage::filled(amount(300, 3_000));
        // Versions of their own of some, under the same numbers.
        world::fill(&stage.archive, TITLE, &world::people(40, 7)).unwrap();
        let frames = frames(&stage.data().join("archive")).unwrap();
        let records: Vec<_> = frames.iter().flat_map(|frame| frame.records.iter().map(move |r| (frame, r))).collect();
        assert!(records.iter().any(|(_, record)| record.version > 1), "there are second versions");
        let mut thief = Thief::connect(&stage.data(), &stage.clinician).unwrap();
        let (mut versions_max, mut tried) = (0, 0);
        for (nth, part) in [Part::Summary, Part::Content].into_iter().cycle().take(KEYS).enumerate() {
            // From the beginning, where there are two versions, and from everywhere else.
            let (_, of) = records[nth * records.len() / KEYS];
            let key = thief.release(part, &[of]).unwrap().remove(0).expect("a key is given to who may have it");
            let opens = |frame: &Frame, record, name| {
                let sealed = frame.sealed(extent(record, name)).unwrap();
                // As what it is, and as what the key was given for.
                let contexts = [record.context(), of.context()].map(|context| seal::context::bytes(&context, name));
                contexts.iter().any(|context| cobblestone::open(&key, context, sealed).is_ok())
            };
            let opened: Vec<_> = records
                .iter()
                .flat_map(|(frame, record)| PARTS.iter().map(move |name| (*frame, *record, *name)))
                .filter(|(frame, record, name)| opens(frame, record, *name))
                .map(|(_, record, name)| (record.object, record.version, name))
                .collect();
            let expected = PARTS.iter().filter(|name| name.part() == part);
            let expected: Vec<_> = expected.map(|name| (of.object, of.version, *name)).collect();
            assert_eq!(opened, expected, "the parts that lie under this key, of its one version");
            let versions: std::collections::HashSet<_> =
                opened.iter().map(|(object, version, _)| (object.0, version)).collect();
            versions_max = versions_max.max(versions.len());
            tried += records.len() * PARTS.len();
        }
        Finding {
            row: "one data key",
            way: "out of the key service's answer, on every sealed part of real segments",
            yielded: count(versions_max),
            limit: 1.0,
            unit: "object versions",
            note: format!("{KEYS} keys, {} object versions, {tried} sealed parts tried", records.len()),
        }
        .must_be_met();
    }

    /// The same thefts from an archive in use: not a row to be met, but what the rows are held against.
    #[test]
    fn the_same_thefts_from_orthanc() {
        let folder = tempfile::tempdir().unwrap();
        let people = world::people(200, 1);
        let orthanc = Orthanc::start(folder.path(), "OTHER", &json!({})).unwrap();
        let files = files(&folder.path().join("in"), &people);
        let port = orthanc.dimse.to_string();
        let mut arguments = vec!["-aec", "OTHER", "127.0.0.1", port.as_str()];
        arguments.extend(files.iter().map(String::as_str));
        program::must("dcmsend", &arguments).unwrap();
        let on_disk = Readers::new(&people).unwrap().in_folder(&orthanc.data).unwrap().len();
        let listed = program::must("curl", &["-s", &format!("http://{}/studies?expand", orthanc.http)]).unwrap();
        compare("Orthanc 1.10.1", &people, on_disk, &listed);
    }

    /// The same from the server that comes with DCMTK.
    #[test]
    fn the_same_thefts_from_dcmqrscp() {
        let folder = tempfile::tempdir().unwrap();
        let people = world::people(200, 1);
        let server = Dcmqrscp::start(folder.path(), "OTHER").unwrap();
        let files = files(&folder.path().join("in"), &people);
        let port = server.dimse.to_string();
        let mut arguments = vec!["-aec", "OTHER", "127.0.0.1", port.as_str()];
        arguments.extend(files.iter().map(String::as_str));
        program::must("dcmsend", &arguments).unwrap();
        let on_disk = Readers::new(&people).unwrap().in_folder(&server.data).unwrap().len();
        // Its address and a title are all that it asks for.
        let keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID", "-k", "PatientName", "-k", "StudyInstanceUID"];
        let arguments = [&["-S", "-aet", "ANYBODY", "-aec", "OTHER"][..], &keys, &["127.0.0.1", &port]].concat();
        let listed = program::must("findscu", &arguments).unwrap();
        compare("dcmqrscp (DCMTK)", &people, on_disk, &listed);
    }

    /// Prints what another archive gives for the rows that can be held against it.
    fn compare(way: &'static str, people: &[Person], on_disk: usize, listed: &str) {
        let by_login = people.iter().filter(|person| listed.contains(&person.number)).count();
        for (row, found) in [
            ("disk of either host, powered off; index with its log; any backup", on_disk),
            ("one data key", on_disk),
            ("a clinician's cookie or token alone", by_login),
            ("a clinician's whole device", by_login),
            ("one administrator (application, database and operating system)", on_disk),
            ("a hospital feed's certificate", by_login),
        ] {
            Finding {
                row,
                way,
                yielded: count(found),
                limit: count(people.len()),
                unit: "patients",
                note: format!(
                    "of {}, for comparison: nothing is sealed, and a title is all that it asks for",
                    people.len()
                ),
            }
            .print();
        }
        assert_eq!(on_disk, people.len(), "the search finds whoever is there to be found");
        assert_eq!(by_login, people.len(), "whoever is let in sees everybody");
    }
}
