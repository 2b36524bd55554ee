//! A modality, as the demonstration plays it: one association that stores instances (PS3.4 B, PS3.8).

use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use wire::command::{self, Command, field};
use wire::part10::{self, FileMeta};
use wire::pdu::{
    self, AssociateAc, AssociateRq, Header, PduType, Pdvs, PresentationContextRq, PresentationResult, UserInformation,
};

/// The archive answers within the time of a durable write; longer means that it hangs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// An open association.
pub struct Modality {
    stream: TcpStream,
    peer_pdu_bytes_max: u32,
    /// Accepted contexts: id, SOP class, transfer syntax.
    contexts: Vec<(u8, String, String)>,
    message_id: u16,
}

impl Modality {
    /// Asks for an association that stores these pairs of SOP class and transfer syntax. An association holds 128 of them.
    pub fn associate(address: SocketAddr, title: &str, pairs: &[(String, String)]) -> Result<Self> {
        let proposed: Vec<PresentationContextRq> = pairs
            .iter()
            .zip((1_u8..=255).step_by(2))
            .map(|((class, syntax), id)| PresentationContextRq {
                id,
                abstract_syntax: class.clone(),
                transfer_syntaxes: vec![syntax.clone()],
            })
            .collect();
        let request = AssociateRq {
            protocol_version: 1,
            called_ae_title: "SEGEL".into(),
            calling_ae_title: title.into(),
            application_context: pdu::DICOM_APPLICATION_CONTEXT.into(),
            presentation_contexts: proposed.clone(),
            user_information: UserInformation {
                pdu_bytes_max: record::limits::PDU_BYTES_MAX,
                implementation_class_uid: part10::IMPLEMENTATION_CLASS_UID.into(),
                implementation_version_name: part10::IMPLEMENTATION_VERSION_NAME.into(),
                ..UserInformation::default()
            },
        };
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.write_all(&request.write()?)?;
        let (kind, body) = read_pdu(&mut stream)?;
        if kind != PduType::AssociateAc {
            bail!("the archive does not accept {title}");
        }
        let accepted = AssociateAc::parse(&body)?;
        let contexts =
            accepted.presentation_contexts.iter().filter(|context| context.result == PresentationResult::Acceptance);
        let contexts = contexts.filter_map(|context| {
            let asked = proposed.iter().find(|asked| asked.id == context.id)?;
            Some((context.id, asked.abstract_syntax.clone(), asked.transfer_syntaxes.first()?.clone()))
        });
        let contexts = contexts.collect();
        Ok(Self { stream, peer_pdu_bytes_max: accepted.user_information.pdu_bytes_max, contexts, message_id: 0 })
    }

    /// Stores the data set of a Part 10 file; the status of the answer.
    pub fn store(&mut self, file: &[u8]) -> Result<u16> {
        let meta = file_meta(file)?;
        let (class, instance) = (meta.sop_class_uid.clone(), meta.sop_instance_uid.clone());
        let fits = |(_, known, syntax): &&(u8, String, String)| {
            Some(known) == class.as_ref() && syntax == meta.transfer_syntax.uid()
        };
        let (context, _, _) =
            self.contexts.iter().find(fits).context("no context for this kind of instance was accepted")?;
        let context = *context;
        self.message_id = self.message_id.wrapping_add(1);
        let command = Command {
            affected_sop_class_uid: class,
            affected_sop_instance_uid: instance,
            command_field: field::C_STORE_RQ,
            message_id: Some(self.message_id),
            priority: Some(0),
            command_data_set_type: command::DATA_SET_FOLLOWS,
            ..Command::default()
        };
        let data_set = file.get(usize::try_from(meta.data_set_offset)?..).context("a file without a data set")?;
        let mut out = Vec::with_capacity(data_set.len() + 4096);
        pdu::write_message(&mut out, context, true, &command.write(), self.peer_pdu_bytes_max)?;
        pdu::write_message(&mut out, context, false, data_set, self.peer_pdu_bytes_max)?;
        self.stream.write_all(&out)?;
        self.response()
    }

    fn response(&mut self) -> Result<u16> {
        let mut message = Vec::new();
        loop {
            let (kind, body) = read_pdu(&mut self.stream)?;
            if kind != PduType::DataTf {
                bail!("the archive broke the association off");
            }
            for pdv in Pdvs::new(&body) {
                let pdv = pdv?;
                message.extend_from_slice(pdv.fragment);
                if pdv.last {
                    return Command::parse(&message)?.status.context("an answer without a status");
                }
            }
        }
    }

    /// Releases the association.
    pub fn release(mut self) -> Result<()> {
        self.stream.write_all(&pdu::release_rq())?;
        let (kind, _) = read_pdu(&mut self.stream)?;
        if kind == PduType::ReleaseRp { Ok(()) } else { bail!("the archive does not release the association") }
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

fn read_pdu(stream: &mut TcpStream) -> Result<(PduType, Vec<u8>)> {
    let mut first = [0; Header::BYTES];
    stream.read_exact(&mut first).context("the archive hung up")?;
    let header = Header::parse(&first)?;
    let mut body = vec![0; usize::try_from(header.length_bytes)?];
    stream.read_exact(&mut body).context("the archive hung up")?;
    Ok((header.pdu_type, body))
}
