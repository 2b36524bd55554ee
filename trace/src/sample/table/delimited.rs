//! CSV and its kin (RFC 4180 and what is written in its name).

use super::dialect::{Dialect, Step};
use super::heading;
use crate::sample::emit::{Emit, Notes, cut};
use crate::sample::limits::{COLUMNS_MAX, HEAD_BYTES, ROW_BYTES_MAX};
use crate::sample::piece::{Cells, Flow};
use crate::sample::remark::Fault;
use crate::sample::text::Text;
use memchr::memchr;

/// Quotation marks without a partner, after which they are letters for the rest of the table: each one costs a look at
/// [`ROW_BYTES_MAX`] bytes.
const OPEN_MAX: u64 = 64;

/// Cells of a row whose end is not seen: no sentence has so many commas.
const WIDE: usize = 1_000;

/// Whether a text that begins so is a table; `named` says that its name ends like a table's.
pub(crate) fn is_table(head: &[u8], ended: bool, named: bool) -> bool {
    let Some((dialect, width)) = Dialect::of(head, ended) else { return named || is_list(head) };
    named || (width >= 2 && dialect.rows(head, ended, 3).len() >= 2) || width >= WIDE
}

/// One identifier a line.
fn is_list(head: &[u8]) -> bool {
    let lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    let is_number = |line: &&&[u8]| {
        let line = line.trim_ascii();
        line.len() <= 64 && 2 * line.iter().filter(|byte| byte.is_ascii_digit()).count() >= line.len()
    };
    lines.len() >= 2 && 10 * lines.iter().filter(is_number).count() >= 6 * lines.len()
}

/// Reads a delimited text to its end.
pub(crate) fn read(text: &mut Text<'_>, path: &str, emit: &mut Emit<'_>) -> Flow {
    while text.bytes().len() < HEAD_BYTES && text.more() {}
    let head = text.bytes();
    let head = head.get(..head.len().min(HEAD_BYTES)).unwrap_or_default();
    let ended = text.is_ended() && text.bytes().len() <= HEAD_BYTES;
    let (dialect, width) = Dialect::of(head, ended).unwrap_or_else(|| (Dialect::single(head), 1));
    let rows = dialect.rows(head, ended, 60);
    let heading = heading::find(&rows, width);
    let columns = match heading.and_then(|at| rows.get(at)) {
        Some(row) => row.iter().take(COLUMNS_MAX).map(|cell| cut(cell.trim())).collect(),
        None => vec![String::new(); width],
    };
    let table = emit.table(path, "", columns, heading.is_some());
    let mut reader = Reader { dialect, cells: Cells::default(), notes: Notes::default(), open: 0 };
    let (mut number, mut seen) = (0, 0);
    let mut flow = Flow::Continue(());
    while flow.is_continue() && reader.next(text) {
        if reader.cells.len() > COLUMNS_MAX {
            reader.notes.add(Fault::TooManyColumns);
        } else if reader.cells.text.iter().any(|byte| !byte.is_ascii_whitespace()) {
            // The row of the headings is none of the data; what stands above it is passed on.
            if heading != Some(seen) {
                number += 1;
                flow = emit.row(&table, number, &reader.cells);
            }
            seen += 1;
        }
    }
    if let Some(fault) = text.fault() {
        reader.notes.add(fault);
    }
    reader.notes.many(Fault::Encoding, text.mended());
    emit.notes(path, reader.notes);
    flow?;
    emit.end(&table)
}

struct Reader {
    dialect: Dialect,
    cells: Cells,
    notes: Notes,
    open: u64,
}

impl Reader {
    /// Reads the next row into `cells`; `false` at the end.
    fn next(&mut self, text: &mut Text<'_>) -> bool {
        loop {
            if text.bytes().is_empty() {
                if text.more() {
                    continue;
                }
                return false;
            }
            let full = text.bytes().len() >= ROW_BYTES_MAX;
            let quoted = self.open < OPEN_MAX;
            match self.dialect.row(text.bytes(), text.is_ended(), quoted, &mut self.cells) {
                Step::Row(length) => {
                    text.take(length);
                    return true;
                }
                Step::More if !full => {
                    text.more();
                }
                Step::More | Step::Open => {
                    if let Some(found) = self.unquoted(text, full) {
                        return found;
                    }
                }
            }
        }
    }

    /// Reads one line whose quotation marks are letters; `None` if it needs a longer window, or was no row.
    fn unquoted(&mut self, text: &mut Text<'_>, full: bool) -> Option<bool> {
        match self.dialect.row(text.bytes(), text.is_ended(), false, &mut self.cells) {
            Step::Row(length) => {
                self.open += 1;
                self.notes.add(Fault::Quote);
                text.take(length);
                Some(true)
            }
            _ if !full => {
                text.more();
                None
            }
            _ => {
                // No line is so long: it is passed over.
                self.notes.add(Fault::OverLimit);
                loop {
                    if let Some(end) = memchr(self.dialect.newline, text.bytes()) {
                        text.take(end + 1);
                        return None;
                    }
                    text.take(text.bytes().len());
                    if !text.more() {
                        return Some(false);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::piece::{File, Row, Sink};
    use crate::sample::progress::Progress;
    use crate::sample::remark::Remark;
    use crate::sample::text::Coding;
    use std::io::Read;

    /// A line of 1 GiB between two rows, made while it is read.
    struct Long(u64);

    const LINE_BYTES: u64 = 1 << 30;

    impl Read for Long {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let (begin, end) = (b"a,b\n1,2\n", b"\n3,4\n");
            let at = self.0;
            let count = if at == 0 {
                room[..begin.len()].copy_from_slice(begin);
                begin.len()
            } else if at < LINE_BYTES {
                room.fill(b'x');
                room.len()
            } else if at < 2 * LINE_BYTES {
                room[..end.len()].copy_from_slice(end);
                self.0 = 2 * LINE_BYTES;
                end.len()
            } else {
                0
            };
            self.0 += u64::try_from(count).unwrap();
            Ok(count)
        }
    }

    #[derive(Default)]
    struct Seen(Vec<String>, Vec<Fault>);

    impl Sink for Seen {
        fn row(&mut self, row: &Row<'_>) -> Flow {
            self.0.push(row.cells().collect::<Vec<_>>().join("|"));
            Flow::Continue(())
        }

        fn file(&mut self, _: &File<'_>) -> Flow {
            Flow::Continue(())
        }

        fn remark(&mut self, remark: Remark) {
            self.1.push(remark.fault);
        }
    }

    #[test]
    fn a_line_of_a_gibibyte_is_passed_over() {
        let (mut seen, progress) = (Seen::default(), Progress::default());
        let mut input = Long(0);
        let mut text = Text::new(&mut input, Coding::Utf8, 0);
        let _ = read(&mut text, "t", &mut Emit::new(&mut seen, &progress));
        assert_eq!(seen.0, ["1|2", "3|4"]);
        assert_eq!(seen.1, [Fault::OverLimit]);
    }
}
