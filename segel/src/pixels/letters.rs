//! Text burnt into a picture: a small face of seven rows, made for this, of capitals, digits and some signs.

use image::{DynamicImage, Rgb};

/// Rows and columns of a letter.
const ROWS: u32 = 7;
const COLUMNS: u32 = 5;
/// Letters of a line, and lines, that are looked at: more than any picture shows.
const LINE_LETTERS_MAX: usize = 128;
const LINES_MAX: usize = 16;

/// Each letter's rows, from the top; the highest of five bits is the left.
const FACE: [(char, [u8; 7]); 48] = [
    ('A', [14, 17, 17, 31, 17, 17, 17]),
    ('B', [30, 17, 17, 30, 17, 17, 30]),
    ('C', [14, 17, 16, 16, 16, 17, 14]),
    ('D', [30, 17, 17, 17, 17, 17, 30]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('F', [31, 16, 16, 30, 16, 16, 16]),
    ('G', [14, 17, 16, 23, 17, 17, 15]),
    ('H', [17, 17, 17, 31, 17, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('J', [7, 2, 2, 2, 2, 18, 12]),
    ('K', [17, 18, 20, 24, 20, 18, 17]),
    ('L', [16, 16, 16, 16, 16, 16, 31]),
    ('M', [17, 27, 21, 21, 17, 17, 17]),
    ('N', [17, 25, 21, 19, 17, 17, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
    ('Q', [14, 17, 17, 17, 21, 18, 13]),
    ('R', [30, 17, 17, 30, 20, 18, 17]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('U', [17, 17, 17, 17, 17, 17, 14]),
    ('V', [17, 17, 17, 17, 17, 10, 4]),
    ('W', [17, 17, 17, 21, 21, 27, 17]),
    ('X', [17, 17, 10, 4, 10, 17, 17]),
    ('Y', [17, 17, 10, 4, 4, 4, 4]),
    ('Z', [31, 1, 2, 4, 8, 16, 31]),
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 6, 8, 16, 31]),
    ('3', [14, 17, 1, 6, 1, 17, 14]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [14, 16, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 8, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 1, 14]),
    (' ', [0; 7]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
    (',', [0, 0, 0, 0, 12, 4, 8]),
    (':', [0, 12, 12, 0, 12, 12, 0]),
    ('-', [0, 0, 0, 31, 0, 0, 0]),
    ('+', [0, 4, 4, 31, 4, 4, 0]),
    ('/', [1, 1, 2, 4, 8, 16, 16]),
    ('(', [2, 4, 8, 8, 8, 4, 2]),
    (')', [8, 4, 2, 2, 2, 4, 8]),
    ('=', [0, 0, 31, 0, 31, 0, 0]),
    ('\'', [4, 4, 8, 0, 0, 0, 0]),
    ('_', [0, 0, 0, 0, 0, 0, 31]),
];

/// What stands for a letter that the face has not: a box, so that nobody takes the text for complete.
const UNKNOWN: [u8; 7] = [31, 17, 17, 17, 17, 17, 31];

fn letter(character: char) -> [u8; 7] {
    let capital = character.to_uppercase().next().unwrap_or(character);
    FACE.iter().find(|(known, _)| *known == capital).map_or(UNKNOWN, |(_, rows)| *rows)
}

/// Writes lines into the upper left corner, white on black, as large as a fortieth of the picture's height allows.
pub fn write(image: &mut DynamicImage, lines: &[String]) {
    let size = (image.height() / (40 * ROWS)).max(1);
    let mut top = size;
    for line in lines.iter().take(LINES_MAX) {
        let mut left = size;
        for character in line.chars().take(LINE_LETTERS_MAX) {
            draw(image, (left, top), size, &letter(character));
            left += (COLUMNS + 1) * size;
        }
        top += (ROWS + 2) * size;
    }
}

/// Draws one letter with a rim of one of its pixels.
fn draw(image: &mut DynamicImage, (left, top): (u32, u32), size: u32, rows: &[u8; 7]) {
    // The rim above, the letter, the rim below.
    for (row, bits) in (0..).zip(std::iter::once(&0).chain(rows).chain(std::iter::once(&0))) {
        for column in 0..COLUMNS + 2 {
            // The rim has the bits on both sides that five bits have not.
            let is_ink = column > 0 && column <= COLUMNS && (bits >> (COLUMNS - column)) & 1 == 1;
            let place = (left + column * size - size, top + row * size - size);
            square(image, place, size, if is_ink { 255 } else { 0 });
        }
    }
}

fn square(image: &mut DynamicImage, (left, top): (u32, u32), size: u32, shade: u8) {
    for y in top..top + size {
        for x in left..left + size {
            match image {
                DynamicImage::ImageLuma8(grey) => {
                    if let Some(pixel) = grey.get_pixel_mut_checked(x, y) {
                        pixel.0 = [shade];
                    }
                }
                DynamicImage::ImageRgb8(colour) => {
                    if let Some(pixel) = colour.get_pixel_mut_checked(x, y) {
                        *pixel = Rgb([shade; 3]);
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::GrayImage;

    #[test]
    fn text_is_white_on_black_in_the_corner_and_cut_at_the_edge() {
        let mut image = DynamicImage::ImageLuma8(GrayImage::from_pixel(20, 12, image::Luma([90])));
        write(&mut image, &["LÖ, LONGER THAN THE PICTURE".to_owned(), "AND LOWER".to_owned()]);
        let grey = image.to_luma8();
        let row = |y: u32| (0..20).map(|x| grey.get_pixel(x, y).0[0]).collect::<Vec<_>>();
        // The left stem of the L, its foot, and the box that stands for a letter that the face has not.
        assert_eq!(row(1)[..13], [0, 255, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 0]);
        assert_eq!(row(7)[..7], [0, 255, 255, 255, 255, 255, 0]);
        assert_eq!(row(0)[..20], [0; 20]);
    }

    #[test]
    fn every_letter_is_known_once_and_fits_its_columns() {
        for (n, (character, rows)) in FACE.iter().enumerate() {
            assert!(FACE[n + 1..].iter().all(|(other, _)| other != character), "{character}");
            assert!(rows.iter().all(|bits| *bits < 32), "{character}");
        }
    }
}
