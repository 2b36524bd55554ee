"""Searches as hospitals' programs ask them: every kind of matching over DIMSE (pynetdicom, DCMTK's findscu) and DICOMweb
(dicomweb-client), on data sets that pydicom made.

Usage: search_story.py HOST:PORT URL SYSTEM_TOKEN CLINICIAN_TOKEN
"""
import subprocess
import sys
from urllib.parse import urlsplit

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind as PatientRoot,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind as StudyRoot,
)

address, url, system, clinician = sys.argv[1:5]
host, port = address.split(":")
ROOT = "1.2.826.0.1.3680043.10.1564"


def instance(study, series, number, name, patient_id, charset=None, **values):
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if charset:
        made.SpecificCharacterSet = charset
    made.SOPClassUID = SecondaryCaptureImageStorage
    made.StudyInstanceUID = f"{ROOT}.{study}"
    made.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    made.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    made.PatientName, made.PatientID, made.InstanceNumber = name, patient_id, number
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def item(**values):
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


step = lambda step, request: item(
    ScheduledProcedureStepID=step,
    RequestedProcedureID=request,
    ScheduledProtocolCodeSequence=[item(CodeValue="P" + step, CodingSchemeDesignator="99RS", CodeMeaning="Protokol")],
)
sent = [
    instance(1, 1, 1, "AMINAH^SITI", "00-1", Modality="CT", StudyDate="20260105", StudyTime="081500", AccessionNumber="A1",
             StudyDescription="Thorax", SeriesDescription="Polos", PatientBirthDate="19800101",
             RequestAttributesSequence=Sequence([step("S1", "R1"), step("S2", "R2")])),
    instance(1, 2, 1, "AMINAH^SITI", "00-1", Modality="PT", StudyDate="20260105", StudyTime="081500", AccessionNumber="A1",
             StudyDescription="Thorax", SeriesDescription="Kontras", PatientBirthDate="19800101"),
    instance(2, 1, 1, "Soeharto^Bambang", "00-2", Modality="CT", StudyDate="20260106", StudyTime="230000",
             AccessionNumber="A2", StudyDescription="", PatientBirthDate="19700202"),
    instance(3, 1, 1, "Muñoz^José", "00-3", "ISO_IR 100", Modality="MR", StudyDate="20260107", StudyTime="010000",
             StudyDescription="Kepala", PatientBirthDate="19990303"),
    instance(4, 1, 1, "Yamada^Tarou=山田^太郎=やまだ^たろう", "00-4", ["", "ISO 2022 IR 87"], Modality="US",
             StudyDate="20250107", StudyTime="120000", PatientBirthDate="20010404"),
]


def associate(model=None, agreed=None):
    ae = AE(ae_title="PYNETDICOM")
    for syntax in (SecondaryCaptureImageStorage, StudyRoot, PatientRoot):
        ae.add_requested_context(syntax)
    extra = []
    if agreed:
        asked = SOPClassExtendedNegotiation()
        asked.sop_class_uid, asked.service_class_application_information = model, agreed
        extra.append(asked)
    association = ae.associate(host, int(port), ae_title="SEGEL", ext_neg=extra)
    assert association.is_established
    return association


def identifier(level, charset=None, **values):
    asked = item(QueryRetrieveLevel=level)
    if charset:
        asked.SpecificCharacterSet = charset
    for keyword, value in values.items():
        setattr(asked, keyword, value)
    return asked


def find(association, asked, model=StudyRoot, pending=0xFF00):
    answers = []
    for status, answer in association.send_c_find(asked, model):
        assert status, "the archive broke off"
        if status.Status in (0xFF00, 0xFF01):
            assert status.Status == pending, hex(status.Status)
            answers.append(answer)
        elif status.Status:
            return status.Status
    return answers


def studies(answers):
    return sorted({answer.StudyInstanceUID.rsplit(".", 1)[1] for answer in answers})


plain = associate()
for one in sent:
    assert plain.send_c_store(one).Status == 0x0000

# Every kind of matching of PS3.4 C.2.2.2 at the level of the study.
for expected, values in [
    (["1", "2", "3", "4"], dict(PatientName="")),
    (["1"], dict(PatientName="aminah^siti")),
    (["1"], dict(PatientName="AMIN*")),
    (["3"], dict(PatientName="MUNOZ*")),
    ([], dict(PatientName="SITI")),
    (["1"], dict(PatientID="00-1")),
    (["1", "2", "3", "4"], dict(PatientID="00-?")),
    (["1", "2"], dict(StudyDate="20260105-20260106")),
    (["1", "2", "3"], dict(StudyDate="20260101-")),
    (["4"], dict(StudyDate="-20251231")),
    (["1", "4"], dict(StudyTime="0800-1300")),
    (["1", "2"], dict(ModalitiesInStudy="CT")),
    (["1", "3"], dict(StudyInstanceUID=[f"{ROOT}.1", f"{ROOT}.3"])),
    (["2"], dict(AccessionNumber="A2")),
    (["2"], dict(PatientBirthDate="-19791231")),
    (["1"], dict(PatientID="00-1", IssuerOfPatientID="RSUD-A")),
    ([], dict(PatientID="00-1", IssuerOfPatientID="RSUD-B")),
    (["1"], dict(StudyDescription="Tho*", ModalitiesInStudy="PT")),
]:
    asked = identifier("STUDY", **{"StudyInstanceUID": "", **values})
    assert studies(find(plain, asked)) == expected, values
asked = identifier("STUDY", "ISO_IR 192", StudyInstanceUID="", PatientName="山田*")
[yamada] = find(plain, asked)
assert str(yamada.PatientName).startswith("Yamada^Tarou=山田"), yamada

# What the archive computes.
asked = identifier("STUDY", StudyInstanceUID=f"{ROOT}.1", ModalitiesInStudy="", SOPClassesInStudy="", InstanceAvailability="",
                   NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances="", NumberOfPatientRelatedStudies="",
                   NumberOfPatientRelatedInstances="", IssuerOfPatientID="", RetrieveAETitle="")
[row] = find(plain, asked)
assert list(row.ModalitiesInStudy) == ["CT", "PT"] and row.SOPClassesInStudy == SecondaryCaptureImageStorage
counts = (row.NumberOfStudyRelatedSeries, row.NumberOfStudyRelatedInstances, row.NumberOfPatientRelatedStudies,
          row.NumberOfPatientRelatedInstances)
assert counts == (2, 2, 1, 2), counts
assert (row.InstanceAvailability, row.IssuerOfPatientID, row.RetrieveAETitle) == ("ONLINE", "RSUD-A", "SEGEL")
asked = identifier("PATIENT", PatientID="", PatientName="aminah*", NumberOfPatientRelatedSeries="")
[row] = find(plain, asked, PatientRoot)
assert (row.PatientID, row.NumberOfPatientRelatedSeries) == ("00-1", 2)

# Sequences: one item must have everything, and no more of it comes back than was asked for.
for request, count in [("R1", 1), ("R2", 0)]:
    inside = item(ScheduledProcedureStepID="S1", RequestedProcedureID=request,
                  ScheduledProtocolCodeSequence=[item(CodeValue="PS1")])
    asked = identifier("SERIES", StudyInstanceUID=f"{ROOT}.1", SeriesInstanceUID="", RequestAttributesSequence=[inside])
    rows = find(plain, asked)
    assert len(rows) == count, rows
    for row in rows:
        assert len(row.RequestAttributesSequence) == 2
        first = row.RequestAttributesSequence[0]
        assert first.ScheduledProtocolCodeSequence[0].CodeValue == "PS1"
        assert "CodeMeaning" not in first.ScheduledProtocolCodeSequence[0]
assert find(plain, identifier("SERIES", SeriesInstanceUID="")) == 0xA900, "the study's UID is missing"
unknown = find(plain, identifier("STUDY", StudyInstanceUID="", SliceThickness="1"), pending=0xFF01)
assert studies(unknown) == ["1", "2", "3", "4"]
plain.release()

# What is only done where both have agreed: keys of any level, one range of moments, sound, empty and several values.
agreed = associate(StudyRoot, b"\x01\x01\x01\x00\x00\x01\x01")
[answer] = [i for i in agreed.acceptor.user_information if isinstance(i, SOPClassExtendedNegotiation)]
assert answer.service_class_application_information == b"\x01\x01\x01\x00\x00\x01\x01", answer
assert len(find(agreed, identifier("SERIES", SeriesInstanceUID="", PatientID="00-1"))) == 2
assert studies(find(agreed, identifier("STUDY", StudyInstanceUID="", SeriesDescription="Kontras"))) == ["1"]
for expected, values in [
    (["2", "3"], dict(StudyDate="20260106-20260107", StudyTime="2200-0200")),
    (["2"], dict(PatientName="Suharto")),
    (["2", "4"], dict(StudyDescription='""')),
    (["1"], dict(ModalitiesInStudy=["PT", "CT"])),
]:
    asked = identifier("STUDY", **{"StudyInstanceUID": "", **values})
    assert studies(find(agreed, asked)) == expected, values
agreed.release()

# DCMTK asks inside a sequence.
keys = ["QueryRetrieveLevel=SERIES", f"StudyInstanceUID={ROOT}.1", "SeriesInstanceUID",
        "(0040,0275)[0].(0040,0009)=S2", "(0040,0275)[0].(0040,1001)"]
command = ["findscu", "-v", "-S", "-aet", "PYNETDICOM", "-aec", "SEGEL", host, port]
command += [word for key in keys for word in ("-k", key)]
shown = subprocess.run(command, capture_output=True, text=True, check=True)
shown = shown.stdout + shown.stderr
assert shown.count("(Pending)") == 1 and "[R2" in shown, shown

# DICOMweb.
session = requests.Session()
session.headers["Authorization"] = f"Bearer {clinician}"
web = DICOMwebClient(url=url, session=session)
uid = "0020000D"
of = lambda rows: sorted({row[uid]["Value"][0].rsplit(".", 1)[1] for row in rows})
assert of(web.search_for_studies(search_filters={"PatientName": "Suharto"}, fuzzymatching=True)) == ["2"]
assert of(web.search_for_studies(search_filters={"PatientName": "Suharto"})) == []
assert of(web.search_for_studies(search_filters={"00400275.00400009": "S1"})) == ["1"]
[row] = web.search_for_series(search_filters={"RequestAttributesSequence.ScheduledProcedureStepID": "S1"},
                              fields=["00400275.00400009"])
assert row["00400275"]["Value"][0]["00400009"]["Value"] == ["S1"]
assert len(web.search_for_series(f"{ROOT}.1")) == 2 and len(web.search_for_instances(f"{ROOT}.1")) == 2
assert len(web.search_for_instances(search_filters={"Modality": "CT"})) == 2


def get(path, **parameters):
    return session.get(f"{url}{path}", params=parameters)


assert of(get("/studies", StudyDescription='""', emptyvaluematching="true").json()) == ["2", "4"]
assert of(get("/studies", ModalitiesInStudy="CT\\PT", multiplevaluematching="true").json()) == ["1"]
found = get("/studies", StudyInstanceUID=f"{ROOT}.1", includefield="SOPClassesInStudy,NumberOfPatientRelatedSeries").json()
assert found[0]["00080062"]["Value"] == [SecondaryCaptureImageStorage] and found[0]["00201202"]["Value"] == [2]
whole = get("/studies")
assert whole.headers["X-Total-Count"] == "4" and "Link" not in whole.headers and "Warning" not in whole.headers
assert "Warning" in get("/studies", SliceThickness="1").headers
assert get("/studies", after="1").status_code == 400 and get("/studies", fuzzymatching="si").status_code == 400
assert get("/studies", limit="1", offset="3").json() == whole.json()[3:]

# Page by page by the links, while another study comes: each that was there, once.
page, pages = get("/studies", limit="1", PatientID="00-*"), []
associated = associate()
assert associated.send_c_store(instance(5, 1, 1, "BARU", "00-5", StudyDate="20260106")).Status == 0x0000
associated.release()
while True:
    pages += page.json()
    if "next" not in page.links:
        break
    assert "X-Total-Count" not in page.headers and page.headers["Warning"].startswith("299 ")
    assert urlsplit(page.links["next"]["url"]).netloc == urlsplit(url).netloc
    page = session.get(page.links["next"]["url"])
assert [row[uid] for row in pages] == [row[uid] for row in whole.json()], pages
assert of(get("/studies").json()) == ["1", "2", "3", "4", "5"]
print("every search found what it should")
