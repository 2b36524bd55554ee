//! How a delimited text is written: its separator, quotation marks and line ends.

use crate::sample::limits::COLUMNS_MAX;
use crate::sample::piece::Cells;
use memchr::{memchr, memchr2};
use std::collections::BTreeMap;

/// How one text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub separator: u8,
    pub quote: Option<u8>,
    pub newline: u8,
    /// A backslash before a quotation mark makes it a letter.
    pub escapes: bool,
}

/// What was found at the beginning of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The row does not end in the window.
    More,
    /// A quotation mark has no partner that makes sense.
    Open,
    /// A row of so many bytes.
    Row(usize),
}

/// Separators in the order of preference, and what a match of each is worth: a colon parts times, a space names.
const SEPARATORS: [(u8, f64); 9] = [
    (b',', 1.0),
    (b';', 1.0),
    (b'\t', 1.0),
    (b'|', 1.0),
    (0x1F, 1.0),
    (0x01, 1.0),
    (b'^', 0.8),
    (b'~', 0.8),
    (b':', 0.3),
];

/// Rows of the head that are tried.
const ROWS_TRIED: usize = 300;

impl Dialect {
    /// The dialect of a text that begins so, and the part of its rows that have the usual number of cells. `None` if
    /// no separator parts most rows alike.
    pub fn of(head: &[u8], ended: bool) -> Option<(Self, usize)> {
        let newline = if memchr(b'\n', head).is_none() && memchr(b'\r', head).is_some() { b'\r' } else { b'\n' };
        // A first row that is longer than the head is looked at as far as it goes.
        let ended = ended || memchr(newline, head).is_none();
        let mut best: Option<(f64, Self, usize)> = None;
        for (separator, worth) in SEPARATORS {
            if memchr(separator, head).is_none() {
                continue;
            }
            let quote = quote(head, separator, newline);
            let escapes = quote.is_some_and(|quote| escapes(head, separator, quote));
            let dialect = Self { separator, quote, newline, escapes };
            let (share, width, rows) = dialect.fit(head, ended);
            let score = worth * share.powi(3) * small(width.min(12)).sqrt();
            if width >= 2 && share >= if rows >= 4 { 0.5 } else { 0.6 } && best.is_none_or(|(other, ..)| score > other)
            {
                best = Some((score, dialect, width));
            }
        }
        best.map(|(_, dialect, width)| (dialect, width))
    }

    /// A text of one column.
    pub fn single(head: &[u8]) -> Self {
        let newline = if memchr(b'\n', head).is_none() { b'\r' } else { b'\n' };
        Self { separator: b'\n', quote: None, newline, escapes: false }
    }

    fn fit(&self, head: &[u8], ended: bool) -> (f64, usize, usize) {
        let (mut counts, mut all): (BTreeMap<usize, usize>, usize) = (BTreeMap::new(), 0);
        let quote = self.quote.map_or('"', char::from);
        for row in self.rows(head, ended, ROWS_TRIED) {
            all += 1;
            // A separator that parts what stands in quotation marks is none.
            if !row
                .iter()
                .any(|cell| (cell.starts_with(quote) || cell.ends_with(quote)) && cell.matches(quote).count() % 2 == 1)
            {
                *counts.entry(row.len()).or_default() += 1;
            }
        }
        let most = counts.iter().max_by_key(|(width, count)| (**count, **width));
        most.map_or((0.0, 0, 0), |(width, count)| (small(*count) / small(all.max(1)), *width, all))
    }

    /// The first rows, those without a letter left out.
    pub fn rows(&self, head: &[u8], ended: bool, count: usize) -> Vec<Vec<String>> {
        let (mut rows, mut rest) = (Vec::new(), head);
        let mut cells = Cells::default();
        while !rest.is_empty() && rows.len() < count {
            let length = match self.row(rest, ended, true, &mut cells) {
                Step::Row(length) => length,
                Step::More => break,
                Step::Open => match self.row(rest, ended, false, &mut cells) {
                    Step::Row(length) => length,
                    _ => break,
                },
            };
            rest = rest.get(length.max(1)..).unwrap_or_default();
            if cells.text.iter().any(|byte| !byte.is_ascii_whitespace()) {
                rows.push(cells.owned());
            }
        }
        rows
    }

    /// Reads the row that the window begins with into `cells`. Cells beyond the limit are passed over.
    pub fn row(&self, window: &[u8], ended: bool, quoted: bool, cells: &mut Cells) -> Step {
        cells.clear();
        let mut at = 0;
        loop {
            let keeps = cells.len() <= COLUMNS_MAX;
            if quoted && self.quote.is_some() && window.get(at).copied() == self.quote {
                match self.quotation(window, at + 1, ended, keeps.then_some(cells)) {
                    Ok(end) => at = end,
                    Err(step) => return step,
                }
            }
            let rest = window.get(at..).unwrap_or_default();
            let Some(length) = memchr2(self.separator, self.newline, rest) else {
                if !ended {
                    return Step::More;
                }
                if keeps {
                    cells.whole(rest.strip_suffix(b"\r").unwrap_or(rest));
                }
                return Step::Row(window.len());
            };
            let cell = rest.get(..length).unwrap_or_default();
            let is_last = rest.get(length).copied() == Some(self.newline);
            if keeps {
                cells.whole(if is_last { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell });
            }
            at += length + 1;
            if is_last {
                return Step::Row(at);
            }
        }
    }

    /// Reads what stands in quotation marks from `at` on; its end behind the closing one.
    fn quotation(
        &self,
        window: &[u8],
        mut at: usize,
        ended: bool,
        mut cells: Option<&mut Cells>,
    ) -> Result<usize, Step> {
        let quote = self.quote.unwrap_or(b'"');
        let mut spans_lines = false;
        loop {
            let rest = window.get(at..).unwrap_or_default();
            let found = if self.escapes { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) };
            let Some(length) = found else { return Err(if ended { Step::Open } else { Step::More }) };
            let part = rest.get(..length).unwrap_or_default();
            spans_lines |= memchr(self.newline, part).is_some();
            if let Some(cells) = cells.as_deref_mut() {
                cells.push(part);
            }
            let (mark, next) = (rest.get(length).copied(), rest.get(length + 1).copied());
            if next.is_none() && !ended {
                return Err(Step::More);
            }
            let doubled = mark == Some(quote) && next == Some(quote);
            let escaped = mark == Some(b'\\') && (next == Some(quote) || next == Some(b'\\'));
            if doubled || escaped {
                if let (Some(cells), Some(next)) = (cells.as_deref_mut(), next) {
                    cells.push(&[next]);
                }
                at += length + 2;
            } else if mark == Some(b'\\') {
                if let Some(cells) = cells.as_deref_mut() {
                    cells.push(b"\\");
                }
                at += length + 1;
            } else {
                let closes = next.is_none_or(|next| next == self.separator || next == self.newline || next == b'\r');
                // A mark that a letter follows closed nothing if it is lines away: the first one had no partner.
                return if closes || !spans_lines { Ok(at + length + 1) } else { Err(Step::Open) };
            }
        }
    }
}

/// The quotation mark that cells begin and end with.
fn quote(head: &[u8], separator: u8, newline: u8) -> Option<u8> {
    let count = |quote: u8| {
        let opens =
            head.windows(2).filter(|pair| matches!(pair, [a, b] if *b == quote && (*a == separator || *a == newline)));
        let closes = head
            .windows(2)
            .filter(|pair| matches!(pair, [a, b] if *a == quote && (*b == separator || *b == newline || *b == b'\r')));
        opens.count().min(closes.count())
    };
    let (double, single) = (count(b'"'), count(b'\''));
    if single > 2 * double && single > 2 { Some(b'\'') } else { Some(b'"') }
}

/// Whether a backslash stands before a quotation mark that does not close.
fn escapes(head: &[u8], separator: u8, quote: u8) -> bool {
    head.windows(3).any(|three| {
        matches!(three, [b'\\', mark, next]
            if *mark == quote && *next != separator && *next != quote && !next.is_ascii_control())
    })
}

/// A small count as a number.
fn small(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let (dialect, _) = Dialect::of(text.as_bytes(), true).unwrap();
        dialect.rows(text.as_bytes(), true, 100)
    }

    #[test]
    fn separators_are_told_by_what_parts_rows_alike() {
        for (text, separator) in [
            ("a,b,c\n1,2,3\n4,5,6\n", b','),
            ("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n", b';'),
            ("a\tb\n1, x\t2\n3, y\t4\n", b'\t'),
            ("a|b|c\r\n1|2|3\r\n", b'|'),
            ("nik,at\n1,10:20:30\n2,10:21:30\n", b','),
            ("a\x1Fb\n1\x1F2\n", 0x1F),
            ("a,b\r1,2\r3,4\r", b','),
            ("1,\"a;b;c\"\n2,\"d;e;f\"\n", b','),
        ] {
            assert_eq!(Dialect::of(text.as_bytes(), true).unwrap().0.separator, separator, "{text:?}");
        }
        assert!(Dialect::of(b"Read this first.\nIt is a letter, and no table.\nYours\n", true).is_none());
        assert!(Dialect::of(b"", true).is_none());
    }

    #[test]
    fn quotation_marks_are_read_as_they_were_meant() {
        assert_eq!(rows("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n"), [["a", "b"], ["x, y", "say \"hi\""]]);
        assert_eq!(rows("a,b\n\"two\nlines\",2\n"), [["a", "b"], ["two\nlines", "2"]]);
        assert_eq!(rows("a;b\n'x; y';'z'\n'p; q';'r'\n'o';'s'\n")[1], ["x; y", "z"]);
        assert_eq!(rows("a,b\n\"say \\\"hi\\\" x\",2\n\"c\",3\n")[1], ["say \"hi\" x", "2"]);
        // One without a partner costs its own row alone.
        assert_eq!(rows("a,b\n\"Joe,2\n3,\"Siti\"\n4,5\n"), [["a", "b"], ["\"Joe", "2"], ["3", "Siti"], ["4", "5"]]);
        assert_eq!(rows("a,b\n1,2\n\"x,4\n5,6\n"), [["a", "b"], ["1", "2"], ["\"x", "4"], ["5", "6"]]);
        // Inside a word it is a letter.
        assert_eq!(rows("a,b\nNu\"man,2\n\"x\"y,3\n"), [["a", "b"], ["Nu\"man", "2"], ["xy", "3"]]);
    }
}
