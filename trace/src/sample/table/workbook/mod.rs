//! Workbooks (ECMA-376 SpreadsheetML): sheets streamed cell by cell, with the texts that they share in memory.

mod xml;

use super::lead::Lead;
use crate::sample::emit::{Emit, Notes, cut};
use crate::sample::limits::{COLUMNS_MAX, ROW_BYTES_MAX, SHARED_BYTES_MAX, SHARED_TEXTS_MAX, SHEETS_MAX};
use crate::sample::piece::{Cells, Flow};
use crate::sample::remark::Fault;
use std::collections::BTreeMap;
use std::io::Read;
use xml::{Event, Xml};

/// What the sheets of a workbook need of its other parts.
#[derive(Default)]
pub(crate) struct Workbook {
    texts: Vec<u8>,
    ends: Vec<usize>,
    /// Names of sheets by the id of their relation, and parts by the same id.
    names: BTreeMap<String, String>,
    parts: BTreeMap<String, String>,
    is_one: bool,
}

impl Workbook {
    /// Looks at a part that is no sheet.
    pub fn part(&mut self, name: &str, body: &mut dyn Read, notes: &mut Notes) {
        let mut xml = Xml::new(body);
        match name {
            "xl/sharedStrings.xml" => self.shared(&mut xml, notes),
            "xl/workbook.xml" => {
                self.is_one = true;
                self.pairs(&mut xml, ("sheet", "r:id", "name"));
            }
            "xl/_rels/workbook.xml.rels" => self.pairs(&mut xml, ("Relationship", "Id", "Target")),
            _ => return,
        }
        if let Some(fault) = xml.fault {
            notes.add(fault);
        }
    }

    /// Whether there was a workbook among the parts.
    pub fn is_one(&self) -> bool {
        self.is_one
    }

    fn pairs(&mut self, xml: &mut Xml<'_>, (tag, key, value): (&str, &str, &str)) {
        loop {
            match xml.next() {
                Event::End => return,
                Event::Open(_) if xml.name == tag.as_bytes() => {
                    let pairs = if tag == "sheet" { &mut self.names } else { &mut self.parts };
                    let pair = xml.attribute(key).zip(xml.attribute(value)).filter(|_| pairs.len() < SHEETS_MAX);
                    pairs.extend(pair.map(|(key, value)| (cut(&key), cut(&value))));
                }
                _ => {}
            }
        }
    }

    fn shared(&mut self, xml: &mut Xml<'_>, notes: &mut Notes) {
        let (mut inside, mut sounds) = (false, false);
        loop {
            match xml.next() {
                Event::End => return,
                Event::Open(empty) => match xml.name.as_slice() {
                    b"t" => inside = !empty && !sounds,
                    // How a text is pronounced is none of it.
                    b"rPh" => sounds = !empty,
                    b"si" if empty => self.ends.push(self.texts.len()),
                    _ => {}
                },
                Event::Close => match xml.name.as_slice() {
                    b"t" => inside = false,
                    b"rPh" => sounds = false,
                    b"si" => self.ends.push(self.texts.len()),
                    _ => {}
                },
                Event::Letters if inside => self.texts.extend_from_slice(&xml.letters),
                Event::Letters => {}
            }
            if self.texts.len() > SHARED_BYTES_MAX || self.ends.len() > SHARED_TEXTS_MAX {
                notes.add(Fault::OverLimit);
                return;
            }
        }
    }

    fn text(&self, index: &[u8]) -> &[u8] {
        let index: Option<usize> = std::str::from_utf8(index).ok().and_then(|index| index.trim().parse().ok());
        let range = index.and_then(|at| {
            let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
            self.ends.get(at).map(|end| begin..*end)
        });
        range.and_then(|range| self.texts.get(range)).unwrap_or_default()
    }

    /// The name of the sheet that a part holds.
    pub fn name(&self, part: &str) -> String {
        let is_part = |target: &str| part.ends_with(target.trim_start_matches(['/', '.']));
        let id = self.parts.iter().find(|(_, target)| is_part(target)).map(|(id, _)| id);
        let name = id.and_then(|id| self.names.get(id)).cloned();
        name.unwrap_or_else(|| part.rsplit('/').next().unwrap_or_default().trim_end_matches(".xml").to_owned())
    }

    /// Reads a sheet.
    pub fn sheet(&self, part: &str, body: &mut dyn Read, path: &str, emit: &mut Emit<'_>, notes: &mut Notes) -> Flow {
        let mut xml = Xml::new(body);
        let mut lead = Lead::new(path, self.name(part));
        let mut cells = Cells::default();
        let mut cell = Cell::default();
        let mut is_over = false;
        let mut column = 0;
        loop {
            match xml.next() {
                Event::End => break,
                Event::Open(empty) => match xml.name.as_slice() {
                    b"row" => {
                        cells.clear();
                        is_over = false;
                        column = 0;
                    }
                    b"c" => {
                        cell.begin(&xml);
                        column = cell.column.unwrap_or(column);
                        is_over |= column >= COLUMNS_MAX || cells.text.len() > ROW_BYTES_MAX;
                        if empty {
                            column += 1;
                        }
                    }
                    b"v" | b"t" => cell.inside = !empty,
                    b"rPh" => cell.sounds = !empty,
                    _ => {}
                },
                Event::Close => match xml.name.as_slice() {
                    b"v" | b"t" => cell.inside = false,
                    b"rPh" => cell.sounds = false,
                    b"c" if !is_over => {
                        // Cells that are not there are empty.
                        while cells.len() < column {
                            cells.close();
                        }
                        if cells.len() == column {
                            let shared = if cell.kind == b"s" { self.text(&cell.value) } else { &[] };
                            cell.write(shared, &mut cells);
                        }
                        column += 1;
                    }
                    b"row" if is_over => notes.add(Fault::TooManyColumns),
                    b"row" => lead.row(&cells, emit)?,
                    _ => {}
                },
                Event::Letters if cell.inside && !cell.sounds && cell.value.len() <= ROW_BYTES_MAX => {
                    cell.value.extend_from_slice(&xml.letters);
                }
                Event::Letters => {}
            }
        }
        if let Some(fault) = xml.fault {
            notes.add(fault);
        }
        lead.finish(emit)
    }
}

/// A cell while it is read.
#[derive(Default)]
struct Cell {
    kind: Vec<u8>,
    column: Option<usize>,
    value: Vec<u8>,
    inside: bool,
    sounds: bool,
}

impl Cell {
    fn begin(&mut self, xml: &Xml<'_>) {
        self.kind = xml.attribute("t").unwrap_or_default().into_bytes();
        self.column = xml.attribute("r").and_then(|reference| column(&reference));
        self.value.clear();
        (self.inside, self.sounds) = (false, false);
    }

    fn write(&self, shared: &[u8], cells: &mut Cells) {
        match self.kind.as_slice() {
            b"s" => cells.whole(shared),
            b"str" | b"inlineStr" | b"e" | b"b" | b"d" => cells.whole(&self.value),
            _ => match plain(&self.value) {
                Some(number) => cells.whole(number.as_bytes()),
                None => cells.whole(&self.value),
            },
        }
    }
}

/// The column of a reference: `A` is 0, `AA1` is 26.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let sum =
        letters.take(4).fold(0_usize, |sum, letter| sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    sum.checked_sub(1)
}

/// A number with an exponent as digits alone: sheets write 3171014101900001 as 3.171014101900001E15.
fn plain(number: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(number).ok()?;
    let (mantissa, exponent) = text.split_once(['E', 'e'])?;
    let exponent: usize = exponent.trim_start_matches('+').parse().ok().filter(|exponent| *exponent <= 20)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() > exponent || !is_digits(whole.trim_start_matches('-')) || !is_digits(fraction) {
        return None;
    }
    Some(format!("{whole}{fraction}{}", "0".repeat(exponent - fraction.len())))
}
