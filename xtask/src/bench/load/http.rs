//! HTTP/1.1 with connections that are kept (RFC 9112): what DICOMweb needs and nothing more.

use super::stream::Stream;
use anyhow::{Context as _, Result, bail, ensure};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where a server's DICOMweb is.
#[derive(Clone, Debug)]
pub struct Web {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// What goes behind `Authorization:`.
    pub authorization: Option<String>,
}

/// Something to ask, with what a good answer is.
#[derive(Clone, Debug)]
pub struct Request {
    /// Behind `/dicom-web`.
    pub path: String,
    /// `Accept:`.
    pub accept: &'static str,
    /// Content type and body of a POST.
    pub body: Option<(String, Vec<u8>)>,
    /// A shorter answer is a wrong one.
    pub bytes_min: usize,
}

/// One connection.
pub struct Client {
    web: Web,
    stream: Option<Stream>,
    out: Vec<u8>,
    /// Of the last answer.
    pub body: Vec<u8>,
}

/// What an answer's head says of its body.
struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
    closes: bool,
}

impl Client {
    /// Connects when it first asks.
    pub fn new(web: &Web) -> Self {
        Self { web: web.clone(), stream: None, out: Vec::new(), body: Vec::new() }
    }

    /// Asks and reads the whole answer; its status.
    pub fn ask(&mut self, request: &Request) -> Result<u16> {
        self.out.clear();
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let mut head = format!(
            "{method} /dicom-web{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: {}\r\n",
            request.path, self.web.port, request.accept
        );
        if let Some(authorization) = &self.web.authorization {
            head += &format!("Authorization: {authorization}\r\n");
        }
        if let Some((content_type, body)) = &request.body {
            head += &format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
        }
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        if let Some((_, body)) = &request.body {
            self.out.extend_from_slice(body);
        }
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Stream::connect(("127.0.0.1", self.web.port))?,
        };
        stream.send(&self.out)?;
        let head = head_of(&mut stream)?;
        self.body.clear();
        match head.length {
            Some(length) => stream.read_into(&mut self.body, length)?,
            None if head.chunked => chunks(&mut stream, &mut self.body)?,
            None if head.status == 204 => {}
            None => to_the_end(&mut stream, &mut self.body)?,
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(head.status)
    }

    /// Asks, and the answer must be a good one.
    pub fn must(&mut self, request: &Request) -> Result<()> {
        let status = self.ask(request)?;
        let shown =
            |body: &[u8]| String::from_utf8_lossy(body.get(..body.len().min(400)).unwrap_or_default()).into_owned();
        ensure!(matches!(status, 200 | 204 | 206), "{} answered {status}: {}", request.path, shown(&self.body));
        let length = self.body.len();
        ensure!(length >= request.bytes_min, "{} answered {length} bytes: {}", request.path, shown(&self.body));
        Ok(())
    }
}

fn line(stream: &mut Stream) -> Result<String> {
    let mut line = Vec::with_capacity(64);
    loop {
        let come = stream.peek()?;
        ensure!(!come.is_empty(), "the connection ended in a head: {}", String::from_utf8_lossy(&line));
        match come.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                line.extend_from_slice(come.get(..end).unwrap_or_default());
                stream.take(end + 1);
                break;
            }
            None => {
                let count = come.len();
                line.extend_from_slice(come);
                stream.take(count);
            }
        }
    }
    Ok(String::from_utf8(line)?.trim_end_matches('\r').to_owned())
}

fn head_of(stream: &mut Stream) -> Result<Head> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).with_context(|| format!("not HTTP: {first}"))?.parse()?;
    let mut head = Head { status, length: None, chunked: false, closes: false };
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else {
            if line.is_empty() {
                return Ok(head);
            }
            bail!("not a header: {line}");
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = Some(value.parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.eq_ignore_ascii_case("close");
        }
    }
}

fn chunks(stream: &mut Stream, out: &mut Vec<u8>) -> Result<()> {
    loop {
        let size = line(stream)?;
        let count = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
        if count == 0 {
            // Trailers, and the empty line behind them.
            while !line(stream)?.is_empty() {}
            return Ok(());
        }
        stream.read_into(out, count)?;
        line(stream)?;
    }
}

fn to_the_end(stream: &mut Stream, out: &mut Vec<u8>) -> Result<()> {
    loop {
        let come = stream.peek()?;
        if come.is_empty() {
            return Ok(());
        }
        let count = come.len();
        out.extend_from_slice(come);
        stream.take(count);
    }
}

/// How long each request took, and all of them.
pub struct Answered {
    latencies_ms: Vec<f64>,
    elapsed: Duration,
}

impl Answered {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.latencies_ms.len()).unwrap_or(u32::MAX)) / self.elapsed.as_secs_f64()
    }

    /// The time that so many hundredths of the requests stayed within.
    pub fn percentile_ms(&self, hundredths: usize) -> f64 {
        self.latencies_ms.get(self.latencies_ms.len() * hundredths / 100).copied().unwrap_or(f64::NAN)
    }
}

/// Sends all requests over so many connections, each taking the next one when it is free.
pub fn drive(web: &Web, connections: usize, requests: &[Request]) -> Result<Answered> {
    let next = AtomicUsize::new(0);
    let one = || -> Result<Vec<f64>> {
        let mut client = Client::new(web);
        let mut took = Vec::new();
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            client.must(request)?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        Ok(took)
    };
    let begun = Instant::now();
    let latencies: Result<Vec<Vec<f64>>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..connections).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a client failed"))?).collect()
    });
    let elapsed = begun.elapsed();
    let mut latencies_ms = latencies?.concat();
    latencies_ms.sort_by(f64::total_cmp);
    Ok(Answered { latencies_ms, elapsed })
}

/// A store request (PS3.18 10.5) of one file.
pub fn store_request(file: &[u8]) -> Result<Request> {
    let mut writer = wire::multipart::Writer::new("measured0boundary")?;
    let content_type = writer.content_type("application/dicom");
    let mut body = writer.begin(&[("Content-Type", "application/dicom")])?;
    body.extend_from_slice(file);
    body.extend(writer.close());
    Ok(Request {
        path: "/studies".into(),
        accept: "application/dicom+json",
        body: Some((content_type, body)),
        bytes_min: 2,
    })
}
