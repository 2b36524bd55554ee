"""UPS-RS (PS3.18 section 11) against a running archive: workitems are created, found, claimed, performed and ended.

Usage: workitems.py DICOMWEB_URL SYSTEM_TOKEN REGISTRAR_TOKEN OTHER_SYSTEM_TOKEN
"""
import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

url, system, registrar, other = sys.argv[1:5]


def uid():
    return f"2.25.{uuid.uuid4().int}"


def ask(method, path, status, body=None, token=system, warning=None, **headers):
    headers |= {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers.setdefault("Content-Type", "application/dicom+json")
        body = body if isinstance(body, str) else json.dumps([body.to_json_dict() if isinstance(body, Dataset) else body])
    answer = requests.request(method, url + path, data=body, headers=headers)
    assert answer.status_code == status, (method, path, answer.status_code, answer.text[:500])
    said = answer.headers.get("Warning")
    assert (said is None) if warning is None else warning in (said or ""), (method, path, said, warning)
    return answer


def code(value="110005", scheme="DCM", meaning="Interpretation"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def workitem(**values):
    item = Dataset()
    item.TransactionUID = None
    item.ScheduledProcedureStepPriority = "MEDIUM"
    item.ProcedureStepLabel = "Baca CT"
    item.WorklistLabel = "RADIOLOGI"
    item.ScheduledProcessingParametersSequence = Sequence()
    item.ScheduledStationNameCodeSequence = Sequence([code("WS1", "99RSUD", "Workstation 1")])
    item.ScheduledStationClassCodeSequence = Sequence()
    item.ScheduledStationGeographicLocationCodeSequence = Sequence()
    item.ScheduledProcedureStepStartDateTime = "20261122080000"
    item.ScheduledWorkitemCodeSequence = Sequence([code()])
    item.CommentsOnTheScheduledProcedureStep = None
    item.InputReadinessState = "READY"
    item.InputInformationSequence = Sequence()
    item.PatientName, item.PatientID, item.PatientBirthDate, item.PatientSex = "Rahayu^Siti", "RM-1", "19901005", "F"
    item.IssuerOfPatientID = "RSUD-A"
    item.OtherPatientIDsSequence = Sequence()
    item.AdmissionID = None
    item.IssuerOfAdmissionIDSequence = Sequence()
    item.AdmittingDiagnosesDescription = None
    item.AdmittingDiagnosesCodeSequence = Sequence()
    request = Dataset()
    request.StudyInstanceUID, request.AccessionNumber = "1.2.3", "A001"
    item.ReferencedRequestSequence = Sequence([request])
    item.ProcedureStepState = "SCHEDULED"
    item.ProcedureStepProgressInformationSequence = Sequence()
    item.UnifiedProcedureStepPerformedProcedureSequence = Sequence()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def change(state, transaction=None):
    asked = Dataset()
    asked.ProcedureStepState = state
    if transaction is not None:
        asked.TransactionUID = transaction
    return asked


def changes(**values):
    data_set = Dataset()
    for name, value in values.items():
        setattr(data_set, name, value)
    return data_set


def read(name, token=system):
    answer = ask("GET", f"/workitems/{name}", 200, token=token)
    assert answer.headers["Content-Type"] == "application/dicom+json"
    [only] = answer.json()
    assert "00081195" not in only, "the lock is never shown"
    return Dataset.from_json(only)


def found(query="", token=system, **more):
    rows = ask("GET", "/workitems" + query, 200, token=token, **more).json()
    assert all("00081195" not in row for row in rows)
    return sorted(row["00080018"]["Value"][0] for row in rows)


# Created under the creator's UID or one of ours.
one = uid()
answer = ask("POST", f"/workitems?{one}", 201, workitem())
assert answer.headers["Location"] == f"{url}/workitems/{one}" and not answer.content
ask("POST", f"/workitems?{one}", 409, workitem(), warning="inconsistent")
item = read(one)
assert (item.SOPClassUID, item.SOPInstanceUID) == ("1.2.840.10008.5.1.4.34.6.1", one)
assert (item.ProcedureStepState, item.PatientName, item.PatientID) == ("SCHEDULED", "Rahayu^Siti", "RM-1")
assert item.ScheduledProcedureStepModificationDateTime
two = ask("POST", "/workitems", 201, workitem(WorklistLabel=None, PatientID="RM-2"),
          warning="created with modifications").headers["Location"].rsplit("/", 1)[1]
assert read(two).WorklistLabel == "DEFAULT"
three = uid()
alone = workitem(ProcedureStepLabel="Konstanz Phantom", ScheduledProcedureStepStartDateTime="20261124")
for name in ("PatientID", "IssuerOfPatientID", "PatientName", "AdmissionID"):
    delattr(alone, name)
ask("POST", f"/workitems?AffectedSOPInstanceUID={three}", 201, alone, warning="created with modifications")

# What is no workitem is refused.
for wrong in (workitem(ScheduledProcedureStepPriority="URGENT"), workitem(ProcedureStepLabel=None),
              workitem(InputReadinessState=None), workitem(ScheduledProcedureStepStartDateTime=None),
              workitem(ProcedureStepState="IN PROGRESS"), workitem(TransactionUID=uid()), {"00000002": {"vr": "UI"}},
              {"00100010": {"vr": "PN", "Value": "no list"}}, "{", "[]", "[{},{}]", "7"):
    ask("POST", "/workitems", 400, wrong)
ask("POST", "/workitems?workitem=PHANTOM", 400, workitem())
ask("POST", "/workitems", 415, "<x/>", **{"Content-Type": "application/dicom+xml"})
ask("POST", "/workitems", 413, "[" + " " * (1 << 20) + "]")
ask("POST", "/workitems", 400, "[" + " " * ((1 << 20) - 2) + "]")
ask("GET", f"/workitems/{uid()}", 404)
ask("GET", f"/workitems/{one}", 406, Accept="application/dicom+xml")
assert requests.get(f"{url}/workitems").status_code == 401

# Found by what they say; another facility's are not there.
assert found() == sorted([one, two, three])
for query, expected in [
    ("?PatientID=RM-1", [one]), ("?00100020=RM-2", [two]), ("?PatientName=Rahayu*", [one, two]),
    ("?ProcedureStepState=SCHEDULED", [one, two, three]), ("?ProcedureStepState=COMPLETED", []),
    ("?WorklistLabel=RADIOLOGI&PatientID=RM-1", [one]), ("?WorklistLabel=DEFAULT", [two]),
    ("?ScheduledProcedureStepStartDateTime=20261122-20261123", [one, two]),
    ("?ScheduledProcedureStepStartDateTime=20261124-", [three]),
    ("?ScheduledStationNameCodeSequence.CodeValue=WS1", [one, two, three]),
    ("?ScheduledWorkitemCodeSequence.CodeValue=999", []), ("?ReferencedRequestSequence.AccessionNumber=A001", [one, two, three]),
    (f"?SOPInstanceUID={two}", [two]), ("?ProcedureStepLabel=Konstanz*", [three]), ("?includefield=all&PatientID=RM-9", []),
]:
    assert found(query) == sorted(expected), (query, found(query))
assert len(found("?limit=2", warning="additional results")) == 2
assert len(found("?limit=2&offset=2")) == 1
for wrong in ("?TransactionUID=1.2", "?Nonsense=1", "?limit=x", "?PatientID.CodeValue=1"):
    ask("GET", "/workitems" + wrong, 400)
assert found(token=other) == []
for method, path, body in [("GET", "", None), ("POST", "", changes(WorklistLabel="X")), ("PUT", "/state", change("IN PROGRESS", uid())),
                           ("POST", "/cancelrequest", None)]:
    ask(method, f"/workitems/{one}{path}", 404, body, token=other)
# The same UID at another facility is another workitem.
ask("POST", f"/workitems?{one}", 201, workitem(ProcedureStepLabel="Theirs"), token=other)
assert read(one, token=other).ProcedureStepLabel == "Theirs" and read(one).ProcedureStepLabel == "Baca CT"
# A registrar puts in and lists, and never opens.
four = uid()
ask("POST", f"/workitems?{four}", 201, workitem(PatientID="RM-4"), token=registrar)
assert four in found(token=registrar)
ask("GET", f"/workitems/{four}", 404, token=registrar)

# Changed before the claim by anybody, after it by who has the lock.
at = f"/workitems/{one}"
ask("POST", at, 200, changes(WorklistLabel="IGD", ScheduledProcedureStepPriority="HIGH"))
assert (read(one).WorklistLabel, read(one).PatientID) == ("IGD", "RM-1")
assert one in found("?WorklistLabel=IGD") and one not in found("?WorklistLabel=RADIOLOGI")
ask("POST", f"{at}?{uid()}", 400, changes(WorklistLabel="X"), warning="claimed Workitem")
for wrong in (changes(PatientID="RM-9"), changes(ProcedureStepState="COMPLETED"), changes(SOPInstanceUID="1.2"),
              changes(IssuerOfPatientID="RSUD-B"), changes(ProcedureStepLabel=None), changes(InputReadinessState="NO")):
    ask("POST", at, 400, wrong)
lock = uid()
state = f"{at}/state"
ask("PUT", state, 409, change("COMPLETED", lock), warning="inconsistent with the state")
ask("PUT", state, 400, change("IN PROGRESS"), warning="Transaction UID is missing")
ask("PUT", state, 400, change("IN PROGRESS", "no uid"))
ask("PUT", state, 400, change("CANCELLED", lock))
ask("PUT", state, 400, change("SCHEDULED", lock), warning="inconsistent with the state")
with ThreadPoolExecutor(8) as pool:
    # Eight at once: one claims it.
    locks = [uid() for _ in range(8)]
    claim = lambda own: requests.put(url + state, data=json.dumps([change("IN PROGRESS", own).to_json_dict()]), headers={
        "Authorization": f"Bearer {system}", "Content-Type": "application/dicom+json"}).status_code
    statuses = list(pool.map(claim, locks))
assert sorted(statuses)[0] == 200 and statuses.count(200) == 1 and set(statuses) <= {200, 400, 409}, statuses
lock = locks[statuses.index(200)]
ask("PUT", state, 409, change("IN PROGRESS", lock), warning="inconsistent with the state")
ask("PUT", state, 400, change("IN PROGRESS", uid()), warning="Transaction UID is incorrect")
assert found("?ProcedureStepState=IN%20PROGRESS") == [one] and one not in found("?ProcedureStepState=SCHEDULED")
ask("POST", at, 400, changes(WorklistLabel="X"), warning="Transaction UID is missing")
ask("POST", f"{at}?{uid()}", 400, changes(WorklistLabel="X"), warning="Transaction UID is incorrect")
ask("POST", f"{at}/cancelrequest", 409, warning="inconsistent")

# Ended when what was done is said.
refused = ask("PUT", state, 409, change("COMPLETED", lock), warning="inconsistent with the state")
assert "PerformedProcedureStepStartDateTime" in refused.json()["detail"]
ask("PUT", state, 409, change("CANCELED", lock), warning="inconsistent with the state")
performed = Dataset()
performed.PerformedStationNameCodeSequence = Sequence([code("WS1", "99RSUD", "Workstation 1")])
performed.PerformedProcedureStepStartDateTime = "20261122081000"
performed.PerformedProcedureStepEndDateTime = "20261122082000"
performed.PerformedWorkitemCodeSequence = Sequence([code()])
ask("POST", f"{at}?{lock}", 200, changes(UnifiedProcedureStepPerformedProcedureSequence=Sequence([performed])))
refused = ask("PUT", state, 409, change("COMPLETED", lock), warning="inconsistent with the state")
assert refused.json()["detail"] == "The final state needs a value of OutputInformationSequence."
performed.OutputInformationSequence = Sequence()
ask("POST", f"{at}?transaction={lock}", 200, changes(UnifiedProcedureStepPerformedProcedureSequence=Sequence([performed])))
ask("PUT", state, 400, change("COMPLETED", uid()), warning="Transaction UID is incorrect")
ask("PUT", state, 200, change("COMPLETED", lock))
ask("PUT", state, 200, change("COMPLETED", lock), warning="already in the requested state of COMPLETED")
ask("PUT", state, 409, change("CANCELED", lock), warning="inconsistent with the state")
ask("POST", f"{at}?{lock}", 400, changes(WorklistLabel="X"), warning="inconsistent with the current state")
ask("POST", f"{at}/cancelrequest", 409, warning="inconsistent with the current state")
assert read(one).ProcedureStepState == "COMPLETED" and found("?ProcedureStepState=COMPLETED") == [one]

# Canceled by its performer, who says why; or on request, before anybody has claimed it.
lock = uid()
ask("PUT", f"/workitems/{two}/state", 200, change("IN PROGRESS", lock))
progress = Dataset()
progress.ProcedureStepDiscontinuationReasonCodeSequence = Sequence([code("110514", "DCM", "Incorrect worklist entry selected")])
ask("POST", f"/workitems/{two}?{lock}", 200, changes(ProcedureStepProgressInformationSequence=Sequence([progress])))
ask("PUT", f"/workitems/{two}/state", 200, change("CANCELED", lock))
ask("PUT", f"/workitems/{two}/state", 200, change("CANCELED", lock), warning="already in the requested state of CANCELED")
assert read(two).ProcedureStepProgressInformationSequence[0].ProcedureStepCancellationDateTime
ask("POST", f"/workitems/{three}/cancelrequest", 202, changes(ReasonForCancellation="Alat rusak"))
ask("POST", f"/workitems/{three}/cancelrequest", 202, warning="already in the requested state of CANCELED")
ended = read(three).ProcedureStepProgressInformationSequence[0]
assert ended.ReasonForCancellation == "Alat rusak" and ended.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110513"
assert found("?ProcedureStepState=CANCELED") == sorted([two, three])
# What is too large for a list is left out of it, and kept.
large = uid()
inputs = Sequence([changes(TypeOfInstances="DICOM", StudyInstanceUID=f"1.2.{number}") for number in range(400)])
ask("POST", f"/workitems?{large}", 201, workitem(PatientID="RM-7", InputInformationSequence=inputs))
[row] = ask("GET", "/workitems?PatientID=RM-7", 200).json()
assert "00404021" not in row and row["00741204"]["Value"] == ["Baca CT"]
assert len(read(large).InputInformationSequence) == 400
small = uid()
ask("POST", f"/workitems?{small}", 201, workitem(PatientID="RM-8", InputInformationSequence=inputs[:20]))
[row] = ask("GET", "/workitems?PatientID=RM-8", 200).json()
assert len(row["00404021"]["Value"]) == 20
print("workitems go their way")
