"""Orthanc as a neighbour over DIMSE: it echoes, stores with commitment, queries at every level and retrieves what it asked
for. The modality is called "segel" in its configuration, and its own AE title is ORTHANC.

Usage: orthanc_dimse.py ORTHANC_URL DICOMWEB_URL CLINICIAN_TOKEN
"""
import sys
import time

from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from orthanc_rest import SECONDS_MAX, Archive, Orthanc, data_set, shipped

orthanc, archive = Orthanc(sys.argv[1]), Archive(sys.argv[2], sys.argv[3])
paths = shipped()
headers = {uid: dcmread(path, stop_before_pixels=True) for uid, path in paths.items()}

orthanc.echoes()
names = [orthanc.upload(path.read_bytes()) for path in paths.values()]
assert len(orthanc.get("/instances")) == len(paths), "Orthanc takes every one of the files"
uploaded = orthanc.held()

# C-STORE of everything in one job, with storage commitment as its service class user.
stored = orthanc.job("/modalities/segel/store", {"Resources": names, "StorageCommitment": True})
assert stored["State"] == "Success", stored
content = stored["Content"]
assert (content["InstancesCount"], content["FailedInstancesCount"]) == (len(paths), 0), content
transaction = content["StorageCommitmentTransactionUID"]


def committed(transaction):
    begun = time.monotonic()
    while (report := orthanc.get(f"/storage-commitment/{transaction}"))["Status"] == "Pending":
        assert time.monotonic() - begun < SECONDS_MAX, report
        time.sleep(0.1)
    return report


report = committed(transaction)
assert report["Status"] == "Success" and len(report["Success"]) == len(paths) and not report["Failures"], report
assert report["RemoteAET"] == "SEGEL"
some = next(iter(headers.values()))
asked = [[str(some.SOPClassUID), str(some.SOPInstanceUID)], [str(some.SOPClassUID), "1.2.3.4"]]
report = committed(orthanc.post("/modalities/segel/storage-commitment", {"DicomInstances": asked})["ID"])
assert report["Status"] == "Failure", report
assert [item["SOPInstanceUID"] for item in report["Success"]] == [str(some.SOPInstanceUID)], report
assert [item["SOPInstanceUID"] for item in report["Failures"]] == ["1.2.3.4"], report
print(f"C-STORE and commitment of {len(paths)} instances")

kept = archive.held()
assert set(kept) == set(paths)
for uid, file in kept.items():
    ours, theirs = dcmread(DicomBytesIO(file)), dcmread(paths[uid])
    assert ours.file_meta.TransferSyntaxUID == theirs.file_meta.TransferSyntaxUID, (paths[uid], ours.file_meta)
    for element in theirs:
        # Orthanc's toolkit drops group lengths, as it may (PS3.5 7.2), and writes its own padding.
        if element.tag.element == 0 or element.tag.is_private or element.tag in (0xFFFCFFFC, 0x7FE00010):
            continue
        assert ours[element.tag].value == element.value, (paths[uid], element)
    if "PixelData" in theirs:
        assert ours.PixelData.rstrip(b"\0") == theirs.PixelData.rstrip(b"\0"), paths[uid]

# Sent once more, nothing changes: the archive knows them.
again = orthanc.job("/modalities/segel/store", {"Resources": names})
assert again["State"] == "Success" and again["Content"]["FailedInstancesCount"] == 0, again
assert archive.held() == kept


def query(level, **keys):
    """The id of a query, and its answers by keyword."""
    made = orthanc.post("/modalities/segel/query", {"Level": level, "Query": keys})["ID"]
    return made, orthanc.get(f"/queries/{made}/answers?expand&simplify")


def expected(keyword, **values):
    """The different values of an attribute among the instances whose attributes have the values."""
    fits = (i for i in headers.values() if all(str(i.get(name)) == value for name, value in values.items()))
    return sorted({str(instance.get(keyword)) for instance in fits})


studies = {}
for instance in headers.values():
    studies.setdefault(str(instance.StudyInstanceUID), []).append(instance)
largest = max(studies.values(), key=len)
first = largest[0]
patient, study, series, one = (
    str(first.get(key)) for key in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
)
for level, keyword, keys in [
    ("Patient", "PatientID", {"PatientID": ""}),
    ("Patient", "PatientID", {"PatientID": patient}),
    ("Study", "StudyInstanceUID", {"StudyInstanceUID": ""}),
    ("Study", "StudyInstanceUID", {"PatientID": patient}),
    ("Study", "StudyInstanceUID", {"StudyInstanceUID": study}),
    ("Series", "SeriesInstanceUID", {"StudyInstanceUID": study}),
    ("Series", "SeriesInstanceUID", {"StudyInstanceUID": study, "Modality": str(first.Modality)}),
    ("Instance", "SOPInstanceUID", {"StudyInstanceUID": study, "SeriesInstanceUID": series}),
    ("Instance", "SOPInstanceUID", {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": one}),
]:
    _, answers = query(level, **keys)
    wanted = {name: value for name, value in keys.items() if value}
    assert sorted(answer[keyword] for answer in answers) == expected(keyword, **wanted), (level, keys, answers)
family = str(first.PatientName).split("^")[0]
_, answers = query("Study", PatientName=f"{family[:3].lower()}*", StudyDescription="", ModalitiesInStudy="")
assert study in [answer["StudyInstanceUID"] for answer in answers], answers
_, answers = query("Study", StudyDate=f"{first.StudyDate}-{first.StudyDate}", NumberOfStudyRelatedInstances="")
count = {answer["StudyInstanceUID"]: answer["NumberOfStudyRelatedInstances"] for answer in answers}
assert int(count[study]) == len(largest), answers
_, answers = query("Study", PatientID="NOBODY")
assert answers == []
# Names in other character sets are answered so that Orthanc reads them.
for kind in ("SCSARAB", "H31EXAMPLE", "X1EXAMPLE"):
    _, answers = query("Patient", PatientID=kind, PatientName="")
    name = next(i.PatientName for i in headers.values() if i.PatientID == kind)
    assert [answer["PatientName"].strip() for answer in answers] == [str(name)], (answers, str(name))
# From an answer to its children.
made, _ = query("Study", StudyInstanceUID=study)
below = orthanc.post(f"/queries/{made}/answers/0/query-series", {"Query": {}})["ID"]
answers = orthanc.get(f"/queries/{below}/answers?expand&simplify")
assert sorted(answer["SeriesInstanceUID"] for answer in answers) == expected("SeriesInstanceUID", StudyInstanceUID=study)
assert orthanc.post("/modalities/segel/find-worklist", {"PatientName": "*", "ScheduledProcedureStepSequence": [{}]}) == []
print(f"C-FIND at every level: {len(studies)} studies")


def retrieved(what, uids):
    """Everything that came, byte by byte as the archive keeps it; and Orthanc is empty again."""
    came = orthanc.held()
    assert sorted(came) == sorted(uids), (what, len(came), len(uids))
    for uid in uids:
        assert data_set(came[uid]) == data_set(kept[uid]), f"{what}: {paths[uid]} has other bytes"
    orthanc.clear()
    print(f"C-MOVE of {what}: {len(came)} instances")


orthanc.clear()
target = {"TargetAet": "ORTHANC"}
for level, keys in [
    ("Patient", {"PatientID": patient}),
    ("Study", {"PatientID": patient, "StudyInstanceUID": study}),
    ("Series", {"PatientID": patient, "StudyInstanceUID": study, "SeriesInstanceUID": series}),
    ("Instance", {"PatientID": patient, "StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": one}),
    ("Study", {"StudyInstanceUID": ""}),
]:
    made, answers = query(level, **keys)
    ended = orthanc.job(f"/queries/{made}/retrieve", target)
    assert ended["State"] == "Success", ended
    wanted = {name: value for name, value in keys.items() if value}
    retrieved(f"{len(answers)} at the level of {level}", expected("SOPInstanceUID", **wanted))
# One answer among several, and a C-MOVE without a query before it.
made, answers = query("Series", StudyInstanceUID=study)
assert orthanc.job(f"/queries/{made}/answers/0/retrieve", target)["State"] == "Success"
retrieved("one answer", expected("SOPInstanceUID", SeriesInstanceUID=answers[0]["SeriesInstanceUID"]))
orthanc.post("/modalities/segel/move", {"Level": "Study", "Resources": [{"StudyInstanceUID": study}], **target})
retrieved("a named study", expected("SOPInstanceUID", StudyInstanceUID=study))
made, _ = query("Study", StudyInstanceUID=study)
ended = orthanc.job(f"/queries/{made}/retrieve", {"TargetAet": "NOWHERE"})
assert ended["State"] == "Failure" and orthanc.get("/instances") == [], ended
print("Orthanc stores, asks and gets back over DIMSE")
