"""API5: broken function level authorization. Somebody who is signed in uses what is for others."""

from world import attack, status

RISK = "API5:2023 Broken Function Level Authorization"


def api5(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer)


def refused(answer):
    assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code, answer.text[:200])
    return answer


@api5(
    "break-glass",
    "a clinician, a system and an auditor read the queue of emergencies and review one",
    "pages that hide the button and serve the address",
    "403 or 404",
)
def _(world):
    for who in ("a_clinician", "a_system", "a_auditor", "a_admin", "b_clinician"):
        refused(world.doors.get("/auth/break-glass/queue", world.token(who)))
        refused(world.doors.post("/auth/break-glass/review", world.token(who), json={"id": 1, "justified": True, "note": "n"}))
    refused(world.doors.get("/auth/break-glass/queue", world.people["a_person"]))


@api5("DICOMweb, FHIR", "an administrator and an auditor search, open and read", "an administrator who may do everything", "no match; 404")
def _(world):
    for who in ("a_admin", "a_auditor"):
        answer = world.doors.get("/dicom-web/studies", world.token(who))
        assert answer.status_code in (204, 403, 404) or answer.json() == [], answer.text
        for path in (
            world.study(rest="/metadata"),
            world.instance(rest="/frames/1"),
            f"/fhir/Observation/{world.resources['Observation']}",
            world.study(),
        ):
            refused(world.doors.get(path, world.token(who)))


@api5(
    "export",
    "a bulk export that nobody approved, by its number; the numbers one to fifty",
    "a download address that is known to few",
    "404 for each number alike",
)
def _(world):
    said = set()
    for number in [*range(1, 51), 2**31, 2**63, "x", "../1"]:
        said.add(refused(world.doors.post(f"/export/{number}", world.token("a_clinician"))).status_code)
    assert said <= {400, 403, 404}, said


@api5(
    "quorum",
    "an approval that nobody signed, one signed by an own key, bytes that are none",
    "an approval that is a flag in a request",
    "4xx; nothing is approved",
)
def _(world):
    import cbor2

    bodies = [
        b"",
        b"\xa0",
        b"\xff" * 64,
        cbor2.dumps({"approve": 1, "as": "Ani"}),
        cbor2.dumps([1, [[1, "a", b"x" * 64]]]),
        cbor2.dumps([3, [[1, True, b"x" * 64]]]),
        cbor2.dumps({0: 1, 1: b"\0" * 64}),
    ]
    for body in bodies:
        for token in (None, world.token("a_admin")):
            refused(world.doors.post("/auth/quorum", token, data=body, headers={"Content-Type": "application/cbor"}))


@api5(
    "all doors",
    "DELETE, PATCH and others on records; DELETE and PUT named in X-HTTP-Method-Override and `_method`",
    "methods that are routed and never authorized",
    "405; the record is still there",
)
def _(world):
    token = world.token("a_clinician")
    patient = f"/fhir/Patient/{world.resources['Patient']}"
    for method in ("DELETE", "PATCH", "PROPFIND", "MOVE", "COPY", "LINK", "PURGE", "SEARCH"):
        for path in (world.study(), world.instance(), patient, "/fhir/Patient", "/"):
            status(world.doors.ask(method, path, token), 405, 404)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        refused(world.doors.post(patient, token, headers={name: "DELETE"}))
        refused(world.doors.post(patient + "?_method=DELETE", token))
    status(world.doors.ask("HEAD", patient, token), 200)


@api5(
    "all doors",
    "the operator's commands and the key service over HTTP: /admin, /keyservice, /ledger, /auth/admin, /token and forty others",
    "an administration that listens beside the doors",
    "404",
)
def _(world):
    words = "admin administrator manage internal private keyservice keys release ledger root config settings users persons peers facility facilities token tokens thaw freeze alarms incidents erase custody rotate backup restore debug exec shell run proposals approve isolate policies budgets canaries".split()
    for word in words:
        for prefix in ("", "/auth", "/api", "/dicom-web", "/fhir"):
            path = f"{prefix}/{word}"
            if path in ("/auth/token",):
                continue
            for who in ("a_admin", "a_clinician"):
                answer = world.doors.get(path, world.token(who))
                assert answer.status_code in (404, 405), (path, answer.status_code)


@api5(
    "DICOMweb",
    "a machine that sends images declares an emergency and asks for more patients; a registrar declares one",
    "one kind of account for people and machines",
    "403 or 404",
)
def _(world):
    for who in ("a_system", "a_registrar"):
        refused(world.doors.post("/auth/break-glass", world.token(who), json={"number": world.told["own_person"]["number"], "reason": "r"}))
    refused(world.doors.post("/auth/step-up", world.token("a_system"), json={"reason": "r"}))
