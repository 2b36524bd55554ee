//! The requestor's side: associations that store, find, get and move.

use super::instance::{EXPLICIT_LITTLE_ENDIAN, Elements, IMPLEMENTATION, Instance};
use super::link::{Link, PDU_BYTES};
use super::stream::Stream;
use anyhow::{Context as _, Result, bail, ensure};
use wire::command::{Command, DATA_SET_FOLLOWS, field};
use wire::pdu::{
    AssociateAc, AssociateRq, DICOM_APPLICATION_CONTEXT, PduType, PresentationContextRq, PresentationResult,
    RoleSelection, UserInformation, release_rq,
};

/// The AE title of the load tool.
pub const CALLING: &str = "MODALITY";
/// Study Root Query/Retrieve: GET.
pub const STUDY_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// Study Root Query/Retrieve: MOVE.
pub const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Status of a response behind which more come (PS3.4 C.4).
const PENDING: [u16; 2] = [0xFF00, 0xFF01];

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
        Self::open_to_receive(door, proposed, &[])
    }

    /// As [`Association::open`], and takes instances of some classes (PS3.7 D.3.3.4: the SCP role, as C-GET needs it).
    pub fn open_to_receive(door: &Door, proposed: &[(&str, &str)], received: &[&str]) -> Result<Self> {
        let mut link = Link::new(Stream::connect(("127.0.0.1", door.port))?);
        let request = request(door, proposed, received)?;
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

    fn store_request(&mut self, class: &str, instance: &str) -> Command {
        Command {
            affected_sop_class_uid: Some(class.to_owned()),
            command_field: field::C_STORE_RQ,
            message_id: Some(self.next_message_id()),
            priority: Some(0),
            command_data_set_type: DATA_SET_FOLLOWS,
            affected_sop_instance_uid: Some(instance.to_owned()),
            ..Command::default()
        }
    }

    /// Stores an instance, which must be answered 0000.
    pub fn store(&mut self, instance: &Instance) -> Result<()> {
        let context = self.context(instance.sop_class, Some(instance.transfer_syntax))?;
        let request = self.store_request(instance.sop_class, &instance.uids.instance);
        self.link.send(context, &request, Some(&instance.data_set))?;
        self.stored()
    }

    /// Stores an instance whose data set is the instance's and then `block` again and again, `times` times: larger than memory
    /// if need be.
    pub fn store_stream(&mut self, instance: &Instance, block: &[u8], times: usize) -> Result<()> {
        let context = self.context(instance.sop_class, Some(instance.transfer_syntax))?;
        let request = self.store_request(instance.sop_class, &instance.uids.instance);
        self.link.send(context, &request, None)?;
        let blocks = std::iter::repeat_n(block, times);
        self.link.send_pieces(context, std::iter::once(instance.data_set.as_slice()).chain(blocks))?;
        self.stored()
    }

    fn stored(&mut self) -> Result<()> {
        let (_, answer) = self.link.message()?;
        match answer.status {
            Some(0) => Ok(()),
            status => bail!("C-STORE answered {status:04X?} {}", answer.error_comment.unwrap_or_default()),
        }
    }

    /// C-GET of a study: takes every instance; how many bytes of data sets came.
    pub fn get_study(&mut self, study: &str) -> Result<u64> {
        self.ask_for_study(STUDY_ROOT_GET, field::C_GET_RQ, study, None)?;
        let mut bytes = 0_u64;
        loop {
            let (context, command) = self.link.message()?;
            if command.command_field == field::C_STORE_RQ {
                bytes += u64::try_from(self.link.data_set.len())?;
                self.link.send(context, &command.response(0), None)?;
            } else if ended(&command)? {
                return Ok(bytes);
            }
        }
    }

    /// C-MOVE of a study to an AE title that the archive knows; returns when the archive says that all is sent.
    pub fn move_study(&mut self, study: &str, destination: &str) -> Result<()> {
        self.ask_for_study(STUDY_ROOT_MOVE, field::C_MOVE_RQ, study, Some(destination))?;
        while !ended(&self.link.message()?.1)? {}
        Ok(())
    }

    fn ask_for_study(&mut self, class: &str, command_field: u16, study: &str, to: Option<&str>) -> Result<()> {
        let context = self.context(class, Some(EXPLICIT_LITTLE_ENDIAN))?;
        let command = Command {
            affected_sop_class_uid: Some(class.to_owned()),
            command_field,
            message_id: Some(self.next_message_id()),
            priority: Some(0),
            command_data_set_type: DATA_SET_FOLLOWS,
            move_destination: to.map(str::to_owned),
            ..Command::default()
        };
        let mut identifier = Elements(Vec::new());
        identifier.text(0x0008, 0x0052, b"CS", "STUDY");
        identifier.text(0x0020, 0x000D, b"UI", study);
        self.link.send(context, &command, Some(&identifier.0))
    }

    /// Ends it in order.
    pub fn release(mut self) -> Result<()> {
        self.link.send_pdu(&release_rq())?;
        let (kind, _) = self.link.pdu()?;
        ensure!(kind == PduType::ReleaseRp, "a release was answered by {kind:?}");
        Ok(())
    }
}

/// Whether a response of C-GET or C-MOVE is the last one, which must be 0000 without failures.
fn ended(answer: &Command) -> Result<bool> {
    let status = answer.status.context("a response without a status")?;
    if PENDING.contains(&status) {
        return Ok(false);
    }
    let failed = answer.failed_suboperations.unwrap_or(0);
    ensure!(
        status == 0 && failed == 0,
        "answered {status:04X}, {failed} failed {}",
        answer.error_comment.as_deref().unwrap_or_default()
    );
    Ok(true)
}

fn request(door: &Door, proposed: &[(&str, &str)], received: &[&str]) -> Result<AssociateRq> {
    let context = |(at, (class, syntax)): (usize, &(&str, &str))| -> Result<PresentationContextRq> {
        Ok(PresentationContextRq {
            id: u8::try_from(at * 2 + 1)?,
            abstract_syntax: (*class).to_owned(),
            transfer_syntaxes: vec![(*syntax).to_owned()],
        })
    };
    let role = |class: &&str| RoleSelection { sop_class_uid: (*class).to_owned(), scu: false, scp: true };
    Ok(AssociateRq {
        protocol_version: 1,
        called_ae_title: door.called.clone(),
        calling_ae_title: CALLING.to_owned(),
        application_context: DICOM_APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: proposed.iter().enumerate().map(context).collect::<Result<_>>()?,
        user_information: UserInformation {
            pdu_bytes_max: PDU_BYTES,
            implementation_class_uid: IMPLEMENTATION.to_owned(),
            implementation_version_name: "LOAD".to_owned(),
            role_selections: received.iter().map(role).collect(),
            ..UserInformation::default()
        },
    })
}
