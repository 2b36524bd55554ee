"""API2: broken authentication. Nobody, or somebody with a copy of what another one showed."""

import json
import time
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from world import Key, attack, encoded, enter_with, status

RISK = "API2:2023 Broken Authentication"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SYSTEM = {}


def keys_of_a_system(folder):
    """The JWK Set of a system, for the operator to register."""
    SYSTEM["key"] = ec.generate_private_key(ec.SECP384R1())
    jwk = jwt.get_algorithm_by_name("ES384").to_jwk(SYSTEM["key"].public_key(), as_dict=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk | {"kid": "k", "alg": "ES384", "use": "sig"}]}))


def api2(door, tried, naive, answer="401"):
    return attack(RISK, door, tried, naive, answer)


def guarded(world):
    uids = world.victim
    return [
        world.study(rest="/metadata"),
        world.instance(rest="/frames/1"),
        f"/wado?requestType=WADO&studyUID={uids['study']}",
        f"/fhir/Patient/{world.resources['Patient']}",
        "/fhir/Observation?code=94500-6",
        "/dicom-web/workitems",
        "/auth/break-glass/queue",
        "/auth/step-up",
    ]


def everywhere(world, **shown):
    for path in guarded(world):
        answer = status(world.doors.get(path, **shown), 401)
        assert "WWW-Authenticate" in answer.headers, path


@api2(
    "all doors",
    "no token at all; an empty one; Basic; the words null, undefined and true",
    "a check that is skipped where the header is missing",
)
def _(world):
    everywhere(world)
    for value in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer null",
        "Bearer undefined",
        "Bearer true",
        "Basic YWRtaW46YWRtaW4=",
        "Digest x",
        "DPoP x",
    ):
        everywhere(world, headers={"Authorization": value})


@api2("all doors", "a token with one bit turned, at every twentieth place; cut short; longer", "a signature that nobody verifies")
def _(world):
    token = world.token("a_clinician")
    path = world.study(rest="/metadata")
    raw = token.split(".")
    for at in range(0, len(token), 20):
        other = "A" if token[at] != "A" else "B"
        if token[at] != ".":
            # The last character of a part may hold bits that mean nothing; none at these places is the last.
            status(world.doors.get(path, token[:at] + other + token[at + 1 :]), 401)
    for changed in (token[:-4], token + "AAAA", token + ".", ".".join(raw[:-1]) + ".", ".".join(raw[:-1]), token.upper()):
        status(world.doors.get(path, changed), 401)


@api2(
    "all doors",
    "the claims of one token under the signature of another; a JSON token that says `alg: none`",
    "parts that are read before they belong together",
)
def _(world):
    mine, theirs = world.token("b_clinician"), world.token("a_clinician")
    path = world.study(rest="/metadata")
    one, two = mine.split("."), theirs.split(".")
    mixed = [two[:at] + one[at:] for at in range(1, len(one))] + [one[:at] + two[at:] for at in range(1, len(one))]
    for parts in mixed:
        if parts not in (one, two):
            status(world.doors.get(path, ".".join(parts)), 401)
    claims = {"sub": "clinician RSUD-A", "role": "clinician", "facility": "RSUD-A", "exp": int(time.time()) + 300}
    for algorithm in ("none", "None", "nOnE", "HS256"):
        header = encoded(json.dumps({"alg": algorithm, "typ": "at+jwt"}).encode())
        status(world.doors.get(path, f"{header}.{encoded(json.dumps(claims).encode())}."), 401)


@api2(
    "all doors",
    "a token in the query, a form field, a cookie, or a header of another name (RFC 6750 2.2, 2.3)",
    "frameworks that look in all of them, so that tokens end in logs",
)
def _(world):
    token = world.token("a_clinician")
    path = world.study(rest="/metadata")
    for query in ("access_token", "token", "bearer_token", "auth"):
        status(world.doors.get(path, params={query: token}), 401)
    for name in ("X-Access-Token", "X-Auth-Token", "Token", "X-Authorization", "Proxy-Authorization", "X-Forwarded-Access-Token"):
        status(world.doors.get(path, headers={name: f"Bearer {token}"}), 401)
    status(world.doors.get(path, headers={"Cookie": f"access_token={token}; segel-session={token}"}), 401)
    status(world.doors.post("/fhir/Observation/_search", data={"access_token": token, "code": "94500-6"}), 401)


@api2(
    "all doors",
    "a token that is bound to a key, shown without the key: as Bearer, without a proof, in a cookie",
    "tokens that are bound on paper (RFC 9449 7.2)",
)
def _(world):
    login = world.people["a_person"]
    everywhere(world, headers={"Authorization": f"Bearer {login.token}"})
    everywhere(world, headers={"Authorization": f"DPoP {login.token}"})
    everywhere(world, headers={"Cookie": f"segel-session={login.token}"})


@api2(
    "all doors",
    "a proof that was used once; for another method, address or server; an hour old or early; about another token or none",
    "a proof of which only the signature is verified",
)
def _(world):
    login, path = world.people["a_person"], world.study(rest="/metadata")
    url = world.doors.signed + path
    shown = login.headers("GET", path)
    assert world.doors.get(path, headers=shown).status_code == 200
    world.answers_end()
    now = int(time.time())
    proofs = [
        shown["DPoP"],
        login.key.proof("POST", url, login.token),
        login.key.proof("GET", world.doors.signed + world.study(), login.token),
        login.key.proof("GET", "https://archive.example" + path, login.token),
        login.key.proof("GET", url, login.token, iat=now - 3600),
        login.key.proof("GET", url, login.token, iat=now + 3600),
        login.key.proof("GET", url, login.token, iat=None),
        login.key.proof("GET", url, login.token, jti=None),
        login.key.proof("GET", url, world.token("a_clinician")),
        login.key.proof("GET", url),
    ]
    for proof in proofs:
        status(world.doors.get(path, headers={"Authorization": f"DPoP {login.token}", "DPoP": proof}), 401)


@api2(
    "all doors",
    "a proof by the thief's own key, under the victim's public key, unsigned, by HMAC, two at once",
    "libraries that take the algorithm and the key from the token",
)
def _(world):
    login, path, thief = world.people["a_person"], world.study(rest="/metadata"), Key()
    url = world.doors.signed + path
    claims = jwt.decode(login.key.proof("GET", url, login.token), options={"verify_signature": False})
    head = {"typ": "dpop+jwt", "jwk": login.key.jwk}
    part = lambda value: encoded(json.dumps(value).encode())
    proofs = [
        thief.proof("GET", url, login.token),
        thief.proof("GET", url, login.token, headers={"jwk": login.key.jwk}),
        f"{part(head | {'alg': 'none'})}.{part(claims)}.",
        f"{part(head | {'alg': 'ES256'})}.{part(claims)}.",
        jwt.encode(claims, "x" * 64, "HS256", headers=head),
        login.key.proof("GET", url, login.token, headers={"typ": "JWT"}),
        "a.b.c",
        "",
        "\u00e9",
    ]
    for proof in proofs:
        status(world.doors.get(path, headers={"Authorization": f"DPoP {login.token}", "DPoP": proof.encode()}), 401)
    two = f"{login.key.proof('GET', url, login.token)}\r\nDPoP: {login.key.proof('GET', url, login.token)}"
    host = world.doors.base.split("//")[1]
    answer = world.doors.raw(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: DPoP {login.token}\r\nDPoP: {two}\r\n\r\n".encode()
    )
    assert b" 401 " in answer.split(b"\r\n")[0], answer[:100]


@api2(
    "sign-in",
    "a system's assertion unsigned, by another key, by HMAC with the public key, for another audience, used twice, without an end",
    "client authentication that reads claims before it verifies (RFC 7523 3)",
    "401 invalid_client, the same words each time",
)
def _(world):
    endpoint, now = world.doors.signed + "/auth/token", int(time.time())
    good = {"iss": "system RSUD-A", "sub": "system RSUD-A", "aud": endpoint, "exp": now + 200, "jti": str(uuid.uuid4())}
    sign = lambda claims, key=SYSTEM["key"], algorithm="ES384": jwt.encode(
        {n: v for n, v in claims.items() if v is not None}, key, algorithm, headers={"kid": "k"}
    )
    pem = SYSTEM["key"].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signer = jwt.api_jws.PyJWS(algorithms=["HS384"])
    signer._algorithms["HS384"].prepare_key = lambda key: key
    fresh = lambda **changes: good | {"jti": str(uuid.uuid4())} | changes
    once = sign(fresh())
    said = [
        sign(fresh(), None, "none"),
        sign(fresh(), ec.generate_private_key(ec.SECP384R1())),
        signer.encode(json.dumps(fresh()).encode(), pem, "HS384", headers={"kid": "k"}),
        sign(fresh(aud="https://archive.example/auth/token")),
        sign(fresh(exp=None)),
        sign(fresh(exp=now - 600)),
        sign(fresh(exp=now + 10**9)),
        sign(fresh(sub="clinician RSUD-A", iss="clinician RSUD-A")),
        sign(fresh(jti=None)),
        once,
    ]
    ask = lambda text: world.doors.post(
        "/auth/token", data={"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": text}
    )
    status(ask(once), 200)
    texts = {status(ask(text), 401).text for text in said}
    assert len(texts) == 1, texts


@api2(
    "sign-in",
    "sixty-one invitations guessed from one address within a minute",
    "codes that may be tried for ever",
    "400 for each, then 429 with Retry-After",
)
def _(world):
    body = {"invitation": "0000-0000-0000", "thumbprint": Key().thumbprint}
    here = {"X-Forwarded-For": "10.9.9.1"}
    said = [world.metered.post("/auth/enrol/begin", json=body, headers=here) for _ in range(125)]
    assert {answer.status_code for answer in said} == {400, 429}, {answer.status_code for answer in said}
    assert all("Retry-After" in answer.headers for answer in said if answer.status_code == 429)
    assert len({answer.text for answer in said if answer.status_code == 400}) == 1


@api2(
    "sign-in",
    "an invitation that somebody has used, by another key; a nonce that was given to another key",
    "codes that stay good after their first use",
    "400 invalid_grant",
)
def _(world):
    used = world.told["invitations"]["a_person"]
    answer = status(enter_with(world.doors, Key(), {"invitation": used}), 400)
    assert answer.json()["error"] == "invalid_grant"
    mine, other = Key(), Key()
    nonce = world.doors.post("/auth/device/begin", json={"thumbprint": other.thumbprint}).json()["nonce"]
    path = "/auth/device/finish"
    proof = mine.proof("POST", world.doors.signed + path, nonce=nonce)
    status(world.doors.post(path, json={"invitation": world.told["spare_invitation"]}, headers={"DPoP": proof}), 400)


@api2(
    "pages",
    "a session id that the attacker has put into the victim's browser before the sign-in",
    "session fixation: the id that was there goes on, signed in",
    "303 with a new id; the old one opens nothing",
)
def _(world):
    planted = "segel-session=" + "a" * 64
    answer = status(world.doors.post("/signin", data={"token": world.token("b_clinician")}, headers={"Cookie": planted}), 303)
    given = answer.headers["Set-Cookie"].split(";")[0]
    assert given != planted and given.startswith("segel-session="), given
    answer = status(world.doors.get("/", headers={"Cookie": planted}), 303)
    assert answer.headers["Location"].startswith("/signin")


@api2(
    "all doors",
    "the token of somebody who has left, and that of a session that was signed out, both still unexpired",
    "tokens that live until they expire",
    "401 from the next request on",
)
def _(world):
    everywhere(world, token=world.token("leaver"))
    login = world.people["a_leaving"]
    status(world.doors.post("/auth/signout", login), 204)
    status(world.doors.get(world.study(rest="/metadata"), login), 401)
    status(world.doors.post("/auth/renew", login), 400, 401)
