"""Somebody with every file of both hosts and no key tries to pick canaries out.

analyst.py DATA CANARIES.json: the list of studies is used to score guesses, never to make them. For each thing that stands in
clear, how well it alone parts canaries from patients (area under the curve, 0.5 is chance), and all together, by a
regression that is judged on what it was not fitted to. Fails if any of it is beyond what chance gives.
"""

import json
import math
import sqlite3
import sys

import cbor2
import numpy

data, labels = sys.argv[1], set(json.load(open(sys.argv[2])))
index = sqlite3.connect(f"file:{data}/archive/index.sqlite?mode=ro", uri=True)
state = sqlite3.connect(f"file:{data}/keyservice/state.sqlite?mode=ro", uri=True)

studies = {}
for patient, uid, day, series, instances, tokens in index.execute(
    "SELECT patient, study_instance_uid, day, series, instances, tokens FROM studies ORDER BY id"
):
    fields = [token[0] for token in cbor2.loads(tokens)]
    studies.setdefault(patient, []).append((uid, day, series, instances, fields))
versions = {}
senders, classes = {}, {}
for row, record in index.execute(
    "SELECT v.id, v.record FROM versions v ORDER BY v.id"
):
    versions[row] = cbor2.loads(record)


def field(record, number):
    return record[number] if isinstance(record, list) else record.get(number)


pseudonyms = {bytes(p): i for i, p in index.execute("SELECT id, pseudonym FROM patients")}
objects = {}
for row, record in versions.items():
    objects.setdefault(pseudonyms[bytes(field(record, 2))], []).append((row, record))

rows = {bytes(p): (i, len(s or b"")) for i, p, s in state.execute("SELECT id, pseudonym, secret FROM patient")}
identifiers = dict(state.execute("SELECT patient, count(*) FROM identifier GROUP BY patient"))
treated = dict(state.execute("SELECT patient, min(since) FROM treated GROUP BY patient"))
events = [length for (length,) in state.execute("SELECT length(sealed) FROM event ORDER BY position")]


def size(extent):
    return field(extent, 1)


names, table, truth = None, [], []
order = sorted(objects)
before = {}
last = None
for patient in order:
    first = min(field(record, 6) for _, record in objects[patient])
    before[patient] = 0 if last is None else first - last
    last = first
for patient in order:
    mine, shown = objects[patient], studies.get(patient, [])
    records = [record for _, record in mine]
    arrived = [field(record, 6) for record in records]
    pseudonym = bytes(field(records[0], 2))
    row, secret = rows[pseudonym]
    uids = [uid for uid, *_ in shown]
    facts = [field(record, 14)[1][0] for record in records]
    days = [day for _, day, *_ in shown]
    tokens = [sum((fields.count(number) for *_, fields in shown), 0) for number in range(9)]
    features = {
        "objects": len(mine),
        "studies": len(shown),
        "series": sum(series for _, _, series, _, _ in shown),
        "summary bytes": numpy.mean([size(field(record, 11)) for record in records]),
        "metadata bytes": numpy.mean([size(field(record, 12)) for record in records]),
        "content bytes": numpy.mean([size(field(record, 13)) for record in records]),
        "content bytes, largest": max(size(field(record, 13)) for record in records),
        "data set offset": numpy.mean([field(fact, 8) for fact in facts]),
        "frames": numpy.mean([field(fact, 7) for fact in facts]),
        "study day": numpy.mean(days),
        "length of the study's UID": numpy.mean([len(uid) for uid in uids]),
        "components of the study's UID": numpy.mean([uid.count(".") for uid in uids]),
        "length of the instances' UIDs": numpy.mean([len(field(fact, 2)) for fact in facts]),
        "sender": hash(field(records[0], 5)) % 1009,
        "SOP class": hash(field(facts[0], 3)) % 1009,
        "transfer syntax": hash(field(facts[0], 4)) % 1009,
        "modality": hash(field(facts[0], 5)) % 1009,
        **{f"tokens of field {number}": count for number, count in enumerate(tokens)},
        "microseconds between its objects": (max(arrived) - min(arrived)) / max(1, len(mine) - 1),
        "microseconds since the one before": before[patient],
        "place in the index": patient,
        "place in the key service": row,
        "distance of both places": row - patient,
        "sealed secret's bytes": secret,
        "identifiers": identifiers.get(row, 0),
        "microsecond of the day": treated.get(row, 0) % 86_400_000_000,
        "first byte of the pseudonym": pseudonym[0],
    }
    names = list(features)
    table.append([float(value) for value in features.values()])
    truth.append(any(uid in labels for uid in uids))

table, truth = numpy.array(table), numpy.array(truth)
positives, negatives = int(truth.sum()), int((~truth).sum())
assert positives == len(labels), (positives, len(labels))


def area(score, truth):
    """The probability that a canary has a higher score than a patient; ties count half (Mann-Whitney)."""
    ranks = numpy.empty(len(score))
    ordered = numpy.sort(score)
    for place, value in enumerate(score):
        ranks[place] = (numpy.searchsorted(ordered, value, "left") + numpy.searchsorted(ordered, value, "right") + 1) / 2
    ones = int(truth.sum())
    return (ranks[truth].sum() - ones * (ones + 1) / 2) / (ones * (len(truth) - ones))


deviation = math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
results = []
for column, name in enumerate(names):
    value = area(table[:, column], truth)
    results.append((max(value, 1 - value), name))

spread = table.std(axis=0)
normal = (table - table.mean(axis=0)) / numpy.where(spread == 0, 1, spread)
random = numpy.random.default_rng(7)
fold = random.permutation(len(truth)) % 5
scores = numpy.zeros(len(truth))
for part in range(5):
    train = fold != part
    weights, bias = numpy.zeros(normal.shape[1]), 0.0
    balance = numpy.where(truth[train], 0.5 / max(1, truth[train].sum()), 0.5 / max(1, (~truth[train]).sum()))
    for _ in range(2000):
        guess = 1 / (1 + numpy.exp(-(normal[train] @ weights + bias)))
        error = (guess - truth[train]) * balance
        weights -= 0.5 * (normal[train].T @ error + 0.01 * weights)
        bias -= 0.5 * error.sum()
    scores[~train] = normal[~train] @ weights + bias
together = area(scores, truth)

results.sort(reverse=True)
print(f"{positives} canaries among {negatives} patients; chance alone: 0.5 +- {deviation:.3f}")
for value, name in results:
    print(f"  {value:.3f} {name}")
print(f"  {together:.3f} all together, on what the fit has not seen")
# Of some thirty looks one is beyond 3.5 deviations once in seventy runs; nothing real is that small.
limit = 0.5 + 4 * deviation
bad = [(name, value) for value, name in results if value > limit]
if together > limit:
    bad.append(("all together", together))
if bad:
    sys.exit(f"beyond {limit:.3f}: {bad}")
