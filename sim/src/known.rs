//! What the outside knows of an archive: which records were acknowledged, and whether an archive still has them, whole.

use crate::http::{get, request};
use crate::process::{Archive, segel_output};
use crate::sample::{Person, Uids, data_set, file};
use crate::{Result, program};
use ledger::{Hash, leaf_hash, merkle};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

/// Distinct patients of the numbered instances.
const PATIENTS: usize = 40;
/// The next patients' results come as FHIR transactions.
const FHIR_PATIENT: usize = 1_000;

/// The `n`-th instance: most are small; some are large enough for a file of their own.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// Its UIDs.
    pub uids: Uids,
    /// Its data set, as it must come back.
    pub data_set: Vec<u8>,
}

impl Numbered {
    /// Derived from its number alone.
    #[must_use]
    pub fn new(n: usize) -> Self {
        let uids = Uids::new(n + 1, 1, 1);
        let side = if n % 16 == 7 { 1_100 } else { 64 };
        let data_set = data_set(&Person::nth(n % PATIENTS), &uids, side, &n.to_le_bytes().repeat(4));
        Self { uids, data_set }
    }

    /// As a file (PS3.10).
    #[must_use]
    pub fn file(&self) -> Vec<u8> {
        file(&self.uids, &self.data_set)
    }

    /// Where DICOMweb has it.
    #[must_use]
    pub fn path(&self) -> String {
        let Uids { study, series, instance } = &self.uids;
        format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}")
    }

    /// Sends it by STOW-RS: the status.
    #[must_use]
    pub fn stow(&self, http: SocketAddr, token: &str) -> Option<u16> {
        request(http, token, "POST /dicom-web/studies", "application/dicom", &self.file()).map(|(status, _)| status)
    }

    /// Reads it back: the status, and whether it is bit for bit what was sent.
    #[must_use]
    pub fn read(&self, http: SocketAddr, token: &str) -> Option<(u16, bool)> {
        let (status, body) = get(http, token, &self.path())?;
        Some((status, status == 200 && holds(&body, &self.data_set)))
    }
}

/// Whether bytes contain others.
#[must_use]
pub fn holds(bytes: &[u8], sought: &[u8]) -> bool {
    memchr::memmem::find(bytes, sought).is_some()
}

/// Sends the `n`-th FHIR transaction: the status, and where its Observation is.
#[must_use]
pub fn transact(http: SocketAddr, token: &str, n: usize) -> Option<(u16, String)> {
    let bundle = crate::sample::covid_bundle(&Person::nth(FHIR_PATIENT + n), &conclusion(n));
    let bytes = serde_json::to_vec(&bundle).ok()?;
    let (status, body) = request(http, token, "POST /fhir", "application/fhir+json", &bytes)?;
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let location = answer.pointer("/entry/1/response/location").and_then(serde_json::Value::as_str).unwrap_or("");
    Some((status, location.split("/_history").next().unwrap_or_default().to_owned()))
}

/// What the `n`-th transaction's Observation says.
#[must_use]
pub fn conclusion(n: usize) -> String {
    format!("kesimpulan nomor {n}")
}

/// What was acknowledged up to some moment.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    /// The archive was ready once.
    pub ready: bool,
    /// Numbers of instances, in the order of their acknowledgements.
    pub stored: Vec<usize>,
    /// FHIR transactions: number and place of the Observation.
    pub transacted: Vec<(usize, String)>,
    /// Openings.
    pub opened: usize,
    /// Names that administrators entered.
    pub entered: Vec<String>,
    /// Checkpoints that outsiders were shown.
    pub checkpoints: Vec<String>,
}

impl Acknowledged {
    /// From the lines of a recording.
    pub fn from_marks<'a>(marks: impl Iterator<Item = &'a str>) -> Self {
        let mut known = Self::default();
        for mark in marks {
            let (kind, rest) = mark.split_once(' ').unwrap_or((mark, ""));
            match kind {
                "ready" => known.ready = true,
                "stored" => known.stored.extend(rest.parse::<usize>()),
                "opened" => known.opened += 1,
                "entered" => known.entered.push(rest.to_owned()),
                "checkpoint" => known.checkpoints.push(rest.to_owned()),
                "transacted" => {
                    let (n, place) = rest.split_once(' ').unwrap_or((rest, ""));
                    known.transacted.extend(n.parse().ok().map(|n| (n, place.to_owned())));
                }
                _ => {}
            }
        }
        known
    }

    /// Every acknowledged record is listed; whatever is listed and not in `spared` can be read and is what was sent.
    ///
    /// # Errors
    /// What is missing or not whole.
    pub fn check_records(&self, archive: &Archive, token: &str, spared: &BTreeSet<String>) -> Result<()> {
        let listed = listed(archive, token)?;
        for n in &self.stored {
            let uid = Numbered::new(*n).uids.instance;
            if !listed.contains(&uid) {
                return Err(format!("instance {n} was acknowledged and is not listed").into());
            }
        }
        for uid in listed.difference(spared) {
            // The study's number is the instance's own and one more.
            let number =
                uid.rsplit('.').nth(2).and_then(|text| text.parse::<usize>().ok()).ok_or("a UID not of ours")?;
            let read = Numbered::new(number.saturating_sub(1)).read(archive.http, token);
            if read != Some((200, true)) {
                return Err(format!("instance {} is listed and reads as {read:?}", number.saturating_sub(1)).into());
            }
        }
        for (n, place) in &self.transacted {
            let found = get(archive.http, token, &format!("/fhir/{place}"));
            let whole =
                found.as_ref().is_some_and(|(status, body)| *status == 200 && holds(body, conclusion(*n).as_bytes()));
            if !whole {
                let status = found.map(|(status, _)| status);
                return Err(format!("transaction {n} was acknowledged, and {place} answers {status:?}").into());
            }
        }
        Ok(())
    }

    /// The ledger verifies, holds an entry for everything that was acknowledged, and every checkpoint that was shown is one
    /// of its own past.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_ledger(&self, data: &Path) -> Result<()> {
        let verified = segel_output(data, "verify", &["--json"])?;
        if !verified.status.success() {
            return Err(format!("the ledger: {}", String::from_utf8_lossy(&verified.stdout)).into());
        }
        let hashes = leaf_hashes(&data.join("keyservice/ledger"))?;
        let least = self.stored.len() + self.transacted.len() + self.opened + self.entered.len();
        if hashes.len() < least {
            return Err(format!("{} entries for {least} acknowledgements", hashes.len()).into());
        }
        for note in &self.checkpoints {
            let mut lines = note.lines().skip(1);
            let (size, root) = (lines.next().ok_or("a checkpoint")?, lines.next().ok_or("a checkpoint")?);
            let past = hashes.get(..size.parse::<usize>()?).ok_or_else(|| format!("entries before {size} are gone"))?;
            if tree_root(past).to_base64() != root {
                return Err(format!("the checkpoint of {size} entries is not of this ledger's past").into());
            }
        }
        Ok(())
    }
}

/// SOP Instance UIDs of everything that is listed.
fn listed(archive: &Archive, token: &str) -> Result<BTreeSet<String>> {
    const PAGE: usize = 500;
    let mut all = BTreeSet::new();
    loop {
        let path = format!("/dicom-web/instances?limit={PAGE}&offset={}", all.len());
        let (status, body) = get(archive.http, token, &path).ok_or("no answer to a search")?;
        let rows: Vec<serde_json::Value> = match status {
            200 => serde_json::from_slice(&body)?,
            204 => Vec::new(),
            _ => return Err(format!("a search answered {status}").into()),
        };
        let count = rows.len();
        let uid = |row: &serde_json::Value| Some(row.pointer("/00080018/Value/0")?.as_str()?.to_owned());
        all.extend(rows.iter().filter_map(uid));
        if count < PAGE {
            return Ok(all);
        }
    }
}

/// The leaf hashes of a ledger's folder, from its entry bundles (C2SP tlog-tiles).
fn leaf_hashes(folder: &Path) -> Result<Vec<Hash>> {
    let checkpoint = std::fs::read_to_string(folder.join(ledger::path::CHECKPOINT))?;
    let size: u64 = checkpoint.lines().nth(1).ok_or("a checkpoint without a size")?.parse()?;
    let width = u64::try_from(ledger::path::TILE_WIDTH)?;
    let mut hashes = Vec::new();
    for bundle in 0..size.div_ceil(width) {
        let whole = folder.join(ledger::path::entries(bundle, ledger::path::TILE_WIDTH));
        let partial = usize::try_from(size - bundle * width).unwrap_or(usize::MAX).min(ledger::path::TILE_WIDTH);
        let bytes =
            std::fs::read(&whole).or_else(|_| std::fs::read(folder.join(ledger::path::entries(bundle, partial))))?;
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (entry, after) =
                after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or("a bundle cut short")?;
            hashes.push(leaf_hash(entry));
            rest = after;
        }
    }
    hashes.truncate(usize::try_from(size)?);
    Ok(hashes)
}

/// The Merkle tree hash (RFC 6962 2.1).
fn tree_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => merkle::empty_root(),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            merkle::node_hash(&tree_root(left), &tree_root(right))
        }
    }
}

/// Runs `kill -SIGNAL` on a process; one that is gone is no error.
pub fn signal(name: &str, process_id: u32) {
    let _already_gone = program::run("kill", &[&format!("-{name}"), &process_id.to_string()]);
}
