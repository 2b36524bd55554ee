//! A letter as a PDF file (ISO 32000-1): one page, the built-in fonts, lines of text.

use std::fmt::Write as _;
use std::io::Write as _;

/// What a letter says.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    /// The hospital's name.
    pub from: String,
    /// Its address, below the name.
    pub address: String,
    /// Title of the letter.
    pub title: String,
    /// Its number.
    pub number: String,
    /// Pairs of a label and a value: who it is about.
    pub about: Vec<(String, String)>,
    /// Paragraphs.
    pub paragraphs: Vec<String>,
    /// Place and date.
    pub dated: String,
    /// Who signs.
    pub signed: String,
}

/// Characters of a line of body text that fit the page at 10.5 points.
const LINE_CHARACTERS: usize = 88;

/// Parts a paragraph into lines at its spaces.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < LINE_CHARACTERS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The page's drawing instructions.
struct Page(String);

impl Page {
    fn text(&mut self, font: &str, size: f32, x: f32, y: f32, text: &str) {
        // ISO 32000-1 7.3.4.2: parentheses and backslashes of a literal string are escaped; the fonts know ASCII here.
        let mut literal = String::new();
        for c in text.chars() {
            match c {
                '(' | ')' | '\\' => literal.extend(['\\', c]),
                c if c.is_ascii() && !c.is_ascii_control() => literal.push(c),
                _ => literal.push('?'),
            }
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "BT /{font} {size} Tf {x} {y} Td ({literal}) Tj ET");
    }

    fn line(&mut self, width: f32, y: f32) {
        let _ = writeln!(self.0, "{width} w 56 {y} m 539 {y} l S");
    }
}

fn page(letter: &Letter) -> String {
    let mut page = Page(String::new());
    // An invented crest: a ring and a cross.
    page.0.push_str("0.10 0.38 0.42 rg 0.10 0.38 0.42 RG 60 768 44 44 re f 1 1 1 rg 78 774 8 32 re f 66 786 32 8 re f 0 0 0 rg 0 0 0 RG\n");
    page.text("B", 15.0, 118.0, 796.0, &letter.from);
    page.text("R", 9.0, 118.0, 780.0, &letter.address);
    page.line(1.4, 758.0);
    page.line(0.4, 755.0);
    page.text("B", 13.0, 56.0, 728.0, &letter.title);
    page.text("R", 10.0, 56.0, 712.0, &letter.number);
    let mut y = 686.0;
    for (label, value) in &letter.about {
        page.text("R", 10.5, 56.0, y, label);
        page.text("R", 10.5, 178.0, y, &format!(": {value}"));
        y -= 15.5;
    }
    y -= 8.0;
    for paragraph in &letter.paragraphs {
        for line in wrapped(paragraph) {
            page.text("R", 10.5, 56.0, y, &line);
            y -= 15.0;
        }
        y -= 8.0;
    }
    page.text("R", 10.5, 350.0, y - 14.0, &letter.dated);
    page.text("R", 10.5, 350.0, y - 74.0, &letter.signed);
    page.line(0.4, 62.0);
    page.text("R", 7.5, 56.0, 50.0, "Dokumen ini memuat data kesehatan yang bersifat rahasia.");
    page.0
}

/// Writes the file; the page compressed if asked.
#[must_use]
pub fn write(letter: &Letter, compressed: bool) -> Vec<u8> {
    let mut content = page(letter).into_bytes();
    let mut filter = "";
    if compressed {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing to memory cannot fail; if it did, the page stays as it is.
        if encoder.write_all(&content).is_ok()
            && let Ok(smaller) = encoder.finish()
        {
            content = smaller;
            filter = " /Filter /FlateDecode";
        }
    }
    let font = |name: &str| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>").into_bytes()
    };
    let stream =
        [format!("<< /Length {}{filter} >>\nstream\n", content.len()).into_bytes(), content, b"\nendstream".to_vec()]
            .concat();
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /R 5 0 R /B 6 0 R >> >> >>".to_vec(),
        stream,
        font("Helvetica"),
        font("Helvetica-Bold"),
    ];
    let mut file = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(file.len());
        file.extend([format!("{number} 0 obj\n").as_bytes(), object.as_slice(), b"\nendobj\n"].concat());
    }
    let table = file.len();
    let count = objects.len() + 1;
    let mut tail = format!("xref\n0 {count}\n0000000000 65535 f \n");
    for offset in offsets {
        let _ = writeln!(tail, "{offset:010} 00000 n ");
    }
    let _ = write!(tail, "trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.extend(tail.into_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cross_reference_table_points_at_the_objects() {
        let letter =
            Letter { title: "Surat (rujukan)".to_owned(), paragraphs: vec!["kata ".repeat(60)], ..Letter::default() };
        for compressed in [false, true] {
            let file = write(&letter, compressed);
            let text = String::from_utf8_lossy(&file).into_owned();
            let at: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
            assert!(file[at..].starts_with(b"xref\n0 7\n"));
            for (n, line) in file[at..].split(|b| *b == b'\n').skip(3).take(6).enumerate() {
                let offset: usize = std::str::from_utf8(&line[..10]).unwrap().parse().unwrap();
                assert!(file[offset..].starts_with(format!("{} 0 obj", n + 1).as_bytes()));
            }
            assert_eq!(text.contains("Surat \\(rujukan\\)"), !compressed);
        }
    }
}
