//! Sends one input of the corpus and says what came back, and how long that took on the connection.

use super::build::{EXPLICIT, associate, command, data, item, uids};
use super::{Expected, Input, Sent};
use crate::known::holds;
use crate::process::{Archive, segel_output};
use crate::sample::SECONDARY_CAPTURE;
use crate::stage::MODALITY;
use crate::{Result, http};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// An answer that takes longer is none.
const ANSWER_MAX: Duration = Duration::from_secs(25);
/// Silence after which a peer is taken to wait for more.
const SILENCE: Duration = Duration::from_millis(1_000);

/// What came back.
#[derive(Debug, Default)]
pub struct Seen {
    /// HTTP statuses, in order.
    pub http: Vec<u16>,
    /// Types of the PDUs that came.
    pub pdus: Vec<u8>,
    /// The last DIMSE status.
    pub status: Option<u16>,
    /// The connection was ended by the archive.
    pub ended: bool,
    /// Statuses of what was asked for afterwards.
    pub asked: Vec<u16>,
    /// What is wrong with what was asked for afterwards.
    pub wrong: Option<&'static str>,
    /// A command said that it refused something.
    pub command_refused: bool,
    /// Until the last byte of the answer.
    pub took: Duration,
}

impl Seen {
    /// Whether this is what is expected.
    #[must_use]
    pub fn is(&self, expected: Expected, sent: &Sent) -> bool {
        let http = self.http.first().copied().unwrap_or(0);
        let refused_http = !self.http.is_empty() && self.http.iter().all(|status| (400..500).contains(status));
        let refused = match sent {
            // A connection that is ended without a word is a refusal too: of what is not the protocol at all.
            Sent::Http(_) | Sent::Stow(..) => refused_http || (self.http.is_empty() && self.ended),
            Sent::Import(_) => self.command_refused,
            _ => self.status.map_or(self.ended || self.pdus.iter().any(|kind| [3, 7].contains(kind)), |status| {
                status & 0xF000 != 0xF000 && status != 0
            }),
        };
        let kept = http == 200 || self.status == Some(0);
        let drawn = self.asked.iter().all(|status| *status < 500) && self.wrong.is_none();
        let answered = match sent {
            Sent::Http(_) | Sent::Stow(..) => (200..500).contains(&http) && drawn,
            Sent::Import(_) => true,
            _ => refused || self.status.is_some(),
        };
        match expected {
            Expected::Refused => refused,
            Expected::Http(status) => self.http.iter().all(|seen| *seen == status) && http == status,
            Expected::Kept => kept && drawn && self.asked.iter().all(|status| *status < 500),
            Expected::KeptNotDrawn => kept && drawn && self.asked.iter().all(|status| (400..500).contains(status)),
            Expected::Answered => answered,
            Expected::Waiting => self.http.is_empty() && !self.ended,
        }
    }
}

/// Sends an input to an archive; `folder` is where files to import are laid.
///
/// # Errors
/// If a connection cannot be made, or an association that must be accepted is not.
pub fn send(archive: &Archive, token: &str, folder: &Path, input: &Input) -> Result<Seen> {
    match &input.sent {
        Sent::Http(bytes) => {
            let text = with_token(bytes, token);
            talk(archive.http, &text, Protocol::Http, input.expected == Expected::Waiting)
        }
        Sent::Dimse(bytes, count) => {
            let mut last = Seen::default();
            for _ in 0..*count {
                let seen = talk(archive.dimse, bytes, Protocol::Dimse, false)?;
                let took = last.took.max(seen.took);
                last = Seen { took, ..seen };
            }
            Ok(last)
        }
        Sent::DimseTls(bytes) => talk(archive.dimse_tls, bytes, Protocol::Dimse, false),
        Sent::Associated(request, bytes) => associated(archive.dimse, request, bytes),
        Sent::Store(instance, data_set) => associated(archive.dimse, &storage(), &store(instance, data_set)),
        Sent::Stow(file, n, asked) => stow(archive, token, file, *n, asked),
        Sent::Import(files) => import(archive, folder, files),
    }
}

fn with_token(bytes: &[u8], token: &str) -> Vec<u8> {
    let place = b"{token}";
    match memchr::memmem::find(bytes, place) {
        Some(at) => {
            let (before, rest) = bytes.split_at(at);
            [before, token.as_bytes(), rest.get(place.len()..).unwrap_or_default()].concat()
        }
        None => bytes.to_vec(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Dimse,
}

fn talk(address: SocketAddr, bytes: &[u8], protocol: Protocol, waiting: bool) -> Result<Seen> {
    let socket = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    exchange(&socket, bytes, protocol, waiting)
}

/// Writes in one thread and reads in the other: who refuses early may do so in the middle of what is sent.
fn exchange(socket: &TcpStream, bytes: &[u8], protocol: Protocol, waiting: bool) -> Result<Seen> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    socket.set_write_timeout(Some(ANSWER_MAX))?;
    let begun = Instant::now();
    let mut answer = Vec::new();
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = socket;
            let sent = writer.write_all(bytes);
            if protocol == Protocol::Dimse && sent.is_ok() {
                // Nothing more comes, so that nobody waits for the rest of what has none.
                let _gone = socket.shutdown(std::net::Shutdown::Write);
            }
        });
        let (mut reader, mut piece) = (socket, [0; 16 * 1024]);
        let mut last = begun;
        while begun.elapsed() < ANSWER_MAX {
            match reader.read(&mut piece) {
                Ok(0) => seen.ended = true,
                Ok(count) => {
                    answer.extend_from_slice(piece.get(..count).unwrap_or_default());
                    last = Instant::now();
                    if protocol == Protocol::Dimse {
                        (seen.pdus, seen.status) = pdus(&answer);
                    }
                    let final_pdu = seen.pdus.iter().any(|kind| [3, 7].contains(kind));
                    if !final_pdu && seen.status.is_none_or(|status| status & 0xFF00 == 0xFF00) {
                        continue;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    let quiet = last.elapsed();
                    let complete = protocol == Protocol::Http && whole(&answer) && quiet > Duration::from_millis(100);
                    if !(complete || waiting && quiet > SILENCE) {
                        continue;
                    }
                }
                Err(_) => seen.ended = true,
            }
            break;
        }
        seen.took = if answer.is_empty() { begun.elapsed() } else { last.duration_since(begun) };
        let _gone = socket.shutdown(std::net::Shutdown::Both);
    });
    if protocol == Protocol::Http {
        seen.http = statuses(&answer);
        let head = answer.get(..memchr::memmem::find(&answer, b"\r\n\r\n").unwrap_or(answer.len())).unwrap_or_default();
        if holds(&head.to_ascii_lowercase(), b"\r\nx-injected") {
            seen.wrong = Some("a header of the sender's making");
        }
    }
    Ok(seen)
}

/// Whether the last answer has its whole body.
fn whole(answer: &[u8]) -> bool {
    let Some(start) = memchr::memmem::rfind(answer, b"HTTP/1.1 ") else { return false };
    let last = answer.get(start..).unwrap_or_default();
    let Some(end) = memchr::memmem::find(last, b"\r\n\r\n") else { return false };
    let (head, body) = last.split_at(end + 4);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.map_or_else(|| body.ends_with(b"0\r\n\r\n"), |length| body.len() >= length)
}

fn statuses(answer: &[u8]) -> Vec<u16> {
    let number = |at: usize| std::str::from_utf8(answer.get(at + 9..at + 12)?).ok()?.parse().ok();
    memchr::memmem::find_iter(answer, b"HTTP/1.1 ").filter_map(number).collect()
}

/// The types of the PDUs, and the last status in a command (0000,0900).
fn pdus(mut answer: &[u8]) -> (Vec<u8>, Option<u16>) {
    let (mut kinds, mut status) = (Vec::new(), None);
    while let Some((&[kind, _, a, b, c, d], rest)) = answer.split_first_chunk::<6>() {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        kinds.push(kind);
        let place = b"\x00\x00\x00\x09\x02\x00\x00\x00";
        if let Some(at) = memchr::memmem::find(body, place)
            && let Some(&[low, high]) = body.get(at + 8..at + 10)
        {
            status = Some(u16::from_le_bytes([low, high]));
        }
        answer = rest;
    }
    (kinds, status)
}

fn associated(address: SocketAddr, request: &[u8], bytes: &[u8]) -> Result<Seen> {
    let mut socket = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    socket.set_read_timeout(Some(ANSWER_MAX))?;
    socket.write_all(request)?;
    let mut header = [0; 6];
    socket.read_exact(&mut header)?;
    let [kind, _, a, b, c, d] = header;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes([a, b, c, d]))?];
    socket.read_exact(&mut body)?;
    if kind != 2 {
        return Err(format!("PDU {kind} answered an honest request").into());
    }
    exchange(&socket, bytes, Protocol::Dimse, false)
}

fn storage() -> Vec<u8> {
    let mut context = vec![1, 0, 0, 0];
    context.extend(item(0x30, SECONDARY_CAPTURE.as_bytes()));
    context.extend(item(0x40, EXPLICIT.as_bytes()));
    let items =
        [item(0x10, super::build::APPLICATION), item(0x20, &context), item(0x50, &item(0x51, &[0, 0, 0x40, 0]))];
    associate("SEGEL", MODALITY, &items.concat())
}

fn store(instance: &str, data_set: &[u8]) -> Vec<u8> {
    let command = command(&[
        (2, SECONDARY_CAPTURE.as_bytes()),
        (0x100, &[1, 0]),
        (0x110, &[1, 0]),
        (0x700, &[0, 0]),
        (0x800, &[0, 0]),
        (0x1000, instance.as_bytes()),
    ]);
    let mut bytes = data(1, true, true, &command);
    let pieces: Vec<&[u8]> = data_set.chunks(16_000).collect();
    for (nth, piece) in pieces.iter().enumerate() {
        bytes.extend(data(1, false, nth + 1 == pieces.len(), piece));
    }
    bytes
}

fn stow(archive: &Archive, token: &str, file: &[u8], n: usize, asked: &[&str]) -> Result<Seen> {
    let head = format!(
        "POST /dicom-web/studies HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/dicom\r\nContent-Length: {}\r\n\r\n",
        file.len()
    );
    let mut seen = talk(archive.http, &[head.as_bytes(), file].concat(), Protocol::Http, false)?;
    let uids = uids(n);
    let place = format!("/dicom-web/studies/{}/series/{}/instances/{}", uids.study, uids.series, uids.instance);
    for rest in asked {
        let begun = Instant::now();
        let first = http::get(archive.http, token, &format!("{place}{rest}")).ok_or("no answer to a retrieve")?;
        seen.took = seen.took.max(begun.elapsed());
        let again = http::get(archive.http, token, &format!("{place}{rest}")).ok_or("no answer to a retrieve")?;
        seen.asked.push(first.0);
        // What shows the memory of a process shows something else each time.
        if first != again {
            seen.wrong = Some("another answer to the same question");
        }
        if holds(&first.1, b"HOSTILEPREAMBLE") {
            seen.wrong = Some("the preamble is handed on");
        }
    }
    Ok(seen)
}

fn import(archive: &Archive, folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<Seen> {
    let place = folder.join("to-import");
    std::fs::create_dir_all(&place)?;
    let mut arguments = vec!["--again".to_owned(), "--facility".to_owned(), "RSUD-A".to_owned()];
    for (name, bytes) in files {
        std::fs::write(place.join(name), bytes)?;
        arguments.push(place.join(name).display().to_string());
    }
    let begun = Instant::now();
    let output = segel_output(&archive.data, "import", &arguments)?;
    let took = begun.elapsed();
    std::fs::remove_dir_all(&place)?;
    let wrong = holds(&output.stdout, b"\x1B").then_some("a terminal is steered");
    // Ended by a signal is no refusal.
    let code = output.status.code().ok_or("the import was killed")?;
    if code == 101 {
        return Err(format!("the import panicked: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(Seen { command_refused: code != 0 && wrong.is_none(), took, wrong, ..Seen::default() })
}
