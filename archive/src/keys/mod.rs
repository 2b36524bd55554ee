//! The client of the key service: the only way to a pseudonym, a token or a data key.
//!
//! While the key service is away every call fails within `limits::KEY_CONNECT_MS_MAX` with [`Outcome::Busy`]; the next
//! call tries to connect again, so nothing has to be restarted in any order. A call that was under way when the
//! connection broke is not repeated: the key service may have logged it, and only the caller knows whether to ask again.

mod closings;
mod connection;
mod decisions;
mod endpoint;
mod isolations;
mod known;
mod leases;
mod opens_nothing;

pub use endpoint::Endpoint;

use connection::{Connection, Lost};
use known::Known;
use leases::Leases;
use record::{Outcome, Pseudonym, Purpose, Term, Token, limits};
use seal::message::break_glass::{GlassAnswer, GlassAsk};
use seal::message::canary::Planting;
use seal::message::custody::Basis;
use seal::message::relate::{LabelRequest, Noted, RelateRequest, RelationChange};
use seal::message::step_up::{StepUpAsk, StepUpEntry};
use seal::message::{AdmitItem, Admitted, Answer, Asker, Failure, Part, ReleaseItem, Released, Request, Who};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};

/// After a failed attempt the next callers are refused at once for this long, instead of each waiting for its own timeout.
const COOLING_MS: u64 = 100;

/// Speaks with the key service. Clones share one connection.
#[derive(Clone)]
pub struct KeyClient {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: Endpoint,
    in_flight: Semaphore,
    link: Mutex<Link>,
    known: Known,
    leases: Leases,
    heard: closings::Heard,
}

/// The connection as it was last seen.
#[derive(Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    failed: Option<Instant>,
}

impl KeyClient {
    /// A client of the key service at `endpoint`. Nothing is connected before the first call.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with_lease(endpoint, Duration::from_millis(limits::LEASE_MS_MAX))
    }

    /// A client that holds released content keys for `lease`, at most `limits::LEASE_MS_MAX`. Without any, every request
    /// is a release of its own.
    #[must_use]
    pub fn with_lease(endpoint: Endpoint, lease: Duration) -> Self {
        let in_flight = Semaphore::new(limits::KEY_CALLS_IN_FLIGHT_MAX);
        let (known, leases) = (Known::default(), Leases::new(lease));
        Self {
            shared: Arc::new(Shared {
                endpoint,
                in_flight,
                link: Mutex::default(),
                known,
                leases,
                heard: closings::Heard::default(),
            }),
        }
    }

    /// Who is this asker?
    ///
    /// # Errors
    /// Refused if the proof does not hold; Busy while the key service is away.
    pub async fn authenticate(&self, asker: &Asker) -> Result<Who, Failure> {
        if let Some(who) = self.shared.known.get(asker, Instant::now())
            && self.is_connected().await
        {
            return Ok(who);
        }
        match self.ask(Request::Authenticate(asker.clone())).await {
            Ok(Answer::Who(who)) => {
                self.shared.known.put(asker, &who, Instant::now());
                Ok(who)
            }
            Ok(other) => Err(unexpected(&other)),
            Err(failure) => Err(self.refused(asker, failure)),
        }
    }

    /// Whoever is refused outright has nothing at hand any more.
    fn refused(&self, asker: &Asker, failure: Failure) -> Failure {
        if failure.outcome == Outcome::Refused {
            self.shared.known.forget(asker);
            self.shared.leases.forget_asker(asker);
        }
        failure
    }

    /// Takes objects in, all or none, in order. One message carries them all, because only one message is one decision.
    ///
    /// # Errors
    /// Refused if the asker may not; Invalid if they are more than one message holds; Busy while the key service is away.
    pub async fn admit(&self, asker: &Asker, items: Vec<AdmitItem>) -> Result<Vec<Admitted>, Failure> {
        let count = items.len();
        if count > limits::MESSAGE_ITEMS_MAX {
            return Err(failure(Outcome::Invalid, "more objects than one message of the key service holds"));
        }
        match self.ask(Request::Admit { asker: asker.clone(), items }).await? {
            Answer::Admitted(admitted) if admitted.len() == count => Ok(admitted),
            other => Err(unexpected(&other)),
        }
    }

    /// Search terms to the tokens that stand for each, in order; `None` for a term that too many stand for.
    ///
    /// # Errors
    /// Refused if the asker may not; Busy while the key service is away.
    pub async fn tokens(&self, asker: &Asker, terms: &[Term]) -> Result<Vec<Option<Vec<Token>>>, Failure> {
        let mut all = Vec::with_capacity(terms.len());
        for batch in terms.chunks(limits::MESSAGE_ITEMS_MAX) {
            match self.ask(Request::Tokens { asker: asker.clone(), terms: batch.to_vec() }).await? {
                Answer::Tokens(tokens) if tokens.len() == batch.len() => all.extend(tokens),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(all)
    }

    /// Wrapped keys to data keys, in order; each may be refused alone. Content keys that this asker was given a moment ago
    /// are at hand; the others are released, and logged, now.
    ///
    /// # Errors
    /// Refused if the asker is nobody; Busy while the key service is away.
    pub async fn release(&self, asker: &Asker, part: Part, items: &[ReleaseItem]) -> Result<Vec<Released>, Failure> {
        if part == Part::Summary {
            return self.release_now(asker, part, items).await;
        }
        // A lease is nobody's who is not known now, by this request's own proof.
        self.authenticate(asker).await?;
        let at_hand = self.shared.leases.get(asker, items, Instant::now());
        let missing: Vec<ReleaseItem> =
            items.iter().zip(&at_hand).filter(|(_, key)| key.is_none()).map(|(item, _)| item.clone()).collect();
        let mut now = Vec::new();
        if !missing.is_empty() {
            let heard = self.listen().await?;
            now = self.release_now(asker, part, &missing).await.map_err(|failure| self.refused(asker, failure))?;
            let moment = Instant::now();
            for (item, released) in missing.iter().zip(&now) {
                if let Released::Key(key) = released
                    && self.shared.heard.stands(heard)
                {
                    self.shared.leases.put(asker, item, key, moment);
                }
            }
        }
        let mut now = now.into_iter();
        let merged = at_hand.into_iter().map(|key| key.map_or_else(|| now.next(), |key| Some(Released::Key(key))));
        Ok(merged.map(|released| released.unwrap_or(Released::Refused)).collect())
    }

    async fn release_now(&self, asker: &Asker, part: Part, items: &[ReleaseItem]) -> Result<Vec<Released>, Failure> {
        let mut all = Vec::with_capacity(items.len());
        for batch in items.chunks(limits::MESSAGE_ITEMS_MAX) {
            match self.ask(Request::Release { asker: asker.clone(), part, items: batch.to_vec() }).await? {
                Answer::Released(released) if released.len() == batch.len() => all.extend(released),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(all)
    }

    /// The canary that is due to be planted, if one is.
    ///
    /// # Errors
    /// Busy while the key service is away.
    pub async fn planting(&self) -> Result<Option<Planting>, Failure> {
        match self.ask(Request::Planting).await? {
            Answer::Planting(planting) => Ok(planting),
            other => Err(unexpected(&other)),
        }
    }

    /// Whether bytes that arrived are those that were kept.
    ///
    /// # Errors
    /// Refused if the kept object is not the asker's; Busy while the key service is away.
    pub async fn compare(
        &self,
        asker: &Asker,
        kept: ReleaseItem,
        commitment: [u8; 32],
        arrived: [u8; 32],
    ) -> Result<bool, Failure> {
        match self.ask(Request::Compare { asker: asker.clone(), kept, commitment, arrived }).await? {
            Answer::Same(same) => Ok(same),
            other => Err(unexpected(&other)),
        }
    }

    /// A colleague's word on the spot: asks, approves, or lists.
    ///
    /// # Errors
    /// Refused if the asker may not; Busy while the key service is away.
    pub async fn step_up(&self, asker: &Asker, ask: StepUpAsk) -> Result<Vec<StepUpEntry>, Failure> {
        match self.ask(Request::StepUp { asker: asker.clone(), ask }).await? {
            Answer::StepUp(entries) => Ok(entries),
            other => Err(unexpected(&other)),
        }
    }

    /// An emergency: declares it, lists or reviews.
    ///
    /// # Errors
    /// Refused if the asker may not; Exhausted if it did so too often; Busy while the key service is away.
    pub async fn glass(&self, asker: &Asker, ask: GlassAsk) -> Result<GlassAnswer, Failure> {
        match self.ask(Request::BreakGlass { asker: asker.clone(), ask }).await? {
            Answer::Glass(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// The patients whose records an asker has opened in an emergency, if it asks as in one: nothing else gives it the right
    /// to look then, so it finds these and nobody else.
    ///
    /// # Errors
    /// As [`KeyClient::glass`].
    pub async fn in_emergency(&self, asker: &Asker) -> Result<Option<Vec<Pseudonym>>, Failure> {
        if asker.purpose != Purpose::BreakGlass {
            return Ok(None);
        }
        match self.glass(asker, GlassAsk::Open).await? {
            GlassAnswer::Broken { patients, .. } => Ok(Some(patients)),
            GlassAnswer::Queue(_) => {
                Err(failure(Outcome::Damaged, "the key service answered something else than was asked"))
            }
        }
    }

    /// The certificate of an erasure, as JSON.
    ///
    /// # Errors
    /// Refused if there is none for this asker; Busy until a checkpoint covers it.
    pub async fn certificate(&self, asker: &Asker, patient: Pseudonym) -> Result<String, Failure> {
        match self.ask(Request::Certificate { asker: asker.clone(), patient }).await? {
            Answer::Certificate(certificate) => Ok(certificate),
            other => Err(unexpected(&other)),
        }
    }

    /// Destroys a patient's secret; the ledger entry that certifies it.
    ///
    /// # Errors
    /// Refused if the asker may not; Busy while the key service is away.
    pub async fn erase(
        &self,
        asker: &Asker,
        patient: Pseudonym,
        reason: &str,
        basis: Option<Basis>,
    ) -> Result<u64, Failure> {
        match self.ask(Request::Erase { asker: asker.clone(), patient, reason: reason.to_owned(), basis }).await? {
            Answer::Erased(entry) => {
                self.shared.leases.forget_patient(patient);
                Ok(entry)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Changes who else may look at a patient.
    ///
    /// # Errors
    /// Refused if the asker may not; Exhausted after too many in a day; Invalid for a facility that is none; Busy while the
    /// key service is away.
    pub async fn relate(&self, asker: &Asker, patient: Pseudonym, change: RelationChange) -> Result<Noted, Failure> {
        match self.ask(Request::Relate(RelateRequest { asker: asker.clone(), patient, change })).await? {
            Answer::Noted(noted) => Ok(noted),
            other => Err(unexpected(&other)),
        }
    }

    /// Sets and takes away labels of a kept object. Nobody's keys to it stay at hand.
    ///
    /// # Errors
    /// Refused if the asker may not; Busy while the key service is away.
    pub async fn label(&self, request: LabelRequest) -> Result<Noted, Failure> {
        let patient = request.patient;
        match self.ask(Request::Label(request)).await? {
            Answer::Noted(noted) => {
                self.shared.leases.forget_patient(patient);
                Ok(noted)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// One request, one answer, within the deadline and the bound of calls under way.
    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let answered = tokio::time::timeout(Duration::from_millis(limits::KEY_CALL_MS_MAX), async {
            let _turn = self.shared.in_flight.acquire().await.map_err(|_| failure(Outcome::Closed, "shutting down"))?;
            let connection = self.connection().await?;
            connection.call(request).await.map_err(|lost| match lost {
                Lost::TooLarge => failure(Outcome::Invalid, "more than one message of the key service holds"),
                Lost::Closed => away(),
            })
        });
        match answered.await {
            Ok(Ok(Answer::Failed(failure))) => Err(failure),
            Ok(answer) => answer,
            Err(_) => Err(failure(Outcome::Busy, "the key service did not answer in time")),
        }
    }

    /// While the key service is away nobody is known: what would follow needs it anyway.
    async fn is_connected(&self) -> bool {
        self.shared.link.lock().await.connection.as_ref().is_some_and(|connection| !connection.is_closed())
    }

    /// The live connection, or a new one.
    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        // While one caller connects the others wait here for its result, which is bounded by the connect timeout.
        let mut link = self.shared.link.lock().await;
        if let Some(connection) = link.connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        link.connection = None;
        if link.failed.is_some_and(|failed| failed.elapsed() < Duration::from_millis(COOLING_MS)) {
            return Err(away());
        }
        let connecting =
            tokio::time::timeout(Duration::from_millis(limits::KEY_CONNECT_MS_MAX), self.shared.endpoint.connect());
        let connection = match connecting.await {
            Ok(Ok(connection)) => Arc::new(connection),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the key service is away");
                link.failed = Some(Instant::now());
                return Err(away());
            }
            Err(_) => {
                tracing::warn!("the key service does not accept connections");
                link.failed = Some(Instant::now());
                return Err(away());
            }
        };
        link.failed = None;
        link.connection = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

fn failure(outcome: Outcome, text: &str) -> Failure {
    Failure { outcome, text: text.to_owned(), retry_after_seconds: None }
}

fn away() -> Failure {
    failure(Outcome::Busy, "the key service is away")
}

/// An answer of another kind or length than the question: the two programs do not fit together.
fn unexpected(answer: &Answer) -> Failure {
    match answer {
        Answer::Failed(failure) => failure.clone(),
        _ => failure(Outcome::Damaged, "the key service answered something else than was asked"),
    }
}

#[cfg(test)]
mod tests;
