//! How many entries a second the ledger takes, and how long after an entry is durable a signed checkpoint covers it: the whole way,
//! through a key service's socket, its state and its ledger's files. Prints JSON; `cargo xtask bench ledger` makes a table of it.
//!
//!     ledger FOLDER SECONDS RATE      RATE entries a second, 0 for as many as it takes
//!     ledger hashes                   how many leaf hashes (SHA-256) one core makes a second

use keyservice::{Address, Config, Service, Settings};
use seal::frame;
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Requests under way on each connection: what the service takes of one.
const IN_FLIGHT: u32 = 128;
const CONNECTIONS: u32 = 2;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("FOLDER SECONDS RATE");
    let first = next()?;
    if first == "hashes" {
        println!("{}", serde_json::json!({"hashes_per_second": hashes()}));
        return Ok(());
    }
    let folder = PathBuf::from(first);
    let (seconds, rate): (u64, u32) = (next()?.parse()?, next()?.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let settings = Settings {
        folder: folder.clone(),
        passphrase: zeroize::Zeroizing::new(b"a passphrase of a measurement".to_vec()),
        config: Config::default(),
    };
    let service = runtime.block_on(Service::start(settings))?;
    let Address::Unix(socket) = service.admin().clone() else { return Err("it listens elsewhere".into()) };
    let checkpoint = folder.join("ledger/checkpoint");
    let (begun, base) = (Instant::now(), size_of(&checkpoint).unwrap_or(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let watching = {
        let (is_over, checkpoint) = (Arc::clone(&is_over), checkpoint.clone());
        std::thread::spawn(move || watch(&checkpoint, begun, &is_over))
    };
    let answered = Arc::new(Mutex::new(Vec::new()));
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (socket, answered) = (socket.clone(), Arc::clone(&answered));
            std::thread::spawn(move || ask(&socket, begun, Duration::from_secs(seconds), rate / CONNECTIONS, &answered))
        })
        .collect();
    for asking in asking {
        asking.join().map_err(|_| "a connection failed")??;
    }
    // The last entries wait for their checkpoint.
    std::thread::sleep(Duration::from_secs(3));
    is_over.store(true, Ordering::SeqCst);
    let checkpoints = watching.join().map_err(|_| "the watcher failed")?;
    runtime.block_on(service.stop())?;
    let mut durable = std::mem::take(&mut *answered.lock().unwrap_or_else(PoisonError::into_inner));
    durable.sort_unstable();
    report(base, &durable, &checkpoints)
}

/// Leaf hashes of entries as the ledger has them, each of the hash before.
fn hashes() -> f64 {
    const ROUND: u32 = 100_000;
    let (begun, mut count, mut hash) = (Instant::now(), 0.0, [0; 32]);
    while begun.elapsed() < Duration::from_secs(1) {
        for _ in 0..ROUND {
            hash = ledger::leaf_hash(&hash).0;
        }
        count += f64::from(ROUND);
    }
    // The last hash is looked at, so that none of them can be left out.
    if hash == [0; 32] { 0.0 } else { count / begun.elapsed().as_secs_f64() }
}

fn report(base: u64, durable: &[Duration], checkpoints: &[(Duration, u64)]) -> Result<()> {
    let mut waits: Vec<Duration> = Vec::with_capacity(durable.len());
    let mut at = checkpoints.iter().peekable();
    for (number, when) in durable.iter().enumerate() {
        let position = base + u64::try_from(number)? + 1;
        while at.next_if(|(_, size)| *size < position).is_some() {}
        let (signed, _) = at.peek().ok_or("an entry was never covered by a checkpoint")?;
        waits.push(signed.saturating_sub(*when));
    }
    waits.sort_unstable();
    let percentile = |percent: usize| waits.get((waits.len() * percent / 100).min(waits.len().saturating_sub(1)));
    let millis = |wait: Option<&Duration>| wait.map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3);
    let seconds = durable.last().zip(durable.first()).map_or(f64::NAN, |(last, first)| (*last - *first).as_secs_f64());
    let entries = u32::try_from(durable.len())?;
    println!(
        "{}",
        serde_json::json!({
            "entries": entries,
            "entries_per_second": f64::from(entries) / seconds,
            "checkpoints": checkpoints.len(),
            "checkpoint_ms_median": millis(percentile(50)),
            "checkpoint_ms_p99": millis(percentile(99)),
            "checkpoint_ms_max": millis(waits.last()),
        })
    );
    Ok(())
}

/// The size in a published checkpoint.
fn size_of(checkpoint: &Path) -> Option<u64> {
    std::fs::read_to_string(checkpoint).ok()?.lines().nth(1)?.parse().ok()
}

/// When each checkpoint was published, as a reader of the folder sees it.
fn watch(checkpoint: &Path, begun: Instant, is_over: &AtomicBool) -> Vec<(Duration, u64)> {
    let mut seen: Vec<(Duration, u64)> = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        if let Some(size) = size_of(checkpoint)
            && seen.last().is_none_or(|(_, last)| size > *last)
        {
            seen.push((begun.elapsed(), size));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    seen
}

/// Keeps as many requests under way as a connection takes, or as the rate asks for. Each is one entry.
fn ask(socket: &Path, begun: Instant, lasts: Duration, rate: u32, answered: &Mutex<Vec<Duration>>) -> Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let code = record::FacilityCode::new("RSUD-A").ok_or("a facility's code")?;
    let request = AdminRequest::AddFacility { code, name: "Rumah Sakit A".into() };
    let (mut sent, mut heard, mut times) = (0_u32, 0_u32, Vec::new());
    loop {
        let is_over = begun.elapsed() >= lasts;
        let due = if rate == 0 { u32::MAX } else { due(begun, rate) };
        while !is_over && sent - heard < IN_FLIGHT && sent < due {
            let call = AdminCall { id: u64::from(sent), request: request.clone() };
            stream.write_all(&frame::encode(&call)?)?;
            sent += 1;
        }
        if sent == heard {
            if is_over {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut body = vec![0; frame::item_len(length)?];
        stream.read_exact(&mut body)?;
        let reply: AdminReply = frame::decode(&body)?;
        if reply.answer != AdminAnswer::Done {
            return Err(format!("{:?}", reply.answer).into());
        }
        heard += 1;
        times.push(begun.elapsed());
    }
    answered.lock().unwrap_or_else(PoisonError::into_inner).extend(times);
    Ok(())
}

/// How many requests the rate allows until now.
fn due(begun: Instant, rate: u32) -> u32 {
    let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
    let whole = u64::from(millis) * u64::from(rate) / 1_000;
    u32::try_from(whole).unwrap_or(u32::MAX)
}
