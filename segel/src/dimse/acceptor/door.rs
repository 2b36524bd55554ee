//! What all associations share.

use crate::commitment::pending::Reports;
use crate::pixels::Pixels;
use crate::tls::Identity;
use archive::Archive;
use record::{Purpose, limits};
use seal::message::{Asker, Proof};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How the door behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The archive's AE title; requests that call another are refused.
    pub ae_title: String,
    /// SOP classes taken as storage besides those of the standard: private ones of a hospital's machines.
    pub storage_sop_classes: Vec<String>,
    /// The certificate that the archive shows to peers which it calls over TLS.
    pub identity: Option<Arc<Identity>>,
    /// Reports of storage commitment; without them no commitment is given.
    pub reports: Option<Arc<Reports>>,
    /// Decodes frames for peers that do not take them as they are kept.
    pub pixels: Pixels,
    /// Connections at once.
    pub associations_max: usize,
    /// Associations of one calling AE title at once.
    pub associations_per_peer_max: usize,
    /// ARTIM.
    pub artim: Duration,
    /// Silence on an established association.
    pub idle: Duration,
    /// From the first byte of a PDU to its last, in either direction.
    pub pdu_progress: Duration,
    /// How long an operation may go on without sending or receiving anything.
    pub operation_progress: Duration,
    /// How long associations may go on after a stop.
    pub drain: Duration,
}

impl Settings {
    /// The limits of `record::limits`.
    pub fn new(ae_title: &str) -> Self {
        Self {
            ae_title: ae_title.to_owned(),
            storage_sop_classes: Vec::new(),
            identity: None,
            reports: None,
            pixels: Pixels::default(),
            associations_max: limits::ASSOCIATIONS_MAX,
            associations_per_peer_max: limits::ASSOCIATIONS_PER_PEER_MAX,
            artim: Duration::from_millis(limits::ARTIM_MS_MAX),
            idle: Duration::from_millis(limits::ASSOCIATION_IDLE_MS_MAX),
            pdu_progress: Duration::from_millis(limits::PDU_PROGRESS_MS_MAX),
            operation_progress: Duration::from_millis(limits::OPERATION_PROGRESS_MS_MAX),
            drain: Duration::from_millis(limits::DRAIN_MS_MAX),
        }
    }
}

/// The archive behind the door, its settings, and who is inside.
pub struct Door {
    /// Where instances go and answers come from.
    pub archive: Archive,
    /// How it behaves.
    pub settings: Settings,
    /// Associations by calling AE title.
    inside: Mutex<HashMap<String, usize>>,
}

impl Door {
    /// A door to this archive.
    pub fn new(archive: Archive, settings: Settings) -> Arc<Self> {
        Arc::new(Self { archive, settings, inside: Mutex::default() })
    }

    /// Lets one more association of a peer in; `None` if it has as many as it may.
    pub(in crate::dimse) fn enter(self: &Arc<Self>, ae_title: &str) -> Option<Entered> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(ae_title.to_owned()).or_default();
        if *count >= self.settings.associations_per_peer_max {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Entered { door: Arc::clone(self), ae_title: ae_title.to_owned() })
    }
}

/// A peer's association that counts until it is dropped.
pub(in crate::dimse) struct Entered {
    door: Arc<Door>,
    ae_title: String,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.ae_title) {
            *count = count.saturating_sub(1);
            // A table of peers that came once must not grow for ever.
            if *count == 0 {
                inside.remove(&self.ae_title);
            }
        }
    }
}

/// Who asks, as the key service will check it.
pub(in crate::dimse) fn asker(ae_title: &str, certificate: Option<[u8; 32]>) -> Asker {
    let proof = Proof::Peer { ae_title: ae_title.to_owned(), certificate };
    Asker { proof, purpose: Purpose::Treat, channel: "dimse".to_owned() }
}
