//! A dictionary against the index: every number that could be meant, hashed with everything that lies beside it as a key.

use crate::Result;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::path::Path;

/// Bytes of a token that a guess must match: less would be met by chance.
const MATCHED_BYTES: usize = 8;

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    let short = if key.len() > block.len() { Sha256::digest(key).to_vec() } else { key.to_vec() };
    for (place, byte) in block.iter_mut().zip(short) {
        *place = byte;
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5C)).chain_update(inner).finalize().into()
}

/// Every token in an index that is long enough to name one patient, without the byte that names its field.
fn tokens(index: &Path) -> Result<HashSet<Vec<u8>>> {
    let db = Connection::open_with_flags(index, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = db.prepare("SELECT token FROM study_tokens UNION SELECT token FROM resource_tokens")?;
    let mut rows = statement.query([])?;
    let mut tokens = HashSet::new();
    while let Some(row) = rows.next()? {
        let token: Vec<u8> = row.get(0)?;
        if let Some(start) = token.get(1..=MATCHED_BYTES) {
            tokens.insert(start.to_vec());
        }
    }
    Ok(tokens)
}

/// How many of the numbers in a dictionary meet a token of the index, under any of the keys, and how many tokens there are.
///
/// # Errors
/// If the index cannot be read.
pub fn met(index: &Path, dictionary: &[String], keys: &[Vec<u8>]) -> Result<(usize, usize)> {
    let tokens = tokens(index)?;
    let is_met = |number: &String| {
        let texts = [number.clone(), number.to_uppercase(), hex::encode(number)];
        texts.iter().any(|text| {
            let plain: [u8; 32] = Sha256::digest(text).into();
            std::iter::once(plain)
                .chain(keys.iter().map(|key| hmac(key, text.as_bytes())))
                .any(|guess| guess.get(..MATCHED_BYTES).is_some_and(|start| tokens.contains(start)))
        })
    };
    Ok((dictionary.iter().filter(|number| is_met(number)).count(), tokens.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(hmac(b"Jefe", b"what do ya want for nothing?")), expected);
    }

    #[test]
    fn tokens_under_a_key_that_lies_beside_them_are_met() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.sqlite");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE study_tokens(token BLOB); CREATE TABLE resource_tokens(token BLOB);").unwrap();
        let mut token = vec![0];
        token.extend(hmac(b"beside", b"3171010190000001"));
        db.execute("INSERT INTO study_tokens VALUES (?1)", [token]).unwrap();
        let dictionary = ["3171010190000001".to_owned(), "3171010190000002".to_owned()];
        assert_eq!(met(&path, &dictionary, &[b"beside".to_vec()]).unwrap(), (1, 1));
        assert_eq!(met(&path, &dictionary, &[b"other".to_vec()]).unwrap(), (0, 1));
    }
}
