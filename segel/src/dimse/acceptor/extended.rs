//! Extended negotiation of query/retrieve (PS3.7 D.3.3.5, PS3.4 C.5.1.1, C.5.2.1, C.5.3.1).

use crate::dimse::services::Service;
use archive::find::Agreed;
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
    /// Byte 6 of a query: `""` asks for what is empty.
    pub(in crate::dimse) empty_values: bool,
    /// Byte 7 of a query: several values ask for all of them.
    pub(in crate::dimse) multiple_values: bool,
}

impl Extended {
    /// Of what was asked, what is granted.
    pub(in crate::dimse) fn grant(service: Service, asked: &[u8]) -> Self {
        let byte = |at: usize| asked.get(at) == Some(&1);
        match service {
            Service::Find { .. } => Self {
                relational: byte(0),
                date_time: byte(1),
                fuzzy: byte(2),
                empty_values: byte(5),
                multiple_values: byte(6),
            },
            Service::Get { .. } | Service::Move { .. } => Self { relational: byte(0), ..Self::default() },
            _ => Self::default(),
        }
    }

    /// The same, as the archive is told.
    pub(in crate::dimse) fn agreed(self) -> Agreed {
        Agreed {
            relational: self.relational,
            combined_date_time: self.date_time,
            fuzzy_names: self.fuzzy,
            empty_values: self.empty_values,
            multiple_values: self.multiple_values,
        }
    }

    /// The answer, as long as the question: what is not known by its place is not supported.
    pub(in crate::dimse) fn answer(self, asked: &ExtendedNegotiation) -> ExtendedNegotiation {
        // Bytes 4 and 5, adjustment of timezones and views of multi-frame images, are not.
        let granted =
            [self.relational, self.date_time, self.fuzzy, false, false, self.empty_values, self.multiple_values];
        let mut bytes: Vec<u8> = granted.into_iter().map(u8::from).collect();
        bytes.resize(asked.application_information.len(), 0);
        ExtendedNegotiation { sop_class_uid: asked.sop_class_uid.clone(), application_information: bytes }
    }
}
