"""A system by SMART Backend Services: discovery, signed assertions, a token, and what is refused.

Usage: smart_backend.py begin FOLDER ORIGIN
       smart_backend.py ask FOLDER ORIGIN
`begin` makes the system's keys and writes its JWK Set; `ask` gets tokens and uses them.
"""

import hashlib
import json
import pathlib
import sys
import time
import uuid

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

step, folder, origin = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def begin():
    keys = {"ES384": ec.generate_private_key(ec.SECP384R1()), "RS384": rsa.generate_private_key(65537, 2048)}
    public = []
    for name, key in keys.items():
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{name}.pem").write_bytes(pem)
        algorithm = jwt.get_algorithm_by_name(name)
        jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
        public.append({**jwk, "kid": name.lower(), "alg": name, "use": "sig"})
    (folder / "jwks.json").write_text(json.dumps({"keys": public}))


def assertion(name, client, audience, algorithm="ES384", key=None, headers=None, **changes):
    if key is None and algorithm != "none":
        key = (folder / f"{algorithm}.pem").read_bytes()
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": audience, "exp": now + 240, "jti": str(uuid.uuid4()), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers=headers or {"kid": algorithm.lower()})


def proof(key, method, url, token=None, **changes):
    claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time()), **changes}
    if token:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = jwt.utils.base64url_encode(digest).decode()
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key(), as_dict=True)
    jwk = {member: jwk[member] for member in ("kty", "crv", "x", "y")}
    return jwt.encode(claims, key, "ES256", headers={"typ": "dpop+jwt", "jwk": jwk})


def ask():
    client = json.loads(sys.stdin.readline())["client"]
    for base in ("", "/fhir"):
        found = requests.get(f"{origin}{base}/.well-known/smart-configuration", timeout=30)
        assert found.status_code == 200 and found.headers["content-type"].startswith("application/json")
        known = found.json()
        assert "client_credentials" in known["grant_types_supported"], known
        assert known["token_endpoint_auth_methods_supported"] == ["private_key_jwt"], known
        assert "client-confidential-asymmetric" in known["capabilities"], known
    endpoint = known["token_endpoint"]
    assert endpoint == f"{origin}/auth/token", endpoint

    def token(said, status, error=None, headers=None, **form):
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": said, **form}
        answer = requests.post(endpoint, data=form, headers=headers, timeout=30)
        assert answer.status_code == status, (status, answer.status_code, answer.text)
        assert answer.headers["cache-control"] == "no-store"
        if error:
            assert answer.json()["error"] == error, answer.text
        return answer.json()

    read = f"{origin}/fhir/Observation?code=94500-6"
    for algorithm in ("ES384", "RS384"):
        given = token(assertion("ok", client, endpoint, algorithm), 200, scope="system/*.rs")
        assert given["token_type"] == "Bearer" and 0 < given["expires_in"] <= 3600, given
        answer = requests.get(read, headers={"Authorization": f"Bearer {given['access_token']}"}, timeout=30)
        assert answer.status_code == 200 and answer.json()["total"] == 1, answer.text

    # Each of these is refused alike, and says nothing of which systems there are.
    good = assertion("once", client, endpoint)
    token(good, 200)
    other = ec.generate_private_key(ec.SECP384R1())
    now = int(time.time())
    refused = {
        "used twice": good,
        "another key": assertion("", client, endpoint, key=other),
        "nobody": assertion("", "nobody", endpoint),
        "another audience": assertion("", client, "https://elsewhere.example/token"),
        "expired": assertion("", client, endpoint, exp=now - 600),
        "valid for too long": assertion("", client, endpoint, exp=now + 86_400),
        "another issuer than subject": assertion("", client, endpoint, iss="nobody"),
        "without an id": assertion("", client, endpoint, jti=None),
        "unsigned": assertion("", client, endpoint, "none", headers={"kid": "es384"}),
        "signed with a public key as a secret": jwt.api_jws.PyJWS().encode(
            json.dumps({"iss": client, "sub": client, "aud": endpoint, "exp": now + 200, "jti": "1"}).encode(),
            b"x" * 64, "HS384", headers={"kid": "es384"},
        ),
        "not a token": "x",
    }
    texts = set()
    for what, said in refused.items():
        texts.add(json.dumps(token(said, 401, "invalid_client")))
    assert len(texts) == 1, texts
    for what, (form, error) in {
        "another grant": ({"grant_type": "password"}, "unsupported_grant_type"),
        "another kind of assertion": ({"client_assertion_type": "x"}, "invalid_request"),
        "an unknown purpose": ({"purpose_of_use": "EVERYTHING"}, "invalid_request"),
    }.items():
        token(assertion("", client, endpoint), 400, error, **form)
    assert requests.post(endpoint, data="", timeout=30).json()["error"] == "invalid_request"

    # Bound to a key of the system's own: the token alone opens nothing.
    key = ec.generate_private_key(ec.SECP256R1())
    given = token(assertion("", client, endpoint), 200, headers={"DPoP": proof(key, "POST", endpoint)})
    assert given["token_type"] == "DPoP", given
    bound = given["access_token"]

    def shown(scheme, *headers):
        answer = requests.get(read, headers={"Authorization": f"{scheme} {bound}", **dict(headers)}, timeout=30)
        return answer.status_code

    url = f"{origin}/fhir/Observation"
    made = proof(key, "GET", url, bound)
    assert shown("DPoP", ("DPoP", made)) == 200
    thief = ec.generate_private_key(ec.SECP256R1())
    for what, said in {
        "used twice": made,
        "another key": proof(thief, "GET", url, bound),
        "another method": proof(key, "POST", url, bound),
        "another address": proof(key, "GET", f"{origin}/fhir/Patient", bound),
        "another server": proof(key, "GET", "https://elsewhere.example/fhir/Observation", bound),
        "another token": proof(key, "GET", url, "another"),
        "about no token": proof(key, "GET", url),
        "an hour old": proof(key, "GET", url, bound, iat=now - 3600),
        "from the future": proof(key, "GET", url, bound, iat=now + 3600),
        "without a time": proof(key, "GET", url, bound, iat="now"),
    }.items():
        assert shown("DPoP", ("DPoP", said)) == 401, what
    assert shown("Bearer") == 401 and shown("DPoP") == 401 and shown("Bearer", ("DPoP", proof(key, "GET", url, bound))) == 401
    token(assertion("", client, endpoint), 401, "invalid_client", headers={"DPoP": proof(key, "POST", url)})


begin() if step == "begin" else ask()
print("true")
