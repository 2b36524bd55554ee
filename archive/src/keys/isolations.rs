//! What the key service is asked and told about isolation, and about who vouches for a relation.

use super::{KeyClient, unexpected};
use record::{Pseudonym, limits};
use seal::message::isolation::{IsolationReport, IsolationRule};
use seal::message::{Answer, Asker, Failure, Request};

impl KeyClient {
    /// Tells how far this node is with isolations, and hears of all that there are.
    ///
    /// # Errors
    /// Busy while the key service is away.
    pub async fn isolations(&self, reports: Vec<IsolationReport>) -> Result<Vec<IsolationRule>, Failure> {
        match self.ask(Request::Isolations(reports)).await? {
            Answer::Isolations(rules) => Ok(rules),
            other => Err(unexpected(&other)),
        }
    }

    /// For each patient, in order, whether the relation of the asker's facility stands by others than the asker.
    ///
    /// # Errors
    /// Refused if the asker is nobody; Busy while the key service is away.
    pub async fn confirmed(&self, asker: &Asker, patients: &[Pseudonym]) -> Result<Vec<bool>, Failure> {
        let mut all = Vec::with_capacity(patients.len());
        for batch in patients.chunks(limits::MESSAGE_ITEMS_MAX) {
            match self.ask(Request::Confirmed { asker: asker.clone(), patients: batch.to_vec() }).await? {
                Answer::Confirmed(confirmed) if confirmed.len() == batch.len() => all.extend(confirmed),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(all)
    }
}
