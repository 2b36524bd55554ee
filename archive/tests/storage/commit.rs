//! Frames in: together, apart, large, small, refused.

use crate::support::{Folder, assert_content, facility, facts, instance, put, put_all, resource, sealed};
use archive::error::Error;
use archive::storage::Storage;
use record::{Outcome, limits};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_stored_found_read_back_and_survives_a_restart() {
    let folder = Folder::new();
    let storage = folder.open();
    let kept = put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    let found = storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.1").unwrap().unwrap();
    assert_eq!(found, kept);
    assert_content(&storage, &found, 1_000);
    let part = storage.read_part(&found, found.record.content, 10..20).unwrap();
    assert_eq!(part, sealed(11, 1_000)[10..20]);
    drop(storage);

    let storage = folder.open();
    let again = storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.1").unwrap().unwrap();
    assert_eq!(again, kept);
    assert_content(&storage, &again, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_streams_into_its_own_segment() {
    let folder = Folder::new();
    let storage = folder.open();
    let small = put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    let large = put_all(&storage, vec![instance(2, "RS-A", 1)], 3_000_000).await.unwrap().remove(0);
    let after = put(&storage, instance(3, "RS-A", 1)).await.unwrap();
    assert_ne!(large.segment, small.segment);
    assert_eq!(large.frame_offset, 0);
    assert_eq!(after.segment, small.segment, "small ones go on in the open segment");
    assert_eq!(fs::read_dir(folder.archive().join("staging")).unwrap().count(), 0);
    drop(storage);
    let storage = folder.open();
    for (uid, bytes) in [("1.2.1.1.1", 1_000), ("1.2.1.1.2", 3_000_000), ("1.2.1.1.3", 1_000)] {
        let kept = storage.index().newest_instance(&facility("RS-A"), uid).unwrap().unwrap();
        assert_content(&storage, &kept, bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_draft_leaves_nothing() {
    let folder = Folder::new();
    let storage = folder.open();
    let staged = || fs::read_dir(folder.archive().join("staging")).unwrap().count();
    let mut small = storage.draft();
    small.append(&[1; 1_000]).unwrap();
    let mut large = storage.draft();
    large.append(&vec![1; 2_000_000]).unwrap();
    assert!(!small.is_in_file() && large.is_in_file());
    assert_eq!(staged(), 1);
    drop(small);
    drop(large);
    assert_eq!(staged(), 0);
    assert_eq!(storage.index().counts().unwrap().versions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_arrivals_share_one_flush() {
    let folder = Folder::new();
    let storage = folder.open();
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let storage = storage.clone();
            tokio::spawn(async move { put(&storage, instance(n, "RS-A", n % 7)).await.unwrap() })
        })
        .collect();
    for task in tasks {
        let kept = task.await.unwrap();
        assert_content(&storage, &kept, 1_000);
    }
    let metrics = storage.metrics();
    assert_eq!(metrics.frames, 300);
    assert_eq!(metrics.flushes, metrics.groups);
    assert!(metrics.flushes <= 150, "{} flushes for 300 objects", metrics.flushes);
    assert_eq!(storage.index().counts().unwrap().instances, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_facilities_with_the_same_uid_stay_apart() {
    let folder = Folder::new();
    let storage = folder.open();
    let ours = put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    let mut theirs = instance(2, "RS-B", 9);
    facts(&mut theirs).clone_from(facts(&mut instance(1, "RS-A", 1)));
    let theirs = put(&storage, theirs).await.unwrap();
    assert_eq!(storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.1").unwrap().unwrap(), ours);
    assert_eq!(storage.index().newest_instance(&facility("RS-B"), "1.2.1.1.1").unwrap().unwrap(), theirs);
    assert_eq!(storage.index().counts().unwrap().studies, 2);
    // A resource's id is made by the server: another facility that claims it is refused.
    put(&storage, resource(5, "RS-A", 1, "Observation")).await.unwrap();
    let mut taken = resource(5, "RS-B", 1, "Observation");
    taken.version = 2;
    assert_eq!(put(&storage, taken).await, Err(Error::Conflict));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_come_one_after_the_other() {
    let folder = Folder::new();
    let storage = folder.open();
    let version = |number: u32| {
        let mut record = instance(1, "RS-A", 1);
        record.version = number;
        record
    };
    assert_eq!(put(&storage, version(2)).await, Err(Error::Conflict), "there is no version 1");
    put(&storage, version(1)).await.unwrap();
    assert_eq!(put(&storage, version(1)).await, Err(Error::Conflict));
    assert_eq!(put(&storage, version(3)).await, Err(Error::Conflict));
    put(&storage, version(2)).await.unwrap();
    let mut other_object = version(3);
    other_object.object = instance(8, "RS-A", 1).object;
    assert_eq!(put(&storage, other_object).await, Err(Error::Conflict));
    let mut same_object = instance(1, "RS-A", 4);
    facts(&mut same_object).sop_instance_uid = "9.9".to_owned();
    assert_eq!(put(&storage, same_object).await, Err(Error::Conflict), "an object has one key for ever");

    let versions = storage.index().versions(version(1).object).unwrap();
    assert_eq!(
        versions.iter().map(|kept| (kept.record.version, kept.newest)).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    for kept in &versions {
        assert_content(&storage, kept, 1_000);
    }
    assert_eq!(storage.index().counts().unwrap().instances, 1);
    assert_eq!(Error::Conflict.outcome(), Outcome::Busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_commits_of_one_version_exactly_one_succeeds() {
    let folder = Folder::new();
    let storage = folder.open();
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let storage = storage.clone();
            let mut record = instance(1, "RS-A", 1);
            record.object = instance(n, "RS-A", 1).object;
            tokio::spawn(async move { put(&storage, record).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => stored += 1,
            Err(error) => assert_eq!(error, Error::Conflict),
        }
    }
    assert_eq!(stored, 1);
    assert_eq!(storage.index().counts().unwrap().versions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_is_all_or_nothing() {
    let folder = Folder::new();
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    let mixed = vec![instance(2, "RS-A", 1), instance(1, "RS-A", 1), instance(3, "RS-A", 1)];
    assert_eq!(put_all(&storage, mixed, 100).await, Err(Error::Conflict));
    let twice = vec![resource(7, "RS-A", 1, "Observation"), resource(7, "RS-A", 1, "Observation")];
    assert_eq!(put_all(&storage, twice, 100).await, Err(Error::Conflict));
    assert_eq!(storage.index().counts().unwrap().versions, 1);
    let three = vec![instance(2, "RS-A", 1), resource(7, "RS-A", 1, "Observation"), instance(3, "RS-B", 2)];
    let kept = put_all(&storage, three, 100).await.unwrap();
    assert!(kept.iter().all(|k| (k.segment, k.frame_offset) == (kept[0].segment, kept[0].frame_offset)));
    assert_eq!(storage.index().counts().unwrap().versions, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_rotate_at_their_size() {
    let mut folder = Folder::new();
    folder.settings.segment_bytes_max = 10_000;
    let storage = folder.open();
    let mut segments = Vec::new();
    for n in 0..12 {
        segments.push(put(&storage, instance(n, "RS-A", 1)).await.unwrap().segment);
    }
    segments.dedup();
    assert_eq!(segments, [1, 2, 3, 4], "three groups of a page each reach the size");
    drop(storage);
    let storage = folder.open();
    assert_eq!(put(&storage, instance(50, "RS-A", 1)).await.unwrap().segment, 5);
    assert_eq!(storage.index().counts().unwrap().instances, 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_owner() {
    let folder = Folder::new();
    let first = folder.open();
    let second = folder.try_open().err().unwrap();
    assert_eq!(second.outcome(), Outcome::Busy);
    assert!(second.to_string().contains("another process"), "{second}");
    drop(first);
    folder.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_busy_and_loses_nothing() {
    let mut folder = Folder::new();
    folder.settings.queue_frames_max = 1;
    let storage = folder.open();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let storage = storage.clone();
            tokio::spawn(async move { put(&storage, instance(n, "RS-A", 1)).await })
        })
        .collect();
    let (mut stored, mut busy) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => stored += 1,
            Err(error) => {
                assert_eq!(error.outcome(), Outcome::Busy);
                busy += 1;
            }
        }
    }
    assert!(busy > 0 && stored > 0, "{stored} stored, {busy} busy");
    assert_eq!(storage.index().counts().unwrap().instances, stored);
    storage.close();
    assert_eq!(put(&storage, instance(999, "RS-A", 1)).await, Err(Error::Closed));
}

fn fill(storage: &Storage, bytes: usize) -> Result<(), Error> {
    storage.draft().append(&vec![1; bytes])
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_frame() {
    let mut folder = Folder::new();
    folder.settings.frame_bytes_max = 3_000_000;
    folder.settings.drafts_memory_bytes_max = 1_500_000;
    let storage = folder.open();
    fill(&storage, 3_000_000).unwrap();
    assert_eq!(fill(&storage, 3_000_001).unwrap_err().outcome(), Outcome::Invalid);

    // One frame in memory, and one byte more.
    let mut draft = storage.draft();
    draft.append(&vec![1; limits::DRAFT_MEMORY_BYTES_MAX]).unwrap();
    assert!(!draft.is_in_file());
    // All frames in memory, and one byte more: what is left of 1,500,000.
    let mut second = storage.draft();
    second.append(&vec![1; 1_500_000 - limits::DRAFT_MEMORY_BYTES_MAX]).unwrap();
    assert!(!second.is_in_file());
    second.append(&[1]).unwrap();
    assert!(second.is_in_file());
    draft.append(&[1]).unwrap();
    assert!(draft.is_in_file());
    // Memory was given back.
    let mut third = storage.draft();
    third.append(&vec![1; limits::DRAFT_MEMORY_BYTES_MAX]).unwrap();
    assert!(!third.is_in_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_record_and_a_read() {
    let folder = Folder::new();
    let storage = folder.open();
    let max = u32::try_from(limits::FRAME_OBJECTS_MAX).unwrap();
    let many = |count: u32| (0..count).map(|n| resource(n, "RS-A", 1, "Observation")).collect::<Vec<_>>();
    assert_eq!(put_all(&storage, many(max + 1), 10).await.unwrap_err().outcome(), Outcome::Invalid);
    assert_eq!(put_all(&storage, Vec::new(), 10).await.unwrap_err().outcome(), Outcome::Invalid);
    assert_eq!(put_all(&storage, many(max), 10).await.unwrap().len(), limits::FRAME_OBJECTS_MAX);

    let mut long = instance(5_000, "RS-A", 1);
    long.sender = "x".repeat(limits::FRAME_RECORD_BYTES_MAX);
    assert_eq!(put(&storage, long).await.unwrap_err().outcome(), Outcome::Invalid);
    // An extent that points outside the sealed parts is the caller's mistake, and is not written down.
    let mut outside = instance(5_001, "RS-A", 1);
    outside.content.offset = 56;
    outside.content.sealed_bytes = 1;
    assert_eq!(storage.commit(storage.draft(), vec![outside]).await.unwrap_err().outcome(), Outcome::Invalid);

    let bytes = usize::try_from(limits::PART_READ_BYTES_MAX).unwrap() + 1;
    let kept = put_all(&storage, vec![instance(6_000, "RS-A", 1)], bytes).await.unwrap().remove(0);
    let read = |range| storage.read_part(&kept, kept.record.content, range);
    assert_eq!(read(1..limits::PART_READ_BYTES_MAX + 1).unwrap().len(), bytes - 1);
    assert_eq!(read(0..limits::PART_READ_BYTES_MAX + 1).unwrap_err().outcome(), Outcome::Invalid);
    assert_eq!(read(5..limits::PART_READ_BYTES_MAX + 2).unwrap_err().outcome(), Outcome::Invalid);
}
