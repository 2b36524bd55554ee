//! One administrator of an archive that is set up as it should be: two approvers, a witness, people who were removed, frozen, have
//! lapsed or spent their budget. What an administrator tries, what it yields, and who notices.

mod base;
mod scene;

pub use base::{Base, PATIENTS, uids};
pub use scene::{Scene, keyservice};

use crate::Result;
use crate::process::Archive;

/// Which administrator it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Administrator {
    /// Of the application: the command line and the key service's socket for administrators.
    Application,
    /// Of the databases: writes any row and any schema.
    Database,
    /// Of the archive node's operating system: writes any file, starts and stops.
    ArchiveHost,
    /// The same of the key service's host, where the passphrase is somebody else's to type.
    KeyServiceHost,
}

impl Administrator {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "of the application",
            Self::Database => "of the databases",
            Self::ArchiveHost => "of the archive node's system",
            Self::KeyServiceHost => "of the key service's system",
        }
    }
}

/// Who notices first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// It is refused, and the refusal is written down where it is a request.
    Refused,
    /// The next start, which does not come about.
    Start,
    /// The running service, which ends.
    Service,
    /// Whoever reads the record: the reading fails.
    Reader,
    /// `segel scrub`.
    Scrub,
    /// `segel verify`.
    Verify,
    /// Whoever reads the log (`--events`).
    Events,
    /// A patient's report.
    Report,
    /// Nobody, for there is nothing to notice: it changes nothing, or what every administrator is there for.
    Nothing,
}

impl Noticed {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "it is refused",
            Self::Start => "the next start refuses",
            Self::Service => "the running service ends",
            Self::Reader => "the reading fails",
            Self::Scrub => "`segel scrub` tells",
            Self::Verify => "`segel verify` tells",
            Self::Events => "reading the log tells",
            Self::Report => "the patient's report fails",
            Self::Nothing => "it changes nothing",
        }
    }
}

/// How it is tried.
pub enum Attempt {
    /// On files, while nothing runs.
    Files(fn(&Scene) -> Result<()>),
    /// The same, with the witness within reach at the next start.
    Witnessed(fn(&Scene) -> Result<()>),
    /// On the running archive; answers whether it was refused.
    Running(fn(&Scene, &Archive) -> Result<bool>),
    /// By starting the archive in another way.
    Starting(fn(&Scene) -> Result<Archive>),
}

/// One abuse.
pub struct Abuse {
    /// Its name.
    pub name: &'static str,
    /// Whose.
    pub by: Administrator,
    /// What is hoped for, in a line.
    pub hope: &'static str,
    /// Who notices.
    pub noticed: Noticed,
    /// How it is tried.
    pub attempt: Attempt,
}

/// What came of an abuse.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Patients that anybody read who must not.
    pub read: usize,
    /// Who noticed.
    pub noticed: Noticed,
    /// What was said.
    pub said: String,
}
