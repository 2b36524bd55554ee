//! The archive that is meddled with.

use super::scene::events;
use crate::approver::{Approvers, RULES, proposed};
use crate::http::get;
use crate::process::{Archive, segel};
use crate::sample::{Person, Uids, data_set, file};
use crate::witness::Witness;
use crate::{Result, kept};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Patients of the archive.
pub const PATIENTS: usize = 8;
/// Patients that the one whose budget is spent has opened.
const SPENT: usize = 2;

/// The archive before anybody meddles with it: as it is, and as it was before rights were taken away.
pub struct Base {
    /// The data folder as it is.
    pub now: PathBuf,
    /// As it was, with its ledger.
    pub older: PathBuf,
    /// The witness's folder.
    pub(super) witness: PathBuf,
    pub(super) witness_port: u16,
    /// The ledger's key.
    pub vkey: String,
    /// The patients.
    pub people: Vec<Person>,
    /// The honest clinician's token.
    pub(super) clinician: String,
    pub(super) auditor: String,
    /// Tokens of those who must open nothing more: who they are, and the first patient that they have not opened.
    shut: Vec<(&'static str, String, usize)>,
    /// The system's token.
    pub system: String,
    /// Who approves; their keys lie with them.
    pub approvers: Approvers,
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in kept::files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        std::fs::create_dir_all(target.parent().ok_or("a file without a folder")?)?;
        std::fs::copy(file, target)?;
    }
    Ok(())
}

/// The UIDs of a patient's study.
#[must_use]
pub fn uids(patient: usize) -> Uids {
    Uids::new(patient + 1, 1, 1)
}

fn store(archive: &Archive, system: &str, people: &[Person], which: std::ops::Range<usize>, pixel: u8) -> Result<()> {
    for n in which {
        let bytes = file(&uids(n), &data_set(people.get(n).ok_or("nobody")?, &uids(n), 16, &[pixel; 32]));
        let answer = crate::http::request(archive.http, system, "POST /dicom-web/studies", "application/dicom", &bytes);
        match answer {
            // Other bytes under the same number are another version, with a warning (PS3.18 10.5.3).
            Some((200 | 202, _)) => {}
            answer => return Err(format!("storing answered {:?}", answer.map(|answer| answer.0)).into()),
        }
    }
    Ok(())
}

impl Base {
    /// Sets the archive up in a folder.
    ///
    /// # Errors
    /// If anything of it fails.
    pub fn found(folder: &Path) -> Result<Self> {
        let now = folder.join("now");
        let budgets =
            "[budgets.actor.radiographer]\ncontents = { hour = 2, day = 2 }\nsummaries = { hour = 900, day = 900 }\n";
        Archive::start_with_keyservice(&now, RULES)?.stop()?;
        let vkey = std::fs::read_to_string(now.join("keyservice/ledger/vkey"))?.trim().to_owned();
        let witness = folder.join("witness");
        let watching = Witness::start(&witness, &vkey, &[])?;
        let witness_port = watching.url.rsplit(':').next().ok_or("no port")?.trim_end_matches('/').parse()?;
        let settings = format!("{RULES}{budgets}[witnesses]\nneeded = 1\nlist = [{}]\n", watching.setting());
        let archive = Archive::start_with_keyservice(&now, &settings)?;
        let ours = archive.facility("RSUD-A")?;
        let theirs = archive.facility("KLINIK-B")?;
        archive.peer("MODALITY", "RSUD-A")?;
        let person = |name: &str, role: &str, purpose: &str| -> Result<String> {
            archive.admin(&["person", "add", name, "--facility", "RSUD-A", "--role", role])?;
            archive.admin(&["token", "--as", name, "--purpose", purpose])
        };
        let shut = vec![
            ("a clinician of another facility", theirs.clinician, 0),
            ("one who was removed", person("dr. Gone", "clinician", "TREAT")?, 0),
            ("one who is frozen", person("dr. Frozen", "clinician", "TREAT")?, 0),
            ("one whose duty has ended", person("dr. Lapsed", "clinician", "TREAT")?, 0),
            ("one whose budget is spent", person("Spender", "radiographer", "TREAT")?, SPENT),
        ];
        let auditor = person("Auditor", "auditor", "PATRQT")?;
        let approvers = Approvers::register(&archive, "RSUD-A", folder)?;
        let people: Vec<Person> = (0..PATIENTS).map(Person::nth).collect();
        store(&archive, &ours.system, &people, 0..PATIENTS - 2, 1)?;
        archive.stop()?;
        let older = folder.join("older");
        copy(&now, &older)?;
        let mut base = Self {
            now,
            older,
            witness,
            witness_port,
            vkey,
            people,
            clinician: ours.clinician,
            auditor,
            shut,
            system: ours.system,
            approvers,
        };
        base.take_away()?;
        watching.kill();
        Ok(base)
    }

    /// What happens after the older copy was made: rights end, and more arrives.
    fn take_away(&mut self) -> Result<()> {
        let archive = Archive::start(&self.now)?;
        store(&archive, &self.system, &self.people, PATIENTS - 2..PATIENTS, 1)?;
        // A second version of the first patient's image.
        store(&archive, &self.system, &self.people, 0..1, 2)?;
        for (who, token, first) in self.shut.iter().skip(1) {
            let wanted = if *first > 0 { 0..*first } else { 0..1 };
            if !wanted.clone().all(|n| self.reads(&archive, token, n)) {
                return Err(format!("{who} reads nobody before").into());
            }
        }
        self.refer(&archive)?;
        let terms = ["person", "terms", "dr. Lapsed", "--duty-until", "2021-12-31", "--propose", "has left"];
        let id = proposed(&self.now, "admin", &terms)?;
        self.approvers.approve(&archive, &id)?;
        segel(&self.now, "approve", &["enact", &id])?;
        archive.admin(&["person", "remove", "dr. Gone"])?;
        archive.admin(&["freeze", "dr. Frozen", "--as", "Auditor", "--note", "a lost laptop"])?;
        archive.admin(&["hold", &self.pseudonym()?, "--reason", "a dispute"])?;
        // What was at hand for a moment ends with the process.
        archive.stop()?;
        let archive = Archive::start(&self.now)?;
        if let Some((who, _)) = self.opened(&archive).iter().find(|(_, read)| !read.is_empty()) {
            return Err(format!("{who} still reads").into());
        }
        archive.stop()
    }

    /// A referral to the other facility, begun and taken back.
    fn refer(&self, archive: &Archive) -> Result<()> {
        let person = self.people.first().ok_or("nobody")?;
        let send = |method: &str, path: &str, body: &Value| -> Result<Value> {
            let body = body.to_string();
            let arguments = ["-X", method, "-H", "Content-Type: application/fhir+json", "--data-binary", &body];
            let (status, answer) = archive.curl(&self.clinician, &arguments, path)?;
            if status >= 300 {
                return Err(format!("{path} answered {status}: {}", String::from_utf8_lossy(&answer)).into());
            }
            Ok(serde_json::from_slice(&answer)?)
        };
        let id = |resource: &Value| resource.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let nik = json!({"system": "https://fhir.kemkes.go.id/id/nik", "value": person.nik});
        let patient = json!({"resourceType": "Patient", "identifier": [{"value": person.number}, nik]});
        let patient = id(&send("POST", "/fhir/Patient", &patient)?);
        let mut order = json!({
            "resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "subject": {"reference": format!("Patient/{patient}")},
            "performer": [{"type": "Organization", "identifier": {"system": "urn:segel:facility", "value": "KLINIK-B"}}],
        });
        let kept = id(&send("POST", "/fhir/ServiceRequest", &order)?);
        if let Some(fields) = order.as_object_mut() {
            fields.insert("status".into(), "revoked".into());
            fields.insert("id".into(), kept.clone().into());
        }
        send("PUT", &format!("/fhir/ServiceRequest/{kept}"), &order).map(|_| ())
    }

    /// What the key service calls the first patient.
    ///
    /// # Errors
    /// If the log does not tell.
    pub fn pseudonym(&self) -> Result<String> {
        let output = events(&self.now)?;
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let admitted = lines.lines().find(|line| line.contains("\"Admit\"")).ok_or("nobody was admitted")?;
        let event: serde_json::Value = serde_json::from_str(admitted)?;
        Ok(event.get("patient").and_then(|patient| patient.as_str()).ok_or("an admission of nobody")?.to_owned())
    }

    /// Whether the honest clinician reads the first patient.
    #[must_use]
    pub fn is_open(&self, archive: &Archive) -> bool {
        self.reads(archive, &self.clinician, 0)
    }

    /// How many there are who must open nothing more.
    #[must_use]
    pub fn stopped(&self) -> usize {
        self.shut.len()
    }

    /// Who of those that must not reads whom.
    pub(super) fn opened(&self, archive: &Archive) -> Vec<(&'static str, BTreeSet<usize>)> {
        let readers = self.shut.iter().map(|(who, token, first)| {
            let read = (*first..PATIENTS).filter(|n| self.reads(archive, token, *n)).collect();
            (*who, read)
        });
        readers.collect()
    }

    /// Whether a token reads a patient: the record's text or pixels.
    fn reads(&self, archive: &Archive, token: &str, n: usize) -> bool {
        let Uids { study, series, instance } = uids(n);
        let ways = [
            format!("/dicom-web/studies/{study}/metadata"),
            format!("/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/1"),
        ];
        ways.iter().any(|path| get(archive.http, token, path).is_some_and(|(status, _)| status == 200))
    }
}
