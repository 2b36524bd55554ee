//! kill -9 under load: what was acknowledged is there, and nothing is half there.

use crate::support::{Folder, assert_content, facility, instance, put_all};
use archive::scrub::scrub;
use archive::settings::Settings;
use archive::storage::Storage;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "SEGEL_TEST_KILL_FOLDER";
const FIRST: &str = "SEGEL_TEST_KILL_FIRST";

fn content_bytes(number: u32) -> usize {
    match number % 10 {
        0 => 1_300_000,
        1 => 200_000,
        _ => 900,
    }
}

/// The process that is killed: stores without end and says what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started, and killed, by the test below"]
async fn store_without_end() {
    let mut settings = Settings::new(std::env::var(FOLDER).unwrap());
    settings.segment_bytes_max = 500_000;
    let first: u32 = std::env::var(FIRST).unwrap().parse().unwrap();
    let storage = Storage::open(&settings, &mut |_| {}).unwrap();
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for number in (first + sender..).step_by(8) {
                    put_all(&storage, vec![instance(number, "RS-A", number % 5)], content_bytes(number)).await.unwrap();
                    std::io::stdout().write_all(format!("acknowledged {number}\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_archive_keeps_what_it_acknowledged() {
    let folder = Folder::new();
    let mut acknowledged: Vec<u32> = Vec::new();
    for round in 0..25u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::store_without_end", "--ignored", "--nocapture"])
            .env(FOLDER, folder.dir.path())
            .env(FIRST, (round * 100_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let number = |line: String| line.strip_prefix("acknowledged ").and_then(|text| text.parse::<u32>().ok());
            lines.map_while(Result::ok).filter_map(number).collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_millis(60 + u64::from(round) * 37 % 211));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());

        let storage = folder.open();
        for number in &acknowledged {
            let uid = format!("1.2.{}.1.{number}", number % 5);
            let kept = storage.index().newest_instance(&facility("RS-A"), &uid).unwrap();
            let kept = kept.unwrap_or_else(|| panic!("{number} was acknowledged and is lost in round {round}"));
            assert_content(&storage, &kept, content_bytes(*number));
        }
        drop(storage);
        let report = scrub(&folder.settings, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
    assert!(acknowledged.len() > 100, "only {} were acknowledged", acknowledged.len());
    let grown = folder.dump();
    folder.remove_index();
    folder.open().close();
    assert_eq!(folder.dump(), grown, "the index that lived through it equals a rebuilt one");
}
