//! What lies on the disk: who may read it, what it tells, and what happens when it is not what was written.

use crate::support::{PASSPHRASE, World, bearer, files, item, peer, terms};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use record::{FacilityCode, Identifier, Outcome, Purpose, Role};
use seal::message::{AdminRequest, AdmitItem, Answer, Context, Part, ReleaseItem, Request};
use std::os::unix::fs::PermissionsExt as _;

/// A text in the encodings that software leaves behind. Of base64 only the part that does not depend on its neighbours.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut all = vec![
        bytes.to_vec(),
        text.to_uppercase().into_bytes(),
        text.to_lowercase().into_bytes(),
        hex::encode(bytes).into_bytes(),
        hex::encode_upper(bytes).into_bytes(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        bytes.iter().rev().copied().collect(),
    ];
    for skip in 0..3 {
        let inner = &bytes[skip..skip + (bytes.len() - skip) / 3 * 3];
        all.push(STANDARD.encode(inner).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(inner).into_bytes());
    }
    all
}

#[test]
fn nothing_that_names_anybody_lies_in_any_file() {
    let mut world = World::new();
    let mut node = world.node();
    let mut planted: Vec<String> = Vec::new();
    let mut keys = Vec::new();
    // As many as a peer opens in an hour by the node's word.
    for n in 0..90_u64 {
        let (nik, card, passport) = (
            format!("3174{:012}", 770_000_001 + n),
            format!("{:013}", 880_000_777 + n),
            format!("C{:07}", 990_123 + n),
        );
        let (number, issuer) = (format!("RM-{:07}", 5_550_000 + n), format!("Issuer-{:05}", 70_000 + n));
        let identifiers = vec![
            Identifier::Local { issuer: issuer.clone(), value: number.clone() },
            Identifier::Nik(nik.clone()),
            Identifier::JknCard(card.clone()),
            Identifier::Passport(passport.clone()),
        ];
        let image = AdmitItem { terms: terms(&[&nik, &card, &number]), ..item(identifiers) };
        let admitted = node.admit(&peer("CT-A"), vec![image.clone()]).remove(0);
        let context = Context { patient: admitted.patient, object: image.object, version: 1 };
        node.release(&peer("CT-A"), Part::Content, vec![ReleaseItem { context, wrapped: admitted.content }]);
        node.call(Request::Tokens { asker: peer("CT-A"), terms: terms(&[&passport]) });
        keys.extend([image.summary.0, image.content.0]);
        planted.extend([nik, card, passport, number, issuer]);
    }
    for n in 0..20 {
        let name = format!("dr. Sari Rahayu Nomor {n}");
        let token = world.person(&name, "A", Role::Clinician, Purpose::Treat);
        node.call(Request::Authenticate(bearer(&token)));
        planted.extend([name, token]);
    }
    let facility = "Rumah Sakit Umum Melati Sejahtera";
    world.admin().admin(AdminRequest::AddFacility { code: FacilityCode::new("C").unwrap(), name: facility.into() });
    planted.extend([facility.into(), PASSPHRASE.into()]);

    let needles: Vec<Vec<u8>> = planted
        .iter()
        .flat_map(|text| encodings(text))
        .chain(keys.iter().flat_map(|key| [key.to_vec(), hex::encode(key).into_bytes()]))
        .collect();
    let scan = |world: &World| {
        let mut bytes_read = 0;
        for path in files(world.folder.path()) {
            let bytes = match std::fs::read(&path) {
                // The ledger's files get their names, and outgrown ones go, while this looks.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.unwrap(),
            };
            bytes_read += bytes.len();
            for needle in &needles {
                let finder = memchr::memmem::Finder::new(needle);
                assert!(finder.find(&bytes).is_none(), "{}: {}", path.display(), String::from_utf8_lossy(needle));
            }
        }
        bytes_read
    };
    // While the log is still beside the state, and after everything is closed.
    assert!(scan(&world) > 100_000);
    world.stop();
    assert!(scan(&world) > 100_000);
    // The scan finds what is there.
    std::fs::write(world.folder.path().join("trace"), format!("x{}y", planted[0])).unwrap();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scan(&world))).is_err());
}

#[test]
fn only_the_owner_may_read_and_connect() {
    let world = World::new();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(world.folder.path()), 0o700);
    assert_eq!(mode(&world.folder.path().join("ledger")), 0o700);
    for name in ["root.key", "state.sqlite", "state.sqlite-wal", "state.sqlite-shm", "lock", "node.sock", "admin.sock"]
    {
        assert_eq!(mode(&world.folder.path().join(name)), 0o600, "{name}");
    }
}

#[test]
fn the_wrong_passphrase_and_a_second_service_are_told_apart() {
    let mut world = World::new();
    assert_eq!(world.start_with(PASSPHRASE).unwrap_err().outcome(), Outcome::Busy);
    world.stop();
    let wrong = world.start_with("kunci yang salah").unwrap_err();
    assert_eq!(wrong.outcome(), Outcome::Refused);
    assert!(wrong.to_string().contains("wrong passphrase"), "{wrong}");
    world.start().unwrap();
    world.verified();
}

#[test]
fn a_lost_ledger_is_made_again_and_a_state_set_back_is_noticed() {
    let mut world = World::new();
    let mut node = world.node();
    let send = |node: &mut crate::support::Client, count: usize| {
        for n in 0..count {
            node.admit(
                &peer("CT-A"),
                vec![item(vec![Identifier::Local { issuer: "RIS".into(), value: n.to_string() }])],
            );
        }
    };
    send(&mut node, 300);
    drop(node);
    let before = world.verified();
    std::fs::remove_dir_all(world.folder.path().join("ledger")).unwrap();
    let old_state = std::fs::read(world.folder.path().join("state.sqlite")).unwrap();
    world.start().unwrap();
    send(&mut world.node(), 3);
    // One entry of the start, three of the objects.
    assert_eq!(world.verified(), before + 4);

    std::fs::write(world.folder.path().join("state.sqlite"), old_state).unwrap();
    let error = world.start().unwrap_err();
    assert_eq!(error.outcome(), Outcome::Damaged);
    assert!(error.to_string().contains("set back"), "{error}");
}

#[test]
fn another_root_and_a_changed_register_are_noticed() {
    let mut world = World::new();
    world.stop();
    let mut other = World::new();
    other.stop();
    let (ours, theirs) = (world.folder.path().join("root.key"), other.folder.path().join("root.key"));
    let root = std::fs::read(&ours).unwrap();
    std::fs::copy(theirs, &ours).unwrap();
    let error = world.start().unwrap_err();
    assert!(error.outcome() == Outcome::Damaged && error.to_string().contains("another root"), "{error}");
    std::fs::write(&ours, root).unwrap();

    // Whoever can write the file but has no root cannot make CT-B a machine of facility A.
    let db = rusqlite::Connection::open(world.folder.path().join("state.sqlite")).unwrap();
    db.execute("UPDATE peer SET entry = (SELECT entry FROM peer WHERE ae_title = 'CT-A') WHERE ae_title = 'CT-B'", [])
        .unwrap();
    drop(db);
    assert_eq!(world.start().unwrap_err().outcome(), Outcome::Damaged);
}

#[test]
fn the_checkpoint_follows_within_its_promise() {
    let mut world = World::new();
    let mut node = world.node();
    let identifier = Identifier::Local { issuer: "RIS".into(), value: "1".into() };
    node.admit(&peer("CT-A"), vec![item(vec![identifier])]);
    let size = world.events().len();
    let started = std::time::Instant::now();
    loop {
        let Answer::Checkpoint(note) = node.call(Request::Checkpoint) else { panic!("no checkpoint") };
        let mut lines = note.lines();
        assert!(lines.next().unwrap().starts_with("segel.local/"));
        if lines.next().unwrap().parse::<usize>().unwrap() == size {
            break;
        }
        assert!(started.elapsed().as_secs() < 5, "the promise to outsiders is 5 s");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    world.verified();
}
