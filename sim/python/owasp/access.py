"""API1: broken object level authorization. Somebody of another hospital, properly signed in, names what is not theirs."""

import json

from world import alike, attack, status

RISK = "API1:2023 Broken Object Level Authorization"
NOTHING = "404, the same bytes as for what is not there"
ABSENT = "1.2.826.0.1.3680043.10.1561.9999"


def api1(door, tried, naive, answer=NOTHING):
    return attack(RISK, door, tried, naive, answer)


def same_as_absent(world, path, absent, *replaced, **further):
    token = world.token("b_clinician")
    refused = status(world.doors.get(path, token, **further), 404)
    alike(refused, world.doors.get(absent, token, **further), *replaced)


@api1(
    "DICOMweb",
    "the metadata, instances and frames of another hospital's study, by its UIDs",
    "a server that checks the token and not the object",
)
def _(world):
    uids = world.victim
    for rest in ("/metadata", "", "/bulkdata", "/pixeldata", "/rendered", "/thumbnail", "/series", "/instances"):
        path = world.study(rest=rest)
        answer = world.doors.get(path, world.token("b_clinician"))
        assert answer.status_code == 404 or answer.text == "[]", (path, answer.status_code)
        alike(answer, world.doors.get(path.replace(uids["study"], ABSENT), world.token("b_clinician")), uids["study"], ABSENT)
    for rest in ("", "/metadata", "/frames/1", "/frames/1/rendered", "/rendered", "/thumbnail", "/bulkdata/7FE00010"):
        path = world.instance(rest=rest)
        same_as_absent(world, path, path.replace(uids["instance"], ABSENT), uids["instance"], ABSENT)


@api1(
    "DICOMweb",
    "an instance of another hospital below the own study's UID",
    "a server that checks the study in the path and fetches the instance",
)
def _(world):
    own, theirs = world.told["own"], world.victim
    for series, instance in ((theirs["series"], theirs["instance"]), (own["series"], theirs["instance"])):
        for rest in ("", "/metadata", "/frames/1", "/rendered"):
            path = f"/dicom-web/studies/{own['study']}/series/{series}/instances/{instance}{rest}"
            status(world.doors.get(path, world.token("b_clinician")), 404)


@api1("WADO-URI", "`studyUID`, `seriesUID` and `objectUID` of another hospital in the query", "old retrieve doors beside the guarded one")
def _(world):
    uids = world.victim
    query = {"requestType": "WADO", "studyUID": uids["study"], "seriesUID": uids["series"], "objectUID": uids["instance"]}
    for kind in ("application/dicom", "image/jpeg"):
        status(world.doors.get("/wado", world.token("b_clinician"), params=query | {"contentType": kind}), 404)


@api1(
    "DICOMweb",
    "a search by the exact UID, number and name of another hospital's patient",
    "filters by the query alone",
    "200 with no match",
)
def _(world):
    name = world.victim["name"].split("^")[0]
    for query in (
        f"StudyInstanceUID={world.victim['study']}",
        f"PatientID={world.victim['number']}",
        f"PatientName={name}*",
        f"PatientID={world.victim['nik']}",
    ):
        for level in ("studies", "series", "instances"):
            answer = status(world.doors.get(f"/dicom-web/{level}?{query}&includefield=all", world.token("b_clinician")), 200, 204)
            assert answer.status_code == 204 or answer.json() == [], answer.text


@api1("FHIR", "read and vread of another hospital's patient, result and photo, by their ids", "a server that trusts ids to be secret")
def _(world):
    for kind, name in world.resources.items():
        for rest in ("", "/_history/1"):
            same_as_absent(world, f"/fhir/{kind}/{name}{rest}", f"/fhir/{kind}/no-such-id{rest}", name, "no-such-id")


@api1(
    "FHIR",
    "a search for the results of another hospital's patient, by reference, number and id",
    "a search that is authorized for the type and not for each match",
    "200 with a total of 0",
)
def _(world):
    patient = world.resources["Patient"]
    for query in (
        f"patient={patient}",
        f"subject=Patient/{patient}",
        f"_id={world.resources['Observation']}",
        f"patient.identifier={world.victim['nik']}",
    ):
        answer = status(world.doors.get(f"/fhir/Observation?{query}", world.token("b_clinician")), 200)
        assert answer.json()["total"] == 0, answer.text
    answer = status(world.doors.get(f"/fhir/Patient?identifier={world.victim['nik']}", world.token("b_clinician")), 200)
    assert answer.json()["total"] == 0


@api1(
    "FHIR",
    "a result, an order and a consent written onto another hospital's patient",
    "a check on reading and none on writing",
    "422, the same as for a patient who is not there",
)
def _(world):
    headers = {"Content-Type": "application/fhir+json"}
    patient = world.resources["Patient"]
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "performer": [{"identifier": {"system": "urn:segel:facility", "value": "RSUD-B"}}],
    }
    for resource in (world.observation, order):
        said = []
        for name in (patient, "no-such-id"):
            body = json.dumps(resource | {"subject": {"reference": f"Patient/{name}"}})
            said.append(
                status(world.doors.post(f"/fhir/{resource['resourceType']}", world.token("b_system"), data=body, headers=headers), 422)
            )
        alike(*said, patient, "no-such-id")


@api1(
    "STOW-RS",
    "other bytes under the SOP Instance UID of another hospital's image",
    "an index by UID alone: the image is replaced, or read back",
    "kept as the sender's own; the other hospital reads its own bytes",
)
def _(world):
    path = world.instance(rest="/metadata")
    before = world.doors.get(path, world.token("a_clinician")).json()
    bytes_before = world.doors.get(world.instance(rest="/bulkdata/7FE00010"), world.token("a_clinician")).content
    with open(world.told["forged_file"], "rb") as file:
        answer = world.doors.post(
            "/dicom-web/studies", world.token("b_system"), data=file.read(), headers={"Content-Type": "application/dicom"}
        )
    status(answer, 200)
    assert world.doors.get(path, world.token("a_clinician")).json() == before
    assert world.doors.get(world.instance(rest="/bulkdata/7FE00010"), world.token("a_clinician")).content == bytes_before
    world.answers_end()
    status(world.doors.get(path, world.token("b_clinician")), 200)
    world.doors.get("/healthz")


@api1("UPS-RS", "another hospital's workitem is read, changed, claimed and cancelled, by its UID", "a worklist shared by all")
def _(world):
    kind = {"Content-Type": "application/dicom+json"}
    change = json.dumps([{"00741000": {"vr": "CS", "Value": ["IN PROGRESS"]}, "00081195": {"vr": "UI", "Value": ["1.2.3"]}}])
    said = {}
    for name in (world.told["workitem"], ABSENT):
        said[name] = [
            world.doors.get(f"/dicom-web/workitems/{name}", world.token("b_system")),
            world.doors.post(f"/dicom-web/workitems/{name}?1.2.3", world.token("b_system"), data="[{}]", headers=kind),
            world.doors.ask("PUT", f"/dicom-web/workitems/{name}/state", world.token("b_system"), data=change, headers=kind),
            world.doors.post(f"/dicom-web/workitems/{name}/cancelrequest", world.token("b_system"), data="[{}]", headers=kind),
        ]
    for theirs, absent in zip(*said.values()):
        assert 400 <= theirs.status_code < 500, theirs.status_code
        alike(theirs, absent, world.told["workitem"], ABSENT)
    listed = world.doors.get("/dicom-web/workitems", world.token("b_system"))
    assert world.told["workitem"] not in listed.text


@api1(
    "pages",
    "the study, patient, picture and samples of another hospital, with a session of one's own",
    "pages that check the session alone",
)
def _(world):
    session = {"Cookie": world.told["b_session"]}
    uids = world.told["second_victim"]
    base = f"/studies/{uids['study']}"
    below = f"{base}/series/{uids['series']}/instances/{uids['instance']}"
    for path in (base, f"{below}/image", f"{below}/samples", f"{below}/document", f"/documents/Binary/{world.resources['Binary']}"):
        status(world.doors.get(path, headers=session), 404)


@api1(
    "storage commitment",
    "a question whether another hospital's instance is kept for good",
    "an oracle for what exists: every known UID is confirmed",
    "failed, the same as for a UID that is not there",
)
def _(world):
    def asked(instance):
        item = {"00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]}, "00081155": {"vr": "UI", "Value": [instance]}}
        body = json.dumps([{"00081199": {"vr": "SQ", "Value": [item]}}])
        return world.doors.post(
            "/dicom-web/commitment-requests/1.2.3.4", world.token("b_system"), data=body, headers={"Content-Type": "application/dicom+json"}
        )

    # The one that this facility was made to keep above is its own.
    theirs, absent = asked(world.told["second_victim"]["instance"]), asked(ABSENT)
    alike(theirs, absent, world.told["second_victim"]["instance"], ABSENT)
    assert theirs.status_code >= 400 or "00081198" in theirs.json(), theirs.text
