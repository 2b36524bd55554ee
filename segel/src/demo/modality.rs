//! A modality, as the demonstration plays it: one association that stores instances (PS3.4 B).

use crate::dimse::requestor::{Association, Instance, Peer, Proposal, Role, Status};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::net::SocketAddr;
use wire::part10::{self, FileMeta};

/// An open association.
pub struct Modality {
    association: Association,
}

impl Modality {
    /// Asks for an association that stores these pairs of SOP class and transfer syntax. An association holds 128 of them.
    pub async fn associate(address: SocketAddr, title: &str, pairs: &[(String, String)]) -> Result<Self> {
        let mut proposal = Proposal::new();
        for (sop_class, transfer_syntax) in pairs {
            proposal.add(sop_class, &[transfer_syntax], Role::Scu)?;
        }
        let archive = Peer::plain(title, "SEGEL", &address.ip().to_string(), address.port());
        Ok(Self { association: Association::request(&archive, &proposal).await? })
    }

    /// Stores the data set of a Part 10 file; the status of the answer.
    pub async fn store(&mut self, file: Bytes) -> Result<Status> {
        let meta = file_meta(&file)?;
        let named = meta.sop_class_uid.zip(meta.sop_instance_uid);
        let (sop_class, sop_instance) = named.context("a file that does not say what it is")?;
        let context = self.association.context_for(&sop_class, meta.transfer_syntax.uid())?;
        let instance = Instance { sop_class, sop_instance, move_originator: None };
        let data_set = file.slice(usize::try_from(meta.data_set_offset)?.min(file.len())..);
        let source = futures_util::stream::iter([Ok(data_set)]);
        Ok(self.association.store(&context, &instance, source).await?.0)
    }

    /// Releases the association.
    pub async fn release(self) -> Result<()> {
        Ok(self.association.release().await?)
    }
}

/// SOP class and transfer syntax of a Part 10 file.
pub fn kind_of(file: &[u8]) -> Result<(String, String)> {
    let meta = file_meta(file)?;
    Ok((meta.sop_class_uid.context("a file that does not say what it is")?, meta.transfer_syntax.uid().to_owned()))
}

fn file_meta(file: &[u8]) -> Result<FileMeta> {
    let mut prefix = part10::Prefix::new();
    match prefix.feed(file)? {
        Some(begun) => Ok(begun.meta),
        None => Ok(prefix.finish()?.meta),
    }
}
