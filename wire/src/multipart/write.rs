//! The writer of multipart answers.

use crate::Error;
use record::limits::BOUNDARY_BYTES_MAX;

/// Makes the bytes between parts. The caller gives a random boundary and sends the content itself.
#[derive(Clone, Debug)]
pub struct Writer {
    boundary: String,
    begun: bool,
}

impl Writer {
    /// With this boundary.
    ///
    /// # Errors
    /// Empty, too long, or not letters and digits.
    pub fn new(boundary: &str) -> Result<Self, Error> {
        let fits =
            (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()) && boundary.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits {
            Ok(Self { boundary: boundary.to_owned(), begun: false })
        } else {
            Err(Error::invalid("not a boundary"))
        }
    }

    /// The `Content-Type` of the whole body, whose root part is of `root_type`.
    #[must_use]
    pub fn content_type(&self, root_type: &str) -> String {
        let root: String = root_type.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        format!("multipart/related; type=\"{root}\"; boundary={}", self.boundary)
    }

    /// What comes before a part's content.
    ///
    /// # Errors
    /// A header that would not stay one line.
    pub fn begin(&mut self, headers: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(256);
        if std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{}\r\n", self.boundary).as_bytes());
        for (name, value) in headers {
            if name.is_empty() || name.contains(':') || name.chars().chain(value.chars()).any(char::is_control) {
                return Err(Error::invalid("a part header must be one line"));
            }
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// What comes after the last part.
    #[must_use]
    pub fn close(self) -> Vec<u8> {
        let line_end = if self.begun { "\r\n" } else { "" };
        format!("{line_end}--{}--\r\n", self.boundary).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_break_out_of_its_line() {
        let mut writer = Writer::new("b").unwrap();
        assert!(writer.begin(&[("Content-Type", "a/b\r\nX: y")]).is_err());
        assert!(writer.begin(&[("X:Y", "z")]).is_err());
        assert_eq!(writer.content_type("a\"b\r\nc"), "multipart/related; type=\"abc\"; boundary=b");
    }

    #[test]
    fn a_boundary_is_letters_and_digits_up_to_70() {
        assert!(Writer::new(&"x".repeat(BOUNDARY_BYTES_MAX)).is_ok());
        for bad in [String::new(), "x".repeat(BOUNDARY_BYTES_MAX + 1), "a b".into(), "a\"".into()] {
            assert!(Writer::new(&bad).is_err());
        }
    }
}
