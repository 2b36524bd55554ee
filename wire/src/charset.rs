//! Specific Character Set (0008,0005): from bytes to text (PS3.3 C.12.1.1.2, PS3.5 6.1 and 6.2).
//!
//! Decoding never fails: bytes that no repertoire explains become U+FFFD or, where nothing was declared, Latin-1.

use encoding_rs::Encoding;

/// Character repertoires named by one value of Specific Character Set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repertoire {
    /// ISO-IR 6: what is there without any declaration.
    Ascii,
    /// ISO-IR 100: a byte is the code point.
    Latin1,
    /// ISO-IR 13: JIS X 0201, half-width katakana in the upper half.
    Katakana,
    /// A right half that a table of the Encoding Standard knows.
    Table(&'static Encoding),
    /// ISO-IR 87: JIS X 0208, two bytes in the lower half.
    Jis0208,
    /// ISO-IR 159: JIS X 0212, two bytes in the lower half.
    Jis0212,
    /// ISO-IR 149: KS X 1001, two bytes in the upper half.
    Ksx1001,
    /// ISO-IR 58: GB 2312, two bytes in the upper half.
    Gb2312,
    /// A complete encoding without escape sequences: UTF-8, GB18030, GBK.
    Whole(&'static Encoding),
}

// PS3.3 Tables C.12-2 to C.12-5: the part of the defined term after `ISO_IR ` or `ISO 2022 IR `.
const REPERTOIRES: [(&str, Repertoire); 20] = [
    ("6", Repertoire::Ascii),
    ("100", Repertoire::Latin1),
    ("101", Repertoire::Table(encoding_rs::ISO_8859_2)),
    ("109", Repertoire::Table(encoding_rs::ISO_8859_3)),
    ("110", Repertoire::Table(encoding_rs::ISO_8859_4)),
    ("144", Repertoire::Table(encoding_rs::ISO_8859_5)),
    ("127", Repertoire::Table(encoding_rs::ISO_8859_6)),
    ("126", Repertoire::Table(encoding_rs::ISO_8859_7)),
    ("138", Repertoire::Table(encoding_rs::ISO_8859_8)),
    ("148", Repertoire::Table(encoding_rs::WINDOWS_1254)),
    ("203", Repertoire::Table(encoding_rs::ISO_8859_15)),
    ("166", Repertoire::Table(encoding_rs::WINDOWS_874)),
    ("13", Repertoire::Katakana),
    ("87", Repertoire::Jis0208),
    ("159", Repertoire::Jis0212),
    ("149", Repertoire::Ksx1001),
    ("58", Repertoire::Gb2312),
    ("192", Repertoire::Whole(encoding_rs::UTF_8)),
    ("GB18030", Repertoire::Whole(encoding_rs::GB18030)),
    ("GBK", Repertoire::Whole(encoding_rs::GBK)),
];

// PS3.3 Tables C.12-3 and C.12-4: what follows ESC, which half it fills (0 lower, 1 upper), and with what.
const ESCAPES: [(&[u8], usize, Repertoire); 19] = [
    (b"(B", 0, Repertoire::Ascii),
    (b"(J", 0, Repertoire::Katakana),
    (b")I", 1, Repertoire::Katakana),
    (b"-A", 1, Repertoire::Latin1),
    (b"-B", 1, Repertoire::Table(encoding_rs::ISO_8859_2)),
    (b"-C", 1, Repertoire::Table(encoding_rs::ISO_8859_3)),
    (b"-D", 1, Repertoire::Table(encoding_rs::ISO_8859_4)),
    (b"-L", 1, Repertoire::Table(encoding_rs::ISO_8859_5)),
    (b"-G", 1, Repertoire::Table(encoding_rs::ISO_8859_6)),
    (b"-F", 1, Repertoire::Table(encoding_rs::ISO_8859_7)),
    (b"-H", 1, Repertoire::Table(encoding_rs::ISO_8859_8)),
    (b"-M", 1, Repertoire::Table(encoding_rs::WINDOWS_1254)),
    (b"-b", 1, Repertoire::Table(encoding_rs::ISO_8859_15)),
    (b"-T", 1, Repertoire::Table(encoding_rs::WINDOWS_874)),
    (b"$B", 0, Repertoire::Jis0208),
    (b"$@", 0, Repertoire::Jis0208),
    (b"$(D", 0, Repertoire::Jis0212),
    (b"$)C", 1, Repertoire::Ksx1001),
    (b"$)A", 1, Repertoire::Gb2312),
];

/// The defined terms of Specific Character Set that are read: alone, and with code extensions.
pub fn defined_terms() -> impl Iterator<Item = (Option<String>, Option<String>)> {
    REPERTOIRES.iter().map(|(term, repertoire)| match repertoire {
        Repertoire::Whole(_) if term.starts_with("GB") => (Some((*term).to_owned()), None),
        Repertoire::Whole(_) => (Some(format!("ISO_IR {term}")), None),
        Repertoire::Jis0208 | Repertoire::Jis0212 | Repertoire::Ksx1001 | Repertoire::Gb2312 => {
            (None, Some(format!("ISO 2022 IR {term}")))
        }
        _ => (Some(format!("ISO_IR {term}")), Some(format!("ISO 2022 IR {term}"))),
    })
}

const ESC: u8 = 0x1B;

/// Where the initial repertoire comes back (PS3.5 6.1.2.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resets {
    /// At line ends, form feeds and tabs only: LT, ST, UT.
    AtLines,
    /// Also at the backslash between values: LO, SH, UC.
    AtValues,
    /// Also at `^` and `=`: PN.
    AtNameParts,
}

/// The repertoire in force for a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset {
    initial: Repertoire,
    // Upper half until an escape says otherwise, where the declaration leaves only one candidate.
    implied_upper: Option<Repertoire>,
    declared: bool,
}

impl Default for Charset {
    fn default() -> Self {
        Self { initial: Repertoire::Ascii, implied_upper: None, declared: false }
    }
}

impl Charset {
    /// Reads the value of Specific Character Set, and says whether every term in it is known.
    #[must_use]
    pub fn of(value: &[u8]) -> (Self, bool) {
        let text = String::from_utf8_lossy(value);
        let mut terms = text.split('\\').map(|term| term.trim_matches([' ', '\0']));
        let mut known = true;
        let mut look_up = |term: &str| {
            let found = find(term);
            known &= found.is_some();
            found
        };
        let first = terms.next().unwrap_or_default();
        let initial = if first.is_empty() { Some(Repertoire::Ascii) } else { look_up(first) };
        let mut others = terms.filter(|t| !t.is_empty()).filter_map(&mut look_up);
        let implied_upper = match (others.next(), others.next()) {
            (Some(only @ (Repertoire::Ksx1001 | Repertoire::Gb2312)), None) => Some(only),
            _ => None,
        };
        let declared = !text.trim_matches([' ', '\0', '\\']).is_empty() && initial.is_some();
        (Self { initial: initial.unwrap_or(Repertoire::Ascii), implied_upper, declared }, known)
    }

    /// Turns bytes into text. Backslashes that separate values stay; those inside a two-byte character do not appear.
    #[must_use]
    pub fn decode(&self, bytes: &[u8], resets: Resets) -> String {
        if let Repertoire::Whole(encoding) = self.initial {
            return encoding.decode_without_bom_handling(bytes).0.into_owned();
        }
        if bytes.iter().all(|b| b.is_ascii() && *b != ESC) && self.initial_halves().0 == Repertoire::Ascii {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        // Undeclared text beyond ASCII is UTF-8 if it can be; few Latin-1 texts are by chance.
        if !self.declared
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.to_owned();
        }
        self.decode_halves(bytes, resets)
    }

    fn initial_halves(&self) -> (Repertoire, Repertoire) {
        match self.initial {
            // Two-byte sets as the first value are against PS3.3 C.12.1.1.2, and are there: they start unescaped.
            two @ (Repertoire::Jis0208 | Repertoire::Jis0212) => (two, Repertoire::Ascii),
            upper => (Repertoire::Ascii, upper),
        }
    }

    fn decode_halves(&self, bytes: &[u8], resets: Resets) -> String {
        let (mut lower, mut upper) = self.initial_halves();
        if upper == Repertoire::Ascii {
            upper = self.implied_upper.unwrap_or(upper);
        }
        let (first_lower, first_upper) = (lower, upper);
        let mut out = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if byte == ESC
                && let Some((sequence, half, to)) = ESCAPES.iter().find(|(s, ..)| after.starts_with(s))
            {
                if *half == 0 {
                    lower = *to
                } else {
                    upper = *to
                }
                rest = after.get(sequence.len()..).unwrap_or_default();
                continue;
            }
            let one_byte = !matches!(lower, Repertoire::Jis0208 | Repertoire::Jis0212);
            if byte < 0x21 || (one_byte && byte < 0x80) {
                out.push(char::from(byte));
                if resets_here(byte, resets) {
                    (lower, upper) = (first_lower, first_upper);
                }
                rest = after;
                continue;
            }
            let half = if byte < 0x80 { lower } else { upper };
            let run = run_length(rest, byte < 0x80, half);
            let (run, tail) = rest.split_at_checked(run).unwrap_or((rest, &[]));
            push_run(&mut out, run, half);
            rest = tail;
        }
        out
    }
}

fn find(term: &str) -> Option<Repertoire> {
    let folded = term.to_ascii_uppercase().replace(['_', '-'], " ");
    let name = folded.strip_prefix("ISO 2022 IR ").or_else(|| folded.strip_prefix("ISO IR ")).unwrap_or(&folded);
    REPERTOIRES.iter().find(|(known, _)| *known == name).map(|(_, repertoire)| *repertoire)
}

fn resets_here(byte: u8, resets: Resets) -> bool {
    match byte {
        b'\n' | b'\r' | 0x0C | b'\t' => true,
        b'\\' => resets != Resets::AtLines,
        b'^' | b'=' => resets == Resets::AtNameParts,
        _ => false,
    }
}

/// How many bytes from the start belong to the same half, so that a table sees whole characters.
fn run_length(bytes: &[u8], lower: bool, repertoire: Repertoire) -> usize {
    let in_half = |b: &u8| if lower { (0x21..0x80).contains(b) } else { *b >= 0x80 };
    let run = bytes.iter().take_while(|b| in_half(b)).count();
    // The second byte of a GBK character may lie in the lower half; GB 2312 proper has both above.
    match repertoire {
        Repertoire::Jis0208 | Repertoire::Jis0212 => run.max(1),
        _ => run,
    }
}

fn push_run(out: &mut String, run: &[u8], repertoire: Repertoire) {
    let decode = |encoding: &'static Encoding, bytes: &[u8]| encoding.decode_without_bom_handling(bytes).0.into_owned();
    match repertoire {
        Repertoire::Ascii | Repertoire::Latin1 => out.extend(run.iter().map(|b| char::from(*b))),
        Repertoire::Katakana => out.push_str(&decode(encoding_rs::SHIFT_JIS, run)),
        Repertoire::Table(encoding) | Repertoire::Whole(encoding) => out.push_str(&decode(encoding, run)),
        Repertoire::Ksx1001 => out.push_str(&decode(encoding_rs::EUC_KR, run)),
        Repertoire::Gb2312 => out.push_str(&decode(encoding_rs::GBK, run)),
        // EUC-JP holds both sets with the top bits set, JIS X 0212 behind 8F.
        Repertoire::Jis0208 => {
            let high: Vec<u8> = run.iter().map(|b| b | 0x80).collect();
            out.push_str(&decode(encoding_rs::EUC_JP, &high));
        }
        Repertoire::Jis0212 => {
            let high: Vec<u8> =
                run.chunks(2).flat_map(|pair| [0x8F].into_iter().chain(pair.iter().map(|b| b | 0x80))).collect();
            out.push_str(&decode(encoding_rs::EUC_JP, &high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(declared: &str, bytes: &[u8]) -> String {
        Charset::of(declared.as_bytes()).0.decode(bytes, Resets::AtNameParts)
    }

    // The examples of PS3.5 Annexes H, I, J and K.
    #[test]
    fn examples_of_the_standard() {
        let table: [(&str, &[u8], &str); 9] = [
            ("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme"),
            ("ISO_IR 144", b"\xBB\xEE\xDAce\xDC\xD1yp\xD3", "Люкceмбypг"),
            ("ISO_IR 126", b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος"),
            (
                "\\ISO 2022 IR 87",
                b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
                "Yamada^Tarou=山田^太郎=やまだ^たろう",
            ),
            (
                "ISO 2022 IR 13\\ISO 2022 IR 87",
                b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
                "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
            ),
            (
                "\\ISO 2022 IR 149",
                b"Hong^Gildong=\x1b$)C\xFB\xF3^\x1b$)C\xD1\xCE\xD4\xD7=\x1b$)C\xC8\xAB^\x1b$)C\xB1\xE6\xB5\xBF",
                "Hong^Gildong=洪^吉洞=홍^길동",
            ),
            ("ISO_IR 192", "Wang^XiaoDong=王^小東".as_bytes(), "Wang^XiaoDong=王^小東"),
            ("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang^XiaoDong=王^小东"),
            ("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xD5\xC5^\x1b$)A\xD0\xA1\xB6\xAB=", "Zhang^XiaoDong=张^小东="),
        ];
        for (declared, bytes, text) in table {
            assert_eq!(name(declared, bytes), text, "{declared}");
        }
    }

    #[test]
    fn the_initial_set_returns_at_delimiters() {
        let greek_then_latin = b"\x1b-F\xC4^\xC4\\\xE9";
        assert_eq!(name("ISO 2022 IR 100\\ISO 2022 IR 126", greek_then_latin), "Δ^Ä\\é");
        let text = Charset::of(b"ISO 2022 IR 100\\ISO 2022 IR 126").0.decode(b"\x1b-F\xC4^\xC4\n\xE9", Resets::AtLines);
        assert_eq!(text, "Δ^Δ\né");
    }

    #[test]
    fn a_backslash_byte_inside_a_character_is_no_delimiter() {
        assert_eq!(name("GBK", b"\x81\x5C\\a"), "\u{4E57}\\a");
        assert_eq!(name("\\ISO 2022 IR 87", b"\x1b$B\x3D\x5C\x1b(B"), "旬");
    }

    #[test]
    fn what_is_unknown_or_undeclared_still_gives_text() {
        assert!(!Charset::of(b"ISO_IR 999").1);
        assert_eq!(name("ISO_IR 999", b"J\xE9r\xF4me"), "Jérôme");
        assert_eq!(name("", b"J\xE9r\xF4me"), "Jérôme");
        assert_eq!(name("", "Jérôme".as_bytes()), "Jérôme");
        assert_eq!(name("iso-ir 100", b"\xE9"), "é");
        assert_eq!(name("ISO_IR 192", b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(name("\\ISO 2022 IR 87", b"\x1b$B\x21"), "\u{FFFD}");
        assert_eq!(name("\\ISO 2022 IR 159", b"\x1b$(D0!\x1b(B"), "丂");
    }
}
