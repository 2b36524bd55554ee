//! The instance of somebody who does not exist: as long as another, of the same class, in the same transfer syntax.

use super::uid::Uids;
use crate::demo::world::random::Random;
use archive::plant::Shape;
use jiff::civil::Date;
use seal::message::canary::Identity;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// Deflated and big-endian instances are not drawn: few senders use them, and none of theirs is likened.
const NOT_DRAWN: [&str; 2] = ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"];
/// PS3.5 7.1.2: VRs with a length of 32 bits.
const LONG: [&str; 3] = ["OB", "OW", "SQ"];

/// One data set in the making: elements in ascending order.
struct Writer {
    bytes: Vec<u8>,
    is_explicit: bool,
}

impl Writer {
    fn tag(&mut self, tag: u32) {
        let [g0, g1, e0, e1] = tag.to_be_bytes();
        self.bytes.extend([g1, g0, e1, e0]);
    }

    fn element(&mut self, tag: u32, vr: &str, value: &[u8]) {
        let padding = if value.len().is_multiple_of(2) {
            None
        } else if vr == "UI" {
            Some(0)
        } else {
            Some(b' ')
        };
        let length = value.len() + value.len() % 2;
        self.tag(tag);
        if !self.is_explicit {
            self.bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        } else if LONG.contains(&vr) {
            self.bytes.extend(vr.as_bytes());
            self.bytes.extend([0, 0]);
            self.bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        } else {
            self.bytes.extend(vr.as_bytes());
            self.bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        }
        self.bytes.extend_from_slice(value);
        self.bytes.extend(padding);
    }

    fn text(&mut self, tag: u32, vr: &str, text: &str) {
        if !text.is_empty() {
            self.element(tag, vr, text.as_bytes());
        }
    }

    fn number(&mut self, tag: u32, number: u16) {
        self.element(tag, "US", &number.to_le_bytes());
    }
}

/// Whether instances of a transfer syntax are drawn.
pub fn is_drawn(shape: &Shape) -> bool {
    // Whoever is known by more numbers than a canary has is nobody's likeness.
    !NOT_DRAWN.contains(&shape.facts.transfer_syntax_uid.as_str()) && (1..=3).contains(&shape.identifiers)
}

/// Draws the instance that a shape asks for; its SOPInstanceUID and its bytes.
pub fn draw(
    identity: &Identity,
    shape: &Shape,
    uids: &mut Uids,
    random: &mut Random,
    today: Date,
) -> (String, Vec<u8>) {
    let sop_instance_uid = uids.of(&shape.facts.sop_instance_uid);
    let mut out = Writer { bytes: Vec::new(), is_explicit: true };
    if shape.facts.dataset_offset > 0 {
        head(&mut out, shape, &sop_instance_uid);
    }
    out.is_explicit = shape.facts.transfer_syntax_uid != IMPLICIT;
    patient(&mut out, identity, shape, uids, &sop_instance_uid, today);
    pixels(&mut out, shape, random);
    (sop_instance_uid, out.bytes)
}

/// Preamble and file meta information (PS3.10 7.1), as long as the other's.
fn head(out: &mut Writer, shape: &Shape, sop_instance_uid: &str) {
    let mut meta = Writer { bytes: Vec::new(), is_explicit: true };
    meta.element(0x0002_0001, "OB", &[0, 1]);
    meta.text(0x0002_0002, "UI", &shape.facts.sop_class_uid);
    meta.text(0x0002_0003, "UI", sop_instance_uid);
    meta.text(0x0002_0010, "UI", &shape.facts.transfer_syntax_uid);
    let wanted = usize::try_from(shape.facts.dataset_offset).unwrap_or_default();
    // Preamble, prefix and the group's length are 144 bytes.
    let room = wanted.saturating_sub(144 + meta.bytes.len());
    if room >= 16 {
        // The implementation's UID takes what is left, its version's name what that cannot (PS3.10 7.1).
        let uid = room.saturating_sub(8).min(64);
        let digits = "2.25.1".chars().chain("7".chars().cycle()).take(uid).collect::<String>();
        meta.text(0x0002_0012, "UI", &digits);
        let rest = room.saturating_sub(8 + uid);
        if rest > 8 {
            meta.text(0x0002_0013, "SH", &"A".repeat((rest - 8).min(16)));
        }
    }
    out.bytes.extend([0; 128]);
    out.bytes.extend(b"DICM");
    out.element(0x0002_0000, "UL", &u32::try_from(meta.bytes.len()).unwrap_or_default().to_le_bytes());
    out.bytes.extend(meta.bytes);
}

fn patient(out: &mut Writer, identity: &Identity, shape: &Shape, uids: &mut Uids, instance: &str, today: Date) {
    let date = shifted(&shape.facts.study_date, shape.arrived, today);
    out.text(0x0008_0016, "UI", &shape.facts.sop_class_uid);
    out.text(0x0008_0018, "UI", instance);
    out.text(0x0008_0020, "DA", &date);
    out.text(0x0008_0060, "CS", &shape.facts.modality);
    out.text(0x0010_0010, "PN", &identity.name);
    out.text(0x0010_0020, "LO", &identity.number);
    out.text(0x0010_0030, "DA", &identity.born);
    out.text(0x0010_0040, "CS", &identity.sex);
    // As many numbers as the other is known by: the medical record's, the NIK, the insurance card's.
    let others = [(&identity.nik, "NIK"), (&identity.card, "JKN")];
    let items: Vec<u8> = others
        .into_iter()
        .take(shape.identifiers.saturating_sub(1))
        .flat_map(|(number, issuer)| {
            let mut other = Writer { bytes: Vec::new(), is_explicit: out.is_explicit };
            other.text(0x0010_0020, "LO", number);
            other.text(0x0010_0021, "LO", issuer);
            let length = u32::try_from(other.bytes.len()).unwrap_or_default().to_le_bytes();
            [[0xfe, 0xff, 0x00, 0xe0].as_slice(), &length, &other.bytes].concat()
        })
        .collect();
    if !items.is_empty() {
        out.element(0x0010_1002, "SQ", &items);
    }
    out.text(0x0020_000D, "UI", &uids.of(&shape.facts.study_instance_uid));
    out.text(0x0020_000E, "UI", &uids.of(&shape.facts.series_instance_uid));
}

/// Image pixels and what is left of the length as DataSetTrailingPadding (PS3.3 C.12.1).
fn pixels(out: &mut Writer, shape: &Shape, random: &mut Random) {
    let wanted = usize::try_from(shape.content_bytes).unwrap_or_default();
    let is_native = [IMPLICIT, EXPLICIT].contains(&shape.facts.transfer_syntax_uid.as_str());
    // The pixels' own attributes and element headers take up to 180 bytes.
    let room = wanted.saturating_sub(out.bytes.len() + 180);
    if shape.facts.frames > 0 {
        let frames = usize::try_from(shape.facts.frames).unwrap_or(1).max(1);
        let columns = (room / (2 * frames)).isqrt().clamp(1, 4_096);
        let rows = (room / (2 * frames * columns)).clamp(1, 65_535);
        let (rows, columns) = (u16::try_from(rows).unwrap_or(u16::MAX), u16::try_from(columns).unwrap_or(u16::MAX));
        out.number(0x0028_0002, 1);
        out.text(0x0028_0004, "CS", "MONOCHROME2");
        if frames > 1 {
            out.text(0x0028_0008, "IS", &frames.to_string());
        }
        for (tag, value) in [(0x0028_0010, rows), (0x0028_0011, columns), (0x0028_0100, 16), (0x0028_0101, 12)] {
            out.number(tag, value);
        }
        out.number(0x0028_0102, 11);
        out.number(0x0028_0103, 0);
        if is_native {
            out.element(0x7FE0_0010, "OW", &shaded(usize::from(rows), usize::from(columns), frames, random));
        } else {
            encapsulated(out, room.saturating_sub(16 + 8 * frames) / frames / 2 * 2, frames, random);
        }
    }
    let left = wanted.saturating_sub(out.bytes.len());
    if let Some(padding) = left.checked_sub(if out.is_explicit { 12 } else { 8 }) {
        out.element(0xFFFC_FFFC, "OB", &vec![0; padding / 2 * 2]);
    }
}

/// A body's shadow with some grain.
fn shaded(rows: usize, columns: usize, frames: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.saturating_mul(columns).saturating_mul(2 * frames));
    for _ in 0..frames {
        for row in 0..rows {
            for column in 0..columns {
                let middle = |at: usize, of: usize| (at.abs_diff(of / 2) * 1_000).checked_div(of).unwrap_or_default();
                let (x, y) = (middle(column, columns), middle(row, rows));
                let shade = 3_200_usize.saturating_sub((x * x + y * y) / 90);
                let value =
                    u16::try_from(shade).unwrap_or(0).saturating_add(u16::try_from(random.below(96)).unwrap_or(0));
                bytes.extend(value.to_le_bytes());
            }
        }
    }
    bytes
}

/// Encapsulated frames (PS3.5 A.4), one fragment each. They are as long as compressed ones and as even as noise.
fn encapsulated(out: &mut Writer, fragment_bytes: usize, frames: usize, random: &mut Random) {
    out.tag(0x7FE0_0010);
    out.bytes.extend(*b"OB\0\0");
    out.bytes.extend(u32::MAX.to_le_bytes());
    out.tag(0xFFFE_E000);
    out.bytes.extend([0; 4]);
    for _ in 0..frames {
        out.tag(0xFFFE_E000);
        out.bytes.extend(u32::try_from(fragment_bytes).unwrap_or(u32::MAX).to_le_bytes());
        out.bytes.extend((0..fragment_bytes).map(|_| u8::try_from(random.below(256)).unwrap_or_default()));
    }
    out.tag(0xFFFE_E0DD);
    out.bytes.extend([0; 4]);
}

/// The other's study date, as long before today as it was before its arrival.
fn shifted(date: &str, arrived: record::Micros, today: Date) -> String {
    let (Ok(date), Ok(arrived)) = (Date::strptime("%Y%m%d", date), jiff::Timestamp::from_microsecond(arrived)) else {
        return date.to_owned();
    };
    let then = arrived.to_zoned(jiff::tz::TimeZone::UTC).date();
    let before = then.since(date).unwrap_or_default();
    today.checked_sub(before).unwrap_or(today).strftime("%Y%m%d").to_string()
}
