"""An archive behind a reverse proxy that speaks TLS: everybody knows it by the proxy's name, and by no other.

Usage: behind_proxy.py CERTIFICATE KEY AUTHORITY
Prints the public origin; is told by its standard input where the archive is, who is there and what is kept.
"""

import http.client
import json
import pathlib
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

sys.path.insert(0, str(pathlib.Path(__file__).parent / "owasp"))
from world import Key  # noqa: E402

certificate, key, authority = sys.argv[1:4]
UPSTREAM = {}
HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Proxy(BaseHTTPRequestHandler):
    """What proxies do by default: the client's Host goes on, the client's own X-Forwarded-For is added to."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def passed(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP | {"x-forwarded-for"}]
        before = [value for value in self.headers.get_all("X-Forwarded-For", [])]
        headers += [("X-Forwarded-For", ", ".join([*before, self.client_address[0]])), ("Content-Length", str(len(body)))]
        upstream = http.client.HTTPConnection("127.0.0.1", UPSTREAM["port"], timeout=30)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = passed


server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
public = f"https://localhost:{server.server_port}"
print(public, flush=True)
told = json.loads(sys.stdin.readline())
UPSTREAM["port"] = told["port"]
direct = f"http://127.0.0.1:{told['port']}"


def ask(method, path, origin=public, headers=None, **further):
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, origin + path, headers=headers, verify=authority, allow_redirects=False, timeout=30, **further)


def is_status(answer, *wanted):
    assert answer.status_code in wanted, (answer.request.method, answer.request.url, answer.status_code, answer.text[:300])
    return answer


# Signing in, by a key of one's own, at the name that everybody knows.
FINISH, mine = "/auth/device/finish", Key()
SPOOFED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "80",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=10.0.0.1;host=evil.example;proto=http",
    "X-Real-IP": "10.0.0.1",
}


def nonce():
    return is_status(ask("POST", "/auth/device/begin", json={"thumbprint": mine.thumbprint}), 200).json()["nonce"]


def finish(origin, **further):
    proof = mine.proof("POST", origin + FINISH, nonce=nonce())
    return ask("POST", FINISH, headers={"DPoP": proof} | further.pop("headers", {}), **further)


for origin in ("https://evil.example", direct, f"http://localhost:{server.server_port}"):
    is_status(finish(origin, json={"invitation": told["invitation"]}), 400)
    is_status(finish(origin, json={"invitation": told["invitation"]}, headers=SPOOFED), 400)
token = is_status(finish(public, json={"invitation": told["invitation"]}, headers=SPOOFED), 200).json()["access_token"]


def shown(method, path, origin=public):
    return {"Authorization": f"DPoP {token}", "DPoP": mine.proof(method, origin + path.split("?")[0], token)}


# Reading: links and proofs name the public origin, whatever the headers say.
study = f"/dicom-web/studies/{told['study']}"
for path in (
    f"{study}/metadata",
    f"/dicom-web/studies?StudyInstanceUID={told['study']}",
    "/fhir/Patient",
    f"/studies/{told['study']}",
    f"{study}/series",
):
    for spoofed in ({}, SPOOFED):
        answer = is_status(ask("GET", path, headers=shown("GET", path) | spoofed), 200)
        assert "evil" not in answer.text and direct not in answer.text, (path, answer.text[:500])
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        if path.endswith("/metadata"):
            assert f"{public}{study}" in answer.text, answer.text[:500]
        for origin in ("https://evil.example", "http://evil.example", direct, public.replace("https", "http"), "https://localhost"):
            is_status(ask("GET", path, headers=shown("GET", path, origin) | spoofed), 401)
known = is_status(ask("GET", "/.well-known/smart-configuration", headers=SPOOFED), 200)
assert known.json()["token_endpoint"] == f"{public}/auth/token", known.text

# A proof that the proxy has seen is good nowhere else, and one that was made for the archive's own address is good nowhere.
used = shown("GET", f"{study}/metadata")
is_status(ask("GET", f"{study}/metadata", headers=used), 200)
is_status(ask("GET", f"{study}/metadata", headers=used), 401)
is_status(ask("GET", f"{study}/metadata", origin=direct, headers=used), 401)
is_status(ask("GET", f"{study}/metadata", origin=direct, headers=shown("GET", f"{study}/metadata", direct)), 401)

# A session of the pages: the way on is a path, the cookie stays with HTTPS.
answer = is_status(ask("POST", "/signin", data={"token": told["token"]}, headers=SPOOFED), 303)
assert answer.headers["Location"] == "/", answer.headers
cookie = answer.headers["Set-Cookie"]
assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie and "; Secure" in cookie, cookie

# Whoever guesses is counted by the address that the proxy saw, and not by one that the client made up.
body = {"invitation": "0000-0000", "thumbprint": Key().thumbprint}
said = [ask("POST", "/auth/enrol/begin", json=body, headers={"X-Forwarded-For": f"10.2.0.{n}"}).status_code for n in range(125)]
assert set(said) == {400, 429}, set(said)
print("true")
