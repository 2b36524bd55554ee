//! Small DICOM files of distinct patients, explicit VR little endian (PS3.5 7.1.2, PS3.10 7.1).

use anyhow::Result;
use std::path::{Path, PathBuf};

const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
const ARC: &str = "1.2.826.0.1.3680043.10.1562";
/// 400 x 300 pixels of 8 bits: 120 KB.
const COLUMNS: u16 = 400;
const ROWS: u16 = 300;

/// PatientID of the `n`-th patient.
pub fn number(n: u32) -> String {
    format!("BM-{:08}", 10_000_000 + n)
}

/// Writes one instance each of `count` patients from the `first` on, and says where.
pub fn write(folder: &Path, first: u32, count: u32) -> Result<Vec<PathBuf>> {
    let one = |n: u32| {
        let path = folder.join(format!("{n}.dcm"));
        std::fs::write(&path, file(n)?)?;
        Ok(path)
    };
    (first..first + count).map(one).collect()
}

fn element(group: u16, number: u16, vr: &str, value: &[u8]) -> Result<Vec<u8>> {
    let padding = if vr == "UI" || vr == "OB" { 0 } else { b' ' };
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(padding);
    }
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend(vr.as_bytes());
    if matches!(vr, "OB" | "OW") {
        bytes.extend([0, 0]);
        bytes.extend(u32::try_from(value.len())?.to_le_bytes());
    } else {
        bytes.extend(u16::try_from(value.len())?.to_le_bytes());
    }
    bytes.extend(value);
    Ok(bytes)
}

fn file(n: u32) -> Result<Vec<u8>> {
    let instance = format!("{ARC}.{n}.1.1");
    let meta = [
        element(2, 0x0001, "OB", &[0, 1])?,
        element(2, 0x0002, "UI", SECONDARY_CAPTURE.as_bytes())?,
        element(2, 0x0003, "UI", instance.as_bytes())?,
        element(2, 0x0010, "UI", EXPLICIT_LITTLE_ENDIAN.as_bytes())?,
        element(2, 0x0012, "UI", format!("{ARC}.0").as_bytes())?,
    ]
    .concat();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(2, 0x0000, "UL", &u32::try_from(meta.len())?.to_le_bytes())?);
    bytes.extend(meta);
    bytes.extend(data_set(n, &instance)?);
    Ok(bytes)
}

fn data_set(n: u32, instance: &str) -> Result<Vec<u8>> {
    let (study, series) = (format!("{ARC}.{n}"), format!("{ARC}.{n}.1"));
    let (number, name, accession) = (number(n), format!("Bench{n:06}^Patient"), format!("A{n:08}"));
    let texts = [
        (0x0008, 0x0016, "UI", SECONDARY_CAPTURE),
        (0x0008, 0x0018, "UI", instance),
        (0x0008, 0x0020, "DA", "20220301"),
        (0x0008, 0x0030, "TM", "081500"),
        (0x0008, 0x0050, "SH", &accession),
        (0x0008, 0x0060, "CS", "OT"),
        (0x0008, 0x0064, "CS", "WSD"),
        (0x0008, 0x1030, "LO", "Thorax PA"),
        (0x0010, 0x0010, "PN", &name),
        (0x0010, 0x0020, "LO", &number),
        (0x0010, 0x0030, "DA", "19800101"),
        (0x0010, 0x0040, "CS", "F"),
        (0x0020, 0x000D, "UI", &study),
        (0x0020, 0x000E, "UI", &series),
        (0x0020, 0x0010, "SH", "1"),
        (0x0020, 0x0011, "IS", "1"),
        (0x0020, 0x0013, "IS", "1"),
        (0x0028, 0x0004, "CS", "MONOCHROME2"),
    ];
    let numbers = [(0x0002, 1), (0x0010, ROWS), (0x0011, COLUMNS), (0x0100, 8), (0x0101, 8), (0x0102, 7), (0x0103, 0)];
    let mut elements = Vec::new();
    for (group, element_number, vr, text) in texts {
        elements.push(((group, element_number), element(group, element_number, vr, text.as_bytes())?));
    }
    for (element_number, value) in numbers {
        elements.push(((0x0028, element_number), element(0x0028, element_number, "US", &value.to_le_bytes())?));
    }
    elements.push(((0x7FE0, 0x0010), element(0x7FE0, 0x0010, "OW", &pixels(n))?));
    elements.sort();
    Ok(elements.into_iter().flat_map(|(_, bytes)| bytes).collect())
}

/// Different in every instance, and not to be compressed by a disk: xorshift.
fn pixels(n: u32) -> Vec<u8> {
    let mut state = u64::from(n) << 20 | 0x9E37;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..u32::from(ROWS) * u32::from(COLUMNS) / 8).flat_map(|_| next()).collect()
}
