//! Small records to send: DICOM files and FHIR bundles whose every personal value the test chose.

/// A person as a test invents one.
#[derive(Clone, Debug)]
pub struct Person {
    /// PatientName, components divided by `^`.
    pub name: String,
    /// PatientID at the sending facility.
    pub number: String,
    /// National number.
    pub nik: String,
    /// PatientBirthDate.
    pub birth_date: String,
}

impl Person {
    /// The `n`-th person: every value differs from every other person's.
    #[must_use]
    pub fn nth(n: usize) -> Self {
        const GIVEN: [&str; 8] = ["Siti", "Budi", "Wayan", "Dewi", "Agus", "Ketut", "Ratna", "Joko"];
        const FAMILY: [&str; 8] =
            ["Rahayu", "Santoso", "Sutrisna", "Lestari", "Wibowo", "Nasution", "Siregar", "Kusuma"];
        let pick = |list: &[&'static str; 8], at: usize| list.get(at % 8).copied().unwrap_or("Siti");
        let (year, month, day) = (1940 + n % 70, 1 + n / 3 % 12, 1 + n / 7 % 28);
        Self {
            name: format!("{}{n:05}^{}{n:05}", pick(&FAMILY, n / 8), pick(&GIVEN, n)),
            number: format!("RM-{:08}", 40_000_000 + n * 37),
            nik: format!("3171{:02}{:02}{:02}{:06}", day, month, year % 100, 100_000 + n),
            birth_date: format!("{year:04}{month:02}{day:02}"),
        }
    }
}

/// One element, explicit VR little endian (PS3.5 7.1.2).
#[must_use]
pub fn element(tag: (u16, u16), vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 12);
    bytes.extend(tag.0.to_le_bytes());
    bytes.extend(tag.1.to_le_bytes());
    bytes.extend(vr);
    let padded = value.len() + value.len() % 2;
    let long = matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" | b"OF" | b"OD" | b"UC" | b"UR");
    let length = u32::try_from(padded).unwrap_or(u32::MAX);
    if long {
        bytes.extend([0, 0]);
        bytes.extend(length.to_le_bytes());
    } else {
        bytes.extend(u16::try_from(padded).unwrap_or(u16::MAX).to_le_bytes());
    }
    bytes.extend(value);
    if value.len() % 2 == 1 {
        bytes.push(if matches!(vr, b"UI" | b"OB" | b"UN") { 0 } else { b' ' });
    }
    bytes
}

/// The UIDs of one instance.
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
    /// UIDs below an arc of the tests.
    #[must_use]
    pub fn new(study: usize, series: usize, instance: usize) -> Self {
        let root = "1.2.826.0.1.3680043.10.1561";
        Self {
            study: format!("{root}.{study}"),
            series: format!("{root}.{study}.{series}"),
            instance: format!("{root}.{study}.{series}.{instance}"),
        }
    }
}

/// SOP class of [`instance`]: Secondary Capture Image Storage.
pub const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

/// A data set of one secondary capture, explicit VR little endian; `side` x `side` pixels of 8 bits that begin with `pixels`.
#[must_use]
pub fn data_set(person: &Person, uids: &Uids, side: u16, pixels: &[u8]) -> Vec<u8> {
    let mut grey = pixels.to_vec();
    grey.resize(usize::from(side) * usize::from(side), 128);
    let mut bytes = Vec::new();
    let mut text = |tag, vr, value: &str| bytes.extend(element(tag, vr, value.as_bytes()));
    text((0x0008, 0x0016), b"UI", SECONDARY_CAPTURE);
    text((0x0008, 0x0018), b"UI", &uids.instance);
    text((0x0008, 0x0020), b"DA", "20211228");
    text((0x0008, 0x0030), b"TM", "101500");
    text((0x0008, 0x0050), b"SH", &format!("ACC{}", person.number));
    text((0x0008, 0x0060), b"CS", "OT");
    text((0x0008, 0x0064), b"CS", "WSD");
    text((0x0008, 0x0090), b"PN", "Referring^Physician");
    text((0x0008, 0x1030), b"LO", "Thorax PA");
    text((0x0010, 0x0010), b"PN", &person.name);
    text((0x0010, 0x0020), b"LO", &person.number);
    text((0x0010, 0x0030), b"DA", &person.birth_date);
    text((0x0010, 0x0040), b"CS", "F");
    text((0x0020, 0x000D), b"UI", &uids.study);
    text((0x0020, 0x000E), b"UI", &uids.series);
    text((0x0020, 0x0010), b"SH", "1");
    text((0x0020, 0x0011), b"IS", "1");
    text((0x0020, 0x0013), b"IS", "1");
    bytes.extend(element((0x0028, 0x0002), b"US", &1_u16.to_le_bytes()));
    bytes.extend(element((0x0028, 0x0004), b"CS", b"MONOCHROME2"));
    for (element_number, value) in [(0x0010, side), (0x0011, side), (0x0100, 8), (0x0101, 8), (0x0102, 7), (0x0103, 0)]
    {
        bytes.extend(element((0x0028, element_number), b"US", &value.to_le_bytes()));
    }
    bytes.extend(element((0x7FE0, 0x0010), b"OW", &grey));
    bytes
}

/// A DICOM file (PS3.10) around a data set of [`SECONDARY_CAPTURE`] in explicit VR little endian.
#[must_use]
pub fn file(uids: &Uids, data_set: &[u8]) -> Vec<u8> {
    let mut meta = element((0x0002, 0x0001), b"OB", &[0, 1]);
    meta.extend(element((0x0002, 0x0002), b"UI", SECONDARY_CAPTURE.as_bytes()));
    meta.extend(element((0x0002, 0x0003), b"UI", uids.instance.as_bytes()));
    meta.extend(element((0x0002, 0x0010), b"UI", b"1.2.840.10008.1.2.1"));
    meta.extend(element((0x0002, 0x0012), b"UI", b"1.2.826.0.1.3680043.10.1561.0"));
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element((0x0002, 0x0000), b"UL", &u32::try_from(meta.len()).unwrap_or(0).to_le_bytes()));
    bytes.extend(meta);
    bytes.extend(data_set);
    bytes
}

/// A transaction with a patient and a COVID-19 result (LOINC 94500-6).
#[must_use]
pub fn covid_bundle(person: &Person, conclusion: &str) -> serde_json::Value {
    let spoken = person.name.replace('^', " ");
    let birth = &person.birth_date;
    let iso =
        format!("{}-{}-{}", birth.get(..4).unwrap_or(""), birth.get(4..6).unwrap_or(""), birth.get(6..).unwrap_or(""));
    serde_json::json!({
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0001", "request": {"method": "POST", "url": "Patient"},
             "resource": {"resourceType": "Patient",
                "identifier": [{"system": "https://fhir.kemkes.go.id/id/nik", "value": person.nik}],
                "name": [{"text": spoken}], "birthDate": iso}},
            {"fullUrl": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0002", "request": {"method": "POST", "url": "Observation"},
             "resource": {"resourceType": "Observation", "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
                "subject": {"reference": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0001"},
                "effectiveDateTime": "2021-12-28", "valueString": conclusion}}
        ]
    })
}
