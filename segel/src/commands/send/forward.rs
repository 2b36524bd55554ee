//! Instances on to the peer.

use super::parts::{Parts, Piece};
use crate::dimse::requestor::{Association, Error, Instance, Peer, Proposal, Role};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::io;
use wire::part10::FileMeta;

/// What was sent.
#[derive(Default)]
pub struct Sent {
    /// SOP class and instance of what the peer took.
    pub stored: Vec<(String, String)>,
    /// Instances that it did not take, and why.
    pub refused: Vec<(String, String)>,
    /// Bytes of data sets.
    pub bytes: u64,
}

/// The association to the peer: opened when the first instance is there, and anew for a kind that was not proposed.
pub struct Forwarder {
    peer: Peer,
    association: Option<Association>,
    pairs: Vec<(String, String)>,
}

impl Forwarder {
    /// Nothing is connected yet.
    pub fn new(peer: Peer) -> Self {
        Self { peer, association: None, pairs: Vec::new() }
    }

    /// Sends every instance that comes.
    pub async fn forward(&mut self, mut parts: Parts, sent: &mut Sent) -> Result<()> {
        while let Some(piece) = parts.recv().await {
            let Piece::Begin(meta) = piece.context("the archive's answer broke off")? else { continue };
            self.one(&meta, &mut parts, sent).await?;
        }
        Ok(())
    }

    async fn one(&mut self, meta: &FileMeta, parts: &mut Parts, sent: &mut Sent) -> Result<()> {
        let named = meta.sop_class_uid.clone().zip(meta.sop_instance_uid.clone());
        let (sop_class, sop_instance) = named.context("an instance that does not say what it is")?;
        let pair = (sop_class.clone(), meta.transfer_syntax.uid().to_owned());
        let association = self.association(&pair).await?;
        let context = match association.context_for(&pair.0, &pair.1) {
            Ok(context) => context,
            Err(error) => {
                sent.refused.push((sop_instance, error.to_string()));
                while let Some(piece) = parts.recv().await {
                    if matches!(piece?, Piece::End) {
                        break;
                    }
                }
                return Ok(());
            }
        };
        let instance =
            Instance { sop_class: sop_class.clone(), sop_instance: sop_instance.clone(), move_originator: None };
        let bytes = &mut sent.bytes;
        let data_set = futures_util::stream::unfold(parts, |parts| async move {
            let piece = match parts.recv().await {
                Some(Ok(Piece::DataSet(piece))) => Ok(piece),
                Some(Ok(Piece::End)) => return None,
                Some(Err(error)) => Err(error),
                Some(Ok(Piece::Begin(_))) | None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            };
            Some((piece, parts))
        });
        let counted = futures_util::StreamExt::inspect(data_set, |piece: &io::Result<Bytes>| {
            *bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        });
        let (status, comment) = association.store(&context, &instance, counted).await?;
        if status.is_done() {
            sent.stored.push((sop_class, sop_instance));
        } else {
            let comment = comment.map(|text| format!(": {text}")).unwrap_or_default();
            sent.refused.push((sop_instance, format!("the peer answers {status}{comment}")));
        }
        Ok(())
    }

    /// An association to which this pair was proposed.
    async fn association(&mut self, pair: &(String, String)) -> Result<&mut Association, Error> {
        if !self.pairs.contains(pair) || self.association.is_none() {
            self.leave().await;
            let mut proposal = Proposal::new();
            if self.pairs.len() >= proposal.room() {
                self.pairs.clear();
            }
            if !self.pairs.contains(pair) {
                self.pairs.push(pair.clone());
            }
            for (sop_class, transfer_syntax) in &self.pairs {
                proposal.add(sop_class, &[transfer_syntax], Role::Scu)?;
            }
            return Ok(self.association.insert(Association::request(&self.peer, &proposal).await?));
        }
        // INVARIANT: it was looked at above.
        self.association.as_mut().ok_or_else(Error::gone)
    }

    /// Ends the association in good order.
    pub async fn leave(&mut self) {
        if let Some(association) = self.association.take()
            && let Err(error) = association.release().await
        {
            tracing::debug!(%error, "an association was not released in good order");
        }
    }
}
