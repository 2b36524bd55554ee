"""What the archive gives out is as conformant as what it was given: every kind by every way out, held against `dciodvfy`,
against the bytes that went in, and against pydicom with its warnings as errors.

Usage: emitted.py DICOMWEB_URL HOST:PORT SYSTEM_TOKEN CLINICIAN_TOKEN SEGEL_PROGRAM DATA_FOLDER FOLDER
The peer VIEWER is registered in plain text; COLLECTOR is registered here, with the address of this script's listener.
"""
import io
import re
import subprocess
import sys
import warnings
from pathlib import Path

import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind as PatientFind,
    StudyRootQueryRetrieveInformationModelFind as Find,
    StudyRootQueryRetrieveInformationModelGet as Get,
    StudyRootQueryRetrieveInformationModelMove as Move,
)

from emitted_inputs import KINDS

url, address, system, clinician, segel, data_folder, folder = sys.argv[1:8]
host, port = address.split(":")
IMPLEMENTATION = "2.25.203720550246811363452103357507658717864"

# Each kind as modalities write it, and some of them otherwise.
FORMS = [(kind, ExplicitVRLittleEndian) for kind in KINDS]
FORMS += [(kind, ImplicitVRLittleEndian) for kind in KINDS]
FORMS += [("computed_tomography", syntax) for syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless)]
FORMS += [("enhanced_magnetic_resonance", JPEGLSLossless), ("secondary_capture", RLELossless)]
FORMS += [("report", ExplicitVRBigEndian), ("report", DeflatedExplicitVRLittleEndian)]


def verified(file, what):
    """What dciodvfy says about a file, line by line, without the offsets that name a place in it."""
    path = Path(folder) / "verified.dcm"
    path.write_bytes(file)
    try:
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("dciodvfy does not start: run `cargo xtask tools`")
    lines = (said.stdout + said.stderr).splitlines()
    return {line for line in lines if "Error" in line or "Warning" in line}


def data_set(file):
    stream = io.BytesIO(file)
    read_preamble(stream, force=True)
    _read_file_meta_info(stream)
    return file[stream.tell():]


class Sent:
    """An instance as it went in."""

    def __init__(self, number, kind, syntax):
        instance = KINDS[kind]()
        for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
            setattr(instance, keyword, f"{getattr(instance, keyword)}.{500 + number}")
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
        # A patient of its own: what is asked for below is one instance.
        instance.PatientID = f"{instance.PatientID}-{number}"
        self.name, self.syntax = f"{kind} in {syntax.name}", syntax
        plain = io.BytesIO()
        instance.save_as(plain, enforce_file_format=True)
        self.plain = dcmread(io.BytesIO(plain.getvalue()))
        self.study, self.series, self.uid = instance.StudyInstanceUID, instance.SeriesInstanceUID, instance.SOPInstanceUID
        self.sop_class, self.patient = instance.SOPClassUID, instance.PatientID
        if syntax.is_encapsulated:
            instance.compress(syntax, generate_instance_uid=False)
        instance.file_meta.TransferSyntaxUID = syntax
        buffer = io.BytesIO()
        instance.save_as(buffer, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian, enforce_file_format=True)
        self.file = buffer.getvalue()
        self.data_set = data_set(self.file)
        # dciodvfy cannot inflate; what such a data set says is that of the same one in the open.
        self.baseline = set() if syntax.is_deflated else verified(self.file, self.name)
        assert not self.baseline, f"{self.name} is not clean itself: {self.baseline}"
        self.path = f"/studies/{self.study}/series/{self.series}/instances/{self.uid}"


def pixels(instance):
    return instance.pixel_array.tobytes() if "PixelData" in instance else b""


def meta_is_right(file, sent, syntax):
    """The file meta information (PS3.10 7.1) of a file that the archive wrote."""
    assert file[:128] == bytes(128) and file[128:132] == b"DICM", sent.name
    stream = io.BytesIO(file)
    read_preamble(stream, force=False)
    meta = _read_file_meta_info(stream)
    group_length = 12
    assert meta.FileMetaInformationGroupLength == stream.tell() - 132 - group_length, (sent.name, meta)
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (sent.sop_class, sent.uid), (sent.name, meta)
    assert meta.TransferSyntaxUID == syntax, (sent.name, meta)
    assert meta.ImplementationClassUID == IMPLEMENTATION and meta.ImplementationVersionName.startswith("SEGEL_"), meta
    tags = [element.tag for element in meta]
    assert tags == sorted(tags) and all(tag.group == 2 for tag in tags)


def written(sent, bytes_of_data_set):
    """A file around a data set that came without one, in the transfer syntax that it went in with."""
    return sent.file[:len(sent.file) - len(sent.data_set)] + bytes_of_data_set


def clean(how, file, sent):
    """As it came: the bytes that went in, in the transfer syntax that they had, and nothing that dciodvfy would say."""
    assert data_set(file) == sent.data_set, f"{how}: {sent.name} has other bytes"
    assert sent.syntax.is_deflated or verified(file, sent.name) <= sent.baseline, (how, sent.name, verified(file, sent.name))


def transcoded(how, file, sent):
    """In Explicit VR Little Endian: the same elements, the same pixels, and nothing new that dciodvfy would say."""
    meta_is_right(file, sent, ExplicitVRLittleEndian)
    instance = dcmread(io.BytesIO(file))
    assert pixels(instance) == pixels(sent.plain), f"{how}: {sent.name} has other pixels"
    for one, other in ((instance, sent.plain), (sent.plain, instance)):
        for element in one:
            same = element.tag == 0x7FE00010 or other.get(element.tag) == element
            assert same, f"{how}: {sent.name}: {element} is {other.get(element.tag)}"
    assert verified(file, sent.name) <= sent.baseline, (how, sent.name, verified(file, sent.name))


def get(path, accept, **parameters):
    headers = {"Authorization": f"Bearer {clinician}", "Accept": accept}
    base = url.removesuffix("/dicom-web") if path == "/wado" else url
    answer = requests.get(base + path, headers=headers, params=parameters, timeout=120)
    assert answer.status_code == 200, (path, parameters, answer.status_code, answer.text[:300])
    return answer


def parts(answer):
    boundary = re.search(r'boundary="?([^";]+)', answer.headers["Content-Type"])[1].encode()
    pieces = (b"\r\n" + answer.content).split(b"\r\n--" + boundary)[1:-1]
    return [piece.split(b"\r\n\r\n", 1)[1] for piece in pieces]


everything = [Sent(number, kind, syntax) for number, (kind, syntax) in enumerate(FORMS)]
for sent in everything:
    answer = requests.post(f"{url}/studies", data=sent.file, timeout=120, headers={
        "Authorization": f"Bearer {system}", "Content-Type": "application/dicom", "Accept": "application/dicom+json"})
    assert answer.status_code == 200 and "00081198" not in answer.json(), (sent.name, answer.status_code, answer.text)
print(f"{len(everything)} instances of {len(KINDS)} kinds, clean by dciodvfy")

# By HTTP: alone, in a multipart body, by URI; as kept and in Explicit VR Little Endian.
PLAIN = str(ExplicitVRLittleEndian)
for sent in everything:
    names = {"requestType": "WADO", "studyUID": sent.study, "seriesUID": sent.series, "objectUID": sent.uid,
             "contentType": "application/dicom"}
    kept = {
        "WADO-RS": get(sent.path, "application/dicom; transfer-syntax=*").content,
        "WADO-RS, multipart": parts(get(sent.path, 'multipart/related; type="application/dicom"; transfer-syntax=*'))[0],
        "WADO-RS of the study": parts(get(f"/studies/{sent.study}", 'multipart/related; type="application/dicom"; transfer-syntax=*'))[0],
        "WADO-URI": get("/wado", "*/*", **names, transferSyntax=str(sent.syntax)).content,
    }
    for how, file in kept.items():
        meta_is_right(file, sent, sent.syntax)
        clean(how, file, sent)
    plain = {
        "WADO-RS, transcoded": get(sent.path, f"application/dicom; transfer-syntax={PLAIN}").content,
        "WADO-RS, multipart, transcoded": parts(get(sent.path, f'multipart/related; type="application/dicom"; transfer-syntax={PLAIN}'))[0],
        "WADO-URI, transcoded": get("/wado", "*/*", **names, transferSyntax=PLAIN).content,
    }
    for how, file in plain.items():
        transcoded(how, file, sent)
print("by WADO-RS and WADO-URI, as kept and transcoded: clean")

# By DIMSE: over an association of the viewer's, to a listener at its word, and to the listener at ours.
came = {}
sent_by_uid = {sent.uid: sent for sent in everything}
pairs = sorted({(sent.sop_class, sent.syntax) for sent in everything})


def take(event):
    request = event.request
    came[str(request.AffectedSOPInstanceUID)] = (request.DataSet.getvalue(), event.context.transfer_syntax)
    return 0x0000


def arrived(how, expected):
    assert set(came) == {sent.uid for sent in expected}, (how, len(came))
    for uid, (bytes_of_data_set, syntax) in came.items():
        sent = sent_by_uid[uid]
        assert syntax == sent.syntax, (how, sent.name, syntax)
        clean(how, written(sent, bytes_of_data_set), sent)
    print(f"{how}: {len(came)} clean")
    came.clear()


def associate(models, prepare=lambda ae: None, roles=()):
    ae = AE(ae_title="VIEWER")
    for model in models:
        ae.add_requested_context(model)
    prepare(ae)
    association = ae.associate(host, int(port), ae_title="SEGEL", ext_neg=[build_role(uid, scp_role=True) for uid in roles],
                               evt_handlers=[(evt.EVT_C_STORE, take)])
    assert association.is_established
    return association


def proposed(ae):
    for sop_class, syntax in pairs:
        ae.add_requested_context(sop_class, syntax)


def study_of(sent, **further):
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", sent.study
    for keyword, value in further.items():
        setattr(identifier, keyword, value)
    return identifier


association = associate([Get], proposed, {sop_class for sop_class, _ in pairs})
for sent in everything:
    last, failed = list(association.send_c_get(study_of(sent), Get))[-1]
    assert last.Status == 0x0000, (sent.name, hex(last.Status), last.get("ErrorComment"), failed)
association.release()
arrived("C-GET", everything)

listener = AE(ae_title="COLLECTOR")
for sop_class in {sop_class for sop_class, _ in pairs}:
    listener.add_supported_context(sop_class, [syntax for other, syntax in pairs if other == sop_class])
server = listener.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])


def ours(*arguments):
    done = subprocess.run([segel, *arguments, "--data", data_folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)


ours("admin", "peer", "add", "COLLECTOR", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port",
     str(server.socket.getsockname()[1]))
association = associate([Move])
for sent in everything:
    last, failed = list(association.send_c_move(study_of(sent), "COLLECTOR", Move))[-1]
    assert last.Status == 0x0000, (sent.name, hex(last.Status), last.get("ErrorComment"), failed)
association.release()
arrived("C-MOVE", everything)
ours("send", "--to", "COLLECTOR", "--token", clinician, *(word for sent in everything for word in ("--study", sent.study)))
arrived("segel send", everything)
server.shutdown()

# Answers to searches, and metadata, by pydicom without a warning.
warnings.simplefilter("error")
KEYS = {
    "PATIENT": ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
                "NumberOfPatientRelatedStudies"),
    "STUDY": ("StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "ReferringPhysicianName",
              "StudyDescription", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "StudyID",
              "SOPClassesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
    "SERIES": ("Modality", "SeriesDescription", "SeriesNumber", "SeriesInstanceUID", "BodyPartExamined", "Laterality",
               "NumberOfSeriesRelatedInstances"),
    "IMAGE": ("SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "NumberOfFrames", "ContentDate",
              "ImageType", "AvailableTransferSyntaxUID"),
}
LEVELS = list(KEYS)
association = associate([Find, PatientFind])


def found(sent, level):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword in KEYS[level]:
        setattr(identifier, keyword, None)
    unique = {"PATIENT": ("PatientID", sent.patient), "STUDY": ("StudyInstanceUID", sent.study),
              "SERIES": ("SeriesInstanceUID", sent.series), "IMAGE": ("SOPInstanceUID", sent.uid)}
    first = 0 if level == "PATIENT" else 1
    for keyword, value in [unique[above] for above in LEVELS[first:LEVELS.index(level) + 1]]:
        setattr(identifier, keyword, value)
    model = PatientFind if level == "PATIENT" else Find
    answers = [answer for status, answer in association.send_c_find(identifier, model) if status.Status in (0xFF00, 0xFF01)]
    assert len(answers) == 1, (sent.name, level, len(answers))
    return identifier, answers[0]


def whole(instance):
    """Every element read and its value looked at, at every depth, so that each warning there is would come."""
    for element in instance.iterall():
        assert element.value is None or str(element), element
    return instance


for sent in everything:
    for level in LEVELS:
        identifier, answer = found(sent, level)
        whole(answer)
        given = {element.tag for element in answer}
        assert given >= {element.tag for element in identifier}, (sent.name, level, answer)
        for keyword in KEYS[level]:
            value = getattr(sent.plain, keyword, None)
            if value not in (None, "") and keyword not in ("Rows", "Columns"):
                assert answer.get(keyword) == value, (sent.name, level, keyword, answer.get(keyword), value)
    metadata = get(f"{sent.path}/metadata", "application/dicom+json").json()
    assert len(metadata) == 1
    read = whole(Dataset.from_json(metadata[0], bulk_data_uri_handler=lambda tag, vr, uri: uri.encode()))
    for element in sent.plain:
        if "BulkDataURI" in metadata[0].get(f"{int(element.tag):08X}", {}):
            assert read[element.tag].value.startswith(b"http"), (sent.name, element)
        elif element.VR != "SQ":
            assert read[element.tag] == element, (sent.name, read[element.tag], element)
        else:
            assert len(read[element.tag].value) == len(element.value), (sent.name, element)
    rows = get("/instances", "application/dicom+json", SOPInstanceUID=sent.uid, includefield="all").json()
    assert len(rows) == 1 and whole(Dataset.from_json(rows[0])).SOPInstanceUID == sent.uid, (sent.name, rows)
association.release()
print("C-FIND, QIDO-RS and metadata: read by pydicom without a warning")
