//! The key service is away; the disk is read by a thief.

use super::world::{Image, World};
use archive::find::{Level, Query};
use archive::ingest::StoreOutcome;
use record::Outcome;
use seal::message::Part;
use std::time::{Duration, Instant};

#[tokio::test]
async fn without_the_key_service_everything_is_busy_and_nothing_is_kept() {
    let mut world = World::new().await;
    let image = Image { pixels: vec![9; 2 << 20], ..Image::new("7", "A^B", "1.2.3", 1) };
    let later = Image { instance: "1.2.3.1.2".to_owned(), ..image.clone() };
    world.store(&world.a, &image.bytes()).await.unwrap();
    let located = world.archive.locate(&world.a, &image.target()).await.unwrap();
    let mut halfway = world.receive(&world.a);
    halfway.write(&later.bytes()[..1 << 20]).await.unwrap();
    let before = world.kept_bytes();
    world.stop_keys().await;

    let began = Instant::now();
    assert_eq!(world.store(&world.a, &later.bytes()).await.unwrap_err().outcome(), Outcome::Busy);
    assert_eq!(world.archive.find(&world.a, &Query::at(Level::Study)).await.unwrap_err().outcome(), Outcome::Busy);
    assert_eq!(world.archive.locate(&world.a, &image.target()).await.unwrap_err().outcome(), Outcome::Busy);
    assert_eq!(world.archive.open(&world.a, Part::Content, &located).await.unwrap_err().outcome(), Outcome::Busy);
    assert!(began.elapsed() < Duration::from_secs(4), "each of four calls fails within a second");
    assert_eq!(world.kept_bytes(), before);

    // What was admitted before needs the key service no more: nothing of it can be opened without it either.
    halfway.write(&later.bytes()[1 << 20..]).await.unwrap();
    assert_eq!(halfway.finish().await.unwrap().outcome, StoreOutcome::New);

    world.start_keys().await;
    assert_eq!(world.store(&world.a, &later.bytes()).await.unwrap().outcome, StoreOutcome::Duplicate);
    let opened = world.open(&world.a, &later.target()).await.unwrap().pop().unwrap();
    assert!(opened.read(0..u64::MAX).await.unwrap() == later.bytes());
}

#[tokio::test]
async fn the_archives_files_name_nobody() {
    let world = World::new().await;
    let pixels: Vec<u8> = (0..3 << 20).map(|n: u32| (n.wrapping_mul(40_503) >> 8) as u8).collect();
    let small = Image { nik: "3174015205900001", ..Image::new("00-12-34-77", "WULANDARI^SITI", "1.2.3", 1) };
    let large = Image { pixels: pixels.clone(), instance: "1.2.3.1.2".to_owned(), ..small.clone() };
    world.store(&world.a, &small.bytes()).await.unwrap();
    world.store(&world.a, &large.bytes()).await.unwrap();
    // One that stays unfinished while the disk is read.
    let mut halfway = world.receive(&world.a);
    let third = Image { instance: "1.2.3.1.3".to_owned(), ..large };
    halfway.write(&third.bytes()[..2 << 20]).await.unwrap();
    let needles: [&[u8]; 9] = [
        b"WULANDARI",
        b"wulandari",
        b"3174015205900001",
        b"00-12-34-77",
        b"19900512",
        b"THORAX POLOS",
        b"ACC-77-X",
        &small.pixels[..32],
        &pixels[1 << 20..(1 << 20) + 16],
    ];
    let files = world.archive_files();
    assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 5 << 20, "the scan sees what was written");
    for (path, bytes) in &files {
        for needle in needles {
            assert!(
                !bytes.windows(needle.len()).any(|window| window == needle),
                "{} in {}",
                needle.escape_ascii(),
                path.display()
            );
        }
        for needle in needles.iter().map(hex::encode) {
            assert!(
                !bytes.windows(needle.len()).any(|window| window == needle.as_bytes()),
                "{needle} in {}",
                path.display()
            );
        }
    }
    drop(halfway);
}
