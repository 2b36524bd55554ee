//! C-STORE: Segel, which seals, logs and syncs before it answers, beside `dcmqrscp`, which does none of these.

use super::folder::Folder;
use super::servers::{self, Dcmqrscp, Segel};
use super::spread::Spread;
use super::{clients, machine, sample};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::time::Duration;

const ASSOCIATIONS: [usize; 2] = [1, 4];
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
    let areas = rounds * u32::try_from(ASSOCIATIONS.len())?;
    let dcmqrscp = Dcmqrscp::start(folder.path(), areas + 1)?;
    // The first instance of an archive pays for what later ones find ready.
    let warm = sample::write(&folder.below("warm")?, 0, 8)?;
    clients::store(&segel.door, &warm, 1)?;
    clients::store(&dcmqrscp.door(areas), &warm, 1)?;
    let mut measured = [Rates::default(), Rates::default()];
    let mut area = 0;
    for round in 0..rounds {
        for (rates, associations) in measured.iter_mut().zip(ASSOCIATIONS) {
            let files = sample::write(&folder.below(&format!("in{area}"))?, 8 + area * instances, instances)?;
            let rate = |took: Duration| f64::from(instances) / took.as_secs_f64();
            let to_segel = |files: &[PathBuf]| clients::store(&segel.door, files, associations).map(rate);
            let to_dcmqrscp = |files: &[PathBuf]| clients::store(&dcmqrscp.door(area), files, associations).map(rate);
            if round % 2 == 0 {
                rates.segel.push(to_segel(&files)?);
                rates.dcmqrscp.push(to_dcmqrscp(&files)?);
            } else {
                rates.dcmqrscp.push(to_dcmqrscp(&files)?);
                rates.segel.push(to_segel(&files)?);
            }
            rates.disk.push(rate(machine::durable_writes(folder.path(), INSTANCE_BYTES, instances)?));
            if dcmqrscp.held(area)? != usize::try_from(instances)? {
                bail!("dcmqrscp holds {} of {instances} instances", dcmqrscp.held(area)?);
            }
            area += 1;
        }
    }
    let last = sample::number(8 + areas * instances - 1);
    clients::search(&segel, &format!("PatientID={last}"), 1)?;
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
