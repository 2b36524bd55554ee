"""What peers can take: instances in every transfer syntax that pydicom ships are stored, then retrieved by C-GET and C-MOVE
to peers that accept some syntaxes only. What comes as it is kept has the bytes that were stored; what was written anew has
every value and every pixel; what cannot be had without loss fails, and the last response says what to accept.

Usage: dimse_recode.py HOST:PORT LISTENER_PORT FOLDER
Writes what came in an uncompressed syntax to FOLDER, for other readers.
"""
import io
import subprocess
import sys
import time
import warnings
from pathlib import Path

from pydicom import dcmread
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian as Deflated, ExplicitVRBigEndian as Big, ExplicitVRLittleEndian as Explicit,
    ImplicitVRLittleEndian as Implicit, generate_uid,
)
from pynetdicom import AE, _config, build_context, build_role, evt
from pynetdicom.presentation import AllStoragePresentationContexts
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet as StudyGet, StudyRootQueryRetrieveInformationModelMove as StudyMove,
)

from every_value import values

warnings.simplefilter("ignore")
_config.STORE_SEND_CHUNKED_DATASET = True
host, port = sys.argv[1].split(":")
port, listener_port, folder = int(port), int(sys.argv[2]), Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)

PLAIN = ["CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm", "test-SR.dcm",
         "waveform_ecg.dcm", "liver_1frame.dcm", "examples_palette.dcm"]
EXACT = ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm",
         "SC_rgb_rle_16bit_2frame.dcm", "rtdose_rle_1frame.dcm", "GDCMJ2K_TextGBR.dcm", "examples_jpeg2k.dcm"]
LOSSY = ["SC_rgb_jpeg_dcmtk.dcm", "JPEG2000.dcm", "JPEG-lossy.dcm"]


class Sent:
    """A shipped file as it is stored, under a UID of its own: some share one."""

    def __init__(self, name):
        whole = Path(get_testdata_files("**/" + name)[0]).read_bytes()
        meta = dcmread(io.BytesIO(whole), stop_before_pixels=True).file_meta
        if meta.TransferSyntaxUID != Deflated:
            old = str(meta.MediaStorageSOPInstanceUID)
            whole = whole.replace(old.encode(), str(generate_uid())[:len(old)].rstrip(".").ljust(len(old), "1").encode())
        self.name, self.path = name, folder / f"kept-{name}"
        self.path.write_bytes(whole)
        self.dataset = dcmread(io.BytesIO(whole))
        self.syntax, self.instance = self.dataset.file_meta.TransferSyntaxUID, self.dataset.SOPInstanceUID
        self.sop_class, self.study = self.dataset.SOPClassUID, self.dataset.StudyInstanceUID
        self.raw = whole[144 + self.dataset.file_meta.FileMetaInformationGroupLength:]
        self.is_lossy = name in LOSSY


# What decoding may change: the pixels' form, their offset tables, how colours and planes lie.
DECODED = {(0x7FE00010,), (0x7FE00001,), (0x7FE00002,), (0x00280004,), (0x00280006,)}


def same(kept, came, syntax):
    ours, theirs = values(came), values(kept.dataset)
    changed = {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}
    if Big in (kept.syntax, syntax):
        changed = {path for path in changed if not isinstance(ours.get(path, theirs.get(path)), bytes)}
    assert changed <= (DECODED if kept.syntax.is_encapsulated else set()), (kept.name, syntax, changed)
    if "PixelData" in kept.dataset:
        assert (came.pixel_array == kept.dataset.pixel_array).all(), (kept.name, syntax)


def complaints(path):
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True).stderr
    return {line for line in said.splitlines() if line.startswith("Error")}


class Got:
    """What came, by SOP Instance UID: transfer syntax, the data set's own bytes, and the whole file."""

    def __init__(self):
        self.came, self.associations = {}, 0

    def take(self, event):
        data_set = event.request.DataSet.getvalue()
        self.came[event.request.AffectedSOPInstanceUID] = (event.context.transfer_syntax, data_set, event.encoded_dataset())
        return 0x0000

    def check(self, allowed, verify=False):
        rewritten = 0
        for kept in sent:
            syntax, raw, whole = self.came.get(kept.instance, (None, None, None))
            expected = kept.syntax in allowed or not kept.is_lossy
            assert (syntax is not None) == expected, (kept.name, kept.syntax, allowed, syntax)
            if syntax is None:
                continue
            if kept.syntax in allowed:
                assert syntax == kept.syntax and raw == kept.raw, (kept.name, "other bytes than were stored")
                continue
            assert syntax in allowed, (kept.name, syntax)
            same(kept, dcmread(io.BytesIO(whole)), syntax)
            rewritten += 1
            # dciodvfy reads no deflated data sets, so it has nothing to say about them before.
            if verify and kept.syntax != Deflated:
                path = folder / f"came-{kept.name}"
                path.write_bytes(whole)
                assert complaints(path) <= complaints(kept.path), (kept.name, complaints(path) - complaints(kept.path))
        return rewritten


sent = [Sent(name) for name in PLAIN + EXACT + LOSSY]
classes = sorted({kept.sop_class for kept in sent})
studies = sorted({kept.study for kept in sent})
compressed = sorted({kept.syntax for kept in sent if kept.syntax.is_encapsulated})
everything = sorted({kept.syntax for kept in sent})


def keys(uids):
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", uids
    return identifier


def retrieve(responses):
    for status, identifier in responses:
        assert "Status" in status, "the archive broke off"
        if status.Status != 0xFF00:
            return status, identifier
    raise AssertionError("no last response")


def store(files):
    """Each over a context of its own transfer syntax, with its own bytes."""
    ae = AE(ae_title="PYNETDICOM")
    for pair in sorted({(kept.sop_class, kept.syntax) for kept in files}):
        ae.add_requested_context(*pair)
    association = ae.associate(host, port, ae_title="SEGEL")
    assert association.is_established
    for kept in files:
        status = association.send_c_store(kept.path)
        assert status.Status == 0x0000, (kept.name, status)
    association.release()


def separate(sop_classes, syntaxes):
    """A context for each pair."""
    return [build_context(sop_class, syntax) for sop_class in sop_classes for syntax in syntaxes]


def get(got, contexts, uids, sop_classes):
    ae = AE(ae_title="PYNETDICOM")
    ae.requested_contexts = [build_context(StudyGet)] + contexts
    roles = [build_role(sop_class, scp_role=True) for sop_class in sop_classes]
    association = ae.associate(host, port, ae_title="SEGEL", ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, got.take)])
    assert association.is_established
    last = retrieve(association.send_c_get(keys(uids), StudyGet))
    association.release()
    return last


def judge(last, allowed):
    """The counts and the comment that go with what was allowed."""
    status, identifier = last
    lost = [kept for kept in sent if kept.is_lossy and kept.syntax not in allowed]
    assert status.Status == (0xB000 if lost else 0x0000), (hex(status.Status), status)
    assert status.NumberOfFailedSuboperations == len(lost) and status.NumberOfCompletedSuboperations == len(sent) - len(lost), status
    if lost:
        named = identifier.FailedSOPInstanceUIDList
        assert {named} if isinstance(named, str) else set(named) == {kept.instance for kept in lost}
        assert status.ErrorComment in {f"not sent: accept {kept.syntax}" for kept in lost}, status.ErrorComment


store(sent)
print(f"stored {len(sent)} instances in {len(everything)} transfer syntaxes")

# C-GET, by what the peer accepts.
for what, allowed in [("Implicit VR Little Endian", [Implicit]), ("Explicit VR Little Endian", [Explicit]), ("Deflated", [Deflated]),
                      ("everything, each alone", everything), ("compressed and Explicit", compressed + [Explicit])]:
    begun, got = time.time(), Got()
    judge(get(got, separate(classes, allowed), studies, classes), allowed)
    rewritten = got.check(allowed, verify=allowed in ([Implicit], [Explicit]))
    print(f"C-GET, {what}: {len(got.came)} came, {rewritten} of them written anew, {time.time() - begun:.1f} s")

# One context that lists several: Explicit VR Little Endian is taken, and everything without loss comes in it.
got = Got()
judge(get(got, [build_context(sop_class, compressed + [Implicit, Explicit]) for sop_class in classes], studies, classes), [Explicit])
got.check([Explicit])


# C-MOVE, by what the destination accepts.
def move(allowed, uids, sop_classes):
    got = Got()
    listener = AE(ae_title="LISTENER")
    for sop_class in sop_classes:
        listener.add_supported_context(sop_class, allowed)

    def established(event):
        got.associations += 1

    handlers = [(evt.EVT_C_STORE, got.take), (evt.EVT_ESTABLISHED, established)]
    server = listener.start_server(("127.0.0.1", listener_port), block=False, evt_handlers=handlers)
    ae = AE(ae_title="PYNETDICOM")
    ae.add_requested_context(StudyMove)
    association = ae.associate(host, port, ae_title="SEGEL")
    last = retrieve(association.send_c_move(keys(uids), "LISTENER", StudyMove))
    association.release()
    server.shutdown()
    return got, last


for what, allowed in [("Implicit VR Little Endian", [Implicit]), ("Explicit VR Little Endian", [Explicit]), ("everything", everything)]:
    begun = time.time()
    got, last = move(allowed, studies, classes)
    judge(last, allowed)
    rewritten = got.check(allowed)
    print(f"C-MOVE, {what}: {len(got.came)} came, {rewritten} of them written anew, {time.time() - begun:.1f} s")

# Nothing that a destination takes: each fails, and the comment says what would help.
got, (status, identifier) = move([Explicit], studies, classes[:1])
assert status.NumberOfFailedSuboperations > 0 and status.ErrorComment.startswith("not sent: accept "), status

# More kinds of objects than one association has contexts.
many = [context.abstract_syntax for context in AllStoragePresentationContexts][:80]
study = generate_uid()
made = []
for sop_class in many:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.StudyInstanceUID = sop_class, generate_uid(), study
    dataset.SeriesInstanceUID, dataset.PatientID, dataset.PatientName, dataset.Modality = generate_uid(), "MANY", "Many^Kinds", "OT"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = Explicit
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = sop_class, dataset.SOPInstanceUID
    kept = Sent.__new__(Sent)
    kept.name, kept.path = sop_class, folder / f"many-{sop_class}.dcm"
    dataset.save_as(kept.path, enforce_file_format=True)
    kept.sop_class, kept.syntax, kept.instance = sop_class, Explicit, dataset.SOPInstanceUID
    made.append(kept)
store(made)
for allowed in ([Explicit], [Implicit]):
    got, (status, _) = move(allowed, [study], many)
    assert status.Status == 0x0000 and status.NumberOfCompletedSuboperations == len(many), status
    assert set(got.came) == {kept.instance for kept in made} and {came[0] for came in got.came.values()} == set(allowed)
    assert got.associations == 2, got.associations
print(f"C-MOVE of {len(many)} kinds of objects over 2 associations")

# As many UIDs as one request may name, and one more.
at_most = 1024
padding = [f"1.2.826.0.1.{number}" for number in range(at_most + 1 - len(studies))]
for uids, expected in [(studies + padding[:-1], None), (studies + padding, 0xA900)]:
    got = Got()
    last = get(got, separate(classes, everything), uids, classes)
    if expected is None:
        judge(last, everything)
        got.check(everything)
    else:
        assert last[0].Status == expected and not got.came, last[0]
print("every data set arrived with its bytes or its values")
