use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

/// RFC 9449, figures 2 and 12: for a token, and with one.
const TOKEN_REQUEST: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
const RESOURCE_REQUEST: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const AT: Micros = 1_562_262_616 * MICROS;

#[test]
fn the_published_proofs() {
    let shown = verify(TOKEN_REQUEST, "POST", "https://server.example.com/token", None, AT).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(shown.thumbprint), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(shown.issued, AT);
    let at = |uri: &str, method: &str, token, now| verify(RESOURCE_REQUEST, method, uri, token, now).map(|_| ());
    let uri = "https://resource.example.org/protectedresource";
    for (found, expected) in [
        (at(uri, "GET", Some(TOKEN), AT), Ok(())),
        (at(&format!("{uri}?a=b#c"), "GET", Some(TOKEN), AT), Ok(())),
        (at("HTTPS://Resource.Example.org:443/protectedresource", "GET", Some(TOKEN), AT), Ok(())),
        (at(uri, "POST", Some(TOKEN), AT), Err(Flaw::Method)),
        (at(uri, "get", Some(TOKEN), AT), Err(Flaw::Method)),
        (at(&format!("{uri}/"), "GET", Some(TOKEN), AT), Err(Flaw::Target)),
        (at("https://resource.example.org/ProtectedResource", "GET", Some(TOKEN), AT), Err(Flaw::Target)),
        (at("http://resource.example.org/protectedresource", "GET", Some(TOKEN), AT), Err(Flaw::Target)),
        (at("https://resource.example.org:8443/protectedresource", "GET", Some(TOKEN), AT), Err(Flaw::Target)),
        (at("/protectedresource", "GET", Some(TOKEN), AT), Err(Flaw::Target)),
        (at(uri, "GET", Some("another"), AT), Err(Flaw::Token)),
        (at(uri, "GET", Some(TOKEN), AT + 2 * MICROS + DPOP_AGE_SECONDS_MAX * MICROS), Ok(())),
        (at(uri, "GET", Some(TOKEN), AT + 2 * MICROS + DPOP_AGE_SECONDS_MAX * MICROS + 1), Err(Flaw::Late)),
        (at(uri, "GET", Some(TOKEN), AT + 2 * MICROS - DPOP_AHEAD_SECONDS_MAX * MICROS), Ok(())),
        (at(uri, "GET", Some(TOKEN), AT + 2 * MICROS - DPOP_AHEAD_SECONDS_MAX * MICROS - 1), Err(Flaw::Early)),
    ] {
        assert_eq!(found, expected);
    }
    // A proof for a token request is over no token.
    let found = verify(TOKEN_REQUEST, "POST", "https://server.example.com/token", Some(TOKEN), AT);
    assert_eq!(found, Err(Flaw::Token));
}

#[test]
fn no_single_changed_character_is_accepted() {
    for at in 0..TOKEN_REQUEST.len() {
        for other in ['A', 'b', '.', '='] {
            let mut changed: Vec<char> = TOKEN_REQUEST.chars().collect();
            if changed[at] == other {
                continue;
            }
            changed[at] = other;
            let changed: String = changed.into_iter().collect();
            let found = verify(&changed, "POST", "https://server.example.com/token", None, AT);
            assert_eq!(found, Err(Flaw::Foreign), "at {at}");
        }
    }
}

struct Key(EcdsaKeyPair);

impl Key {
    fn jwk(&self) -> String {
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

#[test]
fn what_a_proof_must_say() {
    let key = Key(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    let other = Key(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    let jwk = key.jwk();
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
    let claims = r#"{"jti":"j","htm":"GET","htu":"https://a.example/x","iat":1562262616}"#;
    let replaced = |from: &str, to: &str| key.sign(&header, &claims.replace(from, to));
    let headed = |from: &str, to: &str| key.sign(&header.replace(from, to), claims);
    for (name, jwt, expected) in [
        ("good", key.sign(&header, claims), Ok(())),
        ("more than is known", replaced("}", r#","more":1}"#), Ok(())),
        ("another's signature", other.sign(&header, claims), Err(Flaw::Foreign)),
        ("unsigned", headed("ES256", "none"), Err(Flaw::Foreign)),
        (
            "unsigned, and empty",
            format!(
                "{}.{}.",
                URL_SAFE_NO_PAD.encode(r#"{"typ":"dpop+jwt","alg":"none"}"#),
                URL_SAFE_NO_PAD.encode(claims)
            ),
            Err(Flaw::Foreign),
        ),
        ("symmetric", headed("ES256", "HS256"), Err(Flaw::Foreign)),
        ("another type", headed("dpop+jwt", "JWT"), Err(Flaw::Foreign)),
        ("no type", headed(r#""typ":"dpop+jwt","#, ""), Err(Flaw::Foreign)),
        ("no key", headed(&format!(r#","jwk":{jwk}"#), ""), Err(Flaw::Foreign)),
        ("a private key", headed(r#""kty""#, r#""d":"AA","kty""#), Err(Flaw::Foreign)),
        ("no jti", replaced(r#""jti":"j","#, ""), Err(Flaw::Foreign)),
        ("an empty jti", replaced(r#""j""#, r#""""#), Err(Flaw::Foreign)),
        ("the longest jti", replaced(r#""j""#, &format!("\"{}\"", "j".repeat(JTI_BYTES_MAX))), Ok(())),
        ("a longer jti", replaced(r#""j""#, &format!("\"{}\"", "j".repeat(JTI_BYTES_MAX + 1))), Err(Flaw::Foreign)),
        ("no htm", replaced(r#""htm":"GET","#, ""), Err(Flaw::Foreign)),
        ("two htm", replaced(r#""htm""#, r#""htm":"GET","htm""#), Err(Flaw::Foreign)),
        ("no iat", replaced(r#","iat":1562262616"#, ""), Err(Flaw::Foreign)),
        ("an endless iat", replaced("1562262616", "9223372036854775807"), Err(Flaw::Early)),
        ("an iat before everything", replaced("1562262616", "-9223372036854775808"), Err(Flaw::Late)),
        ("too long", replaced("}", &format!(r#","more":"{}"}}"#, "m".repeat(DPOP_BYTES_MAX))), Err(Flaw::Foreign)),
    ] {
        assert_eq!(verify(&jwt, "GET", "https://a.example/x", None, AT).map(|_| ()), expected, "{name}");
    }
}

#[test]
fn origins_as_browsers_have_them() {
    for (uri, expected) in [
        ("https://A.example:443/x/y?z", Some("https://a.example")),
        ("http://localhost:8080", Some("http://localhost:8080")),
        ("/x", None),
        ("https:///x", None),
    ] {
        assert_eq!(origin(uri).as_deref(), expected, "{uri}");
    }
}
