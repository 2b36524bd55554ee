//! What five hundred recipients were sent: hospitals, provinces, researchers, interfaces, analysts and those who have everything.

use super::unit;
use crate::random::Random;
use roaring::RoaringBitmap;

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A hospital: its own patients.
    Hospital,
    /// A province's office: its hospitals' patients.
    Province,
    /// Research: an even extract.
    Extract,
    /// A laboratory's or radiology's interface: a part of some hospitals' patients.
    Interface,
    /// A person: some thousand of one or a few hospitals.
    Analyst,
    /// Whoever has all.
    Everything,
}

/// The recipients and the parts that the records fall into.
pub struct Sent {
    /// What each is.
    pub kinds: Vec<Kind>,
    /// What each was sent.
    pub disclosures: Vec<RoaringBitmap>,
    /// The hospitals' records.
    pub hospitals: Vec<RoaringBitmap>,
    /// How many records there are.
    pub records: u32,
}

impl Sent {
    /// 300 hospitals, the largest some ten times the middle one, and 200 others.
    #[must_use]
    pub fn new(records: u32, chance: &mut Random) -> Self {
        let hospitals = hospitals(records, chance);
        let mut sent = Self { kinds: Vec::new(), disclosures: Vec::new(), hospitals: hospitals.clone(), records };
        for hospital in &hospitals {
            sent.add(Kind::Hospital, hospital.clone());
        }
        for province in 0..34 {
            sent.add(Kind::Province, union(hospitals.iter().skip(province).step_by(34)));
        }
        for _ in 0..46 {
            let part = 0.002 * 50_f64.powf(unit(chance));
            let everybody = RoaringBitmap::from_iter(0..records);
            sent.add(Kind::Extract, some(&everybody, part, chance));
        }
        for _ in 0..40 {
            let theirs =
                union((0..20).filter_map(|_| hospitals.get(chance.index(hospitals.len()))).collect::<Vec<_>>());
            sent.add(Kind::Interface, some(&theirs, 0.9, chance));
        }
        for _ in 0..70 {
            let theirs = union((0..3).filter_map(|_| hospitals.get(chance.index(hospitals.len()))).collect::<Vec<_>>());
            let part = 0.03 + 0.3 * unit(chance);
            sent.add(Kind::Analyst, some(&theirs, part, chance));
        }
        for _ in 0..10 {
            sent.add(Kind::Everything, RoaringBitmap::from_iter(0..records));
        }
        sent
    }

    fn add(&mut self, kind: Kind, disclosure: RoaringBitmap) {
        self.kinds.push(kind);
        self.disclosures.push(disclosure);
    }

    /// So many rows of one disclosure, of which a part in a thousand is anybody's.
    pub fn sample(&self, of: &RoaringBitmap, rows: u64, foreign_per_mille: u64, chance: &mut Random) -> RoaringBitmap {
        let mut sample = RoaringBitmap::new();
        while sample.len() < rows.min(of.len()) {
            let foreign = u32::try_from(chance.below(u64::from(self.records))).ok();
            let own = u32::try_from(chance.below(of.len())).ok().and_then(|nth| of.select(nth));
            let row = if chance.chance(foreign_per_mille, 1000) { foreign } else { own };
            sample.extend(row);
        }
        sample
    }
}

fn hospitals(records: u32, chance: &mut Random) -> Vec<RoaringBitmap> {
    let sizes: Vec<f64> = (0..300).map(|_| 15_f64.powf(unit(chance))).collect();
    let whole: f64 = sizes.iter().sum();
    let mut hospitals = vec![RoaringBitmap::new(); sizes.len()];
    let (mut begin, mut share) = (0, 0.0);
    for (hospital, size) in hospitals.iter_mut().zip(&sizes) {
        share += size / whole;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the records")]
        let end = ((share * f64::from(records)) as u32).min(records);
        hospital.insert_range(begin..end);
        begin = end;
    }
    hospitals
}

fn union<'a>(parts: impl IntoIterator<Item = &'a RoaringBitmap>) -> RoaringBitmap {
    parts.into_iter().fold(RoaringBitmap::new(), |all, part| all | part)
}

fn some(of: &RoaringBitmap, part: f64, chance: &mut Random) -> RoaringBitmap {
    of.iter().filter(|_| unit(chance) < part).collect()
}
