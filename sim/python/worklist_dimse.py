"""Orders by FHIR become a modality's worklist: asked by pynetdicom and DCMTK, and held against DCMTK's own worklist server
with the same items.

Usage: worklist_dimse.py FHIR_URL HOST:PORT SYSTEM_TOKEN OTHER_SYSTEM_TOKEN CLINICIAN_TOKEN FOLDER
The peers CT1 and MR1 are of the first facility, FAR1 of the other.
"""
import copy
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import ModalityWorklistInformationFind as Worklist

url, address, system, other_system, clinician, folder = sys.argv[1:7]
host, port = address.split(":")
port, folder = int(port), Path(folder)
DCM = "http://dicom.nema.org/resources/ontology/DCM"
TITLES = "http://sys-ids.kemkes.go.id/ae-title"
NIK = "https://fhir.kemkes.go.id/id/nik"
TODAY, TOMORROW = "2026-11-22", "2026-11-23"


def ask(method, path, status, token=system, body=None, **headers):
    headers |= {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/fhir+json"
    answer = requests.request(method, url + path, data=json.dumps(body) if body is not None else None, headers=headers)
    assert answer.status_code == status, (method, path, answer.status_code, answer.text[:500])
    return answer


def person(number, **name):
    return {"resourceType": "Patient", "name": [name], "gender": "female", "birthDate": "1990-10-05",
            "identifier": [{"value": f"RM-{number}"}, {"system": NIK, "value": f"31740145109000{number:02d}"}]}


def order(patient, accession, modality, station, start, **further):
    details = [{"coding": [{"system": DCM, "code": modality}]}]
    details += [{"coding": [{"system": TITLES, "display": station}]}] if station else []
    return {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}], "text": f"{modality} Thorax"},
        "identifier": [{"system": "http://sys-ids.kemkes.go.id/acsn/1", "value": accession}],
        "orderDetail": details, "occurrenceDateTime": start, "requester": {"display": "dr. Bambang"},
        "performer": [{"display": "dr. Radiolog"}], "subject": patient, **further,
    }


# Four people: one contained, one in the order's transaction, two kept before.
kept = ask("POST", "/Patient", 201, body=person(1, family="Rahayu", given=["Siti"])).headers["Location"]
kept = {"reference": "Patient/" + re.search(r"/Patient/([^/]+)", kept)[1]}
ask("POST", "/Patient", 201, body=person(2, text="Dewi Lestari"))
by_number = {"identifier": {"system": NIK, "value": "3174014510900002"}}
contained = {"subject": {"reference": "#p"}, "contained": [person(3, family="Müller", given=["Jürgen"]) | {"id": "p"}]}
bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
    {"fullUrl": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0001", "request": {"method": "POST", "url": "Patient"},
     "resource": person(4, text="Rahmat Hidayat")},
    {"request": {"method": "POST", "url": "ServiceRequest"},
     "resource": order({"reference": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0001"}, "A004", "CT", "CT1",
                       f"{TOMORROW}T10:00:00+07:00")},
]}
first = ask("POST", "/ServiceRequest", 201, body=order(kept, "A001", "CT", "CT1", f"{TODAY}T08:30:00+07:00", priority="stat"))
ask("POST", "/ServiceRequest", 201, body=order(by_number, "A002", "MR", "MR1", f"{TODAY}T09:00:00+07:00"))
ask("POST", "/ServiceRequest", 201, body=order(None, "A003", "CT", "CT1", f"{TODAY}T13:15:00+07:00", **contained))
answered = ask("POST", "", 200, body=bundle).json()
assert len(answered["entry"]) == 2, "items beside orders are no entries"
ask("POST", "/ServiceRequest", 201, body=order(kept, "A005", "MR", "MR1", f"{TOMORROW}T07:00:00+07:00"))
# What is no scheduled imaging is on no list.
for change in ({"status": "draft"}, {"intent": "proposal"}, {"occurrenceDateTime": None}):
    body = {name: value for name, value in (order(kept, "A900", "CT", "CT1", f"{TODAY}T08:00:00") | change).items() if value}
    ask("POST", "/ServiceRequest", 201, body=body)
blood = order(kept, "A901", "CT", "CT1", f"{TODAY}T08:00:00", category=[{"coding": [{"code": "LAB"}]}])
blood["orderDetail"] = []
ask("POST", "/ServiceRequest", 201, body=blood)
ask("POST", "/ServiceRequest", 422, body=order(kept, "A" * 17, "CT", "CT1", f"{TODAY}T08:00:00"))
# Another facility has its own order, for the same person and a station of the same title.
theirs = order(None, "B001", "CT", "CT1", f"{TODAY}T08:00:00+07:00", subject={"reference": "#p"},
               contained=[person(1, family="Rahayu", given=["Siti"]) | {"id": "p"}])
ask("POST", "/ServiceRequest", 201, token=other_system, body=theirs)

STEP = ("ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "Modality",
        "ScheduledPerformingPhysicianName", "ScheduledProcedureStepDescription", "ScheduledProcedureStepID",
        "ScheduledStationName", "ScheduledProcedureStepLocation")
ROOT = ("AccessionNumber", "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
        "PatientWeight", "StudyInstanceUID", "RequestingPhysician", "RequestedProcedureDescription", "AdmissionID",
        "RequestedProcedureID", "RequestedProcedurePriority")


def query(step=None, **values):
    """All the usual return keys, with these values to match."""
    identifier, item = Dataset(), Dataset()
    for name in ROOT:
        setattr(identifier, name, values.pop(name, ""))
    for name in STEP:
        setattr(item, name, (step or {}).get(name, ""))
    item.ScheduledProtocolCodeSequence = Sequence([code()])
    identifier.RequestedProcedureCodeSequence = Sequence([code()])
    identifier.ScheduledProcedureStepSequence = Sequence([item])
    assert not values, values
    return identifier


def code():
    item = Dataset()
    item.CodeValue = item.CodingSchemeDesignator = item.CodeMeaning = ""
    return item


def find(identifier, title="CT1", called="SEGEL", port=port, syntax=None, statuses=None):
    ae = AE(ae_title=title)
    ae.add_requested_context(Worklist, syntax)
    association = ae.associate(host, port, ae_title=called)
    assert association.is_established, (title, called, port)
    rows = []
    for status, row in association.send_c_find(identifier, Worklist):
        if statuses is not None:
            statuses.append(status.Status)
        if status.Status in (0xFF00, 0xFF01):
            row.decode()
            rows.append(row)
        else:
            assert status.Status == 0, hex(status.Status)
    association.release()
    return rows


def numbers(rows):
    return [str(row.AccessionNumber) for row in rows]


# A modality's usual question: today, my title.
today = query({"ScheduledStationAETitle": "CT1", "ScheduledProcedureStepStartDate": TODAY.replace("-", "")})
statuses = []
rows = find(today, statuses=statuses)
assert numbers(rows) == ["A001", "A003"], numbers(rows)
assert statuses == [0xFF00, 0xFF00, 0], statuses
row, step = rows[0], rows[0].ScheduledProcedureStepSequence[0]
assert (row.PatientName, row.PatientID, row.PatientBirthDate, row.PatientSex) == ("Rahayu^Siti", "RM-1", "19901005", "F")
assert (step.Modality, step.ScheduledProcedureStepStartTime, row.RequestedProcedurePriority) == ("CT", "083000", "STAT")
assert row.RequestedProcedureCodeSequence[0].CodeValue == "24627-2"
assert row.StudyInstanceUID.is_valid and row.StudyInstanceUID.startswith("2.25.")
assert "SpecificCharacterSet" not in row and rows[1].SpecificCharacterSet == "ISO_IR 192"
assert rows[1].PatientName == "Müller^Jürgen"
again = find(today, syntax=[ImplicitVRLittleEndian])
assert [row.StudyInstanceUID for row in again] == [row.StudyInstanceUID for row in rows], "a study has one UID for ever"
# Keys that items do not have are answered empty and said to be unsupported; they narrow nothing.
unknown = copy.deepcopy(today)
unknown.InstitutionName = "RSUD"
statuses = []
assert numbers(find(unknown, statuses=statuses)) == ["A001", "A003"] and statuses[0] == 0xFF01
# A whole sequence is asked for by one without items.
whole = Dataset()
whole.AccessionNumber = "A001"
whole.ScheduledProcedureStepSequence = Sequence([])
assert find(whole)[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "SCHEDULED"

# The other facility's peer sees its own order only, though it has treated the same person.
assert numbers(find(query(), title="FAR1")) == ["B001"]
assert numbers(find(query())) == ["A001", "A002", "A003", "A005", "A004"]

# DCMTK's server with the same items answers the same.
server_folder = folder / "wlm" / "SEGEL"
server_folder.mkdir(parents=True)
(server_folder / "lockfile").touch()
for number, row in enumerate(find(query())):
    row = copy.deepcopy(row)
    row.SpecificCharacterSet = "ISO_IR 192"
    row.file_meta = FileMetaDataset()
    row.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    row.file_meta.MediaStorageSOPClassUID = Worklist
    row.file_meta.MediaStorageSOPInstanceUID = row.StudyInstanceUID
    row.save_as(server_folder / f"{number}.wl", enforce_file_format=True)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    wlm_port = free.getsockname()[1]
log = open(folder / "wlm.log", "w")
server = subprocess.Popen(["wlmscpfs", "-csk", "-dfp", str(folder / "wlm"), str(wlm_port)], stdout=log, stderr=log)


def plain(data_set):
    """What a data set says, empty or absent being the same."""
    said = {}
    for element in data_set:
        if element.keyword == "SpecificCharacterSet":
            continue
        value = [plain(item) for item in element.value] if element.VR == "SQ" else str(element.value)
        if value not in ("", "None", [], [{}]):
            said[element.keyword] = value
    return said


def station(title, **more):
    return {"ScheduledStationAETitle": title, **more}


def date(text):
    return {"ScheduledProcedureStepStartDate": text}


TABLE = [
    ({}, {}, 5),
    (station("CT1"), {}, 3), (station("MR1"), {}, 2), (station("CT9"), {}, 0), (station("CT?"), {}, 0),
    (date("20261122"), {}, 3), (date("20261123"), {}, 2), (date("20261121"), {}, 0),
    (date("20261122-20261123"), {}, 5), (date("20261123-"), {}, 2), (date("-20261122"), {}, 3),
    (station("CT1") | date("20261122"), {}, 2), (station("MR1") | date("20261123-20261130"), {}, 1),
    ({"Modality": "CT"}, {}, 3), ({"Modality": "MR"} | date("20261122"), {}, 1), ({"Modality": "US"}, {}, 0),
    (date("20261122") | {"ScheduledProcedureStepStartTime": "080000-120000"}, {}, 2),
    ({"ScheduledProcedureStepStartTime": "1200-"}, {}, 1),
    ({}, {"PatientName": "Rahayu*"}, 2), ({}, {"PatientName": "*a*"}, 4), ({}, {"PatientName": "Dewi Lestari"}, 1),
    ({}, {"PatientName": "R?hmat*"}, 1), ({}, {"PatientName": "Nobody"}, 0), ({}, {"PatientName": "*"}, 5),
    ({}, {"PatientID": "RM-1"}, 2), ({}, {"PatientID": "RM-9"}, 0), ({"Modality": "MR"}, {"PatientID": "RM-1"}, 1),
    ({}, {"AccessionNumber": "A003"}, 1), ({}, {"AccessionNumber": "A0?4"}, 1), (station("MR1"), {"AccessionNumber": "A003"}, 0),
    ({}, {"ReferringPhysicianName": "dr. B*"}, 5), ({}, {"RequestedProcedureID": "A005"}, 1),
    ({"ScheduledPerformingPhysicianName": "dr. R*"}, {"PatientID": "RM-2"}, 1),
]
try:
    for _ in range(600):
        try:
            socket.create_connection((host, wlm_port)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    for step, root, expected in TABLE:
        ours = sorted((plain(row) for row in find(query(step, **root))), key=str)
        wlm = sorted((plain(row) for row in find(query(step, **root), port=wlm_port)), key=str)
        assert ours == wlm, (step, root, ours, wlm)
        assert len(ours) == expected, (step, root, len(ours))
finally:
    server.terminate()
    server.wait()
print(f"{len(TABLE)} queries answered as wlmscpfs answers them")

# DCMTK's client with a query file, as sites use it.
file = folder / "query.wl"
asked = copy.deepcopy(today)
asked.file_meta = FileMetaDataset()
asked.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
asked.file_meta.MediaStorageSOPClassUID = Worklist
asked.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
asked.save_as(file, enforce_file_format=True)
findscu = ["findscu", "-W", "-aet", "CT1", "-aec", "SEGEL", "-X", "-od", str(folder), host, str(port), str(file)]
subprocess.run(findscu, check=True, capture_output=True)
answers = [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]
assert sorted(numbers(answers)) == ["A001", "A003"], answers

# An order that names no station is offered to each, under the title that asks.
ask("POST", "/ServiceRequest", 201, body=order(kept, "A006", "CT", None, f"{TODAY}T15:00:00+07:00"))
for title in ("CT1", "MR1"):
    mine = find(query({"ScheduledStationAETitle": title, "Modality": "CT"}, AccessionNumber="A006"), title=title)
    assert [row.ScheduledProcedureStepSequence[0].ScheduledStationAETitle for row in mine] == [title]
assert find(query(AccessionNumber="A006"), title="MR1")[0].ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "MR1"

# The order goes on: another station and time with the same study; then it is done, and leaves.
where = "/ServiceRequest/" + re.search(r"/ServiceRequest/([^/]+)", first.headers["Location"])[1]
now = ask("GET", where, 200).json()
now.pop("meta")
uid = rows[0].StudyInstanceUID
moved = copy.deepcopy(now)
moved["orderDetail"][1]["coding"][0]["display"] = "MR1"
moved["occurrenceDateTime"] = f"{TOMORROW}T11:00:00+07:00"
ask("PUT", where, 412, body=moved, **{"If-Match": 'W/"7"'})
assert ask("PUT", where, 200, body=moved, **{"If-Match": 'W/"1"'}).headers["ETag"] == 'W/"2"'
assert numbers(find(today)) == ["A003", "A006"]
there = find(query(station("MR1") | date(TOMORROW.replace("-", ""))))
assert [row.StudyInstanceUID for row in there if row.AccessionNumber == "A001"] == [uid]
ask("PUT", where, 403, token=other_system, body=moved)
ask("PUT", where, 400, body=moved | {"id": "other"})
ask("PUT", where, 200, body=moved | {"status": "completed"})
assert numbers(find(query(AccessionNumber="A001"))) == []
assert ask("GET", where + "/_history/1", 200).json()["status"] == "active"
back = ask("PUT", where, 200, body=moved)
assert [row.StudyInstanceUID for row in find(query(AccessionNumber="A001"))] == [uid] and back.headers["ETag"] == 'W/"4"'

# Orders are found by what they say, by who asked and by when.
def found(parameters):
    entries = ask("GET", "/ServiceRequest?" + parameters, 200, token=clinician).json().get("entry", [])
    return sorted(entry["resource"]["identifier"][0]["value"] for entry in entries)


assert found("identifier=A002") == ["A002"]
assert found("status=draft") == ["A900"]
assert found(f"occurrence={TOMORROW}&status=active") == ["A001", "A004", "A005"]
asked_by = order(kept, "A007", "US", "US1", f"{TODAY}T16:00:00", authoredOn="2026-11-20T08:00:00+07:00",
                 requester={"display": "dr. C", "identifier": {"system": NIK, "value": "3174014510909999"}},
                 performer=[{"identifier": {"system": TITLES, "value": "US2"}}])
ask("POST", "/ServiceRequest", 201, body=asked_by)
assert found("requester.identifier=3174014510909999") == found("performer:identifier=US2") == ["A007"]
assert found("authored=2026-11-20") == ["A007"] and found("performer.identifier=US3") == []

# As many as a query may answer, and one more. The other facility has one already.
def many(count, first):
    one = lambda number: order({"reference": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0009"}, f"M{number:04d}", "CR", "CR1",
                               f"{TODAY}T{number % 24:02d}:00:00")
    entries = [{"fullUrl": "urn:uuid:0f4f8f5a-3c57-4d6e-9a52-6f1d5a7b0009", "request": {"method": "POST", "url": "Patient"},
                "resource": person(50, text="Banyak Pesanan")}]
    entries += [{"request": {"method": "POST", "url": "ServiceRequest"}, "resource": one(first + n)} for n in range(count)]
    ask("POST", "", 200, token=other_system, body={"resourceType": "Bundle", "type": "transaction", "entry": entries})


many(250, 0)
many(249, 250)
assert len(find(query(), title="FAR1")) == 500
many(1, 499)
ae = AE(ae_title="FAR1")
ae.add_requested_context(Worklist)
association = ae.associate(host, port, ae_title="SEGEL")
[(status, none)] = list(association.send_c_find(query(), Worklist))
assert status.Status == 0xC000 and "500" in status.ErrorComment and none is None, status
assert len(find(query({"ScheduledProcedureStepStartTime": "0000-1159"}), title="FAR1")) == 253
association.release()
print("orders become worklists")
