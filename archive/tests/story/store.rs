//! A hospital sends; it finds, opens and reads what it sent.

use super::world::{self, Image, World};
use archive::find::{Level, Matching, Query};
use archive::ingest::{Declared, StoreOutcome};
use archive::retrieve::Target;
use record::Outcome;
use seal::message::Part;
use wire::syntax::EXPLICIT_LITTLE;

#[tokio::test]
async fn what_goes_in_comes_out_identical() {
    let world = World::new().await;
    let image = Image::new("00-12-34", "AMINAH^SITI", "1.2.3", 1);
    let bytes = image.bytes();
    let stored = world.store(&world.a, &bytes).await.unwrap();
    assert_eq!(stored.outcome, StoreOutcome::New);
    assert_eq!(
        (stored.facts.modality.as_str(), stored.facts.study_date.as_str(), stored.facts.frames),
        ("CT", "20220105", 1)
    );

    let opened = world.open(&world.a, &image.target()).await.unwrap().pop().unwrap();
    assert_eq!(opened.content_len().await.unwrap(), bytes.len() as u64);
    assert_eq!(opened.read(0..u64::MAX).await.unwrap(), bytes);
    assert_eq!(opened.read(10..20).await.unwrap(), &bytes[10..20]);
    assert_eq!(opened.read(u64::MAX - 1..u64::MAX).await.unwrap(), b"");
    assert_eq!(opened.dataset_range().await.unwrap(), 0..bytes.len() as u64);
    let metadata = opened.metadata().await.unwrap();
    assert_eq!(metadata["00100010"]["Value"][0]["Alphabetic"], "AMINAH^SITI");
    let frames = opened.frames(&metadata).await.unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(opened.read_dataset(frames[0][0].clone()).await.unwrap(), image.pixels);
    assert_eq!(opened.summary().await.unwrap_err().outcome(), Outcome::Invalid, "the content's key opens no summary");

    // The archive is opened again, as after a restart.
    let World { folder, archive, service, a, .. } = world;
    drop((archive, opened));
    let archive = world::open(folder.path(), service.as_ref().unwrap());
    let located = archive.locate(&a, &Target::study("1.2.3")).await.unwrap();
    let opened = archive.open(&a, Part::Content, &located).await.unwrap().pop().unwrap();
    assert_eq!(opened.read(0..u64::MAX).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_file_keeps_its_preamble_and_a_resend_without_it_is_the_same() {
    let world = World::new().await;
    let image = Image::new("7", "A^B", "1.2.3", 1);
    let mut file = wire::part10::file_meta(world::CT_IMAGE_STORAGE, &image.instance, EXPLICIT_LITTLE, None);
    file[..3].copy_from_slice(b"abc");
    file.extend_from_slice(&image.bytes());
    let mut receiver = world.archive.receive(&world.a, Declared::default());
    for chunk in file.chunks(13) {
        receiver.write(chunk).await.unwrap();
    }
    let stored = receiver.finish().await.unwrap();
    assert_eq!(stored.facts.dataset_offset, (file.len() - image.bytes().len()) as u64);
    let opened = world.open(&world.a, &image.target()).await.unwrap().pop().unwrap();
    assert_eq!(opened.read(0..u64::MAX).await.unwrap(), file);
    let range = opened.dataset_range().await.unwrap();
    assert_eq!(opened.read(range).await.unwrap(), image.bytes());
    let metadata = opened.metadata().await.unwrap();
    let frames = opened.frames(&metadata).await.unwrap();
    assert_eq!(opened.read_dataset(frames[0][0].clone()).await.unwrap(), image.pixels);
    assert_eq!(world.store(&world.a, &image.bytes()).await.unwrap().outcome, StoreOutcome::Duplicate);
}

#[tokio::test]
async fn the_same_bytes_are_a_duplicate_and_other_bytes_a_version() {
    let world = World::new().await;
    let image = Image::new("7", "A^B", "1.2.3", 1);
    world.store(&world.a, &image.bytes()).await.unwrap();
    let before = world.kept_bytes();
    assert_eq!(world.store(&world.a, &image.bytes()).await.unwrap().outcome, StoreOutcome::Duplicate);
    assert_eq!(world.kept_bytes(), before, "a duplicate takes no room");

    let corrected = Image { description: "THORAX AP", ..image.clone() };
    let stored = world.store(&world.a, &corrected.bytes()).await.unwrap();
    assert_eq!(stored.outcome, StoreOutcome::NewVersion(2));
    assert!(stored.warnings.iter().any(|warning| warning.contains("version 2")), "{:?}", stored.warnings);
    let opened = world.open(&world.a, &image.target()).await.unwrap();
    assert_eq!(opened.len(), 1, "a retrieve gives the newest version alone");
    assert_eq!(opened[0].read(0..u64::MAX).await.unwrap(), corrected.bytes());
    assert_eq!(opened[0].located().version(), 2);

    // The state before the correction, sent again, is kept already: two senders that repeat different bytes must not make
    // versions for ever. But the sender is behind, and is told so.
    for _ in 0..3 {
        let behind = world.store(&world.a, &image.bytes()).await.unwrap();
        assert_eq!(behind.outcome, StoreOutcome::Duplicate);
        assert!(
            behind.warnings.iter().any(|warning| warning.contains("version 2 is the newest")),
            "{:?}",
            behind.warnings
        );
        assert_eq!(world.store(&world.a, &corrected.bytes()).await.unwrap().outcome, StoreOutcome::Duplicate);
    }
    assert_eq!(world.open(&world.a, &image.target()).await.unwrap()[0].located().version(), 2);
}

#[tokio::test]
async fn simultaneous_sends_of_one_instance_become_one() {
    let world = World::new().await;
    let image = Image::new("7", "A^B", "1.2.3", 1);
    let bytes = image.bytes();
    let sends: Vec<_> = (0..8).map(|_| world.store(&world.a, &bytes)).collect();
    let outcomes: Vec<_> = futures(sends).await.into_iter().map(|stored| stored.unwrap().outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == StoreOutcome::New).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == StoreOutcome::Duplicate).count(), 7, "{outcomes:?}");
}

/// Polls all of them together, without a crate for it.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = all.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in waiting.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) {
            return std::task::Poll::Ready(waiting.iter_mut().filter_map(|(_, output)| output.take()).collect());
        }
        std::task::Poll::Pending
    })
    .await
}

#[tokio::test]
async fn facilities_with_the_same_uid_and_number_stay_apart() {
    let world = World::new().await;
    let one = Image::new("1001", "A^ONE", "1.2.3", 1);
    let other = Image { name: "B^OTHER", ..one.clone() };
    assert_eq!(world.store(&world.a, &one.bytes()).await.unwrap().outcome, StoreOutcome::New);
    assert_eq!(world.store(&world.b, &other.bytes()).await.unwrap().outcome, StoreOutcome::New);
    for (asker, image) in [(&world.a, &one), (&world.b, &other)] {
        let opened = world.open(asker, &Target::study("1.2.3")).await.unwrap();
        assert_eq!(opened.len(), 1);
        assert_eq!(opened[0].read(0..u64::MAX).await.unwrap(), image.bytes());
    }
    assert_ne!(
        world.archive.locate(&world.a, &one.target()).await.unwrap()[0].patient(),
        world.archive.locate(&world.b, &one.target()).await.unwrap()[0].patient()
    );
}

#[tokio::test]
async fn a_stranger_finds_and_opens_nothing() {
    let world = World::new().await;
    let image = Image::new("7", "A^B", "1.2.3", 1);
    world.store(&world.a, &image.bytes()).await.unwrap();
    assert!(world.archive.locate(&world.b, &image.target()).await.unwrap().is_empty());
    for level in [Level::Patient, Level::Study, Level::Series, Level::Instance] {
        assert!(world.archive.find(&world.b, &Query::at(level)).await.unwrap().is_empty());
        assert_eq!(world.archive.find(&world.a, &Query::at(level)).await.unwrap().len(), 1);
    }
    // Even with what the other facility has located, the key service decides.
    let located = world.archive.locate(&world.a, &image.target()).await.unwrap();
    assert!(world.archive.open(&world.b, Part::Content, &located).await.unwrap().is_empty());
    assert!(world.archive.open(&world.b, Part::Summary, &located).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_nik_is_one_person_across_facilities() {
    let world = World::new().await;
    let one = Image { nik: "3174015205900001", ..Image::new("1001", "AMINAH^SITI", "1.2.3", 1) };
    let other = Image { nik: "3174015205900001", ..Image::new("77", "SITI AMINAH", "1.2.4", 1) };
    world.store(&world.a, &one.bytes()).await.unwrap();
    world.store(&world.b, &other.bytes()).await.unwrap();
    for asker in [&world.a, &world.b] {
        let query = Query::at(Level::Study).with(0x0010_1000, Matching::Single("3174015205900001".to_owned()));
        assert_eq!(world.archive.find(asker, &query).await.unwrap().len(), 2, "both have treated the person");
        assert_eq!(world.archive.find(asker, &Query::at(Level::Patient)).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_erased_patient_is_gone_and_may_come_again() {
    let world = World::new().await;
    let image = Image::new("7", "A^B", "1.2.3", 1);
    world.store(&world.a, &image.bytes()).await.unwrap();
    let located = world.archive.locate(&world.a, &image.target()).await.unwrap();
    let patient = located[0].patient();
    let refused = world.archive.erase(&world.a, patient, "a machine asks", None).await.unwrap_err();
    assert_eq!(refused.outcome(), Outcome::Refused);
    world
        .archive
        .erase(&world.registrar, patient, "the patient asked", Some(seal::message::custody::Basis::PatientRequest))
        .await
        .unwrap();
    assert!(world.archive.open(&world.a, Part::Content, &located).await.unwrap().is_empty());
    assert!(world.archive.find(&world.a, &Query::at(Level::Study)).await.unwrap().is_empty());

    // The same bytes again are no duplicate of what nobody can open any more.
    assert_eq!(world.store(&world.a, &image.bytes()).await.unwrap().outcome, StoreOutcome::NewVersion(2));
    let opened = world.open(&world.a, &image.target()).await.unwrap().pop().unwrap();
    assert_eq!(opened.read(0..u64::MAX).await.unwrap(), image.bytes());
    assert_ne!(opened.located().patient(), patient, "as a person who was never here");
}
