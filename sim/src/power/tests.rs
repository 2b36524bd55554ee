use super::*;

fn write(handle: u64, offset: u64, data: &[u8]) -> Record {
    Record::Write { handle, offset, data: data.to_vec() }
}

fn open(handle: u64, path: &str, created: bool) -> Record {
    Record::Open { handle, path: path.into(), created, truncated: false, is_folder: !created }
}

/// A file in a folder, written and flushed, then named anew; the folder is flushed last.
fn story() -> Vec<Record> {
    vec![
        Record::MakeFolder("/r/d".into()),
        open(1, "/r/d", false),
        open(2, "/r/d/new", true),
        write(2, 0, &[1; 2048]),
        Record::SyncBegun { handle: 2, number: 1 },
        write(2, 2048, &[2; 2048]),
        Record::SyncEnded { handle: 2, number: 1 },
        Record::Rename("/r/d/new".into(), "/r/d/name".into()),
        Record::SyncBegun { handle: 1, number: 2 },
        Record::SyncEnded { handle: 1, number: 2 },
    ]
}

fn states(records: &[Record], cut: usize, manner: Manner) -> Vec<Option<Vec<u8>>> {
    let mut found: Vec<Option<Vec<u8>>> = (0..60)
        .map(|seed| {
            let folder = tempfile::tempdir().unwrap();
            // The folder itself is of no concern here.
            std::fs::create_dir(folder.path().join("d")).unwrap();
            let model = Model::at(records, cut);
            let names = model.names(manner, &mut Random::new(seed));
            let inode = names.get(Path::new("/r/d/name")).copied();
            inode.map(|inode| model.inodes[inode].bytes(manner, &mut Random::new(seed)))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn what_is_flushed_is_there_and_what_is_not_may_be() {
    let records = story();
    let flushed = [Some(vec![1_u8; 2048])];
    assert_eq!(states(&records, 10, Manner::Nothing), flushed);
    for manner in [Manner::Journal, Manner::Posix] {
        let found = states(&records, 10, manner);
        assert!(found.len() > 2, "{manner:?}");
        assert!(found.iter().all(|state| state.as_ref().is_some_and(|bytes| bytes.starts_with(&[1; 2048]))));
    }
}

#[test]
fn a_name_is_there_only_after_its_folder_was_flushed() {
    let records = story();
    assert_eq!(states(&records, 9, Manner::Nothing), [None]);
    let found = states(&records, 9, Manner::Posix);
    assert!(found.contains(&None) && found.len() > 1);
}

#[test]
fn a_write_while_a_flush_runs_is_not_covered_by_it() {
    let records = story();
    assert!(states(&records, 10, Manner::Posix).contains(&Some(vec![1; 2048])));
}
