"""The FHIR door of a running archive: every answer is read by fhir.resources, what is kept is found, the rest is refused.

Usage: fhir_door.py URL SYSTEM_TOKEN CLINICIAN_TOKEN STRANGER_TOKEN
"""
import base64
import copy
import json
import sys
import uuid

import requests
from fhir.resources.R4B import get_fhir_model_class

url, system, clinician, stranger = sys.argv[1:5]
NIK = "https://fhir.kemkes.go.id/id/nik"


class Door:
    def __init__(self, token):
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method, path, status, body=None, headers=None, **further):
        """Asks, checks the status, and lets an independent reader judge the answer."""
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/fhir+json")
        answer = self.session.request(method, url + path, data=body, headers=headers, **further)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text[:500])
        if "json" in answer.headers.get("Content-Type", ""):
            value = answer.json()
            get_fhir_model_class(value["resourceType"]).model_validate(value)
            assert (value["resourceType"] == "OperationOutcome") == (status >= 400), value
        return answer


sender, reader, other = Door(system), Door(clinician), Door(stranger)


def found(path, door=None):
    return [entry["resource"]["id"] for entry in (door or reader).ask("GET", path, 200).json().get("entry", [])]


def number(prefix):
    return f"{prefix}{uuid.uuid4().int % 10**10:010d}"


reader.ask("GET", "/metadata", 200)
assert requests.get(url + "/metadata").status_code == 200
nobody = requests.get(url + "/Patient")
assert nobody.status_code == 401 and nobody.json()["issue"][0]["code"] == "login"

# A patient: created, read, hidden from strangers.
nik = number("317401")
patient = {
    "resourceType": "Patient",
    "identifier": [{"system": NIK, "value": nik}],
    "name": [{"text": "Siti Nurhaliza"}],
    "gender": "female",
    "birthDate": "1990-10-05",
}
created = sender.ask("POST", "/Patient", 201, patient)
assert created.headers["ETag"] == 'W/"1"' and created.headers["Location"].endswith("/_history/1")
patient_id = created.json()["id"]
read = reader.ask("GET", f"/Patient/{patient_id}", 200).json()
assert read["name"] == patient["name"] and read["meta"]["versionId"] == "1"
reader.ask("GET", f"/Patient/{patient_id}/_history/1", 200)
reader.ask("GET", f"/Patient/{patient_id}/_history/2", 404)
refused, absent = other.ask("GET", f"/Patient/{patient_id}", 404), other.ask("GET", "/Patient/nosuch", 404)
assert refused.content == absent.content
for query in [f"identifier={NIK}|{nik}", f"identifier={nik}", "name=siti", "name=nurhal&gender=female", "name=NUR&birthdate=1990-10-05"]:
    assert found(f"/Patient?{query}") == [patient_id], query
assert found(f"/Patient?identifier={nik}", other) == []

# A COVID-19 result: kept byte for byte, found by what it says.
text = (
    '{"resourceType" : "Observation", "status":"final","code":{"coding":[{"system":"http://loinc.org","code":"94500-6",'
    '"display":"SARS-CoV-2 RNA \\u2013 é"}]},\n "subject":{"reference":"Patient/%s"},'
    '"effectiveDateTime":"2021-07-04T10:00:00+07:00","valueQuantity":{"value":1.50}}' % patient_id
)
result = sender.ask("POST", "/Observation", 201, text.encode()).json()["id"]
assert text[1:] in reader.ask("GET", f"/Observation/{result}", 200).text
of_patient = f"patient={patient_id}"
for query in [
    "code=94500-6",
    "code=http://loinc.org|94500-6,94558-4",
    of_patient,
    f"subject=Patient/{patient_id}",
    f"patient.identifier={NIK}|{nik}",
    f"subject:identifier={NIK}|{nik}",
    f"{of_patient}&date=2021-07-04",
    f"{of_patient}&date=ge2021-01-01&date=lt2022",
    f"_id={result}",
    f"{of_patient}&status=final&_sort=-date&_count=1",
]:
    assert found(f"/Observation?{query}") == [result], query
for query in [
    f"code=1-1&{of_patient}",
    f"code=http://other|94500-6&{of_patient}",
    f"{of_patient}&date=2022",
    f"{of_patient}&status=preliminary",
    f"patient.identifier={NIK}|0000000000000001",
]:
    assert reader.ask("GET", f"/Observation?{query}", 200).json()["total"] == 0, query
form = {"code": "http://loinc.org|94500-6", "patient": patient_id}
assert reader.session.post(url + "/Observation/_search", data=form).json()["total"] == 1

# What cannot be kept or asked is refused in words.
for path in ["/Observation?foo=1", "/Observation?_include=Observation:subject", "/Observation?date=yesterday"]:
    reader.ask("GET", path, 400)
reader.ask("GET", "/Practitioner", 404)
bare = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
sender.ask("POST", "/Observation", 422, bare)
sender.ask("POST", "/Observation", 422, bare | {"subject": {"reference": "Patient/nosuch"}})
sender.ask("POST", "/Observation", 422, bare | {"subject": {"reference": f"Patient/{patient_id}"}, "status": "done"})
sender.ask("POST", "/Observation", 400, patient)
sender.ask("POST", "/Observation", 400, b'{"a":')
sender.ask("POST", "/Observation", 415, b"<a/>", {"Content-Type": "application/fhir+xml"})
sender.ask("PUT", f"/Patient/{patient_id}", 405, patient)
sender.ask("POST", "/Patient", 413, b" " * (40 * 1024 * 1024 + 1))

# A photo as it is.
photo = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
sender.ask("POST", "/Binary", 422, photo, {"Content-Type": "image/jpeg"})
kept = sender.ask("POST", "/Binary", 201, photo, {"Content-Type": "image/jpeg", "X-Security-Context": f"Patient/{patient_id}"})
path = "/Binary/" + kept.headers["Location"].split("/Binary/")[1].split("/")[0]
shown = reader.ask("GET", path, 200)
assert shown.content == photo and shown.headers["Content-Type"] == "image/jpeg"
wrapped = reader.ask("GET", path, 200, headers={"Accept": "application/fhir+json"}).json()
assert base64.b64decode(wrapped["data"]) == photo
other.ask("GET", path, 404)

# A referral in one transaction: all of it, with its references, or nothing.
second = number("317402")
names = [f"urn:uuid:{uuid.uuid4()}" for _ in range(5)]
letter = b"%PDF-1.4 a letter"
resources = [
    {
        "resourceType": "Patient",
        "identifier": [{"system": NIK, "value": second}, {"system": "http://sys-ids.kemkes.go.id/mrn/RSUD-A", "value": "00-12-34"}],
        "name": [{"given": ["Budi"], "family": "Santoso"}],
    },
    {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "94558-4"}]},
        "subject": {"reference": names[0]},
        "valueCodeableConcept": {"text": "Negative"},
    },
    {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Laboratory"},
        "subject": {"reference": names[0]},
        "result": [{"reference": names[1]}],
        "effectivePeriod": {"start": "2021-08-01", "end": "2021-08-03"},
    },
    {"resourceType": "Binary", "contentType": "application/pdf", "data": base64.b64encode(letter).decode()},
    {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1"}]},
        "subject": {"reference": names[0]},
        "date": "2021-08-02T10:00:00Z",
        "content": [{"attachment": {"contentType": "application/pdf", "url": names[3], "title": "Referral"}}],
    },
]
entries = [
    {"fullUrl": name, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
    for name, resource in zip(names, resources)
]
bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
wrong = copy.deepcopy(bundle)
wrong["entry"][2]["resource"]["status"] = "nope"
issue = sender.ask("POST", "", 422, wrong).json()["issue"][0]
assert issue["expression"] == ["Bundle.entry[2].resource.ofType(DiagnosticReport).status"]
assert found(f"/Patient?identifier={second}") == [], "nothing of a refused transaction is kept"
sender.ask("POST", "", 422, bundle | {"type": "batch"})
made = [entry["response"]["location"] for entry in sender.ask("POST", "", 200, bundle).json()["entry"]]
plain = ["/".join(location.split("/")[:2]) for location in made]
report = reader.ask("GET", "/" + made[2], 200).json()
assert report["subject"]["reference"] == plain[0] and report["result"][0]["reference"] == plain[1]
document = reader.ask("GET", "/" + made[4], 200).json()
attachment = document["content"][0]["attachment"]["url"]
assert attachment == plain[3]
shown = reader.ask("GET", "/" + attachment, 200)
assert shown.content == letter and shown.headers["Content-Type"] == "application/pdf"
assert found(f"/DiagnosticReport?patient.identifier={NIK}|{second}") == [report["id"]]
assert found("/DiagnosticReport?date=ge2021-08-03") == [report["id"]]
assert found("/DiagnosticReport?date=2021-08-02") == [], "a period of three days is not within one"
assert found("/DocumentReference?type=57133-1") == [document["id"]]

# Pages lead on from one to the next.
first = reader.ask("GET", "/Patient?_count=1", 200).json()
(after,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
rest = reader.ask("GET", after.removeprefix(url), 200).json()
assert first["total"] == rest["total"] == 2
assert {first["entry"][0]["resource"]["id"], rest["entry"][0]["resource"]["id"]} == {patient_id, plain[0].split("/")[1]}

# An order names its patient in what it contains, or by a number alone; both are the same person.
order = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "original-order",
    "identifier": [{"system": "http://sys-ids.kemkes.go.id/acsn/1", "value": "ACC-9"}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "24648-8"}]},
    "subject": {"reference": "#p"},
    "contained": [{"resourceType": "Patient", "id": "p", "identifier": [{"system": NIK, "value": nik}]}],
}
ordered = sender.ask("POST", "/ServiceRequest", 201, order).json()["id"]
assert found("/ServiceRequest?identifier=http://sys-ids.kemkes.go.id/acsn/1|ACC-9&_sort=-_lastUpdated&_count=1") == [ordered]
del order["contained"]
order["subject"] = {"identifier": {"system": NIK, "value": nik}}
silent = sender.ask("POST", "/ServiceRequest", 201, order, {"Prefer": "return=minimal"})
assert silent.content == b""
assert len(found(f"/ServiceRequest?{of_patient}")) == 2
print("every answer was valid FHIR")
