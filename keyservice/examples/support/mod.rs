//! What the measurements share: a blocking client of the key service, and a service that counts everything and stops nobody.

use record::{FacilityCode, Purpose};
use seal::frame;
use seal::message::{
    AdminAnswer, AdminCall, AdminReply, AdminRequest, Answer, Asker, Call, Part, Proof, ReleaseItem, Released, Reply,
    Request,
};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The facility and the AE title of whoever asks.
pub const MEASURED: &str = "MEASURED";

/// Settings under which all that a release goes through is in force: budgets are held against numbers that nobody reaches, and what looks
/// like a thief rings, but freezes nobody.
pub fn settings() -> String {
    const MANY: &str = "{ hour = 4000000000, day = 4000000000 }";
    let mut text = String::from("[alarms]\nfreeze = [\"canary\"]\n");
    for budget in ["actor.clinician", "feed", "device", "facility", "node", "system"] {
        text += &format!("[budgets.{budget}]\ncontents = {MANY}\nsummaries = {MANY}\n");
    }
    text
}

/// One connection, one request at a time.
pub struct Client {
    stream: UnixStream,
    next: u64,
}

impl Client {
    pub fn connect(path: &Path) -> Result<Self> {
        Ok(Self { stream: UnixStream::connect(path)?, next: 0 })
    }

    fn exchange(&mut self, frame: &[u8]) -> Result<Vec<u8>> {
        self.stream.write_all(frame)?;
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix)?;
        let mut body = vec![0; frame::item_len(prefix)?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    pub fn call(&mut self, request: Request) -> Result<Answer> {
        self.next += 1;
        let body = self.exchange(&frame::encode(&Call { id: self.next, request })?)?;
        Ok(frame::decode::<Reply>(&body)?.answer)
    }

    pub fn admin(&mut self, request: AdminRequest) -> Result<AdminAnswer> {
        self.next += 1;
        let body = self.exchange(&frame::encode(&AdminCall { id: self.next, request })?)?;
        match frame::decode::<AdminReply>(&body)?.answer {
            AdminAnswer::Failed(failure) => Err(format!("{failure:?}").into()),
            answer => Ok(answer),
        }
    }

    /// Opens contents; every one must be opened.
    pub fn release(&mut self, asker: Asker, items: Vec<ReleaseItem>) -> Result<()> {
        let count = items.len();
        match self.call(Request::Release { asker, part: Part::Content, items })? {
            Answer::Released(released)
                if released.iter().filter(|one| matches!(one, Released::Key(_))).count() == count =>
            {
                Ok(())
            }
            other => Err(format!("not all was opened: {other:?}").into()),
        }
    }
}

/// A machine of the facility that is measured.
pub fn machine() -> Asker {
    let proof = Proof::Peer { ae_title: MEASURED.into(), certificate: None };
    Asker { proof, purpose: Purpose::Treat, channel: "dimse".into() }
}

/// Registers the facility and the machine.
pub fn found(folder: &Path) -> Result<FacilityCode> {
    let facility = FacilityCode::new(MEASURED).ok_or("no code")?;
    let mut admin = Client::connect(&folder.join("admin.sock"))?;
    admin.admin(AdminRequest::AddFacility { code: facility.clone(), name: "Measured".into() })?;
    admin.admin(AdminRequest::AddPeer {
        ae_title: MEASURED.into(),
        facility: facility.clone(),
        certificate: None,
        host: None,
        port: None,
    })?;
    Ok(facility)
}

/// A number as so many bytes.
pub fn numbered<const N: usize>(number: usize) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
    bytes
}

/// Milliseconds of each of some steps, sorted.
pub fn timed(count: usize, mut step: impl FnMut(usize) -> Result<()>) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let begun = Instant::now();
        step(number)?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The time that so many hundredths stay within.
pub fn quantile(sorted: &[f64], per_cent: usize) -> f64 {
    let at = (sorted.len().saturating_mul(per_cent) / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0.0)
}
