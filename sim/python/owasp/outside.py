"""What lies around the archive: a provider that lies, a receiver of alarms that lies, and a service inside that nobody may reach."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "segel-archive"


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", kind="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass


def served(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


class Outside:
    """`lie` says how the provider lies to the next request; `treasure_calls` and `hook_calls` are what was heard."""

    def __init__(self):
        self.key = rsa.generate_private_key(65537, 2048)
        public = jwt.get_algorithm_by_name("RS256").to_jwk(self.key.public_key(), as_dict=True)
        self.jwk = {**public, "kid": "k", "alg": "RS256", "use": "sig"}
        self.pem = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.lie, self.nonce, self.codes = {}, None, []
        self.treasure_calls, self.hook_calls = [], []
        outside = self

        class Treasure(Quiet):
            def heard(self):
                outside.treasure_calls.append(self.requestline)
                self.say(200, b"the treasure", "text/plain")

            do_GET = do_POST = do_PUT = do_HEAD = heard

        class Hook(Quiet):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outside.hook_calls.append(self.path)
                self.say(307, b"", Location=outside.treasure + "/from-the-hook")

        class Provider(Quiet):
            def do_GET(self):
                if self.path == "/jwks":
                    return self.say(200, {"keys": [outside.jwk]})
                if self.path == "/.well-known/openid-configuration":
                    return outside.tell(self, "metadata", outside.metadata())
                return self.say(404)

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
                outside.codes.append(form)
                outside.tell(self, "token", {"id_token": outside.id_token(), "token_type": "Bearer", "access_token": "x"})

        (_, self.treasure), (_, self.hook), (_, self.issuer) = served(Treasure), served(Hook), served(Provider)

    def metadata(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        } | self.lie.get("claims_of_metadata", {})

    def tell(self, request, what, honest):
        lie = self.lie.get(what)
        if lie is None:
            return request.say(200, honest)
        return lie(request)

    def id_token(self):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "clinician RSUD-A", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {name: value for name, value in (claims | self.lie.get("claims", {})).items() if value is not None}
        sign = self.lie.get("sign")
        return sign(claims) if sign else jwt.encode(claims, self.key, "RS256", headers={"kid": "k"})

    def unsigned(self, claims):
        part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        return f"{part({'alg': 'none', 'kid': 'k'})}.{part(claims)}."

    def by_public_key(self, claims):
        """The confusion of RS256 with HS256: the public key as a shared secret."""
        signer = jwt.api_jws.PyJWS(algorithms=["HS256"])
        signer._algorithms["HS256"].prepare_key = lambda key: key
        return signer.encode(json.dumps(claims).encode(), self.pem, "HS256", headers={"kid": "k"})

    def by_own_key_in_header(self, claims):
        """A key of the attacker's, named in the token's own header."""
        mine = rsa.generate_private_key(65537, 2048)
        jwk = jwt.get_algorithm_by_name("RS256").to_jwk(mine.public_key(), as_dict=True)
        return jwt.encode(claims, mine, "RS256", headers={"kid": "k", "jwk": jwk, "jku": f"{self.treasure}/keys"})


def nonce_of(location):
    return parse_qs(urlsplit(location).query)["nonce"][0], parse_qs(urlsplit(location).query)["state"][0]
