//! A resting electrocardiogram as a DICOM object.

use super::super::dataset::{Elements, Syntax, uid};
use super::super::heartbeat;
use super::super::random::Random;
use super::{Series, Study, class, common, day};

/// Leads with their codes of the SCP-ECG scheme in MDC (PS3.16 CID 3001).
const LEADS: [(&str, &str); 12] = [
    ("2:1", "Lead I"),
    ("2:2", "Lead II"),
    ("2:61", "Lead III"),
    ("2:62", "Lead aVR"),
    ("2:63", "Lead aVL"),
    ("2:64", "Lead aVF"),
    ("2:3", "Lead V1"),
    ("2:4", "Lead V2"),
    ("2:5", "Lead V3"),
    ("2:6", "Lead V4"),
    ("2:7", "Lead V5"),
    ("2:8", "Lead V6"),
];

/// A resting 12-lead ECG (PS3.3 A.34.3).
#[must_use]
pub fn electrocardiogram(study: &Study<'_>, mut random: Random, rhythm: heartbeat::Rhythm, syntax: Syntax) -> Vec<u8> {
    let (series_uid, instance) = (uid(&mut random), uid(&mut random));
    let series = Series {
        modality: "ECG",
        uid: &series_uid,
        number: 1,
        description: "EKG 12 sadapan",
        maker: ("Detak Jaya", "Kardia-12"),
    };
    let mut e = common(study, &series, class::ECG, &instance, 1);
    let (samples, rate) = heartbeat::draw(random.child(1), rhythm);
    let channels = LEADS.iter().map(|(code, meaning)| {
        let mut channel = Elements::default();
        channel
            .code(0x003A_0208, (code, "MDC", meaning))
            .text(0x003A_0210, "DS", &heartbeat::MICROVOLTS_PER_STEP.to_string())
            .code(0x003A_0211, ("uV", "UCUM", "microvolt"))
            .text(0x003A_0212, "DS", "1")
            .text(0x003A_0213, "DS", "0")
            .text(0x003A_0215, "DS", "0")
            .shorts(0x003A_021A, &[16])
            .text(0x003A_0220, "DS", "0.05")
            .text(0x003A_0221, "DS", "150");
        channel
    });
    let mut group = Elements::default();
    group
        .text(0x003A_0004, "CS", "ORIGINAL")
        .shorts(0x003A_0005, &[12])
        .long(0x003A_0010, heartbeat::SAMPLES)
        .text(0x003A_001A, "DS", &heartbeat::SAMPLES_PER_SECOND.to_string())
        .text(0x003A_0020, "SH", "RHYTHM")
        .items(0x003A_0200, channels.collect())
        .shorts(0x5400_1004, &[16])
        .text(0x5400_1006, "CS", "SS")
        .bytes(0x5400_1010, "OW", samples.iter().flat_map(|s| s.to_le_bytes()).collect());
    let mut heart_rate = Elements::default();
    heart_rate
        .shorts(0x0040_A0B0, &[1, 0])
        .code(0x0040_A043, ("8867-4", "LN", "Heart rate"))
        .code(0x0040_08EA, ("/min", "UCUM", "/min"))
        .text(0x0040_A30A, "DS", &rate.to_string())
        .shorts(0x0040_A180, &[1]);
    let mut moment = day(study.date);
    moment.push_str(&study.time);
    e.text(0x0008_002A, "DT", &moment)
        .items(0x0040_0555, Vec::new())
        .items(0x0040_B020, vec![annotation(rate), heart_rate])
        .items(0x5400_0100, vec![group]);
    e.text(0x0018_106A, "CS", "NO TRIGGER").text(0x0018_1800, "CS", "N").text(0x0020_0200, "UI", &uid(&mut random));
    e.file(class::ECG, &instance, syntax)
}

fn annotation(rate: u32) -> Elements {
    let mut item = Elements::default();
    let text = if rate > 100 {
        "Takikardia. Belum diverifikasi dokter."
    } else {
        "Irama dinilai otomatis. Belum diverifikasi dokter."
    };
    item.text(0x0070_0006, "ST", text).shorts(0x0040_A0B0, &[1, 0]).shorts(0x0040_A180, &[1]);
    item
}
