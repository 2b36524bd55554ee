"""All of pydicom's shipped files: what is valid DICOM goes in and comes out with identical data set and pixel bytes; the
rest gets a clear refusal.

Usage: corpus.py DICOMWEB_URL SYSTEM_TOKEN CLINICIAN_TOKEN
"""
import sys
from pathlib import Path

import pydicom.data
import requests
from pydicom import dcmread
from pydicom.filereader import read_preamble, _read_file_meta_info

url, system, clinician = sys.argv[1:4]

# Files of pydicom's own tests that are not valid DICOM instances, each with the reason; everything else must go in.
INVALID = {
    "DICOMDIR": "a media directory, no composite instance",
    "DICOMDIR-bigEnd": "a media directory, no composite instance",
    "DICOMDIR-implicit": "a media directory, no composite instance",
    "DICOMDIR-nooffset": "a media directory, no composite instance",
    "DICOMDIR-nopatient": "a media directory, no composite instance",
    "DICOMDIR-empty.dcm": "a media directory, no composite instance",
    "DICOMDIR-reordered": "a media directory, no composite instance",
    "SC_rgb_jpeg.dcm": "written in implicit VR under a transfer syntax that is explicit (PS3.5 A.4)",
    "MR_truncated.dcm": "its pixel data is shorter than it says",
    "rtplan_truncated.dcm": "ends in the middle of an element",
}


def dataset_bytes(path_or_bytes):
    """The data set's own bytes: what follows preamble and file meta information."""
    import io
    stream = io.BytesIO(path_or_bytes)
    read_preamble(stream, force=True)
    _read_file_meta_info(stream)
    return path_or_bytes[stream.tell():]


def refusal(answer):
    return answer.headers.get("Warning", "") or answer.json().get("detail") or ""


def required(path):
    """The four UIDs without which nothing can be kept, as pydicom reads them."""
    try:
        instance = dcmread(path, force=True)
    except Exception:
        return None
    names = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    return instance if all(getattr(instance, name, None) for name in names) else None


session = requests.Session()
kept = refused = same = 0
failures = []
seen = {}
for path in sorted(Path(pydicom.data.__file__).parent.rglob("*")):
    if not path.is_file() or path.suffix in (".zip", ".json", ".xml", ".txt", ".py", ".pyc", ".md", ".sh", ".html", ".pdf", ".icc"):
        continue
    data = path.read_bytes()
    answer = session.post(f"{url}/studies", data=data, headers={"Authorization": f"Bearer {system}",
                          "Content-Type": "application/dicom", "Accept": "application/dicom+json"})
    if "00081199" not in (answer.json() if answer.content else {}):
        why = refusal(answer)
        refused += 1
        print(f"refused {path.name}: {answer.status_code} {why}")
        if not why or answer.status_code >= 500:
            failures.append(f"{path.name}: refused without a clear word: {answer.status_code} {answer.text}")
        if path.name not in INVALID and required(path) is not None:
            failures.append(f"{path.name}: valid, but refused: {why}")
        continue
    instance = required(path)
    uid = str(instance.SOPInstanceUID)
    if uid in seen and seen[uid] != data:
        # Several of the files share a UID; the newest version is what a retrieve gives.
        same += 1
    seen[uid] = data
    back = session.get(f"{url}/studies/{instance.StudyInstanceUID}/series/{instance.SeriesInstanceUID}/instances/{uid}",
                       headers={"Authorization": f"Bearer {clinician}", "Accept": 'application/dicom; transfer-syntax=*'})
    if back.status_code != 200:
        failures.append(f"{path.name}: stored, but answered {back.status_code} {back.text[:200]}")
        continue
    if dataset_bytes(back.content) != dataset_bytes(data):
        failures.append(f"{path.name}: comes out with other bytes")
        continue
    metadata = session.get(f"{url}/studies/{instance.StudyInstanceUID}/series/{instance.SeriesInstanceUID}/instances/{uid}/metadata",
                           headers={"Authorization": f"Bearer {clinician}", "Accept": "application/dicom+json"})
    if metadata.status_code != 200 or "00080018" not in metadata.json()[0]:
        failures.append(f"{path.name}: no metadata: {metadata.status_code}")
        continue
    kept += 1
print(f"pydicom's files: {kept} in and out bit-identical, {refused} refused, {same} later versions")
assert not failures, "\n".join(failures)
assert kept >= 60, kept
