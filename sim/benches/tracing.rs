//! The figures of tracing as a table: `cargo xtask bench trace`, and `--long` for as many leaks as the figures need.

use sim::leak::figures::{self, Figure};
use sim::leak::picture_figures;
use sim::leak::pictures::{self, Attack};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let is_long = std::env::args().any(|argument| argument == "--long");
    let seed = sim::random::seed();
    let amount = |short: u64, long: u64| if is_long { long } else { short };
    println!("SEGEL_SEED={seed}\n| what | reach | measured | |\n|---|---|---|---|");
    figures::named_by_bits(amount(40, 600), seed)?.iter().for_each(print);
    print(&figures::named_by_tags(amount(100, 600), seed)?);
    print(&figures::innocents(amount(100_000, 1_000_000), seed)?);
    print(&figures::dated(amount(200, 1000), seed));
    let records = if is_long { 6_000_000 } else { 600_000 };
    figures::sent(records, amount(1, 3), seed).iter().for_each(print);
    pictures(is_long, seed)
}

/// Marked and leaked pictures, over the half of the real films that nothing was tuned on.
fn pictures(is_long: bool, seed: u64) -> pictures::Result<()> {
    let Some(folder) = picture_figures::folder() else {
        println!("| pictures | | SKIPPED: there are no radiographs (set SEGEL_RADIOGRAPHS) | **not met** |");
        return Ok(());
    };
    let films = picture_figures::films(&folder)?;
    let unseen = picture_figures::unseen(&films);
    let some: Vec<_> = unseen.iter().step_by(if is_long { 1 } else { 10 }).cloned().collect();
    let attacks =
        if is_long { Attack::ALL.to_vec() } else { vec![Attack::Chain(50, 0.1), Attack::Screenshot, Attack::Phone] };
    picture_figures::previews(&some, &attacks, seed)?.iter().for_each(print);
    picture_figures::colluders(&some)?.iter().for_each(print);
    let (step, strangers) = if is_long { (2, 9_900) } else { (4, 800) };
    picture_figures::found_again(&films, step, strangers, seed)?.iter().for_each(print);
    Ok(())
}

fn print(figure: &Figure) {
    let Figure { what, reach, measured, is_met } = figure;
    println!("| {what} | {reach} | {measured} | {} |", if *is_met { "met" } else { "**not met**" });
}
