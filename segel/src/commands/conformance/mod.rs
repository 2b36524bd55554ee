//! `segel conformance`: the DICOM conformance statement (PS3.2) of this build, in Markdown.
//!
//! What it says in sentences stands in `statement.md`. Wherever a mark `{{...}}` stands there, a table or a number is put in that
//! is taken from the code which runs on it: the door is asked which contexts it accepts, the limits are those of
//! `record::limits`. `docs/conformance.md` is the output, and a test holds it.

mod classes;
mod keys;
mod limit;
mod network;
mod security;
mod syntaxes;
mod table;
mod web;

use anyhow::{Context as _, Result, bail};

/// The sentences.
const STATEMENT: &str = include_str!("statement.md");

/// Prints it.
pub fn run() -> Result<super::Done> {
    use std::io::Write as _;
    std::io::stdout().lock().write_all(statement()?.as_bytes())?;
    Ok(super::Done::Wholly)
}

/// The whole statement.
fn statement() -> Result<String> {
    let mut text = String::new();
    let mut rest = STATEMENT;
    while let Some((before, marked)) = rest.split_once("{{") {
        let (mark, after) = marked.split_once("}}").context("a mark without its end")?;
        text.push_str(before);
        text.push_str(&part(mark)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// What stands for a mark.
fn part(mark: &str) -> Result<String> {
    Ok(match mark {
        "version" => env!("CARGO_PKG_VERSION").to_owned(),
        "implementation class" => crate::dimse::described::IMPLEMENTATION.0.to_owned(),
        "implementation version" => crate::dimse::described::IMPLEMENTATION.1.to_owned(),
        "services" => network::services(),
        "accepted contexts" => network::accepted(),
        "storage classes" => network::storage(),
        "storage syntaxes" => network::storage_syntaxes().to_string(),
        "proposed contexts" => network::proposed(),
        "pulled classes" => network::pulled(),
        "extended negotiation" => network::extended(),
        "store statuses" => network::store_statuses(),
        "find statuses" => network::find_statuses(),
        "retrieve statuses" => network::retrieve_statuses(),
        "commitment statuses" => network::commitment_statuses(),
        "query keys" => keys::query(),
        "worklist keys" => keys::worklist(),
        "worklist mapping" => include_str!("../../worklist/mapping.md").trim_end().to_owned(),
        "transfer syntaxes" => syntaxes::all(),
        "written syntaxes" => syntaxes::written(),
        "pulled syntaxes" => syntaxes::list(super::pull::SYNTAXES),
        "character sets" => security::character_sets(),
        "tls suites" => security::suites(),
        "tls groups" => security::groups(),
        "dicomweb" => web::operations(),
        "configuration" => crate::config::COMMENTED.trim_end().to_owned(),
        other => match limit::of(other) {
            Some(limit) => limit,
            None => bail!("nothing stands for the mark {other}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conformance_statement_in_the_documents_is_what_this_build_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        let said = statement().unwrap();
        let refresh = "refresh it: cargo run -p segel -- conformance > docs/conformance.md";
        for (number, (kept, said)) in kept.lines().zip(said.lines()).enumerate() {
            assert_eq!(kept, said, "docs/conformance.md differs in line {}; {refresh}", number + 1);
        }
        assert_eq!(kept.len(), said.len(), "docs/conformance.md is longer or shorter; {refresh}");
    }

    #[test]
    fn a_mark_that_nothing_stands_for_is_an_error() {
        assert!(part("nothing of that name").is_err());
        assert!(!statement().unwrap().contains("{{"));
    }
}
