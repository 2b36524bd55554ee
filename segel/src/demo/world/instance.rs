//! DICOM objects of each kind: the modules that PS3.3 asks for, filled from a patient and a visit.

mod electrocardiogram;

pub use electrocardiogram::electrocardiogram;

use super::dataset::{Elements, Syntax, run_length_encoded, uid};
use super::people::{Facility, Patient};
use super::random::Random;
use super::{computed, letter, photograph, radiograph};
use jiff::civil::Date;

/// Storage SOP classes that the world sends (PS3.4 B.5).
mod class {
    pub const CR: &str = "1.2.840.10008.5.1.4.1.1.1";
    pub const DX: &str = "1.2.840.10008.5.1.4.1.1.1.1";
    pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    pub const ECG: &str = "1.2.840.10008.5.1.4.1.1.9.1.1";
    pub const PHOTO: &str = "1.2.840.10008.5.1.4.1.1.77.1.4";
    pub const PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
}

/// What every object of one study shares.
pub struct Study<'a> {
    /// Whose.
    pub patient: &'a Patient,
    /// Where.
    pub facility: &'a Facility,
    /// The medical record number there.
    pub record_number: &'a str,
    /// When.
    pub date: Date,
    /// `HHMMSS`.
    pub time: String,
    /// StudyInstanceUID.
    pub uid: String,
    /// AccessionNumber.
    pub accession: String,
    /// StudyDescription.
    pub description: &'static str,
    /// ReferringPhysicianName.
    pub physician: &'static str,
}

fn day(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

/// The series' part of an object.
struct Series<'a> {
    modality: &'a str,
    uid: &'a str,
    number: u32,
    description: &'a str,
    maker: (&'a str, &'a str),
}

/// Patient, study, series, equipment and SOP common modules (PS3.3 C.7.1 to C.7.5, C.12.1).
fn common(study: &Study<'_>, series: &Series<'_>, sop_class: &str, sop_instance: &str, number: u32) -> Elements {
    let mut e = Elements::default();
    let patient = study.patient;
    let date = day(study.date);
    let other_id = |number: &str, issuer: &str| {
        let mut item = Elements::default();
        item.text(0x0010_0020, "LO", number).text(0x0010_0021, "LO", issuer).text(0x0010_0022, "CS", "TEXT");
        item
    };
    e.text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0012, "DA", &date)
        .text(0x0008_0013, "TM", &study.time)
        .text(0x0008_0016, "UI", sop_class)
        .text(0x0008_0018, "UI", sop_instance)
        .text(0x0008_0020, "DA", &date)
        .text(0x0008_0021, "DA", &date)
        .text(0x0008_0023, "DA", &date)
        .text(0x0008_0030, "TM", &study.time)
        .text(0x0008_0031, "TM", &study.time)
        .text(0x0008_0033, "TM", &study.time)
        .text(0x0008_0050, "SH", &study.accession)
        .text(0x0008_0060, "CS", series.modality)
        .text(0x0008_0070, "LO", series.maker.0)
        .text(0x0008_0080, "LO", &study.facility.name)
        .text(0x0008_0090, "PN", study.physician)
        .text(0x0008_0201, "SH", study.facility.offset)
        .text(0x0008_1010, "SH", &study.facility.ae_title)
        .text(0x0008_1030, "LO", study.description)
        .text(0x0008_103E, "LO", series.description)
        .text(0x0008_1090, "LO", series.maker.1)
        .text(0x0010_0010, "PN", &patient.dicom_name())
        .text(0x0010_0020, "LO", study.record_number)
        .text(0x0010_0030, "DA", &day(patient.born))
        .text(0x0010_0040, "CS", if patient.female { "F" } else { "M" })
        .items(0x0010_1002, vec![other_id(&patient.nik, "NIK"), other_id(&patient.jkn, "JKN")])
        .text(0x0010_1010, "AS", &format!("{:03}Y", patient.age_on(study.date)))
        .text(0x0010_1040, "LO", &patient.address)
        .text(0x0010_2154, "SH", &patient.phone)
        .text(0x0018_1000, "LO", &format!("SN{:05}", series.number * 7_919 % 99_991))
        .text(0x0018_1020, "LO", "4.2.1")
        .text(0x0020_000D, "UI", &study.uid)
        .text(0x0020_000E, "UI", series.uid)
        .text(0x0020_0010, "SH", study.accession.get(..study.accession.len().min(16)).unwrap_or_default())
        .text(0x0020_0011, "IS", &series.number.to_string())
        .text(0x0020_0013, "IS", &number.to_string());
    if study.facility.names_issuer {
        e.text(0x0010_0021, "LO", study.facility.code.as_str());
    }
    e
}

/// Image pixel module (PS3.3 C.7.6.3) of 16-bit grey pixels.
fn grey(e: &mut Elements, rows: usize, columns: usize, bits: u16, signed: bool) {
    e.shorts(0x0028_0002, &[1])
        .text(0x0028_0004, "CS", "MONOCHROME2")
        .shorts(0x0028_0010, &[rows as u16])
        .shorts(0x0028_0011, &[columns as u16])
        .shorts(0x0028_0100, &[16])
        .shorts(0x0028_0101, &[bits])
        .shorts(0x0028_0102, &[bits - 1])
        .shorts(0x0028_0103, &[u16::from(signed)]);
}

/// A chest radiograph: computed (CR) or digital (DX).
#[must_use]
pub fn radiograph(
    study: &Study<'_>,
    mut random: Random,
    finding: radiograph::Finding,
    digital: bool,
    syntax: Syntax,
    columns: usize,
) -> Vec<u8> {
    let rows = columns * 6 / 5 / 2 * 2;
    let (series_uid, instance) = (uid(&mut random), uid(&mut random));
    let (sop_class, modality) = if digital { (class::DX, "DX") } else { (class::CR, "CR") };
    let maker = if digital { ("Nusantara Imaging", "RadiNova 300") } else { ("Citra Medika", "CR-Lintang") };
    let series = Series { modality, uid: &series_uid, number: 1, description: "Thorax PA", maker };
    let mut e = common(study, &series, sop_class, &instance, 1);
    let pixels = radiograph::draw(random.child(1), columns, rows, study.patient.female, finding);
    grey(&mut e, rows, columns, 12, false);
    e.text(0x0008_0008, "CS", if digital { "ORIGINAL\\PRIMARY\\" } else { "ORIGINAL\\PRIMARY" })
        .text(0x0018_0015, "CS", "CHEST")
        .text(0x0018_0060, "DS", "117")
        .text(0x0018_1152, "IS", "3")
        .text(0x0018_5101, "CS", "PA")
        .text(0x0020_0020, "CS", "L\\F")
        .text(0x0028_0301, "CS", "NO")
        .text(0x0028_1050, "DS", "2180")
        .text(0x0028_1051, "DS", "3050")
        .text(0x0028_2110, "CS", "00");
    let spacing = format!("{:.4}\\{:.4}", 350.0 / columns as f32, 350.0 / columns as f32);
    e.text(0x0018_1164, "DS", &spacing);
    if digital {
        let kind = "FOR PRESENTATION";
        e.text(0x0008_0068, "CS", kind)
            .code(0x0008_2218, ("51185008", "SCT", "Chest"))
            .text(0x0018_1508, "CS", "")
            .text(0x0018_7004, "CS", "DIRECT")
            .text(0x0020_0062, "CS", "U")
            .shorts(0x0028_0106, &[0])
            .shorts(0x0028_0107, &[4_095])
            .text(0x0028_1040, "CS", "LOG")
            .bytes(0x0028_1041, "SS", (-1_i16).to_le_bytes().to_vec())
            .text(0x0028_1052, "DS", "0")
            .text(0x0028_1053, "DS", "1")
            .text(0x0028_1054, "LO", "US")
            .items(0x0040_0555, Vec::new())
            .code(0x0054_0220, ("399348003", "SCT", "postero-anterior"))
            .text(0x2050_0020, "CS", "IDENTITY");
        e.text(0x0028_0301, "CS", "NO");
    }
    put_pixels(&mut e, &pixels, columns, syntax);
    e.file(sop_class, &instance, syntax)
}

fn put_pixels(e: &mut Elements, pixels: &[u16], columns: usize, syntax: Syntax) {
    if syntax == Syntax::Rle {
        e.frame(run_length_encoded(pixels, columns));
    } else {
        e.bytes(0x7FE0_0010, "OW", pixels.iter().flat_map(|p| p.to_le_bytes()).collect());
    }
}

/// A CT series, drawn slice by slice as it is asked for.
pub struct Tomography {
    scan: computed::Scan,
    region: computed::Region,
    series_uid: String,
    frame_of_reference_uid: String,
    random: Random,
    syntax: Syntax,
    /// Slices of the series.
    pub slices: u32,
    size: usize,
}

impl Tomography {
    /// Lays the patient in the scanner.
    #[must_use]
    pub fn new(mut random: Random, region: computed::Region, syntax: Syntax, (slices, size): (u32, usize)) -> Self {
        Self {
            scan: computed::Scan::new(random.child(1), region),
            region,
            series_uid: uid(&mut random),
            frame_of_reference_uid: uid(&mut random),
            random,
            syntax,
            slices: slices.max(1),
            size,
        }
    }

    /// One slice, from 0: the lowest. Radiologists read from the top, so InstanceNumber 1 is the uppermost.
    #[must_use]
    pub fn slice(&self, study: &Study<'_>, index: u32) -> Vec<u8> {
        let head = matches!(self.region, computed::Region::Head(_));
        let step = 1.0 / self.slices as f32;
        let z = (index as f32 + 0.5) * step;
        // The head is drawn from base to vertex, the chest from apex to base.
        let height_mm = if head { 130.0 } else { 300.0 };
        let up = if head { z } else { 1.0 - z };
        let position = up * height_mm - height_mm / 2.0;
        let number = if head { self.slices - index } else { index + 1 };
        let field_mm = if head { 240.0 } else { 400.0 };
        let spacing = field_mm / self.size as f32;
        let instance = uid(&mut self.random.child(100 + u64::from(index)));
        let description = if head { "Kepala tanpa kontras 5 mm" } else { "Thorax dengan kontras" };
        let series = Series {
            modality: "CT",
            uid: &self.series_uid,
            number: 2,
            description,
            maker: ("Nusantara Imaging", "AksiaScan 64"),
        };
        let mut e = common(study, &series, class::CT, &instance, number);
        grey(&mut e, self.size, self.size, if head { 16 } else { 12 }, head);
        let (centre, width) = if head { ("35", "80") } else { ("-550\\50", "1500\\400") };
        let corner = -field_mm / 2.0 + spacing / 2.0;
        let thickness = height_mm * step;
        e.text(0x0008_0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")
            .text(0x0018_0015, "CS", if head { "HEAD" } else { "CHEST" })
            .text(0x0018_0050, "DS", &format!("{thickness:.2}"))
            .text(0x0018_0060, "DS", "120")
            .text(0x0018_1151, "IS", "210")
            .text(0x0018_5100, "CS", "HFS")
            .text(0x0020_0012, "IS", "1")
            .text(0x0020_0032, "DS", &format!("{corner:.3}\\{corner:.3}\\{position:.3}"))
            .text(0x0020_0037, "DS", "1\\0\\0\\0\\1\\0")
            .text(0x0020_0052, "UI", &self.frame_of_reference_uid)
            .text(0x0020_1040, "LO", "")
            .text(0x0020_1041, "DS", &format!("{position:.3}"))
            .text(0x0028_0030, "DS", &format!("{spacing:.4}\\{spacing:.4}"))
            .text(0x0028_1050, "DS", centre)
            .text(0x0028_1051, "DS", width)
            .text(0x0028_1052, "DS", if head { "0" } else { "-1024" })
            .text(0x0028_1053, "DS", "1")
            .text(0x0028_1054, "LO", "HU");
        let hounsfield = self.scan.slice(self.size, z, step);
        // Signed values as they are, or unsigned ones above an intercept: scanners do either.
        let pixels: Vec<u16> =
            hounsfield.iter().map(|hu| if head { *hu as u16 } else { (hu + 1_024).clamp(0, 4_095) as u16 }).collect();
        put_pixels(&mut e, &pixels, self.size, self.syntax);
        e.file(class::CT, &instance, self.syntax)
    }
}

/// A photograph with JPEG Baseline pixels (PS3.3 A.32.4), or its bytes alone.
#[must_use]
pub fn photograph(study: &Study<'_>, mut random: Random, width: usize) -> Vec<u8> {
    let height = width * 3 / 4;
    let (series_uid, instance) = (uid(&mut random), uid(&mut random));
    let series = Series {
        modality: "XC",
        uid: &series_uid,
        number: 1,
        description: "Foto luka",
        maker: ("Lensa Klinik", "LK-20"),
    };
    let mut e = common(study, &series, class::PHOTO, &instance, 1);
    let frame = jpeg(random.child(1), width);
    let ratio = (width * height * 3) as f32 / frame.len().max(1) as f32;
    e.text(0x0008_0008, "CS", "ORIGINAL\\PRIMARY")
        .code(0x0008_2218, ("30021000", "SCT", "Lower leg"))
        .text(0x0020_0020, "CS", "")
        .text(0x0020_0062, "CS", "L")
        .shorts(0x0028_0002, &[3])
        .text(0x0028_0004, "CS", "YBR_FULL_422")
        .shorts(0x0028_0006, &[0])
        .shorts(0x0028_0010, &[height as u16])
        .shorts(0x0028_0011, &[width as u16])
        .shorts(0x0028_0100, &[8])
        .shorts(0x0028_0101, &[8])
        .shorts(0x0028_0102, &[7])
        .shorts(0x0028_0103, &[0])
        .text(0x0028_0301, "CS", "NO")
        .text(0x0028_2110, "CS", "01")
        .text(0x0028_2112, "DS", &format!("{ratio:.1}"))
        .text(0x0028_2114, "CS", "ISO_10918_1")
        .items(0x0040_0555, Vec::new())
        .frame(frame);
    e.file(class::PHOTO, &instance, Syntax::JpegBaseline)
}

/// A drawn photograph as a JPEG file.
#[must_use]
pub fn jpeg(random: Random, width: usize) -> Vec<u8> {
    let height = width * 3 / 4;
    let pixels = photograph::draw(random, width, height);
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 85);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1);
    // The size is that of the pixels by construction, and memory takes every write.
    let _ = encoder.encode(&pixels, width as u16, height as u16, jpeg_encoder::ColorType::Rgb);
    file
}

/// A letter as Encapsulated PDF (PS3.3 A.45.1).
#[must_use]
pub fn document(study: &Study<'_>, mut random: Random, letter: &letter::Letter, syntax: Syntax) -> Vec<u8> {
    let (series_uid, instance) = (uid(&mut random), uid(&mut random));
    let series = Series {
        modality: "DOC",
        uid: &series_uid,
        number: 1,
        description: "Surat",
        maker: ("Arsip Klinik", "Pindai"),
    };
    let mut e = common(study, &series, class::PDF, &instance, 1);
    let pdf = letter::write(letter, random.chance(0.5));
    let mut moment = day(study.date);
    moment.push_str(&study.time);
    e.text(0x0008_002A, "DT", &moment)
        .text(0x0008_0064, "CS", "WSD")
        .text(0x0028_0301, "CS", "YES")
        .code(0x0040_A043, ("57133-1", "LN", "Referral note"))
        .text(0x0042_0010, "ST", &letter.title)
        .text(0x0042_0012, "LO", "application/pdf")
        .long(0x0042_0015, u32::try_from(pdf.len()).unwrap_or_default())
        .bytes(0x0042_0011, "OB", pdf);
    e.file(class::PDF, &instance, syntax)
}
