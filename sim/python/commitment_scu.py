"""pynetdicom as a modality that asks for storage commitment, against a running archive.

Usage: commitment_scu.py HOST:PORT FOLDER LISTEN_PORT
The peer MODALITY is registered with 127.0.0.1:LISTEN_PORT; nothing listens there until the story says so.
"""
import sys
import threading
import time
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt, build_role
from pynetdicom.sop_class import (
    SecondaryCaptureImageStorage,
    StorageCommitmentPushModel as Commitment,
)

WELL_KNOWN = "1.2.840.10008.1.20.1.1"
host, port = sys.argv[1].split(":")
instances = [dcmread(path) for path in sorted(Path(sys.argv[2]).glob("*.dcm"))]
listen = int(sys.argv[3])
reports = {}
arrived = threading.Condition()


def take(event):
    report = event.event_information
    with arrived:
        reports[str(report.TransactionUID)] = (event.event_type, report)
        arrived.notify_all()
    return 0x0000, None


def wait(transaction, seconds):
    with arrived:
        arrived.wait_for(lambda: transaction in reports, seconds)
    return reports.pop(transaction, None)


def associate():
    ae = AE(ae_title="MODALITY")
    ae.add_requested_context(SecondaryCaptureImageStorage)
    ae.add_requested_context(Commitment)
    association = ae.associate(host, int(port), ae_title="SEGEL", evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
    assert association.is_established
    return association


def reference(sop_class, instance):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
    return item


def ask(association, references):
    information = Dataset()
    information.TransactionUID = generate_uid()
    information.ReferencedSOPSequence = references
    status, _ = association.send_n_action(information, 1, Commitment, WELL_KNOWN)
    assert status.Status == 0x0000, hex(status.Status)
    return str(information.TransactionUID)


association = associate()
for instance in instances:
    assert association.send_c_store(instance).Status == 0x0000
kept = [reference(i.SOPClassUID, i.SOPInstanceUID) for i in instances]

# The association stays open: the report comes over it.
event, report = wait(ask(association, kept), 20)
assert event == 1 and len(report.ReferencedSOPSequence) == len(kept) and "FailedSOPSequence" not in report

# Not kept, and kept as another class.
wrong = [reference(instances[0].SOPClassUID, "1.2.3.4"), reference("1.2.840.10008.5.1.4.1.1.2", kept[0].ReferencedSOPInstanceUID)]
event, report = wait(ask(association, kept[1:] + wrong), 20)
reasons = sorted(item.FailureReason for item in report.FailedSOPSequence)
assert event == 2 and reasons == [0x0112, 0x0119] and len(report.ReferencedSOPSequence) == len(kept) - 1

# What cannot be.
for action, instance, expected in ((2, WELL_KNOWN, 0x0123), (1, "1.2.3", 0x0112)):
    information = Dataset()
    information.TransactionUID = generate_uid()
    information.ReferencedSOPSequence = kept
    status, _ = association.send_n_action(information, action, Commitment, instance)
    assert status.Status == expected, hex(status.Status)
association.release()

# It is released at once, and nobody listens: the report waits until somebody does.
association = associate()
transaction = ask(association, kept)
association.release()
assert wait(transaction, 3) is None
print("waiting", flush=True)
sys.stdin.readline()
ae = AE(ae_title="MODALITY")
ae.add_supported_context(Commitment, scu_role=True, scp_role=True)
server = ae.start_server(("127.0.0.1", listen), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
event, report = wait(transaction, 60)
assert event == 1 and len(report.ReferencedSOPSequence) == len(kept)
server.shutdown()
print("reported", flush=True)
