//! The adversary: what each theft or break-in yields, as a figure.
//!
//! `sim/tests/attack.rs` runs an attack for each row of the threat model's table against the real programs and prints a
//! [`Finding`]; `cargo xtask attack` gathers them.

pub mod administrator;
pub mod copied;
pub mod frequency;
pub mod guess;
pub mod readable;
pub mod segments;
pub mod thief;
pub mod world;

use serde_json::json;

/// What one attack yielded, held against what it may yield.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The compromise, as the table names it.
    pub row: &'static str,
    /// Which of its ways was tried.
    pub way: &'static str,
    /// What was found, in the unit that `unit` names.
    pub yielded: f64,
    /// The most that may be found.
    pub limit: f64,
    /// What is counted: `patients`, `points`, ...
    pub unit: &'static str,
    /// What else there is to say; for a row that is not met, why.
    pub note: String,
}

impl Finding {
    /// Whether the row is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.yielded <= self.limit
    }

    /// Prints the finding as one line that `cargo xtask attack` understands.
    pub fn print(&self) {
        let line = json!({
            "row": self.row, "way": self.way, "yielded": self.yielded, "limit": self.limit, "unit": self.unit,
            "met": self.is_met(), "note": self.note,
        });
        println!("ATTACK {line}");
    }

    /// Prints the finding; an attack that yields more than it may fails its test.
    ///
    /// # Panics
    /// If the row is not met.
    pub fn must_be_met(&self) {
        self.print();
        assert!(self.is_met(), "{}, {}: {} {} of at most {}", self.row, self.way, self.yielded, self.unit, self.limit);
    }
}
