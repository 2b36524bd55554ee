//! Media types with parameters (RFC 9110 8.3.1): `multipart/related; type="application/dicom"; boundary=x`.

use crate::Error;

/// Longest header value read as a media type: a type and some parameters.
const MEDIA_TYPE_BYTES_MAX: usize = 1024;

/// A media type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, in lower case.
    pub essence: String,
    /// Names in lower case, values as they were, quotes and escapes undone.
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads a header's value.
    ///
    /// # Errors
    /// Too long, not `type/subtype`, or a parameter that is not `name=value`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MEDIA_TYPE_BYTES_MAX {
            return Err(Error::invalid("media type is too long"));
        }
        let (essence, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let well_formed = essence.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        if !well_formed {
            return Err(Error::invalid("media type is not type/subtype"));
        }
        let mut parameters = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                return Ok(Self { essence, parameters });
            }
            let (name, after) =
                rest.split_once('=').ok_or_else(|| Error::invalid("media type parameter without value"))?;
            let name = name.trim().to_ascii_lowercase();
            let (value, after) = value(after.trim_start())?;
            if !is_token(&name) || parameters.iter().any(|(n, _)| *n == name) {
                return Err(Error::invalid("media type parameter is malformed or repeated"));
            }
            parameters.push((name, value));
            rest = after;
        }
    }

    /// One parameter by its lower-case name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// A quoted string or a token, and what comes after it. Unquoted values with `/` (`type=application/dicom`) break the
/// grammar but are what many DICOMweb clients send.
fn value(text: &str) -> Result<(String, &str), Error> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = text.split_once(';').unwrap_or((text, ""));
        let token = token.trim();
        return if token.is_empty() || token.bytes().any(|b| b <= b' ' || b == b'"' || b >= 0x7f) {
            Err(Error::invalid("media type parameter is malformed"))
        } else {
            Ok((token.to_owned(), rest))
        };
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                let rest = characters.as_str().trim_start();
                return if rest.is_empty() || rest.starts_with(';') {
                    Ok((value, rest))
                } else {
                    Err(Error::invalid("media type has text after a quoted value"))
                };
            }
            '\\' => value.extend(characters.next()),
            c if c.is_control() => return Err(Error::invalid("media type has a control character")),
            c => value.push(c),
        }
    }
    Err(Error::invalid("media type has an open quote"))
}

/// RFC 9110 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_as_clients_send_them() {
        let all = [
            ("multipart/related; type=\"application/dicom\"; boundary=abc", "application/dicom", "abc"),
            ("Multipart/Related;type=application/dicom;boundary=\"a b\"", "application/dicom", "a b"),
            ("multipart/related; BOUNDARY=\"a\\\"b\" ; type=\"x/y\";", "x/y", "a\"b"),
        ];
        for (text, kind, boundary) in all {
            let media = MediaType::parse(text).unwrap();
            assert_eq!(media.essence, "multipart/related");
            assert_eq!((media.parameter("type"), media.parameter("boundary")), (Some(kind), Some(boundary)), "{text}");
        }
        assert_eq!(MediaType::parse("application/json").unwrap().parameters, []);
    }

    #[test]
    fn malformed_media_types_are_refused() {
        for text in [
            "",
            "json",
            "a/",
            "a/b; c",
            "a/b; c=\"d",
            "a/b; c=",
            "a/b; c=1; c=2",
            "a/b; c=\"d\"e",
            "a/b; c=\"\r\n\"",
            "a b/c",
        ] {
            assert!(MediaType::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_length_limit_is_reached_and_passed_by_one() {
        let fits = format!("a/b;c={}", "x".repeat(MEDIA_TYPE_BYTES_MAX - 6));
        assert!(MediaType::parse(&fits).is_ok());
        assert!(MediaType::parse(&format!("{fits}x")).is_err());
    }
}
