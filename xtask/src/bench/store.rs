//! C-STORE: Segel, which seals, logs and syncs before it answers, beside `dcmqrscp`, which does none of these.

use super::clients::Door;
use super::folder::Folder;
use super::servers::{self, Dcmqrscp, Segel};
use super::spread::Spread;
use super::{clients, machine, sample};
use anyhow::{Result, bail};
use std::time::Duration;

const ASSOCIATIONS: [u32; 2] = [1, 4];
const WARM: u32 = 8;
const INSTANCE_BYTES: usize = 120_000;

/// Instances per second, round by round.
#[derive(Default)]
struct Rates {
    segel: Vec<f64>,
    dcmqrscp: Vec<f64>,
    disk: Vec<f64>,
}

/// Every round sends the same new files to both, in turns first.
pub fn run(rounds: u32, instances: u32) -> Result<()> {
    servers::build()?;
    let folder = Folder::new()?;
    machine::print()?;
    machine::print_sync_cost(folder.path())?;
    let segel = Segel::start(folder.path())?;
    let areas = rounds * ASSOCIATIONS.iter().sum::<u32>();
    let dcmqrscp = Dcmqrscp::start(folder.path(), areas + 1)?;
    // The first instance of an archive pays for what later ones find ready.
    let warm = sample::write(&folder.below("warm")?, 0, WARM)?;
    clients::store(std::slice::from_ref(&segel.door), &warm)?;
    clients::store(&[dcmqrscp.door(areas)], &warm)?;
    let mut measured = [Rates::default(), Rates::default()];
    let (mut patient, mut area) = (WARM, 0);
    for round in 0..rounds {
        for (rates, associations) in measured.iter_mut().zip(ASSOCIATIONS) {
            let files = sample::write(&folder.below(&patient.to_string())?, patient, instances)?;
            let theirs: Vec<Door> = (area..area + associations).map(|area| dcmqrscp.door(area)).collect();
            let ours: Vec<Door> = theirs.iter().map(|_| segel.door.clone()).collect();
            let rate = |took: Duration| f64::from(instances) / took.as_secs_f64();
            if round % 2 == 0 {
                rates.segel.push(rate(clients::store(&ours, &files)?));
            }
            rates.dcmqrscp.push(rate(clients::store(&theirs, &files)?));
            if round % 2 == 1 {
                rates.segel.push(rate(clients::store(&ours, &files)?));
            }
            rates.disk.push(rate(machine::durable_writes(folder.path(), INSTANCE_BYTES, instances)?));
            let held = (area..area + associations).map(|area| dcmqrscp.held(area)).sum::<Result<usize>>()?;
            if held != files.len() {
                bail!("dcmqrscp holds {held} of {instances} instances");
            }
            patient += instances;
            area += associations;
        }
    }
    clients::search(&segel, &format!("PatientID={}", sample::number(patient - 1)), 1)?;
    print(&measured);
    println!("\nload average at the end {}", machine::load()?);
    Ok(())
}

fn print(measured: &[Rates]) {
    println!("\n| Associations | Segel, instances/s | dcmqrscp, instances/s | Segel : dcmqrscp | Segel : disk |");
    println!("|---|---|---|---|---|");
    for (rates, associations) in measured.iter().zip(ASSOCIATIONS) {
        println!(
            "| {associations} | {} | {} | **{}** | {} |",
            Spread::of(&rates.segel).digits(0),
            Spread::of(&rates.dcmqrscp).digits(0),
            Spread::of_ratios(&rates.segel, &rates.dcmqrscp).digits(2),
            Spread::of_ratios(&rates.segel, &rates.disk).digits(2),
        );
    }
    let disk: Vec<f64> = measured.iter().flat_map(|rates| rates.disk.iter().copied()).collect();
    println!("\ndisk (120 KB appended and fdatasync, one after the other): {} per second", Spread::of(&disk).digits(0));
}
