//! Patients that differ as patients do: a few names are common, days and modalities are spread, numbers are unique.

use super::Result;
use wire::dataset::{Draft, Tag, VR};
use wire::syntax::{EXPLICIT_LITTLE, Encoding};

const COMPUTED_RADIOGRAPHY: &str = "1.2.840.10008.5.1.4.1.1.1";
const ARC: &str = "1.2.826.0.1.3680043.10.1563";

/// Common first names come first: the n-th is about 1/n as common as the first.
const FIRST: [&str; 40] = [
    "SITI", "MUHAMMAD", "NUR", "SRI", "BUDI", "DEWI", "AHMAD", "ABDUL", "AGUS", "ENDANG", "EKO", "DWI", "TRI", "WAHYU",
    "RINA", "YULI", "INDAH", "HENDRA", "RATNA", "BAMBANG", "LESTARI", "IKA", "FITRI", "JOKO", "RUDI", "ANI", "KARTIKA",
    "MADE", "WAYAN", "KETUT", "PUTU", "TOGAR", "UJANG", "ASEP", "DEDI", "YANTI", "MARIA", "YOHANES", "PETRUS",
    "HARTONO",
];
const SECOND: [&str; 48] = [
    "AMINAH",
    "NURHALIZA",
    "RAHMAWATI",
    "SANTOSO",
    "SETIAWAN",
    "WULANDARI",
    "HIDAYAT",
    "RAHMAN",
    "KURNIAWAN",
    "SUSANTI",
    "PRASETYO",
    "LESTARI",
    "HANDAYANI",
    "SAPUTRA",
    "WIBOWO",
    "YULIANTI",
    "PERMATA",
    "GUNAWAN",
    "ASTUTI",
    "MAULANA",
    "FADILAH",
    "SIREGAR",
    "NASUTION",
    "SIMANJUNTAK",
    "HARAHAP",
    "SUDARMA",
    "ARDANA",
    "SUARTINI",
    "WIDODO",
    "SURYANI",
    "MULYADI",
    "HASANAH",
    "KHOTIMAH",
    "SALIM",
    "BASUKI",
    "UTAMI",
    "PURNAMA",
    "ANGGRAINI",
    "SUPRIYADI",
    "HALIMAH",
    "ZAHRA",
    "FIRMANSYAH",
    "NOVITA",
    "OKTAVIANI",
    "PANGESTU",
    "QOMARIAH",
    "TARIGAN",
    "SUKARNO",
];
const MODALITIES: [&str; 10] = ["CR", "CR", "CR", "CR", "DX", "DX", "US", "CT", "CT", "MR"];

/// Study dates are spread over so many months of so many days.
const MONTHS: u64 = 36;
const DAYS_OF_A_MONTH: u64 = 28;

/// A patient of the archive; all of it follows from the number.
pub struct Patient {
    n: u32,
    pub number: String,
    pub name: String,
    pub date: String,
    pub modality: &'static str,
}

impl Patient {
    pub fn new(n: u32) -> Self {
        let mut random = Random(u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (first, second) = (random.common(&FIRST), random.any(&SECOND));
        let name = if random.below(4) == 0 { format!("{first}^{second}") } else { format!("{first} {second}") };
        let month = random.below(MONTHS);
        let day = random.below(DAYS_OF_A_MONTH) + 1;
        let date = format!("{:04}{:02}{day:02}", 2021 + month / 12, month % 12 + 1);
        Self { n, number: format!("BM-{:08}", 10_000_000 + n), name, date, modality: random.any(&MODALITIES) }
    }

    /// The patient's one instance: a radiograph of 16 x 16 pixels, as the archive's size is in its patients here.
    pub fn data_set(&self) -> Result<Vec<u8>> {
        let n = self.n;
        let mut random = Random(u64::from(n) << 8 | 0xA5);
        let born = format!("{}{:02}{:02}", 1940 + random.below(70), random.below(12) + 1, random.below(28) + 1);
        let draft = Draft::new()
            .text(Tag(0x0008, 0x0016), VR::UI, COMPUTED_RADIOGRAPHY)
            .text(Tag(0x0008, 0x0018), VR::UI, format!("{ARC}.{n}.1.1"))
            .text(Tag(0x0008, 0x0020), VR::DA, self.date.as_str())
            .text(Tag(0x0008, 0x0030), VR::TM, "081500")
            .text(Tag(0x0008, 0x0050), VR::SH, format!("A{n:08}"))
            .text(Tag(0x0008, 0x0060), VR::CS, self.modality)
            .text(Tag(0x0008, 0x0090), VR::PN, "HARTONO^BAMBANG^^DR")
            .text(Tag(0x0008, 0x1030), VR::LO, "Thorax PA")
            .text(Tag(0x0010, 0x0010), VR::PN, self.name.as_str())
            .text(Tag(0x0010, 0x0020), VR::LO, self.number.as_str())
            .text(Tag(0x0010, 0x0030), VR::DA, born)
            .text(Tag(0x0010, 0x0040), VR::CS, if random.below(2) == 0 { "F" } else { "M" })
            .text(Tag(0x0020, 0x000D), VR::UI, format!("{ARC}.{n}"))
            .text(Tag(0x0020, 0x000E), VR::UI, format!("{ARC}.{n}.1"))
            .text(Tag(0x0020, 0x0010), VR::SH, "1")
            .text(Tag(0x0020, 0x0011), VR::IS, "1")
            .text(Tag(0x0020, 0x0013), VR::IS, "1")
            .text(Tag(0x0028, 0x0004), VR::CS, "MONOCHROME2")
            .shorts(Tag(0x0028, 0x0002), &[1])
            .shorts(Tag(0x0028, 0x0010), &[16])
            .shorts(Tag(0x0028, 0x0011), &[16])
            .shorts(Tag(0x0028, 0x0100), &[8])
            .shorts(Tag(0x0028, 0x0101), &[8])
            .shorts(Tag(0x0028, 0x0102), &[7])
            .shorts(Tag(0x0028, 0x0103), &[0])
            .bytes(Tag(0x7FE0, 0x0010), VR::OW, (0..32).flat_map(|_| random.next().to_le_bytes()).collect::<Vec<u8>>());
        Ok(draft.encode(Encoding::ExplicitLittle)?)
    }

    /// The same as a file (PS3.10 7.1).
    pub fn file(&self) -> Result<Vec<u8>> {
        let meta = Draft::new()
            .bytes(Tag(0x0002, 0x0001), VR::OB, vec![0, 1])
            .text(Tag(0x0002, 0x0002), VR::UI, COMPUTED_RADIOGRAPHY)
            .text(Tag(0x0002, 0x0003), VR::UI, format!("{ARC}.{}.1.1", self.n))
            .text(Tag(0x0002, 0x0010), VR::UI, EXPLICIT_LITTLE)
            .text(Tag(0x0002, 0x0012), VR::UI, format!("{ARC}.0"))
            .encode(Encoding::ExplicitLittle)?;
        let mut file = vec![0; 128];
        file.extend(b"DICM\x02\x00\x00\x00UL\x04\x00");
        file.extend(u32::try_from(meta.len())?.to_le_bytes());
        file.extend(meta);
        file.extend(self.data_set()?);
        Ok(file)
    }
}

/// The same patients every time: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: u64) -> u64 {
        (self.next() >> 16) % most.max(1)
    }

    fn any(&mut self, of: &[&'static str]) -> &'static str {
        let at = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        of.get(at).copied().unwrap_or("X")
    }

    /// One of the first ones mostly.
    fn common(&mut self, of: &[&'static str]) -> &'static str {
        let most = self.below(of.len() as u64) + 1;
        let at = usize::try_from(self.below(most)).unwrap_or(0);
        of.get(at).copied().unwrap_or("X")
    }
}
