"""An old PACS with C-FIND and C-GET over the DICOM files of a folder, which misbehaves as it is told. Prints its port.

Usage: old_pacs.py FOLDER [--abort-every N] [--count-more N] [--tls KEY CERTIFICATE PEER]
"""
import ssl
import sys
import threading
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind as Find,
    StudyRootQueryRetrieveInformationModelGet as Get,
    Verification,
)

arguments = sys.argv[1:]
instances = [dcmread(path) for path in sorted(Path(arguments.pop(0)).glob("*.dcm"))]
abort_every = count_more = 0
context = None
while arguments:
    option = arguments.pop(0)
    if option == "--abort-every":
        abort_every = int(arguments.pop(0))
    elif option == "--count-more":
        count_more = int(arguments.pop(0))
    elif option == "--tls":
        key, certificate, peer = (arguments.pop(0) for _ in range(3))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The one client that is trusted is the archive, whose self-signed certificate is its own authority.
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(peer)

UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
given = 0


def fits(instance, identifier):
    """Single values, lists of UIDs and ranges of dates, as far as they are used here."""
    for keyword in (*UNIQUE.values(), "StudyDate"):
        key = identifier.get(keyword)
        if not key:
            continue
        value = str(instance.get(keyword))
        if keyword == "StudyDate":
            first, _, last = str(key).partition("-")
            if not first <= value <= (last or first):
                return False
        elif value not in ([key] if isinstance(key, str) else [str(uid) for uid in key]):
            return False
    return True


def find(event):
    identifier = event.identifier
    level = identifier.QueryRetrieveLevel
    groups = {}
    for instance in instances:
        if fits(instance, identifier):
            groups.setdefault(str(instance.get(UNIQUE[level])), []).append(instance)
    for found in groups.values():
        answer = Dataset()
        answer.QueryRetrieveLevel = level
        for element in identifier:
            if element.keyword == "NumberOfStudyRelatedInstances":
                answer.NumberOfStudyRelatedInstances = len(found) + count_more
            elif element.keyword in found[0]:
                answer[element.keyword] = found[0][element.keyword]
        yield 0xFF00, answer
    yield 0x0000, None


def get(event):
    global given
    wanted = [instance for instance in instances if fits(instance, event.identifier)]
    yield len(wanted)
    for instance in wanted:
        if abort_every and given and given % abort_every == 0:
            given += 1
            event.assoc.abort()
            return
        given += 1
        yield 0xFF00, instance


ae = AE(ae_title="OLD")
ae.add_supported_context(Verification)
for model in (Find, Get):
    ae.add_supported_context(model)
ae.add_supported_context(SecondaryCaptureImageStorage, scu_role=True, scp_role=True)
handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)]
server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=context)
print(server.socket.getsockname()[1], flush=True)
threading.Event().wait()
