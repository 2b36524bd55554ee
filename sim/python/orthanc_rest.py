"""Orthanc's REST API as the stories use it, and the instances that it is filled with."""
import io
import time
from pathlib import Path

import pydicom.data
import requests
from pydicom import dcmread
from pydicom.filereader import _read_file_meta_info, read_preamble

# How long a job may take on a loaded machine.
SECONDS_MAX = 120

# Files of pydicom: three patients with several studies and series each, and one of each kind and transfer syntax that
# Orthanc takes. No two have the same SOP Instance UID.
KINDS = [
    "CT_small.dcm", "693_J2KI.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_2frame.dcm",
    "SC_rgb_small_odd.dcm", "JPEG-lossy.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm", "rtplan.dcm", "rtdose.dcm", "MR_small_RLE.dcm",
    "test-SR.dcm", "waveform_ecg.dcm", "chrH31.dcm", "chrX1.dcm", "chrArab.dcm", "liver_1frame.dcm",
    "examples_ybr_color.dcm",
]


def shipped():
    """The paths of the files, by SOP Instance UID; those without a patient's number are left out."""
    root = Path(pydicom.data.__file__).parent
    paths = [path for path in root.rglob("*") if path.name in KINDS]
    paths += [path for name in ("77654033", "98892001", "98892003") for path in sorted(root.rglob(f"{name}/**/*")) if path.is_file()]
    found = {}
    for path in paths:
        instance = dcmread(path, stop_before_pixels=True)
        if instance.get("StudyInstanceUID") and instance.get("PatientID"):
            found.setdefault(str(instance.SOPInstanceUID), path)
    return found


def data_set(file):
    """The data set's own bytes of a DICOM file: what follows its meta information (PS3.10 7.1)."""
    stream = io.BytesIO(file)
    read_preamble(stream, force=True)
    _read_file_meta_info(stream)
    return file[stream.tell():]


class Orthanc:
    """An Orthanc by its REST API; every answer must be good unless told otherwise."""

    def __init__(self, url):
        self.url, self.session = url, requests.Session()

    def ask(self, method, path, **options):
        answer = self.session.request(method, self.url + path, timeout=SECONDS_MAX, **options)
        assert answer.ok, (method, path, answer.status_code, answer.text)
        return answer

    def get(self, path):
        return self.ask("GET", path).json()

    def post(self, path, body):
        return self.ask("POST", path, json=body).json()

    def refuses(self, path, body):
        """A POST that must fail: what Orthanc says about it."""
        answer = self.session.post(self.url + path, json=body, timeout=SECONDS_MAX)
        assert not answer.ok, (path, answer.text)
        return answer.text

    def echoes(self):
        """C-ECHO to the archive, until it knows Orthanc's certificate: it asks for new ones again and again."""
        begun = time.monotonic()
        while not self.session.post(f"{self.url}/modalities/segel/echo", json={"CheckFind": True}).ok:
            assert time.monotonic() - begun < SECONDS_MAX, "no C-ECHO"
            time.sleep(0.2)

    def job(self, path, body):
        """Starts a job and waits for its end; what it ended with."""
        started = self.post(path, {**body, "Asynchronous": True, "Synchronous": False})
        return self.ended(started["ID"])

    def ended(self, job):
        begun = time.monotonic()
        while (state := self.get(f"/jobs/{job}"))["State"] in ("Pending", "Running", "Retry"):
            assert time.monotonic() - begun < SECONDS_MAX, state
            time.sleep(0.05)
        return state

    def upload(self, data):
        return self.ask("POST", "/instances", data=data).json()["ID"]

    def clear(self):
        for patient in self.get("/patients"):
            self.ask("DELETE", f"/patients/{patient}")

    def held(self):
        """What it holds: file by SOP Instance UID."""
        uids = {item["ID"]: item["MainDicomTags"]["SOPInstanceUID"] for item in self.get("/instances?expand")}
        return {uid: self.ask("GET", f"/instances/{name}/file").content for name, uid in uids.items()}


class Archive:
    """The archive's DICOMweb door, as the oracle of what it keeps."""

    def __init__(self, url, token):
        self.url, self.session = url, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, accept):
        answer = self.session.get(self.url + path, headers={"Accept": accept}, timeout=SECONDS_MAX)
        assert answer.status_code in (200, 204), (path, answer.status_code, answer.text)
        return answer

    def instances(self):
        """Study, series and instance UID of everything it keeps."""
        answer = self.get("/instances?limit=1000", "application/dicom+json")
        rows = answer.json() if answer.content else []
        return [tuple(row[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")) for row in rows]

    def file(self, study, series, instance):
        path = f"/studies/{study}/series/{series}/instances/{instance}"
        return self.get(path, "application/dicom; transfer-syntax=*").content

    def held(self):
        """What it keeps: file by SOP Instance UID."""
        return {names[2]: self.file(*names) for names in self.instances()}
