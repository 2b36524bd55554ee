//! `application/x-www-form-urlencoded` (WHATWG URL 5): what a form sends.

/// The value of a field.
pub fn field(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let value = text.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    decoded(value)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A value as it stands in a query string.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_or_refused() {
        assert_eq!(field(b"a=1&token=x%2Fy+z%3D", "token").as_deref(), Some("x/y z="));
        for wrong in ["token=%", "token=%2", "token=%zz", "token=%FF", "a=1"] {
            assert_eq!(field(wrong.as_bytes(), "token"), None, "{wrong}");
        }
        assert_eq!(decoded(&encoded("Hj. Siti & Co/é")).as_deref(), Some("Hj. Siti & Co/é"));
    }
}
