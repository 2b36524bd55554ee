//! The figures of tracing as a table: `cargo xtask bench trace`, and `--long` for as many leaks as the figures need.

use sim::leak::figures::{self, Figure};

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
    Ok(())
}

fn print(figure: &Figure) {
    let Figure { what, reach, measured, is_met } = figure;
    println!("| {what} | {reach} | {measured} | {} |", if *is_met { "met" } else { "**not met**" });
}
