"""What schemathesis needs to know of these doors besides their description, and what it holds every answer to.

SEGEL_OPEN: JSON, the operations that anybody may use, `GET /path`. SEGEL_STUDY, SEGEL_SERIES, SEGEL_INSTANCE: what is kept.
SEGEL_SHOWN: `nobody` if no request shows who asks.
"""

import itertools
import json
import os

import schemathesis

OPEN = set(json.loads(os.environ["SEGEL_OPEN"]))
NOBODY = os.environ["SEGEL_SHOWN"] == "nobody"
KEPT = {name: os.environ["SEGEL_" + name.upper()] for name in ("study", "series", "instance")}
KEPT |= {"workitem": KEPT["study"] + ".77", "transaction": KEPT["study"] + ".78", "frames": "1", "resource_type": "Patient"}
addresses = itertools.count(1)


def some_bytes(value):
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@schemathesis.serializer("application/cbor", "application/dicom", "multipart/related")
def as_it_is(ctx, value):
    return some_bytes(value)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # Signing in is counted for each address; the proxy that the configuration names says where a request came from.
    number = next(addresses)
    if case.headers is None:
        case.headers = {}
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    # Every second request is for what is there; a name that nobody has would never come far.
    if path_parameters and next(addresses) % 2:
        path_parameters |= {name: KEPT[name] for name in path_parameters if name in KEPT}
    return path_parameters


@schemathesis.check
def nothing_without_a_token(ctx, response, case):
    """Whoever shows no token, or a wrong one, gets a success nowhere but where anybody may."""
    label = f"{case.method} {case.operation.path}".replace("HEAD ", "GET ")
    shown = response.request.headers.get("Authorization", "")
    # Which methods a path has stands in the open description too (RFC 9110 9.3.7); nothing is asked for and nothing comes.
    methods = case.method == "OPTIONS" and response.status_code == 204 and not response.content
    if NOBODY and 200 <= response.status_code < 300 and label not in OPEN and not methods:
        raise AssertionError(f"{label} answered {response.status_code} to nobody ({shown[:20]})")


@schemathesis.check
def no_failure_of_the_server(ctx, response, case):
    """Not one answer says that the archive failed, 503 included: nothing in this run is busy."""
    if response.status_code >= 500:
        raise AssertionError(f"{case.method} {case.operation.path} answered {response.status_code}")


@schemathesis.check
def no_word_of_the_inside(ctx, response, case):
    """What went wrong is said without a file, a line, a type or a statement of the database."""
    said = response.content[:100_000]
    for inside in ("panicked", "/src/", ".rs:", "rusqlite", "SELECT ", "stack backtrace", "keyservice/state"):
        if response.status_code >= 400 and inside.encode() in said:
            raise AssertionError(f"{case.method} {case.operation.path} says {inside!r}")
