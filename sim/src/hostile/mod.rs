//! The hostile corpus: published holes of DICOM servers and libraries as inputs, made from their descriptions, and what the
//! archive must answer to each. The table is the test, and `docs/hostile.md` is made from it.

pub mod build;
mod codestreams;
mod dimse;
mod file;
mod json;
mod package;
mod pixels;
mod query;
pub mod run;
mod web;

/// One published hole, or one class of holes.
pub struct Case {
    /// CVE numbers, or an issue of a public tracker, or `class`.
    pub numbers: &'static str,
    /// Where it was found.
    pub software: &'static str,
    /// What was published, in our words.
    pub published: &'static str,
    /// What is sent.
    pub inputs: Vec<Input>,
}

/// One thing that is sent.
pub struct Input {
    /// In words, without the door.
    pub what: String,
    /// Through which door, and the bytes.
    pub sent: Sent,
    /// What must be answered.
    pub expected: Expected,
}

/// Through which door.
pub enum Sent {
    /// To the HTTP port, as they are; `{token}` becomes the facility's token.
    Http(Vec<u8>),
    /// To the plain DICOM port, on a connection of its own, so many times.
    Dimse(Vec<u8>, usize),
    /// To the DICOM port of TLS.
    DimseTls(Vec<u8>),
    /// An association that is accepted, then these bytes.
    Associated(Vec<u8>, Vec<u8>),
    /// A C-STORE of this data set under this SOP Instance UID.
    Store(String, Vec<u8>),
    /// A STOW of this file, then GETs below the instance of this number.
    Stow(Vec<u8>, usize, &'static [&'static str]),
    /// `segel import` of files by their names.
    Import(Vec<(&'static str, Vec<u8>)>),
}

impl Sent {
    /// The door in words.
    #[must_use]
    pub fn door(&self) -> &'static str {
        match self {
            Self::Http(_) => "HTTP",
            Self::Dimse(..) => "DIMSE connection",
            Self::DimseTls(_) => "DIMSE over TLS",
            Self::Associated(..) => "DIMSE message",
            Self::Store(..) => "C-STORE",
            Self::Stow(_, _, []) => "STOW-RS",
            Self::Stow(..) => "STOW-RS, then drawn",
            Self::Import(_) => "import",
        }
    }
}

/// What must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A refusal in the words of the door: 4xx, a rejection, an abort, a failure status, a refused file.
    Refused,
    /// This HTTP status.
    Http(u16),
    /// Success; nothing that was asked for afterwards shows anything that was not sent.
    Kept,
    /// Success; everything that was asked for afterwards is refused.
    KeptNotDrawn,
    /// Either; what matters is that it is answered and nothing else happens.
    Answered,
    /// Nothing yet: the rest is waited for, and nothing is held for it.
    Waiting,
}

impl Expected {
    fn words(self) -> String {
        match self {
            Self::Refused => "refused".into(),
            Self::Http(status) => format!("HTTP {status}"),
            Self::Kept => "kept as it is; what is asked for is answered the same each time".into(),
            Self::KeptNotDrawn => "kept as it is; not drawn".into(),
            Self::Answered => "answered".into(),
            Self::Waiting => "waited for, holding nothing".into(),
        }
    }
}

fn input(what: impl Into<String>, sent: Sent, expected: Expected) -> Input {
    Input { what: what.into(), sent, expected }
}

/// The whole corpus.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        dimse::cases(),
        query::cases(),
        file::cases(),
        pixels::cases(),
        codestreams::cases(),
        package::cases(),
        web::cases(),
        json::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// CVE numbers of the corpus, each once.
#[must_use]
pub fn numbers(cases: &[Case]) -> Vec<&'static str> {
    let mut numbers: Vec<&str> =
        cases.iter().flat_map(|case| case.numbers.split(", ")).filter(|number| number.starts_with("CVE-")).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The corpus for people.
#[must_use]
pub fn page(cases: &[Case]) -> String {
    let inputs: usize = cases.iter().map(|case| case.inputs.len()).sum();
    let mut page = format!(
        "# Hostile bytes\n\n\
         What has brought down, emptied or taken over DICOM servers and libraries, as inputs of our own making: {} published \
         CVEs in {} cases of {inputs} inputs. `sim/src/hostile` makes the bytes from the published descriptions, and \
         `sim/tests/hostile.rs` sends all of them, again and again, to one running archive and holds:\n\n\
         - no process ends: the same processes, started at the same time, serve afterwards;\n\
         - every input is answered as the table says, in bounded time, measured on the connection;\n\
         - the memory of all processes, pixel workers included, grows by at most 128 MiB meanwhile, and neither memory nor \
         open files grow from round to round;\n\
         - no file is made or changed outside the data folder, and no text of a record stands in a log;\n\
         - an honest C-ECHO and an honest search succeed after every input.\n\n\
         This page is made from the table in the test; `SEGEL_GOLDEN=1` writes it anew.\n",
        numbers(cases).len(),
        cases.len()
    );
    for case in cases {
        page.push_str(&format!(
            "\n## {}: {}\n\n{}\n\n| door | what is sent | answer |\n|---|---|---|\n",
            case.numbers, case.software, case.published
        ));
        for input in &case.inputs {
            page.push_str(&format!("| {} | {} | {} |\n", input.sent.door(), input.what, input.expected.words()));
        }
    }
    page
}
