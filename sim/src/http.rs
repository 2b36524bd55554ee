//! HTTP as plainly as it goes: one request, one connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// One request on a connection of its own: status and body; `None` if the archive went away meanwhile.
#[must_use]
pub fn request(
    address: SocketAddr,
    token: &str,
    head: &str,
    content_type: &str,
    body: &[u8],
) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX).ok()?;
    stream.set_read_timeout(Some(ANSWER_MAX)).ok()?;
    stream.set_write_timeout(Some(ANSWER_MAX)).ok()?;
    let head = format!("{head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
    let fields = format!("Accept: */*\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    // A server may refuse and answer before it has read everything.
    let sent = stream.write_all(&[head.as_bytes(), fields.as_bytes(), body].concat());
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let status: u16 = line.split(' ').nth(1)?.parse().ok()?;
    let mut length = None;
    let mut chunked = false;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).ok()?;
        let field = field.trim().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().ok();
        }
        chunked |= field.starts_with("transfer-encoding:") && field.ends_with("chunked");
    }
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).ok()?;
    if sent.is_err() && status < 400 {
        return None;
    }
    if chunked {
        rest = unchunked(&rest)?;
    }
    // An answer cut short is no answer.
    length.is_none_or(|length| length == rest.len()).then_some((status, rest))
}

/// A GET.
#[must_use]
pub fn get(address: SocketAddr, token: &str, path: &str) -> Option<(u16, Vec<u8>)> {
    request(address, token, &format!("GET {path}"), "application/dicom", b"")
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let (size, rest) = bytes.split_at(end);
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend(rest.get(2..2 + size)?);
        bytes = rest.get(4 + size..)?;
    }
}
