//! What the people and machines of a hospital open and list on a day. Every figure is a judgement of how hospitals work, made from the
//! clinic's side; none is taken from a budget.

use policy::budget::{DAY_SECONDS, HOUR_SECONDS, Measure, Seconds};
use record::Role;

/// SplitMix64: a failure replays from its seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, count: u32) -> u32 {
        u32::try_from(self.next() % u64::from(count.max(1))).unwrap()
    }

    fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }

    /// Log-normal around a median: people's days have a long tail.
    fn around(&mut self, median: f64, sigma: f64) -> f64 {
        let normal = (-2.0 * self.unit().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    fn count(&mut self, median: f64, sigma: f64, most: u32) -> u32 {
        (self.around(median, sigma).round() as u32).clamp(1, most)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    pub hospital: usize,
    pub name: String,
    pub kind: &'static str,
    pub role: Role,
    pub device: Option<String>,
    /// Whether its requests rest on the archive node's word: a DICOM peer's do, a signed-in person's do not.
    pub is_claimed: bool,
}

/// Contents opened or identities listed, at a second of the simulation.
#[derive(Clone, Debug)]
pub struct Act {
    pub at: Seconds,
    pub asker: Asker,
    pub measure: Measure,
    pub patients: Vec<u32>,
}

pub struct Hospital {
    number: usize,
    beds: u32,
    /// Patients who lie here, and the number of the next that comes.
    inpatients: Vec<u32>,
    next: u32,
}

/// A shift: from which hour for how many, how many patients, how fast at the fastest.
struct Shift {
    from: u32,
    hours: f64,
    patients: u32,
    /// Patients listed at once, how often.
    lists: [u32; 2],
}

impl Hospital {
    pub fn new(number: usize, beds: u32, random: &mut Random) -> Self {
        // Numbers of one hospital's patients are apart from another's: some of them share a patient, which makes no number larger.
        let begin = u32::try_from(number).unwrap() * 10_000_000;
        let inpatients = (0..beds * 3 / 4).map(|n| begin + n).collect();
        Self { number, beds, inpatients, next: begin + beds + random.below(100) }
    }

    fn arrive(&mut self, count: u32, random: &mut Random) -> Vec<u32> {
        (0..count)
            .map(|_| {
                // One in three was here within the last weeks.
                if random.percent(33) {
                    return self.next - 1 - random.below(self.beds * 10).min(self.next % 10_000_000 - 1);
                }
                self.next += 1;
                self.next - 1
            })
            .collect()
    }

    fn asker(&self, kind: &'static str, role: Role, person: u32, device: Option<String>) -> Asker {
        let name = format!("{kind} {person} of {}", self.number);
        let is_claimed = kind == "PACS";
        // Who has no shared computer has one device.
        let device = device.or_else(|| (role != Role::System).then(|| name.clone()));
        Asker { hospital: self.number, name, kind, role, device, is_claimed }
    }

    /// A shift's openings: patients in an order of their own, at gaps that vary as reading does, and now and then one looked at again.
    fn shift(&self, day: u32, asker: &Asker, shift: &Shift, pool: &[u32], random: &mut Random) -> Vec<Act> {
        if pool.is_empty() || shift.patients == 0 {
            return Vec::new();
        }
        let start = f64::from(day * DAY_SECONDS + shift.from * HOUR_SECONDS) + random.unit() * 1_800.0;
        let mean = shift.hours * 3_600.0 / f64::from(shift.patients);
        let from = random.below(u32::try_from(pool.len()).unwrap()) as usize;
        let act = |at: f64, measure, patients| Act { at: at as Seconds, asker: asker.clone(), measure, patients };
        let (mut acts, mut at) = (Vec::new(), start);
        for n in 0..shift.patients as usize {
            // 0.78 makes the mean of the gaps what was meant.
            at += random.around(mean * 0.78, 0.7);
            acts.push(act(at, Measure::Content, vec![pool[(from + n) % pool.len()]]));
            if random.percent(15) {
                acts.push(act(at + 20.0, Measure::Content, vec![pool[(from + n / 2) % pool.len()]]));
            }
        }
        for _ in 0..shift.lists[1] {
            let first = random.below(u32::try_from(pool.len()).unwrap()) as usize;
            let most = (shift.lists[0] as usize).min(pool.len());
            let shown = (0..most.max(1)).map(|n| pool[(first + n) % pool.len()]).collect();
            acts.push(act(start + random.unit() * shift.hours * 3_600.0, Measure::Summary, shown));
        }
        acts
    }

    /// Everything of a day.
    pub fn day(&mut self, day: u32, random: &mut Random) -> Vec<Act> {
        let is_weekend = day % 7 >= 5;
        // Two to three outpatients for each bed on a weekday, as large Indonesian hospitals have; an emergency department sees a fifth of the beds.
        let outpatients = if is_weekend { self.beds / 10 } else { random.between(self.beds * 2, self.beds * 3) };
        let emergencies = random.count(f64::from(self.beds) / 5.0, 0.3, self.beds);
        let (outpatients, emergencies) = (self.arrive(outpatients, random), self.arrive(emergencies, random));
        // A sixth of the beds changes hands in a day.
        for n in 0..self.inpatients.len() / 6 {
            let (bed, new) = (random.below(u32::try_from(self.inpatients.len()).unwrap()) as usize, emergencies.get(n));
            if let Some(new) = new {
                self.inpatients[bed] = *new;
            }
        }
        let mut acts = self.wards(day, is_weekend, random);
        acts.extend(self.clinics(day, &outpatients, random));
        acts.extend(self.emergency(day, &emergencies, random));
        let imaged = self.imaged(&outpatients, &emergencies, random);
        acts.extend(self.imaging(day, &imaged, is_weekend, random));
        acts.extend(self.desks(day, &outpatients, &emergencies, random));
        acts.extend(self.machines(day, &imaged, random));
        if random.percent(3) {
            acts.extend(self.mass_casualty(day, random));
        }
        acts
    }

    fn wards(&self, day: u32, is_weekend: bool, random: &mut Random) -> Vec<Act> {
        let mut acts = Vec::new();
        // A ward of 25 beds has two doctors by day, who share its computer, and one for two wards at night.
        for ward in 0..self.beds.div_ceil(25) {
            let beds: Vec<u32> = self.inpatients.iter().copied().skip(ward as usize * 19).take(19).collect();
            let computer = format!("ward {ward} of {}", self.number);
            for doctor in 0..if is_weekend { 1 } else { 2 } {
                // A round, and who comes in and goes; an interested one looks at the neighbours' too.
                let patients = random.count(16.0, 0.35, 45);
                let asker = self.asker("ward doctor", Role::Clinician, ward * 10 + doctor, Some(computer.clone()));
                let pool = if beds.is_empty() { &self.inpatients } else { &beds };
                let shift = Shift { from: 7, hours: 6.0, patients, lists: [30, 5] };
                acts.extend(self.shift(day, &asker, &shift, pool, random));
            }
            if ward % 2 == 0 {
                // Called to two wards and asked about others.
                let patients = random.count(30.0, 0.4, 90);
                let asker = self.asker("night duty", Role::Clinician, ward, Some(computer));
                let shift = Shift { from: 20, hours: 11.0, patients, lists: [40, 8] };
                acts.extend(self.shift(day, &asker, &shift, &self.inpatients, random));
            }
        }
        // Infection control or a clinical pharmacologist goes through those on antibiotics: a fifth of the house, in a morning.
        if !is_weekend {
            let patients = (self.beds / 7).clamp(5, 110);
            let asker = self.asker("infection control", Role::Clinician, 0, None);
            let shift = Shift { from: 9, hours: 4.0, patients, lists: [100, 3] };
            acts.extend(self.shift(day, &asker, &shift, &self.inpatients, random));
        }
        acts
    }

    fn clinics(&self, day: u32, outpatients: &[u32], random: &mut Random) -> Vec<Act> {
        let mut acts = Vec::new();
        let (mut done, mut room) = (0, 0);
        while done < outpatients.len() {
            // A specialist sees some 35 in five hours, at times 80.
            let patients = random.count(35.0, 0.4, 90);
            let list: Vec<u32> = outpatients.iter().copied().skip(done).take(patients as usize).collect();
            let asker = self.asker("clinic", Role::Clinician, room, None);
            let shift = Shift { from: 8, hours: 5.0, patients: list.len() as u32, lists: [50, 6] };
            acts.extend(self.shift(day, &asker, &shift, &list, random));
            done += list.len();
            room += 1;
        }
        acts
    }

    fn emergency(&self, day: u32, emergencies: &[u32], random: &mut Random) -> Vec<Act> {
        let mut acts = Vec::new();
        for (n, from) in [7, 14, 21].into_iter().enumerate() {
            for doctor in 0..self.beds.div_ceil(150) {
                // Everybody who comes in a shift is looked at by each doctor of it, and some of those who lie there already.
                let patients = random.count(f64::from(self.beds.min(150)) / 6.0, 0.4, 70);
                let computer = format!("emergency {doctor} of {}", self.number);
                let asker = self.asker("emergency", Role::Clinician, doctor * 3 + n as u32, Some(computer));
                let shift = Shift { from, hours: 7.5, patients, lists: [40, 12] };
                acts.extend(self.shift(day, &asker, &shift, emergencies, random));
            }
        }
        acts
    }

    /// Who is imaged: two in five of the emergencies, one in eight of the outpatients, one in nine of the beds.
    fn imaged(&self, outpatients: &[u32], emergencies: &[u32], random: &mut Random) -> Vec<u32> {
        let some = |list: &[u32], percent: u32, random: &mut Random| {
            list.iter().copied().filter(|_| random.percent(percent)).collect::<Vec<_>>()
        };
        let lists = [some(emergencies, 40, random), some(outpatients, 12, random), some(&self.inpatients, 11, random)];
        lists.concat()
    }

    fn imaging(&self, day: u32, imaged: &[u32], is_weekend: bool, random: &mut Random) -> Vec<Act> {
        let mut acts = Vec::new();
        // A reading list has 80 to 150 studies; one day in ten is one of plain films and has up to 200. Yesterday's rest is on it as well.
        let readers = (imaged.len() as u32).div_ceil(100).max(1);
        let pool: Vec<u32> =
            imaged.iter().copied().chain((0..200).map(|n| self.next.saturating_sub(500 + n))).collect();
        for reader in 0..if is_weekend { 1 } else { readers } {
            let is_small = self.beds < 100;
            let (patients, pace) = match random.below(10) {
                0 if !is_small => (random.between(120, 200), 40.0),
                _ if is_small => (random.between(20, 60), 20.0),
                _ => (random.between(80, 150), 22.0),
            };
            // Some read faster than others.
            let hours = f64::from(patients) / random.around(pace, 0.2);
            let room = format!("reading room {} of {}", reader / 2, self.number);
            let asker = self.asker("radiologist", Role::Clinician, reader, Some(room));
            let shift = Shift { from: if reader % 2 == 0 { 7 } else { 14 }, hours, patients, lists: [100, 4] };
            acts.extend(self.shift(day, &asker, &shift, &pool, random));
        }
        let rooms = (imaged.len() as u32).div_ceil(45).max(1);
        for room in 0..rooms {
            // Half an hour's rush at a chest stand takes 15; a room does some 45 in a day and looks its pictures over.
            let patients = random.count(45.0, 0.35, 110);
            let asker = self.asker("radiographer", Role::Radiographer, room, None);
            let shift = Shift { from: 7, hours: 7.5, patients, lists: [60, 10] };
            acts.extend(self.shift(day, &asker, &shift, imaged, random));
        }
        // Half of the beds and a quarter of the others have results; one person for each 180 looks over those that a machine has not released.
        let results: Vec<u32> = self.inpatients.iter().step_by(2).copied().chain(pool).collect();
        for person in 0..(results.len() as u32).div_ceil(180) {
            let patients = random.count(150.0, 0.35, 360);
            let asker = self.asker("laboratory", Role::Laboratory, person, None);
            let shift = Shift { from: 7, hours: 7.0, patients, lists: [50, 8] };
            acts.extend(self.shift(day, &asker, &shift, &results, random));
        }
        acts
    }

    fn desks(&self, day: u32, outpatients: &[u32], emergencies: &[u32], random: &mut Random) -> Vec<Act> {
        // One desk serves some 150 in a morning; a number finds one person, a name a page's half.
        let arrivals: Vec<u32> = outpatients.iter().chain(emergencies).copied().collect();
        let mut acts = Vec::new();
        for (desk, served) in arrivals.chunks(150).enumerate() {
            let asker = self.asker("registrar", Role::Registrar, desk as u32, None);
            for patient in served {
                let at = day * DAY_SECONDS + 7 * HOUR_SECONDS + random.below(5 * HOUR_SECONDS);
                let more = if random.percent(20) { random.between(3, 15) } else { random.below(2) };
                let mut patients = vec![*patient];
                patients.extend((0..more).map(|_| patient.saturating_sub(random.below(5_000))));
                acts.push(Act { at, asker: asker.clone(), measure: Measure::Summary, patients });
            }
        }
        acts
    }

    /// A PACS that fetches what others have of whom it images: one in five. And the hospital's own information system, which shows results in
    /// its charts, with a token that is bound to its key: half of the clinics and a third of the beds.
    fn machines(&self, day: u32, imaged: &[u32], random: &mut Random) -> Vec<Act> {
        let pacs = self.asker("PACS", Role::System, 0, Some(format!("PACS {}", self.number)));
        let mut acts = Vec::new();
        for patient in imaged {
            // A small hospital has no workstations of another kind: its readers look at everything by their DICOM viewers.
            if self.beds > 100 && !random.percent(20) {
                continue;
            }
            let at = day * DAY_SECONDS + 6 * HOUR_SECONDS + random.below(14 * HOUR_SECONDS);
            acts.push(Act { at, asker: pacs.clone(), measure: Measure::Summary, patients: vec![*patient] });
            acts.push(Act { at: at + 1, asker: pacs.clone(), measure: Measure::Content, patients: vec![*patient] });
        }
        let system = self.asker("information system", Role::System, 1, None);
        for patient in self.inpatients.iter().step_by(3).chain(imaged.iter().step_by(2)) {
            let at = day * DAY_SECONDS + 6 * HOUR_SECONDS + random.below(14 * HOUR_SECONDS);
            acts.push(Act { at, asker: system.clone(), measure: Measure::Content, patients: vec![*patient] });
        }
        acts
    }

    /// A bus, a fire, an earthquake: for each ten beds one to four come within three hours. One doctor sorts all of them, three share them, and what is
    /// imaged is read as it comes by whoever is on duty.
    fn mass_casualty(&mut self, day: u32, random: &mut Random) -> Vec<Act> {
        let count = random.between(self.beds / 10, self.beds * 4 / 10).clamp(10, 120);
        let victims = self.arrive(count, random);
        let mut acts = Vec::new();
        for (n, (kind, patients)) in
            [("emergency", count), ("emergency", count / 3), ("emergency", count / 3), ("radiologist", count * 2 / 3)]
                .into_iter()
                .enumerate()
        {
            let asker = self.asker(kind, Role::Clinician, if kind == "radiologist" { 0 } else { n as u32 }, None);
            let shift = Shift { from: 15, hours: 3.0, patients, lists: [60, 6] };
            acts.extend(self.shift(day, &asker, &shift, &victims, random));
        }
        acts
    }
}
