use super::*;
use crate::cobblestone;
use crate::context::{PartName, bytes};
use record::ObjectId;
use std::collections::HashSet;

fn patient(number: u8) -> Result<PatientKey> {
    PatientKey::derive(&Base::for_test(1, [1; 32]), &PatientSecret([number; 32]), &Pseudonym([number; 16]))
}

fn context(number: u8, version: u32) -> Context {
    Context { patient: Pseudonym([1; 16]), object: ObjectId([number; 16]), version }
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

#[test]
fn a_patient_key_needs_root_secret_patient_and_epoch() -> Result<()> {
    let (root, secret, who) = ([1; 32], PatientSecret([2; 32]), Pseudonym([3; 16]));
    let keys: HashSet<[u8; 32]> = [
        PatientKey::derive(&Base::for_test(1, root), &secret, &who)?.0,
        PatientKey::derive(&Base::for_test(2, root), &secret, &who)?.0,
        PatientKey::derive(&Base::for_test(1, [9; 32]), &secret, &who)?.0,
        PatientKey::derive(&Base::for_test(1, root), &PatientSecret([9; 32]), &who)?.0,
        PatientKey::derive(&Base::for_test(1, root), &secret, &Pseudonym([9; 16]))?.0,
    ]
    .into_iter()
    .collect();
    assert_eq!(keys.len(), 5);
    Ok(())
}

#[test]
fn a_wrapped_key_opens_in_its_place_alone() -> Result<()> {
    let key = generate()?;
    let here = context(7, 1);
    let wrapped = wrap(&patient(1)?, 1, &here, Part::Content, &key)?;
    assert_eq!(wrapped.sealed.len(), WRAPPED_BYTES);
    assert_eq!(unwrap(&patient(1)?, &here, Part::Content, &wrapped)?, key);

    let elsewhere = Context { patient: Pseudonym([2; 16]), ..here };
    for (name, refused) in [
        ("another patient's key", unwrap(&patient(2)?, &here, Part::Content, &wrapped)),
        ("another pseudonym", unwrap(&patient(1)?, &elsewhere, Part::Content, &wrapped)),
        ("another object", unwrap(&patient(1)?, &context(8, 1), Part::Content, &wrapped)),
        ("another version", unwrap(&patient(1)?, &context(7, 2), Part::Content, &wrapped)),
        ("another part", unwrap(&patient(1)?, &here, Part::Summary, &wrapped)),
        ("another epoch", unwrap(&patient(1)?, &here, Part::Content, &WrappedKey { epoch: 2, ..wrapped.clone() })),
    ] {
        assert_eq!(refused, Err(DOES_NOT_OPEN), "{name}");
    }
    for at in 0..WRAPPED_BYTES * 8 {
        let mut changed = wrapped.clone();
        changed.sealed[at / 8] ^= 1 << (at % 8);
        assert!(unwrap(&patient(1)?, &here, Part::Content, &changed).is_err(), "bit {at}");
    }
    for len in (0..WRAPPED_BYTES).chain([WRAPPED_BYTES + 1]) {
        let mut changed = wrapped.clone();
        changed.sealed.resize(len, 0);
        assert!(unwrap(&patient(1)?, &here, Part::Content, &changed).is_err(), "{len} bytes");
    }
    Ok(())
}

/// A scheme that wraps every key with one key stream gives all of them to whoever learns one: wrapped A XOR key A is the
/// stream, and wrapped B XOR the stream is key B.
#[test]
fn one_leaked_data_key_opens_one_object_version_and_nothing_else() -> Result<()> {
    let key_of_patient = patient(1)?;
    let mut versions = Vec::new();
    for object in 0..24 {
        for version in 1..=2 {
            let context = context(object, version);
            for (part, name) in [(Part::Summary, PartName::Summary), (Part::Content, PartName::Content)] {
                let key = generate()?;
                let wrapped = wrap(&key_of_patient, 1, &context, part, &key)?;
                let sealed = cobblestone::seal(&key, &bytes(&context, name), b"COVID-19: positive")?;
                versions.push((context, name, key, wrapped, sealed));
            }
        }
    }
    let (_, _, leaked, leaked_wrapped, _) = &versions[5];
    let stream = xor(&leaked_wrapped.sealed[12..44], &leaked.0);
    let mut opened = 0;
    for (context, name, _, wrapped, sealed) in &versions {
        let guesses = [
            leaked.0.to_vec(),
            xor(&wrapped.sealed[12..44], &stream),
            xor(&xor(&wrapped.sealed[12..44], &leaked_wrapped.sealed[12..44]), &leaked.0),
            wrapped.sealed[12..44].to_vec(),
        ];
        let opens = |guess: &Vec<u8>| {
            let guess = DataKey(guess.as_slice().try_into().unwrap());
            cobblestone::open(&guess, &bytes(context, *name), sealed).is_ok()
        };
        opened += usize::from(guesses.iter().any(opens));
    }
    assert_eq!(opened, 1, "the leaked key opens its own object version alone");
    let nonces: HashSet<&[u8]> = versions.iter().map(|(.., wrapped, _)| &wrapped.sealed[..12]).collect();
    assert_eq!(nonces.len(), versions.len());
    Ok(())
}

#[test]
fn the_parts_of_a_version_cannot_stand_for_each_other() -> Result<()> {
    let key = generate()?;
    let here = context(7, 1);
    let sealed = cobblestone::seal(&key, &bytes(&here, PartName::Metadata), b"{}")?;
    assert!(cobblestone::open(&key, &bytes(&here, PartName::Metadata), &sealed).is_ok());
    assert!(cobblestone::open(&key, &bytes(&here, PartName::Content), &sealed).is_err());
    assert!(cobblestone::open(&key, &bytes(&context(7, 2), PartName::Metadata), &sealed).is_err());
    Ok(())
}

#[test]
fn wrapping_one_key_twice_shares_no_byte_run() -> Result<()> {
    let (key, here) = (generate()?, context(7, 1));
    let a = wrap(&patient(1)?, 1, &here, Part::Content, &key)?;
    let b = wrap(&patient(1)?, 1, &here, Part::Content, &key)?;
    assert!(a.sealed.windows(4).zip(b.sealed.windows(4)).all(|(a, b)| a != b));
    Ok(())
}

#[test]
fn the_bytes_of_a_wrapped_key_are_golden() -> Result<()> {
    let wrapped = wrap_with_nonce(&patient(1)?, 1, &context(7, 3), Part::Content, &DataKey([5; 32]), [6; 12])?;
    assert_eq!(hex::encode(wrapped.sealed), include_str!("../../tests/golden/wrapped-key.hex").trim());
    Ok(())
}
