//! What the administrator of the databases tries: any row, any schema, of both databases.

use sim::Result;
use sim::adversary::administrator::Administrator::Database;
use sim::adversary::administrator::{Abuse, Attempt, Noticed, Scene};

fn rows(name: &'static str, hope: &'static str, noticed: Noticed, attempt: fn(&Scene<'_>) -> Result<()>) -> Abuse {
    Abuse { name, by: Database, hope, noticed, attempt: Attempt::Files(attempt) }
}

pub fn abuses() -> Vec<Abuse> {
    let mut abuses = charges();
    abuses.extend(people());
    abuses.extend(relations());
    abuses.extend(decisions());
    abuses.extend(log());
    abuses.extend(running());
    abuses.extend(index());
    abuses
}

fn charges() -> Vec<Abuse> {
    use Noticed::Start;
    vec![
        rows("the newest charge forgotten", "a spent budget that is not spent", Start, |scene| {
            scene.state("DELETE FROM charge WHERE id = (SELECT max(id) FROM charge)")
        }),
        rows("all charges forgotten", "everybody's budgets anew", Start, |scene| scene.state("DELETE FROM charge")),
        rows("a charge in another's name", "a charge moved to an earlier number", Start, |scene| {
            scene.state("UPDATE charge SET id = id - 1000")
        }),
        rows("a charge of yesterday", "a charge so old that no window sees it", Start, |scene| {
            scene.state("UPDATE charge SET at = at - 100000")
        }),
        rows("a clock that is a day ahead", "the clock of the budgets, moved on", Start, |scene| {
            scene.state("UPDATE charge_clock SET micros = micros + 90000000000")
        }),
        rows("more patients than there are", "shares of all patients, of a larger number", Start, |scene| {
            scene.state("INSERT INTO patient (id, pseudonym, tree) VALUES (3000000, randomblob(16), 1)")
        }),
    ]
}

fn people() -> Vec<Abuse> {
    use Noticed::Start;
    vec![
        rows("nobody is frozen", "the rows of who is frozen, gone", Start, |scene| scene.state("DELETE FROM frozen")),
        rows("somebody else is frozen", "the row under another's number", Start, |scene| {
            scene.state("UPDATE frozen SET actor = hex(randomblob(16))")
        }),
        rows("a leaver comes back", "the row of who was removed, from an older copy", Start, |scene| {
            scene.state("INSERT OR IGNORE INTO person SELECT * FROM older.person")
        }),
        rows("a duty from an older copy", "the terms of who has left, as they were", Start, |scene| {
            scene.state(
                "UPDATE person SET entry = (SELECT entry FROM older.person AS o WHERE o.actor = person.actor)
                 WHERE actor IN (SELECT actor FROM older.person)",
            )
        }),
        rows("two people exchanged", "one's own number with another's rights", Start, |scene| {
            scene.state(
                "UPDATE person SET entry = (SELECT entry FROM person AS o WHERE o.actor <> person.actor ORDER BY actor LIMIT 1)",
            )
        }),
        rows("sessions of before", "keys and sessions that have ended", Start, |scene| {
            scene.state("INSERT INTO credential (id, entry) VALUES (randomblob(16), randomblob(80))")
        }),
        rows("challenges good once more", "what was used once, forgotten", Start, |scene| {
            scene.state("INSERT INTO used_once VALUES (randomblob(32), 1); UPDATE used_once SET until = 0")
        }),
        rows("alarms and incidents gone", "nobody hears of it afterwards", Start, |scene| {
            scene.state("DELETE FROM alarm; DELETE FROM incident; DELETE FROM outbox; DELETE FROM habit")
        }),
        rows("a hold taken out", "a record under dispute, free to be erased", Start, |scene| {
            scene.state("DELETE FROM hold")
        }),
    ]
}

fn relations() -> Vec<Abuse> {
    use Noticed::Start;
    vec![
        rows("the other clinic treats everybody", "a relation for each patient", Start, |scene| {
            scene.state(
                "INSERT OR IGNORE INTO treated SELECT patient.id, facility.id, 0 FROM patient, facility WHERE code = 'KLINIK-B'",
            )
        }),
        rows("a referral that nobody gave", "every patient referred to the other clinic", Start, |scene| {
            scene.state(
                "INSERT INTO relation (patient, facility, giver, kind, since, until, actor)
                 SELECT patient.id, b.id, a.id, 2, 0, 9000000000000000, '' FROM patient, facility AS a, facility AS b
                 WHERE a.code = 'RSUD-A' AND b.code = 'KLINIK-B'",
            )
        }),
        rows("a referral that has ended goes on", "a later end", Start, |scene| {
            scene.state("UPDATE relation SET until = 9000000000000000")
        }),
        rows("everybody is one person", "patients linked with one of the other clinic", Start, |scene| {
            scene.state(
                "INSERT OR IGNORE INTO link (patient, other) SELECT a.id, b.id FROM patient AS a, patient AS b WHERE a.id <> b.id",
            )
        }),
        rows("another's number", "numbers that name somebody else's record", Start, |scene| {
            scene.state("UPDATE identifier SET patient = (SELECT min(id) FROM patient)")
        }),
        rows("two facilities exchanged", "one's own facility under the other's number", Start, |scene| {
            scene.state(
                "PRAGMA foreign_keys = OFF; UPDATE facility SET id = id + 100; UPDATE facility SET id = CASE code WHEN 'RSUD-A' THEN
                 (SELECT id - 100 FROM facility WHERE code = 'KLINIK-B') ELSE (SELECT id - 100 FROM facility WHERE code = 'RSUD-A') END",
            )
        }),
        rows("two patients' secrets exchanged", "a patient's key under another's name", Start, |scene| {
            scene.state(
                "UPDATE patient SET secret = (SELECT secret FROM patient AS o WHERE o.id <> patient.id ORDER BY id LIMIT 1)",
            )
        }),
    ]
}

fn decisions() -> Vec<Abuse> {
    use Noticed::Start;
    vec![
        rows("no approvers", "as if two had never been named", Start, |scene| {
            scene.state("DELETE FROM quorum_fact; DELETE FROM proposal")
        }),
        rows("settings that nobody holds", "the settings' file in force again", Start, |scene| {
            scene.state("DELETE FROM quorum_fact WHERE name = 'settings'")
        }),
        rows("a proposal still open", "a proposal that was done, as it was", Start, |scene| {
            scene.state("DELETE FROM proposal")
        }),
        rows("rules in the approvers' place", "one fact of the quorum for another", Start, |scene| {
            scene.state(
                "UPDATE quorum_fact SET sealed = (SELECT sealed FROM quorum_fact WHERE name = 'rules') WHERE name = 'approvers'",
            )
        }),
        rows("an inventory of before", "older rows with the inventory that they had", Start, |scene| {
            scene.state(
                "DELETE FROM frozen; DELETE FROM charge; UPDATE meta SET value =
                 (SELECT value FROM older.meta WHERE name = 'inventory') WHERE name = 'inventory'",
            )
        }),
        rows("no inventory", "a state from before there were any", Start, |scene| {
            scene.state("DELETE FROM frozen; DELETE FROM meta WHERE name = 'inventory'")
        }),
        rows("a state begun anew", "no log, no approvers, and yesterday's patients", Start, |scene| {
            std::fs::remove_dir_all(scene.data.join("keyservice/ledger"))?;
            scene.state(
                "DELETE FROM event; DELETE FROM event_tag; DELETE FROM quorum_fact; DELETE FROM proposal;
                 DELETE FROM frozen; DELETE FROM charge; DELETE FROM erasure; DELETE FROM meta WHERE name <> 'root-id'",
            )
        }),
        rows("a trigger that forgets", "the service itself made to take its charges out", Start, |scene| {
            scene.state("CREATE TRIGGER quiet AFTER INSERT ON charge BEGIN DELETE FROM charge WHERE id = NEW.id; END")
        }),
        rows("an earlier layout", "the tables made anew by the service itself", Start, |scene| {
            scene.state("PRAGMA user_version = 1")
        }),
    ]
}

fn log() -> Vec<Abuse> {
    use Noticed::{Report, Start};
    vec![
        rows("the newest entries cut off", "what was just done, undone in the log", Start, |scene| {
            scene.state("DELETE FROM event WHERE position > (SELECT max(position) - 3 FROM event)")
        }),
        rows("an entry taken out", "one opening less", Start, |scene| {
            scene.state("DELETE FROM event WHERE position = 9")
        }),
        rows("an entry exchanged", "another's opening in the place of one's own", Start, |scene| {
            scene.state("UPDATE event SET sealed = (SELECT sealed FROM event WHERE position = 8) WHERE position = 9")
        }),
        rows("an entry put out of the way by its hash", "the ledger's leaf without the text", Start, |scene| {
            let db = rusqlite::Connection::open(scene.data.join("keyservice/state.sqlite"))?;
            let sealed: Vec<u8> = db.query_row("SELECT sealed FROM event WHERE position = 9", [], |row| row.get(0))?;
            let leaf = <sha2::Sha256 as sha2::Digest>::digest(&sealed).to_vec();
            let row = [leaf, vec![0; 24]].concat();
            db.execute("UPDATE event SET sealed = ?1 WHERE position = 9", [row])?;
            Ok(())
        }),
        rows("openings left out of a report", "tags that name nobody", Report, |scene| {
            scene.state(
                "UPDATE event_tag SET tags = (SELECT tags FROM event_tag WHERE position = 1) WHERE position > 20",
            )
        }),
        rows("tags taken out", "events that no report looks for", Report, |scene| {
            scene.state("DELETE FROM event_tag WHERE position > 20 AND position < 30")
        }),
    ]
}

fn running() -> Vec<Abuse> {
    let live = |name, hope, attempt| Abuse { name, by: Database, hope, noticed: Noticed::Service, attempt };
    vec![
        live(
            "treated while it runs",
            "a relation for each patient, at once",
            Attempt::Running(|scene, _| {
                scene.state(
                "INSERT OR IGNORE INTO main.treated SELECT p.id, f.id, 0 FROM main.patient AS p, main.facility AS f WHERE code = 'KLINIK-B'",
            )?;
                Ok(false)
            }),
        ),
        live(
            "charges forgotten while it runs",
            "a spent budget that is not spent, after the next failure",
            Attempt::Running(|scene, _| {
                scene.state("DELETE FROM main.charge")?;
                Ok(false)
            }),
        ),
    ]
}

fn index() -> Vec<Abuse> {
    use Noticed::{Nothing, Scrub};
    vec![
        rows("the index says that the other clinic treats everybody", "rows of visibility", Nothing, |scene| {
            scene.index(
                "INSERT OR IGNORE INTO facilities (code) VALUES ('KLINIK-B');
                 INSERT OR REPLACE INTO treated (patient, facility, own)
                 SELECT id, (SELECT id FROM facilities WHERE code = 'KLINIK-B'), 1 FROM patients",
            )
        }),
        rows("wrapped keys exchanged in the index", "one's own key for another's record", Scrub, |scene| {
            scene.index(
                "UPDATE versions SET record = (SELECT record FROM versions AS o WHERE o.id <> versions.id ORDER BY id LIMIT 1)
                 WHERE id < 4",
            )
        }),
        rows("studies that nobody finds", "a study under another's patient", Nothing, |scene| {
            scene.index("UPDATE studies SET patient = (SELECT max(id) FROM patients)")
        }),
    ]
}
