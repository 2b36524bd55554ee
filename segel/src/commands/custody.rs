//! `segel admin hold`, `lift` and `holds`: records that nothing but a court ends.

use clap::Args;
use record::Pseudonym;
use seal::message::custody::{CustodyAnswer, CustodyRequest};
use serde_json::json;

/// A patient and a reason.
#[derive(Args)]
pub struct Held {
    /// The patient, as the archive calls it (32 hexadecimal digits).
    #[arg(value_parser = pseudonym)]
    patient: Pseudonym,
    /// Why, for the ledger. It is sealed there.
    #[arg(long)]
    reason: String,
}

fn pseudonym(text: &str) -> Result<Pseudonym, String> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "a patient has 32 hexadecimal digits".to_owned())?;
    Ok(Pseudonym(bytes))
}

impl Held {
    /// The order to hold.
    pub fn hold(self) -> CustodyRequest {
        CustodyRequest::Hold { patient: self.patient, reason: self.reason }
    }

    /// The order to hold no longer.
    pub fn lift(self) -> CustodyRequest {
        CustodyRequest::Lift { patient: self.patient, reason: self.reason }
    }
}

/// Prints the holds.
pub fn print(answer: &CustodyAnswer, as_json: bool) {
    let CustodyAnswer::Holds(held) = answer;
    let since = |at| jiff::Timestamp::from_microsecond(at).map_or_else(|_| "?".into(), |at| at.to_string());
    if as_json {
        let held = held
            .iter()
            .map(|one| json!({"patient": one.patient.to_hex(), "since": since(one.since), "reason": one.reason}));
        println!("{}", json!(held.collect::<Vec<_>>()));
        return;
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["patient", "since", "why"]);
    for one in held {
        table.add_row([one.patient.to_hex(), since(one.since), one.reason.clone()]);
    }
    println!("{table}");
}
