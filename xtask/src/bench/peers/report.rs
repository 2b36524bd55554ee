//! The table, and the same as JSON.

use crate::bench::spread::Spread;
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;

/// What a row must reach.
#[derive(Clone, Copy)]
pub enum Target {
    /// Segel's figure over the best peer's, at least: rates.
    AtLeast(f64),
    /// Segel's figure over the best peer's, at most: times.
    AtMost(f64),
    /// Segel's figure itself, at most.
    Absolute(f64),
    /// Told for understanding.
    None,
}

/// One archive's figures, round by round.
pub struct Figures {
    /// Which archive.
    pub of: &'static str,
    /// Whether the best of these is what Segel is held against.
    pub peer: bool,
    /// One each round.
    pub rounds: Vec<f64>,
}

/// One line of the table.
pub struct Line {
    /// What was measured.
    pub what: String,
    /// In which unit.
    pub unit: &'static str,
    /// Decimals that mean something.
    pub digits: usize,
    /// Segel first.
    pub figures: Vec<Figures>,
    /// What it must reach.
    pub target: Target,
}

/// All lines, in the order of the run.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Line {
    fn ours(&self) -> &[f64] {
        self.figures.first().map_or(&[], |figures| &figures.rounds)
    }

    /// The best peer: the highest median of rates, the lowest of times.
    fn best(&self) -> Option<&Figures> {
        let peers = self.figures.iter().filter(|figures| figures.peer && !figures.rounds.is_empty());
        let median = |figures: &&Figures| Spread::of(&figures.rounds).median;
        match self.target {
            Target::AtLeast(_) => peers.max_by(|a, b| median(a).total_cmp(&median(b))),
            _ => peers.min_by(|a, b| median(a).total_cmp(&median(b))),
        }
    }

    /// The ratio of the medians, and the ratios of the rounds as its spread.
    fn ratio(&self) -> Option<(f64, Spread)> {
        let best = self.best()?;
        let of_medians = Spread::of(self.ours()).median / Spread::of(&best.rounds).median;
        Some((of_medians, Spread::of_ratios(self.ours(), &best.rounds)))
    }

    /// Whether the target is reached, and in words.
    fn verdict(&self) -> (Option<bool>, String) {
        let ratio = self.ratio().map(|(ratio, _)| ratio);
        let said = |reached: bool| if reached { "reached" } else { "**not reached**" };
        match (self.target, ratio) {
            (Target::AtLeast(least), Some(ratio)) => {
                (Some(ratio >= least), format!(">= {least} x: {}", said(ratio >= least)))
            }
            (Target::AtMost(most), Some(ratio)) => {
                (Some(ratio <= most), format!("<= {most} x: {}", said(ratio <= most)))
            }
            (Target::Absolute(most), _) => {
                let reached = Spread::of(self.ours()).median <= most;
                (Some(reached), format!("<= {most} {}: {}", self.unit, said(reached)))
            }
            _ => (None, String::new()),
        }
    }

    fn markdown(&self) -> String {
        let cells: Vec<String> = self
            .figures
            .iter()
            .map(|figures| format!("{}: {}", figures.of, Spread::of(&figures.rounds).digits(self.digits)))
            .collect();
        let ratio = self.ratio().map_or_else(String::new, |(ratio, spread)| {
            let against = self.best().map_or("", |best| best.of);
            format!("**{ratio:.2}** [{:.2} to {:.2}] of {against}", spread.least, spread.most)
        });
        let (ours, theirs) = cells.split_first().map_or(("", String::new()), |(ours, theirs)| {
            (ours.split_once(": ").map_or(ours.as_str(), |(_, value)| value), theirs.join("<br>"))
        });
        format!("| {}, {} | {ours} | {theirs} | {ratio} | {} |", self.what, self.unit, self.verdict().1)
    }

    fn json(&self) -> Value {
        let figures = self.figures.iter().map(|figures| {
            let median = Spread::of(&figures.rounds).median;
            json!({"of": figures.of, "peer": figures.peer, "median": median, "rounds": figures.rounds})
        });
        json!({
            "what": self.what, "unit": self.unit, "figures": figures.collect::<Vec<_>>(),
            "ratio": self.ratio().map(|(ratio, _)| ratio), "against": self.best().map(|best| best.of),
            "reached": self.verdict().0, "verdict": self.verdict().1,
        })
    }
}

impl Report {
    /// Adds a line and shows it at once: a long run tells early what it found.
    pub fn add(&mut self, line: Line) {
        println!("{}", line.markdown());
        self.lines.push(line);
    }

    /// Adds a sentence that belongs under the table.
    pub fn note(&mut self, note: String) {
        println!("{note}");
        self.notes.push(note);
    }

    /// The table.
    pub fn print(&self) {
        println!("\n| Work | Segel | Peers | Segel : best peer | Target |");
        println!("|---|---|---|---|---|");
        for line in &self.lines {
            println!("{}", line.markdown());
        }
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
    }

    /// The same for programs.
    pub fn write(&self, to: &Path) -> Result<()> {
        let lines: Vec<Value> = self.lines.iter().map(Line::json).collect();
        std::fs::write(to, serde_json::to_string_pretty(&json!({"lines": lines, "notes": self.notes}))?)?;
        Ok(())
    }
}
