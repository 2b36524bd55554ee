use super::*;
use crate::{Cosigner, Log, SigningKey};
use tempfile::TempDir;

const ORIGIN: &str = "log.example/one";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

/// A log of `size` entries, with what is in them told by `flavour`, and its checkpoint.
fn log(size: u64, flavour: &str) -> (TempDir, Log, Checkpoint, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), ORIGIN, &key()).unwrap();
    let entries: Vec<String> = (0..size).map(|index| format!("{flavour} {index}")).collect();
    log.extend(0, &entries).unwrap();
    let signed = log.sign_checkpoint().unwrap().clone();
    (dir, log, signed.checkpoint, signed.note)
}

fn judge(request: &AddCheckpoint, latest: Option<&Checkpoint>) -> Result<Accepted, Refusal> {
    // What goes over the wire is what is judged.
    AddCheckpoint::parse(request.to_string().as_bytes())?.judge(&[key().verifier().clone()], latest)
}

#[test]
fn a_log_that_grows_is_cosigned_from_size_to_size() {
    let mut latest: Option<Checkpoint> = None;
    for size in [0, 1, 5, 5, 256, 257, 700] {
        let (_dir, log, checkpoint, note) = log(size, "entry");
        let old = latest.as_ref().map_or(0, |seen| seen.size);
        let request = AddCheckpoint { old, proof: log.consistency_proof(old, size).unwrap(), note: note.clone() };
        assert_eq!(request.origin(), Ok(ORIGIN));
        let accepted = judge(&request, latest.as_ref()).unwrap();
        assert_eq!((&accepted.checkpoint, &accepted.note), (&checkpoint, &note));
        latest = Some(accepted.checkpoint);
    }
}

#[test]
fn each_refusal_has_the_status_of_the_specification() {
    let (_d, ours, five, _) = log(5, "entry");
    let (_d, _, _, nine) = log(9, "entry");
    let (_d, grown, ..) = log(9, "entry");
    let proof = grown.consistency_proof(5, 9).unwrap();
    let good = AddCheckpoint { old: 5, proof: proof.clone(), note: nine.clone() };
    judge(&good, Some(&five)).unwrap();

    let status = |request: &AddCheckpoint, latest: Option<&Checkpoint>| judge(request, latest).unwrap_err().status();
    // Another size than the witness's, in both directions and when it has none.
    assert_eq!(judge(&AddCheckpoint { old: 4, ..good.clone() }, Some(&five)), Err(Refusal::Conflict(5)));
    assert_eq!(judge(&AddCheckpoint { old: 0, proof: vec![], ..good.clone() }, Some(&five)), Err(Refusal::Conflict(5)));
    assert_eq!(judge(&good, None), Err(Refusal::Conflict(0)));
    assert_eq!(Refusal::Conflict(5).to_string(), "5\n");
    assert_eq!(status(&AddCheckpoint { old: 10, ..good.clone() }, Some(&five)), 400);
    // A proof that is missing, too long, or of another tree.
    for proof in [vec![], [proof.clone(), vec![Hash([0; 32])]].concat(), vec![Hash([0; 32]); proof.len()]] {
        assert_eq!(status(&AddCheckpoint { proof, ..good.clone() }, Some(&five)), 422);
    }
    // A proof from nothing, where none is needed.
    assert_eq!(status(&AddCheckpoint { old: 0, proof: vec![Hash([0; 32])], note: nine.clone() }, None), 422);
    // Split view: another tree of the same size, and one that grew out of it.
    let (_d, _, _, split) = log(5, "other");
    assert_eq!(status(&AddCheckpoint { old: 5, proof: vec![], note: split }, Some(&five)), 422);
    let (_d, other, _, split) = log(9, "other");
    let proof = other.consistency_proof(5, 9).unwrap();
    assert_eq!(status(&AddCheckpoint { old: 5, proof, note: split }, Some(&five)), 422);
    // The same once more is cosigned again.
    let again = AddCheckpoint { old: 5, proof: vec![], note: ours.checkpoint().unwrap().note.clone() };
    judge(&again, Some(&five)).unwrap();
    // An empty tree with a root that it cannot have.
    let zero = Checkpoint { origin: ORIGIN.into(), size: 0, root: Hash([1; 32]) }.sign(&key()).unwrap();
    assert_eq!(status(&AddCheckpoint { old: 0, proof: vec![], note: zero.note }, None), 422);
}

#[test]
fn only_the_logs_own_keys_count() {
    let (_d, _, _, note) = log(3, "entry");
    let request = AddCheckpoint { old: 0, proof: vec![], note: note.clone() };
    assert_eq!(request.judge(&[], None), Err(Refusal::UnknownOrigin));
    let stranger = SigningKey::from_seed("log.example/two", &[1; 32]).unwrap();
    assert_eq!(request.judge(&[stranger.verifier().clone()], None).unwrap_err().status(), 404);
    let other = SigningKey::from_seed(ORIGIN, &[2; 32]).unwrap();
    assert_eq!(request.judge(&[other.verifier().clone()], None).unwrap_err().status(), 403);
    // A rotated key beside the old one: either may have signed, and lines of strangers are left out.
    let keys = [other.verifier().clone(), key().verifier().clone()];
    let witness = Cosigner::from_seed("witness.example/1", &[9; 32]).unwrap();
    let text = Note::parse(&note).unwrap().text().to_owned();
    let more = AddCheckpoint { note: format!("{note}{}", witness.cosign(&text, 1).unwrap()), ..request.clone() };
    assert_eq!(more.judge(&keys, None).unwrap().note, note);
    // A false line under a trusted key's name and id.
    let line = note.lines().last().unwrap();
    let forged = format!("{note}{}\n", line.replace("yaQ", "zaQ").replace('B', "C"));
    assert_eq!(AddCheckpoint { note: forged, ..request }.judge(&keys, None).unwrap_err().status(), 403);
}

#[test]
fn what_is_not_a_request_is_malformed() {
    let (_d, _, _, note) = log(3, "entry");
    let hash = Hash([1; 32]).to_base64();
    for body in [
        String::new(),
        "old 0".into(),
        "old 0\n".into(),
        format!("old 00\n\n{note}"),
        format!("old -1\n\n{note}"),
        format!("old +1\n\n{note}"),
        format!("old 18446744073709551616\n\n{note}"),
        format!("OLD 0\n\n{note}"),
        format!("old 0\nnot base64\n\n{note}"),
        format!("old 0\n{hash}{hash}\n\n{note}"),
        format!("old 0\r\n\n{note}"),
        format!("old 3\n{}\n\n{note}", vec![hash.as_str(); PROOF_HASHES_MAX + 1].join("\n")),
    ] {
        assert_eq!(AddCheckpoint::parse(body.as_bytes()).unwrap_err().status(), 400, "{body:?}");
    }
    let longest = format!("old 3\n{}\n\n{note}", vec![hash.as_str(); PROOF_HASHES_MAX].join("\n"));
    assert_eq!(AddCheckpoint::parse(longest.as_bytes()).unwrap().proof.len(), PROOF_HASHES_MAX);
    for note in ["", "x", "a\n1\n\n", &note.replace('\n', "\n\n"), &note.replacen(ORIGIN, "", 1)] {
        let request = AddCheckpoint { old: 0, proof: vec![], note: note.to_owned() };
        assert_eq!(request.origin().unwrap_err().status(), 400);
        assert_eq!(request.judge(&[key().verifier().clone()], None).unwrap_err().status(), 400);
    }
    let body = vec![b'x'; REQUEST_BYTES_MAX + 1];
    assert_eq!(AddCheckpoint::parse(&body), Err(Refusal::Malformed("the request is too long")));
}

#[test]
fn answers_are_read_and_nothing_else() {
    assert_eq!(parse_size(b"0\n").unwrap(), 0);
    assert_eq!(parse_size(b"20852014\n").unwrap(), 20_852_014);
    for wrong in [b"".as_slice(), b"5", b"05\n", b"5\n\n", b" 5\n", b"\xff\n"] {
        assert!(parse_size(wrong).is_err());
    }
    let (_d, _, _, note) = log(3, "entry");
    let witness = Cosigner::from_seed("witness.example/1", &[9; 32]).unwrap();
    let line = witness.cosign(Note::parse(&note).unwrap().text(), 1).unwrap();
    let joined = add_lines(&note, line.as_bytes()).unwrap();
    assert_eq!(witness.key().cosigned_at(&Note::parse(&joined).unwrap()).unwrap(), 1);
    for wrong in ["", "\n", "x\n", line.trim_end(), &format!("\n{line}"), &format!("{line}\nother\n\n{line}")] {
        assert!(add_lines(&note, wrong.as_bytes()).is_err(), "{wrong:?}");
    }
}
