//! Which encoding a text is in: by its mark, by its zeros, by whether it is UTF-8.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// An encoding of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// UTF-8, in which single bytes that are not are read as Windows-1252: dumps of several sources are put together so.
    Utf8,
    Utf16Little,
    Utf16Big,
    /// Windows-1252, of which Latin-1 is all that anybody writes.
    Windows1252,
}

impl Coding {
    /// The encoding of a text that begins so, and the length of its mark.
    pub fn of(head: &[u8]) -> (Self, usize) {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => return (Self::Utf8, 3),
            [0xFF, 0xFE, ..] => return (Self::Utf16Little, 2),
            [0xFE, 0xFF, ..] => return (Self::Utf16Big, 2),
            _ => {}
        }
        if let Some(wide) = wide(head) {
            return (wide, 0);
        }
        let (right, wrong) = letters(head);
        (if wrong > right { Self::Windows1252 } else { Self::Utf8 }, 0)
    }

    pub fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Utf16Little => UTF_16LE,
            Self::Utf16Big => UTF_16BE,
            Self::Windows1252 => WINDOWS_1252,
        }
    }
}

/// UTF-16 without a mark: what is mostly ASCII has a zero in every other byte, and hardly any in the others.
fn wide(head: &[u8]) -> Option<Coding> {
    let pairs = head.as_chunks::<2>().0;
    if pairs.len() < 2 {
        return None;
    }
    let first = pairs.iter().filter(|pair| pair.first() == Some(&0)).count();
    let second = pairs.iter().filter(|pair| pair.last() == Some(&0)).count();
    let (many, few) = (pairs.len() / 2, pairs.len() / 50);
    if second > many && first <= few {
        Some(Coding::Utf16Little)
    } else if first > many && second <= few {
        Some(Coding::Utf16Big)
    } else {
        None
    }
}

/// Letters of several bytes that are UTF-8, and bytes above ASCII that are not. A letter that the end cuts is neither.
fn letters(head: &[u8]) -> (usize, usize) {
    let (mut right, mut wrong, mut rest) = (0, 0, head);
    loop {
        let (valid, broken) = match std::str::from_utf8(rest) {
            Ok(_) => (rest.len(), None),
            Err(error) => (error.valid_up_to(), error.error_len()),
        };
        right += rest.iter().take(valid).filter(|byte| **byte >= 0xC0).count();
        let Some(broken) = broken else { return (right, wrong) };
        wrong += 1;
        rest = rest.get(valid + broken..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_mark_zeros_and_form() {
        let wide = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        for (head, coding, mark) in [
            (b"\xEF\xBB\xBFa".to_vec(), Coding::Utf8, 3),
            ([&b"\xFF\xFE"[..], &wide("nik", false)].concat(), Coding::Utf16Little, 2),
            ([&b"\xFE\xFF"[..], &wide("nik", true)].concat(), Coding::Utf16Big, 2),
            (wide("nik;nama\n1;Budi\n", false), Coding::Utf16Little, 0),
            (wide("nik;nama\n1;Budi\n", true), Coding::Utf16Big, 0),
            ("José, Müller".into(), Coding::Utf8, 0),
            (b"Jos\xE9, M\xFCller".to_vec(), Coding::Windows1252, 0),
            // One foreign row in a file of UTF-8, and a letter that the end cuts.
            (["José Müller ñ ".as_bytes(), b"\xE9 "].concat(), Coding::Utf8, 0),
            (b"abc\xC3".to_vec(), Coding::Utf8, 0),
            (b"".to_vec(), Coding::Utf8, 0),
            (b"\0".to_vec(), Coding::Utf8, 0),
        ] {
            assert_eq!(Coding::of(&head), (coding, mark), "{}", head.escape_ascii());
        }
    }
}
