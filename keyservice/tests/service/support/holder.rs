use super::random;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use record::Purpose;
use seal::message::{Asker, Assertion, Challenge, KeyProof, Proof};
use serde_json::{Value, json};

pub const URI: &str = "http://localhost:8080/dicom-web/studies";

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

pub fn seconds() -> i64 {
    record::time::now().div_euclid(1_000_000)
}

/// A key that signs JWS.
pub enum Signer {
    Ec(&'static str, &'static str, EcdsaKeyPair),
    Rsa(&'static str, RsaKeyPair),
}

impl Signer {
    fn ec(alg: &'static str, crv: &'static str, algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ec(alg, crv, EcdsaKeyPair::generate(algorithm).unwrap())
    }

    pub fn es256() -> Self {
        Self::ec("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub fn es384() -> Self {
        Self::ec("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    pub fn rsa(alg: &'static str) -> Self {
        Self::Rsa(alg, RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn jwk(&self) -> Value {
        match self {
            Self::Ec(_, crv, pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at((pair.public_key().as_ref().len() - 1) / 2);
                json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)})
            }
            Self::Rsa(_, pair) => {
                // RFC 8017 A.1.1: the modulus of 2048 bits stands after nine bytes, and the exponent is 65537.
                let modulus = &pair.public_key().as_ref()[9..265];
                json!({"kty": "RSA", "n": encode(modulus), "e": encode([1, 0, 1])})
            }
        }
    }

    /// RFC 7638, of an EC key.
    pub fn thumbprint(&self) -> [u8; 32] {
        let jwk = self.jwk();
        let text = |name: &str| jwk[name].as_str().unwrap().to_owned();
        let canonical = format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, text("crv"), text("x"), text("y"));
        sha256(canonical.as_bytes()).try_into().unwrap()
    }

    pub fn sign(&self, mut header: Value, claims: &Value) -> String {
        let alg = match self {
            Self::Ec(alg, ..) | Self::Rsa(alg, _) => *alg,
        };
        header["alg"] = json!(alg);
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = match self {
            Self::Ec(_, _, pair) => pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(alg, pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = if *alg == "RS256" { &RSA_PKCS1_SHA256 } else { &RSA_PKCS1_SHA384 };
                pair.sign(padding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{text}.{}", encode(signature))
    }
}

/// A browser or tool with a key of its own.
pub struct Holder(pub Signer);

impl Holder {
    pub fn new() -> Self {
        Self(Signer::es256())
    }

    /// A proof's claims for a request.
    pub fn claims(method: &str, uri: &str, token: Option<&str>) -> Value {
        let mut claims = json!({"jti": encode(random::<16>()), "htm": method, "htu": uri, "iat": seconds()});
        if let Some(token) = token {
            claims["ath"] = json!(encode(sha256(token.as_bytes())));
        }
        claims
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.0.sign(json!({"typ": "dpop+jwt", "jwk": self.0.jwk()}), claims)
    }

    /// A proof for a sign-in request.
    pub fn proof(&self) -> KeyProof {
        self.proof_of(None, None)
    }

    pub fn proof_of(&self, token: Option<&str>, nonce: Option<&str>) -> KeyProof {
        let uri = "http://localhost:8080/sign-in";
        let mut claims = Self::claims("POST", uri, token);
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        KeyProof { jwt: self.sign(&claims), method: "POST".into(), uri: uri.into() }
    }

    /// An asker with this token and a fresh proof.
    pub fn asker(&self, token: &str) -> Asker {
        self.asker_with(token, &Self::claims("GET", URI, Some(token)))
    }

    pub fn asker_with(&self, token: &str, claims: &Value) -> Asker {
        let proof =
            Proof::Bound { token: token.into(), proof: self.sign(claims), method: "GET".into(), uri: URI.into() };
        Asker { proof, purpose: Purpose::Treat, channel: "dicomweb".into() }
    }
}

/// An authenticator with one passkey.
pub struct Authenticator {
    pair: EcdsaKeyPair,
    pub credential: Vec<u8>,
    pub user_handle: Option<Vec<u8>>,
    pub count: u32,
}

impl Authenticator {
    pub fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { pair, credential: random::<32>().to_vec(), user_handle: None, count: 0 }
    }

    pub fn client_data(ceremony: &str, challenge: &[u8], origin: &str) -> Vec<u8> {
        let challenge = encode(challenge);
        json!({"type": ceremony, "challenge": challenge, "origin": origin, "crossOrigin": false}).to_string().into()
    }

    fn data(&self, rp_id: &str, flags: u8, rest: &[u8]) -> Vec<u8> {
        [sha256(rp_id.as_bytes()).as_slice(), &[flags], &self.count.to_be_bytes(), rest].concat()
    }

    /// Client data and attestation object of a new passkey.
    pub fn create(&mut self, challenge: &Challenge) -> (Vec<u8>, Vec<u8>) {
        self.user_handle.clone_from(&challenge.user_handle);
        let point = self.pair.public_key().as_ref();
        let mut key = minicbor::Encoder::new(Vec::new());
        key.map(5).unwrap().i8(1).unwrap().i8(2).unwrap().i8(3).unwrap().i8(-7).unwrap();
        key.i8(-1).unwrap().i8(1).unwrap().i8(-2).unwrap().bytes(&point[1..33]).unwrap();
        key.i8(-3).unwrap().bytes(&point[33..]).unwrap();
        let len = u16::try_from(self.credential.len()).unwrap().to_be_bytes();
        let rest = [&[0; 16], len.as_slice(), &self.credential, &key.into_writer()].concat();
        let mut object = minicbor::Encoder::new(Vec::new());
        object.map(3).unwrap().str("fmt").unwrap().str("none").unwrap().str("attStmt").unwrap().map(0).unwrap();
        object.str("authData").unwrap().bytes(&self.data(&challenge.rp_id, 0x45, &rest)).unwrap();
        let client = Self::client_data("webauthn.create", &challenge.challenge, "http://localhost:8080");
        (client, object.into_writer())
    }

    /// The answer to a challenge.
    pub fn answer(&self, challenge: &Challenge) -> Assertion {
        let client_data_json = Self::client_data("webauthn.get", &challenge.challenge, "http://localhost:8080");
        let authenticator_data = self.data(&challenge.rp_id, 0x05, &[]);
        let signed = [authenticator_data.as_slice(), &sha256(&client_data_json)].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec();
        Assertion {
            credential: self.credential.clone(),
            client_data_json,
            authenticator_data,
            signature,
            user_handle: self.user_handle.clone(),
        }
    }
}
