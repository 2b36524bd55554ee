use super::*;
use crate::object::{Extent, Kind, ResourceFacts};
use crate::segment::draft::{Draft, Staging};
use record::{FacilityCode, ObjectId, Pseudonym};
use seal::message::WrappedKey;
use std::sync::mpsc::sync_channel;

fn pending(staging: &Arc<Staging>, bytes: usize) -> Pending {
    let mut draft = Draft::new(Arc::clone(staging));
    let content = draft.append_part(&vec![5; bytes]).unwrap();
    let part = Extent { offset: content.offset, sealed_bytes: 0 };
    let key = || WrappedKey { epoch: 1, sealed: vec![1; 60] };
    let record = ObjectRecord {
        object: ObjectId([1; 16]),
        version: 1,
        patient: Pseudonym([2; 16]),
        linked: Vec::new(),
        facility: FacilityCode::new("RS-A").unwrap(),
        sender: String::new(),
        arrived: 0,
        tokens: Vec::new(),
        summary_key: key(),
        content_key: key(),
        commitment: [0; 32],
        summary: part,
        metadata: part,
        content,
        kind: Kind::Resource(ResourceFacts::default()),
        given: Vec::new(),
    };
    Pending { frame: draft.finish(vec![record]).unwrap(), reply: oneshot::channel().0 }
}

fn staging() -> (tempfile::TempDir, Arc<Staging>) {
    let dir = tempfile::tempdir().unwrap();
    let staging = Arc::new(Staging::new(&Settings::new(dir.path())));
    (dir, staging)
}

#[test]
fn a_group_takes_so_many_frames_and_no_more() {
    let (_dir, staging) = staging();
    for waiting_frames in [limits::GROUP_FRAMES_MAX - 1, limits::GROUP_FRAMES_MAX] {
        let (sender, waiting) = sync_channel(1_000);
        (0..waiting_frames).for_each(|_| sender.send(pending(&staging, 10)).unwrap());
        let group = gather(pending(&staging, 10), &waiting);
        assert_eq!(group.len(), limits::GROUP_FRAMES_MAX);
        assert_eq!(waiting.try_iter().count(), waiting_frames + 1 - limits::GROUP_FRAMES_MAX);
    }
}

#[test]
fn a_group_takes_so_many_bytes_and_at_most_one_frame_more() {
    let (_dir, staging) = staging();
    let megabyte = limits::DRAFT_MEMORY_BYTES_MAX;
    let (sender, waiting) = sync_channel(1_000);
    (0..100).for_each(|_| sender.send(pending(&staging, megabyte)).unwrap());
    let group = gather(pending(&staging, megabyte), &waiting);
    let bytes: usize = group.iter().map(|pending| pending.frame.bytes().len()).sum();
    assert!(bytes >= limits::GROUP_BYTES_MAX, "{bytes}");
    assert!(bytes < limits::GROUP_BYTES_MAX + megabyte + 10_000, "{bytes}");
}
