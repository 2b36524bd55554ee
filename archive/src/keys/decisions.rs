//! What the key service decides for others than readers: approvers' words, patients' reports, steps of an export.

use super::{KeyClient, unexpected};
use seal::message::export::{ExportAnswer, ExportAsk};
use seal::message::ledger_proof::LedgerProof;
use seal::message::quorum::{QuorumAnswer, QuorumCall};
use seal::message::report::{AccessReport, ReportAsk};
use seal::message::{Answer, Asker, Failure, Request};

impl KeyClient {
    /// Passes an approver's word on. It is signed; nothing here can change it.
    ///
    /// # Errors
    /// Refused for a signature that is no approver's; Busy while the key service is away.
    pub async fn quorum(&self, call: QuorumCall) -> Result<QuorumAnswer, Failure> {
        match self.ask(Request::Quorum(call)).await? {
            Answer::Quorum(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// A patient's access report.
    ///
    /// # Errors
    /// Refused if the asker may not, or there is no such patient; Busy while the key service is away.
    pub async fn report(&self, asker: &Asker, ask: ReportAsk) -> Result<AccessReport, Failure> {
        match self.ask(Request::Report { asker: asker.clone(), ask }).await? {
            Answer::Report(report) => Ok(report),
            other => Err(unexpected(&other)),
        }
    }

    /// The proof of a ledger's entry of the asker's own, to hand out.
    ///
    /// # Errors
    /// Refused if it is not the asker's; Busy until a checkpoint covers it, or while the key service is away.
    pub async fn ledger_proof(&self, asker: &Asker, position: u64) -> Result<LedgerProof, Failure> {
        match self.ask(Request::LedgerProof { asker: asker.clone(), position }).await? {
            Answer::LedgerProof(proof) => Ok(proof),
            other => Err(unexpected(&other)),
        }
    }

    /// One step of an export. Its keys are for that step: none of them stays at hand.
    ///
    /// # Errors
    /// Refused if the export may not run, or no longer; Busy while the key service is away.
    pub async fn export(&self, asker: &Asker, ask: ExportAsk) -> Result<ExportAnswer, Failure> {
        match self.ask(Request::Export { asker: asker.clone(), ask }).await? {
            Answer::Export(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }
}
