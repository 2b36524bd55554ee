use super::*;
use crate::error::Result;
use crate::outbound::{self, Outbound};
use ledger::cosignature::origin_hash;
use ledger::witness::{AddCheckpoint, Refusal};
use ledger::{Checkpoint, Cosigner, Log, Note, SigningKey, cosignature};
use record::Outcome;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const ORIGIN: &str = "log.example/one";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

/// A witness in memory.
struct Fake {
    cosigner: Cosigner,
    address: SocketAddr,
    latest: Mutex<Option<(Checkpoint, String)>>,
    asked: Mutex<HashMap<String, usize>>,
    is_dead: AtomicBool,
    /// Answers to submissions instead of its judgement.
    lies: Mutex<Option<(u16, String)>>,
}

impl Fake {
    async fn start(seed: u8) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Arc::new(Self {
            cosigner: Cosigner::from_seed(&format!("witness.example/{seed}"), &[seed; 32]).unwrap(),
            address: listener.local_addr().unwrap(),
            latest: Mutex::default(),
            asked: Mutex::default(),
            is_dead: AtomicBool::new(false),
            lies: Mutex::default(),
        });
        let serving = Arc::clone(&fake);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&serving);
                tokio::spawn(async move { fake.answer(stream).await });
            }
        });
        fake
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut piece = [0; 4_096];
        let (head, body) = loop {
            let read = stream.read(&mut piece).await.unwrap_or(0);
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head
                .to_ascii_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
            if body.len() >= length.map_or(0, |digits| digits.parse().unwrap()) {
                break (head.to_owned(), body.to_owned());
            }
        };
        if self.is_dead.load(Ordering::SeqCst) {
            return;
        }
        let verb = head.split(' ').next().unwrap().to_owned();
        *self.asked.lock().unwrap().entry(verb.clone()).or_default() += 1;
        let (status, text) = if verb == "POST" { self.judge(&body) } else { self.show(&head) };
        let kind = if status == 409 { "text/x.tlog.size" } else { "text/plain" };
        let answer =
            format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        let _gone = stream.write_all(answer.as_bytes()).await;
    }

    fn judge(&self, body: &str) -> (u16, String) {
        if let Some(lie) = self.lies.lock().unwrap().clone() {
            return lie;
        }
        let mut latest = self.latest.lock().unwrap();
        let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
        match request.judge(&[key().verifier().clone()], latest.as_ref().map(|(checkpoint, _)| checkpoint)) {
            Ok(accepted) => {
                let text = Note::parse(&accepted.note).unwrap().text().to_owned();
                let line = self.cosigner.cosign(&text, 1_700_000_000).unwrap();
                *latest = Some((accepted.checkpoint, format!("{}{line}", accepted.note)));
                (200, line)
            }
            Err(Refusal::Conflict(size)) => (409, format!("{size}\n")),
            Err(refusal) => (refusal.status(), refusal.to_string()),
        }
    }

    fn show(&self, head: &str) -> (u16, String) {
        assert!(head.starts_with(&format!("GET /w/{}/checkpoint ", origin_hash(ORIGIN))), "{head}");
        self.latest.lock().unwrap().as_ref().map_or((404, String::new()), |(_, note)| (200, note.clone()))
    }

    fn named(&self) -> Named {
        Named { vkey: self.cosigner.key().to_string(), url: format!("http://{}/w/", self.address), monitor: None }
    }

    fn asked(&self, verb: &str) -> usize {
        self.asked.lock().unwrap().get(verb).copied().unwrap_or(0)
    }
}

/// A ledger that grows, and its follower.
struct Followed {
    dir: TempDir,
    log: Log,
    settings: Settings,
    checkpoints: watch::Sender<Arc<str>>,
    standing: watch::Receiver<Standing>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<()>>,
}

fn grow(log: &mut Log, size: u64, flavour: &str) -> Arc<str> {
    let entries: Vec<String> = (log.size()..size).map(|index| format!("{flavour} {index}")).collect();
    log.extend(log.size(), &entries).unwrap();
    log.sign_checkpoint().unwrap().note.as_str().into()
}

fn follow(fakes: &[&Arc<Fake>], needed: usize, late_seconds: u64, size: u64, flavour: &str) -> Followed {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(dir.path(), ORIGIN, &key()).unwrap();
    let note = grow(&mut log, size, flavour);
    let settings = Settings { needed, list: fakes.iter().map(|fake| fake.named()).collect(), late_seconds };
    let (checkpoints, told) = watch::channel(note);
    let (standing, stands) = watch::channel(Standing::default());
    let (stop, stopped) = watch::channel(false);
    let witnesses = settings.witnesses().unwrap();
    let outbound = Outbound::new(&outbound::Settings::default()).unwrap();
    let own = key().verifier().clone();
    let follower = Follower::new((settings.clone(), witnesses), outbound, own, dir.path(), told, standing);
    Followed { dir, log, settings, checkpoints, standing: stands, stop, task: tokio::spawn(follower.run(stopped)) }
}

impl Followed {
    async fn until(&mut self, what: &str, holds: impl FnMut(&Standing) -> bool) -> Standing {
        let waiting = tokio::time::timeout(Duration::from_secs(30), self.standing.wait_for(holds));
        waiting.await.unwrap_or_else(|_| panic!("never: {what}")).unwrap().clone()
    }

    async fn until_cosigned(&mut self, size: u64) -> Arc<Cosigned> {
        let standing = self
            .until(&format!("cosigned at {size}"), |s| {
                s.cosigned.as_ref().is_some_and(|c| c.signed.checkpoint.size == size)
            })
            .await;
        standing.cosigned.unwrap()
    }

    async fn end(self) -> Result<()> {
        self.stop.send_replace(true);
        self.task.await.unwrap()
    }
}

#[tokio::test]
async fn two_of_three_are_enough_while_one_is_away_and_it_catches_up_when_it_is_back() {
    let (a, b, c) = (Fake::start(1).await, Fake::start(2).await, Fake::start(3).await);
    c.is_dead.store(true, Ordering::SeqCst);
    let mut followed = follow(&[&a, &b, &c], 2, 600, 3, "entry");
    let cosigned = followed.until_cosigned(3).await;
    assert_eq!(cosigned.witnesses, 2);
    followed.checkpoints.send_replace(grow(&mut followed.log, 300, "entry"));
    followed.until_cosigned(300).await;
    c.is_dead.store(false, Ordering::SeqCst);
    let standing = followed
        .until("the third is back", |s| s.each.iter().all(|(_, size, t)| *size == Some(300) && t.is_none()))
        .await;
    assert_eq!((standing.cosigned.unwrap().witnesses, standing.needed, standing.is_late), (3, 2, false));
    // What lies beside the checkpoint is what was published, and is believed again at the next start.
    let witnesses = followed.settings.witnesses().unwrap();
    let read = read_cosigned(followed.dir.path(), key().verifier(), &witnesses, 2).unwrap();
    assert_eq!((read.signed.checkpoint.size, read.witnesses), (300, 3));
    assert!(read_cosigned(followed.dir.path(), key().verifier(), &witnesses[..1], 2).is_none());
    assert!(cosignature::count(&Note::parse(&read.signed.note).unwrap(), &[a.cosigner.key().clone()]).unwrap() == 1);
    followed.end().await.unwrap();
}

#[tokio::test]
async fn a_quorum_that_is_missing_for_too_long_is_told_and_found_again() {
    let (a, b) = (Fake::start(1).await, Fake::start(2).await);
    b.is_dead.store(true, Ordering::SeqCst);
    let mut followed = follow(&[&a, &b], 2, 1, 3, "entry");
    let standing = followed.until("late", |s| s.is_late).await;
    assert!(standing.cosigned.is_none() && standing.each[1].2.is_some());
    assert_eq!(a.asked("POST"), 1, "who has cosigned is not asked for the same again");
    b.is_dead.store(false, Ordering::SeqCst);
    followed.until("not late", |s| !s.is_late).await;
    followed.until_cosigned(3).await;
    followed.end().await.unwrap();
}

#[tokio::test]
async fn whoever_shows_more_than_the_state_has_or_another_history_ends_the_service() {
    for (size, flavour, words) in [(9, "entry", "the state was set back"), (5, "other", "another history")] {
        let witness = Fake::start(1).await;
        let mut before = follow(&[&witness], 1, 600, size, flavour);
        before.until_cosigned(size).await;
        before.end().await.unwrap();
        // The same key, with a state of five entries.
        let followed = follow(&[&witness], 1, 600, 5, "entry");
        let error = followed.task.await.unwrap().unwrap_err();
        assert_eq!(error.outcome(), Outcome::Damaged);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(witness.latest.lock().unwrap().as_ref().unwrap().0.size, size, "and it is not cosigned");
        // Before anything is served or signed, likewise.
        let notes = [("w".to_owned(), witness.latest.lock().unwrap().as_ref().unwrap().1.clone())];
        let (log, root) = (&followed.log, |size| followed.log.root_at(size));
        let at_start = compare_at_start(&notes, key().verifier(), log.size(), root);
        assert_eq!(at_start.unwrap_err().outcome(), Outcome::Damaged);
        assert!(
            compare_at_start(&[("w".into(), log.checkpoint().unwrap().note.clone())], key().verifier(), 5, root)
                .is_ok()
        );
    }
}

#[tokio::test]
async fn a_witness_that_lies_costs_its_own_cosignature_and_nothing_else() {
    let stranger = Cosigner::from_seed("witness.example/1", &[9; 32]).unwrap();
    for lie in [
        (409, "18446744073709551615\n".to_owned()),
        (409, "4\n".to_owned()),
        (409, "many\n".to_owned()),
        (422, "no\n".to_owned()),
        (404, String::new()),
        (500, String::new()),
        (200, String::new()),
        (200, "— witness.example/1 AAAA\n".to_owned()),
        (200, stranger.cosign("other\n1\nx\n", 5).unwrap()),
        (302, String::new()),
    ] {
        let (liar, honest) = (Fake::start(1).await, Fake::start(2).await);
        *liar.lies.lock().unwrap() = Some(lie.clone());
        let mut followed = follow(&[&liar, &honest], 1, 600, 3, "entry");
        assert_eq!(followed.until_cosigned(3).await.witnesses, 1);
        let standing =
            followed.until("told", |s| s.each.first().is_some_and(|(_, _, trouble)| trouble.is_some())).await;
        assert_eq!((standing.each[0].1, standing.each[1].1), (None, Some(3)), "{lie:?}");
        followed.end().await.unwrap();
    }
    // It shows a larger tree that somebody else signed: that proves nothing.
    let liar = Fake::start(1).await;
    let forged = Checkpoint { origin: ORIGIN.into(), size: 9, root: ledger::Hash([9; 32]) };
    let note = forged.sign(&SigningKey::from_seed(ORIGIN, &[7; 32]).unwrap()).unwrap().note;
    *liar.latest.lock().unwrap() = Some((forged, note));
    let mut followed = follow(&[&liar], 1, 600, 3, "entry");
    followed.until("told", |s| s.each.first().is_some_and(|(_, _, trouble)| trouble.is_some())).await;
    followed.end().await.unwrap();
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let vkey = |seed: u8| Cosigner::from_seed(&format!("w.example/{seed}"), &[seed; 32]).unwrap().key().to_string();
    let named = |seed| Named { vkey: vkey(seed), url: "https://w.example".into(), monitor: None };
    let settings = |needed, list: Vec<Named>| Settings { needed, list, ..Settings::default() };
    assert!(Settings::default().witnesses().unwrap().is_empty());
    assert_eq!(settings(2, vec![named(1), named(2), named(3)]).witnesses().unwrap().len(), 3);
    let many = |count: usize| (1..=u8::try_from(count).unwrap()).map(named).collect::<Vec<_>>();
    assert!(settings(1, many(record::limits::WITNESSES_MAX)).witnesses().is_ok());
    let log = key().verifier().to_string();
    for wrong in [
        settings(0, vec![named(1)]),
        settings(2, vec![named(1)]),
        settings(1, vec![]),
        settings(1, vec![named(1), named(1)]),
        settings(1, vec![Named { vkey: log, ..named(1) }]),
        settings(1, vec![Named { url: "http://w.example".into(), ..named(1) }]),
        settings(1, vec![Named { monitor: Some("https://w.example?x".into()), ..named(1) }]),
        settings(1, many(record::limits::WITNESSES_MAX + 1)),
    ] {
        assert_eq!(wrong.witnesses().unwrap_err().outcome(), Outcome::Invalid, "{wrong:?}");
    }
}

#[test]
fn what_is_read_from_a_folder_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    assert!(read_cosigned(dir.path(), key().verifier(), &[], 0).is_none());
    let write = |note: &str| std::fs::write(Path::new(dir.path()).join("checkpoint.cosigned"), note).unwrap();
    write("nonsense");
    assert!(read_cosigned(dir.path(), key().verifier(), &[], 0).is_none());
}
