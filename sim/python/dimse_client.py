"""pynetdicom against a running archive: C-ECHO, C-STORE, C-FIND at every level, and PDUs that no client should send.

Usage: dimse_client.py HOST:PORT FOLDER
"""
import socket
import sys
import time
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind as PatientRoot,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind as StudyRoot,
    Verification,
)

host, port = sys.argv[1].split(":")
port = int(port)
folder = Path(sys.argv[2])


def associate(title="PYNETDICOM", called="SEGEL"):
    ae = AE(ae_title=title)
    for syntax in (Verification, SecondaryCaptureImageStorage, StudyRoot, PatientRoot):
        ae.add_requested_context(syntax)
    return ae.associate(host, port, ae_title=called)


def keys(level, **values):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for name, value in values.items():
        setattr(identifier, name, value)
    return identifier


def find(association, model, identifier):
    answers = []
    for status, answer in association.send_c_find(identifier, model):
        assert status, "the archive broke off"
        if status.Status in (0xFF00, 0xFF01):
            answers.append(answer)
        else:
            assert status.Status == 0x0000, hex(status.Status)
    return answers


association = associate()
assert association.is_established
assert association.send_c_echo().Status == 0x0000
sent = [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
for instance in sent:
    assert association.send_c_store(instance).Status == 0x0000
again = association.send_c_store(sent[0])
assert again.Status == 0x0000, "the same bytes again are a success"

one = sent[0]
studies = find(association, StudyRoot, keys("STUDY", StudyInstanceUID="", PatientName="", StudyDate="20211201-20211231"))
assert len(studies) == len({i.StudyInstanceUID for i in sent}), len(studies)
by_uids = find(association, StudyRoot, keys("STUDY", StudyInstanceUID=[i.StudyInstanceUID for i in sent[:3]]))
assert len(by_uids) == len({i.StudyInstanceUID for i in sent[:3]})
patients = find(association, PatientRoot, keys("PATIENT", PatientID=one.PatientID, PatientName="", PatientBirthDate=""))
assert len(patients) == 1 and patients[0].PatientName == one.PatientName and patients[0].PatientBirthDate == one.PatientBirthDate
series = find(association, StudyRoot, keys("SERIES", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID="", Modality=""))
assert [s.Modality for s in series] == ["OT"]
images = find(association, StudyRoot, keys("IMAGE", StudyInstanceUID=one.StudyInstanceUID,
                                           SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID="", InstanceNumber=""))
assert {i.SOPInstanceUID for i in images} == {i.SOPInstanceUID for i in sent if i.StudyInstanceUID == one.StudyInstanceUID}
wild = find(association, StudyRoot, keys("STUDY", StudyInstanceUID="", PatientName=str(one.PatientName)[:4].lower() + "*"))
assert any(s.StudyInstanceUID == one.StudyInstanceUID for s in wild), "names match whatever their case"
single = find(association, StudyRoot, keys("STUDY", StudyInstanceUID="", PatientName="?" + str(one.PatientName)[1:]))
assert [s.StudyInstanceUID for s in single] == [one.StudyInstanceUID]

# The same UID with other bytes is no silent overwrite: the archive says so and keeps both.
changed = dcmread(sorted(folder.glob("*.dcm"))[0])
changed.SeriesDescription = "changed afterwards"
status = association.send_c_store(changed).Status
assert status == 0x0000 or 0xB000 <= status <= 0xBFFF, hex(status)

# A data set without a patient's number is kept; one without a SOP Instance UID cannot be.
nameless = dcmread(sorted(folder.glob("*.dcm"))[0])
nameless.PatientID = ""
nameless.SOPInstanceUID = nameless.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID + ".9"
nameless.StudyInstanceUID += ".9"
assert association.send_c_store(nameless).Status == 0x0000
broken = dcmread(sorted(folder.glob("*.dcm"))[0])
del broken.StudyInstanceUID
broken.SOPInstanceUID = broken.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID + ".8"
status = association.send_c_store(broken).Status
assert 0xA900 <= status <= 0xCFFF, hex(status)
assert association.send_c_echo().Status == 0x0000, "the association goes on after a refusal"
association.release()

assert not associate(title="STRANGER").is_established
# pynetdicom's own threads may see the connection's end before they have looked at the answer.
assert any(associate(called="OTHER").is_rejected for _ in range(3))


def raw(data, wait=5.0):
    """What the archive does with bytes: the first byte of its answer (7 is A-ABORT), or b'' if it hangs up."""
    with socket.create_connection((host, port)) as stream:
        stream.settimeout(wait)
        begun = time.perf_counter()
        stream.sendall(data)
        try:
            return stream.recv(1), time.perf_counter() - begun
        except ConnectionResetError:
            return b"", time.perf_counter() - begun


for what, data in {
    "HTTP": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a PDU of 4 GiB": bytes([1, 0, 255, 255, 255, 255]),
    "P-DATA before an association": bytes([4, 0, 0, 0, 0, 6, 0, 0, 0, 2, 1, 3]),
    "a release before an association": bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
    "an unknown PDU": bytes([99, 0, 0, 0, 0, 0]),
    "an A-ASSOCIATE-RQ of nothing": bytes([1, 0, 0, 0, 0, 68]) + bytes(68),
}.items():
    first, seconds = raw(data)
    assert first in (b"", b"\x07", b"\x03"), (what, first)
    assert seconds < 1.0, (what, seconds)
    print(f"{what}: refused in {seconds * 1000:.1f} ms")
association = associate()
assert association.is_established and association.send_c_echo().Status == 0x0000
association.release()
print(f"pynetdicom: {len(sent)} instances stored and found at every level")
