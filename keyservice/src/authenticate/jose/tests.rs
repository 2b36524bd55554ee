use super::*;

fn key(jwk: &str) -> Option<PublicKey> {
    PublicKey::from_jwk(&serde_json::from_str(jwk).unwrap())
}

const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
const OKP: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;

#[test]
fn the_published_thumbprints() {
    for (jwk, expected) in [
        // RFC 7638 3.1, RFC 8037 A.3, RFC 9449 6.1.
        (RSA, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        (OKP, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        (EC, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
    ] {
        assert_eq!(URL_SAFE_NO_PAD.encode(key(jwk).unwrap().thumbprint()), expected);
    }
}

#[test]
fn the_published_signatures() {
    // RFC 8037 A.4. Its payload is no JSON, so the signature is looked at alone.
    let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let jws = Jws::parse(text, 1_000).unwrap();
    assert!(key(OKP).unwrap().verifies(jws.algorithm, jws.signed.as_bytes(), &jws.signature));
    assert!(!key(EC).unwrap().verifies(jws.algorithm, jws.signed.as_bytes(), &jws.signature));
    // RFC 7515 A.3 (ES256) and A.2 (RS256).
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let ec = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let text = format!("eyJhbGciOiJFUzI1NiJ9.{payload}.{signature}");
    let claims: serde_json::Value = Jws::parse(&text, 1_000).unwrap().verified(&key(ec).unwrap()).unwrap();
    assert_eq!(claims["iss"], "joe");
    let rsa = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let text = format!("eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}");
    let claims: serde_json::Value = Jws::parse(&text, 2_000).unwrap().verified(&key(rsa).unwrap()).unwrap();
    assert_eq!(claims["exp"], 1_300_819_380);
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'B' { b'C' } else { b'B' };
        let changed = String::from_utf8(changed).unwrap();
        let read = Jws::parse(&changed, 2_000).and_then(|jws| jws.verified::<serde_json::Value>(&key(rsa).unwrap()));
        assert_eq!(read, None, "at {at}");
    }
}

#[test]
fn no_header_chooses_what_its_key_is_not_for() {
    let encode = |header: &str| format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"PS256"}"#,
        r#"{"alg":"ES256","crit":["exp"]}"#,
        r#"{"alg":"ES256","alg":"none"}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":1}"#,
        "[]",
        "",
    ] {
        assert!(Jws::parse(&encode(header), 1_000).is_none(), "{header}");
    }
    let good = encode(r#"{"alg":"ES256"}"#);
    assert!(Jws::parse(&good, good.len()).is_some() && Jws::parse(&good, good.len() - 1).is_none());
    for text in ["", ".", "..", "a.b", "a.b.c.d", "e30.e30"] {
        assert!(Jws::parse(text, 1_000).is_none(), "{text}");
    }
}

#[test]
fn keys_that_are_none() {
    let private = EC.replace("\"kty\"", r#""d":"AAAA","kty""#);
    let symmetric = r#"{"kty":"oct","k":"AAAA"}"#;
    let short = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    let cut = EC.replace("BFs\"", "B\"");
    let other = EC.replace("P-256", "P-384");
    let padded = OKP.replace("URo\"", "URo=\"");
    for jwk in [private.as_str(), symmetric, short, &cut, &other, &padded, r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#] {
        assert_eq!(key(jwk), None, "{jwk}");
    }
}

#[test]
fn a_set_gives_its_signing_keys_and_leaves_the_others() {
    let encryption = EC.replace("\"kty\"", r#""use":"enc","kty""#);
    let set = format!(r#"{{"keys":[{RSA},{encryption},{{"kty":"new"}},{OKP}],"more":1}}"#);
    let keys = read_set(set.as_bytes()).unwrap();
    assert_eq!(keys.iter().map(|(kid, _)| kid.as_deref()).collect::<Vec<_>>(), [Some("2011-04-29"), None]);
    assert_eq!(read_set(b"{}").map(|keys| keys.len()), None);
}
