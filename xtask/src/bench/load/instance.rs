//! Instances as modalities make them: whole patient, study, series and image modules, explicit VR little endian.

use super::people::Patient;
use super::random::Random;
use anyhow::Result;

/// Secondary Capture Image Storage.
pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Multi-frame Grayscale Byte Secondary Capture Image Storage.
pub const MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.7.2";
/// CT Image Storage.
pub const COMPUTED_TOMOGRAPHY: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// JPEG Baseline (Process 1).
pub const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

/// ImplementationClassUID of the load tool.
pub const IMPLEMENTATION: &str = "1.2.826.0.1.3680043.10.1562.0";

const ARC: &str = "1.2.826.0.1.3680043.10.1562";

/// Something to store, with what its command names.
pub struct Instance {
    /// SOPClassUID.
    pub sop_class: &'static str,
    /// Of the data set.
    pub transfer_syntax: &'static str,
    /// Where it belongs.
    pub uids: Uids,
    /// The data set.
    pub data_set: Vec<u8>,
}

/// The UIDs of an instance.
#[derive(Clone, Debug)]
pub struct Uids {
    /// StudyInstanceUID.
    pub study: String,
    /// SeriesInstanceUID.
    pub series: String,
    /// SOPInstanceUID.
    pub instance: String,
}

impl Uids {
    /// The `slice`-th instance of the only series of the `n`-th patient.
    pub fn of(n: usize, slice: usize) -> Self {
        let study = format!("{ARC}.{n}");
        Self { instance: format!("{study}.1.{slice}"), series: format!("{study}.1"), study }
    }
}

/// What an image is, besides its pixels.
struct Image {
    sop_class: &'static str,
    modality: &'static str,
    slice: usize,
    rows: u16,
    columns: u16,
    bits: u16,
    frames: usize,
}

/// A secondary capture of the `n`-th patient with 8 bits a pixel: 400 x 300 are 120 KB.
pub fn secondary_capture(n: usize, columns: u16, rows: u16) -> Instance {
    let patient = Patient::nth(n);
    let image =
        Image { sop_class: SECONDARY_CAPTURE, modality: patient.modality, slice: 1, rows, columns, bits: 8, frames: 1 };
    let pixels = Random::new(seed(n, 1)).bytes(usize::from(rows) * usize::from(columns));
    instance(n, &patient, &image, EXPLICIT_LITTLE_ENDIAN, b"OB", &pixels)
}

/// The `slice`-th slice of a CT series: 512 x 512 pixels of 12 bits in 16 are 512 KiB.
pub fn ct_slice(n: usize, slice: usize) -> Instance {
    let patient = Patient::nth(n);
    let image =
        Image { sop_class: COMPUTED_TOMOGRAPHY, modality: "CT", slice, rows: 512, columns: 512, bits: 12, frames: 1 };
    let mut pixels = Random::new(seed(n, slice)).bytes(512 * 512 * 2);
    for (at, byte) in pixels.iter_mut().enumerate() {
        // The upper byte of each pixel has 4 bits.
        if at % 2 == 1 {
            *byte &= 0x0F;
        }
    }
    instance(n, &patient, &image, EXPLICIT_LITTLE_ENDIAN, b"OW", &pixels)
}

/// A JPEG of 1024 x 1024 grey pixels: soft shapes with noise, as a radiograph has them.
pub fn radiograph(n: usize) -> Result<Instance> {
    const SIDE: u16 = 1_024;
    let patient = Patient::nth(n);
    let image =
        Image { sop_class: SECONDARY_CAPTURE, modality: "CR", slice: 1, rows: SIDE, columns: SIDE, bits: 8, frames: 1 };
    let mut random = Random::new(seed(n, 1));
    let (x0, y0, wide) = (random.below(700) + 100, random.below(700) + 100, random.below(300) + 200);
    let mut grey = Vec::with_capacity(usize::from(SIDE) * usize::from(SIDE));
    for y in 0..usize::from(SIDE) {
        for x in 0..usize::from(SIDE) {
            let far = (x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2)).isqrt();
            let shade = 40 + (x / 16 + y / 12) % 64 + 120_usize.saturating_sub(far * 120 / wide);
            let noise = usize::try_from(random.bits() & 7).unwrap_or(0);
            grey.push(u8::try_from(shade + noise).unwrap_or(u8::MAX));
        }
    }
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 90).encode(&grey, SIDE, SIDE, jpeg_encoder::ColorType::Luma)?;
    if jpeg.len() % 2 == 1 {
        jpeg.push(0);
    }
    // PS3.5 A.4: an empty offset table, one fragment, the delimiter.
    let mut fragments = vec![0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0x00, 0xE0];
    fragments.extend(u32::try_from(jpeg.len())?.to_le_bytes());
    fragments.extend(jpeg);
    fragments.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    let uids = Uids::of(n, image.slice);
    let mut elements = header(&patient, &image, &uids);
    elements.begin_long((0x7FE0, 0x0010), b"OB", u32::MAX);
    elements.0.extend(fragments);
    Ok(Instance { sop_class: image.sop_class, transfer_syntax: JPEG_BASELINE, uids, data_set: elements.0 })
}

/// The beginning of a multi-frame instance, up to the pixels: 512 x 512 of 8 bits each, so many bytes in all.
pub fn multi_frame_head(n: usize, pixel_bytes: usize) -> Result<Instance> {
    let patient = Patient::nth(n);
    let image = Image {
        sop_class: MULTI_FRAME,
        modality: "XA",
        slice: 1,
        rows: 512,
        columns: 512,
        bits: 8,
        frames: pixel_bytes / (512 * 512),
    };
    let uids = Uids::of(n, image.slice);
    let mut elements = header(&patient, &image, &uids);
    elements.begin_long((0x7FE0, 0x0010), b"OB", u32::try_from(pixel_bytes)?);
    Ok(Instance { sop_class: image.sop_class, transfer_syntax: EXPLICIT_LITTLE_ENDIAN, uids, data_set: elements.0 })
}

impl Instance {
    /// As a file (PS3.10 7.1).
    pub fn file(&self) -> Vec<u8> {
        let mut meta = Elements(Vec::with_capacity(256));
        meta.long((2, 0x0001), b"OB", &[0, 1]);
        meta.text(2, 0x0002, b"UI", self.sop_class);
        meta.text(2, 0x0003, b"UI", &self.uids.instance);
        meta.text(2, 0x0010, b"UI", self.transfer_syntax);
        meta.text(2, 0x0012, b"UI", IMPLEMENTATION);
        let mut file = Elements(vec![0; 128]);
        file.0.extend(b"DICM");
        file.short((2, 0), b"UL", &u32::try_from(meta.0.len()).unwrap_or(0).to_le_bytes(), 0);
        file.0.extend(meta.0);
        file.0.extend(&self.data_set);
        file.0
    }
}

fn seed(n: usize, slice: usize) -> u64 {
    u64::try_from(n.wrapping_mul(4_096).wrapping_add(slice)).unwrap_or(0) | 1 << 63
}

fn instance(
    n: usize,
    patient: &Patient,
    image: &Image,
    transfer_syntax: &'static str,
    vr: &[u8; 2],
    pixels: &[u8],
) -> Instance {
    let uids = Uids::of(n, image.slice);
    let mut elements = header(patient, image, &uids);
    elements.long((0x7FE0, 0x0010), vr, pixels);
    Instance { sop_class: image.sop_class, transfer_syntax, uids, data_set: elements.0 }
}

fn header(patient: &Patient, image: &Image, uids: &Uids) -> Elements {
    let mut out = Elements(Vec::with_capacity(2_048));
    let ct = image.sop_class == COMPUTED_TOMOGRAPHY;
    out.text(0x0008, 0x0005, b"CS", "ISO_IR 100");
    out.text(0x0008, 0x0008, b"CS", if ct { "ORIGINAL\\PRIMARY\\AXIAL" } else { "DERIVED\\SECONDARY" });
    out.text(0x0008, 0x0016, b"UI", image.sop_class);
    out.text(0x0008, 0x0018, b"UI", &uids.instance);
    for date in [0x0020, 0x0021, 0x0022, 0x0023] {
        out.text(0x0008, date, b"DA", &patient.study_date);
    }
    for time in [0x0030, 0x0031, 0x0032, 0x0033] {
        out.text(0x0008, time, b"TM", &patient.study_time);
    }
    out.text(0x0008, 0x0050, b"SH", &patient.accession);
    out.text(0x0008, 0x0060, b"CS", image.modality);
    if !ct {
        out.text(0x0008, 0x0064, b"CS", "WSD");
    }
    out.text(0x0008, 0x0070, b"LO", "Measured Imaging");
    out.text(0x0008, 0x0080, b"LO", "RSUD Dr. Soetomo");
    out.text(0x0008, 0x0090, b"PN", "HARTONO^BUDI^^dr.");
    out.text(0x0008, 0x1010, b"SH", "ROOM1");
    out.text(0x0008, 0x1030, b"LO", if ct { "CT Thorax" } else { "Thorax PA" });
    out.text(0x0008, 0x103E, b"LO", if ct { "Axial 1.0 mm" } else { "Capture" });
    out.text(0x0008, 0x1090, b"LO", "Bench 1");
    out.text(0x0010, 0x0010, b"PN", &patient.name);
    out.text(0x0010, 0x0020, b"LO", &patient.number);
    out.text(0x0010, 0x0030, b"DA", &patient.birth_date);
    out.text(0x0010, 0x0040, b"CS", patient.sex);
    out.text(0x0018, 0x0015, b"CS", "CHEST");
    if ct {
        out.text(0x0018, 0x0050, b"DS", "1.0");
        out.text(0x0018, 0x0060, b"DS", "120");
        out.text(0x0018, 0x5100, b"CS", "HFS");
    }
    out.text(0x0020, 0x000D, b"UI", &uids.study);
    out.text(0x0020, 0x000E, b"UI", &uids.series);
    out.text(0x0020, 0x0010, b"SH", "1");
    out.text(0x0020, 0x0011, b"IS", "1");
    if ct {
        out.text(0x0020, 0x0012, b"IS", "1");
    }
    out.text(0x0020, 0x0013, b"IS", &image.slice.to_string());
    if ct {
        out.text(0x0020, 0x0032, b"DS", &format!("-180\\-180\\{}", image.slice));
        out.text(0x0020, 0x0037, b"DS", "1\\0\\0\\0\\1\\0");
        out.text(0x0020, 0x0052, b"UI", &format!("{}.9", uids.study));
        out.text(0x0020, 0x1040, b"LO", "");
    } else {
        out.text(0x0020, 0x0020, b"CS", "");
    }
    image_pixel(&mut out, image, ct);
    out
}

fn image_pixel(out: &mut Elements, image: &Image, ct: bool) {
    out.number(0x0028, 0x0002, 1);
    out.text(0x0028, 0x0004, b"CS", "MONOCHROME2");
    if image.frames > 1 {
        out.text(0x0028, 0x0008, b"IS", &image.frames.to_string());
        // FrameIncrementPointer: the page number vector, left to the reader.
        out.short((0x0028, 0x0009), b"AT", &[0x18, 0x00, 0x63, 0x10], 0);
    }
    out.number(0x0028, 0x0010, image.rows);
    out.number(0x0028, 0x0011, image.columns);
    if ct {
        out.text(0x0028, 0x0030, b"DS", "0.703125\\0.703125");
    }
    out.number(0x0028, 0x0100, if image.bits > 8 { 16 } else { 8 });
    out.number(0x0028, 0x0101, image.bits);
    out.number(0x0028, 0x0102, image.bits - 1);
    out.number(0x0028, 0x0103, 0);
    if ct {
        out.text(0x0028, 0x1050, b"DS", "40");
        out.text(0x0028, 0x1051, b"DS", "400");
        out.text(0x0028, 0x1052, b"DS", "-1024");
        out.text(0x0028, 0x1053, b"DS", "1");
        out.text(0x0028, 0x1054, b"LO", "HU");
    }
}

/// Elements in the order they are put (PS3.5 7.1.2).
pub struct Elements(pub Vec<u8>);

impl Elements {
    /// Text, padded to even length.
    pub fn text(&mut self, group: u16, element: u16, vr: &[u8; 2], value: &str) {
        let padding = if vr == b"UI" { 0 } else { b' ' };
        self.short((group, element), vr, value.as_bytes(), padding);
    }

    /// US.
    pub fn number(&mut self, group: u16, element: u16, value: u16) {
        self.short((group, element), b"US", &value.to_le_bytes(), 0);
    }

    /// OB, OW and UN.
    pub fn long(&mut self, tag: (u16, u16), vr: &[u8; 2], value: &[u8]) {
        self.begin_long(tag, vr, u32::try_from(value.len() + value.len() % 2).unwrap_or(u32::MAX));
        self.0.extend(value);
        if value.len() % 2 == 1 {
            self.0.push(0);
        }
    }

    /// A long element whose value the caller sends.
    pub fn begin_long(&mut self, tag: (u16, u16), vr: &[u8; 2], length: u32) {
        self.tag(tag, vr);
        self.0.extend([0, 0]);
        self.0.extend(length.to_le_bytes());
    }

    fn short(&mut self, tag: (u16, u16), vr: &[u8; 2], value: &[u8], padding: u8) {
        self.tag(tag, vr);
        self.0.extend(u16::try_from(value.len() + value.len() % 2).unwrap_or(u16::MAX).to_le_bytes());
        self.0.extend(value);
        if value.len() % 2 == 1 {
            self.0.push(padding);
        }
    }

    fn tag(&mut self, tag: (u16, u16), vr: &[u8; 2]) {
        self.0.extend(tag.0.to_le_bytes());
        self.0.extend(tag.1.to_le_bytes());
        self.0.extend(vr);
    }
}
