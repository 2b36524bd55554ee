"""Every form in which a running archive gives what it keeps, compared with pydicom bit for bit: transfer syntaxes, frames, bulk
data, ranges, validators, pictures at every level, the URI service, and the store of metadata and bulk data apart.

Usage: dicomweb_retrieve.py ORIGIN SYSTEM_TOKEN CLINICIAN_TOKEN STRANGER_TOKEN
"""
import copy
import io
import json
import warnings
import sys

import numpy
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid,
)

from every_value import values

warnings.simplefilter("ignore")
origin, system, clinician, stranger = sys.argv[1:5]
url = f"{origin}/dicom-web"


def session(token):
    made = requests.Session()
    made.headers["Authorization"] = f"Bearer {token}"
    return made


sender, reader, other = session(system), session(clinician), session(stranger)
client = DICOMwebClient(url=url, session=session(clinician))


def shipped(name):
    with open(get_testdata_files("**/" + name)[0], "rb") as file:
        return file.read()


def expect(response, status=200):
    assert response.status_code == status, (response.request.url, response.request.headers, response.status_code, response.text[:600])
    return response


def get(path, accept=None, status=200, by=reader, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if accept:
        headers["Accept"] = accept
    return expect(by.get(path, headers=headers), status)


def stored(file):
    dataset = dcmread(io.BytesIO(file))
    answer = sender.post(f"{url}/studies", data=file, headers={"Content-Type": "application/dicom"})
    assert answer.status_code in (200, 202), answer.text
    return dataset


def address(dataset):
    return f"{url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


def parts(response):
    """Content-Type, Content-Location and content of each part."""
    boundary = response.headers["Content-Type"].split("boundary=")[1].strip('"').encode()
    found = []
    for part in (b"\r\n" + response.content).split(b"\r\n--" + boundary)[1:-1]:
        head, body = part[2:].split(b"\r\n\r\n", 1)
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        found.append((fields["Content-Type"], fields.get("Content-Location"), body))
    return found


# Transfer syntaxes: every value of an uncompressed instance in every uncompressed encoding.
WRITTEN = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]
PLAIN = ["CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm", "rtplan.dcm", "test-SR.dcm",
         "waveform_ecg.dcm", "liver_1frame.dcm", "examples_palette.dcm"]
for name in PLAIN:
    sent = stored(shipped(name))
    kept = sent.file_meta.TransferSyntaxUID
    for syntax in WRITTEN:
        answer = get(address(sent), f"application/dicom; transfer-syntax={syntax}")
        assert answer.headers["Content-Type"] == f"application/dicom; transfer-syntax={syntax}", name
        back = dcmread(io.BytesIO(answer.content))
        assert back.file_meta.TransferSyntaxUID == syntax, name
        ours, theirs = values(back), values(sent)
        if ExplicitVRBigEndian in (kept, syntax):
            for found in (ours, theirs):
                for path in [path for path, value in found.items() if isinstance(value, bytes)]:
                    del found[path]
        assert ours == theirs, (name, syntax, {k: (ours.get(k), theirs.get(k)) for k in ours.keys() ^ theirs.keys() | {k for k in ours if ours[k] != theirs.get(k)}})
        if "PixelData" in sent:
            assert (back.pixel_array == sent.pixel_array).all(), (name, syntax)

# Compressed instances: exact ones decoded as pydicom decodes them, lossy ones kept or refused.
EXACT = ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm",
         "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_2frame.dcm", "rtdose_rle.dcm",
         "rtdose_rle_1frame.dcm", "GDCMJ2K_TextGBR.dcm", "examples_jpeg2k.dcm"]
decoded = 0
for name in EXACT:
    sent = stored(shipped(name))
    kept = sent.file_meta.TransferSyntaxUID
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        if syntax == ExplicitVRBigEndian and sent.BitsAllocated > 16:
            # Programs differ in which bytes of a 32-bit sample turn round.
            get(address(sent), f"application/dicom; transfer-syntax={syntax}", 406)
            continue
        answer = get(address(sent), f"application/dicom; transfer-syntax={syntax}")
        back = dcmread(io.BytesIO(answer.content))
        assert (back.pixel_array == sent.pixel_array).all(), (name, syntax)
        ours, theirs = values(back), values(sent)
        changed = {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}
        allowed = {(0x7FE00010,), (0x7FE00001,), (0x7FE00002,), (0x00280004,), (0x00280006,)}
        assert changed <= allowed or ExplicitVRBigEndian == syntax, (name, syntax, changed)
    count = int(sent.get("NumberOfFrames", 1))
    pixels = sent.pixel_array if count > 1 else sent.pixel_array[numpy.newaxis]
    octets = parts(get(address(sent) + "/frames/" + ",".join(str(n + 1) for n in range(count)), 'multipart/related; type="application/octet-stream"'))
    for number, (kind, location, body) in enumerate(octets):
        assert kind == f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}", (name, kind)
        assert location == f"{address(sent)}/frames/{number + 1}"
        assert body == pixels[number].astype(pixels.dtype.newbyteorder("<")).tobytes(), (name, number)
    kept_frames = list(generate_frames(sent.PixelData, number_of_frames=count))
    for number, (kind, _, body) in enumerate(parts(get(address(sent) + "/frames/1", "multipart/related; type=application/octet-stream; transfer-syntax=*"))):
        assert kind == f"application/octet-stream; transfer-syntax={kept}" and body.rstrip(b"\0") == kept_frames[number].rstrip(b"\0"), name
    decoded += 1
lossy = stored(shipped("SC_rgb_jpeg_dcmtk.dcm"))
refused = get(address(lossy), f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}", 406)
assert str(lossy.file_meta.TransferSyntaxUID) in refused.json()["detail"], "the refusal says what can be had"
get(address(lossy), "application/dicom; transfer-syntax=*")
(kind, _, body), = parts(get(address(lossy) + "/frames/1", 'multipart/related; type="application/octet-stream"'))
assert len(body) == lossy.Rows * lossy.Columns * 3

# Display: JPEG baseline of what has 8 bits, nothing of what has more.
eight = stored(shipped("examples_rgb_color.dcm"))
answer = get(address(eight) + "/frames/1", "image/jpeg")
assert answer.headers["Content-Type"] == "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"
shown = numpy.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
assert abs(shown - eight.pixel_array.astype(int)).mean() < 4
ct = stored(shipped("CT_small.dcm"))
get(address(ct) + "/frames/1", "image/jpeg", 406)
get(address(ct) + "/frames/1", "image/jpeg, application/octet-stream;q=0.5")
get(f"{address(ct)}/frames/1?accept=application/octet-stream", "image/jpeg")
get(address(ct), "application/dicom;q=0, multipart/related;q=0", 406)

# Ranges, lengths and validators.
at, pixels = address(ct), ct.PixelData
for path, accept in [(at, "application/dicom"), (at + "/frames/1", "application/octet-stream"), (at + "/bulkdata/7FE00010", "application/octet-stream"),
                     (at + "/frames/1,1", "multipart/related; type=application/octet-stream")]:
    whole = get(path, accept)
    size = int(whole.headers["Content-Length"])
    assert size == len(whole.content) and whole.headers["Accept-Ranges"] == "bytes", path
    tag = whole.headers["ETag"]
    assert tag.startswith('"') and "Last-Modified" in whole.headers
    for wanted, (begin, end) in {"bytes=0-0": (0, 1), "bytes=100-1099": (100, 1100), f"bytes={size - 7}-": (size - 7, size), "bytes=-5": (size - 5, size)}.items():
        part = get(path, accept, 206, Range=wanted)
        assert part.content == whole.content[begin:end], (path, wanted)
        assert part.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{size}" and part.headers["ETag"] == tag
    assert get(path, accept, 206, Range="bytes=5-", If_Range=tag).content == whole.content[5:]
    assert get(path, accept, 200, Range="bytes=5-", If_Range='"other"').content == whole.content
    assert get(path, accept, 416, Range=f"bytes={size}-").headers["Content-Range"] == f"bytes */{size}"
for path, accept in [(at, "application/dicom"), (at + "/metadata", None), (at + "/frames/1", "application/octet-stream"), (at + "/bulkdata/7FE00010", None),
                     (at + "/rendered", "image/png"), (at + "/thumbnail", None), (f"{url}/studies/{ct.StudyInstanceUID}", None),
                     (f"{url}/studies/{ct.StudyInstanceUID}/metadata", None), (f"{url}/studies/{ct.StudyInstanceUID}/rendered", None)]:
    first = get(path, accept)
    tag = first.headers["ETag"]
    again = get(path, accept)
    assert again.headers["ETag"] == tag and again.content == first.content, (path, "one tag, one answer")
    known = get(path, accept, 304, If_None_Match=f'"x", {tag}')
    assert known.content == b"" and known.headers["ETag"] == tag
    get(path, accept, 200, If_None_Match='"x"')
    get(path, accept, 200, If_None_Match="*")
    # To whom nothing is there, a known tag opens nothing.
    hidden = get(path, accept, 404, by=other, If_None_Match=tag)
    absent = get(f"{url}/studies/1.2.3/metadata", None, 404, by=other)
    assert hidden.content == absent.content
    head = expect(reader.head(path, headers={"Accept": accept} if accept else {}))
    assert head.content == b"" and head.headers["ETag"] == tag and head.headers["Content-Type"].split(";")[0] == first.headers["Content-Type"].split(";")[0]
assert get(at, "application/dicom").headers["ETag"] != get(at, f"application/dicom; transfer-syntax={ImplicitVRLittleEndian}").headers["ETag"]
later = dcmread(io.BytesIO(shipped("CT_small.dcm")))
later.ImageComments = "a second version"
before = get(at + "/metadata").headers["ETag"]
buffer = io.BytesIO()
later.save_as(buffer)
expect(sender.post(f"{url}/studies", data=buffer.getvalue(), headers={"Content-Type": "application/dicom"}), 202)
get(at + "/metadata", None, 200, If_None_Match=before)

# Bulk data: every link of every level leads to its value.
deep = Dataset()
deep.SOPClassUID, deep.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", generate_uid()
deep.StudyInstanceUID, deep.SeriesInstanceUID, deep.PatientID, deep.PatientName = generate_uid(), generate_uid(), "DEEP", "Deep^Data"
inner, middle = Dataset(), Dataset()
inner.add_new(0x54001010, "OW", bytes(range(256)) * 20)
middle.WaveformSequence = [Dataset(), inner]
deep.RequestAttributesSequence = [middle]
block = deep.private_block(0x0009, "VENDOR", create=True)
block.add_new(0x01, "OB", b"private" * 1000)
block.add_new(0x02, "OB", b"short")
deep.TextValue = "x" * 20000
deep.file_meta = copy.deepcopy(ct.file_meta)
deep.file_meta.MediaStorageSOPInstanceUID = deep.SOPInstanceUID
deep.file_meta.MediaStorageSOPClassUID = deep.SOPClassUID
deep.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
buffer = io.BytesIO()
deep.save_as(buffer, enforce_file_format=True)
stored(buffer.getvalue())
metadata = get(address(deep) + "/metadata").json()[0]
links = []


def follow(data_set):
    for tag, element in data_set.items():
        assert not {"Bulk", "Fragments"} & element.keys()
        if "BulkDataURI" in element:
            links.append((tag, element["BulkDataURI"]))
        for item in element.get("Value", []) if element["vr"] == "SQ" else []:
            follow(item)


follow(metadata)
wanted = {"54001010": bytes(range(256)) * 20, "00091001": b"private" * 1000, "0040A160": b"x" * 20000}
assert {tag for tag, _ in links} == wanted.keys(), links
for tag, link in links:
    assert get(link).content == wanted[tag] and client.retrieve_bulkdata(link)[0] == wanted[tag], link
assert metadata["00091002"]["InlineBinary"], "what is short stays in the metadata"
every = {location: body for _, location, body in parts(get(address(deep) + "/bulkdata"))}
assert every == {link: wanted[tag] for tag, link in links}
get(address(deep) + "/pixeldata", None, 404)
for level in (address(ct), address(ct).rsplit("/", 2)[0], address(ct).rsplit("/", 4)[0]):
    (kind, location, body), = parts(get(level + "/pixeldata"))
    assert body == pixels and location == address(ct) + "/frames/1" and "transfer-syntax=" in kind
    assert pixels in [body for _, _, body in parts(get(level + "/bulkdata"))]

# Pictures at every level.
two = stored(shipped("SC_rgb_rle_2frame.dcm"))
study = f"{url}/studies/{ct.StudyInstanceUID}"
for level in (study, f"{study}/series/{ct.SeriesInstanceUID}"):
    for kind, location, body in parts(get(level + "/rendered", 'multipart/related; type="image/png"')):
        assert kind == "image/png" and Image.open(io.BytesIO(body)).format == "PNG" and location.endswith("/rendered")
    get(level + "/rendered", "image/png", 406)
pictures = parts(get(address(two) + "/frames/1,2/rendered"))
assert len(pictures) == 2 and all(Image.open(io.BytesIO(body)).size == (two.Columns, two.Rows) for _, _, body in pictures)
sr = stored(shipped("test-SR.dcm"))
for path in ("/rendered", "/thumbnail"):
    get(address(sr) + path, None, 406)
    get(f"{url}/studies/{sr.StudyInstanceUID}{path}", None, 406)
small = get(study + "/thumbnail", "image/png")
assert max(Image.open(io.BytesIO(small.content)).size) <= 128

# The URI service.
wado = {"requestType": "WADO", "studyUID": ct.StudyInstanceUID, "seriesUID": ct.SeriesInstanceUID, "objectUID": ct.SOPInstanceUID}


def uri(status=200, by=reader, **more):
    return expect(by.get(f"{origin}/wado", params=wado | more), status)


assert uri().headers["Content-Type"] == "image/jpeg" and Image.open(io.BytesIO(uri().content)).size == (ct.Columns, ct.Rows)
same = dcmread(io.BytesIO(uri(contentType="application/dicom").content))
assert same.PixelData == ct.PixelData
other_way = dcmread(io.BytesIO(uri(contentType="application/dicom", transferSyntax=ImplicitVRLittleEndian).content))
assert other_way.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
assert Image.open(io.BytesIO(uri(contentType="image/png", rows="32", columns="32").content)).size == (32, 32)
windowed = uri(contentType="image/png", windowCenter="100", windowWidth="50")
assert windowed.content != uri(contentType="image/png").content
region = Image.open(io.BytesIO(uri(contentType="image/png", region="0,0,0.5,0.5").content))
assert region.size == (ct.Columns // 2, ct.Rows // 2), region.size
assert numpy.array_equal(numpy.asarray(region), numpy.asarray(Image.open(io.BytesIO(uri(contentType="image/png").content)))[:64, :64])
for wrong in ({"requestType": "other"}, {"studyUID": "x"}, {"windowCenter": "1"}, {"rows": "0"}, {"region": "1,1,0,0"}, {"frameNumber": "0"}):
    uri(400, **wrong)
uri(404, frameNumber="2")
uri(406, contentType="text/html")
uri(406, anonymize="yes")
assert uri(404, by=other).content == expect(other.get(f"{origin}/wado", params=wado | {"objectUID": "1.2.3"}), 404).content
expect(requests.get(f"{origin}/wado", params=wado), 401)


# Metadata and bulk data apart.
def described(dataset, bulks, kind="application/dicom+json"):
    body = b"--b\r\nContent-Type: application/dicom+json\r\n\r\n" + json.dumps([dataset]).encode()
    for location, (kind_of_part, content) in bulks.items():
        for one in content if isinstance(content, list) else [content]:
            body += f"\r\n--b\r\nContent-Type: {kind_of_part}\r\nContent-Location: {location}\r\n\r\n".encode() + one
    return sender.post(f"{url}/studies", data=body + b"\r\n--b--\r\n", headers={"Content-Type": f'multipart/related; type="{kind}"; boundary=b'})


def as_json(dataset, **changes):
    copied = copy.deepcopy(dataset)
    copied.SOPInstanceUID = generate_uid()
    for name, value in changes.items():
        setattr(copied, name, value)
    bulks = {}

    def elsewhere(element):
        location = f"bulk/{int(element.tag):08X}"
        bulks[location] = ("application/octet-stream", element.value)
        return location

    return copied, copied.to_json_dict(bulk_data_threshold=1000, bulk_data_element_handler=elsewhere), bulks


copied, described_set, bulks = as_json(ct)
expect(described(described_set, bulks))
back = client.retrieve_instance(copied.StudyInstanceUID, copied.SeriesInstanceUID, copied.SOPInstanceUID)
assert back.PixelData == ct.PixelData and back.PatientName == ct.PatientName
squeezed = stored(shipped("SC_rgb_rle_2frame.dcm"))
copied, described_set, bulks = as_json(squeezed)
frames = list(generate_frames(squeezed.PixelData, number_of_frames=int(squeezed.NumberOfFrames)))
bulks["bulk/7FE00010"] = ("image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5", frames)
described_set["7FE00010"] = {"vr": "OB", "BulkDataURI": "bulk/7FE00010"}
expect(described(described_set, bulks))
back = client.retrieve_instance(copied.StudyInstanceUID, copied.SeriesInstanceUID, copied.SOPInstanceUID, media_types=(("application/dicom", "*"),))
assert back.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5" and (back.pixel_array == squeezed.pixel_array).all()
missing = expect(described(as_json(ct)[1], {}), 409)
assert "BulkDataURI" in missing.headers["Warning"]
expect(described(described_set, {}, "application/dicom+xml"), 415)

# What there is to know without a token: the description, and what the service can do.
document = expect(requests.get(f"{origin}/openapi.json")).json()
assert document["openapi"].startswith("3.") and "/dicom-web/studies/{study}/metadata" in document["paths"]
wadl = expect(requests.options(url))
assert wadl.headers["Content-Type"] == "application/vnd.sun.wadl+xml" and f'base="{url}"' in wadl.text
allowed = expect(requests.options(f"{url}/studies"), 204)
assert set(allowed.headers["Allow"].split(",")) == {"GET", "HEAD", "POST", "OPTIONS"}
print(f"{len(PLAIN)} instances in {len(WRITTEN)} encodings, {decoded} decoded, {len(links)} links followed")
