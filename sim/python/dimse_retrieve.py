"""pynetdicom retrieves what was imported: C-GET over the same association, C-MOVE to a listener of its own, at every level
of both models; cancelled, refused and stumbling. Every data set must arrive with the bytes that were imported.

Usage: dimse_retrieve.py HOST:PORT FOLDER LISTENER_PORT
"""
import io
import sys
import threading
import time
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelGet as PatientGet,
    PatientRootQueryRetrieveInformationModelMove as PatientMove,
    StudyRootQueryRetrieveInformationModelGet as StudyGet,
    StudyRootQueryRetrieveInformationModelMove as StudyMove,
    Verification,
)

host, port = sys.argv[1].split(":")
port = int(port)
listener_port = int(sys.argv[3])


class Sent:
    """A file as it was imported: its UIDs, and its data set's own bytes."""

    def __init__(self, path):
        whole = path.read_bytes()
        stream = io.BytesIO(whole)
        read_preamble(stream, force=True)
        _read_file_meta_info(stream)
        self.data_set = whole[stream.tell():]
        header = dcmread(path, stop_before_pixels=True)
        self.syntax = header.file_meta.TransferSyntaxUID
        self.sop_class, self.instance = header.SOPClassUID, header.SOPInstanceUID
        self.study, self.series, self.patient = header.StudyInstanceUID, header.SeriesInstanceUID, header.PatientID


sent = {one.instance: one for one in map(Sent, sorted(Path(sys.argv[2]).rglob("*.dcm")))}
studies = {}
for one in sent.values():
    studies.setdefault(one.study, []).append(one)
largest = max(studies.values(), key=len)
first = largest[0]
assert len(largest) >= 8


def of(**values):
    """The imported instances whose named attributes have these values."""
    return {one.instance for one in sent.values() if all(getattr(one, name) in value for name, value in values.items())}


def keys(level, **values):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for name, value in values.items():
        setattr(identifier, name, value)
    return identifier


def store_contexts(ae, each_alone=True):
    """A context for each pair of SOP class and transfer syntax that was imported."""
    for sop_class, syntax in sorted({(one.sop_class, one.syntax) for one in sent.values()}):
        ae.add_requested_context(sop_class, syntax)


class Got:
    """What came, by SOP Instance UID, and how each is answered."""

    def __init__(self, answer=lambda number: 0x0000):
        self.data_sets, self.answer, self.numbers = {}, answer, 0

    def take(self, event):
        request = event.request
        self.numbers += 1
        self.data_sets[request.AffectedSOPInstanceUID] = request.DataSet.getvalue()
        self.originator = (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID)
        return self.answer(self.numbers)

    def check(self, expected):
        assert set(self.data_sets) == set(expected), (len(self.data_sets), len(expected))
        for instance in expected:
            assert self.data_sets[instance] == sent[instance].data_set, f"{instance}: other bytes than were imported"


def associate(got=None, roles=True, relational=(), title="PYNETDICOM", prepare=store_contexts, pdu=None):
    ae = AE(ae_title=title)
    if pdu is not None:
        ae.maximum_pdu_size = pdu
    for model in (Verification, PatientGet, StudyGet, PatientMove, StudyMove):
        ae.add_requested_context(model)
    prepare(ae)
    negotiation = [build_role(uid, scp_role=True) for uid in {one.sop_class for one in sent.values()}] if roles else []
    for model in relational:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid, item.service_class_application_information = model, b"\x01"
        negotiation.append(item)
    handlers = [(evt.EVT_C_STORE, got.take)] if got else []
    association = ae.associate(host, port, ae_title="SEGEL", ext_neg=negotiation, evt_handlers=handlers)
    assert association.is_established
    return association


def counts(status):
    return tuple(getattr(status, f"NumberOf{name}Suboperations", None) for name in ("Completed", "Failed", "Warning", "Remaining"))


def get(association, model, identifier, **options):
    """The last response, its identifier, and how many pending ones came before."""
    pending = 0
    for status, data_set in association.send_c_get(identifier, model, **options):
        assert "Status" in status, "the archive broke off"
        if status.Status != 0xFF00:
            return status, data_set, pending
        pending += 1
    raise AssertionError("no last response")


# C-GET at every level of both models.
p, s, i = first.patient, first.study, first.instance
for name, model, identifier, expected in [
    ("a study", StudyGet, keys("STUDY", StudyInstanceUID=s), of(study=[s])),
    ("two studies", StudyGet, keys("STUDY", StudyInstanceUID=sorted(studies)[:2]), of(study=sorted(studies)[:2])),
    ("a series", StudyGet, keys("SERIES", StudyInstanceUID=s, SeriesInstanceUID=first.series), of(series=[first.series])),
    ("an image", StudyGet, keys("IMAGE", StudyInstanceUID=s, SeriesInstanceUID=first.series, SOPInstanceUID=i), {i}),
    ("a patient", PatientGet, keys("PATIENT", PatientID=p), of(patient=[p])),
    ("a patient's study", PatientGet, keys("STUDY", PatientID=p, StudyInstanceUID=s), of(study=[s])),
    ("a patient's series", PatientGet, keys("SERIES", PatientID=p, StudyInstanceUID=s, SeriesInstanceUID=first.series),
     of(series=[first.series])),
    ("a patient's images", PatientGet,
     keys("IMAGE", PatientID=p, StudyInstanceUID=s, SeriesInstanceUID=first.series, SOPInstanceUID=sorted(of(series=[first.series]))[:3]),
     set(sorted(of(series=[first.series]))[:3])),
    ("another's study", PatientGet, keys("STUDY", PatientID="NOBODY", StudyInstanceUID=s), set()),
    ("what is not there", StudyGet, keys("STUDY", StudyInstanceUID="1.2.3"), set()),
]:
    got = Got()
    association = associate(got)
    status, _, pending = get(association, model, identifier)
    assert status.Status == 0x0000, (name, hex(status.Status), status.get("ErrorComment"))
    assert counts(status) == (len(expected), 0, 0, None), (name, counts(status))
    assert pending == len(expected), name
    got.check(expected)
    association.release()
    print(f"C-GET of {name}: {len(expected)} instances")

# Small and unlimited PDUs.
for pdu in (4096, 0):
    got = Got()
    association = associate(got, pdu=pdu)
    status, _, _ = get(association, StudyGet, keys("STUDY", StudyInstanceUID=s))
    assert status.Status == 0x0000
    got.check(of(study=[s]))
    association.release()

# Keys that the model does not allow; with relational retrieval one key is enough.
association = associate()
for identifier in (keys("IMAGE", SOPInstanceUID=i), keys("PATIENT", StudyInstanceUID=s), keys("STUDY"), keys("SERIES", SeriesInstanceUID=first.series)):
    status, _, _ = get(association, StudyGet, identifier)
    assert status.Status == 0xA900, hex(status.Status)
association.release()
got = Got()
association = associate(got, relational=[StudyGet])
answered = association.acceptor.sop_class_extended
assert answered[StudyGet] == b"\x01", answered
status, _, _ = get(association, StudyGet, keys("IMAGE", SOPInstanceUID=i))
assert status.Status == 0x0000
got.check({i})
association.release()

# Without the role of SCP, and without a context that fits, a sub-operation fails and is named.
association = associate(Got(), roles=False)
status, failed, _ = get(association, StudyGet, keys("STUDY", StudyInstanceUID=s))
assert status.Status == 0xA702 and counts(status) == (0, len(largest), 0, None), (hex(status.Status), counts(status))
assert set(failed.FailedSOPInstanceUIDList) == of(study=[s])
association.release()

# What the peer answers counts.
for answer, last, outcome in [
    (lambda number: 0xA700 if number == 2 else 0x0000, 0xB000, (len(largest) - 1, 1, 0, None)),
    (lambda number: 0xB000 if number == 2 else 0x0000, 0xB000, (len(largest) - 1, 0, 1, None)),
    (lambda number: 0xC000, 0xA702, (0, len(largest), 0, None)),
]:
    got = Got(answer)
    association = associate(got)
    status, failed, _ = get(association, StudyGet, keys("STUDY", StudyInstanceUID=s))
    assert (status.Status, counts(status)) == (last, outcome), (hex(status.Status), counts(status))
    named = failed.FailedSOPInstanceUIDList if failed and outcome[1] else []
    named = [named] if isinstance(named, str) else list(named)
    assert len(named) == outcome[1] and set(named) <= of(study=[s])
    got.check(of(study=[s]))
    association.release()

# A C-CANCEL in the middle.
got = Got()
association = associate(got)


def cancel(number):
    if number == 3:
        association.send_c_cancel(77, query_model=StudyGet)
    time.sleep(0.05)
    return 0x0000


got.answer = cancel
status, _, _ = get(association, StudyGet, keys("STUDY", StudyInstanceUID=s), msg_id=77)
completed, failed, warnings, remaining = counts(status)
assert status.Status == 0xFE00, hex(status.Status)
assert completed == len(got.data_sets) < len(largest) and completed + remaining == len(largest) and failed == warnings == 0
assert association.send_c_echo().Status == 0x0000, "the association goes on after a cancel"
got.answer = lambda number: 0x0000
status, _, _ = get(association, StudyGet, keys("STUDY", StudyInstanceUID=s), msg_id=78)
assert status.Status == 0x0000
association.release()
print(f"C-GET cancelled after {completed} of {len(largest)}")

# An abort in the middle leaves the archive in good order.
association = None
got = Got(lambda number: association.abort() or 0x0000)
association = associate(got)
# Who aborts in a handler of its own still waits for the next response, by default for half a minute.
association.dimse_timeout = 1
for status, _ in association.send_c_get(keys("STUDY", StudyInstanceUID=s), StudyGet):
    pass
again = associate()
assert again.send_c_echo().Status == 0x0000
again.release()

# C-MOVE to a listener of our own, at every level of both models.
received = Got()
listener = AE(ae_title="LISTENER")
for sop_class in {one.sop_class for one in sent.values()}:
    listener.add_supported_context(sop_class, sorted({one.syntax for one in sent.values()}))
server = listener.start_server(("127.0.0.1", listener_port), block=False, evt_handlers=[(evt.EVT_C_STORE, received.take)])


def move(association, model, identifier, destination="LISTENER", **options):
    pending = []
    for status, data_set in association.send_c_move(identifier, destination, model, **options):
        assert "Status" in status, "the archive broke off"
        if status.Status != 0xFF00:
            return status, data_set, pending
        pending.append(counts(status))
    raise AssertionError("no last response")


for name, model, identifier, expected in [
    ("a study", StudyMove, keys("STUDY", StudyInstanceUID=s), of(study=[s])),
    ("all studies", StudyMove, keys("STUDY", StudyInstanceUID=sorted(studies)), of()),
    ("a series", StudyMove, keys("SERIES", StudyInstanceUID=s, SeriesInstanceUID=first.series), of(series=[first.series])),
    ("an image", StudyMove, keys("IMAGE", StudyInstanceUID=s, SeriesInstanceUID=first.series, SOPInstanceUID=i), {i}),
    ("a patient", PatientMove, keys("PATIENT", PatientID=p), of(patient=[p])),
    ("a patient's study", PatientMove, keys("STUDY", PatientID=p, StudyInstanceUID=s), of(study=[s])),
    ("a patient's series", PatientMove, keys("SERIES", PatientID=p, StudyInstanceUID=s, SeriesInstanceUID=first.series),
     of(series=[first.series])),
    ("a patient's image", PatientMove,
     keys("IMAGE", PatientID=p, StudyInstanceUID=s, SeriesInstanceUID=first.series, SOPInstanceUID=i), {i}),
    ("what is not there", StudyMove, keys("STUDY", StudyInstanceUID="1.2.3"), set()),
]:
    received.data_sets.clear()
    association = associate()
    status, _, _ = move(association, model, identifier, msg_id=41)
    assert status.Status == 0x0000, (name, hex(status.Status), status.get("ErrorComment"))
    assert counts(status) == (len(expected), 0, 0, None), (name, counts(status))
    received.check(expected)
    assert not expected or received.originator == ("PYNETDICOM", 41), received.originator
    association.release()
    print(f"C-MOVE of {name}: {len(expected)} instances")

association = associate()
for destination in ("NOWHERE", "ELSEWHERE", "NOADDRESS"):
    status, _, _ = move(association, StudyMove, keys("STUDY", StudyInstanceUID=s), destination)
    assert status.Status == 0xA801, (destination, hex(status.Status))
received.answer = lambda number: 0xA700
status, failed, _ = move(association, StudyMove, keys("STUDY", StudyInstanceUID=s))
assert status.Status == 0xA702 and set(failed.FailedSOPInstanceUIDList) == of(study=[s]), hex(status.Status)
received.numbers, received.answer = 0, lambda number: 0xA700 if number == 1 else 0x0000
status, failed, _ = move(association, StudyMove, keys("STUDY", StudyInstanceUID=s))
assert status.Status == 0xB000 and counts(status)[1] == 1, hex(status.Status)
received.numbers = 0


def slow(number):
    if number == 2:
        association.send_c_cancel(55, query_model=StudyMove)
    time.sleep(0.3)
    return 0x0000


received.answer = slow
status, _, pending = move(association, StudyMove, keys("STUDY", StudyInstanceUID=s), msg_id=55)
assert status.Status == 0xFE00 and counts(status)[3] > 0, (hex(status.Status), counts(status))
received.numbers, received.answer = 0, lambda number: time.sleep(0.6 if number < 4 else 0) or 0x0000
status, _, pending = move(association, StudyMove, keys("STUDY", StudyInstanceUID=s))
assert status.Status == 0x0000 and len(pending) >= 2, "responses tell how far it is, at least every second"
server.shutdown()
status, failed, _ = move(association, StudyMove, keys("STUDY", StudyInstanceUID=s))
assert status.Status == 0xA702 and len(failed.FailedSOPInstanceUIDList) == len(largest), hex(status.Status)
association.release()
print("every data set arrived with the bytes that were imported")
