//! What is isolated is as if it had never come, for whoever looks; and when that is lifted, as if nothing had been.

use crate::support::{Folder, facility, facts, instance, patient, put, put_all, resource, token};
use archive::index::rows::{Filter, ResourceFilter};
use archive::object::{Given, Isolation, ObjectRecord, Order};
use archive::storage::Storage;
use record::{Micros, ObjectId};
use seal::message::isolation::IsolationId;
use std::time::Duration;

/// Everything in `support` arrives about here; the thief an hour later.
const BEGUN: Micros = 1_700_000_000_000_000;
const STOLEN: Micros = BEGUN + 3_600_000_000;
const FAR: Micros = 4_000_000_000_000_000;

fn rule(number: u8) -> Isolation {
    Isolation {
        id: IsolationId([number; 8]),
        facility: None,
        senders: vec!["thief".to_owned()],
        from: STOLEN,
        until: STOLEN + 3_600_000_000,
    }
}

fn stolen(mut record: ObjectRecord, version: u32) -> ObjectRecord {
    record.version = version;
    record.sender = "thief".to_owned();
    record.arrived = STOLEN + i64::from(u32::from_be_bytes(record.object.0[12..].try_into().unwrap()));
    record
}

/// What two facilities find, by list, token and key, and of whom.
fn seen(storage: &Storage) -> Vec<String> {
    let index = storage.index();
    let mut lines = Vec::new();
    for code in ["RS-A", "RS-B"] {
        let mut line = |text: String| lines.push(format!("{code}: {text}"));
        for tokens in [vec![], vec![vec![token("everyone")]]] {
            let filter = Filter { tokens: tokens.clone(), ..Filter::new(facility(code), 1_000) };
            for row in index.studies(&filter).unwrap() {
                let modalities = row.modalities.join("+");
                let (series, instances) = (row.series, row.instances);
                line(format!("study {} {} {modalities} {series} {instances}", row.study_instance_uid, row.study_date));
            }
            for row in index.instances(&filter).unwrap() {
                line(format!("instance {:?} {}", row.kept().record.object, row.kept().record.version));
            }
            let filter = ResourceFilter { tokens, ..ResourceFilter::new(facility(code), 1_000) };
            for kept in index.resources(&filter).unwrap() {
                line(format!("resource {:?} {}", kept.record.object, kept.record.version));
            }
        }
        for modality in ["CT", "MR"] {
            let filter = Filter { modalities: vec![modality.to_owned()], ..Filter::new(facility(code), 1_000) };
            line(format!("{modality}: {}", index.studies(&filter).unwrap().len()));
        }
        let treated = (0..10).chain([77, 78]).filter(|n| index.treated(patient(*n), &facility(code)).unwrap());
        line(format!("treats {:?}", treated.collect::<Vec<_>>()));
        for (uid, id) in [("1.2.1.1.1", "r30"), ("1.2.5.1.50", "r60")] {
            let version =
                |kept: Option<archive::index::rows::Kept>| kept.map(|kept| (kept.record.version, kept.newest));
            line(format!("{uid}: {:?}", version(index.newest_instance(&facility(code), uid).unwrap())));
            line(format!("{id}: {:?}", version(index.newest_resource("Observation", id).unwrap())));
        }
    }
    for object in [1, 30, 31, 50, 60] {
        let versions = index.versions(ObjectId(crate::support::id(b'o', object))).unwrap();
        lines.push(format!(
            "{object}: {:?}",
            versions.iter().map(|kept| (kept.record.version, kept.newest)).collect::<Vec<_>>()
        ));
    }
    let counts = index.counts().unwrap();
    lines.push(format!("{} {} {}", counts.instances, counts.studies, counts.resources));
    lines
}

async fn honest(storage: &Storage) {
    for n in 1..=6 {
        put(storage, instance(n, "RS-A", n % 3)).await.unwrap();
        put(storage, instance(20 + n, "RS-B", 3 + n % 3)).await.unwrap();
    }
    put_all(storage, vec![resource(30, "RS-A", 1, "Observation"), resource(31, "RS-A", 2, "Consent")], 300)
        .await
        .unwrap();
}

async fn theft(storage: &Storage) {
    // Overwriting: other bytes, another patient, study, day and modality.
    let mut moved = stolen(instance(1, "RS-A", 1), 2);
    moved.patient = patient(77);
    moved.linked = vec![patient(78)];
    facts(&mut moved).study_instance_uid = "1.2.77".to_owned();
    put(storage, moved).await.unwrap();
    let mut spoilt = stolen(instance(2, "RS-A", 2), 2);
    facts(&mut spoilt).study_date = "20990101".to_owned();
    facts(&mut spoilt).modality = "MR".to_owned();
    put(storage, spoilt).await.unwrap();
    let mut amended = stolen(resource(30, "RS-A", 1, "Observation"), 2);
    amended.tokens = vec![token("other")];
    put(storage, amended).await.unwrap();
    // Claiming another facility's patients, and giving one's own away.
    put(storage, stolen(instance(50, "RS-A", 5), 1)).await.unwrap();
    put(storage, stolen(resource(60, "RS-A", 4, "Observation"), 1)).await.unwrap();
    let mut consent = stolen(resource(31, "RS-A", 2, "Consent"), 2);
    consent.given = vec![Given { to: facility("RS-B"), until: FAR }];
    put(storage, consent).await.unwrap();
}

/// Waits until every isolation is gone through.
async fn settled(storage: &Storage) -> u64 {
    loop {
        let all = storage.index().isolations().unwrap();
        if all.iter().all(|one| one.is_done) {
            return all.iter().map(|one| one.versions).sum();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn rows(folder: &Folder) -> Vec<String> {
    let apart = |row: &String| {
        !row.starts_with("isolations:") && !row.starts_with("segments:") && !row.starts_with("progress:")
    };
    folder.dump().into_iter().filter(apart).collect()
}

fn rebuilt(folder: &Folder) -> Vec<String> {
    let copy = folder.copy();
    copy.remove_index();
    copy.open().close();
    // How far the walk over the window came, in rows, depends on when it was made.
    copy.dump().into_iter().filter(|row| !row.starts_with("isolations:")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn isolated_writes_are_as_if_they_had_never_come_and_lifting_brings_back_every_row() {
    let (clean, folder) = (Folder::new(), Folder::new());
    let (reference, storage) = (clean.open(), folder.open());
    honest(&reference).await;
    honest(&storage).await;
    let before = seen(&reference);
    assert_eq!(seen(&storage), before);
    theft(&storage).await;
    let (with_theft, grown) = (seen(&storage), rows(&folder));
    assert_ne!(with_theft, before);

    storage.order(Order::Isolate(rule(1))).await.unwrap();
    assert_eq!(settled(&storage).await, 6);
    assert_eq!(seen(&storage), before);
    // The same again is the same; another that overlaps holds them as well.
    storage.order(Order::Isolate(rule(1))).await.unwrap();
    storage
        .order(Order::Isolate(Isolation { facility: Some(facility("RS-A")), senders: vec![], ..rule(2) }))
        .await
        .unwrap();
    assert_eq!(settled(&storage).await, 12);
    assert_eq!(seen(&storage), before);
    storage.order(Order::Lift { id: rule(2).id }).await.unwrap();
    assert_eq!(settled(&storage).await, 6);
    assert_eq!(seen(&storage), before);

    storage.close();
    drop(storage);
    let isolated: Vec<String> = folder.dump().into_iter().filter(|row| !row.starts_with("isolations:")).collect();
    assert_eq!(rebuilt(&folder), isolated, "an index that is built again");
    let storage = folder.open();
    assert_eq!(seen(&storage), before);
    assert!(storage.scrub(&mut |_| {}).unwrap().is_clean());
    storage.order(Order::Lift { id: rule(1).id }).await.unwrap();
    assert_eq!(settled(&storage).await, 0);
    assert_eq!(seen(&storage), with_theft);
    assert_eq!(rows(&folder), grown, "every row is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_is_isolated_at_once_and_honest_versions_go_on_after_it() {
    let (clean, folder) = (Folder::new(), Folder::new());
    let (reference, storage) = (clean.open(), folder.open());
    honest(&reference).await;
    honest(&storage).await;
    storage.order(Order::Isolate(rule(1))).await.unwrap();
    settled(&storage).await;
    // Arrived in the window, committed after the order.
    theft(&storage).await;
    assert_eq!(seen(&storage), seen(&reference));
    assert_eq!(settled(&storage).await, 6);
    // The next version is numbered after what nobody sees.
    let next = |version: u32| {
        let mut next = instance(1, "RS-A", 1);
        next.version = version;
        next
    };
    assert!(put(&storage, next(2)).await.is_err(), "its number is taken");
    put(&storage, next(3)).await.unwrap();
    assert_eq!(storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.1").unwrap().unwrap().record.version, 3);
    storage.order(Order::Lift { id: rule(1).id }).await.unwrap();
    settled(&storage).await;
    assert_eq!(storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.1").unwrap().unwrap().record.version, 3);
    storage.close();
    drop(storage);
    let grown: Vec<String> = folder.dump().into_iter().filter(|row| !row.starts_with("isolations:")).collect();
    assert_eq!(rebuilt(&folder), grown);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_the_middle_goes_on_before_anything_is_served() {
    const THEFTS: u32 = 1_500;
    let folder = Folder::new();
    let storage = folder.open();
    honest(&storage).await;
    let before = seen(&storage);
    for from in (0..THEFTS).step_by(100) {
        let frame = (from..from + 100).map(|n| stolen(instance(1_000 + n, "RS-A", 100 + n % 40), 1)).collect();
        put_all(&storage, frame, 100).await.unwrap();
    }
    let with_theft = seen(&storage);
    storage.close();
    drop(storage);
    for (order, expected, held) in
        [(Order::Isolate(rule(1)), before, THEFTS), (Order::Lift { id: rule(1).id }, with_theft, 0)]
    {
        let storage = folder.open();
        storage.order(order).await.unwrap();
        // Closing does not wait for the end of it.
        storage.close();
        drop(storage);
        let db = rusqlite::Connection::open(folder.archive().join("index.sqlite")).unwrap();
        let undone: i64 = db.query_row("SELECT count(*) FROM isolations WHERE done = 0", [], |row| row.get(0)).unwrap();
        assert_eq!(undone, 1, "it was in the middle");
        drop(db);
        let storage = folder.open();
        assert_eq!(seen(&storage), expected);
        let all = storage.index().isolations().unwrap();
        assert_eq!((all[0].is_done, all[0].versions), (true, u64::from(held)));
        storage.close();
    }
}
