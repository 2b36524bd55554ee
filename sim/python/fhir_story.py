"""FHIR against a running archive; every answer is read by the independent models of fhir.resources.

Usage: fhir_story.py URL SYSTEM_TOKEN CLINICIAN_TOKEN BUNDLE NIK
"""
import base64
import json
import sys
from pathlib import Path

import requests
from fhir.resources.R4B import get_fhir_model_class

url, system, clinician, bundle, nik = sys.argv[1:6]
NIK = "https://fhir.kemkes.go.id/id/nik"


def valid(answer, expected):
    body = answer.json()
    get_fhir_model_class(body["resourceType"]).model_validate(body)
    assert answer.status_code == expected, (answer.status_code, body)
    assert answer.headers["Content-Type"].startswith("application/fhir+json"), answer.headers["Content-Type"]
    return body


def get(path, expected=200, token=clinician, **parameters):
    return valid(requests.get(f"{url}/{path}", params=parameters, headers={"Authorization": f"Bearer {token}"}), expected)


def post(path, body, expected, token=system, **headers):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"} | headers
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(f"{url}/{path}", data=data, headers=headers), expected


statement = get("metadata")
assert statement["fhirVersion"] == "4.0.1"
created = valid(*post("", Path(bundle).read_bytes(), 200))
assert created["type"] == "transaction-response"
locations = [entry["response"]["location"] for entry in created["entry"]]
assert all(entry["response"]["status"].startswith("201") for entry in created["entry"])
patient_id, observation_id = (location.split("/_history")[0].rsplit("/", 1)[1] for location in locations)

patient = get(f"Patient/{patient_id}")
observation = get(f"Observation/{observation_id}")
assert observation["subject"]["reference"] == f"Patient/{patient_id}", "references inside a transaction are resolved"
assert observation["meta"]["versionId"] == "1" and observation["id"] == observation_id
assert get("Patient", identifier=f"{NIK}|{nik}")["total"] == 1
assert get("Observation", code="http://loinc.org|94500-6")["total"] == 1
assert get("Observation", code="94500-6", date="2021-12-28")["total"] == 1
assert get("Observation", code="94558-4")["total"] == 0
assert get("Observation", date="ge2022-01-01")["total"] == 0
assert get("Observation", date="le2021-12-31", patient=f"Patient/{patient_id}")["total"] == 1
found = get("Observation", **{"patient.identifier": f"{NIK}|{nik}"})
assert found["total"] == 1 and found["entry"][0]["resource"]["id"] == observation_id

# Kept byte-exact: a decimal keeps its zeros, members their order, unknown extensions their place.
exact = ('{ "resourceType":"Observation","status":"final", "code":{"coding":[{"system":"http://loinc.org","code":"94558-4"}]},'
         f'"subject":{{"reference":"Patient/{patient_id}"}},"effectiveDateTime":"2022-01-05","valueQuantity":{{"value":1.500,"unit":"x"}}}}')
answer, _ = post("Observation", exact.encode(), 201)
assert answer.status_code == 201, answer.text
location = answer.headers["Location"].split("/_history")[0]
text = requests.get(location if "://" in location else f"{url}/{location.split('/fhir/')[-1]}",
                    headers={"Authorization": f"Bearer {clinician}"}).text
assert '"valueQuantity":{"value":1.500,"unit":"x"}' in text, text
assert get("Observation", code="94558-4")["total"] == 1

jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
headers = {"Authorization": f"Bearer {system}", "Content-Type": "image/jpeg", "X-Security-Context": f"Patient/{patient_id}"}
answer = requests.post(f"{url}/Binary", data=jpeg, headers=headers)
assert answer.status_code == 201, answer.text
binary = answer.headers["Location"].split("/_history")[0].rsplit("/", 1)[1]
raw = requests.get(f"{url}/Binary/{binary}", headers={"Authorization": f"Bearer {clinician}", "Accept": "image/jpeg"})
assert raw.status_code == 200 and raw.content == jpeg and raw.headers["Content-Type"] == "image/jpeg"
as_json = requests.get(f"{url}/Binary/{binary}", headers={"Authorization": f"Bearer {clinician}", "Accept": "application/fhir+json"})
assert base64.b64decode(valid(as_json, 200)["data"]) == jpeg

document = {"resourceType": "DocumentReference", "status": "current", "date": "2022-01-05T10:00:00+07:00",
            "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1"}]},
            "subject": {"reference": f"Patient/{patient_id}"},
            "content": [{"attachment": {"contentType": "image/jpeg", "url": f"Binary/{binary}"}}]}
valid(*post("DocumentReference", document, 201))
order = {"resourceType": "ServiceRequest", "status": "active", "intent": "order",
         "code": {"coding": [{"system": "http://loinc.org", "code": "24648-8"}]}, "subject": {"reference": f"Patient/{patient_id}"}}
valid(*post("ServiceRequest", order, 201))
report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "24648-8"}]},
          "subject": {"identifier": {"system": NIK, "value": nik}}, "effectiveDateTime": "2022-01-05", "conclusion": "Paru dalam batas normal"}
valid(*post("DiagnosticReport", report, 201))
for kind in ("DocumentReference", "ServiceRequest", "DiagnosticReport"):
    assert get(kind, patient=f"Patient/{patient_id}")["total"] == 1, kind

for path, body, expected in [
    ("Observation", {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}, 422),
    ("Observation", {"resourceType": "Patient"}, 400),
    ("Observation", b"{", 400),
    ("Observation", b"[" * 100_000, 400),
    ("Observation", b'{"resourceType":"Observation","status":"final","status":"final"}', 400),
    ("Medication", {"resourceType": "Medication"}, 404),
]:
    refused = valid(*post(path, body, expected))
    assert refused["resourceType"] == "OperationOutcome", (path, refused)
get("Observation/0000", 404)
get("Observation", 400, nosuchparameter="1")
get("Patient", 401, token="nobody")

# A transaction is all or nothing.
before = get("Patient")["total"]
story = json.loads(Path(bundle).read_bytes())
story["entry"][1]["resource"].pop("code")
refused = valid(*post("", story, 422))
assert refused["resourceType"] == "OperationOutcome" and get("Patient")["total"] == before
print("FHIR: created, read, searched; every answer is valid R4")
