use super::*;
use proptest::prelude::*;

fn store() -> Command {
    Command {
        affected_sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".into()),
        command_field: field::C_STORE_RQ,
        message_id: Some(7),
        priority: Some(0),
        command_data_set_type: DATA_SET_FOLLOWS,
        affected_sop_instance_uid: Some("1.2.3.4".into()),
        ..Command::default()
    }
}

#[test]
fn an_echo_request_is_read_as_published() {
    // PS3.7 9.3.5.1, as DCMTK 3.6.7 sends it.
    let bytes = [
        &[0, 0, 0, 0, 4, 0, 0, 0, 56, 0, 0, 0][..],
        &[0, 0, 2, 0, 18, 0, 0, 0],
        b"1.2.840.10008.1.1\0",
        &[0, 0, 0, 1, 2, 0, 0, 0, 0x30, 0],
        &[0, 0, 0x10, 1, 2, 0, 0, 0, 1, 0],
        &[0, 0, 0, 8, 2, 0, 0, 0, 1, 1],
    ]
    .concat();
    let echo = Command::parse(&bytes).unwrap();
    assert_eq!(echo.command_field, field::C_ECHO_RQ);
    assert_eq!(echo.affected_sop_class_uid.as_deref(), Some("1.2.840.10008.1.1"));
    assert!(!echo.has_data_set());
    assert_eq!(echo.write(), bytes);
    let answer = echo.response(0);
    assert_eq!((answer.command_field, answer.message_id_being_responded_to, answer.status), (0x8030, Some(1), Some(0)));
}

#[test]
fn every_element_is_read_back() {
    let full = Command {
        requested_sop_class_uid: Some("1.2".into()),
        message_id_being_responded_to: Some(9),
        move_destination: Some("DEST".into()),
        status: Some(0xA900),
        offending_elements: vec![(0x0008, 0x0018), (0x0010, 0x0020)],
        error_comment: Some("element not understood".into()),
        requested_sop_instance_uid: Some("1.2.3".into()),
        event_type_id: Some(2),
        action_type_id: Some(1),
        remaining_suboperations: Some(1),
        completed_suboperations: Some(2),
        failed_suboperations: Some(3),
        warning_suboperations: Some(4),
        move_originator_ae_title: Some("MOVER".into()),
        move_originator_message_id: Some(5),
        ..store()
    };
    assert_eq!(Command::parse(&full.write()).unwrap(), full);
}

#[test]
fn an_actions_response_names_the_same_object_as_affected() {
    let action = Command {
        requested_sop_class_uid: Some("1.2.840.10008.1.20.1".into()),
        requested_sop_instance_uid: Some("1.2.840.10008.1.20.1.1".into()),
        command_field: field::N_ACTION_RQ,
        action_type_id: Some(1),
        ..store()
    };
    let action = Command { affected_sop_class_uid: None, affected_sop_instance_uid: None, ..action };
    let response = action.response(0);
    assert_eq!((response.command_field, response.action_type_id), (field::N_ACTION_RSP, Some(1)));
    assert_eq!(response.affected_sop_class_uid, action.requested_sop_class_uid);
    assert_eq!(response.affected_sop_instance_uid, action.requested_sop_instance_uid);
}

#[test]
fn broken_command_sets_are_refused() {
    let good = store().write();
    let mut beyond = good.clone();
    beyond[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut other_group = good.clone();
    other_group[0] = 8;
    let twice = [good.clone(), good[12..].to_vec()].concat();
    for bad in [beyond, other_group, twice, vec![], good[..good.len() - 1].to_vec()] {
        assert!(Command::parse(&bad).is_err());
    }
    let without_length = &good[12..];
    assert_eq!(Command::parse(without_length).unwrap(), store());
}

#[test]
fn the_size_limit_is_reached_and_passed_by_one() {
    let mut bytes = store().write();
    let filler = COMMAND_BYTES_MAX - bytes.len() - 8;
    put(&mut bytes, 0x5010, &vec![0; filler]);
    assert_eq!(bytes.len(), COMMAND_BYTES_MAX);
    assert!(Command::parse(&bytes).is_ok());
    bytes.push(0);
    assert!(Command::parse(&bytes).is_err());
}

#[test]
fn a_comment_is_cut_to_its_vr_and_loses_what_is_not_text() {
    let comment = Command { error_comment: Some(format!("a\\b\n{}", "x".repeat(100))), ..store().response(0) };
    let read = Command::parse(&comment.write()).unwrap().error_comment.unwrap();
    assert_eq!(read, format!("ab{}", "x".repeat(62)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Command::parse(&bytes);
    }

    #[test]
    fn one_changed_byte_is_read_without_harm(at in 0usize..200, to in any::<u8>()) {
        let mut bytes = store().write();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(command) = Command::parse(&bytes) {
            let again = Command::parse(&command.write()).unwrap();
            prop_assert_eq!(again.message_id, command.message_id);
        }
    }
}
