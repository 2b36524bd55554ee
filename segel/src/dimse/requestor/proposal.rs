//! What is proposed to a peer (PS3.8 9.3.2, PS3.7 D.3), and what came of it.

use super::error::{Error, Result};
use super::peer::Peer;
use record::limits::{PDU_BYTES_MAX, PRESENTATION_CONTEXTS_MAX};
use wire::part10::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use wire::pdu::{
    AssociateAc, AssociateRq, DICOM_APPLICATION_CONTEXT, PresentationContextRq, PresentationResult, RoleSelection,
    UserInformation,
};

/// Our role in a SOP class (PS3.7 D.3.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We ask; the peer answers. The default, which needs no negotiation.
    Scu,
    /// The peer asks: it sends instances of a C-GET, or hears a report of ours.
    Scp,
}

/// What is wanted of an association.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    contexts: Vec<PresentationContextRq>,
    roles: Vec<RoleSelection>,
}

impl Proposal {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a presentation context; of its transfer syntaxes the peer takes one.
    ///
    /// # Errors
    /// Invalid beyond 128 contexts: their ids are the odd numbers of one byte (PS3.8 9.3.2.2).
    pub fn add(&mut self, sop_class: &str, transfer_syntaxes: &[&str], role: Role) -> Result<()> {
        let id = self.contexts.len().checked_mul(2).and_then(|even| u8::try_from(even.saturating_add(1)).ok());
        let id = id.ok_or_else(|| Error::invalid("an association has at most 128 presentation contexts"))?;
        self.contexts.push(PresentationContextRq {
            id,
            abstract_syntax: sop_class.to_owned(),
            transfer_syntaxes: transfer_syntaxes.iter().map(|uid| (*uid).to_owned()).collect(),
        });
        if role == Role::Scp && !self.roles.iter().any(|known| known.sop_class_uid == sop_class) {
            self.roles.push(RoleSelection { sop_class_uid: sop_class.to_owned(), scu: false, scp: true });
        }
        Ok(())
    }

    /// How many contexts may still be added.
    #[must_use]
    pub fn room(&self) -> usize {
        PRESENTATION_CONTEXTS_MAX.saturating_sub(self.contexts.len())
    }

    /// Whether this pair is proposed.
    #[must_use]
    pub fn has(&self, sop_class: &str, transfer_syntax: &str) -> bool {
        self.contexts.iter().any(|context| {
            context.abstract_syntax == sop_class && context.transfer_syntaxes.iter().any(|uid| uid == transfer_syntax)
        })
    }

    pub(super) fn request(&self, peer: &Peer) -> AssociateRq {
        AssociateRq {
            protocol_version: 1,
            called_ae_title: peer.ae_title.clone(),
            calling_ae_title: peer.calling.clone(),
            application_context: DICOM_APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: self.contexts.clone(),
            user_information: UserInformation {
                pdu_bytes_max: PDU_BYTES_MAX,
                implementation_class_uid: IMPLEMENTATION_CLASS_UID.to_owned(),
                implementation_version_name: IMPLEMENTATION_VERSION_NAME.to_owned(),
                role_selections: self.roles.clone(),
                ..UserInformation::default()
            },
        }
    }

    /// The contexts that the peer accepted, with what we proposed under their ids.
    pub(super) fn accepted(&self, answer: &AssociateAc) -> Vec<Context> {
        let accepted = answer.presentation_contexts.iter().filter(|c| c.result == PresentationResult::Acceptance);
        let contexts = accepted.filter_map(|context| {
            let proposed = self.contexts.iter().find(|proposed| proposed.id == context.id)?;
            // A syntax that was not proposed cannot be spoken.
            let syntax = proposed.transfer_syntaxes.iter().find(|uid| **uid == context.transfer_syntax)?;
            Some(Context {
                id: context.id,
                sop_class: proposed.abstract_syntax.clone(),
                transfer_syntax: syntax.clone(),
            })
        });
        contexts.collect()
    }
}

/// An accepted presentation context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its id.
    pub id: u8,
    /// Abstract syntax.
    pub sop_class: String,
    /// The one transfer syntax.
    pub transfer_syntax: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contexts_of_an_association_are_counted() {
        let mut proposal = Proposal::new();
        for n in 0..PRESENTATION_CONTEXTS_MAX {
            assert_eq!(proposal.room(), PRESENTATION_CONTEXTS_MAX - n);
            proposal.add("1.2.3", &["1.2.840.10008.1.2"], Role::Scp).unwrap();
        }
        assert_eq!((proposal.contexts.last().unwrap().id, proposal.roles.len()), (255, 1));
        assert!(proposal.add("1.2.3", &["1.2.840.10008.1.2"], Role::Scu).is_err());
    }
}
