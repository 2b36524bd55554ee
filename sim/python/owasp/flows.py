"""API6: unrestricted access to sensitive business flows. Each single request is allowed; what is not is where they lead."""

import time

from world import attack, status

RISK = "API6:2023 Unrestricted Access to Sensitive Business Flows"


def api6(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer)


def refused(answer):
    assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code, answer.text[:200])
    return answer


@api6(
    "DICOMweb",
    "seventy studies opened one after the other by a login that may open each",
    "rights without amounts: one login empties the archive",
    "the hour's budget ends it, or the alarm before it; nothing opens afterwards",
)
def _(world):
    opened = []
    for uids in world.told["crowd"]:
        path = f"/dicom-web/studies/{uids['study']}/series/{uids['series']}/instances/{uids['instance']}/frames/1"
        opened.append(world.metered.get(path, world.metered_token("a_clinician")).status_code)
    count = opened.count(200)
    assert 0 < count <= 60 and opened[-1] != 200, opened
    assert all(code == 200 for code in opened[:20]), "an honest hour's first studies open"


@api6(
    "DICOMweb",
    "the same by asking for all seventy patients in sixteen requests at once",
    "amounts that are looked at before they are counted",
    "the same limit, not one patient more",
)
def _(world):
    from concurrent.futures import ThreadPoolExecutor

    def open_one(uids):
        path = f"/dicom-web/studies/{uids['study']}/series/{uids['series']}/instances/{uids['instance']}/frames/1"
        return world.metered.get(path, world.metered_token("a_second")).status_code

    with ThreadPoolExecutor(16) as pool:
        opened = list(pool.map(open_one, world.told["crowd"]))
    assert 0 < opened.count(200) <= 60, opened.count(200)


@api6(
    "break-glass",
    "emergencies declared for one patient after the other, to learn who is known here",
    "an emergency is an oracle and an open door",
    "the same answer for known and unknown; the day's number ends it",
)
def _(world):
    login = world.metered_people["b_person"]
    known, unknown = world.told["crowd_niks"][:3], ["3171999999999901", "3171999999999902", "3171999999999903"]
    said = []
    for number in (number for pair in zip(known, unknown) for number in pair):
        said.append(world.metered.post("/auth/break-glass", login, json={"number": number, "reason": "unconscious"}))
    codes = [answer.status_code for answer in said]
    assert 429 in codes or 404 in codes or 403 in codes, codes
    for one, other in zip(said[::2], said[1::2]):
        if one.status_code == other.status_code == 200:
            assert sorted(one.json()) == sorted(other.json()) == ["until"]
    assert codes.count(200) <= 5, codes


@api6(
    "step-up",
    "somebody approves the own asking for more patients; a colleague of another hospital does",
    "an approval that asks only whether one is signed in",
    "403 or 404; it still waits",
)
def _(world):
    login, other = world.metered_people["a_person"], world.metered_people["b_person"]
    asked = status(world.metered.post("/auth/step-up", login, json={"reason": "a long list"}), 200).json()
    number = asked[0]["id"]
    refused(world.metered.post("/auth/step-up/approve", login, json={"id": number}))
    refused(world.metered.post("/auth/step-up/approve", other, json={"id": number}))
    assert all(one["id"] != number for one in status(world.metered.get("/auth/step-up", other), 200).json())
    assert status(world.metered.get("/auth/step-up", login), 200).json()[0]["state"] == "waiting"


@api6(
    "step-up, break-glass",
    "an approval and an emergency with a bearer token, or under a proof that was made for another request",
    "a token is enough to act in a person's name",
    "4xx",
)
def _(world):
    login = world.metered_people["a_colleague"]
    for token in ("a_second", "a_clinician"):
        refused(world.metered.post("/auth/step-up/approve", world.metered_token(token), json={"id": 1}))
    shown = login.headers("GET", "/auth/step-up")
    refused(world.metered.post("/auth/step-up/approve", headers=shown, json={"id": 1}))
    shown = login.headers("POST", "/auth/step-up")
    refused(world.metered.post("/auth/step-up/approve", headers=shown, json={"id": 1}))
    refused(world.metered.post("/auth/break-glass", headers=shown, json={"number": "RM-1", "reason": "r"}))


@api6(
    "sign-in, audit",
    "an alarm that the thief hopes nobody hears",
    "alarms that are lines in a log",
    "the receiver of alarms was called within a minute",
)
def _(world):
    end = time.monotonic() + 60
    while not world.outside.hook_calls and time.monotonic() < end:
        time.sleep(0.2)
    world.metered.get("/healthz")
    assert world.outside.hook_calls, "nobody was told"
