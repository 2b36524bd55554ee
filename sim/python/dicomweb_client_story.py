"""dicomweb-client against a running archive: store, search, metadata, frames, bulk data, rendered, whole studies.

Usage: dicomweb_client_story.py URL SYSTEM_TOKEN CLINICIAN_TOKEN FOLDER
"""
import io
import sys
from pathlib import Path

import numpy
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

url, system, clinician, folder = sys.argv[1:5]


def client(token):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(url=url, session=session)


def element_bytes(dataset):
    """The data set alone as bytes, explicit little endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return buffer.getvalue()


sender, reader = client(system), client(clinician)
sent = [dcmread(path) for path in sorted(Path(folder).glob("*.dcm"))]
stored = sender.store_instances(sent)
assert len(stored.ReferencedSOPSequence) == len(sent) and "FailedSOPSequence" not in stored

one = sent[0]
study, series, instance = one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID
studies = reader.search_for_studies()
assert len(studies) == len({i.StudyInstanceUID for i in sent})
found = reader.search_for_studies(search_filters={"PatientID": one.PatientID}, fields=["StudyDescription"])
row = Dataset.from_json(found[0])
assert len(found) == 1 and row.StudyInstanceUID == study and row.StudyDescription == one.StudyDescription
assert int(row.NumberOfStudyRelatedInstances) == sum(i.StudyInstanceUID == study for i in sent)
assert row.PatientName == one.PatientName and row.ModalitiesInStudy == "OT" and row.RetrieveURL.endswith(study)
assert len(reader.search_for_studies(search_filters={"PatientName": str(one.PatientName)[:5] + "*"})) >= 1
assert len(reader.search_for_studies(search_filters={"StudyDate": "20211228-20211228"}, limit=2)) == 2
first = [Dataset.from_json(r).StudyInstanceUID for r in reader.search_for_studies(limit=2)]
rest = [Dataset.from_json(r).StudyInstanceUID for r in reader.search_for_studies(limit=100, offset=2)]
assert sorted(first + rest) == sorted({i.StudyInstanceUID for i in sent}), "pages neither repeat nor leave out"
assert len(reader.search_for_series(study)) == 1
assert len(reader.search_for_instances(study, series)) == sum(i.StudyInstanceUID == study for i in sent)
assert len(reader.search_for_instances()) == len(sent)

back = reader.retrieve_instance(study, series, instance)
assert element_bytes(back) == element_bytes(one), "the data set is bit-identical"
assert len(reader.retrieve_study(study)) == sum(i.StudyInstanceUID == study for i in sent)
assert len(reader.retrieve_series(study, series)) == sum(i.StudyInstanceUID == study for i in sent)
metadata = reader.retrieve_instance_metadata(study, series, instance)
assert metadata["00100010"]["Value"][0]["Alphabetic"] == str(one.PatientName)
bulk = metadata["7FE00010"]["BulkDataURI"]
assert len(reader.retrieve_series_metadata(study, series)) == sum(i.StudyInstanceUID == study for i in sent)
assert len(reader.retrieve_study_metadata(study)) == sum(i.StudyInstanceUID == study for i in sent)
assert reader.retrieve_bulkdata(bulk)[0] == one.PixelData
assert reader.retrieve_instance_frames(study, series, instance, frame_numbers=[1])[0] == one.PixelData
for media, name in (("image/png", "PNG"), ("image/jpeg", "JPEG")):
    picture = Image.open(io.BytesIO(reader.retrieve_instance_rendered(study, series, instance, media_types=(media,))))
    assert picture.format == name and picture.size == (one.Columns, one.Rows), (picture.format, picture.size)
    assert numpy.asarray(picture).std() > 0
windowed = requests.get(f"{url}/studies/{study}/series/{series}/instances/{instance}/rendered?window=128,2,linear",
                        headers={"Authorization": f"Bearer {clinician}", "Accept": "image/png"})
assert windowed.status_code == 200, windowed.text
for level in (f"studies/{study}", f"studies/{study}/series/{series}", f"studies/{study}/series/{series}/instances/{instance}"):
    small = requests.get(f"{url}/{level}/thumbnail", headers={"Authorization": f"Bearer {clinician}"})
    assert small.status_code == 200 and max(Image.open(io.BytesIO(small.content)).size) <= 128, level


def problem(path, status, token=clinician, **more):
    headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
    answer = requests.request(more.pop("method", "GET"), f"{url}/{path}", headers=headers, **more)
    assert answer.status_code == status, (path, answer.status_code, answer.text)
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
    assert {"title", "status"} <= answer.json().keys()
    return answer


problem("studies/1.2.3", 404)
problem(f"studies/{study}/series/1.2/metadata", 404)
problem("studies?NoSuchAttribute=1", 400)
problem(f"studies/{study}/series/{series}/instances/{instance}/frames/2", 404)
problem(f"studies/{study}/series/{series}/instances/{instance}/frames/0", 400)
problem("studies", 401, token="nobody")
problem("studies", 415, token=system, method="POST", data=b"x", headers={"Content-Type": "text/plain"})
answer = requests.get(f"{url}/studies")
assert answer.status_code == 401 and "Bearer" in answer.headers["WWW-Authenticate"]
print(f"dicomweb-client: {len(sent)} instances stored, found and retrieved bit-identical")
