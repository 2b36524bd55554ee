"""API3: broken object property level authorization. A request says more than its sender may say, or is told more than its sender may read."""

import json

from world import Key, attack, enter_with, status

RISK = "API3:2023 Broken Object Property Level Authorization"
FHIR = {"Content-Type": "application/fhir+json"}


def api3(door, tried, naive, answer):
    return attack(RISK, door, tried, naive, answer)


@api3(
    "FHIR",
    "a result with an id, a version, a time and an author of the sender's choice",
    "mass assignment: what the body says is stored",
    "201 with the server's own id, version and time",
)
def _(world):
    chosen = {"id": "chosen-by-me", "meta": {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z"}}
    body = json.dumps(world.observation | chosen)
    answer = status(world.doors.post("/fhir/Observation", world.token("a_system"), data=body, headers=FHIR), 201)
    kept = answer.json()
    assert kept["id"] != "chosen-by-me" and kept["meta"]["versionId"] == "1" and not kept["meta"]["lastUpdated"].startswith("1999"), kept[
        "meta"
    ]


@api3(
    "FHIR",
    "an update that hands a result to another patient, or turns it into another kind of resource",
    "objects that are replaced by whatever comes",
    "4xx; the result is still its patient's",
)
def _(world):
    name = world.resources["Observation"]
    other = json.dumps({"resourceType": "Patient", "identifier": [{"value": "RM-OTHER"}], "name": [{"text": "Other"}]})
    patient = status(world.doors.post("/fhir/Patient", world.token("a_clinician"), data=other, headers=FHIR), 201).json()["id"]
    moved = world.observation | {"id": name, "subject": {"reference": f"Patient/{patient}"}}
    for body in (moved, json.loads(other) | {"id": name}):
        answer = world.doors.ask(
            "PUT", f"/fhir/Observation/{name}", world.token("a_clinician"), data=json.dumps(body), headers=FHIR | {"If-Match": 'W/"1"'}
        )
        assert 400 <= answer.status_code < 500, answer.status_code
    kept = status(world.doors.get(f"/fhir/Observation/{name}", world.token("a_clinician")), 200).json()
    assert kept["subject"]["reference"].endswith(world.resources["Patient"])


@api3(
    "FHIR",
    "the label of a sensitive record taken away by another hospital, by meta in an update, by a registrar who may not read it",
    "labels that are a field like any other",
    "4xx; the label stays",
)
def _(world):
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
    body = json.dumps(world.observation | {"meta": {"security": [label]}})
    name = status(world.doors.post("/fhir/Observation", world.token("a_clinician"), data=body, headers=FHIR), 201).json()["id"]
    gone = json.dumps({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [label]}}]})
    for who in ("b_clinician", "b_system", "a_auditor", "a_admin"):
        answer = world.doors.post(f"/fhir/Observation/{name}/$meta-delete", world.token(who), data=gone, headers=FHIR)
        assert 400 <= answer.status_code < 500, (who, answer.status_code)
    read = status(world.doors.get(f"/fhir/Observation/{name}", world.token("a_clinician")), 200).json()
    assert label["code"] in json.dumps(read["meta"]), read["meta"]
    # Labelled, it no longer opens to a machine of the same hospital.
    status(world.doors.get(f"/fhir/Observation/{name}", world.token("a_system")), 404)


@api3(
    "sign-in",
    "a role, a facility, a purpose and a scope in the bodies of the sign-in",
    "bodies that are merged into the account",
    "400; a purpose that was not granted is refused",
)
def _(world):
    for further in (
        {"role": "administrator"},
        {"facility": "RSUD-A"},
        {"scope": "system/*.*"},
        {"purpose": "EVERYTHING"},
        {"name": "Budi"},
        {"session_seconds": 10**9},
    ):
        status(enter_with(world.doors, world.people["b_person"].key, further), 400)
    status(enter_with(world.doors, world.people["b_person"].key, {"purpose": "HRESCH"}), 400)
    status(world.doors.post("/auth/device/begin", json={"thumbprint": Key().thumbprint, "name": "clinician RSUD-A"}), 400)


@api3(
    "all doors",
    "another purpose of use in the header than the token was given for",
    "a purpose that is whatever the request says",
    "nothing opens: 404 for an object, no match for a search",
)
def _(world):
    for purpose in ("HRESCH", "PATRQT", "PUBHLTH", "BTG"):
        headers = {"X-Purpose-Of-Use": purpose}
        answer = world.doors.get(world.study(rest="/metadata"), world.token("a_registrar"), headers=headers)
        assert 400 <= answer.status_code < 500, (purpose, answer.status_code)
    status(world.doors.get(world.study(rest="/metadata"), world.token("a_clinician"), headers={"X-Purpose-Of-Use": "HRESCH"}), 403, 404)
    status(world.doors.get(world.study(rest="/metadata"), world.token("a_clinician"), headers={"X-Purpose-Of-Use": "ROOT"}), 400)


@api3(
    "DICOMweb, FHIR",
    "a registrar, who may know who a patient is, asks for `includefield=all`, metadata, pixels and results",
    "answers that hold whole objects and leave it to the page what it shows",
    "the summary of a list; contents are 404",
)
def _(world):
    token = world.token("a_registrar")
    uids = world.victim
    found = status(world.doors.get(f"/dicom-web/studies?StudyInstanceUID={uids['study']}&includefield=all", token), 200).json()
    assert len(found) == 1 and "7FE00010" not in found[0] and len(json.dumps(found)) < 8_000
    for rest in ("/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010", ""):
        status(world.doors.get(world.instance(rest=rest), token), 404)
    status(world.doors.get(f"/fhir/Observation/{world.resources['Observation']}", token), 404)


_.own = True


@api3(
    "UPS-RS",
    "a workitem that is born COMPLETED, and one whose patient is changed afterwards",
    "states and identities that are fields like any other (PS3.18 11.4, 11.6)",
    "400 and 409",
)
def _(world):
    kind = {"Content-Type": "application/dicom+json"}
    item = json.loads(world.told["workitem_body"])
    item[0].pop("00080018", None)
    for state in ("COMPLETED", "IN PROGRESS", "CANCELED"):
        item[0]["00741000"] = {"vr": "CS", "Value": [state]}
        status(
            world.doors.post(
                f"/dicom-web/workitems?1.2.826.0.1.3680043.10.1561.8{len(state)}",
                world.token("a_system"),
                data=json.dumps(item),
                headers=kind,
            ),
            400,
            409,
        )
    other = json.dumps([{"00100020": {"vr": "LO", "Value": ["RM-OTHER"]}}])
    answer = world.doors.post(f"/dicom-web/workitems/{world.told['workitem']}", world.token("a_system"), data=other, headers=kind)
    assert answer.status_code in (400, 409), answer.status_code


@api3(
    "break-glass, step-up",
    "an emergency that says it was reviewed and justified; an asking that says it is approved",
    "mass assignment into the review",
    "400, and nothing is declared",
)
def _(world):
    login = world.metered_people["a_person"]
    body = {"number": "RM-UNKNOWN-1", "reason": "r", "justified": True, "review": {"by": "x"}}
    status(world.metered.post("/auth/break-glass", login, json=body), 400)
    status(world.metered.post("/auth/step-up", login, json={"reason": "r", "state": "approved", "until": "2099-01-01T00:00:00Z"}), 400)
    assert status(world.metered.get("/auth/step-up", login), 200).json() == []
