use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

struct Vector {
    name: &'static str,
    registration: [Vec<u8>; 3],
    authentication: [Vec<u8>; 4],
}

fn vectors() -> Vec<Vector> {
    let lines: Vec<&str> = include_str!("vectors.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let bytes = |line: &str| hex::decode(line).unwrap();
    lines
        .chunks(8)
        .map(|c| Vector {
            name: c[0],
            registration: [bytes(c[1]), bytes(c[2]), bytes(c[3])],
            authentication: [bytes(c[4]), bytes(c[5]), bytes(c[6]), bytes(c[7])],
        })
        .collect()
}

fn example() -> Site {
    Site { rp_id: "example.org".into(), origins: vec!["https://example.org".into()] }
}

fn assertion([_, client, data, signature]: &[Vec<u8>; 4]) -> Assertion {
    Assertion {
        credential: Vec::new(),
        client_data_json: client.clone(),
        authenticator_data: data.clone(),
        signature: signature.clone(),
        user_handle: None,
    }
}

/// Sets what a flag asks for aside, which the published authenticators set as it pleased them.
fn but_for_presence<T>(result: Result<T, Flaw>) -> Result<(), Flaw> {
    match result {
        Ok(_) | Err(Flaw::Unverified) => Ok(()),
        Err(flaw) => Err(flaw),
    }
}

#[test]
fn the_published_registrations() {
    for vector in vectors() {
        let [challenge, client, object] = &vector.registration;
        let expected = match vector.name {
            "none-es256" | "packed-self-es256" | "none-es256-long-credential-id" => Ok(()),
            "none-es256-crossOrigin" | "none-es256-topOrigin" => Err(Flaw::Origin),
            "packed-es512" | "packed-ed448" => Err(Flaw::Algorithm),
            _ => Err(Flaw::Attestation),
        };
        let found = register(&example(), challenge, client, object);
        assert_eq!(but_for_presence(found), expected, "{}", vector.name);
    }
}

#[test]
fn the_published_authentications() {
    let mut verified = 0;
    for vector in vectors() {
        let object = cose::attestation(&vector.registration[2]).unwrap();
        let data = match authenticator_data(&example(), object.data) {
            Ok(data) => data,
            Err(flaw) => {
                assert_eq!(flaw, Flaw::Algorithm, "{}", vector.name);
                assert!(["packed-es512", "packed-ed448"].contains(&vector.name));
                continue;
            }
        };
        let (_, key) = data.attested.unwrap();
        let expected = match vector.name {
            "none-es256-crossOrigin" | "none-es256-topOrigin" => Err(Flaw::Origin),
            _ => Ok(()),
        };
        let found = assert(&example(), &vector.authentication[0], &key, 0, &assertion(&vector.authentication));
        let is_verified = vector.authentication[2][32] & USER_VERIFIED != 0;
        assert_eq!(found == Err(Flaw::Unverified), expected.is_ok() && !is_verified, "{}", vector.name);
        assert_eq!(but_for_presence(found), expected, "{}", vector.name);
        verified += 1;
        // And no other key's.
        let another = PublicKey::Ed25519(vec![7; 32]);
        let found = assert(&example(), &vector.authentication[0], &another, 0, &assertion(&vector.authentication));
        assert_eq!(found, expected.and(Err(Flaw::Signature)), "{}", vector.name);
    }
    assert_eq!(verified, 13);
}

#[test]
fn no_published_byte_can_be_changed() {
    let all = vectors();
    let vector = all.iter().find(|vector| vector.name == "packed-self-es256").unwrap();
    let [challenge, client, object] = &vector.registration;
    let parsed = cose::attestation(object).unwrap();
    let (_, key) = authenticator_data(&example(), parsed.data).unwrap().attested.unwrap();
    for at in 0..object.len() {
        let mut changed = object.clone();
        changed[at] ^= 1;
        assert!(but_for_presence(register(&example(), challenge, client, &changed)).is_err(), "object at {at}");
    }
    for (part, len) in [(1, vector.authentication[1].len()), (2, 37), (3, vector.authentication[3].len())] {
        for at in 0..len {
            let mut changed = vector.authentication.clone();
            changed[part][at] ^= 1;
            let found = assert(&example(), &changed[0], &key, 0, &assertion(&changed));
            assert!(but_for_presence(found).is_err(), "part {part} at {at}");
        }
    }
    for len in 0..object.len() {
        assert!(register(&example(), challenge, client, &object[..len]).is_err(), "cut at {len}");
    }
}

/// An authenticator of our own, to say what no real one says.
struct Authenticator(EcdsaKeyPair);

impl Authenticator {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn key(&self) -> PublicKey {
        let point = self.0.public_key().as_ref();
        PublicKey::p256(&point[1..33], &point[33..]).unwrap()
    }

    fn answer(&self, client: &str, data: Vec<u8>) -> Assertion {
        let signed = [data.as_slice(), &sha256(client.as_bytes())].concat();
        let signature = self.0.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec();
        Assertion {
            credential: vec![1],
            client_data_json: client.as_bytes().to_vec(),
            authenticator_data: data,
            signature,
            user_handle: None,
        }
    }
}

fn client(ceremony: &str, challenge: &[u8], origin: &str, more: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}"{more}}}"#)
}

fn data(rp_id: &str, flags: u8, count: u32, rest: &[u8]) -> Vec<u8> {
    [sha256(rp_id.as_bytes()).as_slice(), &[flags], &count.to_be_bytes(), rest].concat()
}

#[test]
fn broken_assertions() {
    let authenticator = Authenticator::new();
    let site = example();
    let (challenge, origin) = (b"a challenge".as_slice(), "https://example.org");
    let good = client("webauthn.get", challenge, origin, "");
    let plain = |flags, count| data("example.org", flags, count, &[]);
    let cases = [
        ("good", good.clone(), plain(5, 0), 0, Ok(0)),
        ("a count", good.clone(), plain(5, 8), 7, Ok(8)),
        ("the same count", good.clone(), plain(5, 7), 7, Err(Flaw::Count)),
        ("a lower count", good.clone(), plain(5, 6), 7, Err(Flaw::Count)),
        ("a count that is gone", good.clone(), plain(5, 0), 7, Err(Flaw::Count)),
        ("backed up", good.clone(), plain(5 | 0x18, 0), 0, Ok(0)),
        ("backed up and not eligible", good.clone(), plain(5 | 0x10, 0), 0, Err(Flaw::Form)),
        ("nobody there", good.clone(), plain(4, 0), 0, Err(Flaw::Unverified)),
        ("anybody there", good.clone(), plain(1, 0), 0, Err(Flaw::Unverified)),
        ("another site", good.clone(), data("example.com", 5, 0, &[]), 0, Err(Flaw::Site)),
        ("extensions", good.clone(), data("example.org", 0x85, 0, &[0xa1, 0x61, b'a', 1]), 0, Ok(0)),
        ("extensions that are none", good.clone(), data("example.org", 0x85, 0, &[1]), 0, Err(Flaw::Form)),
        ("extensions that are cut", good.clone(), data("example.org", 0x85, 0, &[0xa1]), 0, Err(Flaw::Form)),
        ("bytes that nobody announced", good.clone(), data("example.org", 5, 0, &[0xa0]), 0, Err(Flaw::Form)),
        ("a key that is cut", good.clone(), data("example.org", 0x45, 0, &[0; 20]), 0, Err(Flaw::Form)),
        ("short", good.clone(), vec![0; 36], 0, Err(Flaw::Form)),
        ("a registration", client("webauthn.create", challenge, origin, ""), plain(5, 0), 0, Err(Flaw::Ceremony)),
        ("another challenge", client("webauthn.get", b"other", origin, ""), plain(5, 0), 0, Err(Flaw::Challenge)),
        (
            "another origin",
            client("webauthn.get", challenge, "https://example.org.evil.example", ""),
            plain(5, 0),
            0,
            Err(Flaw::Origin),
        ),
        ("plain HTTP", client("webauthn.get", challenge, "http://example.org", ""), plain(5, 0), 0, Err(Flaw::Origin)),
        (
            "inside another page",
            client("webauthn.get", challenge, origin, r#","crossOrigin":true"#),
            plain(5, 0),
            0,
            Err(Flaw::Origin),
        ),
        (
            "under another page",
            client("webauthn.get", challenge, origin, r#","crossOrigin":false,"topOrigin":"https://evil.example""#),
            plain(5, 0),
            0,
            Err(Flaw::Origin),
        ),
        (
            "two origins",
            client("webauthn.get", challenge, origin, r#","origin":"https://example.org""#),
            plain(5, 0),
            0,
            Err(Flaw::Form),
        ),
        ("no JSON", "x".into(), plain(5, 0), 0, Err(Flaw::Form)),
        (
            "too long",
            client("webauthn.get", challenge, origin, &" ".repeat(PASSKEY_BYTES_MAX)),
            plain(5, 0),
            0,
            Err(Flaw::Form),
        ),
    ];
    for (name, client, data, before, expected) in cases {
        let answer = authenticator.answer(&client, data);
        assert_eq!(assert(&site, challenge, &authenticator.key(), before, &answer), expected, "{name}");
    }
    let answer = authenticator.answer(&good, plain(5, 0));
    assert_eq!(assert(&site, challenge, &Authenticator::new().key(), 0, &answer), Err(Flaw::Signature));
    let unsigned = Assertion { signature: Vec::new(), ..answer };
    assert_eq!(assert(&site, challenge, &authenticator.key(), 0, &unsigned), Err(Flaw::Signature));
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

fn cose(fields: &[(i64, Value<'_>)]) -> Vec<u8> {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.map(fields.len() as u64).unwrap();
    for (label, value) in fields {
        encoder.i64(*label).unwrap();
        match value {
            Value::Number(number) => encoder.i64(*number).unwrap(),
            Value::Bytes(bytes) => encoder.bytes(bytes).unwrap(),
        };
    }
    encoder.into_writer()
}

fn object(format: &str, statement: &[u8], data: &[u8], after: &[u8]) -> Vec<u8> {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.map(3).unwrap().str("fmt").unwrap().str(format).unwrap().str("attStmt").unwrap();
    encoder.writer_mut().extend_from_slice(statement);
    encoder.str("authData").unwrap().bytes(data).unwrap();
    [encoder.into_writer(), after.to_vec()].concat()
}

fn attested(id: usize, key: &[u8]) -> Vec<u8> {
    let len = u16::try_from(id).unwrap().to_be_bytes();
    data("example.org", 0x45, 0, &[&[0; 16], len.as_slice(), &vec![9; id], key].concat())
}

#[test]
fn broken_registrations() {
    use Value::{Bytes, Number};
    let point = Authenticator::new();
    let point = point.0.public_key().as_ref().to_vec();
    let (x, y) = (Bytes(&point[1..33]), Bytes(&point[33..]));
    let es256 = cose(&[(1, Number(2)), (3, Number(-7)), (-1, Number(1)), (-2, x), (-3, y)]);
    let none = [0xa0];
    let of_key = |fields: &[(i64, Value<'_>)]| object("none", &none, &attested(16, &cose(fields)), &[]);
    let (large, small) = (Bytes(&[9; 256]), Bytes(&[9; 128]));
    let exponent = Bytes(&[1, 0, 1]);
    let of_a_key = [
        (
            "a curve that the algorithm is not for",
            of_key(&[(1, Number(2)), (3, Number(-7)), (-1, Number(2)), (-2, x), (-3, y)]),
        ),
        ("a key without algorithm", of_key(&[(1, Number(2)), (-1, Number(1)), (-2, x), (-3, y)])),
        ("a coordinate twice", of_key(&[(1, Number(2)), (3, Number(-7)), (-1, Number(1)), (-2, x), (-2, x), (-3, y)])),
        ("RSA of 1024 bits", of_key(&[(1, Number(3)), (3, Number(-257)), (-1, small), (-2, exponent)])),
        ("SHA-1", of_key(&[(1, Number(3)), (3, Number(-65_535)), (-1, large), (-2, exponent)])),
    ]
    .map(|(name, object)| (name, object, Err(Flaw::Algorithm)));
    let cases = [
        ("good", object("none", &none, &attested(16, &es256), &[]), Ok(())),
        ("the longest id", object("none", &none, &attested(1_023, &es256), &[]), Ok(())),
        ("an id one longer", object("none", &none, &attested(1_024, &es256), &[]), Err(Flaw::Form)),
        ("no id", object("none", &none, &attested(0, &es256), &[]), Err(Flaw::Form)),
        ("no key", object("none", &none, &data("example.org", 5, 0, &[]), &[]), Err(Flaw::Form)),
        ("something after it", object("none", &none, &attested(16, &es256), &[0]), Err(Flaw::Form)),
        (
            "none and a statement",
            object("none", &[0xa1, 0x61, b'a', 1], &attested(16, &es256), &[]),
            Err(Flaw::Attestation),
        ),
        ("a TPM", object("tpm", &none, &attested(16, &es256), &[]), Err(Flaw::Attestation)),
        ("nothing", Vec::new(), Err(Flaw::Form)),
        ("depth", vec![0x81; PASSKEY_BYTES_MAX], Err(Flaw::Form)),
        ("too long", object("none", &none, &attested(16, &es256), &[0; PASSKEY_BYTES_MAX]), Err(Flaw::Form)),
    ];
    let client = client("webauthn.create", b"c", "https://example.org", "");
    for (name, object, expected) in cases.into_iter().chain(of_a_key) {
        let found = register(&example(), b"c", client.as_bytes(), &object);
        assert_eq!(found.map(|_| ()), expected, "{name}");
    }
}

#[test]
fn localhost_has_any_port_and_other_sites_are_listed() {
    let local = Site { rp_id: "localhost".into(), origins: Vec::new() };
    for (origin, expected) in [
        ("http://localhost", true),
        ("http://localhost:8080", true),
        ("https://localhost:8443", true),
        ("http://localhost:x", false),
        ("http://localhost:99999", false),
        ("http://localhost.evil.example", false),
        ("http://127.0.0.1:8080", false),
        ("ftp://localhost", false),
        ("null", false),
    ] {
        assert_eq!(local.has(origin), expected, "{origin}");
    }
    assert!(example().has("https://example.org") && !example().has("http://localhost"));
}
