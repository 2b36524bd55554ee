//! Searches by the index hold against a look at everything: random questions over random records, paged at random.

use super::world::{Image, World};
use archive::find::{self, Level, Matching, Query};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wire::dataset::{Draft, Scanner, Tag, VR};
use wire::syntax::{EXPLICIT_LITTLE, Encoding, TransferSyntax};

const NAMES: [&str; 8] = [
    "AMINAH^SITI",
    "Siti Aminah",
    "Soeharto^Bambang",
    "Suharto",
    "Hj. Siti Nurhaliza, S.Kep.",
    "Muñoz^José",
    "Moh. Rizki",
    "Muhammad^Rizki",
];
const NUMBERS: [&str; 8] = ["10", "11", "12", "20", "21", "22", "30", "31"];
const NIKS: [&str; 8] = ["", "3174015205900001", "", "3174015205900002", "", "", "3174015205900003", ""];
const DATES: [&str; 4] = ["20220105", "20220301", "20211224", ""];
const TIMES: [&str; 4] = ["0810", "101500", "235959", ""];
const MODALITIES: [&str; 3] = ["CT", "MR", "SR"];
const WORDS: [&str; 4] = ["THORAX PA", "Thorax lateral", "KEPALA", ""];
const ACCESSIONS: [&str; 4] = ["ACC-1", "ACC-2", "acc-3", ""];

/// The same every time, or a failure could not be looked at again.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }

    fn any<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// An instance as it was sent, read without the archive.
struct Sent {
    person: usize,
    data_set: Map<String, Value>,
}

impl Sent {
    fn uid(&self, key: &str) -> String {
        self.data_set[key]["Value"][0].as_str().unwrap().to_owned()
    }

    /// What a row of a level is known by.
    fn name(&self, level: Level) -> Vec<String> {
        let mut name = vec![self.person.to_string()];
        for (at, key) in [(Level::Study, "0020000D"), (Level::Series, "0020000E"), (Level::Instance, "00080018")] {
            if at <= level {
                name.push(self.uid(key));
            }
        }
        name
    }
}

fn read(bytes: &[u8]) -> Map<String, Value> {
    let mut scanner = Scanner::new(&TransferSyntax::of(EXPLICIT_LITTLE));
    scanner.feed(bytes).unwrap();
    let json: Value = serde_json::from_slice(&scanner.finish().unwrap().json_text()).unwrap();
    json.as_object().unwrap().clone()
}

/// Studies of eight people at two facilities. What stands above an instance is the same in all of its study or series.
async fn fill(world: &World, random: &mut Random) -> Vec<Sent> {
    let mut sent = Vec::new();
    for study in 0..36 {
        let person = random.below(8);
        let number = ["A", "B"].map(|_| NUMBERS[person]);
        let (date, time, words, accession) =
            (random.any(&DATES), random.any(&TIMES), random.any(&WORDS), random.any(&ACCESSIONS));
        // Facility B has only whom a national number joins to a patient of A; some studies come from both.
        let is_shared = !NIKS[person].is_empty() && random.below(3) == 0;
        for (facility, number) in number.into_iter().enumerate().take(1 + usize::from(is_shared)) {
            for series in 0..1 + random.below(2) {
                let modality = random.any(&MODALITIES);
                let (text, step) = (random.any(&WORDS), random.any(&["S1", "S2", ""]));
                for instance in 0..1 + random.below(2) {
                    let image = Image {
                        nik: NIKS[person],
                        date,
                        accession,
                        modality,
                        description: words,
                        series: format!("1.8.{study}.{series}.{facility}"),
                        instance: format!("1.8.{study}.{series}.{facility}.{instance}"),
                        ..Image::new(number, NAMES[person], &format!("1.8.{study}"), 1)
                    };
                    let mut draft = image
                        .draft()
                        .text(Tag(0x0008, 0x0030), VR::TM, time)
                        .text(Tag(0x0008, 0x103E), VR::LO, text)
                        .text(Tag(0x0020, 0x0013), VR::IS, (instance + 1).to_string());
                    if !step.is_empty() {
                        let item = |n: usize| {
                            Draft::new().text(Tag(0x0040, 0x0009), VR::SH, if n == 0 { step } else { "S9" }).text(
                                Tag(0x0040, 0x1001),
                                VR::SH,
                                if n == 0 { "R1" } else { "R2" },
                            )
                        };
                        draft = draft.items(Tag(0x0040, 0x0275), (0..1 + series).map(item).collect());
                    }
                    let bytes = draft.encode(Encoding::ExplicitLittle).unwrap();
                    world.store([&world.a, &world.b][facility], &bytes).await.unwrap();
                    sent.push(Sent { person, data_set: read(&bytes) });
                }
            }
        }
    }
    sent
}

fn parse(vr: &str, text: &str) -> Matching {
    Matching::parse(vr, text)
}

/// A key that may be asked for, of every kind of matching.
fn key(random: &mut Random) -> (u32, Matching) {
    let single = |text: &str| Matching::Single(text.to_owned());
    match random.below(16) {
        0 => (
            0x0010_0010,
            parse("PN", random.any(&["siti*", "*a*", "AMINAH^SITI", "s?harto", "MUNOZ^*", "*riz*", "hj*"])),
        ),
        1 => (0x0010_0020, parse("LO", random.any(&["10", "2*", "?1", "99", "31"]))),
        2 => (0x0010_0030, parse("DA", random.any(&["19900512", "19900101-", "-19800101"]))),
        3 => (0x0008_0020, parse("DA", random.any(&["20220105", "20220101-20220131", "20220101-", "-20220101"]))),
        4 => (0x0008_0030, parse("TM", random.any(&["0800-0900", "1015", "-1200", "1000-"]))),
        5 => (0x0008_0050, parse("SH", random.any(&["ACC-1", "acc*", "ACC-3", "?CC-2"]))),
        6 => (0x0008_0060, parse("CS", random.any(&["CT", "MR\\SR", "US"]))),
        7 => (0x0008_0061, parse("CS", random.any(&["CT", "MR\\SR", "S?"]))),
        8 => (0x0008_1030, parse("LO", random.any(&["THORAX*", "*orax*", "KEPALA"]))),
        9 => (0x0008_103E, parse("LO", random.any(&["THORAX*", "*orax*", "KEPALA"]))),
        10 => (0x0020_0013, parse("IS", random.any(&["1", "02"]))),
        11 => (0x0008_1030, Matching::Empty),
        12 => (
            0x0040_0275,
            Matching::Sequence(vec![(0x0040_0009, single(random.any(&["S1", "S9"]))), (0x0040_1001, single("R1"))]),
        ),
        13 => (0x0008_0061, Matching::All(vec![single("CT"), single("MR")])),
        14 => (0x0020_000D, parse("UI", random.any(&["1.8.1", "1.8.2\\1.8.3\\1.8.4", "1.9"]))),
        _ => (0x0020_000E, parse("UI", random.any(&["1.8.1.0.0", "1.8.2.0.0\\1.8.2.1.0"]))),
    }
}

/// The modalities of the study as this facility sent it, or as everybody did.
fn modalities(all: &[Sent], of: &Sent) -> Value {
    let same = all.iter().filter(|sent| sent.name(Level::Study) == of.name(Level::Study));
    let mut found: Vec<String> = same.map(|sent| sent.uid("00080060")).collect();
    found.sort();
    found.dedup();
    json!({"vr": "CS", "Value": found})
}

fn matches(all: &[Sent], sent: &Sent, (tag, matching): &(u32, Matching), fuzzy: bool) -> bool {
    let element = sent.data_set.get(&format!("{tag:08X}")).cloned();
    match (tag, matching) {
        (0x0008_0061, Matching::Single(any)) => {
            let held = modalities(all, sent);
            any.split('\\').any(|one| find::matches(Some(&held), &Matching::Single(one.to_owned()), false))
        }
        (0x0008_0061, _) => find::matches(Some(&modalities(all, sent)), matching, false),
        (0x0008_0060, Matching::Single(any)) => {
            any.split('\\').any(|one| find::matches(element.as_ref(), &Matching::Single(one.to_owned()), false))
        }
        _ => find::matches(element.as_ref(), matching, fuzzy),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_search_finds_what_a_look_at_everything_finds() {
    let world = World::new().await;
    let mut random = Random(0x5E6E1);
    let all = fill(&world, &mut random).await;
    let mut answered = 0;
    for round in 0..400 {
        let level = random.any(&[Level::Patient, Level::Study, Level::Series, Level::Instance]);
        let mut query = Query::at(level);
        query.fuzzy = random.below(4) == 0;
        for _ in 0..random.below(3) + usize::from(round > 0) {
            query.keys.push(key(&mut random));
        }
        let mut expected: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for sent in &all {
            if query.keys.iter().all(|key| matches(&all, sent, key, query.fuzzy)) {
                expected.insert(sent.name(level), 1);
            }
        }
        let whole = world.archive.find(&world.a, &query).await.unwrap();
        let mut paged = Vec::new();
        let mut page = Query { limit: Some(1 + random.below(9)), ..query.clone() };
        loop {
            let found = world.archive.find_page(&world.a, &page).await.unwrap();
            paged.extend(found.rows);
            page.after = found.next;
            if page.after.is_none() {
                break;
            }
        }
        let shown = || format!("round {round}: {level:?} {:?} fuzzy {}", round_keys(&query), query.fuzzy);
        for rows in [&whole, &paged] {
            let mut found: BTreeMap<Vec<String>, usize> = BTreeMap::new();
            for row in rows {
                *found.entry(name(&all, row, level)).or_default() += 1;
            }
            assert_eq!(found, expected, "{}", shown());
        }
        let order = |rows: &[find::Row]| rows.iter().map(|row| name(&all, row, level)).collect::<Vec<_>>();
        assert_eq!(order(&whole), order(&paged), "{}", shown());
        answered += usize::from(!expected.is_empty());
    }
    assert!(answered > 100, "most questions must have an answer to be worth asking: {answered}");
}

/// Names the keys of a failed round: `Debug` of a query shows no values.
fn round_keys(query: &Query) -> Vec<String> {
    query
        .keys
        .iter()
        .map(|(tag, matching)| match matching {
            Matching::Single(text) | Matching::Wildcard(text) => format!("{tag:08X}={text}"),
            Matching::UidList(uids) => format!("{tag:08X}={}", uids.join(",")),
            Matching::Range { from, to } => format!("{tag:08X}={from:?}-{to:?}"),
            other => format!("{tag:08X} {other:?}"),
        })
        .collect()
}

/// Whose a row is, by the number that its summary shows: numbers are of one person each here.
fn name(all: &[Sent], row: &find::Row, level: Level) -> Vec<String> {
    let text = |key: &str| row.attributes.get(key).and_then(|e| e["Value"][0].as_str()).unwrap_or_default().to_owned();
    let number = text("00100020");
    let person = all.iter().find(|sent| sent.uid("00100020") == number).unwrap().person;
    let mut name = vec![person.to_string()];
    for (at, key) in [(Level::Study, "0020000D"), (Level::Series, "0020000E"), (Level::Instance, "00080018")] {
        if at <= level {
            name.push(text(key));
        }
    }
    name
}
