"""Asks a real pixel worker for frames and compares what it answers with independent decoders.

    pixels.py exact SEGEL              every transfer syntax, bit for bit
    pixels.py hostile SEGEL SECONDS    damaged frames: no hang, no growth, the worker replaced when it dies
"""

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
JLS, JLS_NEAR, J2K, J2K_LOSSY = (f"1.2.840.10008.1.2.4.{n}" for n in (80, 81, 90, 91))
JXL, JXL_RECODED, JXL_ANY = (f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112))
HT, HT_RPCL, HT_LOSSY = (f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203))


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
        lossy = imagecodecs.jpeg2k_encode(array, codecformat="J2K", level=40, bitspersample=stored, mct=False)
        yield case(J2K_LOSSY, lossy, imagecodecs.jpeg2k_decode(lossy).tobytes(), note=" lossy")
        if not tiny:
            yield case(HT, imagecodecs.htj2k_encode(array, bitspersample=stored) if False else imagecodecs.htj2k_encode(array))
        yield case(JXL, imagecodecs.jpegxl_encode(array, lossless=True, **({"bitspersample": stored} if stored not in (8, 16) else {})))
        if array.itemsize == 1:
            frame = imagecodecs.jpeg_encode(array, level=92, subsampling="444")
            expected = imagecodecs.jpeg_decode(frame).tobytes()
            yield case(BASELINE, frame, expected, near=3 if colour else 1, note=" 4:4:4",
                       ds=dataset(array, 8, "YBR_FULL") if colour else ds)
            if colour and array.shape[1] % 2 == 0:
                frame = imagecodecs.jpeg_encode(array, level=92, subsampling="422")
                yield case(BASELINE, frame, imagecodecs.jpeg_decode(frame).tobytes(), near=4, note=" 4:2:2",
                           ds=dataset(array, 8, "YBR_FULL_422"))
        elif stored == 12 and not colour:
            frame = imagecodecs.jpeg_encode(array, level=95, bitspersample=12)
            yield case(EXTENDED, frame, imagecodecs.jpeg_decode(frame).tobytes(), near=2, note=" lossy")


def shipped():
    """Frames of the files that come with pydicom, decoded by its own plugins."""
    for path in sorted(get_testdata_files("*.dcm")):
        try:
            ds = pydicom.dcmread(path)
            syntax = ds.file_meta.TransferSyntaxUID
            if "PixelData" not in ds or not syntax.is_encapsulated or ds.BitsAllocated not in (8, 16):
                continue
            decoder = get_decoder(syntax)
            frames = generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1) or 1))
            for index, frame in zip(range(2), frames):
                array, info = decoder.as_array(ds, index=index, raw=True)
                yield syntax, f"{Path(path).name}[{index}]", ds, frame, array, info
        except Exception:
            continue


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
    for syntax, label, ds, frame, array, info in shipped():
        lossy = str(syntax) in (BASELINE, EXTENDED)
        if lossy and info["photometric_interpretation"].startswith("YBR"):
            array = ybr_to_rgb(array)
        if info.get("planar_configuration") == 1 and array.ndim == 3 and array.shape[0] == 3:
            array = array.transpose(1, 2, 0)
        check(syntax, label, ds, frame, np.ascontiguousarray(array).tobytes(), 6 if lossy else 0)
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


def hostile(segel, seconds):
    seed = int(time.time())
    rng = random.Random(seed)
    by_syntax = {}
    for syntax, label, ds, frame, *_ in synthetic():
        if frame and ds.Rows * ds.Columns < 20_000:
            by_syntax.setdefault(str(syntax), []).append((label, ds, frame))
    worker = Worker(segel)
    counts = {"answered": 0, "refused": 0, "died": 0}
    slowest, peak = (0.0, ""), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        syntax = rng.choice(list(by_syntax))
        label, ds, frame = rng.choice(by_syntax[syntax])
        description = describe(ds)
        bytes_ = damaged(rng, frame)
        if rng.randrange(8) == 0:
            description[0], description[1] = rng.choice(((1, 1), (65535, 1), (1, 65535), (16384, 16384), (4096, 4096)))
        if rng.randrange(8) == 0:
            description[rng.choice((2, 3, 4, 5))] = rng.choice((0, 1, 3, 7, 8, 12, 16, 32, 65535))
        task = NATIVE if rng.randrange(2) else [RENDER, [[None, [64, 64, None], [1, []], [], False, False]]]
        begun = time.monotonic()
        try:
            kind, fields, body = worker.ask(task, syntax, description, bytes_, 30)
            counts["refused" if kind == 2 else "answered"] += 1
        except Died as error:
            counts["died"] += 1
            print(f"died: {error}: {syntax} {label}, seed {seed}")
            worker = Worker(segel)
        took = time.monotonic() - begun
        slowest = max(slowest, (took, f"{syntax} {label}"))
        if sum(counts.values()) % 50 == 0:
            peak = max(peak, worker.memory_peak_kib())
    worker.end()
    print(f"seed {seed}: {counts}, slowest {slowest[0]:.2f} s ({slowest[1]}), peak {peak // 1024} MiB")
    hung = slowest[0] >= 30
    print("hostile: done" if not hung and counts["refused"] and peak < 1536 * 1024 else "hostile: failed")
    return int(hung)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.argv[1] == "exact":
        sys.exit(exact(sys.argv[2]))
    sys.exit(hostile(sys.argv[2], float(sys.argv[3])))
