use super::*;
use crate::store;
use seal::root::Base;
use seal::vault::Vault;
use tempfile::TempDir;

struct World {
    db: Connection,
    keys: Keys,
    _folder: TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    World {
        db: store::open(folder.path()).unwrap(),
        keys: Keys::derive(Base::generate().unwrap(), Vault::generate().unwrap().reserving(1_000)).unwrap(),
        _folder: folder,
    }
}

/// `A:12` is number 12 of issuer A, `A@X:12` the same sent by facility X, `nik:`, `jkn:`, `pas:`, `ihs:` are national,
/// `study:` is an unidentified study.
fn parse(text: &str) -> Identifier {
    let (scheme, value) = text.split_once(':').unwrap();
    let value = value.to_owned();
    match scheme {
        "nik" => Identifier::Nik(value),
        "jkn" => Identifier::JknCard(value),
        "pas" => Identifier::Passport(value),
        "ihs" => Identifier::Ihs(value),
        "study" => Identifier::Unidentified { facility: FacilityCode::new("ANY").unwrap(), study: value },
        issuer => Identifier::Local { issuer: issuer.to_owned(), value },
    }
}

impl World {
    fn send(&self, facility: &str, identifiers: &str) -> Result<Settled> {
        let identifiers: Vec<Identifier> = identifiers.split_whitespace().map(parse).collect();
        settle(&self.db, &self.keys, &FacilityCode::new(facility).unwrap(), &identifiers, None)
    }
}

const NIK: &str = "nik:3174012345678901";

/// A name, what arrives in order (facility, identifiers), and which patients that must be.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Each row: a name, what arrives in order (facility, identifiers), and for each arrival the number of its patient in
/// order of appearance, with `+` if it made a link and `!` if it is a contradiction left apart.
const CASES: &[Case] = &[
    ("the same number of one issuer is one patient", &[("A", "RSA:1"), ("A", "RSA:1"), ("A", "rsa:1 ")], "0 0 0"),
    ("equal numbers of two issuers stay apart", &[("A", "RSA:1"), ("A", "RSB:1")], "0 1"),
    ("equal numbers and issuers of two facilities stay apart", &[("A", "PACS:1"), ("B", "PACS:1")], "0 1"),
    ("a facility cannot name another's patient by its issuer", &[("A", "A:1"), ("B", "A:1")], "0 1"),
    (
        "equal NIKs join",
        &[("A", "RSA:1 nik:3174012345678901"), ("B", "RSB:9 nik:3174012345678901"), ("B", "RSB:9")],
        "0 0 0",
    ),
    (
        "a number learnt with a NIK is known without it",
        &[("A", "nik:3174012345678901"), ("A", "RSA:1 nik:3174012345678901"), ("A", "RSA:1")],
        "0 0 0",
    ),
    (
        "a known patient gains a NIK",
        &[("A", "RSA:1"), ("A", "RSA:1 nik:3174012345678901"), ("B", "nik:3174012345678901")],
        "0 0 0",
    ),
    (
        "two known patients are linked",
        &[
            ("A", "RSA:1"),
            ("B", "RSB:9 nik:3174012345678901"),
            ("A", "RSA:1 nik:3174012345678901"),
            ("A", "RSA:1 nik:3174012345678901"),
        ],
        "0 1 0+ 0",
    ),
    (
        "two NIKs under one number stay apart",
        &[
            ("A", "RSA:1 nik:3174012345678901"),
            ("B", "RSB:9 nik:3273019876543210"),
            ("A", "RSA:1 nik:3273019876543210"),
        ],
        "0 1 0!",
    ),
    (
        "a second NIK is not taken up",
        &[("A", "RSA:1 nik:3174012345678901"), ("A", "RSA:1 nik:3273019876543210"), ("A", "nik:3273019876543210")],
        "0 0! 1",
    ),
    (
        "cards and passports are renewed",
        &[("A", "RSA:1 jkn:0001234567890"), ("A", "RSA:1 jkn:0009876543210"), ("B", "jkn:0009876543210")],
        "0 0 0",
    ),
    (
        "a card that two people show makes them no one person",
        &[
            ("A", "RSA:1 nik:3174012345678901 jkn:0001234567890"),
            ("B", "RSB:9 jkn:0001234567890 nik:3273019876543210"),
            ("B", "RSB:9"),
            ("B", "nik:3273019876543210"),
        ],
        "0 1! 1 1",
    ),
    (
        "a passport links nobody who has another NIK",
        &[
            ("A", "RSA:1 nik:3174012345678901"),
            ("B", "RSB:9 nik:3273019876543210 pas:C1234567"),
            ("A", "RSA:1 pas:C1234567"),
        ],
        "0 1 0!",
    ),
    (
        "nor over a third who is linked already",
        &[
            ("A", "RSA:1"),
            ("B", "nik:3174012345678901 jkn:0001234567890"),
            ("A", "RSA:1 jkn:0001234567890"),
            ("C", "nik:3273019876543210 pas:C1234567"),
            ("A", "RSA:1 pas:C1234567"),
            ("A", "RSA:1 nik:3273019876543210"),
            ("A", "RSA:1 nik:3578011111111112"),
        ],
        "0 1 0+ 2 0! 0! 0!",
    ),
    (
        "every national scheme joins",
        &[("A", "ihs:P02478375538"), ("B", "ihs:p02478375538 pas:C1234567"), ("A", "pas:c1234567")],
        "0 0 0",
    ),
    (
        "placeholders join nobody",
        &[
            ("A", "RSA:1 nik:0000000000000000"),
            ("B", "RSB:2 nik:0000000000000000"),
            ("A", "RSA:3 nik:0000000000000000"),
        ],
        "0 1 2",
    ),
    (
        "a placeholder alone stays inside its facility",
        &[("A", "nik:0000000000000000"), ("A", "nik:0000000000000000"), ("B", "nik:0000000000000000")],
        "0 0 1",
    ),
    (
        "two numbers of one facility are not joined by one message",
        &[("A", "RSA:1"), ("A", "RSA:2"), ("A", "RSA:1 RSA:2")],
        "0 1 0!",
    ),
    (
        "an unidentified study stays with its facility",
        &[("A", "study:1.2.3"), ("A", "study:1.2.3"), ("B", "study:1.2.3"), ("A", "A:1.2.3")],
        "0 0 1 2",
    ),
];

#[test]
fn identities_join_as_the_table_says() {
    for (name, arrivals, expected) in CASES {
        let world = world();
        let mut seen: Vec<Patient> = Vec::new();
        let mut got = Vec::new();
        for (facility, identifiers) in *arrivals {
            let settled = world.send(facility, identifiers).unwrap();
            assert_eq!(settled.is_new, !seen.contains(&settled.patient), "{name}");
            if settled.is_new {
                seen.push(settled.patient);
            }
            let number = seen.iter().position(|p| *p == settled.patient).unwrap();
            let mark = match settled.conflicts.as_slice() {
                [] => "",
                [conflict] if conflict.is_linked => "+",
                _ => "!",
            };
            got.push(format!("{number}{mark}"));
        }
        assert_eq!(got.join(" "), *expected, "{name}");
    }
}

#[test]
fn a_link_carries_the_care_relation_both_ways() {
    let world = world();
    let one = world.send("A", "RSA:1").unwrap().patient;
    let two = world.send("B", &format!("RSB:9 {NIK}")).unwrap().patient;
    world.db.execute("INSERT INTO facility (id, code, entry) VALUES (1, 'A', ''), (2, 'B', '')", []).unwrap();
    patients::treat(&world.db, one, 1, 0).unwrap();
    patients::treat(&world.db, two, 2, 0).unwrap();
    assert!(!patients::is_treated(&world.db, two, 1).unwrap());
    world.send("A", &format!("RSA:1 {NIK}")).unwrap();
    assert_eq!(patients::linked(&world.db, one).unwrap(), [two]);
    for (patient, facility) in [(one, 1), (one, 2), (two, 1), (two, 2)] {
        assert!(patients::is_treated(&world.db, patient, facility).unwrap());
    }
}

#[test]
fn links_end_at_their_limit() {
    use record::limits::LINKED_PATIENTS_MAX;
    let world = world();
    let first = patients::create(&world.db, &world.keys).unwrap();
    for n in 1..=LINKED_PATIENTS_MAX + 1 {
        let other = patients::create(&world.db, &world.keys).unwrap();
        patients::link(&world.db, first, other).unwrap();
        assert_eq!(patients::linked(&world.db, first).unwrap().len(), n.min(LINKED_PATIENTS_MAX));
    }
}

#[test]
fn the_longest_identifiers_fit_and_longer_ones_do_not() {
    let world = world();
    let long = "9".repeat(IDENTIFIER_BYTES_MAX);
    assert!(world.send("A", &format!("RSA:{long}")).is_ok());
    assert!(world.send("A", &format!("RSA:{long}9")).is_err());
    assert!(world.send("A", &format!("{long}:1")).is_ok());
    assert!(world.send("A", &format!("{long}{long}:1")).is_err());
    let many = |n: usize| (0..n).map(|i| format!("RSA:{i}")).collect::<Vec<_>>().join(" ");
    assert!(world.send("B", &many(ITEM_IDENTIFIERS_MAX)).is_ok());
    assert!(world.send("C", &many(ITEM_IDENTIFIERS_MAX + 1)).is_err());
    let blank = [Identifier::Local { issuer: "A".into(), value: "  ".into() }];
    assert!(settle(&world.db, &world.keys, &FacilityCode::new("A").unwrap(), &blank, None).is_err());
}

#[test]
fn a_nul_does_not_move_the_border_between_issuer_and_number() {
    let world = world();
    let facility = FacilityCode::new("A").unwrap();
    let send = |issuer: &str, value: &str| {
        let identifier = Identifier::Local { issuer: issuer.into(), value: value.into() };
        settle(&world.db, &world.keys, &facility, &[identifier], None).unwrap().patient
    };
    assert_ne!(send("X\0Y", "Z"), send("X", "Y\0Z"));
}
