//! The description of one frame out of the metadata that the archive keeps (DICOM JSON).

use super::{Photometric, PixelDescription, Table, Tone};
use crate::dicomweb::attributes::Attributes;
use crate::dicomweb::bulk::Bulk;
use crate::pixels::error::Error;
use crate::pixels::view::{VoiFunction, Window};
use serde_json::Value;
use std::collections::HashMap;

/// Data of look-up tables that lie outside the metadata: by offset in the data set, little-endian.
pub type Bulks = HashMap<u64, Vec<u8>>;

/// The image has no such frame.
#[derive(Debug)]
pub struct FrameMissing;

/// Red, green and blue: descriptor, data, segmented data (PS3.3 C.7.6.3.1.5, .6, C.7.9.2).
const PALETTE: [[&str; 3]; 3] =
    [["00281101", "00281201", "00281221"], ["00281102", "00281202", "00281222"], ["00281103", "00281203", "00281223"]];
const LUT_DESCRIPTOR: &str = "00283002";
const LUT_DATA: &str = "00283006";
const MODALITY_LUT_SEQUENCE: &str = "00283000";
const VOI_LUT_SEQUENCE: &str = "00283010";

/// The attributes of one frame: its own functional groups, those of all frames, the top of the data set (PS3.3 C.7.6.16).
struct Frame<'a> {
    top: Attributes<'a>,
    groups: [Option<Attributes<'a>>; 2],
}

impl<'a> Frame<'a> {
    fn of(metadata: &'a Value, frame: u32) -> Self {
        let top = Attributes(metadata);
        let index = usize::try_from(frame).unwrap_or(usize::MAX);
        Self { top, groups: [top.item("52009230", index), top.item("52009229", 0)] }
    }

    /// The first item of a functional group's macro, or the top of the data set.
    fn within(&self, sequence: &str) -> Attributes<'a> {
        self.groups.iter().flatten().find_map(|group| group.item(sequence, 0)).unwrap_or(self.top)
    }

    fn modality(&self) -> Option<Attributes<'a>> {
        self.within("00289145").item(MODALITY_LUT_SEQUENCE, 0).or_else(|| self.top.item(MODALITY_LUT_SEQUENCE, 0))
    }

    fn voi(&self) -> Option<Attributes<'a>> {
        self.within("00289132").item(VOI_LUT_SEQUENCE, 0).or_else(|| self.top.item(VOI_LUT_SEQUENCE, 0))
    }
}

/// Where the data of the frame's look-up tables lie that are not in the metadata: offset and length.
pub fn bulks(metadata: &Value, frame: u32) -> Vec<(u64, u64)> {
    let frame = Frame::of(metadata, frame);
    let luts = [frame.modality(), frame.voi()].into_iter().flatten().filter_map(|item| item.element(LUT_DATA));
    let palette = PALETTE.iter().flat_map(|[_, data, segments]| [data, segments]);
    let palette = palette.filter_map(|tag| frame.top.element(tag));
    let place = |element: &Value| match Bulk::of(element) {
        Some(Bulk::Range { offset, length }) => Some((offset, length)),
        _ => None,
    };
    luts.chain(palette).filter_map(place).collect()
}

impl PixelDescription {
    /// Reads the description of frame `frame` (from 0).
    pub fn of(metadata: &Value, frame: u32, bulks: &Bulks) -> Result<Result<Self, FrameMissing>, Error> {
        let top = Attributes(metadata);
        let needed = |tag: &str, name: &str| {
            let number = top.count(tag).and_then(|n| u16::try_from(n).ok());
            number.ok_or_else(|| Error::invalid(format!("The image has no usable {name}; it cannot be decoded.")))
        };
        let frames = top.count("00280008").unwrap_or(1).max(1);
        if frame >= frames {
            return Ok(Err(FrameMissing));
        }
        let photometric = Photometric::read(top.text("00280004").unwrap_or("MONOCHROME2"));
        let photometric = photometric
            .ok_or_else(|| Error::invalid("The image's PhotometricInterpretation cannot be decoded here."))?;
        let bits_allocated = needed("00280100", "BitsAllocated")?;
        let bits_stored = needed("00280101", "BitsStored").unwrap_or(bits_allocated).clamp(1, bits_allocated.max(1));
        let signed = top.count("00280103") == Some(1);
        let description = Self {
            rows: needed("00280010", "Rows")?,
            columns: needed("00280011", "Columns")?,
            samples: needed("00280002", "SamplesPerPixel").unwrap_or(1),
            bits_allocated,
            bits_stored,
            high_bit: needed("00280102", "HighBit").unwrap_or(bits_stored - 1),
            signed,
            photometric,
            planar: top.count("00280006") == Some(1),
            frames,
            tone: tone(&Frame::of(metadata, frame), signed, bulks)?,
            palette: if photometric == Photometric::Palette { Some(palette(top, signed, bulks)?) } else { None },
        };
        description.check()?;
        Ok(Ok(description))
    }
}

fn tone(frame: &Frame<'_>, signed: bool, bulks: &Bulks) -> Result<Tone, Error> {
    let scale = frame.within("00289145");
    let table = |item: Option<Attributes<'_>>| {
        item.map(|item| table(item, LUT_DESCRIPTOR, LUT_DATA, signed, bulks)).transpose()
    };
    let whole = |tag: &str| frame.top.number(tag).and_then(whole);
    let first = whole("00280120");
    let shape = frame.within("00289422").text("20500020").or_else(|| frame.top.text("20500020"));
    Ok(Tone {
        slope: scale.number("00281053").filter(|slope| *slope != 0.0).unwrap_or(1.0),
        intercept: scale.number("00281052").unwrap_or(0.0),
        modality: table(frame.modality())?,
        window: window(frame.within("00289132")),
        voi: table(frame.voi())?,
        padding: first.map(|first| (first, whole("00280121").unwrap_or(first))).map(|(a, b)| (a.min(b), a.max(b))),
        is_inverse: shape == Some("INVERSE"),
    })
}

fn window(voi: Attributes<'_>) -> Option<Window> {
    let function = voi.text("00281056").and_then(VoiFunction::read).unwrap_or_default();
    let window = Window { center: voi.number("00281050")?, width: voi.number("00281051")?, function };
    (window.width > 0.0).then_some(window)
}

fn palette(top: Attributes<'_>, signed: bool, bulks: &Bulks) -> Result<[Table; 3], Error> {
    let [red, green, blue] = PALETTE.map(|[descriptor, data, segments]| {
        if top.element(data).is_some() || top.element(segments).is_none() {
            return table(top, descriptor, data, signed, bulks);
        }
        Ok(Table { is_segmented: true, ..table(top, descriptor, segments, signed, bulks)? })
    });
    Ok([red?, green?, blue?])
}

fn table(item: Attributes<'_>, descriptor: &str, data: &str, signed: bool, bulks: &Bulks) -> Result<Table, Error> {
    let unusable = || Error::invalid("A look-up table of the image cannot be used.");
    let numbers: Vec<i64> = item.numbers(descriptor).into_iter().filter_map(whole).collect();
    let [entries, first, bits] = numbers.as_slice() else { return Err(unusable()) };
    let element = item.element(data).ok_or_else(unusable)?;
    let data = match Bulk::of(element) {
        Some(Bulk::Inline(bytes)) => bytes,
        Some(Bulk::Range { offset, .. }) => bulks.get(&offset).cloned().ok_or_else(unusable)?,
        Some(Bulk::Fragments(_)) => return Err(unusable()),
        // LUTData may be of VR US.
        None => {
            let values = item.numbers(data).into_iter().filter_map(whole);
            values.flat_map(|value| u16::try_from(value & 0xFFFF).unwrap_or(0).to_le_bytes()).collect()
        }
    };
    // The descriptor's VR is US or SS; some files write a negative first value as US.
    let first = if signed && (0x8000..=0xFFFF).contains(first) { first - 0x1_0000 } else { *first };
    let entries = match u32::try_from(*entries).unwrap_or(0) & 0xFFFF {
        0 => 65_536,
        entries => entries,
    };
    Ok(Table { entries, first, bits: u16::try_from(*bits).unwrap_or(16), is_segmented: false, data })
}

/// A number without a fraction.
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 1e15).then(|| format!("{number:.0}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(rows: u32, columns: u32, bits: u32) -> Value {
        json!({
            "00280002": {"vr": "US", "Value": [1]},
            "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
            "00280010": {"vr": "US", "Value": [rows]},
            "00280011": {"vr": "US", "Value": [columns]},
            "00280100": {"vr": "US", "Value": [bits]},
            "00280101": {"vr": "US", "Value": [bits]},
        })
    }

    fn of(metadata: &Value, frame: u32) -> Result<PixelDescription, Error> {
        PixelDescription::of(metadata, frame, &Bulks::new()).map(|found| found.unwrap())
    }

    #[test]
    fn a_frame_may_reach_its_size_limit_and_not_pass_it() {
        assert!(of(&metadata(16_384, 16_384, 8), 0).is_ok());
        assert!(of(&metadata(16_385, 16_384, 8), 0).is_err());
        assert!(of(&metadata(65_535, 65_535, 16), 0).is_err());
    }

    #[test]
    fn impossible_descriptions_are_refused() {
        let mut high = metadata(5, 5, 16);
        high["00280102"] = json!({"vr": "US", "Value": [16]});
        let mut odd = metadata(5, 5, 8);
        odd["00280004"] = json!({"vr": "CS", "Value": ["YBR_FULL_422"]});
        odd["00280002"] = json!({"vr": "US", "Value": [3]});
        for wrong in
            [metadata(0, 5, 8), metadata(5, 5, 9), metadata(5, 5, 64), metadata(70_000, 5, 8), high, odd, json!({})]
        {
            assert_eq!(of(&wrong, 0).unwrap_err().outcome(), record::Outcome::Invalid);
        }
        assert!(PixelDescription::of(&metadata(5, 5, 8), 1, &Bulks::new()).unwrap().is_err());
    }

    #[test]
    fn a_frames_own_functional_group_comes_before_the_shared_one() {
        let mut enhanced = metadata(5, 5, 16);
        enhanced["00280008"] = json!({"vr": "IS", "Value": [2]});
        let window =
            |center: i32| json!({"00281050": {"vr": "DS", "Value": [center]}, "00281051": {"vr": "DS", "Value": [10]}});
        enhanced["52009229"] = json!({"vr": "SQ", "Value": [{
            "00289132": {"vr": "SQ", "Value": [window(1)]},
            "00289145": {"vr": "SQ", "Value": [{"00281053": {"vr": "DS", "Value": [2.5]}, "00281052": {"vr": "DS", "Value": [-7]}}]},
        }]});
        enhanced["52009230"] = json!({"vr": "SQ", "Value": [{}, {"00289132": {"vr": "SQ", "Value": [window(2)]}}]});
        let tone = |frame| of(&enhanced, frame).unwrap().tone;
        assert_eq!(tone(0).window.unwrap().center, 1.0);
        assert_eq!(tone(1).window.unwrap().center, 2.0);
        assert_eq!((tone(1).slope, tone(1).intercept), (2.5, -7.0));
    }

    #[test]
    fn tables_are_found_inline_in_values_and_elsewhere() {
        let mut grey = metadata(5, 5, 16);
        let lut = |data: Value| json!({"vr": "SQ", "Value": [{"00283002": {"vr": "US", "Value": [2, 65_535, 16]}, "00283006": data}]});
        grey["00280103"] = json!({"vr": "US", "Value": [1]});
        grey["00283000"] = lut(json!({"vr": "US", "Value": [1, 513]}));
        grey["00283010"] = lut(json!({"vr": "OW", "Bulk": [77, 4]}));
        assert_eq!(bulks(&grey, 0), [(77, 4)]);
        assert!(PixelDescription::of(&grey, 0, &Bulks::new()).is_err(), "a table that was not read is missed");
        let read = PixelDescription::of(&grey, 0, &Bulks::from([(77, vec![9, 0, 8, 0])])).unwrap().unwrap();
        let modality = read.tone.modality.unwrap();
        assert_eq!((modality.entries, modality.first, modality.data), (2, -1, vec![1, 0, 1, 2]));
        assert_eq!(read.tone.voi.unwrap().data, [9, 0, 8, 0]);
    }
}
