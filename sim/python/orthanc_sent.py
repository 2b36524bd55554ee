"""The archive sends to an Orthanc: studies by `segel send` with storage commitment, and by C-MOVE that a viewer asks for.

Usage: orthanc_sent.py ORTHANC_URL DICOMWEB_URL CLINICIAN_TOKEN HOST:PORT SEGEL_PROGRAM DATA_FOLDER
The peers ORTHANC (with its address) and VIEWER (in plain text) are registered.
"""
import json
import subprocess
import sys

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

from orthanc_rest import SECONDS_MAX, Archive, Orthanc, data_set, shipped

orthanc, archive = Orthanc(sys.argv[1]), Archive(sys.argv[2], sys.argv[3])
token, (host, port), (segel, data) = sys.argv[3], sys.argv[4].split(":"), sys.argv[5:7]
paths = shipped()
orthanc.echoes()
names = [orthanc.upload(path.read_bytes()) for path in paths.values()]
stored = orthanc.job("/modalities/segel/store", {"Resources": names})
assert stored["State"] == "Success", stored
kept = archive.held()
assert set(kept) == set(paths)
studies = sorted({study for study, _, _ in archive.instances()})
orthanc.clear()


def arrived(how, uids):
    came = orthanc.held()
    assert sorted(came) == sorted(uids), (how, len(came), len(uids))
    for uid in uids:
        assert data_set(came[uid]) == data_set(kept[uid]), f"{how}: {paths[uid]} has other bytes"
    print(f"{how}: {len(came)} instances")


def send(*further):
    arguments = [segel, "send", "--data", data, "--to", "ORTHANC", "--token", token, "--json", *further]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


every = [option for study in studies for option in ("--study", study)]
report = send(*every, "--commit")
assert (report["sent"], report["committed"]) == (len(kept), len(kept)), report
assert report["refused"] == report["uncommitted"] == report["unknown"] == [], report
arrived("segel send --commit", list(kept))
orthanc.clear()

# A viewer has the archive send to Orthanc.
ae = AE(ae_title="VIEWER")
ae.add_requested_context(Move)
association = ae.associate(host, int(port), ae_title="SEGEL")
assert association.is_established
for number, study in enumerate(studies):
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", study
    last, failed = list(association.send_c_move(identifier, "ORTHANC", Move, msg_id=number + 1))[-1]
    assert last.Status == 0x0000, (study, hex(last.Status), last.get("ErrorComment"), failed)
association.release()
arrived("C-MOVE to Orthanc", list(kept))
