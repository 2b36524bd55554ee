//! A copy of the state while it is served. Never of the vault: a backup with it would open whoever is erased later.

use super::write_new;
use crate::error::{Error, Result};
use crate::store::{self, events};
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use seal::frame;
use seal::message::custody::CustodyRequest;
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What a backup says of itself.
pub const HEADER: &str = "backup.json";
/// The layout of a backup.
const FORMAT: &str = "segel-backup@v1";
/// Pages copied before progress is told: 16 MB.
const PAGES_PER_STEP: i32 = 4_096;

/// The header: which state it is, and which vault it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The layout.
    pub format: String,
    /// The ledger's origin.
    pub origin: String,
    /// When it was made, in microseconds since 1970.
    pub made_micros: i64,
    /// Entries of the ledger in it.
    pub entries: u64,
    /// The vault of this generation or any later one opens it, but for whom that one is without.
    pub vault_generation: u64,
    /// SHA-256 of `state.sqlite`.
    pub sha256: String,
}

/// Copies the state of a folder into another, beside a running service or without one. An earlier backup there is replaced.
///
/// # Errors
/// Invalid if there is no state, Busy if the disk is full.
pub fn back_up(folder: &Path, to: &Path) -> Result<Header> {
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(|e| Error::io(to.display(), &e))?;
    let beside = to.join("state.sqlite.new");
    if beside.exists() {
        fs::remove_file(&beside).map_err(|e| Error::io(beside.display(), &e))?;
    }
    copy(folder, &beside)?;
    let header = describe(&beside)?;
    let failed = |e: std::io::Error| Error::io(to.display(), &e);
    // The header goes first and comes last: what lies between the two is no backup.
    let own = to.join(HEADER);
    if own.exists() {
        fs::remove_file(&own).map_err(failed)?;
    }
    fs::rename(&beside, to.join(store::FILE_NAME)).map_err(failed)?;
    if let Ok(root) = fs::read(super::Settings::root(folder)) {
        write_new(&to.join(super::root::FILE_NAME), &root)?;
    }
    let text =
        serde_json::to_vec_pretty(&header).map_err(|_| Error::invalid("the backup's header cannot be written"))?;
    write_new(&own, &text)?;
    File::open(to).and_then(|to| to.sync_all()).map_err(failed)?;
    Ok(header)
}

fn copy(folder: &Path, to: &Path) -> Result<()> {
    let from = store::open_for_reading(folder)?;
    // One view of the state from the first page to the last, however much is written meanwhile.
    from.execute_batch("BEGIN; SELECT 1 FROM meta LIMIT 1;")?;
    let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o600)).map_err(|e| Error::io(to.display(), &e))?;
    {
        let backup = Backup::new(&from, &mut copy)?;
        while matches!(backup.step(PAGES_PER_STEP)?, rusqlite::backup::StepResult::More) {
            let progress = backup.progress();
            let percent = 100 - i64::from(progress.remaining) * 100 / i64::from(progress.pagecount.max(1));
            tracing::info!("copied {percent} % of the state");
        }
    }
    // A single file without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    drop(copy);
    File::open(to).and_then(|copy| copy.sync_all()).map_err(|e| Error::io(to.display(), &e))
}

fn describe(state: &Path) -> Result<Header> {
    let db = Connection::open_with_flags(state, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let origin = db.query_row("SELECT value FROM meta WHERE name = 'origin'", [], |row| row.get::<_, Vec<u8>>(0));
    // A state that was never served has no ledger yet.
    let origin = origin.optional()?.unwrap_or_default();
    Ok(Header {
        format: FORMAT.to_owned(),
        origin: String::from_utf8_lossy(&origin).into_owned(),
        made_micros: record::time::now(),
        entries: events::size(&db)?,
        vault_generation: crate::store::erasures::last_generation(&db)?,
        sha256: hex::encode(digest(state)?),
    })
}

/// SHA-256 of a file.
///
/// # Errors
/// Damaged if it cannot be read.
pub fn digest(path: &Path) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Error::io(path.display(), &e);
    let mut file = File::open(path).map_err(failed)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(context.finish().as_ref().to_vec());
        }
        context.update(buffer.get(..count).unwrap_or_default());
    }
}

/// Reads a backup's header and holds the state in it against it.
///
/// # Errors
/// Invalid for a folder that is no backup, Damaged for a state that is not what was copied.
pub fn check(from: &Path) -> Result<Header> {
    let path = from.join(HEADER);
    let text = fs::read(&path).map_err(|e| Error::io(path.display(), &e))?;
    let header: Header = serde_json::from_slice(&text)
        .map_err(|_| Error::invalid(format!("{} is no backup's header", path.display())))?;
    if header.format != FORMAT {
        return Err(Error::invalid(format!("{} is of another layout", path.display())));
    }
    let state = from.join(store::FILE_NAME);
    if hex::encode(digest(&state)?) != header.sha256 {
        return Err(Error::damaged(format!("{} is not what was copied", state.display())));
    }
    Ok(header)
}

/// Has a running service write down that a backup was made; `false` if none runs, or not on this socket.
pub fn tell(folder: &Path, header: &Header) -> bool {
    let mut sha256 = [0; 32];
    let told = hex::decode_to_slice(&header.sha256, &mut sha256).is_ok();
    let request = AdminRequest::Custody(CustodyRequest::BackedUp { entries: header.entries, sha256 });
    told && ask(&folder.join("admin.sock"), request).is_ok_and(|answer| answer == AdminAnswer::Done)
}

fn ask(socket: &Path, request: AdminRequest) -> std::io::Result<AdminAnswer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(&frame::encode(&AdminCall { id: 1, request }).map_err(std::io::Error::other)?)?;
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let mut body = vec![0; frame::item_len(prefix).map_err(std::io::Error::other)?];
    stream.read_exact(&mut body)?;
    let reply: AdminReply = frame::decode(&body).map_err(std::io::Error::other)?;
    Ok(reply.answer)
}
