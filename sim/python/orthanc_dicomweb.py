"""Orthanc's DICOMweb plugin as a client: it sends by STOW-RS, searches by QIDO-RS and fetches by WADO-RS. The server is
called "segel" in its configuration, with the token in its HttpHeaders; "stranger" is the same address without one.

Usage: orthanc_dicomweb.py ORTHANC_URL DICOMWEB_URL CLINICIAN_TOKEN
"""
import sys

from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from orthanc_rest import Archive, Orthanc, data_set, shipped

orthanc, archive = Orthanc(sys.argv[1]), Archive(sys.argv[2], sys.argv[3])
paths = shipped()
headers = {uid: dcmread(path, stop_before_pixels=True) for uid, path in paths.items()}
names = {uid: orthanc.upload(path.read_bytes()) for uid, path in paths.items()}
assert set(orthanc.get("/dicom-web/servers")) == {"segel", "stranger"}


def finished(path, body):
    """The job of a transfer, which must end well."""
    ended = orthanc.ended(orthanc.post(path, {**body, "Synchronous": False})["ID"])
    assert ended["State"] == "Success", ended
    return ended["Content"]


# STOW-RS: what Orthanc holds goes in byte by byte, in whatever transfer syntax.
sent = finished("/dicom-web/servers/segel/stow", {"Resources": list(names.values())})
assert int(sent["InstancesCount"]) == len(paths), sent
kept = archive.held()
assert set(kept) == set(paths)
for uid, file in kept.items():
    assert data_set(file) == data_set(paths[uid].read_bytes()), f"{paths[uid]} has other bytes"
# Once more, one of them alone; and again nothing changes.
finished("/dicom-web/servers/segel/stow", {"Resources": [next(iter(names.values()))]})
assert archive.held() == kept
print(f"STOW-RS of {len(paths)} instances")

first = max(headers.values(), key=lambda h: sum(o.StudyInstanceUID == h.StudyInstanceUID for o in headers.values()))
study, series, one = (str(first.get(key)) for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))


def expected(keyword, **values):
    fits = (i for i in headers.values() if all(str(i.get(name)) == value for name, value in values.items()))
    return sorted({str(instance.get(keyword)) for instance in fits})


def qido(uri, **arguments):
    return orthanc.post("/dicom-web/servers/segel/qido", {"Uri": uri, "Arguments": arguments})


def values(rows, tag):
    """Of an answer as Orthanc reads it: one text for each attribute."""
    return sorted(row[tag]["Value"] for row in rows)


# QIDO-RS.
found = qido("/studies", PatientID=str(first.PatientID), includefield="00081030")
assert values(found, "0020000D") == expected("StudyInstanceUID", PatientID=str(first.PatientID)), found
assert values(qido("/studies"), "0020000D") == expected("StudyInstanceUID")
assert values(qido(f"/studies/{study}/series"), "0020000E") == expected("SeriesInstanceUID", StudyInstanceUID=study)
below = qido(f"/studies/{study}/series/{series}/instances")
assert values(below, "00080018") == expected("SOPInstanceUID", SeriesInstanceUID=series)
assert qido("/studies", PatientID="NOBODY") == []
print("QIDO-RS of studies, series and instances")

# A plain request through Orthanc to the archive.
metadata = orthanc.post("/dicom-web/servers/segel/get",
                        {"Uri": f"/studies/{study}/metadata", "HttpHeaders": {"Accept": "application/dicom+json"}})
assert sorted(row["00080018"]["Value"][0] for row in metadata) == expected("SOPInstanceUID", StudyInstanceUID=study)
assert orthanc.refuses("/dicom-web/servers/stranger/get", {"Uri": "/studies"})
assert orthanc.refuses("/dicom-web/servers/stranger/stow", {"Resources": list(names.values())[:1], "Synchronous": True})

# WADO-RS: whatever is fetched has the bytes that were kept.
orthanc.clear()


def retrieved(what, uids):
    came = orthanc.held()
    assert sorted(came) == sorted(uids), (what, len(came), len(uids))
    for uid in uids:
        ours, theirs = came[uid], kept[uid]
        syntax = dcmread(DicomBytesIO(ours)).file_meta.TransferSyntaxUID
        assert syntax == headers[uid].file_meta.TransferSyntaxUID, (what, paths[uid], syntax)
        assert data_set(ours) == data_set(theirs), f"{what}: {paths[uid]} has other bytes"
    orthanc.clear()
    print(f"WADO-RS of {what}: {len(came)} instances")


for what, resource, wanted in [
    ("a study", {"Study": study}, {"StudyInstanceUID": study}),
    ("a series", {"Study": study, "Series": series}, {"SeriesInstanceUID": series}),
    ("an instance", {"Study": study, "Series": series, "Instance": one}, {"SOPInstanceUID": one}),
]:
    finished("/dicom-web/servers/segel/retrieve", {"Resources": [resource]})
    retrieved(what, expected("SOPInstanceUID", **wanted))
everything = [{"Study": uid} for uid in expected("StudyInstanceUID")]
finished("/dicom-web/servers/segel/retrieve", {"Resources": everything})
retrieved("everything", list(paths))
assert orthanc.refuses("/dicom-web/servers/segel/retrieve", {"Resources": [{"Study": "1.2.3"}], "Synchronous": True})
print("Orthanc sends, searches and fetches over DICOMweb")
