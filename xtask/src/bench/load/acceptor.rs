//! Where C-MOVE sends: takes every instance, answers 0000, keeps nothing.

use super::instance::{EXPLICIT_LITTLE_ENDIAN, IMPLEMENTATION};
use super::link::{Link, PDU_BYTES};
use super::stream::Stream;
use anyhow::{Result, ensure};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::pdu::{
    AssociateAc, AssociateRq, PduType, PresentationContextAc, PresentationResult, UserInformation, release_rp,
};

/// A listener on loopback, until the program ends.
pub struct Destination {
    /// Its port.
    pub port: u16,
    /// Bytes of all data sets that came.
    bytes: Arc<AtomicU64>,
}

impl Destination {
    /// Listens on a free port.
    pub fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || {
                    if let Err(error) = serve(connection, &counted) {
                        eprintln!("the destination of C-MOVE: {error:#}");
                    }
                });
            }
        });
        Ok(Self { port, bytes })
    }

    /// Bytes of all data sets that came until now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }
}

fn serve(connection: TcpStream, bytes: &AtomicU64) -> Result<()> {
    let mut link = Link::new(Stream::over(connection)?);
    let (kind, body) = link.pdu()?;
    ensure!(kind == PduType::AssociateRq, "{kind:?} came first");
    let request = AssociateRq::parse(body)?;
    link.peer_pdu_bytes_max = request.user_information.pdu_bytes_max;
    let accept = |context: &wire::pdu::PresentationContextRq| {
        let as_kept = context.transfer_syntaxes.iter().find(|syntax| *syntax == EXPLICIT_LITTLE_ENDIAN);
        let transfer_syntax = as_kept.or(context.transfer_syntaxes.first()).cloned().unwrap_or_default();
        PresentationContextAc { id: context.id, result: PresentationResult::Acceptance, transfer_syntax }
    };
    let answer = AssociateAc {
        called_ae_title: request.called_ae_title,
        calling_ae_title: request.calling_ae_title,
        application_context: request.application_context,
        presentation_contexts: request.presentation_contexts.iter().map(accept).collect(),
        user_information: UserInformation {
            pdu_bytes_max: PDU_BYTES,
            implementation_class_uid: IMPLEMENTATION.to_owned(),
            implementation_version_name: "LOAD".to_owned(),
            ..UserInformation::default()
        },
    };
    link.send_pdu(&answer.write()?)?;
    while let Some((context, command)) = link.receive()? {
        bytes.fetch_add(u64::try_from(link.data_set.len())?, Ordering::SeqCst);
        link.send(context, &command.response(0), None)?;
    }
    link.send_pdu(&release_rp())
}
