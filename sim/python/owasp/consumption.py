"""API4: unrestricted resource consumption. Each request is answered soon, whatever it asks for, and honest people are served meanwhile."""

import gzip
import json
import socket
import time

from world import Key, attack, status

RISK = "API4:2023 Unrestricted Resource Consumption"
# A refusal needs no work; a loaded machine gets time.
SOON_SECONDS = 5


def api4(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer)


def soon(answer, *wanted):
    assert answer.elapsed.total_seconds() < SOON_SECONDS, answer.elapsed
    return status(answer, *wanted)


@api4(
    "FHIR, STOW-RS, sign-in",
    "a body that says it has 100 GB; one without an end, by a stranger",
    "memory that is taken for what a header says",
    "413 or 401 before a byte of it is read; a sign-in waits its seconds and holds nothing",
)
def _(world):
    host = world.doors.base.split("//")[1]
    for path, token in (
        ("/fhir/Observation", world.token("a_system")),
        ("/fhir", world.token("a_system")),
        ("/auth/device/begin", "x"),
        ("/dicom-web/studies", "x"),
        ("/auth/quorum", "x"),
    ):
        kind = "application/fhir+json" if "fhir" in path else "application/json"
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: 100000000000\r\n\r\n"
        answer = world.doors.raw(head.encode() + b"{")
        waits = path.startswith("/auth/") and answer == b""
        assert waits or answer[9:12] in (b"413", b"401", b"400", b"415"), (path, answer[:100])


@api4(
    "FHIR, sign-in, UPS-RS",
    "JSON nested a hundred thousand deep, and an object of a hundred thousand members",
    "recursive parsers: the stack ends, and the process with it",
    "400",
)
def _(world):
    deep = "[" * 100_000
    wide = json.dumps({f"a{n}": n for n in range(100_000)})
    for path, kind in (
        ("/fhir/Observation", "application/fhir+json"),
        ("/fhir", "application/fhir+json"),
        ("/dicom-web/workitems?1.2.3", "application/dicom+json"),
    ):
        for body in (deep, '{"a":' * 50_000, wide):
            soon(world.doors.post(path, world.token("a_system"), data=body, headers={"Content-Type": kind}), 400, 413, 422)
    soon(world.doors.post("/auth/device/begin", data=deep[:60_000], headers={"Content-Type": "application/json"}), 400)


@api4(
    "FHIR, STOW-RS",
    "a gigabyte of spaces in a megabyte of gzip, by Content-Encoding",
    "bodies that are inflated before their length is known",
    "415: nothing is inflated",
)
def _(world):
    bomb = gzip.compress(bytes(32 * 1024 * 1024)) * 32
    for path, kind in (("/fhir/Observation", "application/fhir+json"), ("/dicom-web/studies", "application/dicom")):
        soon(
            world.doors.post(path, world.token("a_system"), data=bomb, headers={"Content-Type": kind, "Content-Encoding": "gzip"}), 415, 400
        )


@api4(
    "DICOMweb, FHIR",
    "pages of 10^9 matches, an offset of 10^18, a limit of no number",
    "the database is asked for what the query says",
    "a page of the usual size, or 400",
)
def _(world):
    token = world.token("a_clinician")
    for query in (
        "limit=1000000000",
        "limit=99999999999999999999",
        "offset=1000000000000000000",
        "limit=-1",
        "limit=x",
        "offset=-9223372036854775808",
    ):
        answer = soon(world.doors.get(f"/dicom-web/studies?{query}", token), 200, 204, 400)
        assert answer.status_code != 200 or len(answer.json()) < 100
    for query in ("_count=1000000000", "_count=-1", "_count=99999999999999999999999"):
        soon(world.doors.get(f"/fhir/Observation?code=94500-6&{query}", token), 200, 400)


_.own = True


@api4(
    "DICOMweb",
    "the same frame five thousand times, a picture of 10^5 x 10^5 pixels, a quality of 10^9, forty thousand bytes of windows",
    "work that is multiplied by the query",
    "400 or 404, and no work",
)
def _(world):
    token = world.token("a_clinician")
    frames = ",".join(["1"] * 5000)
    soon(world.doors.get(world.instance(rest=f"/frames/{frames}"), token), 400, 404, 413, 414)
    for query in (
        "viewport=100000,100000",
        "viewport=1,1,0,0,99999999,99999999",
        "viewport=-1,-1",
        "quality=1000000000",
        "window=" + "9" * 40_000,
        "window=1,1,1,1",
        "iccprofile=x",
    ):
        answer = soon(world.doors.get(world.instance(rest=f"/rendered?{query}"), token), 200, 400, 404, 406)
        assert len(answer.content) < 10**6


@api4(
    "DICOMweb",
    "two thousand overlapping ranges of one value",
    "each range is read and sent: kilobytes ask for gigabytes (RFC 9110 17.15)",
    "the whole value once, or 416",
)
def _(world):
    ranges = "bytes=" + ",".join(f"{n % 8}-" for n in range(2000))
    answer = soon(
        world.doors.get(
            world.instance(rest="/bulkdata/7FE00010"),
            world.token("a_clinician"),
            headers={"Range": ranges, "Accept": "application/octet-stream"},
        ),
        200,
        206,
        400,
        416,
    )
    assert len(answer.content) < 20_000, len(answer.content)


@api4(
    "DICOMweb",
    "a name of a thousand asterisks and question marks; five thousand parameters; a list of twenty thousand UIDs",
    "patterns that backtrack, lists that become one statement",
    "200, 204 or 400 within the time of any search",
)
def _(world):
    token = world.token("a_clinician")
    for query in (
        "PatientName=" + "*?" * 500 + "x",
        "PatientName=" + "a*" * 500,
        "&".join(f"0010{n:04X}=x" for n in range(5000)),
        "StudyInstanceUID=" + ",".join(f"1.2.{n}" for n in range(3000)),
        "includefield=" + ",".join(["00100010"] * 3000),
    ):
        soon(world.doors.get(f"/dicom-web/studies?{query}", token), 200, 204, 400, 413, 414, 431)


_.own = True


@api4(
    "all doors",
    "a head of 200 KB, a line of 100 KB, ten thousand headers",
    "buffers that grow with what comes",
    "431, 414 or 400, or the connection ends",
)
def _(world):
    host = world.doors.base.split("//")[1].encode()
    begin = b"GET /dicom-web/studies HTTP/1.1\r\nHost: " + host + b"\r\n"
    for request in (
        begin + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n",
        begin + b"X: y\r\n" * 10_000 + b"\r\n",
    ):
        try:
            answer = world.doors.raw(request)
        except (ConnectionResetError, BrokenPipeError):
            continue
        assert answer == b"" or answer[9:12] in (b"431", b"414", b"400"), answer[:100]


@api4(
    "all doors",
    "six hundred connections that begin a request and never end it",
    "a thread or a place for each, until none is left (slowloris)",
    "honest people are answered within seconds",
)
def _(world):
    host, port = world.doors.base.split("//")[1].rsplit(":", 1)
    held = []
    try:
        for _ in range(600):
            connection = socket.create_connection((host, int(port)), timeout=10)
            connection.sendall(b"GET /dicom-web/studies HTTP/1.1\r\nHost: a\r\nX-")
            held.append(connection)
        begun = time.monotonic()
        soon(world.doors.get("/healthz"), 200)
        soon(world.doors.get(world.study(rest="/series"), world.token("b_clinician")), 200, 204, 404)
        assert time.monotonic() - begun < 2 * SOON_SECONDS
    finally:
        for connection in held:
            connection.close()


@api4(
    "sign-in",
    "challenges without end from one address",
    "work for the key service at anybody's wish",
    "429 with Retry-After after the limit; sessions go on",
)
def _(world):
    key, said, here = Key(), [], {"X-Forwarded-For": "10.9.9.2"}
    # Six hundred a minute are a hospital's; the minute may turn meanwhile.
    while len(said) < 1_300 and (not said or said[-1].status_code == 200):
        said.append(world.metered.post("/auth/passkey/begin", json={"thumbprint": key.thumbprint}, headers=here))
    assert said[0].status_code == 200 and said[-1].status_code == 429 and said[-1].headers["Retry-After"] == "60", said[-1].status_code
    assert world.metered.get("/auth/step-up", world.metered_people["a_colleague"]).status_code == 200
