//! What happens to a patient at a facility: the visits of one patient, each of which leaves records.

use super::dataset::{Syntax, uid};
use super::instance::{self, Study, Tomography};
use super::letter::Letter;
use super::people::{Facility, Patient, TODAY, physician};
use super::random::Random;
use super::results::{self, Visit};
use super::{Delivery, Door, Kind, WorldSize, computed, heartbeat, radiograph};
use jiff::civil::Date;

/// A radiology report, in the words of the people who write them.
pub struct ReportText {
    /// LOINC code of the examination and its display.
    pub code: (&'static str, &'static str),
    /// The examination's name.
    pub title: &'static str,
    /// What was seen.
    pub findings: &'static str,
    /// What it means.
    pub conclusion: &'static str,
}

/// One record to be made of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Radiograph(radiograph::Finding),
    Tomography(computed::Region),
    Electrocardiogram(heartbeat::Rhythm),
    Photograph,
    Letter,
    Covid(bool),
}

/// Makes the deliveries of one patient.
pub struct Course<'a> {
    patient: &'a Patient,
    facilities: &'a [Facility],
    size: WorldSize,
    random: Random,
}

impl<'a> Course<'a> {
    /// The patient's course through the facilities.
    #[must_use]
    pub fn new(patient: &'a Patient, facilities: &'a [Facility], size: WorldSize, random: Random) -> Self {
        Self { patient, facilities, size, random }
    }

    /// Everything that was recorded. The first patient of a world has one record of every kind, to be shown.
    pub fn deliveries(self, number: usize) -> impl Iterator<Item = Delivery> + Send + 'a {
        let mut random = self.random.child(1);
        let events = if number == 0 { showpiece() } else { events(&mut random, number) };
        let start = random.within(20, 500);
        events.into_iter().zip(0_u64..).flat_map(move |(event, n)| {
            let days = i64::try_from(start.saturating_sub(n * 3)).unwrap_or(0);
            let date = TODAY.checked_sub(jiff::Span::new().days(days)).unwrap_or(TODAY);
            self.recorded(event, number, date, self.random.child(10 + n))
        })
    }

    fn recorded(
        &self,
        event: Event,
        number: usize,
        date: Date,
        mut random: Random,
    ) -> Box<dyn Iterator<Item = Delivery> + Send + 'a> {
        // People with a number at a second facility go there for part of what they need.
        let choice = if number == 0 { 0 } else { random.below(self.patient.record_numbers.len() as u64) as usize };
        let Some((place, record_number)) = self.patient.record_numbers.get(choice) else {
            return Box::new(std::iter::empty());
        };
        let Some(facility) = self.facilities.get(*place) else { return Box::new(std::iter::empty()) };
        let time = format!("{:02}{:02}{:02}", random.within(7, 20), random.below(60), random.below(60));
        let study = Study {
            patient: self.patient,
            facility,
            record_number,
            date,
            time: time.clone(),
            uid: uid(&mut random),
            accession: format!("{}{}", date.strftime("%y%m%d"), random.digits(6)),
            description: description(event),
            physician: physician(&mut random),
        };
        let visit = Visit { patient: self.patient, facility, record_number, date, time };
        let made = Made { study, visit, number, random, size: self.size };
        made.deliveries(event)
    }
}

/// A study about to be delivered.
struct Made<'a> {
    study: Study<'a>,
    visit: Visit<'a>,
    number: usize,
    random: Random,
    size: WorldSize,
}

impl<'a> Made<'a> {
    fn delivery(&self, door: Door, kind: Kind, bytes: Vec<u8>) -> Delivery {
        Delivery {
            facility: self.visit.facility.code.clone(),
            ae_title: self.visit.facility.ae_title.clone(),
            door,
            kind,
            bytes,
        }
    }

    fn deliveries(self, event: Event) -> Box<dyn Iterator<Item = Delivery> + Send + 'a> {
        let random = self.random.clone();
        let mut chance = random.child(7);
        match event {
            Event::Radiograph(finding) => Box::new((0..2).map(move |part| match part {
                0 => {
                    let (digital, syntax) = match random.child(2).below(4) {
                        0 => (true, Syntax::Rle),
                        1 => (true, Syntax::Explicit),
                        2 => (false, Syntax::Implicit),
                        _ => (false, Syntax::Explicit),
                    };
                    let bytes = instance::radiograph(
                        &self.study,
                        random.child(3),
                        finding,
                        digital,
                        syntax,
                        self.size.radiograph_columns,
                    );
                    self.delivery(Door::Dimse, Kind::Radiograph, bytes)
                }
                _ => self.report(&random, &radiograph_report(finding)),
            })),
            Event::Tomography(region) => Box::new(self.tomography(region)),
            Event::Electrocardiogram(rhythm) => {
                let syntax = if chance.chance(0.5) { Syntax::Deflated } else { Syntax::Explicit };
                let bytes = instance::electrocardiogram(&self.study, random.child(3), rhythm, syntax);
                Box::new(std::iter::once(self.delivery(Door::Dimse, Kind::Electrocardiogram, bytes)))
            }
            Event::Photograph if self.number == 0 || chance.chance(0.5) => {
                let bytes = instance::photograph(&self.study, random.child(3), self.size.photograph_columns);
                Box::new(std::iter::once(self.delivery(Door::DicomWeb, Kind::Photograph, bytes)))
            }
            Event::Photograph => {
                let jpeg = instance::jpeg(random.child(3), self.size.photograph_columns);
                let bytes = results::photograph(&self.visit, random.child(4), &jpeg);
                Box::new(std::iter::once(self.delivery(Door::Fhir, Kind::Photograph, bytes)))
            }
            Event::Letter => {
                let letter = referral(&self.visit, &mut chance);
                let encapsulated = self.number != 0 && chance.chance(0.5);
                let delivery = if encapsulated {
                    self.delivery(
                        Door::DicomWeb,
                        Kind::Letter,
                        instance::document(&self.study, random.child(3), &letter, Syntax::Explicit),
                    )
                } else {
                    self.delivery(Door::Fhir, Kind::Letter, results::letter(&self.visit, random.child(3), &letter))
                };
                Box::new(std::iter::once(delivery))
            }
            Event::Covid(positive) => {
                let bytes = results::covid(&self.visit, random.child(3), positive);
                Box::new(std::iter::once(self.delivery(Door::Fhir, Kind::Result, bytes)))
            }
        }
    }

    fn report(&self, random: &Random, text: &ReportText) -> Delivery {
        let bytes = results::report(&self.visit, random.child(5), (&self.study.uid, &self.study.accession), text);
        self.delivery(Door::Fhir, Kind::Report, bytes)
    }

    fn tomography(self, region: computed::Region) -> impl Iterator<Item = Delivery> + Send + 'a {
        let syntax = match self.random.child(2).below(4) {
            0 => Syntax::Deflated,
            1 => Syntax::Implicit,
            2 => Syntax::Rle,
            _ => Syntax::Explicit,
        };
        let (slices, columns) = (self.size.tomography_slices, self.size.tomography_columns);
        let scan = Tomography::new(self.random.child(3), region, syntax, (slices, columns));
        let count = scan.slices;
        (0..=count).map(move |index| {
            if index == count {
                return self.report(&self.random, &tomography_report(region));
            }
            self.delivery(Door::Dimse, Kind::Tomography, scan.slice(&self.study, index))
        })
    }
}

/// The first patient's records: one of each kind, and a story that holds together.
fn showpiece() -> Vec<Event> {
    vec![
        Event::Covid(true),
        Event::Radiograph(radiograph::Finding::PatchyOpacities),
        Event::Tomography(computed::Region::Chest(true)),
        Event::Electrocardiogram(heartbeat::Rhythm::Sinus),
        Event::Letter,
        Event::Photograph,
        Event::Tomography(computed::Region::Head(true)),
        Event::Radiograph(radiograph::Finding::Normal),
        Event::Covid(false),
    ]
}

fn events(random: &mut Random, number: usize) -> Vec<Event> {
    use radiograph::Finding;
    let mut events = Vec::new();
    // Expensive pictures come by number, so that a world of any size has its share of them.
    if number % 40 == 7 {
        let bleed = random.chance(0.5);
        events.push(Event::Tomography(if number % 80 == 7 {
            computed::Region::Head(bleed)
        } else {
            computed::Region::Chest(bleed)
        }));
    }
    if number % 9 == 2 {
        let finding = match random.below(8) {
            0..=3 => Finding::Normal,
            4 => Finding::PatchyOpacities,
            5 => Finding::Consolidation,
            6 => Finding::Cardiomegaly,
            _ => Finding::Effusion,
        };
        events.push(Event::Radiograph(finding));
    }
    if random.chance(0.18) {
        events.push(Event::Electrocardiogram(match random.below(6) {
            0 => heartbeat::Rhythm::Fibrillation,
            1 => heartbeat::Rhythm::Fast,
            _ => heartbeat::Rhythm::Sinus,
        }));
    }
    if random.chance(0.07) {
        events.push(Event::Photograph);
    }
    if random.chance(0.18) {
        events.push(Event::Letter);
    }
    if random.chance(0.55) || events.is_empty() {
        events.push(Event::Covid(random.chance(0.3)));
    }
    events
}

fn description(event: Event) -> &'static str {
    match event {
        Event::Radiograph(_) => "Foto Thorax PA",
        Event::Tomography(computed::Region::Chest(_)) => "CT Scan Thorax dengan kontras",
        Event::Tomography(computed::Region::Head(_)) => "CT Scan Kepala tanpa kontras",
        Event::Electrocardiogram(_) => "EKG istirahat",
        Event::Photograph => "Foto klinis",
        Event::Letter => "Surat rujukan",
        Event::Covid(_) => "Laboratorium",
    }
}

fn radiograph_report(finding: radiograph::Finding) -> ReportText {
    use radiograph::Finding;
    let (findings, conclusion) = match finding {
        Finding::Normal => (
            "Cor: besar dan bentuk normal.\nPulmo: tak tampak infiltrat, corakan bronkovaskular normal.\nSinus kostofrenikus kanan dan kiri tajam.\nTulang-tulang baik.",
            "Cor dan pulmo dalam batas normal.",
        ),
        Finding::PatchyOpacities => (
            "Cor: besar dan bentuk normal.\nPulmo: tampak opasitas ground glass tersebar di perifer lapang tengah dan bawah kedua paru.\nSinus kostofrenikus tajam.",
            "Gambaran pneumonia bilateral, sesuai pneumonia viral. Korelasi klinis dan PCR.",
        ),
        Finding::Consolidation => (
            "Cor: besar dan bentuk normal.\nPulmo: tampak konsolidasi di lapang bawah paru kanan dengan air bronchogram.\nDiafragma kanan sebagian tertutup.",
            "Pneumonia lobus bawah kanan.",
        ),
        Finding::Cardiomegaly => (
            "Cor: membesar, CTR 60 %, apeks tertanam.\nPulmo: corakan vaskular meningkat, tak tampak infiltrat.\nSinus kostofrenikus tajam.",
            "Kardiomegali dengan tanda bendungan ringan.",
        ),
        Finding::Effusion => (
            "Cor: kesan tidak membesar.\nPulmo: tak tampak infiltrat.\nSinus kostofrenikus kiri tumpul dengan garis meniskus.",
            "Efusi pleura kiri.",
        ),
    };
    ReportText { code: ("36643-5", "XR Chest 2 Views"), title: "Foto Thorax PA", findings, conclusion }
}

fn tomography_report(region: computed::Region) -> ReportText {
    use computed::Region;
    let chest = ("24628-0", "CT Chest W contrast IV");
    let head = ("30799-1", "CT Head WO contrast");
    let (code, title, findings, conclusion) = match region {
        Region::Chest(true) => (
            chest,
            "CT Scan Thorax dengan kontras",
            "Tampak opasitas ground glass multifokal subpleura di kedua paru.\nTak tampak trombus pada arteri pulmonalis utama.\nTak tampak efusi pleura. Kelenjar getah bening mediastinum tidak membesar.",
            "Pneumonia viral bilateral, CO-RADS 5.",
        ),
        Region::Chest(false) => (
            chest,
            "CT Scan Thorax dengan kontras",
            "Parenkim paru normal. Mediastinum dan pembuluh besar normal.\nTak tampak nodul maupun efusi.",
            "CT thorax dalam batas normal.",
        ),
        Region::Head(true) => (
            head,
            "CT Scan Kepala tanpa kontras",
            "Tampak lesi hiperdens di ganglia basalis kanan dengan edema perifokal.\nVentrikel lateral kanan sedikit terdesak. Sisterna terbuka.",
            "Perdarahan intraserebral ganglia basalis kanan.",
        ),
        Region::Head(false) => (
            head,
            "CT Scan Kepala tanpa kontras",
            "Diferensiasi substansia grisea dan alba baik.\nSistem ventrikel dan sulkus normal. Tak tampak perdarahan maupun garis fraktur.",
            "CT kepala dalam batas normal.",
        ),
    };
    ReportText { code, title, findings, conclusion }
}

fn referral(visit: &Visit<'_>, random: &mut Random) -> Letter {
    let patient = visit.patient;
    let complaint = random.pick(&[
        "demam dan batuk kering sejak lima hari, disertai sesak napas saat beraktivitas",
        "nyeri dada kiri yang menjalar ke lengan sejak tadi malam",
        "kelemahan anggota gerak kiri yang terjadi mendadak sejak tiga jam sebelum masuk rumah sakit",
        "luka tungkai bawah yang tidak membaik sejak tiga minggu, dengan riwayat kencing manis",
    ]);
    let born = patient.born.strftime("%d-%m-%Y").to_string();
    let about = [
        ("Nama", patient.spoken()),
        ("NIK", patient.nik.clone()),
        ("No. kartu JKN", patient.jkn.clone()),
        ("No. rekam medis", visit.record_number.to_owned()),
        ("Tanggal lahir", born),
        ("Jenis kelamin", if patient.female { "Perempuan" } else { "Laki-laki" }.to_owned()),
        ("Alamat", patient.address.clone()),
        ("Telepon", patient.phone.clone()),
    ];
    let signed = visit.facility.name.clone();
    Letter {
        from: visit.facility.name.clone(),
        address: format!("Jl. Kesehatan No. {}, {}", random.within(1, 90), visit.facility.town),
        title: "Surat Rujukan".to_owned(),
        number: format!("Nomor: {}/RJK/{}", random.within(100, 999), visit.date.year()),
        about: about.into_iter().map(|(label, value)| (label.to_owned(), value)).collect(),
        paragraphs: vec![
            "Kepada Yth. dokter jaga di tempat.".to_owned(),
            format!(
                "Bersama ini kami rujuk pasien tersebut di atas dengan keluhan {complaint}. Tekanan darah {}/{} mmHg, nadi {} kali per menit, \
                 suhu {:.1} derajat Celsius, saturasi oksigen {} persen dengan udara kamar.",
                random.within(100, 168),
                random.within(60, 98),
                random.within(72, 124),
                random.between(36.2, 39.4),
                random.within(88, 99)
            ),
            "Telah diberikan terapi awal dan dilakukan pemeriksaan penunjang terlampir. Mohon pemeriksaan dan penanganan lebih lanjut. Atas \
             kerja sama yang baik kami ucapkan terima kasih."
                .to_owned(),
        ],
        dated: format!("{}, {}", visit.facility.town, visit.date.strftime("%d-%m-%Y")),
        signed: format!("Dokter pemeriksa, {signed}"),
    }
}
