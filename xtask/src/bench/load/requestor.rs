//! The requestor's side: associations that store, find, get and move.

use super::instance::Instance;
use super::link::{Link, PDU_BYTES};
use super::stream::Stream;
use anyhow::{Context as _, Result, bail, ensure};
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::pdu::{
    AssociateAc, AssociateRq, DICOM_APPLICATION_CONTEXT, PduType, PresentationContextRq, PresentationResult,
    UserInformation, release_rq,
};

/// The AE title of the load tool.
pub const CALLING: &str = "MODALITY";
const IMPLEMENTATION: &str = "1.2.826.0.1.3680043.10.1562.0";

/// A DICOM peer on loopback.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its AE title.
    pub called: String,
    /// Its port.
    pub port: u16,
}

/// An association that was accepted.
pub struct Association {
    link: Link,
    contexts: Vec<Context>,
    message_id: u16,
}

struct Context {
    id: u8,
    abstract_syntax: String,
    transfer_syntax: String,
}

impl Association {
    /// Proposes a context for each pair of SOP class and transfer syntax.
    pub fn open(door: &Door, proposed: &[(&str, &str)]) -> Result<Self> {
        let mut link = Link::new(Stream::connect(("127.0.0.1", door.port))?);
        let context = |(at, (class, syntax)): (usize, &(&str, &str))| -> Result<PresentationContextRq> {
            Ok(PresentationContextRq {
                id: u8::try_from(at * 2 + 1)?,
                abstract_syntax: (*class).to_owned(),
                transfer_syntaxes: vec![(*syntax).to_owned()],
            })
        };
        let request = AssociateRq {
            protocol_version: 1,
            called_ae_title: door.called.clone(),
            calling_ae_title: CALLING.to_owned(),
            application_context: DICOM_APPLICATION_CONTEXT.to_owned(),
            presentation_contexts: proposed.iter().enumerate().map(context).collect::<Result<_>>()?,
            user_information: UserInformation {
                pdu_bytes_max: PDU_BYTES,
                implementation_class_uid: IMPLEMENTATION.to_owned(),
                implementation_version_name: "LOAD".to_owned(),
                ..UserInformation::default()
            },
        };
        link.send_pdu(&request.write()?)?;
        let (kind, body) = link.pdu()?;
        ensure!(kind == PduType::AssociateAc, "{} refused the association: {kind:?} {body:?}", door.called);
        let accepted = AssociateAc::parse(body)?;
        link.peer_pdu_bytes_max = accepted.user_information.pdu_bytes_max;
        let contexts = accepted
            .presentation_contexts
            .into_iter()
            .filter(|answer| answer.result == PresentationResult::Acceptance)
            .filter_map(|answer| {
                let of = request.presentation_contexts.iter().find(|asked| asked.id == answer.id)?;
                let abstract_syntax = of.abstract_syntax.clone();
                Some(Context { id: answer.id, abstract_syntax, transfer_syntax: answer.transfer_syntax })
            })
            .collect();
        Ok(Self { link, contexts, message_id: 0 })
    }

    fn context(&self, class: &str, syntax: Option<&str>) -> Result<u8> {
        let fits = |context: &&Context| {
            context.abstract_syntax == class && syntax.is_none_or(|syntax| context.transfer_syntax == syntax)
        };
        Ok(self.contexts.iter().find(fits).with_context(|| format!("no context for {class} was accepted"))?.id)
    }

    fn next_message_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1);
        self.message_id
    }

    /// Stores an instance, which must be answered 0000.
    pub fn store(&mut self, instance: &Instance) -> Result<()> {
        let context = self.context(instance.sop_class, Some(instance.transfer_syntax))?;
        let request = Command {
            affected_sop_class_uid: Some(instance.sop_class.to_owned()),
            command_field: field::C_STORE_RQ,
            message_id: Some(self.next_message_id()),
            priority: Some(0),
            command_data_set_type: DATA_SET_FOLLOWS,
            affected_sop_instance_uid: Some(instance.uids.instance.clone()),
            ..Command::default()
        };
        self.link.send(context, &request, Some(&instance.data_set))?;
        let (_, answer) = self.link.message()?;
        match answer.status {
            Some(0) => Ok(()),
            status => bail!("C-STORE answered {status:04X?} {}", answer.error_comment.unwrap_or_default()),
        }
    }

    /// Ends it in order.
    pub fn release(mut self) -> Result<()> {
        self.link.send_pdu(&release_rq())?;
        let (kind, _) = self.link.pdu()?;
        ensure!(kind == PduType::ReleaseRp, "a release was answered by {kind:?}");
        Ok(())
    }
}
