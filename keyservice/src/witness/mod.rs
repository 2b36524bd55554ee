//! Witnesses: others, elsewhere, who have seen each checkpoint and cosigned it (C2SP tlog-witness).
//!
//! A checkpoint that enough of them cosigned cannot be shown differently to somebody else, and cannot be taken back: a state
//! that is set back, even with every file of this host, does not know what the witnesses know. Nothing here is in the way of
//! a release: an answer never waits for a witness.
//!
//! A witness is believed about one thing only: a checkpoint that *this ledger's own key* signed. Whoever shows one that the
//! state does not contain has proved that the state was set back, or that a copy of it signs elsewhere, and the service stops:
//! an older state would bring erased patients back, let removed people in, forget what was opened, and sign a second
//! history. Whatever a witness claims without such proof costs it its cosignature and nothing else, so that no witness can
//! stop a hospital.

mod alarm;
mod ask;
mod history;
mod publish;
mod rounds;
mod settings;
#[cfg(test)]
mod tests;

pub use alarm::ring_when_late;
pub use history::{compare_at_start, shown};
#[cfg(test)]
pub use publish::Cosigned;
pub use publish::read as read_cosigned;
pub use rounds::{Follower, Standing};
#[cfg(test)]
use settings::Named;
pub use settings::{Settings, Witness};
