//! Whether a table begins with its headings.

use crate::sample::columns::meaning_of_heading;

/// The row that holds the headings: its index, or `None` if the table begins with data.
pub(super) fn find(rows: &[Vec<String>], width: usize) -> Option<usize> {
    // Titles and dates of the report may stand above the headings.
    let first = rows.iter().take(10).position(|row| row.len() == width)?;
    let headings = rows.get(first)?;
    let data = rows.get(first + 1..).unwrap_or_default();
    is_heading(headings, data).then_some(first)
}

fn is_heading(headings: &[String], data: &[Vec<String>]) -> bool {
    let filled: Vec<&str> = headings.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    if filled.is_empty() || filled.iter().any(|cell| is_datum(cell) || cell.len() > 120) {
        return false;
    }
    let known = filled.iter().filter(|cell| meaning_of_heading(cell).is_some()).count();
    if 4 * known >= filled.len() {
        return true;
    }
    let mut sorted = filled.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < filled.len() {
        return false;
    }
    // A column of numbers or dates whose first cell is a word.
    let named = |column: usize| {
        let cells: Vec<&String> =
            data.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty()).collect();
        cells.len() >= 2 && 10 * cells.iter().filter(|cell| is_datum(cell)).count() >= 7 * cells.len()
    };
    let written_as_name =
        |cell: &&str| cell.chars().all(|letter| letter.is_lowercase() || letter == '_' || letter.is_ascii_digit());
    (0..headings.len()).any(named) || (filled.iter().all(written_as_name) && filled.len() > 1)
}

/// A number, a date, an identifier: mostly digits.
fn is_datum(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let has_letters = cell.chars().any(char::is_alphabetic);
    digits > 0 && 2 * digits >= cell.trim().len() && (digits >= 3 || !has_letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<usize> {
        let rows: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        let width = rows.last().map_or(0, Vec::len);
        find(&rows, width)
    }

    #[test]
    fn headings_are_words_above_numbers() {
        for (text, expected) in [
            ("nik,nama\n3171014101900001,Siti\n", Some(0)),
            ("c1,c2\n17,Siti\n18,Budi\n", Some(0)),
            ("3171014101900001,Siti\n3171014101900002,Budi\n", None),
            ("Siti Aminah,Jakarta\nBudi Santoso,Bandung\n", None),
            ("Laporan\nRS Harapan\nNIK,Nama,Tgl Lahir\n1,Siti,2\n", Some(2)),
            ("Nama,Alamat\nSiti,Jalan Mawar\n", Some(0)),
            ("", None),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
