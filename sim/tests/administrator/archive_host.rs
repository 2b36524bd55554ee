//! What the administrator of the archive node's operating system tries: any file of the archive, and how it is started.

use seal::context::PartName::{Content, Metadata, Summary};
use sim::Result;
use sim::adversary::administrator::Administrator::ArchiveHost;
use sim::adversary::administrator::{Abuse, Attempt, Noticed, Scene, uids};
use sim::adversary::segments::{Frame, exchange, frames};
use sim::process::Archive;
use std::path::PathBuf;

fn files(name: &'static str, hope: &'static str, noticed: Noticed, attempt: fn(&Scene<'_>) -> Result<()>) -> Abuse {
    Abuse { name, by: ArchiveHost, hope, noticed, attempt: Attempt::Files(attempt) }
}

fn all(scene: &Scene<'_>) -> Result<Vec<Frame>> {
    frames(&scene.data.join("archive"))
}

/// The newest segment with something in it.
fn newest(scene: &Scene<'_>) -> Result<PathBuf> {
    Ok(all(scene)?.pop().ok_or("no segment")?.path)
}

/// The frames of the first patient's image: its versions in order.
fn versions(frames: &[Frame]) -> Result<(usize, usize)> {
    let first = frames.first().and_then(|frame| frame.records.first()).ok_or("no frame")?.object;
    let is_first = |frame: &Frame| frame.records.first().is_some_and(|record| record.object == first);
    let mut found = frames.iter().enumerate().filter(|(_, frame)| is_first(frame)).map(|(at, _)| at);
    found.next().zip(found.next()).ok_or_else(|| "no second version".into())
}

pub fn abuses() -> Vec<Abuse> {
    let mut abuses = ciphertexts();
    abuses.extend(segments());
    abuses.extend(starts());
    abuses
}

fn ciphertexts() -> Vec<Abuse> {
    use Noticed::{Reader, Scrub};
    vec![
        files("two patients' images exchanged", "one's own record with another's pixels", Scrub, |scene| {
            exchange(&mut all(scene)?, (0, Content), (1, Content), false)
        }),
        files(
            "two patients' images exchanged, hashes made anew",
            "the same, by who knows the format",
            Reader,
            |scene| exchange(&mut all(scene)?, (0, Content), (1, Content), true),
        ),
        files("two patients' texts exchanged, hashes made anew", "another's name and numbers", Reader, |scene| {
            exchange(&mut all(scene)?, (1, Metadata), (2, Metadata), true)
        }),
        files(
            "two patients' lines of lists exchanged, hashes made anew",
            "another's line of a list",
            Reader,
            |scene| exchange(&mut all(scene)?, (1, Summary), (2, Summary), true),
        ),
        files(
            "an older version in the newer's place, hashes made anew",
            "a finding that was corrected",
            Reader,
            |scene| {
                let mut frames = all(scene)?;
                let (older, newer) = versions(&frames)?;
                exchange(&mut frames, (older, Content), (newer, Content), true)
            },
        ),
        files("wrapped keys exchanged, hashes made anew", "one's own key for another's record", Reader, |scene| {
            let mut frames = all(scene)?;
            let key = |frames: &[Frame], at: usize| {
                frames.get(at).and_then(|frame| frame.records.first()).map(|record| record.content_key.clone())
            };
            let (one, other) = (key(&frames, 1).ok_or("no key")?, key(&frames, 2).ok_or("no key")?);
            for (at, key) in [(1, other), (2, one)] {
                let frame = frames.get_mut(at).ok_or("no frame")?;
                frame.records.first_mut().ok_or("no record")?.content_key = key;
                frame.put_records()?;
                frame.write()?;
            }
            std::fs::remove_file(scene.data.join("archive/index.sqlite"))?;
            Ok(())
        }),
        files(
            "another's pseudonym, hashes made anew",
            "a record under the patient that one may open",
            Reader,
            |scene| {
                let mut frames = all(scene)?;
                let patient = frames.get(2).and_then(|frame| frame.records.first()).ok_or("no record")?.patient;
                let frame = frames.get_mut(1).ok_or("no frame")?;
                frame.records.first_mut().ok_or("no record")?.patient = patient;
                frame.put_records()?;
                frame.write()?;
                std::fs::remove_file(scene.data.join("archive/index.sqlite"))?;
                Ok(())
            },
        ),
        files("a byte of a ciphertext", "a changed picture", Scrub, |scene| {
            let mut frames = all(scene)?;
            let frame = frames.get_mut(3).ok_or("no frame")?;
            let extent = frame.records.first().ok_or("no record")?.content;
            let mut sealed = frame.sealed(extent)?.to_vec();
            *sealed.last_mut().ok_or("nothing sealed")? ^= 1;
            frame.put(extent, &sealed)?;
            frame.write_as_it_is()
        }),
    ]
}

fn segments() -> Vec<Abuse> {
    use Noticed::Start;
    vec![
        files("a segment cut in the middle of a frame", "the newest record away", Start, |scene| {
            let path = newest(scene)?;
            let file = std::fs::OpenOptions::new().write(true).open(&path)?;
            Ok(file.set_len(file.metadata()?.len() * 2 / 3)?)
        }),
        files("a segment taken away", "records away", Start, |scene| Ok(std::fs::remove_file(newest(scene)?)?)),
        files("a segment a second time", "records twice", Noticed::Nothing, |scene| {
            let path = newest(scene)?;
            let number: u64 = path.file_stem().and_then(|stem| stem.to_str()).ok_or("no number")?.parse()?;
            std::fs::copy(&path, path.with_file_name(format!("{:010}.seg", number + 1)))?;
            Ok(())
        }),
        files("the index thrown away", "records that nobody finds", Noticed::Nothing, |scene| {
            Ok(std::fs::remove_file(scene.data.join("archive/index.sqlite"))?)
        }),
        files("an index of before", "records that nobody finds", Noticed::Nothing, |scene| {
            scene.put_back("archive/index.sqlite")
        }),
    ]
}

fn starts() -> Vec<Abuse> {
    vec![
        Abuse {
            name: "the archive's disk beside a key service of one's own",
            by: ArchiveHost,
            hope: "records under keys that one makes oneself",
            noticed: Noticed::Nothing,
            attempt: Attempt::Starting(|scene| {
                let own = scene.folder.join("own");
                Archive::start(&own)?.stop()?;
                std::fs::remove_dir_all(own.join("archive"))?;
                for file in sim::kept::files(&scene.data.join("archive"))? {
                    let target = own.join("archive").join(file.strip_prefix(scene.data.join("archive"))?);
                    std::fs::create_dir_all(target.parent().ok_or("no folder")?)?;
                    std::fs::copy(file, target)?;
                }
                let archive = Archive::start(&own)?;
                archive.facility("RSUD-A")?;
                // Its own tokens are as good there as any, and the records as sealed as before.
                archive.admin(&["person", "add", "thief", "--facility", "RSUD-A", "--role", "clinician"])?;
                let token = archive.admin(&["token", "--as", "thief"])?;
                let read = (0..sim::adversary::administrator::PATIENTS).filter(|n| {
                    let path = format!("/dicom-web/studies/{}/metadata", uids(*n).study);
                    sim::http::get(archive.http, &token, &path).is_some_and(|(status, _)| status == 200)
                });
                if read.count() > 0 { Err("a key service of the thief's opened records".into()) } else { Ok(archive) }
            }),
        },
        Abuse {
            name: "a core of the archive node",
            by: ArchiveHost,
            hope: "what its memory holds, written to a file",
            noticed: Noticed::Nothing,
            attempt: Attempt::Running(|scene, archive| {
                let process = archive.process_id().to_string();
                let limits = std::fs::read_to_string(format!("/proc/{process}/limits"))?;
                let core = limits.lines().find(|line| line.starts_with("Max core file size")).ok_or("no limit")?;
                let before = sim::kept::files(&scene.data)?.len();
                if core.split_whitespace().nth(4) != Some("0") || before == 0 {
                    return Err(format!("a core would be written: {core}").into());
                }
                Ok(false)
            }),
        },
    ]
}
