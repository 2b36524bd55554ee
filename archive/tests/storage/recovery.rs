//! Crashes and losses: what start-up makes of whatever lies on the disk.

use crate::support::{Folder, assert_content, copy_dir, facility, instance, put, put_all, varied};
use archive::storage::{Progress, Storage};
use record::Outcome;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_index_equals_the_one_that_grew() {
    let folder = varied().await;
    let grown = folder.dump();
    folder.remove_index();
    let mut heard = Vec::new();
    let storage = Storage::open(&folder.settings, &mut |progress| heard.push(progress)).unwrap();
    storage.close();
    assert_eq!(folder.dump(), grown);
    let last: Progress = *heard.last().unwrap();
    assert_eq!((last.bytes_done, last.frames_done), (last.bytes_total, 28));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_index_is_rebuilt() {
    let folder = varied().await;
    let grown = folder.dump();
    let index = folder.archive().join("index.sqlite");
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("another schema", &|| {
            rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 99).unwrap()
        }),
        ("not a database", &|| fs::write(&index, vec![b'x'; 10_000]).unwrap()),
        ("empty", &|| fs::write(&index, b"").unwrap()),
        ("marked", &|| {
            rusqlite::Connection::open(&index).unwrap().execute("DELETE FROM versions", []).unwrap();
            fs::write(folder.archive().join("index.sqlite.rebuild"), b"").unwrap();
        }),
    ];
    for (name, spoil) in spoil {
        spoil();
        folder.open().close();
        assert_eq!(folder.dump(), grown, "{name}");
    }
}

/// What a crash between any two steps of a commit leaves: files of the moment after with files of the moment before.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_commit_survives_a_crash() {
    let folder = Folder::new();
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    storage.close();
    drop(storage);
    let before = folder.copy();
    let storage = folder.open();
    put_all(&storage, vec![instance(2, "RS-A", 1)], 2_000_000).await.unwrap();
    put(&storage, instance(3, "RS-A", 1)).await.unwrap();
    storage.close();
    drop(storage);
    let after = folder.dump();

    // Large object complete in staging, not yet renamed.
    let crash = before.copy();
    fs::copy(folder.segment(2), crash.archive().join("staging/0000000000000001.part")).unwrap();
    let storage = crash.open();
    assert_eq!(storage.index().counts().unwrap().instances, 1);
    assert_eq!(fs::read_dir(crash.archive().join("staging")).unwrap().count(), 0);
    drop(storage);
    assert_eq!(crash.dump(), before.dump());

    // Renamed; nothing else.
    let crash = before.copy();
    fs::copy(folder.segment(2), crash.segment(2)).unwrap();
    let storage = crash.open();
    let kept = storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.2").unwrap().unwrap();
    assert_content(&storage, &kept, 2_000_000);
    put(&storage, instance(3, "RS-A", 1)).await.unwrap();
    drop(storage);
    assert_eq!(crash.dump(), after, "and the archive goes on as if nothing had been");

    // Everything durable, the index as it was.
    let crash = before.copy();
    fs::remove_dir_all(crash.archive().join("segments")).unwrap();
    copy_dir(&folder.archive().join("segments"), &crash.archive().join("segments"));
    crash.open().close();
    assert_eq!(crash.dump(), after);
}

/// Group 2 is one frame of two objects. Whatever part of it a crash leaves, group 1 is whole and group 2 is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_is_cut_at_every_byte() {
    let (before, whole, start) = torn_world().await;
    let end = fs::metadata(whole.segment(1)).unwrap().len();
    assert!(end > start);
    let segment = fs::read(whole.segment(1)).unwrap();
    for cut in start..end {
        // Every byte near the ends of header, record and trailer; a stride of a prime elsewhere.
        if cut - start > 70 && end - cut > 200 && (cut - start) % 37 != 0 {
            continue;
        }
        for with_index in [true, false] {
            fs::write(before.segment(1), &segment[..usize::try_from(cut).unwrap()]).unwrap();
            check_torn(&before, with_index, &format!("cut at {cut}, index {with_index}"));
        }
    }
}

/// A page or sector that did not make it to the disk while later ones did.
#[tokio::test(flavor = "multi_thread")]
async fn a_tail_with_holes_is_cut() {
    let (before, whole, start) = torn_world().await;
    let segment = fs::read(whole.segment(1)).unwrap();
    let start = usize::try_from(start).unwrap();
    for hole in (start..segment.len()).step_by(512) {
        let mut torn = segment.clone();
        torn[hole..hole + 512].fill(0);
        if torn == segment {
            // The padding is zero anyway.
            assert!(segment.len() - hole > 512, "the trailer is not");
            continue;
        }
        for with_index in [true, false] {
            fs::write(before.segment(1), &torn).unwrap();
            check_torn(&before, with_index, &format!("hole at {hole}, index {with_index}"));
        }
    }
}

/// A folder with group 1, the same folder after group 2, and where group 2 begins.
async fn torn_world() -> (Folder, Folder, u64) {
    let folder = Folder::new();
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    storage.close();
    drop(storage);
    let before = folder.copy();
    let start = fs::metadata(folder.segment(1)).unwrap().len();
    let storage = folder.open();
    put_all(&storage, vec![instance(2, "RS-A", 1), instance(3, "RS-B", 2)], 700).await.unwrap();
    storage.close();
    drop(storage);
    (before, folder, start)
}

fn check_torn(folder: &Folder, with_index: bool, case: &str) {
    let saved = fs::read(folder.archive().join("index.sqlite")).unwrap();
    if !with_index {
        folder.remove_index();
    }
    let storage = folder.try_open().unwrap_or_else(|error| panic!("{case}: {error}"));
    let kept = storage.index().newest_instance(&facility("RS-A"), "1.2.1.1.1").unwrap().unwrap();
    assert_content(&storage, &kept, 1_000);
    assert_eq!(storage.index().counts().unwrap().versions, 1, "{case}");
    drop(storage);
    assert_eq!(fs::metadata(folder.segment(1)).unwrap().len(), 4_096, "{case}");
    fs::write(folder.archive().join("index.sqlite"), saved).unwrap();
}

/// Groups of several frames: those that are whole before the cut are there, the others are not, and none is half there.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_frames_keeps_the_whole_ones() {
    let folder = Folder::new();
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    storage.close();
    drop(storage);
    let before = folder.copy();
    let storage = folder.open();
    let tasks: Vec<_> = (2..32)
        .map(|n| {
            let storage = storage.clone();
            tokio::spawn(async move {
                put_all(&storage, vec![instance(n, "RS-A", n), instance(n + 100, "RS-B", n)], 300).await.unwrap()[0]
                    .frame_offset
            })
        })
        .collect();
    let mut offsets = Vec::new();
    for task in tasks {
        offsets.push(task.await.unwrap());
    }
    storage.close();
    drop(storage);
    offsets.sort_unstable();
    let segment = fs::read(folder.segment(1)).unwrap();
    let end = u64::try_from(segment.len()).unwrap();
    assert!(offsets.iter().any(|offset| offset % 4_096 != 0), "some frames share a group");
    for (nth, offset) in offsets.iter().enumerate() {
        let next = offsets.get(nth + 1).copied().unwrap_or(end);
        for (cut, whole) in [(*offset, nth), (offset + 1, nth), (offset + 60, nth), (next - 1, nth), (next, nth + 1)] {
            for with_index in [true, false] {
                let crash = before.copy();
                if !with_index {
                    crash.remove_index();
                }
                fs::write(crash.segment(1), &segment[..usize::try_from(cut).unwrap()]).unwrap();
                let storage = crash.open();
                assert_eq!(
                    storage.index().counts().unwrap().versions,
                    1 + 2 * u64::try_from(whole).unwrap(),
                    "cut at {cut}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_the_archive_goes_on() {
    let (before, whole, start) = torn_world().await;
    let segment = fs::read(whole.segment(1)).unwrap();
    fs::write(before.segment(1), &segment[..usize::try_from(start).unwrap() + 900]).unwrap();
    let storage = before.open();
    put_all(&storage, vec![instance(2, "RS-A", 1), instance(3, "RS-B", 2)], 700).await.unwrap();
    drop(storage);
    assert_eq!(before.dump(), whole.dump());
}

/// What was acknowledged is never cut: damage is an error that names the place.
#[tokio::test(flavor = "multi_thread")]
async fn damage_to_acknowledged_frames_is_not_taken_for_a_torn_tail() {
    let folder = varied().await;
    folder.remove_index();
    let mut segments: Vec<_> =
        fs::read_dir(folder.archive().join("segments")).unwrap().map(|e| e.unwrap().path()).collect();
    segments.sort();
    let flip = |path: &std::path::Path, at: u64| {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    let refused = |case: &str| {
        let error = folder.try_open().err().unwrap_or_else(|| panic!("{case} was not noticed"));
        assert_eq!(error.outcome(), Outcome::Damaged, "{case}");
        assert!(error.to_string().contains("segment"), "{case}: {error}");
        folder.remove_index();
    };
    for path in &segments {
        let bytes = fs::metadata(path).unwrap().len();
        if bytes <= 4_096 {
            continue;
        }
        // The header of the first frame and its record's neighbourhood.
        for at in [0, 9, 33, 50] {
            flip(path, at);
            refused(&format!("{} at {at}", path.display()));
            flip(path, at);
        }
        let saved = fs::read(path).unwrap();
        if path != segments.last().unwrap() {
            fs::write(path, &saved[..saved.len() - 4_096]).unwrap();
            refused("a segment cut short");
            fs::remove_file(path).unwrap();
            refused("a segment lost");
            fs::write(path, saved).unwrap();
        }
    }
    folder.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_shortened_segment_is_noticed_with_the_index() {
    let folder = varied().await;
    let path = folder.segment(2);
    let saved = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = folder.try_open().err().unwrap();
    assert_eq!(error.outcome(), Outcome::Damaged);
    assert!(error.to_string().contains("segment 2 is missing"), "{error}");
    fs::write(&path, saved).unwrap();
    folder.open();
}
