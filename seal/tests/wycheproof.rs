//! Wycheproof's vectors for C2SP chunked-encryption, Cobblestone-256.
//!
//! Those for Cobblestone-128 do not apply: they are of another algorithm (AES-128-GCM), which Segel does not have.

#[cfg(test)]
mod vectors {
    use aws_lc_rs::digest::{SHA512, digest};
    use seal::cobblestone::{Opener, SEALED_CHUNK_BYTES, SEALED_HEADER_BYTES, chunk_count, chunk_span, open};
    use seal::message::DataKey;
    use std::io::Read;
    use wycheproof::TestResult;
    use wycheproof::chunked_encryption::{ChunkedEncryptionAead, Test, TestFlag, TestName, TestSet};

    fn inflated(test: &Test) -> Vec<u8> {
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(&test.ct[..]).read_to_end(&mut bytes).expect("the vector is zlib");
        bytes
    }

    fn key(test: &Test) -> Option<DataKey> {
        test.key[..].try_into().ok().map(DataKey)
    }

    /// Opens chunk after chunk as a stream would, and gives what came out before the first failure.
    fn prefix(opener: &Opener, sealed: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = &sealed[SEALED_HEADER_BYTES..];
        let mut index = 0;
        while rest.len() >= SEALED_CHUNK_BYTES {
            if opener.open_chunk(index, false, &rest[..SEALED_CHUNK_BYTES], &mut out).is_err() {
                return out;
            }
            rest = &rest[SEALED_CHUNK_BYTES..];
            index += 1;
        }
        let _ = opener.open_chunk(index, true, rest, &mut out);
        out
    }

    /// Opens the last chunk alone, as a reader does that needs the length.
    fn last_opens(opener: &Opener, sealed: &[u8]) -> bool {
        let total = sealed.len() as u64;
        let Ok(count) = chunk_count(total) else { return false };
        let span = chunk_span(count - 1, total);
        let bytes = &sealed[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()];
        opener.open_chunk(count - 1, true, bytes, &mut Vec::new()).is_ok()
    }

    fn assert_message(test: &Test, plain: &[u8]) {
        assert_eq!(Some(plain.len()), test.msg_length, "{}", test.comment);
        assert_eq!(digest(&SHA512, plain).as_ref(), &test.msg_sha512.as_ref().unwrap()[..], "{}", test.comment);
    }

    fn check_invalid(test: &Test, sealed: &[u8]) {
        let Some(key) = key(test) else {
            assert!(test.flags.contains(&TestFlag::InvalidKeySize), "{}", test.comment);
            return;
        };
        assert!(open(&key, &test.ctx, sealed).is_err(), "{}", test.comment);
        let opener = sealed.first_chunk().and_then(|header| Opener::new(&key, &test.ctx, header).ok());
        assert_eq!(opener.is_none(), test.flags.contains(&TestFlag::HeaderFailure), "{}", test.comment);
        let Some(opener) = opener else { return };
        let out = prefix(&opener, sealed);
        if test.flags.contains(&TestFlag::PartialPlaintext) {
            assert_message(test, &out);
        } else {
            assert!(out.is_empty(), "{}", test.comment);
        }
        assert_eq!(last_opens(&opener, sealed), test.flags.contains(&TestFlag::ValidFinalChunk), "{}", test.comment);
    }

    #[test]
    fn every_vector_of_cobblestone_256_holds() {
        let set = TestSet::load(TestName::Cobblestone256).expect("the vectors load");
        let (mut valid, mut invalid) = (0, 0);
        for group in &set.test_groups {
            assert_eq!(group.aead, ChunkedEncryptionAead::Aes256Gcm);
            for test in &group.tests {
                let sealed = inflated(test);
                match test.result {
                    TestResult::Valid => {
                        let key = key(test).expect("a valid vector has a key of 32 bytes");
                        assert_message(test, &open(&key, &test.ctx, &sealed).expect(&test.comment));
                        let opener = Opener::new(&key, &test.ctx, sealed.first_chunk().unwrap()).unwrap();
                        assert_message(test, &prefix(&opener, &sealed));
                        assert!(last_opens(&opener, &sealed));
                        valid += 1;
                    }
                    TestResult::Invalid | TestResult::Acceptable => {
                        check_invalid(test, &sealed);
                        invalid += 1;
                    }
                }
            }
        }
        println!("{valid} valid and {invalid} invalid vectors hold");
        assert_eq!(valid + invalid, set.number_of_tests);
        assert!(valid >= 10 && invalid >= 25);
    }
}
