use super::*;
use proptest::prelude::*;

const KEY: DataKey = DataKey([0x11; 32]);

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from((i * 7 + i / 251) % 256).unwrap()).collect()
}

/// Lengths on both sides of every edge of the chunking.
const EDGES: [usize; 9] = [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    2 * CHUNK_BYTES - 1,
    2 * CHUNK_BYTES,
    2 * CHUNK_BYTES + 1,
    100_000,
];

#[test]
fn the_bytes_of_a_sealed_object_are_golden() -> Result<()> {
    let sealer = Sealer::with_salt(&[0x11; 32], b"golden context", [0x22; SALT_BYTES])?;
    let sealed = seal_whole(sealer, b"Satu rahasia pasien.")?;
    assert_eq!(hex::encode(sealed), include_str!("../../tests/golden/object.hex").trim());
    Ok(())
}

#[test]
fn whatever_is_sealed_opens_and_has_the_length_foretold() -> Result<()> {
    for len in EDGES {
        let plain = message(len);
        let sealed = seal(&KEY, b"context", &plain)?;
        assert_eq!(sealed.len() as u64, sealed_len(len as u64), "{len}");
        assert_eq!(plain_len(sealed.len() as u64), Ok(len as u64));
        assert_eq!(open(&KEY, b"context", &sealed)?, plain);
    }
    Ok(())
}

#[test]
fn two_sealings_of_one_message_share_nothing() -> Result<()> {
    let (a, b) = (seal(&KEY, b"", &message(100))?, seal(&KEY, b"", &message(100))?);
    let same = a.iter().zip(&b).filter(|(a, b)| a == b).count();
    assert!(same < 16, "{same} of {} bytes are equal", a.len());
    Ok(())
}

#[test]
fn another_key_context_or_header_never_starts() -> Result<()> {
    let sealed = seal(&KEY, b"context", b"message")?;
    let header = sealed.first_chunk().unwrap();
    assert!(Opener::new(&KEY, b"context", header).is_ok());
    assert!(Opener::new(&DataKey([0x12; 32]), b"context", header).is_err());
    assert!(Opener::new(&KEY, b"contexT", header).is_err());
    assert!(Opener::new(&KEY, b"", header).is_err());
    Ok(())
}

#[test]
fn every_flipped_bit_is_refused() -> Result<()> {
    let sealed = seal(&KEY, b"c", b"A short message.")?;
    for at in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[at / 8] ^= 1 << (at % 8);
        assert!(open(&KEY, b"c", &changed).is_err(), "bit {at}");
    }
    Ok(())
}

#[test]
fn every_truncation_and_extension_is_refused() -> Result<()> {
    let short = seal(&KEY, b"c", b"A short message.")?;
    for len in 0..short.len() {
        assert!(open(&KEY, b"c", &short[..len]).is_err(), "{len} bytes");
    }
    let long = seal(&KEY, b"c", &message(2 * CHUNK_BYTES + 5))?;
    for len in
        [56, 57, 56 + SEALED_CHUNK_BYTES, 56 + SEALED_CHUNK_BYTES + 16, 56 + 2 * SEALED_CHUNK_BYTES, long.len() - 1]
    {
        assert!(open(&KEY, b"c", &long[..len]).is_err(), "{len} bytes");
    }
    for extra in [1, 15, 16, 17, SEALED_CHUNK_BYTES] {
        let mut longer = long.clone();
        longer.resize(long.len() + extra, 0);
        assert!(open(&KEY, b"c", &longer).is_err(), "{extra} more");
    }
    Ok(())
}

#[test]
fn every_reordering_of_chunks_is_refused() -> Result<()> {
    let sealed = seal(&KEY, b"c", &message(4 * CHUNK_BYTES + 9))?;
    let (header, body) = sealed.split_at(SEALED_HEADER_BYTES);
    let chunks: Vec<&[u8]> = body.chunks(SEALED_CHUNK_BYTES).collect();
    for a in 0..chunks.len() {
        for b in a + 1..chunks.len() {
            let mut order = chunks.clone();
            order.swap(a, b);
            assert!(open(&KEY, b"c", &[header, &order.concat()].concat()).is_err(), "{a} and {b} swapped");
        }
        let mut order = chunks.clone();
        order.remove(a);
        assert!(open(&KEY, b"c", &[header, &order.concat()].concat()).is_err(), "{a} left out");
        let mut order = chunks.clone();
        order.insert(a, chunks[a]);
        assert!(open(&KEY, b"c", &[header, &order.concat()].concat()).is_err(), "{a} doubled");
    }
    Ok(())
}

#[test]
fn a_chunk_opens_only_as_what_it_is() -> Result<()> {
    let sealed = seal(&KEY, b"c", &message(CHUNK_BYTES + 9))?;
    let opener = Opener::new(&KEY, b"c", sealed.first_chunk().unwrap())?;
    let (first, last) = sealed[SEALED_HEADER_BYTES..].split_at(SEALED_CHUNK_BYTES);
    let mut out = b"kept".to_vec();
    for (index, is_last, bytes) in [
        (0, true, first),
        (1, false, last),
        (1, false, first),
        (0, true, last),
        (CHUNKS_MAX - 1, false, first),
        (CHUNKS_MAX, false, first),
        (u64::MAX, true, last),
        (1, true, &last[..15]),
        (1, true, &[]),
    ] {
        assert!(opener.open_chunk(index, is_last, bytes, &mut out).is_err());
        assert_eq!(out, b"kept", "nothing is given out before it is proved");
    }
    opener.open_chunk(1, true, last, &mut out)?;
    opener.open_chunk(0, false, first, &mut out)?;
    assert_eq!(out.len(), 4 + 9 + CHUNK_BYTES);
    Ok(())
}

#[test]
fn the_counter_ends_where_the_standard_says() -> Result<()> {
    let mut sealer = Sealer::with_salt(&[1; 32], b"", [2; SALT_BYTES])?;
    sealer.next = CHUNKS_MAX - 1;
    let mut out = Vec::new();
    sealer.update(&message(CHUNK_BYTES), &mut out)?;
    assert_eq!(out.len(), SEALED_CHUNK_BYTES);
    assert!(sealer.update(&message(CHUNK_BYTES), &mut out).is_err());
    assert!(sealer.finish(&mut out).is_err());
    let full = SEALED_HEADER_BYTES as u64 + (CHUNKS_MAX - 1) * SEALED_CHUNK_BYTES as u64;
    assert_eq!(chunk_count(full + 16), Ok(CHUNKS_MAX));
    assert!(chunk_count(full + SEALED_CHUNK_BYTES as u64 + 16).is_err());
    Ok(())
}

#[test]
fn no_length_makes_the_arithmetic_fail() {
    for len in [0, 15, 55, 56, 71, 72, 56 + 16_400, 56 + 16_400 + 15, 56 + 16_400 + 16, u64::MAX - 1, u64::MAX] {
        let is_length = plain_len(len).is_ok_and(|plain| sealed_len(plain) == len);
        assert_eq!(plain_len(len).is_ok(), is_length, "{len}");
    }
    assert_eq!(chunk_span(u64::MAX, 1_000), 1_000..1_000);
    assert_eq!(chunk_span(0, 72), 56..72);
    assert_eq!(chunk_span(1, 56 + 16_400 + 20), 16_456..16_476);
    assert_eq!(chunks_of(&(0..0)), 0..0);
    assert_eq!(chunks_of(&(16_383..16_385)), 0..2);
    assert_eq!(chunks_of(&(16_384..32_768)), 1..2);
    let _ = sealed_len(u64::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pieces_of_any_size_seal_alike(len in 0_usize..70_000, pieces in proptest::collection::vec(1_usize..40_000, 1..8)) {
        let plain = message(len);
        let whole = seal_whole(Sealer::with_salt(&[1; 32], b"c", [2; SALT_BYTES])?, &plain)?;
        let mut sealer = Sealer::with_salt(&[1; 32], b"c", [2; SALT_BYTES])?;
        let mut out = sealer.header().to_vec();
        let mut rest = plain.as_slice();
        for piece in pieces.iter().cycle() {
            let (now, after) = rest.split_at(rest.len().min(*piece));
            sealer.update(now, &mut out)?;
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        sealer.finish(&mut out)?;
        prop_assert_eq!(out, whole);
    }

    #[test]
    fn a_range_is_the_same_bytes_as_the_whole(len in 1_usize..90_000, from in 0.0_f64..1.0, share in 0.0_f64..1.0) {
        let plain = message(len);
        let sealed = seal(&KEY, b"c", &plain)?;
        let total = sealed.len() as u64;
        let start = (from * len as f64) as usize;
        let end = start + (share * (len - start) as f64) as usize;
        let chunks = chunks_of(&(start as u64..end as u64));
        let opener = Opener::new(&KEY, b"c", sealed.first_chunk().unwrap())?;
        let mut out = Vec::new();
        for index in chunks.clone() {
            let span = chunk_span(index, total);
            let bytes = &sealed[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()];
            opener.open_chunk(index, index + 1 == chunk_count(total)?, bytes, &mut out)?;
        }
        let skip = start - usize::try_from(chunks.start).unwrap() * CHUNK_BYTES;
        prop_assert_eq!(out.get(skip..skip + end - start).unwrap_or_default(), &plain[start..end]);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open(&KEY, b"c", &bytes).is_err());
    }
}
