//! From a message to its answer. What needs no writing is answered here; the rest goes to the writer.

use crate::alarm;
use crate::authenticate::{self, Known, Presented, under_way};
use crate::custody;
use crate::error::{Error, Result};
use crate::issuer::{self, Looked};
use crate::names;
use crate::proof;
use crate::request::{self, Node, admit, break_glass, erase, label, release, step_up};
use crate::shared::{Counters, Shared};
use crate::writer::{Done, NodeOrder, Order, Orders};
use crate::{disclosure, report};
use record::limits::{IDENTIFIER_BYTES_MAX, ISOLATIONS_MAX, MESSAGE_ITEMS_MAX, MESSAGES_IN_FLIGHT_BYTES_MAX};
use record::{Outcome, Pseudonym, Purpose};
use seal::frame;
use seal::message::alarm::AlarmRequest;
use seal::message::ledger_proof::{LedgerAsk, LedgerProof, LedgerTold};
use seal::message::report::{AccessReport, ReportAsk};
use seal::message::{
    AdminAnswer, AdminCall, AdminReply, AdminRequest, Answer, Asker, Call, Reply, Request, SignIn, Staff,
};
use std::io;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Which messages a socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Those of archive nodes.
    Node,
    /// Those of administrators.
    Admin,
}

/// A message of either family.
#[derive(Debug)]
pub enum Question {
    /// Of an archive node.
    Node(Call),
    /// Of an administrator.
    Admin(AdminCall),
}

impl Question {
    /// Reads a message of the socket's family.
    ///
    /// # Errors
    /// Invalid for anything else.
    pub fn decode(family: Family, message: &[u8]) -> Result<Self> {
        Ok(match family {
            Family::Node => Self::Node(frame::decode(message)?),
            Family::Admin => Self::Admin(frame::decode(message)?),
        })
    }
}

/// Answers messages.
pub struct Desk {
    shared: Arc<Shared>,
    orders: Orders,
    memory: Arc<Semaphore>,
    report: report::Settings,
}

impl Desk {
    /// A desk in front of the writer.
    #[must_use]
    pub fn new(shared: Arc<Shared>, orders: Orders, report: report::Settings) -> Self {
        Self { shared, orders, memory: Arc::new(Semaphore::new(MESSAGES_IN_FLIGHT_BYTES_MAX)), report }
    }

    /// Waits for room for a message of this length.
    pub(super) async fn room(&self, len: usize) -> io::Result<OwnedSemaphorePermit> {
        let share = u32::try_from(len).map_err(io::Error::other)?;
        Arc::clone(&self.memory).acquire_many_owned(share).await.map_err(io::Error::other)
    }

    /// The frame that answers a message of a node.
    pub async fn answer(&self, question: Question, node: Node) -> Vec<u8> {
        Counters::add(&self.shared.counters.requests, 1);
        match question {
            Question::Node(call) => {
                let answer = self.node(call.request, node).await.unwrap_or_else(|error| {
                    self.count_busy(&error);
                    Answer::Failed(error.into())
                });
                encode(&Reply { id: call.id, answer }, |failure| Reply { id: call.id, answer: Answer::Failed(failure) })
            }
            Question::Admin(call) => {
                let answer = self.admin(call.request).await.unwrap_or_else(|error| {
                    self.count_busy(&error);
                    AdminAnswer::Failed(error.into())
                });
                encode(&AdminReply { id: call.id, answer }, |failure| AdminReply {
                    id: call.id,
                    answer: AdminAnswer::Failed(failure),
                })
            }
        }
    }

    fn count_busy(&self, error: &Error) {
        if error.outcome() == Outcome::Busy {
            Counters::add(&self.shared.counters.busy, 1);
        }
    }

    async fn node(&self, request: Request, node: Node) -> Result<Answer> {
        let asker = match &request {
            Request::Checkpoint => return Ok(Answer::Checkpoint(self.shared.checkpoint().to_string())),
            Request::Closings => return Ok(Answer::Closings(self.shared.closings())),
            Request::Certificates => return Ok(Answer::Certificates(self.shared.register().certificates())),
            Request::Planting => return self.planting().await,
            Request::Isolations(_) => return self.isolations(request).await,
            Request::SignIn(asked) => return self.sign_in(asked, node).await,
            Request::Quorum(_) => return self.quorum(request).await,
            Request::Authenticate(asker)
            | Request::Admit { asker, .. }
            | Request::Tokens { asker, .. }
            | Request::Release { asker, .. }
            | Request::Compare { asker, .. }
            | Request::Erase { asker, .. }
            | Request::Certificate { asker, .. }
            | Request::Peer { asker, .. }
            | Request::StepUp { asker, .. }
            | Request::BreakGlass { asker, .. }
            | Request::Report { asker, .. }
            | Request::LedgerProof { asker, .. }
            | Request::Confirmed { asker, .. }
            | Request::Export { asker, .. } => asker,
            Request::Relate(relate) => &relate.asker,
            Request::Label(label) => &label.asker,
        };
        check(asker, &request)?;
        let Shared { keys, sign_in, origin, .. } = &*self.shared;
        let presented = authenticate::present(keys, sign_in, origin, &asker.proof, node, record::time::now());
        if let Some(answer) = self.read_only(&presented, asker.purpose, &request) {
            return Ok(answer);
        }
        if let Request::Certificate { patient, .. } = &request {
            return self.certificate(&presented, *patient).await;
        }
        let (purpose, channel) = (asker.purpose, asker.channel.clone());
        let asked_for = if let Request::Report { ask, .. } = &request { Some(ask.clone()) } else { None };
        let order = NodeOrder { presented, purpose, channel, request, node };
        match self.orders.carry_out(Order::Node(Box::new(order))).await? {
            Done::Node(Answer::Report(begun)) => match asked_for {
                Some(ask) => self.fill_report(ask, begun).await.map(Answer::Report),
                None => Err(Error::damaged("the writer answered another question")),
            },
            Done::Node(Answer::LedgerProof(opened)) => self.lead(opened).await.map(Answer::LedgerProof),
            Done::Node(answer) => Ok(answer),
            Done::Admin(_) | Done::Quiet | Done::Again => Err(Error::damaged("the writer answered another question")),
        }
    }

    /// Adds the way from an entry to a checkpoint, beside the writer.
    async fn lead(&self, opened: LedgerProof) -> Result<LedgerProof> {
        let shared = Arc::clone(&self.shared);
        let leading = tokio::task::spawn_blocking(move || proof::lead(&shared, opened));
        leading.await.map_err(|_| Error::damaged("reading the ledger's files failed"))?
    }

    /// The canary that is due. Nothing is written by it, and nothing opened.
    async fn planting(&self) -> Result<Answer> {
        match self.orders.carry_out(Order::Planting).await? {
            Done::Node(answer) => Ok(answer),
            Done::Admin(_) | Done::Quiet | Done::Again => Err(Error::damaged("the writer answered another question")),
        }
    }

    /// What an archive node tells of isolations, and hears of them. A node holds what it isolates; it decides nothing about it.
    async fn isolations(&self, request: Request) -> Result<Answer> {
        let Request::Isolations(reports) = request else { return Err(Error::refused()) };
        if reports.len() > ISOLATIONS_MAX {
            return Err(Error::invalid("a message has too many items"));
        }
        match self.orders.carry_out(Order::Isolations(reports)).await? {
            Done::Node(answer) => Ok(answer),
            Done::Admin(_) | Done::Quiet | Done::Again => Err(Error::damaged("the writer answered another question")),
        }
    }

    /// Looks at what somebody shows, beside the writer; what changes anything, and what fails, is the writer's.
    async fn sign_in(&self, asked: &SignIn, node: Node) -> Result<Answer> {
        let Shared { keys, sign_in, origin, .. } = &*self.shared;
        let looked = sign_in.look(keys, origin, &self.shared.register(), asked, record::time::now())?;
        let attempt = match looked {
            Looked::Answer(answer) => return Ok(Answer::SignIn(answer)),
            Looked::Attempt(attempt) => attempt,
        };
        match self.orders.carry_out(Order::SignIn(Box::new(attempt), node)).await? {
            Done::Node(answer) => Ok(answer),
            Done::Admin(_) | Done::Quiet | Done::Again => Err(Error::damaged("the writer answered another question")),
        }
    }

    /// Approvers sign for themselves: who passes their word on plays no part.
    async fn quorum(&self, request: Request) -> Result<Answer> {
        let Request::Quorum(call) = request else { return Err(Error::refused()) };
        match self.orders.carry_out(Order::Quorum(Box::new(call))).await? {
            Done::Node(answer) => Ok(answer),
            Done::Admin(_) | Done::Quiet | Done::Again => Err(Error::damaged("the writer answered another question")),
        }
    }

    /// Reads what a report tells, beside the writer: that it is made is written down by now.
    async fn fill_report(&self, ask: ReportAsk, begun: AccessReport) -> Result<AccessReport> {
        let (shared, settings) = (Arc::clone(&self.shared), self.report);
        let reading = tokio::task::spawn_blocking(move || report::fill(&shared, settings, &ask, begun));
        reading.await.map_err(|_| Error::damaged("reading the events failed"))?
    }

    /// Answers what opens nothing. Whatever is refused goes to the writer instead, which writes the refusal down.
    fn read_only(&self, presented: &Presented, purpose: Purpose, request: &Request) -> Option<Answer> {
        if !matches!(request, Request::Authenticate(_) | Request::Tokens { .. } | Request::Peer { .. }) {
            return None;
        }
        let known =
            authenticate::identify(&self.shared.register(), &self.shared.sign_in, presented, record::time::now())
                .and_then(|known| under_way::within(&self.shared.sign_in, known, request))
                .ok()?;
        if presented.planting().is_some() && !matches!(request, Request::Authenticate(_)) {
            return None;
        }
        if self.shared.frozen().holds(&known.id) {
            return None;
        }
        match request {
            Request::Tokens { terms, .. } if self.may_search(&known, purpose) => {
                Counters::add(&self.shared.counters.terms, terms.len());
                Some(Answer::Tokens(names::answer(&self.shared.names, &self.shared.keys, terms)))
            }
            Request::Authenticate(_) => Some(Answer::Who(known.who())),
            Request::Peer { ae_title, .. } => self.shared.register().peer_address(ae_title).map(Answer::Peer),
            _ => None,
        }
    }

    fn may_search(&self, known: &Known, purpose: Purpose) -> bool {
        self.shared.engine().may_search(&known.actor, request::situation(purpose, false, record::time::now()))
    }

    async fn certificate(&self, presented: &Presented, patient: Pseudonym) -> Result<Answer> {
        let known =
            authenticate::identify(&self.shared.register(), &self.shared.sign_in, presented, record::time::now());
        let known = known.ok().filter(|known| !known.goes_on).ok_or_else(Error::refused)?;
        let shared = Arc::clone(&self.shared);
        let making = tokio::task::spawn_blocking(move || custody::certify(&shared, &known, patient));
        making.await.map_err(|_| Error::damaged("making the certificate failed"))?.map(Answer::Certificate)
    }

    async fn admin(&self, request: AdminRequest) -> Result<AdminAnswer> {
        match request {
            AdminRequest::List => Ok(AdminAnswer::Register(self.shared.register().listing())),
            AdminRequest::Staff(Staff::List) => {
                let staff = issuer::staff::list(&self.shared.register(), &self.shared.sign_in, record::time::now());
                Ok(AdminAnswer::Staff(staff))
            }
            AdminRequest::Ledger => {
                Ok(AdminAnswer::Ledger { vkey: self.shared.vkey.clone(), size: self.shared.size() })
            }
            AdminRequest::Alarm(AlarmRequest::Facts { incident }) => {
                let shared = Arc::clone(&self.shared);
                let reading = tokio::task::spawn_blocking(move || alarm::facts(&shared, incident));
                reading.await.map_err(|_| Error::damaged("reading the facts failed"))?
            }
            AdminRequest::Report(ask) => {
                match self.orders.carry_out(Order::Admin(AdminRequest::Report(ask.clone()))).await? {
                    Done::Admin(AdminAnswer::Report(begun)) => {
                        self.fill_report(ask, begun).await.map(AdminAnswer::Report)
                    }
                    Done::Admin(answer) => Ok(answer),
                    Done::Node(_) | Done::Quiet | Done::Again => {
                        Err(Error::damaged("the writer answered another question"))
                    }
                }
            }
            AdminRequest::LedgerAsk(LedgerAsk::Standing) => {
                Ok(AdminAnswer::LedgerTold(LedgerTold::Standing(proof::standing(&self.shared))))
            }
            change => match self.orders.carry_out(Order::Admin(change)).await? {
                Done::Admin(AdminAnswer::LedgerTold(LedgerTold::Proof(opened))) => {
                    self.lead(opened).await.map(|led| AdminAnswer::LedgerTold(LedgerTold::Proof(led)))
                }
                Done::Admin(answer) => Ok(answer),
                Done::Node(_) | Done::Quiet | Done::Again => {
                    Err(Error::damaged("the writer answered another question"))
                }
            },
        }
    }
}

/// Checks a request's limits before it takes a place in the queue.
fn check(asker: &Asker, request: &Request) -> Result<()> {
    request::check_asker(asker)?;
    match request {
        Request::Admit { items, .. } => admit::check(items),
        Request::Release { items, .. } => release::check(items),
        Request::Erase { reason, .. } => erase::check(reason),
        Request::StepUp { ask, .. } => step_up::check(&asker.proof, ask),
        Request::BreakGlass { ask, .. } => break_glass::check(&asker.proof, ask),
        Request::Label(request) => label::check(request),
        Request::Export { ask, .. } => disclosure::check(ask),
        Request::Confirmed { patients, .. } if patients.len() > MESSAGE_ITEMS_MAX => {
            Err(Error::invalid("a message has too many items"))
        }
        Request::Tokens { terms, .. } => {
            let fits = terms.len() <= MESSAGE_ITEMS_MAX && terms.iter().all(|t| t.text.len() <= IDENTIFIER_BYTES_MAX);
            fits.then_some(()).ok_or_else(|| Error::invalid("too many terms, or one of them is too long"))
        }
        _ => Ok(()),
    }
}

/// The reply's frame; if the reply is too long for one, a short one that says so.
fn encode<T: minicbor::Encode<()>>(reply: &T, failed: impl FnOnce(seal::message::Failure) -> T) -> Vec<u8> {
    match frame::encode(reply) {
        Ok(frame) => frame,
        Err(error) => frame::encode(&failed(Error::from(error).into())).unwrap_or_default(),
    }
}
