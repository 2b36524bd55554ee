//! A colleague's word on the spot: somebody whose hour's budget is spent asks, another person of the facility approves.

use minicbor::{Decode, Encode};
use record::{Micros, Role};

/// What may be asked. Every answer is the list of what the asker may see: its own asking, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StepUpAsk {
    /// What there is.
    #[n(0)]
    List,
    /// Asks for more.
    #[n(1)]
    Ask {
        /// Why, for the colleague and the log.
        #[n(0)]
        reason: String,
    },
    /// Approves what a colleague has asked.
    #[n(2)]
    Approve {
        /// Which.
        #[n(0)]
        id: u64,
    },
}

/// Where an asking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum StepUpState {
    /// Nobody has answered.
    #[n(0)]
    Waiting,
    /// Approved, and still good.
    #[n(1)]
    Approved,
    /// Nobody answered in time, or its time is over.
    #[n(2)]
    Over,
}

/// One asking.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StepUpEntry {
    /// Its number.
    #[n(0)]
    pub id: u64,
    /// Whether the asker itself has asked it.
    #[n(1)]
    pub is_own: bool,
    /// Who asked: the name in the register.
    #[n(2)]
    pub name: String,
    /// In which role.
    #[n(3)]
    pub role: Role,
    /// Why.
    #[n(4)]
    pub reason: String,
    /// When.
    #[n(5)]
    pub at: Micros,
    /// Where it stands.
    #[n(6)]
    pub state: StepUpState,
    /// How many more patients it gives, to be opened.
    #[n(7)]
    pub contents: u32,
    /// How many more to be listed.
    #[n(8)]
    pub summaries: u32,
    /// Until when, once approved.
    #[n(9)]
    pub until: Option<Micros>,
}
