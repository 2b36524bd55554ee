//! A small world to store things in.

use archive::error::Result;
use archive::index::rows::Kept;
use archive::object::{Extent, InstanceFacts, Kind, ObjectRecord, ResourceFacts};
use archive::settings::Settings;
use archive::storage::Storage;
use record::{FacilityCode, ObjectId, Pseudonym, Token};
use seal::message::WrappedKey;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Folder {
    pub dir: TempDir,
    pub settings: Settings,
}

impl Folder {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::new(dir.path());
        Self { dir, settings }
    }

    pub fn open(&self) -> Storage {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Storage> {
        Storage::open(&self.settings, &mut |_| {})
    }

    pub fn archive(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    pub fn segment(&self, number: u64) -> PathBuf {
        self.archive().join("segments").join(format!("{number:010}.seg"))
    }

    pub fn remove_index(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.archive().join(format!("index.sqlite{suffix}")));
        }
    }

    /// Every row of every table, sorted.
    pub fn dump(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.archive().join("index.sqlite")).unwrap();
        let mut tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
        let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(|name| name.unwrap()).collect();
        assert!(tables.len() >= 12, "all tables are dumped");
        let mut lines = Vec::new();
        for table in tables {
            let mut rows = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = rows.column_count();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values: Vec<String> =
                    (0..columns).map(|n| format!("{:?}", row.get::<_, rusqlite::types::Value>(n).unwrap())).collect();
                lines.push(format!("{table}: {}", values.join(" | ")));
            }
        }
        lines.sort();
        lines
    }

    /// A copy of everything, as a power cut would leave it.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        copy_dir(&self.archive(), &copy.archive());
        copy
    }
}

pub fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub fn facility(code: &str) -> FacilityCode {
    FacilityCode::new(code).unwrap()
}

/// Sixteen bytes that tell things apart.
pub fn id(kind: u8, number: u32) -> [u8; 16] {
    let mut bytes = [kind; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub fn patient(number: u32) -> Pseudonym {
    Pseudonym(id(b'p', number))
}

pub fn token(text: &str) -> Token {
    let mut bytes = vec![0; 17];
    bytes[1..=text.len()].copy_from_slice(text.as_bytes());
    Token(bytes)
}

fn record(object: u32, facility_code: &str, of: u32, kind: Kind) -> ObjectRecord {
    let wrapped = || WrappedKey { epoch: 1, sealed: vec![9; 60] };
    ObjectRecord {
        object: ObjectId(id(b'o', object)),
        version: 1,
        patient: patient(of),
        linked: Vec::new(),
        facility: facility(facility_code),
        sender: "system-1".to_owned(),
        arrived: 1_700_000_000_000_000 + i64::from(object),
        tokens: vec![token(&format!("patient{of}")), token("everyone")],
        summary_key: wrapped(),
        content_key: wrapped(),
        commitment: [7; 32],
        summary: Extent::default(),
        metadata: Extent::default(),
        content: Extent::default(),
        kind,
        given: Vec::new(),
    }
}

/// Instance `object` of a facility and a patient; study, series and instance have UIDs made of the patient and object.
pub fn instance(object: u32, facility_code: &str, of: u32) -> ObjectRecord {
    record(
        object,
        facility_code,
        of,
        Kind::Instance(InstanceFacts {
            study_instance_uid: format!("1.2.{of}"),
            series_instance_uid: format!("1.2.{of}.1"),
            sop_instance_uid: format!("1.2.{of}.1.{object}"),
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".to_owned(),
            transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
            modality: "CT".to_owned(),
            study_date: format!("2026{:02}{:02}", of / 28 % 12 + 1, of % 28 + 1),
            frames: 1,
            dataset_offset: 0,
        }),
    )
}

pub fn resource(object: u32, facility_code: &str, of: u32, resource_type: &str) -> ObjectRecord {
    record(
        object,
        facility_code,
        of,
        Kind::Resource(ResourceFacts {
            resource_type: resource_type.to_owned(),
            id: format!("r{object}"),
            date: "20260301".to_owned(),
        }),
    )
}

pub fn facts(record: &mut ObjectRecord) -> &mut InstanceFacts {
    match &mut record.kind {
        Kind::Instance(facts) => facts,
        Kind::Resource(_) => panic!("not an instance"),
    }
}

/// Bytes that look sealed.
pub fn sealed(seed: u32, bytes: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof();
    let mut out = vec![0; bytes];
    reader.fill(&mut out);
    out
}

/// Commits records as one frame, each with a summary of 100 bytes, metadata of 300 and content of `content_bytes`.
pub async fn put_all(storage: &Storage, mut records: Vec<ObjectRecord>, content_bytes: usize) -> Result<Vec<Kept>> {
    let mut draft = storage.draft();
    for record in &mut records {
        let seed = u32::from_be_bytes(record.object.0[12..].try_into().unwrap()) * 10 + record.version;
        let content = sealed(seed, content_bytes);
        let start = draft.position();
        for piece in content.chunks(100_000) {
            draft.append(piece)?;
        }
        record.content = draft.since(start);
        record.metadata = draft.append_part(&sealed(seed + 1_000_000, 300))?;
        record.summary = draft.append_part(&sealed(seed + 2_000_000, 100))?;
    }
    storage.commit(draft, records).await
}

pub async fn put(storage: &Storage, record: ObjectRecord) -> Result<Kept> {
    Ok(put_all(storage, vec![record], 1_000).await?.remove(0))
}

/// The content of a kept version is what was put.
pub fn assert_content(storage: &Storage, kept: &Kept, content_bytes: usize) {
    let seed = u32::from_be_bytes(kept.record.object.0[12..].try_into().unwrap()) * 10 + kept.record.version;
    let extent = kept.record.content;
    let read = storage.read_part(kept, extent, 0..extent.sealed_bytes).unwrap();
    assert!(read == sealed(seed, content_bytes), "content of {:?} differs", kept.record.object);
}

/// A folder with something of everything, in several segments.
pub async fn varied() -> Folder {
    let mut folder = Folder::new();
    folder.settings.segment_bytes_max = 20_000;
    let storage = folder.open();
    for n in 1..=12 {
        put(&storage, instance(n, "RS-A", n % 4)).await.unwrap();
        let mut other = instance(100 + n, "RS-B", n % 3);
        facts(&mut other).modality = if n % 2 == 0 { "MR" } else { "" }.to_owned();
        facts(&mut other).series_instance_uid = format!("1.2.{}.{}", n % 3, n % 2);
        other.linked = vec![patient(900 + n)];
        put(&storage, other).await.unwrap();
    }
    put_all(&storage, vec![instance(200, "RS-A", 5)], 2_500_000).await.unwrap();
    put_all(&storage, vec![resource(301, "RS-C", 1, "Observation"), resource(302, "RS-C", 1, "DiagnosticReport")], 500)
        .await
        .unwrap();
    // Version 2 of an instance moves to another patient, study and day; version 2 of a resource to another day.
    let mut moved = instance(3, "RS-A", 3);
    moved.version = 2;
    moved.patient = patient(77);
    facts(&mut moved).study_instance_uid = "1.2.77".to_owned();
    facts(&mut moved).series_instance_uid = "1.2.77.1".to_owned();
    facts(&mut moved).study_date = "20260606".to_owned();
    put(&storage, moved).await.unwrap();
    let mut amended = resource(301, "RS-C", 1, "Observation");
    amended.version = 2;
    put(&storage, amended).await.unwrap();
    storage.close();
    folder
}
