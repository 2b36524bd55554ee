//! Calls that open no record: signing in and out, what is known of peers, the ledger's checkpoint.

use super::{KeyClient, unexpected};
use seal::message::{Answer, Asker, Certificate, Failure, PeerAddress, Request, SignIn, SignInAnswer};

impl KeyClient {
    /// The ledger's newest signed checkpoint.
    ///
    /// # Errors
    /// Busy while the key service is away.
    pub async fn checkpoint(&self) -> Result<String, Failure> {
        match self.ask(Request::Checkpoint).await? {
            Answer::Checkpoint(note) => Ok(note),
            other => Err(unexpected(&other)),
        }
    }

    /// The certificates that DIMSE peers may present.
    ///
    /// # Errors
    /// Busy while the key service is away.
    pub async fn certificates(&self) -> Result<Vec<Certificate>, Failure> {
        match self.ask(Request::Certificates).await? {
            Answer::Certificates(certificates) => Ok(certificates),
            other => Err(unexpected(&other)),
        }
    }

    /// Where a registered DIMSE peer listens.
    ///
    /// # Errors
    /// Refused if the asker is nobody, or no peer of this AE title is registered with an address; Busy while the key
    /// service is away.
    pub async fn peer(&self, asker: &Asker, ae_title: &str) -> Result<PeerAddress, Failure> {
        match self.ask(Request::Peer { asker: asker.clone(), ae_title: ae_title.to_owned() }).await? {
            Answer::Peer(address) => Ok(address),
            other => Err(unexpected(&other)),
        }
    }

    /// One step of signing somebody in or out.
    ///
    /// # Errors
    /// Refused, whatever does not hold; Busy while the key service is away.
    pub async fn sign_in(&self, question: SignIn) -> Result<SignInAnswer, Failure> {
        match self.ask(Request::SignIn(question)).await? {
            Answer::SignIn(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }
}
