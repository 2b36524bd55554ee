//! The DICOM upper layer (PS3.8) that both roles share: the state table, PDUs on a connection, and who may connect by TLS.

pub(in crate::dimse) mod pdus;
pub(in crate::dimse) mod state;
pub(in crate::dimse) mod tls;
