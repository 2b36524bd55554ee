//! A few connections that only read.

use super::schema;
use crate::error::Result;
use record::limits;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

/// Opens connections as they are needed, up to `limits::INDEX_READERS_MAX`; further readers wait their turn.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// Connections that exist, idle or lent.
    open: usize,
}

impl Pool {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs `read` inside one read transaction, so that all it sees is of one moment.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut lent = self.lend()?;
        let Some(connection) = &lent.connection else { return Err(crate::error::Error::Closed) };
        connection.prepare_cached("BEGIN")?.execute([])?;
        let result = read(connection);
        let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        if ended.is_err() {
            // Reading leaves nothing to keep; but no later reader may begin inside this one's transaction.
            lent.connection = None;
        }
        result
    }

    fn lend(&self) -> Result<Lent<'_>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = idle.connections.pop() {
                return Ok(Lent { pool: self, connection: Some(connection) });
            }
            if idle.open < limits::INDEX_READERS_MAX {
                idle.open += 1;
                drop(idle);
                // Lent counts as open from here on; dropping it without a connection takes the count back.
                let mut lent = Lent { pool: self, connection: None };
                lent.connection = Some(schema::open_reader(&self.path)?);
                return Ok(lent);
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            Some(connection) => idle.connections.push(connection),
            None => idle.open -= 1,
        }
        self.pool.returned.notify_one();
    }
}
