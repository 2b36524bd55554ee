"""The OWASP API Security Top 10 of 2023, as attacks on a running archive.

Usage: owasp --table                 prints the table of what is tried
       owasp FOLDER                  prints what lies around the archive, is told what the archive is, then attacks it

The second form makes a JWK Set of a system in FOLDER first. Everything that it is told comes by its standard input.
"""

import json
import pathlib
import sys
import traceback
from urllib.parse import unquote

import access
import consumption
import flows
import functions
import identity
import inside
import inventory
import others
import settings
import words
from outside import Outside
from world import ROWS, World

PARTS = (access, identity, words, consumption, functions, flows, inside, settings, inventory, others)
ROWS.sort(key=lambda row: [part.RISK for part in PARTS].index(row.risk))


def told(row):
    return {"risk": row.risk, "door": row.door, "tried": row.tried, "naive": row.naive, "answer": row.answer}


def asked(answer):
    """What the asker itself named: an answer may say it again."""
    request = getattr(answer, "request", None)
    return unquote(f"{request.url} {request.body}") if request else ""


def attacked(world, row):
    """What is wrong with how the archive answered; `None` if nothing is."""
    world.answers_end()
    world.outside.lie = {}
    before = len(world.outside.treasure_calls)
    try:
        row.run(world)
        answers = world.doors.answers + world.metered.answers
        assert answers, "nothing was sent"
        for answer in answers:
            text = answer if isinstance(answer, bytes) else answer.content
            allowed = getattr(row.run, "own", False)
            for secret in world.secrets():
                assert allowed or secret in asked(answer) or secret.encode() not in text, f"an answer tells {secret!r}: {text[:300]!r}"
        heard = world.outside.treasure_calls[before:]
        assert not heard, f"the service inside was reached: {heard}"
        world.control()
    except Exception:
        return traceback.format_exc(limit=-3)
    return None


def main():
    if sys.argv[1] == "--table":
        print(json.dumps([told(row) for row in ROWS]))
        return
    outside = Outside()
    identity.keys_of_a_system(pathlib.Path(sys.argv[1]))
    print(json.dumps({"issuer": outside.issuer, "hook": outside.hook}), flush=True)
    world = World(json.loads(sys.stdin.readline()), outside)
    world.prepare()
    print(json.dumps([told(row) | {"wrong": attacked(world, row)} for row in ROWS]))


main()
