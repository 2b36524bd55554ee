//! An sRGB profile (IEC 61966-2-1) as ICC.1:2022 wants it: nine tags, made rather than kept.

/// The profile's bytes.
pub fn srgb() -> Vec<u8> {
    let fixed = |number: f64| fixed(number).to_be_bytes();
    let xyz = |x: f64, y: f64, z: f64| [*b"XYZ ", [0; 4], fixed(x), fixed(y), fixed(z)].concat();
    let text = |text: &str| {
        // multiLocalizedUnicodeType: one record, English, UTF-16.
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let length = u32::try_from(utf16.len()).unwrap_or(0).to_be_bytes();
        let head =
            [*b"mluc", [0; 4], 1_u32.to_be_bytes(), 12_u32.to_be_bytes(), *b"enUS", length, 28_u32.to_be_bytes()];
        [head.concat(), utf16].concat()
    };
    // parametricCurveType, function 3: the sRGB curve.
    let numbers = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045].map(fixed).concat();
    let curve = [[*b"para", [0; 4], [0, 3, 0, 0]].concat(), numbers].concat();
    let chromatic =
        [1.047_882, 0.022_919, -0.050_201, 0.029_587, 0.990_479, -0.017_059, -0.009_232, 0.015_076, 0.751_678];
    let adaptation = [[*b"sf32", [0; 4]].concat(), chromatic.map(fixed).concat()].concat();
    let tags: [(&[u8; 4], Vec<u8>); 9] = [
        (b"desc", text("sRGB")),
        (b"cprt", text("CC0")),
        (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
        (b"chad", adaptation),
        (b"rXYZ", xyz(0.436_066, 0.222_488, 0.013_916)),
        (b"gXYZ", xyz(0.385_147, 0.716_873, 0.097_076)),
        (b"bXYZ", xyz(0.143_066, 0.060_608, 0.714_096)),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve),
    ];
    // The blue curve is the green one: two tags may name the same data.
    profile(&tags)
}

fn profile(tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).unwrap_or(0).to_be_bytes();
    let mut table = word(tags.len() + 1).to_vec();
    let mut data = Vec::new();
    let start = 128 + 4 + 12 * (tags.len() + 1);
    let mut last = (0, 0);
    for (signature, bytes) in tags {
        last = (start + data.len(), bytes.len());
        table.extend([**signature, word(last.0), word(last.1)].concat());
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    table.extend([*b"bTRC", word(last.0), word(last.1)].concat());
    let size = start + data.len();
    // 7.2: size, no preferred module, version 4.4, display, RGB, XYZ, a date, "acsp", and the D50 illuminant.
    let mut header = [word(size), [0; 4], [4, 0x40, 0, 0], *b"mntr", *b"RGB ", *b"XYZ "].concat();
    header.extend([0x07, 0xE8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    header.extend(b"acsp");
    header.resize(68, 0);
    header.extend([0.9642, 1.0, 0.8249].map(|n| fixed(n).to_be_bytes()).concat());
    header.resize(128, 0);
    [header, table, data].concat()
}

/// s15Fixed16Number.
#[expect(clippy::cast_possible_truncation, reason = "clamped to 32 bits before")]
fn fixed(number: f64) -> i32 {
    (number * 65_536.0).round().clamp(-2e9, 2e9) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_says_its_own_size_and_holds_ten_tags() {
        let profile = srgb();
        assert_eq!(u32::from_be_bytes(*profile.first_chunk().unwrap()), u32::try_from(profile.len()).unwrap());
        assert_eq!(&profile[36..40], b"acsp");
        assert_eq!(profile[131], 10);
        for tag in profile[132..132 + 120].chunks_exact(12) {
            let number = |at: usize| usize::try_from(u32::from_be_bytes(tag[at..at + 4].try_into().unwrap())).unwrap();
            assert!(number(4) % 4 == 0 && number(4) + number(8) <= profile.len());
        }
    }
}
