//! Scrub finds whatever is not as it was written.

use crate::support::{Folder, instance, put, varied};
use archive::scrub::{FindingKind, Report, scrub};
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

fn run(folder: &Folder) -> Report {
    scrub(&folder.settings, &mut |_| {}).unwrap()
}

fn kinds(report: &Report) -> Vec<FindingKind> {
    let mut kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    kinds.dedup();
    kinds
}

fn segments(folder: &Folder) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder.archive().join("segments")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undamaged_archive_is_clean() {
    let folder = varied().await;
    let mut heard = Vec::new();
    let report = scrub(&folder.settings, &mut |progress| heard.push(progress)).unwrap();
    assert!(report.is_clean(), "{report:?}");
    let bytes: u64 = segments(&folder).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!((report.frames, report.objects, report.bytes), (28, 29, bytes));
    assert!(report.index_compared);
    let last = heard.last().unwrap();
    assert_eq!((last.bytes_done, last.bytes_total), (bytes, bytes));
    // Without an index the frames alone are checked.
    folder.remove_index();
    let report = run(&folder);
    assert!(report.is_clean() && !report.index_compared);
}

#[test]
fn any_flipped_bit_is_found() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = runtime.block_on(varied());
    let paths = segments(&folder);
    let contents: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(which: prop::sample::Index, at: prop::sample::Index, bit in 0..8u8)| {
        let nth = which.index(paths.len());
        let mut bytes = contents[nth].clone();
        let position = at.index(bytes.len());
        bytes[position] ^= 1 << bit;
        fs::write(&paths[nth], &bytes).unwrap();
        let report = run(&folder);
        fs::write(&paths[nth], &contents[nth]).unwrap();
        let number = u64::try_from(nth).unwrap() + 1;
        let found = report.findings.iter().find(|f| f.kind == FindingKind::DamagedFrame && f.segment == Some(number));
        prop_assert!(found.is_some(), "bit {} of byte {} of segment {} was not found: {:?}", bit, position, number, report);
        let found = found.unwrap();
        prop_assert!(found.offset.unwrap() <= u64::try_from(position).unwrap());
        prop_assert!(!found.objects.is_empty(), "the objects are named: {:?}", report);
    });
    assert!(run(&folder).is_clean());
}

/// Every header and trailer byte, not by chance.
#[tokio::test(flavor = "multi_thread")]
async fn every_byte_of_the_first_and_last_frame_counts() {
    let folder = Folder::new();
    let storage = folder.open();
    put(&storage, instance(1, "RS-A", 1)).await.unwrap();
    storage.close();
    drop(storage);
    let bytes = fs::read(folder.segment(1)).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        fs::write(folder.segment(1), &flipped).unwrap();
        assert!(!run(&folder).is_clean(), "byte {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_shortened_and_foreign_files_are_reported() {
    let folder = varied().await;
    let path = folder.segment(2);
    let saved = fs::read(&path).unwrap();

    fs::remove_file(&path).unwrap();
    assert_eq!(kinds(&run(&folder)), [FindingKind::MissingSegment, FindingKind::MissingFrames]);
    fs::write(&path, &saved[..saved.len() - 4_096]).unwrap();
    let report = run(&folder);
    assert_eq!(kinds(&report), [FindingKind::ShortenedSegment, FindingKind::NotInSegment, FindingKind::MissingFrames]);
    assert!(report.findings[1].objects.len() == 1 && report.findings[1].offset.is_some());
    fs::write(&path, [saved.as_slice(), b"more"].concat()).unwrap();
    assert!(kinds(&run(&folder)).contains(&FindingKind::Unexpected));
    fs::write(&path, &saved).unwrap();

    let foreign = folder.archive().join("segments/letter.pdf");
    fs::write(&foreign, b"%PDF").unwrap();
    assert_eq!(kinds(&run(&folder)), [FindingKind::Unexpected]);
    fs::remove_file(foreign).unwrap();

    // A copy of a whole segment under another name is no frame of that place.
    fs::copy(&path, folder.segment(70)).unwrap();
    assert_eq!(kinds(&run(&folder)), [FindingKind::DamagedFrame]);
    fs::remove_file(folder.segment(70)).unwrap();

    // Without an index a lost segment still shows, by the frames' own numbers.
    fs::remove_file(&path).unwrap();
    folder.remove_index();
    assert_eq!(kinds(&run(&folder)), [FindingKind::MissingFrames]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_held_against_the_frames_both_ways() {
    let folder = varied().await;
    let change = |sql: &str| {
        let copy = folder.copy();
        rusqlite::Connection::open(copy.archive().join("index.sqlite")).unwrap().execute_batch(sql).unwrap();
        let report = run(&copy);
        assert!(report.findings.iter().all(|f| f.segment.is_some() && f.objects.len() == 1), "{report:?}");
        kinds(&report)
    };
    assert_eq!(change("DELETE FROM versions WHERE id = 5"), [FindingKind::NotInIndex]);
    assert_eq!(change("UPDATE versions SET record = zeroblob(9) WHERE id = 5"), [FindingKind::NotInIndex]);
    assert_eq!(
        change("UPDATE versions SET frame_offset = frame_offset + 1 WHERE id = 5"),
        [FindingKind::NotInIndex, FindingKind::NotInSegment]
    );
    let copy = folder.copy();
    fs::write(copy.archive().join("index.sqlite"), vec![b'x'; 5_000]).unwrap();
    assert_eq!(kinds(&run(&copy)), [FindingKind::Index]);
    let json = serde_json::to_value(run(&copy)).unwrap();
    assert_eq!(json["findings"][0]["kind"], "index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_archive_can_be_scrubbed() {
    let folder = varied().await;
    let storage = folder.open();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            for n in 1_000.. {
                runtime.block_on(put(&storage, instance(n, "RS-A", 1))).unwrap();
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let mut frames = 0;
        for _ in 0..20 {
            let report = storage.scrub(&mut |_| {}).unwrap();
            assert!(report.is_clean(), "{report:?}");
            // From another process it is the same.
            assert!(run(&folder).is_clean());
            frames = report.frames;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(frames > 28);
    });
}
