//! The world is the same for the same seed, and what it sends is valid.

use super::*;
use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let digest = |seed: u64| {
        let world = World::generate(seed, WorldSize { patients: 4, ..WorldSize::small() });
        world.deliveries().map(|d| fingerprint(&d.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(digest(5), digest(5));
    assert_ne!(digest(5), digest(6));
}

/// FNV-1a: enough to tell two deliveries apart.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn the_first_patient_has_every_kind_and_every_door() {
    let world = World::generate(1, WorldSize::small());
    let all: Vec<Delivery> = world.deliveries_of(0).collect();
    let kinds: BTreeSet<String> = all.iter().map(|d| format!("{:?}", d.kind)).collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    for door in [Door::Dimse, Door::DicomWeb, Door::Fhir] {
        assert!(all.iter().any(|d| d.door == door));
    }
    assert!(all.iter().all(|d| d.facility == world.facilities[0].code));
}

#[test]
fn a_demonstration_has_hundreds_of_people_and_a_thousand_needles() {
    let world = World::generate(2022, WorldSize::demonstration());
    assert!(world.patients.len() >= 200);
    assert!(world.needles().len() >= 1_000, "{}", world.needles().len());
    let niks: BTreeSet<&str> = world.patients.iter().map(|p| p.nik.as_str()).collect();
    assert_eq!(niks.len(), world.patients.len(), "no two people share a NIK");
}

#[test]
fn bundles_are_transactions_that_name_the_patient() {
    let world = World::generate(3, WorldSize::small());
    for (number, patient) in world.patients.iter().enumerate() {
        for delivery in world.deliveries_of(number).filter(|d| d.door == Door::Fhir) {
            let bundle: serde_json::Value = serde_json::from_slice(&delivery.bytes).unwrap();
            assert_eq!(bundle["type"], "transaction");
            assert_eq!(bundle["entry"][0]["resource"]["identifier"][0]["value"], patient.nik.as_str());
        }
    }
}

/// dciodvfy knows every module of PS3.3; what it calls an error, a strict archive would refuse.
#[test]
fn dicom_objects_hold_what_the_standard_asks() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = BTreeSet::new();
    for seed in 0..3 {
        let world = World::generate(seed, WorldSize { patients: 40, ..WorldSize::small() });
        for delivery in world.deliveries().filter(|d| d.door != Door::Fhir) {
            let syntax = transfer_syntax(&delivery.bytes);
            if !checked.insert(format!("{:?} {syntax}", delivery.kind)) {
                continue;
            }
            let path = folder.path().join("object.dcm");
            std::fs::write(&path, &delivery.bytes).unwrap();
            if syntax == "1.2.840.10008.1.2.1.99" {
                // dciodvfy does not inflate; DCMTK does.
                let converted = Command::new("dcmconv").arg("+te").arg(&path).arg(&path).status();
                assert!(converted.expect("dcmconv (Debian package dcmtk) must be installed").success());
            }
            let output = Command::new("dciodvfy")
                .arg(&path)
                .output()
                .expect("dciodvfy (Debian package dicom3tools) must be installed");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("Error")).collect();
            assert!(errors.is_empty(), "{:?} {syntax}: {errors:#?}", delivery.kind);
        }
    }
    assert!(checked.len() >= 9, "{checked:?}");
}

fn transfer_syntax(file: &[u8]) -> String {
    let tag = [0x02, 0x00, 0x10, 0x00, b'U', b'I'];
    let at = file.windows(6).position(|w| w == tag).unwrap();
    let length = usize::from(file[at + 6]);
    String::from_utf8_lossy(&file[at + 8..at + 8 + length]).trim_end_matches('\0').to_owned()
}
