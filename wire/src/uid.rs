//! Unique identifiers (PS3.5 section 9).

/// Whether text is a UID: 1 to 64 characters of digits and dots. Leading zeros and empty components are let pass, because
/// real archives are full of them. A UID names; it is never used as a path.
#[must_use]
pub fn is_uid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_digits_and_dots_up_to_64() {
        for good in ["1", "1.2.840.10008.1.2", "0.01.2", &"1".repeat(64)] {
            assert!(is_uid(good), "{good}");
        }
        for bad in ["", "1.2/../3", "1.2 ", "1.2.a", "../..", &"1".repeat(65)] {
            assert!(!is_uid(bad), "{bad}");
        }
    }
}
