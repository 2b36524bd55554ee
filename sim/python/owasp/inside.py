"""API7: server side request forgery. Every address that a stranger can name is one that the archive might call."""

import json
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from identity import ASSERTION
from world import Key, attack, status

RISK = "API7:2023 Server Side Request Forgery"
FHIR = {"Content-Type": "application/fhir+json"}


def api7(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer + "; the service inside hears nothing")


def refused(answer):
    assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code, answer.text[:200])
    return answer


def inside(world):
    return [
        f"{world.outside.treasure}/x",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:1/x",
        "http://localhost:22/",
    ]


@api7(
    "STOW-RS",
    "an instance as JSON whose pixels are a BulkDataURI of a service inside (PS3.18 8.7.3.2)",
    "a server that fetches what metadata name",
    "4xx",
)
def _(world):
    for url in inside(world):
        item = {
            "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
            "00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]},
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
            "00100020": {"vr": "LO", "Value": ["RM-S"]},
            "7FE00010": {"vr": "OW", "BulkDataURI": url},
        }
        part = b"--B\r\nContent-Type: application/dicom+json\r\n\r\n" + json.dumps([item]).encode() + b"\r\n--B--\r\n"
        kind = 'multipart/related; type="application/dicom+json"; boundary=B'
        refused(world.doors.post("/dicom-web/studies", world.token("a_system"), data=part, headers={"Content-Type": kind}))


@api7(
    "FHIR",
    "a document whose attachment lies at an address inside, kept and then looked at",
    "a viewer or an importer that fetches attachments",
    "kept as text or refused, never fetched",
)
def _(world):
    subject = {"reference": f"Patient/{world.resources['Patient']}"}
    for url in inside(world):
        document = {
            "resourceType": "DocumentReference",
            "status": "current",
            "subject": subject,
            "content": [{"attachment": {"contentType": "text/html", "url": url}}],
        }
        answer = world.doors.post("/fhir/DocumentReference", world.token("a_system"), data=json.dumps(document), headers=FHIR)
        assert answer.status_code in (201, 400, 422), answer.status_code
        if answer.status_code == 201:
            name = answer.json()["id"]
            world.doors.get(f"/fhir/DocumentReference/{name}", world.token("a_clinician"))
            world.doors.get(f"/documents/DocumentReference/{name}", headers={"Cookie": world.told["a_session"]})
            world.doors.get("/results", headers={"Cookie": world.told["a_session"]})


_.own = True


@api7(
    "FHIR",
    "a transaction whose entries are requests to a service inside; a subject by an absolute address",
    "a batch that is carried out as requests",
    "4xx",
)
def _(world):
    for url in inside(world):
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"fullUrl": url, "request": {"method": "POST", "url": url}, "resource": world.observation}],
        }
        refused(world.doors.post("/fhir", world.token("a_system"), data=json.dumps(bundle), headers=FHIR))
        resource = world.observation | {"subject": {"reference": url}}
        refused(world.doors.post("/fhir/Observation", world.token("a_system"), data=json.dumps(resource), headers=FHIR))


@api7(
    "sign-in",
    "an assertion and a proof whose headers name where their keys are: jku, x5u, jwk, kid as an address or a path",
    "libraries that fetch the key that a token names (RFC 8725 3.10)",
    "401",
)
def _(world):
    key, own = ec.generate_private_key(ec.SECP384R1()), Key()
    jwk = jwt.get_algorithm_by_name("ES384").to_jwk(key.public_key(), as_dict=True)
    claims = {"iss": "system RSUD-A", "sub": "system RSUD-A", "aud": world.doors.signed + "/auth/token", "exp": 2**31}
    for url in inside(world):
        for header in ({"jku": url}, {"x5u": url}, {"kid": url}, {"kid": "../../../etc/passwd", "jku": url}, {"kid": "k", "jwk": jwk}):
            text = jwt.encode(claims | {"jti": str(uuid.uuid4())}, key, "ES384", headers=header)
            form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": text}
            status(world.doors.post("/auth/token", data=form), 401, 429)
        login, path = world.people["a_person"], world.study(rest="/metadata")
        proof = own.proof("GET", world.doors.signed + path, login.token, headers={"jku": url, "x5u": url})
        status(world.doors.get(path, headers={"Authorization": f"DPoP {login.token}", "DPoP": proof}), 401)


@api7(
    "sign-in",
    "a provider by its address instead of its name; one that nobody configured",
    "discovery of whatever issuer a login names",
    "400",
)
def _(world):
    for url in [*inside(world), world.outside.issuer, "Nobody", ""]:
        status(world.doors.post("/auth/oidc/begin", json={"provider": url, "thumbprint": Key().thumbprint}), 400)


@api7(
    "sign-in",
    "the hospital's provider, taken over, names endpoints inside, or redirects there",
    "a client that follows its provider anywhere",
    "503 in plain words, without a word of the answer",
)
def _(world):
    outside = world.outside
    lies = [{"claims_of_metadata": {name: url}} for url in inside(world) for name in ("token_endpoint", "authorization_endpoint")]
    lies += [{"metadata": lambda request: request.say(302, b"", Location=outside.treasure + "/moved")}]
    for lie in lies:
        outside.lie = lie
        answer = world.doors.post("/auth/oidc/begin", json={"provider": "Hospital", "thumbprint": Key().thumbprint})
        assert answer.status_code in (503, 429) and "treasure" not in answer.text, (lie, answer.status_code)


@api7(
    "alarms",
    "the receiver of alarms answers with a redirection to a service inside",
    "webhooks that follow redirections, with their signature",
    "the alarm waits for another attempt",
)
def _(world):
    assert world.outside.hook_calls, "no alarm was sent to the receiver, so nothing was tried"
    world.metered.get("/healthz")


@api7(
    "DICOMweb",
    "addresses in the place of UIDs, frames, attributes and subscribers",
    "an identifier that is resolved as an address",
    "400 or 404",
)
def _(world):
    from urllib.parse import quote

    token = world.token("a_clinician")
    for url in inside(world):
        named = quote(url, safe="")
        for path in (
            f"/dicom-web/studies/{named}",
            world.instance(rest=f"/bulkdata/{named}"),
            world.instance(rest=f"/frames/{named}"),
            f"/wado?requestType=WADO&studyUID={named}&seriesUID={named}&objectUID={named}",
            f"/fhir/Binary/{named}",
        ):
            refused(world.doors.get(path, token))
        refused(world.doors.post(f"/dicom-web/workitems/{world.told['workitem']}/subscribers/{named}", token))
