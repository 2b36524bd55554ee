//! Search by PatientID, which Segel does on tokens and answers from records it opens for this one search.

use super::folder::Folder;
use super::servers::{self, Dcmqrscp, Segel};
use super::spread::Spread;
use super::{clients, machine, sample};
use anyhow::Result;
use std::time::Duration;

/// Medians of each round, in milliseconds.
#[derive(Default)]
struct Medians {
    segel_find: Vec<f64>,
    dcmqrscp_find: Vec<f64>,
    segel_echo: Vec<f64>,
    dcmqrscp_echo: Vec<f64>,
    web_hit: Vec<f64>,
    web_miss: Vec<f64>,
}

/// Fills both archives with the same patients, then searches in turns.
pub fn run(rounds: u32, patients: u32, searches: u32) -> Result<()> {
    servers::build()?;
    let folder = Folder::new()?;
    machine::print()?;
    machine::print_sync_cost(folder.path())?;
    let segel = Segel::start(folder.path())?;
    let dcmqrscp = Dcmqrscp::start(folder.path(), 1)?;
    let files = sample::write(&folder.below("in")?, 0, patients)?;
    clients::store(std::slice::from_ref(&segel.door), &files)?;
    clients::store(&[dcmqrscp.door(0)], &files)?;
    round(&segel, &dcmqrscp, patients, 3, &mut Medians::default())?;
    let mut medians = Medians::default();
    for _ in 0..rounds {
        round(&segel, &dcmqrscp, patients, searches, &mut medians)?;
    }
    print(&medians);
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}

fn round(segel: &Segel, dcmqrscp: &Dcmqrscp, patients: u32, searches: u32, medians: &mut Medians) -> Result<()> {
    let theirs = dcmqrscp.door(0);
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let mut once = Medians::default();
    for n in 0..searches {
        // Another patient every time, spread over all of them.
        let number = sample::number(n * 7_919 % patients);
        once.segel_find.push(ms(clients::find(&segel.door, &number)?));
        once.dcmqrscp_find.push(ms(clients::find(&theirs, &number)?));
        once.segel_echo.push(ms(clients::echo(&segel.door)?));
        once.dcmqrscp_echo.push(ms(clients::echo(&theirs)?));
        once.web_hit.push(clients::search(segel, &format!("PatientID={number}"), 1)? * 1e3);
        once.web_miss.push(clients::search(segel, &format!("PatientID=NONE{n}"), 0)? * 1e3);
    }
    let median = |measured: &[f64]| Spread::of(measured).median;
    medians.segel_find.push(median(&once.segel_find));
    medians.dcmqrscp_find.push(median(&once.dcmqrscp_find));
    medians.segel_echo.push(median(&once.segel_echo));
    medians.dcmqrscp_echo.push(median(&once.dcmqrscp_echo));
    medians.web_hit.push(median(&once.web_hit));
    medians.web_miss.push(median(&once.web_miss));
    Ok(())
}

fn print(medians: &Medians) {
    println!("\n| | Segel, ms | dcmqrscp, ms | Segel : dcmqrscp |");
    println!("|---|---|---|---|");
    let row = |what: &str, ours: &[f64], theirs: &[f64]| {
        let ratio = Spread::of_ratios(ours, theirs).digits(2);
        println!("| {what} | {} | {} | **{ratio}** |", Spread::of(ours).digits(1), Spread::of(theirs).digits(1));
    };
    row("C-FIND by PatientID (`findscu`, whole process)", &medians.segel_find, &medians.dcmqrscp_find);
    row("C-ECHO (`echoscu`, whole process)", &medians.segel_echo, &medians.dcmqrscp_echo);
    let less = |find: &[f64], echo: &[f64]| find.iter().zip(echo).map(|(find, echo)| find - echo).collect::<Vec<f64>>();
    row(
        "The search alone (C-FIND less C-ECHO)",
        &less(&medians.segel_find, &medians.segel_echo),
        &less(&medians.dcmqrscp_find, &medians.dcmqrscp_echo),
    );
    println!("| DICOMweb by PatientID, one study | {} | none | |", Spread::of(&medians.web_hit).digits(1));
    println!("| DICOMweb by PatientID, nobody | {} | none | |", Spread::of(&medians.web_miss).digits(1));
}
