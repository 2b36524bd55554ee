"""An independent reader (aics-tlog) of our ledger's folder: the cosigned checkpoint by a policy, every tile and entry.

    witness_audit.py FOLDER LOG-VKEY QUORUM WITNESS-VKEY...
"""

import sys
from pathlib import Path

import aics_tlog as tlog

folder, log, quorum, *witnesses = sys.argv[1:]
policy = tlog.WitnessPolicy(int(quorum), tuple(tlog.parse_vkey(vkey) for vkey in witnesses), max_age_seconds=600)
note = tlog.parse_note((Path(folder) / "checkpoint.cosigned").read_bytes())
verified = tlog.verify_checkpoint(note, tlog.parse_vkey(log), policy=policy)
assert verified.ok, verified
read = tlog.parse_checkpoint(note.text)
tlog.audit_tiles(tlog.FileSystemTileReader(folder), read.size, read.root)
print(f"{read.size} entries under a checkpoint that a quorum of {quorum} has cosigned")
