//! Kept metadata turned into an answer without making values of it: places become links (PS3.18 F.2.6) where they stand in
//! the text. The text is what ingest wrote (`wire::dataset::Outline::json_text`): compact, `vr` first. Whatever else it were
//! is not guessed at.

use record::limits::DATASET_DEPTH_MAX;

/// The text is not what ingest writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// SpecificCharacterSet.
const CHARACTER_SET: &[u8] = b"00080005";
/// AvailableTransferSyntaxUID.
const AVAILABLE_SYNTAX: &[u8] = b"00083002";

/// Appends to `out` the metadata `kept` with links below `bulkdata` (`.../instances/1.2/bulkdata`). The character set is
/// UTF-8 now, whatever the data set is kept in (PS3.18 F.2), and AvailableTransferSyntaxUID tells what a reader will get
/// (PS3.18 10.4.1.1.2).
pub fn splice(kept: &[u8], bulkdata: &str, transfer_syntax_uid: &str, out: &mut Vec<u8>) -> Result<(), Broken> {
    // White space at the end of a JSON text says nothing (RFC 8259 2), and makes one as long as another.
    let kept = kept.trim_ascii_end();
    let quoted = |text: &str| serde_json::to_string(text).map_err(|_| Broken);
    let syntax = format!(r#"{{"vr":"UI","Value":[{}]}}"#, quoted(transfer_syntax_uid)?);
    let path = quoted(bulkdata)?;
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).ok_or(Broken)?.as_bytes().to_vec();
    out.reserve(kept.len() + 1024);
    let mut splicer = Splicer { kept, at: 0, copied: 0, out, path, syntax: Some(syntax) };
    splicer.data_set(0)?;
    if splicer.at != kept.len() {
        return Err(Broken);
    }
    splicer.copy_to(kept.len());
    Ok(())
}

struct Splicer<'a> {
    kept: &'a [u8],
    /// What is looked at.
    at: usize,
    /// What is in `out` already.
    copied: usize,
    out: &'a mut Vec<u8>,
    /// The link of the data set that is looked at, as it stands in a JSON string.
    path: Vec<u8>,
    /// The attribute that the outermost data set is still to get.
    syntax: Option<String>,
}

impl Splicer<'_> {
    fn peek(&self) -> Option<u8> {
        self.kept.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Broken> {
        let byte = self.peek().ok_or(Broken)?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), Broken> {
        let end = self.at + text.len();
        if self.kept.get(self.at..end) != Some(text) {
            return Err(Broken);
        }
        self.at = end;
        Ok(())
    }

    fn copy_to(&mut self, end: usize) {
        self.out.extend_from_slice(self.kept.get(self.copied..end).unwrap_or_default());
        self.copied = end;
    }

    /// A data set, from its brace to its brace. The depth of what is kept was bounded at ingest; here it bounds the stack.
    fn data_set(&mut self, depth: usize) -> Result<(), Broken> {
        if depth > DATASET_DEPTH_MAX {
            return Err(Broken);
        }
        self.expect(b"{")?;
        if self.peek() == Some(b'}') {
            self.add_syntax_last(depth, b"");
            self.at += 1;
            return Ok(());
        }
        loop {
            let begin = self.at;
            let tag = self.tag()?;
            self.expect(b":")?;
            let is_syntax = depth == 0 && tag == AVAILABLE_SYNTAX;
            if depth == 0 && (is_syntax || tag.as_slice() > AVAILABLE_SYNTAX) {
                self.add_syntax(begin, is_syntax)?;
            }
            if !is_syntax {
                self.attribute(tag, depth)?;
            }
            match self.next()? {
                b',' => {}
                b'}' => break,
                _ => return Err(Broken),
            }
        }
        self.at -= 1;
        self.add_syntax_last(depth, b",");
        self.at += 1;
        Ok(())
    }

    /// Writes AvailableTransferSyntaxUID before the attribute that begins at `begin`, or in its place.
    fn add_syntax(&mut self, begin: usize, in_its_place: bool) -> Result<(), Broken> {
        match (self.syntax.take(), in_its_place) {
            (Some(syntax), _) => {
                self.copy_to(begin);
                self.out.extend_from_slice(b"\"00083002\":");
                self.out.extend_from_slice(syntax.as_bytes());
                if in_its_place {
                    self.skip()?;
                    self.copied = self.at;
                } else {
                    self.out.push(b',');
                }
            }
            // It stands out of order, behind where ours was put: this one goes, with the comma before it.
            (None, true) => {
                self.copy_to(begin.saturating_sub(1));
                self.skip()?;
                self.copied = self.at;
            }
            (None, false) => {}
        }
        Ok(())
    }

    fn add_syntax_last(&mut self, depth: usize, comma: &[u8]) {
        if depth == 0
            && let Some(syntax) = self.syntax.take()
        {
            self.copy_to(self.at);
            self.out.extend_from_slice(comma);
            self.out.extend_from_slice(b"\"00083002\":");
            self.out.extend_from_slice(syntax.as_bytes());
        }
    }

    /// `"GGGGEEEE"`.
    fn tag(&mut self) -> Result<[u8; 8], Broken> {
        self.expect(b"\"")?;
        let tag = self.kept.get(self.at..).and_then(|rest| rest.first_chunk::<8>()).copied().ok_or(Broken)?;
        if !tag.iter().all(u8::is_ascii_hexdigit) {
            return Err(Broken);
        }
        self.at += 8;
        self.expect(b"\"")?;
        Ok(tag)
    }

    fn attribute(&mut self, tag: [u8; 8], depth: usize) -> Result<(), Broken> {
        let begin = self.at;
        if tag == CHARACTER_SET {
            self.skip()?;
            self.copy_to(begin);
            self.out.extend_from_slice(br#"{"vr":"CS","Value":["ISO_IR 192"]}"#);
            self.copied = self.at;
            return Ok(());
        }
        self.expect(br#"{"vr":""#)?;
        let vr = [self.next()?, self.next()?];
        self.expect(b"\"")?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        self.expect(b",")?;
        let key = self.at;
        self.string()?;
        let name = self.kept.get(key..self.at).unwrap_or_default();
        self.expect(b":")?;
        match name {
            b"\"Value\"" if vr == *b"SQ" => self.items(tag, depth)?,
            b"\"Value\"" | b"\"InlineBinary\"" => self.skip()?,
            b"\"Bulk\"" | b"\"Fragments\"" => {
                self.copy_to(key);
                self.skip()?;
                self.copied = self.at;
                self.out.extend_from_slice(b"\"BulkDataURI\":\"");
                self.out.extend_from_slice(&self.path);
                self.out.push(b'/');
                self.out.extend_from_slice(&tag);
                self.out.push(b'"');
            }
            _ => return Err(Broken),
        }
        self.expect(b"}")
    }

    /// The items of a sequence: their number, from 0, is a step of the path.
    fn items(&mut self, tag: [u8; 8], depth: usize) -> Result<(), Broken> {
        self.expect(b"[")?;
        let outer = self.path.len();
        for number in 0_usize.. {
            self.path.push(b'/');
            self.path.extend_from_slice(&tag);
            self.path.push(b'/');
            self.path.extend_from_slice(number.to_string().as_bytes());
            self.data_set(depth + 1)?;
            self.path.truncate(outer);
            match self.next()? {
                b',' => {}
                b']' => return Ok(()),
                _ => return Err(Broken),
            }
        }
        Err(Broken)
    }

    /// Any value, unread.
    fn skip(&mut self) -> Result<(), Broken> {
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or(Broken)? {
                b'"' => self.string()?,
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b']' | b'}' => {
                    depth = depth.checked_sub(1).ok_or(Broken)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                b',' | b':' => return Err(Broken),
                _ => self.scalar(),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A number or a word.
    fn scalar(&mut self) {
        let rest = self.kept.get(self.at..).unwrap_or_default();
        let ends = |b: &u8| matches!(b, b',' | b']' | b'}' | b':' | b'"' | b'[' | b'{');
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }

    /// A string, from its quote to its quote.
    fn string(&mut self) -> Result<(), Broken> {
        self.expect(b"\"")?;
        loop {
            let rest = self.kept.get(self.at..).unwrap_or_default();
            let found = memchr::memchr2(b'"', b'\\', rest).ok_or(Broken)?;
            self.at += found + 1;
            if rest.get(found) == Some(&b'"') {
                return Ok(());
            }
            // What is escaped, whatever it is, ends no string.
            self.next()?;
        }
    }
}

#[cfg(test)]
mod tests;
