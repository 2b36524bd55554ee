#!/usr/bin/env python3
"""Verifies what a Segel ledger shows, offline, with nothing but public keys.

    verify_proof.py --vkey VKEY [--witness VKEY]... [--needed N] FILE.tlog-proof
    verify_proof.py --vkey VKEY [--witness VKEY]... [--needed N] LEDGER-FOLDER

A second implementation, in another language, that shares no line with the first. It needs Python 3.9 and the package
`cryptography`, and reads:

    c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-tiles, chunked-encryption;
    RFC 6962 section 2.1, RFC 8032, RFC 8949

It prints JSON and ends with 0 if everything holds, else with 1.
"""

import argparse
import base64
import hashlib
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

LOG_KEY, WITNESS_KEY = 1, 4
EVENT, ENTRY = b"segel/event@v1\0", b"segel/entry@v1\0"


class Wrong(Exception):
    """What was shown does not hold."""

def need(holds, why):
    if not holds:
        raise Wrong(why)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text):
    """One spelling of each value: canonical base64 with padding."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong("not base64") from None
    need(base64.b64encode(raw).decode() == text, "base64 in a second spelling")
    return raw


def decimal(text):
    """One spelling of each number, below 2^64."""
    need(text.isascii() and text.isdigit() and (text == "0" or text[0] != "0"), "not a decimal number")
    need(int(text) < 1 << 64, "a number beyond 2^64")
    return int(text)


# keys and notes

class Key:
    """A vkey: name, id and Ed25519 key, of a log (type 1) or a witness (type 4)."""

    def __init__(self, vkey, kind):
        name, key_id, encoded = (vkey.strip().split("+", 2) + ["", ""])[:3]
        raw = unbase64(encoded)
        need(name and len(raw) == 33 and raw[0] == kind, "not a vkey of this kind")
        self.name, self.kind, self.raw = name, kind, raw[1:]
        self.id = sha256(name.encode(), b"\n", raw)[:4]
        need(self.id.hex() == key_id, "the vkey's id is not that of its key")

    def verify(self, text, signature):
        message = text.encode()
        if self.kind == WITNESS_KEY:
            need(len(signature) == 72, "a cosignature has a time and a signature")
            time = struct.unpack(">Q", signature[:8])[0]
            need(time < 1 << 63, "a cosignature's time is beyond 2^63")
            message, signature = b"cosignature/v1\ntime %d\n" % time + message, signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Wrong(f"a signature in the name of {self.name} is false") from None


class Checkpoint:
    """A signed note whose text is a checkpoint."""

    def __init__(self, note):
        need(all(c >= " " or c == "\n" for c in note), "a note has control characters")
        text, separator, signatures = note.rpartition("\n\n")
        need(separator and signatures.endswith("\n"), "not a signed note")
        self.text = text + "\n"
        self.lines = []
        for line in signatures[:-1].split("\n"):
            dash, name, encoded = (line.split(" ") + ["", ""])[:3]
            need(dash == "\u2014" and name and line.count(" ") == 2, "not a signature line")
            raw = unbase64(encoded)
            need(len(raw) > 4, "a signature line is too short")
            self.lines.append((name, raw[:4], raw[4:]))
        lines = text.split("\n")
        need(len(lines) >= 3 and all(lines), "not a checkpoint")
        self.origin, self.size, self.root = lines[0], decimal(lines[1]), unbase64(lines[2])
        need(len(self.root) == 32, "a root is 32 bytes")

    def signed_by(self, key):
        mine = [signature for name, key_id, signature in self.lines if (name, key_id) == (key.name, key.id)]
        for signature in mine:
            key.verify(self.text, signature)
        return bool(mine)

    def check(self, log, witnesses, needed):
        need(self.signed_by(log), "the log's key did not sign the checkpoint")
        need(self.origin == log.name, "the checkpoint is of another log")
        count = len({key.raw for key in witnesses if self.signed_by(key)})
        need(count >= needed, f"{count} witnesses cosigned the checkpoint, {needed} are needed")
        return count


# the tree

def leaf(entry):
    return sha256(b"\0", entry)

def node(left, right):
    return sha256(b"\1", left, right)


def root_of(hashes):
    """MTH of RFC 6962 section 2.1, over leaf hashes: a stack of complete subtrees, folded from the right."""
    stack = []
    for value in hashes:
        width = 1
        while stack and stack[-1][0] == width:
            value, width = node(stack.pop()[1], value), width * 2
        stack.append((width, value))
    if not stack:
        return sha256()
    _, value = stack.pop()
    while stack:
        value = node(stack.pop()[1], value)
    return value


def check_inclusion(value, index, size, path, root):
    """RFC 9162 section 2.1.3.2."""
    need(index < size, "the entry lies beyond the checkpoint")
    at, last = index, size - 1
    for sibling in path:
        need(last > 0, "the proof is too long")
        if at & 1 or at == last:
            value = node(sibling, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node(value, sibling)
        at, last = at >> 1, last >> 1
    need(last == 0 and value == root, "the proof does not lead to the checkpoint's root")


# the event

def open_event(key, position, sealed):
    """C2SP chunked-encryption (Cobblestone-256) of one chunk or more; the commitment is compared first."""
    context = b"segel/blob@v1\0event/" + struct.pack(">Q", position)
    salt, commitment, body = sealed[:24], sealed[24:56], sealed[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    expanded = HKDFExpand(SHA512(), 76, info).derive(key)
    need(len(salt + commitment) == 56 and expanded[44:] == commitment, "the key is not that of the event")
    aead, base = AESGCM(expanded[:32]), int.from_bytes(expanded[32:44], "big")
    plain, count = b"", len(body) // 16400 + 1
    for number in range(count):
        chunk = body[number * 16400 : (number + 1) * 16400]
        try:
            plain += aead.decrypt((base ^ number).to_bytes(12, "big"), chunk, None)
        except (InvalidTag, ValueError):
            raise Wrong("the event does not open") from None
    return plain


def cbor(data, at=0):
    """The part of RFC 8949 that events use: numbers, strings, arrays, maps, null and booleans; definite lengths."""
    need(at < len(data), "an event ends too early")
    major, small, at = data[at] >> 5, data[at] & 31, at + 1
    extra = {24: 1, 25: 2, 26: 4, 27: 8}.get(small, 0)
    need(small < 28 and at + extra <= len(data), "not an event's CBOR")
    value = int.from_bytes(data[at : at + extra], "big") if extra else small
    at += extra
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major in (2, 3):
        need(at + value <= len(data), "an event ends too early")
        raw = data[at : at + value]
        return (raw.hex() if major == 2 else raw.decode()), at + value
    if major == 4:
        items = []
        for _ in range(value):
            item, at = cbor(data, at)
            items.append(item)
        return items, at
    if major == 5:
        fields = {}
        for _ in range(value):
            name, at = cbor(data, at)
            fields[str(name)], at = cbor(data, at)
        return fields, at
    need(major == 7 and small in (20, 21, 22), "not an event's CBOR")
    return {20: False, 21: True, 22: None}[small], at

# what may be shown

def verify_proof(text, log, witnesses, needed):
    """One entry (C2SP tlog-proof) with the event that it stands for."""
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    need(separator and lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = unbase64(lines.pop(0)[6:])
    need(lines and lines[0].startswith("index "), "a proof names its index")
    index = decimal(lines.pop(0)[6:])
    path = [unbase64(line) for line in lines]
    need(len(path) <= 64 and all(len(value) == 32 for value in path), "not an inclusion proof")
    need(extra.startswith((EVENT, ENTRY)), "the proof does not carry its entry")
    is_event, body = extra.startswith(EVENT), extra[len(EVENT) :]
    key, sealed = body[:32], body[32:]
    need(is_event or len(body) == 32, "an entry is 32 bytes")
    entry = sha256(sealed) if is_event else body
    checkpoint = Checkpoint(note)
    count = checkpoint.check(log, witnesses, needed)
    check_inclusion(leaf(entry), index, checkpoint.size, path, checkpoint.root)
    event = None
    if is_event:
        plain = open_event(key, index, sealed)
        event, end = cbor(plain)
        need(end == len(plain), "an event has more than one text")
    return {"origin": checkpoint.origin, "size": checkpoint.size, "position": index, "witnesses": count, "event": event}


def entries(folder, size):
    """The entries of a log's folder (C2SP tlog-tiles, "Log entries"), in order."""
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        digits = f"{number:0{-(-len(str(number)) // 3) * 3}d}"
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = os.path.join(folder, "tile", "entries", *["x" + group for group in groups[:-1]], groups[-1])
        whole = width == 256 or not os.path.exists(f"{name}.p/{width}")
        with open(name if whole else f"{name}.p/{width}", "rb") as file:
            bundle, at = file.read(), 0
        for _ in range(width):
            length = int.from_bytes(bundle[at : at + 2], "big")
            need(at + 2 + length <= len(bundle), "a bundle of entries is too short")
            yield bundle[at + 2 : at + 2 + length]
            at += 2 + length
        need(whole or at == len(bundle), "a bundle of entries is too long")


def verify_folder(folder, log, witnesses, needed):
    """A whole ledger: every entry, and the newest checkpoint; the cosigned one, if witnesses are asked for."""
    report = {}
    for name, count in [("checkpoint", 0)] + [("checkpoint.cosigned", needed)] * bool(witnesses):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            checkpoint = Checkpoint(file.read())
        report["witnesses"] = checkpoint.check(log, witnesses, count)
        root = root_of(leaf(entry) for entry in entries(folder, checkpoint.size))
        need(root == checkpoint.root, f"the root of {name} is not that of the entries")
        report.update({"origin": checkpoint.origin, name: checkpoint.size})
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--vkey", required=True, help="the ledger's public key")
    parser.add_argument("--witness", action="append", default=[], help="a witness's public key; may be given often")
    parser.add_argument("--needed", type=int, help="how many witnesses must have cosigned [all that are given]")
    parser.add_argument("path", help="FILE.tlog-proof, or a ledger's folder")
    options = parser.parse_args()
    try:
        log = Key(options.vkey, LOG_KEY)
        witnesses = [Key(vkey, WITNESS_KEY) for vkey in options.witness]
        needed = len(witnesses) if options.needed is None else options.needed
        if os.path.isdir(options.path):
            report = verify_folder(options.path, log, witnesses, needed)
        else:
            with open(options.path, encoding="utf-8", newline="") as file:
                report = verify_proof(file.read(), log, witnesses, needed)
    except (Wrong, OSError, ValueError) as why:
        print(json.dumps({"verified": False, "error": str(why)}))
        return 1
    print(json.dumps({"verified": True, **report}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
