//! A folder of one run, on the disk that holds the workspace: a temporary folder in memory would make every sync free.

use crate::run;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one below `target`.
    pub fn new() -> Result<Self> {
        let path = run::root()?.join("target/bench").join(std::process::id().to_string());
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A new folder in it.
    pub fn below(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}
