"""pynetdicom as a destination that keeps what it is sent and commits itself as it is told. Prints its port.

Usage: commitment_scp.py same|other|never ARCHIVE_HOST:PORT
`same` reports over the association that asked, `other` over one of its own to the archive, `never` does not. The first
instance of every request is not committed.
"""
import sys
import threading
import time

from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    SecondaryCaptureImageStorage,
    StorageCommitmentPushModel as Commitment,
)

how = sys.argv[1]
host, port = sys.argv[2].split(":")
WELL_KNOWN = "1.2.840.10008.1.20.1.1"


def report(request):
    information = Dataset()
    information.TransactionUID = request.TransactionUID
    items = list(request.ReferencedSOPSequence)
    items[0].FailureReason = 0x0112
    information.FailedSOPSequence = items[:1]
    if items[1:]:
        information.ReferencedSOPSequence = items[1:]
    return information


def over_own(information):
    time.sleep(0.5)
    ae = AE(ae_title="DEST")
    ae.add_requested_context(Commitment)
    role = build_role(Commitment, scu_role=False, scp_role=True)
    association = ae.associate(host, int(port), ae_title="SEGEL", ext_neg=[role])
    assert association.is_established
    status, _ = association.send_n_event_report(information, 2, Commitment, WELL_KNOWN)
    print("status", hex(status.Status), file=sys.stderr, flush=True)
    association.release()


def over_same(association, information):
    time.sleep(0.5)
    association.send_n_event_report(information, 2, Commitment, WELL_KNOWN)


def action(event):
    information = report(event.action_information)
    if how == "other":
        threading.Thread(target=over_own, args=(information,)).start()
    elif how == "same":
        threading.Thread(target=over_same, args=(event.assoc, information)).start()
    return 0x0000, None


ae = AE(ae_title="DEST")
ae.add_supported_context(SecondaryCaptureImageStorage)
ae.add_supported_context(Commitment)
handlers = [(evt.EVT_C_STORE, lambda event: 0x0000), (evt.EVT_N_ACTION, action)]
server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
print(server.socket.getsockname()[1], flush=True)
threading.Event().wait()
