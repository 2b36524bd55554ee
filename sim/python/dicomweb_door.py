"""The DICOMweb door of a running archive, with pydicom's files: bytes in and out, every form of answer, every refusal.

Usage: dicomweb_door.py URL SYSTEM_TOKEN CLINICIAN_TOKEN STRANGER_TOKEN
"""
import io
import sys
import warnings

import numpy
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.filereader import _read_file_meta_info, read_preamble

warnings.simplefilter("ignore")
url, system, clinician, stranger = sys.argv[1:5]
DICOM = {"Content-Type": "application/dicom"}


def session(token):
    made = requests.Session()
    made.headers["Authorization"] = f"Bearer {token}"
    return made


sender, reader, other = session(system), session(clinician), session(stranger)
client = DICOMwebClient(url=url, session=session(clinician))


def shipped(name):
    with open(get_testdata_files("**/" + name)[0], "rb") as file:
        return file.read()


def data_set_bytes(file):
    """What stands behind preamble and file meta information."""
    stream = io.BytesIO(file)
    read_preamble(stream, False)
    _read_file_meta_info(stream)
    return file[stream.tell():]


def address(dataset):
    return f"{url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


def expect(response, status):
    assert response.status_code == status, (response.request.url, response.status_code, response.text[:500])
    return response


# Name, and whether its frame can be rendered here.
IMAGES = {
    "CT_small.dcm": True,
    "MR_small_bigendian.dcm": True,
    "image_dfl.dcm": True,
    "JPEG2000.dcm": True,
    "J2K_pixelrep_mismatch.dcm": True,
    "GDCMJ2K_TextGBR.dcm": True,
    "SC_rgb_rle_2frame.dcm": True,
    "SC_rgb_jpeg_dcmtk.dcm": True,
    "SC_rgb_small_odd_big_endian.dcm": True,
    "SC_ybr_full_422_uncompressed.dcm": True,
    "examples_palette.dcm": True,
    "examples_ybr_color.dcm": True,
    "liver_1frame.dcm": True,
    "JPGExtended.dcm": True,
}
COLOUR_EXACT = {"SC_rgb_rle_2frame.dcm": 0, "SC_rgb_small_odd_big_endian.dcm": 0, "SC_rgb_jpeg_dcmtk.dcm": 2, "examples_ybr_color.dcm": 4}
OTHERS = ["rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm"]

for name in [*IMAGES, *OTHERS]:
    file = shipped(name)
    dataset = dcmread(io.BytesIO(file))
    answer = sender.post(f"{url}/studies", data=file, headers=DICOM)
    assert answer.status_code in (200, 202), (name, answer.text)
    back = expect(reader.get(address(dataset), headers={"Accept": "application/dicom"}), 200)
    syntax = dataset.file_meta.TransferSyntaxUID
    assert back.headers["Content-Type"] == f"application/dicom; transfer-syntax={syntax}", name
    assert back.content[:128] == bytes(128) and data_set_bytes(back.content) == data_set_bytes(file), name
    metadata = expect(reader.get(address(dataset) + "/metadata", headers={"Accept": "application/dicom+json"}), 200)
    Dataset.from_json(metadata.json()[0], lambda tag, vr, uri: b"")
    if name in OTHERS:
        expect(reader.get(address(dataset) + "/rendered"), 406)
        continue
    frame = client.retrieve_instance_frames(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID, [1])[0]
    if syntax.is_encapsulated:
        kept = next(generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1))))
        assert frame.rstrip(b"\0") == kept.rstrip(b"\0"), name
    elif name == "MR_small_bigendian.dcm":
        assert frame == dataset.pixel_array.astype("<i2").tobytes()
    rendered = reader.get(address(dataset) + "/rendered", headers={"Accept": "image/png"})
    expect(rendered, 200 if IMAGES[name] else 406)
    expect(reader.get(address(dataset) + "/thumbnail"), 200 if IMAGES[name] else 406)
    if name in COLOUR_EXACT:
        shown = numpy.asarray(Image.open(io.BytesIO(rendered.content))).astype(int)
        pixels = dataset.pixel_array if dataset.pixel_array.ndim == 3 else dataset.pixel_array[0]
        assert abs(shown - pixels.astype(int)).max() <= COLOUR_EXACT[name], name

file = shipped("CT_small.dcm")
ct = dcmread(io.BytesIO(file))
at = address(ct)
pixels = ct.PixelData

# Storing again, changed, into another study, of another type, by nobody.
again = expect(sender.post(f"{url}/studies", data=file, headers=DICOM), 200).json()
assert again["00081199"]["Value"][0]["00081196"]["Value"] == [0x0111]
changed = dcmread(io.BytesIO(file))
changed.ImageComments = "changed"
answer = DICOMwebClient(url=url, session=sender).store_instances([changed])
assert answer.ReferencedSOPSequence[0].WarningReason == 0xB111
answer = expect(sender.post(f"{url}/studies/1.2.3", data=file, headers=DICOM), 409)
assert Dataset.from_json(answer.json()).FailedSOPSequence[0].FailureReason == 0xC000
answer = expect(sender.post(f"{url}/studies", data=b"garbage" * 100, headers=DICOM), 409)
assert Dataset.from_json(answer.json())[0x0008119A].value[0].FailureReason == 0xC000
expect(sender.post(f"{url}/studies", data=file, headers={"Content-Type": "text/plain"}), 415)
expect(sender.post(f"{url}/studies", data=b"", headers=DICOM), 409)
expect(sender.post(f"{url}/studies", data=b"--x\r\n", headers={"Content-Type": "multipart/related; boundary=x"}), 400)
nobody = expect(requests.post(f"{url}/studies", data=file, headers=DICOM), 401)
assert nobody.headers["WWW-Authenticate"].startswith("Bearer") and nobody.headers["Content-Type"] == "application/problem+json"

# Bulk data by link and by range.
metadata = client.retrieve_instance_metadata(ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID)
link = metadata["7FE00010"]["BulkDataURI"]
assert client.retrieve_bulkdata(link)[0] == pixels
part = expect(reader.get(link, headers={"Range": "bytes=100-199"}), 206)
assert part.content == pixels[100:200] and part.headers["Content-Range"] == f"bytes 100-199/{len(pixels)}"
expect(reader.get(link, headers={"Range": f"bytes={len(pixels)}-"}), 416)
expect(reader.get(at + "/bulkdata/00100010"), 404)

# Forms of answers.
expect(reader.get(at, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50'}), 406)
expect(reader.get(at + "/frames/2"), 404)
expect(reader.get(at + "/frames/0"), 400)
two = expect(reader.get(at + "/frames/1,1", headers={"Accept": "multipart/related; type=application/octet-stream"}), 200)
assert two.content.count(pixels) == 2
for query, status in [("window=40,400", 200), ("window=40,400,sigmoid", 200), ("quality=10", 200), ("window=1", 400), ("viewport=0,5", 400)]:
    expect(reader.get(f"{at}/rendered?{query}"), status)
small = Image.open(io.BytesIO(reader.get(f"{at}/rendered?viewport=64,32").content))
assert small.size == (32, 32)
expect(reader.get(at + "/rendered", headers={"Accept": "image/webp"}), 406)
expect(reader.get(f"{url}/studies/{ct.StudyInstanceUID}/thumbnail"), 200)
expect(reader.get(f"{url}/studies", headers={"Accept": 'multipart/related; type="application/dicom+xml"'}), 406)

# Searching.
assert expect(reader.get(f"{url}/studies?PatientID=nosuch"), 200).json() == []
assert reader.get(f"{url}/studies?limit=2").headers["Warning"].startswith("299")
for wrong in ["Nonsense=1", "limit=-1", "includefield=Nonsense"]:
    expect(reader.get(f"{url}/studies?{wrong}"), 400)
(series,) = reader.get(f"{url}/studies/{ct.StudyInstanceUID}/series").json()
assert series["00081190"]["Value"][0] == f"{url}/studies/{ct.StudyInstanceUID}/series/{ct.SeriesInstanceUID}"

# Another facility sees nothing, and not even that there is something.
assert other.get(f"{url}/studies").json() == []
refused, absent = other.get(at), other.get(f"{url}/studies/1.2/series/1.3/instances/1.4")
assert refused.status_code == absent.status_code == 404 and refused.content == absent.content
print(f"{len(IMAGES) + len(OTHERS)} files came back as they went in")
