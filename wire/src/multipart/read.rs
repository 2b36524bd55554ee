//! The push reader of multipart bodies.

use super::MediaType;
use crate::Error;
use memchr::memmem::Finder;
use record::limits::{PART_HEADER_BYTES_MAX, PARTS_MAX, PEER_BOUNDARY_BYTES_MAX};

/// What comes out, in order: `Begin`, any number of `Content`, `End`, for each part; then `Close`.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A part begins.
    Begin(PartHeaders),
    /// Some of its content; never empty.
    Content(&'a [u8]),
    /// The part is complete.
    End,
    /// The closing delimiter was there: the body is complete.
    Close,
}

/// The headers of a part: names in lower case, folded lines joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartHeaders(Vec<(String, String)>);

impl PartHeaders {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn parse(block: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(block).map_err(|_| Error::invalid("part headers are not text"))?;
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            if line.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
                return Err(Error::invalid("part header has a control character"));
            }
            if line.starts_with([' ', '\t']) {
                let (_, value) =
                    headers.last_mut().ok_or_else(|| Error::invalid("part headers begin with a folded line"))?;
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| Error::invalid("part header without colon"))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Self(headers))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter; what is there is skipped.
    Preamble,
    /// After `--boundary`: spaces and a line end, or `--`.
    Delimiter,
    /// Header lines up to the empty one.
    Headers,
    /// Content up to the next delimiter.
    Content,
    /// After the closing delimiter; what is there is skipped.
    Epilogue,
}

/// Takes a multipart body apart. Feed it with [`Reader::next`] until it asks for more, then with the next piece.
#[derive(Debug)]
pub struct Reader {
    /// `CR LF -- boundary`. A boundary has no CR, so a CR can only be its first byte: a match that breaks off never
    /// hides the start of another.
    delimiter: Vec<u8>,
    finder: Finder<'static>,
    state: State,
    /// Bytes of the delimiter that the pieces so far ended with.
    matched: usize,
    /// How many of these were never in the content: the line end before the first delimiter, or that of the headers.
    borrowed: usize,
    /// The line after a delimiter, or the headers.
    line: Vec<u8>,
    /// Bytes of preamble or epilogue skipped.
    skipped: usize,
    parts: usize,
    end_owed: bool,
}

impl Reader {
    /// For a body of this `Content-Type`.
    ///
    /// # Errors
    /// Not multipart, or no usable boundary.
    pub fn new(content_type: &MediaType) -> Result<Self, Error> {
        if !content_type.essence.starts_with("multipart/") {
            return Err(Error::invalid("the body is not multipart"));
        }
        let boundary =
            content_type.parameter("boundary").ok_or_else(|| Error::invalid("multipart without boundary"))?;
        let fits = (1..=PEER_BOUNDARY_BYTES_MAX).contains(&boundary.len())
            && boundary.bytes().all(|b| (b' '..0x7f).contains(&b))
            && !boundary.ends_with(' ');
        if !fits {
            return Err(Error::invalid("the multipart boundary is empty, too long or not of printable ASCII"));
        }
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        let finder = Finder::new(&delimiter).into_owned();
        // The first delimiter needs no line end before it.
        let (matched, borrowed) = (2, 2);
        Ok(Self {
            delimiter,
            finder,
            state: State::Preamble,
            matched,
            borrowed,
            line: Vec::new(),
            skipped: 0,
            parts: 0,
            end_owed: false,
        })
    }

    /// Takes the next event out of `input`, which is advanced past what was used. `None`: the piece is used up.
    ///
    /// # Errors
    /// What breaks RFC 2046, or a limit. The reader must not be used after one.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Event<'s>>, Error> {
        loop {
            if std::mem::take(&mut self.end_owed) {
                return Ok(Some(Event::End));
            }
            if input.is_empty() {
                return Ok(None);
            }
            match self.state {
                State::Preamble => {
                    let before = input.len();
                    let found = self.search(input);
                    self.skip(before.saturating_sub(input.len()))?;
                    if found.delimiter {
                        self.state = State::Delimiter;
                    }
                }
                State::Delimiter => {
                    if self.delimiter_line(input)? {
                        self.state = State::Epilogue;
                        self.skipped = 0;
                        return Ok(Some(Event::Close));
                    }
                }
                State::Headers => {
                    if let Some(headers) = self.header_lines(input)? {
                        return Ok(Some(Event::Begin(headers)));
                    }
                }
                State::Content => {
                    let found = self.search(input);
                    if found.delimiter {
                        self.state = State::Delimiter;
                        self.end_owed = true;
                    }
                    if !found.held.is_empty() {
                        return Ok(Some(Event::Content(self.delimiter.get(found.held).unwrap_or_default())));
                    }
                    if !found.content.is_empty() {
                        return Ok(Some(Event::Content(found.content)));
                    }
                }
                State::Epilogue => {
                    self.skip(input.len())?;
                    *input = &[];
                }
            }
        }
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// The closing delimiter was not there.
    pub fn finish(self) -> Result<(), Error> {
        if self.state == State::Epilogue {
            Ok(())
        } else {
            Err(Error::invalid("the multipart body ends before its closing delimiter"))
        }
    }

    fn skip(&mut self, count: usize) -> Result<(), Error> {
        self.skipped = self.skipped.saturating_add(count);
        if self.skipped > PART_HEADER_BYTES_MAX {
            return Err(Error::invalid("too many bytes outside the parts"));
        }
        Ok(())
    }

    /// Looks for the delimiter; advances `input` past it, or to its end.
    fn search<'a>(&mut self, input: &mut &'a [u8]) -> Found<'a> {
        if self.matched > 0 {
            return self.go_on(input);
        }
        if let Some(at) = self.finder.find(input) {
            let (content, rest) = input.split_at_checked(at).unwrap_or((input, &[]));
            *input = rest.get(self.delimiter.len()..).unwrap_or_default();
            return Found { content, held: 0..0, delimiter: true };
        }
        // The piece may end with the delimiter's first bytes; only from its last CR on.
        let from = input.len().saturating_sub(self.delimiter.len().saturating_sub(1));
        let tail = input.get(from..).unwrap_or_default();
        let held = memchr::memrchr(b'\r', tail).and_then(|at| tail.get(at..)).filter(|t| self.delimiter.starts_with(t));
        self.matched = held.map_or(0, <[u8]>::len);
        let content = input.get(..input.len().saturating_sub(self.matched)).unwrap_or_default();
        *input = &[];
        Found { content, held: 0..0, delimiter: false }
    }

    /// Goes on with a delimiter that began in the pieces before.
    fn go_on<'a>(&mut self, input: &mut &'a [u8]) -> Found<'a> {
        let wanted = self.delimiter.get(self.matched..).unwrap_or_default();
        let count = wanted.len().min(input.len());
        let (head, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
        if !wanted.starts_with(head) {
            let held = self.borrowed..self.matched;
            (self.matched, self.borrowed) = (0, 0);
            return Found { content: &[], held, delimiter: false };
        }
        *input = rest;
        let delimiter = count == wanted.len();
        if delimiter {
            (self.matched, self.borrowed) = (0, 0);
        } else {
            self.matched = self.matched.saturating_add(count);
        }
        Found { content: &[], held: 0..0, delimiter }
    }

    /// The rest of a delimiter's line. True: it was the closing one.
    fn delimiter_line(&mut self, input: &mut &[u8]) -> Result<bool, Error> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            self.line.push(*byte);
            if self.line == b"--" {
                self.line.clear();
                return Ok(true);
            }
            if self.line.strip_suffix(b"\r\n").is_some_and(|p| p.iter().all(|b| matches!(b, b' ' | b'\t'))) {
                self.line.clear();
                self.parts = self.parts.saturating_add(1);
                if self.parts > PARTS_MAX {
                    return Err(Error::invalid("too many parts"));
                }
                self.state = State::Headers;
                return Ok(false);
            }
            let plausible = matches!(self.line.as_slice(), b"-")
                || self.line.strip_suffix(b"\r").unwrap_or(&self.line).iter().all(|b| matches!(b, b' ' | b'\t'));
            if !plausible || self.line.len() > PEER_BOUNDARY_BYTES_MAX {
                return Err(Error::invalid("text after a multipart delimiter"));
            }
        }
        Ok(false)
    }

    /// Header lines up to the empty one.
    fn header_lines(&mut self, input: &mut &[u8]) -> Result<Option<PartHeaders>, Error> {
        while let Some(at) = memchr::memchr(b'\n', input) {
            let (line, rest) = input.split_at_checked(at.saturating_add(1)).unwrap_or((input, &[]));
            self.keep(line)?;
            *input = rest;
            if self.line == b"\r\n" || self.line.ends_with(b"\r\n\r\n") {
                let headers = PartHeaders::parse(&self.line)?;
                self.line.clear();
                self.state = State::Content;
                // The empty line may be the one that the next delimiter begins with: a part without content.
                (self.matched, self.borrowed) = (2, 2);
                return Ok(Some(headers));
            }
        }
        self.keep(input)?;
        *input = &[];
        Ok(None)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.line.len().saturating_add(bytes.len()) > PART_HEADER_BYTES_MAX {
            return Err(Error::invalid("part headers are too long"));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

/// What a search brought.
struct Found<'a> {
    /// Content of this piece.
    content: &'a [u8],
    /// Bytes of the delimiter that turned out to be content of the pieces before.
    held: std::ops::Range<usize>,
    /// The delimiter was complete.
    delimiter: bool,
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
