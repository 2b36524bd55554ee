//! One administrator against an archive that is set up as it should be, with two approvers: named abuses, what each yields and who
//! notices; and rewritten logs, older copies and exchanged ciphertexts at random, each noticed. `docs/administrator.md` is made from the table.

#[cfg(test)]
mod application;
#[cfg(test)]
mod archive_host;
#[cfg(test)]
mod database;
#[cfg(test)]
mod keyservice_host;
#[cfg(test)]
mod variants;

#[cfg(test)]
mod tests {
    use super::{application, archive_host, database, keyservice_host, variants};
    use sim::adversary::Finding;
    use sim::adversary::administrator::{Abuse, Administrator, Attempt, Base, Noticed, Outcome, Scene};
    use sim::process::Archive;
    use sim::program;
    use std::fmt::Write as _;
    use std::path::Path;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Archives that run at once.
    const AT_ONCE: usize = 2;
    /// Named abuses that there must be.
    const NAMED_MIN: usize = 40;

    fn abuses() -> Vec<Abuse> {
        let mut abuses = application::abuses();
        abuses.extend(database::abuses());
        abuses.extend(archive_host::abuses());
        abuses.extend(keyservice_host::abuses());
        abuses
    }

    fn count(found: usize) -> f64 {
        f64::from(u32::try_from(found).unwrap())
    }

    fn try_out(base: &Base, folder: &Path, abuse: &Abuse) -> Result<Outcome, String> {
        let tried = Scene::new(base, folder).and_then(|scene| scene.try_out(abuse)).map_err(|error| error.to_string());
        let _gone = std::fs::remove_dir_all(folder);
        tried
    }

    /// Tries each; what came of it, in their order.
    fn try_all(base: &Base, folder: &Path, abuses: &[Abuse]) -> Vec<Result<Outcome, String>> {
        let outcomes: Vec<_> = abuses.iter().map(|_| Mutex::new(None)).collect();
        let is_alone = |abuse: &Abuse| matches!(abuse.attempt, Attempt::Witnessed(_));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(abuse) = abuses.get(at) else { return };
                        if !is_alone(abuse) {
                            let tried = try_out(base, &folder.join(format!("abuse{at}")), abuse);
                            *outcomes[at].lock().unwrap() = Some(tried);
                        }
                    }
                });
            }
        });
        // There is one witness, and it must hear of one archive only.
        for (at, abuse) in abuses.iter().enumerate().filter(|(_, abuse)| is_alone(abuse)) {
            *outcomes[at].lock().unwrap() = Some(try_out(base, &folder.join(format!("abuse{at}")), abuse));
        }
        outcomes.into_iter().map(|outcome| outcome.into_inner().unwrap().unwrap()).collect()
    }

    #[test]
    fn one_administrator_reads_nobody_whatever_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let base = Base::found(folder.path()).unwrap();
        let only = std::env::var("SEGEL_ABUSE").unwrap_or_default();
        let abuses: Vec<Abuse> = abuses().into_iter().filter(|abuse| abuse.name.contains(&only)).collect();
        let outcomes = try_all(&base, folder.path(), &abuses);
        let mut wrong = Vec::new();
        let (mut read, mut noticed) = (0, 0);
        for (abuse, outcome) in abuses.iter().zip(outcomes) {
            match outcome {
                Ok(outcome) => {
                    read += outcome.read;
                    noticed += usize::from(outcome.noticed != Noticed::Nothing);
                    if outcome.read > 0 || outcome.noticed != abuse.noticed {
                        wrong.push(format!("{}: expected {:?}, {outcome:?}", abuse.name, abuse.noticed));
                    }
                }
                Err(error) => wrong.push(format!("{}: could not be tried: {error}", abuse.name)),
            }
        }
        println!("{} abuses, {noticed} noticed, the others change nothing", abuses.len());
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), abuses.len(), wrong.join("\n"));
        let mut names: Vec<&str> = abuses.iter().map(|abuse| abuse.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), abuses.len(), "every abuse has a name of its own");
        assert!(!only.is_empty() || names.len() >= NAMED_MIN);
        Finding {
            row: "one administrator (application, database and operating system)",
            way: "named abuses, two approvers being registered (docs/administrator.md)",
            yielded: count(read),
            limit: 0.0,
            unit: "patients",
            note: format!("{} abuses, {noticed} noticed, the others change nothing", abuses.len()),
        }
        .must_be_met();
    }

    #[test]
    fn rewritten_logs_older_copies_and_exchanged_ciphertexts_are_all_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let base = Base::found(folder.path()).unwrap();
        let seed = sim::random::seed();
        println!("SEGEL_SEED={seed}");
        for (way, kind) in [
            ("log rewritten", variants::Kind::Log),
            ("rolled back", variants::Kind::Older),
            ("ciphertexts exchanged", variants::Kind::Ciphertext),
        ] {
            let (mut unnoticed, mut read) = (Vec::new(), 0);
            for nth in 0..variants::OF_EACH {
                let place = folder.path().join("variant");
                let scene = Scene::new(&base, &place).unwrap();
                let (told, outcome) = variants::try_one(&scene, kind, seed.wrapping_add(nth)).unwrap();
                read += outcome.read;
                if outcome.noticed == Noticed::Nothing {
                    unnoticed.push(told);
                }
                std::fs::remove_dir_all(place).unwrap();
            }
            assert_eq!(read, 0);
            println!("{way}: {unnoticed:#?}");
            Finding {
                row: "one administrator (application, database and operating system)",
                way,
                yielded: count(unnoticed.len()),
                limit: 0.0,
                unit: "unnoticed",
                note: format!("of {} at random, seed {seed}", variants::OF_EACH),
            }
            .must_be_met();
        }
    }

    #[test]
    fn an_older_backup_opens_nothing_until_two_have_put_it_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let base = Base::found(folder.path()).unwrap();
        let scene = Scene::new(&base, &folder.path().join("restored")).unwrap();
        let backup = folder.path().join("backup").display().to_string();
        sim::adversary::administrator::keyservice(&base.older, &["backup", &backup]).unwrap();
        sim::adversary::administrator::keyservice(&scene.data, &["restore", &backup]).unwrap();
        let outcome = scene.look().unwrap();
        let said = sim::adversary::administrator::keyservice(&scene.data, &["--events"]).unwrap();
        assert!(said.contains("was restored"), "it is an entry of the log");
        assert_eq!(outcome.noticed, Noticed::Reader, "nobody reads, the honest neither");
        Finding {
            row: "one administrator (application, database and operating system)",
            way: "an older backup put in force by the command for it, and logins that were stopped since",
            yielded: count(outcome.read),
            limit: 0.0,
            unit: "patients",
            note: format!("{} logins of that time tried", base.stopped()),
        }
        .must_be_met();
        let archive = Archive::start(&scene.data).unwrap();
        assert!(scene.is_refused("admin", &["in-force"]).unwrap(), "one alone does not put it in force");
        let id =
            sim::approver::proposed(&scene.data, "admin", &["in-force", "--propose", "the disk was lost"]).unwrap();
        base.approvers.approve(&archive, &id).unwrap();
        sim::process::segel(&scene.data, "approve", &["enact", &id]).unwrap();
        assert!(base.is_open(&archive), "the honest read again");
        archive.stop().unwrap();
    }

    /// What is not met: see docs/threat-model.md.
    #[test]
    fn an_older_copy_of_the_archives_folder_alone_is_missed_by_who_looks_for_a_record_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let base = Base::found(folder.path()).unwrap();
        let scene = Scene::new(&base, &folder.path().join("older-archive")).unwrap();
        scene.put_back("archive").unwrap();
        let outcome = scene.look().unwrap();
        assert_eq!(outcome.read, 0, "{}", outcome.said);
        Finding {
            row: "one administrator (application, database and operating system)",
            way: "the archive's folder alone put back to an older copy",
            yielded: count(usize::from(matches!(outcome.noticed, Noticed::Reader | Noticed::Nothing))),
            limit: 0.0,
            unit: "unnoticed",
            note: "nobody reads by it; what arrived since is missing, and the key service does not know how far the archive was".into(),
        }
        .print();
    }

    #[test]
    fn the_abuses_are_written_down() {
        let mut page = String::from(
            "# One administrator\n\nWhat one administrator alone tries, with every right that one has, against an archive that is \
             set up as it should be: two approvers, a witness, and a passphrase that somebody else types. Among the people are one who was removed, one \
             who is frozen, one whose duty has ended, one whose budget is spent and a clinician of another hospital; after every abuse each \
             of them tries to read every patient. `sim/tests/administrator` tries all of it on the real programs: nobody reads anybody.\n\n\
             This page is made from the table in the test; `SEGEL_GOLDEN=1` writes it anew.\n",
        );
        use Administrator::{Application, ArchiveHost, Database, KeyServiceHost};
        for administrator in [Application, Database, ArchiveHost, KeyServiceHost] {
            write!(
                page,
                "\n## The administrator {}\n\n| abuse | what is hoped for | what comes of it |\n|---|---|---|\n",
                administrator.name()
            )
            .unwrap();
            for abuse in abuses().iter().filter(|abuse| abuse.by == administrator) {
                writeln!(page, "| {} | {} | {} |", abuse.name, abuse.hope, abuse.noticed.name()).unwrap();
            }
        }
        let path = program::workspace().join("docs/administrator.md");
        if std::env::var_os("SEGEL_GOLDEN").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "SEGEL_GOLDEN=1 writes it anew");
    }
}
