"""The report that a viewer saved: it is in the study, byte for byte what the viewer sent, and says what the viewer showed.

Usage: viewer_report.py DICOMWEB_URL FIRST_SLICE REPORT_UID LENGTH SENT FILE    (the token is the first line of the input)
"""
import sys
from io import BytesIO
from pathlib import Path

import requests
from pydicom import dcmread
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import EnhancedSRStorage

url, first_slice, report_uid, length, sent, file = sys.argv[1:7]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {sys.stdin.readline().strip()}"
scan = dcmread(first_slice)
study = f"{url}/studies/{scan.StudyInstanceUID}"


def answer(address, accept):
    got = session.get(address, headers={"Accept": accept})
    assert got.status_code == 200, (address, got.status_code, got.text)
    return got


def first_part(content_type, body):
    """The one part of a multipart body (RFC 2046 5.1)."""
    boundary = content_type.split("boundary=")[1].strip('"').encode()
    part = body.split(b"--" + boundary)[1]
    return part.split(b"\r\n\r\n", 1)[1][:-2]


def data_set(whole):
    """The data set's own bytes: what follows preamble and file meta information."""
    stream = BytesIO(whole)
    read_preamble(stream, force=True)
    _read_file_meta_info(stream)
    return whole[stream.tell():]


reports = answer(f"{study}/instances?Modality=SR", "application/dicom+json").json()
assert [found["00080018"]["Value"] for found in reports] == [[report_uid]], reports
(listed,) = answer(f"{url}/studies?StudyInstanceUID={scan.StudyInstanceUID}&includefield=all", "application/dicom+json").json()
assert sorted(listed["00080061"]["Value"]) == ["CT", "SR"], listed

series = reports[0]["0020000E"]["Value"][0]
kept = answer(f"{study}/series/{series}/instances/{report_uid}", 'multipart/related; type="application/dicom"; transfer-syntax=*')
kept = first_part(kept.headers["Content-Type"], kept.content)
body = Path(sent).read_bytes()
boundary = body.lstrip(b"\r\n").split(b"\r\n", 1)[0][2:].decode()
assert data_set(kept) == data_set(first_part(f"multipart/related; boundary={boundary}", body)), "not what the viewer sent"
Path(file).write_bytes(kept)

report = dcmread(file)
assert report.SOPClassUID == EnhancedSRStorage
for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber"):
    assert report[keyword].value == scan[keyword].value, keyword


def items(item):
    yield item
    for below in item.get("ContentSequence", []):
        yield from items(below)


(number,) = [item for item in items(report) if item.get("ValueType") == "NUM"]
measured = number.MeasuredValueSequence[0]
assert measured.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
assert f"{float(measured.NumericValue):.1f} mm" == length, (measured.NumericValue, length)
(line,) = [item for item in items(number) if item.get("ValueType") == "SCOORD"]
x0, y0, x1, y1 = line.GraphicData
row, column = (float(value) for value in scan.PixelSpacing)
drawn = (((x1 - x0) * column) ** 2 + ((y1 - y0) * row) ** 2) ** 0.5
assert abs(drawn - float(measured.NumericValue)) < 1e-3, (drawn, measured.NumericValue)
pictures = {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in items(number) if item.get("ValueType") == "IMAGE"}
slices = [dcmread(path, stop_before_pixels=True) for path in Path(first_slice).parent.glob("ct*.dcm")]
(read,) = [one for one in slices if one.SOPInstanceUID in pictures]
print(f"the report says {length} on slice {read.InstanceNumber}")
