//! Extended negotiation of query/retrieve (PS3.7 D.3.3.5, PS3.4 C.5.1.1, C.5.2.1, C.5.3.1).

use crate::dimse::services::Service;
use wire::pdu::ExtendedNegotiation;

/// What was agreed for one SOP class. Nothing, unless the requestor asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::dimse) struct Extended {
    /// Byte 1: relational queries or retrieval; keys of levels above may be left out.
    pub(in crate::dimse) relational: bool,
    /// Byte 2 of a query: date and time match as one instant.
    pub(in crate::dimse) date_time: bool,
    /// Byte 3 of a query: names match by how they sound.
    pub(in crate::dimse) fuzzy: bool,
}

impl Extended {
    /// Of what was asked, what is granted.
    pub(in crate::dimse) fn grant(service: Service, asked: &[u8]) -> Self {
        let byte = |at: usize| asked.get(at) == Some(&1);
        match service {
            Service::Find { .. } => Self { relational: byte(0), date_time: false, fuzzy: byte(2) },
            Service::Get { .. } | Service::Move { .. } => Self { relational: byte(0), ..Self::default() },
            _ => Self::default(),
        }
    }

    /// The answer, as long as the question: what is not known by its place is not supported.
    pub(in crate::dimse) fn answer(self, asked: &ExtendedNegotiation) -> ExtendedNegotiation {
        let granted = [self.relational, self.date_time, self.fuzzy];
        let mut bytes: Vec<u8> = granted.into_iter().map(u8::from).collect();
        bytes.resize(asked.application_information.len(), 0);
        ExtendedNegotiation { sop_class_uid: asked.sop_class_uid.clone(), application_information: bytes }
    }
}
