//! The archives of a group of rows, filled alike.

use super::servers::{Dcmqrscp, Orthanc, Running, Segel};
use crate::bench::load::http::Web;
use crate::bench::load::instance::Instance;
use crate::bench::load::requestor::Door;
use crate::bench::load::store;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// What this is about.
    Segel,
    /// Orthanc with the index as it made it.
    Shipped,
    /// Orthanc after SQLite counted its index.
    Analysed,
    /// DCMTK's.
    Dcmqrscp,
}

impl Who {
    /// As the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Segel => "Segel",
            Self::Shipped => "Orthanc as shipped",
            Self::Analysed => "Orthanc analysed",
            Self::Dcmqrscp => "dcmqrscp",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Segel => "segel",
            Self::Shipped => "shipped",
            Self::Analysed => "analysed",
            Self::Dcmqrscp => "dcmqrscp",
        }
    }
}

/// Those that run. Segel always does.
pub struct Archives {
    /// Segel.
    pub segel: Segel,
    /// Present if asked for.
    pub shipped: Option<Orthanc>,
    /// Present if asked for.
    pub analysed: Option<Orthanc>,
    /// Present if asked for.
    pub dcmqrscp: Option<Dcmqrscp>,
    folder: PathBuf,
    destination: u16,
}

impl Archives {
    /// Starts those asked for, each on its own folder below `folder`. C-MOVE sends to port `destination`.
    pub fn start(program: &Path, folder: &Path, who: &[Who], areas: u32, destination: u16) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let orthanc = |of: Who| -> Result<Option<Orthanc>> {
            if !who.contains(&of) {
                return Ok(None);
            }
            Ok(Some(Orthanc::start(&folder.join(of.folder()), destination)?))
        };
        let (shipped, analysed) = (orthanc(Who::Shipped)?, orthanc(Who::Analysed)?);
        let dcmqrscp = if who.contains(&Who::Dcmqrscp) {
            Some(Dcmqrscp::start(&folder.join(Who::Dcmqrscp.folder()), areas, destination)?)
        } else {
            None
        };
        let segel = Segel::start(program, folder, destination)?;
        Ok(Self { segel, shipped, analysed, dcmqrscp, folder: folder.to_path_buf(), destination })
    }

    /// All that run, Segel first.
    pub fn who(&self) -> Vec<Who> {
        let there = [
            (Who::Segel, true),
            (Who::Shipped, self.shipped.is_some()),
            (Who::Analysed, self.analysed.is_some()),
            (Who::Dcmqrscp, self.dcmqrscp.is_some()),
        ];
        there.into_iter().filter_map(|(who, there)| there.then_some(who)).collect()
    }

    fn orthanc(&self, who: Who) -> Result<&Orthanc> {
        let orthanc = if who == Who::Analysed { &self.analysed } else { &self.shipped };
        orthanc.as_ref().with_context(|| format!("{} was not started", who.name()))
    }

    /// The processes of one.
    pub fn running(&self, who: Who) -> Result<&Running> {
        Ok(match who {
            Who::Segel => &self.segel.running,
            Who::Dcmqrscp => &self.dcmqrscp.as_ref().context("dcmqrscp was not started")?.running,
            orthanc => &self.orthanc(orthanc)?.running,
        })
    }

    /// The DICOM door of one; of dcmqrscp its first area.
    pub fn door(&self, who: Who) -> Result<Door> {
        Ok(match who {
            Who::Segel => self.segel.door.clone(),
            Who::Dcmqrscp => self.dcmqrscp.as_ref().context("dcmqrscp was not started")?.first(),
            orthanc => self.orthanc(orthanc)?.door.clone(),
        })
    }

    /// The DICOMweb of one, for reading.
    pub fn reader(&self, who: Who) -> Result<&Web> {
        if who == Who::Segel { Ok(&self.segel.reader) } else { Ok(&self.orthanc(who)?.web) }
    }

    /// The DICOMweb of one, for sending.
    pub fn sender(&self, who: Who) -> Result<&Web> {
        if who == Who::Segel { Ok(&self.segel.sender) } else { Ok(&self.orthanc(who)?.web) }
    }

    /// Puts the same instances into every archive that does not hold them from an earlier run, and has the index of the
    /// analysed Orthanc counted.
    pub fn fill(&mut self, count: usize, make: &(impl Fn(usize) -> Instance + Sync)) -> Result<()> {
        /// So many instances tell SQLite what the rest will look like; uncounted, look-ups grow with every instance.
        const COUNTED_FIRST: usize = 2_000;
        for who in self.who() {
            let mark = self.folder.join(format!("{}-filled.txt", who.folder()));
            if std::fs::read_to_string(&mark).is_ok_and(|held| held == count.to_string()) {
                continue;
            }
            // An area of dcmqrscp loses instances that come in two associations at once.
            let associations = if who == Who::Dcmqrscp { 1 } else { 16 };
            let first = if who == Who::Analysed { COUNTED_FIRST.min(count) } else { 0 };
            store::fill(&self.door(who)?, associations, first, make)?;
            self.analyse(who)?;
            store::fill(&self.door(who)?, associations, count - first, &|n| make(n + first))?;
            self.analyse(who)?;
            std::fs::write(mark, count.to_string())?;
        }
        Ok(())
    }

    fn analyse(&mut self, who: Who) -> Result<()> {
        if who != Who::Analysed {
            return Ok(());
        }
        let orthanc = self.analysed.take().context("Orthanc was not started")?;
        self.analysed = Some(orthanc.analyse(&self.folder.join(who.folder()), self.destination)?);
        Ok(())
    }
}
