"""What the attacks share: the doors of a running archive, who asks, proofs of keys, and the table of what is tried."""

import base64
import hashlib
import itertools
import json
import socket
import time
import uuid
from dataclasses import dataclass

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec

ROWS = []
# No honest answer here takes longer; a loaded machine gets time.
SECONDS_MAX = 30


@dataclass
class Row:
    risk: str
    door: str
    tried: str
    naive: str
    answer: str
    run: object


def attack(risk, door, tried, naive, answer):
    """An attack: what is tried at which door, what it would succeed against, and what must come back."""

    def register(run):
        ROWS.append(Row(risk, door, tried, naive, answer, run))
        return run

    return register


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def thumbprint(jwk):
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return encoded(hashlib.sha256(text.encode()).digest())


class Key:
    """A key of a browser or tool (RFC 9449)."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        whole = jwt.get_algorithm_by_name("ES256").to_jwk(self.private.public_key(), as_dict=True)
        self.jwk = {member: whole[member] for member in ("kty", "crv", "x", "y")}
        self.thumbprint = thumbprint(self.jwk)

    def proof(self, method, url, token=None, headers=None, **changes):
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if token:
            claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(claims, self.private, "ES256", headers={"typ": "dpop+jwt", "jwk": self.jwk, **(headers or {})})


class Doors:
    """The HTTP doors of one archive. Everything that an attack is answered is remembered and looked at afterwards."""

    def __init__(self, base, signed=None, addresses=None):
        self.base, self.signed, self.answers, self.addresses = base, signed or base, [], addresses

    def ask(self, method, path, token=None, headers=None, **further):
        headers = dict(headers or {})
        if isinstance(token, Login):
            headers |= token.headers(method, path)
        elif token:
            headers.setdefault("Authorization", f"Bearer {token}")
        if self.addresses:
            # Sign-ins are counted by address; the proxy that this archive knows says another one each time.
            number = next(self.addresses)
            headers.setdefault("X-Forwarded-For", f"10.1.{number >> 8 & 255}.{number & 255}")
        # The library would tidy the path up.
        request = requests.Request(method, self.base, headers=headers, **further).prepare()
        query = "&" + request.url.split("?", 1)[1] if "?" in request.url and "?" in path else ""
        if "?" in request.url and "?" not in path:
            query = "?" + request.url.split("?", 1)[1]
        request.url = self.base + path + query
        with requests.Session() as session:
            session.trust_env = False
            answer = session.send(request, timeout=SECONDS_MAX, allow_redirects=False)
        self.answers.append(answer)
        return answer

    def get(self, path, token=None, **further):
        return self.ask("GET", path, token, **further)

    def post(self, path, token=None, **further):
        return self.ask("POST", path, token, **further)

    def raw(self, request, silent=2.0):
        """Bytes as they are, and what comes back until the end or a silence."""
        host, port = self.base.split("//")[1].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=SECONDS_MAX) as connection:
            connection.sendall(request)
            connection.settimeout(silent)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except (TimeoutError, ConnectionResetError):
                pass
        self.answers.append(answer)
        return answer


class Login:
    """Somebody's own key and the token that is bound to it."""

    def __init__(self, doors, invitation):
        self.doors, self.key = doors, Key()
        self.token = self.enter(invitation)

    def enter(self, invitation=None, **further):
        body = ({"invitation": invitation} if invitation else {}) | further
        answer = enter_with(self.doors, self.key, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def headers(self, method, path, **changes):
        url = self.doors.signed + path.split("?")[0]
        return {"Authorization": f"DPoP {self.token}", "DPoP": self.key.proof(method, url, self.token, **changes)}


def enter_with(doors, key, body):
    nonce = doors.post("/auth/device/begin", json={"thumbprint": key.thumbprint}).json()["nonce"]
    path = "/auth/device/finish"
    return doors.post(path, json=body, headers={"DPoP": key.proof("POST", doors.signed + path, nonce=nonce)})


class World:
    """The archives, who is there, what is kept, and who listens inside."""

    def __init__(self, told, outside):
        self.told, self.outside = told, outside
        self.doors = Doors(told["main"], addresses=itertools.count(1))
        self.metered = Doors(told["metered"], told["metered_signed"], itertools.count(1))
        self.people = {name: Login(self.doors, code) for name, code in told["invitations"].items()}
        self.metered_people = {name: Login(self.metered, code) for name, code in told["metered_invitations"].items()}
        self.resources = {}

    def token(self, name):
        return self.told["tokens"][name]

    def metered_token(self, name):
        return self.told["metered_tokens"][name]

    @property
    def victim(self):
        return self.told["victim"]

    def instance(self, whose="victim", rest=""):
        uids = self.told[whose]
        return f"/dicom-web/studies/{uids['study']}/series/{uids['series']}/instances/{uids['instance']}{rest}"

    def study(self, whose="victim", rest=""):
        return f"/dicom-web/studies/{self.told[whose]['study']}{rest}"

    def secrets(self):
        """What of the victim stands in no answer to an attack."""
        name = self.victim["name"].replace("^", " ").split()
        return [self.victim["number"], self.victim["nik"], *name]

    def prepare(self):
        """What hospital A keeps beside its image: a patient, a result, a photo, a document, a workitem."""
        system, reader = self.token("a_system"), self.token("a_clinician")
        fhir = {"Content-Type": "application/fhir+json"}
        nik = "https://fhir.kemkes.go.id/id/nik"

        def create(resource, token=reader):
            answer = self.doors.post(f"/fhir/{resource['resourceType']}", token, data=json.dumps(resource), headers=fhir)
            assert answer.status_code == 201, answer.text
            return answer.json()["id"]

        names = {"text": self.victim["name"].replace("^", " ")}
        identifiers = [{"value": self.victim["number"]}, {"system": nik, "value": self.victim["nik"]}]
        patient = create({"resourceType": "Patient", "identifier": identifiers, "name": [names]})
        subject = {"reference": f"Patient/{patient}"}
        code = {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]}
        self.observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": subject,
            "effectiveDateTime": "2021-12-28",
            "valueString": "Positive",
        }
        self.resources = {"Patient": patient, "Observation": create(self.observation, system)}
        photo = self.doors.post(
            "/fhir/Binary",
            system,
            data=b"\xff\xd8\xff\xe0" + bytes(200),
            headers={"Content-Type": "image/jpeg", "X-Security-Context": f"Patient/{patient}"},
        )
        assert photo.status_code == 201, photo.text
        self.resources["Binary"] = photo.headers["Location"].split("/Binary/")[1].split("/")[0]
        self.answers_end()

    def control(self):
        """Whoever may, still can: an attack that is refused because nothing works any more would prove nothing."""
        answer = self.doors.get(self.study(rest="/metadata"), self.token("a_clinician"))
        assert answer.status_code == 200 and self.victim["number"] in answer.text, (answer.status_code, answer.text[:200])
        self.answers_end()

    def answers_end(self):
        self.doors.answers.clear()
        self.metered.answers.clear()


def status(answer, *wanted):
    assert answer.status_code in wanted, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
    return answer


def alike(one, other, *replaced):
    """Two answers that nobody can tell apart, but for what the asker itself named."""

    def told(answer):
        text = answer.text
        for name in replaced:
            text = text.replace(name, "#")
        return answer.status_code, text, sorted(name for name in answer.headers if name.lower() != "date")

    assert told(one) == told(other), (told(one), told(other))
