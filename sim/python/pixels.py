"""Asks a real pixel worker for frames and compares what it answers with independent decoders.

    pixels.py exact SEGEL              every transfer syntax, bit for bit
    pixels.py hostile SEGEL SECONDS    damaged frames straight into a worker: none hangs, grows, or outlives a limit
    pixels.py archive URL PID SENDER READER SECONDS    the same through a running archive, which answers all the while
"""

import io
import random
import resource
import socket
import struct
import subprocess
import sys
import time
import warnings
from pathlib import Path

import cbor2
import imagecodecs
import numpy as np
import pydicom
import requests
from pydicom.data import get_testdata_files
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder

warnings.simplefilter("ignore")

PHOTOMETRIC = ["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422",
               "YBR_ICT", "YBR_RCT", "XYB"]
NATIVE, RENDER = [0, []], 2
RLE, DEFLATED = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"
LITTLE = "1.2.840.10008.1.2.1"
BASELINE, EXTENDED, LOSSLESS, SV1 = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70))
JLS, JLS_NEAR, J2K, J2K_LOSSY, PART2, PART2_LOSSY = (
    f"1.2.840.10008.1.2.4.{n}" for n in (80, 81, 90, 91, 92, 93))
JXL, JXL_RECODED, JXL_ANY = (f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112))
HT, HT_RPCL, HT_LOSSY = (f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203))


# Everything that is decoded here but big-endian and deflated data sets, which reach a worker as plain words.
SYNTAXES = [LITTLE, RLE, DEFLATED, BASELINE, EXTENDED, LOSSLESS, SV1, JLS, JLS_NEAR, J2K, J2K_LOSSY, PART2, PART2_LOSSY, JXL,
            JXL_RECODED, JXL_ANY, HT, HT_RPCL, HT_LOSSY]
# Frames of the files that come with pydicom which both sides decode.
SHIPPED_MIN = 36

# As the archive starts it: the allocator reserves nothing in advance.
ENVIRONMENT = {"MIMALLOC_ARENA_RESERVE": "32MiB", "MIMALLOC_ALLOW_THP": "0"}


class Died(Exception):
    """The worker ended, or was silent for too long."""


class Worker:
    """One worker, as the archive starts it."""

    def __init__(self, segel):
        self.socket, theirs = socket.socketpair()
        self.process = subprocess.Popen([segel, "pixels"], stdin=theirs, env=ENVIRONMENT, close_fds=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        theirs.close()

    def ask(self, task, syntax, description, frame, seconds=60):
        self.socket.settimeout(seconds)
        header = cbor2.dumps([task, syntax, description])
        try:
            self.socket.sendall(struct.pack("<IQ", len(header), len(frame)) + header + bytes(frame))
            header_bytes, body_bytes = struct.unpack("<IQ", self.receive(12))
            kind, fields = cbor2.loads(self.receive(header_bytes))
            return kind, fields, self.receive(body_bytes)
        except (OSError, EOFError) as error:
            self.end()
            raise Died(str(error) or type(error).__name__) from error

    def receive(self, length):
        parts = []
        while length:
            part = self.socket.recv(min(length, 1 << 20))
            if not part:
                raise EOFError("the worker closed its socket")
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def memory_peak_kib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
        return 0

    def end(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()


def describe(ds, samples=None, tone=None, palette=None):
    get = lambda name, default: ds.get(name, default)
    photometric = PHOTOMETRIC.index(get("PhotometricInterpretation", "MONOCHROME2"))
    tone = tone or [1.0, 0.0, None, None, None, None, False]
    if photometric == 2 and palette is None:
        palette = [[256, 0, 8, False, bytes(256)]] * 3
    stored = get("BitsStored", ds.BitsAllocated)
    return [ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.BitsAllocated, stored, get("HighBit", stored - 1),
            bool(get("PixelRepresentation", 0)), photometric, bool(get("PlanarConfiguration", 0) or 0),
            int(get("NumberOfFrames", 1) or 1), tone, palette]


def dataset(array, stored, photometric=None, signed=False):
    ds = pydicom.Dataset()
    ds.Rows, ds.Columns = array.shape[:2]
    ds.SamplesPerPixel = array.shape[2] if array.ndim == 3 else 1
    ds.BitsAllocated = array.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit = stored, stored - 1
    ds.PixelRepresentation = int(signed)
    ds.PhotometricInterpretation = photometric or ("RGB" if ds.SamplesPerPixel == 3 else "MONOCHROME2")
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    return ds


def pictures():
    """Arrays with edges, ramps and noise: what tells predictors and bit depths apart."""
    rng = np.random.default_rng(5)
    for rows, columns in ((64, 48), (37, 61), (1, 1), (200, 301)):
        y, x = np.mgrid[0:rows, 0:columns]
        for stored, kind in ((8, "u1"), (10, "<u2"), (12, "<u2"), (16, "<u2")):
            top = (1 << stored) - 1
            plane = (x * 7 + y * 13 + rng.integers(0, max(2, top // 16), (rows, columns)) + top * ((x // 8 + y // 8) % 2) // 2)
            yield f"{rows}x{columns} {stored} bit grey", (plane % (top + 1)).astype(kind), stored
            if stored in (8, 16):
                planes = np.stack([plane, plane // 2 + x, plane // 3 + y], axis=-1) % (top + 1)
                yield f"{rows}x{columns} {stored} bit colour", planes.astype(kind), stored


def rle(array):
    """PS3.5 annex G: one segment for each byte of each sample, most significant first."""
    samples = array.reshape(array.shape[0], array.shape[1], -1)
    segments = []
    for sample in range(samples.shape[2]):
        for byte in reversed(range(array.dtype.itemsize)):
            plane = (samples[..., sample] >> (8 * byte)).astype("u1").tobytes() if array.dtype.itemsize > 1 else samples[..., sample].tobytes()
            packed = imagecodecs.packbits_encode(plane)
            segments.append(packed + b"\0" * (len(packed) % 2))
    offsets, at = [], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    return struct.pack("<16I", len(segments), *(offsets + [0] * (15 - len(offsets)))) + b"".join(segments)


def deflated(array):
    import zlib
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(array.tobytes()) + packer.flush()


def jpegli_lossless(array, **options):
    return imagecodecs.jpeg_encode(array, lossless=True, **options)


def synthetic():
    """(syntax, label, data set, frame, expected bytes, greatest difference allowed)."""
    for label, array, stored in pictures():
        colour = array.ndim == 3
        ds = dataset(array, stored)
        exact = array.tobytes()

        def case(syntax, frame, expected=exact, near=0, note="", ds=ds):
            return syntax, f"{label}{note}", ds, bytes(frame), expected, near

        yield case(LITTLE, exact)
        yield case(RLE, rle(array))
        yield case(DEFLATED, deflated(array))
        tiny = min(array.shape[:2]) < 2
        if array.size > 3:
            yield case(JLS, imagecodecs.jpegls_encode(array))
            near = imagecodecs.jpegls_encode(array, level=3)
            yield case(JLS_NEAR, near, imagecodecs.jpegls_decode(near).tobytes(), note=" near 3")
            if array.itemsize == 1 or stored == 16:
                for predictor in range(1, 8):
                    frame = jpegli_lossless(array, predictor=predictor, **({"colorspace": "RGB", "outcolorspace": "RGB"} if colour else {}))
                    # Its encoder loses bits of 16 with predictors 5 to 7; what it wrote is still read alike by all.
                    yield case(SV1 if predictor == 1 else LOSSLESS, frame, imagecodecs.jpeg_decode(frame).tobytes(),
                               note=f" predictor {predictor}")
            elif not colour:
                yield case(SV1, imagecodecs.ljpeg_encode(array, bitspersample=stored), note=" by another encoder")
                for predictor in (1, 4, 7):
                    frame = imagecodecs.jpeg_encode(array, lossless=True, predictor=predictor, bitspersample=stored)
                    yield case(LOSSLESS, frame, note=f" predictor {predictor}")
        rct = dataset(array, stored, "YBR_RCT") if colour else ds
        j2k = imagecodecs.jpeg2k_encode(array, codecformat="J2K", reversible=True, level=0, bitspersample=stored, mct=colour)
        yield case(J2K, j2k, ds=rct)
        # Part 2 without its extensions is Part 1.
        yield case(PART2, j2k, ds=rct)
        lossy = imagecodecs.jpeg2k_encode(array, codecformat="J2K", level=40, bitspersample=stored, mct=False)
        yield case(J2K_LOSSY, lossy, imagecodecs.jpeg2k_decode(lossy).tobytes(), note=" lossy")
        yield case(PART2_LOSSY, lossy, imagecodecs.jpeg2k_decode(lossy).tobytes(), note=" lossy")
        if not tiny:
            frame = imagecodecs.htj2k_encode(array)
            yield case(HT, frame)
            yield case(HT_RPCL, frame)
            frame = imagecodecs.htj2k_encode(array, level=0.01, reversible=False)
            # The other decoder turns what lies beyond white into black in 8 bits: there, the picture itself is the measure.
            other = array if array.itemsize == 1 else imagecodecs.htj2k_decode(frame)
            yield case(HT_LOSSY, frame, other.tobytes(), near=16 if array.itemsize == 1 else 3, note=" lossy")
        yield case(JXL, imagecodecs.jpegxl_encode(array, lossless=True, **({"bitspersample": stored} if stored not in (8, 16) else {})))
        if array.itemsize == 1:
            frame = imagecodecs.jpeg_encode(array, level=92, subsampling="444")
            expected = imagecodecs.jpeg_decode(frame).tobytes()
            ybr = dataset(array, 8, "YBR_FULL") if colour else ds
            yield case(BASELINE, frame, expected, near=3 if colour else 1, note=" 4:4:4", ds=ybr)
            # Decoders of JPEG XL draw a recoded JPEG without its rounding steps: another of them is the measure.
            recoded = imagecodecs.jpegxl_encode_jpeg(frame, usecontainer=True)
            yield case(JXL_RECODED, recoded, imagecodecs.jpegxl_decode(recoded).tobytes(), near=3, note=" recoded", ds=ybr)
            frame = imagecodecs.jpegxl_encode(array, distance=1.0)
            yield case(JXL_ANY, frame, imagecodecs.jpegxl_decode(frame).tobytes(), near=3, note=" lossy")
            if colour and array.shape[1] % 2 == 0:
                frame = imagecodecs.jpeg_encode(array, level=92, subsampling="422")
                yield case(BASELINE, frame, imagecodecs.jpeg_decode(frame).tobytes(), near=4, note=" 4:2:2",
                           ds=dataset(array, 8, "YBR_FULL_422"))
        elif stored == 12 and not colour:
            frame = imagecodecs.jpeg_encode(array, level=95, bitspersample=12)
            yield case(EXTENDED, frame, imagecodecs.jpeg_decode(frame).tobytes(), near=2, note=" lossy")


    deep = np.arange(37 * 20, dtype="<u4").reshape(37, 20) * 5_800_000
    ds = dataset(deep, 32)
    yield LITTLE, "32 bit grey", ds, deep.tobytes(), deep.tobytes(), 0
    yield RLE, "32 bit grey", ds, rle(deep), deep.tobytes(), 0


def beyond():
    """(syntax, label, data set, frame): what no decoder here reads, each to be refused with a reason."""
    grey = np.arange(64 * 48, dtype="u1").reshape(64, 48)
    deep = dataset(grey.astype("<u4"), 32)
    j2k = imagecodecs.jpeg2k_encode(grey, codecformat="J2K", reversible=True, level=0)
    yield J2K, "32 bit JPEG 2000", deep, j2k
    yield JLS, "32 bit JPEG-LS", deep, imagecodecs.jpegls_encode(grey)
    siz = j2k.index(b"\xff\x4f\xff\x51")
    extended = bytearray(j2k)
    extended[siz + 6] |= 0x80
    yield PART2, "extensions of Part 2", dataset(grey, 8), bytes(extended)
    yield "1.2.840.10008.1.2.4.100", "MPEG-2 video", dataset(grey, 8), b"\0\0\1\xb3" * 16


# Files that come with pydicom whose frames its own plugins do not decode either, each with the reason.
UNDECODED = {
    "JPEG-lossy.dcm": "the plugins refuse its scan's parameters",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its header has a delimiter's bytes in it",
}


def shipped():
    """Frames of the files that come with pydicom, decoded by its own plugins."""
    for path in sorted(get_testdata_files("*.dcm")):
        try:
            ds = pydicom.dcmread(path)
            syntax = ds.file_meta.TransferSyntaxUID
        except (pydicom.errors.InvalidDicomError, AttributeError):
            # Files without a header name no transfer syntax.
            continue
        if "PixelData" not in ds or not syntax.is_encapsulated or ds.BitsAllocated not in (8, 16):
            continue
        frames = list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1) or 1)))
        for index, frame in enumerate(frames[:2]):
            try:
                array, info = get_decoder(syntax).as_array(ds, index=index, raw=True)
            except Exception as error:
                array, info = None, str(error).splitlines()[0]
            yield syntax, f"{Path(path).name}[{index}]", ds, frame, array, info


def ybr_to_rgb(array):
    return pydicom.pixels.processing.convert_color_space(array, "YBR_FULL", "RGB")


def difference(got, expected, itemsize):
    kind = "u1" if itemsize == 1 else "<u2"
    if len(got) != len(expected):
        return None
    a, b = np.frombuffer(got, kind).astype(int), np.frombuffer(expected, kind).astype(int)
    return int(np.abs(a - b).max()) if a.size else 0


def exact(segel):
    worker = Worker(segel)
    table, wrong = {}, []

    def check(syntax, label, ds, frame, expected, near):
        nonlocal worker
        row = table.setdefault(str(syntax), [0, 0, 0, 0])
        row[0] += 1
        try:
            kind, fields, body = worker.ask(NATIVE, str(syntax), describe(ds), frame)
        except Died as error:
            wrong.append(f"{syntax} {label}: the worker died ({error})")
            worker = Worker(segel)
            return
        if kind != 1:
            wrong.append(f"{syntax} {label}: {fields}")
            return
        most = difference(body, expected, ds.BitsAllocated // 8)
        if most is None:
            wrong.append(f"{syntax} {label}: {len(body)} bytes for {len(expected)}")
        elif most > near:
            wrong.append(f"{syntax} {label}: differs by {most}, {near} allowed")
        else:
            row[1 if most == 0 else 2] += 1
            row[3] = max(row[3], most)

    for syntax, label, ds, frame, expected, near in synthetic():
        check(syntax, label, ds, frame, expected, near)
    files = {"compared": 0, "undecoded": 0}
    for syntax, label, ds, frame, array, info in shipped():
        if array is None:
            files["undecoded"] += 1
            known = UNDECODED.get(label.split("[")[0])
            print(f"not compared: {label}: {known or info}")
            if known is None:
                wrong.append(f"{label}: no other decoder reads it any more: {info}")
            continue
        files["compared"] += 1
        lossy = str(syntax) in (BASELINE, EXTENDED)
        if lossy and info["photometric_interpretation"].startswith("YBR"):
            array = ybr_to_rgb(array)
        if info.get("planar_configuration") == 1 and array.ndim == 3 and array.shape[0] == 3:
            array = array.transpose(1, 2, 0)
        check(syntax, label, ds, frame, np.ascontiguousarray(array).tobytes(), 6 if lossy else 0)
    for syntax, label, ds, frame in beyond():
        kind, fields, body = worker.ask(NATIVE, syntax, describe(ds), frame)
        if kind != 2 or body or "cannot be decoded" not in fields[1]:
            wrong.append(f"{syntax} {label}: not refused but {kind} {fields}")
    # What fell out of the comparison would be missed by nobody else.
    if files["compared"] < SHIPPED_MIN:
        wrong.append(f"{files['compared']} frames of shipped files compared, {SHIPPED_MIN} expected")
    absent = [syntax for syntax in SYNTAXES if table.get(syntax, [0])[0] == 0]
    if absent:
        wrong.append(f"no frame of {absent}")
    print(f"frames of shipped files: {files}")
    print(f"{'transfer syntax':<26}{'frames':>7}{'exact':>7}{'near':>6}{'most':>6}")
    for syntax, (all_, same, near, most) in sorted(table.items()):
        print(f"{syntax:<26}{all_:>7}{same:>7}{near:>6}{most:>6}")
    for line in wrong:
        print("WRONG", line)
    print(f"peak memory of the worker: {worker.memory_peak_kib() // 1024} MiB")
    worker.end()
    print("exact: done" if not wrong else f"exact: {len(wrong)} wrong")
    return 0 if not wrong else 1


def damaged(rng, frame):
    frame = bytearray(frame)
    kind = rng.randrange(5)
    if kind == 0:
        return frame[: rng.randrange(len(frame) + 1)]
    if kind == 1:
        for _ in range(rng.randrange(1, 9)):
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        for _ in range(rng.randrange(1, 5)):
            frame[rng.randrange(min(len(frame), 400))] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
    elif kind == 3:
        at = rng.randrange(len(frame))
        frame[at:at] = rng.randbytes(rng.randrange(1, 64))
    else:
        at = rng.randrange(len(frame))
        del frame[at : at + rng.randrange(1, 64)]
    return frame


def seeds():
    """{syntax: [(label, data set, frame)]}: small frames of our own making and of the files that come with pydicom."""
    found = {}
    for syntax, label, ds, frame, *_ in (*synthetic(), *shipped()):
        if frame and ds.Rows * ds.Columns < 300_000 and len(frame) < 400_000:
            found.setdefault(str(syntax), []).append((label, ds, bytes(frame)))
    return found


# Limits of record::limits.
JOB_SECONDS, MEMORY_MIB = 30, 1536
# A worker may die of a frame: its kernel ends it where a decoder goes astray. More than this share would be a broken decoder.
DEATHS_SHARE_MAX = 0.02


def hostile(segel, seconds):
    seed = int(time.time())
    rng = random.Random(seed)
    by_syntax = seeds()
    worker = Worker(segel)
    counts = {"answered": 0, "refused": 0, "died": 0}
    slowest, peak, until = (0.0, ""), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        syntax = rng.choice(list(by_syntax))
        label, ds, frame = rng.choice(by_syntax[syntax])
        description, bytes_ = describe(ds), damaged(rng, frame)
        if rng.randrange(8) == 0:
            description[0], description[1] = rng.choice(((1, 1), (65535, 1), (1, 65535), (16384, 16384), (4096, 4096)))
        if rng.randrange(8) == 0:
            description[rng.choice((2, 3, 4, 5))] = rng.choice((0, 1, 3, 7, 8, 12, 16, 32, 65535))
        task = NATIVE if rng.randrange(2) else [RENDER, [[None, [64, 64, None], [1, []], [], False, False]]]
        begun = time.monotonic()
        try:
            kind, fields, body = worker.ask(task, syntax, description, bytes_, JOB_SECONDS)
            counts["refused" if kind == 2 else "answered"] += 1
            if kind == 2 and not fields[1]:
                sys.exit(f"hostile: a refusal without a reason: {syntax} {label}, seed {seed}")
            peak = max(peak, worker.memory_peak_kib())
        except Died as error:
            counts["died"] += 1
            print(f"died: {error}: {syntax} {label}, seed {seed}")
            worker = Worker(segel)
        took = time.monotonic() - begun
        slowest = max(slowest, (took, f"{syntax} {label}"))
    # After all that, a worker still does its work.
    grey = np.arange(64, dtype="u1").reshape(8, 8)
    kind, _, body = worker.ask(NATIVE, LITTLE, describe(dataset(grey, 8)), grey.tobytes())
    worker.end()
    print(f"seed {seed}, {len(by_syntax)} syntaxes: {counts}, slowest {slowest[0]:.2f} s ({slowest[1]}), peak {peak // 1024} MiB")
    failures = [text for text, failed in (
        (f"a frame took {slowest[0]:.1f} s", slowest[0] >= JOB_SECONDS),
        (f"a worker took {peak // 1024} MiB", peak >= MEMORY_MIB * 1024),
        ("too many frames end a worker", counts["died"] > 1 + DEATHS_SHARE_MAX * sum(counts.values())),
        ("nothing was refused or nothing answered", not counts["refused"] or not counts["answered"]),
        ("a good frame is not decoded any more", (kind, body) != (1, grey.tobytes())),
    ) if failed]
    print("hostile: done" if not failures else f"hostile: {failures}")
    return int(bool(failures))


def children(pid):
    """Worker processes of an archive: (process id, greatest memory in KiB)."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                if b"pixels" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                    status = Path(f"/proc/{child}/status").read_text()
                    found.append((child, next((int(l.split()[1]) for l in status.splitlines() if l.startswith("VmHWM")), 0)))
            except OSError:
                continue
    return found


def file_of(ds, syntax, frame, number):
    """A data set with one compressed frame, as a modality would send it."""
    ds = pydicom.Dataset(ds)
    for name in list(ds.dir("PixelData")) + ["ExtendedOffsetTable", "ExtendedOffsetTableLengths"]:
        if name in ds:
            delattr(ds, name)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.7001", "2.25.7002"
    ds.SOPInstanceUID = f"2.25.7003{number}"
    ds.PatientID, ds.PatientName, ds.Modality, ds.NumberOfFrames = "HOSTILE", "Hostile^Frames", "OT", 1
    native = syntax in (LITTLE,)
    ds.PixelData = bytes(frame) if native else pydicom.encaps.encapsulate([bytes(frame) or b"\0\0"])
    ds["PixelData"].VR = "OB" if not native or ds.BitsAllocated == 8 else "OW"
    ds["PixelData"].is_undefined_length = not native
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    # In two parts, because pydicom writes no transfer syntax that it does not know.
    stream, meta = pydicom.filebase.DicomBytesIO(), ds.file_meta
    stream.is_little_endian, stream.is_implicit_VR = True, False
    stream.write(bytes(128) + b"DICM")
    del ds.file_meta
    pydicom.filewriter.write_file_meta_info(stream, meta, enforce_standard=True)
    pydicom.filewriter.write_dataset(stream, ds)
    url = f"studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    return url, stream.getvalue()


OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'


def archive(url, pid, sender, reader, seconds):
    """Every syntax through the doors, whole and damaged."""
    seed = int(time.time())
    rng = random.Random(seed)
    store, read = requests.Session(), requests.Session()
    store.headers.update({"Authorization": f"Bearer {sender}", "Content-Type": "application/dicom"})
    read.headers["Authorization"] = f"Bearer {reader}"
    begun_at = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    failures, counts, slowest, peak, seen, number = [], {}, 0.0, 0, set(), 0

    def get(path, accept, **rest):
        nonlocal slowest, peak
        begun = time.monotonic()
        answer = read.get(f"{url}/{path}", headers={"Accept": accept}, timeout=120, **rest)
        slowest = max(slowest, time.monotonic() - begun)
        for worker, memory in children(pid):
            seen.add(worker)
            peak = max(peak, memory)
        return answer

    def put(ds, syntax, frame):
        nonlocal number
        number += 1
        path, file = file_of(ds, syntax, frame, number)
        answer = store.post(f"{url}/studies", data=file, timeout=120)
        return path if answer.status_code == 200 else None

    by_syntax = {}
    for syntax, label, ds, frame, expected, near in synthetic():
        if ds.Rows * ds.Columns in (64 * 48, 37 * 20) and len(frame) > 0:
            by_syntax.setdefault(syntax, []).append((label, ds, frame, expected, near))
    # One whole frame of each depth and syntax: drawn, small, and decoded to what was coded.
    for syntax, cases in by_syntax.items():
        for label, ds, frame, expected, near in cases[:4]:
            at = put(ds, syntax, frame)
            if at is None:
                failures.append(f"{syntax} {label}: not stored")
                continue
            for path, accept, start in ((f"{at}/rendered", "image/jpeg", b"\xff\xd8"), (f"{at}/rendered", "image/png", b"\x89PNG"),
                                        (f"{at}/rendered", "image/gif", b"GIF8"), (f"{at}/thumbnail", "image/jpeg", b"\xff\xd8"),
                                        (f"{at}/frames/1/rendered", "image/jpeg", b"\xff\xd8")):
                answer = get(path, accept)
                if answer.status_code != 200 or answer.headers["Content-Type"] != accept or not answer.content.startswith(start):
                    failures.append(f"{syntax} {label}: {path.rsplit('/', 1)[1]} {accept}: {answer.status_code} {answer.text[:90]}")
            answer = get(f"{at}/frames/1", OCTETS)
            most = None
            if answer.status_code == 200:
                boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"').encode()
                body = answer.content.split(b"--" + boundary)[1].split(b"\r\n\r\n", 1)[1][:-2]
                most = difference(body[: len(expected)], expected, ds.BitsAllocated // 8)
            if most is None or most > near:
                failures.append(f"{syntax} {label}: frame decoded: {answer.status_code}, differs by {most}")
            counts["whole"] = counts.get("whole", 0) + 1
            # What is not to be had is said by its status.
            for path, accept, status in ((f"{at}/rendered", "image/webp", 406), (f"{at}/frames/2", OCTETS, 404),
                                         (f"{at}/frames/0", OCTETS, 400), (f"{at}/rendered?window=1", "image/jpeg", 400),
                                         (f"{at}/rendered?viewport=0,1", "image/jpeg", 400)):
                answer = get(path, accept)
                if answer.status_code != status:
                    failures.append(f"{syntax} {label}: {path} {accept}: {answer.status_code}, {status} expected")
    for syntax, label, ds, frame in beyond():
        at = put(ds, syntax, frame)
        if at is not None:
            statuses = [get(f"{at}/{what}", accept).status_code for what, accept in
                        (("rendered", "image/jpeg"), ("frames/1", OCTETS), ("frames/1", "*/*"))]
            if statuses != [406, 406, 200]:
                failures.append(f"{label}: {statuses}, [406, 406, 200] expected")
    if store.post(f"{url}/studies", data=b"x", headers={"Content-Type": "image/jpeg"}).status_code != 415:
        failures.append("a picture that is no DICOM is not refused with 415")
    # Damaged frames: drawn or refused, never a failure of the archive.
    hostile_seeds = seeds()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        syntax = rng.choice(list(hostile_seeds))
        label, ds, frame = rng.choice(hostile_seeds[syntax])
        at = put(ds, syntax, damaged(rng, frame))
        if at is None:
            counts["not stored"] = counts.get("not stored", 0) + 1
            continue
        for path, accept in ((f"{at}/rendered", "image/jpeg"), (f"{at}/frames/1", OCTETS)):
            status = get(path, accept).status_code
            counts[status] = counts.get(status, 0) + 1
            # A frame of nothing is no frame; native pixels of another length than the image's own have no frames to ask for.
            if status not in ((200, 400, 404, 406) if syntax == LITTLE else (200, 404, 406)):
                failures.append(f"{syntax} {label} damaged, seed {seed}: {status}")
    same = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19] == begun_at
    grey = np.arange(64, dtype="u1").reshape(8, 8)
    at = put(dataset(grey, 8), LITTLE, grey.tobytes())
    honest = at and get(f"{at}/rendered", "image/png").status_code
    failures += [text for text, failed in (
        ("the archive's process is another", not same), ("an honest frame is not drawn any more", honest != 200),
        (f"an answer took {slowest:.1f} s", slowest >= JOB_SECONDS), (f"a worker took {peak // 1024} MiB", peak >= MEMORY_MIB * 1024),
        ("no worker was seen", not seen), ("nothing damaged was refused", not counts.get(406)),
    ) if failed]
    print(f"seed {seed}: {counts}, {len(seen)} workers, slowest {slowest:.2f} s, peak of a worker {peak // 1024} MiB")
    for line in failures[:40]:
        print("WRONG", line)
    print("archive: done" if not failures else f"archive: {len(failures)} wrong")
    return int(bool(failures))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.argv[1] == "exact":
        sys.exit(exact(sys.argv[2]))
    if sys.argv[1] == "archive":
        sys.exit(archive(*sys.argv[2:6], float(sys.argv[6])))
    sys.exit(hostile(sys.argv[2], float(sys.argv[3])))
