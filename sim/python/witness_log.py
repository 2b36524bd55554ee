"""An independent log (aics-tlog) and its own client of witnesses (aics-witness), against ours.

    witness_log.py vkey              the log's public key
    witness_log.py drive URL VKEY    grows the log before a witness, then tries everything that must be refused
"""

import hashlib
import sys
import urllib.error
import urllib.request

import aics_tlog as tlog
from aics_witness.feeder import WitnessAhead, WitnessClient, WitnessRejected, merge_cosignatures
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "independent.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes([5] * 32))
LOG = tlog.vkey_from_ed25519(ORIGIN, KEY.public_key())


def checkpoint(tree, size=None, origin=ORIGIN, key=KEY):
    size = tree.size if size is None else size
    return tlog.sign_checkpoint(tlog.Checkpoint(origin, size, tree.root(size)), key, origin).to_bytes()


def refused(status, client, note, proof, **options):
    try:
        client.submit(note, proof, **options)
    except WitnessRejected as error:
        assert error.status == status, f"{error.status} instead of {status}"
        return
    raise AssertionError(f"cosigned instead of {status}")


def status_of(url, body, method="POST"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method)) as reply:
            return reply.status, reply.headers.get("Content-Type"), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type"), error.read()


def drive(url, vkey):
    witness = tlog.parse_vkey(vkey)
    client = WitnessClient(url, vkey)
    tree = tlog.MerkleTree()
    shown = f"{url}/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    assert status_of(shown, None, "GET")[0] == 404, "nothing was cosigned yet"
    for size in (0, 1, 2, 2, 255, 256, 257, 1000, 3000):
        tree.extend(b"entry %d" % index for index in range(tree.size, size))
        note = checkpoint(tree)
        merged = merge_cosignatures(note, client.submit(note, tree.consistency_proof))
        verified = tlog.verify_checkpoint(tlog.parse_note(merged), LOG, [witness], 1, expected_origin=ORIGIN)
        assert verified.ok, verified
        status, _, body = status_of(shown, None, "GET")
        assert status == 200 and tlog.verify_checkpoint(tlog.parse_note(body), LOG, [witness], 1).ok
    # A client that knows nothing learns where the witness stands.
    assert WitnessClient(url, vkey).submit(checkpoint(tree), tree.consistency_proof)
    body = b"old 0\n\n" + checkpoint(tree)
    assert status_of(f"{url}/add-checkpoint", body) == (409, "text/x.tlog.size", b"3000\n")
    try:
        client.submit(checkpoint(tree, 256), tree.consistency_proof)
        raise AssertionError("an older tree was cosigned")
    except WitnessAhead:
        pass
    fork = tlog.MerkleTree(b"other %d" % index for index in range(3000))
    refused(422, client, checkpoint(fork), fork.consistency_proof, old_size=3000)
    fork.extend([b"more"])
    refused(422, client, checkpoint(fork), fork.consistency_proof, old_size=3000)
    refused(422, client, checkpoint(fork), (3000, []), old_size=3000)
    stranger = Ed25519PrivateKey.from_private_bytes(bytes([6] * 32))
    tree.extend([b"more"])
    refused(403, client, checkpoint(tree, key=stranger), tree.consistency_proof)
    refused(404, client, checkpoint(tree, origin="nobody.example/log"), tree.consistency_proof)
    for wrong in (b"", b"old 3000\n", b"old 03000\n\n" + checkpoint(tree), b"old 9000\n\n" + checkpoint(tree)):
        assert status_of(f"{url}/add-checkpoint", wrong)[0] == 400, wrong
    assert client.submit(checkpoint(tree), tree.consistency_proof), "and it goes on"


if sys.argv[1] == "vkey":
    print(tlog.format_vkey(LOG))
else:
    drive(*sys.argv[2:])
    print("an independent log was cosigned, and only what followed")
