//! How long searches take.

use super::Result;
use super::patient::Patient;
use super::place::{self, Place};
use archive::find::{Level, Matching, Query};
use std::path::Path;
use std::time::Instant;

const PATIENT_NAME: u32 = 0x0010_0010;
const PATIENT_ID: u32 = 0x0010_0020;
const STUDY_DATE: u32 = 0x0008_0020;
const MODALITY: u32 = 0x0008_0061;

/// A kind of question: its name, and the question about some patient.
type Kind = (&'static str, fn(u32) -> Query);

/// Asks each kind of question so many times in turns, and prints the milliseconds.
pub async fn run(data: &Path, rounds: u32) -> Result<()> {
    let Place { service, archive, asker } = place::open(data).await?;
    let patients = u32::try_from(archive.storage().index().counts()?.instances)?.max(1);
    let kinds: [Kind; 5] =
        [("number", number), ("nobody", nobody), ("prefix", prefix), ("week and modality", week), ("all", all)];
    let mut took: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    let mut rows = vec![0; kinds.len()];
    for round in 0..rounds {
        for (place, (_, kind)) in kinds.iter().enumerate() {
            let query = Query { limit: Some(100), ..kind(round.wrapping_mul(7_919) % patients) };
            let began = Instant::now();
            let page = archive.find_page(&asker, &query).await?;
            let milliseconds = began.elapsed().as_secs_f64() * 1e3;
            if let (Some(took), Some(rows)) = (took.get_mut(place), rows.get_mut(place)) {
                took.push(milliseconds);
                *rows += page.rows.len();
            }
        }
    }
    println!("{patients} patients");
    for (((kind, _), mut took), rows) in kinds.iter().zip(took).zip(rows) {
        took.sort_by(f64::total_cmp);
        let at = |share: usize| took.get(took.len().saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN);
        println!("{kind:>18}: p50 {:8.2} ms, p90 {:8.2} ms, {} rows each", at(50), at(90), rows / took.len().max(1));
    }
    drop(archive);
    service.stop().await?;
    Ok(())
}

fn studies(tag: u32, vr: &str, text: &str) -> Query {
    Query::at(Level::Study).with(tag, Matching::parse(vr, text))
}

fn number(n: u32) -> Query {
    studies(PATIENT_ID, "LO", &Patient::new(n).number)
}

fn nobody(n: u32) -> Query {
    studies(PATIENT_ID, "LO", &format!("NONE-{n}"))
}

fn prefix(n: u32) -> Query {
    let letters: String = Patient::new(n).name.chars().take(4).collect();
    studies(PATIENT_NAME, "PN", &format!("{letters}*"))
}

fn week(n: u32) -> Query {
    let patient = Patient::new(n);
    let month = patient.date.get(..6).unwrap_or("202201").to_owned();
    studies(STUDY_DATE, "DA", &format!("{month}08-{month}14")).with(MODALITY, Matching::parse("CS", patient.modality))
}

fn all(_: u32) -> Query {
    Query::at(Level::Study)
}
