//! What a record gives to another facility: found there for as long as it lasts, and by an index that is built again alike.

use crate::support::{Folder, facility, instance, patient, put, resource, token};
use archive::index::rows::{Filter, ResourceFilter};
use archive::object::{Given, ObjectRecord};
use archive::storage::Storage;
use record::Micros;

const HOUR: Micros = 3_600_000_000;

/// What RS-B finds: studies by list and by token, resources by list and by token, and whether the patient is there at all.
fn found(storage: &Storage) -> [usize; 5] {
    let index = storage.index();
    let filter = Filter::new(facility("RS-B"), 100);
    let by_token = Filter { tokens: vec![vec![token("everyone")]], ..filter.clone() };
    let resources = ResourceFilter::new(facility("RS-B"), 100);
    let resources_by_token = ResourceFilter { tokens: vec![vec![token("everyone")]], ..resources.clone() };
    [
        index.studies(&filter).unwrap().len(),
        index.studies(&by_token).unwrap().len(),
        index.resources(&resources).unwrap().len(),
        index.resources(&resources_by_token).unwrap().len(),
        usize::from(index.treated(patient(1), &facility("RS-B")).unwrap()),
    ]
}

fn order(version: u32, until: Option<Micros>) -> ObjectRecord {
    let mut order = resource(10, "RS-A", 1, "ServiceRequest");
    order.version = version;
    order.linked = vec![patient(2)];
    order.given = until.map(|until| Given { to: facility("RS-B"), until }).into_iter().collect();
    order
}

/// RS-A keeps an instance of a patient, one of the same person under another pseudonym, and one of somebody else.
async fn stage() -> (Folder, Storage) {
    let folder = Folder::new();
    let storage = folder.open();
    for of in 1..=3 {
        put(&storage, instance(of, "RS-A", of)).await.unwrap();
    }
    assert_eq!(found(&storage), [0; 5]);
    (folder, storage)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_is_found_until_a_later_version_takes_it_back() {
    let (folder, storage) = stage().await;
    put(&storage, order(1, Some(record::time::now() + HOUR))).await.unwrap();
    assert_eq!(found(&storage), [2, 2, 1, 1, 1], "the person's, and nobody else's");
    // What comes in later is found as well, also under another day.
    put(&storage, instance(4, "RS-A", 1)).await.unwrap();
    put(&storage, resource(11, "RS-A", 1, "Observation")).await.unwrap();
    assert_eq!(found(&storage), [2, 2, 2, 2, 1]);
    storage.close();
    drop(storage);
    let before = folder.dump();
    folder.remove_index();
    drop(folder.open());
    assert_eq!(folder.dump(), before, "a rebuilt index equals the one that grew");
    let storage = folder.open();
    put(&storage, order(2, None)).await.unwrap();
    assert_eq!(found(&storage), [0; 5]);
    let is_left = |row: &&String| row.starts_with("given:") || (row.starts_with("treated:") && row.ends_with("(0)"));
    assert_eq!(folder.dump().iter().filter(is_left).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_run_out_leaves_the_lists_at_the_next_change() {
    let (_folder, storage) = stage().await;
    put(&storage, order(1, Some(record::time::now() - 1))).await.unwrap();
    assert_eq!(found(&storage), [0; 5], "it had run out before it came");
    let until = record::time::now() + 1_500_000;
    put(&storage, order(2, Some(until))).await.unwrap();
    while record::time::now() <= until {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    put(&storage, instance(5, "RS-A", 3)).await.unwrap();
    assert_eq!(found(&storage), [0; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_treats_the_patient_meanwhile_keeps_finding_it() {
    let (_folder, storage) = stage().await;
    put(&storage, order(1, Some(record::time::now() + HOUR))).await.unwrap();
    put(&storage, instance(20, "RS-B", 1)).await.unwrap();
    put(&storage, order(2, None)).await.unwrap();
    assert_eq!(found(&storage), [2, 2, 1, 1, 1], "the first pseudonym's, and no longer the other's");
    // Two orders give; one of them is taken back.
    let mut second = resource(12, "RS-A", 3, "Consent");
    second.given = vec![Given { to: facility("RS-B"), until: record::time::now() + HOUR }];
    let mut third = resource(13, "RS-A", 3, "Consent");
    third.given = second.given.clone();
    put(&storage, second).await.unwrap();
    put(&storage, third.clone()).await.unwrap();
    let with_both = found(&storage);
    third.version = 2;
    third.given.clear();
    put(&storage, third).await.unwrap();
    assert_eq!(found(&storage), with_both);
}
